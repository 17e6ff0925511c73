package drill

import (
	"fmt"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/aweigh/aweigh"
)

// startDrills are about starts that do not come to be ready.
var startDrills = []Drill{
	{Name: "port-taken", Injects: "another process of its container holds its port", Inject: atStart(portTaken),
		Causes: []string{"port-in-use"}, Mild: true},
	{Name: "slow-start", Injects: "its start takes longer, and ends within its deadline", Inject: atStart(slowStart), Calm: true},
	{Name: "late-start", Injects: "its start takes longer than its deadline", Inject: atStart(lateStart),
		Causes: []string{"slow-start", "startup-hang"}},
	{Name: "hang", Injects: "it runs, and never comes to listen", Inject: atStart(hang),
		Causes: []string{"startup-hang", "slow-start"}},
	{Name: "loopback-only", Injects: "a server in its place listens on 127.0.0.1 only", Inject: atStart(loopbackOnly),
		Causes: []string{"bound-to-localhost"},
		Advice: "A health check that asks inside the container is content with that: give it a probe, which is asked from the host (label aweigh.probe)"},
	{Name: "wrong-port", Injects: "a server in its place listens on the next port", Inject: atStart(wrongPort),
		Causes: []string{"wrong-port"}},
	{Name: "crash-at-once", Injects: "it exits with 1 as soon as it is started", Inject: atStart(crashAtOnce)},
	{Name: "crash-loop", Injects: "it exits with 1 each time that it is started again", Inject: atStart(crashLoop), Kind: aweigh.CrashLoop},
	{Name: "exits-0", Injects: "it exits with 0 each time that it is started again", Inject: atStart(exitsWell),
		Kind: aweigh.CrashLoop, Causes: []string{"main-process-exited"}},
}

func portTaken(st *stage) ([]change, error) {
	return []change{st.before("hold", strconv.Itoa(st.steady.port))}, st.needsPort()
}

func slowStart(st *stage) ([]change, error) {
	return []change{st.before("delay", ((st.startup - 2*st.steady.took) / 2).String())}, nil
}

func lateStart(st *stage) ([]change, error) {
	return []change{st.before("delay", (st.startTime() + 5*time.Second).String())}, nil
}

func hang(st *stage) ([]change, error) {
	return []change{st.before("hang")}, nil
}

func loopbackOnly(st *stage) ([]change, error) {
	return []change{st.before("serve", fmt.Sprintf("127.0.0.1:%d", st.steady.port))}, st.needsPort()
}

func wrongPort(st *stage) ([]change, error) {
	port := st.steady.port + 1
	if port > 65535 {
		port = st.steady.port - 1
	}
	return []change{st.before("serve", fmt.Sprintf(":%d", port))}, st.needsPort()
}

// lives is how long a process lives that exits at once: one that ends before
// the engine has told of its start is another matter.
const lives = "200ms"

func crashAtOnce(st *stage) ([]change, error) {
	return []change{st.before("exit", "1", lives)}, nil
}

func crashLoop(st *stage) ([]change, error) {
	return []change{st.before("exit", "1", lives), again}, nil
}

func exitsWell(st *stage) ([]change, error) {
	if !st.service.restarts() {
		return nil, notApplicable{fmt.Sprintf("its restart policy is %q: then an exit with 0 is the good end of a job, and nobody is told", policyName(st.service))}
	}
	return []change{st.before("exit", "0", lives)}, nil
}

func policyName(s *Service) string {
	if s.Host.RestartPolicy.Name == "" {
		return "no"
	}
	return string(s.Host.RestartPolicy.Name)
}

// again has the engine start it again and again.
func again(_ *container.Config, h *container.HostConfig) {
	h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyAlways}
}
