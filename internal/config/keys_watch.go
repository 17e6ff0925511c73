package config

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aweigh/aweigh/internal/quantity"
)

type dur = time.Duration

// Watch is what may be said of the daemon itself.
type Watch struct {
	Listen  string   // address of the pages, the API and its own health check
	State   string   // directory of all that it keeps; "" is /var/lib/aweigh, else the user's state directory
	Docker  string   // the engine; "" is DOCKER_HOST, else unix:///var/run/docker.sock
	Records []string // record directories of `aweigh run` outside containers
	// Keep is how long starts and incidents are kept, KeepBytes how much of
	// evidence.
	Keep      time.Duration
	KeepBytes int64
	// DeadMansSwitch is a URL that is asked at intervals, so that somebody else
	// notices when the watcher is silent.
	DeadMansSwitch Secret
	// OTLP is the base URL of a collector that gets each start as a trace.
	OTLP Secret
}

func defaultWatch() Watch {
	return Watch{Listen: "127.0.0.1:7423", Keep: 90 * 24 * time.Hour, KeepBytes: 2 << 30}
}

func watchFields() []field[Watch] {
	type w = Watch
	return []field[w]{
		{Key{Name: "listen", Kind: Text, Default: "127.0.0.1:7423", Doc: "Address of the pages, the API, `/metrics` and its own `/health`; `none` for no address. One that others can reach needs a token or a user below `web`."},
			checked(func(c *w) *string { return &c.Listen }, checkAddress)},
		{Key{Name: "state", Kind: Text, Default: "/var/lib/aweigh", Doc: "Directory of all that it keeps; where that cannot be written, the user's state directory. A relative path is one beside aweigh.yaml."},
			text(func(c *w) *string { return &c.State })},
		{Key{Name: "docker", Kind: Text, Default: "unix:///var/run/docker.sock", Doc: "The Docker Engine, `none` for none; `DOCKER_HOST` where nothing is said."},
			checked(func(c *w) *string { return &c.Docker }, checkEngine)},
		{Key{Name: "records", Kind: Text, Many: true, Example: "/var/lib/aweigh-run", Doc: "Record directories of `aweigh run` outside containers."},
			list(func(c *w) *[]string { return &c.Records }, notEmpty)},
		{Key{Name: "keep", Kind: Duration, Default: "90d", Doc: "How long starts and incidents are kept."},
			duration(func(c *w) *dur { return &c.Keep })},
		{Key{Name: "keep_bytes", Kind: Size, Default: "2GiB", Doc: "How much of records is kept, shared evenly by the services: at most 256 MiB and 50 starts each."}, setKeepBytes},
		{Key{Name: "dead_mans_switch", Kind: Text, Secret: true, Example: "https://hc-ping.com/UUID", Doc: "A URL that the watcher asks at intervals, so that its own silence is noticed."},
			secret(func(c *w) *Secret { return &c.DeadMansSwitch }, checkWeb)},
		{Key{Name: "otlp", Kind: Text, Secret: true, Example: "http://127.0.0.1:4318", Doc: "Send each start as a trace to this OpenTelemetry collector (OTLP over HTTP; `/v1/traces` is put behind it)."},
			secret(func(c *w) *Secret { return &c.OTLP }, checkWeb)},
	}
}

func setKeepBytes(into *Watch, s string) error {
	n, err := quantity.Bytes(s)
	if err == nil && n < 1<<20 {
		err = errors.New("too little: at least 1MiB")
	}
	if err != nil {
		return err
	}
	into.KeepBytes = n
	return nil
}

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("it is empty: write a value, or remove it")
	}
	return nil
}

func checkAddress(s string) error {
	if s == "none" {
		return nil
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("not an address: write HOST:PORT, such as 127.0.0.1:7423, or :7423 for every interface")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port is not a number from 0 to 65535")
	}
	return nil
}

func checkEngine(s string) error {
	if s == "none" {
		return nil
	}
	for _, scheme := range []string{"unix://", "tcp://", "http://", "https://", "ssh://", "npipe://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok && rest != "" {
			return nil
		}
	}
	return errors.New("not an engine: write unix:///var/run/docker.sock or tcp://HOST:PORT")
}

// checkWeb takes http:// and https://. It repeats nothing of what may be a
// secret, as url.Parse's error would.
func checkWeb(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("not a URL: a character in it must be escaped, such as %2F for / and %40 for @ in a password")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("write an http:// or https:// URL")
	}
	return nil
}
