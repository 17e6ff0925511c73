package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// named is the top-level name of a project, which Compose 1 refuses. It gets the
// name on its command line.
var named = regexp.MustCompile(`(?m)^name:[^\n]*$`)

// forOld are the files as Compose 1 takes them: copies, where the name had to be
// taken out, in a directory that clean removes. Paths in them are relative to dir,
// "" where there is no copy.
func forOld(files []string) (all []string, dir string, clean func(), err error) {
	clean = func() {}
	var temp string
	for n, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, "", clean, fmt.Errorf("the compose file: %w", err)
		}
		if !named.Match(text) {
			all = append(all, path)
			continue
		}
		if temp == "" {
			if temp, err = os.MkdirTemp("", "aweigh-compose-"); err != nil {
				return nil, "", clean, err
			}
			clean = func() { os.RemoveAll(temp) }
		}
		// A comment in its place: what Compose says of lines stays right.
		copied := filepath.Join(temp, fmt.Sprintf("%d-%s", n+1, filepath.Base(path)))
		if err := os.WriteFile(copied, named.ReplaceAll(text, []byte("# name")), 0o600); err != nil {
			return nil, "", clean, err
		}
		all, dir = append(all, copied), filepath.Dir(files[0])
	}
	return all, dir, clean, nil
}
