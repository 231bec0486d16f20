package kubernetes_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func readOne(t *testing.T, path, content string) ([]*resource.Resource, source.Diagnostics) {
	t.Helper()
	u := format.Unit{ID: "kubernetes:.", Format: kubernetes.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(content)}}}
	return kubernetes.New().Read(t.Context(), u)
}

// tree writes a tree one scalar a line: path, value, line and column of key and
// value, and where it came from.
func tree(root *resource.Node) string {
	var b strings.Builder
	at := func(r source.Range) string { return fmt.Sprintf("%d:%d", r.Start.Line, r.Start.Column) }
	resource.Walk(root, func(p resource.Path, n *resource.Node) bool {
		if len(n.Items)+len(n.Fields) > 0 {
			return true
		}
		fmt.Fprintf(&b, "%s = %v %v @%s-%d:%d", p, n.Kind, n.Value, at(n.Range), n.Range.End.Line, n.Range.End.Column)
		for _, o := range n.Origins {
			b.WriteString(" < " + at(o))
		}
		b.WriteByte('\n')
		return true
	})
	return b.String()
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"booleans of YAML 1.1", "a: [y, Yes, ON, n, No, OFF, true, FALSE, yEs, 'yes', !!str no, !!bool on]\n", `
a[0] = bool true @4:5-4:6
a[1] = bool true @4:8-4:11
a[2] = bool true @4:13-4:15
a[3] = bool false @4:17-4:18
a[4] = bool false @4:20-4:22
a[5] = bool false @4:24-4:27
a[6] = bool true @4:29-4:33
a[7] = bool false @4:35-4:40
a[8] = string yEs @4:42-4:45
a[9] = string yes @4:47-4:52
a[10] = string no @4:54-4:62
a[11] = bool true @4:64-4:73
`},
		{"numbers", "a: [0x1F, 0o17, 017, 0b101, 1_000, +4, 09, .5, 1e3, 18446744073709551615, 9223372036854775807, 2001-12-14, .inf, !!float 3, 1:30]\n", `
a[0] = int 31 @4:5-4:9
a[1] = int 15 @4:11-4:15
a[2] = int 15 @4:17-4:20
a[3] = int 5 @4:22-4:27
a[4] = int 1000 @4:29-4:34
a[5] = int 4 @4:36-4:38
a[6] = float 9 @4:40-4:42
a[7] = float 0.5 @4:44-4:46
a[8] = float 1000 @4:48-4:51
a[9] = float 1.8446744073709552e+19 @4:53-4:73
a[10] = int 9223372036854775807 @4:75-4:94
a[11] = string 2001-12-14 @4:96-4:106
a[12] = string .inf @4:108-4:112
a[13] = float 3 @4:114-4:123
a[14] = string 1:30 @4:125-4:129
`},
		{"nothing", "a:\nb: ~\nc: &c\nd: !!null\ne: [f: ]\ng:\n- \n", `
a = null <nil> @4:3-4:3
b = null <nil> @5:4-5:5
c = null <nil> @6:6-6:6
d = null <nil> @7:4-7:10
e[0].f = null <nil> @8:7-8:7
g[0] = null <nil> @10:2-10:2
`},
		{"anchors stay out of ranges, tags in", "a: &a b\nc: !!str &c 1\nd: &d !!str 1\ne: &e\n  f: g\n", `
a = string b @4:7-4:8
c = string 1 @5:4-5:14
d = string 1 @6:7-6:14
e.f = string g @8:6-8:7
`},
		{"aliases", "a: &a [b, &c c]\nd: *a\ne: &e\n  f: *c\n  g: *a\nh: *e\n", `
a[0] = string b @4:8-4:9
a[1] = string c @4:14-4:15
d[0] = string b @5:4-5:6 < 4:8
d[1] = string c @5:4-5:6 < 4:14
e.f = string c @7:6-7:8 < 4:14
e.g[0] = string b @8:6-8:8 < 4:8
e.g[1] = string c @8:6-8:8 < 4:14
h.f = string c @9:4-9:6 < 7:6 < 4:14
h.g[0] = string b @9:4-9:6 < 8:6 < 4:8
h.g[1] = string c @9:4-9:6 < 8:6 < 4:14
`},
		{"merge keys", "a: &a {b: 1, c: 2}\nd: &d\n  c: 3\n  <<: *a\ne:\n  <<: [*d, {c: 4, f: 5}]\n  b: 6\n  <<: {g: 7, f: 8}\n", `
a.b = int 1 @4:11-4:12
a.c = int 2 @4:17-4:18
d.c = int 3 @6:6-6:7
d.b = int 1 @7:7-7:9 < 4:11
e.c = int 3 @9:8-9:10 < 6:6
e.b = int 6 @10:6-10:7
e.f = int 5 @9:22-9:23
e.g = int 7 @11:11-11:12
`},
		{"the later of two keys", "a: 1\nb: 2\na: 3\n", `
a = int 3 @6:4-6:5
b = int 2 @5:4-5:5
`},
		{"text", "a: |\n  b\n\n  c\n\nd: >-\n  e\n  f\n\ng: h\n  i # j\nk: \"l\\n\n  m\"\n", `
a = string b

c
 @4:4-7:4
d = string e f @9:4-11:4
g = string h i @13:4-14:4
k = string l
 m @15:4-16:5
`},
		{"names as they are written", "on: 1\n012: 2\n~: 3\ntrue: 4\n\"a.b\": 5\n", `
on = int 1 @4:5-4:6
012 = int 2 @5:6-5:7
~ = int 3 @6:4-6:5
true = int 4 @7:7-7:8
["a.b"] = int 5 @8:8-8:9
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, _ := readOne(t, "a.yaml", x+c.content)
			if len(rs) != 1 {
				t.Fatalf("got %d resources", len(rs))
			}
			got := tree(rs[0].Root)
			_, got, _ = strings.Cut(got, "metadata.name = string x @3:18-3:19\n")
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestResource(t *testing.T) {
	const content = `# file

# above
--- # behind the separator
apiVersion: apps/v1
kind:   Deployment   # trailing
metadata:
  # within
  name: api
  namespace: shop
  annotations: {a: "# b"}
# still within
spec: |
  # no comment
# behind
---
## above 1
# above 2
kind: Namespace
apiVersion: v1
metadata: {name: n} # last line
`
	rs, ds := readOne(t, "k8s/a.yaml", content)
	if len(rs) != 2 || len(ds) > 0 {
		t.Fatalf("got %d resources and %v", len(rs), ds)
	}
	f := source.NewFile("k8s/a.yaml", []byte(content))
	show := func(r *resource.Resource) string {
		s := fmt.Sprintf("%s %s %s group=%s version=%s kind=%s name=%s namespace=%s unit=%s\n", r.ID, r.Platform, r.Format, r.Group, r.Version, r.Kind, r.Name, r.Namespace, r.Unit)
		s += fmt.Sprintf("range %d-%d head %q\n", r.Range.Start.Line, r.Range.LastLine(), f.Text(r.Head))
		for _, c := range r.Comments {
			s += fmt.Sprintf("%d %v %q %q\n", c.Range.Start.Line, c.Trailing, c.Text, f.Text(c.Range))
		}
		return s
	}
	want := `apps/v1/Deployment/shop/api kubernetes kubernetes group=apps version=v1 kind=Deployment name=api namespace=shop unit=kubernetes:.
range 5-14 head "kind:   Deployment"
4 true "behind the separator" "# behind the separator"
6 true "trailing" "# trailing"
8 false "within" "# within"
12 false "still within" "# still within"
`
	if d := cmp.Diff(want, show(rs[0])); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	want = `v1/Namespace/n kubernetes kubernetes group= version=v1 kind=Namespace name=n namespace= unit=kubernetes:.
range 19-21 head "kind: Namespace"
17 false "above 1" "## above 1"
18 false "above 2" "# above 2"
21 true "last line" "# last line"
`
	if d := cmp.Diff(want, show(rs[1])); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestCommentsOfListItems(t *testing.T) {
	rs, ds := readOne(t, "a.yaml", `apiVersion: v1
kind: List # of the list
items:
# above x
- apiVersion: v1
  kind: X
  metadata: {name: x} # last of x
- # behind the dash of y
  # above y
  apiVersion: v1
  kind: X
  metadata: {name: y} # last of y
- apiVersion: v1
  kind: X
  metadata: {name: z}
# below
`)
	if len(rs) != 3 || len(ds) > 0 {
		t.Fatalf("got %d resources and %v", len(rs), ds)
	}
	var got []string
	for _, r := range rs {
		s := r.Name + ":"
		for _, c := range r.Comments {
			s += " " + c.Text + ","
		}
		got = append(got, s)
	}
	want := []string{"x: above x, last of x,", "y: behind the dash of y, above y, last of y,", "z:"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestHead(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"kind", "apiVersion: v1\nkind: X # c\n", "kind: X"},
		{"JSON", `{"kind" : "X", "apiVersion": "v1"}`, `"kind" : "X"`},
		{"typed list", "apiVersion: v1\nkind: XList\nitems:\n- metadata: {name: y}\n  a: b\n", "metadata: {name: y}"},
		{"kind from elsewhere", "a: &a {kind: X}\napiVersion: v1\n<<: *a\n", "apiVersion: v1"},
		{"all from elsewhere", "a: &a {kind: X, apiVersion: v1}   # b\n<<: *a\n", "a: &a {kind: X, apiVersion: v1}   # b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, ds := readOne(t, "a.yaml", c.content)
			if len(rs) != 1 || len(ds) > 0 {
				t.Fatalf("got %d resources and %v", len(rs), ds)
			}
			if got := source.NewFile("a.yaml", []byte(c.content)).Text(rs[0].Head); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDiagnosticsAreBounded(t *testing.T) {
	for _, c := range []struct{ name, content string }{
		{"broken documents", strings.Repeat("---\na: [\n", 1000)},
		{"repeated resources", strings.Repeat("---\n"+x, 1000)},
		{"repeated keys", x + strings.Repeat("a: b\n", 1000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, ds := readOne(t, "a.yaml", c.content)
			if len(ds) < 2 || len(ds) > 30 || !strings.Contains(ds[0].Message, "9") || !strings.Contains(ds[0].Message, "more") {
				t.Errorf("got %d diagnostics, the first %v", len(ds), ds[0])
			}
		})
	}
}
