package probe

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/expect"
)

// probeGRPC asks by the standard health protocol, grpc.health.v1.Health/Check,
// over HTTP/2 in cleartext. The target's path names the service; none is the
// server as a whole. See github.com/grpc/grpc, doc/health-checking.md.
func probeGRPC(ctx context.Context, t Target, want *expect.Expr) Result {
	var r Result
	began := time.Now()
	conn, done, err := connect(ctx, t, &r)
	if err != nil {
		return failed(r, err, noConnection(began))
	}
	defer done()
	x := exchange{r: bufio.NewReader(conn), w: conn}
	sent := x.send(checkFields(ctx, t), checkMessage(t.Path))
	if err := x.receive(); err != nil {
		if sent != nil && !isTimeout(err) && !x.greeted {
			var said *notHTTP
			if !errors.As(err, &said) {
				err = sent
			}
		}
		return x.unanswered(r, err, began)
	}
	a := expect.Answer{Headers: x.headers, Latency: time.Since(began)}
	status, reason := x.verdict(t.Path)
	if status == "" {
		r.Kind, r.Reason = KindProtocol, reason
		return r
	}
	r.Status, r.Reason = status, reason
	if want != nil {
		a.Status = expect.Word(status)
		return judged(r, want, a)
	}
	r.OK, r.Kind = status == "SERVING", KindStatus
	if r.OK {
		r.Kind = KindOK
	}
	return r
}

func checkFields(ctx context.Context, t Target) expect.Headers {
	fields := expect.Headers{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/grpc.health.v1.Health/Check"},
		{Name: ":authority", Value: t.hostHeader()},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
		{Name: "user-agent", Value: userAgent},
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := min(max(time.Until(deadline).Milliseconds(), 1), 99_999_999) // at most 8 digits
		fields = append(fields, expect.Header{Name: "grpc-timeout", Value: strconv.FormatInt(left, 10) + "m"})
	}
	return fields
}

// checkMessage is a HealthCheckRequest: its field 1 is the service. Before it
// come the byte that says "not compressed" and the length.
func checkMessage(service string) []byte {
	var message []byte
	if service != "" {
		message = append([]byte{1<<3 | 2}, binary.AppendUvarint(nil, uint64(len(service)))...)
		message = append(message, service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// unanswered says what had come when err ended the exchange.
func (x *exchange) unanswered(r Result, err error, began time.Time) Result {
	var said *notHTTP
	if errors.As(err, &said) || errors.Is(err, errHeadTooBig) {
		r.Kind, r.Reason = KindProtocol, err.Error()
		if strings.Contains(r.Reason, "speaks TLS") {
			r.Kind = KindTLS
		}
		return r
	}
	late := "connected, but no answer after " + about(time.Since(began))
	if x.greeted {
		late = "speaks HTTP/2, but did not answer the health check within " + about(time.Since(began))
	}
	r = failed(r, err, late)
	if r.Kind == KindClosed || r.Kind == KindReset {
		r.Reason += " without an answer"
	}
	return r
}

// verdict is the status that was answered, of the service or of the call, and
// what to say of it. The status is empty when the answer is none of gRPC.
func (x *exchange) verdict(service string) (status, reason string) {
	if code, _ := x.last(":status"); code != "200" {
		return "", fmt.Sprintf("answered HTTP %s, not gRPC", oneLine(code, 10))
	}
	code, ok := x.last("grpc-status")
	if !ok {
		return "", "answered HTTP/2, but not gRPC: there is no grpc-status"
	}
	if n, err := strconv.Atoi(code); err != nil || n != 0 {
		status = callStatus(n)
		if err != nil {
			status = "UNKNOWN"
		}
		return status, status + x.callReason(n, service)
	}
	n, ok := servingStatus(x.data)
	if !ok {
		return "", "the answer is not a HealthCheckResponse"
	}
	names := [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
	status = "status " + strconv.FormatUint(n, 10)
	if n < uint64(len(names)) {
		status = names[n]
	}
	if service != "" {
		return status, fmt.Sprintf("%s (service %q)", status, oneLine(service, maxQuote))
	}
	return status, status
}

// last is the value of a field as it came last: some servers write their status
// into the head and into the trailer, and the trailer counts.
func (x *exchange) last(name string) (value string, ok bool) {
	for _, f := range x.headers {
		if f.Name == name {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

// callReason explains why the call itself failed.
func (x *exchange) callReason(code int, service string) string {
	switch code {
	case 5:
		return fmt.Sprintf(": the server does not know the service %q", oneLine(service, maxQuote))
	case 12:
		return ": the server does not implement the gRPC health protocol (grpc.health.v1.Health): register it, or probe tcp://"
	}
	words, _ := x.last("grpc-message")
	if plain, err := url.PathUnescape(words); err == nil {
		words = plain
	}
	if words = oneLine(words, maxQuote); words != "" {
		return fmt.Sprintf(": %q", words)
	}
	return ""
}

// callStatus is the name of a gRPC status code.
func callStatus(code int) string {
	names := [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}
	if code >= 0 && code < len(names) {
		return names[code]
	}
	return "grpc-status " + strconv.Itoa(code)
}

// servingStatus reads field 1 of a HealthCheckResponse; a message without it
// says 0. Fields that are not known are passed over, as protobuf wants it.
func servingStatus(data []byte) (status uint64, ok bool) {
	if len(data) < 5 || data[0] != 0 || uint64(binary.BigEndian.Uint32(data[1:])) > uint64(len(data)-5) {
		return 0, false
	}
	message := data[5:][:binary.BigEndian.Uint32(data[1:])]
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return 0, false
		}
		message = message[n:]
		value, n := uint64(0), 0
		switch tag & 7 {
		case 0:
			value, n = binary.Uvarint(message)
		case 1:
			n = 8
		case 2:
			size, length := binary.Uvarint(message)
			if length > 0 && size <= uint64(len(message)-length) {
				n = length + int(size)
			}
		case 5:
			n = 4
		}
		if n <= 0 || n > len(message) {
			return 0, false
		}
		message = message[n:]
		if tag == 1<<3 {
			status = value
		}
	}
	return status, true
}
