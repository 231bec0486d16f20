package terraform

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// scope is one instance of a module: the root, or one call of a local module.
// What its names stand for is evaluated once, when first asked for.
type scope struct {
	u      *unit
	mod    *module
	path   string // "" or "module.a.module.b[0]."
	parent *scope
	call   *decl  // the module block; nil for the root
	callIn *env   // where its arguments are evaluated
	level  int    // of calls
	dir    string // folder as path.module says it
	memos  map[string]*memo
	grown  map[*decl]*expansion
	kids   map[string]*scope // by module address
}

// memo is a value that is asked for by name.
type memo struct {
	v    *val
	busy bool
}

func newScope(u *unit, m *module) *scope {
	return &scope{u: u, mod: m, dir: ".", memos: map[string]*memo{}, grown: map[*decl]*expansion{}, kids: map[string]*scope{}}
}

func (s *scope) env() *env { return &env{scope: s} }

// once evaluates what name stands for; a name that depends on itself fails.
func (s *scope) once(name string, eval func() *val) *val {
	m := s.memos[name]
	if m == nil {
		m = &memo{busy: true}
		s.memos[name] = m
		m.v = eval()
		m.busy = false
	}
	if m.busy {
		return failure(source.Range{}, name+" depends on itself")
	}
	return m.v
}

func (s *scope) variable(name string) *val {
	return s.once("var."+name, func() *val {
		d := s.mod.variables[name]
		if d == nil {
			return failure(source.Range{}, "var."+name+" is not declared")
		}
		v := s.given(name)
		if v != nil && v.base().kind == null && !s.nullable(d) {
			v = nil
		}
		if v == nil {
			if def := d.body.Attributes["default"]; def != nil {
				v = s.env().eval(def.Expr)
			}
		}
		if v == nil {
			return newUnknown(source.Range{}, "var."+name+" has no default")
		}
		return s.typed(d, v)
	})
}

// given is the value that a caller or a tfvars file gives to a variable, or
// nil. For module calls an unknown argument counts as given.
func (s *scope) given(name string) *val {
	if s.call != nil {
		if a := s.call.body.Attributes[name]; a != nil {
			return s.callIn.eval(a.Expr)
		}
		return nil
	}
	if a := s.mod.assigned[name]; a != nil {
		return s.env().eval(a.Expr)
	}
	return nil
}

// nullable reports whether a variable may be null by the choice of who calls: it
// may unless it says otherwise, and then its default stands in for null.
func (s *scope) nullable(d *decl) bool {
	a := d.body.Attributes["nullable"]
	if a == nil {
		return true
	}
	b, ok := s.env().eval(a.Expr).asBool()
	return !ok || b
}

func (s *scope) local(name string) *val {
	return s.once("local."+name, func() *val {
		a := s.mod.locals[name]
		if a == nil {
			return failure(source.Range{}, "local."+name+" is not declared")
		}
		return s.env().eval(a.Expr)
	})
}

// traversal evaluates a reference such as var.a.b[0].
func (e *env) traversal(x *hclsyntax.ScopeTraversalExpr) *val {
	rng := e.rng(x.SrcRange)
	t := x.Traversal
	root := t.RootName()
	for s := e; s != nil; s = s.up {
		if v, ok := s.names[root]; ok {
			return e.along(ref(rng, v), t[1:], rng)
		}
		if s.closed {
			return failure(rng, "a template names "+root+", which it is not given")
		}
	}
	if len(t) < 2 {
		if root == "each" || root == "count" || root == "self" {
			return newUnknown(rng, root)
		}
		return failure(rng, root+" is not a value")
	}
	name, ok := attrName(t[1])
	if !ok {
		return failure(rng, root+" is not a value")
	}
	var v *val
	used := 2
	switch root {
	case "var":
		v = e.variable(name)
	case "local":
		v = e.local(name)
	case "path":
		switch name {
		case "module":
			v = newText(rng, e.dir)
		case "root":
			v = newText(rng, ".")
		default:
			return newUnknown(rng, "path."+name)
		}
		return e.along(v, t[2:], rng)
	case "terraform", "each", "count", "self", "ephemeral", "tofu":
		return newUnknown(rng, plain(traversalText(t), 200))
	case "module":
		d := e.mod.byAddr["module."+name]
		if d == nil {
			return newUnknown(rng, plain(traversalText(t), 200))
		}
		v = wholeVal(rng, &resourceRef{sc: e.scope, d: d})
	default:
		addr := root + "." + name
		if root == "data" {
			typ, ok := name, false
			if len(t) > 2 {
				name, ok = attrName(t[2])
			}
			if !ok {
				return failure(rng, "data."+typ+" is not a value")
			}
			addr, used = "data."+typ+"."+name, 3
		}
		d := e.mod.byAddr[addr]
		if d == nil {
			return newUnknown(rng, plain(traversalText(t), 200))
		}
		v = wholeVal(rng, &resourceRef{sc: e.scope, d: d})
	}
	return e.along(v, t[used:], rng)
}

