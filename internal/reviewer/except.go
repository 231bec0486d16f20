package reviewer

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Want is an exception that somebody asks for.
type Want struct {
	Fingerprints []string // the findings that may be meant
	Rule         string   // "" where they are all of one rule
	Until        string   // last day, YYYY-MM-DD; "" for none
	Reason       string   // one line
}

// Except reviews as Review does, counting the head's inline suppressions, and
// finds a comment that answers for the wanted findings of one rule. It is given
// only if it was proven: read again with it, the findings are suppressed and
// nothing else has changed.
func Except(ctx context.Context, opt Options, trees Trees, want Want) (*review.Exception, error) {
	opt.AllSuppressions, opt.NoFixes = true, true
	s, err := NewReview(ctx, opt, trees)
	if err != nil {
		return nil, err
	}
	out := &review.Exception{Report: s.Report, Until: want.Until, Reason: want.Reason}
	if s.eval == nil {
		return out, nil
	}
	var meant []review.Finding
	for _, f := range s.Report.Findings {
		stands := f.State == engine.New || f.State == engine.Existing || f.State == engine.Suppressed
		if stands && slices.Contains(want.Fingerprints, f.Fingerprint) {
			if !slices.Contains(out.Rules, f.Rule.ID) {
				out.Rules = append(out.Rules, f.Rule.ID)
			}
			if want.Rule == "" || f.Rule.ID == want.Rule {
				meant = append(meant, f)
			}
		}
	}
	if len(meant) == 0 || want.Rule == "" && len(out.Rules) > 1 {
		return out, nil
	}
	out.Finding = &meant[0]
	if meant[0].State == engine.Suppressed {
		return out, nil
	}
	file := s.eval.file(meant[0].Range.File)
	if file == nil {
		return out, nil
	}
	text := review.Directive(meant[0].Rule.ID, want.Until, want.Reason)
	for _, edit := range placesOf(file, meant[0].Range, text) {
		ok, err := s.eval.excepts(ctx, file, edit, meant)
		if err != nil {
			return nil, err
		}
		if ok {
			out.Edit, out.File = &edit, file
			break
		}
	}
	return out, nil
}

// placesOf gives the edits that could put a comment where it answers for the
// setting at r: on the line above, or behind it.
func placesOf(f *source.File, r source.Range, text string) []source.Edit {
	n := r.Start.Line
	if n < 1 || n > f.Lines() {
		return nil
	}
	line := f.Line(n)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	ending := "\n"
	if bytes.Contains(f.Data, []byte("\r\n")) {
		ending = "\r\n"
	}
	at := func(offset int) source.Range {
		p := source.Pos{Byte: offset}
		return source.Range{File: f.Path, Start: p, End: p}
	}
	return []source.Edit{
		{Range: at(f.LineStart(n)), New: indent + text + ending},
		{Range: at(f.LineStart(n) + len(strings.TrimRight(line, "\r\n"))), New: " " + text},
	}
}

// excepts reports whether an edit suppresses the meant findings and changes
// nothing else of what is found in their unit.
func (e *evaluator) excepts(ctx context.Context, f *source.File, edit source.Edit, meant []review.Finding) (bool, error) {
	after, err := source.Apply(f.Data, []source.Edit{edit})
	if err != nil {
		return false, nil //nolint:nilerr // an edit that cannot be made is no exception
	}
	unit := meant[0].Resource.Unit
	before, err := e.Evaluate(ctx, unit, nil)
	if err != nil {
		return false, err
	}
	found, err := e.Evaluate(ctx, unit, map[string][]byte{f.Path: after})
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		return false, nil //nolint:nilerr // the file no longer reads as it did
	}
	states := map[string]engine.State{}
	if found.Added > 0 {
		return false, nil
	}
	for _, x := range found.Findings {
		states[x.Fingerprint] = x.State
	}
	for _, x := range before.Findings {
		state, there := states[x.Fingerprint]
		isMeant := slices.ContainsFunc(meant, func(m review.Finding) bool { return m.Fingerprint == x.Fingerprint })
		switch {
		case !there && x.Range.File == f.Path, isMeant && state != engine.Suppressed:
			return false, nil
		case there && !isMeant && state == engine.Suppressed && x.State != engine.Suppressed && x.Rule.ID != meant[0].Rule.ID:
			return false, nil
		}
	}
	return true, nil
}
