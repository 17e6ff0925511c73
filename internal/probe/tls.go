package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// handshake makes a TLS session over conn. asked reports whether the server
// asked for a client's certificate, of which there is none.
func handshake(ctx context.Context, conn net.Conn, host string, verify bool) (session net.Conn, asked bool, err error) {
	config := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: !verify,
		NextProtos:         []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		},
	}
	s := tls.Client(conn, config)
	err = s.HandshakeContext(ctx)
	return s, asked, err
}

// tlsFailed explains why no TLS session came about, or why it ended at once: in
// TLS 1.3 a server tells only after the handshake that it misses a certificate.
func tlsFailed(r Result, err error, asked bool, began time.Time) Result {
	kind, reason := Classify(err)
	r.Kind, r.Reason = KindTLS, "TLS: "+reason
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		r.Reason = "the server does not speak TLS"
		// Python's http.server answers what it does not understand in HTML alone.
		if first := string(plain.RecordHeader[:]); first == "HTTP/" || strings.HasPrefix(first, "<") {
			r.Reason = "the server speaks plain HTTP: use http://"
		}
	case asked && (isAlert(err) || kind == KindClosed || kind == KindReset):
		r.Reason = "the server wants a client certificate, and a probe has none: probe a port without mutual TLS, or tcp://"
	case kind == KindTimeout:
		r.Kind, r.Reason = KindTimeout, "connected, but no TLS session after "+about(time.Since(began))
	case kind == KindClosed || kind == KindReset:
		r.Kind, r.Reason = kind, reason+" during the TLS handshake"
	case kind == KindCanceled:
		r.Kind, r.Reason = kind, reason
	case isAlert(err):
		r.Reason = "the server refused TLS: " + strings.TrimPrefix(reason, "remote error: ")
	}
	return r
}

// isAlert reports whether the other side ended the session by a TLS alert.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
