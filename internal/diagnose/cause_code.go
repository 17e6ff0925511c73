package diagnose

import "strings"

var missingModule = Entry{
	ID: "missing-module", Family: "code",
	What:    "A module, package, class or the main script is not in the image.",
	How:     "The runtime of the language looked for it and found nothing.",
	Confirm: "docker run --rm --entrypoint ls {image} -la",
	Fix:     "Add what the line names to the dependencies and build the image anew (a stale lock file, a missing COPY, a dependency that was for development only, a volume that hides the directory).",
	signs: []sign{
		{has: "modulenotfounderror|no module named|cannot find module|cannot find package|err_module_not_found|module_not_found|" +
			"cannot load such file|no such file to load|could not import module|could not import '|could not import \"|" +
			"module not found|cannot resolve module|cannot find the module|could not resolve \"|could not find package|" +
			"there is no package called|no code for module|can't find package|unable to resolve class|no such module|" +
			"cannot find package|unbound module|collection not found|package not found|could not locate|unknown package", not: "cannot find module for path|warn|optional|lock|could not locate a flask", score: .94, when: func(s *scene, l int) bool {
			return !hasAny(s.lines[l].low, "could not locate") || hasAny(s.lines[l].low, "classpath|module|package|library")
		}},
		{has: "does not exist", and: "library(|source_sink `", not: "warn", score: .9},
		{has: "could not find plugin|cannot find plugin|can't find plugin|plugin not found|failed to load plugin|could not load plugin|" +
			"cannot load plugin|unable to load plugin|unable to find plugin|could not load module|failed to load module", not: "warn|optional", score: .75},
		{has: "could not find module|cannot find library|don't know how to require|couldn't resolve the package|library not found in|" +
			"no such library|can't find library|could not find library", not: "warn|optional", score: .9},
		{has: "can't locate ", and: "@inc|perl module", score: .96},
		{has: "classnotfoundexception|noclassdeffounderror|could not find or load main class|unable to access jarfile|" +
			"could not find the main class|no main manifest attribute|main class not found|nosuchmethoderror|error: class not found", score: .92},
		{has: "can't open file '|can't open file \"|could not open input file|can't open perl script|cannot find script|" +
			"no such file or directory -- |no such script|failed to find file", not: "config file '", score: .93, when: func(s *scene, l int) bool {
			r := roleIn(s.lines[l].text)
			return r != configPath && r != tlsPath
		}},
		{errno: eNoEntry, score: .82, not: execWords + "|config|connect", when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) == scriptPath && !executing(s, l) }},
		{has: "failed opening required|failed to open stream", and: "require|include|vendor/autoload|failed opening", score: .93},
		{has: "class \"|class '|interface \"|trait \"|call to undefined function", and: "not found|undefined function", not: "warn", score: .86},
		{has: "gem::missingspec|bundler::gemnotfound|could not find gem|gem::loaderror|is not part of the bundle|" +
			"run `bundle install` to install missing gems|bundler could not find|can't find gem|not yet checked out", score: .93},
		{has: "module '", and: "not found:", score: .93},
		{has: "could not load file or assembly|the application to execute does not exist|" +
			"an assembly specified in the application dependencies manifest|.dll' was not found|" +
			"does not exist. did you mean to run dotnet|could not execute because the application was not found|" +
			"could not execute because the specified command or file was not found|typeloadexception", score: .93},
		{has: "is not available", and: "module |function ", not: "warn", score: .85},
		{has: "undefinedfunctionerror|{undef,|undef,[{|could not find application|application file error", not: "already started", score: .72},
		{has: "no python application found|error loading asgi app|error loading wsgi|could not load application|" +
			"unable to load application|failed to find application object|failed to find attribute|attribute \"app\" not found|" +
			"failed to find flask application|could not locate a flask application|no wsgi application|target wsgi script|" +
			"did not provide an importable", score: .78},
		{has: "composer require|composer install|npm install|pip install|bundle install|yarn install|yarn add|pnpm install|" +
			"gem install|is not installed|production build|next build", not: "warn|deprecated|notice|update available|npm notice", score: .8, when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{has: "cannot import name", score: .72, when: func(s *scene, l int) bool { return !ofStandardLibrary(s.lines[l].low) }},
		{has: "relative import path|is not a dependency and not in import map|unable to load a local module|module not found \"|" +
			"cannot find name '|missing script:|package subpath|enoent: no such file or directory, open '/app/package.json|" +
			"could not read package.json", score: .88},
		{has: "importerror: |loaderror|unable to import|failed to import|unknown provider|no suitable driver found|" +
			"unable to load class|failed to load driver class|cannot load driver class|cannot load jdbc driver|" +
			"could not find driver|unable to load provider|error loading ", and: "module|package|class|driver|import|mysqldb|psycopg|install|gem|not found|such file", not: "cannot open shared object|glibc|warn|shared librar|elf", score: .8},
	},
}

