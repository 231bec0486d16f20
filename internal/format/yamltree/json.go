package yamltree

import (
	"bytes"
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// isJSON reports whether a file says by its name that it is JSON.
func isJSON(file string) bool { return strings.EqualFold(path.Ext(file), ".json") }

// readJSON reads one JSON object after the other, and gives those before a
// problem too. JSON has a parser of its own because yaml.v3 refuses some of it:
// surrogate pairs, long names, tabs before the first brace.
func readJSON(t *tree, d span) ([]value, *problem) {
	p := jsonParser{tree: t, data: t.f.Data[:d.end], at: d.start}
	for bytes.HasPrefix(p.data[p.at:], ByteOrderMark) {
		p.at += len(ByteOrderMark)
	}
	if Marker(p.data[p.at:], "---") {
		p.at += 3
	}
	var out []value
	for {
		p.space()
		if p.at >= len(p.data) || Marker(p.data[p.at:], "...") {
			return out, nil
		}
		if p.data[p.at] != '{' {
			p.fail("expected an object")
			return out, p.problem
		}
		root := p.value(0)
		if p.problem != nil {
			return out, p.problem
		}
		out = append(out, value{root: root, diagnostics: p.diagnostics})
		p.diagnostics = nil
	}
}

// jsonParser parses RFC 8259 JSON with the place of every value.
type jsonParser struct {
	*tree
	data        []byte
	at          int
	problem     *problem
	diagnostics source.Diagnostics
}

func (p *jsonParser) fail(message string) {
	if p.problem == nil {
		p.problem = &problem{line: p.pos(min(p.at, len(p.data))).Line, message: "syntax error in JSON: " + message}
	}
}

func (p *jsonParser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next skips white space and gives the byte that follows, 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at >= len(p.data) {
		return 0
	}
	return p.data[p.at]
}

// value parses the value that begins at p.at.
func (p *jsonParser) value(depth int) *resource.Node {
	start := p.pos(p.at)
	n := p.node(resource.Null, nil)
	if depth > MaxDepth {
		p.fail("is nested more than " + strconv.Itoa(MaxDepth) + " levels deep")
		return n
	}
	switch c := p.next(); {
	case c == '{':
		n.Kind = resource.Map
		p.object(n, depth)
	case c == '[':
		n.Kind = resource.List
		p.array(n, depth)
	case c == '"':
		n.Kind = resource.String
		n.Value = p.str()
	case c == '-' || c >= '0' && c <= '9':
		p.number(n)
	case p.word("true"):
		n.Kind, n.Value = resource.Bool, true
	case p.word("false"):
		n.Kind, n.Value = resource.Bool, false
	case p.word("null"):
	case c == 0:
		p.fail("it ends in the middle")
	default:
		p.fail("expected a value")
	}
	if p.problem == nil {
		n.Range = p.span(start, p.pos(p.at))
	}
	return n
}

func (p *jsonParser) word(w string) bool {
	if !bytes.HasPrefix(p.data[p.at:], []byte(w)) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *jsonParser) object(n *resource.Node, depth int) {
	p.at++
	set := fieldSet{}
	for more := p.next() != '}'; more; {
		if p.next() != '"' {
			p.fail("expected a name in double quotes")
			return
		}
		start := p.pos(p.at)
		name := p.str()
		key := p.span(start, p.pos(p.at))
		if p.problem == nil && p.next() != ':' {
			p.fail("expected a colon after the name")
		}
		if p.problem != nil {
			return
		}
		p.at++
		p.space()
		v := p.value(depth + 1)
		if p.problem != nil {
			return
		}
		v.KeyRange = key
		if name == "" {
			p.diagnostics.Errorf(p.f.Path, key.Start.Line, emptyKey)
		} else if set.put(resource.Field{Name: name, Node: v}, false) {
			p.diagnostics.Errorf(p.f.Path, key.Start.Line, "the key %q is there twice in one map; the later one counts", Clean(name))
		}
		switch p.next() {
		case ',':
			p.at++
		case '}':
			more = false
		default:
			p.fail("expected a comma or a closing brace")
			return
		}
	}
	p.at++
	n.Fields = set.fields
}

func (p *jsonParser) array(n *resource.Node, depth int) {
	p.at++
	for more := p.next() != ']'; more; {
		p.space()
		n.Items = append(n.Items, p.value(depth+1))
		if p.problem != nil {
			return
		}
		switch p.next() {
		case ',':
			p.at++
		case ']':
			more = false
		default:
			p.fail("expected a comma or a closing bracket")
			return
		}
	}
	p.at++
}

// str parses the string that begins at p.at.
func (p *jsonParser) str() string {
	start := p.at
	escaped := false
	for i := start + 1; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			p.at = i + 1
			if !escaped {
				return string(p.data[start+1 : i])
			}
			var s string
			if json.Unmarshal(p.data[start:i+1], &s) != nil {
				p.at = start
				p.fail("a string has an escape that JSON does not know")
			}
			return s
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			p.at = i
			p.fail("a string holds a line break or a control character")
			return ""
		}
	}
	p.fail("a string is not closed")
	return ""
}

func (p *jsonParser) number(n *resource.Node) {
	start, i := p.at, p.at
	whole := true
	digits := func() bool {
		from := i
		for i < len(p.data) && p.data[i] >= '0' && p.data[i] <= '9' {
			i++
		}
		return i > from
	}
	if p.data[i] == '-' {
		i++
	}
	first := i
	ok := digits() && (p.data[first] != '0' || i == first+1)
	if ok && i < len(p.data) && p.data[i] == '.' {
		i++
		whole = false
		ok = digits()
	}
	if ok && i < len(p.data) && p.data[i]|0x20 == 'e' {
		i++
		whole = false
		if i < len(p.data) && (p.data[i] == '+' || p.data[i] == '-') {
			i++
		}
		ok = digits()
	}
	if !ok {
		p.fail("a number is malformed")
		return
	}
	text := string(p.data[start:i])
	if whole {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.Kind, n.Value = resource.Int, v
			p.at = i
			return
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fail("a number is out of range")
		return
	}
	n.Kind, n.Value = resource.Float, v
	p.at = i
}
