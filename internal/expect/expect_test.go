package expect

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func mustCompile(t testing.TB, src string) *Expr {
	t.Helper()
	e, err := Compile(src)
	if err != nil {
		t.Fatalf("Compile(%s): %v", src, err)
	}
	return e
}

func answer() Answer {
	return Answer{
		Status:  Code(200),
		Headers: Headers{{"Content-Type", "application/json"}, {"Vary", "a"}, {"vary", "b"}},
		Latency: 120 * time.Millisecond,
		Body: []byte(`{"status":"ok","n":5,"half":0.5,"yes":true,"no":false,"null":null,"tags":["a","b"],
			"checks":{"db":{"ok":true},"in":1},"items":[{"x":7}],"a-b":1,"text":"line\nnext"}` + "\n"),
	}
}

func TestHolds(t *testing.T) {
	for src, want := range map[string]bool{
		`status == 200`:                                 true,
		`status != 200`:                                 false,
		`status == 200.0`:                               true,
		`status == 2e2`:                                 true,
		`status == "200"`:                               false,
		`status != "200"`:                               true,
		`200 == status`:                                 true,
		`status in [200, 204]`:                          true,
		`status in [200, 204,]`:                         true,
		`status in [201, "200"]`:                        false,
		`status not in [201]`:                           true,
		`status in 200..299`:                            true,
		`status not in 200..299`:                        false,
		`status in 300..399`:                            false,
		`status >= 200 && status < 300`:                 true,
		`status == 500 || status == 200`:                true,
		`status == 500 or status == 200 and false`:      false,
		`(status == 200 or false) and true`:             true,
		`true or false and false`:                       true,
		`!(status == 500)`:                              true,
		`not (status == 500)`:                           true,
		`!!body.yes`:                                    true,
		`!body.no && not body.no`:                       true,
		`!body.no == true`:                              true,
		`latency < 500ms`:                               true,
		`latency <= 120ms`:                              true,
		`latency > 0.1s and latency < 1m`:               true,
		`latency < 1m30s`:                               true,
		`latency > -1s`:                                 true,
		`latency == 120`:                                false,
		`headers["content-type"] == "application/json"`: true,
		`headers["CONTENT-TYPE"] contains 'json'`:       true,
		`headers["vary"] == "a, b"`:                     true,
		`headers["x-none"] == nil`:                      true,
		`headers["x-none"] contains "a"`:                false,
		`headers["x-none"] not contains "a"`:            true,
		`headers.vary == "a, b"`:                        true,
		`"vary" in headers`:                             true,
		`body.status == "ok"`:                           true,
		`body.status == 'ok'`:                           true,
		"body.status == `ok`":                           true,
		`body["status"] == "ok"`:                        true,
		`body?.status == "ok"`:                          true,
		`body.checks["db"].ok`:                          true,
		`body.checks.db.ok == true`:                     true,
		`body.checks.in == 1`:                           true,
		`body["a-b"] == 1`:                              true,
		`body.items[0].x == 7`:                          true,
		`body.items[-1].x == 7`:                         true,
		`body.items[1].x == nil`:                        true,
		`body.items[0.5] == nil`:                        true,
		`body.items["0"] == nil`:                        true,
		`body.none.deeper.still == nil`:                 true,
		`body.none == "x"`:                              false,
		`body.none != "x"`:                              true,
		`body.none < 5`:                                 false,
		`!(body.none < 5)`:                              false,
		`body.none`:                                     false,
		`!body.none`:                                    false,
		`body.null == nil`:                              true,
		`body.n > 4 and body.n <= 5`:                    true,
		`body.n > 4.5`:                                  true,
		`body.half == 0.5`:                              true,
		`body.n > -1`:                                   true,
		`body.n < "6"`:                                  false,
		`body.n < 1s`:                                   false,
		`body.n < "6" or status == 200`:                 true,
		`body.n == true`:                                false,
		`body.n`:                                        false,
		`body.tags == ["a", "b"]`:                       true,
		`body.tags == ["a"]`:                            false,
		`body.tags != ["a"]`:                            true,
		`"a" in body.tags`:                              true,
		`"c" in body.tags`:                              false,
		`"db" in body.checks`:                           true,
		`"a" in body.none`:                              false,
		`"a" in body.status`:                            false,
		`body.status in ["ok", "pass"]`:                 true,
		`len(body.tags) == 2`:                           true,
		`len(body.status) == 2`:                         true,
		`len(body.checks) > 1`:                          true,
		`len(body.none) == 0`:                           false,
		`lower("OK") == body.status`:                    true,
		`lower(body.n) == "5"`:                          false,
		`body.status startsWith "o"`:                    true,
		`body.status endsWith "k"`:                      true,
		`body.status matches "^o.$"`:                    true,
		`body.status matches "^x"`:                      false,
		`body.status not matches "^x"`:                  true,
		`body.n contains "5"`:                           false,
		`body contains '"status":"ok"'`:                 true,
		`body matches "db"`:                             true,
		`body.text == "line\nnext"`:                     true,
		`body == body`:                                  true,
		`headers == headers`:                            false,
		`"\u00e9" == 'é'`:                               true,
		"status == 200\n  and latency < 1s":             true,
		`true`:                                          true,
		`false`:                                         false,
	} {
		ok, why := mustCompile(t, src).Holds(answer())
		if ok != want {
			t.Errorf("%s is %v (%s)", src, ok, why)
		}
		if ok != (why == "") {
			t.Errorf("%s is %v but why is %q", src, ok, why)
		}
	}
}

