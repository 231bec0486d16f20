package review

import (
	"fmt"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Effects is what a change does, once merged, to how the repository is judged:
// by its configuration, its own rules, and the suppressions that it adds.
type Effects struct {
	// Broken says that the configuration cannot be read once merged.
	Broken *source.Diagnostic
	// Loosened and Tightened are settings that change, in people's words.
	Loosened, Tightened []string
	RulesOff, RulesOn   []string // ids
	// Suppressions are those that inline comments and the configuration gain.
	Suppressions int
	// Hidden counts the findings of the whole head that are no longer said.
	// Uncounted says why they could not be counted all.
	Hidden    int
	Uncounted string
}

// loosens reports whether less is said once merged.
func (e *Effects) loosens() bool {
	return e != nil && (e.Broken != nil || len(e.Loosened) > 0 || len(e.RulesOff) > 0 || e.Suppressions > 0 || e.Hidden > 0)
}

// sentences say what a change does once merged, as Markdown by code.
func (e *Effects) sentences(code func(string) string) []string {
	if e == nil {
		return nil
	}
	if e.Broken != nil {
		return []string{fmt.Sprintf("If merged, the configuration cannot be read: %s", code(e.Broken.String()))}
	}
	var lead []string
	if n := len(e.RulesOff); n > 0 {
		lead = append(lead, fmt.Sprintf("%d %s off", n, plural(n, "rule is", "rules are")))
	}
	if e.Suppressions > 0 {
		lead = append(lead, fmt.Sprintf("%d %s", e.Suppressions, plural(e.Suppressions, "suppression counts", "suppressions count")))
	}
	if e.Hidden > 0 {
		lead = append(lead, fmt.Sprintf("%d %s hidden", e.Hidden, plural(e.Hidden, "finding is", "findings are")))
	}
	var out []string
	if len(lead) > 0 {
		out = append(out, "If merged, "+joined(lead)+".")
	}
	if len(e.RulesOff) > 0 {
		out = append(out, "Off: "+some(e.RulesOff, code)+".")
	}
	if len(e.RulesOn) > 0 {
		out = append(out, "On: "+some(e.RulesOn, code)+".")
	}
	if len(e.Loosened) > 0 {
		out = append(out, "Looser: "+some(e.Loosened, code)+".")
	}
	if len(e.Tightened) > 0 {
		out = append(out, "Stricter: "+some(e.Tightened, code)+".")
	}
	if e.Uncounted != "" {
		out = append(out, "The findings that this hides were not all counted: "+e.Uncounted+".")
	}
	return out
}

// some lists the first ten.
func some(items []string, code func(string) string) string {
	const most = 10
	var out []string
	for i, s := range items {
		if i == most {
			out = append(out, fmt.Sprintf("%d more", len(items)-most))
			break
		}
		out = append(out, code(cut(s, 200)))
	}
	return strings.Join(out, ", ")
}

func joined(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