// along takes the remaining steps of a reference and gives the result as
// named at rng.
func (e *env) along(v *val, t hcl.Traversal, rng source.Range) *val {
	for _, s := range t {
		if !e.u.spend(1) {
			return newUnknown(rng, whyStopped)
		}
		switch s := s.(type) {
		case hcl.TraverseAttr:
			v = e.attr(v, s.Name, rng)
		case hcl.TraverseIndex:
			v = e.index(v, fromCty(s.Key, rng, "an index", nil), rng)
		default:
			return failure(rng, "an expression with errors")
		}
	}
	if v.kind == reference && v.rng == rng {
		return v
	}
	if v.kind == wholeResource {
		return v
	}
	return ref(rng, v)
}

// steps takes the steps of a relative traversal.
func (e *env) steps(v *val, t hcl.Traversal, r hcl.Range) *val {
	return e.along(v, t, e.rng(r))
}

func (e *env) attr(v *val, name string, rng source.Range) *val {
	b := v.base()
	switch b.kind {
	case unknown:
		return unknownLike(v, rng)
	case wholeResource:
		return b.res.attr(name, rng)
	case object:
		if f := v.field(name); f != nil {
			return v.through(f)
		}
		if b.partial {
			return computed(newUnknown(rng, orElse(b.why, name)), v)
		}
		return failure(rng, "there is no field "+plain(name, 100))
	case list:
		if n, err := strconv.Atoi(name); err == nil {
			return e.index(v, newInt(rng, n), rng)
		}
	}
	return failure(rng, "there is no field "+plain(name, 100))
}

func (e *env) index(v, key *val, rng source.Range) *val {
	b, k := v.base(), key.base()
	switch {
	case b.kind == unknown:
		return unknownLike(v, rng)
	case k.kind == unknown || k.kind == wholeResource:
		return computed(unknownLike(key, rng), key, v)
	case b.kind == wholeResource:
		return b.res.at(key, rng)
	case b.kind == list && b.partial:
		return computed(newUnknown(rng, orElse(b.why, "a list that is not known in full")), v)
	case b.kind == list && !b.set:
		i, ok := key.asInt()
		if !ok || i < 0 || i >= len(b.items) {
			return failure(rng, "an index is out of range")
		}
		return v.through(b.items[i])
	case b.kind == object:
		name, ok := key.asText()
		if !ok {
			return failure(rng, "an index is of the wrong type")
		}
		return e.attr(v, name, rng)
	}
	return failure(rng, "a value has no elements")
}

func attrName(s hcl.Traverser) (string, bool) {
	switch s := s.(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// traversalText writes a reference as people write it.
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, s := range t {
		if b.Len() > 400 {
			break
		}
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			switch {
			case !s.Key.IsKnown() || s.Key.IsNull():
				b.WriteString("[?]")
			case s.Key.Type() == cty.String:
				b.WriteString("[" + strconv.Quote(s.Key.AsString()) + "]")
			case s.Key.Type() == cty.Number:
				if i, acc := s.Key.AsBigFloat().Int64(); acc == 0 {
					fmt.Fprintf(&b, "[%d]", i)
				}
			}
		}
	}
	return b.String()
}

// resourceRef names a resource, a data source or a module call, or one
// instance of it.
type resourceRef struct {
	sc   *scope
	d    *decl
	inst *instance // nil: the whole
}

func wholeVal(rng source.Range, r *resourceRef) *val {
	return &val{kind: wholeResource, rng: rng, res: r, size: 1}
}

func (r *resourceRef) name() string {
	if r.inst != nil {
		return r.sc.path + r.d.addr + r.inst.suffix
	}
	return r.sc.path + r.d.addr
}

// many reports whether the whole stands for several instances.
func (r *resourceRef) many() bool {
	return r.inst == nil && (r.d.count != nil || r.d.forEach != nil)
}

// each goes through the instances; false where they are not known.
func (r *resourceRef) each(visit func(key, item *val) bool) bool {
	if !r.many() {
		return false
	}
	x := r.sc.expand(r.d)
	if !x.known {
		return false
	}
	for i := range x.list {
		in := &x.list[i]
		if !visit(in.key, wholeVal(r.sc.mod.place(r.d), &resourceRef{sc: r.sc, d: r.d, inst: in})) {
			break
		}
	}
	return true
}

