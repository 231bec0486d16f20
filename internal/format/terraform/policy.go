package terraform

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// policies are the data sources whose result the configuration says in full, each
// with the attribute that holds it. It is read, never written.
var policies = map[string]string{policyDocument: "json", policyBindings: "policy_data"}

const (
	policyDocument = "aws_iam_policy_document"
	policyBindings = "google_iam_policy"
)

// bindings gives the policy_data attribute of a policy of GCP: a text that holds
// the bindings in the form of its API, each part where it is written.
func (e *env) bindings(d *decl) *val {
	whole := e.rng(d.block.Range())
	var made []*val
	var open *val
	for _, b := range e.blocks(d.body) {
		if b.typ != "binding" {
			continue
		}
		if b.open {
			open = b.origin
		}
		var fields []field
		for _, name := range []string{"role", "members"} {
			if a := b.body.Attributes[name]; a != nil {
				fields = append(fields, field{name: name, keyRng: e.rng(a.NameRange), v: b.env.eval(a.Expr)})
			}
		}
		for _, c := range b.env.blocks(b.body) {
			if c.typ == "condition" {
				fields = append(fields, field{name: "condition", v: newObject(c.rng, []field{{name: "expression", v: c.argument("expression")}})})
			}
		}
		if len(made) < maxInstances {
			made = append(made, newObject(b.rng, fields))
		}
	}
	bindings := newList(whole, made)
	if open != nil && bindings.kind == list {
		bindings.partial, bindings.why = true, orElse(open.reasonOf(), "a dynamic block")
	}
	return encoded(e, newObject(whole, []field{{name: "bindings", v: bindings}}), whole)
}

// policy gives the json attribute of a policy document: a text that holds the
// policy in IAM's own form, lists where IAM takes one or many. Each part
// stands where it is written.
func (e *env) policy(d *decl) *val {
	whole := e.rng(d.block.Range())
	head := e.head(d.block)
	p := &policyBuilder{e: e, whole: whole}
	if !p.sources(d.body, "source_policy_documents") {
		p.open = nil
	}
	p.sources(d.body, "source_json")
	for _, b := range e.blocks(d.body) {
		if b.typ != "statement" {
			continue
		}
		s := p.statement(b)
		p.put(s, false)
		if b.open {
			p.open = b.origin
		}
	}
	p.sources(d.body, "override_policy_documents")
	p.sources(d.body, "override_json")

	fields := []field{}
	version := newText(head, "2012-10-17")
	if a := d.body.Attributes["version"]; a != nil {
		if v := e.eval(a.Expr); v.base().kind != null {
			version = v
		}
	}
	fields = append(fields, field{name: "Version", keyRng: source.Range{}, v: version})
	if a := d.body.Attributes["policy_id"]; a != nil {
		if v := e.eval(a.Expr); v.base().kind != null {
			fields = append(fields, field{name: "Id", v: v})
		}
	}
	statements := newList(whole, p.statements)
	if p.open != nil && statements.kind == list {
		statements.partial, statements.why = true, orElse(p.open.reasonOf(), "a policy document")
	}
	fields = append(fields, field{name: "Statement", v: statements})
	return encoded(e, newObject(whole, fields), whole)
}

// encoded gives the text that holds a document.
func encoded(e *env, doc *val, rng source.Range) *val {
	s, ok := e.u.jsonText(doc)
	out := newText(rng, s)
	if !ok {
		out = newUnknown(rng, orElse(doc.reasonOf(), "a policy document"))
	}
	out.inner = doc
	return out
}

type policyBuilder struct {
	e          *env
	whole      source.Range
	statements []*val
	open       *val // something that may hold more statements
}

// put adds a statement; one that overrides takes the place of that with its Sid.
func (p *policyBuilder) put(s *val, overrides bool) {
	if sid := s.field("Sid"); sid != nil {
		if name, ok := sid.asText(); ok && name != "" {
			for i, other := range p.statements {
				if o := other.field("Sid"); o != nil {
					if t, ok := o.asText(); ok && t == name && overrides {
						p.statements[i] = s
						return
					}
				}
			}
		}
	}
	if len(p.statements) < maxInstances {
		p.statements = append(p.statements, s)
	}
}

// sources takes the statements of the documents that an argument lists.
func (p *policyBuilder) sources(body *hclsyntax.Body, name string) bool {
	a := body.Attributes[name]
	if a == nil {
		return true
	}
	v := p.e.eval(a.Expr)
	b := v.base()
	docs := []*val{v}
	switch {
	case b.kind == null:
		return true
	case b.kind == list:
		docs = nil
		for _, it := range b.items {
			docs = append(docs, v.through(it))
		}
		if b.partial {
			p.open = v
		}
	}
	overrides := name == "override_policy_documents" || name == "override_json"
	for _, doc := range docs {
		db := doc.base()
		if db.kind == null || db.kind == text && db.str == "" {
			continue
		}
		inner := db.inner
		if inner == nil {
			inner = p.e.u.document(db)
		}
		if inner == nil {
			p.open = doc
			continue
		}
		list := inner.field("Statement")
		if list == nil {
			continue
		}
		lb := list.base()
		items := lb.items
		switch {
		case lb.kind == object:
			items = []*val{list}
		case lb.kind == unknown || lb.partial:
			p.open = list
		}
		for _, s := range items {
			p.put(ref(doc.rng, s), overrides)
		}
	}
	return true
}

