package aweigh

import (
	"crypto/rand"
	"crypto/sha256"
	"time"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns a ULID (https://github.com/ulid/spec): 48 bits of Unix
// milliseconds and 80 random bits in 26 characters, so that identifiers sort
// by the time at which the start began.
func NewID(at time.Time) string {
	var entropy [10]byte
	rand.Read(entropy[:]) // never fails: crypto/rand ends the program instead
	return ulid(at, entropy)
}

// DerivedID is NewID without chance: the same moment and seed give the same
// identifier, so that what is told twice is recognised.
func DerivedID(at time.Time, seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return ulid(at, [10]byte(sum[:10]))
}

func ulid(at time.Time, entropy [10]byte) string {
	var raw [16]byte
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (40 - 8*i))
	}
	copy(raw[6:], entropy[:])

	// 130 bits in 26 characters of 5: the first two bits are zero.
	var id [26]byte
	var acc uint
	bits, n := 2, 0
	for _, b := range raw {
		acc = acc<<8 | uint(b)
		for bits += 8; bits >= 5; n++ {
			bits -= 5
			id[n] = crockford[acc>>bits&31]
		}
	}
	return string(id[:])
}

// ValidID reports whether s has the form that NewID gives.
func ValidID(s string) bool {
	if len(s) != 26 || s[0] > '7' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z' || c == 'I' || c == 'L' || c == 'O' || c == 'U') {
			return false
		}
	}
	return true
}

// IDTime returns the moment, to the millisecond, in an id of NewID's form.
func IDTime(id string) (time.Time, bool) {
	if !ValidID(id) {
		return time.Time{}, false
	}
	var ms int64
	for i := range 10 {
		for v := range len(crockford) {
			if crockford[v] == id[i] {
				ms = ms<<5 | int64(v)
				break
			}
		}
	}
	return time.UnixMilli(ms).UTC(), true
}
