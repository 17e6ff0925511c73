package diagnose

var dependencyRefused = Entry{
	ID: "dependency-refused", Family: "dependency",
	What:    "A server that the service needs is not listening: not started yet, on another port, or gone.",
	How:     "A connection that the service opened was refused (ECONNREFUSED).",
	Confirm: "docker run --rm --network {network} busybox nc -zv HOST PORT",
	Fix:     "Start the dependency first (depends_on with condition: service_healthy), correct host and port, and let the service retry with a bound. In a container, localhost is the container itself.",
	signs: []sign{
		{errno: eConnRefused, score: .93},
		{errno: eNoEntry, score: .85, has: "local mysql server through socket|unix domain socket|dial unix|unix:/|.sock", not: "bind|listen|.so:", why: "The socket of a server on the same host is not there: nothing listens on it."},
		{has: "connection to ", and: " refused", score: .95},
		{has: "net.connectexception", not: "timed out|timeout", score: .88, why: "Java's ConnectException without a word of why: nobody listened there."},
		{has: "can't connect to mysql server|can't connect to server on|no brokers available|nobrokersavailable|" +
			"broker transport failure|all broker connections are down|could not connect to broker|bootstrap broker|" +
			"could not be established. broker may not be available|communications link failure|no living connections|" +
			"no nodes available|nonodeavailable|can't reach database server|could not connect to server|" +
			"unable to connect to server|cannot connect to redis|error connecting to redis|redis connection to|" +
			"unable to connect to the server|unable to reach|failed to connect to all addresses|all connection attempts failed|" +
			"connect call failed|could not connect to any|no servers available|error while dialing|connection error: desc|" +
			"jedisconnectionexception|unable to connect to redis|redisconnectionexception|" +
			"it was not possible to connect to the redis|mongonetworkerror|mongoserverselectionerror|brokernotavailable|" +
			"no known host|connection could not be established|unable to connect to any of the specified mysql hosts|" +
			"a network-related or instance-specific error|failed to connect to localhost|failed to connect to 127|" +
			"connection to node", not: "timed out|timeout|authentication|access denied|could not translate|no such host|enotfound|name or service|" +
			"unknown host|certificate|ssl ", score: .8},
		{has: "socketconnection(", score: .7, why: "A connection that it opened failed, and R does not say why."},
		{bare: true, has: "connect to |connecting to |connection to |to reach |to contact |no connection to", and: "failed|could not|cannot|can't|couldn't|unable|error|no connection", not: "timed out|timeout|authenti|denied|password|translate|no such host|enotfound|name or service|resolve|unknown host|" +
			"certificate|ssl|tls|permission|bus|x server|display|systemd|syslog|bind|no such file", score: .63, why: "A connection that it opened failed, and nothing says why.", when: func(s *scene, l int) bool {
			return s.lines[l].level != calm
		}},
		{has: "timeout occurred after waiting|still waiting for|waiting for |is unavailable - sleeping|not ready yet|" +
			"not yet available|retrying in|retry attempt|will retry|not available yet|is not ready|is not available|is unreachable|" +
			"giving up waiting", and: "db|database|postgres|mysql|redis|mongo|kafka|rabbit|broker|cache|queue|elastic|amqp|nats|etcd|vault|consul|:5432|" +
			":3306|:6379|:27017|:9092|:5672|upstream|dependency|server", not: "lock|leader", score: .6},
		{has: "is the server running|is the database running|is postgres running|postmaster is accepting", score: .7, when: func(s *scene, l int) bool {
			return !s.near(l, 3, 1, "timed out|timeout|no route|unreachable|translate|no such host|unix")
		}},
	},
}

var dependencyTimeout = Entry{
	ID: "dependency-timeout", Family: "dependency",
	What:    "A server that the service needs does not answer at all: wrong address, a firewall, a network that they do not share.",
	How:     "A connection that the service opened timed out, or there was no route.",
	Confirm: "docker run --rm --network {network} busybox nc -zv -w 3 HOST PORT",
	Fix:     "Put both into one network, correct the address, open the firewall. Set a timeout for connections in the service, so that it says so early.",
	signs: []sign{
		{errno: eConnTimeout, score: .93},
		{has: "i/o timeout|connect timeout|connection timeout|timeout expired|connecttimeout|connection timed out|connect timed out|" +
			"context deadline exceeded|deadline exceeded|timed out after|timed out while|sockettimeoutexception|timed out waiting|" +
			"timeout waiting for|timeouterror|operation timed out|server selection timed out|connection attempt timed out|" +
			"read timed out|request timed out|requesttimeout|etimeout|pooltimedout|connection terminated due to connection timeout|" +
			"timeout exceeded|connection is not available, request timed out|the wait operation timed out|" +
			"a connection attempt failed because the connected party did not properly respond|timeout while|" +
			"timed out trying to connect|timed out. |failed to respond|not reachable|connection attempt failed|timed out (|" +
			"(timed out)|): timeout|: timed out", not: "worker timeout|lock|health|graceful|keepalive|missing timeouts|econnrefused|connection refused|info|debug|advisory|" +
			"shutdown|startup probe", score: .84},
	},
}

