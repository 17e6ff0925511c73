package browsing_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// certificate writes one for 127.0.0.1 that has signed itself. It returns the hash of
// its key, by which a browser can be told to take it.
func certificate(t *testing.T, dir string) (pool *x509.CertPool, spki string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "aweigh test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool, base64.StdEncoding.EncodeToString(sum[:])
}

// With certificate and user in files: HTTPS, a cookie that only goes over it, and a
// login that is still one after the watcher was started anew.
func TestAPersonLogsInOverTLSAndStaysInOverARestart(t *testing.T) {
	if chromium() == "" {
		missing(t, "there is no chromium (package chromium)")
	}
	dir := t.TempDir()
	pool, spki := certificate(t, dir)
	const password = "correct horse battery"
	user := exec.Command(filepath.Join(bin, "aweigh"), "user", "ann")
	user.Stdin = strings.NewReader(password + "\n")
	line, err := user.Output()
	if err != nil {
		t.Fatal(err)
	}
	config := "web: {tls_cert: cert.pem, tls_key: key.pem, users_file: users}\n"
	for name, text := range map[string]string{"users": string(line), "aweigh.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	watch := func() (stop func()) {
		t.Helper()
		var said bytes.Buffer
		cmd := exec.Command(filepath.Join(bin, "aweigh"), "watch", "--docker", "none", "--state", filepath.Join(dir, "state"), "--listen", listen)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the watcher answers over TLS", func() bool {
			answer, err := client.Get("https://" + listen + "/health")
			if err == nil {
				answer.Body.Close()
			}
			return err == nil
		})
		return func() {
			cmd.Process.Signal(syscall.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, said.String())
			}
		}
	}
	stop := watch()
	if answer, err := http.Get("http://" + listen + "/status"); err == nil {
		answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS it answers %s", answer.Status)
		}
	}

	b := open(t, desk, chromedp.Flag("ignore-certificate-errors-spki-list", spki))
	b.goTo("https://" + listen + "/incidents")
	if at := b.text("h1"); at != "Log in" {
		t.Fatalf("who has not logged in is at %q", at)
	}
	b.sound("the login")
	b.do(typing("#name", "ann"), typing("#password", password), click("button.main"), ready("#main h1"))
	b.says("h1", "Incidents")
	cookies := command(b, network.GetCookies, network.GetCookiesParams{}).Cookies
	if len(cookies) != 1 || cookies[0].Name != "__Host-aweigh" || !cookies[0].Secure || !cookies[0].HTTPOnly || cookies[0].SameSite != network.CookieSameSiteLax {
		t.Errorf("the cookie is %+v", cookies)
	}
	b.quiet()

	stop()
	stop = watch()
	defer func() { stop() }()
	b.goTo("https://" + listen + "/maintenance")
	b.says("h1", "Maintenance")
	b.do(click("header form[action='/logout'] button"))
	b.says("h1", "Log in")
}
