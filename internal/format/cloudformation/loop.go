package cloudformation

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// loopPrefix begins the name of a loop: Fn::ForEach::Topics.
const loopPrefix = "Fn::ForEach::"

// maxTurns bounds the turns of one loop.
const maxTurns = 256

// turns gives what a loop makes, with the identifier put in and nothing worked
// out yet; why says what keeps it from being known.
func (r *resolver) turns(f resource.Field, depth int) (out []resource.Field, why string) {
	arg := f.Node
	if arg.Kind != resource.List || len(arg.Items) != 3 || arg.Items[2].Kind != resource.Map || depth > yamltree.MaxDepth {
		return nil, "the loop " + yamltree.Clean(f.Name) + ", which is malformed"
	}
	id, ok := scalar(arg.Items[0])
	over := r.value(arg.Items[1], depth)
	switch {
	case !ok || id == "":
		return nil, "the loop " + yamltree.Clean(f.Name) + ", which is malformed"
	case over == nil || over.Unknown || over.Kind != resource.List:
		return nil, whyOf(over)
	case len(over.Items) > maxTurns:
		return nil, "the loop " + yamltree.Clean(f.Name) + ", which has too many turns"
	}
	for _, it := range over.Items {
		s, ok := scalar(it)
		if !ok {
			return nil, whyOf(it)
		}
		p := putter{r: r, id: id, text: s, from: it}
		for _, g := range arg.Items[2].Fields {
			name := p.replace(g.Name)
			node := p.node(g.Node, 0)
			if r.spent > maxNodes {
				return nil, "a template that is too large to be worked out"
			}
			if strings.HasPrefix(name, loopPrefix) {
				more, w := r.turns(resource.Field{Name: name, Node: node}, depth+1)
				if out = append(out, more...); w != "" {
					why = w
				}
				continue
			}
			out = append(out, resource.Field{Name: name, Node: node})
		}
	}
	return out, why
}

// loop gives the fields that a loop makes.
func (r *resolver) loop(f resource.Field, depth int) (out []resource.Field, why string) {
	made, why := r.turns(f, depth)
	for _, g := range made {
		if v := r.value(g.Node, depth+1); v != nil {
			c := *v
			c.KeyRange = source.Range{} // the name is made up
			out = append(out, resource.Field{Name: g.Name, Node: &c})
		}
	}
	return out, why
}

// putter puts a text in for the identifier of a loop.
type putter struct {
	r    *resolver
	id   string
	text string
	from *resource.Node
}

func (p *putter) replace(s string) string {
	if !strings.Contains(s, p.id) {
		return s
	}
	plain := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, p.text)
	s = strings.ReplaceAll(s, "&{"+p.id+"}", plain)
	return strings.ReplaceAll(s, "${"+p.id+"}", p.text)
}

// node gives a copy of n with the text put in. Every turn says where it stands
// and which item of the loop it is.
func (p *putter) node(n *resource.Node, depth int) *resource.Node {
	if p.r.spent++; n == nil || depth > yamltree.MaxDepth || p.r.spent > maxNodes {
		return n
	}
	c := *n
	c.Origins = gather(append([]source.Range(nil), n.Origins...), []source.Range{p.from.Range})
	if name, arg, ok := function(n); ok && name == "Ref" && arg.Str() == p.id {
		return &resource.Node{Kind: resource.String, Value: p.text, Range: n.Range, KeyRange: n.KeyRange, Origins: c.Origins}
	}
	if s, ok := n.Value.(string); ok {
		c.Value = p.replace(s)
	}
	c.Items = nil
	for _, it := range n.Items {
		c.Items = append(c.Items, p.node(it, depth+1))
	}
	c.Fields = nil
	for _, f := range n.Fields {
		name, v := p.replace(f.Name), p.node(f.Node, depth+1)
		if name != f.Name && v != f.Node && !strings.HasPrefix(name, loopPrefix) {
			v.KeyRange = source.Range{}
		}
		c.Fields = append(c.Fields, resource.Field{Name: name, Node: v})
	}
	return &c
}
