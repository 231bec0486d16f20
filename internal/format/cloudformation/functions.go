package cloudformation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// sub puts values into a text: Fn::Sub with or without names of its own.
func (r *resolver) sub(n, arg *resource.Node, depth int) *resource.Node {
	text, names := arg, (*resource.Node)(nil)
	if arg.Kind == resource.List && len(arg.Items) == 2 {
		text, names = arg.Items[0], arg.Items[1]
	}
	s, ok := scalar(text)
	if !ok {
		return unknown(n, "the text of Fn::Sub, which is not written out")
	}
	own := map[string]*resource.Node{}
	if names != nil {
		for _, f := range names.Fields {
			own[f.Name] = r.value(f.Node, depth)
		}
	}
	var t partial
	for {
		i := strings.Index(s, "${")
		end := -1
		if i >= 0 {
			end = strings.IndexByte(s[i:], '}')
		}
		if end < 0 {
			t.lit(s)
			break
		}
		name := s[i+2 : i+end]
		t.lit(s[:i])
		s = s[i+end+1:]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			t.lit("${" + literal + "}")
			continue
		}
		name = strings.TrimSpace(name)
		v, mine := own[name]
		if !mine {
			if id, _, dotted := strings.Cut(name, "."); dotted {
				if v = r.output(n, name, depth); v == nil {
					v = r.unknownOf(n, id, yamltree.Clean(name)+", which is known only when the stack is made")
				}
			} else {
				v = r.ref(n, name)
			}
		}
		if t.put(v); t.size > maxText {
			return unknown(n, "a text of Fn::Sub that is too long")
		}
	}
	return t.node(n, nil)
}

// maxPieces bounds the unknown pieces of one text; with more nothing of it is
// known.
const maxPieces = 32

// partial puts a text together of which some pieces may be unknown.
type partial struct {
	parts []string // before the unknown pieces so far
	cur   strings.Builder
	size  int
	from  []*resource.Node
	whys  []*resource.Node // those that are unknown
}

func (p *partial) lit(s string) {
	p.cur.WriteString(s)
	p.size += len(s)
}

func (p *partial) put(v *resource.Node) {
	p.from = append(p.from, v)
	if s, ok := scalar(v); ok {
		p.lit(s)
		return
	}
	p.whys = append(p.whys, v)
	parts := []string{"", ""}
	if v != nil && v.Unknown && len(v.Parts) > 1 {
		parts = v.Parts
	}
	for i, s := range parts {
		p.lit(s)
		if i < len(parts)-1 {
			p.parts = append(p.parts, p.cur.String())
			p.cur.Reset()
		}
	}
}

// node gives the text as what the function at n came to.
func (p *partial) node(n *resource.Node, origins []source.Range) *resource.Node {
	if len(p.whys) == 0 {
		for _, v := range p.from {
			origins = gather(origins, v.Origins)
		}
		out := computed(n, resource.String, p.cur.String(), origins)
		out.Refs = refsOf(p.from)
		return out
	}
	out := unknownFor(n, p.whys...)
	out.Refs = refsOf(p.from)
	if parts := append(p.parts, p.cur.String()); len(parts) <= maxPieces && strings.Join(parts, "") != "" {
		out.Parts = parts
	} else if slices.ContainsFunc(p.from, isSet) {
		out.Parts = something
	}
	return out
}

// gather adds origins, within the bound of what anybody would look at.
func gather(to, more []source.Range) []source.Range {
	const most = 8
	for _, o := range more {
		if len(to) < most {
			to = append(to, o)
		}
	}
	return to
}

// arguments gives the arguments of a function that takes so many.
func (r *resolver) arguments(arg *resource.Node, count, depth int) []*resource.Node {
	if arg.Kind != resource.List || len(arg.Items) < count {
		return nil
	}
	out := make([]*resource.Node, len(arg.Items))
	for i, it := range arg.Items {
		if out[i] = r.value(it, depth); out[i] == nil {
			out[i] = unknown(it, "AWS::NoValue, which is no argument")
		}
	}
	return out
}

const malformed = "a function without the arguments that it takes"

