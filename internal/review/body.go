package review

import (
	"fmt"
	"path"
	"strings"
)

// body writes an inline comment: what, where, why it matters here, the fix, and
// what to do if it must stay.
func body(r *Report, g Group, c Comment, suggestion *string) string {
	var b strings.Builder
	lead := r.Findings[g.Findings[0]]
	blocks := map[string]bool{} // several findings may ask for one
	for n, i := range g.Findings {
		f := r.Findings[i]
		if n == 5 {
			fmt.Fprintf(&b, "and %d more on the same lines, in the check run.\n\n", len(g.Findings)-n)
			break
		}
		fmt.Fprintf(&b, "**%s** · %s · %s\n\n", prose(cut(upperFirst(f.Message), 600)), f.Severity, ruleLink(r, f.Rule.ID))
		where := code(f.Resource.ID) + alsoThrough(f, code)
		if n > 0 {
			where = ""
		} else {
			where += ". "
		}
		fmt.Fprintf(&b, "%s%s", where, prose(sentence(f.Rule.Why)))
		switch o := originText(f.Origins); {
		case because(f) != "":
			fmt.Fprintf(&b, " %s", because(f))
			if f.Cause == nil && c.Path != f.Range.File {
				fmt.Fprintf(&b, " What is wrong stands in %s.", code(lineOf(f.Range)))
			}
		case c.Removed:
			b.WriteString(" This line kept it from being so.")
		case c.Path != f.Range.File:
			fmt.Fprintf(&b, " The setting stands in %s and %s here.", code(lineOf(f.Range)), reaches(f))
		case o != "":
			fmt.Fprintf(&b, " %s %s.", upperFirst(comes(f)), prose(o))
		}
		if suggestion == nil || !g.Mends[f.Fingerprint] {
			fmt.Fprintf(&b, " %s", prose(sentence(f.Rule.Remediation)))
		}
		b.WriteString("\n\n")
		if suggestion == nil || !g.Mends[f.Fingerprint] {
			if s := block(f); s != "" && !blocks[s] {
				blocks[s] = true
				b.WriteString(s)
			}
		}
	}
	if suggestion != nil {
		b.WriteString(fenced("suggestion", *suggestion))
		b.WriteString("\n")
		if g.Fix.Review != "" {
			fmt.Fprintf(&b, "Before you apply it: %s\n\n", prose(sentence(g.Fix.Review)))
		}
	}
	fmt.Fprintf(&b, "<details><summary>If it must stay</summary>\n\n")
	if suggestion != nil {
		fmt.Fprintf(&b, "%s\n\n", prose(sentence(lead.Rule.Remediation)))
	}
	exception := "An exception that a reviewer agrees to, with its reason; it counts once merged:"
	if r.Policy.SuppressNow {
		exception = "An exception, with its reason:"
	}
	fmt.Fprintf(&b, "%s\n%s\n</details>\n\n", exception, code(ignoreComment(lead.Range.File, lead.Rule.ID)))
	return b.String() + Marker(c.Fingerprints) + "\n"
}

// ignoreComment is the suppression comment in the file's own syntax.
func ignoreComment(file, id string) string {
	mark := "#"
	if path.Ext(file) == ".json" {
		return fmt.Sprintf(".plimsoll.yml: suppress: [{rule: %s, paths: [%q], reason: why}]", id, file)
	}
	return fmt.Sprintf("%s plimsoll:ignore %s until=YYYY-MM-DD -- why", mark, id)
}
