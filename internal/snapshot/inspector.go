package snapshot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/aweigh/aweigh/internal/proc"
	"github.com/aweigh/aweigh/internal/sockdiag"
)

const inspectWithin = 2 * time.Second

// inspect opens Node's inspector by SIGUSR1, interrupts the JavaScript that
// runs, and returns its stack.
func inspect(ctx context.Context, p *suspect) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectWithin)
	defer cancel()
	before := listenersOf(p.PID)
	if note := send(p, syscall.SIGUSR1, "SIGUSR1"); note != "" {
		return "", errors.New("the inspector was " + note)
	}
	addr := ""
	for addr == "" {
		for a := range listenersOf(p.PID) {
			if !before[a] {
				addr = a
			}
		}
		if ctx.Err() != nil {
			return "", errors.New("the inspector did not open: it is blocked outside of JavaScript")
		}
		pause(ctx, 20*time.Millisecond)
	}
	id, err := inspectorTarget(ctx, addr)
	if err != nil {
		return "", err
	}
	w, err := dialWebSocket(ctx, addr, "/"+id)
	if err != nil {
		return "", err
	}
	defer w.Close()
	frames, err := interrupt(w)
	if err != nil {
		return "", fmt.Errorf("the inspector did not stop it: %w", err)
	}
	// The next Node of the tree wants the same port. It closes once we hang up.
	w.Send([]byte(`{"id":4,"method":"Runtime.evaluate","params":{"expression":"process._debugEnd()","includeCommandLineAPI":true}}`))
	return frames, nil
}

// listenersOf returns where a process listens on loopback.
func listenersOf(pid int) map[string]bool {
	found := map[string]bool{}
	inodes, _ := proc.SocketInodes(pid)
	table := sockdiag.Open()
	defer table.Close()
	sockets, _ := table.Listeners(nil)
	for _, s := range sockets {
		if _, ok := inodes[s.Inode]; ok && s.Local.Addr().IsLoopback() {
			found[s.Local.String()] = true
		}
	}
	return found
}

// connectingTo returns whom a descriptor of a process is being connected to.
func connectingTo(pid, fd int) string {
	inodes, _ := proc.SocketInodes(pid)
	table := sockdiag.Open()
	defer table.Close()
	sockets, _ := table.All()
	for _, s := range sockets {
		if at, ok := inodes[s.Inode]; ok && at == fd && s.State == sockdiag.SynSent {
			return s.Remote.String()
		}
	}
	return ""
}

// inspectorTarget asks the inspector what there is to inspect.
func inspectorTarget(ctx context.Context, addr string) (id string, err error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	c.SetDeadline(deadline)
	fmt.Fprintf(c, "GET /json/list HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", addr)
	var answer []byte
	buf := make([]byte, 4096)
	for len(answer) < 64<<10 {
		n, err := c.Read(buf)
		answer = append(answer, buf[:n]...)
		// Some versions leave the connection open: the list ends with a bracket.
		if err != nil || bytes.HasSuffix(bytes.TrimSpace(answer), []byte("]")) {
			break
		}
	}
	_, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	var targets []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &targets); err != nil || len(targets) == 0 || strings.ContainsAny(targets[0].ID, " \r\n") {
		return "", errors.New("the inspector at " + addr + " names no target")
	}
	return targets[0].ID, nil
}

// interrupt stops the running JavaScript and says where it is
// (https://chromedevtools.github.io/devtools-protocol/v8/Debugger/).
func interrupt(w *webSocket) (string, error) {
	for _, request := range []string{`{"id":1,"method":"Debugger.enable"}`, `{"id":2,"method":"Debugger.pause"}`} {
		if err := w.Send([]byte(request)); err != nil {
			return "", err
		}
	}
	scripts := map[string]string{} // the frames of older scripts have no url of their own
	for {
		raw, err := w.Receive()
		if err != nil {
			return "", err
		}
		var m debuggerMessage
		if json.Unmarshal(raw, &m) != nil {
			continue // an answer of another form, or one that was too long
		}
		switch m.Method {
		case "Debugger.scriptParsed":
			scripts[m.Params.ScriptID] = m.Params.URL
		case "Debugger.paused":
			return m.frames(scripts), nil
		}
	}
}

// debuggerMessage is what we use of Debugger.scriptParsed and Debugger.paused.
type debuggerMessage struct {
	Method string `json:"method"`
	Params struct {
		ScriptID   string `json:"scriptId"`
		URL        string `json:"url"`
		CallFrames []struct {
			FunctionName string `json:"functionName"`
			Location     struct {
				ScriptID     string `json:"scriptId"`
				LineNumber   int    `json:"lineNumber"` // from 0
				ColumnNumber int    `json:"columnNumber"`
			} `json:"location"`
		} `json:"callFrames"`
	} `json:"params"`
}

func (m debuggerMessage) frames(scripts map[string]string) string {
	var b strings.Builder
	for _, f := range m.Params.CallFrames {
		file := strings.TrimPrefix(scripts[f.Location.ScriptID], "file://")
		fmt.Fprintf(&b, "at %s (%s:%d:%d)\n", cmp.Or(f.FunctionName, "(anonymous)"),
			cmp.Or(file, "script "+f.Location.ScriptID), f.Location.LineNumber+1, f.Location.ColumnNumber+1)
	}
	return b.String()
}
