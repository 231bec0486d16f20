package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"
)

// remoteFS is the tree of a unit as the child sees it: every question goes to
// the parent, which has the real one. So a lazy tree stays lazy, and a child
// has nothing but what it asks for.
type remoteFS struct {
	mu    sync.Mutex // one question at a time
	child *child
}

// What an answer begins with.
const (
	answerOK byte = iota
	answerNotExist
	answerError
)

// ask sends a question and gives what follows the answer's first byte.
func (f *remoteFS) ask(kind byte, op, name string) (*reader, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var w writer
	w.str(name)
	if err := writeFrame(f.child.out, kind, w.b); err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	got, payload, err := readFrame(f.child.in, func(byte) int { return maxUnit })
	if err == nil && got != frameAnswer {
		err = errShort
	}
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	r := &reader{b: payload}
	switch r.byte() {
	case answerOK:
		return r, nil
	case answerNotExist:
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: errors.New(r.str())}
}

func (f *remoteFS) Open(name string) (fs.File, error) {
	r, err := f.ask(frameOpen, "open", name)
	if err != nil {
		return nil, err
	}
	info := f.info(r, name, 0)
	if info.IsDir() {
		return &remoteDir{fs: f, info: info, path: name}, r.end()
	}
	info.size = r.int()
	data := r.bytes()
	return &remoteFile{Reader: bytes.NewReader(data), info: info, path: name, cut: int64(len(data)) < info.size}, r.end()
}

func (f *remoteFS) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

func (f *remoteFS) Stat(name string) (fs.FileInfo, error) {
	r, err := f.ask(frameStat, "stat", name)
	if err != nil {
		return nil, err
	}
	info := f.info(r, name, -1)
	return info, r.end()
}

func (f *remoteFS) ReadDir(name string) ([]fs.DirEntry, error) {
	r, err := f.ask(frameList, "readdir", name)
	if err != nil {
		return nil, err
	}
	n := r.count()
	out := make([]fs.DirEntry, 0, n)
	for range n {
		e := &remoteEntry{fs: f}
		e.name, e.mode = r.str(), fs.FileMode(r.uint())
		e.path = path.Join(name, e.name)
		out = append(out, e)
	}
	return out, r.end()
}

// Announce passes on that files will be read soon.
func (f *remoteFS) Announce(names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(names) > 0 {
		var w writer
		n := min(len(names), 1000)
		w.strs(names[:n])
		names = names[n:]
		if len(w.b) > maxQuestion {
			continue // it is a hint
		}
		if writeFrame(f.child.out, frameAsk, w.b) != nil {
			return
		}
	}
}

// remoteInfo says what there is under a name. The size of a file that was not
// opened is asked for when it is wanted: a lazy tree may have to fetch the file
// to tell it.
type remoteInfo struct {
	fs   *remoteFS
	path string
	name string
	size int64 // -1: not known yet
	mode fs.FileMode
}

func (i remoteInfo) Name() string       { return i.name }
func (i remoteInfo) Mode() fs.FileMode  { return i.mode }
func (i remoteInfo) ModTime() time.Time { return time.Time{} }
func (i remoteInfo) IsDir() bool        { return i.mode.IsDir() }
func (i remoteInfo) Sys() any           { return nil }

func (i remoteInfo) Size() int64 {
	if i.size >= 0 {
		return i.size
	}
	r, err := i.fs.ask(frameSize, "stat", i.path)
	if err != nil {
		return 0
	}
	return r.int()
}

func (f *remoteFS) info(r *reader, name string, size int64) remoteInfo {
	return remoteInfo{fs: f, path: name, name: r.str(), mode: fs.FileMode(r.uint()), size: size}
}

// remoteFile is a file whose content has come. Where the parent cut it, reading
// past the cut is an error.
type remoteFile struct {
	*bytes.Reader
	info remoteInfo
	path string
	cut  bool
}

func (f *remoteFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *remoteFile) Close() error               { return nil }

func (f *remoteFile) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF && f.cut {
		err = &fs.PathError{Op: "read", Path: f.path, Err: fmt.Errorf("its %d bytes are too many", f.info.size)}
	}
	return n, err
}

// WriteTo is left to Read, which knows of the cut.
func (f *remoteFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{f})
}

// remoteDir is an opened folder.
type remoteDir struct {
	fs   *remoteFS
	info remoteInfo
	path string
	left []fs.DirEntry
	read bool
}

func (d *remoteDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *remoteDir) Close() error               { return nil }

func (d *remoteDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errors.New("is a folder")}
}

func (d *remoteDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		entries, err := d.fs.ReadDir(d.path)
		if err != nil {
			return nil, err
		}
		d.left, d.read = entries, true
	}
	if n <= 0 {
		out := d.left
		d.left = nil
		return out, nil
	}
	if len(d.left) == 0 {
		return nil, io.EOF
	}
	out := d.left[:min(n, len(d.left))]
	d.left = d.left[len(out):]
	return out, nil
}

// remoteEntry is an entry of a folder; its size is asked for when needed.
type remoteEntry struct {
	fs   *remoteFS
	path string
	name string
	mode fs.FileMode
}

func (e *remoteEntry) Name() string               { return e.name }
func (e *remoteEntry) IsDir() bool                { return e.mode.IsDir() }
func (e *remoteEntry) Type() fs.FileMode          { return e.mode.Type() }
func (e *remoteEntry) Info() (fs.FileInfo, error) { return e.fs.Stat(e.path) }
