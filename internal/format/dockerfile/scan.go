package dockerfile

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// instruction is one instruction of the source: its lines joined to one text,
// and where each byte of the text stands.
type instruction struct {
	line     int    // of its first line
	name     string // in capitals
	text     string // continued lines joined
	segs     []segment
	start    int // offset of its first byte
	stop     int // offset behind its last byte, heredocs included, line break not
	rng      source.Range
	heredocs []heredoc
	bad      string // why it cannot be read

	flags      []option
	from, to   int // of what stands behind the flags, in text
	json       bool
	words      []word
	cut        bool // there are more words
	trigger    *instruction
	nameAt     [2]int
	shellForm  bool
	takesShell bool
}

// segment says that the text from start on stands at source offset src.
type segment struct{ start, src int }

// heredoc is the text below an instruction that it names by <<NAME.
type heredoc struct {
	name       string
	start, end int // of the body, in the source
}

// word is a part of an instruction's text.
type word struct {
	start, end int
	value      string
}

// offset maps an offset of the text to the source.
func (in *instruction) offset(i int) int {
	lo, hi := 0, len(in.segs)-1
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if in.segs[mid].start <= i {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return in.segs[lo].src + i - in.segs[lo].start
}

// span gives the source range of a part of the text.
func (rd *reading) span(in *instruction, start, end int) source.Range {
	if end <= start {
		// What is empty stands behind what is in front of it, on its line.
		at := in.offset(max(start, 1)-1) + min(start, 1)
		return rd.f.Range(at, at)
	}
	return rd.f.Range(in.offset(start), in.offset(end-1)+1)
}

// scan splits the file into instructions by BuildKit's rules: comments and
// blank lines within continued lines are dropped, and lines of heredocs belong
// to the instruction above.
func (rd *reading) scan() []*instruction {
	var out []*instruction
	data := rd.f.Data
	pos := len(data) - len(bytes.TrimPrefix(data, []byte("\ufeff")))
	var directives parser.DirectiveParser
	for pos < len(data) && len(out) <= maxInstructions {
		start := pos
		line, next := lineAt(data, pos)
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		at := start + len(line) - len(trimmed)
		d, err := directives.ParseLine(trimmed)
		if err != nil {
			rd.fail(rd.f.Pos(at).Line, "a directive is given twice")
		}
		if d != nil && d.Name == "escape" {
			if d.Value == "`" || d.Value == `\` {
				rd.escape = d.Value[0]
			} else {
				rd.fail(rd.f.Pos(at).Line, "the escape directive takes a backslash or a backtick")
			}
		}
		pos = next
		switch {
		case len(trimmed) == 0:
		case trimmed[0] == '#':
			rd.comment(at, at+len(trimmed))
		default:
			in := rd.joined(at, trimmed, next)
			pos = in.stop
			if _, after := lineAt(data, in.stop); in.stop < len(data) {
				pos = after
			}
			if strings.TrimSpace(in.text) != "" {
				out = append(out, in)
			}
		}
	}
	return out
}

// lineAt gives the line from pos on without its line break, and where the next
// one begins.
func lineAt(data []byte, pos int) (line []byte, next int) {
	next = len(data)
	if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
		next = pos + i + 1
	}
	return bytes.TrimRight(data[pos:next], "\r\n"), next
}

// continued reports whether a line ends in the escape character, and gives the
// line without it. One that is itself escaped does not continue.
func (rd *reading) continued(line []byte) ([]byte, bool) {
	t := bytes.TrimRight(line, " \t")
	n := len(t)
	if n == 0 || t[n-1] != rd.escape || n > 1 && t[n-2] == rd.escape {
		return line, false
	}
	return t[:n-1], true
}

// joined puts an instruction together whose first line is given without its
// indentation.
func (rd *reading) joined(start int, line []byte, next int) *instruction {
	data := rd.f.Data
	in := &instruction{start: start, line: rd.f.Pos(start).Line}
	var text strings.Builder
	add := func(b []byte, src int) {
		in.segs = append(in.segs, segment{text.Len(), src})
		text.Write(b)
	}
	kept, more := rd.continued(line)
	add(kept, start)
	in.stop = start + len(line)
	for more && next < len(data) {
		at := next
		line, next = lineAt(data, at)
		trimmed := bytes.TrimLeftFunc(line, unicode.IsSpace)
		if len(trimmed) == 0 {
			continue
		}
		if trimmed[0] == '#' {
			rd.comment(at+len(line)-len(trimmed), at+len(line))
			continue
		}
		kept, more = rd.continued(line)
		add(kept, at)
		in.stop = at + len(line)
	}
	in.text = text.String()
	in.split(rd)
	if in.bad == "" {
		rd.heredocsOf(in, next)
	}
	for in.stop > in.start && strings.IndexByte(" \t\r", data[in.stop-1]) >= 0 {
		in.stop--
	}
	in.rng = rd.f.Range(in.start, in.stop)
	return in
}

func (rd *reading) comment(start, end int) {
	text := string(rd.f.Data[start+1 : end])
	if !utf8.ValidString(text) {
		// What can be read in front of the first wrong byte.
		text = text[:strings.IndexRune(text, utf8.RuneError)]
	}
	rd.comments = append(rd.comments, resource.Comment{Text: strings.TrimSpace(text), Range: rd.f.Range(start, end)})
}

// expansions finds variables with a modifier, within which BuildKit's lexer
// descends.
var expansions = regexp.MustCompile(`\$\{[A-Za-z0-9_]*[^A-Za-z0-9_}]`)

const maxExpansions = 500

type noVariables struct{}

func (noVariables) Get(string) (string, bool) { return "", false }
func (noVariables) Keys() []string            { return nil }

// heredocsOf takes the heredocs of an instruction, whose lines begin at next.
func (rd *reading) heredocsOf(in *instruction, next int) {
	inner := in
	for inner.trigger != nil {
		inner = inner.trigger
	}
	switch inner.name {
	case "RUN", "COPY", "ADD":
	default:
		return
	}
	if inner.json || !strings.Contains(in.text, "<<") {
		return
	}
	if len(expansions.FindAllStringIndex(in.text, maxExpansions+1)) > maxExpansions {
		in.bad = "the instruction has too many variables with modifiers"
		return
	}
	// BuildKit takes a backslash here whatever the directive says.
	lex := shell.NewLex('\\')
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	words, err := lex.ProcessWords(in.text, noVariables{})
	if err != nil {
		return
	}
	data := rd.f.Data
	for _, w := range words {
		h, err := parser.ParseHeredoc(w)
		if err != nil {
			in.bad = "a heredoc's name is malformed"
			return
		}
		if h == nil {
			continue
		}
		doc := heredoc{name: h.Name, start: next, end: -1}
		for next < len(data) {
			at := next
			var line []byte
			line, next = lineAt(data, at)
			if h.Chomp {
				line = bytes.TrimLeft(line, "\t")
			}
			if string(line) == h.Name {
				doc.end = at
				in.stop = next - len(data[at:next]) + len(bytes.TrimRight(data[at:next], "\r\n"))
				break
			}
		}
		if doc.end < 0 {
			// As BuildKit, give up; the rest of the file is in the heredoc.
			in.stop = len(data)
			in.bad = "a heredoc is not ended"
			return
		}
		in.heredocs = append(in.heredocs, doc)
	}
}
