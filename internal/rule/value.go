package rule

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// The wrappers below let CEL look into a tree of nodes in place. They hold one
// pointer each, so that putting them into an interface allocates nothing, and
// they are immutable, so that goroutines may share them.
//
// A field whose value is null counts as absent: that is what Kubernetes and
// Terraform take it for. An unknown value is CEL's Unknown, which any
// expression that depends on it gives back. A list or map that may hold more
// than is known ends in an unknown item when it is walked, and its size is
// unknown.

// errUnknown marks errors that arise where CEL leaves no way to give an Unknown.
var errUnknown = errors.New("depends on a value that is not known")

// wrap gives the CEL value of a node; nil is null.
func wrap(n *resource.Node) ref.Val {
	switch {
	case n == nil:
		return types.NullValue
	case n.Unknown:
		return unknownOf(n)
	}
	switch n.Kind {
	case resource.Bool:
		if v, ok := n.Value.(bool); ok {
			return types.Bool(v)
		}
	case resource.Int:
		if v, ok := n.Value.(int64); ok {
			return types.Int(v)
		}
	case resource.Float:
		if v, ok := n.Value.(float64); ok {
			return types.Double(v)
		}
	case resource.String:
		if v, ok := n.Value.(string); ok {
			return types.String(v)
		}
	case resource.List:
		return listVal{n}
	case resource.Map:
		return mapVal{n}
	}
	return types.NullValue
}

// noWhy stands for the reason of an unknown value whose reader gave none.
const noWhy = "a value that is known only once it is applied"

// unknownOf makes an Unknown that says why: the reason is its variable's name,
// the hash of the reason its id, so that merging keeps each reason once.
func unknownOf(n *resource.Node) *types.Unknown {
	why := n.Why
	if why == "" {
		why = noWhy
	}
	return unknownParts(why, n.Parts)
}

// absent reports whether look-ups pass the node over.
func absent(n *resource.Node) bool {
	return n == nil || n.Kind == resource.Null && !n.Unknown
}

type mapVal struct{ n *resource.Node }

func (m mapVal) Type() ref.Type { return types.MapType }
func (m mapVal) Value() any     { return m.n }

func (m mapVal) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	if v := m.n.Get(string(name)); !absent(v) {
		return wrap(v), true
	} else if v == nil && m.n.Partial {
		return unknownOf(m.n), true
	}
	return nil, false
}

func (m mapVal) Get(key ref.Val) ref.Val {
	if v, ok := m.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

func (m mapVal) Contains(key ref.Val) ref.Val {
	v, ok := m.Find(key)
	if ok && types.IsUnknown(v) {
		return v
	}
	return types.Bool(ok)
}

func (m mapVal) Size() ref.Val {
	if m.n.Partial {
		return unknownOf(m.n)
	}
	n := 0
	for i := range m.n.Fields {
		if !absent(m.n.Fields[i].Node) {
			n++
		}
	}
	return types.Int(n)
}

func (m mapVal) IsZeroValue() bool { return len(m.n.Fields) == 0 && !m.n.Partial }

func (m mapVal) Fold(f traits.Folder) {
	for i := range m.n.Fields {
		if fd := &m.n.Fields[i]; !absent(fd.Node) && !f.FoldEntry(types.String(fd.Name), wrap(fd.Node)) {
			return
		}
	}
	if m.n.Partial {
		u := unknownOf(m.n)
		f.FoldEntry(u, u)
	}
}

func (m mapVal) Iterator() traits.Iterator {
	keys := make([]ref.Val, 0, len(m.n.Fields)+1)
	for i := range m.n.Fields {
		if !absent(m.n.Fields[i].Node) {
			keys = append(keys, types.String(m.n.Fields[i].Name))
		}
	}
	if m.n.Partial {
		keys = append(keys, unknownOf(m.n))
	}
	return &iterator{items: keys}
}

func (m mapVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Mapper)
	if !ok {
		return types.False
	}
	a, ok := m.Size().(types.Int)
	if !ok {
		return m.Size()
	}
	if b := o.Size(); types.IsUnknown(b) {
		return b
	} else if b != a {
		return types.False
	}
	var unk *types.Unknown
	for i := range m.n.Fields {
		f := &m.n.Fields[i]
		if absent(f.Node) {
			continue
		}
		ov, found := o.Find(types.String(f.Name))
		if !found {
			return types.False
		}
		var equal bool
		if unk, equal = equalUnder(unk, wrap(f.Node), ov); !equal {
			return types.False
		}
	}
	return unknownOr(unk, types.True)
}

