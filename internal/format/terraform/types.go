package terraform

import (
	"sort"
	"strconv"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// typed converts the value of a variable to the type that it declares, as far
// as the conversion changes what rules can see.
func (s *scope) typed(d *decl, v *val) *val {
	a := d.body.Attributes["type"]
	if a == nil {
		return v
	}
	ty, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
	if diags.HasErrors() {
		// In JSON a type is a text.
		t := s.env().eval(a.Expr).base()
		switch {
		case t.kind == text && t.str == "string":
			ty = cty.String
		case t.kind == text && t.str == "number":
			ty = cty.Number
		case t.kind == text && t.str == "bool":
			ty = cty.Bool
		default:
			return v
		}
	}
	out := s.convert(v, ty, defaults)
	if out.kind == unknown && out.failed && out != v {
		out.why = "var." + plain(d.block.Labels[0], 100) + " is not of its type"
	}
	return out
}

func (s *scope) convert(v *val, ty cty.Type, def *typeexpr.Defaults) *val {
	b := v.base()
	if b.kind == unknown || b.kind == null || b.kind == wholeResource || ty == cty.DynamicPseudoType || !s.u.spend(1) {
		return v
	}
	child := func(name string) *typeexpr.Defaults {
		if def == nil {
			return nil
		}
		return def.Children[name]
	}
	bad := failure(v.rng, "a value is of the wrong type")
	switch {
	case ty == cty.String:
		if b.kind == text {
			return v
		}
		if t, ok := v.asText(); ok {
			return v.through(computed(newText(b.rng, t), b.from...))
		}
		return bad
	case ty == cty.Bool:
		if b.kind == boolean {
			return v
		}
		if t, ok := v.asBool(); ok {
			return v.through(computed(newBool(b.rng, t), b.from...))
		}
		return bad
	case ty == cty.Number:
		if b.kind == number {
			return v
		}
		if b.kind != text || len(b.str) > maxNumber {
			return bad
		}
		n, err := cty.ParseNumberVal(b.str)
		if err != nil {
			return bad
		}
		return v.through(computed(newNumber(b.rng, n.AsBigFloat()), b.from...))
	case ty.IsListType() || ty.IsSetType():
		if b.kind != list {
			return bad
		}
		items := make([]*val, len(b.items))
		for i, it := range b.items {
			items[i] = s.convert(it, ty.ElementType(), child(""))
		}
		if ty.ElementType() == cty.DynamicPseudoType {
			items = s.ofOneType(items)
		}
		return v.through(s.relist(b, items, ty.IsSetType()))
	case ty.IsTupleType():
		types := ty.TupleElementTypes()
		if b.kind != list || len(types) != len(b.items) && !b.partial {
			return bad
		}
		items := make([]*val, len(b.items))
		for i, it := range b.items {
			items[i] = it
			if i < len(types) {
				items[i] = s.convert(it, types[i], child(strconv.Itoa(i)))
			}
		}
		return v.through(s.relist(b, items, false))
	case ty.IsMapType():
		if b.kind != object {
			return bad
		}
		fields := make([]field, len(b.fields))
		for i, f := range b.fields {
			f.v = s.convert(f.v, ty.ElementType(), child(""))
			fields[i] = f
		}
		out := likeObject(b, fields)
		if ty.ElementType() == cty.DynamicPseudoType && out.kind == object {
			out = s.mapOfOneType(out)
		}
		return v.through(out)
	case ty.IsObjectType():
		if b.kind != object {
			return bad
		}
		return v.through(s.convertObject(v, ty, def))
	}
	return v
}

// ofOneType makes the items of a list, set or map alike, as those of one have to
// be: booleans and numbers become text beside text or each other.
func (s *scope) ofOneType(items []*val) []*val {
	var seen [wholeResource + 1]bool
	kinds := 0
	for _, it := range items {
		switch b := it.base(); b.kind {
		case boolean, number, text:
			if !seen[b.kind] {
				seen[b.kind] = true
				kinds++
			}
		case list, object:
			return items
		}
	}
	if kinds < 2 {
		return items
	}
	out := make([]*val, len(items))
	for i, it := range items {
		out[i] = s.convert(it, cty.String, nil)
	}
	return out
}

// mapOfOneType is ofOneType for a map; v itself where it is alike already.
func (s *scope) mapOfOneType(v *val) *val {
	b := v.base()
	items := make([]*val, len(b.fields))
	for i, f := range b.fields {
		items[i] = f.v
	}
	same := true
	fields := make([]field, len(items))
	for i, it := range s.ofOneType(items) {
		fields[i] = b.fields[i]
		fields[i].v = it
		same = same && it == items[i]
	}
	if same {
		return v
	}
	return v.through(likeObject(b, fields))
}

func (s *scope) convertObject(v *val, ty cty.Type, def *typeexpr.Defaults) *val {
	b := v.base()
	var fields []field
	for _, f := range b.fields {
		if !ty.HasAttribute(f.name) {
			continue
		}
		var c *typeexpr.Defaults
		if def != nil {
			c = def.Children[f.name]
		}
		if f.v.base().kind == null && def != nil {
			if dv, ok := def.DefaultValues[f.name]; ok {
				f.v = fromCty(dv, b.rng, "", nil)
			}
		}
		f.v = s.convert(f.v, ty.AttributeType(f.name), c)
		fields = append(fields, f)
	}
	var names []string
	for name := range ty.AttributeTypes() {
		if b.field(name) == nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		f := field{name: name}
		switch {
		case b.partial:
			f.v = newUnknown(b.rng, orElse(b.why, name))
		case !ty.AttributeOptional(name):
			return failure(b.rng, "a value is of the wrong type")
		case def != nil && def.DefaultValues[name] != cty.NilVal:
			f.v = s.convert(fromCty(def.DefaultValues[name], b.rng, "", nil), ty.AttributeType(name), def.Children[name])
		default:
			f.v = newNull(b.rng)
		}
		fields = append(fields, f)
	}
	return likeObject(b, fields)
}

// likeObject gives an object with other fields in the place of b.
func likeObject(b *val, fields []field) *val {
	v := newObject(b.rng, fields)
	if v.kind == object {
		v.partial, v.why, v.from = b.partial, b.why, b.from
	}
	return v
}

// relist gives a list with other items in the place of b; a set is sorted and
// has every item once.
func (s *scope) relist(b *val, items []*val, set bool) *val {
	if set {
		items = s.unique(items)
		known := true
		for _, it := range items {
			_, ok := it.asText()
			known = known && ok
		}
		if known {
			sort.SliceStable(items, func(i, j int) bool {
				x, y := items[i].base(), items[j].base()
				if x.kind == number && y.kind == number {
					return x.num.Cmp(y.num) < 0
				}
				tx, _ := x.asText()
				ty, _ := y.asText()
				return tx < ty
			})
		}
	}
	v := newList(b.rng, items)
	if v.kind == list {
		v.set, v.partial, v.why, v.from = set, b.partial, b.why, b.from
	}
	return v
}

// unique drops repeated items. Those that are not known stay.
func (s *scope) unique(items []*val) []*val {
	seen := map[string]bool{}
	out := make([]*val, 0, len(items))
	for _, it := range items {
		k, ok := s.u.jsonText(it)
		if ok && seen[k] {
			continue
		}
		seen[k] = ok
		out = append(out, it)
	}
	return out
}

var _ hclsyntax.Expression = (*pinned)(nil)
