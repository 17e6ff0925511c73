package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// answers is a Telegram that answers so, and keeps what it was told.
type answers struct {
	status int
	body   string
	err    error
	told   []map[string]any
	busy   string // a chat that must wait
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	var call map[string]any
	json.NewDecoder(r.Body).Decode(&call)
	a.told = append(a.told, call)
	if a.err != nil {
		return nil, a.err
	}
	status := a.status
	if call["chat_id"] == "@gone" {
		status, a.body = 400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`
	}
	if a.busy != "" && call["chat_id"] == a.busy {
		return &http.Response{StatusCode: 429, Body: io.NopCloser(strings.NewReader(`{"ok":false}`)), Header: http.Header{}, Request: r}, nil
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(a.body)), Header: http.Header{}, Request: r}, nil
}

const botToken = "123456:S3CRETVALUE"

func telegramOf(a *answers, chats ...string) *bot {
	return &bot{config: telegram.Config{Token: botToken, Chats: chats, Preview: true, Notification: true}, client: &http.Client{Transport: a}}
}

// shoutrrr said that it was sent where the network was down or a proxy had answered,
// and the letter was marked so: nobody was told, and nothing tried again.
func TestTelegramsFailuresAreNoSuccess(t *testing.T) {
	for name, c := range map[string]struct {
		answers
		fails     string // "" is taken
		permanent bool
	}{
		"taken":           {answers{status: 200, body: `{"ok":true,"result":{"message_id":1}}`}, "", false},
		"no network":      {answers{err: errors.New("network is unreachable")}, "network is unreachable", false},
		"a proxy's error": {answers{status: 502, body: "<html>Bad Gateway</html>"}, "502", false},
		"nothing":         {answers{status: 502}, "502", false},
		"a login page":    {answers{status: 200, body: "<html>Welcome to the hotel</html>"}, "not Telegram's", false},
		"too many":        {answers{status: 429, body: `{"ok":false,"description":"Too Many Requests: retry after 5"}`}, "retry after 5", false},
		"no such token":   {answers{status: 401, body: `{"ok":false,"description":"Unauthorized"}`}, "401", true},
		"no such chat":    {answers{status: 400, body: `{"ok":false,"description":"Bad Request: chat not found"}`}, "chat not found", true},
	} {
		err := telegramOf(&c.answers, "@c").say(t.Context(), "text", &types.Params{})
		var known *Error
		switch {
		case c.fails == "" && err == nil:
		case c.fails == "" || !errors.As(err, &known) || known.Permanent != c.permanent || !strings.Contains(known.Why, c.fails) || strings.Contains(known.Why, "S3CRET"):
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// noNetwork takes the network away from those who use the standard library's client.
func noNetwork(t *testing.T) {
	network := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = network })
	http.DefaultTransport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
}

// All that routes to Telegram goes that way.
func TestATelegramThatCannotBeReachedHasNotTakenIt(t *testing.T) {
	noNetwork(t)
	s := sender(t, "telegram://123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@telegram?chats=@c")
	if err := send(t, s, Compose(crashLoop("opened"))); err == nil || !strings.Contains(err.Why, "no network") || strings.Contains(err.Why, "AAAAA") {
		t.Errorf("error %v", err)
	}
}

func TestTelegramGetsTextAndNoMarkup(t *testing.T) {
	a := &answers{status: 200, body: `{"ok":true}`}
	text := strings.Repeat("<b>*_[日本𝒳", 1000)
	if err := telegramOf(a, "-100:7").say(t.Context(), text, &types.Params{"title": "Critical: a<b"}); err != nil {
		t.Fatal(err)
	}
	got := a.told[0]
	said := got["text"].(string)
	if !strings.HasPrefix(said, "<b>Critical: a&lt;b</b>\n&lt;b&gt;*_[日本𝒳") || got["chat_id"] != "-100" || got["message_thread_id"] != 7.0 || got["parse_mode"] != "HTML" {
		t.Errorf("%.80q, %v %v", said, got["chat_id"], got["message_thread_id"])
	}
	plain := strings.NewReplacer("<b>", "", "</b>", "", "&lt;", "<", "&gt;", ">").Replace(said)
	if n := units(plain); n > telegramLimit || n < telegramLimit-10 {
		t.Errorf("%d units", n)
	}
}

// Telegram limits groups more than persons: at each try for the one the other had it
// again.
func TestAChatThatHasItGetsItOnceThoughAnotherMustWait(t *testing.T) {
	a := &answers{status: 200, body: `{"ok":true}`, busy: "@group"}
	b := telegramOf(a, "@person", "@group")
	for range 3 {
		if err := b.say(t.Context(), "text", &types.Params{}); err == nil {
			t.Fatal("the group has not got it")
		}
	}
	a.busy = ""
	for range 2 { // and the next one, of the same words, goes to both
		if err := b.say(t.Context(), "text", &types.Params{}); err != nil {
			t.Fatal(err)
		}
	}
	var chats []string
	for _, call := range a.told {
		chats = append(chats, call["chat_id"].(string))
	}
	if got, want := strings.Join(chats, " "), "@person @group @group @group @group @person @group"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestAChatThatIsGoneDoesNotKeepItFromTheOthers(t *testing.T) {
	a := &answers{status: 200, body: `{"ok":true}`}
	var known *Error
	if err := telegramOf(a, "@here", "@gone").say(t.Context(), "text", &types.Params{}); !errors.As(err, &known) || !known.Partly {
		t.Errorf("%+v", err)
	}
}

// Zulip's part of the library panics where there is no answer: the watcher ended with
// it, and at each start anew as long as the letter waited.
func TestALibraryThatPanicsDoesNotEndTheWatcher(t *testing.T) {
	noNetwork(t)
	s := sender(t, "zulip://mail%40example.com:S3CRETVALUE@zulip.example.com?stream=foo&topic=bar")
	for range 2 {
		if err := send(t, s, Compose(crashLoop("opened"))); err == nil || err.Permanent || strings.Contains(err.Why, "S3CRET") {
			t.Errorf("error %+v", err)
		}
	}
}
