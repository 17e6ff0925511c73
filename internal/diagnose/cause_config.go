package diagnose

var configFileMissing = Entry{
	ID: "config-file-missing", Family: "config",
	What:    "A configuration file is not where it is looked for: not in the image, not mounted, or the working directory is another.",
	How:     "A path that is a configuration's by its name could not be opened (ENOENT).",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint ls {image} -la DIRECTORY; docker inspect -f '{{json .Mounts}}' {container}",
	Fix:     "Mount or copy the file to the path that the line names, or point the service at where it is. A relative path counts from the working directory.",
	signs: []sign{
		{errno: eNoEntry, score: .92, not: execWords + "|connect", when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) == configPath && !executing(s, l) }},
		{errno: eNoEntry, score: .56, not: execWords + "|connect|directory via template|.sock", when: func(s *scene, l int) bool {
			r := roleIn(s.lines[l].text)
			return (r == noPath || r == otherPath) && !executing(s, l) && s.lines[l].level != calm
		}},
		{has: "configuration file|config file|configuration files|config_file|settings file|configfile|properties file|" +
			"config data resource|configuration resource", and: "not found|no such file|missing|cannot open|can't open|could not open|unable to open|does not exist|doesn't exist|" +
			"not exist|could not find|unable to find|cannot find|can't find|couldn't find|failed to open|cannot be opened|" +
			"unable to locate|could not be found|unreadable|not readable|no configuration|cannot read|can't read|unable to read",
			not: "not found in type|permission|skipping|optional|/parse", score: .94, when: func(s *scene, l int) bool { return !s.near(l, 3, 0, "errors in config|syntax error|parse error") }},
		{has: "file i/o error", score: .86, when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) == configPath }},
		{has: "failed to load external entity", score: .97, when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) == configPath }},
		{has: "no configuration file provided|couldn't find config|no config file|config not found|could not read config|" +
			"unable to read config|cannot find config|no such config|config data resource|configdataresourcenotfound|" +
			"missing configuration file|missing required config|missing config|required config", not: "permission|using default|not found in type", score: .9, when: func(s *scene, l int) bool { return !s.near(l, 3, 0, "errors in config|syntax error|parse error") }},
		{bare: true, has: unreadWords, not: "module|class|library|plugin|driver|extension|permission|database|url|http|socket|port |pipe|terminal|shared|gem|" +
			"package|certificate|.so:", score: .54, why: "A file could not be read, and nothing says why: mostly it is not there.", when: func(s *scene, l int) bool {
			r := roleIn(s.lines[l].text)
			return s.lines[l].level != calm && (r == otherPath || r == configPath)
		}},
		{has: "does not exist|not found|could not be found|file is missing|cannot find|could not find|cannot open|can't open|" +
			"could not open|unable to open|failed to open", not: "module|relation|your database|database|table|column|role|user|class|package|certificate|permission|too many|" +
			"not found in type|pars|unmarshal", score: .84,
			when: func(s *scene, l int) bool { return roleIn(s.lines[l].text) == configPath && s.lines[l].level != calm }},
		{bare: true, has: "does not exist|doesn't exist|not found|could not be found|is missing|cannot find|could not find|couldn't find|" +
			"not a directory|not a file|not a regular file|not exist|couldn't load any|from file", not: "module|relation|database|table|column|role|user|class|package|certificate|permission|command|symbol|" +
			"function|method|host|server|http|library|driver|plugin|key|index|queue|bucket|404|route", score: .56, why: "A file or directory that it names is not there.",
			when: func(s *scene, l int) bool {
				r := roleIn(s.lines[l].text)
				return s.lastWord(l) && (r == otherPath || r == configPath || hasAny(s.lines[l].low, "file"))
			}},
	},
}

// unseen are the words of a file that is not there, libxml2's among them: what is
// said of its syntax next to them follows from that.
const unseen = "no such file or directory|failed to load external entity"

// lastWord tells whether a line is one of the last that a program printed before it
// ended with an error of its own.
func (s *scene) lastWord(l int) bool {
	return s.failed() && l >= s.output-6 && l < s.output && s.lines[l].level != calm
}

// unreadWords are the verbs of a file that could not be read, where no errno says
// why.
const unreadWords = "unable to load|could not load|cannot load|can't load|failed to load|couldn't load|failed loading|error loading|" +
	"unable to open|cannot open|could not open|can't open|failed to open|couldn't open|failed opening|error opening|" +
	"unable to read|cannot read|could not read|can't read|failed to read|couldn't read|failed reading|error reading|" +
	"unable to access|cannot access|could not access|can't access|failed to access|cannot stat|can't stat|could not stat|" +
	"failure getting|no such directory|not accessible|unable to find|cannot find|can't find|could not find|failed to find"

