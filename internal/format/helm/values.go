package helm

import (
	"context"
	"slices"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// given reads the unit's values files, the later over the earlier, as helm's
// --values does. ok is false where one cannot be read: the rendering would then
// be of something else.
func (l *loaded) given() (values map[string]any, ok bool) {
	values, ok = map[string]any{}, true
	for _, name := range l.unit.Inputs {
		data, err := l.read(name, l.limit(name))
		if err != nil {
			l.fail(source.LevelError, name, 0, name, "%v", err)
			ok = false
			continue
		}
		l.files[name] = &sourceFile{File: source.NewFile(name, data)}
		var v table
		if err := yamlUnmarshal(data, &v); err != nil {
			l.fail(source.LevelError, name, 0, name, "the values cannot be read: %s", plain(err))
			ok = false
			continue
		}
		values = over(v, values)
	}
	return values, ok
}

// settings are the values files as trees, to say where a value was set.
type settings struct {
	l        *loaded
	trees    map[string]*resource.Node
	comments map[string][]resource.Comment // of the files that are in trees
	told     map[string][]resource.Comment // see remapper.spoken
}

// tree gives the tree of a values file that can be pointed to; nil for any
// other.
func (s *settings) tree(name string) *resource.Node {
	if n, ok := s.trees[name]; ok {
		return n
	}
	var root *resource.Node
	if f := s.l.files[name]; f != nil && f.packed == "" {
		u := format.Unit{ID: s.l.unit.ID, FS: format.Overlay{Files: map[string][]byte{name: f.Data}}, MaxFileSize: int64(len(f.Data))}
		yamltree.Read(context.Background(), &u, name, yamltree.Options{OldBooleans: true}, func(d yamltree.Document) source.Diagnostics {
			if root == nil {
				root = d.Root
				s.comments[name] = d.Comments
			}
			return nil
		})
	}
	s.trees[name] = root
	return root
}

// find gives the node of the values file that decides a setting of a chart: the
// last file given that has it, then the charts' own values from the root to the
// chart. text is what was rendered of it; it tells items apart.
func (s *settings) find(t *tpl, setting ref, rel []string, text string) *resource.Node {
	global := setting[0] == "global"
	look := func(name string, prefix []string) *resource.Node {
		n := s.tree(name)
		if n == nil {
			return nil
		}
		if !global {
			for _, p := range prefix {
				n = n.Get(p)
			}
		}
		return descend(n, setting, rel, text)
	}
	for i := len(s.l.unit.Inputs) - 1; i >= 0; i-- {
		if n := look(s.l.unit.Inputs[i], t.names[1:]); n != nil {
			return n
		}
	}
	for i, c := range t.chain {
		if n := look(join(c.dir, "values.yaml"), t.names[i+1:]); n != nil {
			return n
		}
	}
	return nil
}

// descend follows a setting and the way within its value from a node.
func descend(n *resource.Node, setting ref, rel []string, text string) *resource.Node {
	for _, name := range setting {
		if n == nil {
			return nil
		}
		if name == "*" {
			n = item(n, text)
			continue
		}
		n = n.Get(name)
	}
	if n == nil {
		return nil
	}
	for _, name := range rel {
		next := n.Get(name)
		if n.Kind == resource.List {
			if i, err := strconv.Atoi(name); err == nil && i < len(n.Items) {
				next = n.Items[i]
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// item gives the item of a list or map that was rendered as the text, else all
// of it.
func item(n *resource.Node, text string) *resource.Node {
	match := func(x *resource.Node) bool {
		found := false
		resource.Walk(x, func(_ resource.Path, y *resource.Node) bool {
			found = found || y != nil && text != "" && scalarText(y) == text
			return !found
		})
		return found
	}
	for _, f := range n.Fields {
		if f.Name == text || match(f.Node) {
			return f.Node
		}
	}
	for _, it := range n.Items {
		if match(it) {
			return it
		}
	}
	return n
}

// scalarText is a scalar as a template writes it.
func scalarText(n *resource.Node) string {
	switch v := n.Value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// placeOf is where a person edits a value: its line with the key.
func placeOf(n *resource.Node) source.Range {
	r, key := n.Range, n.KeyRange
	switch {
	case key.IsZero():
		return r
	case r.IsZero() || r.File != key.File || r.Start.Line != key.Start.Line || n.Kind == resource.Map || n.Kind == resource.List && r.End.Line > r.Start.Line:
		return key
	}
	return source.Range{File: key.File, Start: key.Start, End: r.End}
}

// union adds the ranges that are not there yet, up to a bound.
func union(out, more []source.Range) []source.Range {
	for _, r := range more {
		if len(out) < maxOrigins && !r.IsZero() && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
