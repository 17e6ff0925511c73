package diagnose

import "strings"

// execWords tell that a line speaks of a command that should run.
const execWords = "exec |exec:|spawn |executable file|execvp|execve|bad interpreter|exec failed|cannot run program|posix_spawn|" +
	"starting container process|exec '|exec user process|can't execute|cannot execute|failed to execute"

// executing tells whether it was a command that was missing, by the line or the
// frames near it.
func executing(s *scene, l int) bool {
	return hasAny(s.lines[l].low, execWords) || s.near(l, 6, 6, "subprocess|_execute_child|child_process|processbuilder|os/exec|open3|process.start|proc_open|kernel.spawn|std::process")
}

// script tells whether the command that a line names is a script by its name.
func script(low string) bool {
	for rest := low; ; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return hasAny(low, "entrypoint:|entrypoint\"|entrypoint'")
		}
		end := 0
		for end < len(after) && isLetter(after[end]) {
			end++
		}
		if end == 0 || end == len(after) || !strings.ContainsRune(":\"' ,", rune(after[end])) {
			rest = after
			continue
		}
		if sourceExt(after[:end]) {
			return true
		}
		rest = after
	}
}

// sourceExt tells whether files with this extension are sources that an interpreter
// reads.
func sourceExt(ext string) bool {
	switch ext {
	case "sh", "bash", "zsh", "ksh", "fish", "awk", "py", "rb", "pl", "pm", "psgi", "raku", "php", "lua", "tcl", "exp", "r", "jl",
		"js", "mjs", "cjs", "ts", "scm", "lisp", "rkt", "clj", "cljs", "groovy", "kts", "exs", "erl", "pike", "hs", "ml", "pro":
		return true
	}
	return false
}

