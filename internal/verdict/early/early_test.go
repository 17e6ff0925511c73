package early

import (
	"encoding/json"
	"strings"
	"testing"
	"unsafe"
)

// cString is a string as the kernel puts it on the stack.
func cString(s string) (p uintptr, keep []byte) {
	keep = append([]byte(s), 0)
	return uintptr(unsafe.Pointer(&keep[0])), keep
}

func saysOf(answer, service, record string) bool {
	n := copy(reply[:], answer)
	var s, r uintptr
	if service != "" {
		var keep []byte
		s, keep = cString(service)
		defer func() { _ = keep[0] }()
	}
	if record != "" {
		var keep []byte
		r, keep = cString(record)
		defer func() { _ = keep[0] }()
	}
	return says(uintptr(n), s, r)
}

func TestOnlyTheAnswerThatIsMeantCounts(t *testing.T) {
	const healthy = `{"ok":true,"service":"web","record":"/var/lib/aweigh","target":"tcp://127.0.0.1:80","healthy":true}`
	for _, test := range []struct {
		answer, service, record string
		want                    bool
	}{
		{healthy, "", "", true},
		{healthy, "web", "", true},
		{healthy, "", "/var/lib/aweigh", true},
		{healthy, "web", "/var/lib/aweigh", true},
		{healthy, "we", "", false},
		{healthy, "website", "", false},
		{healthy, "web\",", "", false},
		{healthy, "web", "/var/lib", false},
		{healthy, "web", "/var/lib/aweigh/x", false},
		{strings.Replace(healthy, "true", "false", 1), "", "", false},
		{`{"ok":true,"service":"web","record":"","healthy":true}`, "web", "", true},
		{`{"ok":true,"service":"web","record":"","healthy":true}`, "web", "/x", false},
		{`{"ok":true,"service":"w\"eb","record":"/x"}`, "", "", false}, // the runtime's business
		{`{"service":"web","record":"/x","ok":true}`, "", "", false},
	} {
		if got := saysOf(test.answer, test.service, test.record); got != test.want {
			t.Errorf("%s for service %q, record %q: %v", test.answer, test.service, test.record, got)
		}
	}
	for n := range len(healthy) { // a torn answer is none
		if saysOf(healthy[:n], "web", "/var/lib/aweigh") && !strings.HasPrefix(healthy[:n], `{"ok":true,"service":"web","record":"/var/lib/aweigh"`) {
			t.Errorf("%s counts", healthy[:n])
		}
	}
}

func FuzzSaysNoMoreThanTheAnswer(f *testing.F) {
	f.Add(`{"ok":true,"service":"web","record":"/r"}`, "web", "/r")
	f.Add(`{"ok":true,"service":"\u0077eb","record":"/r"}`, "web", "")
	f.Add(`{"ok":true,"service":"a","service":"web"}`, "web", "")
	f.Fuzz(func(t *testing.T, answer, service, record string) {
		if strings.ContainsRune(service+record, 0) || len(answer) > len(reply) || !saysOf(answer, service, record) {
			return
		}
		var v struct {
			OK              bool
			Service, Record string
		}
		decoder := json.NewDecoder(strings.NewReader(answer)) // it does not read to the end either
		if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
			t.Fatalf("%q counts", answer)
		}
		for range 3 {
			name, _ := decoder.Token()
			switch name {
			case "ok":
				decoder.Decode(&v.OK)
			case "service":
				decoder.Decode(&v.Service)
			case "record":
				decoder.Decode(&v.Record)
			}
		}
		if !v.OK || service != "" && v.Service != service || record != "" && v.Record != record {
			t.Fatalf("%q counts for service %q, record %q", answer, service, record)
		}
	})
}

// It is a stack that the kernel laid out, and all that answer reads.
func TestOtherCommandLinesAreNotAnswered(t *testing.T) {
	health, keep1 := cString("health")
	other, keep2 := cString("healthy")
	short, keep3 := cString("heal")
	for _, words := range [][]uintptr{
		{1, health, 0, 0},
		{2, health, other, 0, 0},
		{2, health, short, 0, 0},
		{3, health, health, health, 0, 0},
	} {
		name[0] = 0
		answer(&words[0])
		if name[0] != 0 {
			t.Errorf("%d words: the supervisor was looked for", words[0])
		}
	}
	_, _, _ = keep1[0], keep2[0], keep3[0]
}
