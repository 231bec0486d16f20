package terraform

import (
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// The JSON syntax is turned into the tree of the native one, so that one
// evaluator serves both. Ranges are those of the JSON text.

// parseJSONFile reads a .tf.json or .tfvars.json file; nil after a diagnostic.
func (u *unit) parseJSONFile(f *file, vars bool) *hclsyntax.Body {
	root, err := parseJSON(string(f.Data), false)
	if err != nil {
		u.fail(f.Path, f.pos(err.offset).Line, f.Path, "%s", err.msg)
		return nil
	}
	if root.kind != jsonObject {
		u.fail(f.Path, 1, f.Path, "the file holds no JSON object")
		return nil
	}
	j := &jsonConfig{u: u, f: f, literal: vars}
	body := j.newBody(root)
	for _, fd := range root.fields {
		switch {
		case fd.name == "//":
		case vars:
			j.attr(body, fd)
		default:
			j.top(body, fd)
		}
	}
	return body
}

type jsonConfig struct {
	u       *unit
	f       *file
	literal bool   // texts are no templates
	kind    string // of the resource that is read
}

func (j *jsonConfig) rng(start, end int) hcl.Range {
	at := func(o int) hcl.Pos { return hcl.Pos{Line: j.f.lineOf(o), Column: 1, Byte: o} }
	return hcl.Range{Filename: j.f.Path, Start: at(start), End: at(end)}
}

func (j *jsonConfig) newBody(n *jsonNode) *hclsyntax.Body {
	return &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: j.rng(n.start, n.end), EndRange: j.rng(n.end, n.end)}
}

// labels says how many labels a type of top-level block takes.
func labels(typ string) (n int, ok bool) {
	switch typ {
	case "resource", "data":
		return 2, true
	case "module", "provider", "variable", "output":
		return 1, true
	case "terraform", "locals":
		return 0, true
	}
	return 0, false
}

func (j *jsonConfig) top(body *hclsyntax.Body, fd jsonField) {
	n, ok := labels(fd.name)
	if !ok {
		return
	}
	j.labelled(body, fd, fd.node, n, nil, nil)
}

// labelled goes down one level of objects for each label.
func (j *jsonConfig) labelled(body *hclsyntax.Body, typ jsonField, n *jsonNode, more int, names []string, ranges []hcl.Range) {
	if n.kind == jsonArray {
		for _, it := range n.items {
			if it.kind == jsonObject && more == 0 {
				j.block(body, typ, it, names, []hcl.Range{j.rng(it.start, it.start+1)})
				continue
			}
			j.labelled(body, typ, it, more, names, ranges)
		}
		return
	}
	if n.kind != jsonObject {
		j.u.fail(j.f.Path, j.f.lineOf(n.start), plain(strings.Join(append([]string{typ.name}, names...), "."), 200), "an object is expected here")
		return
	}
	if more == 0 {
		j.block(body, typ, n, names, ranges)
		return
	}
	for _, fd := range n.fields {
		if fd.name != "//" {
			j.labelled(body, typ, fd.node, more-1, append(append([]string(nil), names...), fd.name), append(append([]hcl.Range(nil), ranges...), j.rng(fd.start, fd.end)))
		}
	}
}

// block adds a block. The last of ranges is its header: the name that is
// nearest to it, or the brace of one of several in a list.
func (j *jsonConfig) block(body *hclsyntax.Body, typ jsonField, n *jsonNode, names []string, ranges []hcl.Range) {
	b := &hclsyntax.Block{
		Type: typ.name, Labels: names, TypeRange: j.rng(typ.start, typ.end), Body: j.newBody(n),
		OpenBraceRange: j.rng(n.start, n.start+1), CloseBraceRange: j.rng(n.end-1, n.end),
	}
	if len(ranges) > 0 {
		b.TypeRange = ranges[len(ranges)-1]
		b.LabelRanges = ranges[len(ranges)-1:]
	}
	arguments := false
	switch typ.name {
	case "resource", "data":
		if len(names) > 0 {
			j.kind = names[0]
		}
	case "locals", "variable", "output", "module":
		arguments = true
	}
	for _, fd := range n.fields {
		j.member(b, fd, arguments)
	}
	body.Blocks = append(body.Blocks, b)
}