func TestBodyThatIsNotAnObject(t *testing.T) {
	for _, c := range []struct {
		body, src string
		want      bool
	}{
		{"OK\r\n", `body == "OK"`, true},
		{"OK", `body matches "^OK$"`, true},
		{"OK", `lower(body) == "ok"`, true},
		{"OK", `body.status == "ok"`, false},
		{"OK", `body.status == nil`, true},
		{"OK", `body[0] == nil`, true},
		{"true", `body`, true},
		{"true\n", `body == "true"`, true},
		{"42", `body == 42 and body == "42" and body > 41`, true},
		{`"up"`, `body == "up"`, true},
		{`[1,2]`, `body[1] == 2 and len(body) == 2`, true},
		{"", `body == ""`, true},
		{"", `len(body) == 0`, true},
		{"", `body.x == 1`, false},
		{"null", `body == nil`, true},
		{"1e999", `body == "1e999"`, true},
		{strings.Repeat("[", 20000), `body.x == nil`, true},
	} {
		if ok, why := mustCompile(t, c.src).Holds(Answer{Body: []byte(c.body)}); ok != c.want {
			t.Errorf("%.20q: %s is %v (%s)", c.body, c.src, ok, why)
		}
	}
}

func TestWordAsStatus(t *testing.T) {
	a := Answer{Status: Word("SERVING")}
	if ok, why := mustCompile(t, `status == "SERVING"`).Holds(a); !ok {
		t.Error(why)
	}
	if ok, _ := mustCompile(t, `status == 1`).Holds(a); ok {
		t.Error("a word equals a number")
	}
	if Code(503).String() != "503" || Word("UNKNOWN").String() != "UNKNOWN" {
		t.Error("String")
	}
}

