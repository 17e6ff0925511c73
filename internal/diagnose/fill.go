package diagnose

import "strings"

// filler puts the start's own names into a command that a person may paste into
// a shell. A name that no engine would have given is not repeated.
func (s *scene) filler() *strings.Replacer {
	container, image, network := "CONTAINER", "IMAGE", "NETWORK"
	if i := s.Inspect; i != nil {
		container = safeName(strings.TrimPrefix(i.Name, "/"), container)
		image = safeName(i.Config.Image, image)
		if i.HostConfig.NetworkMode != "default" {
			network = safeName(i.HostConfig.NetworkMode, network)
		}
	}
	return strings.NewReplacer("{port}", s.port(), "{container}", container, "{image}", image, "{network}", network)
}

// safeName is the name, if it is made of what names of containers, images and
// networks are made of, else the other.
func safeName(name, other string) string {
	if name == "" || len(name) > 255 || name[0] == '-' {
		return other
	}
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && !isDigit(c) && !strings.ContainsRune("_.-/:@", rune(c)) {
			return other
		}
	}
	return name
}
