package terraform

import (
	"sort"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on instances. A resource with more is cut, with a diagnostic.
const (
	maxInstances     = 256    // of one resource or dynamic block
	maxInstancesUnit = 10_000 // of one unit
)

// instance is one instance of a resource, a data source or a module call.
type instance struct {
	suffix string // "", [0], ["a"], or [*] for all that are not known
	key    *val
	env    *env
	open   bool // stands for any number of instances
}

// expansion is what count or for_each makes of a declaration.
type expansion struct {
	list  []instance
	known bool
}

// expand gives the instances of a declaration.
func (s *scope) expand(d *decl) *expansion {
	if x := s.grown[d]; x != nil {
		return x
	}
	x := &expansion{known: true}
	// What count says must not depend on the resource itself.
	s.grown[d] = &expansion{list: []instance{{suffix: "[*]", env: s.env(), open: true}}}
	switch {
	case d.count != nil:
		s.expandCount(d, x)
	case d.forEach != nil:
		s.expandForEach(d, x)
	default:
		x.list = []instance{{env: s.env()}}
	}
	s.grown[d] = x
	return x
}

func (s *scope) expandCount(d *decl, x *expansion) {
	v := s.env().eval(d.count.Expr)
	n, ok := v.asInt()
	if !ok || n < 0 {
		i := newUnknown(v.rng, d.addr+" count.index")
		s.expandUnknown(d, x, v, map[string]*val{"count": newObject(v.rng, []field{{name: "index", v: i}})})
		return
	}
	for i := range min(n, maxInstances) {
		k := newInt(v.rng, i)
		names := map[string]*val{"count": newObject(v.rng, []field{{name: "index", v: k}})}
		suffix, _ := suffixOf(k)
		x.list = append(x.list, instance{suffix: suffix, key: k, env: s.env().with(names)})
	}
	s.cut(d, n)
}

// cut says that a declaration has more instances than are looked at.
func (s *scope) cut(d *decl, n int) {
	if n > maxInstances {
		r := s.mod.place(d)
		s.u.warn(r.File, r.Start.Line, s.path+d.addr, "%s has %d instances; the first %d are looked at", d.addr, n, maxInstances)
	}
}

func (s *scope) expandUnknown(d *decl, x *expansion, v *val, names map[string]*val) {
	x.known = false
	if b := v.base(); b.kind == unknown && b.failed || b.kind != unknown && b.kind != wholeResource && !b.partial {
		r := s.mod.place(d)
		s.u.warn(r.File, r.Start.Line, s.path+d.addr, "the instances of %s cannot be told: %s", d.addr, orElse(b.why, "the value is of the wrong type"))
	}
	x.list = []instance{{suffix: "[*]", key: newUnknown(v.rng, orElse(v.reasonOf(), d.addr)), env: s.env().with(names), open: true}}
}

func (s *scope) expandForEach(d *decl, x *expansion) {
	v := s.env().eval(d.forEach.Expr)
	b := v.base()
	if v.opaque() && !v.countable() || b.kind != list && b.kind != object && b.kind != wholeResource {
		why := orElse(v.reasonOf(), d.addr+" each.value")
		s.expandUnknown(d, x, v, map[string]*val{"each": newObject(v.rng, []field{
			{name: "key", v: computed(newUnknown(v.rng, why), v)}, {name: "value", v: computed(newUnknown(v.rng, why), v)},
		})})
		return
	}
	n := 0
	s.env().elements(v, func(k, it *val) bool {
		if b.kind == list {
			k = it // sets; lists are taken for sets
		}
		name, ok := k.asText()
		if !ok {
			x.known = false
			why := orElse(k.reasonOf(), "a key of "+d.addr)
			x.list = append(x.list, instance{suffix: "[*]", key: newUnknown(v.rng, why), open: true, env: s.env().with(map[string]*val{
				"each": newObject(v.rng, []field{{name: "key", v: k}, {name: "value", v: it}}),
			})})
			return false
		}
		if n++; n > maxInstances {
			return !s.u.stopped
		}
		kv := k
		if k.base().kind != text {
			kv = computed(newText(k.rng, name), k)
		}
		suffix, _ := suffixOf(newText(v.rng, name))
		x.list = append(x.list, instance{suffix: suffix, key: kv, env: s.env().with(map[string]*val{
			"each": newObject(v.rng, []field{{name: "key", v: kv}, {name: "value", v: it}}),
		})})
		return !s.u.stopped
	})
	s.cut(d, n)
	x.list = dropRepeated(x.list)
	sort.SliceStable(x.list, func(i, j int) bool { return x.list[i].suffix < x.list[j].suffix })
	for i := range x.list {
		if x.list[i].open && len(x.list) > 1 {
			// Known keys beside unknown ones say too little about either.
			x.list = []instance{x.list[i]}
			break
		}
	}
}

func dropRepeated(list []instance) []instance {
	seen := map[string]bool{}
	out := list[:0]
	for _, in := range list {
		if !seen[in.suffix] {
			seen[in.suffix] = true
			out = append(out, in)
		}
	}
	return out
}

// nested is a block within a resource, dynamic ones expanded.
type nested struct {
	typ    string
	label  string
	labelR source.Range
	block  *hclsyntax.Block // as written, a dynamic block's own
	body   *hclsyntax.Body
	env    *env
	rng    source.Range // the whole block
	head   source.Range
	open   bool // stands for any number of blocks
	start  int
	// origin is what for_each of a dynamic block went through.
	origin *val
}

// blocks gives the nested blocks of a body in source order.
func (e *env) blocks(body *hclsyntax.Body) []nested {
	var out []nested
	for _, b := range body.Blocks {
		if b.Body == nil {
			continue
		}
		if b.Type == "dynamic" && len(b.Labels) == 1 {
			out = append(out, e.dynamic(b)...)
			continue
		}
		n := nested{
			typ: b.Type, block: b, body: b.Body, env: e,
			rng: e.rng(b.Range()), head: e.head(b), start: b.TypeRange.Start.Byte,
		}
		n.rng.End = e.rng(b.CloseBraceRange).End
		if len(b.Labels) > 0 {
			n.label, n.labelR = b.Labels[0], e.rng(b.LabelRanges[0])
		}
		out = append(out, n)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].start < out[j].start })
	return out
}

