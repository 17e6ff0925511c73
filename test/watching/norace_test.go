//go:build !race

package watching_test

var raced []string
