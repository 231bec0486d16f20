package compose_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
)

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString("x-a: &a\n  restart: always\nservices:\n  base:\n    image: x:1\n    cap_drop: [ALL]\n")
	for i := range 200 {
		fmt.Fprintf(&text, "  s%d:\n    <<: *a\n    extends: base\n    image: registry.example.com/x:${TAG:-1.2}\n    environment:\n      LEVEL: info\n    volumes:\n      - ./a:/b:ro\n", i)
	}
	const path = "compose.yaml"
	u := format.Unit{ID: "compose:" + path, Format: compose.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text.String())}}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := compose.New().Read(b.Context(), u); len(rs) == 0 || len(ds) > 0 {
			b.Fatal(len(rs), ds)
		}
	}
}
