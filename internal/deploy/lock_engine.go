package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"

	"github.com/aweigh/aweigh/internal/docker"
)

// engineLock is the lock of a project on its engine, for those who have neither a host
// nor a state directory in common. It is a volume with the holder in a label: the
// engine makes one of a name, and shows that to whoever comes later. It needs no image,
// and nothing runs.
//
// It outlives a holder that is killed. But who has the other two locks knows that
// another one that had one of them is dead (see dead), and takes the volume over.
type engineLock struct {
	engine *docker.Engine
	stage  *Stage
	me     holder
}

const (
	lockVolume = "aweigh-deploying-" // and the project
	lockLabel  = "aweigh.deploying"  // a holder, as JSON

	lockWithin = 30 * time.Second // an engine may be just restarting
	freeWithin = 5 * time.Second
)

// lockOnEngine takes the lock. An engine that has none, because it is out of reach, or
// a proxy before it lets no volumes through, keeps nobody from a deployment, nor from
// the way back of one.
func lockOnEngine(ctx context.Context, s *Stage, me holder, warn func(error)) (free func(), err error) {
	engine, err := docker.Open(s.Docker)
	if err != nil {
		return nil, err
	}
	me.Place = place(s.engine(), s.Project)
	l := &engineLock{engine, s, me}
	volume := lockVolume + s.Project
	limited, cancel := context.WithTimeout(ctx, lockWithin)
	defer cancel()
	err = await(limited, engine, lockWithin, func(string) {})
	if err == nil {
		err = l.take(limited, volume)
	}
	if err == nil {
		return func() {
			defer engine.Close()
			if err := l.free(ctx, volume); err != nil {
				warn(fmt.Errorf("the lock of project %s stays on its engine, until the next deployment from here, or `%s`: %w", s.Project, l.remove(volume), err))
			}
		}, nil
	}
	defer engine.Close()
	if held := (*Held)(nil); errors.As(err, &held) {
		return nil, err
	}
	l.free(ctx, volume) // it may be made although no answer has come
	if ctx.Err() != nil {
		return nil, fmt.Errorf("the lock of project %s: %w", s.Project, ctx.Err())
	}
	warn(fmt.Errorf("nobody on another host is kept from deploying the project %s meanwhile, since its engine cannot be locked: %w", s.Project, err))
	return func() {}, nil
}

// take makes the volume ours, or says whose it is.
func (l *engineLock) take(ctx context.Context, volume string) error {
	text, _ := json.Marshal(l.me)
	labels, err := l.engine.MakeVolume(ctx, volume, map[string]string{lockLabel: string(text)})
	if err != nil {
		return err
	}
	who := holderOf(labels)
	if who.Nonce == l.me.Nonce {
		return nil
	}
	if !l.dead(who) {
		return &Held{Project: l.stage.Project, holder: who, Remove: l.remove(volume)}
	}
	// Two may know that it is dead, one by its host and one by its state directory. If
	// both removed it, the later would remove what the earlier has made by then: so only
	// who has this other lock does, once it has looked again.
	over := volume + "." + who.Nonce
	if err := l.take(ctx, over); err != nil {
		return err
	}
	defer l.free(ctx, over)
	if labels, err = l.engine.VolumeLabels(ctx, volume); err != nil {
		return err
	}
	if holderOf(labels).Nonce == who.Nonce {
		if err := l.engine.RemoveVolume(ctx, volume); err != nil {
			return err
		}
	}
	return l.take(ctx, volume)
}

// dead reports whether a holder has ended for sure: it had a lock that is ours now,
// the one of this place, or the one of this state directory, in which it has written.
// After a reboot the place is another one, but not the state directory.
func (l *engineLock) dead(who holder) bool {
	if who.Nonce == "" || who.Deployment == "" {
		return false // it is not of our making
	}
	if who.Place != "" && who.Place == l.me.Place {
		return true
	}
	for _, kind := range []string{"deployments", "resolutions"} {
		if _, err := os.Stat(filepath.Join(l.me.State, kind, filepath.Base(who.Deployment))); err == nil {
			return true
		}
	}
	return false
}

// free removes the volume if it is ours, although ctx may have ended.
func (l *engineLock) free(ctx context.Context, volume string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeWithin)
	defer cancel()
	labels, err := l.engine.VolumeLabels(ctx, volume)
	if err != nil || holderOf(labels).Nonce != l.me.Nonce {
		return err
	}
	return l.engine.RemoveVolume(ctx, volume)
}

// remove is the command that frees it by hand.
func (l *engineLock) remove(volume string) string {
	if here := cmp.Or(os.Getenv(client.EnvOverrideHost), client.DefaultDockerHost); l.engine.Host() == here {
		return "docker volume rm " + volume
	}
	return "docker --host " + l.engine.Host() + " volume rm " + volume
}

func holderOf(labels map[string]string) (h holder) {
	json.Unmarshal([]byte(labels[lockLabel]), &h)
	return h
}
