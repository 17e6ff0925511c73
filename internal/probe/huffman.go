package probe

import "errors"

// huffmanBits is how many bits the code of each byte has (RFC 7541, appendix B).
// The codes themselves follow from the lengths, since the code is canonical:
// ordered by length, then by value, each is the one before plus one.
var huffmanBits = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

const maxHuffmanBits = 30

var errHuffman = errors.New("a header is not a valid Huffman code")

// unhuffman decodes a string of a header. A probe reads a handful of them, so
// that it counts the codes anew each time rather than keep a table.
func unhuffman(coded []byte) ([]byte, error) {
	var count, start [maxHuffmanBits + 1]int // of the codes of a length, in symbols
	for _, bits := range huffmanBits {
		count[bits]++
	}
	for bits := 1; bits <= maxHuffmanBits; bits++ {
		start[bits] = start[bits-1] + count[bits-1]
	}
	var symbols [256]byte
	next := start
	for symbol, bits := range huffmanBits {
		symbols[next[bits]] = byte(symbol)
		next[bits]++
	}

	var out []byte
	code, first, bits := 0, 0, 0 // first: the first code of this length
	ones := true                 // of the code that is being read
	for _, b := range coded {
		for mask := byte(0x80); mask != 0; mask >>= 1 {
			bit := 0
			if b&mask != 0 {
				bit = 1
			}
			first = (first + count[bits]) << 1
			code = code<<1 | bit
			ones = ones && bit == 1
			if bits++; bits > maxHuffmanBits {
				return nil, errHuffman
			}
			if at := code - first; at < count[bits] {
				out = append(out, symbols[start[bits]+at])
				code, first, bits, ones = 0, 0, 0, true
			}
		}
	}
	if bits > 7 || !ones { // the padding is the begin of the longest code
		return nil, errHuffman
	}
	return out, nil
}
