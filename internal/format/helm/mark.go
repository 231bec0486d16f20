package helm

import (
	"bytes"
	"regexp"
	"sort"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// A template is rendered twice: as it is, and with marks in it. A mark is three
// runes of the last private-use plane that say where in the source the text
// behind them stands. They are put into the parsed trees, where trimming is done
// with, before the text of lines and around what actions write; templates that
// are included, and whose text others may look at, have them before YAML keys
// and around blocks of YAML alone. What is left without the marks must be what
// the rendering without them gave; where it is not, a line is known by its
// place.

const (
	markRune  = '\U000F0000' // opens a mark
	markDigit = '\U000F0100' // plus ten bits of the number of a site
	markLen   = 12           // bytes of a mark
	maxSites  = 1 << 20
)

// siteKind says what stands behind a mark.
type siteKind uint8

const (
	textSite  siteKind = iota // text of the source
	openSite                  // what an action writes
	closeSite                 // the end of it
)

// site is a place of a template's source.
type site struct {
	kind siteKind
	tpl  *tpl
	at   int // where text stands, or an action begins
	end  int // of an action
}

// marker puts marks into trees.
type marker struct {
	sites []site
	spans map[*tpl][]span // of the actions of a file, braces included
	trees map[string]bool // those that have marks
}

type span struct{ start, end int }

// marked gives copies of the trees with marks in them.
func (r *release) marked() (map[string]*parse.Tree, *marker) {
	m := &marker{spans: map[*tpl][]span{}, trees: map[string]bool{}}
	out := make(map[string]*parse.Tree, len(r.trees))
	for name, tree := range r.trees {
		t := r.owner[name]
		if tree.Root == nil {
			out[name] = tree
			continue
		}
		c, before := tree.Copy(), len(m.sites)
		m.list(t, c.Root, name == t.name)
		m.trees[name] = len(m.sites) > before
		out[name] = c
	}
	return out, m
}

func (m *marker) mark(s site) []byte {
	if len(m.sites) >= maxSites {
		return nil
	}
	n := rune(len(m.sites))
	m.sites = append(m.sites, s)
	b := make([]byte, 0, markLen)
	b = utf8.AppendRune(b, markRune)
	b = utf8.AppendRune(b, markDigit+n>>10)
	return utf8.AppendRune(b, markDigit+n&1023)
}

// list marks the nodes of a list. own says that they are the body of a file,
// which goes into the output as it is.
func (m *marker) list(t *tpl, l *parse.ListNode, own bool) {
	if l == nil {
		return
	}
	out := make([]parse.Node, 0, len(l.Nodes))
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			n.Text = m.text(t, n, own)
		case *parse.IfNode:
			m.list(t, n.List, own)
			m.list(t, n.ElseList, own)
		case *parse.WithNode:
			m.list(t, n.List, own)
			m.list(t, n.ElseList, own)
		case *parse.RangeNode:
			m.list(t, n.List, own)
			m.list(t, n.ElseList, own)
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 && (own || writesYAML(n.Pipe)) {
				out = m.around(t, out, n, int(n.Position()))
				continue
			}
		case *parse.TemplateNode:
			if own {
				out = m.around(t, out, n, int(n.Position()))
				continue
			}
		}
		out = append(out, n)
	}
	l.Nodes = out
}

// around puts marks before and behind an action.
func (m *marker) around(t *tpl, out []parse.Node, n parse.Node, pos int) []parse.Node {
	a, ok := m.action(t, pos)
	if !ok {
		return append(out, n)
	}
	open, close := m.mark(site{openSite, t, a.start, a.end}), m.mark(site{closeSite, t, a.start, a.end})
	if close == nil {
		return append(out, n)
	}
	text := func(b []byte) parse.Node {
		return &parse.TextNode{NodeType: parse.NodeText, Pos: n.Position(), Text: b}
	}
	return append(out, text(open), n, text(close))
}

// action gives the span of the action that holds an offset.
func (m *marker) action(t *tpl, pos int) (span, bool) {
	spans, ok := m.spans[t]
	if !ok {
		spans = actions(t.file.Data)
		m.spans[t] = spans
	}
	i := sort.Search(len(spans), func(i int) bool { return spans[i].end > pos })
	if i == len(spans) || spans[i].start > pos {
		return span{}, false
	}
	return spans[i], true
}

// writesYAML reports whether a pipeline writes a block of YAML, as far as its
// last functions tell. Nobody takes such a text apart.
func writesYAML(p *parse.PipeNode) bool {
	for _, c := range p.Cmds {
		if len(c.Args) > 0 {
			if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
				switch id.Ident {
				case "nindent", "indent", "toYaml":
					return true
				}
			}
		}
	}
	return false
}

// keyLine is a line of YAML that begins with a key, or a dash and what it holds.
var keyLine = regexp.MustCompile(`^(- +)*["']?[A-Za-z0-9_./$-]+["']?:([ \t]|$)|^- `)

