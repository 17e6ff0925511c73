package report

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/notify"
	"github.com/aweigh/aweigh/internal/objective"
	"github.com/aweigh/aweigh/internal/record"
)

//go:embed page.html
var pageSource string

// pageTemplate is for mail programs: tables, inline styles, nothing fetched.
var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"clean": record.Printable, "share": Share, "shareOf": shareOf, "optional": optional, "dash": dash,
	"moment": moment, "short": func(s string) string { return shorten(s, 120) },
	"image": func(i imageOf) string { return imageName(i.Image) },
	"ready": func(v Service) int { return v.Verdicts[aweigh.Ready] }, "failed": Service.failed,
	"phases": func(v Service) string { return v.Ready.phases() }, "against": func(i imageOf) string { return i.against() },
	"by": breakOf.by, "line": Item.line, "colour": func(word any) string { return colours[fmt.Sprint(word)] },
}).Parse(notify.Head + pageSource))

// colours are dark enough for white letters on them.
var colours = map[string]string{
	string(aweigh.Critical): "#c22727", string(aweigh.Warning): "#a85b00", string(aweigh.Info): "#2d5fa8",
	string(objective.Kept): "#1c7a43", string(objective.Broken): "#c22727", string(objective.Unknown): "#5d6672",
}

// sheet is what the template is given.
type sheet struct {
	*Report
	Title    string
	Line     string
	Promises []promised
	Timings  []timed
	Days     template.URL // the picture of restarts
	DaysSay  string
	ImageSet []imageOf
	Broken   []breakOf
	Hint     string
}

type promised struct {
	objective.Result
	Strip template.URL
	Says  string // what the picture shows
}

type timed struct {
	Service
	Bars template.URL
	Says string
}

// Page is the report as a mail.
func (r *Report) Page() *aweigh.Page {
	p := &aweigh.Page{}
	p.HTML = r.render(func(name string, png []byte) template.URL {
		p.Pictures = append(p.Pictures, aweigh.Picture{ID: name + "@aweigh.invalid", PNG: png})
		return template.URL("cid:" + name + "@aweigh.invalid") // a name of ours
	})
	var text strings.Builder
	r.Text(&text) // a Builder takes all
	p.Text = text.String()
	return p
}

// HTML writes the report as one file that fetches nothing.
func (r *Report) HTML(out io.Writer) error {
	_, err := io.WriteString(out, r.render(func(_ string, png []byte) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
	}))
	return err
}

// mostPictured is how many services have a picture of their starts.
const mostPictured = 30

// render makes the page. show takes a picture in and returns where it is.
func (r *Report) render(show func(name string, png []byte) template.URL) string {
	s := sheet{Report: r, Title: r.title(), Line: r.Headline(), ImageSet: r.images(), Broken: r.broken(), Hint: r.unseen()}
	for n, o := range r.Objectives {
		s.Promises = append(s.Promises, promised{o, show(fmt.Sprintf("promise-%d", n), strip(o.Parts)), inWords(o.Parts)})
	}
	of := map[name][]aweigh.Start{}
	for _, start := range r.starts {
		of[nameOf(start)] = append(of[nameOf(start)], start)
	}
	for n, v := range r.Services {
		t := timed{Service: v}
		if starts := of[name{v.Project, v.Service}]; len(starts) > 0 && n < mostPictured {
			t.Bars = show(fmt.Sprintf("starts-%d", n), readyBars(starts))
			t.Says = fmt.Sprintf("%s, %d ready, %d failed; median %s", count(len(starts), "start"), v.Verdicts[aweigh.Ready], v.failed(), optional(v.Ready.MedianMS))
		}
		s.Timings = append(s.Timings, t)
	}
	if counts, most := r.restartsByPart(); most > 0 {
		s.Days = show("restarts", countBars(counts))
		s.DaysSay = fmt.Sprintf("unexpected restarts in each thirtieth of the time (%s), the most %d", human(r.To.Sub(r.From)/pictured), most)
	}
	var b strings.Builder
	if err := pageTemplate.Execute(&b, s); err != nil {
		panic(err) // the template is ours, and so are the types
	}
	return b.String()
}

// pictured is into how many parts the time is cut in a picture.
const pictured = 30

func (r *Report) restartsByPart() (counts []int, most int) {
	counts = make([]int, pictured)
	length := max(r.To.Sub(r.From)/pictured, time.Nanosecond)
	for _, at := range r.restarts {
		n := min(int(at.Sub(r.From)/length), pictured-1)
		counts[n]++
		most = max(most, counts[n])
	}
	return counts, most
}

func inWords(parts []string) string {
	n := map[string]int{}
	for _, p := range parts {
		n[p]++
	}
	return fmt.Sprintf("of 30 parts of the window %d were good, %d bad, %d unknown", n["good"], n["bad"], n["unknown"])
}