var dependencyAuthFailed = Entry{
	ID: "dependency-auth-failed", Family: "dependency",
	What:    "A server that the service needs does not accept its credentials.",
	How:     "The server refused the login (SQLSTATE 28P01 or 28000, MySQL 1045, WRONGPASS, NOAUTH, HTTP 401 or 403).",
	Confirm: "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' {container} | cut -d= -f1",
	Fix:     "Correct user and password on one of both sides. A database keeps the password of its first start: changing the variable later changes nothing in an existing volume.",
	signs: []sign{
		{has: "28p01|password authentication failed|access denied for user|wrongpass|noauth|er_access_denied|" +
			"invalid username-password pair|login failed for user|no password supplied|no pg_hba.conf entry|client sent auth|" +
			"access_refused|authentication mechanism|sasl authentication|ora-01017|passwort-authentifizierung|" +
			"authentification par mot de passe|autentificación password|authentication credentials|authenticationfailed|" +
			"mongoerror: authentication|er_not_supported_auth_mode|caching_sha2_password|scram authentication|" +
			"authorization violation|password is required|peer authentication failed|ident authentication failed|" +
			"client password must be a string|invalid_client|invalid api key|invalid access token|incorrect username or password|" +
			"invalid username or password|bad username or password|wrong username or password|unknown user name or bad password|" +
			"connection refused, not authorised|connection refused: not authorized|not authorised|topic authorization failed|" +
			"invalidaccesskeyid|bad user name or password|p1000", not: "warn", score: .95},
		{has: "authentication failed|auth failed|authentication failure|authentication error|not authenticated|unauthorized|" +
			"unauthenticated|invalid credentials|bad credentials|security_exception|login failed|authenticationexception|" +
			"authfailure|login incorrect|logon failed|accessdenied|access denied|forbidden|permission denied for|" +
			"insufficient privilege|insufficient_privilege|not authorized|authentication required|invalid_grant|credentials|" +
			"expiredtoken|invalidclienttokenid|signaturedoesnotmatch|role \"|password for user|invalid password|wrong password", and: "authenti|unauthor|credential|login|logon|denied|forbidden|permission denied for|privilege|not authorized|" +
			"does not exist|invalid_grant|expiredtoken|invalidclient|signature|401|403|password", not: "file access denied|access to file|database not found|accessdeniedexception: /|warn|private key|keystore|: open|errno", score: .84,
			when: func(s *scene, l int) bool { return s.lines[l].level != calm && pathDenied(s, l) == "" }},
		{has: "status code 401|status code 403|status: 401|status: 403|status 401|status 403|http 401|http 403|401 unauthorized|" +
			"403 forbidden|response code: 401|response code: 403|code=401|code=403|http error 401|http error 403|returned 401|" +
			"returned 403|responded with 401|responded with 403|statuscode: 401|statuscode: 403|status=401|status=403|" +
			": 401 client error|: 403 client error|unexpected status 401|unexpected status 403|got 401|got 403|code: 401|code: 403|" +
			"(401)|(403)", not: "get / http", score: .9},
	},
}

// pathDenied is a path to which access was denied: that is no login.
func pathDenied(s *scene, l int) string {
	if s.lines[l].errnos.has(eAccess) && !namesNoFile(s.lines[l].text) {
		return pathIn(s.lines[l].text)
	}
	return ""
}

