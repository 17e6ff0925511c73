package supervise

import "time"

// state is where a supervised service stands. Each state but done has an armed
// timer: nothing waits for ever.
type state int

const (
	starting   state = iota // until the proof, or the deadline
	serving                 // the timer asks for the next probe
	inspecting              // a snapshot is being taken before the service is ended
	stopping                // SIGTERM was sent; the timer is the grace
	killing                 // SIGKILL was sent; the timer sends it again
	draining                // the command has exited; its leftovers have SIGTERM
	sweeping                // the leftovers have SIGKILL
	done
)

func (s state) String() string {
	return [...]string{"starting", "serving", "inspecting", "stopping", "killing", "draining", "sweeping", "done"}[s]
}

const (
	// inspectLimit bounds a snapshot.
	inspectLimit = 15 * time.Second
	// killAgain is for processes that do not die of SIGKILL at once: they sit
	// in an uninterruptible wait. After killAttempts they are left behind; the
	// end of PID 1 takes them.
	killAgain    = 2 * time.Second
	killAttempts = 3
	// leftoverGrace is what processes that outlive a command get to end by
	// themselves, unless a stop with its own grace is under way. Without a
	// supervisor the end of the container would kill them at once.
	leftoverGrace = 2 * time.Second
	sweepLimit    = time.Second
)

// action is what the life cycle wants done.
type action int

const (
	ask            action = iota // probe the service once
	inspect                      // take a snapshot
	terminate                    // SIGTERM to the command
	kill                         // SIGKILL to the command and all its descendants
	terminateStray               // SIGTERM to what outlived the command
)

// lifecycle is the pure part of a supervisor: what happened goes in, what is
// to be done comes out. It does nothing and reads no clock itself.
type lifecycle struct {
	state state
	timer time.Time // when timeout must be called

	interval, grace time.Duration

	began     time.Time // when the command may start
	deadline  time.Time // of the start
	graceEnds time.Time // once a stop was asked for
	attempts  int       // SIGKILLs sent
	asking    bool      // a probe is under way
	// Why it is being ended, for the verdict.
	missedDeadline, stopAsked, gaveUp bool
}

func newLifecycle(now time.Time, timeout, interval, grace time.Duration) *lifecycle {
	deadline := now.Add(timeout)
	return &lifecycle{state: starting, timer: deadline, began: now, deadline: deadline, interval: interval, grace: grace}
}

// proven is the probe's first success.
func (l *lifecycle) proven(now time.Time) {
	if l.state == starting {
		l.enter(serving, now.Add(l.interval))
	}
}

// allowed is how long the start may take: the timeout that was set, to the
// digit, unless the service asked for more.
func (l *lifecycle) allowed() time.Duration { return l.deadline.Sub(l.began) }

// extended is the service's word that it needs d more from now. The deadline
// never moves back.
func (l *lifecycle) extended(now time.Time, d time.Duration) bool {
	if l.state != starting || !now.Add(d).After(l.deadline) {
		return false
	}
	l.deadline = now.Add(d)
	l.timer = l.deadline
	return true
}

// answered is the end of a probe that ask began.
func (l *lifecycle) answered(now time.Time) {
	l.asking = false
	if l.state == serving {
		l.timer = now.Add(l.interval)
	}
}

// unhealthy is the decision to end a service that no longer serves.
func (l *lifecycle) unhealthy(now time.Time) []action {
	if l.state != serving {
		return nil
	}
	l.gaveUp = true
	l.enter(inspecting, now.Add(inspectLimit))
	return []action{inspect}
}

// stop is a person's or the engine's wish to end the service; the signal
// itself is passed on by the caller. Only the first one starts the grace.
func (l *lifecycle) stop(now time.Time) {
	switch l.state {
	case starting, serving:
		l.stopAsked = true
		l.graceEnds = now.Add(l.grace)
		l.enter(stopping, l.graceEnds)
	case inspecting:
		l.graceEnds = now.Add(l.grace)
	}
}

// inspected is the end of the snapshot.
func (l *lifecycle) inspected(now time.Time) []action {
	if l.state != inspecting {
		return nil
	}
	l.graceEnds = now.Add(l.grace)
	l.enter(stopping, l.graceEnds)
	return []action{terminate}
}

// exited is the command's own end.
func (l *lifecycle) exited(now time.Time) []action {
	switch l.state {
	case draining, sweeping, done:
		return nil
	}
	until := now.Add(leftoverGrace)
	if l.graceEnds.After(until) {
		until = l.graceEnds
	}
	l.enter(draining, until)
	return []action{terminateStray}
}

// alone is the end of the last process that outlived the command.
func (l *lifecycle) alone() {
	if l.state == draining || l.state == sweeping {
		l.enter(done, time.Time{})
	}
}

// timeout is the timer.
func (l *lifecycle) timeout(now time.Time) []action {
	switch l.state {
	case starting:
		l.missedDeadline = true
		l.enter(inspecting, now.Add(inspectLimit))
		return []action{inspect}
	case serving:
		l.timer = now.Add(l.interval)
		if l.asking {
			return nil
		}
		l.asking = true
		return []action{ask}
	case inspecting:
		return l.inspected(now)
	case stopping, killing:
		if l.attempts++; l.attempts > killAttempts {
			l.enter(done, time.Time{})
			return nil
		}
		l.enter(killing, now.Add(killAgain))
		return []action{kill}
	case draining:
		l.enter(sweeping, now.Add(sweepLimit))
		return []action{kill}
	case sweeping:
		l.enter(done, time.Time{})
	}
	return nil
}

func (l *lifecycle) enter(s state, timer time.Time) {
	l.state, l.timer = s, timer
}
