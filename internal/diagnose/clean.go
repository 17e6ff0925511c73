package diagnose

import "unicode/utf8"

// clean takes out of a line what a terminal would act on: escape sequences of
// ECMA-48, other control characters, and the marks that turn the direction of
// writing. What is no UTF-8 becomes U+FFFD.
func clean(b []byte) string {
	plain := true
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == 0x1b:
			i = pastEscape(b, i)
		case c == '\r' && i == len(b)-1:
			i++
		case c < ' ' || c == 0x7f:
			out = append(out, ' ')
			i++
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if !unprintable(r) {
				out = utf8.AppendRune(out, r)
			}
			i += n
		}
	}
	return string(out)
}

// pastEscape is where the text goes on behind an escape sequence at i.
func pastEscape(b []byte, i int) int {
	i++
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '[': // CSI: parameters, then one final byte
		for i++; i < len(b); i++ {
			if b[i] >= 0x40 && b[i] <= 0x7e {
				return i + 1
			}
		}
		return i
	case ']', 'P', 'X', '^', '_': // strings, ended by BEL or ESC \
		for i++; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1
			}
			if b[i] == 0x1b && i+1 < len(b) && b[i+1] == '\\' {
				return i + 2
			}
		}
		return i
	}
	return i + 1
}

// unprintable are the C1 controls, and what changes the direction or hides.
func unprintable(r rune) bool {
	switch {
	case r >= 0x80 && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x2069, r == 0xfeff:
		return true
	}
	return false
}
