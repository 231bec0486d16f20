package kustomize_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
)

// unfollowed is a tree whose links are not followed, as those of repositories.
type unfollowed struct{ fstest.MapFS }

func (u unfollowed) Stat(name string) (fs.FileInfo, error) { return u.Lstat(name) }

// TestHostile: what multiplies, nests, or leads out of the tree ends in one
// diagnostic before anything is built.
func TestHostile(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	doubled := fstest.MapFS{"0/kustomization.yaml": file("resources: [pod.yaml]\n"), "0/pod.yaml": file(pod)}
	nested := fstest.MapFS{"0/kustomization.yaml": file("resources: [pod.yaml]\n"), "0/pod.yaml": file(pod)}
	for i := 1; i < 40; i++ {
		for _, side := range [2]string{"a", "b"} {
			doubled[fmt.Sprintf("%d%s/kustomization.yaml", i, side)] = file(fmt.Sprintf("namePrefix: %s-\nresources: [../%d]\n", side, i-1))
		}
		doubled[fmt.Sprintf("%d/kustomization.yaml", i)] = file(fmt.Sprintf("resources: [../%da, ../%db]\n", i, i))
		nested[fmt.Sprintf("%d/kustomization.yaml", i)] = file(fmt.Sprintf("resources: [../%d]\n", i-1))
	}
	long := fstest.MapFS{"a/kustomization.yaml": file("resources: [big.yaml]\n")}
	long["a/big.yaml"] = file(strings.Repeat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n", 20_000))
	for _, tt := range []struct {
		name, dir, want string
		tree            fstest.MapFS
	}{
		{"doubling", "14", "builds more than", doubled},
		{"nesting", "39", "deep within each other", nested},
		{"out of the tree", "a", "lies outside of the repository", fstest.MapFS{"a/kustomization.yaml": file("resources: [../../etc/passwd]\n")}},
		{"absolute", "a", "is an absolute path", fstest.MapFS{"a/kustomization.yaml": file("resources: [/etc/passwd]\n")}},
		{"link", "a", "a symbolic link is not followed", fstest.MapFS{
			"a/kustomization.yaml": file("resources: [etc]\n"), "a/etc": {Data: []byte("/etc"), Mode: fs.ModeSymlink},
		}},
		{"generator of a link", "a", "a symbolic link is not followed", fstest.MapFS{
			"a/kustomization.yaml": file("configMapGenerator: [{name: a, files: [passwd]}]\n"), "a/passwd": {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink},
		}},
		{"remote openapi", "a", "remote and is not fetched", fstest.MapFS{"a/kustomization.yaml": file("openapi: {path: https://example.com/x}\n")}},
		{"remote data", "a", "remote and is not fetched", fstest.MapFS{"a/kustomization.yaml": file("secretGenerator: [{name: a, envs: [https://example.com/x]}]\n")}},
		{"remote replacement", "a", "remote and is not fetched", fstest.MapFS{"a/kustomization.yaml": file("replacements: [{path: \"git@example.com:x/y\"}]\n")}},
		{"plugin that reads", "a", "which is not evaluated", fstest.MapFS{"a/kustomization.yaml": file("transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  path: https://example.com/x\n")}},
		{"many lines", "a", "too many to tell", long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := format.Unit{ID: "kustomize:" + tt.dir, Format: kustomize.Name, Dir: tt.dir, FS: unfollowed{tt.tree}, Files: []string{tt.dir + "/kustomization.yaml"}}
			begin := time.Now()
			rs, ds := kustomize.New().Read(t.Context(), u)
			if len(rs) > 0 || len(ds) != 1 || !strings.Contains(ds[0].Message, tt.want) {
				t.Errorf("%d resources, %d diagnostics: %.200v", len(rs), len(ds), ds)
			}
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}
