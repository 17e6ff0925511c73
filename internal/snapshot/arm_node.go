package snapshot

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// nodeCommand reports whether a command of this name runs Node.
func nodeCommand(name string) bool {
	switch name {
	case "node", "nodejs", "npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "corepack", "tsx", "ts-node",
		"nodemon", "pm2", "pm2-runtime", "next", "nuxt", "nest", "vite", "astro", "remix-serve", "react-scripts":
		return true
	}
	return false
}

// nodeSwitcher reports whether a command chooses among several Nodes, so that
// the one in PATH says nothing of the one that will run.
func nodeSwitcher(name string) bool {
	switch name {
	case "nvm", "nvm.sh", "fnm", "volta", "asdf", "mise", "nodenv":
		return true
	}
	return false
}

// commandWords returns the words of a command line, also those within a string
// for a shell, by themselves, without quotes and operators.
func commandWords(args []string) []string {
	return strings.FieldsFunc(strings.Join(args, "\n"), func(r rune) bool {
		return strings.ContainsRune(" \t\n;&|()`\"'$={}", r)
	})
}

// looksLikeNode reports whether a command will, as far as it can be seen, run
// Node: by its words, or by those of the script that it starts.
func looksLikeNode(argv, env []string) bool {
	words := commandWords(argv)
	if script := script(argv, env); script != "" {
		words = append(words, commandWords([]string{script})...)
	}
	node := false
	for _, w := range words {
		name := filepath.Base(w)
		if nodeSwitcher(name) {
			return false
		}
		node = node || nodeCommand(name)
	}
	return node
}

const scriptBytes = 64 << 10

// script returns the beginning of the script that argv starts: argv[0] itself,
// or the first argument of a shell. Of a script in another language only the
// first line counts: it may speak of Node without running it.
func script(argv, env []string) string {
	for i, arg := range argv[:min(len(argv), 2)] {
		if i == 1 && !isShell(argv[0]) {
			break
		}
		path := find(arg, env)
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if path == "" || err != nil {
			continue
		}
		var text []byte
		if head := readAtMost(f, 2); string(head) == "#!" { // mostly it is a program of megabytes
			text = readAtMost(f, scriptBytes)
		}
		f.Close()
		if len(text) == 0 || bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		first, _, _ := strings.Cut(string(text), "\n")
		if slices.ContainsFunc(commandWords([]string{first}), isShell) {
			return uncommented(string(text))
		}
		return first
	}
	return ""
}

func isShell(name string) bool {
	switch filepath.Base(name) {
	case "sh", "bash", "ash", "dash", "ksh", "zsh", "busybox":
		return true
	}
	return false
}

func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// find finds a command in the PATH of the service.
func find(name string, env []string) string {
	if strings.Contains(name, "/") {
		return name
	}
	path, _ := lookup(env, "PATH")
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// nodeKnowsReports asks every Node that may be meant for its version, and says
// why it is not to be armed: one that is older than 12.17 refuses to start with
// an option in NODE_OPTIONS that it does not know.
func nodeKnowsReports(argv, env []string, start Starter) (why string) {
	nodes := []string{find("node", env)}
	if nodes[0] == "" {
		nodes[0] = find("nodejs", env)
	}
	if nodes[0] == "" {
		return "node is not in PATH"
	}
	for _, w := range append(commandWords(argv), commandWords([]string{script(argv, env)})...) {
		if name := filepath.Base(w); filepath.IsAbs(w) && (name == "node" || name == "nodejs") && !slices.Contains(nodes, w) {
			nodes = append(nodes, w)
		}
	}
	const maxNodes = 4
	for _, node := range nodes[:min(len(nodes), maxNodes)] {
		version, err := nodeVersion(node, env, start)
		if err != nil {
			return fmt.Sprintf("%s --version: %v", node, err)
		}
		if !reportsSince(version) {
			return fmt.Sprintf("%s is %s, and reports came with 12.17", node, version)
		}
	}
	return ""
}

// nodeVersion runs node --version, for a second at most.
func nodeVersion(node string, env []string, start Starter) (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer read.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		write.Close()
		return "", err
	}
	defer null.Close()
	bare := slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "NODE_") })
	pid, wait, err := start([]string{node, "--version"}, &os.ProcAttr{Env: bare, Files: []*os.File{null, write, null}})
	write.Close()
	if err != nil {
		return "", err
	}
	limit := time.AfterFunc(time.Second, func() { syscall.Kill(pid, syscall.SIGKILL) })
	status, err := wait()
	inTime := limit.Stop()
	if err != nil {
		return "", err
	}
	if !inTime {
		return "", fmt.Errorf("no answer within 1 s")
	}
	if !status.Exited() || status.ExitStatus() != 0 {
		return "", fmt.Errorf("it ended with status %d", status.ExitStatus())
	}
	read.SetReadDeadline(time.Now().Add(time.Second)) // a wrapper's child may hold the other end
	buf := make([]byte, 64)
	n, _ := read.Read(buf)
	return strings.TrimSpace(string(buf[:n])), nil
}

// reportsSince reports whether a version such as "v20.20.2" takes
// --report-on-signal in NODE_OPTIONS: from 12.17 on, and in 13 from 13.12.
func reportsSince(version string) bool {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err1 := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil {
		return false
	}
	return m > 13 || m == 13 && n >= 12 || m == 12 && n >= 17
}