func (r *resolver) join(n, arg *resource.Node, depth int) *resource.Node {
	args := r.arguments(arg, 2, depth)
	if args == nil {
		return unknown(n, malformed)
	}
	between, ok := scalar(args[0])
	if !ok || args[1].Unknown || args[1].Kind != resource.List {
		return unknownFor(n, args[1])
	}
	var t partial
	for i, it := range args[1].Items {
		if i > 0 {
			t.lit(between)
		}
		if it != nil && (it.Kind == resource.List || it.Kind == resource.Map) && !it.Unknown {
			return unknown(n, whyOf(it))
		}
		if t.put(it); t.size > maxText {
			return unknown(n, "a text of Fn::Join that is too long")
		}
	}
	return t.node(n, gather(nil, args[1].Origins))
}

func (r *resolver) selectItem(n, arg *resource.Node, depth int) *resource.Node {
	args := r.arguments(arg, 2, depth)
	if args == nil {
		return unknown(n, malformed)
	}
	s, ok := scalar(args[0])
	i, err := strconv.Atoi(s)
	switch {
	case !ok || err != nil:
		return unknown(n, whyOf(args[0]))
	case args[1].Unknown || args[1].Kind != resource.List:
		return unknownFor(n, args[1])
	case i < 0 || i >= len(args[1].Items):
		return unknown(n, "an item of Fn::Select that the list does not have")
	}
	return moved(n, args[1].Items[i])
}

func (r *resolver) split(n, arg *resource.Node, depth int) *resource.Node {
	args := r.arguments(arg, 2, depth)
	if args == nil {
		return unknown(n, malformed)
	}
	between, ok := scalar(args[0])
	s, known := scalar(args[1])
	if !ok || !known || between == "" {
		return unknownFor(n, args[1])
	}
	return r.list(n, strings.Split(s, between), args[1].Origins, false)
}

func (r *resolver) findInMap(n, arg *resource.Node, depth int) *resource.Node {
	args := r.arguments(arg, 3, depth)
	if args == nil {
		return unknown(n, malformed)
	}
	at := r.mappings
	for _, a := range args[:3] {
		s, ok := scalar(a)
		if !ok {
			return unknown(n, whyOf(a))
		}
		if at = at.Get(s); at == nil {
			if len(args) == 4 && args[3].Get("DefaultValue") != nil {
				return moved(n, args[3].Get("DefaultValue"))
			}
			return unknown(n, yamltree.Clean(s)+", which the mappings do not have")
		}
	}
	if r.spent += len(at.Items); r.spent > maxNodes {
		return unknown(n, "a template that is too large to be worked out")
	}
	return moved(n, at)
}

// choose gives the branch of Fn::If that the condition decides on. The branch
// keeps its place: it is what a person would edit.
func (r *resolver) choose(n, arg *resource.Node, depth int) *resource.Node {
	if arg.Kind != resource.List || len(arg.Items) != 3 {
		return unknown(n, malformed)
	}
	v := r.named(arg.Items[0].Str(), depth)
	if !v.known {
		out := either(n, v.why, r.value(arg.Items[1], depth), r.value(arg.Items[2], depth), depth)
		out.KeyRange = n.KeyRange
		return out
	}
	branch := arg.Items[2]
	if v.holds {
		branch = arg.Items[1]
	}
	out := r.value(branch, depth)
	if out == nil {
		return nil
	}
	c := *out
	c.KeyRange = n.KeyRange
	c.Origins = gather(c.Origins[:len(c.Origins):len(c.Origins)], v.from)
	return &c
}

// either gives what holds of two branches of which nobody knows which it will be.
func either(n *resource.Node, why string, a, b *resource.Node, depth int) *resource.Node {
	if a != nil && b != nil && !a.Unknown && resource.Equal(a, b) {
		return moved(n, a)
	}
	if a == nil || b == nil || a.Unknown || b.Unknown || a.Kind != resource.Map || b.Kind != resource.Map || depth > yamltree.MaxDepth {
		out := unknown(n, why)
		out.Refs = refsOf([]*resource.Node{a, b})
		if isSet(a) && isSet(b) {
			out.Parts = something
		}
		return out
	}
	// The settings that both have are there; the others may be.
	out := &resource.Node{Kind: resource.Map, Range: n.Range, KeyRange: n.KeyRange, Origins: append([]source.Range{a.Range, b.Range}, n.Origins...), Partial: true, Why: why}
	for _, f := range a.Fields {
		o := b.Get(f.Name)
		at := &resource.Node{Range: n.Range, Origins: []source.Range{f.Node.Range}}
		out.Fields = append(out.Fields, resource.Field{Name: f.Name, Node: either(at, why, f.Node, o, depth+1)})
	}
	for _, f := range b.Fields {
		if a.Get(f.Name) == nil {
			at := &resource.Node{Range: n.Range, Origins: []source.Range{f.Node.Range}}
			out.Fields = append(out.Fields, resource.Field{Name: f.Name, Node: either(at, why, nil, f.Node, depth+1)})
		}
	}
	return out
}

