package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// need skips a test by name, or fails it where everything must be there.
func need(t *testing.T, what string) {
	t.Helper()
	var err error
	if strings.Contains(what, "/") {
		_, err = os.Stat(what)
	} else {
		_, err = exec.LookPath(what)
	}
	if err == nil {
		return
	}
	if os.Getenv("AWEIGH_TEST_ALL") != "" {
		t.Fatalf("%s is not there: test/setup installs it (AWEIGH_TEST_ALL is set)", what)
	}
	t.Skipf("%s is not there: test/setup installs it", what)
}

const (
	mailUser     = "bob@example.com"
	mailPassword = "p@ss/w:rd"
)

// smtpd is a mail server that nobody here wrote: aiosmtpd.
type smtpd struct {
	t     *testing.T
	port  string
	conns int
}

// told is a line that it prints.
type told struct {
	Event, Sender, Text, User string
	To                        []string
	TLS                       bool
}

// aiosmtpd is one process for all tests, with a server of each kind.
var aiosmtpd struct {
	cmd   *exec.Cmd
	ports map[string]int
	said  chan told
}

func TestMain(m *testing.M) {
	code := m.Run()
	if aiosmtpd.cmd != nil {
		aiosmtpd.cmd.Process.Kill()
		aiosmtpd.cmd.Wait()
	}
	os.Exit(code)
}

// mailServer is the server of a kind (plain, auth, starttls, starttls_auth,
// tls, tls_auth). Tests that use one are not parallel.
func mailServer(t *testing.T, kind string) *smtpd {
	t.Helper()
	need(t, "/usr/lib/python3/dist-packages/aiosmtpd")
	if aiosmtpd.cmd == nil {
		dir, err := os.MkdirTemp("", "aweigh-notify-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir) // it has read them when it prints its ports
		cert, key := certificate(t, dir)
		cmd := exec.Command("/usr/bin/python3", "testdata/smtpd.py", cert, key, mailUser, mailPassword)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &aiosmtpd.ports) != nil {
			t.Fatalf("aiosmtpd did not come up: %s", lines.Text())
		}
		aiosmtpd.cmd, aiosmtpd.said = cmd, make(chan told, 1000)
		go func() { // until TestMain kills it
			for lines.Scan() {
				var l told
				if json.Unmarshal(lines.Bytes(), &l) == nil {
					aiosmtpd.said <- l
				}
			}
		}()
	}
	s := &smtpd{t: t, port: strconv.Itoa(aiosmtpd.ports[kind])}
	for { // what an earlier test did not ask for
		select {
		case <-aiosmtpd.said:
		default:
			return s
		}
	}
}

// mail waits for the next mail.
func (s *smtpd) mail() told {
	s.t.Helper()
	for {
		select {
		case l := <-aiosmtpd.said:
			if l.Event == "mail" {
				return l
			}
			s.conns++
		case <-time.After(5 * time.Second):
			s.t.Fatal("no mail arrived")
		}
	}
}

// noMail says that none has arrived that was not asked for.
func (s *smtpd) noMail() {
	s.t.Helper()
	for {
		select {
		case l := <-aiosmtpd.said:
			if l.Event == "mail" {
				s.t.Errorf("a mail arrived to %v", l.To)
			}
		default:
			return
		}
	}
}

// certificate makes one for 127.0.0.1 that nobody has signed.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
	return cert, key
}

// sender parses a URL and closes what it opened when the test ends.
func sender(t *testing.T, url string) *Sender {
	t.Helper()
	s, err := Parse(Route{Name: "r", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// send hands a message over, and returns what came back.
func send(t *testing.T, s *Sender, m *Message) *Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := s.Send(ctx, m)
	if err == nil {
		return nil
	}
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("an error of type %T: %v", err, err)
	}
	return known
}
