package terraform

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is the kind of a jsonNode.
type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
	jsonHole // a place that the caller fills: see parseJSON
)

// jsonNode is a value of a JSON document with the bytes that it spans.
type jsonNode struct {
	kind       jsonKind
	start, end int
	b          bool
	num        *big.Float
	str        string
	hole       int
	items      []*jsonNode
	fields     []jsonField
}

type jsonField struct {
	name       string
	start, end int // of the name, its quotes included
	node       *jsonNode
}

// Holes stand in the text of a JSON document for values that are not known as
// text: holeMark, a decimal number, holeEnd. Both are noncharacters, which no
// source that was read can hold in this place by accident.
const (
	holeMark = '\ufdd0'
	holeEnd  = '\ufdd1'
)

func hole(n int) string { return string(holeMark) + strconv.Itoa(n) + string(holeEnd) }

const maxJSONDepth = 200

// jsonError says what is wrong at which byte.
type jsonError struct {
	offset int
	msg    string
}

func (e *jsonError) Error() string { return e.msg }

var errJSONDepth = fmt.Sprintf("the document is nested more than %d levels deep", maxJSONDepth)

type jsonParser struct {
	s     string
	i     int
	holes bool
	// want, if set, says of a field by the names that lead to it whether it is
	// kept; of what is not kept only the form is looked at.
	want func(path []string) bool
	path []string
}

// parseJSON reads one JSON document. With holes, a hole may stand for a value;
// within a string it is part of it. Repeated names of an object keep the last.
func parseJSON(s string, holes bool) (*jsonNode, *jsonError) {
	p := &jsonParser{s: s, holes: holes}
	p.i = len(s) - len(strings.TrimPrefix(s, "\ufeff"))
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(s) {
		return nil, &jsonError{p.i, "there is text after the end of the document"}
	}
	return n, nil
}

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *jsonParser) errorf(format string, args ...any) *jsonError {
	return &jsonError{p.i, fmt.Sprintf(format, args...)}
}

func (p *jsonParser) value(depth int) (*jsonNode, *jsonError) {
	if depth > maxJSONDepth {
		return nil, p.errorf("%s", errJSONDepth)
	}
	p.space()
	if p.i >= len(p.s) {
		return nil, p.errorf("the document ends before a value")
	}
	n := &jsonNode{start: p.i}
	var err *jsonError
	switch c := p.s[p.i]; {
	case c == '{':
		err = p.object(n, depth)
	case c == '[':
		err = p.array(n, depth)
	case c == '"':
		n.kind = jsonString
		n.str, err = p.str()
	case c == '-' || c >= '0' && c <= '9':
		err = p.number(n)
	case p.holes && strings.HasPrefix(p.s[p.i:], string(holeMark)):
		end := strings.Index(p.s[p.i:], string(holeEnd))
		v, convErr := strconv.Atoi(p.s[p.i+utf8.RuneLen(holeMark) : p.i+max(end, utf8.RuneLen(holeMark))])
		if convErr != nil {
			return nil, p.errorf("a value is expected here")
		}
		n.kind, n.hole = jsonHole, v
		p.i += end + utf8.RuneLen(holeEnd)
	default:
		err = p.word(n)
	}
	n.end = p.i
	return n, err
}

func (p *jsonParser) word(n *jsonNode) *jsonError {
	for _, w := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.i:], w) {
			p.i += len(w)
			n.kind, n.b = jsonBool, w == "true"
			if w == "null" {
				n.kind = jsonNull
			}
			return nil
		}
	}
	return p.errorf("a value is expected here")
}

func (p *jsonParser) number(n *jsonNode) *jsonError {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte("+-.eE0123456789", p.s[p.i]) >= 0 {
		p.i++
	}
	text := p.s[start:p.i]
	digits := strings.TrimPrefix(text, "-")
	if len(text) > maxNumber || digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return &jsonError{start, "a number is malformed"}
	}
	v, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
	if err != nil || !sane(v) {
		return &jsonError{start, "a number is malformed"}
	}
	n.kind, n.num = jsonNumber, v
	return nil
}

func (p *jsonParser) array(n *jsonNode, depth int) *jsonError {
	n.kind = jsonArray
	p.i++
	for {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' && len(n.items) == 0 {
			p.i++
			return nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, v)
		p.space()
		if p.i >= len(p.s) {
			return p.errorf("an array is not closed")
		}
		c := p.s[p.i]
		if c != ',' && c != ']' {
			return p.errorf("a comma or the end of the array is expected here")
		}
		p.i++
		if c == ']' {
			return nil
		}
	}
}

