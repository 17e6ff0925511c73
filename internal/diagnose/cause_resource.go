package diagnose

import (
	"slices"
	"strings"
)

var oomKilled = Entry{
	ID: "oom-killed", Family: "resource",
	What:    "The kernel killed a process because the container reached its memory limit.",
	How:     "The engine says OOMKilled; or a worker ended by signal 9 in a container with a limit.",
	Confirm: "docker inspect -f '{{.State.OOMKilled}} {{.HostConfig.Memory}}' {container}; dmesg | grep -i 'killed process'",
	Fix:     "Raise the limit, or make the service smaller: fewer workers, a heap that fits (-Xmx, --max-old-space-size, GOMEMLIMIT).",
	signs: []sign{
		{has: "perhaps out of memory|terminated due to signal 9|was sent sigkill|was terminated by signal 9|killed by signal 9|" +
			"exited on signal 9|memory cgroup out of memory|oom-kill|oomkilled|killed process|out of memory: kill|" +
			"terminated by signal 9|signal: killed|(signal 9)|exitcode: -9|signal 9 (sigkill)|died from signal 9|" +
			"exited with signal 9", not: "info success", score: .9},
		{has: "killed", score: .7, why: "A process was killed in a container with a memory limit.", when: func(s *scene, l int) bool {
			low := s.lines[l].low
			return s.memoryLimit() > 0 && (strings.TrimSpace(low) == "killed" || strings.Contains(low, " killed "))
		}},
	},
	judge: func(s *scene) opinion {
		if s.Inspect != nil && s.Inspect.State.OOMKilled && !s.serves() {
			return opinion{score: .985, why: "The engine says that the kernel killed it for want of memory.", lines: []Line{s.stateLine()}}
		}
		if s.Inspect == nil && s.ended && s.exit == 137 {
			return opinion{score: .45, why: "It ended by SIGKILL; whether memory was the reason is not known without an inspection.", lines: []Line{s.exitLine()}}
		}
		return opinion{}
	},
}

var heapExhausted = Entry{
	ID: "heap-exhausted", Family: "resource",
	What:    "The runtime's own memory limit was reached (Java's -Xmx, V8's old space, PHP's memory_limit, ulimit -v), not the container's.",
	How:     "The runtime says so.",
	Confirm: "docker logs {container} 2>&1 | grep -i -m 3 memory",
	Fix:     "Raise the runtime's limit (and keep it below the container's), or load less at the start.",
	signs: []sign{
		{has: "java heap space|heap exhausted|heap overflow|memory exhausted|out_of_memory|gc overhead limit exceeded|outofmemoryerror|heap out of memory|allowed memory size of|memoryerror|" +
			"outofmemoryexception|failed to allocate memory|runtime: out of memory|bad_alloc|eheap_alloc|direct buffer memory|" +
			"reached heap limit|ineffective mark-compacts|array buffer allocation failed|memory allocation of|" +
			"fatalprocessoutofmemory|invalid array length allocation|not enough memory|metaspace|out of memory!|out of memory in|" +
			"out of memory error|exit_on_out|exceeded memory limit|memory limit exceeded", not: "native thread|warn|unable to create|insufficient memory for the java runtime|initialize|info|maxmetaspacesize|cgroup|" +
			"commit_memory|shared_buffers", score: .94},
		{has: "stack limit|heap limit|memory limit|memory quota|stack size limit", and: "exceed|reached", not: "warn|info|cgroup", score: .9},
		{has: "out of memory", score: .9, when: func(s *scene, l int) bool { return strings.Trim(s.lines[l].low, " .!") == "out of memory" }},
	},
}

var memoryAllocFailed = Entry{
	ID: "memory-alloc-failed", Family: "resource",
	What:    "One large reservation of memory at the start was refused.",
	How:     "mmap, commit_memory or shmget failed with ENOMEM.",
	Confirm: "docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.ShmSize}} {{json .HostConfig.Ulimits}}' {container}; free -m",
	Fix:     "Make the reservation smaller (shared_buffers, innodb_buffer_pool_size, -Xms), or the limit larger (memory, shm_size, ulimit, vm.overcommit_memory).",
	signs: []sign{
		{errno: eNoMemory, score: .93, not: "fork|clone|thread"},
		{errno: eNoMemory, score: .8},
		{has: "could not reserve enough space|os::commit_memory|could not map anonymous shared memory|" +
			"insufficient memory for the java runtime|could not create shared memory|failed to map memory|mmap failed|" +
			"cannot allocate memory for the buffer pool|could not allocate|unable to allocate|failed to allocate|cannot allocate|" +
			"vm.max_map_count|max virtual memory areas|cannot map |could not map |unable to map |could not resize shared memory|shmget|out of memory allocating|mmap: |" +
			"failed to reserve|not enough memory to", not: "address|port|thread|ip |fd|descriptor|warn|network|pid|memory (nomemoryerror)", score: .85},
	},
}

