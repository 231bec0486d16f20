package rule

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// A check that looks at more than its own resource names the kinds that it
// looks at (links), so that the engine knows which changes bear on it. Its
// condition asks linked("Kind") for the resources of a kind beside its own, and
// refs(x) for the resources that an expression refers to.

// Names that no rule can write: the variable that linked expands to, and the
// function that refs expands to.
const (
	varLinked   = "@linked"
	varBefore   = "@linked_before"
	fnRefsField = "@refs_field"
)

// Linked gives the resources of a kind, as a check's Links spell it, that could
// stand in a relation with the resource at hand: those of its unit, on its side
// of the change.
type Linked func(kind string) []*resource.Resource

func linkOptions() []cel.EnvOption {
	dyn := cel.DynType
	return []cel.EnvOption{
		cel.Variable(varLinked, cel.MapType(cel.StringType, cel.ListType(dyn))),
		cel.Variable(varBefore, cel.MapType(cel.StringType, cel.ListType(dyn))),
		cel.Function(fnRefsField, cel.Overload("refs_field", []*cel.Type{dyn, dyn}, cel.ListType(cel.StringType),
			cel.BinaryBinding(refsField))),
		cel.Macros(
			cel.GlobalMacro("linked", 1, expandLinked(varLinked)),
			cel.GlobalMacro("linked_before", 1, expandLinked(varBefore)),
			cel.GlobalMacro("refs", 1, expandRefs),
		),
	}
}

func expandLinked(variable string) cel.MacroFactory {
	return func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		if args[0].Kind() != ast.LiteralKind {
			return nil, f.NewError(args[0].ID(), "linked takes a kind in quotes, one of the check's links")
		}
		return f.NewCall(operators.Index, f.NewIdent(variable), args[0]), nil
	}
}

// expandRefs makes refs(a.b), refs(a.?b) and refs(a["b"]) look at the field
// where it stands: a value alone does not know where it came from.
func expandRefs(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	switch arg := args[0]; arg.Kind() {
	case ast.SelectKind:
		if s := arg.AsSelect(); !s.IsTestOnly() {
			return f.NewCall(fnRefsField, f.Copy(s.Operand()), f.NewLiteral(types.String(s.FieldName()))), nil
		}
	case ast.CallKind:
		c := arg.AsCall()
		if len(c.Args()) == 2 && slices.Contains([]string{operators.Index, operators.OptSelect, operators.OptIndex}, c.FunctionName()) {
			return f.NewCall(fnRefsField, f.Copy(c.Args()[0]), f.Copy(c.Args()[1])), nil
		}
	}
	return nil, f.NewError(args[0].ID(), "refs takes a field, such as refs(it.?bucket)")
}

// refsField gives the addresses that a field's expression refers to, those of a
// list's items and a map's fields among them. A missing field refers to
// nothing. A value that is not known and of which no reference is known may
// refer to anything: unknown.
func refsField(of, key ref.Val) ref.Val {
	if o, ok := of.(*types.Optional); ok {
		if !o.HasValue() {
			return noRefs()
		}
		of = o.GetValue()
	}
	var n *resource.Node
	switch x := of.(type) {
	case mapVal:
		name, ok := key.(types.String)
		if !ok {
			return noRefs()
		}
		if n = x.n.Get(string(name)); n == nil && x.n.Partial {
			return unknownOf(x.n)
		}
	case listVal:
		if i, ok := key.(types.Int); ok && i >= 0 && int(i) < len(x.n.Items) {
			n = x.n.Items[i]
		}
	case *types.Unknown:
		return x
	}
	var out []string
	var blind *resource.Node
	resource.Walk(n, func(_ resource.Path, m *resource.Node) bool {
		out = append(out, m.Refs...)
		if m.Unknown && len(m.Refs) == 0 && blind == nil {
			blind = m
		}
		return len(out) < maxRefs
	})
	if blind != nil && len(out) == 0 {
		return unknownOf(blind)
	}
	slices.Sort(out)
	return types.NewStringList(types.DefaultTypeAdapter, slices.Compact(out))
}

// maxRefs bounds the references of one field.
const maxRefs = 1000

func noRefs() ref.Val { return types.NewStringList(types.DefaultTypeAdapter, []string{}) }

// linkedCall finds the kinds that an expression asks for.
var linkedCall = regexp.MustCompile(`\blinked(?:_before)?\(\s*["']([^"']*)["']\s*\)`)

// asked gives the kinds that a condition asks linked for, each once.
func asked(expr string) []string {
	if !strings.Contains(expr, "linked") {
		return nil
	}
	var out []string
	for _, m := range linkedCall.FindAllStringSubmatch(expr, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// linkedVal is the hidden variable behind linked(kind).
type linkedVal struct{ of Linked }

func (v linkedVal) Type() ref.Type { return types.MapType }
func (v linkedVal) Value() any     { return v.of }

func (v linkedVal) Find(key ref.Val) (ref.Val, bool) {
	kind, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	var out []ref.Val
	if v.of != nil {
		for _, r := range v.of(string(kind)) {
			out = append(out, neighbourVal{resourceVal{r}})
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out), true
}

func (v linkedVal) Get(key ref.Val) ref.Val {
	if x, ok := v.Find(key); ok {
		return x
	}
	return types.NewErr("no such key: %v", key)
}

func (v linkedVal) Contains(ref.Val) ref.Val  { return types.True }
func (v linkedVal) Size() ref.Val             { return types.Int(0) }
func (v linkedVal) Iterator() traits.Iterator { return &iterator{} }
func (v linkedVal) Equal(ref.Val) ref.Val     { return types.False }
func (v linkedVal) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("type conversion error")
}

func (v linkedVal) ConvertToNative(reflect.Type) (any, error) { return nil, errUnknown }

// neighbourVal is one entry of linked(kind): what the variable resource has,
// and object, the root.
type neighbourVal struct{ resourceVal }

func (v neighbourVal) Find(key ref.Val) (ref.Val, bool) {
	if key == types.String("object") {
		return wrap(v.r.Root), true
	}
	return v.resourceVal.Find(key)
}

func (v neighbourVal) Get(key ref.Val) ref.Val {
	if x, ok := v.Find(key); ok {
		return x
	}
	return types.NewErr("no such key: %v", key)
}

func (v neighbourVal) Contains(key ref.Val) ref.Val {
	_, ok := v.Find(key)
	return types.Bool(ok)
}

func (v neighbourVal) Equal(other ref.Val) ref.Val {
	o, ok := other.(neighbourVal)
	return types.Bool(ok && o.r == v.r)
}
