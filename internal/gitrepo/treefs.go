package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// treeFS is a tree object as a file system. It implements fs.ReadDirFS,
// fs.ReadFileFS and fs.StatFS, and project.Announcer and FolderAnnouncer for
// trees that are fetched as they are read. It is safe for concurrent use.
type treeFS struct {
	ctx  context.Context // of the Trees: fs.FS has no place for one
	objs objects
	root plumbing.Hash
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// lookup finds the entry of a path; the root has no name.
func (t *treeFS) lookup(op, name string) (entry, error) {
	if !fs.ValidPath(name) {
		return entry{}, pathError(op, name, fs.ErrInvalid)
	}
	at := entry{mode: modeTree, hash: t.root}
	if name == "." {
		return at, nil
	}
	for rest, more := name, true; more; {
		if !at.isTree() {
			return entry{}, pathError(op, name, fs.ErrNotExist)
		}
		entries, err := t.objs.tree(t.ctx, at.hash)
		if err != nil {
			return entry{}, pathError(op, name, err)
		}
		var part string
		part, rest, more = strings.Cut(rest, "/")
		e, ok := find(entries, part)
		if !ok {
			return entry{}, pathError(op, name, fs.ErrNotExist)
		}
		at = e
	}
	return at, nil
}

func (t *treeFS) read(op, name string) (entry, []byte, error) {
	e, err := t.lookup(op, name)
	if err != nil {
		return e, nil, err
	}
	if !e.isRegular() {
		if e.isTree() {
			return e, nil, pathError(op, name, errors.New("is a directory"))
		}
		return e, nil, pathError(op, name, fs.ErrNotExist)
	}
	data, err := t.objs.blob(t.ctx, e.hash)
	if err != nil {
		return e, nil, pathError(op, name, err)
	}
	return e, data, nil
}

// ReadFile gives a copy of a file's content.
func (t *treeFS) ReadFile(name string) ([]byte, error) {
	_, data, err := t.read("open", name)
	return bytes.Clone(data), err
}

// Open opens a file or a folder.
func (t *treeFS) Open(name string) (fs.File, error) {
	e, err := t.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if e.isTree() {
		list, err := t.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: t.info(e, name), list: list}, nil
	}
	e, data, err := t.read("open", name)
	if err != nil {
		return nil, err
	}
	return newOpenFile(data, t.info(e, name)), nil
}

// ReadDir lists a folder, sorted by name.
func (t *treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.isTree() {
		return nil, pathError("readdir", name, errors.New("not a directory"))
	}
	entries, err := t.objs.tree(t.ctx, e.hash)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	out := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		out[i] = fs.FileInfoToDirEntry(t.info(e, e.name))
	}
	return out, nil
}

// Stat tells of a file without reading it; a symbolic link is not followed.
// The Size of a file that was not fetched yet fetches it when it is asked for,
// and is 0 should that fail.
func (t *treeFS) Stat(name string) (fs.FileInfo, error) {
	e, err := t.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return t.info(e, name), nil
}

// Announce notes files that will be read, so that they can be fetched at once.
func (t *treeFS) Announce(names ...string) {
	_ = t.objs.needBlobs(t.ctx, t.blobs(names), false) // only noted: what cannot be had says so when it is read
}

// AnnounceFolders gets folders that will be listed, in one request.
func (t *treeFS) AnnounceFolders(names ...string) {
	var hs []plumbing.Hash
	for _, n := range names {
		if e, err := t.lookup("readdir", n); err == nil && e.isTree() {
			hs = append(hs, e.hash)
		}
	}
	_ = t.objs.needTrees(t.ctx, hs) // what cannot be had says so when it is listed
}

// blobs gives the hashes of the regular files among the names.
func (t *treeFS) blobs(names []string) []plumbing.Hash {
	var out []plumbing.Hash
	for _, n := range names {
		if e, err := t.lookup("open", n); err == nil && e.isRegular() {
			out = append(out, e.hash)
		}
	}
	return out
}

func (t *treeFS) info(e entry, name string) *treeInfo {
	return &treeInfo{t: t, e: e, name: path.Base(name)}
}

// treeInfo is the fs.FileInfo of an entry.
type treeInfo struct {
	t    *treeFS
	e    entry
	name string
}

func (i *treeInfo) Name() string       { return i.name }
func (i *treeInfo) Mode() fs.FileMode  { return i.e.fileMode() }
func (i *treeInfo) ModTime() time.Time { return time.Time{} }
func (i *treeInfo) IsDir() bool        { return i.e.isTree() }
func (i *treeInfo) Sys() any           { return nil }

func (i *treeInfo) Size() int64 {
	if !i.e.isRegular() {
		return 0
	}
	n, err := i.t.objs.size(i.t.ctx, i.e.hash)
	if err != nil {
		return 0
	}
	return n
}

type openFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func newOpenFile(data []byte, info fs.FileInfo) *openFile {
	return &openFile{Reader: bytes.NewReader(data), info: info}
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info fs.FileInfo
	list []fs.DirEntry
	at   int
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, pathError("read", d.info.Name(), errors.New("is a directory"))
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.list[d.at:]
	if n > 0 {
		if len(left) == 0 {
			return nil, io.EOF
		}
		left = left[:min(n, len(left))]
	}
	d.at += len(left)
	return left, nil
}
