package rule

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/interpreter"
)

// Bounds for rules from outside the program. A rule of the catalogue costs a
// few hundred at most.
const (
	limitedCost       = 200_000
	maxExpressionSize = 8_000 // code points
)

// environment is the one CEL environment of all rules. It is built on first
// use and not changed afterwards.
var environment = sync.OnceValues(newEnvironment)

func newEnvironment() (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.Variable("it", cel.DynType),
		cel.Variable("object", cel.DynType),
		cel.Variable("oldObject", cel.DynType),
		cel.Variable("resource", cel.DynType),
		cel.Variable("pod", cel.DynType),
		cel.Variable("group", cel.StringType),
		cel.OptionalTypes(),
		ext.Strings(),
		ext.Lists(),
		ext.Sets(),
		ext.Bindings(),
		ext.TwoVarComprehensions(),
		cel.ParserExpressionSizeLimit(maxExpressionSize),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
		cel.Macros(cel.GlobalMacro("json", 1, expandJSON)),
	}
	opts = append(opts, functions()...)
	opts = append(opts, selectorOptions()...)
	opts = append(opts, givenOptions()...)
	opts = append(opts, portOption())
	opts = append(opts, iamOptions()...)
	return cel.NewEnv(append(opts, linkOptions()...)...)
}

// expandJSON makes json(a.b), json(a.?b) and json(a["b"]) look into the field
// where it stands, since only there is the tree known that its reader kept.
// Any other argument is left to the function json.
func expandJSON(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	arg := args[0]
	switch arg.Kind() {
	case ast.SelectKind:
		if s := arg.AsSelect(); !s.IsTestOnly() {
			return f.NewCall(fnJSONField, f.Copy(s.Operand()), f.NewLiteral(types.String(s.FieldName()))), nil
		}
	case ast.CallKind:
		c := arg.AsCall()
		if len(c.Args()) == 2 {
			switch c.FunctionName() {
			case operators.Index:
				return f.NewCall(fnJSONField, f.Copy(c.Args()[0]), f.Copy(c.Args()[1])), nil
			case operators.OptSelect, operators.OptIndex:
				return f.NewCall(fnJSONOptField, f.Copy(c.Args()[0]), f.Copy(c.Args()[1])), nil
			}
		}
	}
	return nil, nil
}

// compile checks and plans one expression.
func compile(expr string, limited bool) (cel.Program, *cel.Issues, error) {
	env, err := environment()
	if err != nil {
		return nil, nil, err
	}
	checked, iss := env.Compile(expr)
	if iss.Err() != nil {
		return nil, iss, nil
	}
	standing := asItStands(checked.NativeRep().Expr())
	opts := []cel.ProgramOption{
		cel.EvalOptions(cel.OptOptimize),
		cel.CustomDecoratorV2(soundNotEqual(standing)),
		cel.CustomDecoratorV2(knowingParts(standing)),
	}
	if limited {
		opts = append(opts, cel.CostLimit(limitedCost), cel.CostTracking(functionCosts{}))
	}
	p, err := env.Program(checked, opts...)
	return p, nil, err
}

// soundNotEqual replaces CEL's != : its own takes a comparison of two lists or
// maps whose outcome is unknown for a difference.
func soundNotEqual(standing map[int64]uint8) interpreter.InterpretableDecoratorV2 {
	return func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		call, ok := i.(interpreter.InterpretableCall)
		if !ok || call.Function() != operators.NotEquals || len(call.Args()) != 2 {
			return i, nil
		}
		return notEqual{call, standing[call.ID()]}, nil
	}
}

type notEqual struct {
	interpreter.InterpretableCall
	standing uint8
}

func (ne notEqual) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := ne.Args()
	a := args[0].Exec(frame)
	if types.IsError(a) {
		return a
	}
	b := args[1].Exec(frame)
	if types.IsError(b) {
		return b
	}
	unk, equal := equalUnder(nil, a, b)
	if unk != nil && ne.decided(a, b) {
		unk, equal = nil, false
	}
	res := unknownOr(unk, types.Bool(!equal))
	if costs := frame.CostTracker(); costs != nil {
		costs.EvalBinary(frame, ne.ID(), ne, a, b, res)
	}
	return res
}

// decided reports whether what is known of a text tells it from another.
func (ne notEqual) decided(a, b ref.Val) bool {
	return (ne.standing&1 != 0 && types.IsUnknown(a) || ne.standing&2 != 0 && types.IsUnknown(b)) && equalParts(a, b) == types.False
}

func (ne notEqual) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, ne.Exec)
}
