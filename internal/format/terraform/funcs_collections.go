package terraform

import (
	"math/big"
	"sort"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func collectionFuncs() map[string]builtin {
	return map[string]builtin{
		"alltrue":      exactly(1, func(c *call) *val { return allOf(c, true) }),
		"anytrue":      exactly(1, func(c *call) *val { return allOf(c, false) }),
		"coalesce":     between(1, -1, func(c *call) *val { return coalesce(c, false) }),
		"coalescelist": between(1, -1, func(c *call) *val { return coalesce(c, true) }),
		"compact":      exactly(1, compact),
		"concat":       between(1, -1, concat),
		"contains":     exactly(2, contains),
		"distinct":     exactly(1, distinct),
		"element":      exactly(2, element),
		"flatten":      exactly(1, flatten),
		"index":        exactly(2, indexOf),
		"keys":         exactly(1, keys),
		"length":       exactly(1, length),
		"list":         between(0, -1, func(c *call) *val { return c.done(newList(c.rng, c.args)) }),
		"lookup":       between(2, 3, lookup),
		"matchkeys":    exactly(3, matchkeys),
		"merge":        between(0, -1, merge),
		"one":          exactly(1, one),
		"reverse":      exactly(1, reverse),
		"setunion":     between(1, -1, setunion),
		"slice":        exactly(3, slice),
		"sum":          exactly(1, sum),
		"tolist":       exactly(1, func(c *call) *val { return toCollection(c, false) }),
		"tomap":        exactly(1, tomap),
		"toset":        exactly(1, func(c *call) *val { return toCollection(c, true) }),
		"transpose":    exactly(1, transpose),
		"values":       exactly(1, values),
		"zipmap":       exactly(2, zipmap),
	}
}

// like gives a list made of items, partial where one of the sources is.
func (c *call) like(items []*val, sources ...*val) *val {
	v := newList(c.rng, items)
	if v.kind == list {
		for _, s := range sources {
			if b := s.base(); b.partial {
				v.partial, v.why = true, b.why
			}
		}
	}
	v.from = sources
	return v
}

func allOf(c *call, want bool) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	var open *val
	for _, it := range items {
		b, ok := it.asBool()
		switch {
		case ok && b != want:
			return c.done(newBool(c.rng, !want))
		case !ok && it.base().kind == null && want:
			return c.done(newBool(c.rng, false))
		case !ok:
			open = it
		}
	}
	if open != nil {
		return c.e.notKnown(c.rng, open, "alltrue(): an element is neither true nor false")
	}
	if c.args[0].opaque() {
		return c.unknown(c.args[0])
	}
	return c.done(newBool(c.rng, want))
}

// coalesce gives the first argument that is neither null nor empty.
func coalesce(c *call, lists bool) *val {
	for _, a := range c.args {
		b := a.base()
		switch {
		case b.kind == unknown || b.kind == wholeResource || b.partial && len(b.items) == 0:
			return c.unknown(a)
		case b.kind == null, !lists && b.kind == text && b.str == "", lists && b.kind == list && len(b.items) == 0:
			continue
		}
		return ref(c.rng, a)
	}
	return c.fail("all arguments are null or empty")
}

func compact(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	out := make([]*val, 0, len(items))
	for _, it := range items {
		if b := it.base(); b.kind == null || b.kind == text && b.str == "" {
			continue
		}
		out = append(out, it)
	}
	return c.like(out, c.args[0])
}

func concat(c *call) *val {
	var out []*val
	partial := c.partial
	for i, a := range c.args {
		b := a.base()
		switch {
		case b.kind == unknown || b.kind == wholeResource:
			partial = a
			continue
		case b.kind != list:
			return c.fail("an argument is no list")
		}
		items, bad := c.list(i)
		if bad != nil {
			return bad
		}
		if len(out)+len(items) > maxSize {
			return c.fail("the list is too long")
		}
		out = append(out, items...)
	}
	v := c.like(out, c.args...)
	if partial != nil && v.kind == list {
		if len(out) == 0 {
			return c.unknown(partial)
		}
		v.partial, v.why = true, partial.reasonOf()
	}
	return v
}

func contains(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	open := c.args[0].opaque()
	budget := maxSize
	for _, it := range items {
		switch equal(it, c.args[1], &budget) {
		case isTrue:
			return c.done(newBool(c.rng, true))
		case undecided:
			open = true
		}
	}
	c.e.u.spend(maxSize - budget)
	if open {
		if c.args[1].reasonOf() != "" {
			return c.unknown(c.args[1])
		}
		return c.unknown(c.args[0])
	}
	return c.done(newBool(c.rng, false))
}

func distinct(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	return c.like(c.e.unique(c.e.ofOneType(items)), c.args[0])
}

