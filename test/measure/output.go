package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// way is one way of a service's output to standard output and into a file.
type way struct {
	what   string
	run    func(stdout *os.File) (cpu time.Duration, err error)
	file   func() (string, error) // where the output was kept
	perSec [2][]float64           // MB/s: to /dev/null, to a reader
	cpu    [2][]float64           // seconds for each GB, the talker's own among them
	direct bool                   // only the one or the other: the file, or the reader
}

// output moves a service's output to our own and into a file at once: the peer
// for both together is tee.
func (b *bench) output() error {
	kept, records := filepath.Join(b.dir, "kept"), filepath.Join(b.dir, "output")
	talker := []string{b.self, "play-talker", strconv.FormatInt(b.bytes, 10), ""}
	ways := []*way{
		{what: "straight into a file, to a reader (the limits)", direct: true, file: there(kept),
			run: func(stdout *os.File) (time.Duration, error) { return b.straight(talker, kept, stdout) }},
		{what: "| tee file", file: there(kept),
			run: func(stdout *os.File) (time.Duration, error) { return b.throughTee(talker, kept, stdout) }},
		{what: "aweigh-init run, with a record", file: func() (string, error) { return recorded(records) },
			run: func(stdout *os.File) (time.Duration, error) {
				return finish(exec.Command(b.init, append([]string{"run", "--record", records, "--keep-bytes", "64GiB", "--"}, talker...)...), stdout)
			}},
	}
	n := b.rounds(5, 3)
	for round := range n {
		for i := range ways {
			w := ways[(round+i)%len(ways)]
			for to := range w.perSec {
				took, cpu, err := b.move(w, to == 1)
				if err != nil {
					return fmt.Errorf("%s: %w", w.what, err)
				}
				w.perSec[to] = append(w.perSec[to], float64(b.bytes)/1e6/took.Seconds())
				w.cpu[to] = append(w.cpu[to], cpu.Seconds()*1e9/float64(b.bytes))
				os.Remove(kept)
				os.RemoveAll(records)
			}
		}
	}
	t := table{
		Title:   fmt.Sprintf("Output of %d MiB in lines of 100 bytes (medians of %d, by turns; each byte compared)", b.bytes>>20, n),
		Columns: []string{"MB/s to /dev/null", "÷ tee", "CPU s/GB", "MB/s to a reader", "÷ tee", "CPU s/GB"},
	}
	tee, ours := ways[1], ways[2]
	for _, w := range ways {
		r := row{What: w.what}
		for to := range w.perSec {
			r.Figures = append(r.Figures, median(w.perSec[to]), median(w.perSec[to])/median(tee.perSec[to]), median(w.cpu[to]))
		}
		t.Rows = append(t.Rows, r)
	}
	b.report.Tables = append(b.report.Tables, t)
	b.report.atLeast(2, "× tee", median(ours.perSec[0])/median(tee.perSec[0]), "output with a record, to /dev/null")
	return nil
}

// move moves the output once. The reader compares what it gets; the file is
// compared when the time is taken.
func (b *bench) move(w *way, reader bool) (took, cpu time.Duration, err error) {
	began := time.Now()
	if reader {
		cpu, err = b.toReader(w)
	} else {
		cpu, err = toNull(w)
	}
	took = time.Since(began)
	if err != nil {
		return 0, 0, err
	}
	if w.direct && reader {
		return took, cpu, nil
	}
	path, err := w.file()
	if err != nil {
		return 0, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	if err := talk(b.bytes).compare(f); err != nil {
		return 0, 0, fmt.Errorf("the file: %w", err)
	}
	return took, cpu, nil
}

func toNull(w *way) (cpu time.Duration, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return w.run(null)
}

func (b *bench) toReader(w *way) (cpu time.Duration, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	came := make(chan error, 1)
	go func() { came <- talk(b.bytes).compare(read) }()
	cpu, err = w.run(write)
	write.Close()
	if diff := <-came; diff != nil {
		return 0, errors.Join(err, fmt.Errorf("standard output: %w", diff))
	}
	return cpu, err
}

// straight is what nobody in between can beat: into a file where nobody reads,
// else to the reader alone.
func (b *bench) straight(talker []string, path string, stdout *os.File) (cpu time.Duration, err error) {
	if stdout.Name() == os.DevNull {
		if stdout, err = os.Create(path); err != nil {
			return 0, err
		}
		defer stdout.Close()
	}
	return finish(exec.Command(talker[0], talker[1:]...), stdout)
}

func (b *bench) throughTee(talker []string, path string, stdout *os.File) (cpu time.Duration, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	says := exec.Command(talker[0], talker[1:]...)
	says.Stdout = write
	err = says.Start()
	write.Close()
	if err != nil {
		read.Close()
		return 0, err
	}
	tee := exec.Command("tee", path)
	tee.Stdin = read
	cpu, err = finish(tee, stdout)
	read.Close()
	err = errors.Join(err, says.Wait())
	return cpu + cpuTime(says), err
}

func finish(cmd *exec.Cmd, stdout *os.File) (cpu time.Duration, err error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &said
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said.Bytes())
	}
	return cpuTime(cmd), nil
}

func there(path string) func() (string, error) {
	return func() (string, error) { return path, nil }
}

// recorded finds the output of the only start in a record directory.
func recorded(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "output*.log"))
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("%d files of output are recorded, not one", len(files))
	}
	if err != nil {
		return "", err
	}
	return files[0], nil
}
