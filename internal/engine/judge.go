package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// changeResult is what judging one change gives.
type changeResult struct {
	findings []Finding
	unknown  []NotEvaluated
	diags    source.Diagnostics
	partial  string // a unit of which checks with links were left out
}

// judge judges one change after the other. One goroutine uses it.
type judge struct {
	run   *run
	input rule.Input
	sets  []itemSet // selections of the resource at hand, reused
}

// violation is a finding on one side, before it is compared with the other.
type violation struct {
	check   activeCheck
	program *rule.Program
	item    item
	stable  string // path of item and setting that survives reordering
	// over is set where a rule that takes this one's findings over has one of the
	// same setting: it is compared with the other side, and not said.
	over bool
}

// setting is the path of the setting within the item.
func (v violation) setting() resource.Path { return v.program.At() }

// maxViolations bounds the violations of one check in one resource, and what it
// could not decide there; nobody reads more.
const maxViolations = 200

// side is one side of a change, judged.
type side struct {
	res        *resource.Resource
	near       rule.Linked    // the resources beside it, on its side
	across     rule.Linked    // those beside it on the other side
	pod        *resource.Node // the only pod spec of res; nil where there is none, or more
	violations []violation
	unknown    []NotEvaluated
	// places are the items of the checks that were asked for, by the stable
	// path of the setting.
	places map[activeCheck]map[string][]item
}

// itemsAt gives the items of this side at the violation's stable path.
func (s *side) itemsAt(v violation) []item {
	if s.res == nil {
		return nil
	}
	byPath, ok := s.places[v.check]
	if !ok {
		set := itemSet{near: s.near}
		set.fill(s.res, v.check.spec().Each, v.program.Each())
		byPath = make(map[string][]item, len(set.items))
		for _, it := range set.items {
			p := it.stable(s.res, v.setting())
			byPath[p] = append(byPath[p], it)
		}
		if s.places == nil {
			s.places = map[activeCheck]map[string][]item{}
		}
		s.places[v.check] = byPath
	}
	return byPath[v.stable]
}

// change judges both sides of a change. What did not change is not judged.
func (j *judge) change(c change.ResourceChange) changeResult {
	if c.Resource() == nil {
		return changeResult{}
	}
	if c.Kind == change.Unchanged {
		return j.beside(c)
	}
	// What is added or removed has neighbours on the side where it is not, too.
	before, after := c.Before, c.After
	if before == nil {
		before = after
	} else if after == nil {
		after = before
	}
	head := j.side(c.After, c.Before, j.run.near(c.After, false), j.run.near(before, true), j.checksOf(c.After))
	base := j.side(c.Before, nil, j.run.near(c.Before, true), j.run.near(after, false), j.checksOf(c.Before))
	out := j.compare(head, base)
	if c.Before != nil && c.After != nil {
		j.blameOthers(&out, head)
		j.turned(&out, head, base)
	}
	out.leaveOut(head)
	if c.After != nil {
		if _, whole := j.run.whole(c.After, j.run.checks[keyOf(c.After)]); !whole {
			out.partial = c.After.Unit
		}
	}
	return out
}

// blameOthers finds the new findings of a modified resource that it would not
// have if what stands beside it had stayed as it was.
func (j *judge) blameOthers(out *changeResult, head *side) {
	if j.run.links == nil {
		return
	}
	for i, v := range head.violations {
		f := &out.findings[i]
		if f.State != New || !linking(v.check) {
			continue
		}
		if j.holds(head.res, j.run.near(head.res, true), nil, v) {
			continue
		}
		if cause, ok := j.cause(head, v); ok {
			f.blame(cause)
		}
	}
}

// maxCauses bounds the changes that are tried for what made a finding.
const maxCauses = 16

// cause gives the change beside a resource that made a violation of it: the one
// without which it would not be there, or else the first that the check looks
// at; ok is false where none of these changed.
func (j *judge) cause(s *side, v violation) (c change.ResourceChange, ok bool) {
	all := j.run.links.causes(s.res, v.check.spec().Beside())
	if len(all) == 0 {
		return c, false
	}
	if len(all) > 1 && s.near != nil {
		for _, c := range all[:min(len(all), maxCauses)] {
			if !j.holds(s.res, undone(s.near, c), s.across, v) {
				return c, true
			}
		}
	}
	return all[0], true
}

