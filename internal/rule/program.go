package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Input is what the expressions of a check see. The zero values of It, Object,
// Old and Pod are null. One Input serves one evaluation at a time and can be
// used again.
type Input struct {
	It       *resource.Node // the item that the check is about
	Object   *resource.Node // the resource's root
	Old      *resource.Node // the root in the base, where there is one
	Pod      *resource.Node // the pod spec, for selections within one
	Group    string         // the list of the pod that It is in: containers, initContainers …
	Resource *resource.Resource
	Linked   Linked // the resources beside it; nil for none
	Before   Linked // those beside it on the other side of the change; nil for none
}

// ResolveName gives CEL a variable.
func (in *Input) ResolveName(name string) (any, bool) {
	switch name {
	case "it":
		return wrap(in.It), true
	case "object":
		return wrap(in.Object), true
	case "oldObject":
		return wrap(in.Old), true
	case "pod":
		return wrap(in.Pod), true
	case "group":
		return types.String(in.Group), true
	case "resource":
		if in.Resource == nil {
			return types.NullValue, true
		}
		return resourceVal{in.Resource}, true
	case varLinked:
		return linkedVal{in.Linked}, true
	case varBefore:
		return linkedVal{in.Before}, true
	}
	return nil, false
}

// Parent says that there is no outer scope.
func (in *Input) Parent() cel.Activation { return nil }

// Outcome is what a condition came to.
type Outcome struct {
	// Violated is true when the condition certainly holds.
	Violated bool
	// Unknown is true when it could not be decided; Why says what it depends on.
	Unknown bool
	Why     string
}

// Program is a compiled check. It is safe for concurrent use.
type Program struct {
	fail    cel.Program
	message func() (*Template, error) // compiled for the first violation
	fill    func() (*filler, error)   // so is this
	each    Selector
	at      resource.Path
}

// At is the path of the setting, relative to the item.
func (p *Program) At() resource.Path { return p.at }

// Each is the path that selects the items; nil for the root and for the
// selections that have a name.
func (p *Program) Each() Selector { return p.each }

// Fail evaluates the condition. What is missing, or of another kind than the
// condition takes it for, is no violation.
func (p *Program) Fail(in *Input) Outcome {
	out, _, err := p.fail.Eval(in)
	if err != nil {
		return outcomeOf(err)
	}
	switch v := out.(type) {
	case types.Bool:
		return Outcome{Violated: bool(v)}
	case *types.Unknown:
		return Outcome{Unknown: true, Why: whyOf(v)}
	}
	return Outcome{Unknown: true, Why: "the rule's condition gave no yes or no"}
}

// Message renders the message for an item. The error says what is wrong with
// the template.
func (p *Program) Message(in *Input) (string, error) {
	t, err := p.message()
	if err != nil {
		return "", err
	}
	return t.Render(in), nil
}

// OverCost is why a condition that took too long is not known.
const OverCost = "the rule's condition exceeds its cost limit"

// outcomeOf sorts what CEL calls errors. Types that don't fit are those of the
// resource, since the rule itself was checked; they are nobody's violation.
func outcomeOf(err error) Outcome {
	msg := err.Error()
	switch {
	case errors.Is(err, errUnknown), strings.Contains(msg, errUnknown.Error()), strings.Contains(msg, "join: invalid input"):
		return Outcome{Unknown: true, Why: noWhy}
	case strings.Contains(msg, "cost limit exceeded"):
		return Outcome{Unknown: true, Why: OverCost}
	case strings.Contains(msg, "internal error"):
		return Outcome{Unknown: true, Why: "the rule's condition cannot be evaluated on this value"}
	}
	return Outcome{}
}

// maxWhys bounds how many reasons are named.
const maxWhys = 3

// whyOf names what an unknown depends on.
func whyOf(u *types.Unknown) string {
	var whys []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			whys = append(whys, t.Variable())
		}
	}
	slices.Sort(whys)
	whys = slices.Compact(whys)
	if more := len(whys) - maxWhys; more > 0 {
		whys = append(whys[:maxWhys], fmt.Sprintf("%d more", more))
	}
	return strings.Join(whys, ", ")
}

