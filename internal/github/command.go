package github

import "strings"

// Commands that people give in comments and by buttons.
const (
	CommandRescan  = "rescan"
	CommandFix     = "fix"
	CommandExplain = "explain"
	CommandHelp    = "help"
	// CommandIgnore asks for an exception, in a reply to a comment of ours.
	CommandIgnore = "ignore"
	// CommandUnknown stands for a word that is no command; it is answered with
	// help.
	CommandUnknown = "unknown"
)

const (
	commandWord = "/plimsoll"
	// maxCommandLine bounds what is looked at of a comment, in bytes.
	maxCommandLine = 2000
	maxArgument    = 200
)

// ParseCommand finds the command in the first line of a comment that is not
// empty: /plimsoll and a word, anywhere in the line, in any case. What is quoted
// or code gives no command. argument is the word after it, without backquotes,
// in lower case, at most 200 bytes.
func ParseCommand(body string) (command, argument string, ok bool) {
	line := firstLine(body)
	// Code is masked rather than cut out, so that places stay the same.
	seen, plain := lower(masked(line)), lower(line)
	for from := 0; ; {
		at := strings.Index(seen[from:], commandWord)
		if at < 0 {
			return "", "", false
		}
		at += from
		end := at + len(commandWord)
		if (at == 0 || isSpace(seen[at-1])) && (end == len(seen) || isSpace(seen[end])) {
			return commandAt(strings.Fields(seen[end:]), strings.Fields(plain[end:]))
		}
		from = end
	}
}

// commandAt reads the words after /plimsoll. masked has no code in it; the
// argument alone may be code.
func commandAt(masked, words []string) (command, argument string, ok bool) {
	if len(masked) == 0 {
		return CommandHelp, "", true
	}
	switch word := strings.TrimRight(masked[0], ".,;:!?"); word {
	case CommandRescan, CommandFix, CommandHelp:
		return word, "", true
	case CommandExplain:
		if len(words) > 1 {
			argument = strings.TrimRight(strings.Trim(strings.TrimRight(words[1], ".,;:!?"), "`"), ".,;:!?")
		}
		return word, cutBytes(argument, maxArgument), true
	case CommandIgnore:
		return word, "", true
	}
	return CommandUnknown, "", true
}

// firstLine gives the first line with something in it, "" where that is a
// quote or code.
func firstLine(body string) string {
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimLeft(line, " \t")
		if text == "" {
			continue
		}
		indent := line[:len(line)-len(text)]
		switch {
		case strings.ContainsRune(indent, '\t'), len(indent) >= 4, // a block of code
			strings.HasPrefix(text, ">"), strings.HasPrefix(text, "```"), strings.HasPrefix(text, "~~~"):
			return ""
		}
		return strings.ToValidUTF8(cutBytes(text, maxCommandLine), "?")
	}
	return ""
}

// masked gives a line with what is code or hidden replaced by as many zero
// bytes. What is not closed in the line counts as plain text, but for a hidden
// comment, which goes on.
func masked(line string) string {
	out := []byte(line)
	mask := func(from, to int) {
		for i := from; i < to; i++ {
			out[i] = 0
		}
	}
	for i := 0; i < len(line); {
		switch {
		case strings.HasPrefix(line[i:], "<!--"):
			end := len(line)
			if n := strings.Index(line[i:], "-->"); n >= 0 {
				end = i + n + len("-->")
			}
			mask(i, end)
			i = end
		case line[i] == '`':
			n := run(line, i)
			end := closing(line, i+n, n)
			if end < 0 {
				i += n
				continue
			}
			mask(i, end)
			i = end
		default:
			i++
		}
	}
	return string(out)
}

// run counts the backquotes at i.
func run(s string, i int) int {
	n := 0
	for i+n < len(s) && s[i+n] == '`' {
		n++
	}
	return n
}

// maxExceptionLine bounds what is read of an exception that somebody asks for.
const maxExceptionLine = 400

// ParseException reads what stands behind "/plimsoll ignore": a rule, a last
// day, and the reason, in this order. Rule and day may be left out; "--" before
// the reason too.
//
//	/plimsoll ignore k8s/host-path until=2027-06-30 -- the agent reads the node's logs
func ParseException(body string) (rule, until, reason string) {
	line := firstLine(body)
	at := strings.Index(lower(line), commandWord)
	if at < 0 {
		return "", "", ""
	}
	words := strings.Fields(cutBytes(line[at:], maxExceptionLine))
	if len(words) < 2 {
		return "", "", ""
	}
	words = words[2:]
	if len(words) > 0 && strings.Contains(words[0], "/") && words[0] != "--" {
		rule, words = lower(strings.Trim(words[0], "`")), words[1:]
	}
	if len(words) > 0 {
		if day, ok := strings.CutPrefix(lower(words[0]), "until="); ok {
			until, words = day, words[1:]
		}
	}
	if len(words) > 0 && (words[0] == "--" || words[0] == "—") {
		words = words[1:]
	}
	return rule, until, strings.Join(words, " ")
}

// closing gives the end of the next run of exactly n backquotes, or -1.
func closing(s string, from, n int) int {
	for i := from; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		m := run(s, i)
		if m == n {
			return i + m
		}
		i += m
	}
	return -1
}

// lower puts ASCII letters in lower case and leaves everything in its place.
func lower(s string) string {
	out := []byte(s)
	for i, b := range out {
		if 'A' <= b && b <= 'Z' {
			out[i] = b + 'a' - 'A'
		}
	}
	return string(out)
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }
