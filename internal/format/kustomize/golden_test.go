package kustomize_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

var update = flag.Bool("update", false, "write what the units in testdata give now")

// unit gives the files of a txtar as a unit; the kustomization of the folder
// that its comment names first is built.
func unit(ar *txtar.Archive) format.Unit {
	dir := strings.TrimSpace(strings.SplitN(string(ar.Comment), "\n", 2)[0])
	fsys := fstest.MapFS{}
	u := format.Unit{ID: "kustomize:" + dir, Format: kustomize.Name, Dir: dir, FS: fsys}
	for _, f := range ar.Files {
		if f.Name == "want" {
			continue
		}
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		u.Files = append(u.Files, f.Name)
	}
	sort.Strings(u.Files)
	return u
}

// dump writes the resources with the place and the text of every scalar.
func dump(u format.Unit, rs []*resource.Resource, ds source.Diagnostics) string {
	var b strings.Builder
	files := map[string]*source.File{}
	place := func(r source.Range) string {
		f := files[r.File]
		if f == nil {
			data, _ := u.FS.(fstest.MapFS).ReadFile(r.File)
			f = source.NewFile(r.File, data)
			files[r.File] = f
		}
		text := f.Text(r)
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			text = text[:i] + "…"
		}
		return fmt.Sprintf("%s:%d:%d %s", r.File, r.Start.Line, r.Start.Column, text)
	}
	for _, r := range rs {
		fmt.Fprintf(&b, "%s (%s in %s)\n  at %s\n", r.ID, r.Source.ID, r.Source.Unit, place(r.Head))
		for _, o := range r.Origins {
			fmt.Fprintf(&b, "  in by %s\n", place(o))
		}
		resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
			if n.Kind == resource.Map || n.Kind == resource.List {
				for _, f := range n.Taken {
					fmt.Fprintf(&b, "  %s without %s @ %s", p, f.Name, place(f.Node.Range))
					for _, o := range f.Node.Origins {
						fmt.Fprintf(&b, " < %s:%d", o.File, o.Start.Line)
					}
					b.WriteByte('\n')
				}
				return true
			}
			fmt.Fprintf(&b, "  %s = %v @ %s", p, n.Value, place(n.Range))
			for _, o := range n.Origins {
				fmt.Fprintf(&b, " < %s:%d", o.File, o.Start.Line)
			}
			b.WriteByte('\n')
			return true
		})
		for _, c := range r.Comments {
			fmt.Fprintf(&b, "  # %s %s:%d\n", c.Text, c.Range.File, c.Range.Start.Line)
		}
	}
	for _, d := range ds {
		fmt.Fprintf(&b, "%s %s [%s]\n", d.Level, d, d.NotEvaluated)
	}
	return b.String()
}

// check checks what every reading must hold.
func check(t testing.TB, u format.Unit, rs []*resource.Resource, ds source.Diagnostics) {
	t.Helper()
	formattest.Check(t, cases(), u, rs, ds)
}

// TestGolden reads each unit in testdata and compares every value with its place.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no units in testdata (%v)", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(data)
			u := unit(ar)
			rs, ds := kustomize.New().Read(t.Context(), u)
			check(t, u, rs, ds)
			got := dump(u, rs, ds)
			want := -1
			for i, f := range ar.Files {
				if f.Name == "want" {
					want = i
				}
			}
			if *update {
				if want < 0 {
					ar.Files = append(ar.Files, txtar.File{Name: "want"})
					want = len(ar.Files) - 1
				}
				ar.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("no file named want")
			}
			if d := cmp.Diff(string(ar.Files[want].Data), got); d != "" {
				t.Errorf("not as wanted (-want +got):\n%s", d)
			}
		})
	}
}
