package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func commit(t testing.TB, st *store.Store, b store.Batch) {
	t.Helper()
	if err := st.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// must returns a value that can be had.
func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func start(at time.Time, service string, verdict aweigh.Verdict) aweigh.Start {
	return aweigh.Start{ID: aweigh.DerivedID(at, service), Service: service, Began: at, Verdict: verdict}
}

func letter(id, route string) store.Letter {
	return store.Letter{Route: route, Notification: aweigh.Notification{ID: id, Occasion: aweigh.OnOpened, At: noon, Title: "web: crash-loop"}}
}

func TestWhatIsCommittedIsThereAfterwards(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	st := open(t, dir)
	if at := must[time.Time](t)(st.LastFact(ctx)); !at.IsZero() {
		t.Errorf("an empty store has a last fact at %s", at)
	}
	failed, well := start(noon, "web", aweigh.Crashed), start(noon.Add(time.Minute), "web", aweigh.Ready)
	incident := aweigh.Incident{ID: aweigh.DerivedID(noon, "incident"), Service: "web", Kind: aweigh.CrashLoop, Opened: noon}
	commit(t, st, store.Batch{
		Facts: []aweigh.Fact{{Kind: aweigh.FactDied, At: noon, Instance: "abc"}},
		Changes: []core.Changes{
			{Starts: []aweigh.Start{failed, well}, Incidents: []aweigh.Incident{incident}, Rows: map[string][]byte{"service:/web": []byte(`{"row":1}`), "service:/gone": []byte(`{}`)}},
			{Rows: map[string][]byte{"service:/web": []byte(`{"row":2}`), "service:/gone": nil}}, // the later one counts
		},
		Letters: []store.Letter{letter("n1", "ops")},
	})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = must[*store.Store](t)(store.OpenToRead(ctx, dir))
	defer st.Close()
	if at := must[time.Time](t)(st.LastFact(ctx)); !at.Equal(noon) {
		t.Errorf("the last fact is of %s", at)
	}
	if state := must[map[string][]byte](t)(st.State(ctx)); len(state) != 1 || string(state["service:/web"]) != `{"row":2}` {
		t.Errorf("the state is %s", state)
	}
	if all := must[[]aweigh.Start](t)(st.Starts(ctx, store.StartQuery{Service: "web"})); len(all) != 2 || all[0].ID != well.ID {
		t.Errorf("starts, newest first: %+v", all)
	}
	if all := must[[]aweigh.Start](t)(st.Starts(ctx, store.StartQuery{Failed: true})); len(all) != 1 || all[0].ID != failed.ID {
		t.Errorf("failed starts: %+v", all)
	}
	if all := must[[]aweigh.Incident](t)(st.Incidents(ctx, store.IncidentQuery{Open: true})); len(all) != 1 || all[0].ID != incident.ID {
		t.Errorf("open incidents: %+v", all)
	}
	if _, err := st.Start(ctx, failed.ID[:6]); !errors.Is(err, store.ErrAmbiguous) && err != nil {
		t.Errorf("a prefix: %v", err)
	}
	if found := must[aweigh.Start](t)(st.Start(ctx, strings.ToLower(failed.ID))); found.ID != failed.ID {
		t.Errorf("found %+v", found)
	}
	for _, wrong := range []string{"", "01", "0000000", "%%%%"} {
		if _, err := st.Start(ctx, wrong); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a start %q: %v", wrong, err)
		}
	}
}

// A fold that is done again after a crash makes the same notifications again.
func TestALetterIsPostedOnce(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	for range 3 {
		commit(t, st, store.Batch{Letters: []store.Letter{letter("n1", "ops"), letter("n1", "boss"), letter("n2", "ops")}})
	}
	pending := must[[]store.Posted](t)(st.Letters(ctx, "pending", 0))
	if len(pending) != 3 {
		t.Fatalf("%d letters: %+v", len(pending), pending)
	}
	ops, err := st.Pending(ctx, "ops", 0, 10)
	if err != nil || len(ops) != 2 || ops[0].ID >= ops[1].ID {
		t.Fatalf("to ops: %+v, %v", ops, err)
	}
	if err := st.Sent(ctx, []int64{ops[0].ID}); err != nil {
		t.Fatal(err)
	}
	commit(t, st, store.Batch{Letters: []store.Letter{letter("n1", "ops")}}) // and not again once it is sent
	if rest, err := st.Pending(ctx, "ops", 0, 10); err != nil || len(rest) != 1 || rest[0].Notification.ID != "n2" {
		t.Errorf("left for ops: %+v, %v", rest, err)
	}
}

