package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

const (
	// maxLocalBlob bounds a file that is read from a local repository's
	// objects, in bytes.
	maxLocalBlob = 64 << 20
	// maxLocalChanges bounds the paths of a local comparison.
	maxLocalChanges = 1_000_000
	// keptEntries bounds the entries of the trees that are kept in memory.
	keptEntries = 500_000
)

// Local is a git repository on disk. It only reads. It is safe for concurrent
// use.
type Local struct {
	gitDir    string // of this working tree
	commonDir string // of the repository: where objects and branches are
	workTree  string // "" for a bare repository
	store     *filesystem.Storage
	config    *config.Config
	objs      *localObjects
}

// OpenLocal opens the repository that dir lies in: a folder with .git above
// dir, a linked working tree, a submodule's checkout or a bare repository.
func OpenLocal(dir string) (*Local, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	l := &Local{}
	for at := abs; ; at = filepath.Dir(at) {
		ok, err := l.locate(at)
		if err != nil {
			return nil, err
		}
		if ok {
			break
		}
		if at == filepath.Dir(at) {
			return nil, fmt.Errorf("%s: not a git repository, nor is any folder above it", dir)
		}
	}
	if l.commonDir, err = commonDir(l.gitDir); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	files := dotgit.NewRepositoryFilesystem(osfs.New(l.gitDir), osfs.New(l.commonDir))
	l.store = filesystem.NewStorageWithOptions(files, cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
		KeepDescriptors: true,
	})
	if l.config, err = l.store.Config(); err != nil {
		return nil, fmt.Errorf("read the configuration of the repository: %w", err)
	}
	if err := l.supported(); err != nil {
		return nil, err
	}
	l.objs = &localObjects{stores: []objectStore{l.store}, trees: map[plumbing.Hash][]entry{}}
	for _, dir := range alternates(filepath.Join(l.commonDir, "objects")) {
		l.objs.stores = append(l.objs.stores, filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(16*cache.MiByte), filesystem.Options{
			KeepDescriptors: true,
		}))
	}
	return l, nil
}

// maxAlternates bounds how many repositories may lend their objects.
const maxAlternates = 16

// alternates gives the repositories that lend their objects to this folder of
// objects. go-git knows them too, but opens them anew for every object.
func alternates(objects string) []string {
	var out []string
	seen := map[string]bool{objects: true}
	for queue := []string{objects}; len(queue) > 0 && len(out) < maxAlternates; queue = queue[1:] {
		data, err := readSmall(filepath.Join(queue[0], "info", "alternates"))
		if err != nil {
			continue
		}
		for _, dir := range strings.Split(string(data), "\n") {
			if dir == "" || dir[0] == '#' {
				continue
			}
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(queue[0], dir)
			}
			if dir = filepath.Clean(dir); !seen[dir] && filepath.Base(dir) == "objects" {
				seen[dir] = true
				queue = append(queue, dir)
				out = append(out, filepath.Dir(dir))
			}
		}
	}
	return out
}

// locate takes dir as the repository if it is one.
func (l *Local) locate(dir string) (bool, error) {
	dot := filepath.Join(dir, ".git")
	switch info, err := os.Stat(dot); {
	case err == nil && info.IsDir():
		if isGitDir(dot) {
			l.gitDir, l.workTree = dot, dir
			return true, nil
		}
	case err == nil:
		target, err := gitFile(dot)
		if err != nil {
			return false, err
		}
		l.gitDir, l.workTree = target, dir
		return true, nil
	case !errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("open the repository: %w", err)
	}
	if !isGitDir(dir) {
		return false, nil
	}
	l.gitDir = dir
	if filepath.Base(dir) == ".git" {
		l.workTree = filepath.Dir(dir)
	}
	return true, nil
}

func isGitDir(dir string) bool {
	for _, name := range [...]string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// gitFile follows the .git file of a linked working tree or a submodule.
func gitFile(file string) (string, error) {
	data, err := readSmall(file)
	if err != nil {
		return "", fmt.Errorf("open the repository: %w", err)
	}
	target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s: not a git repository: the file does not say gitdir", file)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(file), target)
	}
	if _, err := os.Stat(filepath.Join(target, "HEAD")); err != nil {
		return "", fmt.Errorf("%s: not a git repository: %s, which it names, is none", file, target)
	}
	return target, nil
}

func commonDir(gitDir string) (string, error) {
	data, err := readSmall(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, os.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", err
	}
	dir := strings.TrimSpace(string(data))
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(gitDir, dir)
	}
	return dir, nil
}

// readSmall reads a file of at most 1 MiB.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// supported refuses repositories whose storage is not the classic one.
func (l *Local) supported() error {
	for key, want := range map[string]string{"objectformat": "sha1", "refstorage": "files"} {
		if v := l.option("extensions", key); v != "" && !strings.EqualFold(v, want) {
			return fmt.Errorf("the repository has extensions.%s = %s, which is not supported; only %s is", key, v, want)
		}
	}
	return nil
}

// option gives a value of the repository's configuration, "" when it is not
// set there.
func (l *Local) option(section, key string) string {
	return l.config.Raw.Section(section).Option(key)
}

