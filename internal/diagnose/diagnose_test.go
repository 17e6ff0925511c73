package diagnose

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func first(e Evidence) Cause { return Diagnose(e)[0] }

func exited(code int, output string) Evidence {
	return Evidence{Output: []byte(output), ExitCode: &code, ExpectedPort: 8080}
}

func TestNothingToGoByIsUnknown(t *testing.T) {
	if got := first(Evidence{}); got.ID != "unknown" {
		t.Errorf("got %+v", got)
	}
	if got := first(exited(3, "reading tea leaves\ngood bye\n")); got.ID != "unknown" || len(got.Evidence) == 0 {
		t.Errorf("got %+v", got)
	}
}

func TestTheInnermostCauseCounts(t *testing.T) {
	got := first(exited(1, `org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'ds'
	at a.B.c(B.java:1)
Caused by: java.lang.IllegalStateException: Cannot load configuration
	at a.B.d(B.java:2)
Caused by: java.net.UnknownHostException: db
	... 20 more
`))
	if got.ID != "dns-failure" || got.Evidence[0].Line != 5 {
		t.Errorf("got %+v", got)
	}
}

// A name in a stack, or in the source that is shown with it, is no message.
func TestFramesAndSourceSayNoCause(t *testing.T) {
	got := first(exited(1, `Traceback (most recent call last):
  File "/app/net.py", line 3, in on_address_already_in_use
    raise Retry("connection refused, no space left on device")
app.net.Retry: 7
`))
	if got.ID == "port-in-use" || got.ID == "dependency-refused" || got.ID == "disk-full" {
		t.Errorf("got %+v", got)
	}
}

// "FileNotFoundError" has "ENOTFOUND" in it: an errno is a whole word.
func TestAnErrnoInsideAWordIsNone(t *testing.T) {
	for _, text := range []string{"FileNotFoundError: x", "openFile: x", "filepermissions", "systemfile"} {
		for _, f := range newRead(text).lines {
			if f.errnos.has(eNoName) || f.errnos.has(eTooManyFiles) || f.errnos.has(ePerm) {
				t.Errorf("%s: %b", text, f.errnos)
			}
		}
	}
}

func newRead(output string) *scene {
	s := newScene(Evidence{Output: []byte(output)})
	s.read(board{})
	return s
}

func TestTheSameErrnoIsKnownInManyWords(t *testing.T) {
	for text, want := range map[string]string{
		"bind: Address in use": "port-in-use", // musl
		"bind() failed (98: Die Adresse wird bereits verwendet)":     "port-in-use",
		"listen() a échoué: Adresse déjà utilisée":                   "port-in-use",
		"{error,eaddrinuse} in listen":                               "port-in-use",
		"failed to listen: os error 98":                              "port-in-use",
		"write failed: [Errno 28]":                                   "disk-full",
		"write: Auf dem Gerät ist kein Speicherplatz mehr verfügbar": "disk-full",
		"mkdir /x: Системная ошибка: Файловая система доступна только для чтения": "readonly-filesystem",
		"connect: Connexion refusée":                            "dependency-refused",
		"lookup db: Der Name oder der Dienst ist nicht bekannt": "dns-failure",
		"accept: No file descriptors available":                 "fd-limit",
	} {
		if got := first(exited(1, text+"\n")); got.ID != want {
			t.Errorf("%s: %s, want %s", text, got.ID, want)
		}
	}
}

// The path decides what a missing file means.
func TestTheRoleOfThePathDecides(t *testing.T) {
	for text, want := range map[string]string{
		"open /etc/app/settings.yaml: no such file or directory":                                "config-file-missing",
		"open /certs/tls.crt: no such file or directory":                                        "tls-file-missing",
		"Error: ENOENT: no such file or directory, open '/app/dist/server.js'":                  "missing-module",
		"dial unix /run/postgresql/.s.PGSQL.5432: connect: no such file or directory":           "dependency-refused",
		"a.rb:1:in `read': No such file or directory @ rb_sysopen - /etc/a.yml (Errno::ENOENT)": "config-file-missing",
	} {
		if got := first(exited(1, text+"\n")); got.ID != want {
			t.Errorf("%s: %s, want %s", text, got.ID, want)
		}
	}
}

