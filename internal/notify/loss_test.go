package notify

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aweigh/aweigh"
)

// A filter on the mail server did not like one line of one service's log: the
// whole digest was refused three times, and everything in it given up.
func TestADigestThatIsRefusedLosesOnlyTheLetterAtFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := newBox(), &server{fails: func(m *Message) error {
			if slices.ContainsFunc(m.Notifications, func(n *aweigh.Notification) bool { return n.ID == "8" }) {
				return permanent("554 5.7.1 the content was rejected")
			}
			return nil
		}}
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		for i := range 12 {
			b.add("r", fmt.Sprint("thread", i), aweigh.Warning)
		}
		wake()
		time.Sleep(time.Hour)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.sent) != 11 || len(b.dead) != 1 || b.dead[8] == "" {
			t.Errorf("%d sent, dead %v", len(b.sent), b.dead)
		}
	})
}

// A route that takes nothing must not be asked a hundred times for each digest: it
// may lock the account out whose password is wrong.
func TestADigestThatIsRefusedForTheRoutesSakeIsNotTriedLetterByLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, refuses := 0, false
		b, s := newBox(), &server{fails: func(*Message) error {
			if refuses {
				tries++
				return permanent("535 5.7.8 the password is wrong")
			}
			return nil
		}}
		wake, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		for i := range 80 {
			b.add("r", fmt.Sprint("thread", i), aweigh.Warning)
		}
		wake()
		time.Sleep(10 * time.Second) // the burst is used up, the rest waits for the digest
		s.mu.Lock()
		refuses = true
		s.mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.sent) != Burst || len(b.dead) != 80-Burst || tries > PermanentTries*(aloneRefused+1) {
			t.Errorf("%d sent, %d dead, %d tries", len(b.sent), len(b.dead), tries)
		}
	})
}

// The proxy in front of a chat server answers 404 while that is restarted; three
// tries within four seconds were the end of a letter.
func TestALetterOutlastsAServerThatRefusesForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b, s := newBox(), &server{fails: func(*Message) error {
			if time.Since(start) < time.Minute {
				return permanent("answered 404 Not Found")
			}
			return nil
		}}
		b.add("r", "A", aweigh.Critical)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := s.story(start); !strings.HasPrefix(got, "1@") {
			t.Errorf("got %q, dead %v", got, b.dead)
		}
	})
}

// A chat server was down for ten minutes, and the proxy in front of it answered 404
// when that was up again: the first 404 was the end of all letters that had waited.
func TestALetterThatMetNobodyIsNotRefusedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		b, s := newBox(), &server{fails: func(*Message) error {
			switch {
			case time.Since(start) < 10*time.Minute:
				return temporary("connection refused")
			case time.Since(start) < 15*time.Minute+30*time.Second: // the next try is within 5 min
				return permanent("answered 404 Not Found")
			}
			return nil
		}}
		b.add("r", "A", aweigh.Critical)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := s.story(start); !strings.HasPrefix(got, "1@") {
			t.Errorf("got %q, dead %v", got, b.dead)
		}
	})
}

// The host was off for the weekend after the first failure, and its network came up
// after the watcher: the second try was the last one.
func TestALetterIsNotGivenUpForTheTimeInWhichNobodyTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, began := newBox(), time.Now()
		s := &server{fails: func(*Message) error {
			if time.Since(began) < 48*time.Hour+10*time.Second {
				return temporary("no route to host")
			}
			return nil
		}}
		b.add("r", "A", aweigh.Critical)
		_, stop := run(b, s, true, Route{Name: "r"})
		synctest.Wait()
		stop()
		time.Sleep(48 * time.Hour)
		_, stop = run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := s.story(began); !strings.HasPrefix(got, "1@") {
			t.Errorf("got %q, dead %v", got, b.dead)
		}
	})
}

