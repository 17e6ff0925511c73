package operator

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// `ssh host aweigh deploy --yes`, and the connection was lost: with its next line the
// deployment was dead, between the old container and the new one.
func TestDeploymentOutlivesWhoReadsItsOutput(t *testing.T) {
	if os.Getenv("AWEIGH_TEST_READER") == "gone" {
		defer outliveReader()()
		if _, err := fmt.Println("local apply"); !errors.Is(err, syscall.EPIPE) {
			os.Exit(1)
		}
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "AWEIGH_TEST_READER=gone")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd.Stdout = w
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}
