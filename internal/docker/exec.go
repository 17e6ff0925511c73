package docker

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// Exec runs a program with its arguments in a running container, as its own user,
// and returns the exit status and what it printed. No shell reads it.
func (e *Engine) Exec(ctx context.Context, id string, words []string) (code int, output string, err error) {
	made, err := e.client.ExecCreate(ctx, id, client.ExecCreateOptions{Cmd: words, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return 0, "", e.explain(err)
	}
	answer, err := e.client.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return 0, "", e.explain(err)
	}
	defer answer.Close()
	defer context.AfterFunc(ctx, answer.Close)()
	var text strings.Builder
	// All is read, so that the program is never held up; the head of it is kept.
	err = Frames(answer.Reader, true, func(_ bool, b []byte) { text.Write(b[:min(len(b), maxWords-text.Len())]) })
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	if err != nil && err != io.EOF {
		return 0, "", fmt.Errorf("%s in the container: %w", words[0], err)
	}
	for {
		end, err := e.client.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
		if err != nil {
			return 0, "", e.explain(err)
		}
		if !end.Running {
			return end.ExitCode, strings.TrimSpace(text.String()), nil
		}
		// Its output has ended, and the engine does not know of its end yet.
		select {
		case <-ctx.Done():
			return 0, "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
