package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
)

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString("Parameters:\n  P: {Type: String, Default: x}\nConditions:\n  C: !Equals [!Ref P, x]\nResources:\n")
	for i := range 200 {
		fmt.Fprintf(&text, "  R%d:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !Sub \"${P}-b\"\n      AccessControl: !If [C, Private, PublicRead]\n      Tags:\n        - {Key: a, Value: !Join [\"-\", [a, !Ref P]]}\n", i)
	}
	const path = "template.yaml"
	u := format.Unit{ID: "cloudformation:" + path, Format: cloudformation.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text.String())}}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := cloudformation.New().Read(b.Context(), u); len(rs) == 0 || len(ds) > 0 {
			b.Fatal(len(rs), ds)
		}
	}
}
