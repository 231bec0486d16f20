package terraform

import (
	"math/big"
	"slices"
	"sort"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxOrigins bounds the places that one value is traced back to.
const maxOrigins = 8

// node turns the value of an attribute into a tree.
func (u *unit) node(v *val) *resource.Node { return u.build(v, nil, false) }

// build turns a value into a tree. outer are the references that lead to it,
// outermost first: a value stands where it is named, and its origins are the
// places on the way to where it is written. In a document that a text holds
// (written) it is the other way round: what matters there is the line that
// says it.
func (u *unit) build(v *val, outer []source.Range, written bool) *resource.Node {
	named := v
	var from []*val
	for v.kind == reference {
		outer = follow(outer, v.rng)
		from = append(from, v.from...)
		v = v.target
	}
	written = written || v.written
	n := &resource.Node{}
	chain := follow(outer, v.rng)
	if len(chain) > 0 {
		n.Range, n.Origins = chain[0], chain[1:]
		if written {
			n.Range = chain[len(chain)-1]
			n.Origins = slices.Clone(chain[:len(chain)-1])
			slices.Reverse(n.Origins)
		}
	}
	n.Origins = slices.Clone(n.Origins)
	seen := 64
	for _, f := range append(from, v.from...) {
		n.Origins = trace(n.Origins, n.Range, f, &seen, 0)
	}
	if len(n.Origins) > maxOrigins {
		n.Origins = n.Origins[:maxOrigins]
	}
	n.Refs = u.refs(named)
	if u.nodes++; u.nodes > maxNodes {
		u.stop("the resources hold too many values")
		n.Kind, n.Unknown, n.Why = resource.String, true, whyStopped
		return n
	}
	u.fill(n, v, outer, written)
	return n
}

// follow adds a place to a chain, without zeros and repetitions.
func follow(chain []source.Range, r source.Range) []source.Range {
	if r.IsZero() || len(chain) > 0 && chain[len(chain)-1] == r {
		return chain
	}
	return append(chain[:len(chain):len(chain)], r)
}

// trace adds the places that a deciding value came from, as far as they lie
// outside the expression at.
func trace(out []source.Range, at source.Range, v *val, seen *int, depth int) []source.Range {
	if *seen--; *seen < 0 || depth > 32 || len(out) >= maxOrigins {
		return out
	}
	add := func(r source.Range) {
		if r.IsZero() || at.Contains(r) {
			return
		}
		// People are shown lines, and the parts of one expression would take the
		// room of the places further on: of those on a line, the innermost stays.
		same := slices.IndexFunc(out, func(o source.Range) bool {
			return o.File == r.File && o.Start.Line == r.Start.Line && o.End.Line == r.End.Line
		})
		switch {
		case same >= 0 && out[same].Contains(r):
			out[same] = r
		case same < 0 && len(out) < maxOrigins:
			out = append(out, r)
		}
	}
	for {
		add(v.rng)
		for _, f := range v.from {
			out = trace(out, at, f, seen, depth+1)
		}
		if v.kind != reference {
			return out
		}
		v = v.target
	}
}

func (u *unit) fill(n *resource.Node, v *val, outer []source.Range, written bool) {
	switch v.kind {
	case unknown, wholeResource:
		n.Kind, n.Unknown = resource.String, true
		if v.kind == unknown {
			n.Why, n.Parts = plain(orElse(v.why, "a value that is not known"), 300), v.known
		} else {
			n.Why = plain(v.res.name(), 300)
		}
		if v.failed {
			n.Parts = nil
			u.reportFailure(n)
		}
	case null:
	case boolean:
		n.Kind, n.Value = resource.Bool, v.b
	case number:
		n.Kind, n.Value = numberOf(v.num)
	case text:
		n.Kind, n.Value = resource.String, v.str
	case list:
		n.Kind, n.Partial = resource.List, v.partial
		for _, it := range v.items {
			n.Items = append(n.Items, u.build(it, outer, written))
		}
	case object:
		n.Kind, n.Partial = resource.Map, v.partial
		for _, f := range v.fields {
			c := u.build(f.v, outer, written)
			if written || n.Range.Contains(f.keyRng) {
				c.KeyRange = f.keyRng
			}
			n.Fields = append(n.Fields, resource.Field{Name: f.name, Node: c})
		}
		// The names of a policy's conditions say much even where they are known
		// in part: "${issuer}:sub".
		if u.encoding > 0 {
			for _, f := range v.vague {
				n.Fields = append(n.Fields, resource.Field{Name: f.name, Node: u.build(f.v, outer, written)})
			}
		}
	}
	inner := v.inner
	if inner == nil {
		inner = u.document(v)
	}
	if inner != nil {
		u.encoding++
		n.Embedded = u.build(inner, nil, true)
		u.encoding--
	} else if inner = u.manifest(v); inner != nil {
		n.Embedded = u.build(inner, nil, true)
	}
}

// numberOf gives a number as the tree holds it.
func numberOf(f *big.Float) (resource.Kind, any) {
	if f.IsInt() {
		if i, acc := f.Int64(); acc == big.Exact {
			return resource.Int, i
		}
	}
	x, _ := f.Float64()
	return resource.Float, x
}

// reportFailure says that an expression is wrong, where it stands.
func (u *unit) reportFailure(n *resource.Node) {
	r := n.Range
	u.warn(r.File, r.Start.Line, u.current, "a value cannot be evaluated: %s", n.Why)
}

// metaArguments are those of Terraform itself. They are not part of what a
// resource is.
func metaArguments(kind string) map[string]bool {
	switch kind {
	case "resource", "data":
		return map[string]bool{"count": true, "for_each": true, "provider": true, "depends_on": true}
	case "module":
		return map[string]bool{"count": true, "for_each": true, "providers": true, "depends_on": true}
	}
	return nil
}

// entry is a field of a body: an attribute, or the blocks of one type.
type entry struct {
	name   string
	file   string
	start  int
	attr   *hclsyntax.Attribute
	blocks []nested
}

func (e *env) entries(body *hclsyntax.Body) []entry {
	var out []entry
	for _, a := range inOrder(body) {
		out = append(out, entry{name: a.Name, file: a.NameRange.Filename, start: a.NameRange.Start.Byte, attr: a})
	}
	at := map[string]int{}
	for _, b := range e.blocks(body) {
		if body.Attributes[b.typ] != nil {
			continue // an argument of the name wins
		}
		i, ok := at[b.typ]
		if !ok {
			i = len(out)
			at[b.typ] = i
			out = append(out, entry{name: b.typ, file: b.rng.File, start: b.start})
		}
		out[i].blocks = append(out[i].blocks, b)
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].file != out[j].file {
			return out[i].file < out[j].file
		}
		return out[i].start < out[j].start
	})
	return out
}

