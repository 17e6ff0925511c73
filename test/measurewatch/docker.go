package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/test/figures"
)

// tag is before the name of all that is made in the engine.
const tag = "aweigh-bench"

// docker runs a command of the engine's client.
func docker(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// lacks says what is missing for a measurement in the real engine, "" for nothing.
func (b *bench) lacks() string {
	if _, err := exec.LookPath("docker"); err != nil {
		return "docker"
	}
	if _, err := docker("version"); err != nil {
		return "a Docker Engine that answers"
	}
	if _, err := os.Stat(busybox); err != nil {
		return "busybox-static"
	}
	return ""
}

const busybox = "/bin/busybox"

// image makes the image of the service that is played, with a change such as
// HEALTHCHECK.
func (b *bench) image(changes ...string) (string, error) {
	name := fmt.Sprintf("%s:%d-%d", tag, os.Getpid(), time.Now().UnixNano())
	args := []string{"import"}
	for _, c := range append(changes, `ENTRYPOINT ["/measurewatch", "play-service", "0.0.0.0:8080"]`) {
		args = append(args, "--change", c)
	}
	cmd := exec.Command("docker", append(args, "-", name)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	files := tar.NewWriter(in)
	for target, file := range map[string]string{"measurewatch": b.self, "busybox": busybox} {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		files.WriteHeader(&tar.Header{Name: target, Mode: 0o755, Size: int64(len(data))})
		files.Write(data)
	}
	files.Close()
	in.Close()
	return name, cmd.Wait()
}

// box is a container of the real engine.
type box struct {
	name, id, address string
	shim              int
}

// run makes and starts a container; start looks at what it is then.
func run(image, name string, args ...string) (*box, error) {
	id, err := docker(append(append([]string{"run", "-d", "--name", name}, args...), image)...)
	if err != nil {
		return nil, err
	}
	c := &box{name: name, id: id}
	return c, c.look()
}

func (c *box) look() error {
	address, err := docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", c.id)
	if err != nil {
		return err
	}
	c.address = address + ":8080"
	c.shim = 0
	for _, pid := range pids(func(command string) bool { return strings.Contains(command, "shim") && strings.Contains(command, c.id) }) {
		c.shim = pid
	}
	if c.shim == 0 {
		return fmt.Errorf("the shim of %s is not to be found", c.name)
	}
	return nil
}

// ask asks the service that is played in it.
func (c *box) ask(path string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + c.address + path)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(text)), err
}

func (c *box) count() int {
	text, _ := c.ask("/count")
	n, _ := strconv.Atoi(text)
	return n
}

// remove removes all that was made.
func remove(boxes []*box, images ...string) {
	for _, c := range boxes {
		docker("rm", "-f", c.id)
	}
	for _, name := range images {
		docker("rmi", "-f", name)
	}
}

// engineCPU is what the engine's own processes have used, and the shims of some
// containers with all that they have run in them.
func engineCPU(boxes []*box) (time.Duration, error) {
	var total time.Duration
	all := pids(func(command string) bool {
		name := filepath.Base(strings.Split(command, "\x00")[0])
		return name == "dockerd" || name == "containerd"
	})
	if len(all) == 0 {
		return 0, fmt.Errorf("no dockerd is to be found")
	}
	for _, c := range boxes {
		all = append(all, c.shim)
	}
	for _, pid := range all {
		used, err := figures.CPUWithChildren(pid)
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// pids are the processes with such a command line.
func pids(is func(command string) bool) (all []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if command, err := os.ReadFile(file); err == nil && is(string(command)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			all = append(all, pid)
		}
	}
	return all
}
