package reviewer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/projection"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// ConfigFile is where a repository keeps its configuration.
const ConfigFile = config.RepositoryFile

// Options is what a review needs beside the trees. It is not changed by one and
// can be shared.
type Options struct {
	// Rules are the rules to choose from, the program's own and any that the
	// operator or the user of the command line adds.
	Rules []*rule.Rule
	// Diagnostics are those that loading the rules brought; they go into the
	// report.
	Diagnostics source.Diagnostics
	// Readers by the name of their format.
	Readers map[string]format.Reader
	Finder  project.Finder
	// Layers lie under the repository's configuration, lowest first: the
	// server's, the organisation's.
	Layers []config.Layer
	// Over lies over it: the flags of the command line.
	Over config.Repository
	// AllSuppressions counts inline suppressions as they stand (a scan does).
	AllSuppressions bool
	Now             Clock
	RulesURL        string // see review.Report
	// Repository names the repository, owner/name, so that what names another one
	// is told apart; "" where it is not known.
	Repository string
	// Progress, if set, is told what is under way; from one goroutine at a time.
	Progress func(phase string, done, total int)
	// NoFixes leaves out the search for fixes.
	NoFixes bool
	// NoComments leaves out what only inline comments need: one fix for all
	// findings of a comment.
	NoComments bool
}

// Session is a review together with what is needed to go on from it: to apply
// the fixes that it found.
type Session struct {
	Report *review.Report
	eval   *evaluator
}

// Review compares the two trees resource by resource and judges what changed.
// The error is for what makes the whole review impossible; everything else is a
// diagnostic in the report. Configuration comes from the base alone.
func Review(ctx context.Context, opt Options, trees Trees) (*review.Report, error) {
	s, err := NewReview(ctx, opt, trees)
	if err != nil {
		return nil, err
	}
	return s.Report, nil
}

// NewReview is Review, keeping what FixAll needs.
func NewReview(ctx context.Context, opt Options, trees Trees) (*Session, error) {
	start := opt.Now()
	opt.progress("comparing", 0, 0)
	changes, err := trees.Changes(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare base and head: %w", err)
	}
	run, err := opt.prepare(ctx, trees.Base())
	if err != nil {
		return nil, err
	}
	if run.report.Policy.ConfigError != nil {
		run.report.Elapsed = opt.Now().Sub(start)
		return &Session{Report: run.report}, nil
	}
	baseUnits, headUnits, ds := opt.Finder.With(run.settings.Units()).Reached(ctx, trees.Base(), trees.Head(), changes, run.settings.Filter())
	run.diags = append(run.diags, ds...)
	if err := trees.Prefetch(ctx, filesOf(baseUnits), filesOf(headUnits)); err != nil {
		return nil, fmt.Errorf("fetch the files under review: %w", err)
	}
	opt.progress("reading", 0, len(baseUnits)+len(headUnits))
	base, head, ds, lost := opt.readSides(ctx, baseUnits, headUnits, changes)
	// What the head cannot be read for is not gone, so it is not fixed either.
	base = slices.DeleteFunc(base, func(r *resource.Resource) bool { return lost[r.Unit] })
	run.diags = append(run.diags, ds...)
	base, head, headUnits, err = run.addReleases(ctx, trees, changes, baseUnits, headUnits, base, head)
	if err != nil {
		return nil, err
	}
	s, err := run.finish(ctx, start, trees.Base(), trees.Head(), base, headUnits, head)
	if err != nil {
		return nil, err
	}
	s.Report.IfMerged, err = run.effects(ctx, trees, changes, s.Report)
	s.Report.Elapsed = opt.Now().Sub(start)
	return s, err
}

// Scan judges every resource below the paths ("." for all) as if it were new.
func Scan(ctx context.Context, opt Options, tree fs.FS, paths []string) (*Session, error) {
	start := opt.Now()
	opt.AllSuppressions = true
	run, err := opt.prepare(ctx, tree)
	if err != nil {
		return nil, err
	}
	run.report.Scanned = true
	if run.report.Policy.ConfigError != nil {
		return &Session{Report: run.report}, nil
	}
	opt.progress("finding files", 0, 0)
	units, ds := opt.Finder.With(run.settings.Units()).All(ctx, tree, paths, run.settings.Filter())
	run.diags = append(run.diags, ds...)
	head, ds, _ := opt.read(ctx, units)
	run.diags = append(run.diags, ds...)
	more, ds := run.releases(tree, units, head, nil, nil)
	run.diags = append(run.diags, ds...)
	released, ds, _ := opt.read(ctx, more)
	run.diags = append(run.diags, ds...)
	units, head = append(units, more...), append(head, released...)
	run.paths = paths
	return run.finish(ctx, start, nil, tree, nil, units, run.asked(head))
}

func (o Options) progress(phase string, done, total int) {
	if o.Progress != nil {
		o.Progress(phase, done, total)
	}
}

