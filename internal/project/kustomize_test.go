package project_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// shop is a base with two overlays, a component, patches of every kind and
// files of a generator.
func shop() fstest.MapFS {
	return tree(
		"base/kustomization.yaml", "resources: [pod.yaml]\n",
		"base/pod.yaml", pod,
		"base/beside.yaml", pod,
		"components/tmp/kustomization.yaml", "kind: Component\npatches: [{path: tmp.yaml}]\n",
		"components/tmp/tmp.yaml", pod,
		"components/unused/kustomization.yaml", "kind: Component\npatches: [{path: unused.yaml}]\n",
		"components/unused/unused.yaml", pod,
		"overlays/prod/kustomization.yml", `resources: [../../base, extra.yaml]
components: [../../components/tmp]
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
configMapGenerator:
  - {name: c, files: [k=app.conf], envs: [app.env]}
`,
		"overlays/prod/one.yaml", pod, "overlays/prod/patches/two.yaml", pod, "overlays/prod/three.yaml", "- {op: remove, path: /a}\n",
		"overlays/prod/extra.yaml", pod, "overlays/prod/app.conf", "x\n", "overlays/prod/app.env", "A=b\n",
		"overlays/staging/kustomization.yaml", "resources: [../../base]\n",
		"flux/kustomization.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: ../base}\n",
	)
}

func TestLeaves(t *testing.T) {
	us, ds := project.New(project.Options{}).All(t.Context(), shop(), []string{"."}, nil)
	check(t, "units", show(us), `kubernetes:base base [base/beside.yaml]
kustomize:overlays/prod overlays/prod [base/kustomization.yaml base/pod.yaml components/tmp/kustomization.yaml components/tmp/tmp.yaml overlays/prod/app.conf overlays/prod/app.env overlays/prod/extra.yaml overlays/prod/kustomization.yml overlays/prod/one.yaml overlays/prod/patches/two.yaml overlays/prod/three.yaml]
kustomize:overlays/staging overlays/staging [base/kustomization.yaml base/pod.yaml overlays/staging/kustomization.yaml]
`)
	check(t, "diagnostics", said(ds), `warning components/unused/kustomization.yaml: is a component that no kustomization takes in [components/unused]
warning components/unused/unused.yaml: is a patch of components/unused/kustomization.yaml, which no kustomization takes in [components/unused/unused.yaml]
`)
}

// TestReachedOverlays holds for each changed file which overlays it reaches.
func TestReachedOverlays(t *testing.T) {
	ids := func(name string, kind project.ChangeKind) (string, string) {
		base, head := shop(), shop()
		switch kind {
		case project.Removed:
			delete(head, name)
		case project.Added:
			delete(base, name)
		}
		b, h, _ := project.New(project.Options{}).Reached(t.Context(), base, head, []project.PathChange{{Path: name, Kind: kind}}, nil)
		var out [2]string
		for i, us := range [...]string{show(b), show(h)} {
			for l := range strings.Lines(us) {
				id, _, _ := strings.Cut(l, " ")
				out[i] += id + " "
			}
		}
		return out[0], out[1]
	}
	prod, both := "kustomize:overlays/prod ", "kustomize:overlays/prod kustomize:overlays/staging "
	for _, tt := range []struct {
		name       string
		kind       project.ChangeKind
		base, head string
	}{
		{"base/pod.yaml", project.Modified, "kubernetes:base " + both, "kubernetes:base " + both},
		{"base/pod.yaml", project.Removed, "kubernetes:base " + both, "kubernetes:base " + both},
		{"base/kustomization.yaml", project.Modified, both, both},
		{"components/tmp/tmp.yaml", project.Modified, prod, prod},
		{"components/tmp/kustomization.yaml", project.Modified, prod, prod},
		{"overlays/prod/patches/two.yaml", project.Modified, prod, prod},
		{"overlays/prod/three.yaml", project.Modified, prod, prod},
		{"overlays/prod/app.conf", project.Modified, prod, prod},
		{"overlays/prod/app.env", project.Removed, prod, prod},
		{"overlays/prod/kustomization.yml", project.Modified, prod, prod},
		// With an overlay gone, what it alone named stands for itself.
		{"overlays/staging/kustomization.yaml", project.Removed, "kustomize:overlays/staging ", ""},
		{"overlays/staging/kustomization.yaml", project.Added, "", "kustomize:overlays/staging "},
		{"base/beside.yaml", project.Modified, "kubernetes:base ", "kubernetes:base "},
		{"README.md", project.Modified, "", ""},
	} {
		b, h := ids(tt.name, tt.kind)
		// The plain folder is read for what stands beside the changed manifest.
		if tt.name == "base/pod.yaml" {
			tt.base, tt.head = strings.TrimPrefix(tt.base, "kubernetes:base "), strings.TrimPrefix(tt.head, "kubernetes:base ")
		}
		if b != tt.base || h != tt.head {
			t.Errorf("%s %d: reaches %q and %q, want %q and %q", tt.name, tt.kind, b, h, tt.base, tt.head)
		}
	}
}