var fdLimit = Entry{
	ID: "fd-limit", Family: "resource",
	What:    "The service may not open as many files and sockets as it wants.",
	How:     "A call failed with EMFILE or ENFILE, or the server could not raise its limit.",
	Confirm: "docker inspect -f '{{json .HostConfig.Ulimits}}' {container}; docker run --rm --entrypoint sh {image} -c 'ulimit -n'",
	Fix:     "Raise the limit (ulimits: nofile in the compose file), or make the server want less (maxconn, worker_connections); a number that only grows is a leak.",
	signs: []sign{
		{errno: eTooManyFiles, score: .96},
		{has: "cannot raise fd limit|fd limit|max file descriptors|file descriptors|open file limit|open files limit|rlimit_nofile|" +
			"setrlimit|ulimit -n|maxclients|nofile|open files|rlimit|file descriptor limit|maximum number of open files", and: "too low|cannot|can't|unable|failed|limit is|exceed|not enough|increase|insufficient|at least|unsuccessful", not: "warn|info|note|notice|could not increase number of max_open_files", score: .88, when: func(s *scene, l int) bool { return s.lines[l].level != calm && s.lines[l].level != warn }},
		// A shell moves what it keeps open to descriptors from 10 on (fcntl's
		// F_DUPFD), which is EINVAL, not EMFILE, beyond the limit.
		{has: "invalid argument|bad file descriptor", score: .9, why: "The limit of open files is lower than what a shell needs to begin.", when: func(s *scene, _ int) bool { return s.fewFiles(16) }},
	},
}

// fewFiles reports whether the container may have so few files open, or fewer.
func (s *scene) fewFiles(n int64) bool {
	if s.Inspect == nil {
		return false
	}
	return slices.ContainsFunc(s.Inspect.HostConfig.Ulimits, func(u Ulimit) bool { return u.Name == "nofile" && u.Soft > 0 && u.Soft <= n })
}

var pidsLimit = Entry{
	ID: "pids-limit", Family: "resource",
	What:    "The service may not start as many processes and threads as it wants. Java calls this OutOfMemoryError; it is no matter of the heap.",
	How:     "fork, clone or pthread_create failed with EAGAIN.",
	Confirm: "docker inspect -f '{{.HostConfig.PidsLimit}} {{json .HostConfig.Ulimits}}' {container}",
	Fix:     "Raise pids_limit (or the ulimit nproc), or start fewer workers and threads.",
	signs: []sign{
		{has: "unable to create native thread|unable to create new native thread|can't start new thread|cannot fork|can't fork|" +
			"fork: retry|fork failed|could not fork|unable to fork|pthread_create|failed to create new os thread|" +
			"unable to create worker thread|failed to spawn thread|failed to start thread|newosproc|failed to create thread|" +
			"can't create thread|cannot create thread|could not create thread|thread creation failed|error creating thread|" +
			"unable to create thread|failed to create a thread|couldn't create thread|unable to start thread|uv_thread_create|" +
			"can't create new thread|fork() failed|clone() failed|failed to fork|failed to start worker threads|" +
			"failed to create the native thread", not: "cannot fork rdb", score: .96},
		{errno: eAgain, score: .94, when: func(s *scene, l int) bool {
			return s.near(l, 8, 4, "_fork_exec|os.fork|start_new_thread|thread.start|spawn(|child_process")
		}},
		{errno: eAgain, score: .94, why: "A thread of C++ could not be made.", when: func(s *scene, l int) bool { return s.near(l, 1, 0, "'std::system_error'") }},
		{errno: eAgain, and: "fork|thread|clone|spawn|process|vfork|exec", not: "lock", score: .94},
	},
}
