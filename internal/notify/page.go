package notify

import (
	_ "embed"
	"html/template"
	"strings"
)

// Head is the template "mail-head" of the head of a mail in HTML, which is given the
// title: what mail programs need to be light or dark, and narrow.
//
//go:embed head.html
var Head string

//go:embed page.html
var pageSource string

// pageTemplate is the look of all mails.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"colour": func(state string) string { return colours[state] },
	"lines":  func(lines []string) string { return strings.Join(lines, "\n") },
}).Parse(Head + pageSource))

// colours of states, dark enough for white letters on them.
var colours = map[string]string{
	"critical": "#c22727", "warning": "#a85b00", "info": "#2d5fa8",
	"resolved": "#1c7a43", "ready": "#1c7a43", "test": "#5a5f6b", "report": "#2d5fa8",
}

// page is the HTML part of a mail. html/template escapes whatever is in views.
func page(title string, views []view) string {
	var b strings.Builder
	if err := pageTemplate.Execute(&b, struct {
		Title string
		Views []view
	}{title, views}); err != nil {
		panic(err) // the template is ours and its data are strings
	}
	return b.String()
}
