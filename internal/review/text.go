package review

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// TextOptions says how the text report is drawn.
type TextOptions struct {
	Color bool
	// Verbose shows existing, fixed and suppressed findings too, a line each.
	Verbose bool
}

type painter bool

func (p painter) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p painter) severity(s rule.Severity) string {
	return p.paint(map[rule.Severity]string{rule.Critical: "1;31", rule.High: "31", rule.Medium: "33", rule.Low: "36"}[s], string(s))
}

// Text writes the report for a person at a terminal: each new finding with its
// source lines, the place marked, the fix as a small diff; then what could not
// be evaluated; then a summary line.
func Text(w io.Writer, r *Report, o TextOptions) error {
	b := bufio.NewWriter(w)
	p := painter(o.Color)
	hidden := secretLinesOf(r)
	for _, f := range r.Findings {
		if f.State == engine.New {
			textFinding(b, r, f, p, hidden)
		}
	}
	if o.Verbose {
		textOthers(b, r, p)
	}
	wrote := false
	for i, d := range r.Diagnostics {
		if i == maxTextDiagnostics {
			fmt.Fprintf(b, "and %d more like these; --format json lists them all\n", len(r.Diagnostics)-i)
			break
		}
		what := string(d.Level)
		if d.NotEvaluated != "" {
			what = "not evaluated"
		}
		fmt.Fprintf(b, "%s  %s\n", p.paint("33", what), printable(d.String()))
		wrote = true
	}
	if n := len(r.Unknown); n > 0 {
		wrote = true
		for _, s := range unknownLines(r) {
			fmt.Fprintf(b, "%s  %s\n", p.paint("33", "not evaluated"), printable(s))
		}
	}
	for _, s := range r.IfMerged.sentences(func(s string) string { return s }) {
		wrote = true
		fmt.Fprintln(b, printable(s))
	}
	if wrote {
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b, p.paint("1", summaryLine(r)))
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// secretLines knows the lines that hold a secret: they are shown in nobody's
// excerpt, since a terminal's output ends in logs.
type secretLines map[string]map[int]bool // by file, those that findings are about

// maxSecretLines bounds how far below a finding its secret may go on.
const maxSecretLines = 5_000

func secretLinesOf(r *Report) secretLines {
	out := secretLines{}
	for _, f := range r.Findings {
		if !f.Rule.Sensitive {
			continue
		}
		lines := out[f.Range.File]
		if lines == nil {
			lines = map[int]bool{}
			out[f.Range.File] = lines
		}
		for n := f.Range.Start.Line; n <= f.Range.LastLine(); n++ {
			lines[n] = true
		}
		file := r.Files[f.Range.File]
		if file == nil || f.Range.Start.Line < 1 {
			continue
		}
		// The range may be the name alone: the value goes on below it.
		deep := indentOf(file.Line(f.Range.Start.Line))
		for n := f.Range.LastLine() + 1; n <= min(file.Lines(), f.Range.LastLine()+maxSecretLines); n++ {
			line := file.Line(n)
			text := strings.TrimLeft(line, " \t")
			if text != "" && indentOf(line) <= deep && (indentOf(line) < deep || !strings.HasPrefix(text, "- ")) {
				break
			}
			lines[n] = true
		}
	}
	return out
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// has reports whether a line is not to be shown: a finding says so, or the line
// does by itself, whatever rules are on and which findings are suppressed.
func (s secretLines) has(file *source.File, n int) bool {
	if s[file.Path][n] {
		return true
	}
	line := file.Line(n)
	return rule.LooksSecret("", line) || inPrivateKey(file, n)
}

// inPrivateKey reports whether a line is among those of a PEM block that holds a
// private key.
func inPrivateKey(file *source.File, n int) bool {
	if line := strings.TrimSpace(file.Line(n)); len(line) < 16 || strings.ContainsAny(line, " \t") {
		return false
	}
	for up := n - 1; up >= max(1, n-200); up-- {
		line := file.Line(up)
		if strings.Contains(line, "-----END ") {
			return false
		}
		if strings.Contains(line, "-----BEGIN ") {
			return strings.Contains(line, "PRIVATE KEY")
		}
	}
	return false
}

func textFinding(b *bufio.Writer, r *Report, f Finding, p painter, hidden secretLines) {
	fmt.Fprintf(b, "%s  %s  %s  %s\n", p.paint("1", printable(f.Range.String())), p.severity(f.Severity),
		printable(plain(upperFirst(f.Message))), p.paint("2", f.Rule.ID))
	file := r.Files[f.Range.File]
	width := 1
	if file != nil && f.Range.Start.Line > 0 && !f.OnBase {
		width = textSource(b, file, f, p, hidden)
	}
	gutter := strings.Repeat(" ", 4+width)
	if s := through(f, asIs); s != "" {
		fmt.Fprintf(b, "%s %s %s\n", gutter, p.paint("2", "·"), printable(s))
	}
	origins := f.Origins
	if s := because(f); s != "" {
		fmt.Fprintf(b, "%s %s %s\n", gutter, p.paint("2", "·"), printable(s))
		origins = nil
	}
	for i, o := range origins {
		if i == 3 {
			break
		}
		fmt.Fprintf(b, "%s %s %s %s\n", gutter, p.paint("2", "·"), comes(f), printable(o.String()))
	}
	switch {
	case f.Fix != nil:
		textFix(b, r, f, p, gutter, hidden)
		if f.Fix.Review != "" {
			fmt.Fprintf(b, "%s %s before you apply it: %s\n", gutter, p.paint("2", "·"), printable(plain(sentence(f.Fix.Review))))
		}
	case f.Write != "":
		for i, line := range strings.Split(f.Write, "\n") {
			head := gutter + " │"
			if i == 0 {
				head = fmt.Sprintf("%*s │", len(gutter), "write")
			}
			fmt.Fprintf(b, "%s %s\n", head, p.paint("32", printable(line)))
		}
	}
	fmt.Fprintln(b)
}

// textSource draws the lines around the finding with the place marked, and
// gives the width of its line numbers.
func textSource(b *bufio.Writer, file *source.File, f Finding, p painter, hidden secretLines) int {
	line := f.Range.Start.Line
	first, last := max(1, line-1), min(file.Lines(), line+1)
	width := len(fmt.Sprint(last))
	for n := first; n <= last; n++ {
		text := printable(expand(file.Line(n)))
		secret := hidden.has(file, n)
		if secret {
			text = notShown(text)
		}
		fmt.Fprintf(b, "    %s %s %s\n", p.paint("2", fmt.Sprintf("%*d", width, n)), p.paint("2", "│"), clip(text))
		if n != line {
			continue
		}
		raw := file.Line(n)
		runes := []rune(raw)
		from := min(f.Range.Start.Column-1, len(runes))
		to := len(runes)
		if f.Range.End.Line == line {
			to = min(f.Range.End.Column-1, len(runes))
		}
		pad := utf8.RuneCountInString(expand(string(runes[:from])))
		mark := max(1, utf8.RuneCountInString(strings.TrimRight(expand(string(runes[from:max(from, to)])), " ")))
		if pad > maxTextWidth {
			continue
		}
		mark = min(mark, maxTextWidth-pad+1)
		if secret {
			pad, mark = len(text)-len("(not shown)"), len("(not shown)")
		}
		fmt.Fprintf(b, "    %s %s %s%s %s\n", strings.Repeat(" ", width), p.paint("2", "│"), strings.Repeat(" ", pad),
			p.severityMark(f.Severity, strings.Repeat("^", mark)), p.paint("2", clip(printable(plain(f.Rule.Why)))))
	}
	return width
}

func (p painter) severityMark(s rule.Severity, text string) string {
	if s.Rank() >= rule.High.Rank() {
		return p.paint("31", text)
	}
	return p.paint("33", text)
}

func textFix(b *bufio.Writer, r *Report, f Finding, p painter, gutter string, hidden secretLines) {
	edits, err := LineEdits(r.Files, f.Fix.Edits)
	if err != nil {
		return
	}
	lead := "fix"
	if len(gutter) > 4 {
		lead = strings.Repeat(" ", len(gutter)-3) + "fix"
	}
	n := 0
	for _, e := range edits {
		file := r.Files[e.File]
		if e.File != f.Range.File {
			fmt.Fprintf(b, "%s %s %s\n", lead, p.paint("2", "│"), printable(e.File))
			lead = gutter
		}
		var rows []string
		old, new := editedLines(file, e, hidden)
		for len(old) > 0 && len(new) > 0 && old[0] == new[0] {
			old, new = old[1:], new[1:]
		}
		for len(old) > 0 && len(new) > 0 && old[len(old)-1] == new[len(new)-1] {
			old, new = old[:len(old)-1], new[:len(new)-1]
		}
		for _, l := range old {
			rows = append(rows, p.paint("31", "-"+clip(printable(expand(l)))))
		}
		for _, l := range new {
			rows = append(rows, p.paint("32", "+"+clip(printable(expand(l)))))
		}
		for _, row := range rows {
			if n++; n > 16 {
				fmt.Fprintf(b, "%s %s …\n", gutter, p.paint("2", "│"))
				return
			}
			fmt.Fprintf(b, "%s %s %s\n", lead, p.paint("2", "│"), row)
			lead = gutter
		}
	}
}

// notShown stands for a line in which a secret is.
func notShown(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))] + "(not shown)"
}

