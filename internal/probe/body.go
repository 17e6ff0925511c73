package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxChunkLine bounds the line that begins a chunk, extensions included.
const maxChunkLine = 4 << 10

// readBody reads the body by the rules of RFC 9112, 6.3, up to maxBody bytes.
// A body that ends too early is io.ErrUnexpectedEOF.
func (a *answer) readBody(r *bufio.Reader) error {
	if a.code < 200 || a.code == 204 || a.code == 304 {
		return nil
	}
	if coding, ok := a.headers.Get("Transfer-Encoding"); ok && !strings.EqualFold(coding, "identity") {
		if !strings.EqualFold(coding, "chunked") {
			return &notHTTP{fmt.Sprintf("the answer has a transfer encoding of %q, which no request asked for", oneLine(coding, 40))}
		}
		return a.readChunks(r)
	}
	length, ok := a.headers.Get("Content-Length")
	if !ok {
		err := a.take(r, math.MaxInt64)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // the end of the connection is that of the body
		}
		return err
	}
	// The same length twice is one (RFC 9112, 6.3, 5).
	first, more, _ := strings.Cut(length, ", ")
	n, err := strconv.ParseUint(first, 10, 63)
	if err != nil || more != "" && strings.ReplaceAll(more+", ", first+", ", "") != "" {
		return &notHTTP{fmt.Sprintf("not HTTP: the Content-Length is %q", oneLine(length, 40))}
	}
	return a.take(r, int64(n))
}

// take appends n bytes to the body; beyond maxBody it sets cut and stops.
func (a *answer) take(r *bufio.Reader, n int64) error {
	room := int64(maxBody - len(a.body))
	if n > room {
		// One byte more tells a body that fits from one that does not.
		if err := a.copy(r, room); err != nil {
			return err
		}
		if _, err := r.ReadByte(); err != nil {
			return unexpected(err)
		}
		a.cut = true
		return nil
	}
	return a.copy(r, n)
}

// copy reads in pieces, so that what had come is known when the rest does not,
// and memory follows what is sent rather than what is claimed.
func (a *answer) copy(r *bufio.Reader, n int64) error {
	var piece [4 << 10]byte
	for n > 0 {
		got, err := r.Read(piece[:min(n, int64(len(piece)))])
		a.body = append(a.body, piece[:got]...)
		n -= int64(got)
		if err != nil && n > 0 {
			return unexpected(err)
		}
	}
	return nil
}

func (a *answer) readChunks(r *bufio.Reader) error {
	for {
		line, err := chunkLine(r)
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 63)
		if err != nil {
			return &notHTTP{fmt.Sprintf("not HTTP: the size of a chunk is %q", oneLine(digits, 40))}
		}
		if size == 0 {
			return a.skipTrailer(r)
		}
		if err := a.take(r, int64(size)); err != nil || a.cut {
			return err
		}
		if line, err := chunkLine(r); err != nil {
			return err
		} else if line != "" {
			return &notHTTP{"not HTTP: a chunk is longer than its size"}
		}
	}
}

func (a *answer) skipTrailer(r *bufio.Reader) error {
	for {
		line, err := a.line(r)
		if err != nil {
			return unexpected(err)
		}
		if line == "" {
			return nil
		}
	}
}

func chunkLine(r *bufio.Reader) (string, error) {
	var line strings.Builder
	for {
		part, err := r.ReadSlice('\n')
		line.Write(part)
		switch {
		case err == nil:
			return strings.TrimRight(line.String(), "\r\n"), nil
		case err != bufio.ErrBufferFull:
			return "", unexpected(err)
		case line.Len() > maxChunkLine:
			return "", &notHTTP{"not HTTP: the size of a chunk does not end"}
		}
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
