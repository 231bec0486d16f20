package rule

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// What given and known expand to; no rule can write these names.
const (
	fnGivenField = "@given_field"
	fnKnownField = "@known_field"
)

func givenOptions() []cel.EnvOption {
	field := func(name, overload string, impl func(of, key ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(overload, []*cel.Type{cel.DynType, cel.DynType}, cel.BoolType,
			cel.OverloadIsNonStrict(), cel.BinaryBinding(impl)))
	}
	return []cel.EnvOption{
		field(fnGivenField, "given_field", givenField),
		field(fnKnownField, "known_field", knownField),
		cel.Macros(
			cel.GlobalMacro("given", 1, expandField("given", fnGivenField)),
			cel.GlobalMacro("known", 1, expandField("known", fnKnownField)),
		),
	}
}

// expandField makes name(a.b), name(a.?b) and name(a["b"]) a call that looks at
// the field where it stands.
func expandField(name, function string) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		switch arg := args[0]; arg.Kind() {
		case ast.SelectKind:
			if s := arg.AsSelect(); !s.IsTestOnly() {
				return f.NewCall(function, f.Copy(s.Operand()), f.NewLiteral(types.String(s.FieldName()))), nil
			}
		case ast.CallKind:
			c := arg.AsCall()
			if len(c.Args()) == 2 && slices.Contains([]string{operators.Index, operators.OptSelect, operators.OptIndex}, c.FunctionName()) {
				return f.NewCall(function, f.Copy(c.Args()[0]), f.Copy(c.Args()[1])), nil
			}
		}
		return nil, f.NewError(args[0].ID(), name+" takes a field, such as "+name+"(it.?kms_key_id)")
	}
}

// fieldNode gives the node of a field, nil where there is none; ok is false
// where it is not known whether there is one, and unk then says why.
func fieldNode(of, key ref.Val) (n *resource.Node, unk ref.Val) {
	switch x := of.(type) {
	case *types.Unknown:
		return nil, x
	case *types.Optional:
		if !x.HasValue() {
			return nil, nil
		}
		return fieldNode(x.GetValue(), key)
	case mapVal:
		name, ok := key.(types.String)
		if !ok {
			return nil, nil
		}
		if n := x.n.Get(string(name)); n != nil {
			return n, nil
		}
		if x.n.Partial {
			return nil, unknownOf(x.n)
		}
	case listVal:
		i, ok := key.(types.Int)
		if ok && i >= 0 && int(i) < len(x.n.Items) {
			return x.n.Items[i], nil
		}
		if x.n.Partial {
			return nil, unknownOf(x.n)
		}
	}
	return nil, nil
}

// givenField reports whether a field is set to something. A value that is known
// only once it is applied is something where its expression names a resource or
// where some of its text is known; else it may still be null.
func givenField(of, key ref.Val) ref.Val {
	n, unk := fieldNode(of, key)
	switch {
	case unk != nil:
		return unk
	case n == nil:
		return types.False
	case n.Unknown && len(n.Refs)+len(n.Parts) == 0:
		return unknownOf(n)
	case n.Unknown:
		return types.True
	}
	switch n.Kind {
	case resource.Null:
		return types.False
	case resource.String:
		return types.Bool(n.Value != "")
	case resource.List, resource.Map:
		if len(n.Items)+len(n.Fields) == 0 && n.Partial {
			return unknownOf(n)
		}
		return types.Bool(len(n.Items)+len(n.Fields) > 0)
	}
	return types.True
}

// knownField reports whether a field's value is written out. It is never
// unknown itself.
func knownField(of, key ref.Val) ref.Val {
	n, unk := fieldNode(of, key)
	return types.Bool(unk == nil && n != nil && !n.Unknown && n.Kind != resource.Null)
}
