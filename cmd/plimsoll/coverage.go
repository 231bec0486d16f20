package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/rules"
)

// coverageRow is one row of the list of checks.
type coverageRow struct {
	ID       string   `json:"id"`
	Platform string   `json:"platform"`
	Theme    string   `json:"theme"`
	Scope    string   `json:"scope"`
	Fix      string   `json:"fix"`
	Rules    []string `json:"rules"`          // that cover it
	Left     string   `json:"left,omitempty"` // why none does
}

// counted reports whether the row is within what the rules set out to cover:
// the scopes core and external-resources.
func (r coverageRow) counted() bool {
	return r.Scope == "core" || r.Scope == "external-resources" || r.Platform == "node-bootstrap"
}

func coverageRows(all []*rule.Rule) ([]coverageRow, error) {
	by := map[string][]string{}
	for _, r := range all {
		for _, id := range r.Covers {
			by[id] = append(by[id], r.ID)
		}
	}
	var out []coverageRow
	for i, line := range strings.Split(strings.TrimRight(rules.Checks(), "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("rules/checks.tsv:%d: %d columns, not 6", i+1, len(f))
		}
		if i > 0 {
			out = append(out, coverageRow{ID: f[0], Platform: f[1], Theme: f[2], Scope: f[3], Fix: f[4], Left: f[5], Rules: by[f[0]]})
		}
	}
	return out, nil
}

// coverage prints how many rows are covered by platform and theme, those out of
// scope by themselves, and every row that is left with the reason.
func coverage(w io.Writer, format string) error {
	all, err := builtIn()
	if err != nil {
		return err
	}
	rows, err := coverageRows(all)
	if err != nil {
		return err
	}
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	type count struct{ covered, all int }
	byCell := map[[2]string]count{}
	var platforms []string
	for _, r := range rows {
		if !slices.Contains(platforms, r.Platform) {
			platforms = append(platforms, r.Platform)
		}
		themes := []string{r.Theme, "all"}
		if !r.counted() {
			themes = []string{"beyond"}
		}
		for _, t := range themes {
			c := byCell[[2]string{r.Platform, t}]
			c.all++
			if len(r.Rules) > 0 {
				c.covered++
			}
			byCell[[2]string{r.Platform, t}] = c
		}
	}
	slices.Sort(platforms)
	columns := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "all", "beyond"}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "platform\t%s\t\n", strings.Join(columns, "\t"))
	for _, p := range platforms {
		fmt.Fprint(tw, p)
		for _, t := range columns {
			if c := byCell[[2]string{p, t}]; c.all > 0 {
				fmt.Fprintf(tw, "\t%d/%d", c.covered, c.all)
			} else {
				fmt.Fprint(tw, "\t-")
			}
		}
		fmt.Fprintln(tw, "\t")
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write the coverage: %w", err)
	}
	fmt.Fprintln(w, "\ncolumns 1 to 9: the themes; beyond: rows of other scopes (reliability, style, legacy, files of nodes)\n\nleft:")
	for _, r := range rows {
		if len(r.Rules) == 0 && (r.counted() || r.Left != "") {
			fmt.Fprintf(w, "  %-18s %-20s theme %s  %s\n", r.ID, r.Platform, r.Theme, orNone(r.Left))
		}
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "no rule yet"
	}
	return s
}
