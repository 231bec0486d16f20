package source

import (
	"bytes"
	"cmp"
	"slices"
)

// LineEdit replaces the whole lines Start to End (1-based, inclusive) of File
// by New: whole lines too, or nothing to delete them. End = Start-1 inserts
// before line Start. Only where the last line of the file has no line break may
// New end without one. This is the form in which edits leave the program, since
// a suggestion on GitHub replaces whole lines.
type LineEdit struct {
	File       string
	Start, End int
	New        string
}

// WholeLines widens byte edits to whole-line edits against the same file, one
// for each run of lines that is touched, by line and not overlapping. Carried
// out by Apply on ByteEdits they give the same bytes as the edits themselves.
// Edits that change nothing are left out. The error is Apply's.
func WholeLines(f *File, edits []Edit) ([]LineEdit, error) {
	if _, err := Apply(f.Data, edits); err != nil {
		return nil, err
	}
	sorted := slices.Clone(edits)
	slices.SortFunc(sorted, func(a, b Edit) int { return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte) })
	var out []LineEdit
	for len(sorted) > 0 {
		first := f.line(sorted[0].Range.Start.Byte)
		start := f.LineStart(first)
		end, n, text := start, 0, []byte(nil)
		for {
			// What touches a line of the run, or would insert before its first.
			for n < len(sorted) {
				r := sorted[n].Range
				if line := f.LineStart(f.line(r.Start.Byte)); line >= end && line > start {
					break
				}
				end = max(end, f.wholeEnd(r))
				n++
			}
			text = splice(f.Data, start, end, sorted[:n])
			if len(text) == 0 || text[len(text)-1] == '\n' || end == len(f.Data) {
				break
			}
			end = f.LineEnd(f.line(end)) // the line below has moved up
		}
		sorted = sorted[n:]
		if bytes.Equal(text, f.Data[start:end]) {
			continue
		}
		last := first - 1
		if end > start {
			last = f.line(end - 1)
		}
		out = append(out, LineEdit{File: f.Path, Start: first, End: last, New: string(text)})
	}
	return out, nil
}

// line is the 1-based line that an offset lies on.
func (f *File) line(offset int) int {
	n, found := slices.BinarySearch(f.starts, offset)
	if found {
		n++
	}
	return n
}

// wholeEnd is the end of the last line that a range touches. An insertion at
// the start of a line touches none.
func (f *File) wholeEnd(r Range) int {
	line := f.line(r.End.Byte)
	if start := f.LineStart(line); start == r.End.Byte {
		return start
	}
	return f.LineEnd(line)
}

// splice gives data[start:end] with the edits, which are sorted and lie within.
func splice(data []byte, start, end int, edits []Edit) []byte {
	var out []byte
	for _, e := range edits {
		out = append(out, data[start:e.Range.Start.Byte]...)
		out = append(out, e.New...)
		start = e.Range.End.Byte
	}
	return append(out, data[start:end]...)
}

// ByteEdits turns whole-line edits back into byte edits against f.
func ByteEdits(f *File, edits []LineEdit) []Edit {
	out := make([]Edit, 0, len(edits))
	for _, e := range edits {
		out = append(out, Edit{Range: f.Range(f.LineStart(e.Start), f.LineEnd(e.End)), New: e.New})
	}
	return out
}
