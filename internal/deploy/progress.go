package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aweigh/aweigh/internal/cli"
	"github.com/aweigh/aweigh/internal/record"
)

// Progress tells a person, or a program, how a deployment goes on.
type Progress struct {
	W        io.Writer
	Terminal bool // the line of the step that is under way is written over
	JSON     bool // entries of the journal, one a line

	mu    sync.Mutex
	step  string
	since time.Time
	limit time.Duration
	told  time.Time
}

// tellEvery is how often a step that takes long is told of where lines cannot be
// written over.
const tellEvery = time.Minute

// width is how much of a line is written over.
const width = 110

// begin tells that a step has begun, and how long it takes at most; 0 where
// nobody knows.
func (p *Progress) begin(stage, step string, limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.since, p.limit, p.told = fmt.Sprintf("%-12s %-10s", stage, step), time.Now(), limit, time.Now()
	p.rewrite("…")
}

// Wait tells what a step waits for.
func (p *Progress) Wait(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.JSON {
		return
	}
	if !strings.Contains(what, " left)") { // which verify says itself
		what = p.left() + what
	}
	if p.Terminal {
		p.rewrite(what)
		return
	}
	if time.Since(p.told) >= tellEvery {
		p.told = time.Now()
		fmt.Fprintf(p.W, "%s …                %s\n", p.step, record.Printable(what))
	}
}

// left says how much of the step's time is left.
func (p *Progress) left() string {
	if p.limit == 0 {
		return ""
	}
	return fmt.Sprintf("%s left: ", max(p.limit-time.Since(p.since), 0).Round(time.Second))
}

func (p *Progress) rewrite(what string) {
	if p.Terminal && !p.JSON {
		fmt.Fprintf(p.W, "\r\033[K%s %s", p.step, cli.Shorten(what, width-len(p.step)))
	}
}

// end tells how a step ended.
func (p *Progress) end(e Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.JSON {
		return
	}
	if p.Terminal {
		fmt.Fprint(p.W, "\r\033[K")
	}
	word := map[Event]string{Done: "ok", Failed: "FAILED"}[e.Event]
	took := cli.Human(time.Duration(e.TookMS) * time.Millisecond)
	fmt.Fprintf(p.W, "%-12s %-10s %-6s %7s  %s\n", e.Stage, e.Step, word, took, record.Printable(e.Detail))
}

// Say tells one line.
func (p *Progress) Say(format string, a ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.JSON {
		return
	}
	if p.Terminal {
		fmt.Fprint(p.W, "\r\033[K")
	}
	fmt.Fprintln(p.W, strings.TrimRight(record.Printable(fmt.Sprintf(format, a...)), " "))
}

// entry gives a program what was noted.
func (p *Progress) entry(e Entry) {
	if !p.JSON {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	enc := json.NewEncoder(p.W)
	enc.SetEscapeHTML(false)
	enc.Encode(e)
}
