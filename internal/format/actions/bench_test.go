package actions_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
)

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString("on: push\njobs:\n")
	for i := range 200 {
		fmt.Fprintf(&text, "  j%d:\n    runs-on: ${{ matrix.os }}\n    steps:\n      - uses: actions/checkout@v4\n      - name: Test\n        run: |\n          make test\n          make lint\n", i)
	}
	const path = ".github/workflows/ci.yml"
	u := format.Unit{ID: "actions:" + path, Format: actions.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text.String())}}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := actions.New().Read(b.Context(), u); len(rs) == 0 || len(ds) > 0 {
			b.Fatal(len(rs), ds)
		}
	}
}
