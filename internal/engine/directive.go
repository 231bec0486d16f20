package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// marker begins an inline suppression.
const marker = "plimsoll:ignore"

// Bounds of an inline suppression.
const (
	maxDirectives     = 256 // of one resource
	maxDirectiveRules = 32
	maxReason         = 300 // bytes
)

// directive is an inline suppression:
//
//	plimsoll:ignore RULE[,RULE…] [until=YYYY-MM-DD] -- reason
type directive struct {
	rules []string
	// checks are those of a rule that it is about, where it is not about all.
	checks map[string][]int
	until  string
	reason string
	// wrong says why it does not count, and what to do; "" when it does.
	wrong string
	place source.Range // the line of the comment
	tool  string       // that it was written for; "" for our own
	scope scope
}

// called says what a suppression is, for a report.
func (d *directive) called() string {
	if d.tool == "" {
		return marker
	}
	return "the suppression for " + d.tool + " of"
}

// names reports whether it is about a check of a rule.
func (d *directive) names(rule string, check int) bool {
	if !slices.Contains(d.rules, rule) {
		return false
	}
	only, limited := d.checks[rule]
	return !limited || slices.Contains(only, check)
}

// add has it speak of a rule, or of more of its checks.
func (d *directive) add(c counterpart) {
	only, limited := d.checks[c.rule]
	switch {
	case slices.Contains(d.rules, c.rule) && !limited:
		return // of all of it already
	case c.checks == nil:
		delete(d.checks, c.rule)
	default:
		checks := maps.Clone(d.checks)
		if checks == nil {
			checks = map[string][]int{}
		}
		checks[c.rule] = append(slices.Clone(only), c.checks...)
		d.checks = checks
	}
	d.rules = append(d.rules, c.rule)
}

// parseDirective reads one line of a comment; ok is false when it is no
// suppression at all.
func parseDirective(line string) (d directive, ok bool) {
	i := strings.Index(line, marker)
	if i < 0 {
		return d, false
	}
	// The marker begins the comment, or one behind other words: "# why # plimsoll:…".
	if before := strings.TrimRight(line[:i], " \t*"); before != "" && before[len(before)-1] != '#' && before[len(before)-1] != '/' {
		return d, false
	}
	rest := line[i+len(marker):]
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' && rest[0] != ':' {
		return d, false // another word
	}
	head, reason, found := cutReason(strings.TrimPrefix(rest, ":"))
	d.reason = cutText(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(reason), "*/")), maxReason)
	for _, w := range strings.FieldsFunc(head, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		date, isDate := strings.CutPrefix(w, "until=")
		switch {
		case isDate && d.until != "":
			d.wrong = "has two dates; keep one"
		case isDate:
			d.until = cutText(date, 20)
			if _, err := time.Parse(time.DateOnly, date); err != nil {
				d.wrong = "has a date that is none; write until=YYYY-MM-DD"
			}
		case len(d.rules) == maxDirectiveRules:
			d.wrong = "names too many rules"
		default:
			d.rules = append(d.rules, cutText(w, 100))
		}
	}
	switch {
	case d.wrong != "":
	case len(d.rules) == 0:
		d.wrong = "names no rule; write " + marker + " RULE -- reason"
	case !found || d.reason == "":
		d.wrong = "has no reason; add one after two dashes: " + marker + " " + strings.Join(d.rules, ",") + " -- why"
	}
	for _, r := range d.rules {
		if d.wrong == "" && strings.Contains(r, "*") {
			d.wrong = "names rules by a pattern; name each rule"
		}
	}
	return d, true
}

// cutReason parts at the first "--" that stands alone.
func cutReason(s string) (head, reason string, found bool) {
	for from := 0; ; {
		i := strings.Index(s[from:], "--")
		if i < 0 {
			return s, "", false
		}
		i += from
		if i == 0 || s[i-1] == ' ' || s[i-1] == '\t' {
			return s[:i], strings.TrimLeft(s[i:], "-"), true
		}
		from = i + 2
	}
}

// cutText cuts s to n bytes at most, at the start of a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// directives reads those of a resource's comments, in order.
func directives(res *resource.Resource) []directive {
	if res == nil {
		return nil
	}
	var out []directive
	for _, c := range res.Comments {
		if !strings.Contains(c.Text, marker) {
			continue
		}
		line := 0
		for text := range strings.Lines(c.Text) {
			if d, ok := parseDirective(strings.TrimRight(text, "\r\n")); ok && len(out) < maxDirectives {
				d.place = c.Range
				if line > 0 {
					d.place.Start = source.Pos{Line: c.Range.Start.Line + line, Column: 1, Byte: c.Range.Start.Byte}
				}
				out = append(out, d)
			}
			line++
		}
	}
	return out
}

// commentLine is a line of a file that holds nothing but a comment.
type commentLine struct {
	file string
	line int
}

// commentLines gives those of a resource.
func commentLines(res *resource.Resource) map[commentLine]bool {
	out := make(map[commentLine]bool, len(res.Comments))
	for _, c := range res.Comments {
		if c.Trailing {
			continue
		}
		for l := c.Range.Start.Line; l <= c.Range.LastLine(); l++ {
			out[commentLine{c.Range.File, l}] = true
		}
	}
	return out
}

// reaches reports whether a suppression at a place speaks of line to of its
// file: it stands on it, on the line above it, or above with nothing but
// comments between.
func reaches(from source.Range, to int, comments map[commentLine]bool) bool {
	if from.Start.Line > to {
		return false
	}
	for l := from.Start.Line + 1; l < to; l++ {
		if !comments[commentLine{from.File, l}] {
			return false
		}
	}
	return true
}