// What happened before it went on is no longer the cause.
func TestAnErrorThatWasOvercomeIsNotTheCause(t *testing.T) {
	got := first(exited(1, `WARN dial tcp 172.18.0.2:5432: connect: connection refused
INFO connected to database
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    key = os.environ["STRIPE_KEY"]
KeyError: 'STRIPE_KEY'
`))
	if got.ID != "env-var-missing" {
		t.Errorf("got %+v", got)
	}
}

// Nor is what was tried again until it went well, when something without a cause of
// its own came after it.
func TestARetryThatSucceededIsNotTheCause(t *testing.T) {
	for _, connected := range []string{"redis connected", "wait-for-it.sh: redis:6379 is available after 3 seconds", "Connection has been established successfully."} {
		got := first(exited(1, `Retrying connection to redis: ECONNREFUSED 172.18.0.3:6379
Retrying connection to redis: ECONNREFUSED 172.18.0.3:6379
`+connected+`
loading plans
AssertionError [ERR_ASSERTION]: plan must have a price
    at Object.<anonymous> (/app/plan.js:3:11)
`))
		if got.ID != "unhandled-exception" || got.Evidence[0].Line != 5 {
			t.Errorf("%s: %+v", connected, got)
		}
	}
}

// Many services listen on 8080, and are asked there by others.
func TestAFailureWithAnotherHostsPortIsNotOneOfItsOwn(t *testing.T) {
	for _, output := range []string{
		"Error: POST http://auth:8080/token failed: 500 Internal Server Error\n    at x (/app/a.js:1:1)\n",
		"ERROR could not fetch settings from http://config-server:8080/app.json: status 500\n",
		"error: failed to register at consul:8080\n",
		`{"level":"error","msg":"worker failed","port":8080}` + "\nError: boom\n    at x (/app/a.js:1:1)\n",
	} {
		if got := first(exited(1, output)); got.ID == "port-in-use" {
			t.Errorf("%s%+v", output, got)
		}
	}
	for _, output := range []string{"error: failed to start on 0.0.0.0:8080\n", "Error starting server on http://localhost:8080: failed\n", "cannot open [::]:8080\n"} {
		if got := first(exited(1, output)); got.ID != "port-in-use" {
			t.Errorf("%s%+v", output, got)
		}
	}
}

// What the words of an exception mean in C and of an operating system, they do not
// mean in a program of its own users and assertions.
func TestAnExceptionIsNotTakenForWhatTheSystemSays(t *testing.T) {
	for output, code := range map[string]int{
		"thread 'main' panicked at src/main.rs:5:10:\nassertion failed: x == y\n":                                        101,
		"thread 'main' panicked at src/main.rs:5:10:\nassertion `left == right` failed\n  left: 1\n right: 2\n":          101,
		"Error: User not found: 42\n    at x (/app/a.js:1:1)\n":                                                          1,
		"Traceback (most recent call last):\n  File \"/a.py\", line 1, in <module>\nLookupError: unknown user \"bob\"\n": 1,
	} {
		if got := first(exited(code, output)); got.ID != "unhandled-exception" {
			t.Errorf("%s%+v", output, got)
		}
	}
	for output, want := range map[string]string{"app: a.c:3: main: Assertion `x' failed.\n": "crash-signal", "error: unknown user www\n": "user-not-found"} {
		if got := first(exited(1, output)); got.ID != want {
			t.Errorf("%s%+v", output, got)
		}
	}
}

// A page of HTML in place of JSON came from a server, and is no configuration.
func TestAnAnswerThatIsNoJSONIsNoConfiguration(t *testing.T) {
	for _, output := range []string{
		"SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON\n    at JSON.parse (<anonymous>)\n    at parseJSONFromBytes (node:internal/deps/undici/undici:5731:19)\n",
		"panic: invalid character '<' looking for beginning of value\n\ngoroutine 1 [running]:\n",
		"json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n\nDuring handling of the above exception, another exception occurred:\n\n" +
			"Traceback (most recent call last):\n  File \"/app/main.py\", line 1, in <module>\n    r = requests.get(url).json()\nrequests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n",
	} {
		if got := first(exited(1, output)); got.ID != "unhandled-exception" {
			t.Errorf("%s%+v", output, got)
		}
	}
	if got := first(exited(1, "SyntaxError: Unexpected token 'a', \"abc\" is not valid JSON\n    at JSON.parse (<anonymous>)\n    at Object.<anonymous> (/app/config.js:3:11)\n")); got.ID != "config-invalid" {
		t.Errorf("got %+v", got)
	}
}

