package preflight

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/docker"
)

// Sweep removes what trials have left whose process is gone.
func Sweep(ctx context.Context, engine *docker.Engine) error {
	projects, err := engine.Projects(ctx, prefix)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if !left(p) {
			continue // a trial that is under way
		}
		if err := engine.RemoveProject(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// longest is how long a trial of which nothing else can be known is taken for one that is
// under way.
const longest = 24 * time.Hour

// left reports whether nobody is at a trial any more. The numbers of processes tell that
// in this place only.
func left(project string) bool {
	number, rest, _ := strings.Cut(strings.TrimPrefix(project, prefix), "-")
	where, id, _ := strings.Cut(rest, "-")
	if began, ok := aweigh.IDTime(strings.ToUpper(id)); ok && where != place() {
		return time.Since(began) > longest
	}
	pid, err := strconv.Atoi(number)
	return err != nil || pid == os.Getpid() || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// place names where a number means one process: one PID namespace, in one boot of a kernel.
func place() string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return fmt.Sprintf("%x", sha256.Sum256([]byte(string(boot)+namespace)))[:8]
}
