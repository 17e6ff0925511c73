package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// play is what this program does when it was started by itself: to serve, or
// to talk.
func play(args []string) bool {
	if len(args) > 1 && args[0] == "play-container" { // COMMAND ARG...
		playContainer(args[1:])
	}
	if len(args) != 3 {
		return false
	}
	switch args[0] {
	case "play-server": // ADDRESS DELAY
		delay, _ := time.ParseDuration(args[2])
		playServer(args[1], delay)
	case "play-talker": // BYTES ADDRESS; without an address it ends then
		n, _ := strconv.ParseInt(args[1], 10, 64)
		if _, err := talk(n).WriteTo(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if args[2] != "" {
			playServer(args[2], 0)
		}
	default:
		return false
	}
	return true
}

// playContainer makes of new namespaces what a supervisor finds in a container:
// it is PID 1 of what /proc shows.
func playContainer(command []string) {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("proc", "/proc", "proc", 0, "")
	}
	if err == nil {
		err = syscall.Exec(command[0], command, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "play-container:", err)
	os.Exit(1)
}

// playServer listens after a delay. It prints the time from which a connection
// is accepted, taken before the port is open: what follows counts as lateness.
func playServer(address string, delay time.Duration) {
	time.Sleep(delay)
	began := time.Now().UnixNano()
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(accepting, began)
	http.Serve(l, http.HandlerFunc(ok))
}

const accepting = "accepting"

func ok(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"status": "ok"}`+"\n")
}

// text is a service's output of so many bytes: lines of 100, no two alike in
// ten thousand, each of which begins with the number of its block. Lost,
// doubled and swapped output is seen.
type text struct {
	left  int64
	block []byte
	next  int // the number of the next block
	rest  []byte
}

const (
	lineBytes  = 100
	blockLines = 10_000
	talkBytes  = 64_000 // written at once, as by a program with a good buffer
)

func talk(bytes int64) *text {
	t := &text{left: bytes, block: make([]byte, 0, lineBytes*blockLines)}
	for i := range blockLines {
		t.block = fmt.Appendf(t.block, "%08d line %04d %0*d\n", 0, i, lineBytes-20, i)
	}
	return t
}

// chunk is the next of the output, at most n bytes.
func (t *text) chunk(n int) []byte {
	if len(t.rest) == 0 {
		number := fmt.Appendf(nil, "%08d", t.next)
		for at := 0; at < len(t.block); at += lineBytes * 100 {
			copy(t.block[at:], number)
		}
		t.rest = t.block
		t.next++
	}
	n = int(min(int64(n), int64(len(t.rest)), t.left))
	c := t.rest[:n]
	t.rest, t.left = t.rest[n:], t.left-int64(n)
	return c
}

// WriteTo says it all.
func (t *text) WriteTo(w io.Writer) (total int64, err error) {
	for t.left > 0 {
		n, err := w.Write(t.chunk(talkBytes))
		if total += int64(n); err != nil {
			return total, err
		}
	}
	return total, nil
}

// compare reads r to its end and reports whether it is the text, byte by byte.
func (t *text) compare(r io.Reader) error {
	buf := make([]byte, 1<<20)
	var at int64
	for {
		n, err := r.Read(buf)
		for got := buf[:n]; len(got) > 0; {
			want := t.chunk(len(got))
			if len(want) == 0 {
				return fmt.Errorf("there is more than was put in, after %d bytes", at)
			}
			if !bytes.Equal(got[:len(want)], want) {
				return fmt.Errorf("it is not what was put in, near byte %d", at)
			}
			at += int64(len(want))
			got = got[len(want):]
		}
		switch {
		case err == io.EOF && t.left > 0:
			return fmt.Errorf("%d bytes at the end are missing", t.left)
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
