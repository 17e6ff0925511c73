package lint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/dockerfile"
)

// project is what the rules look at.
type project struct {
	Input
	services []*service // by name
	byName   map[string]*service
}

// service is one of them, with all that is known of what it will run.
type service struct {
	types.ServiceConfig
	name       string
	p          *project
	dockerfile *dockerfile.File // nil: there is none, or it could not be read
	badFile    string           // why it could not be read
	built      dockerfile.Image
	image      Image
	imageRef   string // of what is on this host; "" if the image is not known here
	measured   Measured
	health     health
}

func newProject(in Input) *project {
	p := &project{Input: in, byName: map[string]*service{}}
	all := in.Project.All()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := &service{ServiceConfig: all[name], name: name, p: p}
		s.readDockerfile()
		s.askImage()
		if in.Measured != nil {
			s.measured = in.Measured(name)
		}
		s.health = s.healthcheck()
		p.services = append(p.services, s)
		p.byName[name] = s
	}
	return p
}

// each makes a rule about services one about the project. Jobs of compose's
// `provider` have no container.
func each(check func(*service) []Finding) func(*project) []Finding {
	return func(p *project) []Finding {
		var all []Finding
		for _, s := range p.services {
			if s.Provider == nil {
				all = append(all, check(s)...)
			}
		}
		return all
	}
}

// chosen reports whether a finding is about a service that was asked for.
func (p *project) chosen(services []string) bool {
	for _, name := range services {
		if len(p.Input.Services) > 0 {
			if slices.Contains(p.Input.Services, name) {
				return true
			}
			continue
		}
		if _, active := p.Project.Services[name]; active {
			return true
		}
	}
	return len(services) == 0
}

func (s *service) path(below ...string) []string {
	return append([]string{"services", s.name}, below...)
}

func (s *service) at(below ...string) compose.Place { return s.p.Project.At(s.path(below...)...) }

// says reports whether the compose files say something at a path.
func (s *service) says(below ...string) bool {
	path := s.path(below...)
	return s.p.Project.Find(path...).Depth == len(path)
}

// item is the path of the item of a list that has a text in it.
func (s *service) item(list, text string) []string {
	f := s.p.Project.Find(s.path(list)...)
	if f.Value == nil {
		return []string{list}
	}
	for n, item := range f.Value.Content {
		if strings.Contains(item.Value, text) || slices.ContainsFunc(item.Content, func(c *yaml.Node) bool { return c.Value == text }) {
			return []string{list, strconv.Itoa(n)}
		}
	}
	return []string{list}
}

func (s *service) readDockerfile() {
	b := s.Build
	if b == nil {
		return
	}
	text, path := []byte(b.DockerfileInline), s.at("build", "dockerfile_inline").File+" (dockerfile_inline)"
	if b.DockerfileInline == "" {
		file := s.dockerfilePath()
		if file == "" {
			return
		}
		var err error
		if text, err = os.ReadFile(file); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				s.badFile = err.Error()
			}
			return // rule file-missing tells
		}
		path = compose.Shorten(file)
	}
	args := map[string]string{}
	for name, value := range b.Args {
		if value != nil {
			args[name] = *value
		}
	}
	f, err := dockerfile.Parse(path, text, args)
	if err != nil {
		s.badFile = err.Error()
		return
	}
	if image, ok := f.Image(b.Target); ok {
		s.dockerfile, s.built = f, image
		return
	}
	s.badFile = fmt.Sprintf("%s has no stage %q", path, b.Target)
}

// dockerfilePath is where the Dockerfile lies; "" when it is not on this disk.
func (s *service) dockerfilePath() string {
	b := s.Build
	if b == nil || b.DockerfileInline != "" || strings.Contains(b.Context, "://") || strings.HasPrefix(b.Context, "git@") {
		return ""
	}
	file := b.Dockerfile
	if file == "" {
		file = "Dockerfile"
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(b.Context, file)
	}
	if lower := filepath.Join(filepath.Dir(file), "dockerfile"); filepath.Base(file) == "Dockerfile" && missing(file) && !missing(lower) {
		return lower // BuildKit takes it too
	}
	return file
}

// askImage finds out what is known of the image here.
func (s *service) askImage() {
	if s.p.Images == nil {
		return
	}
	refs := []string{s.Image}
	if s.Image == "" && s.Build != nil { // as Compose 2 and Compose 1 name what they build
		refs = []string{s.p.Project.Name + "-" + s.name, s.p.Project.Name + "_" + s.name}
	}
	for _, ref := range refs {
		if ref == "" {
			continue
		}
		if image, ok := s.p.Images(ref); ok {
			s.image, s.imageRef = image, ref
			return
		}
	}
}
