package supervise

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

// Docker took longer than drainLimit for the last megabyte of a service that
// had ended, on a busy machine, and 260 kB of it were never seen again, neither
// in its log nor in the record.
func TestDrainWaitsForASlowReaderOfTheLastWords(t *testing.T) {
	words := bytes.Repeat([]byte("last words\n"), 60_000)
	from, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	control(from, widen)
	defer theirs.Close() // held open, as by somebody out of reach
	reader, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()

	s := &supervisor{heard: &heard{}}
	s.streams.add(s, 0, from, &sink{fd: int(ours.Fd())})
	if _, err := theirs.Write(words); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		s.drain()
		ours.Close()
		close(drained)
	}()
	<-time.After(drainLimit + drainLimit/5) // the reader's slowness is the point
	got, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(got, words) {
		t.Errorf("%d bytes came of %d: %v", len(got), len(words), err)
	}
	select {
	case <-drained:
	case <-time.After(20 * time.Second):
		t.Error("drain waits for ever for somebody out of reach")
	}
}

// In raw mode our lines made a staircase on the terminal of docker run -it.
func TestOwnLinesBeginInTheFirstColumnOfARawTerminal(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := &sink{fd: int(writer.Fd())}
	s.raw.Store(true)
	s.own([]byte("first\n"))
	s.Write([]byte("prompt> "))
	s.own([]byte("second\n"))
	s.raw.Store(false)
	s.own([]byte("third\n"))
	writer.Close()
	got, _ := io.ReadAll(reader)
	if want := "first\r\nprompt> \r\nsecond\r\nthird\n"; string(got) != want {
		t.Errorf("written %q, want %q", got, want)
	}
}

// stuck is a pipe that is full and that nobody reads.
func stuck(t *testing.T) (reader, writer *os.File) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	writer.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	writer.Write(make([]byte, widePipe))
	writer.Fd() // blocking, as a standard output is
	return reader, writer
}

// The loop waited for the log's reader in the middle of passing SIGTERM on, and
// neither that nor the SIGKILL after the grace ever came.
func TestOwnLinesDoNotWaitForAReaderThatIsStuck(t *testing.T) {
	reader, writer := stuck(t)
	s := &sink{fd: int(writer.Fd())}
	began := time.Now()
	for i := range 100 {
		s.own(fmt.Appendf(nil, "line %d\n", i))
	}
	if took := time.Since(began); took > 5*patience {
		t.Errorf("100 lines took %s", took)
	}
	var text []byte
	for buf := make([]byte, 4096); !bytes.HasSuffix(text, []byte("line 99\n")); {
		n, err := reader.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, buf[:n]...)
	}
	if text = bytes.Trim(text, "\x00"); bytes.Count(text, []byte("\n")) != 100 || !bytes.HasPrefix(text, []byte("line 0\nline 1\n")) {
		t.Errorf("the reader got %q", text)
	}
}

// Nobody could end a supervisor whose service had ended, but by SIGKILL, before
// the verdict was in the record.
func TestAStuckReaderIsNotWaitedForOnceSomebodyWantsUsToEnd(t *testing.T) {
	_, writer := stuck(t)
	from, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{heard: &heard{}, signals: make(chan os.Signal, 1)}
	s.streams.add(s, 0, from, &sink{fd: int(writer.Fd())})
	theirs.WriteString("the last ")
	for end := time.Now().Add(10 * time.Second); s.heard.total.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is read")
		}
	}
	theirs.WriteString("words")
	theirs.Close()
	s.signals <- syscall.SIGTERM
	drained := make(chan struct{})
	go func() { s.drain(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(stuckLimit + 10*time.Second):
		t.Fatal("it waits for the reader")
	}
	if got := string(s.heard.text()); got != "the last words" {
		t.Errorf("heard %q", got)
	}
}
