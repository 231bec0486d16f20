package engine

import (
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
}

// judge judges one change after the other. One goroutine uses it.
type judge struct {
	run   *run
	input rule.Input
	sets  []itemSet // selections of the resource at hand, reused
}

// violation is a finding on one side, before it is compared with the other.
type violation struct {
	check  activeCheck
	item   item
	at     resource.Path
	stable string // path of item and setting that survives reordering
}

// side is one side of a change, judged.
type side struct {
	res        *resource.Resource
	violations []violation
	unknown    []NotEvaluated
}

// change judges both sides of a change. What did not change is not judged.
func (j *judge) change(c change.ResourceChange) changeResult {
	if c.Kind == change.Unchanged || c.Resource() == nil {
		return changeResult{}
	}
	head := j.side(c.After, c.Before)
	base := j.side(c.Before, nil)
	var out changeResult
	out.unknown = head.unknown
	paired := j.pair(head, base)
	was := make([]bool, len(base.violations))
	out.findings = j.findings(head, len(head.violations))
	for i := range out.findings {
		out.findings[i].State = New
		if k := paired[i]; k >= 0 {
			out.findings[i].State = Existing
			was[k] = true
		}
	}
	j.suppress(&out, head, base)
	for i, f := range j.findings(base, len(base.violations)) {
		if !was[i] {
			f.State = Fixed
			out.findings = append(out.findings, f)
		}
	}
	return out
}

// side evaluates the checks for a resource's kind; a nil resource has none.
func (j *judge) side(res, old *resource.Resource) side {
	s := side{res: res}
	if res == nil || res.Root == nil {
		return s
	}
	j.sets = j.sets[:0]
	j.input = rule.Input{Object: res.Root, Resource: res}
	if old != nil {
		j.input.Old = old.Root
	}
	if res.Platform == resource.Kubernetes {
		j.input.Pod, _ = podSpec(res)
	}
	for _, c := range j.run.checks[keyOf(res)] {
		p, err := c.rule.Program(c.index)
		if err != nil {
			j.run.broken.add(c, err)
			continue
		}
		set := j.selected(res, c.spec().Each, p.Each())
		for _, it := range set.items {
			j.input.It, j.input.Group = it.node, it.group
			out := p.Fail(&j.input)
			switch {
			case out.Violated:
				s.violations = append(s.violations, violation{check: c, item: it, at: p.At(), stable: it.stable(res, p.At())})
			case out.Unknown:
				n, _ := locate(res, it, p.At())
				s.unknown = append(s.unknown, NotEvaluated{
					Rule: c.rule, Resource: res, Path: it.fullPath(p.At()), Range: n, Why: out.Why,
				})
			}
		}
		for _, u := range set.unknown {
			s.unknown = append(s.unknown, NotEvaluated{
				Rule: c.rule, Resource: res, Path: u.path(), Range: standing(res, u.node), Why: whyOf(u.node),
			})
		}
	}
	return s
}

// whyOf gives the reason of a node that is unknown or partial.
func whyOf(n *resource.Node) string {
	if n.Why != "" {
		return n.Why
	}
	return "a value that is known only once it is applied"
}

// findings makes findings without a state of the violations of a side.
func (j *judge) findings(s side, n int) []Finding {
	if n == 0 {
		return nil
	}
	out := make([]Finding, 0, n)
	prints := newFingerprints(s.res)
	j.input = rule.Input{Object: s.res.Root, Resource: s.res}
	if s.res.Platform == resource.Kubernetes {
		j.input.Pod, _ = podSpec(s.res)
	}
	for _, v := range s.violations {
		p, err := v.check.rule.Program(v.check.index)
		if err != nil {
			continue // it was compiled when the violation was found
		}
		j.input.It, j.input.Group = v.item.node, v.item.group
		message, err := p.Message(&j.input)
		if err != nil {
			j.run.broken.add(v.check, err)
			message = v.check.rule.Title
		}
		r, origins := locate(s.res, v.item, v.at)
		out = append(out, Finding{
			Rule: v.check.rule, Check: v.check.index, Severity: v.check.severity, Resource: s.res,
			Item: v.item.path(), Path: v.item.fullPath(v.at), Range: r, Origins: origins,
			Message: message, Fingerprint: prints.next(v.check.rule.ID, v.stable),
		})
	}
	return out
}
