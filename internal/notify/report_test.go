package notify

import (
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

func aReport() *aweigh.Notification {
	return &aweigh.Notification{ID: "R", Occasion: aweigh.OnReport, At: time.Now(), Host: "aws-1", Title: "aws-1: daily report: nothing needs you",
		Page: &aweigh.Page{Text: "the text", HTML: "<p>the page</p>", Pictures: []aweigh.Picture{{ID: "a", PNG: []byte("png")}}}}
}

func TestAReportIsForTheRoutesThatAskForIt(t *testing.T) {
	for _, c := range []struct {
		route Route
		want  bool
	}{
		{Route{}, false},
		{Route{Report: "daily"}, true},
		{Route{Report: "daily", Severities: []aweigh.Severity{aweigh.Critical}, Services: []string{"web"}, Kinds: []string{"crash-loop"}}, true},
		{Route{Drills: true}, false},
	} {
		if got := Matches(c.route, aReport()); got != c.want {
			t.Errorf("%+v: %v", c.route, got)
		}
	}
}

func TestAReportIsNeverPartOfADigest(t *testing.T) {
	crash := crashLoop(aweigh.OnOpened)
	night, now, reports := apart(due{night: []Letter{{ID: 1, Notification: crash}, {ID: 2, Notification: aReport()}}, now: []Letter{{ID: 3, Notification: aReport()}, {ID: 4, Notification: crash}}})
	if len(night) != 1 || night[0].ID != 1 || len(now) != 1 || now[0].ID != 4 || len(reports) != 2 {
		t.Errorf("night %v, now %v, reports %v", night, now, reports)
	}
}

func TestAProgramIsSentNoPage(t *testing.T) {
	n := aReport()
	m := Compose(n)
	if m.HTML != n.Page.HTML || m.Text != n.Page.Text || len(m.Pictures) != 1 {
		t.Errorf("%+v", m)
	}
	if m.Notifications[0].Page != nil || n.Page == nil {
		t.Error("the page is for people, and stays in the outbox")
	}
}
