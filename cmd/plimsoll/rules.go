package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/internal/source"
	"github.com/plimsoll-iac/plimsoll/rules"
)

func newRulesCommand() *cobra.Command {
	var format string
	list := func(cmd *cobra.Command, _ []string) error { return listRules(cmd.OutOrStdout(), format) }
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List, show and test the rules",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q; use list, show ID, test PATH, new ID, coverage, fixes [DIR], schema or docs DIR", args[0])
			}
			return nil
		},
		RunE: list,
	}
	cmd.PersistentFlags().StringVar(&format, "format", "text", "text or json")
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List the catalogue", Args: cobra.NoArgs, RunE: list,
	}, &cobra.Command{
		Use: "show ID", Short: "Show one rule", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return showRule(cmd.OutOrStdout(), args[0], format) },
	}, &cobra.Command{
		Use: "test [PATH...]", Short: "Run the examples of rule files (default: the built-in rules)",
		RunE: func(cmd *cobra.Command, args []string) error { return testRules(cmd, args) },
	}, newRuleCommand(), &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of a rule file, for editors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := rule.Schema()
			if err == nil {
				_, err = cmd.OutOrStdout().Write(data)
			}
			return err
		},
	}, &cobra.Command{
		Use: "docs DIR", Short: "Write the catalogue as Markdown pages", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := builtIn()
			if err != nil {
				return err
			}
			return writeRuleDocs(args[0], all)
		},
	}, newFixesCommand(), &cobra.Command{
		Use: "coverage", Short: "Say which of the field's checks the rules cover, by platform and theme", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return coverage(cmd.OutOrStdout(), format) },
	})
	return cmd
}

