package rule

import (
	"regexp/syntax"
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Bounds of what a text that is known in part is matched with.
const (
	maxMatchInst = 2000 // instructions of a pattern
	maxMatchText = 4096 // bytes that are known of the text
)

// matchCall is "x.matches(constant)", with x as it stands in the tree.
type matchCall struct{ partsCall }

// newMatchCall gives the call itself where the pattern is no constant.
func newMatchCall(call interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	c, ok := call.Args()[1].(interpreter.InterpretableConst)
	if !ok {
		return call, nil
	}
	pattern, ok := c.Value().(types.String)
	if !ok {
		return call, nil
	}
	fast, err := interpreter.MatchesRegexOptimization.Factory(call, string(pattern))
	if err != nil {
		return nil, err
	}
	compiled := sync.OnceValue(func() *syntax.Prog { return progOf(string(pattern)) })
	return matchCall{partsCall{fast, func(a, _ ref.Val) ref.Val {
		parts, _ := partsOf(a)
		if parts == nil {
			return nil
		}
		switch partsMatch(parts, compiled()) {
		case resource.Yes:
			return types.True
		case resource.No:
			return types.False
		}
		return nil
	}}}, nil
}

// Args hides that the pattern is a constant from CEL's own optimisation, which
// would put a call of its own in the place of this one.
func (m matchCall) Args() []interpreter.InterpretableV2 {
	args := m.partsCall.Args()
	return []interpreter.InterpretableV2{args[0], struct{ interpreter.InterpretableV2 }{args[1]}}
}

// progOf compiles a pattern; nil for one that is too large.
func progOf(pattern string) *syntax.Prog {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > maxMatchInst {
		return nil
	}
	return prog
}

// partsMatch says whether a pattern matches somewhere in every text that has the
// parts, or in none. Of a match that would reach over what is not known it is
// certain only that there is none.
func partsMatch(parts []string, prog *syntax.Prog) resource.Truth {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if prog == nil || n > maxMatchText {
		return resource.Undecided
	}
	last := len(parts) - 1
	for i, p := range parts {
		m := newMatching(prog)
		if m.run(p, edge{text: i == 0}, edge{text: i == last}); m.matched {
			return resource.Yes
		}
	}
	m := newMatching(prog)
	for i, p := range parts {
		before, after := edge{text: i == 0, flags: holeFlags(parts, i-1)}, edge{text: i == last, flags: holeFlags(parts, i)}
		m.run(p, before, after)
		if i < last {
			m.anything(after.flags)
		}
	}
	if m.matched {
		return resource.Undecided
	}
	return resource.No
}

// edge is where a part begins or ends: with the text itself, or at a hole, of
// which flags says what may be true there.
type edge struct {
	text  bool
	flags syntax.EmptyOp
}

// holeFlags are the conditions that may hold at either side of the hole behind
// a part. A hole may be empty.
func holeFlags(parts []string, before int) syntax.EmptyOp {
	flags := syntax.EmptyBeginLine | syntax.EmptyEndLine | syntax.EmptyBeginText | syntax.EmptyEndText | syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	for i, p := range parts {
		switch {
		case p == "":
		case i <= before:
			flags &^= syntax.EmptyBeginText
		default:
			flags &^= syntax.EmptyEndText
		}
	}
	return flags
}

// matching follows all ways through a pattern at once.
type matching struct {
	prog    *syntax.Prog
	now     []bool   // the instructions that wait for a character, by number
	next    []uint32 // where those lead to
	matched bool
}

func newMatching(prog *syntax.Prog) *matching {
	return &matching{prog: prog, now: make([]bool, len(prog.Inst))}
}

// run reads a part, a match of which may begin anywhere.
func (m *matching) run(part string, before, after edge) {
	prev := rune(-1)
	for i, r := range part {
		flags := syntax.EmptyOpContext(prev, r)
		if i == 0 && !before.text {
			flags = before.flags
		}
		m.enter(flags)
		m.step(func(in *syntax.Inst) bool { return in.MatchRune(r) })
		prev = r
	}
	switch {
	case after.text && part == "" && !before.text:
		m.enter(before.flags)
	case after.text:
		m.enter(syntax.EmptyOpContext(prev, -1))
	default:
		m.enter(after.flags)
	}
}

// anything reads what is not known: any characters, or none.
func (m *matching) anything(flags syntax.EmptyOp) {
	reached := make([]bool, len(m.prog.Inst))
	for grown := true; grown; {
		grown = false
		for pc, waits := range m.now {
			if waits && !reached[pc] {
				reached[pc], grown = true, true
			}
		}
		all := m.next
		m.step(func(*syntax.Inst) bool { return true })
		m.next = append(all, m.next...)
		m.enter(flags)
	}
	// What was passed on the way may be where the next part begins.
	for pc, was := range reached {
		if was {
			m.next = append(m.next, uint32(pc))
		}
	}
}

// enter takes the places that were reached, and the start of the pattern, on to
// the instructions that wait for a character.
func (m *matching) enter(flags syntax.EmptyOp) {
	clear(m.now)
	seen := make([]bool, len(m.prog.Inst))
	todo := append(m.next, uint32(m.prog.Start))
	m.next = nil
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &m.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^flags == 0 {
				todo = append(todo, in.Out)
			}
		case syntax.InstMatch:
			m.matched = true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			m.now[pc] = true
		}
	}
}

// step goes behind the instructions whose character comes.
func (m *matching) step(comes func(*syntax.Inst) bool) {
	for pc, waits := range m.now {
		if in := &m.prog.Inst[pc]; waits && comes(in) {
			m.next = append(m.next, in.Out)
		}
	}
}
