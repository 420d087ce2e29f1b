// A program that tries to do what a finished binary mustn't. Its first argument names the attempt; each thing that
// worked is a line `got in: …`, each that didn't a line `refused: …`.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	attempts := map[string]func([]string){
		"read": read, "metadata": metadata, "files": files, "sockets": sockets, "shared": shared,
		"threads": threads, "processes": processes, "bomb": bomb, "forks": forks, "descriptor": descriptor,
		"descriptors": descriptors, "proc": proc, "signals": signals, "calls": calls, "memory": memory,
		"mappings": mappings, "stack": stack, "shared-memory": sharedMemory, "memory-files": memoryFiles,
		"segments": segments, "tables": tables, "flood": flood, "endless": endless,
	}
	attempts[os.Args[1]](os.Args[2:])
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
