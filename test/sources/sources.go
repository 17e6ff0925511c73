// Package sources has the tests of whole programs run again once those have changed. go
// test keeps a result for as long as what the test's own process has read is as it was,
// and does not see that a test builds a program and runs it.
package sources

import (
	"io/fs"
	"path/filepath"
	"testing"

	_ "github.com/aweigh/aweigh" // what is imported go test looks at by itself; the root has .git as well
)

// Read reads the directories that the programs are built from. That go test notes, with
// the sizes and times of what is in them. It must be called by a test: what happens
// before the first one is not noted.
func Read(t *testing.T) {
	root, err := filepath.Abs("../..") // of a package in test
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"cmd", "internal", "startup"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}
