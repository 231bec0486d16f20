package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// ruleDocs writes the catalogue as Markdown: a page for each rule, an index by
// theme, and an index by the ids of other tools. Names are paths below the
// folder of the pages.
func ruleDocs(all []*rule.Rule) map[string][]byte {
	out := map[string][]byte{"README.md": indexPage(all), "other-tools.md": equivalentsPage(all)}
	for _, r := range all {
		out[r.ID+".md"] = rulePage(r)
	}
	return out
}

// writeRuleDocs brings a folder up to date: what is no rule's page any more goes.
func writeRuleDocs(dir string, all []*rule.Rule) error {
	pages := ruleDocs(all)
	old, err := filepath.Glob(filepath.Join(dir, "*", "*.md"))
	if err != nil {
		return fmt.Errorf("rules docs: %w", err)
	}
	for _, name := range old {
		rel, err := filepath.Rel(dir, name)
		if err == nil && pages[filepath.ToSlash(rel)] == nil {
			err = os.Remove(name)
		}
		if err != nil {
			return fmt.Errorf("rules docs: %w", err)
		}
	}
	for name, data := range pages {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return fmt.Errorf("rules docs: %w", err)
		}
		if err := os.WriteFile(full, data, 0o644); err != nil {
			return fmt.Errorf("rules docs: %w", err)
		}
	}
	return nil
}

const generated = "<!-- Made from the rules by `make rule-docs`; change the rule's file instead. -->\n\n"

func indexPage(all []*rule.Rule) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# Rules\n\n%d rules in nine themes. Looking for a rule of another tool? See [the same in other tools](other-tools.md).\n", generated, len(all))
	for n, theme := range rule.Themes() {
		var rows []*rule.Rule
		for _, r := range all {
			if r.Theme == theme {
				rows = append(rows, r)
			}
		}
		slices.SortStableFunc(rows, func(a, b *rule.Rule) int {
			if d := b.Severity.Rank() - a.Severity.Rank(); d != 0 {
				return d
			}
			return strings.Compare(a.ID, b.ID)
		})
		fmt.Fprintf(&b, "\n## %d. %s\n\n| rule | severity | profile | platforms | fix |\n|---|---|---|---|---|\n", n+1, strings.ReplaceAll(theme, "-", " "))
		for _, r := range rows {
			fix := ""
			if r.Fixable() {
				fix = "yes"
			}
			fmt.Fprintf(&b, "| [`%s`](%s.md): %s | %s | %s | %s | %s |\n", r.ID, r.ID, r.Title, r.Severity, r.Profile, strings.Join(r.Platforms(), ", "), fix)
		}
	}
	return b.Bytes()
}

func equivalentsPage(all []*rule.Rule) []byte {
	byTool := map[string]map[string][]*rule.Rule{}
	for _, r := range all {
		for tool, ids := range r.Equivalents {
			if byTool[tool] == nil {
				byTool[tool] = map[string][]*rule.Rule{}
			}
			for _, id := range ids {
				byTool[tool][id] = append(byTool[tool][id], r)
			}
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# The same in other tools\n\nSuppressions that were written for these count for our rule too, see [exceptions](../suppressions.md).\n", generated)
	for _, tool := range sortedKeys(byTool) {
		fmt.Fprintf(&b, "\n## %s\n\n| there | here |\n|---|---|\n", tool)
		for _, id := range sortedKeys(byTool[tool]) {
			var links []string
			for _, r := range byTool[tool][id] {
				links = append(links, fmt.Sprintf("[`%s`](%s.md)", r.ID, r.ID))
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", id, strings.Join(links, ", "))
		}
	}
	return b.Bytes()
}

func rulePage(r *rule.Rule) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s# %s\n\n`%s` · %s · profile %s · [%s](../README.md)\n\n%s\n\n**What to do.** %s\n\n## What it looks at\n\n", generated,
		r.Title, r.ID, r.Severity, r.Profile, strings.ReplaceAll(r.Theme, "-", " "), r.Why, r.Remediation)
	for _, p := range r.Platforms() {
		fmt.Fprintf(&b, "- %s: %s\n", p, strings.Join(r.LooksAt(p), ", "))
	}
	if len(r.Over) > 0 {
		fmt.Fprintf(&b, "\nWhere it finds something, these say nothing of the same setting: `%s`.\n", strings.Join(r.Over, "`, `"))
	}
	if fixes := r.FixNotes(); len(fixes) > 0 {
		fmt.Fprintf(&b, "\n## The fix\n\n- %s\n", strings.Join(fixes, "\n- "))
	}
	if blocks := r.Blocks(); len(blocks) > 0 {
		fmt.Fprintf(&b, "\n## What to write\n")
		for _, x := range blocks {
			if len(r.Platforms()) > 1 {
				fmt.Fprintf(&b, "\nFor %s:\n", x.Platform)
			}
			fmt.Fprintf(&b, "\n%s", fence(x.Language, x.Text))
		}
	}
	if len(r.Examples) > 0 {
		fmt.Fprintf(&b, "\n## Examples\n")
	}
	for _, e := range r.Examples {
		language := exampleLanguage(r, e)
		switch {
		case e.Fail != "" && e.Fixed != "":
			fmt.Fprintf(&b, "\n<table><tr><th>fails</th><th>fixed</th></tr><tr valign=\"top\"><td>\n\n%s\n</td><td>\n\n%s\n</td></tr></table>\n", fence(language, e.Fail), fence(language, e.Fixed))
		case e.Fail != "":
			fmt.Fprintf(&b, "\nFails:\n\n%s", fence(language, e.Fail))
		}
		if e.Pass != "" {
			fmt.Fprintf(&b, "\nPasses:\n\n%s", fence(language, e.Pass))
		}
	}
	for _, part := range []struct {
		title string
		of    map[string][]string
	}{{"Controls", r.Compliance}, {"The same in other tools", r.Equivalents}} {
		if len(part.of) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", part.title)
		for _, k := range sortedKeys(part.of) {
			fmt.Fprintf(&b, "- %s: `%s`\n", k, strings.Join(part.of[k], "`, `"))
		}
	}
	if len(r.References) > 0 {
		fmt.Fprintf(&b, "\n## References\n\n")
		for _, u := range r.References {
			fmt.Fprintf(&b, "- <%s>\n", u)
		}
	}
	return b.Bytes()
}

// exampleLanguage is the language that a page highlights an example in.
func exampleLanguage(r *rule.Rule, e rule.Example) string {
	switch path.Ext(e.File) {
	case ".json":
		return "json"
	case ".tf", ".hcl":
		return "hcl"
	case ".sh":
		return "sh"
	}
	platform := e.Platform
	if platform == "" && len(r.Platforms()) > 0 {
		platform = r.Platforms()[0]
	}
	switch platform {
	case "terraform":
		return "hcl"
	case "dockerfile":
		return "dockerfile"
	}
	return "yaml"
}

// fence puts a text in a block that its own backquotes cannot end.
func fence(language, text string) string {
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	return mark + language + "\n" + strings.TrimRight(text, "\n") + "\n" + mark + "\n"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
