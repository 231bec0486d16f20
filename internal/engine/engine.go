package engine

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Options is what Evaluate needs beside the changes. It is not changed and can
// be shared.
type Options struct {
	// Rules are those to evaluate, with the severities that they have here.
	Rules []rule.Active
	// Suppress are the configuration's suppressions.
	Suppress []ConfigSuppression
	// Today decides which suppressions have run out; its date counts, in its
	// own time zone.
	Today time.Time
	// InlineFromHead counts the head's inline suppressions as they stand; a
	// scan does. Otherwise one counts only if the base has it too.
	InlineFromHead bool
	// OwnOnly leaves out the suppressions that were written for other tools.
	OwnOnly bool
	// Known reports whether a rule has the id, so that misspelt ones can be
	// named; nil knows the ids of Rules alone.
	Known func(id string) bool
	// Workers is how many resources are judged side by side; 0 takes the number
	// of CPUs.
	Workers int
	// Beside are further resources of the head that are not judged, but that
	// checks with links may look at.
	Beside []*resource.Resource
	// Partial names units of which not all was read: checks with links are left
	// out there.
	Partial map[string]bool
}

// ConfigSuppression is an entry of the configuration's suppress list.
type ConfigSuppression struct {
	Rule    string
	Covers  func(path string) bool // by file; nil covers every one
	Reason  string                 // one without a reason does not count
	Expires string                 // YYYY-MM-DD, the last day on which it counts; "" for never
	Range   source.Range
}

// Evaluate judges the resources that the change adds, modifies or removes, on
// both sides, and says how the findings relate to the change. The result does
// not depend on Workers. When ctx ends, what was not judged is left out and a
// diagnostic says so.
func Evaluate(ctx context.Context, opt Options, changes []change.ResourceChange) Result {
	run := newRun(&opt, changes)
	outs := make([]changeResult, len(changes))
	workers := opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next, done atomic.Int64
	work := func() {
		j := judge{run: run}
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(changes) {
				return
			}
			outs[i] = j.change(changes[i])
			done.Add(1)
		}
	}
	if workers = min(workers, len(changes)); workers <= 1 {
		work()
	} else {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(work)
		}
		wg.Wait()
	}
	res := Result{Changes: changes}
	partial := map[string]bool{}
	for i := range outs {
		res.Findings = append(res.Findings, outs[i].findings...)
		res.Unknown = append(res.Unknown, outs[i].unknown...)
		res.Diagnostics = append(res.Diagnostics, outs[i].diags...)
		if u := outs[i].partial; u != "" {
			partial[u] = true
		}
	}
	for u := range partial {
		res.Diagnostics = append(res.Diagnostics, source.Diagnostic{
			Level: source.LevelWarning, NotEvaluated: unitName(u),
			Message: fmt.Sprintf("%s was not read whole: rules that look at several of its resources were left out", unitName(u)),
		})
	}
	if left := len(changes) - int(done.Load()); left > 0 {
		res.Diagnostics.Errorf("", 0, "the evaluation was stopped before %d of %d resources were judged: %v", left, len(changes), context.Cause(ctx))
	}
	res.Diagnostics = append(res.Diagnostics, run.broken.list()...)
	slices.SortStableFunc(res.Findings, compareFindings)
	slices.SortStableFunc(res.Unknown, compareUnknown)
	res.Findings = mergeThrough(mergeInstances(res.Findings))
	res.Unknown = mergeUnknown(res.Unknown)
	res.Diagnostics.Sort()
	return res
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		cmp.Compare(a.Range.File, b.Range.File),
		cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
		cmp.Compare(a.Rule.ID, b.Rule.ID),
		slices.CompareFunc(a.Path, b.Path, compareSteps),
		cmp.Compare(a.Resource.Unit, b.Resource.Unit),
		cmp.Compare(a.Resource.ID, b.Resource.ID),
		cmp.Compare(a.State, b.State),
	)
}

