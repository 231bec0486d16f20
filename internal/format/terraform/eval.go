package terraform

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on what one unit may cost. A step is an expression evaluated or a
// value handed to a function; an ordinary module takes some thousands.
const (
	maxSteps     = 600_000
	maxProduced  = 64 << 20 // bytes of text made by functions and templates
	maxEvalDepth = 1_500    // expressions within expressions, through references
	maxNodes     = 300_000
)

// unit is the state of reading one unit.
type unit struct {
	format.Unit
	packer   bool // the files are a template of Packer
	ctx      context.Context
	files    map[string]*file
	ds       source.Diagnostics
	steps    int
	produced int
	depth    int
	nodes    int
	stopped  bool
	modules  map[string]*module // by folder
	// installed are the folders of modules that were installed into the tree.
	installed map[string]string
	total     int             // instances
	fileVals  map[string]*val // what file() read
	funcs     map[string]builtin
	// single holds the references of values that refer to one resource.
	single map[string][]string
	// encoding counts the documents that the value at hand is encoded in.
	encoding int
	// current names the resource that is being read.
	current string
}

// spend takes n steps; false means that the unit is out of them.
func (u *unit) spend(n int) bool {
	before := u.steps >> 10
	u.steps -= n
	if u.steps < 0 {
		u.stop("the configuration takes too many steps to evaluate")
	}
	if u.steps>>10 != before && u.ctx.Err() != nil {
		u.stop("the reading was cancelled")
	}
	return !u.stopped
}

// produce counts bytes of text made.
func (u *unit) produce(n int) bool {
	u.produced += n
	if u.produced > maxProduced {
		u.stop("the configuration makes too much text")
	}
	return !u.stopped
}

func (u *unit) stop(why string) {
	if u.stopped {
		return
	}
	u.stopped = true
	at := ""
	if len(u.Files) > 0 {
		at = u.Files[0]
	}
	u.fail(at, 0, u.ID, "%s: values are left out", why)
}

const whyStopped = "a value that takes too long to evaluate"

// env is where an expression is evaluated: the scope of its module and the
// names that blocks and for expressions add to it.
type env struct {
	*scope
	up    *env
	names map[string]*val
	// anon is what a splat's own symbol stands for.
	anonKey *hclsyntax.AnonSymbolExpr
	anon    *val
	// pin stands for every range within, where the source has no finer ones.
	pin *source.Range
	// closed is set for a template file: it sees no names but these.
	closed bool
}

func (e *env) with(names map[string]*val) *env {
	return &env{scope: e.scope, up: e, names: names, pin: e.pin}
}

func (e *env) rng(r hcl.Range) source.Range {
	if e.pin != nil {
		return *e.pin
	}
	f := e.u.files[r.Filename]
	if f == nil {
		return source.Range{}
	}
	return f.at(r)
}

// pinned is an expression whose inner ranges are not places of the source.
type pinned struct {
	hclsyntax.Expression
	at hcl.Range
}

func (p *pinned) Range() hcl.Range { return p.at }

