package projection

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

//go:embed azure.txt
var azureTable string

//go:embed clusterapi.txt
var clusterAPITable string

//go:embed classic.txt
var classicTable string

// outline says where an object holds what a resource of another form says: a
// table of pairs of places, read in both directions.
type outline struct {
	groups map[string]bool        // those of all kinds, since most objects are of others
	kinds  map[string][]*outlined // by "group Kind"; of those that are not beside it the first whose condition holds
	types  map[string]*shape
}

// outlined is a resource that an object of a kind makes.
type outlined struct {
	to   string
	at   []string // leads to the settings
	also bool     // beside what the object is itself
	when *condition
	of   *shape
	typ  string
}

// shape is what is known of the settings of one type.
type shape struct{ places []*placing }

// placing is one setting: its place in the resource and that in the object.
type placing struct {
	to   []string  // names; blocks that are there once stand between
	from []pathTo  // nil: the object does not say it
	root bool      // from starts at the object and not at its settings
	form placeForm // what is done with the value
	typ  string
	of   *shape
	key  string      // the setting of the items of a list of texts
	conv []string    // conversions, in order
	enum [][2]string // what is written, and what it means
	when *condition
	// absent is what it means to leave the setting out, where the form that
	// rules speak of means something else. "?": that is not known.
	absent string
	always bool // the block is there even where nothing of it is written
}

type placeForm uint8

const (
	asValue placeForm = iota
	asBlock           // an object as a block
	asEach            // each object of a list as a block
	asTexts           // one setting of each object of a list
	asTypes           // each switch that is on as a text
)

// pathTo is a step into an object, or to the item of a list whose name is said.
type pathTo struct{ name, by, is string }

// condition holds of settings that have a value, or have one at all.
type condition struct {
	path   []pathTo
	is     string
	not    bool
	valued bool
}

// find follows the steps. It gives what is there, the deepest map or list on
// the way, and what is not known on the way, if anything.
func find(n *resource.Node, path []pathTo) (v, within, unknown *resource.Node) {
	within = n
	for _, s := range path {
		if n == nil {
			return nil, within, nil
		}
		if n.Unknown {
			return nil, within, n
		}
		within = n
		next := n.Get(s.name)
		if next == nil {
			if n.Partial {
				return nil, within, n
			}
			return nil, within, nil
		}
		if s.by != "" && !next.Unknown {
			within = next
			i := itemNamed(next, s)
			if i < 0 {
				if next.Partial {
					return nil, within, next
				}
				return nil, within, nil
			}
			next = next.Items[i]
		}
		n = next
	}
	if n != nil && n.Unknown {
		return n, within, n
	}
	if n != nil && n.Kind == resource.Null {
		return nil, within, nil
	}
	return n, within, nil
}

// itemNamed is the index of the item that a step means, or -1.
func itemNamed(list *resource.Node, s pathTo) int {
	return slices.IndexFunc(list.Items, func(it *resource.Node) bool { return strings.EqualFold(it.Get(s.by).Str(), s.is) })
}

func (c *condition) holds(n *resource.Node) bool {
	if c == nil {
		return true
	}
	v, _, unknown := find(n, c.path)
	if c.valued {
		s, ok := v.Str(), v != nil && v.Kind == resource.String
		if !ok && v != nil {
			s, ok = asText(v)
		}
		return c.not != (unknown == nil && ok && strings.EqualFold(s, c.is))
	}
	return c.not != (v != nil || unknown != nil)
}

// outlines are the tables of places.
var outlines = sync.OnceValue(func() *outline {
	all := &outline{groups: map[string]bool{}, kinds: map[string][]*outlined{}}
	for name, text := range map[string]string{"azure.txt": azureTable, "clusterapi.txt": clusterAPITable, "classic.txt": classicTable} {
		o, err := parseOutline(text)
		if err != nil {
			panic(name + ": " + err.Error())
		}
		maps.Copy(all.kinds, o.kinds)
		for key := range o.kinds {
			group, _, _ := strings.Cut(key, " ")
			all.groups[group] = true
		}
	}
	return all
})

