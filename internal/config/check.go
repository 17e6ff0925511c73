package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Check is `aweigh config check`: it reads the file and tells what is wrong, or
// sums up what is there. The exit status is 0 or 1.
func Check(path string, w io.Writer) int {
	c, err := Load(path)
	if err != nil {
		fmt.Fprintln(w, err)
		return 1
	}
	status := 0
	told := map[Problem]bool{}
	for _, name := range append([]string{""}, c.Services()...) {
		for _, p := range c.Explain(name, nil).Problems {
			if !told[p] {
				told[p], status = true, 1
				fmt.Fprintln(w, p.Error())
			}
		}
	}
	if status == 0 {
		fmt.Fprintf(w, "%s: valid\n", c)
	}
	return status
}

// Print writes what is in force for the service as a table, with the origin of
// each value, and then what is wrong.
func (e Effective) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range e.Values {
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.Key, strings.ReplaceAll(v.Text, "\n", " "), v.Origin)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range e.Problems {
		if _, err := fmt.Fprintln(w, p.Error()); err != nil {
			return err
		}
	}
	return nil
}
