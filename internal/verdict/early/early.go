// Package early answers the commonest question that a container is asked,
// `aweigh-init health` while all is well, before the Go runtime has begun: to
// set that up takes longer than to ask.
//
// A program that is linked with
//
//	-ldflags "-E github.com/aweigh/aweigh/internal/verdict/early.entry"
//
// and imports this package begins here. If the command line is just "health",
// and the supervisor that is PID 1 of this PID namespace says that its service
// is healthy, the process ends with status 0. Whatever else is the case, down to
// a short read, is none of our business: the runtime begins as it always does,
// and package verdict asks again. Without the flag nothing of this is in the
// program, which does the same, only later.
//
// There is no runtime yet: no heap, no goroutine, no stack that grows. What runs
// here is marked nosplit, allocates nothing, calls nothing but the kernel, and
// writes to the two arrays below alone.
package early

import (
	"syscall"
	"unsafe"
)

// entry is where the kernel begins (entry_amd64.s, entry_arm64.s).
//
//lint:ignore U1000 only the linker names it
func entry()

// Written to before there is a runtime; neither holds a pointer.
var (
	name  [128]byte  // the supervisor's socket, as the kernel takes it: a sockaddr_un
	reply [4096]byte // what the supervisor says
)

// socketPrefix is that of [verdict.Listen], as are the namespace and the PID
// that follow it. The first byte says that the name is abstract.
const socketPrefix = "\x00aweigh/verdict/"

// patience is for one answer, in microseconds; who waits for it in vain asks
// again (and for as long) by package verdict.
const patience = 250_000

// Sizes and offsets of structures of the kernel, the same on both architectures.
const (
	familyBytes = 2  // sun_family
	timevalSize = 16 // struct timeval
	ucredSize   = 12 // struct ucred: pid, uid, gid
)

// answer ends the process with status 0 if it may. sp is where the kernel put
// the argument count, the arguments and the environment (execve(2), the System
// V ABI).
//
//go:nosplit
func answer(sp *uintptr) {
	if *sp != 2 || !is(at(sp, 2), "health") {
		return
	}
	var service, record uintptr // their values in the environment
	for i := uintptr(4); ; i++ {
		variable := at(sp, i)
		if variable == 0 {
			break
		}
		if v := after(variable, "AWEIGH_SERVICE="); v != 0 && service == 0 {
			service = v
		}
		if v := after(variable, "AWEIGH_RECORD="); v != 0 && record == 0 {
			record = v
		}
	}
	size := socketName()
	if size == 0 {
		return
	}
	fd, _, errno := syscall.RawSyscall6(syscall.SYS_SOCKET, syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0, 0, 0, 0)
	if errno != 0 {
		return
	}
	if n := ask(fd, size); n > 0 && says(n, service, record) {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
	syscall.RawSyscall6(syscall.SYS_CLOSE, fd, 0, 0, 0, 0, 0)
}

// at is the i-th word of the stack, from 0.
//
//go:nosplit
func at(sp *uintptr, i uintptr) uintptr {
	return *(*uintptr)(unsafe.Add(unsafe.Pointer(sp), i*unsafe.Sizeof(i)))
}

// char is a byte of a C string of the kernel's.
//
//go:nosplit
func char(s, i uintptr) byte {
	return *(*byte)(unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(&s)), i))
}

// is reports whether a C string is want.
//
//go:nosplit
func is(s uintptr, want string) bool {
	for i := range len(want) {
		if char(s, uintptr(i)) != want[i] {
			return false
		}
	}
	return char(s, uintptr(len(want))) == 0
}

// after is what follows prefix in a C string; 0 for another prefix, or nothing.
//
//go:nosplit
func after(s uintptr, prefix string) uintptr {
	for i := range len(prefix) {
		if char(s, uintptr(i)) != prefix[i] {
			return 0
		}
	}
	if char(s, uintptr(len(prefix))) == 0 {
		return 0
	}
	return s + uintptr(len(prefix))
}

