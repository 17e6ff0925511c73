package deploy

import (
	"fmt"
	"slices"

	"github.com/aweigh/aweigh/internal/compose"
)

// Ordered are services with all that they depend on, what others need first.
func Ordered(project *compose.Project, services []string) ([]string, error) {
	var all []string
	var visit func(name string, path []string) error
	visit = func(name string, path []string) error {
		if slices.Contains(path, name) {
			return fmt.Errorf("services depend on each other in a circle: %v", append(path, name))
		}
		if slices.Contains(all, name) {
			return nil
		}
		s, ok := project.All()[name]
		if !ok {
			return fmt.Errorf("there is no service %s", name)
		}
		needs := s.GetDependencies()
		slices.Sort(needs)
		for _, need := range needs {
			if d := s.DependsOn[need]; !d.Required && d.Condition != "" && project.Services[need].Name == "" {
				continue // it may be missing
			}
			if err := visit(need, append(path, name)); err != nil {
				return err
			}
		}
		all = append(all, name)
		return nil
	}
	for _, name := range services {
		if err := visit(name, nil); err != nil {
			return nil, err
		}
	}
	return all, nil
}
