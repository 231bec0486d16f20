package fix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// besideTFJSON is besideHCL for a file in Terraform's JSON syntax: the block, which
// is HCL, is said in JSON.
func besideTFJSON(f *source.File, res *resource.Resource, block string) ([]source.Edit, error) {
	written, ds := hclsyntax.ParseConfig([]byte(block), "block.tf", hcl.InitialPos)
	if ds.HasErrors() {
		return nil, errors.New("the block is not whole")
	}
	says, ok := written.Body.(*hclsyntax.Body)
	if !ok || len(says.Attributes) > 0 {
		return nil, errors.New("the block is not whole")
	}
	j := &jsonText{f: f}
	root, err := j.value(0)
	if err != nil {
		return nil, err
	}
	target, err := tfJSONBlock(f, res)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: true}
	w.learn(root)
	add := value{kind: resource.Map}
	for _, b := range says.Blocks {
		v, err := valueOfBody(block, b.Body)
		if err != nil {
			return nil, err
		}
		if b.Type == "resource" && slices.Equal(b.Labels, []string{res.Kind, res.Name}) {
			if err := w.intoTFJSON(target, block, b.Body); err != nil {
				return nil, err
			}
			continue
		}
		if err := sameProviderJSON(target, res.Kind, b.Labels, &v); err != nil {
			return nil, err
		}
		add.put(v, append([]string{b.Type}, b.Labels...)...)
	}
	return w.edits, w.grow(root, add)
}

// put puts v at the place that names lead to, and makes the maps on the way.
func (v *value) put(in value, names ...string) {
	for i := range v.fields {
		if v.fields[i].name == names[0] {
			v.fields[i].val.put(in, names[1:]...)
			return
		}
	}
	for _, name := range slices.Backward(names[1:]) {
		in = value{kind: resource.Map, fields: []entry{{name, in}}}
	}
	v.fields = append(v.fields, entry{names[0], in})
}

// grow adds what v has to a map: what there is of a name grows in turn.
func (w *yamlWriter) grow(n *resource.Node, v value) error {
	if n.Kind != resource.Map || len(n.Fields) == 0 {
		return errors.New("the file is not written in objects that lie in each other")
	}
	var fresh []entry
	for _, e := range v.fields {
		child := n.Get(e.name)
		if child == nil {
			fresh = append(fresh, e)
			continue
		}
		if e.val.kind != resource.Map {
			return fmt.Errorf("%s is there already", e.name)
		}
		if err := w.grow(child, e.val); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return w.insertFlow(n, n.Fields, fresh)
}

// sameProviderJSON is sameProvider for one resource in JSON.
func sameProviderJSON(target *resource.Node, kind string, labels []string, v *value) error {
	if len(labels) == 0 || family(labels[0]) != family(kind) {
		return nil
	}
	for _, name := range slices.Backward(placed(kind)) {
		there, as := target.Get(name), placedAs(labels[0], name)
		switch {
		case there == nil || as == "" || slices.ContainsFunc(v.fields, func(e entry) bool { return e.name == as }):
			continue
		case name == "region" && family(kind) == "aws":
			return errRegion
		}
		text, ok := there.Value.(string)
		if !ok || strings.Contains(text, "each.") || strings.Contains(text, "count.") {
			return fmt.Errorf("the %s of the resource may be another for each of it", name)
		}
		v.fields = slices.Insert(v.fields, 0, entry{as, value{kind: resource.String, scalar: text}})
	}
	return nil
}

// intoTFJSON puts what a block of HCL says of a resource, or of a nested block of it,
// into its object.
func (w *yamlWriter) intoTFJSON(n *resource.Node, block string, body *hclsyntax.Body) error {
	v, err := valueOfBody(block, body)
	if err != nil {
		return err
	}
	var fresh []entry
	for _, e := range v.fields {
		child := n.Get(e.name)
		nested := slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == e.name })
		switch {
		case child == nil:
			fresh = append(fresh, e)
		case says(child, e.val):
		case e.name == "depends_on" && child.Kind == resource.List && len(child.Items) > 0:
			var more []value
			for _, it := range e.val.items {
				if !holds(child, it) {
					more = append(more, it)
				}
			}
			if len(more) > 0 {
				if err := w.appendItems(child, more); err != nil {
					return err
				}
			}
		case nested:
			inner := blocksOf(body, e.name)
			if child.Kind == resource.List && len(child.Items) == 1 {
				child = child.Items[0]
			}
			line := source.NewFile("block.tf", []byte(block)).Line(inner[0].OpenBraceRange.Start.Line + 1)
			if child.Kind != resource.Map || len(inner) != 1 || !strings.Contains(line, besideWhatIsThere) {
				return fmt.Errorf("the resource has %s already", e.name)
			}
			if err := w.intoTFJSON(child, block, inner[0].Body); err != nil {
				return err
			}
		case child.Kind == resource.List || child.Kind == resource.Map || e.val.composite():
			return fmt.Errorf("the resource has %s already", e.name)
		case child.Unknown && !namesResource(child.Value):
			return fmt.Errorf("%s is decided elsewhere", e.name)
		default:
			w.edit(child.Range.Start.Byte, child.Range.End.Byte, e.val.jsonText())
		}
	}
	switch {
	case len(fresh) == 0:
		return nil
	case len(n.Fields) == 0:
		return w.fillEmpty(n, fresh)
	}
	return w.insertFlow(n, n.Fields, fresh)
}

