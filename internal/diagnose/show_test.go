package diagnose

import (
	"strings"
	"testing"
)

func TestSecretsAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"dial postgres://shop:s3cret@db:5432/shop failed":                   "dial postgres://shop:***@db:5432/shop failed",
		"amqp://u:p@ss/w@rd@mq/ refused":                                    "amqp://u:***@mq/ refused",
		"redis://:hunter22@cache:6379":                                      "redis://:***@cache:6379",
		"https://ghp_abcdefghijklmnop@git.example.com/x":                    "https://***@git.example.com/x",
		"host=db user=shop password=s3cret dbname=shop":                     "host=db user=shop password=*** dbname=shop",
		`{"api_key":"abc123def","port":80}`:                                 `{"api_key":"***","port":80}`,
		"Server=db;User Id=sa;Pwd=Passw0rd;":                                "Server=db;User Id=sa;Pwd=***;",
		"DB_PASSWORD: hunter2":                                              "DB_PASSWORD: ***",
		"Authorization: Bearer abcdef0123456789":                            "Authorization: Bearer ***",
		"got AKIAIOSFODNN7EXAMPLE there":                                    "got *** there",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123 x":            "jwt *** x",
		`DB_PASS=s3cret REDIS_AUTH: s3cret {"auth":"s3cret"} pass='s3cret'`: `DB_PASS=*** REDIS_AUTH: *** {"auth":"***"} pass='***'`,
		`password="two words" next`:                                         `password="***" next`,
		`msg="{\"password\":\"s3cret\",\"port\":80}"`:                       `msg="{\"password\":\"***\",\"port\":80}"`,
		"open shop:s3cret@tcp(db:3306)/shop: refused":                       "open shop:***@tcp(db:3306)/shop: refused",
		"exec: serve --password s3cret --port 80":                           "exec: serve --password *** --port 80",
		// What is no secret stays.
		"auth: the server says no; pass: 3, fail: 1":            "auth: the server says no; pass: 3, fail: 1",
		"error: --password is required":                         "error: --password is required",
		`invalid value "x" for flag --token`:                    `invalid value "x" for flag --token`,
		`FATAL: password authentication failed for user "shop"`: `FATAL: password authentication failed for user "shop"`,
		"KeyError: 'API_TOKEN'":                                 "KeyError: 'API_TOKEN'",
		"Access denied (using password: YES)":                   "Access denied (using password: YES)",
		"https://api.example.com/health: 503":                   "https://api.example.com/health: 503",
		"invalid token: unexpected end of input":                "invalid token: unexpected end of input",
	} {
		if got := mask(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestNothingThatATerminalActsOnIsLeft(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[31;1mERROR\x1b[0m port":              "ERROR port",
		"\x1b]0;owned\x07title":                    "title",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link",
		"a\tb\x00c\r":                              "a b c",
		"ok\u202egnp.exe":                          "okgnp.exe",
		"\u009b31mred":                             "31mred",
		"grüße 世界":                                 "grüße 世界",
		"\xff\xfe":                                 "\ufffd\ufffd",
		"\x1b":                                     "",
		"\x1b[":                                    "",
	} {
		if got := clean([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestALongLineIsCutAndStaysText(t *testing.T) {
	got := shown(strings.Repeat("ä", quoteBytes))
	if len(got) > quoteBytes+len("…") || !strings.HasSuffix(got, "…") || strings.ContainsRune(got, '\ufffd') {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestLevels(t *testing.T) {
	for text, want := range map[string]level{
		"2024-01-02 INFO main: ERROR counter reset": calm,
		"[ALERT]    (1) : config":                   loud,
		`{"level":50,"msg":"x"}`:                    loud,
		`{"level":30,"msg":"x"}`:                    calm,
		"LOG:  could not bind":                      calm,
		"the log file is gone":                      plain,
		"[Warning] Could not increase":              warn,
	} {
		if got := levelOf(lower(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