func element(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	n, bad := c.int(1)
	if bad != nil {
		return bad
	}
	if c.args[0].opaque() {
		return c.unknown(c.args[0])
	}
	if len(items) == 0 {
		return c.fail("the list is empty")
	}
	n %= len(items)
	if n < 0 {
		n += len(items)
	}
	return ref(c.rng, items[n], c.args[1])
}

func flatten(c *call) *val {
	var out []*val
	var open *val
	var walk func(v *val) bool
	walk = func(v *val) bool {
		b := v.base()
		if b.kind == unknown || b.kind == wholeResource {
			// Whether it is a list is not known.
			open = v
			return true
		}
		if b.kind != list {
			out = append(out, v)
			return len(out) <= maxSize
		}
		if b.partial {
			open = v
		}
		for _, it := range b.items {
			if !c.e.u.spend(1) || !walk(v.through(it)) {
				return false
			}
		}
		return true
	}
	if c.args[0].isUnknown() {
		return c.unknown(c.args[0])
	}
	if !walk(c.args[0]) {
		return c.fail("the list is too long")
	}
	v := c.like(out, c.args[0])
	if open != nil && v.kind == list {
		v.partial, v.why = true, open.reasonOf()
	}
	return v
}

func indexOf(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	budget := maxSize
	for i, it := range items {
		switch equal(it, c.args[1], &budget) {
		case isTrue:
			return c.done(newInt(c.rng, i))
		case undecided:
			return c.unknown(c.args[0])
		}
	}
	return c.fail("the element is not in the list")
}

// object gives an argument that is a map or an object.
func (c *call) object(i int) (*val, *val) {
	b := c.args[i].base()
	switch b.kind {
	case object:
		c.e.u.spend(len(b.fields))
		return b, nil
	case unknown, wholeResource:
		return nil, c.unknown(c.args[i])
	}
	return nil, c.fail("an argument is no map")
}

func keys(c *call) *val {
	_, bad := c.object(0)
	if bad != nil {
		return bad
	}
	var out []*val
	for _, f := range c.args[0].sortedFields() {
		out = append(out, c.args[0].through(newText(orRange(f.keyRng, c.rng), f.name)))
	}
	return c.like(out, c.args[0])
}

func values(c *call) *val {
	_, bad := c.object(0)
	if bad != nil {
		return bad
	}
	var out []*val
	for _, f := range c.args[0].sortedFields() {
		out = append(out, c.args[0].through(f.v))
	}
	return c.like(out, c.args[0])
}

func length(c *call) *val {
	v := c.args[0]
	b := v.base()
	switch {
	case b.kind == wholeResource && b.res.many():
		if x := b.res.sc.expand(b.res.d); x.known {
			return c.done(newInt(c.rng, len(x.list)))
		}
		return c.unknown(v)
	case v.opaque():
		return c.unknown(v)
	case b.kind == list:
		return c.done(newInt(c.rng, len(b.items)))
	case b.kind == object:
		return c.done(newInt(c.rng, len(b.fields)))
	case b.kind == text:
		return c.done(newInt(c.rng, graphemes(b.str)))
	}
	return c.fail("the argument has no length")
}

func lookup(c *call) *val {
	b, bad := c.object(0)
	if bad != nil {
		return bad
	}
	name, bad := c.text(1)
	if bad != nil {
		return bad
	}
	if f := b.field(name); f != nil {
		return ref(c.rng, c.args[0].through(f), c.args[1])
	}
	switch {
	case b.partial:
		return c.unknown(c.args[0])
	case len(c.args) == 3:
		return ref(c.rng, c.args[2], c.args[1])
	}
	return c.fail("the map has no such key")
}

func matchkeys(c *call) *val {
	for _, a := range c.args {
		if a.opaque() || a.reasonOf() != "" {
			return c.unknown(a)
		}
	}
	vals, bad := c.list(0)
	if bad != nil {
		return bad
	}
	ks, bad := c.list(1)
	if bad != nil {
		return bad
	}
	want, bad := c.list(2)
	if bad != nil {
		return bad
	}
	if len(vals) != len(ks) || len(ks)*len(want) > maxSize {
		return c.fail("the lists do not fit")
	}
	var out []*val
	for i, k := range ks {
		for _, w := range want {
			budget := 100
			if equal(k, w, &budget) == isTrue {
				out = append(out, vals[i])
				break
			}
		}
	}
	return c.like(out, c.args...)
}

