package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

const (
	// statChunk is how many files one goroutine looks at in a row.
	statChunk = 512
	// maxUntracked bounds the files of a working tree that git doesn't know.
	maxUntracked = 500_000
)

// workTree is a working tree as found on disk.
type workTree struct {
	repo    *Local
	root    string
	entries []indexEntry // sorted by path, one a path, no submodules
	trees   map[string]cachedTree
	written fileStat // of the index itself: what changed since may look unchanged
	options statOptions

	// changed has what is on disk where it differs from the index; mode 0 is
	// gone.
	changed   map[int]entry
	dirty     []int // the keys of changed, sorted
	untracked map[string]entry

	tracked    map[string]int
	folders    map[string]bool // with tracked files below them
	found      map[string]bool // with untracked files below them
	submodules map[string]bool
	sparse     map[string]entry // tracked, absent on purpose
}

// statOptions say which of git's signs of a change count.
type statOptions struct {
	ctime, inode, mode, nanoseconds bool
	normalise                       bool // line endings are made LF on the way into the repository
}

func (l *Local) compareWorkTree(ctx context.Context, base, head plumbing.Hash) (*Trees, error) {
	w := &workTree{
		repo: l, root: l.workTree, changed: map[int]entry{}, untracked: map[string]entry{},
		folders: map[string]bool{}, found: map[string]bool{}, submodules: map[string]bool{}, sparse: map[string]entry{},
	}
	w.options = l.statOptions()
	if err := w.loadIndex(ctx, head); err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.stat(gctx) })
	g.Go(func() error { return w.walk(gctx) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(w.root)
	if err != nil {
		return nil, err
	}
	baseFS := &treeFS{ctx, l.objs, base}
	headFS := &workFS{dirFS: dirFS{root: dir, shown: w.shown}, ctx: ctx, w: w}
	return &Trees{
		base: baseFS, head: headFS,
		find: func(ctx context.Context) ([]project.PathChange, error) {
			diffs, err := w.compare(ctx, baseFS)
			if err != nil {
				return nil, err
			}
			read := func(ctx context.Context, d diff, head bool) ([]byte, error) {
				if !head {
					return l.objs.blob(ctx, d.before.hash)
				}
				return readAtMost(headFS, d.path, maxRenameSize+1)
			}
			return pathChanges(ctx, diffs, read, func(context.Context, []diff) error { return nil })
		},
	}, nil
}

func (l *Local) statOptions() statOptions {
	no := func(v string) bool { return slices.Contains([]string{"false", "no", "off", "0"}, strings.ToLower(v)) }
	minimal := strings.EqualFold(l.setting("core", "checkstat"), "minimal")
	crlf := strings.ToLower(l.setting("core", "autocrlf"))
	return statOptions{
		ctime:       !minimal && !no(l.setting("core", "trustctime")),
		inode:       !minimal,
		nanoseconds: !minimal,
		mode:        runtime.GOOS != "windows" && !no(l.setting("core", "filemode")),
		normalise:   crlf == "input" || crlf != "" && !no(crlf),
	}
}

// setting gives a value of the repository's configuration, else the user's,
// else the machine's.
func (l *Local) setting(section, key string) string {
	if v := l.option(section, key); v != "" {
		return v
	}
	for _, scope := range []config.Scope{config.GlobalScope, config.SystemScope} {
		if c, err := config.LoadConfig(scope); err == nil && c.Raw != nil {
			if v := c.Raw.Section(section).Option(key); v != "" {
				return v
			}
		}
	}
	return ""
}

// loadIndex reads the list of tracked files. An index that cannot be used is
// replaced by the files of the head commit, which are then all read.
func (w *workTree) loadIndex(ctx context.Context, head plumbing.Hash) error {
	file := filepath.Join(w.repo.gitDir, "index")
	_, written, _, err := lstat(file)
	var index *gitIndex
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(file); err == nil {
			index, err = decodeIndex(data)
		}
	}
	switch {
	case err == nil:
		w.written, w.trees = written, index.trees
	case errors.Is(err, errIndex), errors.Is(err, fs.ErrNotExist):
		c, err := w.repo.objs.commit(head)
		if err != nil {
			return err
		}
		index = &gitIndex{entries: []indexEntry{{path: "", mode: modeTree, hash: c.tree}}}
	default:
		return fmt.Errorf("read the index: %w", err)
	}
	w.entries = make([]indexEntry, 0, len(index.entries))
	// Sparse folders stand for all that is in them.
	for _, e := range index.entries {
		if e.mode&modeType != modeTree {
			w.add(e)
			continue
		}
		pair := folderPair{path: strings.TrimSuffix(e.path, "/"), after: e.hash}
		files, err := compareTrees(ctx, w.repo.objs, pair, maxLocalChanges)
		if err != nil {
			return err
		}
		for _, f := range files {
			w.add(indexEntry{path: f.path, hash: f.after.hash, mode: f.after.mode, skipWorktree: e.skipWorktree})
		}
	}
	if !slices.IsSortedFunc(w.entries, func(a, b indexEntry) int { return strings.Compare(a.path, b.path) }) {
		slices.SortStableFunc(w.entries, func(a, b indexEntry) int { return strings.Compare(a.path, b.path) })
	}
	w.tracked = make(map[string]int, len(w.entries))
	last := ""
	for i, e := range w.entries {
		w.tracked[e.path] = i
		dir := path.Dir(e.path)
		if dir == last {
			continue
		}
		last = dir
		for ; dir != "." && !w.folders[dir]; dir = path.Dir(dir) {
			w.folders[dir] = true
		}
	}
	return nil
}