// holds reports whether a violation is there, or may be, with other resources
// beside its own.
func (j *judge) holds(res *resource.Resource, near, across rule.Linked, v violation) bool {
	set := itemSet{near: near}
	set.fill(res, v.check.spec().Each, v.program.Each())
	j.input = rule.Input{Object: res.Root, Resource: res, Linked: near, Before: across}
	sole := solePod(res)
	for _, it := range set.items {
		if it.stable(res, v.setting()) != v.stable {
			continue
		}
		j.input.It, j.input.Group, j.input.Pod = it.node, it.group, it.podOr(sole)
		if o := v.program.Fail(&j.input); o.Violated || o.Unknown {
			return true
		}
	}
	return false
}

// checksOf gives the checks for a resource that can know what they ask for.
func (j *judge) checksOf(res *resource.Resource) []activeCheck {
	if res == nil {
		return nil
	}
	checks, _ := j.run.whole(res, j.run.checks[keyOf(res)])
	return checks
}

// beside judges a resource that did not change by the checks that look at one
// that did. What was found before is of no interest.
func (j *judge) beside(c change.ResourceChange) changeResult {
	checks := j.run.bearing(c)
	if len(checks) == 0 || j.run.opt.Partial[c.After.Unit] {
		return changeResult{}
	}
	head := j.side(c.After, c.Before, j.run.near(c.After, false), j.run.near(c.Before, true), checks)
	base := j.side(c.Before, nil, j.run.near(c.Before, true), j.run.near(c.After, false), checks)
	out := j.compare(head, base)
	for i, v := range head.violations {
		if f := &out.findings[i]; f.State == New {
			if cause, ok := j.cause(head, v); ok {
				f.blame(cause)
			}
		}
	}
	out.leaveOut(head)
	out.unknown = nil
	out.findings = slices.DeleteFunc(out.findings, func(f Finding) bool { return f.State != New && f.State != Fixed })
	out.diags = nil
	return out
}

// compare says how the findings of one side relate to those of the other.
func (j *judge) compare(head, base *side) changeResult {
	var out changeResult
	out.unknown = head.unknown
	paired := pair(head, base)
	was := make([]bool, len(base.violations))
	out.findings = j.findings(head)
	for i := range out.findings {
		out.findings[i].State = New
		out.findings[i].Gone, out.findings[i].GoneFrom = gone(head.violations[i], base)
		if k := paired[i]; k >= 0 {
			out.findings[i].State = Existing
			was[k] = true
		}
	}
	j.suppress(&out, head, base)
	if !slices.Contains(was, false) {
		return out
	}
	for i, f := range j.findings(base) {
		if !was[i] && !base.violations[i].over {
			f.State = Fixed
			out.findings = append(out.findings, f)
		}
	}
	return out
}

// side evaluates checks for a resource; a nil resource has none. old is its
// base for the head's side, nil for the base's; near gives what stands beside it, across what
// stood there on the other side.
func (j *judge) side(res, old *resource.Resource, near, across rule.Linked, checks []activeCheck) *side {
	s := &side{res: res, near: near, across: across}
	if res == nil || res.Root == nil {
		return s
	}
	s.pod = solePod(res)
	j.sets = j.sets[:0]
	j.input = rule.Input{Object: res.Root, Resource: res, Linked: near, Before: s.across}
	if old != nil {
		j.input.Old = old.Root
	}
	for _, c := range checks {
		p, err := c.rule.Program(c.index)
		if err != nil {
			j.run.broken.add(c, err)
			continue
		}
		j.check(s, c, p)
	}
	s.takeOver()
	return s
}

// takeOver marks the violations of which a rule that is over theirs has one of the
// same setting, or of what the setting is in, and no less grave.
func (s *side) takeOver() {
	for _, g := range s.violations {
		if len(g.check.rule.Over) == 0 {
			continue
		}
		for i := range s.violations {
			v := &s.violations[i]
			rest, within := strings.CutPrefix(v.stable, g.stable)
			within = within && (rest == "" || rest[0] == '[' || rest[0] == '.')
			if within && g.check.severity.Rank() >= v.check.severity.Rank() && slices.Contains(g.check.rule.Over, v.check.rule.ID) {
				v.over = true
			}
		}
	}
}

// leaveOut takes those findings of the head away that another rule takes over.
func (out *changeResult) leaveOut(head *side) {
	kept := out.findings[:0]
	for i, f := range out.findings {
		if i >= len(head.violations) || !head.violations[i].over {
			kept = append(kept, f)
		}
	}
	out.findings = kept
}

