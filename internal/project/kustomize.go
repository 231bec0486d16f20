package project

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
)

// A kustomization is judged where no other one of the repository takes it in: a
// base that an overlay completes says nothing by itself. What kustomizations
// name as resources and patches is judged through them, and not as manifests.

const (
	// maxKustomization bounds a kustomization file that is read, in bytes.
	maxKustomization = 256 << 10
	// maxClosure bounds what one kustomization reads, in files.
	maxClosure = 2_000
	// maxPlugins bounds the generators of one file that are looked at.
	maxPlugins = 20
)

// kustomization is what the search reads of one: what it names.
type kustomization struct {
	dir, file string
	component bool
	uses      []string // resources, bases, components: files or folders
	files     []string // patches, generator files, schemas: files
	patches   map[string]bool
	plugins   []string   // files of generators, which may name charts
	charts    [][]string // folders that each of its charts may lie in, the one that counts first
	remote    bool       // something of it is not in the tree
	foreign   bool       // an object of another tool under the same name
}

// overlays is what is known of one tree's kustomizations.
type overlays struct {
	s     *side
	specs map[string]*kustomization // by folder; nil where there is none
	above map[string][]string       // folder or file → the folders of those that name it
	// overCharts are the folders of the kustomizations that name a chart, by the
	// folder that it may lie in.
	overCharts map[string][]string
	walked     map[string]bool // folders that were listed
	most       int             // folders that are listed at most
	stopped    bool            // there were more folders than are searched
	reached    map[string]bool // folders of leaves that are units
}

func newOverlays(s *side) *overlays {
	return &overlays{s: s, specs: map[string]*kustomization{}, above: map[string][]string{}, overCharts: map[string][]string{}, walked: map[string]bool{}, reached: map[string]bool{}, most: s.opt.MaxFolders}
}

// in gives the kustomization of a folder, nil where there is none.
func (o *overlays) in(dir string) *kustomization {
	k, known := o.specs[dir]
	if known {
		return k
	}
	o.specs[dir] = nil
	for _, base := range kustomize.FileNames() {
		file := path.Join(dir, base)
		if ok, err := regular(o.s.fsys, file); err == nil && ok && o.s.kept(file) {
			if k = readKustomization(o.s.fsys, file); k.foreign {
				return nil
			}
			o.specs[dir] = k
			for _, name := range k.plugins {
				if data, err := readSome(o.s.fsys, name, maxKustomization); err == nil {
					k.generator(data)
				}
			}
			for _, dirs := range k.charts {
				for _, c := range dirs {
					if !slices.Contains(o.overCharts[c], dir) {
						o.overCharts[c] = append(o.overCharts[c], dir)
					}
				}
			}
			for _, list := range [2][]string{k.uses, k.files} {
				for _, name := range list {
					if !slices.Contains(o.above[name], dir) {
						o.above[name] = append(o.above[name], dir)
					}
				}
			}
			return k
		}
	}
	return nil
}

// readKustomization reads what a kustomization names. One that cannot be read
// names nothing: it says so where it is built.
func readKustomization(fsys fs.FS, file string) *kustomization {
	k := &kustomization{dir: path.Dir(file), file: file, patches: map[string]bool{}}
	f, err := fsys.Open(file)
	if err != nil {
		return k
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKustomization+1))
	if err != nil || len(data) > maxKustomization {
		return k
	}
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return k
	}
	k.read(doc.Content[0])
	return k
}

func (k *kustomization) read(root *yaml.Node) {
	for name, v := range fieldsOf(root) {
		switch name {
		case "apiVersion":
			k.foreign = v.Value != "" && !strings.HasPrefix(v.Value, "kustomize.config.k8s.io/")
		case "kind":
			k.component = v.Value == "Component"
		case "resources", "bases", "components":
			for _, it := range v.Content {
				k.use(it.Value)
			}
		case "crds", "configurations", "generators", "transformers", "validators":
			for _, it := range v.Content {
				if name == "generators" && strings.Contains(it.Value, "\n") {
					k.generator([]byte(it.Value))
					continue
				}
				k.name(it.Value)
				if name == "generators" && len(k.files) > 0 && it.Value != "" {
					k.plugins = append(k.plugins, k.files[len(k.files)-1])
				}
			}
		case "patchesStrategicMerge":
			for _, it := range v.Content {
				k.patch(it.Value)
			}
		case "patches", "patchesJson6902":
			for _, it := range v.Content {
				k.patch(field(it, "path"))
			}
		case "replacements":
			for _, it := range v.Content {
				k.name(field(it, "path"))
			}
		case "openapi":
			k.name(field(v, "path"))
		case "helmCharts":
			home := field(fieldsOf(root)["helmGlobals"], "chartHome")
			for _, it := range v.Content {
				k.chart(it, home, "name", "version", "repo", "valuesFile")
			}
		case "helmChartInflationGenerator":
			home := field(fieldsOf(root)["helmGlobals"], "chartHome")
			for _, it := range v.Content {
				if h := field(it, "chartHome"); h != "" {
					home = h
				}
			}
			for _, it := range v.Content {
				k.chart(it, home, "chartName", "chartVersion", "chartRepoUrl", "values")
			}
		case "configMapGenerator", "secretGenerator":
			for _, it := range v.Content {
				k.name(field(it, "env"))
				for name, list := range fieldsOf(it) {
					if name != "files" && name != "envs" {
						continue
					}
					for _, x := range list.Content {
						if _, after, ok := strings.Cut(x.Value, "="); ok {
							k.name(after)
						} else {
							k.name(x.Value)
						}
					}
				}
			}
		}
	}
}

