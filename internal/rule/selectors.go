package rule

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// selectorOptions are the functions about labels and about what they stand on.
func selectorOptions() []cel.EnvOption {
	dyn := cel.DynType
	return []cel.EnvOption{
		cel.Function("selects", cel.Overload("selects_dyn_dyn", []*cel.Type{dyn, dyn}, cel.BoolType,
			cel.BinaryBinding(selects))),
		cel.Function("pod_template", cel.Overload("pod_template_dyn", []*cel.Type{dyn}, dyn,
			cel.UnaryBinding(podTemplate))),
	}
}

// node gives the node behind a value or an optional of one: nil where there is
// none, or where the value is none of a resource's maps and lists.
func node(v ref.Val) (*resource.Node, *types.Unknown) {
	switch x := v.(type) {
	case *types.Unknown:
		return nil, x
	case *types.Optional:
		if x.HasValue() {
			return node(x.GetValue())
		}
	case mapVal:
		return x.n, nil
	case listVal:
		return x.n, nil
	}
	return nil, nil
}

// podTemplate is pod_template(object): what holds the metadata and the spec of a
// workload's pods, or null. Of a Pod it is the object itself.
func podTemplate(v ref.Val) ref.Val {
	n, unk := node(v)
	if unk != nil {
		return unk
	}
	if n == nil {
		return types.NullValue
	}
	for _, p := range [...][]string{{"spec", "jobTemplate", "spec", "template"}, {"spec", "template"}, {"spec", "podTemplate"}, {"template"}} {
		if t := n.Path(p...); t != nil && (t.Unknown || t.Get("spec") != nil) {
			return wrap(t)
		}
	}
	if spec := n.Get("spec"); spec.Get("containers") != nil || spec != nil && spec.Unknown {
		return wrap(n)
	}
	return types.NullValue
}

// selects is selects(selector, labels). No selector selects nothing, an empty
// one everything.
func selects(selector, labels ref.Val) ref.Val {
	sel, unk := node(selector)
	if unk != nil {
		return unk
	}
	if sel == nil || sel.Kind != resource.Map {
		return types.False
	}
	on, unkLabels := node(labels)
	m := matcher{labels: on, unknown: unkLabels}
	plain := true
	for i := range sel.Fields {
		switch f := &sel.Fields[i]; {
		case absent(f.Node):
		case f.Name == "matchLabels" && f.Node.Kind != resource.String:
			plain = false
			m.all(f.Node)
		case f.Name == "matchExpressions" && f.Node.Kind != resource.String:
			plain = false
			m.expressions(f.Node)
		}
	}
	if plain {
		m.all(sel)
	}
	m.doubt(sel)
	switch {
	case m.no:
		return types.False
	case m.unk != nil:
		return m.unk
	}
	return types.True
}

// matcher compares a selector with labels: no once a requirement is certainly
// not met, unk where one cannot be decided.
type matcher struct {
	labels  *resource.Node
	unknown *types.Unknown // why the labels as a whole are not known
	no      bool
	unk     *types.Unknown
}

func (m *matcher) undecided(u *types.Unknown) { m.unk = types.MergeUnknowns(u, m.unk) }

// doubt takes up that a part of the selector is not known.
func (m *matcher) doubt(n *resource.Node) {
	if n.Unknown || n.Partial {
		m.undecided(unknownOf(n))
	}
}

// label gives the value of a label; ok is false where it is not known.
func (m *matcher) label(name string) (value string, there, ok bool) {
	if m.unknown != nil {
		m.undecided(m.unknown)
		return "", false, false
	}
	switch v := m.labels.Get(name); {
	case v != nil && v.Unknown:
		m.undecided(unknownOf(v))
		return "", false, false
	case !absent(v):
		s, isString := v.Value.(string)
		return s, isString, true
	case m.labels != nil && (m.labels.Unknown || m.labels.Partial):
		m.undecided(unknownOf(m.labels))
		return "", false, false
	}
	return "", false, true
}

// all asks for every label of a map.
func (m *matcher) all(want *resource.Node) {
	m.doubt(want)
	for i := range want.Fields {
		f := &want.Fields[i]
		if absent(f.Node) {
			continue
		}
		if f.Node.Unknown {
			m.undecided(unknownOf(f.Node))
			continue
		}
		s, _ := f.Node.Value.(string)
		if value, there, ok := m.label(f.Name); ok && (!there || value != s) {
			m.no = true
		}
	}
}

// expressions asks for every item of matchExpressions.
func (m *matcher) expressions(list *resource.Node) {
	m.doubt(list)
	for _, e := range list.Items {
		if e == nil {
			continue
		}
		m.doubt(e)
		key, op := e.Get("key"), e.Get("operator")
		if key == nil || op == nil {
			continue
		}
		if key.Unknown || op.Unknown {
			m.doubt(key)
			m.doubt(op)
			continue
		}
		name, _ := key.Value.(string)
		value, there, ok := m.label(name)
		if !ok {
			continue
		}
		var in bool
		values := e.Get("values")
		if values != nil {
			in = slices.ContainsFunc(values.Items, func(v *resource.Node) bool { return v != nil && !v.Unknown && v.Value == value })
			if !in && (op.Value == "In" || op.Value == "NotIn") && there {
				before := m.unk
				m.doubt(values)
				for _, v := range values.Items {
					if v != nil {
						m.doubt(v)
					}
				}
				if m.unk != before {
					continue
				}
			}
		}
		switch op.Value {
		case "In":
			m.no = m.no || !there || !in
		case "NotIn":
			m.no = m.no || there && in
		case "Exists":
			m.no = m.no || !there
		case "DoesNotExist":
			m.no = m.no || there
		}
	}
}
