package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// beside makes a path absolute, from the directory of aweigh.yaml.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) || r.dir == "" {
		return path
	}
	return filepath.Join(r.dir, path)
}

// readRegular reads a small file. A pipe or a terminal is refused: to open one
// would wait for ever.
func readRegular(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", quotePath(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

// unreadable says why, without what the operating system calls the operation.
func unreadable(path string, err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("cannot read %s: %w", quotePath(path), err)
}

func quotePath(path string) string {
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	return strings.Trim(fmt.Sprintf("%q", path), `"`)
}

// readSecret is what a …_file holds, without the line end that editors and
// `echo` put last.
func readSecret(path string) (string, error) {
	const most = 64 << 10
	data, err := readRegular(path, most)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case len(data) > most:
		return "", fmt.Errorf("%s is larger than 64KiB: this is not a secret", quotePath(path))
	case text == "":
		return "", fmt.Errorf("%s is empty", quotePath(path))
	}
	return text, nil
}