// Compare gives the change from base to head. Both are revisions: a branch, a
// tag, HEAD, a full or shortened SHA, origin/main, each with ~N and ^N. The
// comparison starts at the merge base of the two, as a pull request's does. An
// empty head is the working tree, uncommitted and untracked files included,
// ignored ones not; its merge base is that of HEAD.
func (l *Local) Compare(ctx context.Context, base, head string) (*Trees, error) {
	if head == "" && l.workTree == "" {
		return nil, errors.New("a bare repository has no working tree: name the head")
	}
	b, err := l.resolve(ctx, base)
	if err != nil {
		return nil, err
	}
	headName := head
	if head == "" {
		headName = "HEAD"
	}
	h, err := l.resolve(ctx, headName)
	if err != nil {
		return nil, err
	}
	from, err := l.mergeBase(ctx, b, h)
	if err != nil {
		return nil, fmt.Errorf("find where %s and %s part: %w", base, headName, err)
	}
	fromCommit, err := l.objs.commit(from)
	if err != nil {
		return nil, fmt.Errorf("read the base: %w", err)
	}
	var t *Trees
	if head == "" {
		if t, err = l.compareWorkTree(ctx, fromCommit.tree, h); err != nil {
			return nil, fmt.Errorf("look through the working tree: %w", err)
		}
	} else {
		headCommit, err := l.objs.commit(h)
		if err != nil {
			return nil, fmt.Errorf("read the head: %w", err)
		}
		t = newCommitTrees(ctx, l.objs, fromCommit.tree, headCommit.tree, maxLocalChanges)
		t.headSHA = h.String()
	}
	t.baseSHA, t.root = from.String(), l.workTree
	return t, nil
}

// localObjects reads objects through go-git, which is not safe for concurrent
// use by itself.
type localObjects struct {
	mu     sync.Mutex
	stores []objectStore // the repository's own first, then those it borrows from
	trees  map[plumbing.Hash][]entry
	kept   int
}

// objectStore is what is needed of a store of go-git.
type objectStore interface {
	EncodedObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
	EncodedObjectSize(plumbing.Hash) (int64, error)
	HashesWithPrefix([]byte) ([]plumbing.Hash, error)
}

// get finds an object; the lock is held.
func (o *localObjects) get(kind plumbing.ObjectType, h plumbing.Hash) (obj plumbing.EncodedObject, err error) {
	for _, s := range o.stores {
		if obj, err = s.EncodedObject(kind, h); !errors.Is(err, plumbing.ErrObjectNotFound) {
			return obj, err
		}
	}
	return nil, err
}

func (o *localObjects) length(h plumbing.Hash) (n int64, err error) {
	for _, s := range o.stores {
		if n, err = s.EncodedObjectSize(h); !errors.Is(err, plumbing.ErrObjectNotFound) {
			return n, err
		}
	}
	return 0, err
}

// load reads one object of a kind.
func (o *localObjects) load(kind plumbing.ObjectType, h plumbing.Hash, limit int64) ([]byte, error) {
	obj, err := o.get(kind, h)
	if err != nil {
		return nil, objectError(kind, h, err)
	}
	if obj.Size() > limit {
		return nil, fmt.Errorf("%s %s of %d bytes %w", kind, short(h), obj.Size(), ErrTooLarge)
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, objectError(kind, h, err)
	}
	defer r.Close()
	data := make([]byte, 0, obj.Size()+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, objectError(kind, h, err)
		case int64(len(data)) > obj.Size():
			return nil, fmt.Errorf("%s %s is longer than it says", kind, short(h))
		}
	}
}

func objectError(kind plumbing.ObjectType, h plumbing.Hash, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%s %s is not in the repository (a shallow or partial clone?): fetch it first", kind, short(h))
	}
	return fmt.Errorf("read %s %s: %w", kind, short(h), err)
}

func short(h plumbing.Hash) string { return h.String()[:10] }

func (o *localObjects) tree(ctx context.Context, h plumbing.Hash) ([]entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if t, ok := o.trees[h]; ok {
		return t, nil
	}
	data, err := o.load(plumbing.TreeObject, h, maxLocalBlob)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", short(h), err)
	}
	if o.kept += len(t); o.kept > keptEntries {
		clear(o.trees)
		o.kept = len(t)
	}
	o.trees[h] = t
	return t, nil
}

func (o *localObjects) blob(ctx context.Context, h plumbing.Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.load(plumbing.BlobObject, h, maxLocalBlob)
}

func (o *localObjects) size(_ context.Context, h plumbing.Hash) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.length(h)
	if err != nil {
		return 0, objectError(plumbing.BlobObject, h, err)
	}
	return n, nil
}

func (o *localObjects) commit(h plumbing.Hash) (commit, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data, err := o.load(plumbing.CommitObject, h, maxLocalBlob)
	if err != nil {
		return commit{}, err
	}
	c, err := parseCommit(data)
	if err != nil {
		return c, fmt.Errorf("commit %s: %w", short(h), err)
	}
	return c, nil
}

func (o *localObjects) needTrees(context.Context, []plumbing.Hash) error { return nil }

func (o *localObjects) needBlobs(context.Context, []plumbing.Hash, bool) error { return nil }
