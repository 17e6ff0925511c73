package probe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

// health is a gRPC health server on top of net/http's own HTTP/2: what it
// writes is packed and coded as a real server's answers are.
func health(t *testing.T, answer http.HandlerFunc) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: answer, Protocols: new(http.Protocols), ErrorLog: quiet()}
	server.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// serving answers Check: of "" and "known" with status, of others NOT_FOUND.
func serving(t *testing.T, status byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		message, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("Te") != "trailers" ||
			r.Header.Get("Content-Type") != "application/grpc" || !strings.HasSuffix(r.Header.Get("Grpc-Timeout"), "m") || len(message) < 5 {
			t.Errorf("asked %s %s %v %q", r.Method, r.URL, r.Header, message)
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		switch string(message) {
		case "\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x07\x0a\x05known":
			if status == 0 {
				w.Write([]byte{0, 0, 0, 0, 0})
			} else {
				w.Write([]byte{0, 0, 0, 0, 2, 8, status})
			}
			w.Header().Set("Grpc-Status", "0")
		default:
			w.Header().Set("Grpc-Status", "5")
			w.Header().Set("Grpc-Message", "unknown service")
		}
	}
}

// fails answers with a gRPC status in a head that is also the trailer.
func fails(status, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", status)
		w.Header().Set("Grpc-Message", message)
	}
}

func TestGRPC(t *testing.T) {
	for _, c := range []struct {
		name, service          string
		answer                 http.HandlerFunc
		want                   string
		kind, reason, andState string
	}{
		{"serving", "", serving(t, 1), "", KindOK, "SERVING", "SERVING"},
		{"a service that serves", "/known", serving(t, 1), "", KindOK, `SERVING (service "known")`, "SERVING"},
		{"as expected", "", serving(t, 2), `status == "NOT_SERVING" && headers["content-type"] == "application/grpc"`, KindOK, "NOT_SERVING", "NOT_SERVING"},
		{"not as expected", "", serving(t, 2), `status == "SERVING"`, KindExpect, `got status "NOT_SERVING"`, "NOT_SERVING"},
		{"not serving", "", serving(t, 2), "", KindStatus, "NOT_SERVING", "NOT_SERVING"},
		{"unknown", "", serving(t, 0), "", KindStatus, "UNKNOWN", "UNKNOWN"},
		{"a status of the future", "", serving(t, 9), "", KindStatus, "status 9", "status 9"},
		{"unknown service", "/other", serving(t, 1), "", KindStatus, `NOT_FOUND: the server does not know the service "other"`, "NOT_FOUND"},
		{"unimplemented", "", fails("12", ""), "", KindStatus, "does not implement the gRPC health protocol", "UNIMPLEMENTED"},
		{"unauthenticated", "", fails("16", "no%20token%0a"), "", KindStatus, `UNAUTHENTICATED: "no token"`, "UNAUTHENTICATED"},
		{"status of the future", "", fails("99", ""), "", KindStatus, "grpc-status 99", "grpc-status 99"},
		{"status in words", "", fails("what", ""), "", KindStatus, "UNKNOWN", "UNKNOWN"},
		{"HTTP", "", http.NotFound, "", KindProtocol, "answered HTTP 404, not gRPC", ""},
		{"HTTP that is well", "", func(w http.ResponseWriter, r *http.Request) {}, "", KindProtocol, "there is no grpc-status", ""},
		{"an interim answer", "", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			serving(t, 1)(w, r)
		}, "", KindOK, "SERVING", "SERVING"},
		{"no message", "", fails("0", ""), "", KindProtocol, "not a HealthCheckResponse", ""},
		{"big answer", "", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 60<<10)) }, "", KindProtocol, "bigger than", ""},
		{"abort", "", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, "", KindProtocol, "refused the request: INTERNAL_ERROR", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ask(t, "grpc://"+health(t, c.answer).String()+c.service, long, c.want)
			wants(t, r, c.kind, c.reason)
			if r.Status != c.andState {
				t.Errorf("the status is %q", r.Status)
			}
		})
	}
}

