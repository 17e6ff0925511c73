package browsing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aweigh/aweigh"
)

// everything are the pages of the site by a name for their picture.
func everything(s *scene) map[string]string {
	var page struct{ Incidents []aweigh.Incident }
	s.ask("/api/v1/incidents?service=checkout", &page)
	return map[string]string{
		"overview": "/", "service": "/services/checkout?project=shop", "start": "/starts/" + s.newest("checkout").ID, "start-good": "/starts/" + s.newest("orders").ID,
		"start-hung": "/starts/" + s.newest("invoices").ID, "deployed": "/services/basket?project=" + project,
		"ticker": "/starts/" + s.newest("ticker").ID, "incidents": "/incidents", "incident": "/incidents/" + page.Incidents[0].ID,
		"maintenance": "/maintenance", "deployments": "/deployments", "drills": "/drills", "objectives": "/objectives",
		"status": "/status", "find": "/find?q=i", "login": "/login",
	}
}

// Each page, in each way in which people look at it.
func TestEachPageIsSound(t *testing.T) {
	s := stage.on(t)
	pages := everything(s)
	for _, v := range []view{desk, {1280, 900, "dark", false}, {390, 844, "light", false}, phone, {1280, 900, "light", true}, {390, 844, "dark", true}} {
		t.Run(v.String(), func(t *testing.T) {
			b := open(t, v)
			for name, path := range pages {
				b.goTo(s.url + path)
				b.sound(name)
				b.keep(name+"-"+v.String(), true)
			}
			b.quiet()
		})
	}
}

// What a container prints is text, whatever it looks like.
func TestOutputIsTextWhateverItLooksLike(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	b.goTo(s.url + "/starts/" + s.newest("ticker").ID)
	b.says("#lines", "<script>alert(1)</script>")
	b.says("#lines", "<img src=x onerror=alert(2)>")
	b.says("#lines", `red \x1b]0;title\a`)
	if scripts := eval[int](b, "document.querySelectorAll('main script, main img').length"); scripts != 0 {
		t.Errorf("%d elements came from a log", scripts)
	}
	b.quiet()
}

// A start is seen as it comes up, line by line, on a page that nobody reloads.
func TestAStartIsSeenAsItComesUp(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	b.goTo(s.url + "/")
	eval[bool](b, "window.untouched = true")
	b.says("#live", "Live")
	s.run("import", "for i in $(seq 1 1000); do echo step $i; sleep 0.5; test -e /tmp/go && break; done; echo serving; exec httpd -f -p 8080", "--expose", "8080", "--tmpfs", "/tmp")
	b.says("#services", "import")
	b.says("#services", "coming up")

	one := s.newest("import")
	b.goTo(s.url + "/starts/" + one.ID)
	eval[bool](b, "window.untouched = true")
	b.says("#verdict", "coming up")
	b.says("#lines", "step 4")
	b.keep("start-live", true)
	s.docker("exec", prefix+"import", "/bin/sh", "-c", "echo > /tmp/go")
	b.says("#lines", "serving")
	b.says("#verdict", "ready")
	b.sound("a start that came up")
	if !eval[bool](b, "window.untouched === true") {
		t.Error("the page was loaded again")
	}
	if n := eval[int](b, "[...document.querySelectorAll('#lines span')].filter(e => e.textContent === 'step 2').length"); n != 1 {
		t.Errorf("the line step 2 is there %d times", n)
	}
	b.quiet()
}

// An incident is taken on, with and without JavaScript; the words stay.
func TestAnIncidentIsAcknowledged(t *testing.T) {
	s := stage.on(t)
	path := everything(s)["incident"]
	b := open(t, view{1280, 900, "light", true})
	b.goTo(s.url + path)
	b.do(typing("#text", "rolling back <b>now</b>"), click("button[formaction$=acknowledge]"), ready("p.note.ok"))
	b.says("#standing", "acknowledged")
	b.says("#standing", "rolling back <b>now</b>")

	b = open(t, desk)
	b.goTo(s.url + path)
	b.do(typing("#text", "the database is back"), click("form.say button:not([formaction])"), ready("p.note.ok"))
	b.says("#comments", "the database is back")
	b.keep("incident-acknowledged", true)
	b.quiet()
}