var syntaxError = Entry{
	ID: "syntax-error", Family: "code",
	What:    "The interpreter or compiler rejects the program's own source.",
	How:     "It names a syntax error in a source file.",
	Confirm: "docker logs --tail 30 {container}",
	Fix:     "Correct the place that the line names. If it is right, the runtime is older than the language that the source is written in.",
	signs: []sign{
		{has: "syntaxerror|indentationerror|taberror|unexpected identifier|unexpected end of input", not: "json|psych|yaml|parsererror", score: .93, when: func(s *scene, l int) bool {
			return !s.near(l, 1, 4, "json.parse") && roleIn(s.lines[l].text) != configPath
		}},
		{has: "syntax error, unexpected|syntax error at |syntax error near|syntax error: |php parse error|parse error: syntax error|" +
			"aborted due to compilation errors|unterminated quoted string|unexpected end of file|unexpected eof while looking|" +
			"syntax errors found|syntax error before|syntax error found|unterminated if|missing `}|expecting `end'|" +
			"unmatched right curly|missing right curly", not: "sql|json|yaml|query|at or near|postgres|statement|config|.conf", score: .92, when: inSource},
		{has: "error: compilation failed|compilation failed|cannot find symbol|error: ';' expected|error: class, interface|error ts1|" +
			"error ts2|transform failed with|the module's source code could not be parsed|tokenmissingerror|compileerror|" +
			"build failed|failed to compile|compilation error|error: expected \"|undefined: ", not: "warn|pcre|json", score: .86, when: inSource},
		{has: "expected near|expected (to close|unexpected symbol near|malformed number near|unfinished string near", score: .9, when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) != configPath }},
		{has: "error: unexpected ", and: " in:", score: .9},
		{has: "missing close-brace|missing close-bracket|extra characters after close-brace|extra characters after close-quote", score: .9},
		{has: "syntax error|read-syntax|parse error|while reading|unexpected eof|unexpected end|end of file|unterminated|unbalanced|unmatched|" +
			"illegal start of|premature end|expecting", not: "sql|json|yaml|xml|warn|config|psych|:in `|:in '", score: .9, when: func(s *scene, l int) bool { return placeInSource(s.lines[l].low) }},
	},
}

// placeInSource tells whether a line names a place in a source: "s.rkt:3:14".
func placeInSource(low string) bool {
	for _, word := range strings.FieldsFunc(low, func(r rune) bool { return strings.ContainsRune(" \t\"'`()[]{},", r) }) {
		file, place, ok := strings.Cut(word, ":")
		if ok && place != "" && isDigit(place[0]) && sourceExt(file[strings.LastIndexByte(file, '.')+1:]) && roleOf(file) != configPath {
			return true
		}
	}
	return false
}

// inSource tells whether it is source that does not compile, and no
// configuration.
func inSource(s *scene, l int) bool {
	return !placeInOther(s.lines[l].low) && !s.near(l, 6, 2, ".conf|.cfg|.vcl|.yaml|.yml|.ini|config")
}