// What a program says that it does without is not what it failed for.
func TestWhatIsReplacedByADefaultIsNoCause(t *testing.T) {
	for _, line := range []string{
		"config file /etc/app.yml not found, using defaults", "WARN open /etc/app.yml: no such file or directory; falling back to defaults",
		"CACHE_URL is not set, using default", `ALTER TABLE "orders" ADD COLUMN IF NOT EXISTS "total" int`,
	} {
		got := first(exited(1, line+"\nRuntimeError: event loop is closed\n"))
		if got.ID != "unhandled-exception" {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// A usage text tells of all that may go wrong.
func TestWhatAUsageTextExplainsIsNoCause(t *testing.T) {
	for _, output := range []string{
		"flag provided but not defined: -foo\nUsage of /app:\n  -config string\n    \tconfiguration file, error if not found\n  -port int\n    \tport must be between 1 and 65535\n  -token string\n    \tenvironment variable TOKEN is required\n",
		"Usage: app [OPTIONS]\n\nOptions:\n  --cert FILE  certificate file not found is fatal\n  --port PORT  port must be between 1 and 65535 [env: PORT]\n\nerror: unknown option --foo\n",
	} {
		if got := first(exited(2, output)); got.ID != "config-invalid" {
			t.Errorf("%s%+v", output, got)
		}
	}
	if got := first(exited(1, "Usage: see the manual\nmkdir: cannot create directory '/data/x': Permission denied\n")); got.ID != "permission-denied" {
		t.Errorf("got %+v", got)
	}
}

func TestRequestsOfOthersAreNoCause(t *testing.T) {
	got := first(exited(1, `INFO:     10.0.0.1:5012 - "GET /admin HTTP/1.1" 401 Unauthorized
INFO:     10.0.0.1:5012 - "GET /?q=no+space+left+on+device HTTP/1.1" 403 Forbidden
10.0.0.1 - - [23/Nov/2026:00:00:00 +0000] "GET /x HTTP/1.1" 502 1 "-" "connection refused (test)"
ZeroDivisionError: division by zero
`))
	if got.ID != "unhandled-exception" {
		t.Errorf("got %+v", got)
	}
	got = first(exited(1, `INFO:httpx:HTTP Request: GET https://vault.example/v1/secret "HTTP/1.1 403 Forbidden"`+"\nRuntimeError: no secrets\n"))
	if got.ID != "dependency-auth-failed" {
		t.Errorf("got %+v", got)
	}
}

// "errno 1" is npm's word for an exit status of 1, and not EPERM.
func TestTheExitStatusThatNpmRepeatsIsNoErrno(t *testing.T) {
	for _, status := range []string{"1", "2", "13"} {
		got := first(exited(1, "Error: boom\n    at Object.<anonymous> (/app/server.js:3:7)\nnpm ERR! code ELIFECYCLE\nnpm ERR! errno "+status+"\nnpm ERR! Exit status "+status+"\n"))
		if got.ID != "unhandled-exception" {
			t.Errorf("%s: %+v", status, got)
		}
	}
	if got := first(exited(243, "npm ERR! errno -13\nnpm ERR! Error: EACCES: permission denied, mkdir '/app/.npm'\n")); got.ID != "permission-denied" {
		t.Errorf("got %+v", got)
	}
}

// An incident shows the first line of the evidence as its cause.
func TestTheLineThatEndedItIsShownAndNotAMilderOneOfTheSameKind(t *testing.T) {
	got := Best(Diagnose(exited(1, `SENTRY_DSN is not set, error reporting disabled
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    key = os.environ["STRIPE_KEY"]
KeyError: 'STRIPE_KEY'
`)))
	if got.ID != "env-var-missing" || got.Line != "KeyError: 'STRIPE_KEY'" {
		t.Errorf("got %+v", got)
	}
}

func serving(output string) Evidence {
	return Evidence{Output: []byte(output), ExpectedPort: 8080, Inspect: &Inspect{}, Runtime: &Runtime{
		Running: true, Owned: []string{"[::]:8080"}, Listeners: []string{"[::]:8080"},
		ContainerProbe: &Probe{Target: "172.18.0.2:8080", TCP: "connected", FirstBytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	}}
}

func TestWhatServesHasNotFailedHoweverItComplains(t *testing.T) {
	for _, noise := range []string{"ERROR connection refused", "FATAL: password authentication failed for user \"x\"", "panic: recovered", "OutOfMemoryError: Java heap space", "Address already in use"} {
		if got := first(serving(noise + "\n")); got.ID != "no-failure" {
			t.Errorf("%s: %+v", noise, got)
		}
	}
}

func TestTheTableOfListenersDecides(t *testing.T) {
	refused := &Probe{Target: "172.18.0.2:8080", TCP: "ConnectionRefusedError: [Errno 111] Connection refused"}
	for want, owned := range map[string][]string{"bound-to-localhost": {"127.0.0.1:8080", "[::]:9090"}, "wrong-port": {"[::]:9090"}, "startup-hang": {}} {
		e := serving("")
		e.Runtime.Owned, e.Runtime.Listeners, e.Runtime.ContainerProbe = owned, owned, refused
		if got := first(e); got.ID != want {
			t.Errorf("%v: %s, want %s", owned, got.ID, want)
		}
	}
}

// The port is in LISTEN state, but it is the neighbour's.
func TestANeighbourInTheSameNamespaceHoldsThePort(t *testing.T) {
	e := serving("")
	e.Runtime.Owned, e.Runtime.ContainerProbe = []string{}, nil
	if got := first(e); got.ID != "port-in-use" {
		t.Errorf("got %+v", got)
	}
}

func TestOutOfMemoryIsBelievedOfTheEngineOnly(t *testing.T) {
	e := exited(137, "loading\n")
	e.Inspect = &Inspect{}
	e.Inspect.State.Status, e.Inspect.State.ExitCode = "exited", 137
	if got := first(e); got.ID != "stopped-externally" {
		t.Errorf("got %+v", got)
	}
	e.Inspect.State.OOMKilled = true
	if got := first(e); got.ID != "oom-killed" {
		t.Errorf("got %+v", got)
	}
}

// A worker need not listen; a hang is not to be claimed of it.
func TestAWorkerWithoutAPortIsNotCalledHanging(t *testing.T) {
	e := Evidence{Output: []byte("INFO worker ready\n"), Runtime: &Runtime{Running: true, Owned: []string{}}}
	if got := first(e); got.ID != "unknown" {
		t.Errorf("got %+v", got)
	}
}

// It had complained for hours when somebody stopped it.
func TestWhatWasStoppedDidNotEndByWhatItComplainedOf(t *testing.T) {
	got := first(exited(143, "INFO listening on :8080\nERROR collector: connection refused\nERROR collector: connection refused\n"))
	if got.ID != "stopped-externally" {
		t.Errorf("got %+v", got)
	}
}

// A supervisor that gives up, and one that names a signal for each end, say SIGTERM and
// SIGINT as well, and end with 0. What never came up was not stopped.
func TestWhatNeverCameUpWasNotStopped(t *testing.T) {
	for want, output := range map[string]string{
		"missing-module": "INFO spawned: 'web' with pid 9\nTraceback (most recent call last):\n  File \"/app/main.py\", line 4, in <module>\n    import flask\nModuleNotFoundError: No module named 'flask'\n" +
			"INFO exited: web (exit status 1; not expected)\nINFO gave up: web entered FATAL state, too many start retries too quickly\nWARN received SIGTERM indicating exit request\n",
		"env-var-missing": "Starting the server\nSend SIGINT to stop\nError: DATABASE_URL is not set\n",
	} {
		if got := first(exited(0, output)); got.ID != want {
			t.Errorf("%s: got %+v", want, got)
		}
	}
}

// A server that takes care ends with 0 after SIGTERM, and not with 143.
func TestWhatEndedWellAfterASignalWasStopped(t *testing.T) {
	for _, output := range []string{
		"INFO server ready\nINFO received signal SIGTERM\nINFO shutting down\nERROR failed to flush metrics: connection refused\nINFO bye\n",
		"LOG:  database system is ready to accept connections\nFATAL:  password authentication failed for user \"x\"\nLOG:  received fast shutdown request\nLOG:  database system is shut down\n",
		"[notice] 1#1: start worker process 29\n[error] 29#29: connect() failed (111: Connection refused) while connecting to upstream\n[notice] 1#1: signal 3 (SIGQUIT) received from 1, shutting down\n[notice] 1#1: exit\n",
		"[1] [INFO] Listening at: http://0.0.0.0:8000\n[7] [ERROR] Exception in worker\npsycopg2.OperationalError: could not connect to server: Connection refused\n[1] [INFO] Handling signal: term\n[1] [INFO] Shutting down: Master\n",
	} {
		if got := first(exited(0, output)); got.ID != "stopped-externally" {
			t.Errorf("%s%+v", output, got)
		}
	}
}

// A process on the host is asked at its loopback address, and answers there.
func TestWhatAnswersOnItsLoopbackAddressServes(t *testing.T) {
	e := serving("")
	e.Runtime.Owned = []string{"127.0.0.1:8080"}
	if got := first(e); got.ID != "no-failure" {
		t.Errorf("got %+v", got)
	}
}

func TestTheOnlyPublishedPortIsTheExpectedOne(t *testing.T) {
	e := serving("")
	e.ExpectedPort, e.Runtime.Owned, e.Runtime.ContainerProbe = 0, []string{"[::]:9090"}, nil
	e.Inspect.HostConfig.PortBindings = map[string][]PortBinding{"8080/tcp": nil, "53/udp": nil}
	if got := first(e); got.ID != "wrong-port" {
		t.Errorf("got %+v", got)
	}
}

func TestChangesStandWithTheEvidence(t *testing.T) {
	e := exited(1, "KeyError: 'API_KEY'\n")
	e.Changed = []string{"the variable API_KEY is gone"}
	got := first(e).Evidence
	if last := got[len(got)-1]; last.Source != "changed" || last.Text != "the variable API_KEY is gone" {
		t.Errorf("got %+v", got)
	}
}

func TestNamesThatAShellWouldReadAreNotRepeated(t *testing.T) {
	e := exited(1, "KeyError: 'API_KEY'\n")
	e.Inspect = &Inspect{Name: "/web;rm -rf $HOME"}
	for _, c := range Diagnose(e) {
		if strings.Contains(c.Confirm, "rm -rf") {
			t.Errorf("%s", c.Confirm)
		}
	}
}

func TestLinesKeepTheirNumbersInALongOutput(t *testing.T) {
	const lines = 60000
	output := strings.Repeat("INFO nothing to see here\n", lines) + "panic: listen tcp :80: bind: address already in use\n"
	kept, err := ReadOutput(iotest.HalfReader(strings.NewReader(output)))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) > headBytes+2*tailBytes+lines {
		t.Errorf("%d bytes were kept", len(kept))
	}
	for _, e := range []Evidence{{Output: []byte(output)}, {Output: kept}} {
		if got := first(e); got.ID != "port-in-use" || got.Evidence[0].Line != lines+1 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestReadOutputTellsWhatWentWrong(t *testing.T) {
	long := bytes.NewReader(make([]byte, headBytes))
	if _, err := ReadOutput(io.MultiReader(long, iotest.ErrReader(io.ErrClosedPipe))); err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

// Programs without a runtime of their own speak in sentences, of which verb and
// object tell, if nothing surer does.
func TestSentencesOfAProgramsOwnAreUnderstood(t *testing.T) {
	for text, want := range map[string]string{
		"500 OOPS: could not bind listening IPv4 socket":                         "port-in-use",
		"Error opening specified endpoint \"tcp:8080\"":                          "port-in-use",
		"/app/monitrc:2: syntax error 'prt'":                                     "config-invalid",
		"Fatal error : Invalid directive at line 2 in file /app/c.conf":          "config-invalid",
		"x.conf: unrecognised variable in config file: anon_dir":                 "config-invalid",
		"fatal: base-path '/srv/git' does not exist or is not a directory":       "config-file-missing",
		"Error: Cannot access source directory: /data/src":                       "config-file-missing",
		"The control file '/app/rc' permission 0644 is wrong, maximum 0700":      "permission-denied",
		"Fatal error: this can only be run by root or the user mail":             "permission-denied",
		"Heap exhausted during allocation: 917504 bytes available, 8000016 more": "heap-exhausted",
		"ERROR: unable to connect to the queue at mq:5672":                       "dependency-refused",
	} {
		if got := first(exited(1, text+"\n")); got.ID != want {
			t.Errorf("%s: %s, want %s", text, got.ID, want)
		}
	}
}

// What comes after a place in a source, or before it, is not what was missed.
func TestAPathInQuotesIsWhatAnErrorIsAbout(t *testing.T) {
	for text, want := range map[string]role{
		"main/103/i.lua xlog.c:521 !> error reading directory '/data/snap': No such file": otherPath,
		"lua5.4: /app/s.lua:2: /etc/app/settings.lua: No such file or directory":          configPath,
		"/app/prosody.cfg.lua:8: unfinished string near 'x'":                              configPath,
		"cannot open log /app/log/d.log: No such file or directory":                       otherPath,
	} {
		if got := roleIn(text); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestANumberThatIsNoneIsBlamedOnWhereItStands(t *testing.T) {
	for args, want := range map[string]string{"--threads=eight": "config-invalid", "--verbose": "env-var-invalid"} {
		e := exited(1, "ValueError: invalid literal for int() with base 10: 'eight'\n")
		e.Inspect = &Inspect{Args: []string{args}}
		if got := first(e); got.ID != want {
			t.Errorf("%s: %s, want %s", args, got.ID, want)
		}
	}
}

// C++ aborts at an exception that nobody caught: the signal is how, not why.
func TestAnErrnoInAnExceptionOfCppIsTheCause(t *testing.T) {
	for what, want := range map[string]string{
		"'std::filesystem::filesystem_error'\n  what():  cannot get file size: No such file or directory [/etc/a.ini]": "config-file-missing",
		"'std::system_error'\n  what():  Resource temporarily unavailable":                                             "pids-limit",
		"'ledger::Error'\n  what():  entry 17 has no account":                                                          "crash-signal",
	} {
		if got := first(exited(139, "terminate called after throwing an instance of "+what+"\n")); got.ID != want {
			t.Errorf("%s: %s, want %s", what, got.ID, want)
		}
	}
}

// One family of addresses is taken, on the other the service listens all the same.
func TestANeighbourBesideTheOwnSocketHoldsThePort(t *testing.T) {
	e := serving("Bind to port 8080 on 0.0.0.0 failed: Address already in use.\nServer listening on :: port 8080.\n")
	e.Runtime.Listeners = []string{"0.0.0.0:8080", "[::]:8080"}
	e.Runtime.ContainerProbe.FirstBytes = "(TimeoutError: timed out)"
	if got := first(e); got.ID != "port-in-use" {
		t.Errorf("got %+v", got)
	}
}

// A directory waits for the rest of the message that "GET" begins; a web server
// that says nothing hangs.
func TestSilenceIsNoHangWhereHTTPIsNotSpoken(t *testing.T) {
	for port, want := range map[int]string{3389: "no-failure", 8080: "startup-hang"} {
		e := serving("slapd starting\n")
		e.ExpectedPort = port
		e.Runtime.Owned = []string{"0.0.0.0:3389", "0.0.0.0:8080"}
		e.Runtime.Listeners = e.Runtime.Owned
		e.Runtime.Main = &MainProcess{State: "S (sleeping)"}
		e.Runtime.ContainerProbe.FirstBytes = "(TimeoutError: timed out)"
		if got := first(e); got.ID != want {
			t.Errorf("%d: %s, want %s", port, got.ID, want)
		}
	}
}

// -1 is a failure of the program's own, 139 is a signal.
func TestAStatusBeyondTheSignalsIsTheProgramsOwn(t *testing.T) {
	if got := first(exited(255, "ERROR: invalid cipher name: aes-256-foo\n")); got.ID != "config-invalid" {
		t.Errorf("got %+v", got)
	}
}

// Linux lets an address be bound that is nobody's (IP_FREEBIND).
func TestAnAddressThatIsNotTheContainersIsSeen(t *testing.T) {
	e := serving("")
	e.Runtime.Owned = []string{"198.51.100.9:8080"}
	e.Runtime.Listeners = e.Runtime.Owned
	e.Runtime.ContainerProbe = &Probe{Target: "172.18.0.2:8080", TCP: "ConnectionRefusedError: [Errno 111] Connection refused"}
	if got := first(e); got.ID != "bind-address-unavailable" {
		t.Errorf("got %+v", got)
	}
}

func TestAMessageOfSeveralLinesIsOne(t *testing.T) {
	got := first(exited(1, "open-input-file: cannot open input file\n  path: /etc/app/c.rktd\n  system error: No such file or directory; errno=2\n  context...:\n   body of \"/app/s.rkt\"\n"))
	if got.ID != "config-file-missing" {
		t.Errorf("got %+v", got)
	}
}