// chart takes up an entry that names a chart and files of values.
func (k *kustomization) chart(it *yaml.Node, home, name, version, repo, values string) {
	var dirs []string
	for _, rel := range kustomize.ChartFolders(home, field(it, name), field(it, version), field(it, repo)) {
		if dir, ok := k.local(rel); ok {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) > 0 {
		k.charts = append(k.charts, dirs)
	}
	k.name(field(it, values))
	if more := fieldsOf(it)["additionalValuesFiles"]; more != nil {
		for _, x := range more.Content {
			k.name(x.Value)
		}
	}
}

// generator takes up a file that tells kustomize to render charts.
func (k *kustomization) generator(data []byte) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for range maxPlugins {
		var doc yaml.Node
		if d.Decode(&doc) != nil || len(doc.Content) == 0 {
			return
		}
		if n := doc.Content[0]; field(n, "kind") == kustomize.ChartPlugin {
			k.chart(n, field(n, "chartHome"), "name", "version", "repo", "valuesFile")
		}
	}
}

// fieldsOf gives the fields of a map; of a repeated one the last.
func fieldsOf(n *yaml.Node) map[string]*yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	out := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		out[n.Content[i].Value] = n.Content[i+1]
	}
	return out
}

func field(n *yaml.Node, name string) string {
	if v := fieldsOf(n)[name]; v != nil {
		return v.Value
	}
	return ""
}

// local gives the path in the tree that an entry means.
func (k *kustomization) local(entry string) (string, bool) {
	if entry == "" || strings.Contains(entry, "\n") || path.IsAbs(entry) {
		return "", false
	}
	if strings.Contains(entry, "://") || strings.Contains(entry, "?ref=") || strings.HasPrefix(entry, "git@") {
		k.remote = true
		return "", false
	}
	name := path.Join(k.dir, entry)
	return name, fs.ValidPath(name)
}

func (k *kustomization) use(entry string) {
	if name, ok := k.local(entry); ok {
		k.uses = append(k.uses, name)
	}
}

func (k *kustomization) name(entry string) {
	if name, ok := k.local(entry); ok {
		k.files = append(k.files, name)
	}
}

func (k *kustomization) patch(entry string) {
	if name, ok := k.local(entry); ok {
		k.files = append(k.files, name)
		k.patches[name] = true
	}
}

// near gives the folder of the nearest kustomization in the folder of a path or
// above it. Kustomize reads no file above its own folder unless it is told to.
func (o *overlays) near(name string) (string, bool) {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if o.in(dir) != nil {
			return dir, true
		}
		if dir == "." {
			return "", false
		}
	}
}

// search looks for kustomizations around a folder: below it, then below the
// folder above it, and so on up to the root, a level of folders at a time, until
// as many folders were listed as Options allow. Nothing but folders and
// kustomization files is read.
func (o *overlays) search(ctx context.Context, from string) {
	for dir := from; ; dir = path.Dir(dir) {
		o.below(ctx, dir)
		if dir == "." || o.stopped {
			return
		}
	}
}

// around is search for what may render a chart: within the folders near it, as
// many as are searched for charts that depend on one.
func (o *overlays) around(ctx context.Context, from string) {
	most, stopped := o.most, o.stopped
	o.most = min(most, len(o.walked)+maxChartSearch)
	o.search(ctx, from)
	o.most, o.stopped = most, stopped
}

