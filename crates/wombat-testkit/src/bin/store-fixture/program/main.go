// What the builds of the fixture "link": a program with real build info, which lists its components as a real one does.
package main

import (
	"fmt"
	"os"

	"golang.org/x/mod/semver"
)

// Set by the linker.
var (
	version    = "v4.105.0"
	processors = ""
)

const listing = `{"config":[],"buffers":[],"caches":[],"inputs":[],"outputs":[],"processors":[%s],"rate-limits":[],` +
	`"metrics":[],"tracers":[],"scanners":[],"bloblang-functions":[],"bloblang-methods":[]}`

func main() {
	if len(os.Args) > 1 && os.Args[1] == "list" {
		text := ""
		if processors != "" {
			text = `{"name":"` + processors + `","status":"stable","summary":"Makes a message louder.",` +
				`"config":{"type":"object","kind":"scalar","children":[{"name":"times","type":"int","kind":"scalar",` +
				`"description":"How much louder.","default":1}]}}`
		}
		fmt.Printf(listing+"\n", text)
		return
	}
	fmt.Println(semver.Canonical(version))
}
