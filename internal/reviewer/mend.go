package reviewer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const (
	// maxMended bounds how many findings a review looks for fixes of, gravest
	// first; each costs another reading of its file.
	maxMended = 5000
	// maxCombined bounds, in bytes, what is read again to find one fix for all
	// findings of a comment. Beyond it a comment has the fix of one.
	maxCombined = 8 << 20
)

// evaluator reads units of the head again with some files replaced and judges
// them as the review did. It implements fix.Evaluator.
type evaluator struct {
	run        *run
	baseTree   fs.FS
	headTree   fs.FS
	units      map[string]format.Unit
	baseByUnit map[string][]*resource.Resource
	headByUnit map[string][]*resource.Resource
	partial    map[string]bool // units of which not all was read

	readBy map[string][]string // the ids of the units that name a file

	// errors counts what could not be read of a file before any edit.
	errors map[string]int

	mu    sync.Mutex
	files map[string]*source.File
}

func newEvaluator(r *run, baseTree, headTree fs.FS, base []*resource.Resource, units []format.Unit, head []*resource.Resource) *evaluator {
	e := &evaluator{
		run: r, baseTree: baseTree, headTree: headTree,
		units: make(map[string]format.Unit, len(units)), partial: map[string]bool{}, files: map[string]*source.File{},
		baseByUnit: byUnit(base), headByUnit: byUnit(head),
	}
	e.readBy = map[string][]string{}
	for _, u := range units {
		e.units[u.ID] = u
		files := slices.Concat(u.Files, u.Inputs)
		if t, ok := u.FS.(releaseTree); ok {
			files = slices.Concat(files, t.from.Files, t.from.Inputs)
		}
		for _, f := range files {
			e.readBy[f] = append(e.readBy[f], u.ID)
		}
		if u.Partial {
			e.partial[u.ID] = true
		}
	}
	e.errors = errorsByFile(r.diags)
	return e
}

func errorsByFile(ds source.Diagnostics) map[string]int {
	out := map[string]int{}
	for _, d := range ds {
		if d.Level == source.LevelError {
			out[d.File]++
		}
	}
	return out
}

func byUnit(rs []*resource.Resource) map[string][]*resource.Resource {
	out := map[string][]*resource.Resource{}
	for _, r := range rs {
		out[r.Unit] = append(out[r.Unit], r)
	}
	return out
}

func (e *evaluator) judge(ctx context.Context, changes []change.ResourceChange, beside ...*resource.Resource) engine.Result {
	opt := e.run.engineOptions()
	opt.Beside, opt.Partial = beside, e.partial
	return engine.Evaluate(ctx, opt, changes)
}

// file gives a file of the head as it was read, or nil.
func (e *evaluator) file(path string) *source.File {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, ok := e.files[path]
	if !ok {
		if data, err := fs.ReadFile(e.headTree, path); err == nil {
			f = source.NewFile(path, data)
		}
		e.files[path] = f
	}
	return f
}

// Evaluate reads the unit with the overlaid files, and every other unit that
// reads one of them, and gives the findings that the head would then have,
// suppressed ones too: what mends one overlay must not harm another.
func (e *evaluator) Evaluate(ctx context.Context, unit string, overlay map[string][]byte) (fix.Evaluation, error) {
	var out fix.Evaluation
	if _, ok := e.units[unit]; !ok {
		return out, fmt.Errorf("unit %s is not part of this review", unit)
	}
	ids := []string{unit}
	for file := range overlay {
		ids = append(ids, e.readBy[file]...)
	}
	slices.Sort(ids)
	var base, head, beside []*resource.Resource
	for _, id := range slices.Compact(ids) {
		if id != unit && len(e.headByUnit[id]) == 0 {
			continue // a module that is judged through its caller
		}
		b, h, near, added, err := e.read(ctx, e.units[id], overlay)
		if err != nil {
			return out, err
		}
		out.Added += added
		base, head, beside = append(base, b...), append(head, h...), append(beside, near...)
	}
	out.Resources = head
	for _, f := range e.judge(ctx, change.Pair(base, head), beside...).Findings {
		if f.State != engine.Fixed {
			out.Findings = append(out.Findings, f)
		}
	}
	return out, ctx.Err()
}

