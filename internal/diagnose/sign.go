package diagnose

import (
	"strings"
	"sync"
)

// sign is one way in which a line of the output speaks for a cause. All that it
// names must hold. Texts are in lower case; alternatives are separated by "|".
type sign struct {
	errno  errno  // on the line
	bare   bool   // no errno is on the line
	has    string // one of these is on the line
	and    string // and one of these
	not    string // and none of these
	daemon bool   // it is the engine that speaks, not the program
	when   func(s *scene, l int) bool
	score  float64 // how surely that is it, 0 to 1
	why    string  // if the cause's own sentence does not fit
}

// holds tells whether line l of the scene has the sign; one of sign.has is known
// to be there.
func (g *sign) holds(s *scene, l int) bool {
	line := &s.lines[l]
	if g.errno != noErrno && !line.errnos.has(g.errno) {
		return false
	}
	if g.bare && line.errnos != 0 {
		return false
	}
	if g.and != "" && !hasAny(line.low, g.and) {
		return false
	}
	if g.not != "" && hasAny(line.low, g.not) {
		return false
	}
	return g.when == nil || g.when(s, l)
}

// hasAny tells whether text has one of the alternatives.
func hasAny(text, alternatives string) bool {
	for alternatives != "" {
		one, rest, _ := strings.Cut(alternatives, "|")
		if strings.Contains(text, one) {
			return true
		}
		alternatives = rest
	}
	return false
}

// phrase is one text that is looked for, and what it stands for: an errno, or a
// sign of a cause.
type phrase struct {
	text  string
	errno errno
	cause *Entry
	sign  *sign
	next  int32 // in the same bucket; 0 is none
}

// index finds all phrases in one pass over a text: a bucket by the first bytes,
// so that the time does not grow with the catalogue. Many begin alike, "could
// not …": those that are long enough have a table of their own, by more bytes.
type index struct {
	short   [1 << bucketBits]int32
	long    [1 << bucketBits]int32
	starts  [1 << 16 / 64]uint64 // a bit for each two bytes that a phrase begins with
	phrases []phrase
	byErrno []phrase // signs without a text of their own
}

const (
	bucketBits = 14
	prefix     = 4 // the least length of a phrase
	longPrefix = 12
)

// phraseIndex is made when it is first needed: aweigh-init never does, unless a
// start fails.
var phraseIndex = sync.OnceValue(func() *index {
	x := &index{phrases: make([]phrase, 1, 2048)} // 0 means none
	for i := range errnoWords {
		for _, text := range strings.Split(errnoWords[i].words, "|") {
			x.add(phrase{text: text, errno: errnoWords[i].errno})
		}
	}
	for _, cause := range Catalogue {
		for i := range cause.signs {
			g := &cause.signs[i]
			if g.has == "" {
				x.byErrno = append(x.byErrno, phrase{errno: g.errno, cause: cause, sign: g})
				continue
			}
			for _, text := range strings.Split(g.has, "|") {
				x.add(phrase{text: text, cause: cause, sign: g})
			}
		}
	}
	return x
})

func (x *index) add(p phrase) {
	two := uint16(word(p.text))
	x.starts[two/64] |= 1 << (two % 64)
	b := &x.short[bucket(p.text)%(1<<bucketBits)]
	if len(p.text) >= longPrefix {
		b = &x.long[longBucket(p.text)%(1<<bucketBits)]
	}
	p.next, *b = *b, int32(len(x.phrases))
	x.phrases = append(x.phrases, p)
}

// bucket hashes the first four bytes of a text that has that many.
func bucket(text string) uint32 {
	return word(text) * 2654435761 >> (32 - bucketBits) // Knuth's multiplicative hash
}

// longBucket hashes the first twelve.
func longBucket(text string) uint32 {
	return (word(text)*0x85ebca6b ^ word(text[4:])*0xc2b2ae35 ^ word(text[8:])) * 2654435761 >> (32 - bucketBits)
}

func word(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// find calls found for each phrase that is in the text, once or more often.
func (x *index) find(text string, found func(*phrase)) {
	for i := 0; i+prefix <= len(text); i++ {
		two := uint16(text[i]) | uint16(text[i+1])<<8
		if x.starts[two/64]&(1<<(two%64)) == 0 {
			continue
		}
		if n := x.short[bucket(text[i:])%(1<<bucketBits)]; n != 0 {
			x.match(n, text, i, found)
		}
		if i+longPrefix <= len(text) {
			if n := x.long[longBucket(text[i:])%(1<<bucketBits)]; n != 0 {
				x.match(n, text, i, found)
			}
		}
	}
}

// match tries the phrases of a bucket, from the n-th on, at one place of a text.
func (x *index) match(n int32, text string, i int, found func(*phrase)) {
	for ; n != 0; n = x.phrases[n].next {
		p := &x.phrases[n]
		if p.errno != noErrno && p.sign == nil && i > 0 && isLetter(text[i-1]) {
			continue // "FileNotFound" has "ENOTFOUND" in it
		}
		if strings.HasPrefix(text[i:], p.text) {
			found(p)
		}
	}
}
