package terraform

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// unitOf makes a unit of the files in dir; all files are in its tree.
func unitOf(dir string, files map[string]string) format.Unit {
	fsys := fstest.MapFS{}
	u := format.Unit{ID: "terraform:" + dir, Format: Name, Dir: dir, FS: fsys, MaxFileSize: format.DefaultMaxFileSize}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(data)}
		in := dir == "." && !strings.Contains(name, "/") || dir != "." && strings.HasPrefix(name, dir+"/") && !strings.Contains(name[len(dir)+1:], "/")
		if class, _ := classify(name); in && class != otherFile {
			u.Files = append(u.Files, name)
		}
	}
	sort.Strings(u.Files)
	return u
}

func unitOfTxtar(a *txtar.Archive, dir string) format.Unit {
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	return unitOf(dir, files)
}

// readOne reads one main.tf.
func readOne(t testing.TB, src string) ([]*resource.Resource, source.Diagnostics) {
	t.Helper()
	return New().Read(t.Context(), unitOf(".", map[string]string{"main.tf": src}))
}

func find(t testing.TB, rs []*resource.Resource, id string) *resource.Resource {
	t.Helper()
	var ids []string
	for _, r := range rs {
		if r.ID == id {
			return r
		}
		ids = append(ids, r.ID)
	}
	t.Fatalf("there is no %s among %v", id, ids)
	return nil
}

// dump writes resources with the places of all that is in them.
func dump(rs []*resource.Resource, ds source.Diagnostics) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s (%s %q) %s head %s", r.ID, r.Kind, r.Name, span(r.Range), span(r.Head))
		origins(&b, r.Origins)
		if r.Root.Partial {
			b.WriteString(" partial")
		}
		b.WriteByte('\n')
		for _, c := range r.Comments {
			fmt.Fprintf(&b, "  # %q %s trailing=%v\n", c.Text, span(c.Range), c.Trailing)
		}
		for _, f := range r.Root.Taken {
			fmt.Fprintf(&b, "  %s: not set %s key %s", f.Name, span(f.Node.Range), span(f.Node.KeyRange))
			origins(&b, f.Node.Origins)
			b.WriteByte('\n')
		}
		for _, f := range r.Root.Fields {
			dumpNode(&b, 1, f.Name, f.Node)
		}
	}
	for _, d := range ds {
		fmt.Fprintf(&b, "%s: %s", d.Level, d)
		if d.NotEvaluated != "" {
			fmt.Fprintf(&b, " [%s]", d.NotEvaluated)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func span(r source.Range) string {
	return fmt.Sprintf("%s:%d:%d-%d:%d", r.File, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
}

func origins(b *strings.Builder, rs []source.Range) {
	for i, o := range rs {
		if i == 0 {
			b.WriteString(" from")
		}
		b.WriteString(" " + span(o))
	}
}

func dumpNode(b *strings.Builder, depth int, name string, n *resource.Node) {
	b.WriteString(strings.Repeat("  ", depth) + name + ":")
	switch {
	case n.Unknown:
		fmt.Fprintf(b, " unknown (%s)", n.Why)
		if n.Parts != nil {
			fmt.Fprintf(b, " of %q", n.Parts)
		}
	case n.Kind == resource.String:
		fmt.Fprintf(b, " %q", n.Value)
	case n.Kind == resource.List || n.Kind == resource.Map:
		b.WriteString(" " + n.Kind.String())
	default:
		fmt.Fprintf(b, " %v", n.Value)
	}
	if n.Block {
		b.WriteString(" block")
	}
	if n.Partial {
		b.WriteString(" partial")
	}
	b.WriteString(" " + span(n.Range))
	if !n.KeyRange.IsZero() {
		b.WriteString(" key " + span(n.KeyRange))
	}
	origins(b, n.Origins)
	if n.Refs != nil {
		fmt.Fprintf(b, " refs %v", n.Refs)
	}
	b.WriteByte('\n')
	for _, f := range n.Taken {
		b.WriteString(strings.Repeat("  ", depth+1) + f.Name + ": not set " + span(f.Node.Range) + " key " + span(f.Node.KeyRange))
		origins(b, f.Node.Origins)
		b.WriteByte('\n')
	}
	for i, it := range n.Items {
		dumpNode(b, depth+1, fmt.Sprintf("[%d]", i), it)
	}
	for _, f := range n.Fields {
		dumpNode(b, depth+1, f.Name, f.Node)
	}
	if n.Embedded != nil {
		dumpNode(b, depth+1, "(embedded)", n.Embedded)
	}
}