// takesMap reports whether an argument of common resources holds an object of
// free names. In JSON nothing else tells those from nested blocks.
func takesMap(name string) bool {
	switch name {
	case "annotations", "arguments", "binary_data", "data", "default_arguments", "effective_labels", "environment_variables",
		"for_each", "headers", "keepers", "labels", "manifest", "match_labels", "node_selector", "options", "parameters",
		"providers", "query", "required_providers", "string_data", "tags", "tags_all", "triggers", "values", "variables":
		return true
	}
	return false
}

// member takes one member of a block's object. An object, or a list of
// objects, is a nested block unless its name is known to be an argument.
func (j *jsonConfig) member(b *hclsyntax.Block, fd jsonField, arguments bool) {
	if fd.name == "//" {
		return
	}
	if arguments || !j.blockLike(fd) {
		j.attr(b.Body, fd)
		return
	}
	nodes := []*jsonNode{fd.node}
	if fd.node.kind == jsonArray {
		nodes = fd.node.items
	}
	for _, n := range nodes {
		if fd.name == "dynamic" {
			for _, d := range n.fields {
				j.labelled(b.Body, fd, &jsonNode{kind: jsonObject, start: n.start, end: n.end, fields: []jsonField{d}}, 1, nil, nil)
			}
			continue
		}
		var header []hcl.Range
		if fd.node.kind == jsonArray {
			header = []hcl.Range{j.rng(n.start, n.start+1)}
		}
		j.block(b.Body, fd, n, nil, header)
	}
}

func (j *jsonConfig) blockLike(fd jsonField) bool {
	switch {
	case fd.name == "dynamic" || fd.name == "provisioner":
		return fd.node.kind == jsonObject || fd.node.kind == jsonArray
	case takesMap(fd.name), fd.name == "metadata" && strings.HasPrefix(j.kind, "google_"):
		return false
	}
	if fd.node.kind == jsonArray {
		if len(fd.node.items) == 0 {
			return false
		}
		for _, it := range fd.node.items {
			if it.kind != jsonObject || freeNames(it) {
				return false
			}
		}
		return true
	}
	return fd.node.kind == jsonObject && !freeNames(fd.node)
}

// freeNames reports whether an object has a name that no provider gives to an
// argument: those are of small letters, digits and underscores.
func freeNames(n *jsonNode) bool {
	return slices.ContainsFunc(n.fields, func(fd jsonField) bool {
		return fd.name != "//" && strings.Trim(fd.name, "abcdefghijklmnopqrstuvwxyz0123456789_") != ""
	})
}

func (j *jsonConfig) attr(body *hclsyntax.Body, fd jsonField) {
	body.Attributes[fd.name] = &hclsyntax.Attribute{
		Name: fd.name, Expr: j.expr(fd.node), SrcRange: j.rng(fd.start, fd.node.end), NameRange: j.rng(fd.start, fd.end),
	}
}

func (j *jsonConfig) expr(n *jsonNode) hclsyntax.Expression {
	rng := j.rng(n.start, n.end)
	lit := func(v cty.Value) hclsyntax.Expression {
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: rng}
	}
	switch n.kind {
	case jsonBool:
		return lit(cty.BoolVal(n.b))
	case jsonNumber:
		return lit(cty.NumberVal(new(big.Float).Copy(n.num)))
	case jsonString:
		return j.text(n.str, rng)
	case jsonArray:
		t := &hclsyntax.TupleConsExpr{SrcRange: rng}
		for _, it := range n.items {
			t.Exprs = append(t.Exprs, j.expr(it))
		}
		return t
	case jsonObject:
		o := &hclsyntax.ObjectConsExpr{SrcRange: rng}
		for _, fd := range n.fields {
			o.Items = append(o.Items, hclsyntax.ObjectConsItem{KeyExpr: j.text(fd.name, j.rng(fd.start, fd.end)), ValueExpr: j.expr(fd.node)})
		}
		return o
	}
	return lit(cty.NullVal(cty.DynamicPseudoType))
}

// text gives a string, which is a template except in tfvars files. Escapes
// shift what is within, so everything in it stands at the whole string.
func (j *jsonConfig) text(s string, rng hcl.Range) hclsyntax.Expression {
	if !j.literal && (strings.Contains(s, "${") || strings.Contains(s, "%{")) {
		x, err := parseTemplate([]byte(s), j.f.Path, hcl.InitialPos)
		if err != nil {
			j.u.fail(j.f.Path, rng.Start.Line, "", "%v", err)
			return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: rng}
		}
		return &pinned{x, rng}
	}
	return &pinned{&hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{&hclsyntax.LiteralValueExpr{Val: cty.StringVal(s), SrcRange: rng}}, SrcRange: rng}, rng}
}
