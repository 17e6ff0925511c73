package probe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aweigh/aweigh/internal/expect"
)

// Types and flags of frames (RFC 9113, 6).
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameContinuation = 9

	flagEndStream  = 0x1 // of data and headers
	flagAck        = 0x1 // of settings and pings
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Bounds of what a server may send in answer to one small question.
const (
	maxFrame   = 16 << 10 // bytes, as the protocol has it by default
	maxFrames  = 1000
	maxMessage = 16 << 10 // bytes of data
)

// exchange is one request over HTTP/2 in cleartext, on stream 1 of a connection
// of its own, and what came back.
type exchange struct {
	greeted bool           // the server's settings have come
	headers expect.Headers // of the head and of the trailer, which gRPC tells apart by name
	data    []byte

	r      *bufio.Reader
	w      io.Writer
	hpack  hpack
	block  []byte // a header that is not complete yet
	ending bool   // the stream ends with that header
	leave  string // why the server is about to close the connection
}

// send writes all that the client has to say.
func (x *exchange) send(fields expect.Headers, data []byte) error {
	var block []byte
	for _, f := range fields {
		block = appendField(block, f.Name, f.Value)
	}
	out := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	out = appendFrame(out, frameSettings, 0, 0, nil)
	out = appendFrame(out, frameHeaders, flagEndHeaders, 1, block)
	out = appendFrame(out, frameData, flagEndStream, 1, data)
	_, err := x.w.Write(out)
	return err
}

// receive reads frames until the stream has ended. Its errors are *notHTTP for
// what the server said, else those of the connection.
func (x *exchange) receive() error {
	if err := x.notHTTP2(); err != nil {
		return err
	}
	for range maxFrames {
		kind, flags, stream, payload, err := x.frame()
		if err != nil && x.leave != "" && errors.Is(err, io.EOF) {
			return &notHTTP{x.leave}
		}
		if err != nil {
			return err
		}
		if !x.greeted && kind != frameSettings {
			return &notHTTP{"not HTTP/2: the server does not begin with its settings"}
		}
		if x.block != nil && kind != frameContinuation {
			return &notHTTP{"not HTTP/2: a header is interrupted by another frame"}
		}
		ended, err := x.take(kind, flags, stream, payload)
		if ended || err != nil {
			return err
		}
	}
	return &notHTTP{fmt.Sprintf("the server sent %d frames and no answer", maxFrames)}
}

// notHTTP2 knows by the first bytes who answers in another protocol.
func (x *exchange) notHTTP2() error {
	first, err := x.r.Peek(5)
	switch {
	case len(first) >= 3 && first[0] == 0x15 && first[1] == 3:
		return &notHTTP{"the server speaks TLS, and gRPC is probed in cleartext only: probe another port, tcp://, or exec:grpc_health_probe -tls …"}
	case string(first) == "HTTP/":
		return &notHTTP{"the server speaks HTTP/1, not gRPC: use http://"}
	case len(first) > 0 && first[0] != 0:
		return &notHTTP{"not HTTP/2: " + greeting(x.r)}
	}
	return err
}

func (x *exchange) frame() (kind, flags byte, stream uint32, payload []byte, err error) {
	var head [9]byte
	if _, err = io.ReadFull(x.r, head[:]); err != nil {
		return 0, 0, 0, nil, err
	}
	size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	if size > maxFrame {
		return 0, 0, 0, nil, &notHTTP{fmt.Sprintf("not HTTP/2: a frame of %d bytes", size)}
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(x.r, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]) &^ (1 << 31), payload, unexpected(err)
}

// take handles one frame and reports whether the stream has ended.
func (x *exchange) take(kind, flags byte, stream uint32, payload []byte) (ended bool, err error) {
	switch {
	case kind == frameSettings && flags&flagAck == 0:
		x.greeted = true
		return false, x.reply(frameSettings, nil)
	case kind == framePing && flags&flagAck == 0:
		return false, x.reply(framePing, payload)
	case kind == frameGoAway && len(payload) >= 8:
		code := binary.BigEndian.Uint32(payload[4:])
		x.leave = "the server closed the HTTP/2 connection: " + codeName(code)
		if words := oneLine(string(payload[8:]), maxQuote); words != "" {
			x.leave += fmt.Sprintf(" (%q)", words)
		}
		// A graceful one lets the streams that it names still end.
		if last := binary.BigEndian.Uint32(payload) &^ (1 << 31); last < 1 || code != 0 {
			return false, &notHTTP{x.leave}
		}
	case stream != 1:
	case kind == frameReset && len(payload) == 4:
		return false, &notHTTP{"the server refused the request: " + codeName(binary.BigEndian.Uint32(payload))}
	case kind == frameHeaders:
		if payload, err = unpad(payload, flags); err != nil {
			return false, err
		}
		if flags&flagPriority != 0 {
			payload = payload[min(5, len(payload)):]
		}
		x.block, x.ending = append([]byte{}, payload...), flags&flagEndStream != 0
		return x.headerEnds(flags)
	case kind == frameContinuation && x.block != nil:
		if x.block = append(x.block, payload...); len(x.block) > maxHead {
			return false, errHeadTooBig
		}
		return x.headerEnds(flags)
	case kind == frameData:
		if payload, err = unpad(payload, flags); err != nil {
			return false, err
		}
		if x.data = append(x.data, payload...); len(x.data) > maxMessage {
			return false, &notHTTP{fmt.Sprintf("the answer is bigger than %d bytes", maxMessage)}
		}
		return flags&flagEndStream != 0, nil
	}
	return false, nil
}

func (x *exchange) headerEnds(flags byte) (ended bool, err error) {
	if flags&flagEndHeaders == 0 {
		return false, nil
	}
	fields, err := x.hpack.read(x.block)
	x.block = nil
	if err != nil {
		return false, &notHTTP{"not HTTP/2: " + err.Error()}
	}
	if code, _ := fields.Get(":status"); strings.HasPrefix(code, "1") {
		return false, nil // an interim answer: the real one follows
	}
	x.headers = append(x.headers, fields...)
	return x.ending, nil
}

func (x *exchange) reply(kind byte, payload []byte) error {
	_, err := x.w.Write(appendFrame(nil, kind, flagAck, 0, payload))
	return err
}

func appendFrame(out []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	out = append(out, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	out = binary.BigEndian.AppendUint32(out, stream)
	return append(out, payload...)
}

func unpad(payload []byte, flags byte) ([]byte, error) {
	if flags&flagPadded == 0 {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, &notHTTP{"not HTTP/2: a frame is all padding"}
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

// codeName is the name of an error code (RFC 9113, 7).
func codeName(code uint32) string {
	names := [...]string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
		"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
		"ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"}
	if int64(code) < int64(len(names)) {
		return names[code]
	}
	return fmt.Sprintf("error code %d", code)
}
