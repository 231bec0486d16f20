package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// call is one call of a function.
type call struct {
	e    *env
	name string
	rng  source.Range
	args []*val
	// partial is set when the last argument was expanded from a list that is
	// not known in full.
	partial *val
}

// builtin is a function of the language.
type builtin struct {
	min, max int // arguments; max < 0: any number
	run      func(*call) *val
}

func (c *call) fail(format string, args ...any) *val {
	return computed(failure(c.rng, c.name+"(): "+fmt.Sprintf(format, args...)), c.args...)
}

// unknown gives an unknown result for the reason of an argument.
func (c *call) unknown(v *val) *val {
	return computed(unknownLike(v, c.rng), c.args...)
}

// done gives a result that depends on all arguments.
func (c *call) done(v *val) *val {
	v.from = append(v.from[:len(v.from):len(v.from)], c.args...)
	return v
}

// text gives an argument as text; bad is the result to give where it is none.
func (c *call) text(i int) (s string, bad *val) {
	v := c.args[i]
	if k := v.base().kind; k == unknown || k == wholeResource {
		return "", c.unknown(v)
	}
	s, ok := v.asText()
	if !ok {
		return "", c.fail("an argument is no text")
	}
	return s, nil
}

// texts gives all arguments as text.
func (c *call) texts() ([]string, *val) {
	out := make([]string, len(c.args))
	for i := range c.args {
		s, bad := c.text(i)
		if bad != nil {
			return nil, bad
		}
		out[i] = s
	}
	return out, nil
}

func (c *call) int(i int) (n int, bad *val) {
	v := c.args[i]
	if k := v.base().kind; k == unknown || k == wholeResource {
		return 0, c.unknown(v)
	}
	n, ok := v.asInt()
	if !ok {
		return 0, c.fail("an argument is no whole number")
	}
	return n, nil
}

// list gives an argument that is a list, tuple or set.
func (c *call) list(i int) (items []*val, bad *val) {
	v := c.args[i]
	b := v.base()
	if b.kind == unknown || b.kind == wholeResource {
		return nil, c.unknown(v)
	}
	if b.kind != list {
		return nil, c.fail("an argument is no list")
	}
	items = make([]*val, len(b.items))
	for j, it := range b.items {
		items[j] = v.through(it)
	}
	c.e.u.spend(len(items))
	return items, nil
}

// result gives text that was made.
func (c *call) result(s string) *val {
	if len(s) > maxText {
		return c.fail("the text is too long")
	}
	if !c.e.u.produce(len(s)) {
		return newUnknown(c.rng, whyStopped)
	}
	return c.done(newText(c.rng, s))
}

func (e *env) call(x *hclsyntax.FunctionCallExpr) *val {
	rng := e.rng(x.Range())
	name := strings.TrimPrefix(x.Name, "core::")
	c := &call{e: e, name: plain(name, 60), rng: rng}
	switch name {
	case "try":
		return e.try(x, rng)
	case "can":
		return e.can(x, rng)
	}
	for _, a := range x.Args {
		v := e.eval(a)
		if b := v.base(); b.kind == unknown && b.failed {
			return unknownLike(v, rng)
		}
		c.args = append(c.args, v.spread())
	}
	if strings.Contains(name, "::") {
		return newUnknown(rng, c.name+"()")
	}
	f, ok := e.u.funcs[name]
	switch {
	case !ok && e.u.packer:
		return newUnknown(rng, c.name+"()") // Packer asks vaults and the environment
	case !ok:
		return failure(rng, "there is no function "+c.name)
	}
	if x.ExpandFinal && len(c.args) > 0 {
		last := c.args[len(c.args)-1]
		b := last.base()
		if b.kind != list {
			return e.notKnown(rng, last, "only a list can be expanded to arguments")
		}
		if !e.u.spend(len(b.items)) {
			return newUnknown(rng, whyStopped)
		}
		c.args = c.args[:len(c.args)-1]
		for _, it := range b.items {
			c.args = append(c.args, last.through(it))
		}
		if b.partial {
			c.partial = last
			if name != "merge" && name != "concat" {
				return c.unknown(last)
			}
		}
	}
	if len(c.args) < f.min || f.max >= 0 && len(c.args) > f.max {
		return c.fail("the number of arguments is wrong")
	}
	if !e.u.spend(1) {
		return newUnknown(rng, whyStopped)
	}
	return f.run(c)
}

