package notify

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aweigh/aweigh"
)

// A real Alertmanager, of which we ask what it makes of our alerts.
func TestAlertmanagerKnowsAnIncidentFromItsBeginningToItsEnd(t *testing.T) {
	need(t, "prometheus-alertmanager")
	dir := t.TempDir()
	config := filepath.Join(dir, "am.yml")
	os.WriteFile(config, []byte("route: {receiver: none}\nreceivers: [{name: none}]\nglobal: {resolve_timeout: 1s}\n"), 0o644)
	address := freeAddress(t)
	cmd := exec.Command("prometheus-alertmanager", "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })

	am := sender(t, "alertmanager+http://"+address)
	n := crashLoop(aweigh.OnOpened)
	n.Incident.Opened, n.At = time.Now().Add(-time.Minute), time.Now()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := send(t, am, Compose(n))
		if err == nil {
			break
		}
		if err.Permanent || time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // it is coming up
	}
	one := alertsAt(t, address)
	want := map[string]string{"alertname": "AweighCrashLoop", "service": "webhook", "host": "aws-1", "severity": "critical", "kind": "crash-loop", "incident": n.Incident.ID}
	if len(one) != 1 || len(one[0].Labels) != len(want) || one[0].Annotations["summary"] != n.Title || one[0].EndsAt.Before(time.Now().Add(24*time.Hour)) {
		t.Fatalf("open: %+v", one)
	}
	for key, value := range want {
		if one[0].Labels[key] != value {
			t.Errorf("label %s is %q, want %q", key, one[0].Labels[key], value)
		}
	}

	n.Occasion, n.Incident.Kind, n.At = aweigh.OnRaised, aweigh.OOMKilled, time.Now()
	if err := send(t, am, Compose(n)); err != nil {
		t.Fatal(err)
	}
	if raised := alertsAt(t, address); len(raised) != 1 || raised[0].Labels["kind"] != "oom-killed" {
		t.Errorf("raised: %+v", raised)
	}

	end := time.Now()
	n.Occasion, n.Incident.Resolved = aweigh.OnResolved, &end
	if err := send(t, am, Compose(n)); err != nil {
		t.Fatal(err)
	}
	if over := alertsAt(t, address); len(over) != 0 {
		t.Errorf("resolved: %+v", over)
	}

	ready := &aweigh.Notification{ID: "N", Occasion: aweigh.OnReady, Services: []string{"webhook"}, Title: "webhook is ready"}
	if err := send(t, am, Compose(ready)); err != nil {
		t.Errorf("a success is no alert, and no error: %v", err)
	}
}

// alertsAt are the alerts that Alertmanager takes for active.
func alertsAt(t *testing.T, address string) []alert {
	t.Helper()
	answer, err := http.Get("http://" + address + "/api/v2/alerts?active=true")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	var all []alert
	if err := json.Unmarshal(body, &all); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return all
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A gap of the watcher is told by one message, when it is over. For Alertmanager it
// went on for thirty days, and was repeated all the time.
func TestWhatIsOverWhenItIsToldFiresOnce(t *testing.T) {
	now := time.Now()
	n := &aweigh.Notification{ID: "N", Occasion: aweigh.OnOpened, At: now, Incident: &aweigh.Incident{
		ID: "I", Kind: aweigh.WatcherGap, Service: "aweigh watch", Severity: aweigh.Warning, Opened: now, Resolved: &now}}
	alerts := alertsOf(n, now)
	if len(alerts) != 1 || !alerts[0].EndsAt.Equal(now.Add(5*time.Minute)) {
		t.Errorf("%+v", alerts)
	}
	if m := Compose(n); m.State != "warning" {
		t.Errorf("it is bad news, and not %s", m.State)
	}
}

func TestAlertNames(t *testing.T) {
	for kind, want := range map[aweigh.IncidentKind]string{aweigh.CrashLoop: "AweighCrashLoop", aweigh.SignalKind("linkage rate"): "AweighSignalLinkageRate", "": "Aweigh", "é-x": "AweighÉX"} {
		if got := alertName(kind); got != want {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
	}
}
