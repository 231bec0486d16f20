package gitrepo

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// diff is one path that differs: before is zero for an added one, after for a
// removed one.
type diff struct {
	path          string
	before, after entry
}

// folderPair is a folder of which at least one side is left to look at; a zero
// hash is a side that is not there.
type folderPair struct {
	path          string
	before, after plumbing.Hash
}

// compareTrees finds the files that differ by reading only the folders that
// differ, one level after the other, so that a remote can be asked for a level
// at a time. More than limit differences are an error.
func compareTrees(ctx context.Context, objs objects, root folderPair, limit int) ([]diff, error) {
	if root.before == root.after {
		return nil, nil
	}
	var out []diff
	level := []folderPair{root}
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxDepth {
			return nil, fmt.Errorf("the folders of the change lie more than %d deep: it %w", maxDepth, ErrTooLarge)
		}
		var need []plumbing.Hash
		for _, p := range level {
			for _, h := range [2]plumbing.Hash{p.before, p.after} {
				if !h.IsZero() {
					need = append(need, h)
				}
			}
		}
		if err := objs.needTrees(ctx, need); err != nil {
			return nil, err
		}
		var next []folderPair
		for _, p := range level {
			below, files, err := compareFolder(ctx, objs, p)
			if err != nil {
				return nil, err
			}
			next = append(next, below...)
			out = append(out, files...)
			if len(out)+len(next) > limit {
				return nil, fmt.Errorf("the change touches more than %d paths: it %w", limit, ErrTooLarge)
			}
		}
		level = next
	}
	return out, nil
}

// compareFolder compares one folder's two lists of entries.
func compareFolder(ctx context.Context, objs objects, p folderPair) (below []folderPair, files []diff, err error) {
	var a, b []entry
	if !p.before.IsZero() {
		if a, err = objs.tree(ctx, p.before); err != nil {
			return nil, nil, err
		}
	}
	if !p.after.IsZero() {
		if b, err = objs.tree(ctx, p.after); err != nil {
			return nil, nil, err
		}
	}
	for len(a) > 0 || len(b) > 0 {
		var x, y entry
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].name < b[0].name:
			x, a = a[0], a[1:]
		case len(a) == 0 || b[0].name < a[0].name:
			y, b = b[0], b[1:]
		default:
			x, y = a[0], b[0]
			a, b = a[1:], b[1:]
			if x == y {
				continue
			}
		}
		full := path.Join(p.path, cmp.Or(x.name, y.name))
		var sub folderPair
		if x.isTree() {
			sub.before, x = x.hash, entry{}
		}
		if y.isTree() {
			sub.after, y = y.hash, entry{}
		}
		if sub.before != sub.after {
			sub.path = full
			below = append(below, sub)
		}
		if x != y {
			files = append(files, diff{full, x, y})
		}
	}
	return below, files, nil
}

const (
	// maxRenames bounds how many removed and how many added files are compared
	// by content for a rename.
	maxRenames = 60
	// maxRenameSize bounds the files compared, in bytes.
	maxRenameSize = 1 << 20
	// renameShare is the share of the larger file's bytes that must stand in
	// both for a rename, git's own default.
	renameShare = 0.5
)