func TestWhy(t *testing.T) {
	text := Answer{Status: Code(503), Body: []byte("<html>\x1b[31m\n" + strings.Repeat("é", 5000))}
	cut := Answer{Status: Code(200), Body: make([]byte, 100), BodyCut: true}
	for _, c := range []struct {
		src  string
		a    Answer
		want string
	}{
		{`status == 200`, text, `expected status == 200, got status 503`},
		{`status == 200 && body.x == 1`, text, `expected status == 200, got status 503`},
		{`status == 503 && (status == 200 || status == 204)`, text, `expected (status == 200 || status == 204), got status 503`},
		{`status in 200..299`, text, `expected status in 200..299, got status 503`},
		{`status == "200"`, answer(), `expected status == "200", got status 200, a number and not a text`},
		{`body.status == "up"`, answer(), `expected body.status == "up", got body.status "ok"`},
		{`body.checks.db.ok == false`, answer(), `expected body.checks.db.ok == false, got body.checks.db.ok true`},
		{`body.no`, answer(), `expected body.no, got body.no false`},
		{`!body.yes`, answer(), `expected !body.yes, got body.yes true`},
		{`body.none == "x"`, answer(), `expected body.none == "x", got no body.none`},
		{`body.none`, answer(), `expected body.none, but body.none is missing`},
		{`body.n`, answer(), `expected body.n, but body.n is 5, a number and not true or false`},
		{`body.none < 5`, answer(), `expected body.none < 5, but body.none is missing, which cannot be ordered with a number`},
		{`body.status < 5`, answer(), `expected body.status < 5, but body.status is "ok", a text, which cannot be ordered with a number`},
		{`body.n contains "5"`, answer(), `expected body.n contains "5", but body.n is 5, a number and not a text`},
		{`headers["server"] == "x"`, answer(), `expected headers["server"] == "x", got no headers["server"]`},
		{`latency < 50ms`, answer(), `expected latency < 50ms, got latency 120ms`},
		{`latency < 50ms`, Answer{Latency: 512_312_894}, `expected latency < 50ms, got latency 512.313ms`},
		{`body.tags == ["a"]`, answer(), `expected body.tags == ["a"], got body.tags ["a","b"]`},
		{`body.x == 1`, Answer{}, `expected body.x == 1, got no body.x: the body is empty`},
		{`body.x == 1`, Answer{Body: []byte("a\x1bb")}, `expected body.x == 1, got no body.x: the body is not JSON but "a\x1bb"`},
		{`body == 1`, cut, `expected body == 1, but the body is longer than the 100 bytes that are read of it`},
		{`false`, answer(), `expected false`},
	} {
		if ok, why := mustCompile(t, c.src).Holds(c.a); ok || why != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, why, c.want)
		}
	}
}

// A cut body is no matter as long as the expression is decided without it.
func TestCutBodyFailsOnlyWhatNeedsIt(t *testing.T) {
	cut := Answer{Status: Code(200), Body: []byte(`{"a":1`), BodyCut: true}
	for src, want := range map[string]bool{
		`status == 200`:                  true,
		`status == 200 or body.a == 1`:   true,
		`body.a == 1 or status == 200`:   true,
		`status == 200 and body.a == 1`:  false,
		`status == 200 and body.a != 1`:  false,
		`status == 200 and !(body == 1)`: false,
	} {
		if ok, why := mustCompile(t, src).Holds(cut); ok != want {
			t.Errorf("%s is %v: %s", src, ok, why)
		}
	}
}