// socketName puts the name of PID 1's socket together, and returns its size; 0
// where the kernel does not tell the namespace.
//
//go:nosplit
func socketName() uintptr {
	const link = "/proc/self/ns/pid\x00"
	const cwd = ^uintptr(99) // AT_FDCWD, -100
	n, _, errno := syscall.RawSyscall6(syscall.SYS_READLINKAT, cwd, uintptr(unsafe.Pointer(unsafe.StringData(link))),
		uintptr(unsafe.Pointer(&reply)), uintptr(len(reply)), 0, 0)
	const before, behind = "pid:[", "]" // pid:[4026531836]
	if errno != 0 || n <= uintptr(len(before)+len(behind)) || n > 32 {
		return 0
	}
	name[0], name[1] = syscall.AF_UNIX, 0 // both architectures are little-endian
	size := uintptr(familyBytes)
	size = put(size, socketPrefix)
	for i := uintptr(len(before)); i < n-uintptr(len(behind)); i++ {
		name[size%uintptr(len(name))] = reply[i%uintptr(len(reply))]
		size++
	}
	return put(size, "/1")
}

//go:nosplit
func put(at uintptr, text string) uintptr {
	for i := range len(text) {
		name[(at+uintptr(i))%uintptr(len(name))] = text[i]
	}
	return at + uintptr(len(text))
}

// ask reads the supervisor's answer into reply, and returns its length.
//
//go:nosplit
func ask(fd, size uintptr) uintptr {
	limit := [2]uintptr{0, patience} // struct timeval
	for option := uintptr(syscall.SO_RCVTIMEO); option <= syscall.SO_SNDTIMEO; option++ {
		syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, fd, syscall.SOL_SOCKET, option, uintptr(unsafe.Pointer(&limit)), timevalSize, 0)
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&name)), size, 0, 0, 0); errno != 0 {
		return 0
	}
	var peer [3]uint32 // struct ucred
	peerSize := uint32(ucredSize)
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED,
		uintptr(unsafe.Pointer(&peer)), uintptr(unsafe.Pointer(&peerSize)), 0); errno != 0 {
		return 0
	}
	// Anybody may bind a name in the abstract namespace (see trusted in package
	// verdict), but only one is PID 1 as it is seen from here.
	if peer[0] != 1 {
		return 0
	}
	if me, _, _ := syscall.RawSyscall6(syscall.SYS_GETEUID, 0, 0, 0, 0, 0, 0); peer[1] != 0 && me != 0 && uintptr(peer[1]) != me {
		return 0
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&reply)), uintptr(len(reply)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return n
}

// says reports whether the reply of n bytes is that the service of this name,
// with its record there, is healthy; 0 stands for any. It begins
//
//	{"ok":true,"service":"web","record":"/var/lib/aweigh",
//
// and a name that JSON would have to escape is not found in it.
//
//go:nosplit
func says(n, service, record uintptr) bool {
	i := expect(n, 0, `{"ok":true,"service":"`)
	if i = value(n, i, service); i == 0 {
		return false
	}
	i = expect(n, i, `,"record":"`)
	return value(n, i, record) != 0
}

// expect is where the reply goes on behind text, which must be at i; 0 if it is
// not.
//
//go:nosplit
func expect(n, i uintptr, text string) uintptr {
	for j := range len(text) {
		if i >= n || reply[i%uintptr(len(reply))] != text[j] {
			return 0
		}
		i++
	}
	return i
}

// value is where the reply goes on behind a string that ends with a quote, and
// is want if that is not 0; 0 if it is not.
//
//go:nosplit
func value(n, i, want uintptr) uintptr {
	if i == 0 {
		return 0
	}
	for j := uintptr(0); i < n; j++ {
		c := reply[i%uintptr(len(reply))]
		i++
		switch {
		case c == '\\':
			return 0
		case c == '"':
			if want != 0 && char(want, j) != 0 {
				return 0
			}
			return i
		case want != 0 && char(want, j) != c: // also at the end of want
			return 0
		}
	}
	return 0
}
