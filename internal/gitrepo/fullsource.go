package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// fullSource has both commits with all their files in one pack on disk. It is
// the way with servers that send no parts.
type fullSource struct {
	mu     sync.Mutex
	pack   *packfile.Packfile
	limits packLimits
}

// newFullSource fetches the commits without their history. The pack's file is
// unlinked as soon as it is open and so goes with the last use of it.
func newFullSource(ctx context.Context, o *remoteObjects) (*fullSource, error) {
	if err := o.spend(); err != nil {
		return nil, err
	}
	err := os.MkdirAll(o.opt.CacheDir, 0o700)
	if o.opt.CacheDir == "" {
		err = nil // the system's folder for temporary files
	}
	var dir string
	if err == nil {
		dir, err = os.MkdirTemp(o.opt.CacheDir, "pack-*")
	}
	if err != nil {
		return nil, fmt.Errorf("make room for a pack: %w", err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "pack")
	f := fetchRequest{wants: o.commits[:], depth: 1, agent: o.opt.UserAgent}
	if o.commits[0] == o.commits[1] {
		f.wants = f.wants[:1]
	}
	err = o.conn.post(ctx, f.encode(), o.opt.MaxFullPackBytes, func(r io.Reader) error {
		stream, err := packStream(r)
		if err != nil {
			return err
		}
		file, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("keep a pack: %w", err)
		}
		_, err = io.Copy(file, stream)
		return errors.Join(err, file.Close())
	})
	if err != nil {
		return nil, err
	}
	limits := o.limits()
	// All the files of two commits: more objects than parts ever have.
	limits.objects, limits.inflated = 4_000_000, 16*o.opt.MaxFullPackBytes
	if err := checkPack(name, limits); err != nil {
		return nil, err
	}
	return indexPack(ctx, dir, limits)
}

// checkPack reads through a pack, keeping nothing, and refuses what the
// indexing could not bear.
func checkPack(name string, limits packLimits) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := packfile.NewScanner(onlyReader{file})
	_, count, err := scanner.Header()
	if err != nil {
		return packError(err)
	}
	if int64(count) > int64(limits.objects) {
		return fmt.Errorf("a pack of %d objects %w: at most %d are taken", count, ErrTooLarge, limits.objects)
	}
	most := 8 * max(limits.blob, limits.tree) // held in memory one at a time
	total := int64(0)
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return packError(err)
		}
		head := &headWriter{}
		if _, _, err := scanner.NextObject(head); err != nil {
			return packError(err)
		}
		size := header.Length
		if header.Type.IsDelta() {
			n, ok := deltaSize(head.b[:head.n])
			if !ok {
				return fmt.Errorf("%w: a malformed delta", errProtocol)
			}
			size = max(size, n)
		}
		if total += size; size < 0 || size > most || total > limits.inflated {
			return fmt.Errorf("an object of %d bytes in a pack %w: at most %d are taken", size, ErrTooLarge, most)
		}
	}
	if _, err := scanner.Checksum(); err != nil {
		return packError(err)
	}
	return nil
}

// onlyReader hides that a file can seek.
type onlyReader struct{ io.Reader }

// headWriter keeps the first bytes of what is written.
type headWriter struct {
	b [20]byte
	n int
}

func (h *headWriter) Write(p []byte) (int, error) {
	h.n += copy(h.b[h.n:], p)
	return len(p), nil
}

// indexPack opens the checked pack of a folder for reading by hash.
func indexPack(ctx context.Context, dir string, limits packLimits) (*fullSource, error) {
	files := osfs.New(dir)
	file, err := files.Open("pack")
	if err != nil {
		return nil, err
	}
	writer := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(file), writer)
	if err == nil {
		_, err = parser.Parse()
	}
	if err == nil {
		err = ctx.Err()
	}
	var index *idxfile.MemoryIndex
	if err == nil {
		index, err = writer.Index()
	}
	if err != nil {
		file.Close()
		return nil, packError(err)
	}
	// Without a file system the objects are read through the open file.
	p := packfile.NewPackfileWithCache(index, nil, file, cache.NewObjectLRU(8*cache.MiByte), 0)
	return &fullSource{pack: p, limits: limits}, nil
}

func (s *fullSource) get(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash, _ map[plumbing.Hash]error) (map[plumbing.Hash]object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[plumbing.Hash]object, len(hs))
	for _, h := range hs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		obj, err := s.pack.Get(h)
		if err != nil || obj.Size() > s.limits.of(obj.Type()) {
			continue // the caller names what is not there
		}
		r, err := obj.Reader()
		if err != nil {
			continue
		}
		var buf bytes.Buffer
		_, err = buf.ReadFrom(io.LimitReader(r, obj.Size()+1))
		r.Close()
		if o := (object{obj.Type(), buf.Bytes()}); err == nil && o.kind == kind && o.hash() == h {
			out[h] = o
		}
	}
	return out, nil
}
