package diagnose

import (
	"strconv"
	"strings"
)

// errno is a failure that the kernel names, or the resolver. It is the best
// single cue there is: the same in every language, though written in many ways.
type errno uint8

const (
	noErrno errno = iota
	eAddrInUse
	eAddrNotAvail
	eAFNoSupport
	eAccess
	ePerm
	eNoEntry
	eReadOnly
	eNoSpace
	eConnRefused
	eConnTimeout // ETIMEDOUT, EHOSTUNREACH, ENETUNREACH
	eTooManyFiles
	eNoMemory
	eAgain
	eExecFormat
	eNoName // the resolver knows no such host, or answers not
)

// errnoSet is a set of them, one bit each.
type errnoSet uint32

func (s errnoSet) has(e errno) bool { return s&(1<<e) != 0 }

// errnoWords are the ways in which each is written, in lower case: the name, what
// glibc and musl say, in the languages that images are set to, and what the
// runtimes call it (Rust's ErrorKind, Erlang's atoms, Java's exceptions).
// https://pubs.opengroup.org/onlinepubs/9699919799/basedefs/errno.h.html
var errnoWords = [...]struct {
	errno errno
	words string // alternatives
}{
	{eAddrInUse, "eaddrinuse|address already in use|address in use|addrinuse|address is already in use|adresse wird bereits verwendet|" +
		"adresse déjà utilisée|dirección ya se está usando|dirección ya está en uso|indirizzo già in uso|endereço já em uso|" +
		"дрес уже используется|地址已在使用|アドレスは既に使用中|only one usage of each socket address"},
	{eAddrNotAvail, "eaddrnotavail|cannot assign requested address|can't assign requested address|can not assign requested address|" +
		"address not available|addrnotavailable|die angeforderte adresse kann nicht|impossible d'assigner l'adresse|" +
		"requested address is not valid in its context|евозможно назначить запрошенный адрес"},
	{eAFNoSupport, "eafnosupport|address family not supported|address family for hostname not supported|adressfamilie wird von|" +
		"famille d'adresses non support"},
	{eAccess, "eacces|permission denied|permissiondenied|accessdeniedexception|keine berechtigung|permission non accordée|" +
		"permiso denegado|permesso negato|permissão negada|тказано в доступе|許可がありません|权限不够|unauthorizedaccessexception"},
	{ePerm, "eperm|operation not permitted|die operation ist nicht erlaubt|opération non permise|operación no permitida|" +
		"операция не позволена|operazione non permessa"},
	{eNoEntry, "enoent|no such file or directory|no such file ]|no such file)|filenotfounderror|filenotfoundexception|nosuchfileexception|kind: notfound|" +
		"datei oder verzeichnis nicht gefunden|aucun fichier ou dossier de ce|no existe el archivo o el directorio|" +
		"file o directory non esistente|arquivo ou diretório não encontrado|ет такого файла или каталога|没有那个文件或目录|" +
		"そのようなファイルやディレクトリ|could not find file '"},
	{eReadOnly, "erofs|read-only file system|readonlyfilesystem|readonly file system|dateisystem ist nur lesbar|" +
		"système de fichiers accessible en lecture|sistema de ficheros de sólo lectura|sistema de archivos de solo lectura|" +
		"file system in sola lettura|айловая система доступна только для чтения"},
	{eNoSpace, "enospc|no space left on device|storagefull|kein speicherplatz mehr verfügbar|aucun espace disponible sur|" +
		"no queda espacio en el dispositivo|spazio esaurito sul device|espaço disponível no dispositivo|" +
		"не осталось свободного места|设备上没有空间|edquot|disk quota exceeded"},
	{eConnRefused, "econnrefused|connection refused|connectionrefused|verbindungsaufbau abgelehnt|connexion refusée|conexión rehusada|" +
		"connessione rifiutata|conexão recusada| соединении отказано|拒绝连接|接続を拒否|actively refused it|" +
		"connectexception: connection refused"},
	{eConnTimeout, "etimedout|connection timed out|connect timed out|operation timed out|ehostunreach|no route to host|" +
		"host is unreachable|host unreachable|enetunreach|network is unreachable|network unreachable|hostunreachable|" +
		"networkunreachable|die wartezeit für die verbindung ist abgelaufen|kein weg zum zielrechner|" +
		"connexion terminée par expiration|aucun chemin d'accès pour atteindre|no existe ninguna ruta hasta|" +
		"noroutetohostexception"},
	{eTooManyFiles, "emfile|enfile|too many open files|no file descriptors available|zu viele offene dateien|trop de fichiers ouverts|" +
		"demasiados archivos abiertos|demasiados ficheros abiertos|лишком много открытых файлов"},
	{eNoMemory, "enomem|cannot allocate memory|nicht genügend hauptspeicher verfügbar|impossible d'allouer de la mémoire|" +
		"no se pudo asignar memoria|не удалось выделить память"},
	{eAgain, "eagain|resource temporarily unavailable|die ressource ist zur zeit nicht verfügbar|" +
		"ressource temporairement non disponible|recurso no disponible temporalmente"},
	{eExecFormat, "enoexec|exec format error|fehler im format der programmdatei|erreur de format pour exec|" +
		"formato de ejecutable incorrecto|шибка формата выполняемого"},
	{eNoName, "enotfound|eai_again|eai_noname|eai_nodata|gaierror|no such host|unknownhostexception|name or service not known|" +
		"temporary failure in name resolution|name does not resolve|nodename nor servname|no address associated with hostname|" +
		"nxdomain|der name oder der dienst ist nicht bekannt|nom ou service inconnu|nombre o servicio desconocido|" +
		"nome o servizio sconosciuto|unresolvedaddressexception|host not found|failed to lookup address information"},
}

// errnoNumbers are Linux's, for programs that print no more: "os error 98".
var errnoNumbers = [...]struct {
	number int
	errno  errno
}{
	{1, ePerm}, {2, eNoEntry}, {8, eExecFormat}, {11, eAgain}, {12, eNoMemory}, {13, eAccess}, {23, eTooManyFiles}, {24, eTooManyFiles},
	{28, eNoSpace}, {30, eReadOnly}, {97, eAFNoSupport}, {98, eAddrInUse}, {99, eAddrNotAvail}, {101, eConnTimeout},
	{110, eConnTimeout}, {111, eConnRefused}, {113, eConnTimeout}, {122, eNoSpace},
}

// numberedErrno reads "[Errno 98]", "errno: 13", "os error 111", "Errcode: 13".
// What npm calls errno is the exit status of a script; a system call's is negative.
func numberedErrno(low string) errno {
	if strings.HasPrefix(low, "npm err") {
		return noErrno
	}
	for _, word := range [...]string{"errno", "errcode", "os error", "socketexception (", "error_code"} {
		_, rest, ok := strings.Cut(low, word)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " :=(\"")
		end := 0
		for end < len(rest) && end < 4 && isDigit(rest[end]) {
			end++
		}
		number, err := strconv.Atoi(rest[:end])
		if err != nil {
			continue
		}
		for _, known := range errnoNumbers {
			if known.number == number {
				return known.errno
			}
		}
	}
	return noErrno
}
