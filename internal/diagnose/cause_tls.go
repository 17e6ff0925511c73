package diagnose

var tlsFileMissing = Entry{
	ID: "tls-file-missing", Family: "tls",
	What:    "A certificate or key is not where it is looked for.",
	How:     "A path that is a certificate's or key's could not be opened (ENOENT).",
	Confirm: "docker run --rm --volumes-from {container} --entrypoint ls {image} -la DIRECTORY; docker inspect -f '{{json .Mounts}}' {container}",
	Fix:     "Mount the file to the path that the line names, or correct the path. A certificate that is renewed may be a link out of the mounted directory.",
	signs: []sign{
		{errno: eNoEntry, score: .96, when: func(s *scene, l int) bool {
			return roleIn(s.lines[l].text) == tlsPath || s.near(l, 1, 0, "bio_new_file|certificate|private key|ssl_ctx|keystore|x509")
		}},
		{errno: eNoEntry, score: .95, why: "A certificate or key that was to be loaded is not there.", when: func(s *scene, l int) bool {
			return s.near(l, 8, 6, "load_cert_chain|load_verify_locations|ssl_context|create_ssl_context|loadx509keypair|sslcontext|tls.createsecure|"+
				"createserver(tls|https.createserver|ssl.sslcontext|usehttps|x509certificate2|load_certfile|ssl_certfile")
		}},
		{has: "does not exist|not found|doesn't exist|could not find|cannot be found|unable to find|cannot find|no such file|" +
			"could not open|cannot open|unable to open|can't open|failed to open|is missing|could not be found|unable to locate|" +
			"could not locate|cannot locate|non-existent|nonexistent|unable to stat|cannot stat|not exist", and: "certfile|keyfile|certificate|private key|keystore|truststore|.pem|.crt|.key|ca file|cafile|ssl_cert|sslcert|.p12|.jks|" +
			".pfx", not: "permission|denied|unable to find valid certification|object not found|table", score: .92},
		{bare: true, has: unreadWords, not: "mismatch|pem|bad |invalid|start line|permission|parse", score: .7, why: "A certificate or key could not be read, and why is not told: mostly it is not there.", when: func(s *scene, l int) bool {
			return s.lines[l].level != calm && roleIn(s.lines[l].text) == tlsPath
		}},
		{bare: true, has: "use_certificate|use_privatekey|use_private_key|load_verify_loc", and: "error|fail", not: "mismatch|no start line|bad|pem|unsupported|too small|wrong", score: .55, why: "OpenSSL could not load a certificate or key, and why is not told: mostly it is not there."},
		{has: "bio_new_file|ssl_ctx_use_certificate|ssl_ctx_use_privatekey|ssl_ctx_load_verify|cannot load certificate|" +
			"unable to load ssl|unable to load certificate|unable to load server certificate|could not load server certificate|" +
			"could not load certificate|failed to load certificate|unable to load key|unable to stat ssl|unable to stat", and: "no such file|enoent|not found|does not exist|system lib", score: .94},
	},
}

