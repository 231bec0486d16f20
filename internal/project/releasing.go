package project

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// What releases a chart of the tree (Terraform's helm_release, an Application of
// Argo CD, a HelmRelease of Flux) is an environment of it. Of a change to a chart,
// or to a file of values that lies in none, it is looked for in a bounded part of
// the tree: the names of folders, the files of Terraform, and those manifests that
// name what changed.

// Bounds on the search in one tree.
const (
	maxReleaseManifests = 1_500
	maxReleaseModules   = 2_000
	maxReleaseUnits     = 100
)

func (f *finder) Releasing(ctx context.Context, base, head fs.FS, changes []PathChange, reached []format.Unit, keep Filter) (b, h []format.Unit) {
	charts, taken := map[string]bool{}, map[string]bool{}
	for _, u := range reached {
		if u.Format == helm.Name {
			charts[u.Dir] = true
		}
		for _, name := range slices.Concat(u.Files, u.Inputs) {
			taken[name] = true
		}
	}
	var loose []string
	for _, c := range changes {
		if hasAnySuffix(c.Path, ".yaml", ".yml") && !taken[c.Path] && !skipped(c.Path) && len(loose) < f.opt.MaxFiles {
			loose = append(loose, c.Path)
		}
	}
	if len(charts) == 0 && len(loose) == 0 {
		return nil, nil
	}
	var words [][]byte
	for dir := range charts {
		if dir == "." {
			words = append(words, nil) // it may be named by any path
			continue
		}
		words = append(words, []byte(path.Base(dir)))
	}
	for _, name := range loose {
		words = append(words, []byte(path.Base(name)))
	}
	out := [2][]format.Unit{}
	for i, tree := range [2]fs.FS{base, head} {
		s := f.side(tree, keep, true)
		s.releasing(ctx, words, len(charts) > 0)
		if out[i] = s.list(); len(out[i]) > maxReleaseUnits {
			out[i] = out[i][:maxReleaseUnits]
		}
	}
	return out[0], out[1]
}

// releasing makes units of what may release a chart.
func (s *side) releasing(ctx context.Context, words [][]byte, modules bool) {
	var manifests, module, vars []string
	charts := false
	level := []string{"."}
	for seen := 0; len(level) > 0 && ctx.Err() == nil; {
		if seen += len(level); seen > s.opt.MaxFolders {
			break
		}
		if a, ok := s.fsys.(FolderAnnouncer); ok {
			a.AnnounceFolders(level...)
		}
		var next []string
		for _, dir := range level {
			entries, err := fs.ReadDir(s.fsys, dir)
			if err != nil {
				continue
			}
			chart := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == chartFile && e.Type().IsRegular() })
			charts = charts || chart
			for _, e := range entries {
				full := path.Join(dir, e.Name())
				switch r := roleOf(full); {
				case e.IsDir():
					if !skippedDir(e.Name()) && !strings.HasPrefix(e.Name(), ".") && (!chart || dir == "." && !slices.Contains(chartFolders, e.Name()+"/")) {
						next = append(next, full)
					}
				case !e.Type().IsRegular() || !s.kept(full):
				case r == terraform:
					module = append(module, full)
				case r == tfvars || r == tfvarsGiven:
					vars = append(vars, full)
				case r == manifest && hasAnySuffix(full, ".yaml", ".yml") && !isValues(e.Name()) && len(manifests) < maxReleaseManifests:
					manifests = append(manifests, full)
				}
			}
		}
		level = next
	}
	if !charts {
		return
	}
	if modules && len(module) <= maxReleaseModules {
		s.releasingModules(ctx, module, vars)
	}
	for i, yes := range s.hold(ctx, manifests, func(data []byte) bool { return releasesChart(data, words) }) {
		if yes {
			dir := path.Dir(manifests[i])
			u := s.unit(resource.Kubernetes, dir, dir)
			u.Files = append(u.Files, manifests[i])
		}
	}
}

// hold reads files side by side and reports of each whether it holds something.
func (s *side) hold(ctx context.Context, files []string, what func([]byte) bool) []bool {
	out := make([]bool, len(files))
	announce(s.fsys, files)
	var g errgroup.Group
	g.SetLimit(s.opt.Parallel)
	for i, name := range files {
		g.Go(func() error {
			if ctx.Err() == nil {
				data, err := readSome(s.fsys, name, s.opt.MaxFileSize)
				out[i] = err == nil && what(data)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions give no errors
	return out
}

// releasesChart reports whether a manifest may release a chart and names one of
// the words.
func releasesChart(data []byte, words [][]byte) bool {
	argo := bytes.Contains(data, []byte("argoproj.io/")) && bytes.Contains(data, []byte("Application"))
	if !argo && !bytes.Contains(data, []byte("HelmRelease")) {
		return false
	}
	return slices.ContainsFunc(words, func(w []byte) bool { return bytes.Contains(data, w) })
}

// releasingModules makes units of the roots from which a module is called that
// releases a chart.
func (s *side) releasingModules(ctx context.Context, files, vars []string) {
	dirs := map[string]bool{}
	for i, yes := range s.hold(ctx, files, func(data []byte) bool { return bytes.Contains(data, []byte("helm_release")) }) {
		if yes {
			dirs[path.Dir(files[i])] = true
		}
	}
	if len(dirs) == 0 {
		return
	}
	x := s.index(ctx, unique(files), unique(vars), nil)
	for _, dir := range keys(dirs) {
		for _, root := range x.rootsOf(dir) {
			if !s.seen[root+"/"] {
				s.seen[root+"/"] = true
				s.scanRoot(x, root)
			}
		}
	}
}