// excluded reports whether a parameter without a default can never be a value,
// by the values that it allows.
func (r *resolver) excluded(n *resource.Node, value string) bool {
	name, arg, ok := function(n)
	if !ok || name != "Ref" {
		return false
	}
	p := r.parameters.Get(arg.Str())
	allowed := p.Get("AllowedValues")
	if p == nil || p.Get("Default") != nil || allowed == nil || len(allowed.Items) == 0 {
		return false
	}
	if _, given := r.given[arg.Str()]; given {
		return false
	}
	for _, it := range allowed.Items {
		if s, ok := scalar(it); !ok || s == value {
			return false
		}
	}
	return true
}

// verdict is what a condition came to.
type verdict struct {
	known, holds bool
	why          string         // not known
	from         []source.Range // the parameters and mappings that decided it
}

// named gives what the condition of a name comes to.
func (r *resolver) named(name string, depth int) verdict {
	if v, ok := r.decided[name]; ok {
		return v
	}
	n := r.conditions.Get(name)
	if n == nil {
		return verdict{why: "the condition " + yamltree.Clean(name) + ", which the template does not have"}
	}
	if r.deciding[name] {
		return verdict{why: "the condition " + yamltree.Clean(name) + ", which depends on itself"}
	}
	r.deciding[name] = true
	v := r.condition(n, depth+1)
	delete(r.deciding, name)
	if !v.known {
		v.why = "the condition " + yamltree.Clean(name) + ", and with it " + v.why
		if len(v.why) > 400 {
			v.why = "the condition " + yamltree.Clean(name)
		}
	}
	r.decided[name] = v
	return v
}

// condition works out one condition.
func (r *resolver) condition(n *resource.Node, depth int) verdict {
	if depth > yamltree.MaxDepth || n.Kind != resource.Map || len(n.Fields) != 1 {
		return verdict{why: "a malformed condition"}
	}
	if r.spent++; r.spent > maxNodes {
		return verdict{why: "a template that is too large to be worked out"}
	}
	name, arg := n.Fields[0].Name, n.Fields[0].Node
	switch name {
	case "Condition":
		return r.named(arg.Str(), depth)
	case "Fn::Equals":
		args := r.arguments(arg, 2, depth)
		if args == nil {
			return verdict{why: "a malformed condition"}
		}
		a, okA := scalar(args[0])
		b, okB := scalar(args[1])
		switch {
		case okB && !okA && r.excluded(arg.Items[0], b), okA && !okB && r.excluded(arg.Items[1], a):
			return verdict{known: true}
		case !okA:
			return verdict{why: whyOf(args[0])}
		case !okB:
			return verdict{why: whyOf(args[1])}
		}
		return verdict{known: true, holds: a == b, from: gather(gather(nil, args[0].Origins), args[1].Origins)}
	case "Fn::Not":
		if arg.Kind == resource.List && len(arg.Items) == 1 {
			v := r.condition(arg.Items[0], depth+1)
			v.holds = !v.holds
			return v
		}
	case "Fn::And", "Fn::Or":
		if arg.Kind != resource.List {
			break
		}
		decisive := name == "Fn::Or" // one such condition decides, whatever the others are
		out := verdict{known: true, holds: !decisive}
		for _, it := range arg.Items {
			v := r.condition(it, depth+1)
			if v.known && v.holds == decisive {
				return v
			}
			switch {
			case !v.known:
				out = v
			case out.known:
				out.from = gather(out.from, v.from)
			}
		}
		return out
	}
	return verdict{why: "a malformed condition"}
}
