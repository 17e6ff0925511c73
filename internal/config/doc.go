// Package config reads aweigh.yaml, the file of `aweigh watch`, and the
// aweigh.* labels of containers, which say the same for one service.
//
//	c, err := config.Load("aweigh.yaml") // err is Problems: each with file, line and column
//	settings, problems := c.For("webhook", labels)
//
// All that may be said is in five tables (keys_service.go, keys_watch.go,
// keys_web.go, keys_route.go, keys_signal.go). Reading, labels, the JSON Schema and the
// user's page of the keys come from these tables, so that a new key is one row.
//
// What is secret never leaves by accident: a Secret prints as xxxxx whatever
// prints it, errors do not repeat secret values, nor any into which a variable
// was put, and the JSON of a Config has them masked.
package config
