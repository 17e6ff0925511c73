package diagnose

import "strings"

const envWords = "environ|getenv|process.env|env[|env.fetch|env::var|env var|environment|system.get_env|$_env|deno.env|bun.env|pydantic|" +
	"basesettings|env("

var envVarMissing = Entry{
	ID: "env-var-missing", Family: "config",
	What:    "A setting that comes from the environment is not there.",
	How:     "The program, or the runtime that read it, names an environment variable that is not set.",
	Confirm: "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' {container} | cut -d= -f1",
	Fix:     "Set the variable that the line names, in the compose file, the env file or the orchestrator; compare with what the last good start had.",
	signs: []sign{
		{has: "environment variable|env variable|env var |env vars|env. var|environment value|environment key|configuration variable", and: "missing|not set|required|undefined|must be|not found|not present|unset|not defined|is empty|non-empty|doesn't exist|" +
			"does not exist|cannot be found|specify|isn't set|need|absent|not provided|failed to get|no value|couldn't find",
			not: "deprecated|yaml|toml|not a valid|must be a|must be one of|is required to be", score: .95},
		{has: "environmentvariable|environment configuration|environment validation|environment settings|required env|missing env|" +
			"missing required env|env validation", and: "missing|not set|required|undefined|invalid|failed|validation", score: .85},
		{has: "notpresent", score: .95, why: "The program asked for an environment variable that is not set (VarError::NotPresent)."},
		{has: "parameter not set|parameter null or not set|: unbound variable", score: .95, why: "A shell script needs a variable that is not set."},
		{has: "on \"env(|can't read \"env(|unset env(", score: .94, why: "The program read an element of Tcl's env that is not set."},
		{has: "could not resolve placeholder|required key|srcfg00014|missingappkeyexception|undefinedvalueerror|declare it as envvar|" +
			"no application encryption key has been specified|missing `secret_key_base`|sraw00014", score: .93},
		{has: "is required but it could not be found in any config source|is not set in the environment|" +
			"must be set in the environment", score: .94},
		{has: "keyerror: '|keyerror: \"|key not found: \"", score: .9, when: func(s *scene, l int) bool { return upperName(s.lines[l].text) }},
		{has: "keyerror: '|keyerror: \"|key not found: \"", score: .9, when: func(s *scene, l int) bool { return s.near(l, 3, 3, envWords) }},
		{has: "undefined array key \"|undefined index: |undefined array key '|undefined constant \"", score: .88, when: func(s *scene, l int) bool { return upperName(s.lines[l].text) }},
		{has: "is not set|must be set|not set|is required|required setting|required variable|missing from|missing setting|" +
			"missing variable|are required|is missing|missing required|missing value|not configured|not defined|is undefined|" +
			"must be provided|not provided|was not provided|must not be empty|cannot be empty|can't be blank|is empty|" +
			"cannot be null|please set|you must specify|need to specify|you must set|no value for", not: "warn|deprecated|servername|flag provided|argument|positional|certificate", score: .86,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm && upperName(s.lines[l].text) }},
		{has: "field required|missing field|input_type=missing|type=missing|value_error.missing|\"required\"|required property", score: .86,
			when: func(s *scene, l int) bool {
				return s.near(l, 8, 4, "settings|basesettings|environ|env_|envvar|envconfig|process.env|zod|convict|envy")
			}},
		{has: "invalid url", score: .97, why: "A URL was to be made of a variable that is not set.", when: func(s *scene, l int) bool { return s.near(l, 0, 16, "input: 'undefined'|input: ''") }},
		{has: "improperlyconfigured", and: "environment|secret_key|must not be empty|set the", score: .92},
		{has: "cannot read properties of undefined|cannot read property|nonetype|undefined is not|of undefined|" +
			"must be of type string. received undefined|nullpointerexception|argumentnullexception|value cannot be null|on null|" +
			"not none|got none|nil:nilclass|for nil|optional.empty|must not be null|uninitialized value", score: .84,
			why: "A value from the environment was used that is not set.",
			when: func(s *scene, l int) bool {
				return s.near(l, 4, 5, envWords+"|system.getenv") || upperName(s.lines[l].text)
			}},
		{has: "value cannot be null. (parameter 'connectionstring')|connection string is null|" +
			"connectionstring property has not been initialized|no connection string named|you must specify a region|" +
			"unable to locate credentials|region is missing|could not load the default credentials", score: .72},
	},
}

