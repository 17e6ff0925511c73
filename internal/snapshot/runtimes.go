package snapshot

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func isJVM(p *suspect) bool {
	return p.program() == "java" || p.mapped("/libjvm.so")
}

// askJVM: SIGQUIT prints a thread dump on stdout, and the JVM goes on. With
// -Xrs it has no handler for it, which SigCgt tells.
func askJVM(ctx context.Context, a *asking, p *suspect) Stack {
	return a.printed(ctx, p, syscall.SIGQUIT, "SIGQUIT", "Full thread dump")
}

func isPython(p *suspect) bool {
	name := p.program()
	return strings.HasPrefix(name, "python") || strings.HasPrefix(name, "pypy") || p.mapped("/libpython3")
}

// askPython: with PYTHONFAULTHANDLER set, SIGABRT prints the stacks of all
// threads on stderr, and ends the process.
func askPython(ctx context.Context, a *asking, p *suspect) Stack {
	if value, _ := p.env.Lookup("PYTHONFAULTHANDLER"); value == "" {
		return Stack{Note: "not asked: it was started without PYTHONFAULTHANDLER"}
	}
	if err := noCore(p.PID); err != nil {
		return Stack{Note: "not asked: it might leave a core file: prlimit: " + err.Error()}
	}
	return a.printed(ctx, p, syscall.SIGABRT, "SIGABRT", "Fatal Python error", "most recent call first")
}

// askGo: SIGQUIT prints the stacks of all goroutines on stderr, and ends the
// process with status 2.
func askGo(ctx context.Context, a *asking, p *suspect) Stack {
	noCore(p.PID) // only with GOTRACEBACK=crash would there be one
	s := a.printed(ctx, p, syscall.SIGQUIT, "SIGQUIT", "SIGQUIT: quit", "goroutine ")
	for _, registers := range []string{"\nrax    0x", "\nr0      0x"} {
		if i := strings.LastIndex(s.Text, registers); i >= 0 {
			s.Text = s.Text[:i]
		}
	}
	return s
}

func isGo(p *suspect) bool {
	f, err := os.Open("/proc/" + strconv.Itoa(p.PID) + "/exe")
	if err != nil {
		return false
	}
	defer f.Close()
	return hasGoNote(f)
}

// hasGoNote looks for the note that Go's linker leaves in each 64-bit
// executable: owner "Go", type 4 (cmd/link, cmd/internal/buildid).
func hasGoNote(r io.ReaderAt) bool {
	var header [64]byte
	if _, err := r.ReadAt(header[:], 0); err != nil || string(header[:6]) != "\x7fELF\x02\x01" {
		return false
	}
	le := binary.LittleEndian
	offset, size, count := le.Uint64(header[32:]), le.Uint16(header[54:]), le.Uint16(header[56:])
	if size < 56 || count > 256 {
		return false
	}
	for i := range uint64(count) {
		var segment [56]byte
		const note = 4 // PT_NOTE
		if _, err := r.ReadAt(segment[:], int64(offset+i*uint64(size))); err != nil {
			return false
		}
		if le.Uint32(segment[:]) != note {
			continue
		}
		b := make([]byte, min(le.Uint64(segment[32:]), 4096))
		n, _ := r.ReadAt(b, int64(le.Uint64(segment[8:])))
		if isGoNote(b[:n]) {
			return true
		}
	}
	return false
}

// isGoNote walks the notes of a segment: sizes of name and content, type, name
// and content, each filled up to four bytes.
func isGoNote(b []byte) bool {
	le := binary.LittleEndian
	for len(b) >= 12 {
		name, content, kind := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:])), le.Uint32(b[8:])
		b = b[12:]
		if kind == 4 && name == 4 && len(b) >= 4 && string(b[:4]) == "Go\x00\x00" {
			return true
		}
		skip := (name+3)&^3 + (content+3)&^3
		if skip > uint64(len(b)) {
			return false
		}
		b = b[skip:]
	}
	return false
}

// readAtMost reads a file of /proc, which has no size, up to a bound.
func readAtMost(r io.Reader, limit int64) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, limit))
	return b
}
