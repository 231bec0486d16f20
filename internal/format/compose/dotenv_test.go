package compose_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
)

// TestVariablesBeside holds what the file .env beside a Compose file gives.
func TestVariablesBeside(t *testing.T) {
	const env = "# of all\nPLAIN=a # why\nexport DOUBLE=\"b #c\"\nSINGLE='d $x'\nEMPTY=\nMADE=${PLAIN}-1\nOPEN=\"goes\non\"\nnot a variable\n"
	for text, want := range map[string]string{
		"${PLAIN}": "a .env:2", "$PLAIN-x": "a-x .env:2", "${PLAIN:-z}": "a .env:2", "${PLAIN:?no}": "a .env:2", "${PLAIN:+set}": "set .env:2",
		"${DOUBLE}": "b #c .env:3", "${SINGLE}": "d $x .env:4",
		"${EMPTY}": " .env:5", "${EMPTY:-z}": "z .env:5", "${EMPTY-z}": " .env:5", "${EMPTY:+set}": " .env:5", "${EMPTY+set}": "set .env:5",
		"${MADE}": "? .env:6", "${OPEN}": "? .env:7", "${NONE}": "?", "${NONE:-z}": "z", "$NONE": "?", "${NONE+set}": "?",
		"${PLAIN}-${SINGLE}": "a-d $x .env:2 .env:4", "$$PLAIN": "$PLAIN",
	} {
		fsys := fstest.MapFS{
			"a/compose.yaml": {Data: []byte("services:\n  s:\n    image: '" + text + "'\n")},
			"a/.env":         {Data: []byte(env)},
		}
		rs, ds := compose.New().Read(t.Context(), format.Unit{ID: "compose:a", Format: compose.Name, Dir: "a", Files: []string{"a/compose.yaml"}, FS: fsys})
		if len(rs) != 1 || len(ds) != 0 {
			t.Fatalf("%s: %v %v", text, rs, ds)
		}
		n := rs[0].Root.Get("image")
		got := n.Str()
		if n.Unknown {
			got = "?"
		}
		for _, o := range n.Origins {
			got += fmt.Sprintf(" %s:%d", strings.TrimPrefix(o.File, "a/"), o.Start.Line)
		}
		if got != want {
			t.Errorf("%s gives %q, want %q", text, got, want)
		}
	}
}
