package terraform

import (
	"math/big"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// kind is the kind of a val.
type kind uint8

const (
	unknown kind = iota
	null
	boolean
	number
	text
	list // tuples, lists and sets
	object
	// reference stands for the value of target as it was named at rng.
	reference
	// wholeResource is a resource named as a whole; its attributes are looked
	// up one by one.
	wholeResource
)

// val is a value of the configuration that remembers where it came from. It is
// immutable once built. Values share parts: size and depth count what a copy
// without sharing would have, so that a small file cannot become a huge tree.
type val struct {
	kind   kind
	rng    source.Range
	b      bool
	num    *big.Float
	str    string
	items  []*val
	fields []field
	index  map[string]int // of fields, where there are many
	set    bool           // a list without order
	target *val           // of a reference
	hops   int            // how many references lie behind one another
	// from holds the values that decided this one besides target.
	from []*val
	// why says of an unknown value what it depends on; failed is set where
	// Terraform itself would refuse the expression.
	why    string
	failed bool
	// partial is set for a list or object that may hold more than is known.
	partial bool
	// vague are the fields of an object whose names are not known in full.
	vague []field
	// inner is the value that a text encodes: the argument of jsonencode.
	inner *val
	// parts are what a template was put together from, where the text may be a
	// document.
	parts []part
	doc   *val // of the parts, once it was asked for; the val itself for none
	yaml  *val // the same, for a document in YAML
	// written is set for what was decoded from a text: what matters of it is the
	// line that says it.
	written bool
	// known is what is known of an unknown text; see resource.Node.Parts.
	known []string
	// res is the resource that a wholeResource stands for, or whose attribute a
	// reference gives.
	res   *resourceRef
	size  int
	depth int
}

type field struct {
	name   string
	keyRng source.Range
	v      *val
}

// part is a piece of a template.
type part struct {
	lit    string // text as it is evaluated
	v      *val   // of an interpolation; nil for text
	rng    source.Range
	file   *file // for text: where rng lies
	quoted bool  // rng is within quotes and has escapes
}

const (
	maxDepth = 200     // of a value
	maxSize  = 200_000 // values within a value
	maxText  = 1 << 20 // bytes of a text
	maxHops  = 24
)

func newUnknown(rng source.Range, why string) *val {
	return &val{kind: unknown, rng: rng, why: why, size: 1}
}

// failure is an unknown value that Terraform would refuse.
func failure(rng source.Range, why string) *val {
	return &val{kind: unknown, rng: rng, why: why, failed: true, size: 1}
}

func newBool(rng source.Range, b bool) *val { return &val{kind: boolean, rng: rng, b: b, size: 1} }

func newText(rng source.Range, s string) *val { return &val{kind: text, rng: rng, str: s, size: 1} }

func newNumber(rng source.Range, f *big.Float) *val {
	if !sane(f) {
		return failure(rng, "a number is out of range")
	}
	return &val{kind: number, rng: rng, num: f, size: 1}
}

func newInt(rng source.Range, n int) *val {
	return newNumber(rng, new(big.Float).SetInt64(int64(n)))
}

func newNull(rng source.Range) *val { return &val{kind: null, rng: rng, size: 1} }

// sized fills in size and depth of a list or object, or refuses it.
func (v *val) sized() *val {
	v.size, v.depth = 1, 0
	add := func(c *val) {
		v.size += c.size
		v.depth = max(v.depth, c.depth+1)
	}
	for _, c := range v.items {
		add(c)
	}
	for _, f := range v.fields {
		add(f.v)
	}
	if v.size > maxSize || v.depth > maxDepth {
		return failure(v.rng, "a value is too large")
	}
	if len(v.fields) > 8 {
		v.index = make(map[string]int, len(v.fields))
		for i, f := range v.fields {
			v.index[f.name] = i
		}
	}
	return v
}

func newList(rng source.Range, items []*val) *val {
	return (&val{kind: list, rng: rng, items: items}).sized()
}

// newObject takes fields with unique names.
func newObject(rng source.Range, fields []field) *val {
	return (&val{kind: object, rng: rng, fields: fields}).sized()
}

// ref gives the value as it is named at rng; from are further values that
// decided that it is this one.
func ref(rng source.Range, target *val, from ...*val) *val {
	if target.hops >= maxHops {
		target = target.base()
	}
	return &val{
		kind: reference, rng: rng, target: target, from: from, hops: target.hops + 1,
		size: target.size, depth: target.depth,
	}
}

// base is the value behind all references.
func (v *val) base() *val {
	for v.kind == reference {
		v = v.target
	}
	return v
}

func (v *val) isUnknown() bool { return v.base().kind == unknown }

// opaque reports whether a list or object is not known in full length.
func (v *val) opaque() bool {
	b := v.base()
	return b.kind == unknown || b.kind == wholeResource || b.partial
}

// spread gives a resource whose instances are known as the list or object of
// them that it is to functions; anything else as it is.
func (v *val) spread() *val {
	if !v.countable() {
		return v
	}
	b := v.base()
	var items []*val
	var fields []field
	b.res.each(func(key, item *val) bool {
		if !b.res.sc.u.spend(1) {
			return false
		}
		if b.res.d.forEach == nil {
			items = append(items, item)
		} else if name, ok := key.asText(); ok {
			fields = append(fields, field{name: name, keyRng: key.rng, v: item})
		}
		return true
	})
	if b.res.d.forEach == nil {
		return newList(v.rng, items)
	}
	return newObject(v.rng, fields)
}

// countable reports whether v stands for a resource whose instances are known.
func (v *val) countable() bool {
	b := v.base()
	return b.kind == wholeResource && b.res.many() && b.res.sc.expand(b.res.d).known
}

func (v *val) field(name string) *val {
	b := v.base()
	if b.index != nil {
		if i, ok := b.index[name]; ok {
			return b.fields[i].v
		}
		return nil
	}
	for i := range b.fields {
		if b.fields[i].name == name {
			return b.fields[i].v
		}
	}
	return nil
}

// through gives a part of v with the references of v in front of it.
func (v *val) through(part *val) *val {
	if v.kind != reference {
		return part
	}
	out := ref(v.rng, v.target.through(part), v.from...)
	out.res = v.res
	return out
}

// reasonOf finds the first unknown within v, depth first; "" when all is known.
func (v *val) reasonOf() string {
	b := v.base()
	switch b.kind {
	case unknown:
		return b.why
	case wholeResource:
		return b.res.name()
	}
	if b.partial && b.why != "" {
		return b.why
	}
	for _, c := range b.items {
		if w := c.reasonOf(); w != "" {
			return w
		}
	}
	for _, f := range b.fields {
		if w := f.v.reasonOf(); w != "" {
			return w
		}
	}
	return ""
}

// failedWithin gives the first failed value within v.
func (v *val) failedWithin() *val {
	b := v.base()
	if b.kind == unknown && b.failed {
		return b
	}
	for _, c := range b.items {
		if f := c.failedWithin(); f != nil {
			return f
		}
	}
	for _, f := range b.fields {
		if f := f.v.failedWithin(); f != nil {
			return f
		}
	}
	return nil
}

// cty gives the value to functions of others.
func (v *val) cty() cty.Value {
	b := v.base()
	switch b.kind {
	case null:
		return cty.NullVal(cty.DynamicPseudoType)
	case boolean:
		return cty.BoolVal(b.b)
	case number:
		return cty.NumberVal(b.num)
	case text:
		return cty.StringVal(b.str)
	case list:
		if b.partial {
			return cty.DynamicVal
		}
		items := make([]cty.Value, len(b.items))
		for i, c := range b.items {
			items[i] = c.cty()
		}
		t := cty.TupleVal(items)
		switch {
		case b.set && len(items) > 0 && b.uniform():
			return cty.SetVal(items)
		case b.set && len(items) <= maxMixed:
			if s, err := convert.Convert(t, cty.Set(cty.DynamicPseudoType)); err == nil {
				return s
			}
		}
		return t
	case object:
		if b.partial {
			return cty.DynamicVal
		}
		fields := make(map[string]cty.Value, len(b.fields))
		for _, f := range b.fields {
			fields[f.name] = f.v.cty()
		}
		return cty.ObjectVal(fields)
	}
	return cty.DynamicVal
}

// maxMixed bounds lists whose elements differ in type: cty compares each with
// each to find a common one.
const maxMixed = 1_000

// uniform reports whether all elements of a list are known scalars of one kind.
func (v *val) uniform() bool {
	for _, it := range v.items {
		k := it.base().kind
		if k != text && k != number && k != boolean || k != v.items[0].base().kind {
			return false
		}
	}
	return true
}

// tedious reports whether cty would take quadratic time to find the type of a
// list within v. nested says that v is an element itself.
func (v *val) tedious(nested bool) bool {
	b := v.base()
	if len(b.items) > maxMixed && (nested || !b.uniform()) {
		return true
	}
	for _, it := range b.items {
		if it.tedious(true) {
			return true
		}
	}
	for _, f := range b.fields {
		if f.v.tedious(true) {
			return true
		}
	}
	return false
}

// fromCty takes the result of a function of others. All of it stands at rng
// and depends on from; why explains what is unknown in it.
func fromCty(c cty.Value, rng source.Range, why string, from []*val) *val {
	budget := maxSize
	v := convertCty(c, rng, why, from, &budget)
	v.from = from
	return v
}

func convertCty(c cty.Value, rng source.Range, why string, from []*val, budget *int) *val {
	if *budget--; *budget < 0 {
		return failure(rng, "a value is too large")
	}
	c, _ = c.Unmark()
	if !c.IsKnown() {
		if why == "" {
			why = "a value that is not known"
		}
		return newUnknown(rng, why)
	}
	ty := c.Type()
	switch {
	case c.IsNull():
		return newNull(rng)
	case ty == cty.Bool:
		return newBool(rng, c.True())
	case ty == cty.Number:
		return newNumber(rng, c.AsBigFloat())
	case ty == cty.String:
		v := newText(rng, c.AsString())
		v.from = from
		return v
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		var items []*val
		for it := c.ElementIterator(); it.Next(); {
			_, e := it.Element()
			items = append(items, convertCty(e, rng, why, from, budget))
		}
		v := newList(rng, items)
		v.set = ty.IsSetType()
		return v
	case ty.IsObjectType() || ty.IsMapType():
		var fields []field
		for it := c.ElementIterator(); it.Next(); {
			k, e := it.Element()
			fields = append(fields, field{name: k.AsString(), v: convertCty(e, rng, why, from, budget)})
		}
		return newObject(rng, fields)
	}
	return newUnknown(rng, "a value of a type that is not evaluated")
}

// nameInPart gives the text of a name, with an ellipsis for each piece of it
// that is not known.
func (v *val) nameInPart() string {
	if s, ok := v.asText(); ok {
		return s
	}
	if known := v.base().known; len(known) > 1 {
		return strings.Join(known, "…")
	}
	return "…"
}

// asText converts a known scalar to text as Terraform does.
func (v *val) asText() (string, bool) {
	b := v.base()
	switch b.kind {
	case text:
		return b.str, true
	case boolean:
		if b.b {
			return "true", true
		}
		return "false", true
	case number:
		s, err := convert.Convert(cty.NumberVal(b.num), cty.String)
		if err != nil {
			return "", false
		}
		return s.AsString(), true
	}
	return "", false
}

func (v *val) asBool() (value, ok bool) {
	b := v.base()
	switch {
	case b.kind == boolean:
		return b.b, true
	case b.kind == text && b.str == "true":
		return true, true
	case b.kind == text && b.str == "false":
		return false, true
	}
	return false, false
}

func (v *val) asInt() (int, bool) {
	b := v.base()
	f := b.num
	if b.kind == text && len(b.str) < maxNumber {
		n, err := cty.ParseNumberVal(b.str)
		if err != nil {
			return 0, false
		}
		f = n.AsBigFloat()
	} else if b.kind != number {
		return 0, false
	}
	if !sane(f) || !f.IsInt() {
		return 0, false
	}
	n, acc := f.Int64()
	return int(n), acc == big.Exact
}

// truth is the answer to a comparison.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	undecided
)

