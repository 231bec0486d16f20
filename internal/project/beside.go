package project

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// besideChanged takes up the other manifests of the folders that changed ones
// lie in, on both sides: rules that look at several resources (a policy and the
// workloads that it selects) need the unit whole. A folder that has more files
// than the bound on either side is left as it is, and its unit marked Partial.
func besideChanged(ctx context.Context, base, head *side, changes []PathChange) {
	// What changed and was not taken up was left out on purpose.
	for _, c := range changes {
		for _, s := range [2]*side{base, head} {
			s.seen[c.Path] = true
			if c.OldPath != "" {
				s.seen[c.OldPath] = true
			}
		}
	}
	dirs := map[string]bool{}
	for _, s := range [2]*side{base, head} {
		for _, u := range s.units {
			if u.Format == resource.Kubernetes {
				dirs[u.Dir] = true
			}
		}
	}
	type near struct {
		dir    string
		onBase []string
		onHead []string
		few    bool
	}
	var all []near
	var onBase, onHead []string // of all folders, to be fetched at once
	for _, dir := range keysOf(dirs) {
		if ctx.Err() != nil {
			return
		}
		n := near{dir: dir}
		var fewBase, fewHead bool
		n.onBase, fewBase = base.siblings(dir)
		n.onHead, fewHead = head.siblings(dir)
		if n.few = fewBase && fewHead; n.few {
			onBase, onHead = append(onBase, n.onBase...), append(onHead, n.onHead...)
		}
		all = append(all, n)
	}
	announce(base.fsys, onBase)
	announce(head.fsys, onHead)
	for _, n := range all {
		base.beside(ctx, n.dir, n.onBase, n.few)
		head.beside(ctx, n.dir, n.onHead, n.few)
	}
}

// beside adds manifests to a folder's unit, or marks it.
func (s *side) beside(ctx context.Context, dir string, names []string, few bool) {
	u := s.units[resource.Kubernetes+":"+dir]
	if !few {
		if u != nil {
			u.Partial = true
		}
		return
	}
	if more := s.manifests(ctx, names); len(more) > 0 {
		u = s.unit(resource.Kubernetes, dir, dir)
		u.Files = append(u.Files, more...)
	}
}

// siblings names the files of a folder that may be manifests and were not taken
// up yet; false says that there are too many, or that they cannot be listed.
func (s *side) siblings(dir string) ([]string, bool) {
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	var out []string
	for _, e := range entries {
		full := path.Join(dir, e.Name())
		if !e.Type().IsRegular() || s.seen[full] || roleOf(full) != manifest || !s.kept(full) {
			continue
		}
		if len(out) == s.opt.MaxBeside {
			return nil, false
		}
		out = append(out, full)
	}
	return out, true
}

// manifests keeps those files that are manifests and no patches. What cannot be
// read was not asked for: nothing is said of it.
func (s *side) manifests(ctx context.Context, names []string) []string {
	is := make([]bool, len(names))
	var g errgroup.Group
	g.SetLimit(s.opt.Parallel)
	for i, name := range names {
		g.Go(func() error {
			if ctx.Err() == nil {
				got, err := look(s.fsys, name)
				is[i] = err == nil && got == resource.Kubernetes
			}
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	var out []string
	for i, name := range names {
		if is[i] && !s.skipsManifest(name, false) {
			out = append(out, name)
		}
	}
	return out
}

// reachCompose adds the Compose files beside a changed file of variables.
func reachCompose(base, head *side, changes []PathChange) {
	dirs := map[string]bool{}
	for _, c := range changes {
		for _, name := range []string{c.Path, c.OldPath} {
			if path.Base(name) == ".env" && !skipped(name) && head.kept(name) && len(dirs) < maxBesides {
				dirs[path.Dir(name)] = true
			}
		}
	}
	for _, s := range []*side{base, head} {
		for _, dir := range slices.Sorted(maps.Keys(dirs)) {
			entries, err := fs.ReadDir(s.fsys, dir)
			if err != nil {
				continue // the folder is gone on this side
			}
			for _, e := range entries {
				if name := path.Join(dir, e.Name()); e.Type().IsRegular() && isCompose(strings.ToLower(e.Name())) && s.kept(name) {
					s.add(name)
				}
			}
		}
	}
}
