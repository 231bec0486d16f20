package project

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzKustomization: reading what a kustomization names neither fails nor names
// a place that is not a clean path in the tree.
func FuzzKustomization(f *testing.F) {
	f.Add([]byte("patches: [{path: a.yaml}]\npatchesStrategicMerge: [b.yaml, \"a: b\\n\"]\n"))
	f.Add([]byte("resources: [../base, a.yaml, https://x/y]\nconfigMapGenerator: [{files: [a=b, c], envs: [d]}]\n"))
	f.Add([]byte("a: &a [*a]\npatches: *a\n"))
	f.Add([]byte("patches: {path: [}"))
	f.Add([]byte("patches:\n  - path: ../../../etc/passwd\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k := readKustomization(fstest.MapFS{"d/kustomization.yaml": {Data: data}}, "d/kustomization.yaml")
		for _, name := range append(k.uses, k.files...) {
			if name != path.Clean(name) || !fs.ValidPath(name) || strings.Contains(name, "\n") {
				t.Errorf("%q is no clean path", name)
			}
		}
	})
}