// run is one review under way.
type run struct {
	opt      Options
	settings config.Repository
	origins  []config.Origin
	active   []rule.Active
	known    map[string]bool
	report   *review.Report
	diags    source.Diagnostics
	paths    []string // what a scan was asked for; nil for a review
}

// asked leaves out the resources of files that a scan was not asked for: a
// module is read whole, also for the sake of one of its files.
func (r *run) asked(all []*resource.Resource) []*resource.Resource {
	if r.paths == nil || slices.Contains(r.paths, ".") {
		return all
	}
	var out []*resource.Resource
	for _, x := range all {
		for _, p := range r.paths {
			if x.Range.File == p || strings.HasPrefix(x.Range.File, p+"/") || builtFor(x, p) {
				out = append(out, x)
				break
			}
		}
	}
	return out
}

// builtFor reports whether a resource is of a kustomization that lies in a
// folder, or is named by its file: a scan of an overlay asks for its base too.
func builtFor(r *resource.Resource, p string) bool {
	if r.Source == (resource.Identity{}) {
		return false
	}
	dir := engine.UnitName(r)
	return dir == p || strings.HasPrefix(dir, p+"/") || path.Dir(p) == dir
}

// prepare reads the configuration and the repository's own rules from the tree
// that judges: the base.
func (o Options) prepare(_ context.Context, judge fs.FS) (*run, error) {
	r := &run{opt: o, report: &review.Report{RulesURL: o.RulesURL}}
	r.diags = append(r.diags, o.Diagnostics...)
	rules := append([]*rule.Rule(nil), o.Rules...)
	var repo config.Repository
	data, err := fs.ReadFile(judge, ConfigFile)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		data, err = nil, nil
	default:
		return nil, fmt.Errorf("read %s: %w", ConfigFile, err)
	}
	if data != nil {
		// The first reading finds the places of further rules, which the
		// second one must know.
		repo, _, err = config.ParseRepository(ConfigFile, data, nil)
		if err == nil {
			rules = append(rules, r.extraRules(judge, repo.ExtraRules)...)
		}
	}
	catalogue, ds := rule.New(rules)
	r.diags = append(r.diags, ds...)
	if data != nil && err == nil {
		repo, ds, err = config.ParseRepository(ConfigFile, data, catalogue.Known)
		r.diags = append(r.diags, ds...)
	}
	if err != nil {
		r.report.Policy.ConfigError = configDiagnostic(err)
		r.report.Diagnostics = source.Diagnostics{*r.report.Policy.ConfigError}
		return r, nil
	}
	repo, ds = repo.Current(o.Now())
	r.diags = append(r.diags, ds...)
	layers := append([]config.Layer{{Name: "the defaults", Repository: config.Defaults()}}, o.Layers...)
	layers = append(layers, config.Layer{Name: ConfigFile, Repository: repo}, config.Layer{Name: "the command line", Repository: o.Over, Free: true})
	r.settings, r.origins, ds = config.Lay(layers...)
	r.diags = append(r.diags, ds...)
	active, err := catalogue.Select(r.settings.Profile, overrides(r.settings))
	if err != nil {
		return nil, err
	}
	r.active = active
	r.report.Policy = policy(r.settings)
	r.known = make(map[string]bool, len(rules))
	for _, x := range rules {
		r.known[x.ID] = true
	}
	return r, nil
}

// extraRules loads a repository's own rules; they run under a cost limit.
func (r *run) extraRules(judge fs.FS, dirs []string) []*rule.Rule {
	var out []*rule.Rule
	for _, dir := range dirs {
		sub, err := fs.Sub(judge, dir)
		if err == nil {
			_, err = fs.Stat(judge, dir)
		}
		if err != nil {
			r.diags.Warnf(ConfigFile, 0, "extra_rules: %s cannot be read in the base: %v", dir, err)
			continue
		}
		rules, ds := rule.Load(sub)
		for i := range ds {
			ds[i].File = dir + "/" + ds[i].File
		}
		r.diags = append(r.diags, ds...)
		for _, x := range rules {
			x.Limited = true
			x.File = dir + "/" + x.File
		}
		out = append(out, rules...)
	}
	return out
}

func policy(s config.Repository) review.Policy {
	return review.Policy{
		FailOn: s.FailOn, Advise: s.Mode == config.ModeAdvise, CommentOn: s.CommentOn,
		SuppressNow: s.InlineSuppressions == config.InlineHead, MaxComments: *s.MaxComments, ReviewDrafts: *s.ReviewDrafts, SARIFUpload: *s.SARIFUpload,
	}
}

func overrides(s config.Repository) map[string]rule.Override {
	out := make(map[string]rule.Override, len(s.Rules))
	for id, o := range s.Rules {
		out[id] = rule.Override{Enabled: o.Enabled, Severity: o.Severity}
	}
	return out
}

