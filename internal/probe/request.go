package probe

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/expect"
)

const userAgent = "aweigh"

// request is what goes out over HTTP/1.1, on a connection of its own.
type request struct {
	method  string
	target  Target
	headers expect.Headers
	body    []byte
}

// send writes the request at once: one packet, and a server that reads by
// packets is content.
func (q request) send(w io.Writer) error {
	var b strings.Builder
	field := func(name, value string) {
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString(q.method + " " + q.target.Path + " HTTP/1.1\r\n")
	field("Host", q.target.hostHeader())
	field("User-Agent", userAgent)
	field("Accept", "*/*")
	field("Connection", "close")
	if u := q.target.user; u != nil {
		password, _ := u.Password()
		field("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	for _, h := range q.headers {
		field(h.Name, h.Value)
	}
	if q.method != "GET" {
		field("Content-Length", strconv.Itoa(len(q.body)))
	}
	b.WriteString("\r\n")
	b.Write(q.body)
	_, err := io.WriteString(w, b.String())
	return err
}