func (m mapVal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return m
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("type conversion error from 'map' to '%s'", t)
}

func (m mapVal) ConvertToNative(t reflect.Type) (any, error) {
	if t == reflect.TypeFor[*resource.Node]() {
		return m.n, nil
	}
	if m.n.Partial {
		return nil, errUnknown
	}
	out := make(map[string]ref.Val, len(m.n.Fields))
	for i := range m.n.Fields {
		f := &m.n.Fields[i]
		if f.Node != nil && f.Node.Unknown {
			return nil, errUnknown
		}
		if !absent(f.Node) {
			out[f.Name] = wrap(f.Node)
		}
	}
	return types.NewMap(types.DefaultTypeAdapter, out).ConvertToNative(t)
}

type listVal struct{ n *resource.Node }

func (l listVal) Type() ref.Type { return types.ListType }
func (l listVal) Value() any     { return l.n }

func (l listVal) Get(index ref.Val) ref.Val {
	i, err := types.GetOrError(index)
	if err != nil {
		return types.ValOrErr(index, "%v", err)
	}
	if i >= 0 && i < len(l.n.Items) {
		return wrap(l.n.Items[i])
	}
	if i >= 0 && l.n.Partial {
		return unknownOf(l.n)
	}
	return types.NewErr("index out of bounds: %d", i)
}

// GetInt64Index is CEL's own way to look up an index without a Size.
func (l listVal) GetInt64Index(i int64) (any, bool) {
	switch {
	case i >= 0 && i < int64(len(l.n.Items)):
		return wrap(l.n.Items[i]), true
	case i >= 0 && l.n.Partial:
		return unknownOf(l.n), true
	}
	return nil, false
}

func (l listVal) Contains(elem ref.Val) ref.Val {
	var unk *types.Unknown
	s, isString := elem.(types.String)
	for _, it := range l.n.Items {
		if isString && it != nil && !it.Unknown {
			if v, ok := it.Value.(string); ok && v == string(s) {
				return types.True
			}
			continue
		}
		if isString && it != nil && resource.PartsEqual(it.Parts, string(s)) == resource.No {
			continue
		}
		var equal bool
		was := unk
		if unk, equal = equalUnder(unk, elem, wrap(it)); equal && unk == was {
			return types.True
		}
	}
	if l.n.Partial {
		unk = types.MergeUnknowns(unknownOf(l.n), unk)
	}
	return unknownOr(unk, types.False)
}

func (l listVal) Size() ref.Val {
	if l.n.Partial {
		return unknownOf(l.n)
	}
	return types.Int(len(l.n.Items))
}

func (l listVal) IsZeroValue() bool { return len(l.n.Items) == 0 && !l.n.Partial }

func (l listVal) Fold(f traits.Folder) {
	for i, it := range l.n.Items {
		if !f.FoldEntry(types.Int(i), wrap(it)) {
			return
		}
	}
	if l.n.Partial {
		f.FoldEntry(types.Int(len(l.n.Items)), unknownOf(l.n))
	}
}

// values are the items as CEL values, an unknown one last when there may be more.
func (l listVal) values() []ref.Val {
	out := make([]ref.Val, 0, len(l.n.Items)+1)
	for _, it := range l.n.Items {
		out = append(out, wrap(it))
	}
	if l.n.Partial {
		out = append(out, unknownOf(l.n))
	}
	return out
}

func (l listVal) Iterator() traits.Iterator { return &iterator{items: l.values()} }

