package githubsim

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/utils/diff"
	"github.com/go-git/go-git/v5/utils/merkletrie"
	"github.com/sergi/go-diff/diffmatchpatch"
)

const (
	contextLines  = 3
	maxPatchBytes = 500 << 10 // of one file; GitHub leaves larger ones out
)

// FileDiff is one file of a diff.
type FileDiff struct {
	Path, PreviousPath   string // PreviousPath for a renamed file
	Status               string // added, removed, modified, renamed
	SHA                  string // of the blob, the old one for a removed file
	Additions, Deletions int
	Hunks                []Hunk // empty for binary and too large files
}

// Hunk is a run of changed lines with their context.
type Hunk struct {
	OldStart, OldLines, NewStart, NewLines int
	Lines                                  []DiffLine
}

// DiffLine is one line of a hunk.
type DiffLine struct {
	Op       byte   // ' ', '+' or '-'
	Text     string // without the line ending
	Old, New int    // 1-based line numbers; 0 on the side that lacks the line
	NoEOL    bool   // the file ends here without a line ending
}

func (h Hunk) header() string {
	return fmt.Sprintf("@@ -%s +%s @@", span(h.OldStart, h.OldLines), span(h.NewStart, h.NewLines))
}

func span(start, n int) string {
	if n == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// has says whether a line of a side ("LEFT", "RIGHT") is in the hunk.
func (h Hunk) has(side string, line int) bool {
	for _, l := range h.Lines {
		if side == "LEFT" && l.Op != '+' && l.Old == line || side == "RIGHT" && l.Op != '-' && l.New == line {
			return true
		}
	}
	return false
}

// hunkOf gives the index of the hunk that has a line of a side, or -1.
func (f *FileDiff) hunkOf(side string, line int) int {
	for i, h := range f.Hunks {
		if h.has(side, line) {
			return i
		}
	}
	return -1
}

// position counts lines below the first hunk header, as GitHub's "position".
func (f *FileDiff) position(side string, line int) int {
	n := 0
	for i, h := range f.Hunks {
		if i > 0 {
			n++
		}
		for _, l := range h.Lines {
			n++
			if side == "LEFT" && l.Op != '+' && l.Old == line || side == "RIGHT" && l.Op != '-' && l.New == line {
				return n
			}
		}
	}
	return 0
}

// hunkUpTo gives the hunk's text down to a line, as a comment's diff_hunk.
func (f *FileDiff) hunkUpTo(side string, line int) string {
	i := f.hunkOf(side, line)
	if i < 0 {
		return ""
	}
	h := f.Hunks[i]
	var b strings.Builder
	b.WriteString(h.header())
	for _, l := range h.Lines {
		b.WriteByte('\n')
		b.WriteByte(l.Op)
		b.WriteString(l.Text)
		if side == "LEFT" && l.Op != '+' && l.Old == line || side == "RIGHT" && l.Op != '-' && l.New == line {
			break
		}
	}
	return b.String()
}

// Patch gives the hunks as text, without a final line ending.
func (f *FileDiff) Patch() string {
	var b strings.Builder
	for _, h := range f.Hunks {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(h.header())
		for _, l := range h.Lines {
			b.WriteByte('\n')
			b.WriteByte(l.Op)
			b.WriteString(l.Text)
			if l.NoEOL {
				b.WriteString("\n\\ No newline at end of file")
			}
		}
	}
	return b.String()
}

// diffTrees gives the files that differ, sorted by path, renames detected.
func (o *objectStore) diffTrees(ctx context.Context, from, to *object.Tree) ([]FileDiff, error) {
	changes, err := object.DiffTreeWithOptions(ctx, from, to, &object.DiffTreeOptions{
		DetectRenames: true, RenameScore: 50, RenameLimit: 200,
	})
	if err != nil {
		return nil, err
	}
	var out []FileDiff
	for _, c := range changes {
		action, err := c.Action()
		if err != nil {
			return nil, err
		}
		f := FileDiff{Path: c.To.Name, Status: "modified", SHA: c.To.TreeEntry.Hash.String()}
		switch action {
		case merkletrie.Insert:
			f.Status = "added"
		case merkletrie.Delete:
			f.Status, f.Path, f.SHA = "removed", c.From.Name, c.From.TreeEntry.Hash.String()
		default:
			if c.From.Name != c.To.Name {
				f.Status, f.PreviousPath = "renamed", c.From.Name
			}
		}
		before, err := o.sideOf(c.From)
		if err != nil {
			return nil, err
		}
		after, err := o.sideOf(c.To)
		if err != nil {
			return nil, err
		}
		if !isBinary(before) && !isBinary(after) {
			f.Hunks, f.Additions, f.Deletions = hunks(string(before), string(after))
			if len(f.Hunks) > 0 && len(before)+len(after) > maxPatchBytes && len(f.Patch()) > maxPatchBytes {
				f.Hunks = nil
			}
		}
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

func (o *objectStore) sideOf(e object.ChangeEntry) ([]byte, error) {
	switch {
	case e.Name == "":
		return nil, nil
	case e.TreeEntry.Mode == filemode.Submodule:
		return []byte("Subproject commit " + e.TreeEntry.Hash.String() + "\n"), nil
	}
	return o.blob(e.TreeEntry.Hash)
}

// diffCommits compares from's tree with to's; a zero from is the empty tree.
func (o *objectStore) diffCommits(ctx context.Context, from, to plumbing.Hash) ([]FileDiff, error) {
	a := &object.Tree{}
	if !from.IsZero() {
		var err error
		if a, err = o.treeOf(from); err != nil {
			return nil, err
		}
	}
	b, err := o.treeOf(to)
	if err != nil {
		return nil, err
	}
	return o.diffTrees(ctx, a, b)
}

// diffLines gives every line of both sides in order.
func diffLines(before, after string) []DiffLine {
	var out []DiffLine
	oldLine, newLine := 0, 0
	for _, d := range diff.DoWithTimeout(before, after, 5*time.Second) {
		for text := range strings.Lines(d.Text) {
			l := DiffLine{Op: ' ', Text: strings.TrimSuffix(text, "\n"), NoEOL: !strings.HasSuffix(text, "\n")}
			switch d.Type {
			case diffmatchpatch.DiffEqual:
				oldLine++
				newLine++
				l.Old, l.New = oldLine, newLine
			case diffmatchpatch.DiffDelete:
				oldLine++
				l.Op, l.Old = '-', oldLine
			case diffmatchpatch.DiffInsert:
				newLine++
				l.Op, l.New = '+', newLine
			}
			out = append(out, l)
		}
	}
	return out
}

func hunks(before, after string) (out []Hunk, additions, deletions int) {
	lines := diffLines(before, after)
	for i := 0; i < len(lines); {
		if lines[i].Op == ' ' {
			i++
			continue
		}
		start := max(0, i-contextLines)
		end, quiet := i, 0
		for ; end < len(lines) && quiet <= 2*contextLines; end++ {
			if lines[end].Op == ' ' {
				quiet++
			} else {
				quiet = 0
			}
		}
		if quiet > contextLines {
			end -= quiet - contextLines
		}
		h := Hunk{Lines: lines[start:end]}
		for _, l := range h.Lines {
			if l.Op != '+' {
				h.OldLines++
				if h.OldStart == 0 {
					h.OldStart = l.Old
				}
			}
			if l.Op != '-' {
				h.NewLines++
				if h.NewStart == 0 {
					h.NewStart = l.New
				}
			}
			switch l.Op {
			case '+':
				additions++
			case '-':
				deletions++
			}
		}
		// A side without lines starts at the line before, as git writes it.
		if h.OldLines == 0 {
			h.OldStart = lastLine(lines[:start], func(l DiffLine) int { return l.Old })
		}
		if h.NewLines == 0 {
			h.NewStart = lastLine(lines[:start], func(l DiffLine) int { return l.New })
		}
		out = append(out, h)
		i = end
	}
	return out, additions, deletions
}

func lastLine(lines []DiffLine, number func(DiffLine) int) int {
	for i := len(lines) - 1; i >= 0; i-- {
		if n := number(lines[i]); n > 0 {
			return n
		}
	}
	return 0
}

// moved gives where a line of before stands in after; false when it changed.
func moved(before, after string, line int) (int, bool) {
	for _, l := range diffLines(before, after) {
		if l.Op == ' ' && l.Old == line {
			return l.New, true
		}
	}
	return 0, false
}
