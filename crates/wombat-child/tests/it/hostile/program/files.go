// Files: their metadata, contents and descriptors.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

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

func descriptor(numbers []string) {
	fd, _ := strconv.Atoi(numbers[0])
	_, err := syscall.Pread(fd, make([]byte, 10), 0)
	tell("descriptor", err)
}

// More files at once than the limit of open ones.
func descriptors(arguments []string) {
	wanted, _ := strconv.Atoi(arguments[1])
	for opened := range wanted {
		if _, err := syscall.Open(arguments[0], syscall.O_RDONLY, 0); err != nil {
			tell(fmt.Sprint("a descriptor after ", opened), err)
			return
		}
	}
	tell("descriptors", nil)
}