// fromOutlines gives what an object makes: r itself where that is nothing, and
// further resources that it makes beside.
func (p *projector) fromOutlines(r *resource.Resource, kinds []*outlined) (*resource.Resource, []*resource.Resource) {
	first := r
	var more []*resource.Resource
	for _, k := range kinds {
		for _, spec := range settingsAt(r.Root, k.at) {
			switch {
			case !k.when.holds(spec.node):
			case spec.node.Unknown || spec.node.Kind != resource.Map:
				if !k.also {
					unknownAs(&p.ds, r, "what it makes", spec.node)
				}
			case k.also:
				if q, written := p.fromOutline(r, k, spec); written {
					part := part(spec, k)
					q.ID += part
					if q.Source != (resource.Identity{}) {
						q.Source.ID += part
					}
					more = append(more, q)
				}
			case first == r:
				first, _ = p.fromOutline(r, k, spec)
			}
		}
	}
	return first, more
}

// settings are those that make one resource, and where they stand.
type settings struct {
	node *resource.Node
	path resource.Path
}

// maxParts bounds the resources that one object makes.
const maxParts = 200

// settingsAt gives what stands at the place: each item's where it is in a list.
func settingsAt(root *resource.Node, at []string) []settings {
	out := []settings{{node: root}}
	for _, name := range at {
		name, every := strings.CutSuffix(name, "[*]")
		var next []settings
		for _, s := range out {
			n := s.node.Get(name)
			if n == nil {
				continue
			}
			path := append(slices.Clip(s.path), resource.Step{Name: name})
			if !every || n.Unknown {
				next = append(next, settings{n, path})
				continue
			}
			for i, it := range n.Items {
				if it != nil && len(next) < maxParts {
					next = append(next, settings{it, append(slices.Clip(path), resource.Step{Index: i})})
				}
			}
		}
		out = next
	}
	return out
}

// part tells apart the resources that one object makes.
func part(s settings, k *outlined) string {
	out := "#" + k.typ
	for _, step := range s.path {
		if step.Name == "" {
			out += "[" + strconv.Itoa(step.Index) + "]"
		}
	}
	return out
}

// fromOutline projects an object onto a resource that it makes. written is false
// where the object says nothing of it.
func (p *projector) fromOutline(r *resource.Resource, k *outlined, spec settings) (_ *resource.Resource, written bool) {
	root := copied(spec.node)
	if !k.also {
		root.Range, root.KeyRange = r.Root.Range, r.Root.KeyRange
	}
	w := &placer{p: p, r: r}
	w.fill(root, spec.node, k.of)
	out := as(r, resource.Terraform, root)
	out.Kind = k.to
	back := &wayBack{r: r, spec: spec.node, at: spec.path}
	out.Written = &resource.Written{
		Resource: r,
		Path: func(path resource.Path) (resource.Path, error) {
			found, err := back.written(k.of, spec.node, back.at, path)
			if err == nil {
				err = found.missing
			}
			return found.path, err
		},
		Rewrite: func(path resource.Path, add bool, v *resource.Node) ([]resource.Write, error) {
			return back.rewrite(k.of, path, add, v)
		},
	}
	return out, w.wrote
}

// placer writes the settings of one resource.
type placer struct {
	p     *projector
	r     *resource.Resource
	wrote bool // something of it is written in the object
}

func (w *placer) fill(out, spec *resource.Node, of *shape) {
	for _, pl := range of.places {
		w.place(out, spec, pl)
	}
}

func (w *placer) place(out, spec *resource.Node, pl *placing) {
	if pl.form != asEach && !pl.when.holds(spec) {
		return
	}
	from := spec
	if pl.root {
		from = w.r.Root
	}
	var v, within, unknown *resource.Node
	if pl.from == nil {
		within = spec
	} else {
		v, within, unknown = find(from, pl.from)
	}
	switch {
	case unknown != nil:
		u := copied(unknown)
		u.Kind, u.Unknown, u.Partial = resource.Null, true, false
		w.put(out, pl, u, unknown)
		return
	case v == nil && pl.absent != "":
		w.put(out, pl, w.said(pl, within), within)
		return
	case v == nil && pl.always:
		at := w.nameOf(within)
		v = &resource.Node{Kind: resource.Map, Range: at, KeyRange: at}
	case v == nil:
		return
	}
	// What stands in the whole object, as its name does, makes nothing by itself.
	w.wrote = w.wrote || !pl.root && len(pl.from) > 0
	switch pl.form {
	case asBlock:
		if v.Kind == resource.Map {
			list := copied(v)
			list.Kind, list.Partial, list.Items = resource.List, false, []*resource.Node{w.block(v, pl.of)}
			v = list
		}
	case asEach:
		if v.Kind == resource.List || v.Kind == resource.Map {
			w.each(out, pl, v)
			return
		}
	case asTexts:
		v = textsOf(v, pl.key)
	case asTypes:
		v = w.switches(v, pl)
	default:
		v = w.value(v, pl)
	}
	w.put(out, pl, v, within)
}

