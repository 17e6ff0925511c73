package docker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// What is known of a container is written beside its record.
func TestWhatIsKnownOfAContainerHasNoSecrets(t *testing.T) {
	raw := `{"Id":"4f1c","Name":"/shop","Path":"/shop","Args":["--password=hunter22"],
		"Config":{"Image":"shop:1","Env":["PORT=80","TOKEN=tok3n-value"],"Cmd":["--token","tok3n-value"],
			"Entrypoint":["sh","-c","PASSWORD=hunter22 exec shop"],"Healthcheck":{"Test":["CMD","curl","http://u:hunter22@localhost/"]}},
		"HostConfig":{"Memory":67108864,"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}},
		"Mounts":[{"Type":"volume","Name":"data","Source":"/var/lib/data","Destination":"/data","RW":false}]}`
	answer := client.ContainerInspectResult{Raw: json.RawMessage(raw)}
	if err := json.Unmarshal([]byte(raw), &answer.Container); err != nil {
		t.Fatal(err)
	}
	k := knownOf(answer)
	kept, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter22", "tok3n-value"} {
		if strings.Contains(string(kept), secret) {
			t.Errorf("%s is in it: %s", secret, kept)
		}
	}
	s := k.Shape
	for want, got := range map[string][]string{"PORT TOKEN": s.Env, "volume data on /data, read-only": s.Mounts,
		"80/tcp at 127.0.0.1:8080": s.Ports, "memory 64 MiB": s.Limits} {
		if strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if s.Image != "shop:1" || s.Hash == "" || k.Inspect.HostConfig.Memory != 64<<20 {
		t.Errorf("%+v", k)
	}
}

func TestAnInspectionThatIsNoneIsNoTrouble(t *testing.T) {
	if k := knownOf(client.ContainerInspectResult{Container: container.InspectResponse{ID: "x"}, Raw: json.RawMessage("[")}); k == nil {
		t.Error("nothing is known")
	}
}
