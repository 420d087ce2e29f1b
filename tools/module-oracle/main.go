// Says what Go thinks of paths and versions, for a test that compares our own parsers with it.
//
// Each line of standard input is a JSON array: a kind and one or two texts. Each answer is a line: "true", "false" or,
// for "compare", a number.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for input.Scan() {
		var question []string
		if err := json.Unmarshal(input.Bytes(), &question); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(output, answer(question[0], question[1:]))
	}
}

func answer(kind string, texts []string) any {
	switch kind {
	case "import":
		return module.CheckImportPath(texts[0]) == nil
	case "module":
		return module.CheckPath(texts[0]) == nil
	case "version":
		return texts[0] != "" && module.CanonicalVersion(texts[0]) == texts[0]
	case "pair":
		return module.Check(texts[0], texts[1]) == nil
	case "compare":
		return semver.Compare(texts[0], texts[1])
	}
	panic("an unknown kind: " + kind)
}
