package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
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
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
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
	both := r.renderer()
	for _, x := range r.templates {
		if partial(x.name) {
			continue
		}
		text, _, err := both.render(x)
		if err != nil || text != clean[x.name] {
			t.Errorf("%s: as it is rendered: %v (-clean +got):\n%s", x.name, err, cmp.Diff(clean[x.name], text))
		}
	}
	return clean, marked
}

// What comes out is, byte for byte, what Helm's own engine makes of the chart.
func TestRendersAsHelmDoes(t *testing.T) {
	for name, files := range charted(t) {
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

// The versions of APIs are those that Helm takes for given.
func TestAPIVersions(t *testing.T) {
	if d := cmp.Diff([]string(chartutil.DefaultVersionSet), apiVersions()); d != "" {
		t.Errorf("(-helm +ours):\n%s", d)
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

// charted gives the charts that the tests go over, by name.
func charted(t testing.TB) map[string]map[string]string {
	out := map[string]map[string]string{"starter": starter(t)}
	for _, name := range archives(t, "testdata/charts") {
		out[strings.TrimSuffix(path.Base(name), ".txtar")] = archive(t, name)
	}
	return out
}

// Where a value is said to stand, and where it is said to come from, decides it:
// with another text there the value is another one.
func TestPlacesDecide(t *testing.T) {
	for name, files := range charted(t) {
		t.Run(name, func(t *testing.T) {
			u := chartUnit(t, "c", files)
			rs, ds := New().Read(t.Context(), u)
			if len(ds) > 0 || len(rs) == 0 {
				t.Fatalf("%d resources, %v", len(rs), ds)
			}
			literal, settings, all := 0, 0, 0
			for _, res := range rs {
				resource.Walk(res.Root, func(p resource.Path, n *resource.Node) bool {
					if n.Kind == resource.Map || n.Kind == resource.List || n.Unknown {
						return true
					}
					all++
					f := source.NewFile(n.Range.File, u.FS.(fstest.MapFS)[n.Range.File].Data)
					text := f.Text(n.Range)
					switch {
					case !strings.Contains(text, "{{"):
						literal++
						if n.Kind == resource.String && !strings.ContainsAny(text, "\n\"'|") && len(p) > 1 {
							changes(t, u, res, p, n.Range, text+"changed")
						}
					case !strings.Contains(text, "}}"):
						t.Errorf("%s %s stands at half an action: %q", res.ID, p, text)
					}
					if len(n.Origins) > 0 && strings.HasSuffix(n.Origins[0].File, "values.yaml") {
						o := n.Origins[0]
						v := source.NewFile(o.File, u.FS.(fstest.MapFS)[o.File].Data)
						key, value, ok := strings.Cut(v.Text(o), ": ")
						if ok && n.Kind == resource.String && strings.Trim(value, `"`) == n.Value && strings.HasPrefix(text, "{{") {
							settings++
							changes(t, u, res, p, o, key+": changed")
						}
					}
					return true
				})
			}
			if literal == 0 || settings == 0 || all < literal {
				t.Errorf("%d literal values and %d settings of %d were tried", literal, settings, all)
			}
		})
	}
}

// changes checks that a value is another one once a place says something else.
func changes(t *testing.T, u format.Unit, res *resource.Resource, p resource.Path, at source.Range, text string) {
	t.Helper()
	tree := u.FS.(fstest.MapFS)
	was := tree[at.File]
	defer func() { tree[at.File] = was }()
	data, err := source.Apply(was.Data, []source.Edit{{Range: at, New: text}})
	if err != nil {
		t.Fatal(err)
	}
	tree[at.File] = &fstest.MapFile{Data: data}
	old, _ := p.At(res.Root)
	rs, ds := New().Read(t.Context(), u)
	for _, now := range rs {
		if now.Kind != res.Kind || now.Range.File != res.Range.File || now.Range.Start.Line != res.Range.Start.Line {
			continue
		}
		if n, steps := p.At(now.Root); steps == len(p) && resource.Equal(n, old) {
			t.Errorf("%s %s does not change with %s", res.ID, p, at)
		}
		return
	}
	t.Errorf("%s is gone with %s at %s: %v", res.ID, text, at, ds)
}

// A packed chart is rendered like one that lies unpacked, and stands where the
// chart above it brings it in.
func TestPackedChart(t *testing.T) {
	pack := func(files map[string]string, top string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for name, text := range files {
			if err := w.WriteHeader(&tar.Header{Name: top + "/" + name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if w.Close() != nil || z.Close() != nil {
			t.Fatal("the archive cannot be written")
		}
		return b.String()
	}
	db := map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "values.yaml": "privileged: false\n",
		"crds/a.yaml":         "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n",
		"templates/_lib.tpl":  "{{ define \"db.labels\" }}app: db{{ end }}",
		"templates/pod.yaml":  "apiVersion: v1\nkind: Pod\nmetadata: {name: db}\nspec: {hostNetwork: {{ .Values.privileged }}}\n",
		"../../escape":        "x",
		"templates/link.yaml": "",
	}
	u := chartUnit(t, "c", map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.0.0\n",
		"values.yaml": "db:\n  privileged: true\n", "charts/db-1.0.0.tgz": pack(db, "db"), "charts/broken-1.0.0.tgz": "no archive",
		"templates/a.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: {{ include \"db.labels\" . | nindent 4 }}\n",
	})
	rs, ds := New().Read(t.Context(), u)
	var got []string
	for _, r := range rs {
		got = append(got, fmt.Sprintf("%s at %s", r.ID, r.Range))
	}
	want := []string{
		"apiextensions.k8s.io/v1/CustomResourceDefinition/a at c/Chart.yaml:5:1", "v1/Pod/db at c/Chart.yaml:5:1", "v1/Service/a at c/templates/a.yaml:1:1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(ds) != 1 || ds[0].File != "c/charts/broken-1.0.0.tgz" || ds[0].NotEvaluated == "" {
		t.Errorf("got the diagnostics %v", ds)
	}
	if n := rs[2].Root.Path("metadata", "labels", "app"); n.Str() != "db" || n.Range.File != "c/templates/a.yaml" || n.Range.Start.Line != 5 {
		t.Errorf("the label from the packed chart stands at %s", n.Range)
	}
	if n := rs[1].Root.Path("spec", "hostNetwork"); n.Value != true || len(n.Origins) != 1 || n.Origins[0].String() != "c/values.yaml:2:3" {
		t.Errorf("the setting of the packed chart is %v from %v", n.Value, n.Origins)
	}

	bomb := chartUnit(t, "c", map[string]string{
		"Chart.yaml":        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"charts/db.tgz":     pack(map[string]string{"Chart.yaml": db["Chart.yaml"], "templates/a.yaml": strings.Repeat("#\n", 3<<20)}, "db"),
		"templates/ok.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: ok}\n",
	})
	rs, ds = New().Read(t.Context(), bomb)
	if len(rs) != 1 || len(ds) != 1 || !strings.Contains(ds[0].Message, "it holds a file of more than") {
		t.Errorf("the bomb gave %d resources and %v", len(rs), ds)
	}
}

// What is made anew with each release, and the release's namespace, are unknown.
func TestUnknowns(t *testing.T) {
	u := chartUnit(t, "c", map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": "given: secret-of-the-values\n",
		"templates/a.yaml": `{{ $kept := randAlphaNum 24 }}apiVersion: v1
kind: Secret
metadata:
  name: a
  namespace: {{ .Release.Namespace }}
stringData:
  made: {{ randAlphaNum 16 | quote }}
  kept: {{ $kept | b64enc }}
  given: {{ .Values.given | default (randAlphaNum 16) }}
  host: db.{{ .Release.Namespace }}.svc
  cert: {{ (genCA "ca" 10).Cert | quote }}
`,
	})
	for _, namespace := range []string{"", "shop"} {
		if namespace != "" {
			u.Settings = map[string]string{Namespace: namespace}
		}
		rs, ds := New().Read(t.Context(), u)
		if len(rs) != 1 || len(ds) > 0 {
			t.Fatal(rs, ds)
		}
		var got []string
		for _, f := range rs[0].Root.Get("stringData").Fields {
			got = append(got, fmt.Sprintf("%s %v %s %q", f.Name, f.Node.Value, f.Node.Why, f.Node.Parts))
		}
		anew := "<nil> a value that is made anew with each release []"
		want := []string{"made " + anew, "kept " + anew, "given secret-of-the-values  []", `host <nil> the namespace of the release ["db." ".svc"]`, "cert " + anew}
		id, at := "v1/Secret/a", rs[0].Root.Path("metadata", "namespace")
		if namespace != "" {
			want[3], id = "host db.shop.svc  []", "v1/Secret/shop/a"
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if rs[0].ID != id || rs[0].Namespace != namespace || (at == nil) != (namespace == "") {
			t.Errorf("the id is %s, the namespace %q, its node %v", rs[0].ID, rs[0].Namespace, at)
		}
	}
}

// big is a chart of 30 templates of 70 lines each.
func big(t testing.TB) format.Unit {
	files := starter(t)
	for name := range files {
		if strings.HasPrefix(name, "templates/tests/") {
			delete(files, name)
		}
	}
	for i := range 30 {
		files[fmt.Sprintf("templates/deployment-%02d.yaml", i)] = strings.ReplaceAll(files["templates/deployment.yaml"], `{{ include "shop.fullname" . }}`, fmt.Sprintf(`{{ include "shop.fullname" . }}-%d`, i))
	}
	return chartUnit(t, "c", files)
}

// BenchmarkChart reads a chart of 30 templates; "render alone" is what Helm's own
// engine takes for it, loading included.
func BenchmarkChart(b *testing.B) {
	u := big(b)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if rs, _ := New().Read(b.Context(), u); len(rs) < 30 {
				b.Fatal("resources are missing")
			}
		}
	})
	b.Run("render alone", func(b *testing.B) {
		b.ReportAllocs()
		files := map[string]string{}
		for name, f := range u.FS.(fstest.MapFS) {
			files[strings.TrimPrefix(name, "c/")] = string(f.Data)
		}
		for b.Loop() {
			if out := sdk(b, files, map[string]any{}); len(out) < 30 {
				b.Fatal("templates are missing")
			}
		}
	})
}