func TestUsesBody(t *testing.T) {
	for src, want := range map[string]bool{
		`status == 200`:            false,
		`headers["body"] == "x"`:   false,
		`status == 1 or body.a`:    true,
		`lower(body) == "x"`:       true,
		`headers[body.name] == ""`: true,
	} {
		if got := mustCompile(t, src).UsesBody(); got != want {
			t.Errorf("%s: %v", src, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct {
		src    string
		column int
		want   string
	}{
		{``, 1, `the expectation is empty`},
		{`  `, 3, `the expectation is empty`},
		{`statsu == 200`, 1, `unknown name "statsu": did you mean "status"?`},
		{`status == 200 && Latency < 1s`, 18, `did you mean "latency"?`},
		{`foo == 1`, 1, `there are status, headers, latency and body`},
		{`code == 1`, 1, `did you mean "status"?`},
		{`body.x == null`, 11, `did you mean "nil"?`},
		{`lenght(body) > 1`, 1, `there are len and lower`},
		{`lowr(body) == "x"`, 1, `did you mean "lower"?`},
		{`status = 200`, 8, `= is not an operator: write ==`},
		{`status == 200 & true`, 15, `write &&`},
		{`status == 200 | true`, 15, `write ||`},
		{`status + 1 == 2`, 8, `no arithmetic`},
		{`status - 1 == 2`, 8, `no arithmetic`},
		{`body.a-b == 1`, 7, `["its-name"]`},
		{`-status == 2`, 1, `- stands only before a number`},
		{`status`, 1, `must be true or false, this is a number or a word, such as status == …`},
		{`latency`, 1, `must be true or false`},
		{`headers`, 1, `must be true or false`},
		{`status == 200 && 5`, 18, `&& must be true or false, this is a number`},
		{`not status == 200`, 5, `put what it denies in parentheses`},
		{`latency < 500`, 9, `a duration needs its unit`},
		{`latency < "5"`, 9, `cannot order a duration and a text`},
		{`status < true`, 8, `orders numbers, texts and durations, not a bool`},
		{`body.x < nil`, 8, `not nil`},
		{`1 < status < 5`, 12, `do not chain`},
		{`status == 200..299`, 14, `a span stands only after in`},
		{`status in 200..2.5`, 11, `two whole numbers`},
		{`status in 200`, 11, `in needs a list`},
		{`status in "200"`, 11, `write contains`},
		{`status not 200`, 12, `after not comes`},
		{`latency contains "x"`, 1, `contains needs texts`},
		{`body matches body`, 14, `a regular expression in quotes`},
		{`body matches "("`, 14, `the regular expression is not valid: missing closing )`},
		{`body matches "\d"`, 15, `\d is not an escape`},
		{`body == "abc`, 9, `no closing "`},
		{"body == `abc", 9, "no closing `"},
		{`body == "é" && x`, 16, `unknown name "x"`},
		{`(status == 200`, 1, `not closed by )`},
		{`status == 200)`, 14, `unexpected )`},
		{`status in [200`, 11, `not closed by ]`},
		{`status == `, 11, `ends where a value should come`},
		{`status == 200 AND true`, 15, `did you mean "and"?`},
		{`body contain "x"`, 6, `did you mean "contains"?`},
		{`status.x == 1`, 8, `status has no fields`},
		{`len == 1`, 1, `len is a function`},
		{`len(5) == 1`, 5, `len cannot take a number`},
		{`body. == 1`, 7, `the name of a field`},
		{`body.items.0 == 1`, 12, `reached by [0]`},
		{`latency < 5parsecs`, 11, `neither a number nor a duration`},
		{`body == “x”`, 9, `not a quote`},
		{`status == 200 # ok`, 15, `not understood`},
		{"status == \xff", 1, `not valid UTF-8`},
		{strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60), 51, `deeper than 50`},
		{strings.Repeat("!", 60) + "true", 51, `deeper than 50`},
		{strings.Repeat(" ", 5000), 4097, `longer than 4096`},
	} {
		_, err := Compile(c.src)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.40s: no error", c.src)
			continue
		}
		if syntax.Column != c.column || !strings.Contains(syntax.Message, c.want) {
			t.Errorf("%.40s: column %d: %s\nwant column %d: %s", c.src, syntax.Column, syntax.Message, c.column, c.want)
		}
	}
}

func TestSyntaxErrorShowsThePlace(t *testing.T) {
	_, err := Compile(`status == 200 && "é" == bdy`)
	want := "column 25: unknown name \"bdy\": did you mean \"body\"?\n" +
		"    status == 200 && \"é\" == bdy\n" +
		"                            ^"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = Compile(strings.Repeat("true && ", 400) + "\n\x1b[2J && x")
	if text := err.Error(); len(text) > 600 || strings.Contains(text, "\x1b") || !strings.HasPrefix(strings.Split(text, "\n")[1], "    …") {
		t.Errorf("unbounded or unsafe: %q", text)
	}
}

// FuzzCompile: whatever the source and the body, there is an answer, it is
// bounded and safe to print, and it agrees with itself.
func FuzzCompile(f *testing.F) {
	f.Add(`status == 200 && body.status == "ok"`, `{"status":"ok"}`)
	f.Add(`latency < 1m30s or not body.a[0].b in [1, "x", 200..3]`, `{"a":[{"b":1}]}`)
	f.Add(`len(body) > 0 and lower(body) matches "^a|b$" and headers["x"] not contains 'y'`, "ab")
	f.Add("status in 200..299 and body == `x` or !(body?.x != nil)", "[1]")
	f.Fuzz(func(t *testing.T, src, body string) {
		e, err := Compile(src)
		if err != nil {
			if text := err.Error(); len(text) > 2000 || !utf8.ValidString(text) {
				t.Fatalf("the error is unbounded or not text: %q", text)
			}
			return
		}
		for _, a := range []Answer{
			{Status: Code(200), Latency: time.Second, Headers: Headers{{"X", "y"}}, Body: []byte(body)},
			{Status: Word("SERVING"), Body: []byte(body), BodyCut: true},
		} {
			ok, why := e.Holds(a)
			if ok != (why == "") || len(why) > 4000 || strings.ContainsAny(why, "\n\r\x1b\x00") || !utf8.ValidString(why) {
				t.Fatalf("%q is %v: %q", src, ok, why)
			}
		}
	})
}
