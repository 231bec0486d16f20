package bootstrap_test

import (
	"flag"
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

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden reads the files of each archive, one unit for each that a reader is
// for, and compares what is found with the file "want".
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree, want := fstest.MapFS{}, -1
			for i, f := range a.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				tree[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			got := dump(t, tree)
			if *update {
				if want < 0 {
					a.Files = append(a.Files, txtar.File{Name: "want"})
					want = len(a.Files) - 1
				}
				a.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("no want")
			}
			if d := cmp.Diff(string(a.Files[want].Data), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func units(tree fstest.MapFS) ([]format.Unit, []format.Reader) {
	tf, cf, k8s := bootstrap.Within(terraform.New()), bootstrap.Within(cloudformation.New()), bootstrap.Within(kubernetes.New())
	byID := map[string]*format.Unit{}
	readers := map[string]format.Reader{}
	add := func(id, dir, name string, r format.Reader) {
		if byID[id] == nil {
			byID[id] = &format.Unit{ID: id, Dir: dir, FS: tree, MaxFileSize: format.DefaultMaxFileSize}
			readers[id] = r
		}
		byID[id].Files = append(byID[id].Files, name)
	}
	for name := range tree {
		dir := path.Dir(name)
		switch base := path.Base(name); {
		case strings.HasSuffix(base, ".tf"):
			add("terraform:"+dir, dir, name, tf)
		case strings.HasSuffix(base, ".hcl"):
			add("node-bootstrap:"+dir, dir, name, bootstrap.New())
		case base == "stack.yaml":
			add("cloudformation:"+name, dir, name, cf)
		case base == "manifest.yaml":
			add("kubernetes:"+dir, dir, name, k8s)
		case strings.HasSuffix(base, ".tftpl"), strings.HasPrefix(dir, "scripts"):
		default:
			add("node-bootstrap:"+name, dir, name, bootstrap.New())
		}
	}
	var ids []string
	for id, u := range byID {
		sort.Strings(u.Files)
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var us []format.Unit
	var rs []format.Reader
	for _, id := range ids {
		us, rs = append(us, *byID[id]), append(rs, readers[id])
	}
	return us, rs
}

// dump writes what is found; of each place the text that stands there, so that
// it can be read whether it is right.
func dump(t *testing.T, tree fstest.MapFS) string {
	var b strings.Builder
	us, readers := units(tree)
	for i, u := range us {
		rs, ds := readers[i].Read(t.Context(), u)
		for _, d := range ds {
			fmt.Fprintf(&b, "%s\n", d)
		}
		for _, r := range rs {
			if r.Format != bootstrap.Name {
				continue
			}
			fmt.Fprintf(&b, "%s %s %s at %s\n", r.Platform, r.Kind, r.ID, r.Head)
			for _, c := range r.Comments {
				fmt.Fprintf(&b, "\tcomment %q at %s\n", c.Text, c.Range)
			}
			dumpNode(t, &b, tree, r.Root, "", 1)
		}
	}
	return b.String()
}

func dumpNode(t *testing.T, b *strings.Builder, tree fstest.MapFS, n *resource.Node, name string, depth int) {
	for _, f := range n.Fields {
		if f.Name == "text" && n.Get("args") != nil {
			continue
		}
		fmt.Fprintf(b, "%s%s", strings.Repeat("\t", depth), f.Name)
		dumpValue(t, b, tree, f.Node, f.Name, depth)
	}
	for _, it := range n.Items {
		fmt.Fprintf(b, "%s-", strings.Repeat("\t", depth))
		dumpValue(t, b, tree, it, name, depth)
	}
}

func dumpValue(t *testing.T, b *strings.Builder, tree fstest.MapFS, n *resource.Node, name string, depth int) {
	text := sourceOf(t, tree, n.Range)
	switch {
	case n.Unknown:
		fmt.Fprintf(b, " unknown %q (%s)", n.Parts, n.Why)
	case n.Kind == resource.List || n.Kind == resource.Map:
		fmt.Fprintf(b, " %s:%d\n", n.Range.File, n.Range.Start.Line)
		dumpNode(t, b, tree, n, name, depth+1)
		return
	default:
		fmt.Fprintf(b, " %q", fmt.Sprint(n.Value))
	}
	fmt.Fprintf(b, " at %s", n.Range)
	if text != fmt.Sprint(n.Value) {
		if len(text) > 60 {
			text = text[:60] + "…"
		}
		fmt.Fprintf(b, ", where it says %q", text)
	}
	b.WriteByte('\n')
}

func sourceOf(t *testing.T, tree fs.FS, r source.Range) string {
	data, err := fs.ReadFile(tree, r.File)
	if err != nil {
		t.Errorf("%v: %v", r, err)
		return ""
	}
	if r.Start.Byte > r.End.Byte || r.End.Byte > len(data) {
		t.Errorf("%v is out of bounds", r)
		return ""
	}
	if p := source.NewFile(r.File, data).Pos(r.Start.Byte); p != r.Start {
		t.Errorf("%v: the byte is at %v", r, p)
	}
	return string(data[r.Start.Byte:r.End.Byte])
}
