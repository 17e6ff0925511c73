package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/argon2"
)

// User is a person with a password.
type User struct {
	Name string
	Role Role   // View or Act
	hash string // as Hash makes it
}

// What a password costs: the least of OWASP's password storage cheat sheet for
// argon2id, since it runs in a watcher that has 80 MiB.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	keySize = 32
)

// MinPassword is how many bytes a password has at least.
const MinPassword = 10

// NewUser makes a user of a password.
func NewUser(name string, role Role, password string) (User, error) {
	if !userName.MatchString(name) {
		return User{}, errors.New("a user's name has letters, digits, '.', '_', '@' and '-', at most 64")
	}
	if len(password) < MinPassword || len(password) > maxPassword {
		return User{}, fmt.Errorf("a password has %d to %d characters", MinPassword, maxPassword)
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, passes, memory, 1, keySize)
	return User{name, role, fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, memory, passes, b64.EncodeToString(salt), b64.EncodeToString(key))}, nil
}

const maxPassword = 200

var (
	userName = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	b64      = base64.RawStdEncoding
)

// String is the user as a line of a users file: NAME:ROLE:HASH.
func (u User) String() string { return u.Name + ":" + u.Role.String() + ":" + u.hash }

// ParseUser reads a line of String's. Its errors do not repeat the hash.
func ParseUser(line string) (User, error) {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
	role, hash, _ := strings.Cut(rest, ":")
	u := User{Name: name, hash: hash}
	switch role {
	case "view":
		u.Role = View
	case "act":
		u.Role = Act
	default:
		return u, errors.New("a user is NAME:ROLE:HASH, with the role view or act, as `aweigh user NAME` prints it")
	}
	if _, _, _, err := u.params(); err != nil {
		return u, err
	}
	if !userName.MatchString(name) {
		return u, errors.New("a user's name has letters, digits, '.', '_', '@' and '-', at most 64")
	}
	return u, nil
}

type cost struct {
	memory uint32
	passes uint32
	lanes  uint8
}

// params reads the hash. Its costs are bounded: they come from a file, and a
// watcher must not be made to take a gigabyte.
func (u User) params() (c cost, salt, key []byte, err error) {
	bad := errors.New("the hash is not one of argon2id: make it with `aweigh user NAME`")
	parts := strings.Split(u.hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, bad
	}
	if c.memory < 8 || c.memory > 128<<10 || c.passes < 1 || c.passes > 10 || c.lanes < 1 || c.lanes > 4 {
		return c, nil, nil, errors.New("the hash asks for more than 128 MiB, 10 passes or 4 lanes: make it with `aweigh user NAME`")
	}
	salt, err1 := b64.DecodeString(parts[4])
	key, err2 := b64.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(key) < 16 {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}

// knows reports whether the password is the user's.
func (u User) knows(password string) bool {
	c, salt, key, err := u.params()
	if err != nil || len(password) > maxPassword {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1
}
