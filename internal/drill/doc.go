// Package drill proves that what should be detected is detected: it makes a
// throw-away copy of a service, lets something go wrong with it on purpose, and
// looks whether a watcher sees it, names the cause, and has somebody told.
//
//	service := drill.FromImage("nginx:1.27", nil)
//	report, err := drill.Run(ctx, drill.Options{Engine: engine, Service: service, State: dir})
//	fmt.Println(report.Score(), report.Status()) // 100 0
//
// A drill is one row of the table (table.go): what it injects, as a function on
// a stage, and what must follow. A stage (stage.go) is a network without a way
// out, a copy in it, and a watcher (observer.go): the one that runs on this host, or
// one of the stage's own; what has to go wrong inside the container is
// done by package inside. Every drill is the same way: steady state, injection,
// detection, telling, recovery (act.go).
//
// Whatever a drill makes carries its owner's mark, so that the next run finds
// and removes what one left that was killed (sweep.go).
package drill