// bodyNode gives a body as a Map. skip names what is left out; whole and head
// are the ranges of the block.
func (e *env) bodyNode(body *hclsyntax.Body, skip map[string]bool, whole, head source.Range, level int) *resource.Node {
	n := &resource.Node{Kind: resource.Map, Range: whole, KeyRange: head}
	if level > maxNesting {
		n.Partial = true
		return n
	}
	for _, en := range e.entries(body) {
		if skip[en.name] {
			continue
		}
		var c *resource.Node
		if en.attr != nil {
			v := e.argument(en.attr)
			if v.base().kind == null {
				// Null is how Terraform spells "not set"; what says so is where a
				// person would set it.
				n.Taken = append(n.Taken, resource.Field{Name: en.name, Node: e.unset(v, e.rng(en.attr.NameRange))})
				continue
			}
			c = e.u.node(v)
			c.KeyRange = e.rng(en.attr.NameRange)
			if c.Range.IsZero() {
				c.Range = c.KeyRange
			}
		} else {
			c = e.blockList(en.name, en.blocks, level)
		}
		if !whole.Contains(c.Range) && len(c.Origins) == 0 {
			c.Origins = []source.Range{head} // from an override file
		}
		n.Fields = append(n.Fields, resource.Field{Name: en.name, Node: c})
		if e.u.stopped {
			n.Partial = true
			break
		}
	}
	for _, b := range body.Blocks {
		fe := madeByNone(b)
		if fe == nil || skip[b.Labels[0]] || n.Get(b.Labels[0]) != nil || n.TakenAway(b.Labels[0]) != nil || e.u.stopped {
			continue
		}
		n.Taken = append(n.Taken, resource.Field{Name: b.Labels[0], Node: e.unset(e.eval(fe.Expr), e.head(b))})
	}
	return n
}

