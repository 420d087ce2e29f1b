// Threads and processes, signals, and calls that change the machine.
package main

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func threads(count []string) {
	wanted, _ := strconv.Atoi(count[0])
	var started atomic.Int64
	for range wanted {
		go func() {
			runtime.LockOSThread()
			started.Add(1)
			select {}
		}()
	}
	for started.Load() < int64(wanted) {
		time.Sleep(time.Millisecond)
	}
	tell("threads", nil)
}

func processes([]string) {
	_, err := syscall.ForkExec("/proc/self/exe", []string{"hostile", "none"}, nil)
	tell("fork and exec", err)
	const newThread, newUser, newPid = 0x50f00, 0x10000000, 0x20000000
	for what, flags := range map[string]uintptr{
		"clone":                0,
		"clone with a user":    newUser,
		"clone with processes": newPid,
		"thread with a user":   newThread | newUser,
	} {
		child, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if errno == 0 && child == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno == 0 {
			tell(what, nil)
		} else {
			tell(what, errno)
		}
	}
	if runtime.GOARCH == "amd64" {
		child, _, errno := syscall.RawSyscall(57, 0, 0, 0)
		if errno == 0 && child == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno == 0 {
			tell("fork", nil)
		} else {
			tell("fork", errno)
		}
	}
	for _, program := range []string{"/bin/sh", "/proc/self/../1/exe"} {
		tell("become "+program, syscall.Access(program, 1))
	}
	tell("become a shell", syscall.Exec("/bin/sh", []string{"sh", "-c", "echo got in: a shell"}, nil))
}

func proc(pids []string) {
	for _, pid := range append(pids, "self", "1", "thread-self") {
		for _, file := range []string{"environ", "cmdline", "maps", "status", "mem", "fd"} {
			_, err := os.Open("/proc/" + pid + "/" + file)
			tell("/proc/"+pid+"/"+file, err)
		}
	}
	tell("oom_score_adj", os.WriteFile("/proc/self/oom_score_adj", []byte("0"), 0))
}

// SIGCONT does nothing to a process that runs, and neither do the others: they would harm the test where they work.
func signals(pids []string) {
	pid, _ := strconv.Atoi(pids[0])
	tell("kill", syscall.Kill(pid, syscall.SIGCONT))
	tell("kill its parent", syscall.Kill(syscall.Getppid(), syscall.SIGCONT))
	tell("kill its group", syscall.Kill(0, syscall.SIGCONT))
	call("tgkill", syscall.SYS_TGKILL, uintptr(pid), uintptr(pid), uintptr(syscall.SIGCONT))
	call("tkill", syscall.SYS_TKILL, uintptr(pid), uintptr(syscall.SIGCONT))
	call("pidfd_open", 434, uintptr(pid), 0)
	call("getpriority", syscall.SYS_GETPRIORITY, 0, uintptr(pid))
	call("prlimit", number(302, 261), uintptr(pid), syscall.RLIMIT_NOFILE, 0, 0)
	call("its own size limit", number(302, 261), 0, syscall.RLIMIT_FSIZE, 0, 0)
	call("F_SETOWN", syscall.SYS_FCNTL, 1, syscall.F_SETOWN, uintptr(pid))
	call("process_vm_readv", number(310, 270), uintptr(pid))
	call("ptrace", syscall.SYS_PTRACE, syscall.PTRACE_DETACH, uintptr(pid))
}

// Calls that change the machine or that sandboxes were left by. With these arguments most fail in any case, each in its
// own way, but never with EPERM.
func calls([]string) {
	call("unshare", syscall.SYS_UNSHARE, 0)
	call("setns", number(308, 268), ^uintptr(0))
	call("io_uring_setup", 425, 1, 0)
	call("bpf", number(321, 280), 999)
	call("userfaultfd", number(323, 282), 999)
	call("perf_event_open", number(298, 241), 0)
	call("keyctl", number(250, 219), 999)
	call("mount", syscall.SYS_MOUNT, 0, 0, 0, 0, 0)
	call("inotify_init1", syscall.SYS_INOTIFY_INIT1, 0)
	call("pipe2", syscall.SYS_PIPE2, 0, 0)
	call("ioctl", syscall.SYS_IOCTL, 0, 0, 0)
	call("personality", syscall.SYS_PERSONALITY, 0)
	call("seccomp", number(317, 277), 999)
	call("chroot", syscall.SYS_CHROOT, 0)
	// A length without a name: an empty one would be set.
	call("sethostname", syscall.SYS_SETHOSTNAME, 0, 1)
	call("timer_create", number(222, 107), 999, 0, 0)
	call("mremap", syscall.SYS_MREMAP, 0, 0, 0, 0, 0)
	call("statfs", syscall.SYS_STATFS, 0, 0)
	call("clone3", 435, 0, 0)
}

// How long a bomb lives. It has a fuse, so that a sandbox with a hole costs no machine: it ends by itself, and stops
// doubling after as many times as it is told.
const fuse = 20 * time.Second

// Programs that start themselves twice, each in a session of its own.
func bomb(arguments []string) {
	left, _ := strconv.Atoi(arguments[0])
	begun := time.Now()
	for range 2 {
		if left == 0 {
			break
		}
		rest := []string{"hostile", "bomb", strconv.Itoa(left - 1)}
		files := []uintptr{0, 1, 2}
		_, err := syscall.ForkExec("/proc/self/exe", rest, &syscall.ProcAttr{Files: files, Sys: &syscall.SysProcAttr{Setsid: true}})
		if err != nil {
			tell("a program that starts itself", err)
			return
		}
	}
	time.Sleep(fuse - time.Since(begun))
	tell("programs that start themselves", nil)
}

// Processes that double without starting anything, which is faster.
func forks(arguments []string) {
	left, _ := strconv.Atoi(arguments[0])
	// In the children there is no Go runtime any more: they make system calls and nothing else.
	nap := syscall.Timespec{Sec: int64(fuse.Seconds())}
	child := false
	var refused syscall.Errno
	for ; left > 0 && refused == 0; left-- {
		var pid uintptr
		pid, _, refused = syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		child = child || refused == 0 && pid == 0
	}
	for left := uintptr(unsafe.Pointer(&nap)); refused == 0 || child; {
		// What is left of the time, if a signal wakes it.
		if _, _, errno := syscall.RawSyscall(syscall.SYS_NANOSLEEP, left, left, 0); errno != syscall.EINTR {
			break
		}
	}
	if child {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	if refused != 0 {
		tell("forks", refused)
	} else {
		tell("forks", nil)
	}
}
