package review

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Counts sums up a report.
type Counts struct {
	New, Existing, Fixed, Suppressed int
	Changed, Total                   int
	BySeverity                       map[rule.Severity]int // of the new ones
}

func count(r *Report) Counts {
	c := Counts{BySeverity: map[rule.Severity]int{}}
	for _, f := range r.Findings {
		switch f.State {
		case engine.New:
			c.New++
			c.BySeverity[f.Severity]++
		case engine.Existing:
			c.Existing++
		case engine.Fixed:
			c.Fixed++
		case engine.Suppressed:
			c.Suppressed++
		}
	}
	for _, ch := range r.Changes {
		if ch.Kind != change.Unchanged {
			c.Changed++
		}
		if ch.After != nil {
			c.Total++
		}
	}
	return c
}

// Title is the check run's title: the count in one line.
func Title(r *Report) string {
	c := count(r)
	switch {
	case r.Policy.ConfigError != nil:
		return "Could not read " + r.Policy.ConfigError.File
	case nothing(r):
		return "Nothing to review"
	case c.New == 0 && r.IfMerged.loosens():
		return "No new findings, but fewer are said once merged"
	case c.New == 0 && c.Fixed > 0:
		return fmt.Sprintf("No new findings, %d fixed", c.Fixed)
	case c.New == 0 && len(notEvaluated(r)) > 0:
		return fmt.Sprintf("No new findings, %d not evaluated", len(notEvaluated(r)))
	case c.New == 0:
		return "No new findings"
	}
	t := fmt.Sprintf("%d new %s", c.New, plural(c.New, "finding", "findings"))
	for _, s := range rule.Severities() {
		if n := c.BySeverity[s]; n > 0 {
			return t + fmt.Sprintf(", %d %s", n, s)
		}
	}
	return t
}