func TestALetterThatIsNotTakenKeepsItsTries(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	commit(t, st, store.Batch{Letters: []store.Letter{letter("n1", "ops"), letter("n2", "old")}})
	id := must[[]store.Posted](t)(st.Letters(ctx, "pending", 0))[1].ID
	for k := range 2 {
		at := noon.Add(time.Duration(k) * time.Minute)
		if err := st.Failed(ctx, []int64{id}, "451 later", at, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := st.Pending(ctx, "ops", 0, 10)
	if err != nil || len(l) != 1 || l[0].Tries != 2 || !l[0].FailedFirst.Equal(noon) || !l[0].Next.Equal(noon.Add(time.Hour+time.Minute)) {
		t.Errorf("%+v, %v", l, err)
	}
	if err := st.Dead(ctx, []int64{id}, "550 never", noon); err != nil {
		t.Fatal(err)
	}
	if n, err := st.Abandon(ctx, []string{"ops"}); err != nil || n != 1 { // the route old is no more
		t.Fatal(n, err)
	}
	dead := must[[]store.Posted](t)(st.Letters(ctx, "dead", 0))
	if len(dead) != 2 || dead[1].Why != "550 never" || dead[1].Tries != 3 || dead[0].Route != "old" {
		t.Errorf("dead: %+v", dead)
	}
}

// A letter that cannot be read, such as one of a newer version, kept every later one
// of its route from going, and all letters from being listed, for ever.
func TestALetterThatCannotBeReadHoldsUpNothing(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir)
	commit(t, st, store.Batch{Letters: []store.Letter{letter("n1", "mail"), letter("n2", "mail")}})
	db, err := sql.Open("sqlite", filepath.Join(dir, store.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE outbox SET note = '{"id":7}' WHERE notification = 'n1'`); err != nil {
		t.Fatal(err)
	}
	pending, err := st.Pending(t.Context(), "mail", 0, 10)
	if err != nil || len(pending) != 1 || pending[0].Notification.ID != "n2" {
		t.Fatalf("%v, %v", pending, err)
	}
	all, err := st.Letters(t.Context(), "", 10)
	if err != nil || len(all) != 2 || all[1].State != "dead" || !strings.Contains(all[1].Why, "cannot be read") {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestABatchIsStoredWhollyOrNotAtAll(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	late, cancel := context.WithCancel(ctx)
	cancel()
	b := store.Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactDied, At: noon}}, Letters: []store.Letter{letter("n1", "ops")}}
	if err := st.Commit(late, b); err == nil {
		t.Error("a commit whose time is over says that it was made")
	}
	facts := must[[]aweigh.Fact](t)(st.Facts(ctx, time.Time{}, 10))
	letters := must[[]store.Posted](t)(st.Letters(ctx, "", 0))
	if len(facts)+len(letters) != 0 {
		t.Errorf("half of it is there: %v %v", facts, letters)
	}
	commit(t, st, b) // and the connection is not spoilt by it
}

// A command posts from another process, while a watcher runs or while none does.
func TestTheInboxIsFoldedOnce(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	if _, err := store.OpenToRead(ctx, dir); !errors.Is(err, store.ErrNone) {
		t.Errorf("a store that is not there: %v", err)
	}
	st := open(t, dir)
	before := must[int64](t)(st.Version(ctx))
	command := must[*store.Store](t)(store.OpenToRead(ctx, dir))
	defer command.Close()
	for _, who := range []string{"ann", "bob"} {
		if err := command.Post(ctx, aweigh.Fact{Kind: aweigh.FactAcknowledged, At: noon, By: who}); err != nil {
			t.Fatal(err)
		}
	}
	if after := must[int64](t)(st.Version(ctx)); after == before {
		t.Error("the watcher does not see that there is something in its inbox")
	}
	ids, facts, err := st.Inbox(ctx)
	if err != nil || len(facts) != 2 || facts[0].By != "ann" || facts[1].By != "bob" {
		t.Fatalf("inbox: %+v, %v", facts, err)
	}
	commit(t, st, store.Batch{Facts: facts, Inbox: ids})
	if _, facts, err := st.Inbox(ctx); err != nil || len(facts) != 0 {
		t.Errorf("left in the inbox: %+v, %v", facts, err)
	}
}

// A watcher looks at its inbox when the version changes, which its own commits do not
// change: of what people had said while it was down it took a hundred, and the rest
// when somebody said something again.
func TestALongInboxIsFoldedToItsEnd(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	for range 150 {
		if err := st.Post(ctx, aweigh.Fact{Kind: aweigh.FactAcknowledged, At: noon}); err != nil {
			t.Fatal(err)
		}
	}
	folded, seen := 0, int64(-1)
	for range 5 {
		version := must[int64](t)(st.Version(ctx))
		if version == seen {
			continue
		}
		seen = version
		ids, facts, err := st.Inbox(ctx)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, st, store.Batch{Facts: facts, Inbox: ids})
		folded += len(facts)
	}
	if folded != 150 {
		t.Errorf("%d facts of 150 were folded", folded)
	}
	if before, after := must[int64](t)(st.Version(ctx)), must[int64](t)(st.Version(ctx)); before != after || before != seen {
		t.Error("the version does not come to rest")
	}
}

func TestWhatIsOldIsRemovedAndWhatIsOpenStays(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	old, resolved := noon.Add(-100*24*time.Hour), noon.Add(-99*24*time.Hour)
	var b store.Batch
	for k := range 4500 { // more than are removed at once
		at := old.Add(time.Duration(k) * time.Second)
		b.Facts = append(b.Facts, aweigh.Fact{Kind: aweigh.FactTalked, At: at})
	}
	b.Facts = append(b.Facts, aweigh.Fact{Kind: aweigh.FactTalked, At: noon})
	b.Changes = []core.Changes{{
		Starts: []aweigh.Start{start(old, "web", aweigh.Ready), start(noon, "web", aweigh.Ready)},
		Incidents: []aweigh.Incident{
			{ID: aweigh.DerivedID(old, "open"), Service: "web", Opened: old},
			{ID: aweigh.DerivedID(old, "over"), Service: "web", Opened: old, Resolved: &resolved}},
	}}
	b.Letters = []store.Letter{letter("n1", "ops"), letter("n2", "ops")}
	commit(t, st, b)
	if err := st.Dead(ctx, []int64{1}, "never", old); err != nil {
		t.Fatal(err)
	}
	if err := st.Retain(ctx, noon, 90*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	facts := must[[]aweigh.Fact](t)(st.Facts(ctx, time.Time{}, 10_000))
	starts := must[[]aweigh.Start](t)(st.Starts(ctx, store.StartQuery{}))
	incidents := must[[]aweigh.Incident](t)(st.Incidents(ctx, store.IncidentQuery{}))
	letters := must[[]store.Posted](t)(st.Letters(ctx, "", 0))
	if len(facts) != 1 || len(starts) != 1 || len(incidents) != 1 || incidents[0].Resolved != nil || len(letters) != 1 || letters[0].State != "pending" {
		t.Errorf("left: %d facts, %d starts, %+v, %+v", len(facts), len(starts), incidents, letters)
	}
}

// A service that had served for longer than what is kept had no start in the store.
// When it crashed there was one for an hour, and then neither it nor its cause.
func TestAStartIsAsOldAsTheEndOfItsRun(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	old, over, lately := noon.Add(-100*24*time.Hour), noon.Add(-91*24*time.Hour), noon.Add(-time.Hour)
	run := func(service string, ended *time.Time) aweigh.Start {
		s := start(old, service, aweigh.Ready)
		if s.Run = (&aweigh.Run{Ended: ended}); ended != nil {
			s.Run.End = aweigh.RunCrashed
		}
		return s
	}
	serves, crashed, gone, lost := run("serves", nil), run("crashed", &lately), run("gone", &over), run("lost", nil)
	commit(t, st, store.Batch{Changes: []core.Changes{{
		Starts: []aweigh.Start{serves, crashed, gone, lost},
		Rows: map[string][]byte{
			"instance:1": []byte(`{"life":{"alive":true,"start":{"id":"` + serves.ID + `"}}}`),
			"instance:2": []byte(`{"life":{"start":{"id":"` + lost.ID + `"}}}`),
			"instance:3": []byte(`{}`),
		},
	}}})
	if err := st.Retain(ctx, noon, 90*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, s := range must[[]aweigh.Start](t)(st.Starts(ctx, store.StartQuery{})) {
		left[s.Service] = true
	}
	if len(left) != 2 || !left["serves"] || !left["crashed"] {
		t.Errorf("left are the starts of %v", left)
	}
}

// The log of a new store had been made before the store was closed to others, and
// kept its mode: everybody on the host could read what services printed.
func TestNobodyElseCanReadAnyFileOfTheStore(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir)
	commit(t, st, store.Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: noon}}})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(filepath.Join(dir, store.File+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s has the mode %s", info.Name(), info.Mode())
		}
	}
}

func TestADamagedStoreIsNamedAndSetAside(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	st := open(t, dir)
	st.Close()
	file := filepath.Join(dir, store.File)
	if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(ctx, dir)
	var damaged *store.Damaged
	if !errors.As(err, &damaged) || damaged.Path != file {
		t.Fatalf("a damaged store: %v", err)
	}
	aside, err := store.SetAside(dir, noon)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(aside); err != nil || !strings.HasPrefix(string(kept), "not a database") {
		t.Errorf("the damaged file is not what it was: %v", err)
	}
	commit(t, open(t, dir), store.Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: noon}}})
}

// Two deployments that were the first on a host made the store at once: the one that
// came second found the tables of the other, and told nobody of its deployment.
func TestTwoProcessesMayMakeTheStoreAtOnce(t *testing.T) {
	like := t.TempDir()
	open(t, like)
	from := must[*sql.DB](t)(sql.Open("sqlite", filepath.Join(like, store.File)))
	defer from.Close()
	rows := must[*sql.Rows](t)(from.Query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name = 'goose_db_version' DESC, rowid"))
	defer rows.Close()
	dir := t.TempDir()
	other := must[*sql.DB](t)(sql.Open("sqlite", "file:"+filepath.Join(dir, store.File)+"?_txlock=immediate&_pragma=journal_mode(WAL)"))
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("ATTACH ? AS whole", filepath.Join(like, store.File)); err != nil {
		t.Fatal(err)
	}
	var tx *sql.Tx // the other process is in the middle of it, and has the table of versions
	for rows.Next() {
		var statement string
		err := rows.Scan(&statement)
		if err == nil && tx == nil {
			if _, err = other.Exec(statement + "; INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)"); err == nil {
				tx, err = other.Begin()
			}
		} else if err == nil {
			_, err = tx.Exec(statement)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) SELECT version_id, is_applied FROM whole.goose_db_version WHERE version_id > 0"); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { tx.Commit() })
	commit(t, open(t, dir), store.Batch{Letters: []store.Letter{letter("n1", "ops")}})
}

// What cannot be written says what to do.
func TestAStoreThatCannotBeWrittenSaysSo(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	open(t, dir).Close()
	readOnly := must[*store.Store](t)(store.OpenToRead(ctx, dir))
	defer readOnly.Close()
	if os.Geteuid() == 0 { // root may write whatever its mode says
		if err := readOnly.Pragma(ctx, "query_only = ON"); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(filepath.Join(dir, store.File), 0o400); err != nil {
		t.Fatal(err)
	}
	err := readOnly.Post(ctx, aweigh.Fact{Kind: aweigh.FactResolved, At: noon})
	if err == nil || !strings.Contains(err.Error(), "run as the user that owns it") {
		t.Errorf("posting into what cannot be written: %v", err)
	}
	if _, err := store.Open(ctx, filepath.Join(dir, store.File)); err == nil || !strings.Contains(err.Error(), "state directory") {
		t.Errorf("a file where the directory should be: %v", err)
	}
}

// A page that the disk refuses is told as what it is.
func TestAFullDiskIsToldAndSurvived(t *testing.T) {
	st, ctx := open(t, t.TempDir()), t.Context()
	if err := st.Pragma(ctx, "max_page_count = 40"); err != nil { // the database itself refuses, with the same error
		t.Fatal(err)
	}
	big := aweigh.Fact{Kind: aweigh.FactDied, At: noon, Lines: []string{strings.Repeat("x", 8<<10)}}
	var err error
	stored := 0
	for ; err == nil && stored < 100; stored++ {
		err = st.Commit(ctx, store.Batch{Facts: []aweigh.Fact{big}})
	}
	if err == nil || !strings.Contains(err.Error(), "the disk is full: make room") {
		t.Fatalf("a full disk: %v", err)
	}
	if err := st.Pragma(ctx, "max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	commit(t, st, store.Batch{Facts: []aweigh.Fact{big}})
	if facts := must[[]aweigh.Fact](t)(st.Facts(ctx, time.Time{}, 1000)); len(facts) != stored {
		t.Errorf("%d facts, not %d", len(facts), stored)
	}
}

// Names come from outside: a directory may be called anything.
func TestAnyDirectoryCanHoldAStore(t *testing.T) {
	for n, name := range []string{"a b", "a?mode=ro", "a#b", "100%", "ü"} {
		dir := filepath.Join(t.TempDir(), name)
		commit(t, open(t, dir), store.Batch{Facts: []aweigh.Fact{{Kind: aweigh.FactWatching, At: noon.Add(time.Duration(n))}}})
		if _, err := os.Stat(filepath.Join(dir, store.File)); err != nil {
			t.Error(fmt.Errorf("%q: %w", name, err))
		}
	}
}

func TestWhatIsWrongWithAStoreIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, store.File), bytes.Repeat([]byte("no database "), 1000), 0o640); err != nil {
		t.Fatal(err)
	}
	_, err := store.OpenToRead(t.Context(), dir)
	var damaged *store.Damaged
	if !errors.As(err, &damaged) || strings.Count(err.Error(), "is damaged") != 1 || strings.Count(err.Error(), "move it away") != 1 {
		t.Errorf("%v", err)
	}
}

// SQLite says "unable to open database file" to who is not root: the first that most
// people see of aweigh status.
func TestAStoreOfAnotherUserSaysSo(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may open anything")
	}
	dir := t.TempDir()
	st, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	if err := os.Chmod(filepath.Join(dir, store.File), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenToRead(t.Context(), dir); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "run as the user that owns it") {
		t.Errorf("%v", err)
	}
}
