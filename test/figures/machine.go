package figures

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine is this machine in general words.
func Machine() string {
	model := runtime.GOARCH
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpus)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	version := strings.SplitN(readWord("/proc/sys/kernel/osrelease"), ".", 3)
	return fmt.Sprintf("%d cores, %s, Linux %s", runtime.NumCPU(), model, strings.Join(version[:min(2, len(version))], "."))
}

// Load is how many processes wanted to run during the last minute.
func Load() float64 {
	text, _, _ := strings.Cut(readWord("/proc/loadavg"), " ")
	load, _ := strconv.ParseFloat(text, 64)
	return load
}

// CPU is what all threads of a living process have used so far. The kernel
// counts it in nanoseconds; /proc/PID/stat in hundredths of a second.
func CPU(pid int) (time.Duration, error) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var total time.Duration
	for _, file := range files {
		used, _, _ := strings.Cut(readWord(file), " ")
		n, err := strconv.ParseInt(used, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("this kernel does not count the time of threads: %w", err)
		}
		total += time.Duration(n)
	}
	if total == 0 {
		return 0, fmt.Errorf("pid %d has used no time, or this kernel does not count it", pid)
	}
	return total, nil
}

// CPUWithChildren is what a process has used, and the children that it has
// waited for, in hundredths of a second.
func CPUWithChildren(pid int) (time.Duration, error) {
	text := readWord(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, ok := strings.Cut(text, ") ") // the name may hold anything
	fields := strings.Fields(after)
	if !ok || len(fields) < 15 {
		return 0, fmt.Errorf("pid %d is not there", pid)
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all that Go runs on
	var total time.Duration
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime (proc(5), 14 to 17)
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// Memory is a line of /proc/PID/status in MiB: VmRSS, VmHWM.
func Memory(pid int, line string) Figure {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) >= 2 && f[0] == line+":" {
			n, _ := strconv.Atoi(f[1])
			return Figure(n) / 1024
		}
	}
	return None
}

// MS is a duration in milliseconds.
func MS(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// Median is the middle value.
func Median(values []float64) Figure { return Quantile(values, 0.5) }

// Quantile is the value below which a part q of all are.
func Quantile(values []float64, q float64) Figure {
	if len(values) == 0 {
		return None
	}
	sorted := slices.Sorted(slices.Values(values))
	return Figure(sorted[int(q*float64(len(sorted)-1)+0.5)])
}

func readWord(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}
