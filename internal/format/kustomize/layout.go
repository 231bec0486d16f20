package kustomize

import (
	"bytes"
	"sort"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// firstLine is the first line that a document is laid out on. What loses its
// lines in a JSON patch is numbered from 1 again; such numbers must mean nothing.
const firstLine = 4096

// document is one document of a manifest or patch.
type document struct {
	path      string       // of the file that it is written in
	file      *source.File // the same, or the text of an inline patch
	root      *resource.Node
	comments  []resource.Comment
	broughtBy source.Range // the entry that names a patch; zero for a resource
	inline    *inline      // where the text stands, for an inline patch
	// exact is false where the text of a value cannot be found in the source:
	// a patch in quotes.
	exact bool

	// rendered is the resource of a chart that the document was made of, and
	// renderedBy the entry that names the chart; unit is the chart's. nil for a
	// document that is written.
	rendered   *resource.Resource
	renderedBy source.Range
	unit       string
	laid       map[*resource.Node]string // what stands for a value that is not known

	first int // line that it is laid out on
	start int // line of file that this is
	lines int
	index map[place]written // made when it is first asked for
}

// place is a line and column of a document.
type place struct{ line, column int }

// written is a value of a document with the names on the way to it, joined.
type written struct {
	n     *resource.Node
	names string
}

// layOut gives a document lines of its own.
func (s *scan) layOut(f *file, d *document) {
	if s.failed {
		return
	}
	r := d.root.Range
	d.start = r.Start.Line
	d.lines = r.LastLine() - r.Start.Line + 1
	d.first = s.next
	s.next += d.lines + 1
	s.laidOut += d.first + r.Len()
	if s.laidOut > maxLayout {
		s.fail(source.Range{File: d.path}, "the manifests are too many to tell their lines apart (%d lines)", s.next)
		return
	}
	f.docs = append(f.docs, d)
	s.docs = append(s.docs, d)
	f.count += max(1, len(itemsOf(d.root.Get("items"))))
	f.list = f.list || d.root.Kind == resource.List
}

// write puts a file where the build finds it.
func (s *scan) write(f *file) {
	if s.failed {
		return
	}
	var b bytes.Buffer
	for i, d := range f.docs {
		if i > 0 {
			b.WriteString("---\n")
		}
		for range d.first - 1 {
			b.WriteByte('\n')
		}
		line := d.file.LineStart(d.start)
		at := d.root.Range.Start.Byte
		// What stands in front on the line is no part of the document.
		for _, c := range string(d.file.Data[line:at]) {
			if c != '\ufeff' {
				b.WriteByte(' ')
			}
		}
		b.Write(d.file.Data[at:d.root.Range.End.Byte])
		b.WriteByte('\n')
	}
	s.contents["/f/"+itoa(f.number)] = b.Bytes()
	for _, d := range f.docs {
		s.sources += d.root.Range.Len()
	}
}

// inline takes up a patch that is written in a kustomization.
func (s *scan) inline(k *spec, n *resource.Node) *file {
	f := &file{path: k.path, number: s.number()}
	s.files = append(s.files, f)
	in, exact := newInline(k.file, n)
	ds := yamltree.ReadText(s.ctx, source.NewFile(k.path, []byte(n.Str())), yamltree.Options{OldBooleans: true, Candidate: something}, func(d yamltree.Document) source.Diagnostics {
		by := nodePlace(n)
		s.layOut(f, &document{path: k.path, file: d.File, root: d.Root, comments: d.Comments, broughtBy: by, inline: in, exact: exact})
		return nil
	})
	for i := range ds {
		ds[i].Line = n.Range.Start.Line // of the text alone
	}
	s.read(ds)
	if len(f.docs) == 0 && !s.failed {
		s.fail(nodePlace(n), "the patch is empty")
	}
	s.write(f)
	if exact && !s.failed {
		for _, d := range f.docs {
			in.move(d)
		}
	}
	return f
}

// at gives the document that a line of the layout belongs to, with the line of
// its file; nil for a line of none.
func (s *scan) at(line int) (*document, int) {
	i := sort.Search(len(s.docs), func(i int) bool { return s.docs[i].first > line })
	if i == 0 {
		return nil, 0
	}
	d := s.docs[i-1]
	if line >= d.first+d.lines {
		return nil, 0
	}
	return d, d.start + line - d.first
}

// find gives what is written at a line of the layout and a column.
func (s *scan) find(line, column int) (*document, written) {
	if line < firstLine {
		return nil, written{}
	}
	d, l := s.at(line)
	if d == nil {
		return nil, written{}
	}
	if d.index == nil {
		d.index = map[place]written{}
		var names []string
		var walk func(n *resource.Node)
		walk = func(n *resource.Node) {
			w := written{n, strings.Join(names, "\x00")}
			d.index[d.placeOf(n)] = w
			for _, it := range n.Items {
				walk(it)
			}
			for _, f := range n.Fields {
				if len(f.Node.Origins) > 0 {
					continue // it is written elsewhere, behind an alias
				}
				names = append(names, f.Name)
				walk(f.Node)
				names = names[:len(names)-1]
			}
		}
		walk(d.root)
	}
	return d, d.index[place{l, column}]
}

// placeOf is the line of a node in its file and the column as the parser counts
// it: the text of an inline patch was laid out without its indentation.
func (d *document) placeOf(n *resource.Node) place {
	p := n.Range.Start
	if d.inline != nil && d.exact {
		return place{p.Line, p.Column - d.inline.indent}
	}
	return place{p.Line, p.Column}
}
