package kubernetes_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

// FuzzRead reads anything: it must not panic, must say where everything stands,
// and must be done in time. A document that yaml.v3 takes must never be refused
// because a place in it could not be found.
func FuzzRead(f *testing.F) {
	for _, u := range units() {
		for _, s := range u.Files {
			f.Add([]byte(s), false)
			f.Add([]byte(s), true)
		}
	}
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 4096 {
			f.Add(h.Data, false)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, json bool) {
		if len(data) > 1<<16 {
			return
		}
		c := cases()
		path := "a.yaml"
		if json {
			path = "a.json"
		}
		u := format.Unit{ID: "kubernetes:.", Format: kubernetes.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: data}}}
		begin := time.Now()
		rs, ds := kubernetes.New().Read(t.Context(), u)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), d)
		}
		formattest.Check(t, c, u, rs, ds)
		for _, d := range ds {
			if d.Message == "the place of a value could not be found" {
				t.Errorf("%v", d)
			}
		}
		for _, r := range rs {
			kubernetes.PodSpec(r.Root, r.Kind)
		}
	})
}