// numberWords are what the runtimes say of a text that is no number.
const numberWords = "invalid literal for int()|could not convert string to float|parseinterror|parsefloaterror|numberformatexception|" +
	"strconv.parseint|strconv.atoi|strconv.parseuint|strconv.parsebool|strconv.parsefloat|invalid value for integer()|" +
	"invalid value for float()|not a valid integer|valid integer, unable to parse|not an integer|invalid digit found|" +
	"input string was not in a correct format|could not be parsed as a number|was not in a correct format|not a number|" +
	"argument is not numeric|unsupported operand types: string|parsebool|addrparseerror|invalid socket address|" +
	"malformed integer|is not an int|cannot convert string|must be numeric|badarg|binary_to_integer|invalid integer|int_of_string|" +
	"float_of_string|non-numeric string|prelude.read: no parse|expected integer but got|expected floating-point number but got"

// upperName tells whether the text has a name such as DATABASE_URL.
func upperName(text string) bool {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_')
	}) {
		if len(word) < 4 || strings.ToUpper(word) != word || isDigit(word[0]) {
			continue
		}
		code := strings.HasPrefix(word, "ERR_") || strings.HasPrefix(word, "ER_") || strings.HasPrefix(word, "ERROR_") || strings.HasPrefix(word, "E_") ||
			strings.HasSuffix(word, "_INVALID") || strings.HasSuffix(word, "_ERROR") || strings.HasSuffix(word, "_FAILED") || strings.HasSuffix(word, "_EXCEPTION") ||
			strings.HasSuffix(word, "_CORRUPTED") || strings.HasSuffix(word, "_MISMATCH") || strings.HasSuffix(word, "_NOTFOUND") || strings.HasSuffix(word, "_NOT_FOUND")
		if strings.Contains(strings.Trim(word, "_"), "_") && !code {
			return true
		}
		switch word {
		case "PORT", "HOST", "DSN", "TOKEN", "SECRET", "DATABASE", "HOME":
			return strings.Contains(text, "'"+word+"'") || strings.Contains(text, `"`+word+`"`) || strings.Contains(text, "$"+word) || strings.Contains(text, word+" ")
		}
	}
	return false
}