// aboutFiles are words of the line behind "Syntax error on line 3 of FILE:" that
// tell of something else than syntax.
const aboutFiles = "dns lookup|does not exist|no such file|permission denied|could not open|could not be resolved|host not found"

// answerWords tell that what is no JSON was an answer over HTTP, mostly a page of
// HTML: no configuration begins so.
const answerWords = "<!doctype|token '<'|character '<'|requests.exceptions"

var configInvalid = Entry{
	ID: "config-invalid", Family: "config",
	What:    "The configuration, or the command line, is there but wrong: a parser refuses it.",
	How:     "A parser names what it does not understand, mostly with file and line.",
	Confirm: "docker logs --tail 30 {container}",
	Fix:     "Correct the place that the line names. Most servers can check a file without starting (nginx -t, haproxy -c, apachectl configtest, caddy validate, promtool check config).",
	signs: []sign{
		{has: "unknown directive|unknown option|unrecognized option|unrecognised option|unrecognized arguments|unknown flag|" +
			"unknown long flag|unknown short flag|error parsing commandline|unknown shorthand flag|flag provided but not defined|" +
			"unknown command line|unexpected argument|invalid option|illegal option|unknown argument|unrecognized argument|" +
			"no such option|unrecognized directive|unknown keyword|unknown configuration|unrecognized configuration parameter|" +
			"unknown parameter|unknown setting|unknown variable '|unknown variable \"|unknown property|unknown command '|" +
			"unrecognized field|unknown field|unrecognized command|bad option|unsupported option|undefined option|unknown key|" +
			"unexpected key|unrecognized option|unknown section|unknown plugin|unknown module|unknown service", not: "warn|deprecated|npm", score: .9},
		{has: "unknown option|unrecognized option|unrecognised option|unknown directive|unknown setting|unknown keyword|unknown parameter|" +
			"invalid option|invalid value", and: "failed to|failing|fatal|exiting|aborting|giving up", score: .9},
		{has: "bad directive or wrong number of arguments|invalid number of arguments|wrong number of arguments in|" +
			"fatal config file error|directive is not terminated|unexpected end of file, expecting|unexpected \"}\"|" +
			"unexpected \";\"|invalid command '|is not allowed here|directive is duplicate|duplicate listen|invalid parameter \"|" +
			"invalid value \"|invalid condition|configuration file test failed|error(s) found in configuration|" +
			"errors found in configuration|configuration error|config error|error in config|invalid config|bad config|" +
			"configuration file is invalid|config is invalid|configuration is invalid|invalid configuration|error adapting config|" +
			"adapting config using|error loading config|failed to load config|loading configuration|could not load config|" +
			"error reading config|failed to read config|failed to parse config|error parsing config|parsing config|" +
			"couldn't parse config|cannot parse config|configuration parsing|parse config|parsing file|config file error|" +
			"configuration errors|configuration file is not|configexception|bindexception: failed|invalid settings|" +
			"failed to bind properties under|fatal_config|the configuration could not|invalid config_file|configuration property|" +
			"error preparing configuration|failed_to_prepare_configuration|parser failed|vcl compilation failed|bungled|" +
			"unable to load config|errors in config|configuration failed|error processing|problem occurred while reading the config|" +
			"is not valid here|not valid in this context|unclosed section|bad numerical|bad numeric|bad boolean|section is invalid|parse error on line|" +
			"parse error at line|error parsing yaml|parsing yaml|parsing toml|parsing json|for configuration ", not: "no such file|not found|permission denied|warn|is a directory|enoent|address already|cannot find", score: .84,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm && !s.near(l, 2, 1, unseen) }},
		{has: "yaml.scanner|yaml.parser|yamlexception|yaml: line|yaml: unmarshal|yaml: |psych::syntaxerror|snakeyaml|yaml error|" +
			"yaml_error|did not find expected|tomldecodeerror|toml: |toml parse error|tomllib|toml error|jsondecodeerror|" +
			"json::parsererror|jsonparseexception|jsonmappingexception|json: cannot unmarshal|json parse error|jsonreaderexception|" +
			"system.text.json|unexpected token|json.parse|invalid character '|is not valid json|expected property name or|" +
			"configparser|missingsectionheader|parsingerror|xmlparse|saxparseexception|xml parse|premature end of file|" +
			"mapping values are not allowed|cannot unmarshal|invalidformatexception|hcl: |unexpected end of json|" +
			"unexpected eof while|serde_json|invalid json|ini file|hocon|com.typesafe.config|exhausted balanced braces|" +
			"json syntax error|unterminated string|malformed json|error parsing json|expecting value: line|expecting property name|" +
			"expecting ',' delimiter|extra data: line|must be a mapping|yaml-cpp|illegal map value|" +
			"there is no setting with that name|cannot find field|has unknown fields|not found in type|invalid yaml|invalid toml|" +
			"unmarshal errors", not: "warn|" + answerWords, score: .85,
			when: func(s *scene, l int) bool {
				low := s.lines[l].low
				if s.near(l, 0, 20, "requests.exceptions.jsondecodeerror") {
					return false // it is the first of Python's two tracebacks
				}
				// Node and Deno say SyntaxError of JSON and of source alike.
				return !hasAny(low, "unexpected token") || hasAny(low, "json") || s.near(l, 2, 4, "json.parse") || hasAny(low, "parser error|toml|yaml|config")
			}},
		{has: "unexpected token|syntax error|syntaxerror|parse error|parsing error|unfinished string|unexpected symbol|expected near|" +
			"malformed number|unexpected end", not: answerWords, score: .9, when: func(s *scene, l int) bool {
			r := roleIn(s.lines[l].text)
			return (r == configPath || s.near(l, 1, 4, "json.parse")) && !s.near(l, 0, 2, aboutFiles) && !s.near(l, 2, 1, unseen)
		}},
		{has: "syntax error on line|syntax error in|error on line|error at line|parse error at|error in file|on line ", and: ".conf|.cfg|.ini|.cnf|.yaml|.yml|.toml|.config|.vcl|.acl|caddyfile|sites-|conf-|/etc/", not: "warn|php|no such file", score: .86, when: func(s *scene, l int) bool { return !s.near(l, 0, 2, aboutFiles) }},
		{has: "[/etc/|parsing [|config : |emerg]|[alert]", and: "unknown|unexpected|invalid|missing|not allowed|unable to|duplicate|error|no such|unsupported|requires|must be|is not|" +
			"expects", not: "no such file|could not resolve|host not found|address|permission|bind|fd limit|gid|certificate|key|pid|cannot open|" +
			"open()|lock|getpwnam", score: .8},
		{has: "bad value|invalid value|invalid argument|invalid parameter|invalid choice|is not a valid|not a valid value|" +
			"illegal value|unsupported value|is not in the list|out of range|is outside the valid range|must be one of|argument --|" +
			"option --|error: argument|usage: |improperlyconfigured|missing required configuration|missing required option|" +
			"the following arguments are required|required option|required flag|no value provided|invalid type for|parameter \"|" +
			"requires a boolean|requires an integer|requires a numeric", not: "warn|deprecated|memory|port|index|runtimeerror", score: .72,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm && !s.quotesEnvironment(l) }},
		{has: "unrecognized vm option|unrecognized option: -|invalid maximum heap size|invalid initial heap size|" +
			"could not create the java virtual machine|conflicting collector|too small maximum heap|too small initial heap", score: .93, when: func(s *scene, l int) bool { return !s.near(l, 5, 5, "picked up ") }},
		{bare: true, has: "incorrect |wrong |non-existent |nonexistent |unrecognised |unrecognized |unknown |undefined |unsupported |illegal |misspelt |misspelled |bad |no such |unexpected ", and: "option|directive|keyword|setting|parameter|argument|flag|switch|statement|clause|stanza|in config|config variable|" +
			"configuration item|configuration key|attribute", not: "warn|deprecated|module|host|column|table|relation|database|socket|ssl|tls|token|cipher|eof|signal|sql|query|node_options|" +
			"protocol option|ignor|bad argument", score: .74, when: func(s *scene, l int) bool { return s.lines[l].level != calm }},
		{bare: true, has: "error|unknown|unexpected|invalid|syntax|expected|parse|illegal|unrecognized|unrecognised|unsupported|missing|undefined|" +
			"must be|duplicate|not allowed|not known|not valid", not: "warn|no such|not found|permission|denied|address|bind|" +
			"certificate|resolve|cannot open|could not open|can't open", score: .84,
			when: func(s *scene, l int) bool {
				return s.lines[l].level != calm && placeInConfig(s.lines[l].low) && !s.near(l, 0, 2, aboutFiles)
			}},
		{bare: true, has: "is mandatory|must be specified|must be defined|must be configured|is a required|needs to be specified|required parameter|" +
			"missing parameter|missing argument|missing directive|missing section|missing option|requires a value|" +
			"requires an argument|wrong value|bad parameter|bad syntax|malformed|cannot parse|can't parse|could not parse|" +
			"unable to parse|failed to parse|error parsing|parse failed|parsing failed|invalid syntax|invalid format|" +
			"invalid directive|invalid setting|invalid keyword|not recognized|not recognised|is not known|is unknown|not known --", not: "warn|json|url|uri|dsn|certificate|key|token|host|user|module|response|request|header|packet|date|column|table", score: .58,
			when: func(s *scene, l int) bool {
				return s.ended && s.exit != 0 && l >= s.tail && s.lines[l].level != calm && !s.quotesEnvironment(l) && !upperName(s.lines[l].text)
			}},
		{has: "verifying flags|mutually exclusive|cannot be used with|is required when|are required when|conflicts with option", not: "warn", score: .85},
		{bare: true, has: "syntax error|parse error", not: "warn|sql", score: .935, when: func(s *scene, l int) bool { return placeInOther(s.lines[l].low) }},
		{bare: true, has: "provided|specify|specified|configured|defined|given|found in |must have|at least one", and: "no |not |neither |without |at least one", not: "warn|host|user|module|password|class|symbol|function|method|column|table|route|variable|environment|argument", score: .57,
			why: "It says that a setting is not there.",
			when: func(s *scene, l int) bool {
				return s.lastWord(l) && (s.named < 0 || s.onlySaysError()) && !upperName(s.lines[l].text)
			}},
		{bare: true, has: "invalid|unknown|unsupported|unrecognized|unrecognised|illegal|unexpected|expected|malformed|not a valid|" +
			"not supported|undefined|must be|mismatched|ambiguous|incorrect|not allowed|requires", not: "warn|certificate|password|credential|signature|checksum|magic| host|hostname|user|database|table|column|module|" +
			"symbol|class|undefined method|eof|end of file|token|response|status|exception|error code|signal|version|licen", score: .53,
			why:  "Its last words are of a value or a word that it does not accept.",
			when: func(s *scene, l int) bool { return s.lastWord(l) && (s.named < 0 || s.onlySaysError()) }},
		{has: "must be|should be|out of range|invalid|not a valid|illegal", not: "warn|certificate|password", score: .89, why: "It does not accept what a flag of the command line is set to.", when: func(s *scene, l int) bool { return s.failed() && s.namesFlag(l) }},
		{has: numberWords, score: .88, why: "A value of the command line cannot be used.", when: func(s *scene, l int) bool { return s.quotesCommand(l) }},
		{has: "is invalid", and: "config|section|setting|option", not: "token|certificate|credential|password|checkpoint|warn|api key|url|working directory", score: .8},
		{has: "missing port in address|too many colons in address", score: .86, when: func(s *scene, l int) bool { return !s.quotesEnvironment(l) }},
		{has: "bad option: -|not allowed in|unknown option -|unknown option: -|unknown or unsupported option", not: "node_options", score: .85},
	},
}

var imageConfigInvalid = Entry{
	ID: "image-config-invalid", Family: "config",
	What:    "The engine refuses the settings of the image or the container themselves.",
	How:     "The engine said what it does not accept, before anything of the service ran.",
	Confirm: "docker inspect {container}",
	Fix:     "Correct the setting that the engine names (working directory, command, capability, sysctl, limit).",
	signs: []sign{
		{daemon: true, has: "cannot mkdir|is not a directory|no command specified|is not an absolute path|invalid working directory|" +
			"invalid hostname|invalid containerport|invalid reference format|invalid port|invalid proto|unknown runtime|" +
			"invalid capability|unknown capability|is not in a separate kernel namespace|minimum memory limit|range of cpus|" +
			"invalid restart policy|invalid environment variable|invalid ip address|invalid isolation|conflicting options|" +
			"unable to apply cgroup|memory limit|security-opt|ulimit|invalid log|logging driver|log-opt|invalid argument|" +
			"chdir to cwd|invalid volume|sysctl|does not match the specified platform|invalid container|" +
			"could not select device driver|nvidia|invalid rootfs|no such device|cgroup|seccomp|apparmor", score: .9},
		{daemon: true, has: "error response from daemon|oci runtime|failed to create|error: ", score: .42},
	},
}
