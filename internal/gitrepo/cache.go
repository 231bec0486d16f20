package gitrepo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// diskCache keeps objects in files named by their hashes, one folder a
// repository. Content is verified when it is read, files appear whole (written
// aside, then renamed), and each may be deleted at any time, so any number of
// processes can share the folder. Its size is kept near a bound by deleting
// what was not read for longest.
type diskCache struct {
	dir   string // "" keeps nothing
	limit int64
	// treesAlone keeps no file's content.
	treesAlone bool

	written  atomic.Int64 // bytes since the last look at the whole
	sweeping sync.Mutex
	swept    atomic.Bool
}

// touchAfter is how old the time of the last read may get before it is renewed.
const touchAfter = time.Hour

// minOnDisk is what the smallest file takes.
const minOnDisk = 4096

func (c *diskCache) file(repo string, h plumbing.Hash) string {
	s := h.String()
	return filepath.Join(c.dir, repo, s[:2], s[2:])
}

// get gives an object, if it is there and whole.
func (c *diskCache) get(repo string, kind plumbing.ObjectType, h plumbing.Hash, limit int64) (object, bool) {
	if c.dir == "" {
		return object{}, false
	}
	name := c.file(repo, h)
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit+64 {
		return object{}, false
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return object{}, false
	}
	head, data, ok := bytes.Cut(raw, []byte("\n"))
	o := object{kind: kind, data: data}
	if !ok || string(head) != kind.String() || o.hash() != h {
		// Cut short by a full disk, or tampered with.
		_ = os.Remove(name)
		return object{}, false
	}
	if now := time.Now(); now.Sub(info.ModTime()) > touchAfter {
		_ = os.Chtimes(name, now, now) // only makes it stay longer
	}
	return o, true
}

// put keeps an object. A cache that cannot be written costs time, nothing else,
// so errors are only returned for a caller that wants to log them.
func (c *diskCache) put(repo string, h plumbing.Hash, o object) error {
	if c.dir == "" || c.treesAlone && o.kind == plumbing.BlobObject {
		return nil
	}
	name := c.file(repo, h)
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep an object: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return fmt.Errorf("keep an object: %w", err)
	}
	_, err = f.Write(append([]byte(o.kind.String()+"\n"), o.data...))
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("keep an object: %w", err)
	}
	if n := c.written.Add(max(int64(len(o.data)), minOnDisk)); n > c.limit/10 || !c.swept.Load() {
		c.sweep()
	}
	return nil
}

// forget deletes all that is kept of a repository.
func (c *diskCache) forget(repo string) error {
	if c.dir == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(c.dir, repo)); err != nil {
		return fmt.Errorf("delete kept objects: %w", err)
	}
	return nil
}

// sweep deletes the files that were not read for longest until four fifths of
// the bound are left. One goroutine does it at a time; another process doing
// the same only finds some files gone.
func (c *diskCache) sweep() {
	if !c.sweeping.TryLock() {
		return
	}
	defer c.sweeping.Unlock()
	c.written.Store(0)
	c.swept.Store(true)
	type kept struct {
		name string
		size int64
		at   time.Time
	}
	var all []kept
	total := int64(0)
	_ = filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone meanwhile, or not ours to read
		}
		if info, err := d.Info(); err == nil {
			size := max(info.Size(), minOnDisk)
			all = append(all, kept{name, size, info.ModTime()})
			total += size
		}
		return nil
	})
	if total <= c.limit {
		return
	}
	slices.SortFunc(all, func(a, b kept) int { return a.at.Compare(b.at) })
	for _, k := range all {
		if total <= c.limit/5*4 {
			return
		}
		if err := os.Remove(k.name); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= k.size
		}
	}
}

// cacheKey names the folder of a repository: nothing is shared between
// repositories, so that one cannot be made to show another's files.
func cacheKey(url string) string {
	h := plumbing.ComputeHash(plumbing.BlobObject, []byte(url))
	return "r" + strconv.Itoa(len(url)) + "-" + h.String()
}
