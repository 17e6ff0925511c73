package web

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aweigh/aweigh/internal/access"
)

// Of a file of a record were handed out the first 64 MiB, as if that were all of it;
// the output of a service under aweigh-init may have twice as much.
func TestAFileOfARecordIsHandedOutWhole(t *testing.T) {
	w := newWorld(t, access.Rules{Open: true})
	w.crash("webhook")
	w.recorded("webhook", "one\n")
	id := w.newest("webhook").ID
	const size = 64<<20 + 5
	if err := os.Truncate(filepath.Join(w.dir, "webhook", id, "output.log"), size); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(w.server.URL + "/starts/" + id + "/files?name=output.log")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != size || answer.ContentLength != size {
		t.Errorf("%d bytes, said to be %d, of %d: %v", n, answer.ContentLength, size, err)
	}
}
