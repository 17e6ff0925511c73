package deploy

import (
	"context"
	"strings"
	"time"
)

// roomLimit is how long the way back waits for a person to make room on a full disk:
// an engine cannot start a container without any.
const roomLimit = 5 * time.Minute

// withRoom does what may be done again, until the engine has room for it.
func (r *run) withRoom(ctx context.Context, do func() (string, error)) (string, error) {
	told := false
	for end := time.Now().Add(roomLimit); ; {
		detail, err := do()
		if err == nil || !strings.Contains(err.Error(), "no space left on device") || time.Now().After(end) {
			return detail, err
		}
		if !told {
			r.Out.Say("warning: the way back needs room on the engine's disk, and waits %s for it: %v", roomLimit, err)
			told = true
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
