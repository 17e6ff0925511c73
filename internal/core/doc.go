// Package core is the pure fold of facts into starts, incidents and
// notifications. It does no I/O, reads no clock and starts no goroutine: time
// is in the facts, so that every rule is tested by feeding it a history.
//
//	state := core.New("aws-1", settings)
//	changes := state.Apply(aweigh.Fact{Kind: aweigh.FactStarted, At: at, Instance: id, Container: &c})
//	store.Commit(fact, changes)     // in one transaction
//	timer.Reset(state.Next())       // then apply a FactTick
//
// The state has three levels. An Instance is one container; its Life is one
// start and the run after it. A Service outlives its instances: crashes are
// counted there, for a recreated container is a new one with a restart count
// of zero. An Incident is an open condition of a service.
//
// The rules, file by file: lives.go (what began and what ended), seen.go (what
// inspections find that no event told), judge.go (crash or deliberate stop, failed
// or ready), trouble.go (which incident), serving.go (after ready), silence.go,
// signals.go, incidents.go (opening, raising, resolving, reminding), timers.go
// (what time brings).
package core
