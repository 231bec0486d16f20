package dockerfile

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/command"
)

// option is a --name or --name=value in front of an instruction's words.
type option struct {
	name       string
	nameAt     [2]int
	value      string
	valueAt    [2]int
	hasValue   bool
	start, end int
}

const space = "\t\v\f\r "

// split finds the name, the flags and the words of an instruction.
func (in *instruction) split(rd *reading) {
	in.splitAt(rd, 0)
}

func (in *instruction) splitAt(rd *reading, from int) {
	text := in.text
	i := from
	for i < len(text) && isSpace(text, i) {
		i++
	}
	end := i
	for end < len(text) && strings.IndexByte(space, text[end]) < 0 {
		end++
	}
	in.nameAt = [2]int{i, end}
	in.name = strings.ToUpper(text[i:end])
	if _, ok := command.Commands[strings.ToLower(in.name)]; !ok {
		in.bad = "it begins with no instruction"
		if utf8.ValidString(in.name) && len(in.name) <= 30 {
			in.bad = "there is no instruction " + in.name
		}
		return
	}
	for end < len(text) && strings.IndexByte(space, text[end]) >= 0 {
		end++
	}
	i = in.splitFlags(end, rd.escape)
	to := len(text)
	for i < to && isSpace(text, i) {
		i++
	}
	for to > i {
		r, n := utf8.DecodeLastRuneInString(text[i:to])
		if !unicode.IsSpace(r) {
			break
		}
		to -= n
	}
	if i == to {
		// Nothing stands behind the name and the flags.
		i, to = in.nameAt[1], in.nameAt[1]
		if n := len(in.flags); n > 0 {
			i, to = in.flags[n-1].end, in.flags[n-1].end
		}
	}
	in.from, in.to = i, to
	switch in.name {
	case "RUN", "CMD", "ENTRYPOINT", "SHELL":
		in.takesShell = in.name != "SHELL"
		in.execOr(i, func() { in.shellWords(i, rd.escape) })
		in.shellForm = in.takesShell && !in.json
	case "ADD", "COPY", "VOLUME":
		in.execOr(i, func() { in.plainWords(i) })
	case "FROM", "EXPOSE":
		in.plainWords(i)
	case "ENV", "LABEL", "ARG":
		in.shellWords(i, rd.escape)
	case "HEALTHCHECK":
		in.healthcheck(i, rd.escape)
	case "ONBUILD":
		in.shellWords(i, rd.escape)
		in.onbuild(rd, i)
	default: // USER, WORKDIR, STOPSIGNAL, MAINTAINER
		if to > i {
			in.words = []word{{i, to, text[i:to]}}
		}
	}
}

func isSpace(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsSpace(r)
}

// splitFlags reads the flags from i on and gives where they end.
func (in *instruction) splitFlags(i int, escape byte) int {
	text := in.text
	for {
		for i < len(text) && unicode.IsSpace(rune(text[i])) {
			i++
		}
		if !strings.HasPrefix(text[i:], "--") || len(in.flags) >= maxWords {
			return i
		}
		start := i
		var b strings.Builder
		eq := -1
		quote := byte(0)
	token:
		for i < len(text) {
			c := text[i]
			switch {
			case quote == 0 && unicode.IsSpace(rune(c)):
				break token
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				quote = 0
			case c == escape && i+1 < len(text):
				i++
				b.WriteByte(text[i])
			case c == escape:
			default:
				if c == '=' && eq < 0 {
					eq = i
				}
				b.WriteByte(c)
			}
			i++
		}
		all := b.String()
		if all == "--" {
			return i
		}
		f := option{start: start, end: i, nameAt: [2]int{start + 2, i}, valueAt: [2]int{start, i}}
		f.name, f.value, f.hasValue = strings.Cut(strings.TrimPrefix(all, "--"), "=")
		if f.hasValue && eq >= 0 {
			f.nameAt[1] = eq
			f.valueAt = [2]int{eq + 1, i}
		}
		f.name = strings.ToValidUTF8(f.name, "\ufffd")
		in.flags = append(in.flags, f)
	}
}

// execOr reads the exec form, a JSON array of strings, or else the other form.
func (in *instruction) execOr(i int, other func()) {
	if words, ok := in.execWords(i); ok {
		in.json, in.words = true, words
		return
	}
	other()
}

func (in *instruction) execWords(i int) ([]word, bool) {
	text := in.text[i:in.to]
	var values []any
	if !strings.HasPrefix(text, "[") || json.Unmarshal([]byte(text), &values) != nil {
		return nil, false
	}
	var words []word
	at := i + 1
	for _, v := range values {
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		start := at + strings.IndexByte(in.text[at:in.to], '"')
		at = start + 1
		for in.text[at] != '"' {
			if in.text[at] == '\\' {
				at++
			}
			at++
		}
		at++
		if len(words) == maxWords {
			in.cut = true
			break
		}
		words = append(words, word{start, at, s})
	}
	return words, true
}

// plainWords splits at white space alone.
func (in *instruction) plainWords(i int) {
	for i < in.to {
		for i < in.to && strings.IndexByte(space, in.text[i]) >= 0 {
			i++
		}
		start := i
		for i < in.to && strings.IndexByte(space, in.text[i]) < 0 {
			i++
		}
		if i > start && !in.addWord(start, i) {
			return
		}
	}
}

// shellWords splits at white space outside of quotes; the words keep them.
func (in *instruction) shellWords(i int, escape byte) {
	start := -1
	quote := byte(0)
	for i < in.to {
		c := in.text[i]
		r, n := utf8.DecodeRuneInString(in.text[i:])
		switch {
		case quote == 0 && unicode.IsSpace(r):
			if start >= 0 && !in.addWord(start, i) {
				return
			}
			start = -1
			i += n
			continue
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		}
		if start < 0 {
			start = i
		}
		if c == escape && quote != '\'' && i+1 < in.to {
			i++
			_, n = utf8.DecodeRuneInString(in.text[i:])
		}
		i += n
	}
	if start >= 0 {
		in.addWord(start, in.to)
	}
}

func (in *instruction) addWord(start, end int) bool {
	if len(in.words) == maxWords {
		in.cut = true
		return false
	}
	in.words = append(in.words, word{start, end, in.text[start:end]})
	return true
}

// healthcheck reads NONE, or CMD and a command in either form.
func (in *instruction) healthcheck(i int, escape byte) {
	end := i
	for end < in.to && !isSpace(in.text, end) {
		end++
	}
	if end == i {
		return
	}
	first := word{i, end, in.text[i:end]}
	for end < in.to && isSpace(in.text, end) {
		end++
	}
	in.execOr(end, func() { in.shellWords(end, escape) })
	in.words = append([]word{first}, in.words...)
	if strings.EqualFold(first.value, "CMD") {
		in.takesShell = true
		in.shellForm = !in.json
	}
}

// onbuild reads the instruction that ONBUILD leaves behind. BuildKit's parser
// descends for each ONBUILD within another; no build takes more than one.
func (in *instruction) onbuild(rd *reading, i int) {
	t := &instruction{text: in.text, segs: in.segs, line: in.line}
	for i < in.to && isSpace(in.text, i) {
		i++
	}
	end := i
	for end < in.to && strings.IndexByte(space, in.text[end]) < 0 {
		end++
	}
	switch strings.ToUpper(in.text[i:end]) {
	case "":
		in.bad = "ONBUILD needs an instruction"
	case "ONBUILD", "FROM", "MAINTAINER":
		in.bad = "ONBUILD cannot leave this instruction behind"
	default:
		t.splitAt(rd, i)
		in.bad = t.bad
		in.trigger = t
	}
}
