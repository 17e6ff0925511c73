package diagnose

var permissionDenied = Entry{
	ID: "permission-denied", Family: "filesystem",
	What:    "The user of the process may not read, write or create a file or directory.",
	How:     "An operation on a path was refused with EACCES or EPERM, or a server complains about owner or mode.",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint sh {image} -c 'id; ls -lan DIRECTORY'",
	Fix:     "Give the path to the user that the process runs as (chown in the image, or on the host for a bind mount), or run it as the owner.",
	signs: []sign{
		{errno: eAccess, score: .93, when: func(s *scene, l int) bool { return !namesNoFile(s.lines[l].text) }},
		{errno: eAccess, score: .82, when: func(s *scene, l int) bool { return !binding(s, l) }},
		{errno: eAccess, score: .6},
		{errno: ePerm, score: .8, when: func(s *scene, l int) bool { return !privileged(s, l) }},
		{has: "must be owned by|should be owned by|wrong ownership|has wrong owner|is not owned by|not owned by|" +
			"group or world access|group or other|has invalid permissions|has wrong permissions|insufficient permissions|" +
			"bad permissions|permissions are too open|are too open|unsafe permissions|must be private|must not be world|" +
			"world writable|world-writable|writable by others|group-writable|wrong permissions|invalid permissions|" +
			"globally writable|globally readable|world-readable|readable by others|writable by group|insecure permissions|" +
			"insecure configuration|insecure ownership|unsafe ownership|bad ownership|too permissive|should not be accessible|" +
			"permissions should be|only be accessible by the owner|incorrect permissions|incorrect owner|permissions 0", not: "warn", score: .93},
		{has: "can only be run by|may only be run by|must be run as|must be run by|only be run as|only be run by|needs to be run as|" +
			"must run as root|you must be root|must be started as|must be started by|has to be run as|not running as root|" +
			"requires root|root privileges|superuser privileges|you need to be root|are you root", not: "should not|must not|cannot be|can't be|not be run|warn|info|drop|port ", score: .85, when: func(s *scene, l int) bool { return s.ended && s.exit != 0 }},
		{has: "(0700)|(0600)|(0640)|(0750)|-rwx--|-rw---", and: "permission|must|should", not: "warn|info", score: .88},
		{has: "permission 0|permissions 0|mode 0|file mode|permission of|permissions of", and: "wrong|allowed|too |must|should|insecure|unsafe|bad|expected|maximum", not: "warn|info|debug", score: .85},
		{has: "access to file denied|file access denied|for writing|must be writeable by|parent directory must be", not: "read-only|no space", score: .8, when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{has: "unable to open database file|sqlite_cantopen", score: .75, why: "SQLite could not open its file: mostly the directory is not there, or not the user's."},
		{has: "is not writable|not writable|isn't writable|not writeable|cannot write to|can't write to|unable to write|" +
			"could not write|failed to write|failed to create|failed writing|must be writable|is not readable|not readable|cannot create directory|can't create/write|" +
			"unable to create|could not create|cannot create|unable to open|cannot be written|no write access|write permission|" +
			"not have permission|no permission", not: "thread|no space|read-only|process|socket|tls|too many|server tcp|memory|no such file|virtual machine|database file|" +
			"ssl|connection|sequence|lock|bean", score: .62,
			when: func(s *scene, l int) bool {
				r := roleIn(s.lines[l].text)
				return s.lines[l].level != calm && r != noPath && r != tlsPath
			}},
	},
}

var readonlyFilesystem = Entry{
	ID: "readonly-filesystem", Family: "filesystem",
	What:    "The service writes where it cannot: a read-only root file system, or a mount with :ro.",
	How:     "An operation was refused with EROFS; or a temporary or database file could not be made in a container that is read-only.",
	Confirm: "docker inspect -f '{{.HostConfig.ReadonlyRootfs}} {{json .Mounts}}' {container}",
	Fix:     "Mount a tmpfs or a volume at the path (tmpfs: /tmp, /run), or take :ro away.",
	signs: []sign{
		{errno: eReadOnly, score: .97},
		{has: "attempt to write a readonly database|readonly database|read-only database|sqlite_readonly|read only file system", score: .9},
		{has: "temporary directory|temporary file|temp directory|temp dir|temp file|tmp dir", and: "failed|cannot|could not|unable|can't|couldn't|no usable", not: "no space", score: .955, why: "It could not make a temporary file, in a container of which something is read-only.",
			when: func(s *scene, l int) bool { return s.readonly() }},
		{has: "no usable temporary directory", score: .8, when: func(s *scene, l int) bool { return s.Inspect == nil }},
		{has: "unable to open database file|no usable temporary directory|sqlite_cantopen|can't create temp|cannot create temp|" +
			"unable to create temp|failed to create temp|could not create temporary|not writable|isn't writable|" +
			"cannot create directory|could not create|failed to create|could not write|unable to create|can't create|" +
			"unable to write|cannot write|failed to open log|can't open the append-only", not: "thread|socket|no space|no such module|memory|connection|permission denied|too many", score: .9,
			why:  "It could not write a file, in a container of which something is read-only.",
			when: func(s *scene, l int) bool { return s.readonly() }},
	},
}

var diskFull = Entry{
	ID: "disk-full", Family: "filesystem",
	What:    "There is no space (or no inode, or no quota) left where the service writes.",
	How:     "A write was refused with ENOSPC or EDQUOT, or came out short. A full tmpfs under mmap gives SIGBUS.",
	Confirm: "df -h; df -i; docker system df",
	Fix:     "Free space (docker system df shows images, volumes and logs), enlarge the volume or the tmpfs, bound the logs.",
	signs: []sign{
		{errno: eNoSpace, score: .97},
		{has: "database or disk is full|disk full|disk is full|disk quota exceeded|wrote only|not enough free space|" +
			"not enough free disk|out of disk|insufficient disk|flood stage disk watermark|no free space|free disk space|" +
			"ran out of space|sqlite_full|insufficient free space|not enough space|not enough disk|device full|short write|" +
			"could not extend file|low on disk space|disk_free_limit|volume is full|insufficient space", not: "info|debug|watermark [low]|mib free", score: .9},
		{has: "unexpected fault address|bus error|sigbus", score: .93, why: "Writing through a memory map failed (SIGBUS): that is how a full tmpfs shows.", when: func(s *scene, l int) bool { return s.smallDisk() != "" }},
		{has: "was not found|plugin initialization aborted|cannot create|could not create|error writing|write error|failed to write|" +
			"error while writing|is the wrong size|initialization failed|not enough|aborting|unable to write|could not write", and: "error|abort|fail|fatal|cannot|could not", not: "permission|read-only|module|class", score: .75, why: "Writing failed, and the file system there is small.",
			when: func(s *scene, l int) bool { return s.smallDisk() != "" && s.lines[l].level != calm }},
	},
}

var staleLock = Entry{
	ID: "stale-lock", Family: "filesystem",
	What:    "A PID file, lock file or lock says that another instance runs: one that was killed left it behind, or two share a volume.",
	How:     "The service refuses to start because of a lock, or because a process of the number in its PID file exists.",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint ls {image} -la DIRECTORY; docker ps --filter volume=VOLUME",
	Fix:     "If no other instance uses the data: remove the file that the line names, best in the entrypoint before the server starts, or keep it on a tmpfs.",
	signs: []sign{
		{has: "lock file|lockfile|pid file|pidfile|pid-file|.pid|.lock|lock on|file lock|the lock|a lock|database lock|" +
			"directory lock|advisory lock|change log lock|changelog lock|dblock|singleton lock|singletonlock", and: "already exists|already running|is stale|another process|another instance|could not lock|cannot lock|unable to lock|" +
			"can't lock|could not acquire|cannot acquire|failed to acquire|unable to acquire|unable to obtain|already locked|" +
			"in use|exists|held by|is running|resource temporarily unavailable|timed out|is another", not: "address already in use|eaddrinuse|info|debug|removing", score: .93},
		{has: "already running|is already running|is running already|another server might be running|is another|another instance|" +
			"another process|already started", and: "running|instance|process|using", not: "port |address already|eaddrinuse|already started: |postmaster already running on port|unhandled|info|debug|" +
			"launcher already|started by another", score: .8},
		{errno: eAgain, score: .9, when: func(s *scene, l int) bool { return s.near(l, 4, 2, "flock|lockf|fcntl|.lock|trylock|try_lock") }},
		{has: "database is locked|failed to obtain node locks|node_locks|cannot acquire lock|could not acquire lock|" +
			"unable to acquire lock|failed to lock|unable to lock|could not lock|resource temporarily unavailable|dbpathinuse|" +
			"already locked by|is locked by another|lock held|while lock file|lock exception|lockexception|lockobtainfailed|" +
			"overlappingfilelock|storage is already locked|timeout: lock|can't lock|cannot lock|is already locked|couldn't acquire|" +
			"wouldblock", and: "lock|dbpathinuse", not: "deadlock|info|debug|thread|fork", score: .92, when: func(s *scene, l int) bool {
			return !s.errnoBefore(l, eNoEntry, eAccess, eReadOnly, eNoSpace)
		}},
		{has: "another ", and: ", pid |(pid|pid=|pid:|process id", not: "info|debug|port ", score: .85, when: func(s *scene, l int) bool { return hasAny(s.lines[l].low, "running|exists|active") }},
	},
}

var dataVersionMismatch = Entry{
	ID: "data-version-mismatch", Family: "filesystem",
	What:    "The data on the volume were written by another major version of the program.",
	How:     "The server compares the version of its data with its own, and refuses.",
	Confirm: "docker inspect -f '{{.Config.Image}} {{json .Mounts}}' {container}",
	Fix:     "Go back to the image of the version that wrote the data, or upgrade them as the program's manual says (dump and restore, pg_upgrade). Pin major versions of images with data.",
	signs: []sign{
		{has: "incompatible with server|was initialized by|newer version|newer release|later version|can't handle rdb format|" +
			"wrong data version|featurecompatibilityversion|created by a newer|is not compatible with this version|" +
			"not compatible with version|cannot upgrade|cannot be upgraded|unsupported upgrade|upgrade from|downgrade|" +
			"unsupported file format|data directory version|unsupported database version|older version|on-disk format|" +
			"wrong data format|invalid wiredtiger version|version of the data|unsupported redo log format|format version|" +
			"data format version|requires upgrade|upgrade is not supported|incompatible version|incompatible data|previous version|" +
			"unsupported rdb version|version mismatch|file version|schema version|catalog version|metadata version|storage version|" +
			"data version|unknown version|unsupported version", and: "version|format|upgrade|downgrade|compatib|release", not: "python|node.js|java|ruby|php|class file|glibc|warn|deprecated|info|debug|module|protocol|api version|tls|client|" +
			"upgrade to|new version of|npm|available|driver|http|kernel|openssl|package", score: .86,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{has: "database files are incompatible with server|can't handle rdb format version|this index was created by a newer|" +
			"lucene version|indexformattoo", score: .96},
	},
}

var dataCorrupt = Entry{
	ID: "data-corrupt", Family: "filesystem",
	What:    "The data on the volume cannot be read: damaged, cut off, or not what they should be.",
	How:     "The server names an invalid checksum, header or record in its own files.",
	Confirm: "docker logs --tail 30 {container}",
	Fix:     "Keep a copy of the volume as it is first. Then repair with the program's own tool (redis-check-aof, pg_resetwal as a last resort, mongod --repair), or restore a backup.",
	signs: []sign{
		{has: "bad file format reading|bad aof|invalid checksum|incorrect checksum|checksum mismatch|checksum does not match|" +
			"checksum error|is not a database|notadb|disk image is malformed|sqlite_corrupt|pg_control|primary checkpoint|" +
			"valid checkpoint|invalid magic|wrong signature|bad signature|page corruption|is corrupt|corrupted|corruption|" +
			"data corruption|database corruption|corrupt record|corrupt data|invalid page|unexpected end of append|" +
			"rdb file was saved with checksum|short read or oom loading db|internal error in rdb|unrecoverable error reading|" +
			"bad magic|header mismatch|torn page|invalid block|wal file|unreadable|crc mismatch|crc32|crc error|malformed database|" +
			"bad header|invalid header|invalid data directory|not a valid data directory|not a database file|" +
			"unexpected eof reading|missing segment|wt_panic|corruptrecord|corruption:|failed to get all reachable pages|" +
			"restore from backup|restore from a backup|file is not an |not a valid database|" +
			"inconsistent data|not_a_dets_file|bad_log_file|premature_eof|need_repair| corrupt|fatal wiredtiger|translogcorrupted|" +
			"corruptindexexception|invalid record length", not: "double-linked|heap|memory corruption|corrupted size|free()|warn|info|checksum mismatch for migration|migration|tls|" +
			"certificate|pyc|go.sum|npm|http", score: .88,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{has: "unexpected eof|unexpected end of file|premature end|end_of_file", not: "tcp|http|tls|ssl|connect|handshake|dial|server closed|json|yaml|syntax|parse|expecting|config|stdin|client|warn|info", score: .5,
			why: "A file of its own ends too early.", when: func(s *scene, l int) bool {
				return s.ended && l >= s.tail && s.named < 0 && s.lines[l].level != calm
			}},
		{has: "could not open|could not read|could not stat|missing", and: "pg_notify|pg_wal|pg_control|pg_tblspc|pg_xact|pg_replslot|pg_filenode|pg_stat|pg_commit_ts|pg_logical|ibdata1", not: "permission|read-only|pg_stat_statements|pg_hba", score: .86},
	},
}
