package project

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func (f *finder) All(ctx context.Context, fsys fs.FS, paths []string, keep Filter) ([]format.Unit, source.Diagnostics) {
	s := f.side(fsys, keep, false)
	var dirs, files []string
	for _, p := range paths {
		p = path.Clean(p)
		info, err := fs.Stat(fsys, p)
		switch {
		case err != nil:
			s.diags.Errorf(p, 0, "cannot be read: %v", reason(err))
		case info.IsDir():
			dirs = append(dirs, p)
		case !info.Mode().IsRegular():
			s.warn(p, p, "is not a regular file (a symbolic link is not followed), so it is not evaluated")
		default:
			files = append(files, p)
		}
	}
	found := s.walk(ctx, dirs)
	s.named = map[string]bool{}
	for _, p := range files {
		s.named[p] = true
		if roleOf(p) == other && !chartPart(p) && !isKustomization(path.Base(p)) {
			if got, err := look(fsys, p); err == nil && got == resource.TerraformPlan {
				s.plan(p)
				continue
			}
		}
		if roleOf(p) == other && !chartPart(p) && !isKustomization(path.Base(p)) {
			s.warn(p, p, "is no file that is read: its name is not one of infrastructure code")
			continue
		}
		found = append(found, p)
	}
	slices.Sort(found)
	var kustomizations []string
	for _, p := range slices.Compact(found) {
		if isKustomization(path.Base(p)) {
			kustomizations = append(kustomizations, p)
			continue
		}
		s.add(p)
	}
	s.overlays.allOverlays(kustomizations)
	s.scanRoots(ctx, found)
	reachCharts(ctx, s)
	s.decide(ctx)
	reachStacks(ctx, false, s)
	return s.list(), s.diags
}

// walk lists the files below the folders that may hold infrastructure code,
// reading several folders at once.
func (s *side) walk(ctx context.Context, dirs []string) []string {
	type folder struct {
		path  string
		depth int
	}
	var (
		mu      sync.Mutex
		found   []string
		full    bool
		problem source.Diagnostics
		level   []folder
	)
	seen := map[string]bool{}
	for _, d := range dirs {
		if !seen[d] {
			seen[d] = true
			level = append(level, folder{d, 0})
		}
	}
	for len(level) > 0 && !full && ctx.Err() == nil {
		var next []folder
		var g errgroup.Group
		g.SetLimit(s.opt.Parallel)
		for _, d := range level {
			g.Go(func() error {
				entries, err := fs.ReadDir(s.fsys, d.path)
				var files []string
				var below []folder
				for _, e := range entries {
					full := path.Join(d.path, e.Name())
					switch {
					case e.IsDir() && !skippedDir(e.Name()):
						below = append(below, folder{full, d.depth + 1})
					case !e.IsDir() && (roleOf(full) != other || chartPart(full) || isKustomization(e.Name())) && s.kept(full):
						files = append(files, full)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					problem.Errorf(d.path, 0, "the folder cannot be listed: %v", reason(err))
				}
				found = append(found, files...)
				next = append(next, below...)
				return nil
			})
		}
		_ = g.Wait() // the functions give no errors
		level = level[:0]
		for _, d := range next {
			if d.depth > s.opt.MaxDepth {
				problem = append(problem, source.Diagnostic{
					File: d.path, Level: source.LevelWarning, NotEvaluated: d.path,
					Message: "lies too deep in the tree and was not read",
				})
				continue
			}
			if !seen[d.path] {
				seen[d.path] = true
				level = append(level, d)
			}
		}
		full = len(found) > s.opt.MaxScan
	}
	s.diags = append(s.diags, problem...)
	slices.Sort(found)
	if full {
		s.warn("", "the rest of the tree", "there are more than %d files; the rest was not read: name a smaller folder", s.opt.MaxScan)
		found = found[:s.opt.MaxScan]
	}
	if err := ctx.Err(); err != nil {
		s.diags.Errorf("", 0, "the walk was stopped: %v", context.Cause(ctx))
	}
	return found
}
