package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	// maxWants bounds the objects asked for in one request.
	maxWants = 1_000
	// maxPending bounds the announced files that one read brings along.
	maxPending = 5_000
	// maxKept bounds the content of files kept in memory, in bytes.
	maxKept = 128 << 20
	// onlyWanted is the filter that lets nothing through but what was named.
	onlyWanted = "tree:0"
)

// remoteObjects gives objects from memory, the cache on disk, or the remote.
type remoteObjects struct {
	opt      Options
	cache    *diskCache
	key      string // of the repository in the cache
	conn     *conn
	fallback Fallback
	headRef  string
	commits  [2]plumbing.Hash // base, head

	// mu is held while fetching too: whoever waits finds what came along.
	mu      sync.Mutex
	src     source
	trees   map[plumbing.Hash][]entry
	blobs   map[plumbing.Hash][]byte
	kept    int64
	failed  map[plumbing.Hash]error // what cannot be had, by reason
	pending map[plumbing.Hash]bool  // announced files
	cached  int
	fetched int
}

// source gets objects from the remote. What cannot be had is put into missing
// by its reason; an error is the end of all.
type source interface {
	get(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash, missing map[plumbing.Hash]error) (map[plumbing.Hash]object, error)
}

func (o *remoteObjects) statistics() Stats {
	o.conn.mu.Lock()
	s := o.conn.stats
	o.conn.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Cached, s.Fetched = o.cached, o.fetched
	return s
}

func (o *remoteObjects) limits() packLimits {
	return packLimits{objects: o.opt.MaxObjects, blob: o.opt.MaxBlobBytes, tree: o.opt.MaxTreeBytes, inflated: o.opt.MaxInflated}
}

// resolveCommits gives the trees of base and head.
func (o *remoteObjects) resolveCommits(ctx context.Context) (trees [2]plumbing.Hash, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	got, err := o.load(ctx, plumbing.CommitObject, o.commits[:])
	if err != nil {
		return trees, err
	}
	for i, h := range o.commits {
		if err := o.failed[h]; err != nil {
			return trees, fmt.Errorf("%s: %w", [...]string{"base", "head"}[i], err)
		}
		c, err := parseCommit(got[h].data)
		if err != nil {
			return trees, err
		}
		trees[i] = c.tree
	}
	return trees, nil
}

// load gets objects of one kind, from the cache or the remote. The lock is
// held. What is not in the result has its reason in failed.
func (o *remoteObjects) load(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash) (map[plumbing.Hash]object, error) {
	out := make(map[plumbing.Hash]object, len(hs))
	var missing []plumbing.Hash
	for _, h := range hs {
		if _, ok := out[h]; ok || o.failed[h] != nil || slices.Contains(missing, h) {
			continue
		}
		if obj, ok := o.cache.get(o.key, kind, h, o.limits().of(kind)); ok {
			out[h] = obj
			o.cached++
			continue
		}
		missing = append(missing, h)
	}
	if len(missing) == 0 {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	src, err := o.source(ctx)
	if err != nil {
		return nil, err
	}
	for len(missing) > 0 {
		batch := missing[:min(len(missing), maxWants)]
		missing = missing[len(batch):]
		got, err := src.get(ctx, kind, batch, o.failed)
		if errors.Is(err, errFilter) {
			if src, err = o.withoutFilter(ctx); err == nil {
				got, err = src.get(ctx, kind, batch, o.failed)
			}
		}
		if err != nil {
			return nil, err
		}
		for _, h := range batch {
			obj, ok := got[h]
			switch {
			case ok && obj.kind == kind:
				out[h] = obj
				o.fetched++
				if kind != plumbing.CommitObject || obj.hash() == h { // a Fallback tells only part of a commit
					_ = o.cache.put(o.key, h, obj) // a cache that is full or read-only costs only time
				}
			case o.failed[h] == nil:
				o.failed[h] = fmt.Errorf("the git server did not send %s %s", kind, short(h))
			}
		}
	}
	return out, nil
}

// source picks the way to the remote at the first need of it.
func (o *remoteObjects) source(ctx context.Context) (source, error) {
	if o.src != nil {
		return o.src, nil
	}
	caps, err := o.conn.capabilities(ctx)
	switch {
	case err != nil && o.fallback != nil && errors.Is(err, errProtocol):
		o.src = &restSource{o}
	case err != nil:
		return nil, err
	case caps.v2 && caps.filter:
		o.src = &partialSource{o}
	case caps.v2:
		return o.withoutFilter(ctx)
	case o.fallback != nil:
		o.src = &restSource{o}
	default:
		return nil, errors.New("the git server does not speak protocol version 2")
	}
	return o.src, nil
}

// withoutFilter gets both commits whole, without their history, where the
// server refuses to send parts.
func (o *remoteObjects) withoutFilter(ctx context.Context) (source, error) {
	src, err := newFullSource(ctx, o)
	switch {
	case err == nil:
		o.src = src
	case o.fallback != nil && ctx.Err() == nil:
		o.src = &restSource{o}
	default:
		return nil, fmt.Errorf("the git server sends no parts of a repository, and the whole cannot be had: %w", err)
	}
	return o.src, nil
}

func (o *remoteObjects) tree(ctx context.Context, h plumbing.Hash) ([]entry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t, ok := o.trees[h]; ok {
		return t, nil
	}
	if err := o.loadTrees(ctx, []plumbing.Hash{h}); err != nil {
		return nil, err
	}
	if t, ok := o.trees[h]; ok {
		return t, nil
	}
	return nil, o.failed[h]
}

// loadTrees brings trees into memory; the lock is held.
func (o *remoteObjects) loadTrees(ctx context.Context, hs []plumbing.Hash) error {
	got, err := o.load(ctx, plumbing.TreeObject, hs)
	if err != nil {
		return err
	}
	for h, obj := range got {
		t, err := parseTree(obj.data)
		if err != nil {
			o.failed[h] = fmt.Errorf("tree %s: %w", short(h), err)
			continue
		}
		o.trees[h] = t
	}
	return nil
}

func (o *remoteObjects) needTrees(ctx context.Context, hs []plumbing.Hash) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	need := slices.DeleteFunc(slices.Clone(hs), func(h plumbing.Hash) bool { _, ok := o.trees[h]; return ok })
	return o.loadTrees(ctx, need)
}

