package rule

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Names of the functions that the macro json expands to; no rule can write them.
const (
	fnJSONField    = "@json_field"
	fnJSONOptField = "@json_opt_field"
)

// functions are the functions that rules have beside CEL's own.
// docs/rule-functions.md explains them to authors of rules.
func functions() []cel.EnvOption {
	dyn := cel.DynType
	return []cel.EnvOption{
		cel.Function("lst", cel.Overload("lst_dyn", []*cel.Type{dyn}, cel.ListType(dyn),
			cel.OverloadIsNonStrict(), cel.UnaryBinding(asList))),
		cel.Function("json", cel.Overload("json_dyn", []*cel.Type{dyn}, dyn, cel.UnaryBinding(parseJSON))),
		cel.Function(fnJSONField, cel.Overload("json_field", []*cel.Type{dyn, dyn}, dyn, cel.BinaryBinding(jsonField))),
		cel.Function(fnJSONOptField, cel.Overload("json_opt_field", []*cel.Type{dyn, dyn}, cel.OptionalType(dyn),
			cel.BinaryBinding(jsonOptField))),
		cel.Function("open_to_world", cel.Overload("open_to_world_dyn", []*cel.Type{dyn}, cel.BoolType,
			cel.UnaryBinding(anyString(openToWorld, couldBeWorld)))),
		cel.Function("cidr_public", cel.MemberOverload("dyn_cidr_public", []*cel.Type{dyn}, cel.BoolType,
			cel.UnaryBinding(anyString(publicCIDR, couldBePublic)))),
		cel.Function("image", cel.Overload("image_dyn", []*cel.Type{dyn}, cel.MapType(cel.StringType, cel.StringType),
			cel.UnaryBinding(imageOf))),
		cel.Function("secretish", cel.Overload("secretish_dyn_dyn", []*cel.Type{dyn, dyn}, cel.BoolType,
			cel.BinaryBinding(secretish))),
		cel.Function("stands_in", cel.Overload("stands_in_dyn", []*cel.Type{dyn}, cel.BoolType,
			cel.UnaryBinding(standsIn))),
		cel.Function("iam_match", cel.Overload("iam_match_dyn_string", []*cel.Type{dyn, dyn}, cel.BoolType,
			cel.BinaryBinding(iamMatch))),
		supportOptions(),
	}
}

// functionCosts counts our functions by the size of what they read.
type functionCosts struct{}

func (functionCosts) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	switch function {
	case "lst":
		return nil
	case "json", fnJSONField, fnJSONOptField, "open_to_world", "cidr_public", "image", "secretish", "stands_in", "iam_match", "selects", "pod_template",
		"ports_include":
		c := uint64(5)
		for _, a := range args {
			c += weight(a)
		}
		return &c
	}
	switch function {
	case "role_rules": // labels of every role, for every selector
		c := 20 + 20*weight(args[1])
		return &c
	case "iam_grants", "iam_actions", "iam_escalations", "iam_arns": // each goes through a table
		c := 2_000 + 100*weight(args[0])
		return &c
	}
	// CEL's own count asks for sizes, which a list or map that may hold more
	// does not have.
	for _, a := range args {
		if isPartial(a) {
			c := 10 + weight(a)
			return &c
		}
	}
	return nil
}

func isPartial(v ref.Val) bool {
	switch x := v.(type) {
	case listVal:
		return x.n.Partial
	case mapVal:
		return x.n.Partial
	}
	return false
}

// weight is about a tenth of the bytes or the number of items of a value.
func weight(v ref.Val) uint64 {
	switch x := v.(type) {
	case types.String:
		return uint64(len(x) / 10)
	case mapVal:
		w := uint64(len(x.n.Fields))
		for i := range x.n.Fields {
			if n := x.n.Fields[i].Node; n != nil {
				s, _ := n.Value.(string)
				w += uint64(len(s) / 10)
			}
		}
		return w
	case *types.Optional:
		if x.HasValue() {
			return weight(x.GetValue())
		}
	case listVal:
		return uint64(len(x.n.Items))
	case traits.Sizer:
		if n, ok := x.Size().(types.Int); ok {
			return uint64(n)
		}
	}
	return 1
}

// noItems is the empty list.
var noItems = listVal{&resource.Node{Kind: resource.List}}

// asList makes a list of a value that may stand alone: nothing, null and a
// missing key become the empty list, a list stays one, anything else its item.
func asList(v ref.Val) ref.Val {
	switch x := v.(type) {
	case *types.Unknown:
		return x
	case *types.Err:
		if missing(x) {
			return noItems
		}
		return x
	case *types.Optional:
		if !x.HasValue() {
			return noItems
		}
		return asList(x.GetValue())
	case traits.Lister:
		return x
	case types.Null:
		return noItems
	}
	return types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{v})
}

// missing reports whether an error says that something is not there, or is of
// another kind than the expression takes it for.
func missing(err error) bool {
	msg := err.Error()
	return strings.Contains(msg, "no such key") || strings.Contains(msg, "index out of bounds") ||
		strings.Contains(msg, "out of range in list") || strings.Contains(msg, "no such attribute") ||
		strings.Contains(msg, "optional.none() dereference")
}

// anyString lifts a predicate over strings to a string, a list of them or an
// optional: true if one item satisfies it, unknown if none does and one is
// unknown. What is not a string does not satisfy it. could says whether a text that
// is known in part may.
func anyString(pred func(string) bool, could func(parts []string, _ string) bool) func(ref.Val) ref.Val {
	return func(v ref.Val) ref.Val {
		switch x := asList(v).(type) {
		case listVal:
			for _, it := range x.n.Items {
				if it != nil && !it.Unknown {
					if s, ok := it.Value.(string); ok && pred(s) {
						return types.True
					}
				}
			}
			for _, it := range x.n.Items {
				if it != nil && it.Unknown && (len(it.Parts) == 0 || could(it.Parts, "")) {
					return unknownOf(it)
				}
			}
			if x.n.Partial {
				return unknownOf(x.n)
			}
		case traits.Lister:
			var unk *types.Unknown
			for it := x.Iterator(); it.HasNext() == types.True; {
				switch item := it.Next().(type) {
				case types.String:
					if pred(string(item)) {
						return types.True
					}
				case *types.Unknown:
					unk = types.MergeUnknowns(item, unk)
				}
			}
			return unknownOr(unk, types.False)
		case *types.Unknown, *types.Err:
			return x
		}
		return types.False
	}
}

// text gives the string of a value or of an optional of one.
func text(v ref.Val) (string, bool) {
	if o, ok := v.(*types.Optional); ok && o.HasValue() {
		v = o.GetValue()
	}
	s, ok := v.(types.String)
	return string(s), ok
}

// imageOf is image(x).
func imageOf(v ref.Val) ref.Val {
	s, ok := text(v)
	if !ok {
		return types.NewErr("no such overload: image")
	}
	img := ParseImage(s)
	return types.NewStringStringMap(types.DefaultTypeAdapter, map[string]string{
		"registry": img.Registry, "repository": img.Repository, "tag": img.Tag, "digest": img.Digest, "name": img.Name(),
	})
}

// iamMatch is iam_match(patterns, action).
func iamMatch(patterns, action ref.Val) ref.Val {
	a, ok := text(action)
	if !ok {
		return types.NewErr("no such overload: iam_match")
	}
	could := func(parts []string, _ string) bool { return couldMatch(parts, a) }
	return anyString(func(p string) bool { return iam.Match(p, a) }, could)(patterns)
}