var runtimeVersionMismatch = Entry{
	ID: "runtime-version-mismatch", Family: "code",
	What:    "The program is for another version of its runtime than the image has.",
	How:     "The runtime, or the package, says which version it wants.",
	Confirm: "docker run --rm --entrypoint sh {image} -c 'node -v; python3 -V; java -version; ruby -v; php -v'",
	Fix:     "Build on the image of the version that the program is written for, or build the program for the one that is there.",
	signs: []sign{
		{has: "unsupportedclassversionerror|has been compiled by a more recent version|unsupported major.minor version|" +
			"class file version", score: .97},
		{has: "err_require_esm|require() of es module|requires php|require a php version|require php|your php version|" +
			"composer detected issues in your platform|php version >=|your ruby version is|requires ruby version|" +
			"requires a different python|requires python|unsupported engine|engine \"node\" is incompatible|the engine \"node\"|" +
			"requires node|node.js version|you must install or update .net|you must install .net|framework 'microsoft.|" +
			"node_module_version|was compiled against a different|required--this is only|bad magic number in|requires erlang|" +
			"requires elixir|erlang/otp|requires a minimum|requires java|requires jdk|java version|requires go |" +
			"toolchain not available|unsupported python version|unsupported node|python version|ruby version|unsupported php|" +
			"not supported by this version of|incompatible python", not: "warn|starting|running on|notice|go version:|server version|debug|jvm|java version:", score: .9, when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{has: "cannot import name", score: .9, why: "A name of the standard library is not there: it came with a later version, or went with an earlier one.", when: func(s *scene, l int) bool { return ofStandardLibrary(s.lines[l].low) }},
		{has: "unexpected token '?'|unexpected token '??='|unexpected token '.'|unexpected token ?|fetch is not defined|" +
			"structuredclone is not defined|is not a function: structuredclone|globalthis is not defined|webstreams|" +
			"object.hasown is not a function|.at is not a function|.replaceall is not a function|.tosorted is not a function|" +
			"findlast is not a function|promise.withresolvers", score: .97},
		{has: "attributeerror: module '", and: "has no attribute", score: .72, when: func(s *scene, l int) bool {
			return hasAny(s.lines[l].low, "'asyncio'|'typing'|'collections'|'inspect'|'ast'|'datetime'|'enum'|'tomllib'|'importlib|'time'|'string'|'os'|'sys'|"+
				"'math'|'random'|'logging'|'functools'|'itertools'|'pkgutil'|'ssl'|'unittest'|'zoneinfo'|'re'|'json'")
		}},
		{has: "no module named '", and: "'distutils'|'imp'|'asyncore'|'asynchat'|'smtpd'|'tomllib'|'cgi'|'pipes'|'telnetlib'|'zoneinfo'|'graphlib'|'distutils.", score: .96, why: "A module of the standard library is not there: it came with a later version, or went with an earlier one."},
		{has: "nosuchmethoderror: 'java.|nosuchmethoderror: java.|unsupportedoperationexception: the security manager|" +
			"java.lang.noclassdeffounderror: javax/xml/bind|classnotfoundexception: javax.xml.bind|" +
			"noclassdeffounderror: javax/annotation|inaccessibleobjectexception|module java.base does not", score: .93},
		{has: "error: unsupported", and: "version", score: .6},
	},
}

// ofStandardLibrary tells whether an import came from Python's own library, not
// from an installed package.
func ofStandardLibrary(low string) bool {
	return strings.Contains(low, "/lib/python3") && !hasAny(low, "site-packages|dist-packages")
}

var unhandledException = Entry{
	ID: "unhandled-exception", Family: "code",
	What:    "The program's own logic failed, and nothing more specific is known.",
	How:     "The runtime printed an exception or a panic that nobody caught.",
	Confirm: "docker logs --tail 60 {container}",
	Fix:     "Read the first frame of the stack that is the program's own: that is the place. Compare with what changed since the last good start.",
	judge: func(s *scene) opinion {
		switch bad := s.failed() || s.looping; {
		case s.named >= 0 && (bad || s.ended) && s.onlySaysError():
			return opinion{score: .52, lines: s.quotes(s.named)}
		case s.named >= 0 && (bad || s.ended):
			return opinion{score: .62, lines: s.quotes(s.chain, s.named)}
		case s.named >= 0 && !s.serves():
			return opinion{score: .5, lines: s.quotes(s.chain, s.named)}
		case s.failed() && s.lastPlace() >= 0:
			return opinion{score: .51, why: "It ended at a place in its source, and nothing more specific is known.", lines: s.quotes(max(0, s.lastPlace()-1), s.lastPlace())}
		case bad && s.loudest() >= 0:
			return opinion{score: .41, why: "It ended with an error of its own, and nothing more specific is known.", lines: s.quotes(s.loudest())}
		}
		return opinion{}
	},
}

// lastPlace is the last of the last lines that names a place in a source; -1 without.
func (s *scene) lastPlace() int {
	for l := s.output - 1; l >= max(0, s.output-6); l-- {
		if placeInSource(s.lines[l].low) {
			return l
		}
	}
	return -1
}

// onlySaysError tells whether the line that was taken for the name of an exception
// is "error: …" without a stack, as programs in C print.
func (s *scene) onlySaysError() bool {
	text := strings.TrimLeft(s.lines[s.named].low, " ")
	if !strings.HasPrefix(text, "error: ") && !strings.HasPrefix(text, "fatal error: ") {
		return false
	}
	for l := max(0, s.named-2); l < min(s.output, s.named+3); l++ {
		if s.lines[l].frame || s.lines[l].code {
			return false
		}
	}
	return true
}

// loudest is the last line that says that it is an error; -1 without one.
func (s *scene) loudest() int {
	for l := s.output - 1; l >= s.tail && l >= 0; l-- {
		line := &s.lines[l]
		if !line.frame && !line.code && (line.level == loud || hasAny(line.low, "error|failed|fatal|exception|cannot|could not|abort")) {
			return l
		}
	}
	return -1
}

var crashSignal = Entry{
	ID: "crash-signal", Family: "code",
	What:    "Native code crashed: a wrong memory access, an abort, an instruction that this processor does not have.",
	How:     "The process ended by SIGSEGV (139), SIGABRT (134), SIGILL (132), SIGBUS (135) or SIGFPE (136).",
	Confirm: "dmesg | tail -n 20",
	Fix:     "Look for a native library or extension that was built for another libc or processor; get a core (ulimit -c) or the runtime's crash report. A PID 1 that aborts shows 139.",
	signs: []sign{
		{has: "segmentation fault|sigsegv|core dumped|illegal instruction|sigill|bus error|double free or corruption|free(): invalid|" +
			"free(): double|malloc(): |malloc_consolidate|stack smashing detected|fatal python error: |" +
			"a fatal error has been detected by the java runtime|corrupted double-linked|corrupted size|sigabrt|" +
			"unexpected signal during runtime|pure virtual method called|munmap_chunk|realloc(): invalid|buffer overflow detected|" +
			"addresssanitizer|assertion `|assertion failed:|crashed by signal|got signal 11|signal 11|signal 6|" +
			"stack overflow detected", not: "[signal sigsegv|heap out of memory|fatal python error: init|unexpected fault address|warn", score: .9, when: func(s *scene, l int) bool {
			return !s.near(l, 1, 0, " panicked at ") // an assertion of Rust is a panic, and no signal
		}},
		{has: "terminate called after throwing|terminate called without", not: "bad_alloc", score: .78},
		{has: "fatal error: ", and: "unexpected signal", score: .95},
	},
	judge: func(s *scene) opinion {
		// .NET aborts at an exception that nobody caught, and Go panics at a SIGSEGV.
		if !s.ended || s.threwErrno() || s.named >= 0 && hasAny(s.lines[s.named].low, "runtime error:|unhandled exception|panic: ") {
			return opinion{}
		}
		switch s.exit {
		case 139:
			return opinion{score: .82, why: "The process ended by SIGSEGV (or aborted as PID 1): 139 is 128 + 11.", lines: []Line{s.exitLine()}}
		case 134, 132, 135, 136:
			return opinion{score: .8, lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}

// threwErrno tells whether C++ aborted at an exception that tells of an errno: the
// signal is only how it ended.
func (s *scene) threwErrno() bool {
	for l := s.output - 1; l >= max(0, s.tail); l-- {
		if strings.HasPrefix(strings.TrimLeft(s.lines[l].low, " "), "what():") {
			return s.lines[l].errnos != 0
		}
	}
	return false
}

var mainProcessExited = Entry{
	ID: "main-process-exited", Family: "code",
	What:    "The main process ended without an error: it went into the background, started its server with &, or nothing in it listens. A container lives as long as its main process.",
	How:     "Exit status 0 (Node: 13 for a top-level await that never settles), and no error in the output.",
	Confirm: "docker inspect -f '{{.Path}} {{.Args}}' {container}",
	Fix:     "Run the server in the foreground (nginx -g 'daemon off;', apachectl -D FOREGROUND, exec in the entrypoint), and let the program wait for its server.",
	signs: []sign{
		{has: "unsettled top-level await", score: .97},
	},
	judge: func(s *scene) opinion {
		switch {
		case s.ended && s.exit == 0 && !s.running:
			return opinion{score: .58, lines: []Line{s.exitLine()}}
		case s.ended && s.exit == 13 && s.named < 0 && s.output < 5:
			return opinion{score: .6, lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}