var databaseMissing = Entry{
	ID: "database-missing", Family: "dependency",
	What:    "The database server answers, but the database is not there.",
	How:     "The server said so: SQLSTATE 3D000, MySQL 1049, SQL Server 4060, Prisma P1003.",
	Confirm: "docker exec DATABASE psql -U postgres -l",
	Fix:     "Create the database (an init script runs only on an empty volume), or correct its name in the service's settings.",
	signs: []sign{
		{has: "3d000|unknown database|er_bad_db_error|invalidcatalogname|nosuchdatabaseerror|p1003|database does not exist|ora-12514|" +
			"ora-12505|no such database|ns not found|keyspace", and: "3d000|database|er_bad_db|catalog|ora-|does not exist|ns not found", not: "warn", score: .93},
		{has: "database \"|database '|database `|datenbank »|base de données «|base de datos «|database named|cannot open database|" +
			"the database ", and: "does not exist|doesn't exist|not found|existiert nicht|n'existe pas|no existe|requested by the login|not exist|" +
			"could not be found", not: "relation|newer version|table|column", score: .95},
		{has: "(1049|database not found|activerecord::nodatabaseerror|could not find your database", score: .97},
	},
}

var schemaMismatch = Entry{
	ID: "schema-mismatch", Family: "dependency",
	What:    "The database is there, but its tables or columns are not those that the program expects: a migration has not run, or has run too far.",
	How:     "The server said so: SQLSTATE 42P01 or 42703, MySQL 1146 or 1054, no such table or column; or a migration tool did.",
	Confirm: "docker logs {container} 2>&1 | grep -i migrat",
	Fix:     "Run the migrations of this version before it starts; at a rollback, roll the schema back as well or keep it compatible.",
	signs: []sign{
		{has: "42p01|42703|42s02|42s22|undefinedtable|undefinedcolumn|no such table|no such column|base table or view not found|" +
			"invalid object name|invalid column name|er_no_such_table|er_bad_field_error|p2021|p2022|pendingmigrationerror|" +
			"migrations are pending|pending migrations|pending migration|flywayvalidateexception|detected failed migration|" +
			"migration checksum mismatch|can't locate revision identified by|dirty database version|schema-validation|" +
			"missing table [|missing column [|ora-00942|no migration found for version|has no column named|sqlgrammarexception|" +
			"column not found|schema version|validate failed: migrations|table or view not found|database schema is|" +
			"migration failed|previously applied but is missing|was previously applied but has been modified|p3005|p3009|p3018|" +
			"unable to determine the current migration|statementinvalid|is not up to date|out of date schema|unknown column", not: "unapplied migration|warn|info|newer version|debug", score: .93},
		{has: "relation \"|relation »|la relation «|la relación «|table '|table \"|column \"|column '|table `|type \"|function \"|" +
			"schema \"|spalte »", and: "does not exist|doesn't exist|existiert nicht|n'existe pas|no existe|not found|unknown column|not exist", not: "mysql.plugin|mysql.user|mysql.|warn|performance_schema|if not exists", score: .93},
	},
}

var dnsFailure = Entry{
	ID: "dns-failure", Family: "dependency",
	What:    "The name of a server that the service needs cannot be resolved. Docker resolves names of containers in user-defined networks only, and of running ones only.",
	How:     "The resolver said that there is no such host, or did not answer.",
	Confirm: "docker run --rm --network {network} busybox nslookup NAME; docker network inspect {network}",
	Fix:     "Put both into one user-defined network, correct the name, start the dependency first.",
	signs: []sign{
		{errno: eNoName, score: .94},
		{errno: eAgain, score: .94, when: func(s *scene, l int) bool { return s.near(l, 2, 3, "dns.get|getaddrinfo|gethostby|getnameinfo") }},
		{has: "could not translate host name|host not found in upstream|host not found in|could not resolve host|" +
			"could not resolve address|could not resolve hostname|failed to resolve|unable to resolve host|unable to resolve the|" +
			"unknown host|unknown mysql server host|cannot resolve|can't resolve|couldn't resolve|php_network_getaddresses|" +
			"server misbehaving|dns resolution|dns lookup|failed to look up|could not look up|name resolution failed|" +
			"name resolution failure|hostname lookup|could not be resolved|no resolver defined|getaddrinfo|failed to lookup|" +
			"dns error|hostname could not|host lookup failed|can't find host|could not find host|getaddresses|no dns|" +
			"resolving host|unresolved address|unresolved host|bad address '|unresolvable|unable to lookup|lookup failed|" +
			"nosuchhost|invalid host name|dns name does not exist|resolve failed", not: "module|placeholder|servername|domain name, using|dependency|property|bean|symbol|type |import|" +
			"cannot resolve environment|\"./|plugin", score: .9, when: func(s *scene, l int) bool { return s.lines[l].level != calm && s.lines[l].level != warn }},
		{has: "lookup ", and: ":53|no such host|server misbehaving", score: .95},
	},
}
