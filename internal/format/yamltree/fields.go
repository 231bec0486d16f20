package yamltree

import (
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// fieldSet gathers the fields of one map, in source order and with unique
// names. The map's own fields win over merged ones wherever they stand; among
// merged ones the first wins.
type fieldSet struct {
	fields []resource.Field
	merged []bool         // beside fields
	index  map[string]int // made once a map is too large to be searched through
}

const searchedThrough = 12

// emptyKey is said of a field without a name, which no path can lead to.
const emptyKey = "a key is empty; its value is not evaluated"

func (s *fieldSet) find(name string) int {
	if s.index != nil {
		if i, ok := s.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range s.fields {
		if s.fields[i].Name == name {
			return i
		}
	}
	return -1
}

// put adds a field and reports whether the map itself has it twice. The later
// one counts then, as it does to kubectl without strict validation.
func (s *fieldSet) put(f resource.Field, merged bool) (twice bool) {
	i := s.find(f.Name)
	if i < 0 {
		s.fields = append(s.fields, f)
		if merged || s.merged != nil {
			for len(s.merged) < len(s.fields)-1 {
				s.merged = append(s.merged, false)
			}
			s.merged = append(s.merged, merged)
		}
		switch {
		case s.index != nil:
			s.index[f.Name] = len(s.fields) - 1
		case len(s.fields) > searchedThrough:
			s.index = make(map[string]int, 4*searchedThrough)
			for j := range s.fields {
				s.index[s.fields[j].Name] = j
			}
		}
		return false
	}
	if merged {
		return false
	}
	twice = s.merged == nil || !s.merged[i]
	s.fields[i].Node = f.Node
	if s.merged != nil {
		s.merged[i] = false
	}
	return twice
}

// fields converts the fields of a map into out.
func (b *builder) fields(n *yaml.Node, out *resource.Node, depth int) {
	set := fieldSet{fields: make([]resource.Field, 0, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, start, end, ok := b.key(key, depth)
		if !ok || b.problem != nil {
			return
		}
		keyRange := source.Range{File: b.f.Path, Start: b.pos(start), End: b.pos(end)}
		empty := -1
		if isBare(value) {
			empty = b.afterColon()
		}
		node := b.node(value, depth+1, empty)
		if b.problem != nil {
			return
		}
		if IsMerge(key) {
			b.merge(&set, node)
			continue
		}
		if name == "" {
			b.diagnostics.Errorf(b.f.Path, keyRange.Start.Line, emptyKey)
			continue
		}
		node.KeyRange = keyRange
		if set.put(resource.Field{Name: name, Node: node}, false) {
			b.diagnostics.Errorf(b.f.Path, keyRange.Start.Line, "the key %q is there twice in one map; the later one counts", Clean(name))
		}
	}
	out.Fields = set.fields
}

// key reads the name of a field.
func (b *builder) key(n *yaml.Node, depth int) (name string, start, end int, ok bool) {
	switch {
	case n.Kind == yaml.AliasNode && n.Alias.Kind == yaml.ScalarNode:
		place := b.alias(n, depth).Range
		return n.Alias.Value, place.Start.Byte, place.End.Byte, true
	case n.Kind != yaml.ScalarNode:
		b.fail(b.locate(n), "a key is not a plain name")
		return "", 0, 0, false
	}
	start, end = b.scalarRange(n, -1)
	if n.Anchor != "" && b.problem == nil {
		node := b.tree.node(resource.String, n.Value)
		node.Range = b.span(b.pos(start), b.pos(end))
		b.keep(n, node)
	}
	return n.Value, start, end, true
}

// afterColon finds where a value would stand that is not written: after the
// colon of its key, or after the key where there is no colon either.
func (b *builder) afterColon() int {
	data := b.f.Data
	for i := b.at; i < b.d.end; {
		switch w := White(data, i); {
		case w > 0:
			i += w
		case data[i] == '#':
			i = b.lineEnd(i, b.d.end)
		case data[i] == ':':
			b.gap(i + 1)
			return i + 1
		default:
			return b.at
		}
	}
	return b.at
}

// merge puts in what a merge key brings: a map, or a list of maps.
func (b *builder) merge(set *fieldSet, node *resource.Node) {
	switch node.Kind {
	case resource.Map:
		for _, f := range node.Fields {
			set.put(f, true)
		}
		return
	case resource.List:
		maps := true
		for _, it := range node.Items {
			maps = maps && it.Kind == resource.Map
		}
		if maps {
			for _, it := range node.Items {
				for _, f := range it.Fields {
					set.put(f, true)
				}
			}
			return
		}
	}
	b.fail(node.Range.Start.Byte, "the merge key << takes a map or a list of maps")
}
