package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aweigh/aweigh"
)

// Message is one or several notifications in words.
type Message struct {
	// Notifications are what it is about, for receivers that are programs.
	Notifications []*aweigh.Notification
	// ID is the same whenever the same is sent again; Root is the ID of the
	// first message of its thread, "" when it is in none.
	ID, Root string
	// State is one word: critical, warning, info, resolved, ready, test.
	State string
	// Subject stays the same through the life of an incident but for "Re: ":
	// some mail programs take another subject for another thread.
	Subject string
	Title   string // the first line: what is broken, since when, the likely cause
	Text    string
	HTML    string
	// Pictures are those that HTML shows by their ids.
	Pictures []aweigh.Picture
	Short    string // for chat: a few lines of plain text
}

// Compose puts one notification into words.
func Compose(n *aweigh.Notification) *Message {
	v := look(n)
	m := &Message{
		Notifications: []*aweigh.Notification{n},
		ID:            oneLine(n.ID),
		State:         v.State,
		Subject:       first(v.Title, 150),
		Title:         v.Title,
		Text:          v.text(),
		Short:         v.short(),
	}
	if i := n.Incident; i != nil {
		m.Root = oneLine(i.ID)
		m.Subject = fmt.Sprintf("[aweigh] %s needs attention, since %s", v.Where, i.Opened.UTC().Format("2 Jan 15:04 UTC"))
		if i.Headline != "" {
			m.Subject = first(oneLine("["+i.Host+"] "+i.Headline), 110)
		}
		if n.Occasion == aweigh.OnOpened {
			m.ID = m.Root
		} else {
			m.Subject = "Re: " + m.Subject
		}
	}
	m.HTML = page(m.Title, []view{v})
	if p := n.Page; p != nil {
		brief := *n
		brief.Page = nil // programs have no use for pictures
		m.Notifications[0] = &brief
		m.Text, m.HTML, m.Pictures = p.Text, p.HTML, p.Pictures
	}
	return m
}

// Digest puts several notifications into one message, each incident once, as
// it was last. One alone is as Compose has it.
func Digest(all []*aweigh.Notification) *Message {
	if len(all) == 1 {
		return Compose(all[0])
	}
	var views []view
	at := map[string]int{}
	sum := sha256.New()
	for _, n := range all {
		sum.Write([]byte(n.ID + "\n"))
		v := look(n)
		if i, again := at[v.thread]; again {
			v.Count += views[i].Count
			views[i] = v
			continue
		}
		at[v.thread] = len(views)
		views = append(views, v)
	}
	if len(views) == 1 { // the story of one incident: its last word, in its thread
		m := Compose(all[len(all)-1])
		m.Notifications = all
		return m
	}
	m := &Message{
		Notifications: all,
		ID:            "digest." + hex.EncodeToString(sum.Sum(nil)[:12]),
		State:         worst(views),
	}
	m.Title = counted(views)
	m.Subject = first("[aweigh] "+m.Title, 150)
	var text, short strings.Builder
	text.WriteString(m.Title + "\n")
	short.WriteString(m.Title)
	for i, v := range views {
		text.WriteString("\n" + strings.Repeat("-", 60) + "\n" + v.Badge + "  " + v.text())
		if i < 10 {
			short.WriteString("\n• " + v.Badge + ": " + calm.Replace(first(v.Title, 160)))
		}
	}
	if more := len(views) - 10; more > 0 {
		fmt.Fprintf(&short, "\n… and %d more", more)
	}
	m.Text, m.Short, m.HTML = text.String(), short.String(), page(m.Title, views)
	return m
}

// ranks are the states, worst first.
var ranks = []string{"critical", "warning", "info", "resolved", "ready", "report", "test"}

func worst(views []view) string {
	for _, r := range ranks {
		for _, v := range views {
			if v.State == r {
				return r
			}
		}
	}
	return "info"
}

// counted is a digest's first line: "2 critical, 1 resolved: webhook on aws-1, …".
func counted(views []view) string {
	var counts, places []string
	seen := map[string]bool{}
	for _, r := range ranks {
		n := 0
		for _, v := range views {
			if v.State != r {
				continue
			}
			n++
			if !seen[v.Where] {
				seen[v.Where] = true
				places = append(places, v.Where)
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, r))
		}
	}
	if len(places) > 5 {
		places = append(places[:5:5], fmt.Sprintf("%d more", len(places)-5))
	}
	return first(strings.Join(counts, ", ")+": "+strings.Join(places, ", "), longestLine)
}

// text is the plain part: what is broken first, then the evidence, then what
// to do and how to look further.
func (v view) text() string {
	var b strings.Builder
	b.WriteString(v.Title + "\n")
	if v.Cause != "" {
		b.WriteString("\nLikely cause: " + v.Cause + "\n")
	}
	if len(v.Facts) > 0 {
		b.WriteString("\n")
		for _, f := range v.Facts {
			b.WriteString("- " + f + "\n")
		}
	}
	if len(v.Evidence) > 0 {
		b.WriteString("\nLast lines of " + v.From + ":\n")
		for _, line := range v.Evidence {
			b.WriteString("  | " + line + "\n")
		}
	}
	if v.Advice != "" {
		b.WriteString("\nWhat to do: " + v.Advice + "\n")
	}
	if v.Command != "" {
		b.WriteString("\nLook further: " + v.Command + "\n")
	}
	b.WriteString("\n" + v.footer() + "\n")
	return b.String()
}

// footer is who, what, since when, in one line.
func (v view) footer() string {
	parts := append([]string{v.Where, strings.ToLower(v.Badge)}, v.About...)
	if v.Count > 1 {
		parts = append(parts, fmt.Sprintf("the last of %d messages", v.Count))
	}
	return strings.Join(parts, " · ")
}

// short is for chat, where three lines are read and thirty are not.
func (v view) short() string {
	lines := []string{v.Badge + ": " + v.Title}
	if v.Cause != "" && !strings.Contains(v.Title, v.Cause) {
		lines = append(lines, "Likely cause: "+first(v.Cause, 200))
	}
	if len(v.Facts) > 0 {
		lines = append(lines, first(strings.Join(v.Facts, "; "), 300))
	}
	for _, line := range v.Evidence[max(0, len(v.Evidence)-3):] {
		lines = append(lines, "| "+first(line, 160))
	}
	if v.Advice != "" {
		lines = append(lines, "What to do: "+first(v.Advice, 300))
	}
	if v.Command != "" {
		lines = append(lines, "Look further: "+v.Command)
	}
	return calm.Replace(strings.Join(lines, "\n"))
}
