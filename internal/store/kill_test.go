package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/core"
	"github.com/aweigh/aweigh/internal/store"
)

// The writer is this test binary again, so that it can be killed.
const writerDir = "AWEIGH_TEST_STORE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		write(dir)
	}
	os.Exit(m.Run())
}

// write commits batches without an end, and says the number of each that was
// committed. A batch has ten facts, a row of the state and a letter.
func write(dir string) {
	ctx := context.Background()
	st, err := store.Open(ctx, dir)
	if err != nil {
		fmt.Println("broken:", err)
		os.Exit(1)
	}
	n := 0
	if state, err := st.State(ctx); err == nil && state["n"] != nil {
		n, _ = strconv.Atoi(string(state["n"]))
	}
	for {
		n++
		if err := st.Commit(ctx, numbered(n)); err != nil {
			fmt.Println("broken:", err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func numbered(n int) store.Batch {
	b := store.Batch{Letters: []store.Letter{letter(fmt.Sprint("n", n), "ops")}}
	for k := range 10 {
		b.Facts = append(b.Facts, aweigh.Fact{Kind: aweigh.FactDied, At: noon.Add(time.Duration(n) * time.Second), Instance: fmt.Sprintf("%d/%d", n, k)})
	}
	b.Changes = []core.Changes{{Rows: map[string][]byte{"n": []byte(strconv.Itoa(n))}, Starts: []aweigh.Start{start(noon.Add(time.Duration(n)*time.Second), "web", aweigh.Crashed)}}}
	return b
}

// What Commit has returned for is there after kill -9, whole batches only, and
// each once.
func TestKillLosesNothingThatWasCommitted(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	said := 0 // the last batch whose commit was told
	for round := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), writerDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + round*7%23; lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("round %d: the writer says %q", round, lines.Text())
			}
			said = n
			if left--; left == 0 {
				cmd.Process.Kill() // in the middle of the next one; what it still says counts
			}
		}
		cmd.Wait()

		st := must[*store.Store](t)(store.OpenToRead(ctx, dir))
		state := must[map[string][]byte](t)(st.State(ctx))
		n, _ := strconv.Atoi(string(state["n"]))
		if n < said || n > said+1 {
			t.Fatalf("round %d: batch %d was the last that was told, and %d is the last that is there", round, said, n)
		}
		facts := must[[]aweigh.Fact](t)(st.Facts(ctx, time.Time{}, 1_000_000))
		letters := must[[]store.Posted](t)(st.Letters(ctx, "pending", 1_000_000))
		starts := must[[]aweigh.Start](t)(st.Starts(ctx, store.StartQuery{Limit: 1_000_000}))
		if len(facts) != 10*n || len(letters) != n || len(starts) != n {
			t.Fatalf("round %d: after %d batches there are %d facts, %d letters, %d starts", round, n, len(facts), len(letters), len(starts))
		}
		for k, f := range facts {
			if want := fmt.Sprintf("%d/%d", k/10+1, k%10); f.Instance != want {
				t.Fatalf("round %d: fact %d is %s, not %s", round, k, f.Instance, want)
			}
		}
		if sound := must[string](t)(st.Check(ctx)); !strings.EqualFold(sound, "ok") {
			t.Fatalf("round %d: %s", round, sound)
		}
		st.Close()
	}
}
