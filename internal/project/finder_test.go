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
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"

// tree makes a file system of names and contents.
func tree(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func show(us []format.Unit) string {
	var b strings.Builder
	for _, u := range us {
		fmt.Fprintf(&b, "%s %s %v", u.ID, u.Dir, u.Files)
		if len(u.Inputs) > 0 {
			fmt.Fprintf(&b, " with %v", u.Inputs)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func said(ds source.Diagnostics) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s %s [%s]\n", d.Level, d, d.NotEvaluated)
	}
	return b.String()
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%swant\n%s", what, got, want)
	}
}

func TestAll(t *testing.T) {
	fsys := tree(
		"k8s/api.yaml", pod,
		"k8s/sub dir/ü \"q\".yml", pod,
		"k8s/list.json", `{"kind":"List","apiVersion":"v1","items":[]}`,
		"k8s/broken.yaml", "apiVersion: v1\nkind: [\n",
		"k8s/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\n",
		"k8s/values.yaml", "a: 1\n",
		"k8s/empty.yaml", "",
		"package.json", `{"kind":"x","apiVersion":"y"}`,
		"pnpm-lock.yaml", pod,
		".git/x.yaml", pod,
		"web/node_modules/x/p.yaml", pod,
		"vendor/p.yaml", pod,
		".github/workflows/ci.yaml", pod,
		"infra/main.tf", "", "infra/vars.tf.json", "{}", "infra/x.tofu", "", "infra/terraform.tfvars", "", "infra/a.auto.tfvars.json", "{}", "infra/prod.tfvars", "", "infra/README.md", "",
		"infra/.terraform/modules/m/main.tf", "",
		"onlyvars/terraform.tfvars", "",
		"Dockerfile", "FROM scratch\n", "svc/api.Dockerfile", "", "svc/Dockerfile.prod", "", "svc/Containerfile", "", "svc/Dockerfile.dockerignore", "", "svc/Dockerfile.j2", "", "svc/web.containerfile", "",
		"charts/app/Chart.yaml", "apiVersion: v2\nname: app\n", "charts/app/values.yaml", "a: 1\n", "charts/app/templates/d/deploy.yaml", pod, "charts/app/crds/c.yaml", pod,
		"templates/not-helm.yaml", pod,
	)
	us, ds := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	check(t, "units", show(us), `dockerfile:Dockerfile . [Dockerfile]
dockerfile:svc/Containerfile svc [svc/Containerfile]
dockerfile:svc/Dockerfile.prod svc [svc/Dockerfile.prod]
dockerfile:svc/api.Dockerfile svc [svc/api.Dockerfile]
helm:charts/app charts/app [charts/app/Chart.yaml charts/app/crds/c.yaml charts/app/templates/d/deploy.yaml charts/app/values.yaml]
kubernetes:k8s k8s [k8s/api.yaml k8s/broken.yaml k8s/list.json]
kubernetes:k8s/sub dir k8s/sub dir [k8s/sub dir/ü "q".yml]
kubernetes:templates templates [templates/not-helm.yaml]
kustomize:k8s k8s [k8s/kustomization.yaml]
terraform:infra infra [infra/a.auto.tfvars.json infra/main.tf infra/terraform.tfvars infra/vars.tf.json infra/x.tofu]
terraform:infra@prod.tfvars infra [infra/a.auto.tfvars.json infra/main.tf infra/terraform.tfvars infra/vars.tf.json infra/x.tofu] with [infra/prod.tfvars]
`)
	check(t, "diagnostics", said(ds), `warning svc/Dockerfile.j2: is a template of a Dockerfile, which is not evaluated [svc/Dockerfile.j2]
`)
	us, ds = project.New(project.Options{}).All(t.Context(), fsys, []string{"k8s/api.yaml", "vendor", "infra/README.md", "gone", "k8s/api.yaml"}, nil)
	check(t, "named paths", show(us), "kubernetes:k8s k8s [k8s/api.yaml]\nkubernetes:vendor vendor [vendor/p.yaml]\n")
	if len(ds) != 2 || ds[0].File != "gone" || ds[0].Level != source.LevelError || ds[1].File != "infra/README.md" {
		t.Errorf("diagnostics: %s", said(ds))
	}
	us, _ = project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, func(p string) bool { return strings.HasPrefix(p, "svc/") })
	if len(us) != 3 {
		t.Errorf("filtered: %s", show(us))
	}
}