// head is the range of a block's header, up to its opening brace.
func (e *env) head(b *hclsyntax.Block) source.Range {
	r := e.rng(b.TypeRange)
	for _, l := range b.LabelRanges {
		if lr := e.rng(l); lr.End.Byte > r.End.Byte {
			r.End = lr.End
		}
	}
	return r
}

func (e *env) dynamic(b *hclsyntax.Block) []nested {
	typ := b.Labels[0]
	var content *hclsyntax.Block
	for _, c := range b.Body.Blocks {
		if c.Type == "content" && c.Body != nil {
			content = c
		}
	}
	if content == nil {
		return nil
	}
	iterator := typ
	if it := b.Body.Attributes["iterator"]; it != nil {
		if t, ok := it.Expr.(*hclsyntax.ScopeTraversalExpr); ok {
			iterator = t.Traversal.RootName()
		}
	}
	whole := e.rng(b.Range())
	whole.End = e.rng(b.CloseBraceRange).End
	one := func(k, v *val, open bool, coll *val) nested {
		return nested{
			typ: typ, block: b, body: content.Body, rng: whole, head: e.head(b), open: open, origin: coll,
			start: b.TypeRange.Start.Byte,
			env:   e.with(map[string]*val{iterator: newObject(whole, []field{{name: "key", v: k}, {name: "value", v: v}})}),
		}
	}
	fe := b.Body.Attributes["for_each"]
	if fe == nil {
		return nil
	}
	coll := e.eval(fe.Expr)
	base := coll.base()
	var out []nested
	if !coll.opaque() || base.partial || coll.countable() {
		n := 0
		if e.elements(coll, func(k, v *val) bool {
			if n++; n <= maxInstances {
				out = append(out, one(k, v, false, coll))
			}
			return !e.u.stopped
		}) {
			if n > maxInstances {
				e.u.warn(whole.File, whole.Start.Line, "", "a dynamic block makes %d blocks; the first %d are looked at", n, maxInstances)
			}
			if !base.partial {
				return out
			}
		}
	}
	why := orElse(coll.reasonOf(), "for_each of a dynamic block")
	return append(out, one(computed(newUnknown(coll.rng, why), coll), computed(newUnknown(coll.rng, why), coll), true, coll))
}
