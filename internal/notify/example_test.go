package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aweigh/aweigh"
	"github.com/aweigh/aweigh/internal/notify"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var n aweigh.Notification
		json.Unmarshal(body, &n)
		genuine := r.Header.Get(notify.SignatureHeader) == "sha256="+notify.Sign("s3cret", r.Header.Get(notify.TimestampHeader), body)
		fmt.Println(n.Title, genuine)
	}))
	defer server.Close()

	route := notify.Route{Name: "hook", URL: "webhook+" + server.URL + "?secret=s3cret", Services: []string{"web*"}}
	n := &aweigh.Notification{
		ID: aweigh.NewID(time.Now()), Occasion: aweigh.OnReady, At: time.Now(), Host: "aws-1",
		Title: "webhook is ready after 1.2 s", Services: []string{"webhook"},
	}
	sender, err := notify.Parse(route)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sender.Close()
	if notify.Matches(route, n) {
		err = sender.Send(context.Background(), notify.Compose(n))
	}
	fmt.Println(err)
	// Output:
	// webhook is ready after 1.2 s true
	// <nil>
}
