package operator

import (
	"flag"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/compose"
)

// project are the flags that choose a compose project, as `docker compose` has
// them.
type project struct {
	files, env cli.StringList
	name       string
}

func (p *project) flags(fs *flag.FlagSet) {
	fs.Var(&p.files, "file", "compose `FILE`; may be repeated (default: the one of the current directory, if there is one)")
	fs.Var(&p.files, "f", "the same as --file")
	fs.Var(&p.env, "env-file", "`FILE` with variables for the compose file; may be repeated")
	fs.StringVar(&p.name, "project-name", "", "`NAME` of the compose project")
	fs.StringVar(&p.name, "p", "", "the same as --project-name")
}

// place are the flags of a project with an engine, and with what is kept and set here.
type place struct {
	project
	config, state, engine string
}

func (p *place) flags(fs *flag.FlagSet) {
	p.project.flags(fs)
	fs.StringVar(&p.config, "config", "", "`FILE`, as aweigh init writes it (default: as for watch)")
	fs.StringVar(&p.state, "state", "", "`DIR` of what is kept (default: /var/lib/aweigh, else the user's state directory)")
	fs.StringVar(&p.engine, "docker", "", "`URL` of the container engine (default: DOCKER_HOST, else the local socket)")
}

func (p *project) choice() compose.Choice {
	return compose.Choice{Files: p.files, Name: p.name, EnvFiles: p.env}
}