// Summary writes the check run's summary in at most limit bytes: a verdict, the
// new findings, what is known of the rest. What does not fit is counted.
func Summary(r *Report, limit int) string {
	c := count(r)
	var tail strings.Builder
	writeRest(&tail, r, c)
	if r.Policy.ConfigError != nil {
		head := fmt.Sprintf("**The configuration cannot be read, so nothing was judged by it.**\n\n%s\n\n", code(r.Policy.ConfigError.String()))
		return cut(head+tail.String(), limit)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", verdict(r, c))
	rest := tail.String()
	if len(rest) > limit/3 {
		rest = cut(rest, limit/3)
	}
	if c.New > 0 {
		b.WriteString("| | Finding | Where |\n|---|---|---|\n")
		shown := 0
		for _, f := range r.Findings {
			if f.State != engine.New {
				continue
			}
			named := ruleLink(r, f.Rule.ID)
			if !mentions(f) {
				named = code(f.Resource.ID) + ", " + named
			}
			named += alsoThrough(f, code)
			row := fmt.Sprintf("| %s | %s (%s) | %s |\n", f.Severity, prose(upperFirst(f.Message)), named, code(lineOf(f.Range)))
			if b.Len()+len(row)+len(rest)+marginBytes > limit {
				break
			}
			b.WriteString(row)
			shown++
		}
		if shown < c.New {
			fmt.Fprintf(&b, "\n%d more new %s do not fit here: `plimsoll review --base %s` lists them all.\n", c.New-shown, plural(c.New-shown, "finding", "findings"), short(r.Base))
		}
		if c.New > MaxAnnotations {
			fmt.Fprintf(&b, "\nAnnotations stand at the gravest %d alone.\n", MaxAnnotations)
		}
		b.WriteString("\n")
	}
	b.WriteString(rest)
	return cut(b.String(), limit)
}

// mentions reports whether the message already names the resource in full.
func mentions(f Finding) bool { return strings.Contains(f.Message, "`"+f.Resource.ID+"`") }

func verdict(r *Report, c Counts) string {
	if c.New == 0 {
		switch {
		case nothing(r):
			return "Nothing to review: this change touches no infrastructure code that Plimsoll reads."
		case len(r.Changes) == 0 && r.IfMerged != nil:
			return "This change touches how the repository is judged, and no infrastructure code."
		case c.Changed == 0:
			return "No resource changed: the text moved, what it says did not."
		case c.Fixed > 0:
			return fmt.Sprintf("**No new findings, and this change mends %d.**", c.Fixed)
		}
		return "**No new findings.**"
	}
	var lead Finding
	for _, f := range r.Findings {
		if f.State == engine.New {
			lead = f
			break
		}
	}
	text := prose(strings.TrimSuffix(lead.Message, "."))
	if !mentions(lead) {
		text += " (" + code(lead.Resource.ID) + ")"
	}
	if c.New == 1 {
		return fmt.Sprintf("**This change brings one new finding: %s.**", text)
	}
	return fmt.Sprintf("**This change brings %d new findings; the gravest: %s.**", c.New, text)
}

func writeRest(b *strings.Builder, r *Report, c Counts) {
	var parts []string
	if c.Fixed > 0 {
		parts = append(parts, fmt.Sprintf("Fixed by this change: %d.", c.Fixed))
	}
	if c.Existing > 0 {
		parts = append(parts, fmt.Sprintf("Already there, in resources that it touches: %d.", c.Existing))
	}
	if c.Suppressed > 0 {
		parts = append(parts, fmt.Sprintf("Suppressed: %d (%s).", c.Suppressed, suppressedRules(r)))
	}
	if len(parts) > 0 {
		b.WriteString(strings.Join(parts, " ") + "\n\n")
	}
	if said := r.IfMerged.sentences(code); len(said) > 0 {
		b.WriteString("**" + said[0] + "**")
		for _, s := range said[1:] {
			b.WriteString(" " + s)
		}
		b.WriteString("\n\n")
	}
	if ne := notEvaluated(r); len(ne) > 0 {
		b.WriteString("Not evaluated:\n")
		writeList(b, ne, 30)
	}
	var notes []string
	for _, d := range r.Diagnostics {
		if d.NotEvaluated == "" && d.Level == source.LevelWarning {
			notes = append(notes, prose(d.String()))
		}
	}
	if len(notes) > 0 {
		b.WriteString("To know:\n")
		writeList(b, notes, 20)
	}
	switch {
	case nothing(r), c.Total == 0 && len(r.Changes) == 0:
	case r.Scanned:
		fmt.Fprintf(b, "%d %s evaluated in %s.\n", c.Total, plural(c.Total, "resource", "resources"), seconds(r.Elapsed))
	default:
		fmt.Fprintf(b, "%d of %d %s changed; evaluated in %s.\n", c.Changed, c.Total, plural(c.Total, "resource", "resources"), seconds(r.Elapsed))
	}
}

func writeList(b *strings.Builder, items []string, most int) {
	for i, s := range items {
		if i == most {
			fmt.Fprintf(b, "- and %d more\n", len(items)-most)
			break
		}
		fmt.Fprintf(b, "- %s\n", cut(s, 500))
	}
	b.WriteString("\n")
}

// notEvaluated names what could not be judged, as Markdown, once each.
func notEvaluated(r *Report) []string {
	var out []string
	for _, d := range r.Diagnostics {
		switch {
		case d.NotEvaluated != "":
			out = append(out, code(d.NotEvaluated)+" ("+prose(d.String())+")")
		case d.Level == source.LevelError:
			out = append(out, prose(d.String()))
		}
	}
	for _, d := range doubts(r) {
		out = append(out, d.say(code))
	}
	return out
}

func suppressedRules(r *Report) string {
	seen := map[string]bool{}
	var out []string
	for _, f := range r.Findings {
		if f.State != engine.Suppressed || f.Suppression == nil {
			continue
		}
		s := "`" + f.Rule.ID + "`"
		if f.Suppression.Tool != "" {
			s += ", written for " + f.Suppression.Tool
		}
		if f.Suppression.Expires != "" {
			s += ", until " + f.Suppression.Expires
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	sort.Strings(out)
	if len(out) > 10 {
		out = append(out[:10], fmt.Sprintf("%d more", len(out)-10))
	}
	return strings.Join(out, "; ")
}

func lineOf(r source.Range) string {
	if r.Start.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Start.Line)
}

func short(sha string) string {
	if len(sha) > 7 {
		return sha[:7]
	}
	return sha
}

func seconds(d time.Duration) string {
	if d < 10*time.Millisecond {
		return "under 0.01 s"
	}
	if d < time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
