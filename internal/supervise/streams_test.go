package supervise

import (
	"bytes"
	"io"
	"os"
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
		s.streams.drain()
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
	s.setRaw(true)
	s.own([]byte("first\n"))
	s.Write([]byte("prompt> "))
	s.own([]byte("second\n"))
	s.setRaw(false)
	s.own([]byte("third\n"))
	writer.Close()
	got, _ := io.ReadAll(reader)
	if want := "first\r\nprompt> \r\nsecond\r\nthird\n"; string(got) != want {
		t.Errorf("written %q, want %q", got, want)
	}
}
