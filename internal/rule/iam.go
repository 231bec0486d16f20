package rule

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// maxActions bounds the actions that iam_actions gives; a message names a few.
const maxActions = 20

// iamOptions are the functions that ask about one statement of a policy, as the
// selections statements and grants give it.
func iamOptions() []cel.EnvOption {
	dyn, list := cel.DynType, cel.ListType(cel.StringType)
	one := func(name string, result *cel.Type, impl func(st *resource.Node) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{dyn}, result, cel.UnaryBinding(func(v ref.Val) ref.Val {
			st, ok := v.(mapVal)
			if !ok {
				return types.NewErr("no such overload: %s", name)
			}
			return impl(st.n)
		})))
	}
	two := func(name string, impl func(st *resource.Node, arg string) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_dyn_string", []*cel.Type{dyn, cel.StringType}, list, cel.BinaryBinding(func(v, arg ref.Val) ref.Val {
			st, ok := v.(mapVal)
			s, isText := arg.(types.String)
			if !ok || !isText {
				return types.NewErr("no such overload: %s", name)
			}
			return impl(st.n, string(s))
		})))
	}
	decide := func(f func(*resource.Node) iam.Verdict) func(*resource.Node) ref.Val {
		return func(st *resource.Node) ref.Val {
			switch f(st) {
			case iam.Yes:
				return types.True
			case iam.No:
				return types.False
			}
			return unknownOf(firstUnknown(st))
		}
	}
	return []cel.EnvOption{
		one("iam_wide", cel.BoolType, decide(iam.Wide)),
		one("iam_narrowed", cel.BoolType, decide(iam.Narrowed)),
		one("iam_public", cel.BoolType, decide(iam.Public)),
		one("iam_unbound", list, func(st *resource.Node) ref.Val {
			out, more := iam.Unbound(st)
			return texts(st, out, more)
		}),
		one("iam_escalations", list, func(st *resource.Node) ref.Val {
			out, more := iam.Escalations(st, st.Get("Policy"))
			return texts(st, out, more)
		}),
		two("iam_actions", func(st *resource.Node, category string) ref.Val {
			if !slices.Contains(iam.Categories(), iam.Category(category)) {
				return types.NewErr("iam_actions knows no category %q", category)
			}
			out, more := iam.Granted(st, st.Get("Policy"), iam.Category(category), maxActions)
			return texts(st, out, more)
		}),
		two("iam_principals", func(st *resource.Node, typ string) ref.Val {
			out, more := iam.Principals(st, typ)
			return texts(st, out, more)
		}),
		two("iam_condition", func(st *resource.Node, key string) ref.Val {
			out, more := iam.Values(st, key)
			return texts(st, out, more)
		}),
		cel.Function("iam_arns", cel.Overload("iam_arns_dyn", []*cel.Type{dyn}, list, cel.UnaryBinding(arns))),
		cel.Function("iam_grants", cel.Overload("iam_grants_dyn_string", []*cel.Type{dyn, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(v, action ref.Val) ref.Val {
				st, ok := v.(mapVal)
				a, isText := action.(types.String)
				if !ok || !isText {
					return types.NewErr("no such overload: iam_grants")
				}
				return decide(func(n *resource.Node) iam.Verdict { return iam.Grants(n, n.Get("Policy"), string(a)) })(st.n)
			}))),
	}
}

// arns gives the forms of the names of what a list of actions is for.
func arns(v ref.Val) ref.Val {
	l, ok := v.(traits.Lister)
	if !ok {
		return types.NewErr("no such overload: iam_arns")
	}
	var actions []string
	for it := l.Iterator(); it.HasNext() == types.True; {
		switch x := it.Next().(type) {
		case types.String:
			actions = append(actions, string(x))
		case *types.Unknown:
			return x
		}
	}
	return types.DefaultTypeAdapter.NativeToValue(iam.ARNs(actions))
}

// texts gives a list of texts that may hold more than is known.
func texts(st *resource.Node, list []string, more bool) ref.Val {
	out := &resource.Node{Kind: resource.List, Partial: more}
	for _, s := range list {
		out.Items = append(out.Items, &resource.Node{Kind: resource.String, Value: s})
	}
	if more {
		out.Why = firstUnknown(st).Why
	}
	return listVal{out}
}

// firstUnknown gives the first part of a statement that is not known in full. Of
// one that was made of a binding or assignment only what was made counts.
func firstUnknown(st *resource.Node) *resource.Node {
	if st.Get("Cloud") != nil {
		made := &resource.Node{Kind: resource.Map}
		for _, name := range [...]string{"Action", "Scope", "Condition", "Principal", "Policy"} {
			made.Fields = append(made.Fields, resource.Field{Name: name, Node: st.Get(name)})
		}
		st = made
	}
	found := &resource.Node{}
	resource.Walk(st, func(_ resource.Path, m *resource.Node) bool {
		if found.Why == "" && (m.Unknown || m.Partial) {
			found = m
		}
		return found.Why == ""
	})
	return found
}