func configDiagnostic(err error) *source.Diagnostic {
	var ce *config.Error
	if errors.As(err, &ce) {
		return &ce.Diagnostic
	}
	return &source.Diagnostic{File: ConfigFile, Level: source.LevelError, Message: err.Error()}
}

// read reads units side by side, keeping their order. It names those of which
// nothing could be read.
func (o Options) read(ctx context.Context, units []format.Unit) ([]*resource.Resource, source.Diagnostics, map[string]bool) {
	type result struct {
		resources []*resource.Resource
		diags     source.Diagnostics
	}
	results := make([]result, len(units))
	var mu sync.Mutex
	done := 0
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, u := range units {
		g.Go(func() error {
			reader, ok := o.Readers[u.Format]
			if !ok {
				results[i].diags.Errorf(u.Dir, 0, "no reader for %s", u.Format)
				return nil
			}
			results[i].resources, results[i].diags = readUnit(ctx, reader, u)
			mu.Lock()
			defer mu.Unlock()
			done++
			o.progress("reading", done, len(units))
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	var out []*resource.Resource
	var ds source.Diagnostics
	lost := map[string]bool{}
	for i, r := range results {
		out = append(out, r.resources...)
		ds = append(ds, r.diags...)
		if len(r.resources) == 0 && slices.ContainsFunc(r.diags, func(d source.Diagnostic) bool { return d.NotEvaluated != "" }) {
			lost[units[i].ID] = true
		}
	}
	return inContext(out), ds, lost
}

// inContext leaves out scripts that were read on their own although what they
// are for was read too and names them: said twice would be once too often.
func inContext(all []*resource.Resource) []*resource.Resource {
	alone := func(r *resource.Resource) bool {
		return r.Platform == resource.NodeBootstrap && r.Unit == resource.NodeBootstrap+":"+r.Range.File
	}
	named := map[string]bool{}
	for _, r := range all {
		if r.Platform == resource.NodeBootstrap && !alone(r) {
			named[r.Range.File] = true
		}
	}
	if len(named) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(r *resource.Resource) bool { return alone(r) && named[r.Range.File] })
}

// readUnit reads a unit and puts each of its resources on the platform that
// rules speak about. Whatever judges resources gets them from here.
func readUnit(ctx context.Context, reader format.Reader, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	rs, ds := reader.Read(ctx, u)
	if t, ok := u.FS.(releaseTree); ok {
		t.relocate(rs, ds)
	}
	for _, r := range rs {
		r.Variant = u.Variant
	}
	rs, more := projection.All(rs)
	return rs, append(ds, more...)
}

// finish judges the resources and looks for fixes. base is nil for a scan.
func (r *run) finish(ctx context.Context, start time.Time, baseTree, headTree fs.FS, base []*resource.Resource, units []format.Unit, head []*resource.Resource) (*Session, error) {
	r.opt.progress("judging", 0, 0)
	ev := newEvaluator(r, baseTree, headTree, base, units, head)
	result := ev.judge(ctx, change.Pair(base, head))
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	r.diags = append(r.diags, result.Diagnostics...)
	r.diags.Sort()
	rep := r.report
	rep.Changes, rep.Unknown, rep.Diagnostics = result.Changes, result.Unknown, r.diags
	rep.Findings = make([]review.Finding, len(result.Findings))
	for i, f := range result.Findings {
		rep.Findings[i] = review.Finding{Finding: f}
	}
	if !r.opt.NoFixes {
		if err := ev.mend(ctx, rep); err != nil {
			return nil, err
		}
	} else {
		rep.Groups = review.GroupNew(rep.Findings, rep.Policy)
	}
	rep.Files = ev.loaded(rep)
	rep.Elapsed = r.opt.Now().Sub(start)
	return &Session{Report: rep, eval: ev}, nil
}

func filesOf(units []format.Unit) []string {
	var out []string
	for _, u := range units {
		out = append(out, u.Files...)
	}
	sort.Strings(out)
	return out
}

func (r *run) engineOptions() engine.Options {
	return engine.Options{
		Rules: r.active, Suppress: suppressions(r.settings), Today: r.opt.Now(),
		OwnOnly:        !*r.settings.ForeignSuppressions,
		InlineFromHead: r.opt.AllSuppressions || r.settings.InlineSuppressions == config.InlineHead,
		Known:          func(id string) bool { return r.known[id] },
		Workers:        runtime.GOMAXPROCS(0),
	}
}

func suppressions(s config.Repository) []engine.ConfigSuppression {
	out := make([]engine.ConfigSuppression, 0, len(s.Suppress))
	for _, x := range s.Suppress {
		out = append(out, engine.ConfigSuppression{Rule: x.Rule, Covers: x.Covers, Reason: x.Reason, Expires: x.Expires, Range: x.Range})
	}
	return out
}
