package sockdiag

import (
	"os"
	"strconv"
)

// OfProcess returns every TCP socket of the network namespace of pid, which
// needs no right but to see that process. An error means that it is gone, or
// that /proc hides it.
func OfProcess(pid int) ([]Socket, error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/net/"
	const all = ^uint32(0)
	sockets, err := readProcFile(nil, dir+"tcp", all)
	if err != nil {
		return nil, err
	}
	six, err := readProcFile(sockets, dir+"tcp6", all)
	if os.IsNotExist(err) { // without IPv6
		return sockets, nil
	}
	return six, err
}
