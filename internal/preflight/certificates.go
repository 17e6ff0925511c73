package preflight

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
)

// Bounds of the search for certificates: how many files, and how large.
const (
	maxCertificates = 200
	maxCertificate  = 1 << 20
)

// soon is how long a certificate should be good for at least.
const soon = 14 * 24 * time.Hour

// certificates looks at those that the services are given as files: by bind
// mounts, secrets and configs.
func (f *flight) certificates(context.Context) []Check {
	var all []Check
	good := 0
	for _, name := range f.Services {
		files := map[string][]*x509.Certificate{}
		until := map[string]time.Time{} // the last time of which one of this subject is good, of those that are good now
		for _, file := range f.certificateFiles(name) {
			files[file] = readCertificates(file)
			for _, c := range files[file] {
				if !time.Now().Before(c.NotBefore) && c.NotAfter.After(until[subject(c)]) {
					until[subject(c)] = c.NotAfter
				}
			}
		}
		for _, file := range slices.Sorted(maps.Keys(files)) {
			for _, c := range files[file] {
				if c.IsCA && len(c.DNSNames)+len(c.IPAddresses) == 0 {
					continue // of a bundle, in which there are always some that have expired
				}
				if c.NotAfter.Before(until[subject(c)]) {
					continue // it has been renewed: certbot keeps the old ones beside the new one
				}
				left := time.Until(c.NotAfter)
				found := fmt.Sprintf("%s (%s) is good until %s", file, subject(c), c.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
				const fix = "Renew it."
				switch {
				case left <= 0:
					all = append(all, Check{Service: name, Verdict: Failed, Found: found + ": it has expired", Fix: fix})
				case time.Now().Before(c.NotBefore):
					all = append(all, Check{Service: name, Verdict: Failed, Found: file + " is not good yet", Fix: "Look at the clock of this host, and at the certificate."})
				case left < soon:
					all = append(all, Check{Service: name, Verdict: Warning, Found: found + ", " + cli.Human(left) + " more", Fix: fix})
				default:
					good++
				}
			}
		}
	}
	switch {
	case all != nil:
		return all
	case good == 0:
		return of(Skipped, "", "the services are given none")
	}
	return of(Passed, "", "%s good for two weeks at least", counted(good, "certificate is", "certificates are"))
}

func (f *flight) certificateFiles(name string) (files []string) {
	s := f.Project.All()[name]
	var roots []string
	for _, v := range s.Volumes {
		if v.Type == "bind" {
			roots = append(roots, v.Source)
		}
	}
	for _, x := range s.Secrets {
		roots = append(roots, f.Project.Secrets[x.Source].File)
	}
	for _, x := range s.Configs {
		roots = append(roots, f.Project.Configs[x.Source].File)
	}
	for _, root := range roots {
		if root == "" {
			continue
		}
		depth := strings.Count(root, string(filepath.Separator)) + 3
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || len(files) >= maxCertificates:
				return fs.SkipDir
			case d.IsDir() && strings.Count(path, string(filepath.Separator)) >= depth:
				return fs.SkipDir
			case !d.IsDir() && slices.Contains([]string{".pem", ".crt", ".cer"}, filepath.Ext(path)):
				files = append(files, path)
			}
			return nil
		})
	}
	return files
}

// readCertificates reads the certificates of a PEM file; keys in it are passed
// over.
func readCertificates(path string) (all []*x509.Certificate) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCertificate))
	if err != nil {
		return nil
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			all = append(all, c)
		}
	}
}

func subject(c *x509.Certificate) string {
	if len(c.DNSNames) > 0 {
		return c.DNSNames[0]
	}
	return c.Subject.CommonName
}
