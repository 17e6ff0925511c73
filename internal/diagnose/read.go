package diagnose

import (
	"bytes"
	"io"
)

// ReadOutput reads an output of any length and keeps of it what Diagnose looks
// at: the beginning and the end. What is left out between them leaves its line
// ends, so that the numbers of the lines stay right.
func ReadOutput(r io.Reader) ([]byte, error) {
	const half = 256 << 10
	kept, err := io.ReadAll(io.LimitReader(r, headBytes))
	if err != nil || len(kept) < headBytes {
		return kept, err
	}
	skipped := 0
	var tail []byte
	chunk := make([]byte, half)
	for {
		n, err := r.Read(chunk)
		tail = append(tail, chunk[:n]...)
		if over := len(tail) - tailBytes; over > half {
			skipped += bytes.Count(tail[:over], []byte{'\n'})
			tail = append(tail[:0], tail[over:]...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if skipped > 0 {
		kept = append(kept, bytes.Repeat([]byte{'\n'}, skipped)...)
	}
	return append(kept, tail...), nil
}
