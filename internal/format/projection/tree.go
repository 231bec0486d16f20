package projection

import (
	"fmt"
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// blocks reports whether a node holds nested blocks of Terraform.
func blocks(n *resource.Node) bool {
	return n != nil && n.Kind == resource.List && len(n.Items) > 0 && n.Items[0] != nil && n.Items[0].Block
}

// only gives the object of a setting that can have one alone: the node itself,
// or the one item of a list (the blocks of a type, or Terraform's JSON).
func only(n *resource.Node) *resource.Node {
	if n == nil || n.Unknown || n.Kind != resource.List {
		return n
	}
	switch len(n.Items) {
	case 0:
		if n.Partial {
			out := copied(n)
			out.Unknown = true
			return out
		}
		return nil
	case 1:
		it := n.Items[0]
		if it != nil && n.Partial && !it.Partial {
			out := *it
			out.Partial, out.Why = true, n.Why
			return &out
		}
		return it
	}
	return n
}

// project gives the object that n writes.
func (o *object) project(n *resource.Node) *resource.Node {
	if n == nil || n.Unknown || n.Kind != resource.Map {
		return n
	}
	out := copied(n)
	o.fill(out, n)
	return out
}

// fill adds to out the settings that n, a map, has of the type. Settings that
// the type does not know are those of the provider and not of the object.
func (o *object) fill(out, n *resource.Node) {
	for _, f := range n.Fields {
		c := o.byFrom[f.Name]
		if f.Node == nil {
			continue
		}
		if c == nil {
			if o.open {
				o.unnamed(out, f)
			}
			continue
		}
		if c.form == inline {
			in := only(f.Node)
			switch {
			case in == nil:
			case in.Unknown || in.Kind != resource.Map:
				out.Partial, out.Why = true, in.Why
			default:
				if in.Partial {
					out.Partial, out.Why = true, in.Why
				}
				c.of.fill(out, in)
			}
			continue
		}
		if v := c.value(f.Node); v != nil && out.Get(c.to) == nil {
			out.Fields = append(out.Fields, resource.Field{Name: c.to, Node: v})
		}
	}
}

// value gives the value of a setting.
func (c *setting) value(n *resource.Node) *resource.Node {
	if n.Unknown {
		return n
	}
	switch c.form {
	case single:
		return c.of.project(only(n))
	case many:
		if n.Kind == resource.Map { // one item of Terraform's JSON
			n = &resource.Node{Kind: resource.List, Items: []*resource.Node{n}, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins}
		}
		if n.Kind != resource.List {
			return n
		}
		out := copied(n)
		out.Items = make([]*resource.Node, len(n.Items))
		for i, it := range n.Items {
			out.Items[i] = c.of.project(it)
		}
		return out
	}
	if blocks(n) && len(n.Items) == 1 { // a map of an older version of the provider
		n = only(n)
		out := *n
		out.Block = false
		n = &out
	}
	return convert(n, c.conv)
}

// written translates a path of the projected object into one of n, the map
// that writes it, or nil where there is none yet.
func (o *object) written(n *resource.Node, p resource.Path) (resource.Path, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if p[0].Name == "" {
		return nil, fmt.Errorf("an object has no items")
	}
	found := o.target(p[0].Name, func(from string) bool { return n.Get(from) != nil })
	if found == nil && o.open {
		return o.writtenUnnamed(n, p)
	}
	if found == nil {
		return nil, fmt.Errorf("%s cannot be set there", p[0].Name)
	}
	var out resource.Path
	for _, c := range found[:len(found)-1] {
		out, n = c.enter(out, n)
	}
	if last := found[len(found)-1]; last.of == nil && computed[last.conv] {
		return nil, fmt.Errorf("%s is written otherwise", p[0].Name)
	}
	rest, err := found[len(found)-1].written(n, p[1:])
	return append(out, rest...), err
}

// enter leads into the one object of a setting of n.
func (c *setting) enter(at resource.Path, n *resource.Node) (resource.Path, *resource.Node) {
	at = append(at, resource.Step{Name: c.from})
	v := n.Get(c.from)
	if v == nil && c.of.nested || v != nil && v.Kind == resource.List {
		at = append(at, resource.Step{Index: 0})
		v = only(v)
	}
	return at, v
}

// written translates what is left of a path at the setting of n.
func (c *setting) written(n *resource.Node, rest resource.Path) (resource.Path, error) {
	here := resource.Path{{Name: c.from}}
	v := n.Get(c.from)
	switch c.form {
	case single:
		if len(rest) == 0 && blocks(v) {
			return here, nil
		}
		here, v = c.enter(nil, n)
		more, err := c.of.written(v, rest)
		return append(here, more...), err
	case many:
		if len(rest) == 0 {
			return here, nil
		}
		if rest[0].Name != "" {
			return nil, fmt.Errorf("which of %s is meant is not said", c.to)
		}
		var item *resource.Node
		switch i := rest[0].Index; {
		case v != nil && v.Kind == resource.Map && i > 0:
			return nil, fmt.Errorf("%s has another form than the fix expects", c.from)
		case v != nil && v.Kind == resource.Map:
			item = v
		default:
			here = append(here, rest[0])
			if v != nil && v.Kind == resource.List && i < len(v.Items) {
				item = v.Items[i]
			}
		}
		more, err := c.of.written(item, rest[1:])
		return append(here, more...), err
	}
	if blocks(v) && len(rest) > 0 {
		here = append(here, resource.Step{Index: 0})
	}
	return append(here, slices.Clone(rest)...), nil
}
