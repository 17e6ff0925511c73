//go:build race

package watching_test

// raced are the flags that give the program under test the race detector too.
var raced = []string{"-race"}
