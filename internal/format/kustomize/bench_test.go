package kustomize_test

import (
	"testing"
	"testing/fstest"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
)

// patched are the two ways to patch, which cost differently: where a JSON patch
// is, the unit is built twice.
var patched = []struct {
	name       string
	operations bool
}{{"merge", false}, {"json", true}}

// BenchmarkOverlays reads 5 overlays over 20 resources.
func BenchmarkOverlays(b *testing.B) {
	for _, p := range patched {
		b.Run(p.name, func(b *testing.B) {
			units := shop(5, 20, p.operations)
			b.ReportAllocs()
			for b.Loop() {
				for _, u := range units {
					if rs, ds := kustomize.New().Read(b.Context(), u); len(rs) != 21 || len(ds) > 0 {
						b.Fatal(len(rs), ds)
					}
				}
			}
		})
	}
}

// BenchmarkLibrary builds the same with kustomize's library alone.
func BenchmarkLibrary(b *testing.B) {
	for _, p := range patched {
		b.Run(p.name, func(b *testing.B) {
			units := shop(5, 20, p.operations)
			b.ReportAllocs()
			for b.Loop() {
				for _, u := range units {
					library(b, u)
				}
			}
		})
	}
}

func library(b *testing.B, u format.Unit) {
	fsys := filesys.MakeFsInMemory()
	for name, f := range u.FS.(fstest.MapFS) {
		if err := fsys.WriteFile("/"+name, f.Data); err != nil {
			b.Fatal(err)
		}
	}
	opt := krusty.MakeDefaultOptions()
	opt.LoadRestrictions = types.LoadRestrictionsNone
	m, err := krusty.MakeKustomizer(opt).Run(fsys, "/"+u.Dir)
	if err != nil || m.Size() != 21 {
		b.Fatal(err)
	}
}