// A server's frames, as they may come and as they must not.
func TestGRPCFrames(t *testing.T) {
	settings := string(appendFrame(nil, frameSettings, 0, 0, nil))
	frame := func(kind, flags byte, stream uint32, payload string) string {
		return string(appendFrame(nil, kind, flags, stream, []byte(payload)))
	}
	block := func(fields ...string) (b string) {
		for i := 0; i < len(fields); i += 2 {
			b += string(appendField(nil, fields[i], fields[i+1]))
		}
		return b
	}
	head := block(":status", "200")
	end := block("grpc-status", "0")
	message := "\x00\x00\x00\x00\x02\x08\x01"
	for _, c := range []struct{ name, answer, kind, reason string }{
		{"plain", settings + frame(frameHeaders, 4, 1, head) + frame(frameData, 0, 1, message) + frame(frameHeaders, 5, 1, end), KindOK, "SERVING"},
		{"padded, with priority and in pieces", settings + frame(frameSettings, flagAck, 0, "") + frame(8, 0, 0, "\x00\x00\x00\x01") +
			frame(frameHeaders, flagPadded|flagPriority, 1, "\x02"+"12345"+head[:4]+"pp") + frame(frameContinuation, 0, 1, head[4:6]) + frame(frameContinuation, flagEndHeaders, 1, head[6:]) +
			frame(frameData, flagPadded, 1, "\x01"+message[:3]+"p") + frame(framePing, 0, 0, "12345678") + frame(frameData, 0, 1, message[3:]) +
			frame(99, 0, 1, "unknown") + frame(frameHeaders, 5, 1, end), KindOK, "SERVING"},
		{"graceful goaway", settings + frame(frameGoAway, 0, 0, "\x7f\xff\xff\xff\x00\x00\x00\x00") + frame(frameHeaders, 4, 1, head) + frame(frameData, 0, 1, message) + frame(frameHeaders, 5, 1, end), KindOK, "SERVING"},
		{"goaway", settings + frame(frameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x0btoo_many_pings"), KindProtocol, `ENHANCE_YOUR_CALM ("too_many_pings")`},
		{"goaway and gone", settings + frame(frameGoAway, 0, 0, "\x7f\xff\xff\xff\x00\x00\x00\x00"), KindProtocol, "NO_ERROR"},
		{"reset", settings + frame(frameReset, 0, 1, "\x00\x00\x00\x07"), KindProtocol, "REFUSED_STREAM"},
		{"reset of the future", settings + frame(frameReset, 0, 1, "\xff\x00\x00\x07"), KindProtocol, "error code 4278190087"},
		{"no settings", frame(frameHeaders, 4, 1, head), KindProtocol, "does not begin with its settings"},
		{"huge frame", settings + "\x7f\xff\xff\x00\x00\x00\x00\x00\x01", KindProtocol, "a frame of 8388607 bytes"},
		{"all padding", settings + frame(frameData, flagPadded, 1, "\x05x"), KindProtocol, "all padding"},
		{"interrupted header", settings + frame(frameHeaders, 0, 1, head) + frame(framePing, 0, 0, "12345678"), KindProtocol, "interrupted"},
		{"bad header", settings + frame(frameHeaders, 4, 1, "\x80"), KindProtocol, "not valid HPACK"},
		{"endless header", settings + frame(frameHeaders, 0, 1, "") + strings.Repeat(frame(frameContinuation, 0, 1, strings.Repeat("\x00", maxFrame)), 9), KindProtocol, "bigger than 64 KiB"},
		{"many frames", settings + strings.Repeat(frame(99, 0, 0, ""), 2*maxFrames), KindProtocol, "1000 frames and no answer"},
		{"compressed message", settings + frame(frameHeaders, 4, 1, head) + frame(frameData, 0, 1, "\x01"+message[1:]) + frame(frameHeaders, 5, 1, end), KindProtocol, "not a HealthCheckResponse"},
		{"HTTP/1", "HTTP/1.1 400 Bad Request\r\n\r\n", KindProtocol, "speaks HTTP/1, not gRPC: use http://"},
		{"TLS", "\x15\x03\x01\x00\x02\x02\x46", KindTLS, "the server speaks TLS"},
		{"SSH", "SSH-2.0-x\r\n", KindProtocol, `got "SSH-2.0-x"`},
		{"nothing", "", KindClosed, "the server closed the connection without an answer"},
		{"cut", settings + "\x00\x00", KindClosed, "without an answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := listen(t, "127.0.0.1:0", func(conn net.Conn) {
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, c.answer)
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
			})
			wants(t, ask(t, "grpc://"+addr.String(), long, ""), c.kind, c.reason)
		})
	}
}

func TestGRPCAnswersPingsAndSettings(t *testing.T) {
	var sent bytes.Buffer
	ping := appendFrame(appendFrame(nil, frameSettings, 0, 0, nil), framePing, 0, 0, []byte("12345678"))
	x := exchange{r: bufio.NewReader(bytes.NewReader(ping)), w: &sent}
	if err := x.receive(); err != io.EOF {
		t.Error(err)
	}
	want := appendFrame(appendFrame(nil, frameSettings, flagAck, 0, nil), framePing, flagAck, 0, []byte("12345678"))
	if !bytes.Equal(sent.Bytes(), want) {
		t.Errorf("sent %x, want %x", sent.Bytes(), want)
	}
}

