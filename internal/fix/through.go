package fix

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// A setting may be decided outside the block that has it: by the default of a
// variable, a file of variables, an argument of a module's call, a local. It is
// mended there, if the proof shows that nothing else hangs on that place.

// through carries out p on the literal that a value, which why says is not
// written here, comes from.
func (w *hclWriter) through(n *resource.Node, p *patch, why error) error {
	if n == nil || n.Unknown || n.Partial || w.files == nil || p.del || refers(p) {
		return why
	}
	for _, at := range slices.Backward(n.Origins) {
		f := w.files(at.File)
		if f == nil || !isHCL(at.File) && path.Ext(at.File) != ".tfvars" || !mayWrite(f.Text(at), n) {
			continue
		}
		e, variable := expressionAt(f, at)
		if e == nil || literal("", e) != nil || !writes(e, n) {
			continue
		}
		if variable != nil && len(blocksOf(variable.Body, "validation")) > 0 {
			return fmt.Errorf("%w, which has a validation", why)
		}
		there := &hclWriter{f: f, eol: f.EOL()}
		if err := there.expr("the value", e, n, p); err != nil {
			return err
		}
		w.edits = append(w.edits, there.edits...)
		w.far = true
		return nil
	}
	return why
}

// refers reports whether p writes a reference, which another place need not
// be able to follow.
func refers(p *patch) bool {
	var in func(v value) bool
	in = func(v value) bool {
		if s, ok := v.scalar.(string); ok && strings.Contains(s, "${") {
			return true
		}
		return slices.ContainsFunc(v.items, in) || slices.ContainsFunc(v.fields, func(e entry) bool { return in(e.val) })
	}
	return p.set != nil && in(*p.set) || slices.ContainsFunc(p.add, in) || slices.ContainsFunc(p.kids, func(k kid) bool { return refers(k.p) })
}

// expressionAt gives the expression of a file that has exactly a range, and the
// block of the variable whose it is, if any.
func expressionAt(f *source.File, at source.Range) (hclsyntax.Expression, *hclsyntax.Block) {
	file, diags := hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, nil
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	var found hclsyntax.Expression
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(hclsyntax.Expression); ok && found == nil {
			if r := e.Range(); r.Start.Byte == at.Start.Byte && r.End.Byte == at.End.Byte {
				if _, key := e.(*hclsyntax.ObjectConsKeyExpr); !key {
					found = e
				}
			}
		}
		return nil
	})
	for _, b := range body.Blocks {
		if b.Type == "variable" && b.TypeRange.Start.Byte <= at.Start.Byte && at.End.Byte <= b.CloseBraceRange.End.Byte {
			return found, b
		}
	}
	return found, nil
}

// mayWrite reports whether a text looks like a literal of a node's kind. It
// spares the reading of files on the way to the place that decides.
func mayWrite(text string, n *resource.Node) bool {
	if text == "" {
		return false
	}
	switch n.Kind {
	case resource.List:
		return text[0] == '['
	case resource.Map:
		return text[0] == '{'
	}
	return strings.IndexByte(`"-0123456789<`, text[0]) >= 0 || text == "true" || text == "false"
}

