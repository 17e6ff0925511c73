package gather

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aweigh/aweigh/internal/snapshot"
)

// Save writes the evidence into dir, which it makes: output.log, daemon.log,
// inspect.json and runtime.json, as `aweigh diagnose --log` takes them, and
// live.json for people. Values of the environment are left out, and what looks
// like a secret is masked.
func (f *Found) Save(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already: name a new directory", dir)
		}
		return fmt.Errorf("the evidence cannot be saved: %w", err)
	}
	files := map[string][]byte{"output.log": masked(f.Evidence.Output)}
	if len(f.Evidence.Daemon) > 0 {
		files["daemon.log"] = masked(f.Evidence.Daemon)
	}
	if f.Inspection != nil {
		raw, err := withoutValues(f.Inspection.Raw)
		if err != nil {
			return fmt.Errorf("the inspection cannot be saved: %w", err)
		}
		files["inspect.json"] = raw
	} else if f.Evidence.Inspect != nil {
		files["inspect.json"] = asJSON(f.Evidence.Inspect)
	}
	if f.Evidence.Runtime != nil {
		files["runtime.json"] = asJSON(f.Evidence.Runtime)
	}
	files["live.json"] = asJSON(f.Live)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("the evidence cannot be saved: %w", err)
		}
	}
	return nil
}

func asJSON(v any) []byte {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil // no type of ours can fail to marshal
	}
	return append(data, '\n')
}

// masked hides what looks like a secret, line by line.
func masked(text []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		out.WriteString(snapshot.MaskText(string(line)))
	}
	return out.Bytes()
}

// withoutValues is an inspection without the values of its environment, and
// with the secrets of its command lines masked.
func withoutValues(raw []byte) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	config, _ := all["Config"].(map[string]any)
	env, _ := config["Env"].([]any)
	for n, kv := range env {
		name, _, _ := strings.Cut(fmt.Sprint(kv), "=")
		env[n] = name + "=***"
	}
	for _, at := range []struct {
		in   map[string]any
		name string
	}{{all, "Args"}, {config, "Cmd"}, {config, "Entrypoint"}} {
		words, _ := at.in[at.name].([]any)
		args := make([]string, len(words))
		for n := range words {
			args[n] = fmt.Sprint(words[n])
		}
		for n, arg := range snapshot.MaskTail(args) {
			words[n] = arg
		}
	}
	labels, _ := config["Labels"].(map[string]any)
	for name, value := range labels {
		labels[name] = "***"
		if strings.HasPrefix(name, "com.docker.compose.") || strings.HasPrefix(name, "aweigh.") {
			labels[name] = snapshot.MaskText(fmt.Sprint(value))
		}
	}
	if health, ok := config["Healthcheck"].(map[string]any); ok {
		words, _ := health["Test"].([]any)
		for n := range words {
			words[n] = snapshot.MaskText(fmt.Sprint(words[n]))
		}
	}
	return asJSON(all), nil
}
