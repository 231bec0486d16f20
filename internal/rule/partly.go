package rule

import (
	"hash/fnv"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// A text may be known in part: "arn:aws:s3:::${x}/*" is not "*", whatever x is.
// CEL knows values and unknowns, nothing between. So an unknown carries its parts
// along, and the operators that can decide by them look at those. An operation on
// an unknown gives back the unknown as it is, parts and all, though they are no
// longer those of the result; an operand counts only where it is a field, an item
// or an optional of one, as it stands in the tree.

// unknownParts makes an Unknown of which some text is known.
func unknownParts(why string, parts []string) *types.Unknown {
	h := fnv.New64a()
	h.Write([]byte(why))
	trail := types.NewAttributeTrail(why)
	for _, p := range parts {
		h.Write([]byte{0})
		h.Write([]byte(p))
		trail = types.QualifyAttribute(trail, p)
	}
	return types.NewUnknown(int64(h.Sum64()>>1), trail)
}

// partsOf gives what is known of an unknown text, and why it is unknown.
func partsOf(v ref.Val) (parts []string, why string) {
	u, ok := v.(*types.Unknown)
	if !ok {
		return nil, ""
	}
	ids := u.IDs()
	if len(ids) != 1 {
		return nil, ""
	}
	trails, _ := u.GetAttributeTrails(ids[0])
	if len(trails) != 1 {
		return nil, ""
	}
	for _, q := range trails[0].QualifierPath() {
		s, ok := q.(string)
		if !ok {
			return nil, ""
		}
		parts = append(parts, s)
	}
	return parts, trails[0].Variable()
}

// asItStands finds the operands of an expression that are values as they stand
// in the tree: by the id of the call, a bit for each operand.
func asItStands(root ast.Expr) map[int64]uint8 {
	out := map[int64]uint8{}
	made := map[string]bool{} // variables that hold what an expression gave
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			made[e.AsComprehension().AccuVar()] = true
		}
	}))
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		c := e.AsCall()
		args := c.Args()
		if c.IsMemberFunction() {
			args = append([]ast.Expr{c.Target()}, args...)
		}
		if len(args) > 2 {
			return
		}
		var bits uint8
		plain := true
		for i, a := range args {
			if stands(a, made) {
				bits |= 1 << i
			} else {
				plain = plain && a.Kind() == ast.LiteralKind
			}
		}
		// Operands are evaluated a second time; those that take long are left alone.
		if plain || c.FunctionName() == operators.In || c.FunctionName() == operators.NotEquals {
			out[e.ID()] = bits
		}
	}))
	return out
}

func stands(e ast.Expr, made map[string]bool) bool {
	switch e.Kind() {
	case ast.IdentKind:
		return !made[e.AsIdent()]
	case ast.SelectKind:
		return !e.AsSelect().IsTestOnly() && stands(e.AsSelect().Operand(), made)
	case ast.CallKind:
		c := e.AsCall()
		args := c.Args()
		switch c.FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
			return len(args) == 2 && args[1].Kind() == ast.LiteralKind && stands(args[0], made)
		case "orValue":
			return c.IsMemberFunction() && len(args) == 1 && args[0].Kind() == ast.LiteralKind && stands(c.Target(), made)
		}
	}
	return false
}

// knowingParts makes the calls of an expression decide by what is known of a
// text.
func knowingParts(standing map[int64]uint8) interpreter.InterpretableDecoratorV2 {
	return func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		call, ok := i.(interpreter.InterpretableCall)
		if !ok || standing[call.ID()] == 0 {
			return i, nil
		}
		first := standing[call.ID()]&1 != 0
		switch f := call.Function(); {
		case len(call.Args()) == 1 && first && f == "lst":
			return partsCall{call, listOfParts}, nil
		case len(call.Args()) == 1 && first && f == "cidr_public":
			return partsCall{call, func(v, _ ref.Val) ref.Val { return neverTrue(v, "", couldBePublic) }}, nil
		case len(call.Args()) == 1 && first && f == "open_to_world":
			return partsCall{call, func(v, _ ref.Val) ref.Val { return neverTrue(v, "", couldBeWorld) }}, nil
		case len(call.Args()) != 2:
		case f == operators.Equals:
			return partsCall{call, equalStanding(standing[call.ID()])}, nil
		case !first:
		case f == operators.In:
			return newMemberOf(call), nil
		case f == "startsWith":
			return partsCall{call, decideBy(resource.PartsHavePrefix)}, nil
		case f == "endsWith":
			return partsCall{call, decideBy(resource.PartsHaveSuffix)}, nil
		case f == "contains":
			return partsCall{call, decideBy(resource.PartsContain)}, nil
		case f == "matches":
			return newMatchCall(call)
		case f == "iam_match":
			return partsCall{call, func(v, action ref.Val) ref.Val {
				a, _ := text(action)
				return neverTrue(v, a, couldMatch)
			}}, nil
		}
		return i, nil
	}
}