// at gives one instance by its key.
func (r *resourceRef) at(key *val, rng source.Range) *val {
	if !r.many() {
		if r.inst == nil {
			if i, ok := key.asInt(); ok && i == 0 {
				return failure(rng, r.name()+" is a single instance")
			}
		}
		return newUnknown(rng, r.name())
	}
	x := r.sc.expand(r.d)
	suffix, ok := suffixOf(key)
	if !ok {
		return failure(rng, "an index is of the wrong type")
	}
	for i := range x.list {
		if x.list[i].suffix == suffix {
			return wholeVal(rng, &resourceRef{sc: r.sc, d: r.d, inst: &x.list[i]})
		}
	}
	if !x.known && len(x.list) == 1 {
		// Any instance looks like the one that stands for all of them.
		return wholeVal(rng, &resourceRef{sc: r.sc, d: r.d, inst: &instance{suffix: suffix, key: key, env: x.list[0].env}})
	}
	return failure(rng, r.name()+suffix+" does not exist")
}

func suffixOf(key *val) (string, bool) {
	b := key.base()
	switch b.kind {
	case number:
		i, ok := b.asInt()
		return "[" + strconv.Itoa(i) + "]", ok
	case text:
		return "[" + strconv.Quote(b.str) + "]", true
	}
	return "", false
}

// attr gives an attribute of the resource where the configuration decides it.
func (r *resourceRef) attr(name string, rng source.Range) *val {
	full := plain(r.name()+"."+name, 300)
	if r.many() {
		if r.d.forEach == nil {
			return newUnknown(rng, full)
		}
		return r.at(newText(rng, name), rng)
	}
	inst := r.inst
	if inst == nil {
		x := r.sc.expand(r.d)
		if len(x.list) == 0 {
			return newUnknown(rng, full)
		}
		inst = &x.list[0]
	}
	key := r.d.addr + inst.suffix + "\x00" + name
	if r.d.kind == "module" {
		return r.sc.once(key, func() *val { return r.output(inst, name, full) })
	}
	return r.sc.once(key, func() *val {
		v := ref(source.Range{}, r.configured(inst, name, full))
		v.res = &resourceRef{sc: r.sc, d: r.d, inst: inst}
		return v
	})
}

// identities names the argument that the id of a resource repeats. These are
// settings of another resource, which modules refer to so that one is made behind
// the other; who refers to the id of one means that other resource. Never written.
var identities = map[string]string{
	"aws_s3_bucket_ownership_controls":                   "bucket",
	"aws_s3_bucket_policy":                               "bucket",
	"aws_s3_bucket_public_access_block":                  "bucket",
	"aws_s3_bucket_server_side_encryption_configuration": "bucket",
	"aws_s3_bucket_versioning":                           "bucket",
}

// configured gives an attribute of an instance as its configuration says it.
func (r *resourceRef) configured(inst *instance, name, full string) *val {
	if holder := policies[r.d.typ]; holder == name && r.d.kind == "data" {
		if r.d.typ == policyBindings {
			return inst.env.bindings(r.d)
		}
		return inst.env.policy(r.d)
	}
	if own := identities[r.d.typ]; own != "" && name == "id" && r.d.kind == "resource" {
		name = own
	}
	if a := r.d.body.Attributes[name]; a != nil {
		if v := inst.env.eval(a.Expr); v.base().kind != null {
			return v
		}
		return newUnknown(source.Range{}, full)
	}
	if v := inst.env.blockValues(r.d.body, name, full, 0); v != nil {
		return v
	}
	return newUnknown(source.Range{}, full)
}

// blockValues gives the nested blocks of a type as other resources see them,
// nil where there are none.
func (e *env) blockValues(body *hclsyntax.Body, typ, full string, depth int) *val {
	var items []*val
	partial := false
	var rng source.Range
	for _, b := range e.blocks(body) {
		if b.typ != typ {
			continue
		}
		partial = partial || b.open
		rng = b.rng
		var fields []field
		for _, a := range inOrder(b.body) {
			name := a.Name
			fields = append(fields, field{name: name, keyRng: e.rng(a.NameRange), v: b.env.eval(a.Expr)})
		}
		if depth < 4 {
			for _, inner := range blockTypes(b.body) {
				if v := b.env.blockValues(b.body, inner, full, depth+1); v != nil {
					fields = append(fields, field{name: inner, v: v})
				}
			}
		}
		o := newObject(b.rng, fields)
		o.partial, o.why = true, full
		items = append(items, o)
	}
	if len(items) == 0 {
		return nil
	}
	v := newList(rng, items)
	if partial {
		v.partial, v.why = true, full
	}
	return v
}

func blockTypes(body *hclsyntax.Body) []string {
	var out []string
	seen := map[string]bool{}
	for _, b := range body.Blocks {
		if !seen[b.Type] && b.Type != "dynamic" {
			seen[b.Type] = true
			out = append(out, b.Type)
		}
	}
	return out
}
