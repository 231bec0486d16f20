package cloudformation

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// resources gives the resources of a template as it is written, loops expanded
// and SAM's Globals put in.
func (t *template) resources() []resource.Field {
	if t.all != nil {
		return t.all
	}
	t.all = []resource.Field{}
	for _, f := range t.root.Get("Resources").Fields {
		if !strings.HasPrefix(f.Name, loopPrefix) {
			t.all = append(t.all, t.global(f))
			continue
		}
		made, why := t.r.turns(f, 0)
		for _, g := range made {
			t.all = append(t.all, t.global(g))
		}
		if why != "" {
			t.m.said = append(t.m.said, source.Diagnostic{
				File: t.file.Path, Line: place(f.Node).Start.Line, Level: source.LevelWarning,
				Message: yamltree.Clean(f.Name) + " is not followed: " + why, NotEvaluated: t.prefix + yamltree.Clean(f.Name),
			})
		}
	}
	return t.all
}

// resource gives a resource of a template as it is written, or nil.
func (t *template) resource(name string) *resource.Node {
	for _, f := range t.resources() {
		if f.Name == name {
			return f.Node
		}
	}
	return nil
}

// global puts what Globals says of a type of SAM's into a resource of it.
func (t *template) global(f resource.Field) resource.Field {
	kind, ok := strings.CutPrefix(f.Node.Get("Type").Str(), "AWS::Serverless::")
	shared := t.root.Path("Globals", kind)
	if !ok || shared == nil || shared.Kind != resource.Map || len(shared.Fields) == 0 {
		return f
	}
	from := []source.Range{place(f.Node)}
	n := *f.Node
	n.Fields = nil
	done := false
	for _, g := range f.Node.Fields {
		if g.Name == "Properties" && g.Node.Kind == resource.Map {
			g.Node, done = t.merged(shared, g.Node, from, 0), true
		}
		n.Fields = append(n.Fields, g)
	}
	if !done && f.Node.Get("Properties") == nil {
		p := &resource.Node{Kind: resource.Map, Range: f.Node.Range, Origins: from}
		n.Fields = append(n.Fields, resource.Field{Name: "Properties", Node: t.merged(shared, p, from, 0)})
	}
	return resource.Field{Name: f.Name, Node: &n}
}

// merged lays own over shared as SAM does: maps setting by setting, lists one
// behind the other, anything else the resource's own.
func (t *template) merged(shared, own *resource.Node, from []source.Range, depth int) *resource.Node {
	if t.r.spent++; depth > yamltree.MaxDepth || t.r.spent > maxNodes {
		return own
	}
	_, _, sharedIsCall := function(shared)
	_, _, ownIsCall := function(own)
	if sharedIsCall || ownIsCall || shared.Kind != own.Kind {
		return own
	}
	c := *own
	switch own.Kind {
	case resource.List:
		c.Items = nil
		for _, it := range shared.Items {
			c.Items = append(c.Items, taken(it, from))
		}
		c.Items = append(c.Items, own.Items...)
	case resource.Map:
		c.Fields = append([]resource.Field(nil), own.Fields...)
		for i, f := range c.Fields {
			if s := shared.Get(f.Name); s != nil {
				c.Fields[i].Node = t.merged(s, f.Node, from, depth+1)
			}
		}
		for _, f := range shared.Fields {
			if own.Get(f.Name) == nil {
				c.Fields = append(c.Fields, resource.Field{Name: f.Name, Node: taken(f.Node, from)})
			}
		}
	default:
		return own
	}
	return &c
}

// taken gives a value that stands elsewhere than the resource that has it.
func taken(n *resource.Node, from []source.Range) *resource.Node {
	c := *n
	c.Origins = gather(append([]source.Range(nil), n.Origins...), from)
	return &c
}