func (o *overlays) below(ctx context.Context, dir string) {
	level := []string{dir}
	for depth := 0; len(level) > 0 && depth < o.s.opt.MaxDepth && ctx.Err() == nil; depth++ {
		level = slices.DeleteFunc(level, func(d string) bool { return o.walked[d] && d != dir })
		if left := o.most - len(o.walked); len(level) > left {
			o.stopped = true
			level = level[:max(0, left)]
		}
		if a, ok := o.s.fsys.(FolderAnnouncer); ok {
			a.AnnounceFolders(level...)
		}
		var next, found []string
		for _, d := range level {
			o.walked[d] = true
			entries, err := fs.ReadDir(o.s.fsys, d)
			if err != nil {
				continue
			}
			for _, e := range entries {
				full := path.Join(d, e.Name())
				switch {
				case e.IsDir() && !skippedDir(e.Name()):
					next = append(next, full)
				case isKustomization(e.Name()):
					found = append(found, full)
				}
			}
		}
		if a, ok := o.s.fsys.(Announcer); ok {
			a.Announce(found...)
		}
		for _, f := range found {
			o.in(path.Dir(f))
		}
		level = next
	}
}

// takenIn gives the folders of the kustomizations that name a path, themselves
// included.
func (o *overlays) takenIn(name string) []string {
	out := o.above[name]
	if len(o.overCharts) > 0 {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			out = append(slices.Clip(out), o.overCharts[dir]...)
		}
	}
	if isKustomization(path.Base(name)) && o.in(path.Dir(name)) != nil {
		out = append(slices.Clone(out), path.Dir(name))
	}
	return out
}

// isLeaf reports whether no other kustomization takes that of a folder in.
func (o *overlays) isLeaf(dir string) bool {
	k := o.in(dir)
	if k == nil || k.component {
		return false
	}
	return !slices.ContainsFunc(o.above[dir], func(by string) bool { return by != dir && !o.deadEnd(by, 0) })
}

// deadEnd reports whether a kustomization leads to none that is built: a
// component that nothing takes in.
func (o *overlays) deadEnd(dir string, depth int) bool {
	k := o.in(dir)
	if k == nil || depth > o.s.opt.MaxDepth {
		return true
	}
	if !k.component {
		return false
	}
	return !slices.ContainsFunc(o.above[dir], func(by string) bool { return by != dir && !o.deadEnd(by, depth+1) })
}

