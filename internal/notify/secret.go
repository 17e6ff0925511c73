package notify

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// secret takes the parameter key, or the file that key+"_file" names, out of
// the query. "" is none.
func secret(q url.Values, key string) (string, error) {
	value, file := q.Get(key), q.Get(key+"_file")
	q.Del(key)
	q.Del(key + "_file")
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("both %s and %s_file are given: keep one", key, key)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	if value = strings.TrimRight(string(text), "\r\n"); value == "" {
		return "", fmt.Errorf("%s_file: %s is empty", key, file)
	}
	return value, nil
}

// only refuses parameters that are not among known, so that a slip of the pen
// is found when the configuration is read. Values are not shown.
func only(q url.Values, known ...string) error {
	for key := range q {
		if !slices.Contains(known, key) {
			return fmt.Errorf("unknown parameter %q: it may be %s", key, strings.Join(known, ", "))
		}
	}
	return nil
}

// redact takes secrets out of text, in each form in which a URL, a header or a
// server's answer may show them.
func redact(text string, secrets ...string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:],
			base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s))} {
			text = strings.ReplaceAll(text, form, "…")
		}
	}
	return text
}
