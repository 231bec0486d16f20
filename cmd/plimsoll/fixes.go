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

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/rules"
)

func newFixesCommand() *cobra.Command {
	var left []string
	cmd := &cobra.Command{
		Use: "fixes [DIR...]", Short: "Say which checks have a fix or a block to write, and how many findings below the folders have a proven fix",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(left) > 0 {
				return checksLeft(cmd.OutOrStdout(), left)
			}
			return ruleFixes(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
	cmd.Flags().StringSliceVar(&left, "left", nil, "list the checks of these rule files that have neither a fix nor a block to write")
	return cmd
}

// answers counts what checks, or rows of the list of checks, offer to a person:
// all is those with a fix, those with a block instead, those for which neither
// is possible (rules/no-block.tsv), and the rest.
type answers struct{ all, fix, block, excepted int }

func (a answers) neither() int { return a.all - a.fix - a.block - a.excepted }

// exceptions reads which rules can offer neither on a platform, and why.
func exceptions() map[[2]string]string {
	out := map[[2]string]string{}
	for line := range strings.Lines(rules.NoBlock()) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 3 {
			out[[2]string{f[0], f[1]}] = f[2]
		}
	}
	return out
}

// ruleCheck is a check and the rule that it is of.
type ruleCheck struct {
	rule  *rule.Rule
	check rule.Check
}

// add counts a thing that these checks answer: by the least of them.
func (a *answers) add(checks []ruleCheck, except map[[2]string]string) {
	a.all++
	fix, block, excepted := true, true, true
	for _, c := range checks {
		hasFix, hasBlock := c.check.Fix != nil, c.check.Write != ""
		fix = fix && hasFix
		block = block && (hasFix || hasBlock)
		excepted = excepted && (hasFix || hasBlock || except[[2]string{c.rule.ID, c.check.Platform}] != "")
	}
	switch {
	case fix:
		a.fix++
	case block:
		a.block++
	case excepted:
		a.excepted++
	}
}

// ruleFixes prints how many checks have fixes and blocks, by platform, the same
// for the rows of the list of checks, and for each folder the share of findings
// that have a proven fix, by profile.
func ruleFixes(ctx context.Context, w io.Writer, dirs []string) error {
	all, err := builtIn()
	if err != nil {
		return err
	}
	rows, err := coverageRows(all)
	if err != nil {
		return err
	}
	except := exceptions()
	byID := map[string]*rule.Rule{}
	byPlatform := map[string]*answers{}
	var total answers
	fixable := 0
	for _, r := range all {
		byID[r.ID] = r
		if r.Fixable() {
			fixable++
		}
		for _, c := range r.Checks {
			if byPlatform[c.Platform] == nil {
				byPlatform[c.Platform] = &answers{}
			}
			one := []ruleCheck{{r, c}}
			byPlatform[c.Platform].add(one, except)
			total.add(one, except)
		}
	}
	fmt.Fprintf(w, "%d of %d rules have a fix\n\n", fixable, len(all))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "checks\twith a fix\twith a block\tneither can be\tneither\tplatform\t\n")
	line := func(a answers, name string) {
		fmt.Fprintf(tw, "%d\t%d\t%d\t%d\t%d\t%s\t\n", a.all, a.fix, a.block, a.excepted, a.neither(), name)
	}
	for _, p := range rule.Platforms() {
		if a := byPlatform[p]; a != nil {
			line(*a, p)
		}
	}
	line(total, "all")
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write the fixes: %w", err)
	}
	byKind := map[string]*answers{}
	var written, lacking []string
	for _, row := range rows {
		if len(row.Rules) == 0 || row.Fix == "no" {
			continue
		}
		if byKind[row.Fix] == nil {
			byKind[row.Fix] = &answers{}
		}
		a := byKind[row.Fix]
		was := *a
		var checks []ruleCheck
		for _, id := range row.Rules {
			checks = append(checks, checksOn(byID[id], platformOf(row.Platform))...)
		}
		a.add(checks, except)
		switch name := row.ID + " (" + strings.Join(row.Rules, ", ") + ")"; {
		case a.neither() > was.neither():
			lacking = append(lacking, name)
		case row.Fix == "yes" && a.fix == was.fix:
			written = append(written, name)
		}
	}
	fmt.Fprintln(w)
	for _, kind := range sortedKeys(byKind) {
		a := byKind[kind]
		fmt.Fprintf(w, "rows whose fix the list marks %q: %d are covered; %d have a fix in every check, %d a block where there is none, %d can have neither, %d lack both somewhere\n",
			kind, a.all, a.fix, a.block, a.excepted, a.neither())
	}
	if len(written) > 0 {
		fmt.Fprintf(w, "marked \"yes\", with a block or nothing in some check: %s\n", strings.Join(written, ", "))
	}
	if len(lacking) > 0 {
		fmt.Fprintf(w, "lacking both in some check: %s\n", strings.Join(lacking, ", "))
	}
	for _, dir := range dirs {
		if err := folderFixes(ctx, w, dir); err != nil {
			return err
		}
	}
	return nil
}

// checksLeft lists the checks of rule files that have neither.
func checksLeft(w io.Writer, paths []string) error {
	all, ds, err := readRules(paths)
	if err != nil {
		return err
	}
	if len(ds) > 0 {
		return fmt.Errorf("rules fixes: %s", ds[0])
	}
	except := exceptions()
	checks, left := 0, 0
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range all {
		for _, c := range r.Checks {
			checks++
			if c.Fix != nil || c.Write != "" || except[[2]string{r.ID, c.Platform}] != "" {
				continue
			}
			left++
			what := c.Each
			if len(c.Kinds) > 0 {
				what = strings.TrimSpace(strings.Join(c.Kinds, ", ") + " " + what)
			}
			fmt.Fprintf(tw, "%s:%d\t%s\t%s\t%s\n", r.File, c.Line, c.Platform, r.ID, what)
		}
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write the checks: %w", err)
	}
	fmt.Fprintf(w, "%d of %d checks have neither a fix nor a block to write\n", left, checks)
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

// checksOn gives the checks of a rule for a platform. Where it has none they are
// all of them: the list counts what sets nodes up as a platform of its own, and
// a node class of Karpenter is an object of Kubernetes.
func checksOn(r *rule.Rule, platform string) []ruleCheck {
	var out, all []ruleCheck
	for _, c := range r.Checks {
		all = append(all, ruleCheck{r, c})
		if c.Platform == platform {
			out = append(out, ruleCheck{r, c})
		}
	}
	if out == nil {
		return all
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