// eval evaluates an expression. It never gives nil; what cannot be known or is
// wrong is an unknown value that says why.
func (e *env) eval(x hclsyntax.Expression) *val {
	u := e.u
	if !u.spend(1) {
		return newUnknown(e.rng(x.Range()), whyStopped)
	}
	if u.depth >= maxEvalDepth {
		return failure(e.rng(x.Range()), "references lead too deep")
	}
	u.depth++
	defer func() { u.depth-- }()
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		if !x.Val.IsKnown() {
			return failure(e.rng(x.SrcRange), "an expression with errors")
		}
		return fromCty(x.Val, e.rng(x.SrcRange), "", nil)
	case *hclsyntax.TemplateExpr:
		return e.template(x)
	case *hclsyntax.TemplateWrapExpr:
		v := e.eval(x.Wrapped)
		return ref(e.rng(x.SrcRange), v)
	case *hclsyntax.TemplateJoinExpr:
		return e.templateJoin(x)
	case *hclsyntax.ScopeTraversalExpr:
		return e.traversal(x)
	case *hclsyntax.RelativeTraversalExpr:
		return e.steps(e.eval(x.Source), x.Traversal, x.SrcRange)
	case *hclsyntax.FunctionCallExpr:
		return e.call(x)
	case *hclsyntax.ConditionalExpr:
		return e.conditional(x)
	case *hclsyntax.IndexExpr:
		rng := e.rng(x.SrcRange)
		return e.index(e.eval(x.Collection), e.eval(x.Key), rng)
	case *hclsyntax.TupleConsExpr:
		items := make([]*val, len(x.Exprs))
		for i, it := range x.Exprs {
			items[i] = e.eval(it)
		}
		return newList(e.rng(x.SrcRange), items)
	case *hclsyntax.ObjectConsExpr:
		return e.objectCons(x)
	case *hclsyntax.ObjectConsKeyExpr:
		return e.key(x)
	case *hclsyntax.ForExpr:
		return e.forExpr(x)
	case *hclsyntax.SplatExpr:
		return e.splat(x)
	case *hclsyntax.AnonSymbolExpr:
		for s := e; s != nil; s = s.up {
			if s.anonKey == x {
				return s.anon
			}
		}
		return failure(e.rng(x.Range()), "an expression with errors")
	case *hclsyntax.BinaryOpExpr:
		return e.binary(x)
	case *hclsyntax.UnaryOpExpr:
		return e.op(x.Op, e.rng(x.SrcRange), e.eval(x.Val))
	case *hclsyntax.ParenthesesExpr:
		return e.eval(x.Expression)
	case *pinned:
		at := e.rng(x.at)
		in := &env{scope: e.scope, up: e, pin: &at}
		return in.eval(x.Expression)
	}
	return failure(e.rng(x.Range()), "an expression with errors")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (e *env) conditional(x *hclsyntax.ConditionalExpr) *val {
	rng := e.rng(x.SrcRange)
	cond := e.eval(x.Condition)
	if b, ok := cond.asBool(); ok {
		if b {
			return ref(rng, e.eval(x.TrueResult), cond)
		}
		return ref(rng, e.eval(x.FalseResult), cond)
	}
	if !cond.isUnknown() && cond.base().kind != wholeResource {
		return failure(rng, "a condition is neither true nor false")
	}
	// Whatever the condition is, equal results decide.
	t, f := e.eval(x.TrueResult), e.eval(x.FalseResult)
	budget := 1000
	if equal(t, f, &budget) == isTrue {
		return ref(rng, t, cond)
	}
	out := computed(newUnknown(rng, orElse(cond.reasonOf(), "a condition")), cond, t, f)
	out.failed = cond.base().failed
	return out
}

// key evaluates the name of an object's field: a bare word is itself.
func (e *env) key(x *hclsyntax.ObjectConsKeyExpr) *val {
	if !x.ForceNonLiteral {
		if w := hcl.ExprAsKeyword(x.Wrapped); w != "" {
			return newText(e.rng(x.Range()), w)
		}
	}
	return e.eval(x.Wrapped)
}

func (e *env) objectCons(x *hclsyntax.ObjectConsExpr) *val {
	rng := e.rng(x.SrcRange)
	fields := make([]field, 0, len(x.Items))
	at := make(map[string]int, len(x.Items))
	partialWhy := ""
	var vague []field
	for _, it := range x.Items {
		k := e.eval(it.KeyExpr)
		v := e.eval(it.ValueExpr)
		name, ok := k.asText()
		if !ok {
			partialWhy = orElse(k.reasonOf(), "the name of a field")
			vague = append(vague, field{name: k.nameInPart(), v: v})
			continue
		}
		f := field{name: name, v: v}
		if k.kind == text && len(k.from) == 0 {
			f.keyRng = k.rng
		}
		if i, dup := at[name]; dup {
			fields[i] = f
			continue
		}
		at[name] = len(fields)
		fields = append(fields, f)
	}
	v := newObject(rng, fields)
	if partialWhy != "" && v.kind == object {
		v.partial, v.why, v.vague = true, partialWhy, vague
	}
	return v
}