// merge puts maps together. An argument that is not known may replace any
// field of those before it, but none behind.
func merge(c *call) *val {
	var fields []field
	at := map[string]int{}
	var open *val
	blur := func(v *val) {
		open = v
		why := orElse(v.reasonOf(), "merge()")
		for i := range fields {
			fields[i].v = computed(newUnknown(fields[i].v.rng, why), fields[i].v)
		}
	}
	for _, a := range c.args {
		b := a.base()
		switch {
		case b.kind == null:
			continue
		case b.kind == unknown || b.kind == wholeResource:
			if b.failed {
				return c.unknown(a)
			}
			blur(a)
			continue
		case b.kind != object:
			return c.fail("an argument is no map")
		case b.partial:
			blur(a)
		}
		if !c.e.u.spend(len(b.fields)) {
			return newUnknown(c.rng, whyStopped)
		}
		for _, f := range b.fields {
			f.v = a.through(f.v)
			if i, ok := at[f.name]; ok {
				fields[i] = f
				continue
			}
			at[f.name] = len(fields)
			fields = append(fields, f)
		}
	}
	if c.partial != nil {
		blur(c.partial)
	}
	if open != nil && len(fields) == 0 {
		return c.unknown(open)
	}
	v := newObject(c.rng, fields)
	if open != nil && v.kind == object {
		v.partial, v.why = true, orElse(open.reasonOf(), "merge()")
	}
	v.from = c.args
	return v
}

func one(c *call) *val {
	b := c.args[0].base()
	if b.kind == null {
		return c.done(newNull(c.rng))
	}
	if c.args[0].opaque() {
		return c.unknown(c.args[0])
	}
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	switch len(items) {
	case 0:
		return c.done(newNull(c.rng))
	case 1:
		return ref(c.rng, items[0])
	}
	return c.fail("the list has more than one element")
}

func reverse(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	out := make([]*val, len(items))
	for i, it := range items {
		out[len(items)-1-i] = it
	}
	return c.like(out, c.args[0])
}

func setunion(c *call) *val {
	v := concat(c)
	if v.kind != list {
		return v
	}
	return c.e.relist(v, v.items, true)
}

func slice(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	from, bad := c.int(1)
	if bad != nil {
		return bad
	}
	to, bad := c.int(2)
	if bad != nil {
		return bad
	}
	if c.args[0].opaque() {
		return c.unknown(c.args[0])
	}
	if from < 0 || to < from || to > len(items) {
		return c.fail("an index is out of range")
	}
	return c.like(items[from:to], c.args[0])
}

func sum(c *call) *val {
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	if c.args[0].opaque() {
		return c.unknown(c.args[0])
	}
	if len(items) == 0 {
		return c.fail("the list is empty")
	}
	total := newNumber(c.rng, new(big.Float))
	for _, it := range items {
		total = c.e.op(hclsyntax.OpAdd, c.rng, total, it)
		if total.kind != number {
			return c.unknown(total)
		}
	}
	return c.done(newNumber(c.rng, total.num))
}

func toCollection(c *call, set bool) *val {
	b := c.args[0].base()
	if b.kind == null {
		return c.done(newNull(c.rng))
	}
	items, bad := c.list(0)
	if bad != nil {
		return bad
	}
	v := c.like(c.e.ofOneType(items), c.args[0])
	if v.kind != list || !set {
		return v
	}
	return c.e.relist(v, v.items, true)
}

func tomap(c *call) *val {
	if c.args[0].base().kind == null {
		return c.done(newNull(c.rng))
	}
	if _, bad := c.object(0); bad != nil {
		return bad
	}
	return ref(c.rng, c.e.mapOfOneType(c.args[0]))
}

func transpose(c *call) *val {
	b, bad := c.object(0)
	if bad != nil {
		return bad
	}
	if b.partial || c.args[0].reasonOf() != "" {
		return c.unknown(c.args[0])
	}
	out := map[string][]*val{}
	for _, f := range c.args[0].sortedFields() {
		for _, it := range f.v.base().items {
			name, ok := it.asText()
			if !ok || !c.e.u.spend(1) {
				return c.fail("an element is no text")
			}
			out[name] = append(out[name], newText(c.rng, f.name))
		}
	}
	var fields []field
	for name, items := range out {
		fields = append(fields, field{name: name, v: newList(c.rng, items)})
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i].name < fields[j].name })
	return c.done(newObject(c.rng, fields))
}

func zipmap(c *call) *val {
	ks, bad := c.list(0)
	if bad != nil {
		return bad
	}
	vs, bad := c.list(1)
	if bad != nil {
		return bad
	}
	if c.args[0].opaque() || c.args[1].opaque() {
		return c.unknown(c.args[0])
	}
	if len(ks) != len(vs) {
		return c.fail("the lists are not of one length")
	}
	var fields []field
	at := map[string]int{}
	for i, k := range ks {
		name, ok := k.asText()
		if !ok {
			return c.e.notKnown(c.rng, k, "zipmap(): a key is no text")
		}
		f := field{name: name, v: vs[i]}
		if j, dup := at[name]; dup {
			fields[j] = f
			continue
		}
		at[name] = len(fields)
		fields = append(fields, f)
	}
	return c.done(newObject(c.rng, fields))
}
