package formattest

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxReported bounds what one faulty reader prints.
const maxReported = 20

// Check checks everything that must hold of what a reader gave for u, whatever
// u holds. Fuzz targets call it too.
func Check(t testing.TB, c Cases, u format.Unit, rs []*resource.Resource, ds source.Diagnostics) {
	t.Helper()
	k := &checker{c: c, u: u, files: map[string]*source.File{}}
	k.diagnostics(ds)
	ids := map[string]bool{}
	for _, res := range rs {
		if res == nil {
			k.failf("a nil resource")
			continue
		}
		if ids[res.ID] {
			k.failf("%s: the id is given twice", res.ID)
		}
		ids[res.ID] = true
		k.resource(res)
	}
	if len(k.errs) == 0 {
		k.rewrite(rs)
	}
	for i, e := range k.errs {
		if i == maxReported {
			t.Errorf("and %d more", len(k.errs)-i)
			break
		}
		t.Error(e)
	}
}

type checker struct {
	c     Cases
	u     format.Unit
	files map[string]*source.File
	errs  []string
}

func (k *checker) failf(format string, args ...any) {
	k.errs = append(k.errs, fmt.Sprintf(format, args...))
}

// file gives a file of the unit's tree, nil where there is none.
func (k *checker) file(path string) *source.File {
	f, ok := k.files[path]
	if !ok {
		if data, err := fs.ReadFile(k.u.FS, path); err == nil {
			f = source.NewFile(path, data)
		}
		k.files[path] = f
	}
	return f
}

func (k *checker) diagnostics(ds source.Diagnostics) {
	for _, d := range ds {
		if d.Level != source.LevelError && d.Level != source.LevelWarning {
			k.failf("diagnostic %q has the level %q", d, d.Level)
		}
		if err := plain(d.Message); err != nil {
			k.failf("the message of a diagnostic of %s:%d %v", d.File, d.Line, err)
		}
		if d.File == "" || d.Line == 0 {
			continue
		}
		// A parser may stop on the line after the last line break.
		if f := k.file(d.File); f == nil || d.Line < 0 || d.Line > f.Lines()+1 {
			k.failf("diagnostic %q is on a line that does not exist", d)
		}
	}
}

// place checks that a range lies in a file and that its lines and columns say
// the same as its bytes.
func (k *checker) place(what string, r source.Range) bool {
	f := k.file(r.File)
	if f == nil {
		k.failf("%s lies in %q, which is no file", what, r.File)
		return false
	}
	if r.Start.Byte < 0 || r.End.Byte < r.Start.Byte || r.End.Byte > len(f.Data) {
		k.failf("%s spans bytes %d to %d of %d", what, r.Start.Byte, r.End.Byte, len(f.Data))
		return false
	}
	// Far along a line the columns are left out: counting them for every node
	// of it takes quadratic time.
	const far = 1 << 14
	if line := f.LineStart(r.Start.Line); line <= r.Start.Byte && r.Start.Byte-line > far {
		return true
	}
	if want := f.Range(r.Start.Byte, r.End.Byte); r != want {
		k.failf("%s is given as %+v, but its bytes are %+v", what, r, want)
		return false
	}
	return true
}

func (k *checker) resource(res *resource.Resource) {
	id := res.ID
	switch {
	case id == "":
		k.failf("a resource at %v has no id", res.Range)
	case res.Format != k.c.Format:
		k.failf("%s: format is %q, want %q", id, res.Format, k.c.Format)
	case res.Unit != k.u.ID:
		k.failf("%s: unit is %q, want %q", id, res.Unit, k.u.ID)
	case res.Platform == "" || len(k.c.Platforms) > 0 && !slices.Contains(k.c.Platforms, res.Platform):
		k.failf("%s: platform is %q", id, res.Platform)
	case res.Kind == "":
		k.failf("%s: no kind", id)
	}
	if res.Root == nil {
		k.failf("%s: no root", id)
		return
	}
	if k.place(id, res.Range) && res.Range.Len() == 0 {
		k.failf("%s: its range is empty", id)
	}
	if k.place(id+": head", res.Head) && res.Head.Len() == 0 {
		k.failf("%s: its head is empty", id)
	}
	for _, o := range res.Origins {
		k.place(id+": origin", o)
	}
	last := source.Range{}
	for _, c := range res.Comments {
		what := fmt.Sprintf("%s: comment at %v", id, c.Range)
		if !k.place(what, c.Range) {
			continue
		}
		f := k.file(c.Range.File)
		if text := f.Text(c.Range); c.Text != "" && !bytes.Contains([]byte(text), []byte(c.Text)) {
			k.failf("%s: the text %q is not in the source %q", what, c.Text, text)
		}
		before := bytes.TrimSpace(bytes.TrimPrefix(f.Data[f.LineStart(c.Range.Start.Line):c.Range.Start.Byte], []byte("\ufeff")))
		if c.Trailing != (len(before) > 0) {
			k.failf("%s: trailing is %v after %q", what, c.Trailing, before)
		}
		if c.Range.File == last.File && c.Range.Start.Byte < last.End.Byte {
			k.failf("%s: out of order", what)
		}
		last = c.Range
	}
	k.nodes(res)
}

