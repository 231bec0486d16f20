package yamltree

import (
	"bytes"
	"sort"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// FirstLine is the part of r on its first line, without the white space at its
// end.
func FirstLine(f *source.File, r source.Range) source.Range {
	if i := bytes.IndexByte(f.Data[r.Start.Byte:r.End.Byte], '\n'); i > 0 {
		text := bytes.TrimRight(f.Data[r.Start.Byte:r.Start.Byte+i], " \t\r")
		r = f.Range(r.Start.Byte, r.Start.Byte+len(text))
	}
	return r
}

// CommentsOf gives those of a document's comments that speak about what stands
// at r: within it, on its last line, and right above it without a blank line
// between.
func CommentsOf(f *source.File, r source.Range, comments []resource.Comment) []resource.Comment {
	first := sort.Search(len(comments), func(i int) bool { return comments[i].Range.Start.Byte >= r.Start.Byte })
	last := first
	for last < len(comments) && (comments[last].Range.Start.Byte < r.End.Byte || comments[last].Range.Start.Line == r.End.Line) {
		last++
	}
	for line := r.Start.Line; first > 0; first-- {
		c := comments[first-1]
		if c.Range.Start.Line != line-1 {
			break
		}
		line--
		if !c.Trailing {
			continue
		}
		// Behind a separator or a dash a comment speaks about what follows,
		// behind anything else about what it stands behind.
		before := string(bytes.TrimSpace(f.Data[f.LineStart(line):c.Range.Start.Byte]))
		if before == "---" || before == "-" {
			first--
		}
		break
	}
	return comments[first:last:last]
}