func (o *remoteObjects) blob(ctx context.Context, h plumbing.Hash) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if data, ok := o.blobs[h]; ok {
		return data, nil
	}
	if err := o.failed[h]; err != nil {
		return nil, err
	}
	if err := o.loadBlobs(ctx, h); err != nil {
		return nil, err
	}
	if data, ok := o.blobs[h]; ok {
		return data, nil
	}
	if err := o.failed[h]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("blob %s is not there", short(h))
}

// loadBlobs brings a file and those that were announced into memory; the lock
// is held.
func (o *remoteObjects) loadBlobs(ctx context.Context, first ...plumbing.Hash) error {
	need := first
	for h := range o.pending {
		if _, ok := o.blobs[h]; !ok && !slices.Contains(first, h) {
			need = append(need, h)
		}
	}
	slices.SortFunc(need[len(first):], func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	clear(o.pending)
	got, err := o.load(ctx, plumbing.BlobObject, need)
	if err != nil {
		return err
	}
	if o.kept > maxKept {
		clear(o.blobs) // they are on disk, or can be had again
		o.kept = 0
	}
	for h, obj := range got {
		o.blobs[h] = obj.data
		o.kept += int64(len(obj.data))
	}
	return nil
}

func (o *remoteObjects) size(ctx context.Context, h plumbing.Hash) (int64, error) {
	data, err := o.blob(ctx, h)
	return int64(len(data)), err
}

func (o *remoteObjects) needBlobs(ctx context.Context, hs []plumbing.Hash, now bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range hs {
		if _, ok := o.blobs[h]; !ok && o.failed[h] == nil && len(o.pending) < maxPending {
			o.pending[h] = true
		}
	}
	if !now || len(o.pending) == 0 {
		return nil
	}
	return o.loadBlobs(ctx)
}

// partialSource asks for single objects by their hashes.
type partialSource struct{ o *remoteObjects }

func (s *partialSource) get(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash, missing map[plumbing.Hash]error) (map[plumbing.Hash]object, error) {
	out := make(map[plumbing.Hash]object, len(hs))
	return out, s.some(ctx, kind, hs, missing, out)
}

// errFilter says that the server, after all, does not filter.
var errFilter = errors.New("the git server refused to send parts of a repository")

// some gets objects in one request; one bad name fails the whole of it, so it
// is taken apart then.
func (s *partialSource) some(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash, missing map[plumbing.Hash]error, out map[plumbing.Hash]object) error {
	if err := s.o.spend(); err != nil {
		return err
	}
	f := fetchRequest{wants: hs, filter: onlyWanted}
	if kind == plumbing.CommitObject {
		f.depth = 1
	}
	got, err := s.o.conn.fetch(ctx, f, s.o.opt.MaxPackBytes, s.o.limits())
	var refused *refusedError
	switch {
	case err == nil:
		for _, h := range hs {
			if obj, ok := got.objects[h]; ok {
				out[h] = obj
			} else if n, ok := got.large[h]; ok {
				missing[h] = fmt.Errorf("a file of %d bytes %w: at most %d are read", n, ErrTooLarge, s.o.opt.MaxBlobBytes)
			}
		}
		return nil
	case !errors.As(err, &refused) && !errors.Is(err, ErrTooLarge) || ctx.Err() != nil:
		return err
	case refused != nil && strings.Contains(refused.text, "filter"):
		return fmt.Errorf("%w: %w", errFilter, err)
	case len(hs) > 1:
		if err := s.some(ctx, kind, hs[:len(hs)/2], missing, out); err != nil {
			return err
		}
		return s.some(ctx, kind, hs[len(hs)/2:], missing, out)
	case kind == plumbing.CommitObject && hs[0] == s.o.commits[1] && s.o.headRef != "" && refused != nil:
		return s.byRef(ctx, err, missing, out)
	}
	missing[hs[0]] = err
	return nil
}

// byRef asks where the head's reference stands and, if it is the head, for
// what the server then has no reason to refuse.
func (s *partialSource) byRef(ctx context.Context, refusal error, missing map[plumbing.Hash]error, out map[plumbing.Hash]object) error {
	o := s.o
	head := o.commits[1]
	at, ok, err := o.conn.ref(ctx, o.headRef)
	switch {
	case err != nil:
		return err
	case !ok:
		missing[head] = refusal
		return nil
	case at != head:
		missing[head] = fmt.Errorf("%w: %s is at %s", ErrMoved, o.headRef, short(at))
		return nil
	}
	if err := o.spend(); err != nil {
		return err
	}
	f := fetchRequest{wants: []plumbing.Hash{head}, filter: onlyWanted, depth: 1}
	got, err := o.conn.fetch(ctx, f, o.opt.MaxPackBytes, o.limits())
	if err != nil {
		missing[head] = err
		return nil
	}
	if obj, ok := got.objects[head]; ok {
		out[head] = obj
	}
	return nil
}

// ref asks for one reference.
func (c *conn) ref(ctx context.Context, name string) (h plumbing.Hash, ok bool, err error) {
	err = c.post(ctx, encodeListRefs(c.agent, name), maxAdvertisement, func(r io.Reader) (err error) {
		h, ok, err = parseRef(r, name)
		return err
	})
	return h, ok, err
}

// spend counts a request against the bound of the change.
func (o *remoteObjects) spend() error {
	o.conn.mu.Lock()
	defer o.conn.mu.Unlock()
	if o.conn.stats.Requests >= o.opt.MaxRequests {
		return fmt.Errorf("the change takes more than %d requests: it %w", o.opt.MaxRequests, ErrTooLarge)
	}
	return nil
}

// restSource reads through the Fallback and proves what it gives by its hash.
type restSource struct{ o *remoteObjects }

func (s *restSource) get(ctx context.Context, kind plumbing.ObjectType, hs []plumbing.Hash, missing map[plumbing.Hash]error) (map[plumbing.Hash]object, error) {
	out := make(map[plumbing.Hash]object, len(hs))
	for _, h := range hs {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		obj, err := s.one(ctx, kind, h)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			missing[h] = err
		default:
			out[h] = obj
		}
	}
	return out, nil
}