var envVarInvalid = Entry{
	ID: "env-var-invalid", Family: "config",
	What:    "A setting that comes from the environment is there, but cannot be used: no number, no URL, out of range. Docker links and Kubernetes services set variables such as X_PORT=tcp://10.0.0.5:80 by themselves.",
	How:     "A value could not be parsed that is read from the environment.",
	Confirm: "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' {container} | cut -c1-60",
	Fix:     "Correct the value that the line names, or unset the variable so that the default is taken.",
	signs: []sign{
		{has: numberWords, not: "json|yaml|toml|warn|for configuration|config file|.conf", score: .86,
			when: func(s *scene, l int) bool {
				return !s.quotesCommand(l) && !s.near(l, 10, 2, "yaml|json.load|properties.load|.conf:|.cfg|.ini|configexception|configparser")
			}},
		{has: "err_socket_bad_port|port should be|port must be|port out of range|port number out of range|invalid port|unknown port|" +
			"not a valid port|bad port|invalid listen port|port value out of range|illegal port|port must be between|" +
			"is not a valid port", score: .92, when: func(s *scene, l int) bool { return !s.namesFlag(l) }},
		{has: "listen eacces|listen enoent|listen einval|listen eperm|listen eaddrinuse", score: .985, why: "What should be a port is no number, so that Node takes it for the path of a pipe.", when: func(s *scene, l int) bool {
			words := strings.Fields(s.lines[l].text)
			last := words[len(words)-1]
			return strings.Trim(last, "0123456789:.[]") != "" && s.environmentHas(last)
		}},
		{has: "missing port in address|too many colons in address", score: .86, when: func(s *scene, l int) bool { return s.quotesEnvironment(l) }},
		{has: "is not allowed in node_options", score: .97},
		{has: "unrecognized vm option|unrecognized option|invalid maximum heap size|invalid initial heap size|" +
			"could not create the java virtual machine|error occurred during initialization of vm|too small maximum heap|" +
			"too small initial heap|conflicting collector combinations|vm option", score: .97, when: func(s *scene, l int) bool { return s.near(l, 5, 5, "picked up ") }},
		{has: "could not parse sqlalchemy url|could not parse rfc1738|invalid url|err_invalid_url|invalid dsn|" +
			"invalid data source name|invalid connection string|invalid database url|missing \"=\" after|unsupported scheme|" +
			"unknown scheme|unsupported protocol scheme|first path segment in url cannot contain colon|" +
			"the url must start with the protocol|no scheme|bad uri|invalid uri|relativeurlwithoutbase|invalid connection option|" +
			"uri malformed|must start with one of|redis url must specify|redis uri|invalidurierror|badurierror|" +
			"malformedurlexception|urisyntaxexception|illegal character in|unknown driver|" +
			"format of the initialization string does not conform|invalid scheme|cannot parse `|failed to parse as url|" +
			"scheme must be|wrong url|invalid url scheme|url must be|not a valid url|must be a valid uri|invalid jdbc url|" +
			"must start with \"jdbc\"|driver claims to not accept jdbcurl", not: "warn|debug", score: .82},
		{has: "time: invalid duration|invalid duration|missing unit in duration|unknown time zone|unknown timezone|" +
			"zoneinfonotfounderror|unknown level:|unknown log level|invalid log level|not a valid level|unrecognized level|" +
			"unknown zone|not a valid logrus level|unable to parse log level", not: ".yaml|.yml|.json|.toml|.conf", score: .78},
		{has: "environment variable|env variable|env var |environment value", and: "invalid|not a valid|must be a|must be one of|malformed|could not be parsed|cannot be parsed|failed to parse|" +
			"parse error|unable to parse|bad value|out of range|is not|unsupported|cannot convert|incorrect", not: "is not set|is not defined|is not present|is not found|not provided|required|missing|not set|undefined", score: .95},
		{has: "input should be|value is not a valid|type_error|value_error|validationerror|enum_error|\"invalid_type\"|" +
			"expected number, received nan|must be a number|must be one of|must be a boolean", score: .85,
			when: func(s *scene, l int) bool {
				return !s.near(l, 0, 6, "missing|field required|is required") && s.near(l, 8, 4, "settings|environ|env_|process.env|envalid")
			}},
		{has: "json.decoder|jsondecodeerror|syntaxerror|parse error|unexpected token|expecting value", score: .9, why: "A value of the environment could not be parsed.",
			when: func(s *scene, l int) bool { return s.near(l, 6, 2, "environ|getenv|process.env|env.fetch|env[") }},
		{has: "invalid|not a valid|cannot parse|failed to parse|could not parse|unable to parse|malformed|bad value|out of range", not: "warn|debug|info|certificate|password|credential|token|checksum|signature", score: .84,
			why: "A value that cannot be used stands in the environment.", when: func(s *scene, l int) bool { return s.quotesEnvironment(l) }},
		{has: "invalid|not a valid|cannot parse|failed to parse|could not parse|malformed|out of range|unsupported|unknown value|" +
			"must be", not: "warn|debug|info|certificate|password|checksum", score: .78, when: func(s *scene, l int) bool { return s.lines[l].level != calm && upperName(s.lines[l].text) }},
		{has: "errno::|must be between|failed to bind properties under", score: .85, when: func(s *scene, l int) bool { return s.near(l, 2, 8, "origin: system environment property") }},
	},
	judge: func(s *scene) opinion {
		if s.fromEnvironment() {
			return opinion{score: .7, why: "A value of the environment was read there, and is not one that can be used.", lines: s.quotes(s.named)}
		}
		return opinion{}
	},
}

// fromEnvironment tells whether the exception that ended the program is about a
// value, and came up below a line of source that reads the environment.
func (s *scene) fromEnvironment() bool {
	if s.named < 0 || s.lines[s.named].errnos != 0 || !hasAny(s.lines[s.named].low, "valueerror|argumenterror|nosuchmodule|invalid|parse|typeerror|illegalargument|malformed|badrequest|url") {
		return false
	}
	for l := s.named; l >= 0 && l > s.named-60; l-- {
		if s.lines[l].code && hasAny(s.lines[l].low, "environ|getenv|process.env|env.fetch|env[") {
			return true
		}
	}
	return false
}

// quotesEnvironment tells whether what a line puts into quotes is a value of the
// environment.
func (s *scene) quotesEnvironment(l int) bool { return quotesOne(s.lines[l].text, s.environmentHas) }

// quotesCommand tells whether what a line puts into quotes stands on the command
// line, and is no value of the environment.
func (s *scene) quotesCommand(l int) bool {
	return quotesOne(s.lines[l].text, func(value string) bool {
		return s.commandHas(value) && !s.environmentHas(value)
	})
}

// quotesOne tells whether the text has one of these values in quotes.
func quotesOne(text string, is func(string) bool) bool {
	for _, mark := range []string{`"`, "'", "`"} {
		parts := strings.SplitN(text, mark, 12)
		for i := 1; i+1 < len(parts); i += 2 {
			if is(parts[i]) {
				return true
			}
		}
	}
	return false
}