func (k *checker) nodes(res *resource.Resource) {
	onPath := map[*resource.Node]bool{}
	var walk func(p resource.Path, n, parent *resource.Node)
	walk = func(p resource.Path, n, parent *resource.Node) {
		what := res.ID + ": " + p.String()
		if n == nil {
			k.failf("%s: a nil node", what)
			return
		}
		if onPath[n] {
			k.failf("%s: the node lies within itself", what)
			return
		}
		onPath[n] = true
		defer delete(onPath, n)
		k.node(what, res, p, n, parent)
		for i, it := range n.Items {
			walk(append(p, resource.Step{Index: i}), it, n)
		}
		for _, f := range n.Fields {
			if f.Node != nil {
				k.key(what, f)
			}
			walk(append(p, resource.Step{Name: f.Name}), f.Node, n)
		}
		if n.Embedded != nil {
			walk(append(p, resource.Step{Name: "(embedded)"}), n.Embedded, n)
		}
	}
	walk(make(resource.Path, 0, 32), res.Root, nil)
}

func (k *checker) node(what string, res *resource.Resource, p resource.Path, n, parent *resource.Node) {
	if err := wellFormed(n); err != nil {
		k.failf("%s: %v", what, err)
	}
	if n.Unknown && n.Why == "" {
		k.failf("%s: unknown without saying why", what)
	}
	for _, o := range n.Origins {
		k.place(what+": origin", o)
	}
	if n.Range.IsZero() {
		k.failf("%s: no range", what)
		return
	}
	if !k.place(what, n.Range) {
		return
	}
	computed := n.Unknown || len(n.Origins) > 0
	if parent != nil && !computed && !n.Block && len(parent.Origins) == 0 && !parent.Range.Contains(n.Range) {
		k.failf("%s: %v to byte %d is outside its parent's %v to byte %d", what, n.Range, n.Range.End.Byte, parent.Range, parent.Range.End.Byte)
	}
	f := k.file(n.Range.File)
	if k.c.Scalar != nil && !computed && n.Kind != resource.List && n.Kind != resource.Map {
		if v, ok := k.c.Scalar(f.Text(n.Range), n); ok && v != n.Value {
			k.failf("%s: the source %.80q says %#v, the node %#v", what, f.Text(n.Range), v, n.Value)
		}
	}
	if k.c.Node != nil {
		if err := k.c.Node(f, res, p, n); err != nil {
			k.failf("%s: %v", what, err)
		}
	}
}

func (k *checker) key(what string, f resource.Field) {
	r := f.Node.KeyRange
	if r.IsZero() {
		return
	}
	what = fmt.Sprintf("%s: key %q", what, f.Name)
	if !k.place(what, r) || k.c.Key == nil || f.Node.Block {
		return
	}
	text := k.file(r.File).Text(r)
	if name, ok := k.c.Key(text); ok && name != f.Name {
		k.failf("%s: its source is %.80q", what, text)
	}
}

func wellFormed(n *resource.Node) error {
	seen := make(map[string]bool, len(n.Fields))
	for _, f := range n.Fields {
		if seen[f.Name] {
			return fmt.Errorf("the field %q is there twice", f.Name)
		}
		seen[f.Name] = true
	}
	if n.Unknown {
		return nil
	}
	ok := false
	switch n.Kind {
	case resource.Null, resource.List, resource.Map:
		ok = n.Value == nil
	case resource.Bool:
		_, ok = n.Value.(bool)
	case resource.Int:
		_, ok = n.Value.(int64)
	case resource.Float:
		_, ok = n.Value.(float64)
	case resource.String:
		_, ok = n.Value.(string)
	}
	switch {
	case !ok:
		return fmt.Errorf("a %v holds a %T", n.Kind, n.Value)
	case n.Kind != resource.List && len(n.Items) > 0:
		return fmt.Errorf("a %v has items", n.Kind)
	case n.Kind != resource.Map && len(n.Fields) > 0:
		return fmt.Errorf("a %v has fields", n.Kind)
	}
	return nil
}

// rewrite replaces every scalar of every file by itself, in one go: the file
// must come out as it was.
func (k *checker) rewrite(rs []*resource.Resource) {
	edits := map[string][]source.Edit{}
	for _, res := range rs {
		resource.Walk(res.Root, func(_ resource.Path, n *resource.Node) bool {
			f := k.files[n.Range.File]
			if f == nil || n.Kind == resource.List || n.Kind == resource.Map || n.Range.Len() <= 0 || n.Range.Start.Byte < 0 || n.Range.End.Byte > len(f.Data) {
				return true
			}
			edits[f.Path] = append(edits[f.Path], source.Edit{Range: n.Range, New: f.Text(n.Range)})
			return true
		})
	}
	for path, es := range edits {
		// Several computed values may stand at one expression: once is enough.
		sort.Slice(es, func(i, j int) bool {
			if a, b := es[i].Range.Start.Byte, es[j].Range.Start.Byte; a != b {
				return a < b
			}
			return es[i].Range.End.Byte < es[j].Range.End.Byte
		})
		apart := es[:0]
		for _, e := range es {
			if n := len(apart); n == 0 || apart[n-1].Range.End.Byte <= e.Range.Start.Byte {
				apart = append(apart, e)
			}
		}
		data := k.files[path].Data
		out, err := source.Apply(data, apart)
		if err != nil {
			k.failf("%s: %v", path, err)
		} else if !bytes.Equal(out, data) {
			k.failf("%s: writing every value again as it stands changed the file", path)
		}
	}
}