// equal compares values as == does, but without the difference between lists
// and tuples, maps and objects.
func equal(a, b *val, budget *int) truth {
	a, b = a.base(), b.base()
	if *budget--; *budget < 0 || a.kind == unknown || b.kind == unknown || a.kind == wholeResource || b.kind == wholeResource {
		return undecided
	}
	if a.kind != b.kind {
		return isFalse
	}
	if a.partial || b.partial {
		return undecided
	}
	decide := func(ok bool) truth {
		if ok {
			return isTrue
		}
		return isFalse
	}
	switch a.kind {
	case boolean:
		return decide(a.b == b.b)
	case number:
		return decide(a.num.Cmp(b.num) == 0)
	case text:
		return decide(a.str == b.str)
	case list:
		if len(a.items) != len(b.items) {
			return isFalse
		}
		out := isTrue
		for i := range a.items {
			switch equal(a.items[i], b.items[i], budget) {
			case isFalse:
				return isFalse
			case undecided:
				out = undecided
			}
		}
		return out
	case object:
		if len(a.fields) != len(b.fields) {
			return isFalse
		}
		out := isTrue
		for _, f := range a.fields {
			o := b.field(f.name)
			if o == nil {
				return isFalse
			}
			switch equal(f.v, o, budget) {
			case isFalse:
				return isFalse
			case undecided:
				out = undecided
			}
		}
		return out
	}
	return isTrue // null
}

// sortedFields gives the fields by name, the order in which Terraform goes
// through maps and objects.
func (v *val) sortedFields() []field {
	out := append([]field(nil), v.base().fields...)
	sort.SliceStable(out, func(i, j int) bool { return strings.Compare(out[i].name, out[j].name) < 0 })
	return out
}
