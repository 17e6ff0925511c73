package browsing_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// look is the script that looks at a page for what people with a screen reader, a
// keyboard or weak eyes need.
//
//go:embed testdata/look.js
var look string

// view is how a page is looked at.
type view struct {
	width, height int64
	scheme        string // light, dark
	noScript      bool
}

var (
	desk  = view{width: 1280, height: 900, scheme: "light"}
	phone = view{width: 390, height: 844, scheme: "dark"}
)

func (v view) String() string {
	name := fmt.Sprintf("%s-%d", v.scheme, v.width)
	if v.noScript {
		name += "-noscript"
	}
	return name
}

// tab is a page of the browser, and what its console said.
type tab struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

// open opens a tab.
func open(t *testing.T, v view, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path := chromium()
	if path == "" {
		missing(t, "there is no chromium (package chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("lang", "en-GB"), chromedp.Env("TZ=Europe/Berlin"))
	options = append(options, more...)
	ctx, cancelAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancel(); cancelAlloc() })
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	command(b, log.Enable, cdp.Empty{})
	command(b, runtime.Enable, cdp.Empty{})
	command(b, page.Enable, page.EnableParams{})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}})
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: v.height, DeviceScaleFactor: 1, Mobile: v.width < 600})
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.noScript})
	return b
}

// command sends one of the protocol's own.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, c, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// hear keeps what the console says that is bad.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.bad = append(b.bad, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.bad = append(b.bad, fmt.Sprint("console: ", e.Args))
		}
	case *page.EventJavascriptDialogOpening:
		b.bad = append(b.bad, "a dialog: "+e.Message)
	}
}

// do does one thing after the other.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v; the console: %s", err, strings.Join(b.console(), "; "))
	}
}

// goTo goes to a page, and wait for its heading.
func (b *tab) goTo(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), ready("main h1"))
}

func ready(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitReady(chromedp.CSS(selector))
}

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

// typing types into an element. SendKeys would read the attributes of its node while
// the browser's events change them, which the race detector sees.
func typing(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Focus(chromedp.CSS(selector))(ctx, t); err != nil {
			return err
		}
		_, err := chromedp.KeyEvent(text)(ctx, t)
		return err
	})
}

func (b *tab) console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad
}

// quiet fails if the console had something to complain of.
func (b *tab) quiet() {
	b.t.Helper()
	if bad := b.console(); len(bad) > 0 {
		b.t.Errorf("the console says:\n%s", strings.Join(bad, "\n"))
	}
}

// eval is what a script says.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script[:min(len(script), 80)], err)
	}
	return value
}

// text is what an element says, "" where there is none.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("(document.querySelector(%q) || {textContent: ''}).textContent", selector))
}

// says waits until an element says something.
func (b *tab) says(selector, what string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(b.text(selector), what); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("not within %s: %s says %q; it says %q; the console: %q", patience, selector, what, b.text(selector), b.console())
		}
	}
}

// sound looks at the page for what is wrong with it.
func (b *tab) sound(what string) {
	b.t.Helper()
	for _, w := range eval[[]string](b, look) {
		b.t.Errorf("%s: %s", what, w)
	}
}

// keep keeps a picture of the page, if somebody wants to see it.
func (b *tab) keep(name string, whole bool) {
	b.t.Helper()
	dir := os.Getenv("AWEIGH_PICTURES")
	if dir == "" {
		return
	}
	shot := chromedp.CaptureScreenshot()
	if whole {
		shot = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(b.ctx, shot)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
