// Package propose writes the first aweigh.yaml: `aweigh init`. It reads a
// compose file (FromCompose), is told of running containers (Service), and
// proposes a probe for each, with a comment that says why.
//
//	services, err := propose.FromCompose(ctx, compose.Choice{})
//	services = propose.Merge(services, running)
//	err = propose.Init("aweigh.yaml", services)
//
// It is apart from package config, so that what reads aweigh.yaml does not link
// compose-go.
package propose

// Service is what is known of a service, from a compose file or a container.
type Service struct {
	Service    string
	Image      string
	Ports      []Port
	Labels     map[string]string
	HealthTest []string // as Docker has it: ["CMD", …], ["CMD-SHELL", …], ["NONE"]
	Restart    string   // of Docker: "no", "always", "on-failure", "unless-stopped"
}

// Port is one that a service listens on, as far as is told.
type Port struct {
	Container int
	Published bool
	Protocol  string // "tcp" (or "") and others
}
