package githubsim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// objectStore is a git object database shared by a repository and its forks,
// made safe for concurrent use.
type objectStore struct {
	mu sync.RWMutex
	storer.EncodedObjectStorer
}

func (o *objectStore) SetEncodedObject(obj plumbing.EncodedObject) (plumbing.Hash, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.EncodedObjectStorer.SetEncodedObject(obj)
}

// EncodedObject takes the write lock: storages on disk fill caches as they read.
func (o *objectStore) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.EncodedObjectStorer.EncodedObject(t, h)
}

func (o *objectStore) HasEncodedObject(h plumbing.Hash) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.EncodedObjectStorer.HasEncodedObject(h)
}

func (o *objectStore) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.EncodedObjectStorer.EncodedObjectSize(h)
}

func (o *objectStore) commit(h plumbing.Hash) (*object.Commit, error) {
	return object.GetCommit(o, h)
}

func (o *objectStore) treeOf(commit plumbing.Hash) (*object.Tree, error) {
	c, err := o.commit(commit)
	if err != nil {
		return nil, err
	}
	return c.Tree()
}

func (o *objectStore) blob(h plumbing.Hash) ([]byte, error) {
	obj, err := o.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return nil, err
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// file reads one file of a commit; object.ErrFileNotFound when there is none.
func (o *objectStore) file(commit plumbing.Hash, name string) ([]byte, error) {
	t, err := o.treeOf(commit)
	if err != nil {
		return nil, err
	}
	f, err := t.File(name)
	if err != nil {
		return nil, err
	}
	return o.blob(f.Hash)
}

type encodable interface {
	Encode(plumbing.EncodedObject) error
}

func (o *objectStore) put(e encodable) (plumbing.Hash, error) {
	obj := o.NewEncodedObject()
	if err := e.Encode(obj); err != nil {
		return plumbing.ZeroHash, err
	}
	return o.SetEncodedObject(obj)
}

func (o *objectStore) putBlob(content []byte) (plumbing.Hash, error) {
	obj := o.NewEncodedObject()
	obj.SetType(plumbing.BlobObject)
	w, err := obj.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := w.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := w.Close(); err != nil {
		return plumbing.ZeroHash, err
	}
	return o.SetEncodedObject(obj)
}

// Entry is what a push puts at a path.
type Entry struct {
	Content string
	// Mode is a regular file when zero. For a submodule Content is the commit.
	Mode filemode.FileMode
}

// edit gives the tree that results from setting and deleting paths in a tree
// (zero: the empty tree). Only the folders on the way are rewritten.
func (o *objectStore) edit(tree plumbing.Hash, set map[string]Entry, del []string) (plumbing.Hash, error) {
	changes := map[string]*Entry{}
	for _, p := range del {
		changes[p] = nil
	}
	for p, e := range set {
		changes[p] = &e
	}
	for p := range changes {
		if p == "" || path.Clean(p) != p || strings.HasPrefix(p, "/") || strings.HasPrefix(p, "../") || p == ".." || p == "." {
			return plumbing.ZeroHash, fmt.Errorf("path %q is not a clean relative path", p)
		}
	}
	return o.editLevel(tree, changes)
}

func (o *objectStore) editLevel(tree plumbing.Hash, changes map[string]*Entry) (plumbing.Hash, error) {
	entries := map[string]object.TreeEntry{}
	if !tree.IsZero() {
		t, err := object.GetTree(o, tree)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		for _, e := range t.Entries {
			entries[e.Name] = e
		}
	}
	below := map[string]map[string]*Entry{}
	for p, c := range changes {
		name, rest, nested := strings.Cut(p, "/")
		if nested {
			if below[name] == nil {
				below[name] = map[string]*Entry{}
			}
			below[name][rest] = c
			continue
		}
		if c == nil {
			if _, ok := entries[name]; !ok {
				return plumbing.ZeroHash, fmt.Errorf("delete %q: no such path", p)
			}
			delete(entries, name)
			continue
		}
		mode := c.Mode
		if mode == 0 {
			mode = filemode.Regular
		}
		h := plumbing.NewHash(c.Content)
		if mode != filemode.Submodule {
			var err error
			if h, err = o.putBlob([]byte(c.Content)); err != nil {
				return plumbing.ZeroHash, err
			}
		}
		entries[name] = object.TreeEntry{Name: name, Mode: mode, Hash: h}
	}
	for name, sub := range below {
		old := plumbing.ZeroHash
		if e, ok := entries[name]; ok && e.Mode == filemode.Dir {
			old = e.Hash
		}
		h, err := o.editLevel(old, sub)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if h.IsZero() {
			delete(entries, name)
			continue
		}
		entries[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: h}
	}
	t := &object.Tree{}
	for _, e := range entries {
		t.Entries = append(t.Entries, e)
	}
	sort.Sort(object.TreeEntrySorter(t.Entries))
	if len(t.Entries) == 0 && !tree.IsZero() {
		return plumbing.ZeroHash, nil
	}
	return o.put(t)
}

type signature struct {
	name, email string
	when        time.Time
}

func (s signature) object() object.Signature {
	return object.Signature{Name: s.name, Email: s.email, When: s.when}
}

func (o *objectStore) putCommit(tree plumbing.Hash, parents []plumbing.Hash, message string, who signature) (plumbing.Hash, error) {
	if tree.IsZero() {
		var err error
		if tree, err = o.put(&object.Tree{}); err != nil {
			return tree, err
		}
	}
	return o.put(&object.Commit{
		Author: who.object(), Committer: who.object(),
		Message: message, TreeHash: tree, ParentHashes: parents,
	})
}

// mergeBase gives the best common ancestor, false when there is none.
func (o *objectStore) mergeBase(a, b plumbing.Hash) (plumbing.Hash, bool, error) {
	if a == b {
		return a, true, nil
	}
	ca, err := o.commit(a)
	if err != nil {
		return plumbing.ZeroHash, false, err
	}
	cb, err := o.commit(b)
	if err != nil {
		return plumbing.ZeroHash, false, err
	}
	bases, err := ca.MergeBase(cb)
	if err != nil || len(bases) == 0 {
		return plumbing.ZeroHash, false, err
	}
	return bases[0].Hash, true, nil
}

// between gives the commits of head that base does not have, oldest first.
func (o *objectStore) between(base, head plumbing.Hash) ([]*object.Commit, error) {
	known := map[plumbing.Hash]bool{}
	if !base.IsZero() {
		c, err := o.commit(base)
		if err != nil {
			return nil, err
		}
		err = object.NewCommitPreorderIter(c, nil, nil).ForEach(func(c *object.Commit) error {
			known[c.Hash] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	c, err := o.commit(head)
	if err != nil {
		return nil, err
	}
	var out []*object.Commit
	err = object.NewCommitPreorderIter(c, known, nil).ForEach(func(c *object.Commit) error {
		out = append(out, c)
		return nil
	})
	slices.Reverse(out)
	return out, err
}

// isBinary is git's own test.
func isBinary(b []byte) bool {
	return bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0
}

func isNotFound(err error) bool {
	return errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, object.ErrFileNotFound) ||
		errors.Is(err, object.ErrDirectoryNotFound) || errors.Is(err, object.ErrEntryNotFound)
}

// changedEntries gives what differs between two commits, by path; nil for a
// path that is gone.
func (o *objectStore) changedEntries(from, to plumbing.Hash) (map[string]*Entry, error) {
	a, err := o.treeOf(from)
	if err != nil {
		return nil, err
	}
	b, err := o.treeOf(to)
	if err != nil {
		return nil, err
	}
	changes, err := object.DiffTree(a, b)
	if err != nil {
		return nil, err
	}
	out := map[string]*Entry{}
	for _, c := range changes {
		if c.To.Name == "" {
			out[c.From.Name] = nil
			continue
		}
		e := &Entry{Mode: c.To.TreeEntry.Mode, Content: c.To.TreeEntry.Hash.String()}
		if e.Mode != filemode.Submodule {
			content, err := o.blob(c.To.TreeEntry.Hash)
			if err != nil {
				return nil, err
			}
			e.Content = string(content)
		}
		out[c.To.Name] = e
	}
	return out, nil
}
