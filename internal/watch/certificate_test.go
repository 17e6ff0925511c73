package watch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// write makes a certificate with a serial number.
func writeCertificate(t *testing.T, dir string, serial int64, at time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(serial)}, &x509.Certificate{SerialNumber: big.NewInt(serial)}, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(name, at, at)
	}
	return cert, key
}

func TestARenewedCertificateIsTakenUp(t *testing.T) {
	dir, at := t.TempDir(), time.Now().Add(-time.Hour)
	c, err := newCertificate(writeCertificate(t, dir, 1, at))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c.looked = time.Time{}
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("serial %d", n)
	}
	writeCertificate(t, dir, 2, at.Add(time.Minute))
	if n := serial(); n != 2 {
		t.Errorf("after the renewal: serial %d", n)
	}
	os.Remove(c.key)
	if n := serial(); n != 2 {
		t.Errorf("without its files the one in use goes: serial %d", n)
	}
	if _, err := newCertificate(c.cert, ""); err == nil {
		t.Error("a certificate without a key is taken")
	}
}
