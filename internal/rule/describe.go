package rule

import (
	"slices"
	"strings"
)

// LooksAt says what the rule's checks for a platform are about, for its page:
// kinds in backquotes, or what a selection selects.
func (r *Rule) LooksAt(platform string) []string {
	var out []string
	for _, c := range r.Checks {
		if c.Platform != platform {
			continue
		}
		what := "every resource"
		if len(c.Kinds) > 0 {
			what = quoted(c.Kinds)
		}
		if s, ok := Selections(platform)[c.Each]; ok {
			what = s
			if len(c.Kinds) > 0 {
				what += " (" + quoted(c.Kinds) + ")"
			}
		}
		if len(c.Links) > 0 {
			what += ", with " + quoted(c.Links) + " beside it"
		}
		if !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	return out
}

// Writes reports whether a check of the rule shows a block to write.
func (r *Rule) Writes() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Write != "" })
}

// FixNotes says what each of the rule's fixes does, and what to check before.
func (r *Rule) FixNotes() []string {
	var out []string
	for _, c := range r.Checks {
		if c.Fix == nil || c.Fix.Title == "" {
			continue
		}
		note := c.Fix.Title + "."
		if c.Fix.Review != "" {
			note += " Before you apply it: " + c.Fix.Review
		}
		if !slices.Contains(out, note) {
			out = append(out, note)
		}
	}
	return out
}

// Block is what a check shows to write, for the rule's page.
type Block struct{ Platform, Language, Text string }

// Blocks are those of the rule's checks, each once.
func (r *Rule) Blocks() []Block {
	var out []Block
	for _, c := range r.Checks {
		if c.Write == "" {
			continue
		}
		if b := (Block{c.Platform, c.Language(), c.Block()}); !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	return out
}

func quoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