// text gives a text with a mark before the first letter of each line that is to
// have one.
func (m *marker) text(t *tpl, n *parse.TextNode, own bool) []byte {
	src, at := t.file.Data, int(n.Pos)
	if at < 0 || at+len(n.Text) > len(src) || !bytes.Equal(src[at:at+len(n.Text)], n.Text) {
		return n.Text
	}
	out := make([]byte, 0, len(n.Text)+64)
	for off := 0; off < len(n.Text); {
		end := len(n.Text)
		if i := bytes.IndexByte(n.Text[off:], '\n'); i >= 0 {
			end = off + i + 1
		}
		line := n.Text[off:end]
		lead := len(line) - len(bytes.TrimLeft(line, " \t\r\n"))
		rest := bytes.TrimRight(line[lead:], "\r\n")
		wanted := len(rest) > 0
		if wanted && !own {
			wanted = keyLine.Match(rest) && (off > 0 || beginsLine(src, at))
		}
		out = append(out, line[:lead]...)
		if wanted {
			out = append(out, m.mark(site{kind: textSite, tpl: t, at: at + off + lead})...)
		}
		out = append(out, line[lead:]...)
		off = end
	}
	return out
}

// beginsLine reports whether nothing but space and actions stands before an
// offset on its line.
func beginsLine(src []byte, at int) bool {
	line := src[bytes.LastIndexByte(src[:at], '\n')+1 : at]
	for {
		line = bytes.TrimRight(line, " \t")
		if !bytes.HasSuffix(line, []byte("}}")) {
			return len(line) == 0
		}
		i := bytes.LastIndex(line, []byte("{{"))
		if i < 0 {
			return true // an action that began on an earlier line
		}
		line = line[:i]
	}
}

// actions gives the spans of the actions of a template, comments among them, in
// order.
func actions(src []byte) []span {
	var out []span
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte("{{"))
		if i < 0 {
			return out
		}
		start := at + i
		end := actionEnd(src, start+2)
		out = append(out, span{start, end})
		at = end
	}
}

// actionEnd is the offset just past the braces that close an action.
func actionEnd(src []byte, i int) int {
	body := bytes.TrimLeft(src[i:], "- \t\r\n")
	if bytes.HasPrefix(body, []byte("/*")) {
		if k := bytes.Index(body, []byte("*/")); k >= 0 {
			i = len(src) - len(body) + k
		}
	}
	for i < len(src) {
		switch c := src[i]; {
		case c == '"' || c == '\'':
			for i++; i < len(src) && src[i] != c && src[i] != '\n'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
		case c == '`':
			k := bytes.IndexByte(src[i+1:], '`')
			if k < 0 {
				return len(src)
			}
			i += k + 1
		case bytes.HasPrefix(src[i:], []byte("}}")):
			return i + 2
		}
		i++
	}
	return len(src)
}

// event is a mark that was taken out of a rendered text, at the offset where it
// stood.
type event struct {
	at   int
	site int
}

// strip takes the marks out of a rendered text.
func strip(s string) (string, []event) {
	var b strings.Builder
	b.Grow(len(s))
	var events []event
	for {
		i := strings.IndexRune(s, markRune)
		if i < 0 || i+markLen > len(s) {
			b.WriteString(s)
			return b.String(), events
		}
		b.WriteString(s[:i])
		high, _ := utf8.DecodeRuneInString(s[i+4:])
		low, _ := utf8.DecodeRuneInString(s[i+8:])
		if high < markDigit || low < markDigit || high >= markDigit+1024 || low >= markDigit+1024 {
			b.WriteString(s[i : i+4]) // a part of a mark, which a function cut: not what it was
			s = s[i+4:]
			continue
		}
		events = append(events, event{b.Len(), int(high-markDigit)<<10 | int(low-markDigit)})
		s = s[i+markLen:]
	}
}

// align moves events from the text that they were found in to the one that was
// rendered without marks. The two are mostly the same. Where a line differs, its
// events are kept as far as the line is the same from either end; where whole
// lines are more or fewer, those at the start and the end of the text are taken.
func align(with, without string, events []event) []event {
	if with == without {
		return events
	}
	a, b := strings.SplitAfter(with, "\n"), strings.SplitAfter(without, "\n")
	head, tail := len(a), 0
	if len(a) != len(b) {
		head = 0
		for head < min(len(a), len(b)) && a[head] == b[head] {
			head++
		}
		for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
			tail++
		}
	}
	var out []event
	from, to, next := 0, 0, 0 // offsets of the line in either text; the next event
	move := func(x, y string) {
		for ; next < len(events) && (events[next].at < from+len(x) || x == "" && events[next].at == from); next++ {
			e := events[next]
			col := e.at - from
			if x != y {
				if same := common(x, y); col > same {
					if col = len(y) - (len(x) - col); col < same {
						col = same
					}
				}
			}
			out = append(out, event{to + min(col, len(y)), e.site})
		}
		from, to = from+len(x), to+len(y)
	}
	for i := range head {
		move(a[i], b[i])
	}
	if len(a) != len(b) {
		for _, s := range a[head : len(a)-tail] {
			from += len(s)
			for next < len(events) && events[next].at < from {
				next++
			}
		}
		out = append(out, event{to, -1})
		for _, s := range b[head : len(b)-tail] {
			to += len(s)
		}
		out = append(out, event{to, -1})
		for i := range tail {
			move(a[len(a)-tail+i], b[len(b)-tail+i])
		}
	}
	for ; next < len(events); next++ {
		out = append(out, event{len(without), events[next].site})
	}
	return out
}

// common is the length of the common prefix.
func common(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}
