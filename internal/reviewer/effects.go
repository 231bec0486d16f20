package reviewer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds of counting what a change of the configuration hides, for which the
// whole head is judged. Beyond them the rest of the review stands and the
// report says that it was not counted.
const (
	effectTime  = 20 * time.Second
	effectFiles = 3000
)

// effects says what the change does, once merged, to how the repository is
// judged. Nothing of it bears on the review itself.
func (r *run) effects(ctx context.Context, trees Trees, changes []project.PathChange, rep *review.Report) (*review.Effects, error) {
	out := &review.Effects{}
	pending, places := map[string]bool{}, map[source.Range]bool{}
	for _, f := range rep.Findings {
		if f.Pending != nil && (f.State == engine.New || f.State == engine.Existing) {
			out.Hidden++
			pending[f.Fingerprint] = true
			places[f.Pending.Range] = true
		}
	}
	out.Suppressions = len(places)
	if r.touchesConfig(changes) {
		if err := r.configEffects(ctx, trees, out, pending); err != nil {
			return nil, err
		}
	}
	if out.Broken == nil && out.Suppressions == 0 && out.Hidden == 0 && out.Uncounted == "" &&
		len(out.Loosened)+len(out.Tightened)+len(out.RulesOff)+len(out.RulesOn) == 0 {
		return nil, nil
	}
	return out, nil
}

// touchesConfig reports whether the change reaches the configuration or the
// repository's own rules.
func (r *run) touchesConfig(changes []project.PathChange) bool {
	return slices.ContainsFunc(changes, func(c project.PathChange) bool {
		for _, p := range [2]string{c.Path, c.OldPath} {
			if p == ConfigFile {
				return true
			}
			for _, dir := range r.settings.ExtraRules {
				if p != "" && strings.HasPrefix(p, dir+"/") {
					return true
				}
			}
		}
		return false
	})
}

// configEffects compares how the head is judged now with how it would be by its
// own configuration.
func (r *run) configEffects(ctx context.Context, trees Trees, out *review.Effects, pending map[string]bool) error {
	if err := trees.Prefetch(ctx, nil, []string{ConfigFile}); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("fetch the changed configuration: %w", err)
	}
	then, err := r.opt.prepare(ctx, trees.Head())
	if err != nil {
		return err
	}
	if out.Broken = then.report.Policy.ConfigError; out.Broken != nil {
		return nil
	}
	now := ids(r.active)
	after := ids(then.active)
	for id := range now {
		if _, ok := after[id]; !ok {
			out.RulesOff = append(out.RulesOff, id)
		} else if now[id].Rank() > after[id].Rank() {
			out.Loosened = append(out.Loosened, fmt.Sprintf("%s: %s → %s", id, now[id], after[id]))
		} else if now[id].Rank() < after[id].Rank() {
			out.Tightened = append(out.Tightened, fmt.Sprintf("%s: %s → %s", id, now[id], after[id]))
		}
	}
	for id := range after {
		if _, ok := now[id]; !ok {
			out.RulesOn = append(out.RulesOn, id)
		}
	}
	slices.Sort(out.RulesOff)
	slices.Sort(out.RulesOn)
	for _, d := range config.Compare(r.settings, then.settings) {
		text := fmt.Sprintf("%s: %s → %s", d.Key, d.Before, d.After)
		if d.Loosens {
			out.Loosened = append(out.Loosened, text)
		} else {
			out.Tightened = append(out.Tightened, text)
		}
	}
	for _, key := range r.settings.Locked {
		if !slices.Contains(then.settings.Locked, key) {
			out.Loosened = append(out.Loosened, "no lock on "+key)
		}
	}
	for _, key := range then.settings.Locked {
		if !slices.Contains(r.settings.Locked, key) {
			out.Tightened = append(out.Tightened, "a lock on "+key)
		}
	}
	slices.Sort(out.Loosened)
	slices.Sort(out.Tightened)
	out.Suppressions += added(r.settings.Suppress, then.settings.Suppress)
	return r.countHidden(ctx, trees, then, out, pending)
}

func ids(active []rule.Active) map[string]rule.Severity {
	out := make(map[string]rule.Severity, len(active))
	for _, a := range active {
		out[a.Rule.ID] = a.Severity
	}
	return out
}

// added counts the suppressions of after that before has not.
func added(before, after []config.Suppression) int {
	key := func(s config.Suppression) string { return s.Rule + "\x00" + strings.Join(s.Paths, "\x00") }
	known := map[string]bool{}
	for _, s := range before {
		known[key(s)] = true
	}
	n := 0
	for _, s := range after {
		if !known[key(s)] {
			n++
		}
	}
	return n
}

// countHidden judges the whole head twice and counts what is said now and would
// not be said then.
func (r *run) countHidden(ctx context.Context, trees Trees, then *run, out *review.Effects, pending map[string]bool) error {
	bounded, cancel := context.WithTimeout(ctx, effectTime)
	defer cancel()
	units, ds := r.opt.Finder.With(r.settings.Units()).All(bounded, trees.Head(), []string{"."}, r.settings.Filter())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, d := range ds {
		if d.Level == source.LevelError {
			out.Uncounted = "not every folder could be looked into"
			break
		}
	}
	files := filesOf(units)
	if len(files) > effectFiles {
		out.Uncounted = fmt.Sprintf("the repository has %d files of infrastructure code, and %d are looked at", len(files), effectFiles)
		return nil
	}
	late := func() error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		out.Uncounted = fmt.Sprintf("it would take longer than %d s", int(effectTime.Seconds()))
		return nil
	}
	if err := trees.Prefetch(bounded, nil, files); err != nil {
		if bounded.Err() != nil {
			return late()
		}
		return fmt.Errorf("fetch the files that the configuration is about: %w", err)
	}
	resources, _, _ := r.opt.read(bounded, units)
	releases, _ := r.releases(trees.Head(), units, resources, nil, nil)
	released, _, _ := r.opt.read(bounded, releases)
	resources = append(resources, released...)
	now, after := said(bounded, r, resources), said(bounded, then, resources)
	if bounded.Err() != nil {
		return late()
	}
	keep := then.settings.Filter()
	for fp, file := range now {
		_, still := after[fp]
		if (!still || keep != nil && !keep(file)) && !pending[fp] {
			out.Hidden++
		}
	}
	return nil
}

// said gives the findings of resources that a run does not suppress, with their
// files.
func said(ctx context.Context, r *run, resources []*resource.Resource) map[string]string {
	opt := r.engineOptions()
	opt.InlineFromHead = true
	out := map[string]string{}
	for _, f := range engine.Evaluate(ctx, opt, change.Pair(nil, resources)).Findings {
		if f.State == engine.New {
			out[f.Fingerprint] = f.Range.File
		}
	}
	return out
}