// elements goes through a list or object as for does; ok is false where it
// cannot be gone through at all.
func (e *env) elements(v *val, visit func(key, item *val) bool) bool {
	b := v.base()
	switch b.kind {
	case list:
		for i, it := range b.items {
			k := newInt(v.rng, i)
			if b.set {
				k = it
			}
			if !visit(k, v.through(it)) {
				break
			}
		}
		return true
	case object:
		for _, f := range v.sortedFields() {
			k := newText(orRange(f.keyRng, v.rng), f.name)
			if !visit(k, v.through(f.v)) {
				break
			}
		}
		return true
	case wholeResource:
		return b.res.each(visit)
	}
	return false
}

func orRange(r, other source.Range) source.Range {
	if r.IsZero() {
		return other
	}
	return r
}

func (e *env) forExpr(x *hclsyntax.ForExpr) *val {
	rng := e.rng(x.SrcRange)
	coll := e.eval(x.CollExpr)
	var items []*val
	var fields []field
	at := map[string]int{}
	partial, why := false, ""
	if b := coll.base(); b.partial {
		partial, why = true, b.why
	}
	var bad *val
	ok := e.elements(coll, func(k, v *val) bool {
		names := map[string]*val{x.ValVar: v}
		if x.KeyVar != "" {
			names[x.KeyVar] = k
		}
		in := e.with(names)
		if x.CondExpr != nil {
			cond := in.eval(x.CondExpr)
			keep, known := cond.asBool()
			if !known {
				partial, why = true, orElse(cond.reasonOf(), "a condition")
				return !e.u.stopped
			}
			if !keep {
				return !e.u.stopped
			}
		}
		if x.KeyExpr == nil {
			items = append(items, in.eval(x.ValExpr))
			return !e.u.stopped
		}
		key := in.eval(x.KeyExpr)
		item := in.eval(x.ValExpr)
		name, known := key.asText()
		if !known {
			partial, why = true, orElse(key.reasonOf(), "the name of a field")
			return !e.u.stopped
		}
		i, dup := at[name]
		switch {
		case x.Group && dup:
			e.u.spend(len(fields[i].v.items))
			fields[i].v = newList(rng, append(append([]*val(nil), fields[i].v.items...), item))
		case x.Group:
			at[name] = len(fields)
			fields = append(fields, field{name: name, v: newList(rng, []*val{item})})
		case dup:
			bad = failure(rng, "a name is given twice by a for expression")
			return false
		default:
			at[name] = len(fields)
			fields = append(fields, field{name: name, v: item})
		}
		return !e.u.stopped
	})
	switch {
	case e.u.stopped:
		return newUnknown(rng, whyStopped)
	case bad != nil:
		return bad
	case !ok && coll.isUnknown():
		return unknownLike(coll, rng)
	case !ok:
		return failure(rng, "a for expression goes through something that is no collection")
	}
	var out *val
	if x.KeyExpr == nil {
		out = newList(rng, items)
	} else {
		out = newObject(rng, fields)
	}
	out.from = []*val{coll}
	if partial && out.kind != unknown {
		out.partial, out.why = true, why
	}
	return out
}

// unknownLike gives an unknown value for the reason of another.
func unknownLike(v *val, rng source.Range) *val {
	b := v.base()
	out := newUnknown(rng, orElse(v.reasonOf(), "a value that is not known"))
	out.failed = b.kind == unknown && b.failed
	out.from = []*val{v}
	return out
}