func (l listVal) Add(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	out := l.values()
	for it := o.Iterator(); it.HasNext() == types.True; {
		out = append(out, it.Next())
	}
	if l.n.Partial {
		return unknownOf(l.n)
	}
	if u := o.Size(); types.IsUnknown(u) {
		return u
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

func (l listVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok {
		return types.False
	}
	a, ok := l.Size().(types.Int)
	if !ok {
		return l.Size()
	}
	if b := o.Size(); types.IsUnknown(b) {
		return b
	} else if b != a {
		return types.False
	}
	var unk *types.Unknown
	for i, it := range l.n.Items {
		var equal bool
		if unk, equal = equalUnder(unk, wrap(it), o.Get(types.Int(i))); !equal {
			return types.False
		}
	}
	return unknownOr(unk, types.True)
}

func (l listVal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.ListType:
		return l
	case types.TypeType:
		return types.ListType
	}
	return types.NewErr("type conversion error from 'list' to '%s'", t)
}

func (l listVal) ConvertToNative(t reflect.Type) (any, error) {
	if t == reflect.TypeFor[*resource.Node]() {
		return l.n, nil
	}
	if l.n.Partial {
		return nil, errUnknown
	}
	vals := l.values()
	for _, v := range vals {
		if types.IsUnknown(v) {
			return nil, errUnknown
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals).ConvertToNative(t)
}

// equalUnder compares two values; an unknown outcome is merged into unk and
// counts as equal for the time being.
func equalUnder(unk *types.Unknown, a, b ref.Val) (*types.Unknown, bool) {
	if u, ok := a.(*types.Unknown); ok {
		return types.MergeUnknowns(u, unk), true
	}
	if u, ok := b.(*types.Unknown); ok {
		return types.MergeUnknowns(u, unk), true
	}
	switch r := types.Equal(a, b).(type) {
	case *types.Unknown:
		return types.MergeUnknowns(r, unk), true
	case types.Bool:
		return unk, bool(r)
	}
	return unk, false
}

func unknownOr(unk *types.Unknown, v ref.Val) ref.Val {
	if unk != nil {
		return unk
	}
	return v
}

// iterator walks values that are ready.
type iterator struct {
	items []ref.Val
	next  int
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.next < len(it.items)) }

func (it *iterator) Next() ref.Val {
	if it.next >= len(it.items) {
		return types.NewErr("no more items")
	}
	it.next++
	return it.items[it.next-1]
}

func (it *iterator) Type() ref.Type { return types.IteratorType }
func (it *iterator) Value() any     { return nil }

func (it *iterator) Equal(ref.Val) ref.Val { return types.False }

func (it *iterator) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("type conversion error from 'iterator' to '%s'", t)
}

func (it *iterator) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("an iterator has no native form")
}

// resourceVal is the variable resource: what is known about a resource as a
// whole, without its tree.
type resourceVal struct{ r *resource.Resource }

// resourceKeys are the keys of the variable resource.
func resourceKeys() []string {
	return []string{"id", "kind", "group", "version", "apiVersion", "name", "namespace", "platform", "format", "file", "unit"}
}

func (v resourceVal) field(name string) (string, bool) {
	r := v.r
	switch name {
	case "id":
		return r.ID, true
	case "kind":
		return r.Kind, true
	case "group":
		return r.Group, true
	case "version":
		return r.Version, true
	case "apiVersion":
		if r.Group == "" {
			return r.Version, true
		}
		return r.Group + "/" + r.Version, true
	case "name":
		return r.Name, true
	case "namespace":
		return r.Namespace, true
	case "platform":
		return r.Platform, true
	case "format":
		return r.Format, true
	case "file":
		return r.Range.File, true
	case "unit":
		return r.Unit, true
	}
	return "", false
}

func (v resourceVal) Type() ref.Type { return types.MapType }
func (v resourceVal) Value() any     { return v.r }

func (v resourceVal) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	s, ok := v.field(string(name))
	return types.String(s), ok
}

func (v resourceVal) Get(key ref.Val) ref.Val {
	if s, ok := v.Find(key); ok {
		return s
	}
	return types.NewErr("no such key: %v", key)
}

func (v resourceVal) Contains(key ref.Val) ref.Val {
	_, ok := v.Find(key)
	return types.Bool(ok)
}

func (v resourceVal) Size() ref.Val { return types.Int(len(resourceKeys())) }

func (v resourceVal) Iterator() traits.Iterator {
	keys := resourceKeys()
	items := make([]ref.Val, len(keys))
	for i, k := range keys {
		items[i] = types.String(k)
	}
	return &iterator{items: items}
}

func (v resourceVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(resourceVal)
	return types.Bool(ok && o.r == v.r)
}

func (v resourceVal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return v
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("type conversion error from 'map' to '%s'", t)
}

func (v resourceVal) ConvertToNative(t reflect.Type) (any, error) {
	out := make(map[string]string, len(resourceKeys()))
	for _, k := range resourceKeys() {
		out[k], _ = v.field(k)
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, out).ConvertToNative(t)
}
