package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/aweigh/aweigh/internal/compose"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/docker"
	"github.com/aweigh/aweigh/internal/verify"
)

// verifyTargets are the services of the compose project, or those that are named.
// Without a compose file a name may be that of any container.
func verifyTargets(ctx context.Context, f *verifyFlags, conf *config.Config, engine *docker.Engine, names []string) ([]verify.Target, error) {
	project, err := compose.Load(ctx, f.choice())
	if errors.Is(err, compose.ErrNone) && len(names) > 0 {
		var all []verify.Target
		for _, name := range names {
			t, err := targetOfContainer(ctx, f.name, name, conf, engine)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if names, err = project.Select(names); err != nil {
		return nil, err
	}
	var all []verify.Target
	for _, name := range names {
		if s := project.All()[name]; s.Provider == nil && s.GetScale() > 0 {
			all = append(all, targetOfService(project, s, conf))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the compose project %s has no service to verify", project.Name)
	}
	return all, nil
}

func targetOfService(project *compose.Project, s types.ServiceConfig, conf *config.Config) verify.Target {
	t := target(conf, s.Name, s.Labels)
	t.Project, t.Scale = project.Name, s.GetScale()
	switch {
	case s.Image != "":
		t.Images = []string{s.Image}
	case s.Build != nil: // as Compose 2 and Compose 1 name what they build
		t.Images = []string{project.Name + "-" + s.Name, project.Name + "_" + s.Name}
	}
	if t.Settings.Probe == "" {
		t.Settings.Probe = probeOfInit(s.Environment)
	}
	for _, other := range project.Services {
		if d, ok := other.DependsOn[s.Name]; ok && d.Condition == types.ServiceConditionCompletedSuccessfully {
			t.Job = true
		}
	}
	return t
}

func targetOfContainer(ctx context.Context, project, name string, conf *config.Config, engine *docker.Engine) (verify.Target, error) {
	found, err := engine.Instances(ctx, project, name)
	if err != nil {
		return verify.Target{}, err
	}
	if len(found) == 0 {
		return verify.Target{}, fmt.Errorf("there is no container of a service %q, and no compose file here that names one", name)
	}
	t := target(conf, name, found[0].Labels)
	t.Project = found[0].Project
	return t, nil
}

func target(conf *config.Config, service string, labels map[string]string) verify.Target {
	settings, _ := conf.For(service, labels)
	t := verify.Target{Service: service, Settings: settings}
	if settingsSaid(conf, service, "startup_timeout", labels) {
		t.Budget = settings.StartupTimeout
	}
	return t
}

// probeOfInit is what the aweigh-init in the container asks, as far as its
// environment says so.
func probeOfInit(env types.MappingWithEquals) string {
	value := func(name string) string {
		if v := env["AWEIGH_"+name]; v != nil {
			return *v
		}
		return ""
	}
	probe := value("PROBE")
	if strings.HasPrefix(probe, "/") && value("PORT") != "" {
		return "http://:" + value("PORT") + probe
	}
	return ""
}
