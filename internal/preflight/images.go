package preflight

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/record"
)

// imageLimit is how long one build or pull may take.
const imageLimit = 30 * time.Minute

// Name is the image of a service, as Compose names it.
func (f *flight) name(s types.ServiceConfig) string {
	switch {
	case s.Image != "":
		return s.Image
	case f.Tool.Old():
		return f.Project.Name + "_" + s.Name
	}
	return f.Project.Name + "-" + s.Name
}

// images builds or pulls what will run.
func (f *flight) images(ctx context.Context) (all []Check) {
	for _, name := range f.Services {
		began := time.Now()
		f.Tell("images: " + name)
		c := f.image(ctx, f.Project.All()[name])
		c.Service, c.TookMS = name, max(time.Since(began).Milliseconds(), 1)
		all = append(all, c)
	}
	return all
}

// provided is what is said of a service without an image of its own.
var provided = Check{Verdict: Skipped, Found: "a provider stands in for it"}

func (f *flight) image(ctx context.Context, s types.ServiceConfig) Check {
	if s.Provider != nil {
		return provided
	}
	ctx, cancel := context.WithTimeout(ctx, imageLimit)
	defer cancel()
	if s.Build != nil {
		if err := f.Tool.Run(ctx, f.Choice, nil, "build", s.Name); err != nil {
			return Check{Verdict: Failed, Found: record.Printable(err.Error()), Fix: "Make the image build: docker compose build " + s.Name + "."}
		}
		return f.present(ctx, f.name(s), "built")
	}
	here, err := f.Engine.Image(ctx, s.Image)
	switch {
	case err != nil && !errors.Is(err, docker.ErrNoImage):
		return Check{Verdict: Failed, Found: err.Error()}
	case err == nil && strings.Contains(s.Image, "@sha256:"):
		return Check{Verdict: Passed, Found: "here, by its digest"}
	case err == nil && (s.PullPolicy == types.PullPolicyNever || s.PullPolicy == types.PullPolicyMissing || s.PullPolicy == types.PullPolicyIfNotPresent):
		return f.present(ctx, s.Image, "here; its pull_policy leaves it so")
	case err == nil && len(here.Digests) == 0:
		return f.present(ctx, s.Image, "made on this host")
	}
	pulled := f.Tool.Run(ctx, f.Choice, nil, "pull", "--quiet", s.Name)
	if pulled == nil {
		return f.present(ctx, s.Image, "pulled")
	}
	why := record.Printable(pulled.Error())
	if err == nil {
		return Check{Verdict: Warning, Found: fmt.Sprintf("it could not be pulled, and the one that is here will run, of %s: %s", here.Created.Local().Format("2006-01-02"), why),
			Fix: "See whether there is a newer one: docker pull " + s.Image + "."}
	}
	return Check{Verdict: Failed, Found: "it is not here, and cannot be pulled: " + why, Fix: "Correct its name, or log in: docker login."}
}

func (f *flight) present(ctx context.Context, ref, how string) Check {
	i, err := f.Engine.Image(ctx, ref)
	if err != nil {
		return Check{Verdict: Failed, Found: fmt.Sprintf("%s, and yet: %v", ref, err)}
	}
	return Check{Verdict: Passed, Found: fmt.Sprintf("%s: %s", how, i.ID[:min(len(i.ID), len("sha256:")+12)])}
}

// entrypoints looks whether the program that is to be started is in the image.
func (f *flight) entrypoints(ctx context.Context) (all []Check) {
	for _, name := range f.Services {
		if f.broken[name] {
			continue
		}
		c := f.entrypoint(ctx, f.Project.All()[name])
		c.Service = name
		all = append(all, c)
	}
	return all
}

