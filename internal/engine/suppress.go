package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// inlines are the inline suppressions of one resource that may count.
type inlines struct {
	res      *resource.Resource
	list     []directive
	comments map[commentLine]bool
	// found are the checks that find something on a line. A suppression behind one of
	// them is meant for it, and does not go on to the line below.
	found map[commentLine][]foundCheck
}

// foundCheck is a check of a rule.
type foundCheck struct {
	rule  string
	check int
}

// spent reports whether a suppression has something on its own line to answer for.
func (in inlines) spent(d directive) bool {
	for _, f := range in.found[commentLine{d.place.File, d.place.Start.Line}] {
		if d.names(f.rule, f.check) {
			return true
		}
	}
	return false
}

// note takes up that a check finds something on the line of a range.
func (in *inlines) note(at source.Range, rule string, check int) {
	if in.found == nil {
		in.found = map[commentLine][]foundCheck{}
	}
	l := commentLine{at.File, at.Start.Line}
	in.found[l] = append(in.found[l], foundCheck{rule, check})
}

// live reads those of a resource that have a reason and whose date has not
// passed; ds, if not nil, is told why the others don't count.
func (j *judge) live(res *resource.Resource, side int, ds *source.Diagnostics) inlines {
	in := inlines{res: res}
	for _, d := range directives(res) {
		if ds != nil {
			j.unknownRules(d, ds)
		}
		if d.wrong == "" && expired(d.until, j.run.today) {
			d.wrong = fmt.Sprintf("ran out on %s; mend what it covers, or give a later date", d.until)
		}
		if d.wrong == "" {
			in.list = append(in.list, d)
		} else if ds != nil {
			ds.Warnf(d.place.File, d.place.Start.Line, "%s does not count: it %s", strings.TrimSpace(marker+" "+strings.Join(d.rules, ",")), d.wrong)
		}
	}
	for _, d := range foreign(res, j.run.equal, j.run.today) {
		switch {
		case d.wrong != "":
			if ds != nil {
				ds.Warnf(d.place.File, d.place.Start.Line, "the suppression for %s of %s does not count: it %s", d.tool, strings.Join(d.rules, ", "), d.wrong)
			}
		case d.scope != scopeFile:
			in.list = append(in.list, d)
		}
	}
	if res != nil {
		in.list = append(in.list, j.run.fileWide[side][res.Range.File]...)
	}
	if len(in.list) > 0 {
		in.comments = commentLines(res)
	}
	return in
}

// Sides of a change, as fileWide counts them.
const (
	onHead = iota
	onBase
)

func speaksOfFile(c resource.Comment) bool {
	return strings.Contains(c.Text, "kics-scan") || strings.Contains(c.Text, "hadolint")
}

// gatherFileWide finds the suppressions that speak of whole files: their
// comments belong to one resource of many.
func (r *run) gatherFileWide(changes []change.ResourceChange) {
	for side := range r.fileWide {
		r.fileWide[side] = map[string][]directive{}
	}
	gather := func(side int, res *resource.Resource) {
		if res == nil {
			return
		}
		if !slices.ContainsFunc(res.Comments, speaksOfFile) {
			return
		}
		for _, d := range foreign(res, r.equal, r.today) {
			if d.scope == scopeFile {
				list := r.fileWide[side]
				list[d.place.File] = append(list[d.place.File], d)
			}
		}
	}
	for _, c := range changes {
		gather(onHead, c.After)
		gather(onBase, c.Before)
	}
}

// unknownRules names the rules that do not exist; the others of the list count.
func (j *judge) unknownRules(d directive, ds *source.Diagnostics) {
	for _, id := range d.rules {
		if strings.Contains(id, "*") || j.known(id) {
			continue
		}
		msg := fmt.Sprintf("%s: unknown rule %q", marker, id)
		if s := rule.SuggestID(id, j.run.ids); s != "" {
			msg += fmt.Sprintf("; did you mean %q?", s)
		}
		ds.Warnf(d.place.File, d.place.Start.Line, "%s", msg)
	}
}

func (j *judge) known(id string) bool {
	if j.run.opt.Known != nil {
		return j.run.opt.Known(id)
	}
	for _, x := range j.run.ids {
		if x == id {
			return true
		}
	}
	return false
}

