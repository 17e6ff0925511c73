package probe

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHTTPAsksProperly(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
	}))
	defer server.Close()
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	host := server.Listener.Addr().String()
	r := ask(t, "http://me:p%40ss@"+host+"/a%20b?c=d e", long, "")
	wants(t, r, KindOK, "200 OK")
	user, password, _ := got.BasicAuth()
	if got.Host != host || got.URL.String() != "/a%20b?c=d%20e" || got.UserAgent() != "aweigh" || !got.Close || user != "me" || password != "p@ss" {
		t.Errorf("asked %+v", got)
	}
	if r.Status != "200" || r.RemoteAddr.String() != host || r.Latency <= 0 {
		t.Errorf("%+v", r)
	}
}

func TestHTTPAnswers(t *testing.T) {
	body := func(text string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
	for _, c := range []struct {
		name, answer, want, kind, reason string
	}{
		{"HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nfine", `body == "fine"`, KindOK, "200 OK"},
		{"no phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", KindOK, "200 OK"},
		{"line feeds alone", "HTTP/1.1 204 No Content\n\n", "", KindOK, "204 No Content"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nfin\r\n1\r\ne\r\n0\r\nX: y\r\n\r\n", `body == "fine"`, KindOK, ""},
		{"interim answers", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", KindOK, "204"},
		{"a folded header", "HTTP/1.1 204 x\r\nX: a\r\n  b\r\n\r\n", `headers["x"] == "a b"`, KindOK, ""},
		{"the same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx", "", KindOK, ""},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\nxx", "", KindProtocol, `the Content-Length is "1, 2"`},
		{"a big body", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", maxBody+1), "", KindOK, "200 OK"},
		{"a body that just fits", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", maxBody), "len(body) == 1048576", KindOK, "200 OK"},
		{"a big body that is asked for", "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", maxBody+1), `body contains "x"`, KindExpect, "longer than the 1048576 bytes"},

		{"unavailable", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "", KindStatus, "503 Service Unavailable"},
		{"unavailable and why", "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"DOWN\"}", "", KindStatus, `503 Service Unavailable: body.status is "DOWN"`},
		{"an error in words", "HTTP/1.1 500 Internal Server Error\r\n\r\nno database\x1b[2J\nand more", "", KindStatus, `500 Internal Server Error: "no database [2J"`},
		{"an error in HTML", "HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "", KindStatus, "502 Bad Gateway"},
		{"not found", "HTTP/1.1 404 Not Found\r\n\r\n", "", KindStatus, "404 Not Found: there is no /health"},
		{"credentials", "HTTP/1.1 401 Unauthorized\r\n\r\n", "", KindStatus, "give them as http://user:password@"},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: /login?token=hunter2\r\n\r\n", "", KindStatus, "302 Found: redirects to /login?token=***, which a probe does not follow"},
		{"redirect to TLS", "HTTP/1.1 301 Moved\r\nLocation: https://a/\r\n\r\n", "", KindStatus, "use https://"},
		{"redirect to nowhere", "HTTP/1.1 302 Found\r\n\r\n", "", KindStatus, "a redirect to nowhere"},
		{"an expected redirect", "HTTP/1.1 302 Found\r\n\r\n", "status == 302", KindOK, ""},
		{"not as expected", body(`{"status":"no"}`), `body.status == "ok"`, KindExpect, `expected body.status == "ok", got body.status "no"`},
		{"expectation overrules", body(`{"status":"down"}`), "status == 200", KindOK, ""},
		{"unhealthy by its body", body(`{"status":"down"}`), "", KindBody, `200 OK, but body.status is "down"`},

		{"ssh", "SSH-2.0-OpenSSH_9.2\r\n", "", KindProtocol, `not HTTP: got "SSH-2.0-OpenSSH_9.2"`},
		{"binary", "\x4a\x00\x00\x00\x0a8.0.36\x00", "", KindProtocol, `not HTTP: got "J\x00`},
		{"TLS alert", "\x15\x03\x01\x00\x02\x02\x46", "", KindTLS, "the server speaks TLS: use https://"},
		{"Go's TLS", "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "", KindTLS, "use https://"},
		{"nginx' TLS", "HTTP/1.1 400 Bad Request\r\n\r\n<html>The plain HTTP request was sent to HTTPS port", "", KindTLS, "use https://"},
		{"HTTP/2 only", "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "", KindProtocol, "speaks HTTP/2 only"},
		{"no status", "HTTP/1.1 abc\r\n\r\n", "", KindProtocol, `not HTTP: got "HTTP/1.1 abc"`},
		{"HTTP/3?", "HTTP/3 200 OK\r\n\r\n", "", KindProtocol, "not HTTP"},
		{"a bad header", "HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n", "", KindProtocol, "a header line is"},
		{"a bad length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "", KindProtocol, "Content-Length"},
		{"a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "", KindProtocol, "the size of a chunk"},
		{"gzip as transfer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "", KindProtocol, "gzip"},
		{"endless interim", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), "", KindProtocol, "interim"},
		{"a huge header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), "", KindProtocol, "bigger than 64 KiB"},
		{"many headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<16), "", KindProtocol, "bigger than 64 KiB"},
		{"cut in the word", "HTT", "", KindProtocol, `not HTTP: got "HTT"`},
		{"cut in the status line", "HTTP/1.1 200", "", KindClosed, "without an answer"},
		{"cut in the header", "HTTP/1.1 200 OK\r\nX: y\r\n", "", KindClosed, "answered 200 but the header was not complete"},
		{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "", KindClosed, "answered 200 but the body was not complete (1 byte came)"},
		{"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", "", KindClosed, "body was not complete"},
		{"nothing", "", "", KindClosed, "the server closed the connection without an answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, "http://"+answers(t, c.answer).String()+"/health?x=y", long, c.want)
			wants(t, r, c.kind, c.reason)
		})
	}
}

// Each of them holds the connection, and the probe ends at its timeout all the
// same, with what had come.
func TestSlowServers(t *testing.T) {
	trickle := func(head, drop string) func(net.Conn) {
		return func(c net.Conn) {
			io.WriteString(c, head)
			if drop == "" {
				io.Copy(io.Discard, c)
				return
			}
			for {
				if _, err := io.WriteString(c, drop); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	for _, c := range []struct {
		name, scheme string
		serve        func(net.Conn)
		kind, reason string
	}{
		{"says nothing", "http", trickle("", ""), KindTimeout, "connected, but no answer after "},
		{"trickles its header", "http", trickle("HTTP/1.1 200 OK\r\n", "X: y\r\n"), KindTimeout, "answered 200 but the header was not complete after "},
		{"trickles its body", "http", trickle("HTTP/1.1 200 OK\r\n\r\n", "x"), KindTimeout, "answered 200 but the body was not complete after "},
		{"trickles chunks", "http", trickle("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), KindTimeout, "came)"},
		{"greets and waits", "http", trickle("SSH-2.0-x", ""), KindProtocol, `not HTTP: got "SSH-2.0-x"`},
		{"says nothing over TLS", "https", trickle("", ""), KindTimeout, "connected, but no TLS session after "},
		{"says nothing over gRPC", "grpc", trickle("", ""), KindTimeout, "connected, but no answer after "},
		{"only greets over gRPC", "grpc", trickle("\x00\x00\x00\x04\x00\x00\x00\x00\x00", ""), KindTimeout, "did not answer the health check within "},
		{"pings for ever", "grpc", trickle("\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"), KindTimeout, "did not answer the health check"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := listen(t, "127.0.0.1:0", c.serve)
			wants(t, ask(t, c.scheme+"://"+addr.String(), short, ""), c.kind, c.reason)
		})
	}
}

func TestEndlessBodyEndsAtTheBound(t *testing.T) {
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		for block := make([]byte, 64<<10); ; {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	wants(t, ask(t, "http://"+addr.String(), long, ""), KindOK, "200 OK")
}

func TestServerThatResets(t *testing.T) {
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		c.Read(make([]byte, 10))
		c.(*net.TCPConn).SetLinger(0)
	})
	wants(t, ask(t, "http://"+addr.String(), long, ""), KindReset, "the server reset the connection without an answer")
}

func TestHTTPOverIPv6(t *testing.T) {
	hosts := make(chan string, 2)
	addr := listenOnSixAlone(t, func(c net.Conn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			hosts <- q.Host
		}
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	for target, want := range map[string]string{
		"http://" + addr.String():                        addr.String(),
		fmt.Sprintf("http://:%d/", addr.Port()):          addr.String(),
		fmt.Sprintf("http://localhost:%d/", addr.Port()): fmt.Sprintf("localhost:%d", addr.Port()),
	} {
		r := ask(t, target, long, "")
		wants(t, r, KindOK, "204")
		if host := <-hosts; host != want || r.RemoteAddr != addr {
			t.Errorf("%s: asked %v for %q", target, r.RemoteAddr, host)
		}
	}
}

func TestHTTPS(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) })
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	addr := server.Listener.Addr().String()
	wants(t, ask(t, "https://"+addr, long, fmt.Sprintf("body == %q", addr)), KindOK, "200 OK")
	wants(t, ask(t, "http://"+addr, long, ""), KindTLS, "the server speaks TLS: use https://")

	plain := httptest.NewServer(handler)
	defer plain.Close()
	wants(t, ask(t, "https://"+plain.Listener.Addr().String(), long, ""), KindTLS, "the server speaks plain HTTP: use http://")
	wants(t, ask(t, "https://"+answers(t, "<!DOCTYPE HTML>\r\n").String(), long, ""), KindTLS, "use http://")
	wants(t, ask(t, "https://"+answers(t, "SSH-2.0-x\r\n").String(), long, ""), KindTLS, "does not speak TLS")
	wants(t, ask(t, "https://"+answers(t, "").String(), long, ""), KindClosed, "during the TLS handshake")
}

func TestServerThatWantsAClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = quiet()
		server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MaxVersion: version}
		server.StartTLS()
		r := ask(t, "https://"+server.Listener.Addr().String(), long, "")
		wants(t, r, KindTLS, "the server wants a client certificate")
		server.Close()
	}
}

func TestSaysUnhealthy(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":"ok"}`:                   "",
		`{"status":"UP"}`:                   "",
		`{"status":"warn"}`:                 "",
		`{"status":"Degraded"}`:             "",
		`{"status":"UNKNOWN"}`:              "",
		`{"status":"whatever"}`:             "",
		`{"status":200}`:                    "",
		`{"status":1}`:                      "",
		`{"status":null}`:                   "",
		`{"status":{"a":"down"}}`:           "",
		`{"checks":{"status":"down"}}`:      "",
		`{"status":"ok","ready":false}`:     "",
		`[{"status":"down"}]`:               "",
		`"down"`:                            "",
		`down`:                              "",
		`{"status":"down"`:                  "",
		``:                                  "",
		`{"healthy":true,"ok":true}`:        "",
		`{"ok":"false"}`:                    "",
		` {"status":"down"} `:               `body.status is "down"`,
		`{"status":"DOWN"}`:                 `body.status is "DOWN"`,
		`{"Status":"Unhealthy"}`:            `body.status is "Unhealthy"`,
		`{"status":"fail"}`:                 `body.status is "fail"`,
		`{"status":"error"}`:                `body.status is "error"`,
		`{"status":"OUT_OF_SERVICE"}`:       `body.status is "OUT_OF_SERVICE"`,
		`{"status":"not ok"}`:               `body.status is "not ok"`,
		`{"status":"critical"}`:             `body.status is "critical"`,
		`{"status":"ko"}`:                   `body.status is "ko"`,
		`{"status":"shutting_down"}`:        `body.status is "shutting_down"`,
		`{"status":"red"}`:                  `body.status is "red"`,
		`{"status":503}`:                    `body.status is 503`,
		`{"status":false}`:                  `body.status is false`,
		`{"healthy":false}`:                 `body.healthy is false`,
		`{"ok":false}`:                      `body.ok is false`,
		`{"status":"ok","healthy":false}`:   `body.healthy is false`,
		`{"ready":false}`:                   `body.ready is false`,
		`{"status":"down","status":"down"}`: `body.status is "down"`,
	} {
		if got := saysUnhealthy([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// FuzzHTTPAnswer: whatever comes, reading it ends, within its bounds.
func FuzzHTTPAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	f.Add("HTTP/1.0 503 x\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\nA: b\r\n\r\n")
	f.Add("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 F\r\nLocation: /x\r\n\r\n{\"status\":\"down\"}")
	f.Add("\x15\x03\x01\x00\x02\x02\x46")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := readAnswer(bufio.NewReader(strings.NewReader(text)))
		if len(a.body) > maxBody || a.cut && len(a.body) != maxBody {
			t.Fatalf("a body of %d bytes", len(a.body))
		}
		var r Result
		if err != nil {
			r = a.incomplete(r, err, time.Now())
		} else {
			r = a.judge(r, Target{Protocol: HTTP, Path: "/"})
		}
		if r.Reason == "" || r.Kind == "" || r.OK != (r.Kind == KindOK) {
			t.Fatalf("%q: %+v", text, r)
		}
	})
}
