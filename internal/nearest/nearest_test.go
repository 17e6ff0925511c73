package nearest

import "testing"

func TestSlipOfThePenIsUnderstood(t *testing.T) {
	known := []string{"startup_timeout", "retries", "interval", "ok", "probe"}
	for wrong, want := range map[string]string{
		"startup-timout": "startup_timeout", "retry": "retries", "intreval": "interval", "PROBE": "probe", "oko": "ok",
		"prob": "probe", "": "", "volume": "", "x": "", "a very long word that nobody can have meant, for it is none of ours": "",
	} {
		if got := Word(wrong, known); got != want {
			t.Errorf("%q: got %q, want %q", wrong, got, want)
		}
	}
}