// add takes an entry of the index up: the first of a path counts.
func (w *workTree) add(e indexEntry) {
	if e.mode&modeType == modeSubmodule {
		w.submodules[e.path] = true
		return
	}
	if !fs.ValidPath(e.path) || strings.Contains(e.path, "\\") && runtime.GOOS == "windows" {
		return
	}
	if n := len(w.entries); n > 0 && w.entries[n-1].path == e.path {
		return
	}
	w.entries = append(w.entries, e)
}

// stat looks at every tracked file and reads those that may have changed.
func (w *workTree) stat(ctx context.Context) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(4, runtime.GOMAXPROCS(0)))
	there := w.realFolders()
	for from := 0; from < len(w.entries); from += statChunk {
		g.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			for i := from; i < min(from+statChunk, len(w.entries)); i++ {
				now, same, err := w.look(&w.entries[i], there)
				if err != nil {
					return err
				}
				if same {
					continue
				}
				mu.Lock()
				w.changed[i] = now
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, e := range w.entries {
		now, ok := w.changed[i]
		if !ok {
			continue
		}
		if now.mode == 0 && e.skipWorktree {
			delete(w.changed, i)
			w.sparse[e.path] = entry{name: path.Base(e.path), mode: e.mode, hash: e.hash}
			continue
		}
		w.dirty = append(w.dirty, i)
	}
	return nil
}

// realFolders tells which of the folders with tracked files are folders and
// not, say, links to others.
func (w *workTree) realFolders() map[string]bool {
	names := make([]string, 0, len(w.folders))
	for dir := range w.folders {
		names = append(names, dir)
	}
	sort.Strings(names) // parents first
	there := make(map[string]bool, len(names)+1)
	there["."] = true
	for _, dir := range names {
		if there[path.Dir(dir)] {
			mode, _, _, err := lstat(filepath.Join(w.root, filepath.FromSlash(dir)))
			there[dir] = err == nil && mode.IsDir()
		}
	}
	return there
}

// look compares one tracked file with the index. now is what is on disk.
func (w *workTree) look(e *indexEntry, there map[string]bool) (now entry, same bool, err error) {
	dir := "."
	if i := strings.LastIndexByte(e.path, '/'); i >= 0 {
		dir = e.path[:i]
	}
	if !there[dir] {
		return entry{}, false, nil
	}
	full := w.root + string(filepath.Separator) + filepath.FromSlash(e.path)
	mode, st, size, err := lstat(full)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !mode.IsRegular() && mode&fs.ModeSymlink == 0 {
		return entry{}, false, nil // gone, or a folder or the like in its place
	}
	if err != nil {
		return entry{}, false, err
	}
	now = entry{mode: w.gitMode(mode, e.mode)}
	if now.mode == e.mode && e.stage == 0 && !e.intentToAdd && w.untouched(e, st) {
		return now, true, nil
	}
	if now.hash, err = w.hash(full, now.mode, size, e.hash); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return entry{}, false, nil
		}
		return entry{}, false, err
	}
	same = now.hash == e.hash && now.mode == e.mode && e.stage == 0 && !e.intentToAdd
	return now, same, nil
}

// gitMode gives the mode that git would record, the tracked one where the
// system does not tell.
func (w *workTree) gitMode(mode fs.FileMode, tracked uint32) uint32 {
	switch {
	case mode&fs.ModeSymlink != 0:
		return modeSymlink
	case !w.options.mode && tracked&modeType == modeFile&modeType:
		return tracked
	case mode&0o100 != 0:
		return modeExec
	}
	return modeFile
}

