package supervise

import "bytes"

// openingBytes is how much of the first output is kept for a diagnosis: every
// fourth cause is told in the first line, and nowhere else.
const openingBytes = 8 << 10

// keepOpening keeps the first output. h.mu is held.
func (h *heard) keepOpening(b []byte) {
	if room := openingBytes - len(h.opening); room > 0 {
		h.opening = append(h.opening, b[:min(room, len(b))]...)
	}
}

// text is the beginning and the end of the output.
func (h *heard) text() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	missing := h.total.Load() - int64(len(h.opening)+len(h.tail))
	if missing <= 0 { // the tail overlaps the opening
		return append(bytes.Clone(h.opening), h.tail[min(int(-missing), len(h.tail)):]...)
	}
	return append(append(bytes.Clone(h.opening), "\n[aweigh: output is left out here]\n"...), h.tail...)
}
