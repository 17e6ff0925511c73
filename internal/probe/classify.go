package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Classify puts an error of the network in one of the Kinds and in a few words
// for a person. nil is KindOK and no words.
func Classify(err error) (kind, reason string) {
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case err == nil:
		return KindOK, ""
	case errors.As(err, &dns):
		return KindDNS, nameFault(dns)
	case errors.Is(err, context.Canceled):
		return KindCanceled, "the probe was cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return KindTimeout, "timed out"
	case errors.As(err, &errno):
		return classifyErrno(errno)
	case errors.As(err, &timeout) && timeout.Timeout():
		return KindTimeout, "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return KindClosed, "the server closed the connection"
	}
	return KindError, oneLine(err.Error(), maxReason)
}

func nameFault(e *net.DNSError) string {
	name := oneLine(e.Name, maxQuote)
	switch {
	case e.IsNotFound:
		return fmt.Sprintf("no such host %q", name)
	case e.IsTimeout:
		return fmt.Sprintf("the name server did not answer for %q in time", name)
	}
	return fmt.Sprintf("the name %q could not be looked up: %s", name, e.Err)
}

func classifyErrno(errno syscall.Errno) (kind, reason string) {
	switch errno {
	case syscall.ECONNREFUSED:
		return KindRefused, "connection refused"
	case syscall.ECONNRESET:
		return KindReset, "the server reset the connection"
	case syscall.EPIPE, syscall.ECONNABORTED:
		return KindClosed, "the server closed the connection"
	case syscall.ETIMEDOUT:
		return KindTimeout, "timed out"
	case syscall.EHOSTUNREACH:
		return KindNoRoute, "no route to the host"
	case syscall.ENETUNREACH:
		return KindNoRoute, "no route to the network"
	case syscall.EADDRNOTAVAIL:
		return KindNoRoute, "no local address to connect from: is IPv6 off here, or are all local ports in use?"
	case syscall.EACCES, syscall.EPERM:
		return KindError, "connecting is not permitted here: " + errno.Error()
	case syscall.EMFILE, syscall.ENFILE:
		return KindError, errno.Error() + " here, on the probing side"
	}
	return KindError, errno.Error()
}
