package fix

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// builtWriter edits what a resource was put together of: each setting in the
// file that decides it, be it a base, a patch or a kustomization.
type builtWriter struct {
	files   Files
	root    *resource.Node
	writers map[string]*yamlWriter
}

func proposeBuilt(files Files, res *resource.Resource, p *patch) ([]source.Edit, error) {
	b := &builtWriter{files: files, root: res.Root, writers: map[string]*yamlWriter{}}
	if err := b.apply(res.Root, nil, p); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(b.writers))
	for name := range b.writers {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []source.Edit
	for _, name := range names {
		out = append(out, b.writers[name].edits...)
	}
	return out, nil
}

func (b *builtWriter) writer(name string) (*yamlWriter, error) {
	if w := b.writers[name]; w != nil {
		return w, nil
	}
	f := b.files(name)
	if f == nil {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: isJSON(name)}
	w.learn(b.root)
	b.writers[name] = w
	return w, nil
}

// apply carries out what p says below a node.
func (b *builtWriter) apply(n, parent *resource.Node, p *patch) error {
	if p.trivial() {
		return nil
	}
	if p.del {
		err := b.take(n)
		if err != nil && n.Kind == resource.Bool && n.Value == true {
			// What switches something on can be switched off where it stands.
			return b.edit(n, parent, &patch{set: &value{kind: resource.Bool, scalar: false}})
		}
		return err
	}
	if p.set != nil || len(p.add) > 0 || !steps(n, p) {
		return b.edit(n, parent, p)
	}
	if n.Kind == resource.List && slices.ContainsFunc(p.kids, func(k kid) bool { return k.p.del }) {
		return b.takeItems(n, parent, p)
	}
	here := &patch{} // what has to be added to the node itself
	for _, k := range p.kids {
		c := b.child(n, k.step)
		if c == nil {
			here.kids = append(here.kids, k)
			continue
		}
		if err := b.apply(c, n, k.p); err != nil {
			return err
		}
	}
	if len(here.kids) == 0 {
		return nil
	}
	return b.edit(n, parent, here)
}

// takeItems takes items out of a list that is written in one place. A list of
// which nothing would be left goes as a whole, or is left empty where it cannot:
// the value of an operation needs one.
func (b *builtWriter) takeItems(n, parent *resource.Node, p *patch) error {
	gone := map[int]bool{}
	for _, k := range p.kids {
		if k.p.del && k.step.Index < len(n.Items) {
			gone[k.step.Index] = true
		}
	}
	if len(gone) < len(n.Items) {
		return b.edit(n, parent, p)
	}
	for _, it := range n.Items {
		if !n.Range.Contains(it.Range) {
			return fmt.Errorf("the list is put together at %s", n.Range)
		}
	}
	if err := b.take(n); err == nil {
		return nil
	}
	return b.edit(n, parent, &patch{set: &value{kind: resource.List}})
}

// steps reports whether the steps below a patch are those of the node's kind.
func steps(n *resource.Node, p *patch) bool {
	switch n.Kind {
	case resource.Map:
		return p.kids[0].step.Name != ""
	case resource.List:
		return p.kids[0].step.Name == ""
	}
	return false
}

func (b *builtWriter) child(n *resource.Node, s resource.Step) *resource.Node {
	if s.Name != "" {
		if c := n.Get(s.Name); c != nil {
			return c
		}
		// A null that took the setting away is a place to say it.
		if t := n.TakenAway(s.Name); t != nil && t.KeyRange.File != "" {
			return t
		}
		return nil
	}
	if s.Index < len(n.Items) {
		return n.Items[s.Index]
	}
	return nil
}

// edit writes into the file that a node stands in.
func (b *builtWriter) edit(n, parent *resource.Node, p *patch) error {
	w, err := b.writer(n.Range.File)
	if err != nil {
		return err
	}
	if !b.literal(w, n) {
		return fmt.Errorf("the value is put together at %s", n.Range)
	}
	s := slot{n: n, parent: parent}
	if n.KeyRange.File == n.Range.File {
		s.key = n.KeyRange
	}
	if parent != nil && !parent.Range.Contains(n.Range) {
		s.parent = &resource.Node{Kind: resource.Map} // another file's, or an operation's
	}
	emptied, err := w.apply(s, p)
	if err == nil && emptied {
		err = errors.New("nothing would be left of the setting")
	}
	return err
}

// literal reports whether the text at a node's place is what the node says, and
// not something that it was made of.
func (b *builtWriter) literal(w *yamlWriter, n *resource.Node) bool {
	text := w.f.Text(n.Range)
	switch n.Kind {
	case resource.Map, resource.List:
		if w.isFlow(n) {
			return true
		}
		if n.Kind == resource.List {
			return strings.HasPrefix(text, "-")
		}
		// A block map begins with a key of its own.
		for _, f := range n.Fields {
			if f.Node.KeyRange.File == n.Range.File && f.Node.KeyRange.Start.Byte == w.content(n) {
				return true
			}
		}
		return false
	}
	var y yaml.Node
	if yaml.Unmarshal([]byte(strings.TrimSpace(text)), &y) != nil || len(y.Content) != 1 || y.Content[0].Kind != yaml.ScalarNode {
		return false
	}
	got := y.Content[0].Value
	switch v := n.Value.(type) {
	case string:
		return got == v
	case nil:
		return y.Content[0].Tag == "!!null"
	default:
		return strings.EqualFold(got, fmt.Sprint(v))
	}
}

// take takes a setting out of the file that decides it: whole lines, where
// others stand beside it.
func (b *builtWriter) take(n *resource.Node) error {
	if n.KeyRange.IsZero() || n.KeyRange.File != n.Range.File || n.Range.Start.Byte < n.KeyRange.End.Byte {
		return fmt.Errorf("the setting is not written as a field at %s", n.Range)
	}
	w, err := b.writer(n.Range.File)
	if err != nil {
		return err
	}
	if strings.Contains(w.f.Text(n.Range), "{{") {
		return errors.New("the value is filled in by a template")
	}
	first, last := n.KeyRange.Start.Line, n.Range.LastLine()
	before := w.f.Line(first)[:n.KeyRange.Start.Byte-w.f.LineStart(first)]
	after := strings.TrimSpace(string(w.f.Data[n.Range.End.Byte:max(n.Range.End.Byte, w.f.LineEnd(last))]))
	if strings.TrimSpace(before) != "" || after != "" && !strings.HasPrefix(after, "#") || w.json {
		return errors.New("the setting shares its line with others")
	}
	indent := len(before)
	if !beside(w, first-1, -1, indent) && !beside(w, last+1, 1, indent) {
		return errors.New("nothing would be left of what holds the setting")
	}
	w.edit(w.f.LineStart(first), w.f.LineEnd(last), "")
	return nil
}

// beside reports whether the next line that says something, from a line on in a
// direction, belongs to the map whose fields are indented by so much.
func beside(w *yamlWriter, line, step, indent int) bool {
	for ; line >= 1 && line <= w.f.Lines(); line += step {
		text := w.f.Line(line)
		if s := strings.TrimSpace(text); s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		have := len(text) - len(strings.TrimLeft(text, " "))
		if have > indent && step < 0 {
			return true // it lies below a field beside
		}
		return have == indent && !strings.HasPrefix(strings.TrimSpace(text), "- ")
	}
	return false
}
