// Memory, by every way that takes it.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

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

// What a limit refuses after it took something counts as an end.
func give(what string, taken int, err error) {
	if err != nil && taken > 0 {
		fmt.Printf("ended: %s after %d MiB: %v\n", what, taken>>20, err)
		os.Exit(3)
	}
	tell(fmt.Sprint(what, " ", taken>>20, " MiB"), err)
}

// Private mappings, kept in memory.
func mappings(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	const step = 16 << 20
	taken := 0
	var err error
	for err == nil && taken < size {
		var pages []byte
		pages, err = mapped(step, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
		if err == nil {
			for at := 0; at < step; at += 4096 {
				pages[at] = 1
			}
			taken += step
		}
	}
	give("mappings", taken, err)
}

// The stack of a function that calls itself.
func stack(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	debug.SetMaxStack(4 * size)
	const frame = 1 << 12
	tell(fmt.Sprint("stack ", deeper(size/frame)), nil)
}

//go:noinline
func deeper(left int) int {
	var frame [1 << 12]byte
	frame[left&0xfff] = byte(left)
	if left == 0 {
		return int(frame[7])
	}
	return deeper(left-1) + int(frame[left&0xff])
}

// Files that are in memory: without a name, and in /dev/shm.
func memoryFiles(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	signal.Ignore(syscall.SIGXFSZ)
	fd, _, errno := syscall.RawSyscall(number(319, 279), text("hostile"), 0, 0)
	fill("memfd", int(fd), errno, size)
	name := "/dev/shm/hostile-" + strconv.Itoa(os.Getpid())
	file, err := syscall.Open(name, syscall.O_CREAT|syscall.O_RDWR, 0o600)
	os.Remove(name)
	errno, _ = err.(syscall.Errno)
	fill("/dev/shm", file, errno, size)
}

func fill(what string, fd int, errno syscall.Errno, size int) {
	if errno != 0 {
		tell(what, errno)
		return
	}
	tell(what+" by its size", syscall.Ftruncate(fd, int64(size)))
	tell(what+" by its room", syscall.Fallocate(fd, 0, 0, int64(size)))
	block := make([]byte, 1<<20)
	for written := 0; written < size; {
		count, err := syscall.Write(fd, block)
		if err != nil {
			tell(what+" by its content", err)
			return
		}
		written += count
	}
	tell(what+" by its content", nil)
}

// Segments of System V, which belong to no process.
func segments(sizes []string) {
	size, _ := strconv.Atoi(sizes[0])
	const step, remove = 16 << 20, 0
	for taken := 0; taken < size; taken += step {
		segment, _, errno := syscall.RawSyscall(number(29, 194), 0, step, 0o1600)
		if errno != 0 {
			give("segments", taken, errno)
			return
		}
		at, _, errno := syscall.RawSyscall(number(30, 196), segment, 0, 0)
		// It ends with this process; otherwise it would stay for good.
		syscall.RawSyscall(number(31, 195), segment, remove, 0)
		if errno != 0 {
			give("segments", taken, errno)
			return
		}
		pages := unsafe.Slice((*byte)(unsafe.Pointer(at)), step)
		for at := 0; at < step; at += 4096 {
			pages[at] = 1
		}
	}
	tell("segments", nil)
}
