package watch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificate is a pair of files, which are read again once they have changed:
// certificates are renewed every few weeks, and a watcher runs for years.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	at     time.Time // when the newer of the files was written
	looked time.Time
}

// lookAgain is how often the files are looked at, at most.
const lookAgain = 10 * time.Second

func newCertificate(cert, key string) (*certificate, error) {
	if cert == "" || key == "" {
		return nil, errors.New("web.tls_cert and web.tls_key belong together: one of them is missing in aweigh.yaml")
	}
	c := &certificate{cert: cert, key: key}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads the files if they have changed. c.mu is held, or nobody else knows c.
func (c *certificate) load() error {
	var newest time.Time
	for _, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("web.tls_cert, web.tls_key: %w", err)
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if c.loaded != nil && newest.Equal(c.at) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("web.tls_cert %s, web.tls_key %s: %w", c.cert, c.key, err)
	}
	c.loaded, c.at = &pair, newest
	return nil
}

// get is tls.Config.GetCertificate. Files that cannot be read any more leave the
// certificate that is in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookAgain {
		c.looked = time.Now()
		c.load()
	}
	return c.loaded, nil
}
