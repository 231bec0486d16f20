package helm

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// chartUnit makes a unit of files, which lie in dir.
func chartUnit(t testing.TB, dir string, files map[string]string) format.Unit {
	t.Helper()
	fsys := fstest.MapFS{}
	u := format.Unit{ID: "helm:" + dir, Format: Name, Dir: dir, FS: fsys, MaxFileSize: format.DefaultMaxFileSize}
	for name, data := range files {
		full := path.Join(dir, name)
		fsys[full] = &fstest.MapFile{Data: []byte(data)}
		u.Files = append(u.Files, full)
	}
	sort.Strings(u.Files)
	return u
}

// starter gives the chart that `helm create` makes.
func starter(t testing.TB) map[string]string {
	t.Helper()
	dir := t.TempDir()
	chartutil.Stderr = os.Stderr
	p, err := chartutil.Create("shop", dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(p, name)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sdk renders with Helm's own engine.
func sdk(t testing.TB, files map[string]string, values map[string]any) map[string]string {
	t.Helper()
	var buffered []*loader.BufferedFile
	for name, data := range files {
		buffered = append(buffered, &loader.BufferedFile{Name: name, Data: []byte(data)})
	}
	c, err := loader.LoadFiles(buffered)
	if err != nil {
		t.Fatal(err)
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		t.Fatal(err)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	v, err := chartutil.ParseKubeVersion(DefaultKubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	caps.KubeVersion = *v
	top, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: c.Name(), Namespace: unknownNamespace, Revision: 1, IsInstall: true}, caps)
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.Engine{}.Render(c, top)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// own renders as the reader does, without and with marks.
func own(t testing.TB, files map[string]string, values map[string]any) (clean, marked map[string]string) {
	t.Helper()
	u := chartUnit(t, "charts/shop", files)
	l := load(t.Context(), &u)
	if l.root == nil {
		t.Fatalf("no chart: %v", l.diags)
	}
	r, err := prepare(l, values, DefaultKubeVersion, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSet(r.trees)
	if err != nil {
		t.Fatal(err)
	}
	trees, _ := r.marked()
	with, err := newSet(trees)
	if err != nil {
		t.Fatal(err)
	}
	clean, marked = map[string]string{}, map[string]string{}
	for _, x := range r.templates {
		if partial(x.name) {
			continue
		}
		if clean[x.name], err = s.execute(x); err != nil {
			t.Fatal(err)
		}
		m, err := with.execute(x)
		if err != nil {
			t.Fatal(err)
		}
		marked[x.name], _ = strip(m)
	}
	return clean, marked
}

// What comes out is, byte for byte, what Helm's own engine makes of the chart.
func TestRendersAsHelmDoes(t *testing.T) {
	charts := map[string]map[string]string{"starter": starter(t)}
	for _, name := range archives(t, "testdata/charts") {
		charts[path.Base(name)] = archive(t, name)
	}
	for name, files := range charts {
		t.Run(name, func(t *testing.T) {
			for _, values := range []map[string]any{
				{}, {"ingress": map[string]any{"enabled": true}, "autoscaling": map[string]any{"enabled": true}, "replicaCount": 3.0},
			} {
				want := sdk(t, files, deep(values))
				clean, marked := own(t, files, deep(values))
				for name, text := range want {
					if path.Base(name) == notesFile || partial(name) {
						continue
					}
					if d := cmp.Diff(text, clean[name]); d != "" {
						t.Errorf("%s (-helm +ours):\n%s", name, d)
					}
					if d := cmp.Diff(text, marked[name]); d != "" {
						t.Logf("%s is not the same with marks (-without +with):\n%s", name, d)
					}
				}
			}
		})
	}
}

func deep(m map[string]any) map[string]any { return over(m, nil) }

func archives(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func archive(t testing.TB, name string) map[string]string {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

func TestStarter(t *testing.T) {
	u := chartUnit(t, "charts/shop", starter(t))
	rs, ds := New().Read(t.Context(), u)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	files := map[string]*source.File{}
	exact, all, origins := 0, 0, 0
	for _, res := range rs {
		t.Logf("%s at %s-%d head %s", res.ID, res.Range, res.Range.LastLine(), res.Head)
		resource.Walk(res.Root, func(p resource.Path, n *resource.Node) bool {
			if n.Kind == resource.Map || n.Kind == resource.List || n.Unknown {
				return true
			}
			all++
			f := files[n.Range.File]
			if f == nil {
				data, err := fs.ReadFile(u.FS, n.Range.File)
				if err != nil {
					t.Fatalf("%s: %v", p, err)
				}
				f = source.NewFile(n.Range.File, data)
				files[n.Range.File] = f
			}
			text := f.Text(n.Range)
			if strings.Contains(text, scalarText(n)) {
				exact++
			}
			if len(n.Origins) > 0 {
				origins++
			}
			t.Logf("%s = %v at %s %q from %v", p, n.Value, n.Range, text, n.Origins)
			return true
		})
	}
	t.Logf("%d of %d literal, %d with origins", exact, all, origins)
}
