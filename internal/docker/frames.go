package docker

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// pieceBytes is how much output is given at once.
const pieceBytes = 16 << 10

// pieces are buffers. One is only held while output comes: hundreds of
// containers are silent most of the time.
var pieces = sync.Pool{New: func() any { return new([pieceBytes]byte) }}

// Frames splits the engine's log stream into the two outputs (eight bytes
// before each piece: the stream, three zeros, the length; see the API's
// documentation of attach). give gets each piece as it comes, and must not keep
// it. Without frames (a terminal) all is standard output.
func Frames(from io.Reader, framed bool, give func(stderr bool, b []byte)) error {
	if !framed {
		buf := make([]byte, pieceBytes/4)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				give(false, buf[:n])
			}
			if err != nil {
				return ignoreEOF(err)
			}
		}
	}
	var header [8]byte
	for {
		if _, err := io.ReadFull(from, header[:]); err != nil {
			return ignoreEOF(err)
		}
		left := int(binary.BigEndian.Uint32(header[4:]))
		stderr := header[0] == 2
		if header[0] > 3 {
			return fmt.Errorf("the engine's log stream is damaged: a frame of type %d", header[0])
		}
		if err := frame(from, left, stderr, give); err != nil {
			return ignoreEOF(err)
		}
	}
}

// frame gives one frame.
func frame(from io.Reader, left int, stderr bool, give func(stderr bool, b []byte)) error {
	buf := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(buf)
	for left > 0 {
		n, err := from.Read(buf[:min(left, len(buf))])
		if n > 0 {
			give(stderr, buf[:n])
			left -= n
		}
		if err != nil && left > 0 {
			return err
		}
	}
	return nil
}

func ignoreEOF(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
