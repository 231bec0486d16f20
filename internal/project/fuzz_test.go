package project

import (
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzKustomization: reading what a kustomization calls its patches neither
// fails nor names a place that is not a clean path.
func FuzzKustomization(f *testing.F) {
	f.Add([]byte("patches: [{path: a.yaml}]\npatchesStrategicMerge: [b.yaml, \"a: b\\n\"]\n"))
	f.Add([]byte("a: &a [*a]\npatches: *a\n"))
	f.Add([]byte("patches: {path: [}"))
	f.Add([]byte("patches:\n  - path: ../../../etc/passwd\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name := range readPatches(fstest.MapFS{"d/kustomization.yaml": {Data: data}}, "d/kustomization.yaml") {
			if name != path.Clean(name) || strings.Contains(name, "\n") {
				t.Errorf("%q is no clean path", name)
			}
		}
	})
}