// madeByNone gives what a dynamic block goes through, nil for any other block.
func madeByNone(b *hclsyntax.Block) *hclsyntax.Attribute {
	if b.Type != "dynamic" || len(b.Labels) != 1 || b.Body == nil {
		return nil
	}
	return b.Body.Attributes["for_each"]
}

// unset gives the place of a setting that is there and leaves itself unset: an
// argument that is null, or a dynamic block that makes no block. v decides it,
// head is its name or header.
func (e *env) unset(v *val, head source.Range) *resource.Node {
	n := e.u.node(v)
	out := &resource.Node{Range: n.Range, KeyRange: head, Origins: n.Origins}
	if n.Range.File != head.File || n.Range.Start.Line != head.Start.Line {
		out.Range = head
	}
	return out
}

// argument evaluates an attribute. Those that name other things instead of
// taking their values give the names.
func (e *env) argument(a *hclsyntax.Attribute) *val {
	switch a.Name {
	case "ignore_changes", "replace_triggered_by", "depends_on", "configuration_aliases":
		if v := e.targets(a.Expr); v != nil {
			return v
		}
	}
	return e.eval(a.Expr)
}

func (e *env) targets(x hclsyntax.Expression) *val {
	switch x := x.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return newText(e.rng(x.SrcRange), traversalText(x.Traversal))
	case *hclsyntax.TupleConsExpr:
		var items []*val
		for _, it := range x.Exprs {
			v := e.targets(it)
			if v == nil {
				v = e.eval(it)
			}
			items = append(items, v)
		}
		return newList(e.rng(x.SrcRange), items)
	}
	return nil
}

func (e *env) blockList(name string, blocks []nested, level int) *resource.Node {
	first, last := blocks[0], blocks[len(blocks)-1]
	list := &resource.Node{Kind: resource.List, Range: first.rng, KeyRange: first.head}
	if last.rng.File == first.rng.File {
		list.Range.End = last.rng.End
	}
	for _, b := range blocks {
		skip := map[string]bool(nil)
		if name == "lifecycle" {
			skip = map[string]bool{"precondition": true, "postcondition": true}
		}
		n := b.env.bodyNode(b.body, skip, b.rng, b.head, level+1)
		n.Block = true
		if b.label != "" && n.Get("label") == nil {
			l := &resource.Node{Kind: resource.String, Value: b.label, Range: b.labelR}
			n.Fields = append([]resource.Field{{Name: "label", Node: l}}, n.Fields...)
		}
		if b.open {
			n.Partial, list.Partial = true, true
		}
		if b.origin != nil {
			seen := 16
			n.Origins = trace(n.Origins, b.rng, b.origin, &seen, 0)
		}
		if !list.Range.Contains(b.rng) {
			n.Origins = append(n.Origins, first.head)
		}
		if e.u.nodes++; e.u.nodes > maxNodes {
			e.u.stop("the resources hold too many values")
		}
		list.Items = append(list.Items, n)
		if e.u.stopped {
			list.Partial = true
			break
		}
	}
	return list
}
