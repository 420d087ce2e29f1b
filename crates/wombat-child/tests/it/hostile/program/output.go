// Output, and no end.
package main

import (
	"fmt"
	"os"
	"os/signal"
)

func flood([]string) {
	block := make([]byte, 1<<16)
	for range 1 << 14 {
		os.Stdout.Write(block)
	}
	tell("flood", nil)
}

// Also deaf: nothing that asks it to end is heard.
func endless([]string) {
	signal.Ignore()
	fmt.Println("ready")
	for {
	}
}