func (w *placer) block(n *resource.Node, of *shape) *resource.Node {
	b := copied(n)
	b.Kind, b.Block = resource.Map, true
	w.fill(b, n, of)
	return b
}

// each adds a block for each object of a list, or for the one object, to those
// that are there already.
func (w *placer) each(out *resource.Node, pl *placing, v *resource.Node) {
	items := itemsOf(v)
	if !slices.ContainsFunc(items, pl.counts) {
		if v.Partial && v.Kind == resource.List {
			w.put(out, pl, copied(v), v)
		}
		return
	}
	name := pl.to[len(pl.to)-1]
	list := w.target(out, pl, v, v).Get(name)
	if list == nil {
		list = copied(v)
		list.Kind, list.Partial = resource.List, false
		w.put(out, pl, list, v)
	} else if list.Unknown {
		return
	}
	list.Partial = list.Partial || v.Partial && v.Kind == resource.List
	for _, it := range items {
		switch {
		case !pl.counts(it):
		case it.Unknown:
			list.Items = append(list.Items, it)
		default:
			list.Items = append(list.Items, w.block(it, pl.of))
		}
	}
}

// itemsOf gives the objects of a list, or the one object.
func itemsOf(v *resource.Node) []*resource.Node {
	if v == nil || v.Unknown {
		return nil
	}
	if v.Kind == resource.Map {
		return []*resource.Node{v}
	}
	return v.Items
}

// counts reports whether an item of a list is one of those that are meant.
func (pl *placing) counts(it *resource.Node) bool {
	return it != nil && (it.Unknown || pl.when.holds(it))
}

// nameOf is where the name of n stands, or the head of the object.
func (w *placer) nameOf(n *resource.Node) source.Range {
	if n == nil || n.KeyRange.IsZero() {
		return w.r.Head
	}
	return n.KeyRange
}

// said is what leaving a setting out means.
func (w *placer) said(pl *placing, within *resource.Node) *resource.Node {
	at := w.nameOf(within)
	if pl.absent == "?" {
		why := "what it means to leave " + pl.source() + " out"
		if pl.from == nil {
			why = "what this kind of object does not say"
		}
		return &resource.Node{Unknown: true, Why: why, Range: at}
	}
	return meant(said(pl.absent, at), pl.absent)
}

// meant gives n the value that a word of the table means.
func meant(n *resource.Node, word string) *resource.Node {
	if word == "true" || word == "false" {
		return valued(n, resource.Bool, word == "true")
	}
	if i, err := strconv.ParseInt(word, 10, 64); err == nil {
		return valued(n, resource.Int, i)
	}
	return valued(n, resource.String, word)
}

// target is the map that holds the setting; the blocks on the way are made.
func (w *placer) target(out *resource.Node, pl *placing, v, within *resource.Node) *resource.Node {
	for _, name := range pl.to[:len(pl.to)-1] {
		list := out.Get(name)
		if list == nil {
			at := within
			if len(pl.from) < 2 || within == nil {
				at = v
			}
			b := copied(at)
			b.Kind, b.Block, b.Unknown, b.Partial = resource.Map, true, false, false
			list = copied(b)
			list.Kind, list.Items = resource.List, []*resource.Node{b}
			out.Fields = append(out.Fields, resource.Field{Name: name, Node: list})
		}
		if list.Unknown || len(list.Items) == 0 {
			return &resource.Node{Kind: resource.Map} // nothing can be said of it
		}
		out = list.Items[0]
	}
	return out
}

func (w *placer) put(out *resource.Node, pl *placing, v, within *resource.Node) {
	out = w.target(out, pl, v, within)
	if name := pl.to[len(pl.to)-1]; out.Get(name) == nil {
		out.Fields = append(out.Fields, resource.Field{Name: name, Node: v})
	}
}

// value gives a value as the resource has it.
func (w *placer) value(v *resource.Node, pl *placing) *resource.Node {
	for _, c := range pl.conv {
		if f := outlineConversions[c]; f.to != nil {
			v = f.to(w, v)
		}
		if v == nil || v.Unknown {
			return v
		}
	}
	s := v.Str()
	if v.Kind != resource.String {
		s, _ = asText(v)
	}
	for _, e := range pl.enum {
		if strings.EqualFold(e[0], s) {
			return meant(v, e[1])
		}
	}
	return v
}

