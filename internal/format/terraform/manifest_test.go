package terraform

import (
	"fmt"
	"strings"
	"testing"
)

// TestManifestsAreBounded reads a hundred documents whose aliases would bring in
// a hundred thousand values each: the unit's steps run out, and what was not read
// stays a text.
func TestManifestsAreBounded(t *testing.T) {
	bomb := "apiVersion: v1\nkind: Pod\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'h'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "resource \"kubectl_manifest\" \"a%d\" {\n  yaml_body = <<Y\n%sY\n}\n", i, bomb)
	}
	rs, ds := readOne(t, b.String())
	trees := 0
	for _, r := range rs {
		if r.Root.Get("yaml_body") != nil && r.Root.Get("yaml_body").Embedded != nil {
			trees++
		}
	}
	if trees > 0 || len(ds) == 0 {
		t.Errorf("%d of %d bombs were read, with %d diagnostics", trees, len(rs), len(ds))
	}
}