// check evaluates one check for each item that it selects.
func (j *judge) check(s *side, c activeCheck, p *rule.Program) {
	undecided := func(path resource.Path, at source.Range, why string) {
		s.unknown = append(s.unknown, NotEvaluated{Rule: c.rule, Resource: s.res, Path: path, Range: at, Why: why})
	}
	set := j.selected(s.res, s.near, c.spec().Each, p.Each())
	if set.cut {
		undecided(nil, standing(s.res, s.res.Root), fmt.Sprintf("there are more than %d items; the others were left out", maxItems))
	}
	before := len(s.violations) + len(s.unknown)
	for _, it := range set.items {
		if len(s.violations)+len(s.unknown)-before >= maxViolations {
			undecided(nil, standing(s.res, s.res.Root), fmt.Sprintf("after %d violations of the rule the other items were left out", maxViolations))
			return
		}
		j.input.It, j.input.Group, j.input.Pod = it.node, it.group, it.podOr(s.pod)
		switch out := p.Fail(&j.input); {
		case out.Violated:
			s.violations = append(s.violations, violation{check: c, program: p, item: it, stable: it.stable(s.res, p.At())})
		case out.Unknown:
			at, _ := locate(s.res, it, p.At())
			undecided(it.fullPath(p.At()), at, out.Why)
			s.unknown[len(s.unknown)-1].inner = it.inner(p.At())
		}
	}
	for _, u := range set.unknown[:min(len(set.unknown), maxViolations)] {
		undecided(u.path(), standing(s.res, u.node), whyOf(u.node))
	}
}

// whyOf gives the reason of a node that is unknown or partial.
func whyOf(n *resource.Node) string {
	if n.Why != "" {
		return n.Why
	}
	return "a value that is known only once it is applied"
}

// gone gives where the setting that a violation of the head lacks stood in the
// base, and where it came from; zero where the head has it, or the base did not.
func gone(v violation, base *side) (at source.Range, from []source.Range) {
	path := v.setting()
	if base.res == nil || len(path) == 0 {
		return source.Range{}, nil
	}
	if _, taken := path.At(v.item.node); taken == len(path) {
		return source.Range{}, nil
	}
	for _, it := range base.itemsAt(v) {
		n, taken := path.At(it.node)
		if taken < len(path) || n == nil {
			continue
		}
		at, from = locate(base.res, it, path)
		for _, b := range n.Items {
			if b != nil && b.Block { // blocks come from what makes them, their list does not
				from = union(slices.Clip(from), b.Origins)
			}
		}
		return at, from
	}
	return source.Range{}, nil
}

// findings makes findings without a state of the violations of a side.
func (j *judge) findings(s *side) []Finding {
	if len(s.violations) == 0 {
		return nil
	}
	out := make([]Finding, 0, len(s.violations))
	prints := newFingerprints(s.res)
	j.input = rule.Input{Object: s.res.Root, Resource: s.res, Linked: s.near, Before: s.across}
	for _, v := range s.violations {
		j.input.It, j.input.Group, j.input.Pod = v.item.node, v.item.group, v.item.podOr(s.pod)
		message, err := v.program.Message(&j.input)
		if err != nil {
			j.run.broken.add(v.check, err)
			message = v.check.rule.Title
		}
		mend, write, err := v.program.Fill(&j.input)
		if err != nil {
			j.run.broken.add(v.check, err)
		}
		write, language := shown(s.res, write, v.check.rule.Checks[v.check.index].Language())
		r, origins := locate(s.res, v.item, v.setting())
		if len(origins) == 0 && s.res.Source != (resource.Identity{}) {
			// What brings the thing in may be all that the change shows.
			origins = s.res.Origins
		}
		out = append(out, Finding{
			Rule: v.check.rule, Check: v.check.index, Severity: v.check.severity, Resource: s.res,
			Item: v.item.path(), Path: v.item.fullPath(v.setting()), Range: r, Origins: origins,
			Message: message, inner: v.item.inner(v.setting()), FixSpec: mend, Write: write, Language: language, Fingerprint: prints.next(v.check.rule.ID, v.stable, r.File),
		})
	}
	return out
}

// shown gives what a finding shows to write in the terms that the resource is
// written in, as far as they can say it, and its language.
func shown(res *resource.Resource, write, language string) (text, in string) {
	if write == "" || res.Written == nil || res.Written.Block == nil || language != rule.LanguageYAML {
		return write, language
	}
	if b, err := res.Written.Block(write); err == nil {
		return b, rule.LanguageHCL
	}
	return write, language
}
