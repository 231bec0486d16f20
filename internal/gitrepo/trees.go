package gitrepo

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// Trees is a change: two file trees and what differs. It implements
// reviewer.Trees and is safe for concurrent use. Reads honour the context that
// it was made with.
type Trees struct {
	base, head       fs.FS
	baseSHA, headSHA string
	root             string
	find             func(context.Context) ([]project.PathChange, error)
	prefetch         func(ctx context.Context, base, head []string) error
	stats            func() Stats
	mu               sync.Mutex
	changes          []project.PathChange
	found            bool
}

// Stats says what it took to get a change.
type Stats struct {
	Requests int           // HTTP requests made
	Received int64         // bytes of their answers' bodies
	Fetched  int           // objects that came with them
	Cached   int           // objects that were in the cache on disk
	Elapsed  time.Duration // spent waiting for the remote
}

// Base gives the tree that the comparison starts at.
func (t *Trees) Base() fs.FS { return t.base }

// Head gives the tree under review.
func (t *Trees) Head() fs.FS { return t.head }

// BaseSHA is the commit of the base.
func (t *Trees) BaseSHA() string { return t.baseSHA }

// HeadSHA is the commit of the head, "" for a working tree.
func (t *Trees) HeadSHA() string { return t.headSHA }

// Root is the folder of the working tree on disk, "" where there is none.
func (t *Trees) Root() string { return t.root }

// Stats tells what was fetched so far. It is zero for a local repository.
func (t *Trees) Stats() Stats {
	if t.stats == nil {
		return Stats{}
	}
	return t.stats()
}

// Changes gives the paths that differ, sorted by Path. Submodules are left
// out; symbolic links count by what they point to.
func (t *Trees) Changes(ctx context.Context) ([]project.PathChange, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.found {
		c, err := t.find(ctx)
		if err != nil {
			return nil, err
		}
		t.changes, t.found = c, true
	}
	return append([]project.PathChange(nil), t.changes...), nil
}

// Prefetch gets files that will be read. Paths that do not exist are ignored.
func (t *Trees) Prefetch(ctx context.Context, base, head []string) error {
	if t.prefetch == nil {
		return nil
	}
	return t.prefetch(ctx, base, head)
}

// newCommitTrees gives the change between two tree objects.
func newCommitTrees(ctx context.Context, objs objects, base, head plumbing.Hash, limit int) *Trees {
	b, h := &treeFS{ctx, objs, base}, &treeFS{ctx, objs, head}
	return &Trees{
		base: b, head: h,
		find: func(ctx context.Context) ([]project.PathChange, error) {
			diffs, err := compareTrees(ctx, objs, folderPair{"", base, head}, limit)
			if err != nil {
				return nil, err
			}
			return pathChanges(ctx, diffs, func(ctx context.Context, d diff, head bool) ([]byte, error) {
				e := d.before
				if head {
					e = d.after
				}
				return objs.blob(ctx, e.hash)
			}, func(ctx context.Context, ds []diff) error {
				return objs.needBlobs(ctx, hashesOf(ds), false)
			})
		},
		prefetch: func(ctx context.Context, base, head []string) error {
			return objs.needBlobs(ctx, append(b.blobs(base), h.blobs(head)...), true)
		},
	}
}

func hashesOf(ds []diff) []plumbing.Hash {
	var out []plumbing.Hash
	for _, d := range ds {
		if d.before.isRegular() {
			out = append(out, d.before.hash)
		}
		if d.after.isRegular() {
			out = append(out, d.after.hash)
		}
	}
	return out
}