func (p *jsonParser) object(n *jsonNode, depth int) *jsonError {
	n.kind = jsonObject
	p.i++
	seen := map[string]int{}
	for {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' && len(n.fields) == 0 {
			p.i++
			return nil
		}
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return p.errorf("a name in quotes is expected here")
		}
		f := jsonField{start: p.i}
		var err *jsonError
		if f.name, err = p.str(); err != nil {
			return err
		}
		f.end = p.i
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return p.errorf("a colon is expected here")
		}
		p.i++
		keep := true
		if p.want != nil {
			p.path = append(p.path, f.name)
			keep = p.want(p.path)
		}
		if keep {
			f.node, err = p.value(depth + 1)
		} else {
			err = p.skip()
		}
		if err != nil {
			return err
		}
		if p.want != nil {
			p.path = p.path[:len(p.path)-1]
		}
		if !keep {
			f.node = &jsonNode{start: p.i, end: p.i}
		}
		if at, ok := seen[f.name]; ok {
			n.fields[at] = f
		} else {
			seen[f.name] = len(n.fields)
			n.fields = append(n.fields, f)
		}
		p.space()
		if p.i >= len(p.s) {
			return p.errorf("an object is not closed")
		}
		c := p.s[p.i]
		if c != ',' && c != '}' {
			return p.errorf("a comma or the end of the object is expected here")
		}
		p.i++
		if c == '}' {
			return nil
		}
	}
}

// skip passes over a value.
func (p *jsonParser) skip() *jsonError {
	p.space()
	open := 0
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '"':
			if _, err := p.str(); err != nil {
				return err
			}
		case '{', '[':
			open++
			p.i++
		case '}', ']', ',':
			if open == 0 {
				return nil // the end of what holds the value
			}
			if c != ',' {
				open--
			}
			p.i++
		default:
			p.i++
			continue
		}
		if open == 0 {
			return nil
		}
	}
	return p.errorf("a value is not closed")
}

// get gives a field of an object, or nil.
func (n *jsonNode) get(name string) *jsonNode {
	if n == nil || n.kind != jsonObject {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].node
		}
	}
	return nil
}

// at gives what the names lead to, or nil.
func (n *jsonNode) at(names ...string) *jsonNode {
	for _, s := range names {
		n = n.get(s)
	}
	return n
}

// text gives a string, or "".
func (n *jsonNode) text() string {
	if n == nil || n.kind != jsonString {
		return ""
	}
	return n.str
}

// list gives the items of an array, or nil.
func (n *jsonNode) list() []*jsonNode {
	if n == nil {
		return nil
	}
	return n.items
}

// str reads a string whose opening quote is next.
func (p *jsonParser) str() (string, *jsonError) {
	start := p.i
	p.i++
	run := p.i
	var b strings.Builder
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			if b.Len() == 0 {
				s := p.s[run:p.i]
				p.i++
				return s, nil
			}
			b.WriteString(p.s[run:p.i])
			p.i++
			return b.String(), nil
		case c == '\\':
			b.WriteString(p.s[run:p.i])
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			run = p.i
		case c < 0x20:
			return "", p.errorf("a string holds a control character")
		default:
			p.i++
		}
	}
	return "", &jsonError{start, "a string is not closed"}
}

// escape reads an escape sequence; a surrogate without its other half becomes
// the replacement character, as in encoding/json.
func (p *jsonParser) escape() (rune, *jsonError) {
	if p.i+1 >= len(p.s) {
		return 0, p.errorf("a string is not closed")
	}
	c := p.s[p.i+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.i += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	r, err := p.hex(p.i)
	if err != nil {
		return 0, p.errorf("an escape sequence is malformed")
	}
	p.i += 6
	if utf16.IsSurrogate(r) {
		if low, err := p.hex(p.i); err == nil {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				p.i += 6
				return full, nil
			}
		}
		return utf8.RuneError, nil
	}
	return r, nil
}

var errHex = errors.New("not four hexadecimal digits")

func (p *jsonParser) hex(i int) (rune, error) {
	if i+6 > len(p.s) || p.s[i] != '\\' || p.s[i+1] != 'u' {
		return 0, errHex
	}
	v, err := strconv.ParseUint(p.s[i+2:i+6], 16, 16)
	if err != nil || strings.ContainsAny(p.s[i+2:i+6], "_+-") {
		return 0, errHex
	}
	return rune(v), nil
}

// sane reports whether a number can be written out within bounds.
func sane(v *big.Float) bool {
	if v.IsInf() {
		return false
	}
	e := v.MantExp(nil)
	return e > -4096 && e < 4096
}
