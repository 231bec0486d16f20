package kustomize

import (
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// merging is a strategic merge patch of a kustomization.
type merging struct {
	target *resource.Node // of the entry; nil where the patch names what it is for
	at     source.Range   // the entry
	file   *file
}

// counterpart gives what an item of a list was where it is written: the one of
// the same name, or at the same place where neither has a name.
func counterpart(list *resource.Node, it *resource.Node, i int) *resource.Node {
	items := itemsOf(list)
	if name := it.Get("name").Str(); name != "" {
		for _, o := range items {
			if o.Get("name").Str() == name {
				return o
			}
		}
		return nil
	}
	if i < len(items) && items[i].Get("name") == nil {
		return items[i]
	}
	return nil
}

// takenAway notes in a resource's tree which fields of what was written are not
// there any more, as far as a patch says that it took them.
func (p *placer) takenAway(root, written *resource.Node) {
	patched := false
	for _, k := range p.over {
		patched = patched || len(k.mergings) > 0 || len(k.operations) > 0
	}
	if !patched {
		return
	}
	var way []*resource.Node // the nodes of the result on the way
	var path resource.Path
	var walk func(n, was *resource.Node)
	walk = func(n, was *resource.Node) {
		if was == nil || was.Kind != n.Kind {
			return
		}
		way = append(way, n)
		defer func() { way = way[:len(way)-1] }()
		for _, f := range was.Fields {
			path = append(path, resource.Step{Name: f.Name})
			if c := n.Get(f.Name); c != nil {
				walk(c, f.Node)
			} else if t := p.taker(path, way); t != nil {
				t.Origins = append(t.Origins, f.Node.KeyRange)
				if f.Node.KeyRange.IsZero() {
					t.Origins[len(t.Origins)-1] = f.Node.Range
				}
				n.Taken = append(n.Taken, resource.Field{Name: f.Name, Node: t})
			}
			path = path[:len(path)-1]
		}
		for i, it := range n.Items {
			path = append(path, resource.Step{Index: i})
			walk(it, counterpart(was, it, i))
			path = path[:len(path)-1]
		}
	}
	walk(root, written)
}

// taker finds the patch that took the field at a path away, the last to run
// first: a Null at its place, nil for none. way are the nodes that hold it.
func (p *placer) taker(path resource.Path, way []*resource.Node) *resource.Node {
	for _, k := range p.over {
		for i := len(k.operations) - 1; i >= 0; i-- {
			o := k.operations[i]
			if !p.targeted(o.entry.Get("target")) {
				continue
			}
			ops := itemsOf(o.list)
			for j := len(ops) - 1; j >= 0; j-- {
				at := ops[j].Get("path")
				if ops[j].Get("op").Str() != "remove" || !leadsAlong(pointer(at.Str()), path) {
					continue
				}
				return p.takes(k, o.doc, o.origin, &resource.Node{Range: at.Range})
			}
		}
		for i := len(k.mergings) - 1; i >= 0; i-- {
			m := k.mergings[i]
			for _, d := range m.file.docs {
				if !p.patches(m, d) {
					continue
				}
				if t := takesIn(d.root, path, way); t != nil {
					return p.takes(k, d, m.at, t)
				}
			}
		}
	}
	return nil
}

func (p *placer) takes(k *spec, d *document, by source.Range, t *resource.Node) *resource.Node {
	p.entries[k] = true
	if !d.exact {
		return &resource.Node{Range: by}
	}
	p.involved[d] = true
	t.Origins = []source.Range{by}
	return t
}

func leadsAlong(steps []string, path resource.Path) bool {
	if len(steps) != len(path) {
		return false
	}
	for i, s := range steps {
		if s == "-" || !leadsTo(s, path[i]) {
			return false
		}
	}
	return true
}

// patches reports whether a document of a strategic merge patch is for the
// resource at hand.
func (p *placer) patches(m merging, d *document) bool {
	if m.target != nil {
		return p.targeted(m.target)
	}
	name := d.root.Path("metadata", "name").Str()
	return d.root.Get("kind").Str() == p.kind && (name == p.was || name == p.name)
}

// takesIn finds what a patch says that takes the field at a path away: a null, or
// a directive that deletes or replaces what holds it.
func takesIn(n *resource.Node, path resource.Path, way []*resource.Node) *resource.Node {
	for i, s := range path {
		if n == nil {
			return nil
		}
		if s.Name == "" {
			var next *resource.Node
			if i < len(way) && n.Kind == resource.List {
				name := way[i].Items[s.Index].Get("name").Str()
				for _, it := range n.Items {
					if name != "" && it.Get("name").Str() == name {
						next = it
					}
				}
			}
			n = next
			continue
		}
		next := n.Get(s.Name)
		if next == nil {
			if v := n.Get("$patch"); v.Str() == "replace" {
				return &resource.Node{Range: v.Range}
			}
			return nil
		}
		n = next
	}
	if n == nil || len(n.Origins) > 0 {
		return nil
	}
	if n.Kind == resource.Null {
		return &resource.Node{Range: n.Range, KeyRange: n.KeyRange}
	}
	if v := n.Get("$patch"); v.Str() == "delete" {
		return &resource.Node{Range: v.Range}
	}
	return nil
}