// seal prepares the lazy programs. It must be called before the rule is shared.
func (r *Rule) seal() *Rule {
	r.programs = make([]func() (*Program, error), len(r.Checks))
	for i := range r.Checks {
		r.programs[i] = sync.OnceValues(func() (*Program, error) { return r.compileCheck(i) })
	}
	return r
}

// Program gives the compiled form of a check of a rule that Load or New made;
// it is compiled once, on first use. A rule that was put together by hand is
// compiled at each call.
func (r *Rule) Program(check int) (*Program, error) {
	if check < 0 || check >= len(r.Checks) {
		return nil, fmt.Errorf("rule %s has no check %d", r.ID, check)
	}
	if check < len(r.programs) {
		return r.programs[check]()
	}
	return r.compileCheck(check)
}

func (r *Rule) compileCheck(i int) (*Program, error) {
	p, ds := r.compileParts(&r.Checks[i])
	if len(ds) > 0 {
		return nil, fmt.Errorf("rule %s: %s", r.ID, ds[0])
	}
	return p, nil
}

// compileParts compiles a check but for its message, and says all that is wrong
// with it.
func (r *Rule) compileParts(c *Check) (*Program, source.Diagnostics) {
	var ds source.Diagnostics
	p := &Program{}
	p.message = sync.OnceValues(func() (*Template, error) {
		t, err := ParseTemplate(c.Message, r.Limited)
		if err != nil {
			return nil, fmt.Errorf("rule %s: message: %w", r.ID, err)
		}
		return t, nil
	})
	p.fill = sync.OnceValues(func() (*filler, error) {
		f, err := newFiller(c, r.Limited)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		return f, nil
	})
	fail, iss, err := compile(c.Fail, r.Limited)
	switch {
	case err != nil:
		ds.Errorf(r.File, c.failAt.line, "fail: %v", err)
	case iss != nil:
		exprIssues(&ds, r.File, "fail", c.Fail, c.failAt, iss)
	}
	p.fail = fail
	if _, named := Selections(c.Platform)[c.Each]; !named {
		if p.each, err = ParseSelector(c.Each); err != nil {
			ds.Errorf(r.File, c.Line, "each: %v", err)
		}
	}
	if p.at, err = ParsePath(c.At); err != nil {
		ds.Errorf(r.File, c.Line, "at: %v", err)
	}
	return p, ds
}

// exprIssues says what CEL finds wrong in an expression, at the line and column of
// the file where it stands.
func exprIssues(ds *source.Diagnostics, file, key, expr string, at exprPlace, iss *cel.Issues) {
	for i, e := range iss.Errors() {
		if i == 5 {
			break
		}
		line, column := at.of(expr, e.Location.Line(), e.Location.Column())
		if column == 0 {
			ds.Errorf(file, line, "%s: %s", key, firstLine(e.Message))
			continue
		}
		ds.Errorf(file, line, "%s: %s (column %d)", key, firstLine(e.Message), column)
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// Check compiles every expression of the rule and says what is wrong with it.
func (r *Rule) Check() source.Diagnostics {
	var ds source.Diagnostics
	for i := range r.Checks {
		c := &r.Checks[i]
		_, d := r.compileParts(c)
		ds = append(ds, d...)
		if _, err := ParseTemplate(c.Message, r.Limited); err != nil {
			ds.Errorf(r.File, c.messageAt.line, "message: %v", err)
		}
		if _, err := newFiller(c, r.Limited); err != nil {
			ds.Errorf(r.File, c.Line, "%v", err)
		}
	}
	return ds
}

// Platforms are those that the rule has checks for, in the order of Platforms.
func (r *Rule) Platforms() []string {
	var out []string
	for _, p := range Platforms() {
		if slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Platform == p }) {
			out = append(out, p)
		}
	}
	return out
}

// Fixable reports whether a check of the rule has a fix.
func (r *Rule) Fixable() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Fix != nil })
}

// compareIDs orders rules by id.
func compareIDs(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) }
