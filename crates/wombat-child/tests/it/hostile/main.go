// A program that tries to do what a finished binary mustn't. Its first argument names the attempt; each thing that
// worked is a line `got in: …`, each that didn't a line `refused: …`.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	attempt, rest := os.Args[1], os.Args[2:]
	attempts := map[string]func([]string){
		"read": read, "metadata": metadata, "files": files, "sockets": sockets, "shared": shared,
		"threads": threads, "processes": processes, "descriptor": descriptor, "proc": proc, "signals": signals,
		"calls": calls, "memory": memory, "shared-memory": sharedMemory, "tables": tables, "flood": flood, "endless": endless,
	}
	attempts[attempt](rest)
}

func tell(what string, err error) {
	if err != nil {
		fmt.Printf("refused: %s: %v\n", what, err)
	} else {
		fmt.Printf("got in: %s\n", what)
	}
}

// The same for a system call by its number.
func call(what string, number uintptr, arguments ...uintptr) uintptr {
	var a [6]uintptr
	copy(a[:], arguments)
	result, _, errno := syscall.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno == 0 {
		tell(what, nil)
	} else {
		tell(what, errno)
	}
	return result
}

// The number of a call that package syscall doesn't name.
func number(amd64, arm64 uintptr) uintptr {
	if runtime.GOARCH == "arm64" {
		return arm64
	}
	return amd64
}

func text(s string) uintptr {
	return uintptr(unsafe.Pointer(unsafe.StringData(s + "\x00")))
}

// The honest one: it does what a lint does.
func read(paths []string) {
	done := make(chan []byte)
	go func() {
		content, err := os.ReadFile(paths[0])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		done <- content
	}()
	runtime.GC()
	time.Sleep(time.Millisecond)
	os.Stdout.Write(<-done)
}

func metadata(paths []string) {
	for _, path := range paths {
		tell("chmod", os.Chmod(path, 0o000))
		tell("chown", os.Chown(path, os.Getuid(), os.Getgid()))
		tell("utime", os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
		tell("xattr", syscall.Setxattr(path, "user.hostile", []byte("x"), 0))
		tell("removexattr", syscall.Removexattr(path, "user.hostile"))
	}
}

func files(folders []string) {
	for _, folder := range folders {
		file := folder + "/hostile"
		handle, err := os.Create(file)
		tell("create", err)
		if err == nil {
			_, err = handle.WriteString("hostile")
			tell("write", err)
		}
		tell("rename", os.Rename(folder+"/secret", folder+"/stolen"))
		tell("link", os.Link(folder+"/secret", folder+"/linked"))
		tell("symlink", os.Symlink("/", folder+"/symlink"))
		tell("mkdir", os.Mkdir(folder+"/folder", 0o777))
		tell("mkfifo", syscall.Mkfifo(folder+"/fifo", 0o777))
		tell("truncate", os.Truncate(folder+"/secret", 0))
		tell("remove", os.Remove(folder+"/secret"))
		_, err = os.ReadFile(folder + "/secret")
		tell("read", err)
		_, err = os.ReadDir(folder)
		tell("list", err)
	}
}

// Every kind of socket, and what listens outside: a stream and a datagram socket.
func sockets(paths []string) {
	for family := 1; family < 46; family++ {
		for _, kind := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM, syscall.SOCK_RAW, syscall.SOCK_SEQPACKET} {
			fd, err := syscall.Socket(family, kind, 0)
			tell(fmt.Sprint("socket ", family, " ", kind), err)
			if err == nil {
				syscall.Close(fd)
			}
		}
	}
	_, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	tell("socketpair", err)
	for at, kind := range []int{syscall.SOCK_STREAM, syscall.SOCK_DGRAM} {
		fd, err := syscall.Socket(syscall.AF_UNIX, kind, 0)
		if err == nil {
			err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: paths[at]})
		}
		if err == nil {
			_, err = syscall.Write(fd, []byte("hostile"))
		}
		tell("connect "+paths[at], err)
	}
}

func shared([]string) {
	call("memfd_create", number(319, 279), text("hostile"), 0)
	// Where it works, it would stay for good.
	segment := call("shmget", number(29, 194), 0, 1<<20, 0o1600)
	syscall.RawSyscall(number(31, 195), segment, 0, 0)
	queue := call("msgget", number(68, 186), 0, 0o1600)
	syscall.RawSyscall(number(71, 187), queue, 0, 0)
	semaphore := call("semget", number(64, 190), 0, 1, 0o1600)
	syscall.RawSyscall(number(66, 191), semaphore, 0, 0)
	call("mq_open", number(240, 180), text("hostile"), syscall.O_CREAT|syscall.O_RDWR, 0o600, 0)
	syscall.RawSyscall(number(241, 181), text("hostile"), 0, 0)
	file := "/dev/shm/hostile-" + strconv.Itoa(os.Getpid())
	_, err := os.Create(file)
	tell("/dev/shm", err)
	os.Remove(file)
	_, err = mapped(1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	tell("mmap", err)
	const growsdown, hugetlb = 0x100, 0x40000
	_, err = mapped(1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|growsdown)
	tell("a mapping that grows", err)
	// Fails as well where the machine has no such pages.
	_, err = mapped(1<<21, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|hugetlb)
	tell("huge pages", err)
}

func mapped(size, protection, flags int) ([]byte, error) {
	return syscall.Mmap(-1, 0, size, protection, flags|syscall.MAP_ANON)
}

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

func descriptor(numbers []string) {
	fd, _ := strconv.Atoi(numbers[0])
	_, err := syscall.Pread(fd, make([]byte, 10), 0)
	tell("descriptor", err)
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

func memory(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	const step = 1 << 20
	var kept [][]byte
	for len(kept)*step < size {
		block := make([]byte, step)
		for at := 0; at < step; at += 4096 {
			block[at] = 1
		}
		kept = append(kept, block)
	}
	tell(fmt.Sprint("memory ", len(kept)), nil)
}

// Memory that stays when the process doesn't map it any more.
func sharedMemory(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	pages, err := mapped(size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	const step = 1 << 20
	for at := 0; err == nil && at < size; at += 4096 {
		pages[at] = 1
		if at%step == 0 && at > 0 {
			err = syscall.Madvise(pages[at-step:at], syscall.MADV_DONTNEED)
		}
	}
	tell("shared memory", err)
}

// Page tables of pages that all are the same page of zeros.
func tables(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	const step = 2 << 20
	const noreserve, nohugepage = 0x4000, 15
	pages, err := mapped(size/4096*step, syscall.PROT_READ, syscall.MAP_PRIVATE|noreserve)
	if err == nil {
		syscall.Madvise(pages, nohugepage)
		for at := 0; at < len(pages); at += step {
			size += int(pages[at])
		}
	}
	// Prints what was read: otherwise the compiler leaves out the reads.
	tell(fmt.Sprint("page tables ", size), err)
}

func flood([]string) {
	block := make([]byte, 1<<16)
	for range 1 << 14 {
		os.Stdout.Write(block)
	}
	tell("flood", nil)
}

func endless([]string) {
	fmt.Println("ready")
	for {
	}
}