// read reads a unit with the overlaid files. It gives what the base has of it,
// what the head then has and how many more that are, and what the head has
// beside, in files that were not read again.
func (e *evaluator) read(ctx context.Context, u format.Unit, overlay map[string][]byte) (base, after, beside []*resource.Resource, added int, err error) {
	base, head := e.baseByUnit[u.ID], e.headByUnit[u.ID]
	whole := u.Files
	if narrow, ok := narrowed(u, overlay, base, head); ok {
		u.Files = narrow
	}
	if len(overlay) > 0 {
		if _, ok := u.FS.(releaseTree); ok {
			if u, err = e.run.with(ctx, u, overlay); err != nil {
				return nil, nil, nil, 0, err
			}
		} else {
			u.FS = format.Overlay{FS: e.headTree, Files: overlay}
		}
	}
	after, ds := readUnit(ctx, e.run.opt.Readers[u.Format], u)
	after = e.run.asked(after)
	for file, n := range errorsByFile(ds) {
		if overlay[file] != nil && n > e.errors[file] {
			return nil, nil, nil, 0, fmt.Errorf("%s no longer reads as it did", file)
		}
	}
	if len(u.Files) < len(whole) {
		beside = outsideFiles(head, u.Files)
		base = inFiles(base, u.Files)
		head = inFiles(head, u.Files)
	}
	if added, err = more(head, after, beside); err != nil {
		return nil, nil, nil, 0, err
	}
	return base, after, beside, added, nil
}

// more gives how many resources after has more than head, as they are written:
// what one is projected to is not counted. It fails where after has fewer, and
// where one that came has the name of another.
func more(head, after, beside []*resource.Resource) (int, error) {
	if len(after) == len(head) {
		return 0, nil
	}
	had, has := written(head), written(after)
	if len(has) <= len(had) {
		if len(has) < len(had) {
			return 0, fmt.Errorf("with the edit there are %d resources instead of %d", len(has), len(had))
		}
		return 0, nil
	}
	elsewhere := written(beside)
	came := 0
	for id := range has {
		switch {
		case had[id]:
			continue
		case elsewhere[id] || strings.Contains(id, "#"):
			return 0, fmt.Errorf("the edit brings %s, whose name another has", id)
		}
		came++
	}
	if came != len(has)-len(had) {
		return 0, errors.New("the edit brings a resource in the place of another")
	}
	return came, nil
}

// written gives the ids of what resources were written as.
func written(rs []*resource.Resource) map[string]bool {
	out := make(map[string]bool, len(rs))
	for _, r := range rs {
		out[r.AsWritten().ID] = true
	}
	return out
}

// narrowed gives the overlaid files alone where the other files of the unit
// cannot bear on them: manifests whose identities are unique in the unit.
func narrowed(u format.Unit, overlay map[string][]byte, base, head []*resource.Resource) ([]string, bool) {
	if u.Format != resource.Kubernetes || len(overlay) == 0 {
		return nil, false
	}
	for _, rs := range [2][]*resource.Resource{base, head} {
		for _, r := range rs {
			if strings.Contains(r.ID, "#") {
				return nil, false
			}
		}
	}
	var out []string
	for _, f := range u.Files {
		if _, ok := overlay[f]; ok {
			out = append(out, f)
		}
	}
	return out, len(out) == len(overlay)
}

// inFiles gives the resources that stand in the files.
func inFiles(rs []*resource.Resource, files []string) []*resource.Resource {
	return slices.DeleteFunc(slices.Clone(rs), func(r *resource.Resource) bool { return !slices.Contains(files, r.Range.File) })
}

// outsideFiles gives the others.
func outsideFiles(rs []*resource.Resource, files []string) []*resource.Resource {
	return slices.DeleteFunc(slices.Clone(rs), func(r *resource.Resource) bool { return slices.Contains(files, r.Range.File) })
}

