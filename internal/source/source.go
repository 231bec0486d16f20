// Package source holds the vocabulary of bytes: files, positions, ranges,
// edits and diagnostics. It knows no format and imports only the standard
// library; every other room speaks about places in files in these terms.
package source

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a file.
type Pos struct {
	Line   int // 1-based; lines end at '\n'
	Column int // 1-based, in Unicode code points; an invalid byte counts as one
	Byte   int // 0-based offset from the start of the file, a byte order mark included
}

// Range is the half-open span [Start, End) of the file at path File, which is
// slash-separated and relative to the repository's root. The zero Range means
// "no place known".
type Range struct {
	File       string
	Start, End Pos
}

// IsZero reports whether no place is known.
func (r Range) IsZero() bool { return r.File == "" }

// Len is the number of bytes that the range spans.
func (r Range) Len() int { return r.End.Byte - r.Start.Byte }

// LastLine is the last line that the range touches, 1-based and inclusive: a
// range that ends at the very start of a line does not touch that line.
func (r Range) LastLine() int {
	if r.End.Line > r.Start.Line && r.End.Column == 1 {
		return r.End.Line - 1
	}
	return r.End.Line
}

// Contains reports whether o lies within r (same file, not necessarily smaller).
func (r Range) Contains(o Range) bool {
	return r.File == o.File && r.Start.Byte <= o.Start.Byte && o.End.Byte <= r.End.Byte
}

// String renders the range as file:line:column, as compilers do.
func (r Range) String() string {
	if r.Start.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// File is the content of one file together with an index of its lines.
// It is safe for concurrent use once made.
type File struct {
	Path string // slash-separated, relative to the repository's root
	Data []byte
	// starts[i] is the offset of line i+1.
	starts []int
}

// NewFile indexes data, which must not be changed afterwards.
func NewFile(path string, data []byte) *File {
	f := &File{Path: path, Data: data, starts: make([]int, 1, 1+bytes.Count(data, []byte{'\n'}))}
	for i := 0; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		f.starts = append(f.starts, i)
	}
	return f
}

// Lines is the number of lines. A final line break does not open another line,
// and an empty file has none.
func (f *File) Lines() int {
	n := len(f.starts)
	if f.starts[n-1] == len(f.Data) {
		n--
	}
	return n
}

// LineStart is the offset of the first byte of a 1-based line; a line past the
// end gives the length of the file.
func (f *File) LineStart(line int) int {
	switch {
	case line < 1:
		return 0
	case line > len(f.starts):
		return len(f.Data)
	}
	return f.starts[line-1]
}

// LineEnd is the offset just past a 1-based line, its line break included.
func (f *File) LineEnd(line int) int { return f.LineStart(line + 1) }

// Line is the text of a 1-based line without its line break ("\n" or "\r\n").
func (f *File) Line(line int) string {
	s := string(f.Data[f.LineStart(line):f.LineEnd(line)])
	return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
}

// Pos gives the position of a byte offset, which is clamped to the file.
func (f *File) Pos(offset int) Pos {
	offset = max(0, min(offset, len(f.Data)))
	line := sort.SearchInts(f.starts, offset+1)
	start := f.starts[line-1]
	return Pos{Line: line, Column: 1 + utf8.RuneCount(f.Data[start:offset]), Byte: offset}
}

// Range gives the range between two byte offsets.
func (f *File) Range(start, end int) Range {
	return Range{File: f.Path, Start: f.Pos(start), End: f.Pos(max(start, end))}
}

// LineRange gives the range of the whole lines first to last, their line
// breaks included.
func (f *File) LineRange(first, last int) Range {
	return f.Range(f.LineStart(first), f.LineEnd(last))
}

// EOL is the line ending that the file uses: "\r\n" where its first line break
// is one, else "\n".
func (f *File) EOL() string {
	if i := bytes.IndexByte(f.Data, '\n'); i > 0 && f.Data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// Text is the source text of a range of this file. A range out of bounds is
// cut to the file.
func (f *File) Text(r Range) string {
	s := max(0, min(r.Start.Byte, len(f.Data)))
	e := max(s, min(r.End.Byte, len(f.Data)))
	return string(f.Data[s:e])
}

// Edit replaces the bytes of Range by New. An empty Range inserts.
type Edit struct {
	Range Range
	New   string
}

// Apply gives data with the edits carried out. The edits, in any order, must
// lie within data and must not overlap; two that start at one place, be one of
// them an insertion, are an overlap, since their order would be a guess. On
// error data is returned as it was. Zero edits give back data itself.
func Apply(data []byte, edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return data, nil
	}
	sorted := append([]Edit(nil), edits...)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i].Range, sorted[j].Range
		if a.Start.Byte != b.Start.Byte {
			return a.Start.Byte < b.Start.Byte
		}
		return a.End.Byte < b.End.Byte
	})
	out := make([]byte, 0, len(data)+64)
	last := 0
	for i, e := range sorted {
		s, t := e.Range.Start.Byte, e.Range.End.Byte
		if s < 0 || t < s || t > len(data) {
			return data, fmt.Errorf("edit of %s: bytes %d to %d are outside the file's %d", e.Range.File, s, t, len(data))
		}
		if e.Range.File != sorted[0].Range.File {
			return data, fmt.Errorf("edits of %s and %s cannot be applied to one file", sorted[0].Range.File, e.Range.File)
		}
		if s < last || (i > 0 && s == sorted[i-1].Range.Start.Byte) {
			return data, fmt.Errorf("edits of %s overlap at byte %d", e.Range.File, s)
		}
		out = append(out, data[last:s]...)
		out = append(out, e.New...)
		last = t
	}
	return append(out, data[last:]...), nil
}
