package kustomize

import (
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func itoa(n int) string { return strconv.Itoa(n) }

// inline says where the text of a patch stands that is written in a
// kustomization: as a literal block, whose lines are those of the text, indented.
type inline struct {
	file   *source.File
	text   *source.File
	line   int // of the file, that stands above the first of the text
	indent int // bytes in front of each line
}

// newInline finds the text of a node in its file; false where it is not written
// line by line.
func newInline(f *source.File, n *resource.Node) (*inline, bool) {
	in := &inline{file: f, text: source.NewFile(f.Path, []byte(n.Str())), line: n.Range.Start.Line}
	if f.Data[n.Range.Start.Byte] != '|' || len(n.Origins) > 0 {
		return in, false
	}
	found := false
	for l := 1; l <= in.text.Lines(); l++ {
		text, line := in.text.Line(l), f.Line(in.line+l)
		if strings.TrimSpace(text) == "" {
			continue
		}
		if !found {
			in.indent, found = len(line)-len(text), true
		}
		if in.indent < 0 || len(line) < in.indent || line[in.indent:] != text || strings.Trim(line[:in.indent], " ") != "" {
			return in, false
		}
	}
	return in, found
}

// move gives a document of the text the places that it has in the file.
func (in *inline) move(d *document) {
	seen := map[*resource.Node]bool{}
	var walk func(n *resource.Node)
	walk = func(n *resource.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		n.Range = in.moved(n.Range)
		n.KeyRange = in.moved(n.KeyRange)
		origins := n.Origins
		n.Origins = nil
		for _, o := range origins {
			n.Origins = append(n.Origins, in.moved(o))
		}
		for _, it := range n.Items {
			walk(it)
		}
		for _, f := range n.Fields {
			walk(f.Node)
		}
	}
	walk(d.root)
	for i := range d.comments {
		d.comments[i].Range = in.moved(d.comments[i].Range)
	}
	d.start += in.line
	d.file = in.file
}

func (in *inline) moved(r source.Range) source.Range {
	if r.IsZero() {
		return r
	}
	start := in.offset(r.Start)
	end := start
	if r.End.Byte > r.Start.Byte {
		// A value that ends with its line ends there in the file too.
		if end = in.offset(r.End); r.End.Column == 1 {
			end = in.file.LineStart(in.line + r.End.Line)
		}
	}
	return in.file.Range(start, end)
}

// offset gives the offset in the file of a position of the text.
func (in *inline) offset(p source.Pos) int {
	return in.file.LineStart(in.line+p.Line) + in.indent + p.Byte - in.text.LineStart(p.Line)
}
