package gitrepo

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// workFS is the working tree as a file system. Files that a sparse checkout
// left out are read from the repository.
type workFS struct {
	dirFS
	ctx context.Context
	w   *workTree
}

func (f *workFS) sparse(name string) (*treeInfo, bool) {
	e, ok := f.w.sparse[name]
	if !ok {
		return nil, false
	}
	return &treeInfo{t: &treeFS{f.ctx, f.w.repo.objs, plumbing.ZeroHash}, e: e, name: path.Base(name)}, true
}

func (f *workFS) Stat(name string) (fs.FileInfo, error) {
	if info, ok := f.sparse(name); ok {
		return info, nil
	}
	info, err := f.dirFS.Stat(name)
	if err != nil && f.w.folders[name] && len(f.w.sparse) > 0 {
		return sparseFolder(path.Base(name)), nil
	}
	return info, err
}

func (f *workFS) Open(name string) (fs.File, error) {
	if info, ok := f.sparse(name); ok {
		if !info.e.isRegular() {
			return nil, pathError("open", name, fs.ErrNotExist)
		}
		data, err := f.w.repo.objs.blob(f.ctx, info.e.hash)
		if err != nil {
			return nil, pathError("open", name, err)
		}
		return newOpenFile(data, info), nil
	}
	return f.dirFS.Open(name)
}

func (f *workFS) ReadFile(name string) ([]byte, error) {
	if info, ok := f.sparse(name); ok && info.e.isRegular() {
		return f.w.repo.objs.blob(f.ctx, info.e.hash)
	}
	return f.dirFS.ReadFile(name)
}

func (f *workFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := f.dirFS.ReadDir(name)
	if len(f.w.sparse) == 0 || err != nil && !f.w.folders[name] {
		return list, err
	}
	have := map[string]bool{}
	for _, e := range list {
		have[e.Name()] = true
	}
	for full := range f.w.sparse {
		rel := full
		if name != "." {
			var ok bool
			if rel, ok = strings.CutPrefix(full, name+"/"); !ok {
				continue
			}
		}
		child, _, below := strings.Cut(rel, "/")
		if have[child] {
			continue
		}
		have[child] = true
		if below {
			list = append(list, fs.FileInfoToDirEntry(sparseFolder(child)))
		} else if info, ok := f.sparse(full); ok {
			list = append(list, fs.FileInfoToDirEntry(info))
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// sparseFolder is a folder of which nothing is on disk.
type sparseFolder string

func (s sparseFolder) Name() string     { return string(s) }
func (sparseFolder) Size() int64        { return 0 }
func (sparseFolder) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (sparseFolder) ModTime() time.Time { return time.Time{} }
func (sparseFolder) IsDir() bool        { return true }
func (sparseFolder) Sys() any           { return nil }
