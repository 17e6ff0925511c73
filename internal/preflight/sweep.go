package preflight

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/aweigh/aweigh/internal/docker"
)

// Sweep removes what trials have left whose process is gone.
func Sweep(ctx context.Context, engine *docker.Engine) error {
	projects, err := engine.Projects(ctx, prefix)
	if err != nil {
		return err
	}
	for _, p := range projects {
		number, _, _ := strings.Cut(strings.TrimPrefix(p, prefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && pid != os.Getpid() && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue // a trial that is under way
		}
		if err := engine.RemoveProject(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
