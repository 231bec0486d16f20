package dockerfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestHostileInstructions(t *testing.T) {
	const n = 100_000
	r := strings.Repeat
	var doubling strings.Builder
	doubling.WriteString("ARG A0=0123456789\n")
	for i := 1; i < 64; i++ {
		fmt.Fprintf(&doubling, "ARG A%d=$A%d$A%d\n", i, i-1, i-1)
	}
	for _, c := range []struct {
		name, src string
		refused   bool // must give a diagnostic
	}{
		{"ONBUILD in ONBUILD", r("ONBUILD ", 8_000) + "RUN x\n", true},
		{"ONBUILD in ONBUILD over lines", r("ONBUILD \\\n", n) + "RUN x\n", true},
		{"defaults in defaults", "RUN <<A " + r("${a:-\\\n", n) + "\nA\n", true},
		{"defaults in defaults of an image", "FROM " + r("${a:-\\\n", n) + "\n", false},
		{"quotes in defaults", "RUN <<A " + r("\"${a:-'\\\n", n) + "\nA\n", true},
		{"brackets", "RUN " + r("[\\\n", n) + "\n", false},
		{"a long line", "RUN " + r("x", 1<<20) + "\n", true},
		{"a long instruction", "RUN " + r("x y \\\n", n) + "z\n", false},
		{"many pairs", "ENV " + r("a=b \\\n", n) + "c=d\n", false},
		{"many flags", "COPY " + r("--a=b \\\n", n) + "c d\n", false},
		{"many instructions", r("RUN x\n", 300_000), true},
		{"many stages", r("FROM a AS b\n", 100_000), true},
		{"many mistakes", r("RNU x\n", 300_000), true},
		{"many heredocs", "RUN " + r("<<A \\\n", n) + "\n" + r("A\n", n), false},
		{"heredocs without end", r("RUN <<A\n", n), true},
		{"doubled arguments", doubling.String() + "FROM $A63\n", false},
		{"many global arguments", "ARG b\nFROM $b\n" + r("ARG "+r("a ", 200)+"\n", 4_000), true},
		{"stages on stages", "FROM x AS b\nENV " + r("a=b ", 1000) + "\n" + r("FROM b AS b\nENV c=$a\n", 2_000), false},
		{"own argument", "ARG A=$A\nARG A=$A\nFROM $A\n", false},
		{"unset arguments", "FROM " + r("$A/", 1000) + "\n", false},
		{"escapes", "RUN " + r("\\ ", 30_000) + "\n", false},
		{"patterns", "ARG A=" + r("a", 4000) + "\nFROM ${A/*a*a*a*a*a*a*a*a/b}${A#*a*a*a*a}${A%%*a*a*a}\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			u := unitOf("FROM first:1\n" + c.src)
			if strings.HasPrefix(c.src, "ARG") {
				u = unitOf(c.src)
			}
			rs, ds := New().Read(t.Context(), u)
			if d := time.Since(begin); d > 15*time.Second {
				t.Errorf("took %v", d)
			}
			if c.refused && len(ds) == 0 {
				t.Error("no diagnostic")
			}
			if len(rs) != 1 {
				t.Fatalf("%d resources, %v", len(rs), ds)
			}
			formattest.Check(t, cases(), u, rs, ds)
			resource.Walk(rs[0].Root, func(p resource.Path, n *resource.Node) bool {
				if len(p) == 0 || p[len(p)-1].Name != "from" {
					return true
				}
				if len(n.Get("repository").Str()) > maxValue {
					t.Errorf("an image's name has %d bytes", len(n.Get("repository").Str()))
				}
				return true
			})
		})
	}
}
