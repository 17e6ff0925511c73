package proc

import "syscall"

// archSyscallName names the older calls that only amd64 has.
func archSyscallName(number int) string {
	switch number {
	case syscall.SYS_OPEN:
		return "open"
	case syscall.SYS_CREAT:
		return "creat"
	case syscall.SYS_POLL:
		return "poll"
	case syscall.SYS_SELECT:
		return "select"
	case syscall.SYS_EPOLL_WAIT:
		return "epoll_wait"
	case syscall.SYS_VFORK:
		return "vfork"
	case syscall.SYS_PAUSE:
		return "pause"
	case syscall.SYS_STAT:
		return "stat"
	case syscall.SYS_LSTAT:
		return "lstat"
	case syscall.SYS_NEWFSTATAT:
		return "newfstatat"
	case 333:
		return "io_pgetevents"
	}
	return ""
}
