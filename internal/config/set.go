package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/quantity"
)

// This file has the makers of a field's set, one for each kind of value.

// shortest is the least that a duration may be, as for the flags of run: below
// it, probing would be an attack.
const shortest = 10 * time.Millisecond

// never are the words for 0 where 0 means "do not".
var never = []string{"off", "never", "0"}

func text[T any](at func(*T) *string) func(*T, string) error {
	return func(into *T, s string) error {
		if strings.TrimSpace(s) == "" {
			return errors.New("it is empty: write a value, or remove the key")
		}
		*at(into) = s
		return nil
	}
}

func checked[T any](at func(*T) *string, check func(string) error) func(*T, string) error {
	return func(into *T, s string) error {
		if err := check(s); err != nil {
			return err
		}
		*at(into) = s
		return nil
	}
}

func secret[T any](at func(*T) *Secret, check func(string) error) func(*T, string) error {
	return func(into *T, s string) error {
		if err := check(s); err != nil {
			return err
		}
		*at(into) = NewSecret(s)
		return nil
	}
}

func boolean[T any](at func(*T) *bool) func(*T, string) error {
	return func(into *T, s string) (err error) {
		*at(into), err = parseBool(s)
		return err
	}
}

func duration[T any](at func(*T) *time.Duration) func(*T, string) error {
	return func(into *T, s string) error {
		d, err := quantity.Duration(s)
		if err == nil && d < shortest {
			err = fmt.Errorf("too short: at least %s", shortest)
		}
		if err != nil {
			return err
		}
		*at(into) = d
		return nil
	}
}

// durationOr0 also takes the words of never.
func durationOr0[T any](at func(*T) *time.Duration) func(*T, string) error {
	some := duration(at)
	return func(into *T, s string) error {
		if slices.Contains(never, strings.ToLower(s)) || s == "0s" {
			*at(into) = 0
			return nil
		}
		if err := some(into, s); err != nil {
			return fmt.Errorf("%w, or off", err)
		}
		return nil
	}
}

func integer[T any](at func(*T) *int, least, most int) func(*T, string) error {
	return func(into *T, s string) error {
		n, err := parseInt(s, least, most)
		if err != nil {
			return err
		}
		*at(into) = n
		return nil
	}
}

// integerOr0 also takes the words of never.
func integerOr0[T any](at func(*T) *int, least, most int) func(*T, string) error {
	some := integer(at, least, most)
	return func(into *T, s string) error {
		if slices.Contains(never, strings.ToLower(s)) {
			*at(into) = 0
			return nil
		}
		if err := some(into, s); err != nil {
			return fmt.Errorf("%w, or off", err)
		}
		return nil
	}
}

// list appends one value of a list.
func list[T any, S ~string](at func(*T) *[]S, check func(string) error) func(*T, string) error {
	return func(into *T, s string) error {
		if err := check(s); err != nil {
			return err
		}
		*at(into) = append(*at(into), S(s))
		return nil
	}
}

func oneOf(words ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(words, s) {
			return nil
		}
		return fmt.Errorf("%swrite one of %s", didYouMean(s, words), strings.Join(words, ", "))
	}
}
