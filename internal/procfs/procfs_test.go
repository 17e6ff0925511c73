package procfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func TestReadTakesAllUpToTheLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789"), 2000)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 4095, 4096, 4097, 15000, 20000, 1 << 20} {
		got, err := Read(file, limit)
		if err != nil || !bytes.Equal(got, content[:min(limit, len(content))]) {
			t.Errorf("limit %d: %d bytes, %v", limit, len(got), err)
		}
	}
}

func TestReadOfWhatTheKernelMakesUp(t *testing.T) {
	for _, file := range []string{"/proc/self/stat", "/proc/self/cgroup", "/proc/sys/kernel/random/boot_id"} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(file, 64<<10); err != nil || file != "/proc/self/stat" && !bytes.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}

func TestErrorsAreThoseOfPackageFS(t *testing.T) {
	for _, try := range []func(string) error{
		func(p string) error { _, err := Read(p, 1); return err },
		func(p string) error { _, err := Numbers(p); return err },
	} {
		err := try("/proc/self/no such file")
		var path *fs.PathError
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) {
			t.Errorf("%v", err)
		}
	}
	if _, err := Numbers("/proc/self/stat"); err == nil {
		t.Error("a file passes as a directory")
	}
}

func TestNumbersAreInOrderAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"12", "3", "x", "4x", "100", ".5"} {
		os.WriteFile(filepath.Join(dir, name), nil, 0o600)
	}
	if got, err := Numbers(dir); err != nil || !slices.Equal(got, []int{3, 12, 100}) {
		t.Errorf("%v, %v", got, err)
	}
	many := t.TempDir() // more than one read of the kernel's
	for i := range 500 {
		os.WriteFile(filepath.Join(many, strconv.Itoa(1000+i)), nil, 0o600)
	}
	if got, err := Numbers(many); err != nil || len(got) != 500 || got[0] != 1000 || !slices.IsSorted(got) {
		t.Errorf("%v, %v", got, err)
	}
}