// A start with aweigh-init inside has a waterfall: each phase begins where the one
// before has ended, and one that hung is where it hung.
func TestAStartShowsItsPhases(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	type bar struct {
		Name     string
		X, Width int
		Open     bool
	}
	phases := func(service string) []bar {
		b.goTo(s.url + "/starts/" + s.newest(service).ID)
		return eval[[]bar](b, `[...document.querySelectorAll(".phases tbody tr")].map(r => { const box = r.querySelector("rect"); return {Name: r.querySelector("th").textContent, X: +box.getAttribute("x"), Width: +box.getAttribute("width"), Open: box.classList.contains("bad")} })`)
	}
	end := 0
	names := ""
	for _, p := range phases("orders") {
		if p.Open || p.X < end-5 || p.X > end+5 { // a bar of nothing is 4 wide
			t.Errorf("%s is at %d, and the one before ends at %d", p.Name, p.X, end)
		}
		end, names = p.X+p.Width, names+p.Name+" "
	}
	if names != "exec configuration database migrations cache listen verify " || end < 990 {
		t.Errorf("%send at %d of 1000", names, end)
	}
	if proof := b.text("#probe"); !strings.Contains(proof, "http://127.0.0.1:8080/health, asked ") || strings.Contains(proof, "asked 0") {
		t.Errorf("aweigh-init has asked, and the page says %q", proof)
	}
	hung := phases("invoices")
	if last := hung[len(hung)-1]; last.Name != "migrations" || !last.Open || last.Width < 500 {
		t.Errorf("it hangs in %+v", last)
	}
	b.says("#phases", "it was here")
	b.says("#probe", "never asked")
	if differs := eval[[]string](b, `[...document.querySelectorAll(".compare .differs th")].map(e => e.firstChild.textContent)`); len(differs) != 1 || differs[0] != "verdict" {
		t.Errorf("the good one differs in %q", differs)
	}
	b.quiet()
}

// Of a start that failed one sees what differs from the last good one.
func TestAFailedStartIsComparedWithTheLastGoodOne(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	b.goTo(s.url + "/starts/" + failed(s, "checkout").ID)
	b.says("pre.plus", "FATAL: no route to db:5432")
	b.says("pre.minus", "listening on 8080")
	if good := b.text(".compare"); !strings.Contains(good, "ready") || !strings.Contains(good, "crashed") {
		t.Errorf("compared: %s", good)
	}
	b.quiet()
}

func failed(s *scene, service string) aweigh.Start {
	var page struct{ Starts []aweigh.Start }
	s.ask("/api/v1/starts?failed=true&service="+service, &page)
	for _, one := range slices.Backward(page.Starts) { // the oldest: its record is whole
		if one.Verdict == aweigh.Crashed {
			return one
		}
	}
	s.t.Fatalf("no start of %s has crashed", service)
	return aweigh.Start{}
}

// Ctrl-K, a part of a name, Enter.
func TestTheKeyboardFindsAService(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	b.goTo(s.url + "/")
	b.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.WaitVisible(chromedp.CSS("dialog input")), typing("dialog input", "ricin"))
	b.says("#found", "pricing")
	eventually(t, "one is found", func() bool {
		return eval[int](b, "document.querySelectorAll('#found li').length") == 1
	})
	b.sound("the finder")
	b.keep("finder", false)
	b.do(typing("dialog input", "\r"), ready("#bars"))
	if at := b.text("h1"); !strings.Contains(at, "pricing") {
		t.Errorf("at %q", at)
	}
	b.quiet()
}

// Times are the viewer's own, UTC on hover; without JavaScript they are UTC.
func TestTimesAreTheViewersOwn(t *testing.T) {
	s := stage.on(t)
	for _, v := range []view{desk, {1280, 900, "light", true}} {
		b := open(t, v)
		b.goTo(s.url + "/")
		at := eval[struct{ Text, Title, Moment string }](b, `(() => { const t = document.querySelector("#services time"); return {Text: t.textContent, Title: t.title, Moment: t.dateTime} })()`)
		hour := strings.Split(at.Moment, "T")[1][:2]
		if v.noScript != strings.Contains(at.Text, "UTC") || v.noScript != strings.Contains(at.Text, " "+hour+":") {
			t.Errorf("%s: %+v", v, at)
		}
		if !v.noScript && !strings.HasSuffix(at.Title, " UTC") {
			t.Errorf("on hover: %+v", at)
		}
	}
}

// The switch changes the colours at once, and is remembered.
func TestColoursAreChosenAndRemembered(t *testing.T) {
	s := stage.on(t)
	for _, v := range []view{desk, {1280, 900, "light", true}} {
		b := open(t, v)
		ground := func() string {
			return eval[string](b, "document.body ? getComputedStyle(document.body).backgroundColor : ''")
		}
		b.goTo(s.url + "/incidents")
		before := ground()
		b.do(click("#theme button"))
		eventually(t, "it is dark", func() bool { now := ground(); return now != "" && now != before })
		eventually(t, "it is remembered", func() bool {
			b.goTo(s.url + "/incidents")
			return ground() != before
		})
		if !strings.Contains(b.text("#theme button"), "Dark") {
			t.Errorf("%s: the switch says %q", v, b.text("#theme button"))
		}
		b.quiet()
	}
}

// A maintenance window is begun and ended by hand.
func TestAMaintenanceIsBegunAndEnded(t *testing.T) {
	s := stage.on(t)
	b := open(t, desk)
	b.goTo(s.url + "/services/mailer?project=shop")
	b.do(click("main .acts a"), ready("#services"), chromedp.SetValue(chromedp.CSS("#for"), "30m"), typing("#why", "new disk"), click("button.main"))
	b.says("#windows", "mailer")
	b.says("#windows", "new disk")
	b.goTo(s.url + "/")
	b.says("#top", "In maintenance: mailer")
	b.goTo(s.url + "/maintenance")
	b.do(click("#windows button"))
	b.says("#windows", "There is none.")
	b.quiet()
}
