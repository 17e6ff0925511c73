package lint

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v4"
)

// Fix writes those of the findings that can be fixed into their files, and
// returns them. Comments, order and formatting stay. A file whose text would no
// longer be YAML is left as it is.
func Fix(findings []Finding) (fixed []Finding, err error) {
	byFile := map[string][]Finding{}
	for _, f := range findings {
		if f.edit != nil {
			byFile[f.edit.file] = append(byFile[f.edit.file], f)
		}
	}
	for _, file := range sorted(byFile) {
		if e := fixFile(file, byFile[file]); e != nil {
			err = errors.Join(err, e)
			continue
		}
		fixed = append(fixed, byFile[file]...)
	}
	return fixed, err
}

func fixFile(path string, findings []Finding) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := apply(string(text), edits(findings))
	var doc any // and no yaml.Node, to which a key may be there twice
	if err := yaml.Unmarshal([]byte(changed), &doc); err != nil {
		return fmt.Errorf("%s is left as it was: with the fixes it would not be YAML (%w): make them by hand", path, err)
	}
	return overwrite(path, []byte(changed))
}

// edits are those of the findings, the last of a file first, so that each finds
// its place. Two findings may want the same, or another value of one key, where
// services share a part of the file: the longest time is enough for each.
func edits(findings []Finding) (all []edit) {
	for _, f := range findings {
		i := slices.IndexFunc(all, f.edit.sameKey)
		switch {
		case i < 0:
			all = append(all, *f.edit)
		case f.edit.time() > all[i].time():
			all[i] = *f.edit
		}
	}
	slices.SortStableFunc(all, func(a, b edit) int {
		// Of the lines that are put after one line the deepest comes first in the
		// file, so it is the last to be put there.
		return cmp.Or(cmp.Compare(b.line, a.line), cmp.Compare(b.column, a.column), cmp.Compare(indent(a.new), indent(b.new)))
	})
	return all
}

func apply(text string, all []edit) string {
	lines := strings.Split(text, "\n")
	for _, e := range all {
		if e.line > len(lines) {
			continue
		}
		if e.column == 0 {
			added := e.new
			if strings.HasSuffix(lines[e.line-1], "\r") {
				added += "\r"
			}
			lines = slices.Insert(lines, e.line, added)
			continue
		}
		runes := []rune(lines[e.line-1])
		before, rest := string(runes[:e.column-1]), string(runes[e.column-1:])
		if after, ok := strings.CutPrefix(rest, e.old); ok {
			lines[e.line-1] = before + e.new + after
		}
	}
	return strings.Join(lines, "\n")
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// overwrite puts a text into a file that is there, whole or not at all. A link
// stays one.
func overwrite(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".aweigh-lint-*")
	if err != nil {
		return fmt.Errorf("%s cannot be fixed: %w", path, err)
	}
	defer os.Remove(f.Name())
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		f.Chown(int(owner.Uid), int(owner.Gid)) // root edits the file of another
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be fixed: %w", path, err)
	}
	return nil
}