var commandNotFound = Entry{
	ID: "command-not-found", Family: "runtime",
	What:    "The command is not in the image, or not in the PATH.",
	How:     "The engine, a shell or a supervisor looked for it and found nothing; exit status 127.",
	Confirm: "docker inspect -f '{{.Path}} {{.Args}}' {container}",
	Fix:     "Correct the name, install the command in the image, or write its whole path (the PATH of a virtual environment is easily lost).",
	signs: []sign{
		{daemon: true, has: "executable file not found|no such file or directory", and: "exec|executable|starting container process|stat ", not: "mount|rootfs", score: .96},
		{has: "executable file not found|command not found|can't find command|cannot find command|no such command|unknown command|" +
			"spawnerr|is not recognized as an internal|cannot run program|could not find executable|failed to find executable|" +
			"no such executable|could not exec|unable to exec|couldn't exec", not: "unknown command line|unknown command '|permission|err unknown command", score: .93},
		{has: ": not found", score: .9, when: func(s *scene, l int) bool { return shellSays(s.lines[l].low) }},
		{errno: eNoEntry, has: "spawn |exec:|execvp|execve|[errno 2]|failed to execute|cannot run program|exec failed|env: |can't execute|" +
			"no such file or directory - |posix_spawn|cannot exec|could not exec|fork/exec|unable to exec", not: ".sh failed|exec /", score: .88, when: func(s *scene, l int) bool {
			low := s.lines[l].low
			return executing(s, l) && !script(low) && !strings.HasPrefix(low, "exec ") && !strings.Contains(low, `\r`) && !strings.HasPrefix(low, "/usr/bin/env") && !strings.HasPrefix(low, "env:") || hasAny(low, "spawn ")
		}},
		{errno: eNoEntry, score: .72, when: func(s *scene, l int) bool { return s.ended && s.exit == 127 && shellSays(s.lines[l].low) }},
	},
	judge: func(s *scene) opinion {
		if s.ended && s.exit == 127 {
			return opinion{score: .5, lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}

// shellSays recognises the way in which shells name what they could not run:
// "sh: 1: foo: not found", "/start.sh: line 3: foo: command not found".
func shellSays(low string) bool {
	return hasAny(low, "sh: |.sh: |/sh: |bash: |entrypoint: |: line |ash: ") && !hasAny(low, "dns|host not found|module|404|certificate")
}

var notExecutable = Entry{
	ID: "not-executable", Family: "runtime",
	What:    "The command is there, but may not be run: no execute bit, a directory, or a mount with noexec.",
	How:     "The engine or a shell was refused with EACCES at exec; exit status 126.",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint ls {image} -la COMMAND",
	Fix:     "Set the execute bit in the repository or the Dockerfile (COPY --chmod=755), or run it through its interpreter (sh /start.sh).",
	signs: []sign{
		{daemon: true, errno: eAccess, and: "exec|starting container process|runc|crun", not: "mount|docker.sock|dial unix", score: .97},
		{daemon: true, has: "is a directory", and: "exec|starting container process", score: .95},
		{errno: eAccess, has: "exec |exec:|spawn |execvp|execve|cannot execute|can't execute|failed to execute|exec failed|cannot run program|" +
			"fork/exec|could not exec|unable to exec|couldn't exec|posix_spawn", score: .95},
		{errno: eAccess, score: .93, when: func(s *scene, l int) bool { return s.ended && s.exit == 126 }},
		{has: ": is a directory|cannot execute: |command is not executable|not executable|isn't executable", not: "open|read|copy|no such file|exec format|binary file", score: .88, when: func(s *scene, l int) bool {
			return s.exit == 126 || hasAny(s.lines[l].low, "executable|cannot execute")
		}},
	},
	judge: func(s *scene) opinion {
		if s.ended && s.exit == 126 {
			return opinion{score: .55, lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}

var badInterpreter = Entry{
	ID: "bad-interpreter", Family: "runtime",
	What:    "The script exists, but the interpreter in its first line (#!) does not: often Windows line ends, or an image without bash.",
	How:     "\"No such file or directory\" for a script that exists, or an interpreter with a carriage return in its name.",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint head {image} -n 1 SCRIPT | od -c | head -n 2",
	Fix:     "Store the script with LF line ends (.gitattributes: *.sh text eol=lf), and use an interpreter that the image has (#!/bin/sh).",
	signs: []sign{
		{has: "bad interpreter", score: .97},
		{errno: eNoEntry, score: .95, when: func(s *scene, l int) bool {
			text := s.lines[l].low
			return hasAny(text, `\r|^m:|^m'`) || hasAny(text, "env: ") && (strings.Contains(text, "sh ") || strings.Contains(text, "sh'") || strings.Contains(text, "sh’"))
		}},
		{errno: eNoEntry, has: "exec /|exec ./|exec '/|exec \"/|execve|exec user process|exec: \"/|exec failed", score: .93, why: "The script exists, and what its first line names does not.", when: func(s *scene, l int) bool { return script(s.lines[l].low) }},
		{has: "required file not found", score: .93, when: func(s *scene, l int) bool { return script(s.lines[l].low) }},
		{errno: eNoEntry, has: "env: |/usr/bin/env", score: .82},
		{daemon: true, errno: eNoEntry, and: "exec", score: .965, when: func(s *scene, l int) bool {
			return script(s.lines[l].low) && !hasAny(s.lines[l].low, "stat ") && s.mounts(s.lines[l].text)
		}},
		{has: "$'\\r'|\\r: command not found|\\r': |illegal option -\\r|: invalid option -\\r|invalid option name: pipefail\\r|" +
			"carriage return", score: .9},
	},
}

// mounts tells whether the text speaks of a path that is mounted into the
// container, and so exists.
func (s *scene) mounts(text string) bool {
	if s.Inspect == nil {
		return false
	}
	for _, m := range s.Inspect.Mounts {
		if m.Destination != "" && strings.Contains(text, m.Destination) {
			return true
		}
	}
	return false
}

var execFormatError = Entry{
	ID: "exec-format-error", Family: "runtime",
	What:    "The kernel cannot run the file: it is for another processor, empty, or a script without #!.",
	How:     "exec was refused with ENOEXEC.",
	Confirm: "docker image inspect -f '{{.Architecture}}' {image}; uname -m",
	Fix:     "Build the image for this architecture (docker build --platform), or give the script its first line (#!/bin/sh).",
	signs: []sign{
		{errno: eExecFormat, score: .97},
		{errno: eExecFormat, daemon: true, score: .98},
		{has: "cannot execute binary file|syntax error: unexpected word (expecting \")\")|cannot execute: required file not found|" +
			"rosetta error|qemu-x86_64|qemu-aarch64|bad cpu type", and: "cannot execute binary|elf|\")\"|rosetta|qemu|cpu type", score: .9},
		{has: "no such file or directory|not found", and: "ld-linux-aarch64|ld-linux-x86-64|qemu", score: .8},
	},
}

var missingDynamicLoader = Entry{
	ID: "missing-dynamic-loader", Family: "runtime",
	What:    "The program exists, but the loader that it was linked for does not: a glibc program in Alpine or scratch.",
	How:     "\"No such file or directory\" for a program that exists and is no script.",
	Confirm: "docker run --rm --entrypoint ls {image} -l COMMAND /lib64/ld-linux-x86-64.so.2",
	Fix:     "Build it static (CGO_ENABLED=0 for Go, the musl target for Rust), or use an image of the libc that it was built for.",
	signs: []sign{
		{errno: eNoEntry, has: "exec /|exec ./|exec '/|exec \"/|exec user process|exec failed", score: .92, when: func(s *scene, l int) bool { return !script(s.lines[l].low) }},
		{has: "required file not found", score: .93, when: func(s *scene, l int) bool { return !script(s.lines[l].low) }},
		{has: "no such file or directory|not found", and: "ld-linux|ld-musl|/lib64/ld", score: .93},
		{daemon: true, errno: eNoEntry, and: "exec", score: .965, when: func(s *scene, l int) bool {
			return !script(s.lines[l].low) && !hasAny(s.lines[l].low, "stat ") && s.mounts(s.lines[l].text)
		}},
		{errno: eNoEntry, score: .74, why: "The shell cannot start a program that is there: its loader is not.", when: func(s *scene, l int) bool {
			low := s.lines[l].low
			return s.ended && s.exit == 127 && shellSays(low) && s.mounts(s.lines[l].text)
		}},
	},
}

var missingSharedLibrary = Entry{
	ID: "missing-shared-library", Family: "runtime",
	What:    "A shared library that the program needs is not in the image.",
	How:     "The dynamic loader names it.",
	Confirm: "docker run --rm --entrypoint ldd {image} COMMAND",
	Fix:     "Install the package that has the library (apt-file search, apk info --who-owns), in the final stage of the build.",
	signs: []sign{
		{has: "error while loading shared libraries|cannot open shared object file|error loading shared library|" +
			"unable to load dynamic library|unable to load shared library|dllnotfoundexception|couldn't load shared library|" +
			"unable to load native library|could not load library|failed to load shared|shared library not found|libssl|libcrypto|" +
			"cannot load library|unable to load library|no lib in java.library.path|in java.library.path|library not found|" +
			"unsatisfiedlinkerror|failed to load dynlib|could not open library|.so not found|libquery_engine", and: "cannot open|no such file|not found|shared|java.library.path|dynamic|unable to load|cannot load|could not load|" +
			"failed to load|unsatisfied|couldn't load|dllnotfound", not: "glibc_|glibcxx_|version `|certificate", score: .95},
	},
}

var glibcMismatch = Entry{
	ID: "glibc-mismatch", Family: "runtime",
	What:    "The program was built against a newer C library than the image has, or against another kind of one.",
	How:     "The dynamic loader names a version of GLIBC, GLIBCXX or CXXABI that is not there.",
	Confirm: "docker run --rm --entrypoint ldd {image} --version",
	Fix:     "Build on the same or an older distribution than the image's, or static.",
	signs: []sign{
		{has: "version `glibc_|version `glibcxx_|version `cxxabi_|version 'glibc_|version `gcc_|version glibc_|glibc_2.|glibcxx_3.", and: "not found|required|no version", score: .97},
		{has: "error relocating", and: "symbol not found", score: .85},
		{has: "version `openssl_|version `lib|undefined symbol", and: "not found|symbol lookup error|undefined symbol", score: .7},
	},
}