func TestAllBounds(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 30 {
		fsys[fmt.Sprintf("d%02d/p.yaml", i)] = &fstest.MapFile{Data: []byte(pod)}
	}
	fsys["a/b/c/d/e/p.yaml"] = &fstest.MapFile{Data: []byte(pod)}
	us, ds := project.New(project.Options{MaxScan: 10, MaxDepth: 3}).All(t.Context(), fsys, []string{"."}, nil)
	if len(us) != 10 || !strings.Contains(said(ds), "more than 10 files") {
		t.Errorf("%d units, %s", len(us), said(ds))
	}
	_, ds = project.New(project.Options{MaxDepth: 3}).All(t.Context(), fsys, []string{"."}, nil)
	if !strings.Contains(said(ds), "a/b/c/d: lies too deep") {
		t.Errorf("got %s", said(ds))
	}
}

func TestReached(t *testing.T) {
	base := tree(
		"k8s/api.yaml", pod, "k8s/same.yaml", pod, "k8s/old.yaml", pod, "k8s/gone.yaml", pod,
		"infra/main.tf", "", "infra/vars.tf", "", "infra/gone.tf", "", "left/only.tf", "",
		"Dockerfile", "FROM a\n",
		"app/Chart.yaml", "name: app\n", "app/templates/a.yaml", pod,
		"weird.yaml", "a: 1\n",
	)
	head := tree(
		"k8s/api.yaml", pod+"#\n", "k8s/same.yaml", pod, "k8s/new.yaml", pod, "other/moved.yaml", pod,
		"infra/main.tf", "", "infra/vars.tf", "", "mod/terraform.tfvars", "", "mod/m.tf", "",
		"Dockerfile", "FROM b\n", "new.Dockerfile", "",
		"app/Chart.yaml", "name: app\n", "app/templates/a.yaml", pod+"#\n", "app/values.yaml", "a: 1\n",
		"weird.yaml", pod,
		"README.md", "",
	)
	head["link.yaml"] = &fstest.MapFile{Mode: fs.ModeIrregular}
	changes := []project.PathChange{
		{Path: "Dockerfile", Kind: project.Modified},
		{Path: "README.md", Kind: project.Added},
		{Path: "app/templates/a.yaml", Kind: project.Modified},
		{Path: "app/values.yaml", Kind: project.Added},
		{Path: "infra/gone.tf", Kind: project.Removed},
		{Path: "k8s/api.yaml", Kind: project.Modified},
		{Path: "k8s/gone.yaml", Kind: project.Removed},
		{Path: "k8s/new.yaml", Kind: project.Added},
		{Path: "left/only.tf", Kind: project.Removed},
		{Path: "link.yaml", Kind: project.Added},
		{Path: "mod/terraform.tfvars", Kind: project.Added},
		{Path: "new.Dockerfile", Kind: project.Added},
		{Path: "other/moved.yaml", OldPath: "k8s/old.yaml", Kind: project.Moved},
		{Path: "weird.yaml", Kind: project.Modified},
	}
	b, h, ds := project.New(project.Options{}).Reached(t.Context(), base, head, changes, nil)
	check(t, "base", show(b), `dockerfile:Dockerfile . [Dockerfile]
helm:app app [app/Chart.yaml app/templates/a.yaml]
kubernetes:k8s k8s [k8s/api.yaml k8s/gone.yaml k8s/old.yaml k8s/same.yaml]
terraform:infra infra [infra/gone.tf infra/main.tf infra/vars.tf]
terraform:left left [left/only.tf]
`)
	check(t, "head", show(h), `dockerfile:Dockerfile . [Dockerfile]
dockerfile:new.Dockerfile . [new.Dockerfile]
helm:app app [app/Chart.yaml app/templates/a.yaml app/values.yaml]
kubernetes:. . [weird.yaml]
kubernetes:k8s k8s [k8s/api.yaml k8s/new.yaml k8s/same.yaml]
kubernetes:other other [other/moved.yaml]
terraform:infra infra [infra/main.tf infra/vars.tf]
terraform:mod mod [mod/m.tf mod/terraform.tfvars]
`)
	check(t, "diagnostics", said(ds), `warning link.yaml: is not a regular file (a symbolic link is not followed), so it is not evaluated [link.yaml]
`)
	for _, u := range slices.Concat(b, h) {
		if u.FS == nil || u.MaxFileSize != format.DefaultMaxFileSize {
			t.Errorf("unit %s lacks its file system or bound", u.ID)
		}
	}
	// A filter, and a rename out of what it takes.
	keep := func(p string) bool { return strings.HasPrefix(p, "k8s/") }
	b, h, _ = project.New(project.Options{}).Reached(t.Context(), base, head, changes, keep)
	check(t, "filtered base", show(b), "kubernetes:k8s k8s [k8s/api.yaml k8s/gone.yaml k8s/same.yaml]\n")
	check(t, "filtered head", show(h), "kubernetes:k8s k8s [k8s/api.yaml k8s/new.yaml k8s/same.yaml]\n")
	// A bound on the files.
	_, h, ds = project.New(project.Options{MaxFiles: 2}).Reached(t.Context(), base, head, changes, nil)
	if len(h) != 2 || !strings.Contains(said(ds), "changed files were left out: a review covers at most 2") {
		t.Errorf("bounded: %s%s", show(h), said(ds))
	}
}