func (s *restSource) one(ctx context.Context, kind plumbing.ObjectType, h plumbing.Hash) (object, error) {
	f := s.o.fallback
	obj := object{kind: kind}
	switch kind {
	case plumbing.CommitObject:
		tree, err := f.Commit(ctx, h.String())
		if err != nil {
			return obj, err
		}
		if _, ok := parseHash(tree); !ok {
			return obj, fmt.Errorf("commit %s: its tree is not a SHA-1", short(h))
		}
		// Only the tree is told of it, so its hash proves nothing.
		obj.data = []byte("tree " + tree + "\n\n")
		return obj, nil
	case plumbing.TreeObject:
		entries, err := f.Tree(ctx, h.String())
		if err != nil {
			return obj, err
		}
		if obj.data, err = encodeTree(entries); err != nil {
			return obj, fmt.Errorf("tree %s: %w", short(h), err)
		}
	default:
		data, err := f.Blob(ctx, h.String(), s.o.opt.MaxBlobBytes)
		if err != nil {
			return obj, err
		}
		if int64(len(data)) > s.o.opt.MaxBlobBytes {
			return obj, fmt.Errorf("a file of %d bytes %w: at most %d are read", len(data), ErrTooLarge, s.o.opt.MaxBlobBytes)
		}
		obj.data = data
	}
	if obj.hash() != h {
		return obj, fmt.Errorf("%s %s: what came has another hash", kind, short(h))
	}
	return obj, nil
}

// encodeTree writes a tree object in git's order.
func encodeTree(entries []TreeEntry) ([]byte, error) {
	sorted := slices.Clone(entries)
	key := func(e TreeEntry) string {
		if e.Mode&modeType == modeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(sorted, func(a, b TreeEntry) int {
		ka, kb := key(a), key(b)
		switch {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	var out []byte
	for _, e := range sorted {
		h, ok := parseHash(e.SHA)
		if !ok {
			return nil, fmt.Errorf("an entry's hash is not a SHA-1")
		}
		out = fmt.Appendf(out, "%o %s\x00", e.Mode, e.Name)
		out = append(out, h[:]...)
	}
	return out, nil
}
