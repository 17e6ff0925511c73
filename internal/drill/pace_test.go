package drill

import (
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh/internal/config"
)

// A host in the user's probe is the service that runs, which a drill must leave
// alone.
func TestTheUsersProbeIsAskedOfTheCopy(t *testing.T) {
	published := map[int]int{18080: 8080}
	for text, want := range map[string]string{
		"":                                     "",
		"none":                                 "none",
		"http://:8080/health":                  "http://:8080/health",
		"http://127.0.0.1:18080/health?full=1": "http://:8080/health?full=1",
		"http://shop.example:9000/":            "http://:9000/",
		"tcp://127.0.0.1:18080":                "tcp://:8080",
		"grpc://[::1]:18080/shop.Cart":         "grpc://:8080/shop.Cart",
	} {
		if got, why := ownProbe(text, published); got != want || why != "" {
			t.Errorf("%s: %q (%s), want %q", text, got, why, want)
		}
	}
	if got, why := ownProbe("exec:pg_isready -h db", published); got != "" || why == "" {
		t.Errorf("a command: %q, %q", got, why)
	}
}

func TestTheDeadlineFollowsHowLongAStartTakes(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond: leastStartup,
		20 * time.Second:      45 * time.Second,
	} {
		if got := deadline(took); got != want {
			t.Errorf("%s: %s, want %s", took, got, want)
		}
	}
}

func TestAHealthCheckIsHurriedAndNeverSlowed(t *testing.T) {
	h := hurried(&container.HealthConfig{Test: []string{"CMD", "/check"}, Interval: time.Minute, Timeout: time.Minute, Retries: 10, StartPeriod: time.Hour}, 8*time.Second)
	if h.Interval != time.Second || h.Timeout != 3*time.Second || h.Retries != 3 || h.StartPeriod != 8*time.Second {
		t.Errorf("%+v", h)
	}
	if h := hurried(&container.HealthConfig{Test: []string{"NONE"}}, time.Second); h.Interval != 0 {
		t.Errorf("none: %+v", h)
	}
	if h := hurried(nil, time.Second); h != nil {
		t.Errorf("nil: %+v", h)
	}
}

func TestTheWatchersSettingsCanBeRead(t *testing.T) {
	r := &run{Options: Options{}, service: &Service{}}
	r.startup, r.pace.probe = 8*time.Second, "http://user:pa$$word@:80/"
	r.Settings.Probe, r.Settings.Expect, r.Settings.Timeout, r.Settings.Retries = r.pace.probe, `body contains "$5"`, time.Second, 3
	r.Settings.LoopCrashes, r.Settings.LoopWindow = 3, 5*time.Minute
	in, problems := config.Default().For("web", asLabels(r.settings()))
	if len(problems) > 0 || in.Probe != r.Settings.Probe || in.Expect != r.Settings.Expect || in.StartupTimeout != 8*time.Second || in.TellReady || in.Silence != 0 {
		t.Errorf("%+v, %v", in, problems)
	}
}