// find gives the suppression for a check of a rule at a place of the resource, or at one of
// the further places that decide: the key of a file of values. here says that it
// answers for the place itself, whoever else reads it.
func (in inlines) find(ruleID string, check int, at source.Range, origins []source.Range) (d directive, here, ok bool) {
	for _, d := range in.list {
		if d.names(ruleID, check) && (in.whole(d) || in.reach(d, at)) {
			return d, d.place.File == at.File || d.place.File == in.res.Range.File, true
		}
	}
	for _, d := range in.list {
		if !d.names(ruleID, check) {
			continue
		}
		for _, o := range origins {
			if in.reach(d, o) {
				return d, false, true
			}
		}
	}
	return directive{}, false, false
}

// reach reports whether a suppression speaks of a line: by standing there or
// right above it, or by standing at what the line is part of.
func (in inlines) reach(d directive, at source.Range) bool {
	file, line := d.place.File, at.Start.Line
	if file != at.File {
		return false
	}
	spent := line > d.place.Start.Line && in.spent(d)
	if !spent && reaches(d.place, line, in.comments) {
		return true
	}
	if d.scope != scopeBlock || line < d.place.Start.Line {
		return false
	}
	first := d.place.Start.Line
	for !spent && in.comments[commentLine{file, first}] {
		first++
	}
	return first <= line && line <= lastLine(in.res, file, first)
}

// whole reports whether a suppression speaks of the whole resource.
func (in inlines) whole(d directive) bool {
	if d.scope >= scopeResource {
		return true
	}
	for _, r := range [...]source.Range{in.res.Range, in.res.Head} {
		if r.File == d.place.File && reaches(d.place, r.Start.Line, in.comments) {
			return true
		}
	}
	return false
}

// suppress marks the head's findings that somebody answers for.
func (j *judge) suppress(out *changeResult, head, base *side) {
	if head.res == nil {
		return
	}
	own := j.live(head.res, onHead, &out.diags)
	var before inlines
	if len(own.list) > 0 && base.res != nil && !j.run.opt.InlineFromHead {
		before = j.live(base.res, onBase, nil)
	}
	if len(own.list) > 0 {
		for i := range out.findings {
			own.note(out.findings[i].Range, out.findings[i].Rule.ID, out.findings[i].Check)
		}
	}
	if len(before.list) > 0 {
		for _, v := range base.violations {
			r, _ := locate(base.res, v.item, v.setting())
			before.note(r, v.check.rule.ID, v.check.index)
		}
	}
	for i := range out.findings {
		f := &out.findings[i]
		if d, here, ok := own.find(f.Rule.ID, f.Check, f.Range, f.Origins); ok {
			by, counts := d, true
			if !j.run.opt.InlineFromHead {
				by, counts = inBase(before, base, head.violations[i])
			}
			if counts {
				f.State = Suppressed
				f.Suppression = &Suppression{By: "inline", Tool: by.tool, Reason: by.reason, Expires: by.until, Range: d.place, here: here}
				continue
			}
			f.Pending = &Suppression{By: "inline", Reason: d.reason, Expires: d.until, Range: d.place}
			out.diags.Warnf(d.place.File, d.place.Start.Line,
				"%s %s takes effect once it is merged: in a review those count that the base has", d.called(), f.Rule.ID)
		}
		j.suppressByConfig(f)
	}
}

// inBase finds the suppression of the base that answers for a violation of the
// head: at the base's resource, or where the same setting stands or would stand
// there.
func inBase(before inlines, base *side, v violation) (directive, bool) {
	if len(before.list) == 0 {
		return directive{}, false
	}
	for _, d := range before.list {
		if d.names(v.check.rule.ID, v.check.index) && before.whole(d) {
			return d, true
		}
	}
	for _, it := range base.itemsAt(v) {
		r, origins := locate(before.res, it, v.setting())
		if d, _, ok := before.find(v.check.rule.ID, v.check.index, r, origins); ok {
			return d, true
		}
	}
	return directive{}, false
}

func (j *judge) suppressByConfig(f *Finding) {
	for _, s := range j.run.opt.Suppress {
		if s.Rule != f.Rule.ID || strings.TrimSpace(s.Reason) == "" || expired(s.Expires, j.run.today) {
			continue
		}
		if s.Covers == nil || s.Covers(f.Range.File) {
			f.State = Suppressed
			f.Suppression = &Suppression{By: "config", Reason: s.Reason, Expires: s.Expires, Range: s.Range, here: true}
			return
		}
	}
}

// expired reports whether a last day has passed; one that cannot be read has.
func expired(last, today string) bool {
	if last == "" {
		return false
	}
	if _, err := time.Parse(time.DateOnly, last); err != nil {
		return true
	}
	return last < today
}
