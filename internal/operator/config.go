package operator

import (
	"flag"
	"fmt"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/config"
	"github.com/aweigh/aweigh/internal/config/schema"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/watch"
)

type configFlags struct {
	config string
	json   bool
}

func configCommand() cli.Command {
	return cli.Command{
		Name: "config", Synopsis: "[flags] check [FILE] | explain SERVICE | schema", About: "check aweigh.yaml; say what is in force, and why",
		BadUsage: 2,
		Details: `check reads the file and tells each mistake with its place. explain says what is in
force for a service, and where each value came from (labels of a running container
come on top). schema prints the JSON Schema of aweigh.yaml, for editors.`,
		Example: "  PROGRAM config check\n  PROGRAM config explain webhook\n  PROGRAM config schema > aweigh.schema.json",
		Run:     configRun,
		Flags: func(fs *flag.FlagSet) any {
			f := &configFlags{}
			fs.StringVar(&f.config, "config", "", "`FILE` (default: as for watch)")
			fs.BoolVar(&f.json, "json", false, "print JSON")
			return f
		},
	}
}

func configRun(c *cli.Context, args []string) int {
	f := c.Values.(*configFlags)
	switch {
	case len(args) == 1 && args[0] == "schema":
		c.Stdout.Write(schema.JSON())
		return 0
	case len(args) >= 1 && len(args) <= 2 && args[0] == "check":
		path := first(append(args[1:], f.config)...)
		if path == "" {
			path = configPath()
		}
		return configCheck(c, path)
	case len(args) == 2 && args[0] == "explain":
		conf, err := loadConfig(f.config)
		if err != nil {
			return c.Fail(1, err)
		}
		e := conf.Explain(args[1], nil)
		if f.json {
			if err := printJSON(c, e); err != nil {
				return c.Fail(1, err)
			}
			return 0
		}
		if err := e.Print(c.Stdout); err != nil {
			return c.Fail(1, err)
		}
		return 0
	}
	return c.Fail(2, fmt.Errorf("%q is not understood: write check [FILE], explain SERVICE or schema", strings.Join(args, " ")))
}

// configCheck checks the form of the file, and then what other parts make of
// it: the routes' URLs, the signals' sources and rules.
func configCheck(c *cli.Context, path string) int {
	if code := config.Check(path, c.Stdout); code != 0 {
		return code
	}
	conf, err := config.Load(path)
	if err != nil {
		return c.Fail(1, err)
	}
	code := 0
	for _, r := range conf.Routes() {
		if _, err := notify.Parse(r); err != nil {
			fmt.Fprintf(c.Stdout, "%s: %v\n", conf.RouteOrigin(r.Name), err)
			code = 1
		}
	}
	if _, err := watch.CompileSignals(conf); err != nil {
		fmt.Fprintln(c.Stdout, err)
		code = 1
	}
	return code
}