// textsOf gives [{value: a}, {value: b}] as [a, b].
func textsOf(v *resource.Node, key string) *resource.Node {
	if v.Kind != resource.List {
		return v
	}
	out := copied(v)
	for _, it := range v.Items {
		switch s := it.Get(key); {
		case it != nil && it.Unknown:
			out.Items = append(out.Items, it)
		case s != nil:
			out.Items = append(out.Items, s)
		default:
			out.Items = append(out.Items, it)
		}
	}
	return out
}

// switches gives {apiServer: true, audit: true} as the list of what is on.
func (w *placer) switches(v *resource.Node, pl *placing) *resource.Node {
	out := copied(v)
	out.Kind = resource.List
	for _, e := range pl.enum {
		switch on := v.Get(e[0]); {
		case on == nil:
		case on.Unknown:
			out.Partial, out.Why = true, on.Why
		case on.Value == true:
			out.Items = append(out.Items, valued(on, resource.String, e[1]))
		}
	}
	return out
}

// wayBack leads from the resource to what is written.
type wayBack struct {
	r    *resource.Resource
	spec *resource.Node
	at   resource.Path
}

// place is where something is written.
type place struct {
	path resource.Path
	// leaf is the setting that is meant as a whole, and base what its steps start
	// at; nil where something within its value is meant.
	leaf     *placing
	base     *resource.Node
	basePath resource.Path
	missing  error // why there is no path yet, though the setting can be made
}

func (b *wayBack) written(of *shape, n *resource.Node, at, path resource.Path) (place, error) {
	type candidate struct {
		pl     *placing
		rest   resource.Path
		there  bool
		offset int
	}
	var found []candidate
	offsets := 0
	for _, pl := range of.places {
		rest, ok := pl.match(path)
		if !ok || pl.from == nil {
			continue
		}
		from := n
		if pl.root {
			from = b.r.Root
		}
		v, _, unknown := find(from, pl.from)
		if unknown != nil {
			v = unknown
		}
		c := candidate{pl, rest, v != nil, offsets}
		if pl.form == asEach && v != nil {
			for _, it := range itemsOf(v) {
				if pl.counts(it) {
					offsets++
				}
			}
			if len(rest) > 0 && rest[0].Name == "" && rest[0].Index >= offsets {
				c.there = false
			}
		} else if !pl.when.holds(n) {
			continue
		}
		found = append(found, c)
	}
	i := slices.IndexFunc(found, func(c candidate) bool { return c.there })
	if i < 0 {
		// What is not written yet goes where the table says it first, unless that
		// adds to the items of another list.
		i = slices.IndexFunc(found, func(c candidate) bool { return c.pl.form != asEach || offsets == 0 })
	}
	if i < 0 {
		return place{}, fmt.Errorf("%s cannot be set there", path)
	}
	c := found[i]
	return b.within(c.pl, n, at, c.rest, c.offset)
}

// source names the setting as the object does.
func (pl *placing) source() string {
	if len(pl.from) == 0 {
		return pl.to[len(pl.to)-1]
	}
	return pl.from[len(pl.from)-1].name
}

// match gives what is left of a path behind the setting.
func (pl *placing) match(path resource.Path) (resource.Path, bool) {
	for i, name := range pl.to {
		if len(path) == 0 || path[0].Name != name {
			return nil, false
		}
		path = path[1:]
		if i+1 < len(pl.to) && len(path) > 0 && path[0].Name == "" {
			if path[0].Index > 0 {
				return nil, false
			}
			path = path[1:]
		}
	}
	return path, true
}

// within follows what is left of a path into the value of a setting.
func (b *wayBack) within(pl *placing, n *resource.Node, at, rest resource.Path, offset int) (place, error) {
	out := place{leaf: pl, base: n, basePath: at}
	from := n
	if pl.root {
		from, at = b.r.Root, nil
		out.base, out.basePath = from, nil
	}
	path, err := stepsTo(from, at, pl.from)
	if err != nil && len(rest) > 0 {
		return place{}, err
	}
	out.path, out.missing = path, err
	v, _, unknown := find(from, pl.from)
	if unknown != nil {
		return place{}, fmt.Errorf("%s is not known", pl.source())
	}
	if len(rest) == 0 {
		return out, nil
	}
	out.leaf = nil
	switch pl.form {
	case asBlock:
		if rest[0].Name == "" {
			if rest[0].Index > 0 {
				return place{}, fmt.Errorf("there can be one %s alone", pl.source())
			}
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return out, nil
		}
		return b.written(pl.of, v, out.path, rest)
	case asEach:
		if rest[0].Name != "" {
			return place{}, fmt.Errorf("which of %s is meant is not said", pl.source())
		}
		i, item := pl.index(v, rest[0].Index-offset)
		if v == nil || v.Kind != resource.Map {
			out.path = append(slices.Clip(out.path), resource.Step{Index: i})
		} else if item == nil {
			return place{}, fmt.Errorf("there can be one %s alone", pl.source())
		}
		if len(rest) == 1 {
			return out, nil
		}
		return b.written(pl.of, item, out.path, rest[1:])
	case asTexts:
		if len(rest) != 1 || rest[0].Name != "" {
			return place{}, errNotWritten
		}
		out.path = append(slices.Clip(out.path), rest[0], resource.Step{Name: pl.key})
		return out, nil
	case asTypes:
		return place{}, errNotWritten
	}
	if computedValue(pl) {
		return place{}, fmt.Errorf("%s is written otherwise", pl.to[len(pl.to)-1])
	}
	out.path = append(slices.Clip(out.path), rest...)
	return out, nil
}