func compareUnknown(a, b NotEvaluated) int {
	return cmp.Or(
		cmp.Compare(a.Range.File, b.Range.File),
		cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
		cmp.Compare(a.Rule.ID, b.Rule.ID),
		slices.CompareFunc(a.Path, b.Path, compareSteps),
		cmp.Compare(a.Resource.ID, b.Resource.ID),
	)
}

func compareSteps(a, b resource.Step) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Index, b.Index))
}

// run is one evaluation: what the workers share. It is read-only but for broken.
type run struct {
	opt    *Options
	today  string
	checks map[kindKey][]activeCheck
	links  *links // nil where no check that applies has any
	equal  func() equivalents
	// fileWide are suppressions that speak of a whole file, by side and file.
	fileWide [2]map[string][]directive
	ids      []string // of the active rules, for suggestions
	broken   broken
}

// kindKey is what a check's kinds are matched against.
type kindKey struct{ platform, group, kind string }

func keyOf(r *resource.Resource) kindKey { return kindKey{r.Platform, r.Group, r.Kind} }

// activeCheck is one check of an active rule.
type activeCheck struct {
	rule     *rule.Rule
	index    int
	severity rule.Severity
}

func (c activeCheck) spec() *rule.Check { return &c.rule.Checks[c.index] }

// newRun finds the checks for each kind of resource that is there, so that no
// others are ever compiled.
func newRun(opt *Options, changes []change.ResourceChange) *run {
	r := &run{opt: opt, today: opt.Today.Format(time.DateOnly), checks: map[kindKey][]activeCheck{}}
	if !opt.OwnOnly {
		r.equal = sync.OnceValue(func() equivalents { return newEquivalents(opt.Rules) })
		r.gatherFileWide(changes)
	}
	active := slices.Clone(opt.Rules)
	slices.SortStableFunc(active, func(a, b rule.Active) int { return cmp.Compare(a.Rule.ID, b.Rule.ID) })
	for _, a := range active {
		r.ids = append(r.ids, a.Rule.ID)
	}
	for _, c := range changes {
		for _, res := range [2]*resource.Resource{c.Before, c.After} {
			if res == nil {
				continue
			}
			key := keyOf(res)
			if _, ok := r.checks[key]; ok {
				continue
			}
			r.checks[key] = checksFor(active, key)
			if r.links == nil && slices.ContainsFunc(r.checks[key], linking) {
				r.links = newLinks(opt, changes)
			}
		}
	}
	return r
}

func checksFor(active []rule.Active, key kindKey) []activeCheck {
	var out []activeCheck
	for _, a := range active {
		for i := range a.Rule.Checks {
			if a.Rule.Checks[i].Applies(key.platform, key.group, key.kind) {
				out = append(out, activeCheck{rule: a.Rule, index: i, severity: a.Severity})
			}
		}
	}
	return out
}

// broken gathers the checks and messages that do not compile, each once.
type broken struct {
	mu   sync.Mutex
	seen map[string]source.Diagnostic
}

func (b *broken) add(c activeCheck, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[string]source.Diagnostic{}
	}
	b.seen[err.Error()] = source.Diagnostic{
		File: c.rule.File, Line: c.spec().Line, Level: source.LevelError,
		Message: err.Error(), NotEvaluated: c.rule.ID,
	}
}

func (b *broken) list() source.Diagnostics {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(source.Diagnostics, 0, len(b.seen))
	for _, d := range b.seen {
		out = append(out, d)
	}
	return out
}

// unitName is how people know the unit of an id: its folder or file, and the
// environment that it was read for.
func unitName(id string) string {
	_, name, ok := strings.Cut(id, ":")
	if !ok {
		return id
	}
	name, variant, _ := strings.Cut(name, "@")
	if name == "." {
		name = "the root"
	}
	if variant != "" {
		name += " with " + variant
	}
	return name
}
