package proc

import "syscall"

// archSyscallName names the calls whose number or name differs on arm64, which
// has none of the older ones (open, poll, select, epoll_wait, pause).
func archSyscallName(number int) string {
	switch number {
	case syscall.SYS_FSTATAT:
		return "newfstatat"
	case 292:
		return "io_pgetevents"
	}
	return ""
}
