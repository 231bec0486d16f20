package rule

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

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
		cel.Function("role_rules", cel.Overload("role_rules_dyn_dyn", []*cel.Type{dyn, dyn}, cel.ListType(dyn),
			cel.BinaryBinding(roleRules))),
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

// roleRules is role_rules(ref, roles): the rules of the role among the given ones
// that the roleRef of a binding names, and those that aggregation collects for it
// from the others. Where a label decides that is not known, the list may hold more.
func roleRules(ref, roles ref.Val) ref.Val {
	to, unk := node(ref)
	if unk != nil {
		return unk
	}
	c := collected{out: &resource.Node{Kind: resource.List}}
	list, ok := roles.(traits.Lister)
	if to == nil || !ok {
		return listVal{c.out}
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		if v, ok := it.Next().(neighbourVal); ok && v.r.Root != nil {
			c.roles = append(c.roles, v.r)
		}
	}
	kind, name := to.Get("kind"), to.Get("name")
	for _, n := range []*resource.Node{kind, name} {
		if n != nil && n.Unknown {
			return unknownOf(n)
		}
	}
	defined := false
	for _, r := range c.roles {
		if r.Kind == kind.Str() && r.Name == name.Str() {
			defined = true
			c.take(r)
		}
	}
	if !defined && kind.Str() == "ClusterRole" {
		for _, label := range builtinLabels[name.Str()] {
			want := &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: label, Node: &resource.Node{Kind: resource.String, Value: "true"}}}}
			c.choose(&resource.Node{Kind: resource.List, Items: []*resource.Node{want}})
		}
	}
	return listVal{c.out}
}

// builtinLabels are the labels by which Kubernetes' own roles collect others; edit
// takes in what view has, and admin what edit has.
var builtinLabels = map[string][]string{
	"view":  {"rbac.authorization.k8s.io/aggregate-to-view"},
	"edit":  {"rbac.authorization.k8s.io/aggregate-to-edit", "rbac.authorization.k8s.io/aggregate-to-view"},
	"admin": {"rbac.authorization.k8s.io/aggregate-to-admin", "rbac.authorization.k8s.io/aggregate-to-edit", "rbac.authorization.k8s.io/aggregate-to-view"},
}

// collected gathers the rules of a role and of those that are aggregated into it.
type collected struct {
	out   *resource.Node
	roles []*resource.Resource
	taken []*resource.Resource
}

// take adds the rules of a role. Those of one that aggregates are not its own:
// the control plane overwrites them.
func (c *collected) take(r *resource.Resource) {
	if slices.Contains(c.taken, r) {
		return
	}
	c.taken = append(c.taken, r)
	list := r.Root.Get("rules")
	if selectors := r.Root.Path("aggregationRule", "clusterRoleSelectors"); !absent(selectors) {
		c.choose(selectors)
		list = nil
	}
	if list == nil {
		return
	}
	c.out.Items = append(c.out.Items, list.Items...)
	c.doubt(list)
}

// choose takes the ClusterRoles that one of the selectors selects.
func (c *collected) choose(selectors *resource.Node) {
	c.doubt(selectors)
	for _, from := range c.roles {
		if from.Kind != "ClusterRole" {
			continue
		}
		labels := wrap(from.Root.Path("metadata", "labels"))
		for _, s := range selectors.Items {
			switch v := selects(wrap(s), labels).(type) {
			case *types.Unknown:
				c.out.Partial = true
			case types.Bool:
				if v {
					c.take(from)
				}
			}
		}
	}
}

// doubt notes that the rules may be more than is known.
func (c *collected) doubt(n *resource.Node) {
	if n.Unknown || n.Partial {
		c.out.Partial, c.out.Why = true, n.Why
	}
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