// editedLines gives the lines that an edit takes out and those that it puts in
// their place, without the secrets that stand in hidden lines.
func editedLines(f *source.File, e source.LineEdit, hidden secretLines) (old, new []string) {
	secret := map[string]bool{}
	for n := e.Start; n <= e.End; n++ {
		l := f.Line(n)
		if hidden.has(f, n) {
			secret[l] = true
			l = notShown(l)
		}
		old = append(old, l)
	}
	new = splitLines(e.New)
	for i, l := range new {
		if secret[l] || rule.LooksSecret("", l) {
			new[i] = notShown(l)
		}
	}
	return old, new
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i := range parts {
		parts[i] = strings.TrimSuffix(parts[i], "\r")
	}
	return parts
}

func textOthers(b *bufio.Writer, r *Report, p painter) {
	for _, state := range []engine.State{engine.Existing, engine.Suppressed, engine.Fixed} {
		for _, f := range r.Findings {
			if f.State != state {
				continue
			}
			note := string(state)
			if f.Suppression != nil {
				note += ": " + f.Suppression.Reason
				if f.Suppression.Tool != "" {
					note += ", written for " + f.Suppression.Tool
				}
			}
			fmt.Fprintf(b, "%s  %s  %s  %s  (%s)\n", printable(f.Range.String()), p.severity(f.Severity), printable(plain(f.Message)), p.paint("2", f.Rule.ID), printable(note))
		}
	}
}