var tlsKeypairInvalid = Entry{
	ID: "tls-keypair-invalid", Family: "tls",
	What:    "Certificate and key are there, but do not fit: they belong to different pairs, are swapped, encrypted, or no PEM.",
	How:     "The TLS library refused to load them.",
	Confirm: "openssl x509 -noout -pubkey -in CERT | sha256sum; openssl pkey -pubout -in KEY | sha256sum",
	Fix:     "Use the key that belongs to the certificate (both commands must print the same), unencrypted or with its password, certificate first in a chain.",
	signs: []sign{
		{has: "key values mismatch|key_values_mismatch|private key does not match|bad decrypt|bad password read|no start line|" +
			"no_start_line|pem_read_bio|pem lib|pem_lib|pem routines|failed to find any pem data|failed to find pem block|" +
			"found a certificate rather than a key|found a private key|not a valid private key|keystore was tampered with|" +
			"keystore password was incorrect|expecting: certificate|expecting: any private key|inconsistent private key|" +
			"do not match|wrong tag|failed to parse private key|failed to parse certificate|invalid pem|key too small|" +
			"key_too_small|ee_key_too_small|ca md too weak|ca_md_too_weak|unable to decode private key|no private keys found|" +
			"no private key found|no certificates found|decoder routines|asn1|bad base64|bad end line|invalidkeyspecexception|" +
			"unrecoverablekeyexception|could not decrypt|pkcs#8|pkcs8|key password|mac verify failure|encrypted private key|" +
			"is encrypted|unsupported private key|does not match the certificate|certificate and private key|not a pem|no pem|" +
			"keymismatch|invalid certificate|does not contain a private key|unable to load private key|cannot load private key|" +
			"cannot load certificate|unable to configure rsa server private key|illegal base64|no key found|missing key|" +
			"missing private key|failed to load private key|failed to load key pair|bad certificate format|bad_base64|key type|" +
			"passphrase|inconsistencies between|invalidcertificate|badencoding", and: "cert|key|pem|tls|ssl|asn1|pkcs|decrypt|decoder|keystore", not: "no such file|bio_new_file|permission|verify failed|x509: certificate|openssh|host key|authorized|enoent|" +
			"does not exist|not found:|json|jwt|api key|unknown key|primary key|foreign key", score: .93},
	},
}

var tlsVerifyFailed = Entry{
	ID: "tls-verify-failed", Family: "tls",
	What:    "The service does not trust the certificate of a server that it needs, or cannot agree on TLS with it.",
	How:     "The verification of an outgoing connection failed: unknown authority, self-signed, expired, another name, or no TLS at all.",
	Confirm: "openssl s_client -connect HOST:PORT -servername HOST </dev/null",
	Fix:     "Give the service the authority's certificate (ca-certificates in the image, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, a truststore), renew the certificate, or use the name that it is for. Do not turn verification off.",
	signs: []sign{
		{has: "certificate verify failed|certificate_verify_failed|unable to verify the first certificate|unable_to_verify_leaf|" +
			"self-signed certificate|self signed certificate|self_signed_cert|unable to get local issuer|unable to get issuer|" +
			"pkix path|certpathvalidator|certpathbuilder|x509: certificate|x509: cannot validate|certificate has expired|" +
			"cert_has_expired|certificate is not valid|certificate_unknown|depth_zero_self_signed|err_tls_cert_altname|" +
			"hostname mismatch|hostname/ip does not match|does not match certificate's altnames|untrustedroot|" +
			"remote certificate is invalid|invalid peer certificate|unknownissuer|unknown ca|unknown_ca|" +
			"certificate signed by unknown authority|certificate verification failed|certificate is invalid|certificate expired|" +
			"certificate has been revoked|no subject alternative|certificatenotyetvalid|not yet valid|tls: failed to verify|" +
			"not trusted|untrusted certificate|issuer certificate|ssl certificate problem|peer certificate|notvalidforname|" +
			"certificate subject name", not: "warn|client certificate required|http: tls handshake error", score: .95},
		{has: "does not support ssl|ssl was required|does not support tls|ssl is not enabled on the server|server refused tls|" +
			"server does not support secure|the server does not support ssl|ssl off|ssl connection is required|sslrequired|" +
			"does not support encryption|ssl/tls required|sslmode", and: "support|required|refused|not enabled|off|requires", not: "warn", score: .88},
		{has: "sslhandshakeexception|sslexception|sslerror|ssl: wrong_version_number|wrong version number|handshake failure|" +
			"handshake_failure|tlsv1 alert|tls handshake|ssl handshake|ssl connect error|ssl_error|unsupported_protocol|" +
			"unsupported protocol|protocol version|no_ciphers|no cipher|first record does not look like a tls|eproto", and: "ssl|tls", not: "http: tls handshake error|warn|peer not authenticated: client|info|no such file|[ssl] pem|key_values|keyfile|certfile|" +
			"pem lib|key values", score: .78},
	},
}
