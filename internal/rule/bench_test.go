package rule

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func benchInput() *Input {
	it := tree(fields{"name", "app", "image", "a/b:1", "securityContext", fields{"privileged", false, "capabilities", fields{"drop", []any{"ALL"}}}})
	return &Input{It: it, Object: it, Resource: &resource.Resource{Kind: "Pod", Name: "p"}}
}

func BenchmarkFail(b *testing.B) {
	for _, bm := range []struct{ name, expr string }{
		{"optional", `it.?securityContext.?privileged.orValue(false) == true`},
		{"list", `!("ALL" in lst(it.?securityContext.?capabilities.?drop))`},
		{"image", `image(it.image).tag in ["", "latest"]`},
	} {
		for _, limited := range []bool{false, true} {
			name := bm.name
			if limited {
				name += "/limited"
			}
			b.Run(name, func(b *testing.B) {
				r := (&Rule{ID: "k8s/x", Limited: limited, Checks: []Check{{Platform: resource.Kubernetes, Fail: bm.expr, Message: "m"}}}).seal()
				p, err := r.Program(0)
				if err != nil {
					b.Fatal(err)
				}
				in := benchInput()
				b.ReportAllocs()
				for b.Loop() {
					if p.Fail(in).Violated {
						b.Fatal("violated")
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	r := &Rule{ID: "k8s/x", Checks: []Check{{
		Platform: resource.Kubernetes, Each: "containers", At: "securityContext.privileged",
		Fail: `it.?securityContext.?privileged.orValue(false) == true`, Message: "container {{ it.name }} of {{ resource.kind }} {{ resource.name }}",
	}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Program(0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEnvironment is what the first compilation costs once a process.
func BenchmarkEnvironment(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newEnvironment(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if r, _ := Parse("a.yaml", []byte(whole)); r == nil {
			b.Fatal("not read")
		}
	}
}
