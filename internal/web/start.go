package web

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
	"github.com/aweigh/aweigh/internal/store"
)

type startPage struct {
	aweigh.Start
	Phases    []phaseRow
	Seen      []seenRow
	Output    output
	Snapshot  string
	Files     []file
	Compared  *comparison
	Incidents []aweigh.Incident
	Live      bool // it is coming up, or its output is still written
}

// phaseRow is a phase and where its bar is, in thousandths of the start.
type phaseRow struct {
	aweigh.Phase
	X, Width int64
}

type file struct {
	Name string
	Size int64
}

// maxShown bounds the text of a snapshot on a page; all of it is a file.
const maxShown = 64 << 10

// start is the page of one start.
func (s *Site) start(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	one, err := s.Store.Start(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	data := startPage{Start: one, Live: one.Verdict == "", Output: output{Earlier: -1, Later: -1}}
	var events []record.Event
	dir, rec, err := record.Of(s.Records, one)
	if err == nil {
		defer dir.Close()
		events, _ = rec.Events()
		s.recorded(&data, rec, r)
	}
	data.Phases = waterfall(data.Start, time.Now())
	facts, err := s.Store.FactsAbout(ctx, instanceOf(one), one.Began.Add(-sameStart), endOf(one).Add(time.Second), 200)
	if err != nil {
		return err
	}
	data.Seen = seen(one, facts, events)
	if data.Incidents, err = s.Store.Incidents(ctx, store.IncidentQuery{Service: one.Service, Start: one.ID}); err != nil {
		return err
	}
	good, err := s.Store.LastGood(ctx, one)
	switch {
	case err == nil:
		data.Compared = s.compare(data.Start, rec, good)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return s.render(w, r, page{Name: "start", Part: "services", Title: one.Service + ": start " + one.ID, Data: data})
}

// recorded fills in what the record knows.
func (s *Site) recorded(data *startPage, rec *record.Record, r *http.Request) {
	data.Live = data.Live || rec.Live()
	data.Output = outputOf(rec, r.URL.Query(), data.Live)
	fill(&data.Start, rec)
	if text, ok := rec.File("snapshot.txt"); ok {
		data.Snapshot = printable(string(text[:min(len(text), maxShown)]))
	}
	for _, f := range rec.Files() {
		data.Files = append(data.Files, file{f.Name(), f.Size()})
	}
	slices.SortFunc(data.Files, func(a, b file) int { return int(b.Size - a.Size) })
}

// fill fills in what the record of aweigh-init knows of a start, and the store does
// not.
func fill(s *aweigh.Start, rec *record.Record) {
	inner := rec.Start()
	if len(s.Phases) == 0 {
		s.Phases = inner.Phases
	}
	if len(s.Command) == 0 {
		s.Command = inner.Command
	}
	if inner.Probe != nil && (s.Probe == nil || s.Probe.Attempts == 0) {
		s.Probe = inner.Probe
	}
}

// instanceOf is the instance of a start, as facts call it, or the beginning of that.
// What runs without a container is called by the start: of an id twelve characters
// are not enough.
func instanceOf(s aweigh.Start) string {
	if strings.HasPrefix(s.Instance, "run:") {
		return "run:" + s.ID
	}
	return s.Instance
}

// endOf is when a start was over; now, for one that is not.
func endOf(s aweigh.Start) time.Time {
	if s.TookMS == nil {
		return time.Now()
	}
	return s.Began.Add(time.Duration(*s.TookMS) * time.Millisecond)
}

// waterfall places the phases of a start.
func waterfall(s aweigh.Start, now time.Time) []phaseRow {
	var total, at int64
	phases := slices.Clone(s.Phases)
	for i := range phases {
		if phases[i].Open && s.Verdict == "" {
			phases[i].MS = max(phases[i].MS, now.Sub(s.Began).Milliseconds()-total)
		}
		total += phases[i].MS
	}
	rows := make([]phaseRow, len(phases))
	for i, p := range phases {
		rows[i] = phaseRow{p, at * 1000 / max(1, total), max(4, p.MS*1000/max(1, total))}
		rows[i].X = min(rows[i].X, 996)
		at += p.MS
	}
	return rows
}

// file hands out a file of a record, never as something that a browser runs.
func (s *Site) file(w http.ResponseWriter, r *http.Request) error {
	one, err := s.Store.Start(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	dir, rec, err := record.Of(s.Records, one)
	if err != nil {
		return err
	}
	defer dir.Close()
	name := r.URL.Query().Get("name")
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Minute))
	if name == "" { // all of the output
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": one.Service + "-" + one.ID + ".log"}))
		_, err := rec.CopyOutput(w, 0, -1)
		return err
	}
	if !slices.ContainsFunc(rec.Files(), func(f fs.FileInfo) bool { return f.Name() == name }) {
		return errNoPage
	}
	content, err := rec.Open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		return err
	}
	h.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": one.ID + "-" + name}))
	_, err = io.Copy(w, io.LimitReader(content, info.Size())) // it may grow meanwhile
	return err
}