// A host whose clock ran ahead by years until it was set: what had failed by then
// was to be tried again in years.
func TestALetterDoesNotWaitForAClockThatWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s, start := newBox(), &server{}, time.Now()
		id := b.add("r", "A", aweigh.Critical)
		b.letters[id-1].Tries, b.letters[id-1].Next = 1, start.AddDate(10, 0, 0)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.story(start); got != "1@0" {
			t.Errorf("got %q", got)
		}
	})
}

// An incident of PagerDuty's is known by its key, which a message has one of: a
// digest ended the last incident in it, and left the others open for ever.
func TestPagersGetEachIncidentByItself(t *testing.T) {
	for _, to := range []string{"pagerduty://events.pagerduty.com/0123456789abcdef0123456789abcdef", "opsgenie://api.opsgenie.com/0123456789abcdef"} {
		if sender(t, to).Digests {
			t.Errorf("%s: gets digests", to[:10])
		}
	}
	if !sender(t, "ntfy://ntfy.example.com/topic").Digests {
		t.Error("what people read gets none")
	}
}

// What is longer than a service takes was refused at each try, and given up: the long
// lines of a log, or a language whose letters are three bytes.
func TestAServiceGetsNoMoreThanItTakes(t *testing.T) {
	var all []*aweigh.Notification
	for i := range 10 {
		n := crashLoop(aweigh.OnOpened)
		n.Title, n.Incident.ID = strings.Repeat("起動に失敗", 300), fmt.Sprint("incident", i)
		all = append(all, n)
	}
	address, calls := receiver(t, 200)
	if err := send(t, sender(t, "ntfy://"+address+"/topic?scheme=http"), Digest(all)); err != nil {
		t.Fatal(err)
	}
	if got := (<-calls).body; len(got) > 4096 || len(got) < 4000 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes, ends with %q", len(got), got[max(0, len(got)-10):])
	}
}

// clumsy is a mail server that repeats what it does not understand.
func clumsy(t *testing.T, mechanism string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "220 clumsy\r\n")
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "EHLO") {
					fmt.Fprintf(conn, "250-clumsy\r\n250 AUTH %s\r\n", mechanism)
				} else {
					fmt.Fprintf(conn, "501 5.5.4 what is %s?\r\n", lines.Text())
				}
			}
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// AUTH PLAIN sends user and password as one text, in base64: it stood in the error,
// in the log and with the letter.
func TestAServerThatRepeatsWhatItIsToldDoesNotShowThePassword(t *testing.T) {
	address := clumsy(t, "PLAIN")
	err := send(t, sender(t, "smtp://"+url.UserPassword(mailUser, mailPassword).String()+"@"+address+"/?to=a@example.com"), Compose(crashLoop(aweigh.OnOpened)))
	if err == nil || !strings.Contains(err.Why, "5.5.4") {
		t.Fatalf("error %v, want the server's", err)
	}
	if strings.Contains(err.Why, "AGJvYkBleGFtcGxlLmNvbQBwQHNzL3c6cmQ=") {
		t.Errorf("the error has the password: %s", err.Why)
	}
}

// One full mailbox of two kept everything else that was said of the incident, its
// end above all, from the other for 24 hours.
func TestARecipientWhoIsPutOffDoesNotHoldUpTheOthersForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, start := newBox(), time.Now()
		var mu sync.Mutex
		told := map[string]time.Duration{}
		s := &server{fails: func(m *Message) error {
			mu.Lock()
			defer mu.Unlock()
			if _, known := told[m.Notifications[0].ID]; !known {
				told[m.Notifications[0].ID] = time.Since(start)
			}
			return &Error{Why: "452 4.2.2 mailbox full", Some: true}
		}}
		b.add("r", "A", aweigh.Critical)
		b.add("r", "A", aweigh.Critical)
		_, stop := run(b, s, true, Route{Name: "r"})
		defer stop()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if at, ok := told["2"]; !ok || at > 70*time.Minute {
			t.Errorf("the second was told after %v (%v)", at, ok)
		}
	})
}