func (e *env) splat(x *hclsyntax.SplatExpr) *val {
	rng := e.rng(x.SrcRange)
	src := e.eval(x.Source)
	b := src.base()
	each := func(it *val) *val {
		// The steps behind the star are no expression of their own.
		in := &env{scope: e.scope, up: e, anonKey: x.Item, anon: it, pin: &rng}
		return in.eval(x.Each)
	}
	var items []*val
	visit := func(_, it *val) bool {
		items = append(items, each(it))
		return !e.u.stopped
	}
	switch {
	case b.kind == unknown:
		return unknownLike(src, rng)
	case b.kind == null:
		return newList(rng, nil)
	case b.kind == wholeResource:
		if !b.res.many() {
			visit(nil, src)
		} else if !b.res.each(visit) {
			if t := splatName(x); t != "" {
				return computed(newUnknown(rng, t), src)
			}
			return unknownLike(src, rng)
		}
	case b.kind == list:
		e.elements(src, visit)
	default:
		visit(nil, src)
	}
	out := newList(rng, items)
	if b.kind == list && b.partial && out.kind == list {
		out.partial, out.why = true, b.why
	}
	return out
}

// splatName writes a splat over a name as people write it.
func splatName(x *hclsyntax.SplatExpr) string {
	src, ok := x.Source.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return ""
	}
	s := traversalText(src.Traversal) + "[*]"
	if rel, ok := x.Each.(*hclsyntax.RelativeTraversalExpr); ok {
		s += traversalText(rel.Traversal)
	}
	return s
}

func (e *env) binary(x *hclsyntax.BinaryOpExpr) *val {
	rng := e.rng(x.SrcRange)
	l := e.eval(x.LHS)
	switch x.Op {
	case hclsyntax.OpLogicalAnd, hclsyntax.OpLogicalOr:
		stop := x.Op == hclsyntax.OpLogicalOr
		if b, ok := l.asBool(); ok && b == stop {
			return computed(newBool(rng, stop), l)
		}
		r := e.eval(x.RHS)
		if b, ok := r.asBool(); ok && b == stop {
			return computed(newBool(rng, stop), r)
		}
		_, lok := l.asBool()
		_, rok := r.asBool()
		switch {
		case lok && rok:
			return computed(newBool(rng, !stop), l, r)
		case !lok:
			return computed(e.notKnown(rng, l, "a value that is neither true nor false"), l, r)
		}
		return computed(e.notKnown(rng, r, "a value that is neither true nor false"), l, r)
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		r := e.eval(x.RHS)
		budget := 10_000
		eq := equal(l, r, &budget)
		e.u.spend(10_000 - budget)
		if eq == undecided {
			if l.reasonOf() != "" {
				return computed(unknownLike(l, rng), l, r)
			}
			return computed(unknownLike(r, rng), l, r)
		}
		return computed(newBool(rng, (eq == isTrue) == (x.Op == hclsyntax.OpEqual)), l, r)
	}
	return e.op(x.Op, rng, l, e.eval(x.RHS))
}

func computed(v *val, from ...*val) *val {
	v.from = from
	return v
}

func (e *env) notKnown(rng source.Range, v *val, wrong string) *val {
	if k := v.base().kind; k == unknown || k == wholeResource {
		return unknownLike(v, rng)
	}
	return failure(rng, wrong)
}

// op carries out an arithmetic or logical operation.
func (e *env) op(op *hclsyntax.Operation, rng source.Range, args ...*val) *val {
	in := make([]cty.Value, len(args))
	params := op.Impl.Params()
	for i, a := range args {
		b := a.base()
		switch b.kind {
		case unknown, wholeResource:
			return computed(unknownLike(a, rng), args...)
		case boolean, number:
		case text:
			if len(b.str) > maxNumber {
				return failure(rng, "a text is no operand")
			}
		default:
			return failure(rng, "a value is no operand")
		}
		v, err := convert.Convert(a.cty(), params[i].Type)
		if err != nil {
			return failure(rng, "a value is no operand")
		}
		in[i] = v
	}
	out, err := op.Impl.Call(in)
	if err != nil {
		return failure(rng, "an operation cannot be carried out")
	}
	return fromCty(out, rng, "", args)
}
