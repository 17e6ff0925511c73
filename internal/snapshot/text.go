package snapshot

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
)

// Text is what WriteText writes.
func (s Snapshot) Text() string {
	var b strings.Builder
	s.WriteText(&b)
	return b.String()
}

// WriteText writes the snapshot for a person: the sentence that matters, then
// processes, stacks, sockets, files. It is snapshot.txt of a record.
func (s Snapshot) WriteText(to io.Writer) error {
	w := &page{bufio.NewWriter(to)}
	w.line("%s", s.Sentence)
	if s.Reason != "" {
		w.line("%s", s.Reason)
	}
	w.line("Taken %s, in %d ms.", s.Taken.Format(time.RFC3339), s.TookMS)
	s.writeProcesses(w)
	s.writeStacks(w)
	s.writeSockets(w)
	s.writeFiles(w)
	if s.Memory != nil || s.Load != "" {
		w.heading("Resources")
	}
	if m := s.Memory; m != nil {
		limit := "no limit"
		if m.LimitBytes > 0 {
			limit = "limit " + bytesText(m.LimitBytes)
		}
		w.line("memory of the cgroup: %s (%s), killed for want of it: %d times", bytesText(m.UsageBytes), limit, m.OOMKills)
	}
	if s.Load != "" {
		w.line("load: %s", s.Load)
	}
	if len(s.Notes) > 0 {
		w.heading("Not collected")
		for _, n := range s.Notes {
			w.line("%s", n)
		}
	}
	return w.Flush()
}

type page struct{ *bufio.Writer }

func (w *page) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
func (w *page) heading(title string)            { w.line("\n%s\n%s", title, strings.Repeat("-", len(title))) }

func (s Snapshot) writeProcesses(w *page) {
	w.heading("Processes")
	if len(s.Processes) == 0 {
		w.line("none is left")
	}
	depth := map[int]int{}
	for _, p := range s.Processes {
		d := 0
		if up, ok := depth[p.PPID]; ok {
			d = up + 1
		}
		depth[p.PID] = d
		indent := strings.Repeat("  ", min(d, 20))
		w.line("%s%d %s: %s", indent, p.PID, proc.Clean(p.Name), p.Wait)
		if len(p.Args) > 0 {
			w.line("%s    %s", indent, shorten(proc.Clean(strings.Join(p.Args, " ")), 300))
		}
		w.line("%s    %s, uid %d, up %s, CPU %.1f s, memory %s, threads %d, open files %s", indent, p.State, p.UID,
			(time.Duration(p.AgeMS) * time.Millisecond).Round(100*time.Millisecond), float64(p.CPUMS)/1000, bytesText(p.RSSBytes), p.ThreadCount, p.filesText())
		if len(p.Threads) > 1 {
			for _, line := range groups(p.Threads) {
				w.line("%s    %s", indent, line)
			}
		}
	}
}

func (p Process) filesText() string {
	switch {
	case p.FilesNote != "":
		return "unknown"
	case p.FileLimit > 0:
		return fmt.Sprintf("%d of %d", p.FileCount, p.FileLimit)
	}
	return fmt.Sprint(p.FileCount)
}

// groups sums up threads that are in the same call: a JVM has fifty in futex.
func groups(threads []Thread) []string {
	var order []string
	names := map[string][]string{}
	for _, t := range threads {
		where := t.State
		if t.Syscall != "" {
			where += " in " + t.Syscall + "()"
		} else if t.WChan != "" {
			where += " in " + t.WChan
		}
		if names[where] == nil {
			order = append(order, where)
		}
		names[where] = append(names[where], proc.Clean(t.Name))
	}
	lines := make([]string, 0, len(order))
	for _, where := range order {
		who := names[where]
		noun := "threads"
		if len(who) == 1 {
			noun = "thread"
		}
		lines = append(lines, fmt.Sprintf("%d %s %s: %s", len(who), noun, where, shorten(strings.Join(who, ", "), 120)))
	}
	return lines
}

func (s Snapshot) writeStacks(w *page) {
	if len(s.Stacks) == 0 {
		return
	}
	w.heading("Stacks")
	for _, k := range s.Stacks {
		w.line("%d %s (%s%s)", k.PID, proc.Clean(k.Process), k.Runtime, prefixed(", by ", k.How))
		if k.Note != "" {
			w.line("  %s", k.Note)
		}
		for line := range strings.Lines(k.Text) {
			w.line("  %s", printable(strings.TrimRight(line, "\r\n")))
		}
		w.line("")
	}
}

func (s Snapshot) writeSockets(w *page) {
	w.heading("Listeners")
	if len(s.Listeners) == 0 {
		w.line("none: nothing here listens on a TCP port")
	}
	for _, k := range s.Listeners {
		w.line("%s by pid %d (fd %d), %d connections wait to be accepted", k.Local, k.PID, k.FD, k.RecvQueue)
	}
	w.heading("Connections")
	if len(s.Sockets) == 0 {
		w.line("none")
	}
	for _, k := range s.Sockets {
		w.line("%-11s %s -> %s, pid %d (fd %d), unread %d, unsent %d bytes", k.State, k.Local, k.Remote, k.PID, k.FD, k.RecvQueue, k.SendQueue)
	}
}

func (s Snapshot) writeFiles(w *page) {
	w.heading("Open files")
	for _, p := range s.Processes {
		if len(p.Files) == 0 && p.FilesNote == "" {
			continue
		}
		w.line("%d %s %s", p.PID, proc.Clean(p.Name), p.FilesNote)
		for _, f := range p.Files {
			w.line("  %3d %s", f.FD, proc.Clean(f.Target))
		}
		if more := p.FileCount - len(p.Files); more > 0 {
			w.line("      and %d more", more)
		}
	}
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// printable is a line of somebody's output without what would move a terminal's
// cursor; tabs stay.
func printable(line string) string {
	parts := strings.Split(line, "\t")
	for i := range parts {
		parts[i] = proc.Clean(parts[i])
	}
	return strings.Join(parts, "\t")
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