// announcing records what a lazy tree is told and what is read of it.
type announcing struct {
	fstest.MapFS
	mu   sync.Mutex // files are read side by side
	told []string
	read []string
}

func (a *announcing) Announce(paths ...string) {
	a.mu.Lock()
	a.told = append(a.told, paths...)
	a.mu.Unlock()
}

func (a *announcing) Open(name string) (fs.File, error) {
	a.mu.Lock()
	a.read = append(a.read, name)
	a.mu.Unlock()
	return a.MapFS.Open(name)
}

func TestReachedReadsLittle(t *testing.T) {
	head := &announcing{MapFS: tree("a/changed.yaml", pod, "a/same.yaml", pod, "b/elsewhere.yaml", pod, "t/main.tf", "", "t/other.tf", "", "x.png", "")}
	changes := []project.PathChange{
		{Path: "a/changed.yaml", Kind: project.Added}, {Path: "t/main.tf", Kind: project.Added}, {Path: "x.png", Kind: project.Added},
	}
	_, h, _ := project.New(project.Options{}).Reached(t.Context(), tree(), head, changes, nil)
	if len(h) != 2 {
		t.Fatal(show(h))
	}
	slices.Sort(head.told)
	if got := slices.Compact(head.told); !slices.Equal(got, []string{"a/changed.yaml", "a/same.yaml", "t/main.tf", "t/other.tf"}) {
		t.Errorf("announced %v", got)
	}
	// Terraform may name the changed manifest, wherever it lies.
	slices.Sort(head.read)
	if !slices.Equal(head.read, []string{"a/changed.yaml", "a/same.yaml", "t/main.tf", "t/other.tf"}) {
		t.Errorf("read %v", head.read)
	}
}

// TestBeside holds that a folder is taken whole on both sides or on none.
func TestBeside(t *testing.T) {
	base := tree("k8s/a.yaml", pod, "k8s/b.yaml", pod, "k8s/notes.yaml", "a: 1\n")
	head := tree("k8s/a.yaml", pod, "k8s/b.yaml", pod, "k8s/notes.yaml", "a: 1\n", "k8s/new.yaml", pod)
	changes := []project.PathChange{{Path: "k8s/new.yaml", Kind: project.Added}}
	b, h, _ := project.New(project.Options{}).Reached(t.Context(), base, head, changes, nil)
	check(t, "base", show(b), "kubernetes:k8s k8s [k8s/a.yaml k8s/b.yaml]\n")
	check(t, "head", show(h), "kubernetes:k8s k8s [k8s/a.yaml k8s/b.yaml k8s/new.yaml]\n")
	if h[0].Partial {
		t.Error("the unit was read whole")
	}
	b, h, _ = project.New(project.Options{MaxBeside: 2}).Reached(t.Context(), base, head, changes, nil)
	check(t, "base over the bound", show(b), "")
	check(t, "head over the bound", show(h), "kubernetes:k8s k8s [k8s/new.yaml]\n")
	if !h[0].Partial {
		t.Error("the unit was not read whole")
	}
}

func BenchmarkAll(b *testing.B) {
	fsys := fstest.MapFS{}
	for i := range 2000 {
		fsys[fmt.Sprintf("apps/p%02d/m%04d.yaml", i%40, i)] = &fstest.MapFile{Data: []byte(pod)}
	}
	f := project.New(project.Options{})
	b.ReportAllocs()
	for b.Loop() {
		f.All(b.Context(), fsys, []string{"."}, nil)
	}
}

// TestBinaryFilesAreNamed: a name that promises a manifest and bytes that are
// none is said, not passed over.
func TestBinaryFilesAreNamed(t *testing.T) {
	fsys := tree("k8s/x.yaml", "a: \x00\x01\n", "k8s/pod.yaml", pod, "logo.png", "\x89PNG\x00")
	us, ds := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	check(t, "units", show(us), "kubernetes:k8s k8s [k8s/pod.yaml]\n")
	check(t, "diagnostics", said(ds), "warning k8s/x.yaml: cannot be read: it is a binary file, with a NUL byte in it [k8s/x.yaml]\n")
}
