package probe

import (
	"errors"
	"fmt"

	"github.com/aweigh/aweigh/internal/expect"
)

// Bounds of a header as HTTP/2 carries it.
const (
	maxDynamic = 4096 // bytes of the dynamic table, which is its size by default
	maxFields  = maxHead
)

var errHPACK = errors.New("a header is not valid HPACK")

// hpack reads headers as RFC 7541 packs them. The dynamic table lives as long
// as the connection.
type hpack struct {
	dynamic []expect.Header // the newest last
	size    int
	shrunk  bool // the other side has set limit
	limit   int
}

// appendField packs a field in the plainest way there is: a literal that is not
// indexed, with no Huffman code (RFC 7541, 6.2.2).
func appendField(block []byte, name, value string) []byte {
	block = append(block, 0)
	for _, s := range [...]string{name, value} {
		block = appendInt(block, 7, len(s))
		block = append(block, s...)
	}
	return block
}

func appendInt(block []byte, prefix, n int) []byte {
	most := 1<<prefix - 1
	if n < most {
		return append(block, byte(n))
	}
	block = append(block, byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		block = append(block, byte(n)|0x80)
	}
	return append(block, byte(n))
}

// read unpacks a whole block.
func (h *hpack) read(block []byte) (expect.Headers, error) {
	var fields expect.Headers
	size := 0
	for len(block) > 0 {
		var f expect.Header
		var err error
		switch b := block[0]; {
		case b&0x80 != 0: // indexed
			var i int
			if i, block, err = readInt(block, 7); err == nil {
				f, err = h.entry(i)
			}
		case b&0xe0 == 0x20: // a new limit of the dynamic table
			if h.limit, block, err = readInt(block, 5); err == nil {
				h.shrunk = true
				h.evict(0)
				if h.limit > maxDynamic {
					err = errHPACK
				}
			}
			if err != nil {
				return nil, err
			}
			continue
		default: // literal; with 01 it is to be indexed
			prefix := 4
			if b&0x40 != 0 {
				prefix = 6
			}
			if f, block, err = h.literal(block, prefix); err == nil && prefix == 6 {
				h.add(f)
			}
		}
		if err != nil {
			return nil, err
		}
		if size += len(f.Name) + len(f.Value) + 32; size > maxFields {
			return nil, errHeadTooBig
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (h *hpack) literal(block []byte, prefix int) (f expect.Header, rest []byte, err error) {
	i, rest, err := readInt(block, prefix)
	if err != nil {
		return f, nil, err
	}
	if i != 0 {
		if f, err = h.entry(i); err != nil {
			return f, nil, err
		}
	} else if f.Name, rest, err = readString(rest); err != nil {
		return f, nil, err
	}
	f.Value, rest, err = readString(rest)
	return f, rest, err
}

// entry is a field of the static table, or of the dynamic one behind it. Of the
// static table only what a gRPC answer is judged by has a name here.
func (h *hpack) entry(i int) (expect.Header, error) {
	const static = 61
	switch {
	case i == 0 || i > static+len(h.dynamic):
		return expect.Header{}, errHPACK
	case i > static:
		return h.dynamic[len(h.dynamic)-(i-static)], nil
	case i >= 8 && i <= 14:
		codes := [...]string{"200", "204", "206", "304", "400", "404", "500"}
		return expect.Header{Name: ":status", Value: codes[i-8]}, nil
	case i == 31:
		return expect.Header{Name: "content-type"}, nil
	}
	return expect.Header{Name: fmt.Sprintf("static-%d", i)}, nil
}

func (h *hpack) add(f expect.Header) {
	need := len(f.Name) + len(f.Value) + 32 // RFC 7541, 4.1
	h.evict(need)
	if need <= h.most() {
		h.dynamic = append(h.dynamic, f)
		h.size += need
	}
}

// evict drops the oldest fields until there is room.
func (h *hpack) evict(need int) {
	for len(h.dynamic) > 0 && h.size+need > h.most() {
		h.size -= len(h.dynamic[0].Name) + len(h.dynamic[0].Value) + 32
		h.dynamic = h.dynamic[1:]
	}
}

func (h *hpack) most() int {
	if h.shrunk {
		return h.limit
	}
	return maxDynamic
}

func readInt(block []byte, prefix int) (n int, rest []byte, err error) {
	if len(block) == 0 {
		return 0, nil, errHPACK
	}
	most := 1<<prefix - 1
	n, rest = int(block[0])&most, block[1:]
	if n < most {
		return n, rest, nil
	}
	for shift := 0; shift <= 21 && len(rest) > 0; shift += 7 {
		b := rest[0]
		rest = rest[1:]
		n += int(b&0x7f) << shift
		if b&0x80 == 0 {
			return n, rest, nil
		}
	}
	return 0, nil, errHPACK
}

func readString(block []byte) (text string, rest []byte, err error) {
	n, rest, err := readInt(block, 7)
	if err != nil || n > len(rest) {
		return "", nil, errHPACK
	}
	raw := rest[:n]
	if block[0]&0x80 != 0 {
		if raw, err = unhuffman(raw); err != nil {
			return "", nil, err
		}
	}
	return string(raw), rest[n:], nil
}
