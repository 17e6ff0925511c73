package operator

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/aweigh/aweigh/internal/access"
	"github.com/aweigh/aweigh/internal/cli"
)

type userFlags struct{ role string }

func userCommand() cli.Command {
	return cli.Command{
		Name: "user", Synopsis: "[flags] NAME", About: "make a line of a users file, for the pages",
		BadUsage: 2,
		Details: `Asks for a password, or reads it from standard input, and prints the line for
web.users_file of aweigh.yaml. Nothing is written; the password is in it as a hash
(argon2id) only.`,
		Example: "  PROGRAM user ann >>/etc/aweigh/users\n  PROGRAM user --role view bob <bobs-password >>/etc/aweigh/users",
		Run:     makeUser,
		Flags: func(fs *flag.FlagSet) any {
			f := &userFlags{}
			fs.StringVar(&f.role, "role", "act", "`ROLE`: view sees everything, act may acknowledge, resolve and begin maintenance as well")
			return f
		},
	}
}

func makeUser(c *cli.Context, args []string) int {
	f := c.Values.(*userFlags)
	if len(args) != 1 {
		return c.Fail(2, fmt.Errorf("one NAME is needed, got %d arguments", len(args)))
	}
	role, ok := map[string]access.Role{"view": access.View, "act": access.Act}[f.role]
	if !ok {
		return c.Fail(2, fmt.Errorf("--role %s: write view or act", f.role))
	}
	password, err := readPassword(c)
	if err != nil {
		return c.Fail(1, err)
	}
	u, err := access.NewUser(args[0], role, password)
	if err != nil {
		return c.Fail(1, err)
	}
	fmt.Fprintln(c.Stdout, u)
	return 0
}

// readPassword asks twice on a terminal, where it shows nothing, and reads one
// line from anything else.
func readPassword(c *cli.Context) (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var said [2]string
	for i, prompt := range []string{"Password: ", "Again: "} {
		fmt.Fprint(c.Stderr, prompt)
		b, err := term.ReadPassword(in)
		fmt.Fprintln(c.Stderr)
		if err != nil {
			return "", err
		}
		said[i] = string(b)
	}
	if said[0] != said[1] {
		return "", errors.New("the two are not the same")
	}
	return said[0], nil
}
