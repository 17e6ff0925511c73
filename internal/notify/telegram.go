package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// bot speaks to Telegram's Bot API. The library, which reads its URL, takes each
// failure for a success but those that Telegram explains in JSON: a network that is
// down, a proxy's 502, a login page.
type bot struct {
	config telegram.Config
	client *http.Client
	// took are the chats that have the message, which others have to wait for.
	message string
	took    map[string]bool
}

// telegramLimit is how long a message may be, in UTF-16 code units.
const telegramLimit = 4096

// say sends a text to each chat. One that refuses it for good keeps it from none, and
// one that has to wait has nobody else told again at the next try. One call at a time.
func (b *bot) say(ctx context.Context, text string, params *types.Params) error {
	title := b.config.Title
	if t := (*params)["title"]; t != "" {
		title = t
	}
	if message := title + "\n" + text; message != b.message {
		b.message, b.took = message, map[string]bool{}
	}
	var never error
	for _, chat := range b.config.Chats {
		if b.took[chat] {
			continue
		}
		err := b.tell(ctx, chat, title, text)
		var known *Error
		switch {
		case err == nil:
			b.took[chat] = true
		case errors.As(err, &known) && known.Permanent:
			never = err
		default:
			return err
		}
	}
	told := len(b.took)
	b.message = "" // the next one may be of the same words
	if never != nil && told > 0 {
		return &Error{Why: never.Error() + "; other chats have got it", Partly: true}
	}
	return never
}

// tell is a call of sendMessage. The text is escaped whatever the URL says of its
// form: it is no markup, and Telegram refuses what is not closed.
func (b *bot) tell(ctx context.Context, chat, title, text string) error {
	id, thread, _ := strings.Cut(chat, ":")
	head, room := "", telegramLimit
	if title != "" {
		head, room = "<b>"+html.EscapeString(title)+"</b>\n", telegramLimit-units(title)-1
	}
	call := map[string]any{"chat_id": id, "parse_mode": "HTML", "text": head + html.EscapeString(cut(text, room)),
		"disable_web_page_preview": !b.config.Preview, "disable_notification": !b.config.Notification}
	if n, err := strconv.Atoi(thread); err == nil {
		call["message_thread_id"] = n
	}
	body, err := json.Marshal(call)
	if err != nil {
		return permanent("telegram: %s", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.telegram.org/bot"+b.config.Token+"/sendMessage", bytes.NewReader(body))
	if err != nil {
		return permanent("telegram: the token is none that can be called with")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := b.client.Do(req)
	if err != nil {
		return temporary("telegram: %s", reason(err))
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var result struct {
		OK          bool   `json:"ok"`
		Description string `json:"description"`
	}
	readable := json.Unmarshal(said, &result)
	if err := judge("telegram", answer.StatusCode); err != nil {
		if result.Description != "" {
			err = addHint(err, ": "+redact(first(oneLine(result.Description), 200), b.config.Token))
		}
		return err
	}
	if readable != nil || !result.OK {
		return temporary("telegram: the answer is not Telegram's")
	}
	return nil
}

// units is how long a text is to Telegram.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// cut makes a text no longer than most units.
func cut(s string, most int) string {
	if units(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n >= most {
			return s[:i] + "…"
		}
	}
	return s
}
