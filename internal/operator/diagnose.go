package operator

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/diagnose"
)

type diagnoseFlags struct {
	gathered
	log, daemonLog, inspect, runtime string
	exitCode                         *int
	port                             int
	json                             bool
}

func diagnoseCommand() cli.Command {
	return cli.Command{
		Name: "diagnose", Synopsis: "[flags] [SERVICE|CONTAINER|START]", About: "say why a start failed: the cause, the lines that show it, the fix",
		BadUsage: 2,
		Details: `Of a service, a container or a start it gathers the evidence by itself: from the
engine, from /proc (as root it sees more), and from what a watcher or aweigh-init has
recorded. It changes nothing. The exit status is then 0 for no-failure, 1 when a cause
was named, 3 for unknown, 4 when there is nothing to judge.

With --log and the like it judges evidence from anywhere, without an engine: what the
service printed, what the engine said, its inspection, the exit status. Give what there
is; each piece makes the answer surer. The exit status is then 0 when there is an answer
(unknown is one), 1 when the evidence cannot be read.

It is 2 for an unusable command line. The causes are described in docs/causes.md;
no-failure means that it serves, unknown that the evidence does not say why.`,
		Example: `  PROGRAM diagnose webhook
  PROGRAM diagnose 01JDQ4 --save /tmp/webhook
  docker logs web > web.log 2>&1; docker inspect web > web.json
  PROGRAM diagnose --log web.log --inspect web.json --expected-port 8080
  journalctl -u web -n 200 | PROGRAM diagnose --log - --exit-code 1 --json`,
		Run: diagnoseRun,
		Flags: func(fs *flag.FlagSet) any {
			f := &diagnoseFlags{}
			f.gathered.flags(fs)
			fs.StringVar(&f.log, "log", "", "`FILE` with the output of the service; - is the standard input")
			fs.StringVar(&f.daemonLog, "daemon-log", "", "`FILE` with what the engine said when it could not create or start the container")
			fs.StringVar(&f.inspect, "inspect", "", "`FILE` with the output of docker inspect")
			fs.StringVar(&f.runtime, "runtime", "", "`FILE` with what was seen while it ran (see docs/diagnose.md)")
			fs.Func("exit-code", "exit status `N` of the main process, 0 to 255", func(text string) error {
				n, err := strconv.Atoi(text)
				if err != nil || n < 0 || n > 255 {
					return errors.New("must be a number from 0 to 255")
				}
				f.exitCode = &n
				return nil
			})
			fs.Func("expected-port", "port `N` that the service must listen on", func(text string) error {
				n, err := strconv.Atoi(text)
				if err != nil || n < 1 || n > 65535 {
					return errors.New("must be a port from 1 to 65535")
				}
				f.port = n
				return nil
			})
			fs.BoolVar(&f.json, "json", false, "print JSON")
			return f
		},
	}
}

func diagnoseRun(c *cli.Context, args []string) int {
	f := c.Values.(*diagnoseFlags)
	given := f.log != "" || f.daemonLog != "" || f.inspect != "" || f.runtime != "" || f.exitCode != nil
	switch {
	case len(args) > 0 && given:
		return c.Fail(2, fmt.Errorf("either %s or the evidence in files: what is named gathers its own", strings.Join(args, " ")))
	case len(args) > 0:
		return diagnoseGathered(c, f, args)
	case f.log == "" && f.daemonLog == "" && f.inspect == "" && f.runtime == "":
		return c.Fail(2, errors.New("there is nothing to judge: name a SERVICE, a CONTAINER or a START, or give evidence by --log FILE, --daemon-log FILE, --inspect FILE or --runtime FILE"))
	}
	evidence, err := f.evidence()
	if err != nil {
		return c.Fail(1, err)
	}
	return tellCauses(c, diagnose.Diagnose(evidence), f.json)
}

// evidence reads the files.
func (f *diagnoseFlags) evidence() (e diagnose.Evidence, err error) {
	e.ExitCode, e.ExpectedPort = f.exitCode, f.port
	if e.Output, err = readEvidence(f.log, diagnose.ReadOutput); err != nil {
		return e, err
	}
	if e.Daemon, err = readEvidence(f.daemonLog, diagnose.ReadOutput); err != nil {
		return e, err
	}
	if e.Inspect, err = parseEvidence(f.inspect, diagnose.ParseInspect); err != nil {
		return e, err
	}
	e.Runtime, err = parseEvidence(f.runtime, diagnose.ParseRuntime)
	return e, err
}

// readEvidence reads the file of that name; nothing for no name.
func readEvidence(name string, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return read(os.Stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// parseEvidence reads a JSON file that a person may have got from anywhere.
func parseEvidence[T any](name string, parse func([]byte) (*T, error)) (*T, error) {
	const most = 16 << 20
	data, err := readEvidence(name, func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, most)) })
	if err != nil || name == "" {
		return nil, err
	}
	parsed, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return parsed, nil
}
