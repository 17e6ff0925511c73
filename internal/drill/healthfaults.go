package drill

import (
	"strconv"

	"github.com/aweigh/aweigh/internal/core"
)

// healthDrills are about what a health endpoint may answer. A server takes the
// service's place, on its port, after it was ready.
var healthDrills = []Drill{
	{Name: "health-500", Injects: "its endpoint answers 500", Inject: later(answers("error")), Causes: ill},
	{Name: "health-garbage", Injects: "its endpoint answers something that is not HTTP", Inject: later(answers("garbage")), Causes: ill},
	{Name: "health-slow", Injects: "its endpoint sends a header a second, and never an answer", Inject: later(answers("slow")), Causes: ill},
	{Name: "health-endless", Injects: "its endpoint begins an answer that never ends", Inject: later(answers("endless")), Causes: ill},
}

var ill = []string{"health-endpoint-failing", "wrong-protocol"}

func answers(how string) func(st *stage) ([]string, []change, error) {
	return func(st *stage) ([]string, []change, error) {
		if err := st.needsPort(); err != nil {
			return nil, nil, err
		}
		if !st.steady.http {
			why := "it is asked over " + st.steady.probe + ", and not over plain HTTP"
			if st.steady.how == core.ByProbe || st.steady.how == core.ByGuess {
				why += ": nobody would see what it answers. Give it a health check, or a probe such as http://:" + strconv.Itoa(st.steady.port) + "/health"
			}
			return nil, nil, notApplicable{why}
		}
		st.within = st.failTime()
		return []string{how, strconv.Itoa(st.steady.port)}, nil, nil
	}
}
