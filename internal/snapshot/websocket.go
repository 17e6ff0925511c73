package snapshot

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// webSocket is as much of a client of RFC 6455 as the inspector needs: text
// messages, no extensions.
type webSocket struct {
	conn net.Conn
	in   *bufio.Reader
}

const (
	opContinuation = 0
	opText         = 1
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// maxMessage bounds what is kept of a message; a longer one, such as a script
// with its source map, is read and dropped.
const maxMessage = 4 << 20

// dialWebSocket connects until the deadline of ctx, which then holds for all
// that is sent and received.
func dialWebSocket(ctx context.Context, addr, path string) (*webSocket, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	var key [16]byte
	rand.Read(key[:])
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", path, addr, base64.StdEncoding.EncodeToString(key[:]))
	w := &webSocket{conn, bufio.NewReaderSize(conn, 64<<10)}
	status, err := w.in.ReadString('\n')
	if err == nil && !strings.HasPrefix(status, "HTTP/1.1 101") {
		err = errors.New("the inspector refused: " + strings.TrimSpace(status))
	}
	for line := status; err == nil && strings.TrimSpace(line) != ""; {
		line, err = w.in.ReadString('\n')
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

// Close hangs up.
func (w *webSocket) Close() error { return w.conn.Close() }

// Send sends a text message.
func (w *webSocket) Send(text []byte) error { return w.frame(opText, text) }

// frame sends a whole message; what a client sends is masked (RFC 6455, 5.3).
func (w *webSocket) frame(op byte, payload []byte) error {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	var key [4]byte
	rand.Read(key[:])
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	_, err := w.conn.Write(b)
	return err
}

// Receive returns the next text message, empty for one that was too long.
func (w *webSocket) Receive() ([]byte, error) {
	var message []byte
	for {
		var head [2]byte
		if _, err := io.ReadFull(w.in, head[:]); err != nil {
			return nil, err
		}
		size := uint64(head[1] & 0x7f)
		var long [8]byte
		switch size {
		case 126:
			if _, err := io.ReadFull(w.in, long[6:]); err != nil {
				return nil, err
			}
			size = binary.BigEndian.Uint64(long[:])
		case 127:
			if _, err := io.ReadFull(w.in, long[:]); err != nil {
				return nil, err
			}
			size = binary.BigEndian.Uint64(long[:])
		}
		if size > 1<<31 || head[1]&0x80 != 0 { // a server does not mask
			return nil, errors.New("not a WebSocket frame")
		}
		payload := []byte{}
		if size+uint64(len(message)) <= maxMessage {
			payload = make([]byte, size)
			if _, err := io.ReadFull(w.in, payload); err != nil {
				return nil, err
			}
		} else if _, err := io.CopyN(io.Discard, w.in, int64(size)); err != nil {
			return nil, err
		}
		switch head[0] & 0x0f {
		case opText, opContinuation:
			message = append(message, payload...)
			if head[0]&0x80 != 0 {
				return message, nil
			}
		case opPing:
			if err := w.frame(opPong, payload); err != nil {
				return nil, err
			}
		case opClose:
			return nil, io.EOF
		}
	}
}