// TestFirstOverlay: what was a manifest by itself before an overlay named it is
// read as such on the side of the base, and a base that was built alone too.
func TestFirstOverlay(t *testing.T) {
	base := tree("k8s/pod.yaml", pod)
	head := tree("k8s/pod.yaml", pod, "k8s/kustomization.yaml", "resources: [pod.yaml]\n")
	changes := []project.PathChange{{Path: "k8s/kustomization.yaml", Kind: project.Added}}
	b, h, _ := project.New(project.Options{}).Reached(t.Context(), base, head, changes, nil)
	check(t, "base", show(b), "kubernetes:k8s k8s [k8s/pod.yaml]\n")
	check(t, "head", show(h), "kustomize:k8s k8s [k8s/kustomization.yaml k8s/pod.yaml]\n")
	over := tree("k8s/pod.yaml", pod, "k8s/kustomization.yaml", "resources: [pod.yaml]\n", "prod/kustomization.yaml", "resources: [../k8s]\n")
	changes = []project.PathChange{{Path: "prod/kustomization.yaml", Kind: project.Added}}
	b, h, _ = project.New(project.Options{}).Reached(t.Context(), head, over, changes, nil)
	check(t, "base", show(b), "kustomize:k8s k8s [k8s/kustomization.yaml k8s/pod.yaml]\n")
	check(t, "head", show(h), "kustomize:prod prod [k8s/kustomization.yaml k8s/pod.yaml prod/kustomization.yaml]\n")
}

// counting counts the folders that are listed and the files that are opened, by
// several goroutines at once.
type counting struct {
	fstest.MapFS
	mu             sync.Mutex
	listed, opened []string
}

func (c *counting) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	c.listed = append(c.listed, name)
	c.mu.Unlock()
	return c.MapFS.ReadDir(name)
}

func (c *counting) Open(name string) (fs.File, error) {
	c.mu.Lock()
	c.opened = append(c.opened, name)
	c.mu.Unlock()
	return c.MapFS.Open(name)
}

// TestSearchIsLazy: the search lists folders and opens kustomizations, however
// many other files there are, and stops at its bound, the nearest first.
func TestSearchIsLazy(t *testing.T) {
	m := fstest.MapFS{}
	for team := range 20 {
		for file := range 50 {
			m[fmt.Sprintf("teams/t%02d/src/f%02d.yaml", team, file)] = &fstest.MapFile{Data: []byte(pod)}
		}
		m[fmt.Sprintf("teams/t%02d/base/kustomization.yaml", team)] = &fstest.MapFile{Data: []byte("resources: [pod.yaml]\n")}
		m[fmt.Sprintf("teams/t%02d/base/pod.yaml", team)] = &fstest.MapFile{Data: []byte(pod)}
		m[fmt.Sprintf("teams/t%02d/prod/kustomization.yaml", team)] = &fstest.MapFile{Data: []byte("resources: [../base]\n")}
	}
	base, head := &counting{MapFS: m}, &counting{MapFS: m}
	changes := []project.PathChange{{Path: "teams/t07/base/pod.yaml", Kind: project.Modified}}
	_, h, ds := project.New(project.Options{}).Reached(t.Context(), base, head, changes, nil)
	check(t, "units", show(h), "kustomize:teams/t07/prod teams/t07/prod [teams/t07/base/kustomization.yaml teams/t07/base/pod.yaml teams/t07/prod/kustomization.yaml]\n")
	if len(ds) > 0 {
		t.Errorf("got %v", ds)
	}
	for _, name := range head.opened {
		if !strings.HasSuffix(name, "kustomization.yaml") && name != "teams/t07/base/pod.yaml" {
			t.Errorf("%s was opened", name)
		}
	}
	slices.Sort(head.listed)
	if n := len(slices.Compact(head.listed)); n > 90 {
		t.Errorf("%d folders were listed", n)
	}
	_, h, ds = project.New(project.Options{MaxFolders: 5}).Reached(t.Context(), m, m, changes, nil)
	check(t, "units within the bound", show(h), "kustomize:teams/t07/prod teams/t07/prod [teams/t07/base/kustomization.yaml teams/t07/base/pod.yaml teams/t07/prod/kustomization.yaml]\n")
	check(t, "diagnostics", said(ds), "warning overlays were looked for in the nearest 5 folders alone [overlays further away]\n")
}