// mend finds the proven fixes of the new findings, one by one and for each
// group that may become one comment.
func (e *evaluator) mend(ctx context.Context, rep *review.Report) error {
	var fresh []engine.Finding
	for _, f := range rep.Findings {
		if f.State == engine.New && len(fresh) < maxMended {
			fresh = append(fresh, f.Finding)
		}
	}
	e.run.opt.progress("proving fixes", 0, len(fresh))
	fixes, err := fix.All(ctx, e, fresh, e.file)
	if err != nil {
		return fmt.Errorf("prove fixes: %w", err)
	}
	for i := range rep.Findings {
		if rep.Findings[i].State == engine.New {
			rep.Findings[i].Fix = fixes[rep.Findings[i].Fingerprint]
		}
	}
	rep.Groups = review.GroupNew(rep.Findings, rep.Policy)
	if e.run.opt.NoComments {
		return nil
	}
	budget := maxCombined
	for n := range rep.Groups {
		if n >= rep.Policy.MaxComments*2 {
			break // beyond what can become a comment
		}
		if err := e.mendGroup(ctx, rep, &rep.Groups[n], &budget); err != nil {
			return err
		}
	}
	return nil
}

// mendGroup finds one fix for all findings of a group, while the budget lasts.
func (e *evaluator) mendGroup(ctx context.Context, rep *review.Report, g *review.Group, budget *int) error {
	var fixable []engine.Finding
	var one *fix.Fix
	for _, i := range g.Findings {
		if f := rep.Findings[i]; f.Fix != nil {
			fixable = append(fixable, f.Finding)
			if one == nil {
				one = f.Fix
			}
		}
	}
	if len(fixable) == 0 {
		return nil
	}
	if f := e.file(fixable[0].Range.File); f != nil {
		*budget -= len(f.Data) * (len(fixable) + 1)
	}
	if len(fixable) == 1 || *budget < 0 {
		g.Fix, g.Mends = one, fingerprints(fixable[:1])
		return nil
	}
	combined, mends, err := fix.Combine(ctx, e, fixable, e.file)
	if err != nil {
		return fmt.Errorf("combine fixes: %w", err)
	}
	g.Fix, g.Mends = combined, map[string]bool{}
	for _, fp := range mends {
		g.Mends[fp] = true
	}
	return nil
}

func fingerprints(fs []engine.Finding) map[string]bool {
	out := make(map[string]bool, len(fs))
	for _, f := range fs {
		out[f.Fingerprint] = true
	}
	return out
}

// loaded gives the files that the report speaks of.
func (e *evaluator) loaded(rep *review.Report) map[string]*source.File {
	out := map[string]*source.File{}
	for _, f := range rep.Findings {
		name := f.Range.File
		if f.Resource.Format == resource.TerraformPlan {
			continue // what stands beside may be a secret
		}
		if _, ok := out[name]; ok || name == "" {
			continue
		}
		file := e.file(name)
		if file == nil && e.baseTree != nil {
			if data, err := fs.ReadFile(e.baseTree, name); err == nil {
				file = source.NewFile(name, data)
			}
		}
		if file != nil {
			out[name] = file
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, f := range e.files {
		if f != nil {
			out[name] = f
		}
	}
	return out
}

// FixAll applies every proven fix of new findings and gives the files that
// change with their new content, and how many findings that clears.
func (s *Session) FixAll(ctx context.Context) (map[string][]byte, int, error) {
	if s.eval == nil {
		return nil, 0, nil
	}
	var fixable []engine.Finding
	for _, f := range s.Report.Findings {
		if f.State == engine.New && f.Fix != nil {
			fixable = append(fixable, f.Finding)
		}
	}
	out, applied, err := fix.ApplyAll(ctx, s.eval, fixable, s.eval.file)
	if err != nil {
		return nil, 0, fmt.Errorf("apply fixes: %w", err)
	}
	return out, len(applied), nil
}
