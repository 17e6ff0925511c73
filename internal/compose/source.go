package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 4 << 20

// Source is one compose file.
type Source struct {
	Path string // as a person at this directory would write it
	Text []byte
	root *yaml.Node // the topmost mapping; nil if the file has none
}

// Place is a position in a file. Line and Column count from 1; 0 is not known.
type Place struct {
	File   string
	Line   int
	Column int
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func read(path string) (*Source, error) {
	if path == "-" {
		return nil, errors.New("the compose file: standard input is not read: name a file with --file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the compose file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the compose file: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("the compose file %s is larger than %d bytes", path, maxFile)
	}
	return parse(Shorten(path), text)
}

func parse(path string, text []byte) (*Source, error) {
	s := &Source{Path: path, Text: text}
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the compose file %s: %w", path, err)
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 && doc.Content[0].Kind == yaml.MappingNode {
		s.root = doc.Content[0]
	}
	return s, nil
}

// Shorten writes a path as a person at the current directory would, if that is
// shorter.
func Shorten(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "../../..") || len(short) > len(path) {
		return path
	}
	return short
}

// Lines are the lines of the text, without their ends.
func (s *Source) Lines() []string { return strings.Split(string(s.Text), "\n") }
