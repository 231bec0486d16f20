package review

import (
	"fmt"
	"io"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
)

// Markdown writes the report as a document: the check run's title and summary,
// then each new finding with its reason and its fix.
func Markdown(w io.Writer, r *Report) error {
	if _, err := fmt.Fprintf(w, "## %s\n\n%s\n", escape(Title(r)), Summary(r, 1<<20)); err != nil {
		return fmt.Errorf("write the Markdown report: %w", err)
	}
	hidden := secretLinesOf(r)
	for _, f := range r.Findings {
		if f.State != engine.New {
			continue
		}
		text := fmt.Sprintf("### %s\n\n%s · %s · %s · %s\n\n%s %s\n\n", prose(upperFirst(f.Message)), code(lineOf(f.Range)), f.Severity,
			ruleLink(r, f.Rule.ID), code(f.Resource.ID)+alsoThrough(f, code), prose(sentence(f.Rule.Why)), prose(sentence(f.Rule.Remediation)))
		if o := because(f); o != "" {
			text += o + "\n\n"
		} else if o := originText(f.Origins); o != "" {
			text += fmt.Sprintf("%s %s.\n\n", upperFirst(comes(f)), prose(o))
		}
		if f.Fix == nil {
			text += block(f)
		}
		if f.Fix != nil {
			edits, err := LineEdits(r.Files, f.Fix.Edits)
			if err != nil {
				return err
			}
			diff := ""
			for _, e := range edits {
				diff += fmt.Sprintf("@@ %s:%d @@\n", printable(e.File), e.Start)
				old, new := editedLines(r.Files[e.File], e, hidden)
				for _, l := range old {
					diff += "-" + l + "\n"
				}
				for _, l := range new {
					diff += "+" + l + "\n"
				}
			}
			text += fenced("diff", diff) + "\n"
			if f.Fix.Review != "" {
				text += fmt.Sprintf("Before you apply it: %s\n\n", prose(sentence(f.Fix.Review)))
			}
		}
		if _, err := io.WriteString(w, text); err != nil {
			return fmt.Errorf("write the Markdown report: %w", err)
		}
	}
	return nil
}
