package gitrepo

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

const (
	// maxRevision bounds the text of a revision.
	maxRevision = 1024
	// maxSteps bounds the generations that a revision goes back.
	maxSteps = 1_000_000
	// maxTags bounds how many tags may point to one another.
	maxTags = 16
)

// refRules are git's own, in its order of precedence.
var refRules = [...]string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s", "refs/remotes/%s/HEAD"}

// resolve finds the commit that a revision names.
func (l *Local) resolve(ctx context.Context, rev string) (plumbing.Hash, error) {
	unknown := fmt.Errorf("unknown revision %q; fetch it first", rev)
	name, ops := rev, ""
	if i := strings.IndexAny(rev, "^~"); i >= 0 {
		name, ops = rev[:i], rev[i:]
	}
	if name == "@" {
		name = "HEAD"
	}
	if len(rev) > maxRevision || name == "" {
		return plumbing.ZeroHash, unknown
	}
	h, err := l.named(name)
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		if name == "HEAD" {
			return h, errors.New("HEAD has no commit yet")
		}
		return h, unknown
	case err != nil:
		return h, fmt.Errorf("revision %q: %w", rev, err)
	}
	if h, err = l.peel(h); err != nil {
		return h, fmt.Errorf("revision %q: %w", rev, err)
	}
	if h, err = l.walk(ctx, h, ops); err != nil {
		return h, fmt.Errorf("revision %q: %w", rev, err)
	}
	return h, nil
}

// named finds the object that a name without suffixes stands for: a full SHA,
// a reference, a shortened SHA, in this order, as git does.
func (l *Local) named(name string) (plumbing.Hash, error) {
	if h, ok := parseHash(name); ok {
		if l.objs.has(h) {
			return h, nil
		}
		return h, plumbing.ErrReferenceNotFound
	}
	if name == "FETCH_HEAD" {
		// It is a list, of which the first line counts.
		data, err := readSmall(filepath.Join(l.gitDir, name))
		if err != nil || len(data) < 40 {
			return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
		}
		if h, ok := parseHash(string(data[:40])); ok {
			return h, nil
		}
	}
	if validRef(name) {
		for _, rule := range refRules {
			ref, err := storer.ResolveReference(l.store, plumbing.ReferenceName(strings.Replace(rule, "%s", name, 1)))
			if err == nil && !ref.Hash().IsZero() {
				return ref.Hash(), nil
			}
		}
	}
	return l.shortened(name)
}

// validRef keeps names from leaving the folder of references.
func validRef(name string) bool {
	if strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, "-") {
		return false
	}
	if strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.Contains(name, "//") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("~^:?*[\\", r) })
}

// shortened finds the one object whose hash begins with at least four digits.
func (l *Local) shortened(name string) (plumbing.Hash, error) {
	if len(name) < 4 || len(name) >= 40 {
		return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
	}
	lower := strings.ToLower(name)
	prefix, err := hex.DecodeString(lower[:len(lower)&^1])
	if err != nil {
		return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
	}
	var all []plumbing.Hash
	l.objs.mu.Lock()
	for _, s := range l.objs.stores {
		hs, err := s.HashesWithPrefix(prefix)
		if err != nil {
			l.objs.mu.Unlock()
			return plumbing.ZeroHash, fmt.Errorf("look up a shortened SHA: %w", err)
		}
		all = append(all, hs...)
	}
	l.objs.mu.Unlock()
	var found []plumbing.Hash
	for _, h := range all {
		// Of several objects the commits and tags are meant.
		if strings.HasPrefix(h.String(), lower) && !slices.Contains(found, h) {
			if _, err := l.peel(h); err == nil {
				found = append(found, h)
			}
		}
	}
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, plumbing.ErrReferenceNotFound
	case 1:
		return found[0], nil
	}
	return plumbing.ZeroHash, fmt.Errorf("%d commits begin so: give more digits", len(found))
}

// has reports whether an object is there.
func (o *localObjects) has(h plumbing.Hash) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.length(h)
	return err == nil
}

