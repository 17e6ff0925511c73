package proc

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/aweigh/aweigh/internal/procfs"
)

// maxTree bounds what one look at a tree costs.
const maxTree = 4096

// Tree returns the descendants of root, without root itself, parents before
// their children. What dies meanwhile is left out.
func Tree(root int) []Process {
	pids := Descendants(root)
	tree := make([]Process, 0, len(pids))
	for _, pid := range pids {
		if p, err := Read(pid); err == nil {
			tree = append(tree, p)
		}
	}
	return tree
}

// Descendants returns the pids of [Tree], for a few microseconds each.
func Descendants(root int) []int {
	pids, ok := byChildren(root)
	if !ok {
		return byParent(root)
	}
	return pids
}

// byChildren follows /proc/PID/task/TID/children, which knows the tree without
// a look at everyone else's processes; kernels without CONFIG_PROC_CHILDREN
// and gVisor have none.
func byChildren(root int) (pids []int, ok bool) {
	queue := []int{root}
	for i := 0; i < len(queue) && len(queue) < maxTree; i++ {
		dir := "/proc/" + strconv.Itoa(queue[i]) + "/task/"
		for _, tid := range numbers(dir) {
			raw, err := procfs.Read(dir+strconv.Itoa(tid)+"/children", maxChildren)
			if err != nil {
				if queue[i] == root && tid == root {
					return nil, false
				}
				continue
			}
			for _, pid := range childPIDs(raw) {
				// A process that changes its parent while we look may be met twice.
				if !slices.Contains(queue, pid) {
					queue = append(queue, pid)
				}
			}
		}
	}
	return queue[1:], true
}

// maxChildren is how much of a children file is read, in bytes.
const maxChildren = 64 << 10

// childPIDs reads a children file, "12 345 6789 ". Where it was cut short, what
// stands behind the last space is the beginning of a pid: another process's.
func childPIDs(raw []byte) (pids []int) {
	for f := range strings.FieldsSeq(string(raw[:bytes.LastIndexByte(raw, ' ')+1])) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// byParent finds the same by looking at the parent of every process there is.
func byParent(root int) []int {
	children := map[int][]int{}
	for _, pid := range numbers("/proc") {
		raw, err := procfs.Read("/proc/"+strconv.Itoa(pid)+"/stat", 4096)
		if err != nil {
			continue
		}
		if s, ok := parseStat(raw); ok {
			children[s.ppid] = append(children[s.ppid], pid)
		}
	}
	queue := []int{root}
	for i := 0; i < len(queue) && len(queue) < maxTree; i++ {
		queue = append(queue, children[queue[i]]...)
		delete(children, queue[i]) // reused pids must not make a circle
	}
	return queue[1:]
}

// numbers leaves out what cannot be read.
func numbers(dir string) []int {
	found, _ := procfs.Numbers(dir)
	return found
}
