package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/record"
)

// Markdown writes the report for a wiki or a chat, as GitHub understands it.
func (r *Report) Markdown(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n", safe(r.title()), r.Headline())
	section := func(title string, items []Item) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n", title)
		for _, i := range items {
			fmt.Fprintf(&b, "- %s", safe(i.line()))
			if i.Command != "" {
				fmt.Fprintf(&b, " (`%s`)", strings.ReplaceAll(record.Printable(i.Command), "`", ""))
			}
			b.WriteString("\n")
		}
	}
	section("Needs a person", r.Attention)
	section("Changed", r.Changes)
	table := func(title, heads string, rows [][]string) {
		if len(rows) == 0 {
			return
		}
		heads = strings.ReplaceAll(heads, ",", " | ")
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", title, heads, strings.Repeat("---|", strings.Count(heads, "|")+1))
		for _, row := range rows {
			for n := range row {
				row[n] = safe(row[n])
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	var rows [][]string
	for _, o := range r.Objectives {
		rows = append(rows, []string{o.Promise, string(o.State), shareOf(o.Attainment), shareOf(o.Left), o.Trend, Share(o.Known)})
	}
	table("Objectives", "Promise,State,Attained,Budget left,Trend,Watched", rows)
	rows = nil
	for _, v := range r.Services {
		rows = append(rows, []string{v.Service, dash(v.Project), fmt.Sprint(v.Starts), fmt.Sprint(v.Verdicts[aweigh.Ready]), fmt.Sprint(v.failed()), fmt.Sprint(v.Restarts),
			optional(v.Ready.MedianMS), optional(v.Ready.P99MS), v.Ready.phases()})
	}
	table("Services", "Service,Project,Starts,Ready,Failed,Restarts,Median,P99,Slowest phases", rows)
	rows = nil
	for _, i := range r.images() {
		rows = append(rows, []string{i.Service, imageName(i.Image), moment(i.First), fmt.Sprint(i.Ready.Count), optional(i.Ready.MedianMS), optional(i.Ready.P99MS), i.against()})
	}
	table("Images", "Service,Image,Since,Ready,Median,P99,To the one before", rows)
	rows = nil
	for _, x := range r.broken() {
		rows = append(rows, []string{x.Objective, moment(x.At), x.Service, dash(x.by()), shorten(x.Why(), 120)})
	}
	table("Broken by", "Objective,When,Service,Start or incident,What", rows)
	_, err := io.WriteString(out, b.String())
	return err
}

// plain are the characters that mean something in Markdown, made to mean
// nothing.
var plain = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;", "#", `\#`, "@", "@\u200b")

func safe(text string) string { return plain.Replace(record.Printable(text)) }