// fillEmpty writes the entries of an object of JSON that has none, on lines of their
// own where the file has more than one.
func (w *yamlWriter) fillEmpty(n *resource.Node, fields []entry) error {
	s := shape{comma: ", ", colon: ": ", quoted: true, lines: w.f.Lines() > 1}
	w.edit(n.Range.Start.Byte, n.Range.End.Byte, w.flowValue(n.Range.Start.Line, value{kind: resource.Map, fields: fields}, s))
	return nil
}

// namesResource reports whether a text is an attribute of a resource and nothing
// else: ${google_compute_url_map.main.id}.
func namesResource(v any) bool {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(s, "${") || !strings.HasSuffix(s, "}") {
		return false
	}
	e, ds := hclsyntax.ParseExpression([]byte(s[len("${"):len(s)-1]), "", hcl.InitialPos)
	return !ds.HasErrors() && refersToResource(e)
}

// valueOfBody says a body of HCL as Terraform's JSON has it, with lists of nested
// blocks. Attributes stand in the order of the text.
func valueOfBody(block string, body *hclsyntax.Body) (value, error) {
	out := value{kind: resource.Map}
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	for _, a := range attrs {
		v := valueOfExpr(block, a.Expr, a.Name == "depends_on" || a.Name == "provider")
		out.fields = append(out.fields, entry{a.Name, v})
	}
	for _, b := range body.Blocks {
		if len(b.Labels) > 0 {
			return value{}, fmt.Errorf("a %s block is not said in JSON", b.Type)
		}
		v, err := valueOfBody(block, b.Body)
		if err != nil {
			return value{}, err
		}
		i := slices.IndexFunc(out.fields, func(e entry) bool { return e.name == b.Type })
		if i < 0 {
			out.fields = append(out.fields, entry{b.Type, value{kind: resource.List}})
			i = len(out.fields) - 1
		}
		out.fields[i].val.items = append(out.fields[i].val.items, v)
	}
	return out, nil
}

// valueOfExpr says an expression of HCL in JSON: what is no literal is a text with
// the expression in it. With bare set, a reference is the text itself.
func valueOfExpr(block string, e hclsyntax.Expression, bare bool) value {
	text := func(e hclsyntax.Expression) string { return string(e.Range().SliceBytes([]byte(block))) }
	switch t := e.(type) {
	case *hclsyntax.TupleConsExpr:
		v := value{kind: resource.List}
		for _, it := range t.Exprs {
			v.items = append(v.items, valueOfExpr(block, it, bare))
		}
		return v
	case *hclsyntax.ObjectConsExpr:
		v := value{kind: resource.Map}
		for _, it := range t.Items {
			key, ds := it.KeyExpr.Value(nil)
			if ds.HasErrors() || key.Type().FriendlyName() != "string" {
				return value{kind: resource.String, scalar: "${" + text(e) + "}"}
			}
			v.fields = append(v.fields, entry{key.AsString(), valueOfExpr(block, it.ValueExpr, false)})
		}
		return v
	case *hclsyntax.TemplateWrapExpr:
		return valueOfExpr(block, t.Wrapped, bare)
	case *hclsyntax.LiteralValueExpr:
		switch t.Val.Type().FriendlyName() {
		case "bool":
			return value{kind: resource.Bool, scalar: t.Val.True()}
		case "number":
			if n, exact := t.Val.AsBigFloat().Int64(); exact == 0 {
				return value{kind: resource.Int, scalar: n}
			}
			n, _ := t.Val.AsBigFloat().Float64()
			return value{kind: resource.Float, scalar: n}
		}
	case *hclsyntax.TemplateExpr:
		var b strings.Builder
		for _, p := range t.Parts {
			if l, ok := p.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type().FriendlyName() == "string" {
				b.WriteString(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(l.Val.AsString()))
				continue
			}
			b.WriteString("${" + text(p) + "}")
		}
		return value{kind: resource.String, scalar: b.String()}
	}
	if bare {
		return value{kind: resource.String, scalar: text(e)}
	}
	return value{kind: resource.String, scalar: "${" + text(e) + "}"}
}