func TestServingStatus(t *testing.T) {
	for message, want := range map[string]uint64{
		"": 0, "\x08\x01": 1, "\x08\x02": 2, "\x08\xac\x02": 300,
		"\x12\x03abc\x08\x01": 1, "\x11abcdefgh\x08\x01": 1, "\x15abcd\x08\x01": 1,
	} {
		framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
		if got, ok := servingStatus(framed); !ok || got != want {
			t.Errorf("%q: %d, %v", message, got, ok)
		}
	}
	for _, bad := range []string{"", "\x00\x00\x00\x00", "\x00\x00\x00\x00\x02\x08", "\x00\x00\x00\x00\x01\x08",
		"\x00\x00\x00\x00\x01\x0b", "\x00\x00\x00\x00\x02\x12\x05", "\x00\x00\x00\x00\x01\xff"} {
		if _, ok := servingStatus([]byte(bad)); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The examples of RFC 7541, appendix C: literals, the dynamic table, Huffman.
func TestHPACK(t *testing.T) {
	var h hpack
	for _, c := range []struct {
		block string
		want  expect.Headers
	}{
		{"\x40\x0acustom-key\x0dcustom-header", expect.Headers{{Name: "custom-key", Value: "custom-header"}}},
		{"\xbe", expect.Headers{{Name: "custom-key", Value: "custom-header"}}},
		{"\x88\x5f\x10application/grpc", expect.Headers{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}},
		{"\x48\x82\x64\x02", expect.Headers{{Name: ":status", Value: "302"}}},
		{"\x10\x04name\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", expect.Headers{{Name: "name", Value: "www.example.com"}}},
		{"\x20\x3f\xe1\x1f", nil},
		{"\x0f\x10\x03abc", expect.Headers{{Name: "content-type", Value: "abc"}}},
	} {
		got, err := h.read([]byte(c.block))
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%q: %v, %v", c.block, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: %v, want %v", c.block, got, c.want)
			}
		}
	}
	if len(h.dynamic) != 0 || h.size != 0 {
		t.Errorf("the limit of 0 left %v", h.dynamic)
	}
	for _, bad := range []string{"\x80", "\xff", "\xff\xff\xff\xff\xff\xff", "\xbe", "\x00", "\x00\x05a", "\x00\x82\xff\xff\x00", "\x3f\xff\xff\x03", "\x00\x81\x00\x00"} {
		if got, err := h.read([]byte(bad)); err == nil {
			t.Errorf("%q is taken: %v", bad, got)
		}
	}
}

func TestHPACKTableIsBounded(t *testing.T) {
	var h hpack
	var block []byte
	for range 1000 {
		block = append(append(block, 0x40, 1, 'a', 100), make([]byte, 100)...)
		if len(block) > 30<<10 {
			h.read(block)
			block = nil
		}
	}
	if h.size > maxDynamic || len(h.dynamic) == 0 {
		t.Errorf("%d bytes in %d fields", h.size, len(h.dynamic))
	}
	if _, err := h.read(append(append([]byte{0x40, 1, 'a'}, appendInt(nil, 7, 5000)...), make([]byte, 5000)...)); err != nil || len(h.dynamic) != 0 {
		t.Errorf("a field that is bigger than the table empties it: %v, %d", err, len(h.dynamic))
	}
}

// FuzzHTTP2: whatever a server sends, reading it ends, within its bounds, and
// there is something to say of it.
func FuzzHTTP2(f *testing.F) {
	settings := appendFrame(nil, frameSettings, 0, 0, nil)
	head := appendFrame(settings, frameHeaders, 4, 1, []byte("\x88\x40\x0bgrpc-status\x81\x07"))
	f.Add(appendFrame(head, frameData, flagEndStream, 1, []byte("\x00\x00\x00\x00\x02\x08\x01")))
	f.Add(appendFrame(settings, frameGoAway, 0, 0, []byte("\x00\x00\x00\x00\x00\x00\x00\x0bx")))
	f.Add(appendFrame(settings, frameHeaders, 5, 1, []byte("\x3f\x00\x10\x04name\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\xbe")))
	f.Fuzz(func(t *testing.T, sent []byte) {
		x := exchange{r: bufio.NewReader(bytes.NewReader(sent)), w: io.Discard}
		var r Result
		if err := x.receive(); err != nil {
			r = x.unanswered(r, err, time.Now())
		} else {
			r.Status, r.Reason = x.verdict("a")
		}
		if r.Reason == "" || len(x.data) > maxMessage+maxFrame || x.hpack.size > maxDynamic {
			t.Fatalf("%q: %+v", sent, r)
		}
	})
}

// FuzzHPACK: no block of bytes makes more than its bound of fields.
func FuzzHPACK(f *testing.F) {
	f.Add([]byte("\x40\x0acustom-key\x0dcustom-header\xbe\x88"))
	f.Add([]byte("\x10\x04name\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"))
	f.Fuzz(func(t *testing.T, block []byte) {
		var h hpack
		fields, _ := h.read(block)
		size := 0
		for _, f := range fields {
			size += len(f.Name) + len(f.Value)
		}
		if size > maxFields || h.size > maxDynamic || h.size < 0 {
			t.Fatalf("%d bytes of fields, %d of table", size, h.size)
		}
	})
}
