package format

import (
	"bytes"
	"io/fs"
	"path"
	"time"
)

// Overlay is a tree with the content of some files held in memory, which stands
// in the place of what the tree has there. Folders are listed as FS lists them.
// FS may be nil: then there is nothing but the files.
type Overlay struct {
	FS    fs.FS
	Files map[string][]byte // by slash-separated path from the tree's root
}

// Open implements fs.FS.
func (o Overlay) Open(name string) (fs.File, error) {
	if data, ok := o.Files[name]; ok {
		return &memoryFile{Reader: bytes.NewReader(data), info: memoryInfo{path.Base(name), int64(len(data))}}, nil
	}
	if o.FS == nil {
		return nil, missing("open", name)
	}
	return o.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (o Overlay) ReadFile(name string) ([]byte, error) {
	if data, ok := o.Files[name]; ok {
		return data, nil
	}
	if o.FS == nil {
		return nil, missing("open", name)
	}
	return fs.ReadFile(o.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (o Overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	if o.FS == nil {
		return nil, missing("open", name)
	}
	return fs.ReadDir(o.FS, name)
}

// Stat implements fs.StatFS.
func (o Overlay) Stat(name string) (fs.FileInfo, error) {
	if data, ok := o.Files[name]; ok {
		return memoryInfo{path.Base(name), int64(len(data))}, nil
	}
	if o.FS == nil {
		return nil, missing("stat", name)
	}
	return fs.Stat(o.FS, name)
}

func missing(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

type memoryFile struct {
	*bytes.Reader
	info memoryInfo
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memoryFile) Close() error               { return nil }

type memoryInfo struct {
	name string
	size int64
}

func (i memoryInfo) Name() string     { return i.name }
func (i memoryInfo) Size() int64      { return i.size }
func (memoryInfo) Mode() fs.FileMode  { return 0o444 }
func (memoryInfo) ModTime() time.Time { return time.Time{} }
func (memoryInfo) IsDir() bool        { return false }
func (memoryInfo) Sys() any           { return nil }
