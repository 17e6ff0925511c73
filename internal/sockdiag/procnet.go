package sockdiag

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
)

// readProc reads /proc/self/net/tcp and tcp6. A missing tcp6 is a host without
// IPv6, not an error.
func readProc(out []Socket, states uint32) ([]Socket, error) {
	out, err := readProcFile(out, "/proc/self/net/tcp", states)
	if err != nil {
		return out, err
	}
	six, err := readProcFile(out, "/proc/self/net/tcp6", states)
	if os.IsNotExist(err) {
		return out, nil
	}
	return six, err
}

func readProcFile(out []Socket, path string, states uint32) ([]Socket, error) {
	f, err := os.Open(path)
	if err != nil {
		return out, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		if s, ok := parseProcLine(lines.Bytes()); ok && states&(1<<s.State) != 0 {
			out = append(out, s)
		}
	}
	return out, lines.Err()
}

// parseProcLine reads a line such as (Documentation/networking/proc_net_tcp.rst)
//
//	0: 0100007F:138B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 ...
func parseProcLine(line []byte) (s Socket, ok bool) {
	f := bytes.Fields(line)
	if len(f) < 10 {
		return s, false
	}
	local, ok1 := parseProcAddr(f[1])
	remote, ok2 := parseProcAddr(f[2])
	state, err1 := strconv.ParseUint(string(f[3]), 16, 8)
	sendQ, recvQ, ok3 := bytes.Cut(f[4], []byte(":"))
	uid, err2 := strconv.ParseUint(string(f[7]), 10, 32)
	inode, err3 := strconv.ParseUint(string(f[9]), 10, 64)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || err3 != nil {
		return s, false
	}
	send, _ := strconv.ParseUint(string(sendQ), 16, 32)
	recv, _ := strconv.ParseUint(string(recvQ), 16, 32)
	return Socket{Local: local, Remote: remote, State: State(state), Inode: inode, UID: uint32(uid),
		SendQ: uint32(send), RecvQ: uint32(recv)}, true
}

// parseProcAddr reads "0100007F:138B": 32-bit words in the machine's own byte
// order (little endian on amd64 and arm64), then the port.
func parseProcAddr(b []byte) (netip.AddrPort, bool) {
	host, port, ok := bytes.Cut(b, []byte(":"))
	var raw [16]byte
	if !ok || len(host) > 32 {
		return netip.AddrPort{}, false
	}
	n, err := hex.Decode(raw[:], host)
	p, err2 := strconv.ParseUint(string(port), 16, 16)
	if err != nil || err2 != nil || (n != 4 && n != 16) {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	addr := netip.AddrFrom16(raw).Unmap()
	if n == 4 {
		addr = netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrPortFrom(addr, uint16(p)), true
}