func builtIn() ([]*rule.Rule, error) {
	all, ds := rule.Load(rules.FS())
	if len(ds) > 0 {
		return nil, fmt.Errorf("the built-in rules: %s", ds[0])
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all, nil
}

type jsonRule struct {
	ID          string              `json:"id"`
	Title       string              `json:"title"`
	Severity    string              `json:"severity"`
	Profile     string              `json:"profile"`
	Theme       string              `json:"theme"`
	Platforms   []string            `json:"platforms"`
	Covers      []string            `json:"covers"`
	Equivalents map[string][]string `json:"equivalents"`
	Fixable     bool                `json:"fixable"`
	Why         string              `json:"why,omitempty"`
	Remediation string              `json:"remediation,omitempty"`
	References  []string            `json:"references,omitempty"`
	Compliance  map[string][]string `json:"compliance,omitempty"`
}

func toJSON(r *rule.Rule, whole bool) jsonRule {
	out := jsonRule{
		ID: r.ID, Title: r.Title, Severity: string(r.Severity), Profile: r.Profile, Theme: r.Theme,
		Platforms: r.Platforms(), Covers: r.Covers, Equivalents: r.Equivalents, Fixable: r.Fixable(),
	}
	if out.Covers == nil {
		out.Covers = []string{}
	}
	if out.Equivalents == nil {
		out.Equivalents = map[string][]string{}
	}
	if whole {
		out.Why, out.Remediation, out.References, out.Compliance = r.Why, r.Remediation, r.References, r.Compliance
	}
	return out
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func listRules(w io.Writer, format string) error {
	all, err := builtIn()
	if err != nil {
		return err
	}
	switch format {
	case "json":
		out := make([]jsonRule, 0, len(all))
		for _, r := range all {
			out = append(out, toJSON(r, false))
		}
		return writeJSON(w, out)
	case "text":
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, r := range all {
			fix := ""
			if r.Fixable() {
				fix = "fix"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Profile, strings.Join(r.Platforms(), ","), fix, r.Title)
		}
		return t.Flush()
	}
	return fmt.Errorf("--format: %q is not a format: use text or json", format)
}

func showRule(w io.Writer, id, format string) error {
	all, err := builtIn()
	if err != nil {
		return err
	}
	catalogue, _ := rule.New(all)
	r, ok := catalogue.ByID(id)
	if !ok {
		if s := catalogue.Suggest(id); s != "" {
			return fmt.Errorf("unknown rule %q; did you mean %q?", id, s)
		}
		return fmt.Errorf("unknown rule %q; plimsoll rules lists them", id)
	}
	switch format {
	case "json":
		return writeJSON(w, toJSON(r, true))
	case "text":
	default:
		return fmt.Errorf("--format: %q is not a format: use text or json", format)
	}
	fmt.Fprintf(w, "%s  %s\n%s\n\n%s\n\n%s\n\n", r.ID, r.Severity, r.Title, r.Why, r.Remediation)
	fmt.Fprintf(w, "profile     %s\ntheme       %s\nplatforms   %s\n", r.Profile, r.Theme, strings.Join(r.Platforms(), ", "))
	writeNames(w, r.Compliance)
	writeNames(w, r.Equivalents)
	for _, u := range r.References {
		fmt.Fprintln(w, u)
	}
	for _, e := range r.Examples {
		for _, part := range []struct{ what, text string }{{"fails", e.Fail}, {"fixed", e.Fixed}, {"passes", e.Pass}} {
			if part.text != "" {
				fmt.Fprintf(w, "\n%s:\n%s", part.what, indent(part.text))
			}
		}
	}
	return nil
}

func writeNames(w io.Writer, m map[string][]string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Fprintf(w, "%-11s %s\n", k, strings.Join(m[k], ", "))
	}
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("    " + line)
	}
	if !strings.HasSuffix(s, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// testRules runs the examples of the rules below the paths and fails when one
// does not hold.
func testRules(cmd *cobra.Command, paths []string) error {
	var all []*rule.Rule
	var ds source.Diagnostics
	if len(paths) == 0 {
		all, ds = rule.Load(rules.FS())
	}
	if len(paths) > 0 {
		var err error
		if all, ds, err = readRules(paths); err != nil {
			return err
		}
	}
	for _, r := range all {
		ds = append(ds, r.Check()...)
	}
	w := cmd.OutOrStdout()
	for _, d := range ds {
		fmt.Fprintln(w, d)
	}
	passed, failed := 0, len(ds)
	pool := sandbox.New(sandbox.Options{})
	defer pool.Close()
	for _, res := range reviewer.RunExamples(cmd.Context(), all, readers(pool)) {
		if res.Err == nil {
			passed++
			continue
		}
		failed++
		fmt.Fprintf(w, "%s example %d (%s): %v\n", res.Rule.ID, res.Index+1, res.Part, res.Err)
	}
	fmt.Fprintf(w, "%d rules, %d examples passed, %d failed\n", len(all), passed, failed)
	if failed > 0 {
		return errFindings
	}
	return nil
}

// readRules reads the rules below the paths, and says what is wrong with them.
func readRules(paths []string) (all []*rule.Rule, ds source.Diagnostics, err error) {
	for _, p := range paths {
		fsys, prefix, err := ruleTree(p)
		if err != nil {
			return nil, nil, err
		}
		more, d := rule.Load(fsys)
		for i := range d {
			d[i].File = filepath.Join(prefix, d[i].File)
		}
		for _, r := range more {
			r.Limited = true // as it is where it is used: in a scan, in a review
		}
		all, ds = append(all, more...), append(ds, d...)
	}
	return all, ds, nil
}

// ruleTree gives the tree of a folder of rules, or one with a single rule file.
func ruleTree(p string) (fs.FS, string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, "", fmt.Errorf("rules test: %w", err)
	}
	if info.IsDir() {
		return os.DirFS(p), p, nil
	}
	return oneFile{os.DirFS(filepath.Dir(p)), filepath.Base(p)}, filepath.Dir(p), nil
}

// oneFile shows a single file of a folder.
type oneFile struct {
	fs.FS
	name string
}

func (o oneFile) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == o.name {
			return []fs.DirEntry{e}, nil
		}
	}
	return nil, nil
}