// index gives the index in v of the item that is the i-th of those that count.
func (pl *placing) index(v *resource.Node, i int) (int, *resource.Node) {
	if v == nil {
		return max(i, 0), nil
	}
	for at, it := range itemsOf(v) {
		if !pl.counts(it) {
			continue
		}
		if i == 0 {
			return at, it
		}
		i--
	}
	return len(v.Items) + max(i, 0), nil
}

var errNoItem = errors.New("the list has no item of that name")

// stepsTo gives the path that the steps of a table come to in n.
func stepsTo(n *resource.Node, at resource.Path, steps []pathTo) (resource.Path, error) {
	out := slices.Clone(at)
	for _, s := range steps {
		out = append(out, resource.Step{Name: s.name})
		n = n.Get(s.name)
		if s.by == "" {
			continue
		}
		i := -1
		if n != nil {
			i = itemNamed(n, s)
		}
		if i < 0 {
			return out, errNoItem
		}
		out, n = append(out, resource.Step{Index: i}), n.Items[i]
	}
	return out, nil
}

// rewrite says what is written for a value that is set at a path of the
// resource, or added to the list there.
func (b *wayBack) rewrite(of *shape, path resource.Path, add bool, v *resource.Node) ([]resource.Write, error) {
	p, err := b.written(of, b.spec, b.at, path)
	if err != nil {
		return nil, err
	}
	if p.leaf == nil {
		return nil, nil
	}
	pl := p.leaf
	if pl.form == asTypes {
		name := ""
		for _, e := range pl.enum {
			if e[1] == v.Str() {
				name = e[0]
			}
		}
		if !add || name == "" {
			return nil, errNotWritten
		}
		at := append(slices.Clip(p.path), resource.Step{Name: name})
		return []resource.Write{{Path: at, Value: &resource.Node{Kind: resource.Bool, Value: true}}}, nil
	}
	if pl.form != asValue {
		return nil, errNotWritten
	}
	if add {
		return nil, nil
	}
	if v, err = pl.back(v); err != nil {
		return nil, err
	}
	var out []resource.Write
	// Items of lists that have to be there by their name are made.
	at, n := slices.Clone(p.basePath), p.base
	for _, s := range pl.from {
		at = append(at, resource.Step{Name: s.name})
		n = n.Get(s.name)
		if s.by == "" {
			continue
		}
		i := 0
		if n != nil {
			if i = itemNamed(n, s); i < 0 {
				i = len(n.Items)
			}
		}
		at = append(at, resource.Step{Index: i})
		if n != nil && i < len(n.Items) {
			n = n.Items[i]
			continue
		}
		n = nil
		out = append(out, resource.Write{Path: append(slices.Clip(at), resource.Step{Name: s.by}), Value: said(s.is, b.r.Head)})
	}
	return append(out, resource.Write{Path: at, Value: v}), nil
}

// back gives a value as the object has it.
func (pl *placing) back(v *resource.Node) (*resource.Node, error) {
	s := v.Str()
	if v.Kind != resource.String {
		s, _ = asText(v)
	}
	for _, e := range pl.enum {
		if e[1] == s {
			return valued(v, resource.String, e[0]), nil
		}
	}
	if len(pl.enum) > 0 && v.Kind != resource.String {
		return nil, fmt.Errorf("%s has no such value there", pl.source())
	}
	for _, c := range slices.Backward(pl.conv) {
		f := outlineConversions[c]
		if f.back == nil {
			return nil, errNotWritten
		}
		v = f.back(v)
	}
	return v, nil
}