// writes reports whether a literal writes what a node says.
func writes(e hclsyntax.Expression, n *resource.Node) bool {
	switch t := e.(type) {
	case *hclsyntax.TupleConsExpr:
		return n.Kind == resource.List && len(t.Exprs) == len(n.Items)
	case *hclsyntax.ObjectConsExpr:
		return n.Kind == resource.Map && len(t.Items) == len(n.Fields)
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.Type().IsPrimitiveType() {
		return false
	}
	switch v.Type().FriendlyName() {
	case "string":
		return fmt.Sprint(n.Value) == v.AsString()
	case "bool":
		return fmt.Sprint(n.Value) == fmt.Sprint(v.True())
	}
	return fmt.Sprint(n.Value) == v.AsBigFloat().Text('f', -1)
}

// aside says what else edits far from the mended settings would change: those
// may change in all resources of their kind, and the arguments of calls by which
// they come.
func aside(mended []candidate, before, after []*resource.Resource) error {
	if before == nil || after == nil {
		return errors.New("what else the edit changes is not known")
	}
	type setting struct{ kind, name string }
	wanted := map[setting]bool{}
	for _, m := range mended {
		kind := m.f.Resource.AsWritten().Kind
		for _, name := range m.far {
			wanted[setting{kind, name}] = true
		}
	}
	was := make(map[resource.Identity]*resource.Resource, len(before))
	for _, r := range before {
		was[resource.Identity{Unit: r.Unit, ID: r.ID}] = r
	}
	type change struct{ old, now *resource.Node }
	var passed []change // what the settings were and became
	var calls []change
	for _, r := range after {
		b := was[resource.Identity{Unit: r.Unit, ID: r.ID}]
		if b == nil {
			return fmt.Errorf("it would bring %s", r.ID)
		}
		if r.Written != nil {
			continue
		}
		var err error
		differences(b.Root, r.Root, nil, func(p resource.Path, old, now *resource.Node) {
			switch {
			case wanted[setting{r.Kind, lastName(p)}]:
				passed = append(passed, change{old, now})
			case r.Kind == "module" || r.Kind == "AWS::CloudFormation::Stack":
				calls = append(calls, change{old, now})
			case err == nil:
				err = fmt.Errorf("it would change %s of %s", p, r.ID)
			}
		})
		if err != nil {
			return err
		}
	}
	for _, c := range calls {
		if !slices.ContainsFunc(passed, func(p change) bool { return same(p.old, c.old) && same(p.now, c.now) }) {
			return errors.New("it would change what a module is called with beside")
		}
	}
	return nil
}

// same reports whether a value is the same before and after the conversion that
// comes with its being handed on: "false" is false.
func same(a, b *resource.Node) bool {
	scalar := func(n *resource.Node) bool {
		return n != nil && !n.Unknown && n.Kind != resource.Map && n.Kind != resource.List
	}
	return resource.Equal(a, b) || scalar(a) && scalar(b) && fmt.Sprint(a.Value) == fmt.Sprint(b.Value)
}

// names gives the names on the paths of what p changes, and within what it
// writes.
func names(p *patch) []string {
	var out []string
	var in func(v value)
	in = func(v value) {
		for _, e := range v.fields {
			out = append(out, e.name)
			in(e.val)
		}
		for _, it := range v.items {
			in(it)
		}
	}
	if p.set != nil {
		in(*p.set)
	}
	for _, v := range p.add {
		in(v)
	}
	for _, k := range p.kids {
		if k.p.trivial() {
			continue
		}
		if k.step.Name != "" {
			out = append(out, k.step.Name)
		}
		out = append(out, names(k.p)...)
	}
	return out
}

func lastName(p resource.Path) string {
	for _, s := range slices.Backward(p) {
		if s.Name != "" {
			return s.Name
		}
	}
	return ""
}

// differences hands over the smallest parts of two trees that differ; nil stands
// for what one of them lacks.
func differences(a, b *resource.Node, at resource.Path, yield func(p resource.Path, a, b *resource.Node)) {
	switch {
	case resource.Equal(a, b):
	case a == nil || b == nil || a.Unknown || b.Unknown || a.Kind != b.Kind || a.Kind != resource.Map && a.Kind != resource.List || len(a.Items) != len(b.Items):
		yield(slices.Clone(at), a, b)
	case a.Kind == resource.List:
		for i := range a.Items {
			differences(a.Items[i], b.Items[i], append(at, resource.Step{Index: i}), yield)
		}
	default:
		for _, f := range a.Fields {
			differences(f.Node, b.Get(f.Name), append(at, resource.Step{Name: f.Name}), yield)
		}
		for _, f := range b.Fields {
			if a.Get(f.Name) == nil {
				yield(append(slices.Clone(at), resource.Step{Name: f.Name}), nil, f.Node)
			}
		}
	}
}
