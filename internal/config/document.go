package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFile is far above what a person writes, and bounds what a wrong --config
// (a log, a disk image) costs.
const maxFile = 1 << 20

// document parses the file into nodes, nil for an empty one.
func (r *reader) document(data []byte) *yaml.Node {
	if len(data) > maxFile {
		r.problem(0, 0, "", "larger than 1MiB: this is not an aweigh.yaml")
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(string(data)))
	if err != nil {
		r.problem(0, 0, "", "cannot be read as YAML")
		return nil
	}
	var doc, next yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	if err := loader.Load(&next); err == nil {
		r.problem(max(next.Line, 1), max(next.Column, 1), "", "a second document begins here: aweigh.yaml is one document, remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// syntax puts an error of the YAML library into words. The library repeats the
// name of an anchor, which may be a password that begins with *, so that its
// words are passed on only where they are its own.
func (r *reader) syntax(err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		r.problem(0, 0, "", "cannot be read as YAML")
		return
	}
	line, column, message := e.Mark.Line, e.Mark.Column, e.Message
	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		message = "there is no anchor of this name; a value that begins with * needs quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		message = "a key is not expected here: check the indentation; a value with ': ' in it needs quotes"
	case strings.Contains(e.ContextMsg, "quoted scalar"):
		line, column, message = e.ContextMark.Line, e.ContextMark.Column, "the quote that begins here is not closed"
	case strings.Contains(message, "cannot start any token"):
		message = "no value begins with this character: indent with blanks, not tabs; put a value that begins with @ or ` into quotes"
	case strings.Contains(message, "max depth"):
		message = "nested too deeply"
	case e.Stage != yaml.ScannerStage && e.Stage != yaml.ParserStage && e.Stage != yaml.ReaderStage:
		message = "cannot be read as YAML"
	case e.ContextMsg != "" && e.ContextMark.Line > 0:
		message = fmt.Sprintf("%s (%s that begins in line %d)", message, e.ContextMsg, e.ContextMark.Line)
	}
	r.problem(line, column, "", "not valid YAML: %s", message)
}
