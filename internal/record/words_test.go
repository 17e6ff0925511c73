package record

import (
	"strings"
	"testing"
)

func TestLastWordsAreTheReasonAndNotWhatStandsBehindIt(t *testing.T) {
	for want, output := range map[string]string{
		"nginx: [emerg] bind() to 0.0.0.0:80 failed":                "starting\nnginx: [emerg] bind() to 0.0.0.0:80 failed\nnginx: still could not bind()",
		"Caused by: java.net.BindException: Address already in use": "Exception in thread \"main\" X\n\tat a.b(C.java:1)\nCaused by: java.net.BindException: Address already in use\n\tat d.e(F.java:2)\n\t... 3 more",
		"Error: listen EADDRINUSE: address already in use :::3000":  "Error: listen EADDRINUSE: address already in use :::3000\n    at x\nEmitted 'error' event on Server instance at:\n    at y {\n  code: 'EADDRINUSE'\n}\n\nNode.js v20.20.2",
		"KeyError: 'DATABASE'":                                      "Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'DATABASE'",
		"panic: no database":                                        "panic: no database\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d",
		"config.yaml: unknown key prot":                             "reading\nconfig.yaml: unknown key prot",
		"at least something":                                        "  at least something",
		"":                                                          "",
	} {
		var lines []string
		for line := range strings.SplitSeq(output, "\n") {
			if line != "" {
				lines = append(lines, line)
			}
		}
		if got := LastWords(lines); got != want {
			t.Errorf("last words %q, want %q", got, want)
		}
	}
}