// try gives the first argument that can be evaluated.
func (e *env) try(x *hclsyntax.FunctionCallExpr, rng source.Range) *val {
	for _, a := range x.Args {
		v := e.eval(a)
		if e.refused(a, v) != nil {
			continue
		}
		return ref(rng, v)
	}
	return failure(rng, "try(): no argument can be evaluated")
}

// refused gives the part of an argument's value that Terraform would refuse to
// evaluate, and the argument with it; nil for none. What the argument names
// stands elsewhere, and is refused there.
func (e *env) refused(x hclsyntax.Expression, v *val) *val {
	if _, names := x.(*hclsyntax.ScopeTraversalExpr); names {
		if b := v.base(); b.kind == unknown && b.failed {
			return b
		}
		return nil
	}
	return e.broken(v)
}

func (e *env) broken(v *val) *val {
	b := v.base()
	if b.kind == unknown && b.failed {
		return b
	}
	if !e.u.spend(len(b.items) + len(b.fields)) {
		return nil
	}
	for _, it := range b.items {
		if f := e.broken(it); f != nil {
			return f
		}
	}
	for _, f := range b.fields {
		if f := e.broken(f.v); f != nil {
			return f
		}
	}
	return nil
}

func (e *env) can(x *hclsyntax.FunctionCallExpr, rng source.Range) *val {
	if len(x.Args) != 1 {
		return failure(rng, "can(): the number of arguments is wrong")
	}
	v := e.eval(x.Args[0])
	b := v.base()
	switch {
	case e.refused(x.Args[0], v) != nil:
		return computed(newBool(rng, false), v)
	case b.kind == unknown:
		return unknownLike(v, rng)
	}
	return computed(newBool(rng, true), v)
}

// alike makes a list of a tuple whose elements are of one type already. Left
// to find that out by itself, the conversion compares each with each.
func alike(v cty.Value, want cty.Type) cty.Value {
	if !want.IsListType() || !v.IsKnown() || v.IsNull() || !v.Type().IsTupleType() {
		return v
	}
	types := v.Type().TupleElementTypes()
	if len(types) == 0 {
		return v
	}
	for _, t := range types[1:] {
		if !t.Equals(types[0]) {
			return v
		}
	}
	return cty.ListVal(v.AsValueSlice())
}

// foreign makes a builtin of a function from cty's library. check may refuse
// arguments whose result would be out of bounds: it says why.
func foreign(f function.Function, check func(*call) string) builtin {
	params, rest := f.Params(), f.VarParam()
	b := builtin{min: len(params), max: len(params)}
	if rest != nil {
		b.max = -1
	}
	b.run = func(c *call) *val {
		size := 0
		for _, a := range c.args {
			size += a.size
		}
		if size > maxSize || !c.e.u.spend(size) {
			return c.fail("the arguments are too large")
		}
		for _, a := range c.args {
			if a.tedious(false) {
				return c.fail("the arguments are too large")
			}
		}
		if check != nil {
			if why := check(c); why != "" {
				return c.fail("%s", why)
			}
		}
		why := ""
		in := make([]cty.Value, len(c.args))
		for i, a := range c.args {
			p := rest
			if i < len(params) {
				p = &params[i]
			}
			if why == "" {
				why = a.reasonOf()
			}
			v, err := convert.Convert(alike(a.cty(), p.Type), p.Type)
			if err != nil {
				return c.fail("an argument is of the wrong type")
			}
			in[i] = v
		}
		out, err := f.Call(in)
		if err != nil {
			if why != "" {
				return computed(newUnknown(c.rng, why), c.args...)
			}
			return c.fail("it cannot be carried out with these arguments")
		}
		v := fromCty(out, c.rng, why, c.args)
		n := 0
		measure(v, &n)
		if n > maxText {
			return c.fail("the text is too long")
		}
		if !c.e.u.spend(v.size) || !c.e.u.produce(n) {
			return newUnknown(c.rng, whyStopped)
		}
		return v
	}
	return b
}

// measure adds up the text in a value.
func measure(v *val, n *int) {
	*n += len(v.str)
	for _, it := range v.items {
		measure(it, n)
	}
	for _, f := range v.fields {
		*n += len(f.name)
		measure(f.v, n)
	}
}

// undecidable is a function whose result is known to nobody before it is
// applied, or differs from call to call.
func undecidable(name string) builtin {
	return builtin{max: -1, run: func(c *call) *val {
		return computed(newUnknown(c.rng, name+"()"), c.args...)
	}}
}

func exactly(n int, run func(*call) *val) builtin { return builtin{min: n, max: n, run: run} }

func between(lo, hi int, run func(*call) *val) builtin { return builtin{min: lo, max: hi, run: run} }
