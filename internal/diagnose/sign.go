package diagnose

import (
	"strings"
	"sync"
)

// sign is one way in which a line of the output speaks for a cause. All that it
// names must hold. Texts are in lower case; alternatives are separated by "|".
type sign struct {
	errno  errno  // on the line
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

// index finds all phrases in one pass over a text: a bucket by the first four
// bytes, so that the time does not grow with the catalogue.
type index struct {
	buckets [1 << bucketBits]int32
	phrases []phrase
	byErrno []phrase // signs without a text of their own
}

const (
	bucketBits = 14
	prefix     = 4 // the least length of a phrase
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
	b := bucket(p.text)
	p.next = x.buckets[b]
	x.buckets[b] = int32(len(x.phrases))
	x.phrases = append(x.phrases, p)
}

// bucket hashes the first bytes of a text that has that many.
func bucket(text string) uint32 {
	key := uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
	return key * 2654435761 >> (32 - bucketBits) // Knuth's multiplicative hash
}

// find calls found for each phrase that is in the text, once or more often.
func (x *index) find(text string, found func(*phrase)) {
	for i := 0; i+prefix <= len(text); i++ {
		for n := x.buckets[bucket(text[i:i+prefix])]; n != 0; n = x.phrases[n].next {
			p := &x.phrases[n]
			if p.errno != noErrno && p.sign == nil && i > 0 && isLetter(text[i-1]) {
				continue // "FileNotFound" has "ENOTFOUND" in it
			}
			if strings.HasPrefix(text[i:], p.text) {
				found(p)
			}
		}
	}
}
