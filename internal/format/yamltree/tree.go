package yamltree

import (
	"bytes"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// tree is what the nodes of one file are made with. It goes through the file
// once, from start to end, so that places cost the same on a line of a
// megabyte as on one of ten bytes.
type tree struct {
	f *source.File
	// starts holds the offset of every line as YAML counts them, where that
	// differs from the file's own lines; else nil.
	starts []int
	last   source.Pos // the position asked for last
	slab   []resource.Node
	// expanded counts the nodes that aliases brought in.
	expanded int
}

// ByteOrderMark may stand at the start of a file. It is read, never written.
var ByteOrderMark = []byte("\ufeff")

func newTree(f *source.File) *tree {
	return &tree{f: f, starts: unusualLines(f.Data), last: source.Pos{Line: 1, Column: 1}}
}

// pos gives the position of an offset. It is cheap as long as offsets grow.
func (t *tree) pos(offset int) source.Pos {
	if offset < t.last.Byte {
		t.last = t.f.Pos(offset)
		return t.last
	}
	rest := t.f.Data[t.last.Byte:offset]
	p := source.Pos{Line: t.last.Line, Column: t.last.Column, Byte: offset}
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		p.Line++
		p.Column = 1
		rest = rest[i+1:]
	}
	p.Column += utf8.RuneCount(rest)
	t.last = p
	return p
}

// node makes a node whose place is still to be set.
func (t *tree) node(kind resource.Kind, value any) *resource.Node {
	if len(t.slab) == 0 {
		t.slab = make([]resource.Node, 15) // 4 KiB
	}
	n := &t.slab[0]
	t.slab = t.slab[1:]
	n.Kind, n.Value = kind, value
	return n
}

func (t *tree) span(start, end source.Pos) source.Range {
	return source.Range{File: t.f.Path, Start: start, End: end}
}

// lines is the number of lines as YAML counts them.
func (t *tree) lines() int {
	if t.starts != nil {
		return len(t.starts)
	}
	return t.f.Lines()
}

// lineStart is the offset of a line as YAML counts them, 1-based.
func (t *tree) lineStart(line int) int {
	switch {
	case t.starts == nil:
		return t.f.LineStart(line)
	case line < 1:
		return 0
	case line > len(t.starts):
		return len(t.f.Data)
	}
	return t.starts[line-1]
}

// breakAt is the length of the line break at i as YAML counts them, 0 where
// there is none: CR, LF, CRLF, NEL, LS and PS.
func breakAt(data []byte, i int) int {
	if i >= len(data) {
		return 0
	}
	switch data[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(data) && data[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2:
		if i+1 < len(data) && data[i+1] == 0x85 {
			return 2
		}
	case 0xe2:
		if i+2 < len(data) && data[i+1] == 0x80 && data[i+2]&^1 == 0xa8 {
			return 3
		}
	}
	return 0
}

// lineEnd is the offset of the line break at or after i, or of the end.
func (t *tree) lineEnd(i, end int) int {
	if t.starts != nil {
		for i < end && breakAt(t.f.Data, i) == 0 {
			i++
		}
		return i
	}
	n := bytes.IndexByte(t.f.Data[i:end], '\n')
	if n < 0 {
		return end
	}
	if n > 0 && t.f.Data[i+n-1] == '\r' {
		n--
	}
	return i + n
}

// White is the length of the white space at i: a blank or a line break.
func White(data []byte, i int) int {
	if i < len(data) && (data[i] == ' ' || data[i] == '\t') {
		return 1
	}
	return breakAt(data, i)
}

// unusualLines gives the start of every line as YAML counts them, or nil where
// '\n' ends each of them.
func unusualLines(data []byte) []int {
	unusual := false
	for i := 0; !unusual; i++ {
		n := bytes.IndexByte(data[i:], '\r')
		if n < 0 {
			break
		}
		i += n
		unusual = breakAt(data, i) == 1
	}
	if !unusual && utf8.RuneCount(data) < len(data) {
		unusual = bytes.Contains(data, []byte("\u0085")) || bytes.Contains(data, []byte("\u2028")) || bytes.Contains(data, []byte("\u2029"))
	}
	if !unusual {
		return nil
	}
	starts := []int{0}
	for i := 0; i < len(data); {
		n := breakAt(data, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		if i < len(data) {
			starts = append(starts, i)
		}
	}
	return starts
}

// span is a document of a file.
type span struct {
	start, end int
	line       int  // YAML's number of the line that start lies on
	json       bool // its content begins with a brace
}

// split finds the documents of a file. In YAML, a line that begins with ---
// or ... always ends a document, whatever stands around it, so that a broken
// document does not reach the others. Documents without content are left out.
func split(t *tree) []span {
	data := t.f.Data
	var out []span
	cur := span{line: 1}
	if bytes.HasPrefix(data, ByteOrderMark) {
		cur.start = len(ByteOrderMark)
	}
	content := -1       // offset of the first content of cur
	directives := false // cur has directives and no content yet
	flush := func(end int) {
		if content >= 0 {
			cur.end = end
			cur.json = data[content] == '{'
			out = append(out, cur)
		}
		content, directives = -1, false
	}
	first := cur.start
	for line, n := 1, t.lines(); line <= n; line++ {
		start := max(t.lineStart(line), first)
		if start >= len(data) {
			break
		}
		next := t.lineStart(line + 1)
		switch {
		case Marker(data[start:], "---"):
			if !directives || content >= 0 {
				flush(start)
				cur = span{start: start, line: line}
			}
			directives = false
			if i := ContentOf(data, start+3, next); i >= 0 {
				content = i
			}
		case Marker(data[start:], "..."):
			flush(next)
			cur = span{start: next, line: line + 1}
		case content >= 0:
		case data[start] == '%':
			directives = true
		default:
			content = ContentOf(data, start, next)
		}
	}
	flush(len(data))
	return out
}

// Marker reports whether the text begins with a document marker.
func Marker(rest []byte, mark string) bool {
	if len(rest) < 3 || rest[0] != mark[0] || rest[1] != mark[1] || rest[2] != mark[2] {
		return false
	}
	return len(rest) == 3 || White(rest, 3) > 0
}

// ContentOf is the offset of the first content between start and end, or -1
// where there is only white space and a comment.
func ContentOf(data []byte, start, end int) int {
	for i := start; i < end; {
		n := White(data, i)
		if n == 0 {
			if data[i] == '#' {
				return -1
			}
			return i
		}
		i += n
	}
	return -1
}
