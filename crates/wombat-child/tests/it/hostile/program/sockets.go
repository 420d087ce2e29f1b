// Sockets of all families.
package main

import (
	"fmt"
	"syscall"
)

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
