package gitrepo

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir gives a folder on disk as a file system for reading. Symbolic links are
// listed with fs.ModeSymlink but can't be opened (fs.ErrNotExist), a link on
// the way to a file is followed only within root, and devices and pipes are not
// there. It implements fs.ReadDirFS, fs.ReadFileFS and fs.StatFS.
func Dir(root string) (fs.FS, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	return &dirFS{root: r}, nil
}

// dirFS is a folder on disk. The os.Root is closed with the last reference.
type dirFS struct {
	root *os.Root
	// shown, if set, decides what is there at all.
	shown func(name string, isDir bool) bool
}

// check refuses names that are not to be opened.
func (d *dirFS) check(op, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, pathError(op, name, fs.ErrInvalid)
	}
	info, err := d.root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if d.shown != nil && name != "." && !d.shown(name, info.IsDir()) {
		return nil, pathError(op, name, fs.ErrNotExist)
	}
	return info, nil
}

// Stat tells of a file; a symbolic link is not followed.
func (d *dirFS) Stat(name string) (fs.FileInfo, error) { return d.check("stat", name) }

// Open opens a regular file or a folder.
func (d *dirFS) Open(name string) (fs.File, error) {
	info, err := d.check("open", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		list, err := d.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{info: info, list: list}, nil
	}
	if !info.Mode().IsRegular() {
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	f, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	// It may have been replaced meanwhile.
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	return f, nil
}

// ReadFile reads a whole regular file.
func (d *dirFS) ReadFile(name string) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, ok := f.(*openDir); ok {
		return nil, pathError("read", name, fs.ErrInvalid)
	}
	return io.ReadAll(f)
}

// ReadDir lists a folder, sorted by name.
func (d *dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, err := d.check("readdir", name); err != nil {
		return nil, err
	}
	list, err := fs.ReadDir(d.root.FS(), name)
	if err != nil || d.shown == nil {
		return list, err
	}
	kept := list[:0]
	for _, e := range list {
		if d.shown(join(name, e.Name()), e.IsDir()) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// join is path.Join for clean paths, where "." and "" are the root.
func join(dir, name string) string {
	if dir == "" || dir == "." {
		return name
	}
	return dir + "/" + name
}