// pathChanges turns differences into changes, finding renames: of equal
// content first, then, for files that may hold infrastructure code, of similar
// content. announce is told which contents may be read.
func pathChanges(ctx context.Context, diffs []diff, read func(ctx context.Context, d diff, head bool) ([]byte, error), announce func(context.Context, []diff) error) ([]project.PathChange, error) {
	var likely []diff
	for _, d := range diffs {
		if project.Candidate(d.path) {
			likely = append(likely, d)
		}
	}
	if err := announce(ctx, likely); err != nil {
		return nil, err
	}
	var out []project.PathChange
	var added, removed []diff
	for _, d := range diffs {
		switch {
		case d.before.mode == 0:
			added = append(added, d)
		case d.after.mode == 0:
			removed = append(removed, d)
		default:
			out = append(out, project.PathChange{Path: d.path, Kind: project.Modified})
		}
	}
	moved := equalRenames(added, removed)
	similar, err := similarRenames(ctx, without(added, moved, true), without(removed, moved, false), read)
	if err != nil {
		return nil, err
	}
	for _, m := range moved {
		out = append(out, project.PathChange{Path: m.to, OldPath: m.from, Kind: project.Moved})
	}
	for _, m := range similar {
		out = append(out, project.PathChange{Path: m.to, OldPath: m.from, Kind: project.Modified})
	}
	moved = append(moved, similar...)
	for _, d := range without(added, moved, true) {
		out = append(out, project.PathChange{Path: d.path, Kind: project.Added})
	}
	for _, d := range without(removed, moved, false) {
		out = append(out, project.PathChange{Path: d.path, Kind: project.Removed})
	}
	slices.SortFunc(out, func(a, b project.PathChange) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// move is a rename.
type move struct{ from, to string }

// without leaves out the files that are part of a rename.
func without(ds []diff, moves []move, to bool) []diff {
	if len(moves) == 0 {
		return ds
	}
	gone := make(map[string]bool, len(moves))
	for _, m := range moves {
		if to {
			gone[m.to] = true
		} else {
			gone[m.from] = true
		}
	}
	var out []diff
	for _, d := range ds {
		if !gone[d.path] {
			out = append(out, d)
		}
	}
	return out
}

// emptyBlob is the hash of no content, by which nothing can be recognised.
var emptyBlob = plumbing.NewHash("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")

// equalRenames pairs files of the same content, those of one name first.
func equalRenames(added, removed []diff) []move {
	at := map[plumbing.Hash][]diff{}
	for _, d := range sortedDiffs(removed) {
		if d.before.isRegular() && d.before.hash != emptyBlob {
			at[d.before.hash] = append(at[d.before.hash], d)
		}
	}
	var out []move
	take := func(d diff, i int) {
		q := at[d.after.hash]
		out = append(out, move{q[i].path, d.path})
		at[d.after.hash] = slices.Delete(q, i, i+1)
	}
	var rest []diff
	for _, d := range sortedDiffs(added) {
		if !d.after.isRegular() {
			continue
		}
		i := slices.IndexFunc(at[d.after.hash], func(o diff) bool { return path.Base(o.path) == path.Base(d.path) })
		if i >= 0 {
			take(d, i)
		} else {
			rest = append(rest, d)
		}
	}
	for _, d := range rest {
		if len(at[d.after.hash]) > 0 {
			take(d, 0)
		}
	}
	return out
}

func sortedDiffs(ds []diff) []diff {
	out := slices.Clone(ds)
	slices.SortFunc(out, func(a, b diff) int { return strings.Compare(a.path, b.path) })
	return out
}

// similarRenames pairs files of like content and one extension, the most alike
// first.
func similarRenames(ctx context.Context, added, removed []diff, read func(ctx context.Context, d diff, head bool) ([]byte, error)) ([]move, error) {
	pick := func(ds []diff) []diff {
		var out []diff
		for _, d := range sortedDiffs(ds) {
			if project.Candidate(d.path) && (d.before.isRegular() || d.after.isRegular()) && len(out) < maxRenames {
				out = append(out, d)
			}
		}
		return out
	}
	added, removed = pick(added), pick(removed)
	if len(added) == 0 || len(removed) == 0 {
		return nil, nil
	}
	seed := maphash.MakeSeed()
	load := func(ds []diff, head bool) ([]lineSet, error) {
		out := make([]lineSet, len(ds))
		for i, d := range ds {
			data, err := read(ctx, d, head)
			if ctx.Err() != nil {
				return nil, err
			}
			if err == nil && len(data) <= maxRenameSize {
				out[i] = newLineSet(seed, data)
			} // what cannot be read is no rename; its reader will say why
		}
		return out, nil
	}
	from, err := load(removed, false)
	if err != nil {
		return nil, err
	}
	to, err := load(added, true)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		i, j  int
		share float64
	}
	var cands []candidate
	for i := range from {
		for j := range to {
			if path.Ext(removed[i].path) != path.Ext(added[j].path) {
				continue
			}
			if s := from[i].share(to[j]); s >= renameShare {
				cands = append(cands, candidate{i, j, s})
			}
		}
	}
	slices.SortStableFunc(cands, func(a, b candidate) int { return cmp.Compare(b.share, a.share) })
	usedFrom, usedTo := make([]bool, len(from)), make([]bool, len(to))
	var out []move
	for _, c := range cands {
		if !usedFrom[c.i] && !usedTo[c.j] {
			usedFrom[c.i], usedTo[c.j] = true, true
			out = append(out, move{removed[c.i].path, added[c.j].path})
		}
	}
	return out, nil
}

// lineSet counts the bytes of each line of a file.
type lineSet struct {
	bytes map[uint64]int
	total int
}

func newLineSet(seed maphash.Seed, data []byte) lineSet {
	s := lineSet{bytes: map[uint64]int{}, total: len(data)}
	for len(data) > 0 {
		n := slices.Index(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		s.bytes[maphash.Bytes(seed, data[:n])] += n
		data = data[n:]
	}
	return s
}

// share is the part of the larger file's bytes whose lines stand in both.
func (s lineSet) share(o lineSet) float64 {
	most := max(s.total, o.total)
	if most == 0 || 2*min(s.total, o.total) < most {
		return 0
	}
	same := 0
	for h, n := range s.bytes {
		same += min(n, o.bytes[h])
	}
	return float64(same) / float64(most)
}
