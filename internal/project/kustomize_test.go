package project_test

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// TestPatchesAreNotManifests: what a kustomization names as a patch, in any of
// the ways, is named as not evaluated; its resources are manifests as before.
func TestPatchesAreNotManifests(t *testing.T) {
	fsys := tree(
		"base/kustomization.yaml", "resources: [pod.yaml]\n",
		"base/pod.yaml", pod,
		"overlays/prod/kustomization.yml", `resources: [../../base, extra.yaml]
patches:
  - path: one.yaml
  - patch: |
      apiVersion: v1
patchesStrategicMerge:
  - patches/two.yaml
  - |
    apiVersion: v1
patchesJson6902:
  - {path: three.yaml, target: {kind: Pod, name: a}}
`,
		"overlays/prod/one.yaml", pod, "overlays/prod/patches/two.yaml", pod, "overlays/prod/three.yaml", "- {op: remove, path: /a}\n",
		"overlays/prod/extra.yaml", pod,
		"overlays/broken/kustomization.yaml", "patches: [\n", "overlays/broken/p.yaml", pod,
	)
	us, ds := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	check(t, "units", show(us), `kubernetes:base base [base/pod.yaml]
kubernetes:overlays/broken overlays/broken [overlays/broken/p.yaml]
kubernetes:overlays/prod overlays/prod [overlays/prod/extra.yaml]
`)
	check(t, "diagnostics", said(ds), `warning overlays/prod/one.yaml: is a patch of overlays/prod/kustomization.yml: overlays are not evaluated until they are built [overlays/prod/one.yaml]
warning overlays/prod/patches/two.yaml: is a patch of overlays/prod/kustomization.yml: overlays are not evaluated until they are built [overlays/prod/patches/two.yaml]
`)
}
