package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	db, err := openStore(t.Context(), filepath.Join(t.TempDir(), "a b#c.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(routes(db, http.NotFoundHandler()))
	t.Cleanup(func() { s.Close(); db.Close() })
	return s
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(b))
}

func TestLinkageCountsTradesOfKnownOrders(t *testing.T) {
	s := serve(t)
	if got := get(t, s.URL+"/stats"); got != `{"window":"6h0m0s","total_trades":0,"linked_trades":0,"linkage_pct":null}` {
		t.Errorf("without trades: %s", got)
	}
	post(t, s.URL+"/webhook", `{"order_id":"a","strategy":"momentum"}`)
	for _, order := range []string{"a", "b", "a", "a"} {
		if status, body := post(t, s.URL+"/trades", `{"order_id":"`+order+`","symbol":"BTC-USD","size":1,"price":2.5}`); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
	}
	if got := get(t, s.URL+"/stats?window=1h"); got != `{"window":"1h0m0s","total_trades":4,"linked_trades":3,"linkage_pct":75}` {
		t.Errorf("%s", got)
	}
	post(t, s.URL+"/webhook", `{"order_id":"b","strategy":"momentum"}`) // metadata may come late
	if got := get(t, s.URL+"/stats?window=1h"); !strings.Contains(got, `"linkage_pct":100`) {
		t.Errorf("%s", got)
	}
}

func TestBadInputIsRefusedWithItsReason(t *testing.T) {
	s := serve(t)
	for _, c := range []struct {
		path, body string
		status     int
		why        string
	}{
		{"/webhook", `{`, 400, "unexpected EOF"},
		{"/webhook", `{"order_id":"a"}`, 400, "strategy: 1 to 128"},
		{"/webhook", `{"order_id":"a","strategy":"x","extra":1}`, 400, "unknown field"},
		{"/webhook", `{"order_id":"a","strategy":"x"} {}`, 400, "there is more"},
		{"/trades", `{"order_id":"a","symbol":"X","size":-1,"price":1}`, 400, "size: a positive"},
		{"/trades", `{"order_id":"` + strings.Repeat("x", 70_000) + `"}`, 413, "more than 65536"},
	} {
		if status, body := post(t, s.URL+c.path, c.body); status != c.status || !strings.Contains(body, c.why) {
			t.Errorf("POST %s %.40s: %d %s, want %d with %q", c.path, c.body, status, body, c.status, c.why)
		}
	}
	if got := get(t, s.URL+"/stats?window=yesterday"); !strings.Contains(got, "a duration such as") {
		t.Errorf("%s", got)
	}
}
