package review

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything of a repository that reaches a comment passes through code or
// prose: names and values are text there, never Markdown, HTML or a mention.

// code writes s as a code span, whatever is in it.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		if unicode.Is(unicode.Bidi_Control, r) {
			return '\ufffd' // what is read must be in the order of what is there
		}
		return r
	}, s)
	if strings.TrimSpace(s) == "" {
		return "` `"
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		s = " " + s + " "
	}
	// A pipe would end a table cell even inside a code span.
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

// prose writes a message as Markdown: what stands in backquotes becomes a code
// span, the rest is escaped. Unpaired backquotes are taken as plain text.
func prose(s string) string {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return escape(s)
	}
	var b strings.Builder
	for i, p := range parts {
		if i%2 == 1 {
			b.WriteString(code(p))
		} else {
			b.WriteString(escape(p))
		}
	}
	return b.String()
}

// escape writes text so that Markdown and GitHub take it as it is. A zero-width
// space after @ and # keeps mentions and references from forming; a backslash
// does not.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteRune(r)
			b.WriteRune('\u200b')
		case strings.ContainsRune("\\`*_[]|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(r):
		default:
			b.WriteRune(r)
		}
	}
	// A bare address becomes a link; break the scheme.
	return strings.NewReplacer("://", ":\u200b//", "www.", "www\u200b.").Replace(b.String())
}

// plain takes the backquotes out of a message, for annotations and terminals.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
}

// fenced writes text as a fenced block with a fence longer than any in it.
func fenced(info, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return fence + info + "\n" + text + fence + "\n"
}

// block fences what a finding shows to write, in its language; "" where it
// shows nothing.
func block(f Finding) string {
	if f.Write == "" {
		return ""
	}
	return fenced(f.Language, f.Write) + "\n"
}

// cut shortens s to at most limit bytes, at a rune's edge, ending in "…".
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	limit -= len("…")
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// sentence gives a message a capital at its start and a full stop at its end.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func upperFirst(s string) string { return strings.TrimSuffix(sentence(s), ".") }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