func (f *flight) entrypoint(ctx context.Context, s types.ServiceConfig) Check {
	if s.Provider != nil {
		return provided
	}
	argv, image, err := f.argv(ctx, s)
	if err != nil {
		return Check{Verdict: Unknown, Found: err.Error()}
	}
	if len(argv) == 0 {
		return Check{Verdict: Failed, Found: "neither the image nor the compose file says what to start", Fix: "Give the image an ENTRYPOINT or CMD."}
	}
	program := argv[0]
	places := []string{program}
	if strings.Contains(program, "/") && fromVolume(places, mounted(s)) {
		return Check{Verdict: Skipped, Found: program + " comes from a volume"}
	}
	if strings.Contains(program, "/") && !path.IsAbs(program) {
		return Check{Verdict: Skipped, Found: program + " is relative to the working directory"}
	}
	if !strings.Contains(program, "/") {
		places = f.places(ctx, s, image, program)
	}
	reason, err := f.Engine.Runnable(ctx, image, places)
	switch {
	case err != nil:
		return Check{Verdict: Unknown, Found: err.Error()}
	case reason != "" && fromVolume(places, mounted(s)):
		return Check{Verdict: Skipped, Found: program + " may come from a volume in PATH"}
	case reason != "":
		return Check{Verdict: Failed, Found: fmt.Sprintf("%s %s", record.Printable(program), reason), Fix: "Correct the ENTRYPOINT or COPY of the Dockerfile, or the command of the compose file."}
	}
	return Check{Verdict: Passed, Found: record.Printable(program)}
}

// mounted are the volumes of a service, and what else is put into its container.
func mounted(s types.ServiceConfig) []types.ServiceVolumeConfig {
	all := slices.Clone(s.Volumes)
	put := func(dir, source, target string) {
		if target == "" {
			target = source
		}
		if !path.IsAbs(target) {
			target = path.Join(dir, target)
		}
		all = append(all, types.ServiceVolumeConfig{Target: target})
	}
	for _, c := range s.Configs {
		put("/", c.Source, c.Target)
	}
	for _, c := range s.Secrets {
		put("/run/secrets", c.Source, c.Target)
	}
	return all
}

// fromVolume reports whether a volume is mounted at, or above, one of the places.
func fromVolume(places []string, volumes []types.ServiceVolumeConfig) bool {
	return slices.ContainsFunc(volumes, func(v types.ServiceVolumeConfig) bool {
		target := path.Clean(v.Target)
		return slices.ContainsFunc(places, func(place string) bool {
			return target == place || target != "/" && strings.HasPrefix(place, target+"/")
		})
	})
}

// places are where a program may be that is found by the PATH of its container.
func (f *flight) places(ctx context.Context, s types.ServiceConfig, image, program string) (places []string) {
	i, _ := f.Engine.Image(ctx, image)
	dirs := i.Path()
	if value := s.Environment["PATH"]; value != nil {
		dirs = strings.Split(*value, ":")
	}
	for _, dir := range dirs {
		places = append(places, path.Join(dir, program))
	}
	return places
}

// argv is what a service starts, and the image in which it is.
func (f *flight) argv(ctx context.Context, s types.ServiceConfig) ([]string, string, error) {
	ref := f.name(s)
	i, err := f.Engine.Image(ctx, ref)
	if err != nil {
		return nil, ref, err
	}
	entry, command := []string(s.Entrypoint), []string(s.Command)
	if len(entry) == 0 && len(command) == 0 { // as the engine does (daemon/commit.go, merge)
		command = i.Cmd
	}
	if entry == nil {
		entry = i.Entrypoint
	}
	return append(append([]string{}, entry...), command...), ref, nil
}

// keepNames remembers which images have the names of the project's; the function
// that it returns gives the names back.
func (f *flight) keepNames(ctx context.Context) (back func()) {
	was := map[string]string{}
	if f.Tool == nil {
		return func() {}
	}
	for _, name := range f.Services {
		ref := f.name(f.Project.All()[name])
		if i, err := f.Engine.Image(ctx, ref); err == nil {
			was[ref] = i.ID
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		for ref, id := range was {
			if now, err := f.Engine.Image(ctx, ref); err == nil && now.ID != id {
				f.Engine.Tag(ctx, id, ref)
			}
		}
	}
}
