package drill

import (
	"path"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// FromImage is a service that is an image and nothing else, with variables for
// its environment, KEY=VALUE.
func FromImage(image string, env []string) *Service {
	name, _, _ := strings.Cut(path.Base(image), "@")
	name, _, _ = strings.Cut(name, ":")
	s := &Service{Name: name, Image: image}
	s.Config.Env = env
	s.Host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}
	return s
}
