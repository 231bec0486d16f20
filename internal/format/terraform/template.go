package terraform

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// textOf converts a value for a template: unknown and wrong ones give a value
// to put in the place of the whole.
func (e *env) textOf(v *val, rng source.Range) (string, *val) {
	b := v.base()
	switch b.kind {
	case unknown:
		out := newUnknown(rng, b.why)
		out.failed = b.failed
		return "", out
	case wholeResource:
		return "", newUnknown(rng, b.res.name())
	case null:
		return "", failure(rng, "null within a text")
	}
	s, ok := b.asText()
	if !ok {
		return "", failure(rng, "a list or object within a text")
	}
	return s, nil
}

func (e *env) template(x *hclsyntax.TemplateExpr) *val {
	rng := e.rng(x.SrcRange)
	if len(x.Parts) == 0 {
		return newText(rng, "")
	}
	var b strings.Builder
	var bad *val
	var from []*val
	var known pieces
	parts := make([]part, 0, len(x.Parts))
	for _, p := range x.Parts {
		if lit, ok := p.(*hclsyntax.LiteralValueExpr); ok && lit.Val.IsKnown() && !lit.Val.IsNull() && lit.Val.Type() == cty.String {
			s := lit.Val.AsString()
			b.WriteString(s)
			known.lit(s)
			parts = append(parts, part{lit: s, rng: e.rng(lit.SrcRange), file: e.literalFile(lit.SrcRange), quoted: e.quotedAt(x.SrcRange)})
			continue
		}
		v := e.eval(p)
		from = append(from, v)
		parts = append(parts, part{v: v, rng: e.rng(p.Range())})
		s, wrong := e.textOf(v, rng)
		if wrong != nil {
			if bad == nil || wrong.failed {
				bad = wrong
			}
			known.gap(v.base().known)
			continue
		}
		b.WriteString(s)
		known.lit(s)
		if b.Len() > maxText {
			return failure(rng, "a text is too long")
		}
	}
	if !e.u.produce(b.Len()) {
		return newUnknown(rng, whyStopped)
	}
	out := bad
	if out == nil {
		out = newText(rng, b.String())
	}
	if bad != nil && !bad.failed {
		out.known = known.parts()
	}
	out.from = from
	if mayBeDocument(parts) {
		out.parts = parts
	}
	return out
}

// literalFile gives the file in which the text of a literal stands, nil where
// its place is not that exact.
func (e *env) literalFile(r hcl.Range) *file {
	if e.pin != nil {
		return nil
	}
	return e.u.files[r.Filename]
}

func (e *env) quotedAt(r hcl.Range) bool {
	f := e.u.files[r.Filename]
	return f != nil && r.Start.Byte < len(f.Data) && f.Data[r.Start.Byte] == '"'
}

// mayBeDocument reports whether the parts may be a document in JSON, or a
// Kubernetes object in YAML.
func mayBeDocument(parts []part) bool { return looksLikeJSON(parts) || looksLikeManifest(parts) }

func looksLikeJSON(parts []part) bool {
	for _, p := range parts {
		if p.v != nil {
			return false
		}
		s := strings.TrimLeft(p.lit, " \t\r\n")
		if s != "" {
			return s[0] == '{' || s[0] == '['
		}
	}
	return false
}

func (e *env) templateJoin(x *hclsyntax.TemplateJoinExpr) *val {
	v := e.eval(x.Tuple)
	rng := v.rng
	if v.opaque() {
		return computed(newUnknown(rng, orElse(v.reasonOf(), "a template")), v)
	}
	var b strings.Builder
	for _, it := range v.base().items {
		s, bad := e.textOf(it, rng)
		if bad != nil {
			return computed(bad, v)
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return failure(rng, "a text is too long")
		}
	}
	out := newText(rng, b.String())
	out.from = []*val{v}
	return out
}