// leaves gives the leaves over paths.
func (o *overlays) leaves(names []string) []string {
	seen, out := map[string]bool{}, map[string]bool{}
	var climb func(dir string)
	climb = func(dir string) {
		if seen[dir] {
			return
		}
		seen[dir] = true
		if o.isLeaf(dir) {
			out[dir] = true
		}
		for _, by := range o.above[dir] {
			climb(by)
		}
	}
	for _, n := range names {
		for _, dir := range o.takenIn(n) {
			climb(dir)
		}
	}
	return keys(out)
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// closure gives the folders of the kustomizations that one takes in, itself
// first, and every file that they name or are.
func (o *overlays) closure(dir string) (dirs, files, charts []string, remote bool) {
	seen := map[string]bool{}
	var enter func(dir string)
	enter = func(dir string) {
		k := o.in(dir)
		if k == nil || seen[dir] || len(files) > maxClosure {
			return
		}
		seen[dir] = true
		dirs = append(dirs, dir)
		files = append(files, k.file)
		files = append(files, k.files...)
		remote = remote || k.remote
		own := o.chartsOf(k)
		remote = remote || len(own) < len(k.charts)
		for _, chart := range own {
			charts = append(charts, chart)
			files = append(files, o.s.chartClosure(chart)...)
		}
		for _, name := range k.uses {
			if ok, err := regular(o.s.fsys, name); err == nil && ok {
				files = append(files, name)
				continue
			}
			if o.in(name) == nil {
				files = append(files, name) // what is missing, or a folder of another kind
			}
			enter(name)
		}
	}
	enter(dir)
	files = slices.DeleteFunc(files, func(f string) bool { ok, err := regular(o.s.fsys, f); return err != nil || !ok })
	sort.Strings(files)
	return dirs, slices.Compact(files), charts, remote
}

// chartsOf gives the folders of the charts of a kustomization that lie in the
// tree.
func (o *overlays) chartsOf(k *kustomization) []string {
	var out []string
	for _, dirs := range k.charts {
		if i := slices.IndexFunc(dirs, o.s.isChart); i >= 0 {
			out = append(out, dirs[i])
		}
	}
	return out
}

// throughChart reports whether a chart is rendered by a kustomization that is
// built.
func (o *overlays) throughChart(dir string) bool {
	return slices.ContainsFunc(o.overCharts[dir], func(by string) bool {
		return !o.deadEnd(by, 0) && slices.Contains(o.chartsOf(o.in(by)), dir)
	})
}

// take makes units of leaves.
func (o *overlays) take(leaves []string) {
	for _, dir := range leaves {
		if o.reached[dir] {
			continue
		}
		o.reached[dir] = true
		_, files, charts, remote := o.closure(dir)
		if a, ok := o.s.fsys.(Announcer); ok {
			a.Announce(files...)
		}
		u := o.s.unit(kustomize.Name, dir, dir)
		u.Files, u.Partial = files, remote
		if v := o.s.set.KubeVersion; v != "" && len(charts) > 0 {
			u.Settings = map[string]string{helm.KubeVersion: v}
		}
	}
}

// through reports whether a manifest is judged through a kustomization.
func (o *overlays) through(name string) bool {
	return slices.ContainsFunc(o.above[name], func(by string) bool { return !o.deadEnd(by, 0) })
}

// patchOf gives the file of the kustomization that names a file as a patch
// although nothing builds it; "" where there is none.
func (o *overlays) patchOf(name string) string {
	o.near(name)
	for _, by := range o.above[name] {
		if k := o.in(by); k != nil && k.patches[name] {
			return k.file
		}
	}
	return ""
}

// reachOverlays finds the kustomizations that changes reach, on both sides: a
// leaf over a changed path, and on the other side what it is made of there.
func reachOverlays(ctx context.Context, base, head *side, changes []PathChange) {
	sides := [2]*overlays{base.overlays, head.overlays}
	var paths [2][]string
	triggered, charts := map[string]bool{}, map[string]bool{}
	for n, c := range changes {
		if n >= head.opt.MaxFiles {
			break
		}
		old := c.Path
		if c.OldPath != "" {
			old = c.OldPath
		}
		if !head.kept(c.Path) || skipped(c.Path) {
			continue
		}
		// What was removed or added bears on the entries that name it all the same.
		paths[0], paths[1] = append(paths[0], old, c.Path), append(paths[1], old, c.Path)
		for _, o := range sides {
			for _, name := range [2]string{old, c.Path} {
				if dir, ok := o.near(name); ok {
					triggered[dir] = true
				}
				// A chart may be rendered by kustomizations elsewhere.
				if dir, _, ok := o.s.chartOf(name); ok && dir != "." {
					charts[path.Dir(dir)] = true
				}
			}
		}
	}
	for _, dir := range keys(triggered) {
		for _, o := range sides {
			o.search(ctx, dir)
		}
	}
	for _, dir := range keys(charts) {
		for _, o := range sides {
			o.around(ctx, dir)
		}
	}
	for i, o := range sides {
		o.take(o.leaves(paths[i]))
	}
	for range 2 {
		for i, o := range sides {
			other := sides[1-i]
			for _, dir := range keys(other.reached) {
				dirs, files, charts, _ := other.closure(dir)
				for _, c := range charts {
					if !o.throughChart(c) && o.s.isChart(c) {
						o.s.charts[c] = true // it was a chart by itself
					}
				}
				o.take(slices.DeleteFunc(dirs, func(d string) bool { return !o.isLeaf(d) }))
				inChart := func(f string) bool {
					return slices.ContainsFunc(charts, func(c string) bool { return strings.HasPrefix(f, c+"/") })
				}
				for _, f := range files {
					if !inChart(f) && !o.through(f) && roleOf(f) == manifest {
						o.s.add(f) // it was a manifest by itself
					}
				}
			}
		}
	}
	if head.overlays.stopped && len(head.overlays.reached) > 0 {
		head.warn("", "overlays further away", "overlays were looked for in the nearest %d folders alone", head.opt.MaxFolders)
	}
}

// allOverlays takes every leaf of the kustomization files that a scan found.
func (o *overlays) allOverlays(files []string) {
	var dirs []string
	for _, f := range files {
		dirs = append(dirs, path.Dir(f))
		o.in(path.Dir(f))
	}
	o.take(slices.DeleteFunc(dirs, func(d string) bool { return !o.isLeaf(d) }))
	for _, f := range files {
		if dir := path.Dir(f); o.deadEnd(dir, 0) && o.in(dir) != nil {
			o.s.warn(f, dir, "is a component that no kustomization takes in")
		}
	}
}

// skipsManifest reports whether a manifest is not judged by itself, and says so
// of a patch that nothing builds.
func (s *side) skipsManifest(name string, say bool) bool {
	if s.overlays.through(name) {
		return true
	}
	k := s.overlays.patchOf(name)
	if k != "" && say && !s.overlays.through(name) {
		s.warn(name, name, "is a patch of %s, which no kustomization takes in", k)
	}
	return k != ""
}