// partsCall is a call that asks decide where its operands leave it unknown;
// decide gives nil where the parts don't help. It evaluates its operands again
// for that: they are look-ups.
type partsCall struct {
	interpreter.InterpretableCall
	decide func(a, b ref.Val) ref.Val
}

func (c partsCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	res := c.InterpretableCall.Exec(frame)
	if !types.IsUnknown(res) {
		return res
	}
	args := c.Args()
	a := args[0].Exec(frame)
	var b ref.Val
	if len(args) == 2 {
		b = args[1].Exec(frame)
	}
	if v := c.decide(a, b); v != nil {
		return v
	}
	return res
}

func (c partsCall) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

// decideBy makes a decision of a question about parts and a text.
func decideBy(ask func([]string, string) resource.Truth) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		parts, _ := partsOf(a)
		s, ok := b.(types.String)
		if parts == nil || !ok {
			return nil
		}
		switch ask(parts, string(s)) {
		case resource.Yes:
			return types.True
		case resource.No:
			return types.False
		}
		return nil
	}
}

// equalStanding decides == by an operand that stands in the tree.
func equalStanding(standing uint8) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		if standing&1 != 0 && types.IsUnknown(a) || standing&2 != 0 && types.IsUnknown(b) {
			return equalParts(a, b)
		}
		return nil
	}
}

// equalParts decides ==, whichever side is known in part.
func equalParts(a, b ref.Val) ref.Val {
	if types.IsUnknown(b) {
		a, b = b, a
	}
	return decideBy(resource.PartsEqual)(a, b)
}

// neverTrue is false where could says that no text with the parts of an
// operand, or of the items of a list, satisfies a predicate.
func neverTrue(v ref.Val, arg string, could func(parts []string, arg string) bool) ref.Val {
	if o, ok := v.(*types.Optional); ok && o.HasValue() {
		v = o.GetValue()
	}
	if parts, _ := partsOf(v); parts != nil && !could(parts, arg) {
		return types.False
	}
	return nil
}

// couldMatch says whether a pattern of IAM of which parts are known could match
// an action: what is not known could be a star.
func couldMatch(parts []string, action string) bool {
	return iam.Match(strings.Join(parts, "*"), action)
}

// lengthOf gives what the end of a text says about the prefix length of a CIDR:
// -1 where it leaves it open.
func lengthOf(parts []string) int {
	last := strings.TrimSpace(parts[len(parts)-1])
	_, bits, ok := strings.Cut(last, "/")
	if !ok {
		return -1
	}
	n, err := strconv.Atoi(bits)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// couldBeWorld says whether a text could be a CIDR of the whole internet.
func couldBeWorld(parts []string, _ string) bool { return lengthOf(parts) <= worldBits }

// couldBePublic says whether a text could be a CIDR that reaches beyond the
// ranges for private use.
func couldBePublic(parts []string, _ string) bool {
	start, bits := strings.TrimSpace(parts[0]), lengthOf(parts)
	for _, r := range [...]struct {
		start string
		bits  int
	}{{"10.", 8}, {"127.", 8}, {"192.168.", 16}, {"169.254.", 16}} {
		if strings.HasPrefix(start, r.start) && bits >= r.bits {
			return false
		}
	}
	for second := 16; second < 32; second++ {
		if strings.HasPrefix(start, "172."+strconv.Itoa(second)+".") && bits >= 12 {
			return false
		}
	}
	return true
}

// listOfParts is lst of a text that is known in part: text is no list.
func listOfParts(v, _ ref.Val) ref.Val {
	parts, why := partsOf(v)
	if parts == nil {
		return nil
	}
	item := &resource.Node{Kind: resource.String, Unknown: true, Why: why, Parts: parts}
	return listVal{&resource.Node{Kind: resource.List, Items: []*resource.Node{item}}}
}

var stringsType = reflect.TypeFor[[]string]()

// memberOf is "x in [constants]", with x as it stands in the tree.
type memberOf struct {
	interpreter.InterpretableCall
	of map[types.String]bool
}

// newMemberOf gives the call itself where the list is not one of constant texts.
func newMemberOf(call interpreter.InterpretableCall) interpreter.InterpretableV2 {
	c, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return call
	}
	texts, err := c.Value().ConvertToNative(stringsType)
	if err != nil {
		return call
	}
	m := memberOf{call, map[types.String]bool{}}
	for _, s := range texts.([]string) {
		m.of[types.String(s)] = true
	}
	return m
}

// OverloadID hides the call from CEL's own optimisation, which is the same but
// for texts that are known in part.
func (memberOf) OverloadID() string { return "" }

func (m memberOf) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := m.Args()[0].Exec(frame)
	switch x := v.(type) {
	case types.String:
		return types.Bool(m.of[x])
	case *types.Err:
		return x
	case *types.Unknown:
		parts, _ := partsOf(x)
		if parts == nil {
			return x
		}
		for s := range m.of {
			if resource.PartsEqual(parts, string(s)) != resource.No {
				return x
			}
		}
	}
	return types.False
}

func (m memberOf) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, m.Exec)
}
