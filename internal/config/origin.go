package config

import (
	"fmt"
	"path/filepath"
)

// Origin is where a value came from. The zero value is the default.
type Origin struct {
	File  string
	Line  int
	Label string
}

// String is "aweigh.yaml:12", "label aweigh.probe" or "default".
func (o Origin) String() string {
	switch {
	case o.Label != "":
		return "label " + o.Label
	case o.File != "":
		return fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line)
	}
	return "default"
}

// MarshalText is String, for encoding/json.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