// untouched reports whether a file is as git saw it when it wrote the index.
// One that was written in the same instant as the index may have changed since
// without a sign of it, so it counts as touched.
func (w *workTree) untouched(e *indexEntry, now fileStat) bool {
	was := e.stat
	differ := func(a, b uint32) bool { return a != b && a != 0 && b != 0 }
	if was.size != now.size || was.mtimeSec != now.mtimeSec || was.mtimeSec == 0 {
		return false
	}
	if w.options.nanoseconds && differ(was.mtimeNsc, now.mtimeNsc) {
		return false
	}
	if w.options.ctime && (differ(was.ctimeSec, now.ctimeSec) || w.options.nanoseconds && differ(was.ctimeNsc, now.ctimeNsc)) {
		return false
	}
	if w.options.inode && differ(was.inode, now.inode) {
		return false
	}
	switch {
	case was.mtimeSec < w.written.mtimeSec:
		return true
	case was.mtimeSec > w.written.mtimeSec:
		return false
	}
	return was.mtimeNsc != 0 && was.mtimeNsc < w.written.mtimeNsc
}

// compare finds what differs from the base: in folders that the index knows to
// be as in the base, only what was touched since.
func (w *workTree) compare(ctx context.Context, base *treeFS) ([]diff, error) {
	at := map[string]diff{}
	if err := w.compareFolder(ctx, "", 0, len(w.entries), base.root, at); err != nil {
		return nil, err
	}
	for name, e := range w.untracked {
		before, err := base.lookup("stat", name)
		if err != nil || before.isTree() {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			before = entry{}
		}
		// Its content tells a rename; of what is no infrastructure code nobody
		// wants to know.
		if before.mode != 0 || project.Candidate(name) {
			full := filepath.Join(w.root, filepath.FromSlash(name))
			_, _, size, err := lstat(full)
			if err == nil {
				e.hash, err = w.hash(full, e.mode, size, before.hash)
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		if before.mode == e.mode && before.hash == e.hash {
			delete(at, name)
			continue
		}
		at[name] = diff{path: name, before: before, after: e}
	}
	out := make([]diff, 0, len(at))
	for _, d := range at {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b diff) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

// compareFolder compares the tracked files [lo,hi), those of one folder, with
// a tree of the base; a zero one has no files.
func (w *workTree) compareFolder(ctx context.Context, dir string, lo, hi int, base plumbing.Hash, out map[string]diff) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if t, ok := w.trees[dir]; ok && t.hash == base && t.entries == hi-lo {
		for _, i := range w.dirty[sort.SearchInts(w.dirty, lo):sort.SearchInts(w.dirty, hi)] {
			e := w.entries[i]
			w.differ(i, entry{mode: e.mode, hash: e.hash}, out)
		}
		return nil
	}
	var entries []entry
	if !base.IsZero() {
		var err error
		if entries, err = w.repo.objs.tree(ctx, base); err != nil {
			return err
		}
	}
	seen := make(map[string]bool, len(entries))
	prefix := 0
	if dir != "" {
		prefix = len(dir) + 1
	}
	for i := lo; i < hi; {
		name, _, isDir := strings.Cut(w.entries[i].path[prefix:], "/")
		before, _ := find(entries, name)
		if !isDir {
			if before.isTree() {
				before = entry{} // its files are gone: not seen, below
			} else {
				seen[name] = true
			}
			w.differ(i, before, out)
			i++
			continue
		}
		full := w.entries[i].path[:prefix+len(name)]
		end := i + sort.Search(hi-i, func(k int) bool { return !strings.HasPrefix(w.entries[i+k].path, full+"/") })
		sub := plumbing.ZeroHash
		if before.isTree() {
			sub = before.hash
			seen[name] = true
		}
		if err := w.compareFolder(ctx, full, i, end, sub, out); err != nil {
			return err
		}
		i = end
	}
	for _, e := range entries {
		full := join(dir, e.name)
		switch {
		case seen[e.name]:
		case e.isTree():
			gone, err := compareTrees(ctx, w.repo.objs, folderPair{path: full, before: e.hash}, maxLocalChanges)
			if err != nil {
				return err
			}
			for _, d := range gone {
				out[d.path] = d
			}
		default:
			if _, there := out[full]; !there {
				out[full] = diff{path: full, before: e}
			}
		}
	}
	return nil
}

// differ notes tracked file i where what is on disk differs from before.
func (w *workTree) differ(i int, before entry, out map[string]diff) {
	e := w.entries[i]
	after := entry{mode: e.mode, hash: e.hash}
	if now, ok := w.changed[i]; ok {
		after = now
	}
	if after.mode == before.mode && after.hash == before.hash {
		return
	}
	name := path.Base(e.path)
	if before.mode != 0 {
		before.name = name
	}
	if after.mode != 0 {
		after.name = name
	}
	if before.mode != 0 || after.mode != 0 {
		out[e.path] = diff{path: e.path, before: before, after: after}
	}
}

// shown decides what the file system of the working tree has: tracked files
// and those that git would add, not what it ignores.
func (w *workTree) shown(name string, isDir bool) bool {
	if isDir {
		return w.folders[name] || w.found[name]
	}
	if _, ok := w.tracked[name]; ok {
		return true
	}
	_, ok := w.untracked[name]
	return ok
}