func unknownLines(r *Report) []string {
	all := doubts(r)
	var out []string
	for i, d := range all {
		if i == 20 {
			out = append(out, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		out = append(out, lineOf(d.first.Range)+": "+d.say(func(s string) string { return s }))
	}
	return out
}

// summaryLine is the last line: "1 new finding (1 critical) in 3 changed
// resources of 214 · 1 fixed · 4 already there · 0.08 s". A scan compares
// nothing, so it has "1 finding (1 critical) in 214 resources · 0.08 s".
func summaryLine(r *Report) string {
	c := count(r)
	var s string
	kind := "new "
	if r.Scanned {
		kind = ""
	}
	if c.New == 0 {
		s = "no " + kind + "findings"
	} else {
		var by []string
		for _, sev := range rule.Severities() {
			if n := c.BySeverity[sev]; n > 0 {
				by = append(by, fmt.Sprintf("%d %s", n, sev))
			}
		}
		s = fmt.Sprintf("%d %s%s (%s)", c.New, kind, plural(c.New, "finding", "findings"), strings.Join(by, ", "))
	}
	if r.Scanned {
		s += fmt.Sprintf(" in %d %s", c.Total, plural(c.Total, "resource", "resources"))
	} else {
		s += fmt.Sprintf(" in %d changed %s of %d", c.Changed, plural(c.Changed, "resource", "resources"), c.Total)
	}
	for _, part := range []struct {
		n    int
		what string
	}{{c.Fixed, "fixed"}, {c.Existing, "already there"}, {c.Suppressed, "suppressed"}, {len(notEvaluated(r)), "not evaluated"}} {
		if part.n > 0 {
			s += fmt.Sprintf(" · %d %s", part.n, part.what)
		}
	}
	return s + fmt.Sprintf(" · %.2f s", r.Elapsed.Round(time.Millisecond).Seconds())
}

// What a person reads at a terminal: lines are clipped and lists cut, counted.
const (
	maxTextWidth       = 160
	maxTextDiagnostics = 40
)

func clip(s string) string {
	if utf8.RuneCountInString(s) <= maxTextWidth {
		return s
	}
	return string([]rune(s)[:maxTextWidth-1]) + "…"
}

func expand(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// printable keeps control characters of a repository away from the terminal,
// escape sequences and direction overrides above all.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == utf8.RuneError:
			return '\ufffd'
		}
		return r
	}, s)
}
