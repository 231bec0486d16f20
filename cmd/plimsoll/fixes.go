package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
)

// ruleFixes prints how many rules have fixes, which rows of the list of checks
// lack one that could be told, and for each folder the share of findings that
// have a proven fix, by profile.
func ruleFixes(ctx context.Context, w io.Writer, dirs []string) error {
	all, err := builtIn()
	if err != nil {
		return err
	}
	rows, err := coverageRows(all)
	if err != nil {
		return err
	}
	byID := map[string]*rule.Rule{}
	fixable := 0
	for _, r := range all {
		byID[r.ID] = r
		if r.Fixable() {
			fixable++
		}
	}
	fmt.Fprintf(w, "%d of %d rules have a fix\n\n", fixable, len(all))
	type count struct{ fixed, covered int }
	byKind := map[string]count{}
	var lacking, written []string
	for _, row := range rows {
		r := byID[row.Rule]
		if r == nil || row.Fix == "no" {
			continue
		}
		c := byKind[row.Fix]
		c.covered++
		if fixesOn(r, platformOf(row.Platform)) {
			c.fixed++
		} else if name := row.ID + " (" + row.Rule + ")"; row.Fix == "yes" && writesOn(r, platformOf(row.Platform)) {
			written = append(written, name)
		} else if row.Fix == "yes" {
			lacking = append(lacking, name)
		}
		byKind[row.Fix] = c
	}
	for _, kind := range sortedKeys(byKind) {
		fmt.Fprintf(w, "rows whose fix the list marks %q: %d of %d that are covered have one\n", kind, byKind[kind].fixed, byKind[kind].covered)
	}
	if len(written) > 0 {
		fmt.Fprintf(w, "without, since it takes an object of its own, which the finding shows: %s\n", strings.Join(written, ", "))
	}
	if len(lacking) > 0 {
		fmt.Fprintf(w, "without, although marked \"yes\": %s\n", strings.Join(lacking, ", "))
	}
	for _, dir := range dirs {
		if err := folderFixes(ctx, w, dir); err != nil {
			return err
		}
	}
	return nil
}

// platformOf gives the platform of our rules that a row of the list is about.
func platformOf(row string) string {
	switch {
	case row == "terraform-kubernetes":
		return resource.Kubernetes
	case strings.HasPrefix(row, "terraform-"):
		return resource.Terraform
	}
	return row
}

// fixesOn reports whether a check of the rule for the platform has a fix.
func fixesOn(r *rule.Rule, platform string) bool {
	return slices.ContainsFunc(checksOn(r, platform), func(c rule.Check) bool { return c.Fix != nil })
}

// writesOn reports whether a check of the rule for the platform shows a block
// to write.
func writesOn(r *rule.Rule, platform string) bool {
	return slices.ContainsFunc(checksOn(r, platform), func(c rule.Check) bool { return c.Write != "" })
}

// checksOn gives the checks of a rule for a platform. Where it has none they are
// all of them: the list counts what sets nodes up as a platform of its own, and
// a node class of Karpenter is an object of Kubernetes.
func checksOn(r *rule.Rule, platform string) []rule.Check {
	var out []rule.Check
	for _, c := range r.Checks {
		if c.Platform == platform {
			out = append(out, c)
		}
	}
	if out == nil {
		return r.Checks
	}
	return out
}

// folderFixes scans a folder with each profile.
func folderFixes(ctx context.Context, w io.Writer, dir string) error {
	pool := sandbox.New(sandbox.Options{})
	defer pool.Close()
	for _, profile := range []string{"default", "strict"} {
		opt, err := newOptions(rule.LoadForReview, nil, pool)
		if err != nil {
			return err
		}
		opt.Over = config.Repository{Profile: []string{profile}}
		s, err := reviewer.Scan(ctx, opt, os.DirFS(dir), []string{"."})
		if err != nil {
			return fmt.Errorf("rules fixes: scan %s: %w", dir, err)
		}
		type count struct{ fixed, all int }
		byRule := map[string]count{}
		var total count
		for _, f := range s.Report.Findings {
			c := byRule[f.Rule.ID]
			c.all++
			total.all++
			if f.Fix != nil {
				c.fixed++
				total.fixed++
			}
			byRule[f.Rule.ID] = c
		}
		if total.all == 0 {
			fmt.Fprintf(w, "\n%s, profile %s: no findings\n", dir, profile)
			continue
		}
		fmt.Fprintf(w, "\n%s, profile %s: %d of %d findings have a proven fix (%d%%)\n", dir, profile, total.fixed, total.all, 100*total.fixed/total.all)
		ids := sortedKeys(byRule)
		slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(byRule[b].all, byRule[a].all) })
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, id := range ids {
			fmt.Fprintf(tw, "  %s\t%d of %d\n", id, byRule[id].fixed, byRule[id].all)
		}
		if err := tw.Flush(); err != nil {
			return fmt.Errorf("write the fixes: %w", err)
		}
	}
	return nil
}