// statement turns a statement block into IAM's form.
func (p *policyBuilder) statement(b nested) *val {
	var fields []field
	attr := func(from, to string, listed bool) bool {
		a := b.body.Attributes[from]
		if a == nil {
			return false
		}
		v := b.env.eval(a.Expr)
		if v.base().kind == null {
			return false
		}
		if k := v.base().kind; listed && k == text {
			v = newList(v.rng, []*val{v})
		}
		fields = append(fields, field{name: to, v: v})
		return true
	}
	attr("sid", "Sid", false)
	if !attr("effect", "Effect", false) {
		fields = append(fields, field{name: "Effect", v: newText(b.head, "Allow")})
	}
	attr("actions", "Action", true)
	attr("not_actions", "NotAction", true)
	attr("resources", "Resource", true)
	attr("not_resources", "NotResource", true)
	inner := b.env.blocks(b.body)
	if v := p.principals(b, inner, "principals"); v != nil {
		fields = append(fields, field{name: "Principal", v: v})
	}
	if v := p.principals(b, inner, "not_principals"); v != nil {
		fields = append(fields, field{name: "NotPrincipal", v: v})
	}
	if v := p.conditions(b, inner); v != nil {
		fields = append(fields, field{name: "Condition", v: v})
	}
	return newObject(b.rng, fields)
}

// argument evaluates an argument of a nested block.
func (b *nested) argument(name string) *val {
	a := b.body.Attributes[name]
	if a == nil {
		return newNull(b.rng)
	}
	return b.env.eval(a.Expr)
}

// grouped collects lists by name, in the order of first mention.
type grouped struct {
	names []string
	lists map[string][]*val
	rngs  map[string]source.Range
	open  *val
}

func (g *grouped) add(name string, rng source.Range, v *val) {
	if g.lists == nil {
		g.lists, g.rngs = map[string][]*val{}, map[string]source.Range{}
	}
	if _, ok := g.lists[name]; !ok {
		g.names = append(g.names, name)
		g.rngs[name] = rng
	}
	b := v.base()
	if b.kind == list {
		for _, it := range b.items {
			g.lists[name] = append(g.lists[name], v.through(it))
		}
		if !b.partial {
			return
		}
	}
	g.lists[name] = append(g.lists[name], v)
}

func (g *grouped) object(rng source.Range) *val {
	var fields []field
	for _, n := range g.names {
		fields = append(fields, field{name: n, v: newList(g.rngs[n], g.lists[n])})
	}
	v := newObject(rng, fields)
	if g.open != nil && v.kind == object {
		v.partial, v.why = true, orElse(g.open.reasonOf(), "a dynamic block")
	}
	return v
}

func (p *policyBuilder) principals(b nested, inner []nested, typ string) *val {
	var g grouped
	rng := source.Range{}
	for _, in := range inner {
		if in.typ != typ {
			continue
		}
		if rng.IsZero() {
			rng = in.rng
		}
		rng.End = in.rng.End
		t := in.argument("type")
		ids := in.argument("identifiers")
		name, ok := t.asText()
		if !ok || in.open {
			g.open = t
			if !ok {
				continue
			}
		}
		if name == "*" {
			return newText(in.rng, "*")
		}
		g.add(name, in.rng, ids)
	}
	if rng.IsZero() {
		return nil
	}
	return g.object(rng)
}

func (p *policyBuilder) conditions(b nested, inner []nested) *val {
	tests := map[string]*grouped{}
	var order []string
	rng := source.Range{}
	var open *val
	for _, in := range inner {
		if in.typ != "condition" {
			continue
		}
		if rng.IsZero() {
			rng = in.rng
		}
		rng.End = in.rng.End
		test, ok1 := in.argument("test").asText()
		key := in.argument("variable")
		if !ok1 || in.open {
			open = in.argument("test")
			if !ok1 {
				continue
			}
		}
		if tests[test] == nil {
			tests[test] = &grouped{}
			order = append(order, test)
		}
		if _, whole := key.asText(); !whole {
			tests[test].open = key
		}
		tests[test].add(key.nameInPart(), in.rng, in.argument("values"))
	}
	if rng.IsZero() {
		return nil
	}
	var fields []field
	for _, t := range order {
		fields = append(fields, field{name: t, v: tests[t].object(rng)})
	}
	v := newObject(rng, fields)
	if open != nil && v.kind == object {
		v.partial, v.why = true, orElse(open.reasonOf(), "a dynamic block")
	}
	return v
}
