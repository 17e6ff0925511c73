// Package compose reads a compose project as `docker compose` would, and knows
// where in its files each thing was said.
//
//	project, err := compose.Load(ctx, compose.Choice{Files: []string{"compose.yaml"}})
//	web := project.Services["web"]
//	where := project.At("services", "web", "healthcheck", "interval") // compose.yaml:12:7
//
// compose-go reads and normalises, and forgets the places; they are looked up in
// the syntax trees of the files.
package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// Choice says which project is meant. The zero value is the one of the current
// directory.
type Choice struct {
	Files    []string // none: those of COMPOSE_FILE, else compose.yaml and its kin in Dir or above it
	Name     string   // "": COMPOSE_PROJECT_NAME, else what the file says, else the directory's name
	EnvFiles []string // none: .env beside the file, if there is one
	Dir      string   // "" is the current directory
	// Lenient reads on where a variable that must be set is not: Project.Unset
	// has it. Something stands in its place.
	Lenient bool
}

// Project is a compose project with its sources. Paths in it are absolute; the
// env_file of a service is not read.
type Project struct {
	*types.Project
	Sources []*Source  // in the order in which they count: the last one last
	Unset   []Variable // variables of the main files that have no value, and no default
	// EnvFiles are those that were read, absolute; the last one counts most.
	EnvFiles []string
}

// ErrNone says that no file was named and none was found.
var ErrNone = errors.New("there is no compose file here or above (compose.yaml, docker-compose.yml …): name one with --file")

// standIn is the value of a variable that must be set and is not, for those who
// read on: it can be a port, a tag, a size and a name.
const standIn = "1"

// Load reads the project. An error names the file.
func Load(ctx context.Context, c Choice) (*Project, error) {
	// The library warns of unset variables on standard error, once for each
	// place. We tell them ourselves.
	logrus.SetLevel(logrus.ErrorLevel)
	// The .env of the current directory may name the file; once that is known, the one
	// beside it counts, as it does for Compose.
	p := &Project{}
	set := []cli.ProjectOptionsFn{cli.WithOsEnv, cli.WithEnvFiles(c.EnvFiles...), cli.WithDotEnv, p.reads,
		cli.WithConfigFileEnv, cli.WithDefaultConfigPath, cli.WithEnvFiles(c.EnvFiles...), cli.WithDotEnv, p.reads, cli.WithDefaultProfiles(), cli.WithoutEnvironmentResolution, cli.WithResolvedPaths(true)}
	if c.Name != "" {
		set = append(set, cli.WithName(c.Name))
	}
	if c.Dir != "" {
		set = append([]cli.ProjectOptionsFn{cli.WithWorkingDirectory(c.Dir)}, set...)
	}
	options, err := cli.NewProjectOptions(c.Files, set...)
	if err != nil {
		return nil, fmt.Errorf("the compose file: %w", err)
	}
	if len(options.ConfigPaths) == 0 {
		return nil, ErrNone
	}
	for _, path := range options.ConfigPaths {
		s, err := read(path)
		if err != nil {
			return nil, err
		}
		p.Sources = append(p.Sources, s)
	}
	p.Unset = unset(p.Sources, options.Environment)
	if c.Lenient {
		for _, v := range p.Unset {
			if v.Required {
				options.Environment[v.Name] = standIn
			}
		}
	}
	var included []string
	options.WithListeners(func(event string, about map[string]any) {
		if paths, ok := about["path"].(types.StringList); ok && event == "include" {
			included = append(included, paths...)
		}
	})
	if p.Project, err = options.LoadProject(ctx); err != nil {
		return nil, fmt.Errorf("the compose file: %w", err)
	}
	// What is included counts less than the file that includes it.
	for _, path := range included {
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.WorkingDir, path)
		}
		if s, err := read(path); err == nil {
			p.Sources = append([]*Source{s}, p.Sources...)
		}
	}
	return p, nil
}

// reads notes the files with variables that were read just now. What an earlier one has
// set stays.
func (p *Project) reads(o *cli.ProjectOptions) error {
	var now []string
	for _, path := range o.EnvFiles {
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if !slices.Contains(p.EnvFiles, path) {
			now = append(now, path)
		}
	}
	p.EnvFiles = append(now, p.EnvFiles...)
	return nil
}

// All are the services by name, those of profiles that are not active included.
func (p *Project) All() types.Services {
	all := maps.Clone(p.Services)
	if all == nil {
		all = types.Services{}
	}
	for name, s := range p.DisabledServices {
		if _, ok := all[name]; !ok {
			all[name] = s
		}
	}
	return all
}

// Select checks that services of these names are there, and returns them
// sorted; for none, all of the active profiles.
func (p *Project) Select(names []string) ([]string, error) {
	if len(names) == 0 {
		return slices.Sorted(maps.Keys(p.Services)), nil
	}
	all := p.All()
	for _, name := range names {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("the compose project %s has no service %q: it has %s", p.Name, name, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
		}
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names), nil
}