// charts is a chart that an overlay renders with values of its own, one that a
// generator's file names, and one that nothing renders.
func charts() fstest.MapFS {
	return tree(
		"charts/api/Chart.yaml", "apiVersion: v2\nname: api\nversion: 1.0.0\n",
		"charts/api/values.yaml", "a: b\n", "charts/api/values-prod.yaml", "a: c\n", "charts/api/values-test.yaml", "a: d\n",
		"charts/api/templates/pod.yaml", pod,
		"charts/own/Chart.yaml", "apiVersion: v2\nname: own\nversion: 1.0.0\n",
		"charts/own/templates/pod.yaml", pod,
		"deploy/prod/kustomization.yaml", "helmGlobals: {chartHome: ../../charts}\nhelmCharts: [{name: api, valuesFile: ../../charts/api/values-prod.yaml}]\n",
		"deploy/made/kustomization.yaml", "generators: [gen.yaml]\n",
		"deploy/made/gen.yaml", "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: web\n",
		"deploy/made/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"deploy/made/charts/web/templates/pod.yaml", pod,
	)
}

// TestChartsOfOverlays: a chart that an overlay renders is judged through it, with
// the files of values that it does not name beside.
func TestChartsOfOverlays(t *testing.T) {
	us, _ := project.New(project.Options{}).All(t.Context(), charts(), []string{"."}, nil)
	var ids []string
	for _, u := range us {
		ids = append(ids, u.ID)
	}
	check(t, "units", strings.Join(ids, "\n")+"\n", "helm:charts/api@values-test.yaml\nhelm:charts/own\nkustomize:deploy/made\nkustomize:deploy/prod\n")
	for _, tt := range []struct{ name, want string }{
		{"charts/api/templates/pod.yaml", "helm:charts/api@values-test.yaml kustomize:deploy/prod"},
		{"charts/api/values.yaml", "helm:charts/api@values-test.yaml kustomize:deploy/prod"},
		{"charts/api/values-prod.yaml", "helm:charts/api@values-test.yaml kustomize:deploy/prod"},
		{"charts/own/templates/pod.yaml", "helm:charts/own"},
		{"deploy/made/charts/web/templates/pod.yaml", "kustomize:deploy/made"},
		{"deploy/made/gen.yaml", "kustomize:deploy/made"},
		{"deploy/prod/kustomization.yaml", "kustomize:deploy/prod"},
	} {
		_, h, _ := project.New(project.Options{}).Reached(t.Context(), charts(), charts(), []project.PathChange{{Path: tt.name, Kind: project.Modified}}, nil)
		var got []string
		for _, u := range h {
			got = append(got, u.ID)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s reaches %s, not %s", tt.name, s, tt.want)
		}
	}
	// Before the overlay there was the chart by itself.
	before := charts()
	delete(before, "deploy/prod/kustomization.yaml")
	b, _, _ := project.New(project.Options{}).Reached(t.Context(), before, charts(), []project.PathChange{{Path: "deploy/prod/kustomization.yaml", Kind: project.Added}}, nil)
	if !slices.ContainsFunc(b, func(u format.Unit) bool { return u.ID == "helm:charts/api" }) {
		t.Errorf("the chart of the base is not among %s", show(b))
	}
}
