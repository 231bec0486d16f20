package change

import (
	"fmt"
	"strconv"
	"strings"
)

// maxPatchLine bounds the line numbers that a patch may name.
const maxPatchLine = 1 << 30

// ParsePatch reads the hunks of one file's unified diff, as in the `patch`
// field of GitHub's API: with or without the lines before the first hunk. It
// gives the spans of the new side, in order; those without a line on that side
// are left out. An error says that the text is no such diff; the hunks are
// then not to be relied on.
func ParsePatch(patch string) ([]Hunk, error) {
	var out []Hunk
	rest, line := patch, 0
	next := func() (string, bool) {
		if rest == "" {
			return "", false
		}
		line++
		s, more, _ := strings.Cut(rest, "\n")
		rest = more
		return s, true
	}
	last, seen := 0, false
	for {
		s, ok := next()
		if !ok {
			break
		}
		if !strings.HasPrefix(s, "@@ ") {
			if seen && s != "" && !strings.HasPrefix(s, `\`) {
				return nil, fmt.Errorf("patch line %d: expected a hunk header", line)
			}
			continue // what stands before the first hunk
		}
		h, err := parseHunkHeader(s)
		if err != nil {
			return nil, fmt.Errorf("patch line %d: %w", line, err)
		}
		if h.newStart < last {
			return nil, fmt.Errorf("patch line %d: hunks are out of order", line)
		}
		seen = true
		for a, b := h.oldLen, h.newLen; a > 0 || b > 0; {
			s, ok := next()
			if !ok {
				return nil, fmt.Errorf("patch line %d: the hunk ends early", line)
			}
			switch {
			case s == "" || s[0] == ' ' || s == "\r":
				a--
				b--
			case s[0] == '-':
				a--
			case s[0] == '+':
				b--
			case s[0] == '\\':
			default:
				return nil, fmt.Errorf("patch line %d: not a line of a hunk", line)
			}
			if a < 0 || b < 0 {
				return nil, fmt.Errorf("patch line %d: the hunk has more lines than its header says", line)
			}
		}
		last = h.newStart + h.newLen
		if h.newLen > 0 {
			out = append(out, Hunk{Start: h.newStart, End: last - 1})
		}
	}
	return out, nil
}

type hunkHeader struct{ oldStart, oldLen, newStart, newLen int }

// parseHunkHeader reads "@@ -a,b +c,d @@ …"; b and d default to 1.
func parseHunkHeader(s string) (hunkHeader, error) {
	var h hunkHeader
	body, _, ok := strings.Cut(strings.TrimPrefix(s, "@@ "), " @@")
	from, to, ok2 := strings.Cut(body, " ")
	if !ok || !ok2 || !strings.HasPrefix(from, "-") || !strings.HasPrefix(to, "+") {
		return h, fmt.Errorf("not a hunk header")
	}
	var err error
	if h.oldStart, h.oldLen, err = parseSpan(from[1:]); err != nil {
		return h, err
	}
	if h.newStart, h.newLen, err = parseSpan(to[1:]); err != nil {
		return h, err
	}
	if h.newLen > 0 && h.newStart == 0 {
		return h, fmt.Errorf("line 0 in a hunk header")
	}
	return h, nil
}

func parseSpan(s string) (start, length int, err error) {
	a, b, has := strings.Cut(s, ",")
	length = 1
	if start, err = parseCount(a); err == nil && has {
		length, err = parseCount(b)
	}
	return start, length, err
}

func parseCount(s string) (int, error) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, fmt.Errorf("not a number in a hunk header")
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > maxPatchLine {
		return 0, fmt.Errorf("not a line number in a hunk header")
	}
	return n, nil
}

// Unified writes the difference of two files as a unified diff with three
// lines of context, "" when they are equal. An absent file is nil content and
// the name /dev/null; the names are written as given, quoted where they hold
// control characters, quotes or backslashes.
func Unified(oldName, newName string, before, after []byte) string {
	a, b := splitLines(before), splitLines(after)
	groups := grouped(diff(a, b), Context, len(a), len(b))
	if len(groups) == 0 {
		return ""
	}
	var w strings.Builder
	w.WriteString("--- " + quoteName(oldName) + "\n+++ " + quoteName(newName) + "\n")
	for _, g := range groups {
		w.WriteString("@@ -" + writeSpan(g.a1, g.a2) + " +" + writeSpan(g.b1, g.b2) + " @@\n")
		at := g.a1
		for _, c := range g.changes {
			writeLines(&w, ' ', a[at:c.a1])
			writeLines(&w, '-', a[c.a1:c.a2])
			writeLines(&w, '+', b[c.b1:c.b2])
			at = c.a2
		}
		writeLines(&w, ' ', a[at:g.a2])
	}
	return w.String()
}

func writeSpan(from, to int) string {
	switch to - from {
	case 0:
		return strconv.Itoa(from) + ",0" // the line after which
	case 1:
		return strconv.Itoa(from + 1)
	}
	return strconv.Itoa(from+1) + "," + strconv.Itoa(to-from)
}

func writeLines(w *strings.Builder, mark byte, lines [][]byte) {
	for _, l := range lines {
		w.WriteByte(mark)
		w.Write(l)
		if l[len(l)-1] != '\n' {
			w.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

func quoteName(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == 0x7f }) {
		return strconv.Quote(s)
	}
	return s
}