// peel follows tags to a commit.
func (l *Local) peel(h plumbing.Hash) (plumbing.Hash, error) {
	l.objs.mu.Lock()
	defer l.objs.mu.Unlock()
	for range maxTags {
		obj, err := l.objs.get(plumbing.AnyObject, h)
		if err != nil {
			return h, objectError(plumbing.CommitObject, h, err)
		}
		switch obj.Type() {
		case plumbing.CommitObject:
			return h, nil
		case plumbing.TagObject:
		default:
			return h, fmt.Errorf("is a %s, not a commit", obj.Type())
		}
		data, err := l.objs.load(plumbing.TagObject, h, 1<<20)
		if err != nil {
			return h, err
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		target, ok := parseHash(strings.TrimPrefix(string(line), "object "))
		if !ok {
			return h, errors.New("malformed tag")
		}
		h = target
	}
	return h, errors.New("is a tag of a tag of a tag and so on")
}

// walk goes back from a commit by suffixes such as ~2, ^ and ^2.
func (l *Local) walk(ctx context.Context, h plumbing.Hash, ops string) (plumbing.Hash, error) {
	for ops != "" {
		op := ops[0]
		ops = ops[1:]
		if op == '^' && strings.HasPrefix(ops, "{") {
			kind, rest, ok := strings.Cut(ops[1:], "}")
			if !ok || kind != "" && kind != "commit" {
				return h, errors.New("this way of naming a commit is not understood")
			}
			ops = rest
			continue
		}
		digits := len(ops) - len(strings.TrimLeft(ops, "0123456789"))
		n := 1
		if digits > 0 {
			var err error
			if n, err = strconv.Atoi(ops[:digits]); err != nil || n > maxSteps {
				return h, errors.New("goes back too far")
			}
			ops = ops[digits:]
		}
		if ops != "" && ops[0] != '^' && ops[0] != '~' {
			return h, errors.New("this way of naming a commit is not understood")
		}
		steps, parent := n, 0
		if op == '^' {
			steps, parent = 1, n-1
			if n == 0 {
				continue
			}
		}
		for range steps {
			if err := ctx.Err(); err != nil {
				return h, context.Cause(ctx)
			}
			c, err := l.objs.commit(h)
			if err != nil {
				return h, err
			}
			if parent >= len(c.parents) {
				return h, errors.New("there is no such parent")
			}
			h = c.parents[parent]
		}
	}
	if !l.objs.has(h) {
		return h, errors.New("the clone is shallow there; fetch more history, for instance with git fetch --unshallow")
	}
	return h, nil
}

// Marks of commits on the way to a merge base.
const (
	fromA = 1 << iota
	fromB
	stale // an ancestor of one found already
)

// mergeBase finds the best common ancestor: the newest commit that both
// descend from and that is no ancestor of another such commit.
func (l *Local) mergeBase(ctx context.Context, a, b plumbing.Hash) (plumbing.Hash, error) {
	if a == b {
		return a, nil
	}
	shallow, err := l.shallow()
	if err != nil {
		return a, err
	}
	marks := map[plumbing.Hash]int{}
	q := &commitQueue{}
	push := func(h plumbing.Hash, mark int) error {
		old := marks[h]
		if old|mark == old {
			return nil
		}
		marks[h] = old | mark
		c, err := l.objs.commit(h)
		if err != nil {
			return err
		}
		if shallow[h] {
			c.parents = nil
		}
		heap.Push(q, queued{h, c})
		return nil
	}
	if err := push(a, fromA); err != nil {
		return a, err
	}
	if err := push(b, fromB); err != nil {
		return a, err
	}
	var found []plumbing.Hash
	for !allStale(*q, marks) {
		if err := ctx.Err(); err != nil {
			return a, context.Cause(ctx)
		}
		x := heap.Pop(q).(queued)
		mark := marks[x.hash]
		if mark&(fromA|fromB) == fromA|fromB {
			if mark&stale == 0 {
				found = append(found, x.hash)
			}
			mark |= stale
		}
		for _, p := range x.commit.parents {
			if err := push(p, mark); err != nil {
				return a, err
			}
		}
	}
	// Clocks may lie: one found early can turn out to be an ancestor later.
	for _, h := range found {
		if marks[h]&stale == 0 {
			return h, nil
		}
	}
	if len(shallow) > 0 {
		return a, errors.New("they have no common commit here, for the clone is shallow; fetch more history, for instance with git fetch --unshallow (actions/checkout: fetch-depth: 0)")
	}
	return a, errors.New("they have no common commit")
}

// allStale reports whether nothing in the queue can lead to a better base.
func allStale(q commitQueue, marks map[plumbing.Hash]int) bool {
	for _, x := range q {
		if marks[x.hash]&stale == 0 {
			return false
		}
	}
	return true
}

func (l *Local) shallow() (map[plumbing.Hash]bool, error) {
	l.objs.mu.Lock()
	defer l.objs.mu.Unlock()
	hs, err := l.store.Shallow()
	if err != nil {
		return nil, fmt.Errorf("read the shallow commits: %w", err)
	}
	out := make(map[plumbing.Hash]bool, len(hs))
	for _, h := range hs {
		out[h] = true
	}
	return out, nil
}

type queued struct {
	hash   plumbing.Hash
	commit commit
}

// commitQueue is a heap of commits, the newest on top.
type commitQueue []queued

func (q commitQueue) Len() int           { return len(q) }
func (q commitQueue) Less(i, j int) bool { return q[i].commit.when > q[j].commit.when }
func (q commitQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *commitQueue) Push(x any)        { *q = append(*q, x.(queued)) }
func (q *commitQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
