package project

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
)

// A chart is a folder with a Chart.yaml. One that lies in the charts/ of another
// is a part of that one. Whatever is changed of a chart reaches it, and the
// charts that name it as a dependency by its path (file://../x).

const (
	chartFile = "Chart.yaml"
	// maxChartFile bounds a Chart.yaml that is read, in bytes.
	maxChartFile = 256 << 10
	// maxChartFiles and maxChartFolders bound one chart.
	maxChartFiles   = 3_000
	maxChartFolders = 500
	// chartTemplate is what look gives for a template outside of a chart.
	chartTemplate = "template of a chart"
	// maxChartValues bounds the values files that one chart is read with.
	maxChartValues = 16
	// maxLocal bounds how far dependencies by path are followed.
	maxLocal = 4
	// maxChartSearch bounds, in folders, the search for charts that depend on a
	// changed one.
	maxChartSearch = 300
)

// chartPart reports whether a path may belong to a chart's definition, by its
// name alone.
func chartPart(name string) bool {
	if hasAnySuffix(name, ".md", ".png", ".svg") {
		return false
	}
	switch base := path.Base(name); {
	case base == chartFile, base == "Chart.lock", base == "requirements.yaml", base == "requirements.lock", base == ".helmignore",
		isValues(base), path.Ext(base) == ".tgz":
		return true
	}
	for _, dir := range chartFolders {
		if strings.HasPrefix(name, dir) || strings.Contains(name, "/"+dir) {
			return true
		}
	}
	return false
}

// chartFolders are those of a chart whose files are read as part of it.
var chartFolders = []string{"templates/", "charts/", "crds/", "ci/", "environments/", "envs/", "values/", "files/"}

// isValues reports whether a base name is one of a chart's values.
func isValues(base string) bool {
	if !hasAnySuffix(base, ".yaml", ".yml") {
		return false
	}
	stem := strings.TrimSuffix(base, path.Ext(base))
	return stem == "values" || len(stem) > 7 && (strings.HasPrefix(stem, "values") && strings.IndexByte("-._", stem[6]) >= 0 ||
		strings.HasSuffix(stem, "values") && strings.IndexByte("-._", stem[len(stem)-7]) >= 0)
}

// isVariant reports whether a file of a chart, by its path in it, holds an
// environment's values.
func isVariant(rel string) bool {
	dir, base := path.Split(rel)
	if !hasAnySuffix(base, ".yaml", ".yml") {
		return false
	}
	switch {
	case dir == "":
		return isValues(base) && base != "values.yaml"
	case dir == "ci/":
		return isValues(base)
	case dir == "values/":
		return true
	}
	first, rest, _ := strings.Cut(rel, "/")
	return (first == "environments" || first == "envs") && (!strings.Contains(rest, "/") || isValues(base) && strings.Count(rest, "/") == 1)
}

// owns reports whether a file, by its path in a chart's folder, is nothing but a
// part of the chart.
func owns(rel string) bool {
	switch first, _, below := strings.Cut(rel, "/"); {
	case below:
		return first == "templates" || first == "charts" || first == "crds" || isVariant(rel)
	case rel == chartFile, rel == "Chart.lock", rel == "requirements.yaml", rel == "requirements.lock", rel == ".helmignore":
		return true
	}
	return isValues(rel)
}

// chartOf gives the folder of the outermost chart that a file is a part of;
// alone says that it is nothing else.
func (s *side) chartOf(name string) (dir string, alone, ok bool) {
	if !chartPart(name) {
		return "", false, false
	}
	for d := path.Dir(name); ; d = path.Dir(d) {
		rel := strings.TrimPrefix(name, d+"/")
		if s.isChart(d) && s.kept(path.Join(d, chartFile)) {
			switch {
			case !ok:
				dir, alone, ok = d, owns(rel), true
			case strings.HasPrefix(rel, "charts/"):
				dir, alone = d, true
			}
		}
		if d == "." {
			break
		}
	}
	if ok && !alone {
		ok = chartPart(strings.TrimPrefix(name, dir+"/"))
	}
	return dir, alone, ok
}

func (s *side) isChart(dir string) bool {
	known, ok := s.isDir[dir]
	if !ok {
		known, _ = regular(s.fsys, path.Join(dir, chartFile))
		s.isDir[dir] = known
	}
	return known
}

// reachCharts makes units of the charts that either side was found to reach, on
// both sides, and of those that depend on them by path.
func reachCharts(ctx context.Context, sides ...*side) {
	reached := map[string]bool{}
	for _, s := range sides {
		for dir := range s.charts {
			reached[dir] = true
		}
	}
	for _, s := range sides {
		if len(reached) == 0 {
			break
		}
		dirs := keysOf(reached)
		for range maxLocal {
			more := s.dependents(ctx, dirs)
			if len(more) == 0 {
				break
			}
			dirs = nil
			for _, d := range more {
				if !reached[d] {
					reached[d] = true
					dirs = append(dirs, d)
				}
			}
		}
	}
	for _, s := range sides {
		for _, dir := range keysOf(reached) {
			if s.isChart(dir) {
				s.chartUnits(dir)
			}
		}
	}
}

func keysOf(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// dependents gives the charts near the given ones that name one of them as a
// dependency by its path: those below the folders one and two above it.
func (s *side) dependents(ctx context.Context, dirs []string) []string {
	wanted := map[string]bool{}
	around := map[string]bool{}
	for _, d := range dirs {
		wanted[d] = true
		if d != "." {
			up := path.Dir(d)
			around[up] = true
			if up != "." {
				around[path.Dir(up)] = true
			}
		}
	}
	var found []string
	seen := map[string]bool{}
	level := keysOf(around)
	for depth := 0; depth < 3 && len(level) > 0 && ctx.Err() == nil; depth++ {
		if a, ok := s.fsys.(interface{ AnnounceFolders(...string) }); ok {
			a.AnnounceFolders(level...)
		}
		var next []string
		for _, d := range level {
			if seen[d] || len(seen) >= maxChartSearch {
				continue
			}
			seen[d] = true
			entries, err := fs.ReadDir(s.fsys, d)
			if err != nil {
				continue
			}
			for _, e := range entries {
				full := path.Join(d, e.Name())
				switch {
				case e.IsDir() && !skippedDir(e.Name()) && e.Name() != "templates" && e.Name() != "charts" && !strings.HasPrefix(e.Name(), "."):
					next = append(next, full)
				case e.IsDir() && e.Name() == "charts" && !s.isChart(d):
					next = append(next, full) // a folder that holds the repository's charts
				case e.Name() == chartFile && e.Type().IsRegular():
					s.isDir[d] = true
					found = append(found, d)
				}
			}
		}
		level = next
	}
	var files []string
	for _, d := range found {
		files = append(files, path.Join(d, chartFile))
	}
	if a, ok := s.fsys.(Announcer); ok {
		a.Announce(files...)
	}
	var out []string
	for _, d := range found {
		if !wanted[d] && s.kept(path.Join(d, chartFile)) && slices.ContainsFunc(s.localCharts(d), func(dep string) bool { return wanted[dep] }) {
			out = append(out, d)
		}
	}
	return out
}

// localCharts gives the folders of the dependencies that a chart names by their
// path and that are charts of the tree.
func (s *side) localCharts(dir string) []string {
	var out []string
	for _, base := range [...]string{chartFile, "requirements.yaml"} {
		data, err := readSome(s.fsys, path.Join(dir, base), maxChartFile)
		if err != nil {
			continue
		}
		var c struct {
			Dependencies []struct {
				Repository string `yaml:"repository"`
			} `yaml:"dependencies"`
		}
		if yaml.Unmarshal(data, &c) != nil {
			continue
		}
		for _, d := range c.Dependencies {
			if local, ok := helm.LocalChart(dir, d.Repository); ok && local != dir && s.isChart(local) && !slices.Contains(out, local) {
				out = append(out, local)
			}
		}
	}
	return out
}

func readSome(fsys fs.FS, name string, most int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errors.New("is too large")
	}
	return data, err
}

// chartUnits makes the units of a chart: one for its own values, one for each
// file of an environment's values.
func (s *side) chartUnits(dir string) {
	id := helm.Name + ":" + dir
	if s.units[id] != nil {
		return
	}
	own, variants := s.chartFiles(dir, true)
	if len(own) == 0 {
		return
	}
	files := s.withLocal(dir, own)
	through := s.overlays.throughChart(dir)
	for _, v := range s.givenValues() {
		if s.valuesOf(v) == dir {
			variants = append(variants, v)
		}
	}
	if a, ok := s.fsys.(Announcer); ok {
		a.Announce(files...)
	}
	settings := map[string]string{}
	for key, v := range map[string]string{helm.KubeVersion: s.set.KubeVersion, helm.Namespace: s.set.Namespace} {
		if v != "" {
			settings[key] = v
		}
	}
	if !through {
		u := s.unit(helm.Name, dir, dir)
		u.Files, u.Settings = files, settings
	}
	if len(variants) > maxChartValues {
		for _, v := range variants[maxChartValues:] {
			s.warn(v, v, "the chart is evaluated with at most %d files of values, and not with this one", maxChartValues)
		}
		variants = variants[:maxChartValues]
	}
	for _, v := range variants {
		if through && len(s.overlays.above[v]) > 0 {
			continue // the kustomization that renders the chart says it
		}
		name := strings.TrimPrefix(v, dir+"/")
		u := s.unit(helm.Name, dir+"@"+name, dir)
		u.Files, u.Variant, u.Inputs, u.Settings = files, name, []string{v}, settings
	}
}

// chartClosure gives the files that the rendering of a chart may read.
func (s *side) chartClosure(dir string) []string {
	own, _ := s.chartFiles(dir, false)
	return s.withLocal(dir, own)
}

// withLocal adds to the files of a chart those of the dependencies that it names
// by their path.
func (s *side) withLocal(dir string, own []string) []string {
	files := slices.Clone(own)
	done := map[string]bool{dir: true}
	todo := s.localCharts(dir)
	for depth := 0; depth < maxLocal && len(todo) > 0; depth++ {
		var next []string
		for _, d := range todo {
			if done[d] {
				continue
			}
			done[d] = true
			more, _ := s.chartFiles(d, false)
			files = append(files, more...)
			next = append(next, s.localCharts(d)...)
		}
		todo = next
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// chartFiles lists the files of a chart's folder that its rendering may read,
// and those of an environment's values. A folder with a Chart.yaml of its own is
// another chart, but below charts/.
func (s *side) chartFiles(dir string, say bool) (files, variants []string) {
	root := dir == "."
	level := []string{dir}
	folders := 0
	for len(level) > 0 {
		if a, ok := s.fsys.(interface{ AnnounceFolders(...string) }); ok {
			a.AnnounceFolders(level...)
		}
		var next []string
		for _, d := range level {
			if folders++; folders > maxChartFolders {
				break
			}
			entries, err := fs.ReadDir(s.fsys, d)
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) {
					s.warn(d, d, "the folder cannot be listed: %v", reason(err))
				}
				continue
			}
			for _, e := range entries {
				full := path.Join(d, e.Name())
				rel := full
				if !root {
					rel = strings.TrimPrefix(full, dir+"/")
				}
				inside := slices.ContainsFunc(chartFolders, func(f string) bool { return strings.HasPrefix(rel+"/", f) })
				switch {
				case e.IsDir():
					if skippedDir(e.Name()) && e.Name() != "vendor" || strings.HasPrefix(e.Name(), ".") || root && !inside {
						continue
					}
					if !strings.HasPrefix(rel, "charts/") && s.isChart(full) {
						continue
					}
					next = append(next, full)
				case !e.Type().IsRegular():
					if say && owns(rel) {
						s.warn(full, full, "is not a regular file (a symbolic link is not followed), so it is not evaluated")
					}
				case root && d == "." && !owns(rel) && path.Ext(rel) != ".tgz":
				case len(files) >= maxChartFiles:
					if say {
						s.warn(dir, dir, "the chart has more than %d files; the rest was not read", maxChartFiles)
					}
					return files, variants
				default:
					files = append(files, full)
					if (isVariant(rel) || s.isGiven(full)) && s.kept(full) {
						variants = append(variants, full)
					}
				}
			}
		}
		level = next
	}
	sort.Strings(variants)
	return files, variants
}

// isGiven reports whether the repository's configuration names a file as values
// of a chart.
func (s *side) isGiven(name string) bool {
	return hasAnySuffix(name, ".yaml", ".yml") && slices.ContainsFunc(s.set.HelmValues, func(p string) bool { return Match(p, name) })
}

// givenValues gives the values files that the configuration names and that lie
// outside of every chart. Their folders are searched from where the patterns
// begin to be patterns.
func (s *side) givenValues() []string {
	if s.given != nil || len(s.set.HelmValues) == 0 {
		return s.given
	}
	s.given = []string{}
	seen := map[string]bool{}
	for _, p := range s.set.HelmValues {
		dir := path.Dir(p)
		if i := strings.IndexAny(p, "*?[{"); i >= 0 {
			dir = path.Dir(p[:i] + "x")
		}
		level := []string{dir}
		for len(level) > 0 && len(seen) < maxChartFolders {
			var next []string
			for _, d := range level {
				if seen[d] {
					continue
				}
				seen[d] = true
				entries, err := fs.ReadDir(s.fsys, d)
				if err != nil {
					continue
				}
				for _, e := range entries {
					full := path.Join(d, e.Name())
					switch {
					case e.IsDir() && !skippedDir(e.Name()) && !strings.HasPrefix(e.Name(), "."):
						next = append(next, full)
					case e.Type().IsRegular() && s.isGiven(full) && s.kept(full):
						if _, _, ok := s.chartOf(full); !ok && s.chartAbove(full) == "" {
							s.given = append(s.given, full)
						}
					}
				}
			}
			level = next
		}
	}
	slices.Sort(s.given)
	s.given = slices.Compact(s.given)
	return s.given
}

func (s *side) chartAbove(name string) string {
	for d := path.Dir(name); ; d = path.Dir(d) {
		if s.isChart(d) {
			return d
		}
		if d == "." {
			return ""
		}
	}
}

// valuesOf gives the chart that a values file outside of every chart is for: the
// one whose folder's name the file or a folder above it has, or the only one
// that is found; "" where that does not decide.
func (s *side) valuesOf(name string) string {
	all := s.allCharts()
	words := strings.FieldsFunc(strings.TrimSuffix(name, path.Ext(name)), func(c rune) bool { return c == '/' || c == '.' || c == '_' })
	found := ""
	for _, dir := range all {
		if slices.Contains(words, path.Base(dir)) {
			if found != "" {
				return ""
			}
			found = dir
		}
	}
	if found == "" && len(all) == 1 {
		return all[0]
	}
	return found
}

// allCharts gives the charts of the tree that are in no other's charts/, as far
// as a bounded search finds them.
func (s *side) allCharts() []string {
	if s.every != nil {
		return s.every
	}
	s.every = []string{}
	level := []string{"."}
	for seen := 0; len(level) > 0 && seen < maxChartSearch; {
		if a, ok := s.fsys.(interface{ AnnounceFolders(...string) }); ok {
			a.AnnounceFolders(level...)
		}
		var next []string
		for _, d := range level {
			if seen++; seen > maxChartSearch {
				break
			}
			entries, err := fs.ReadDir(s.fsys, d)
			if err != nil {
				continue
			}
			if s.isChart(d) {
				s.every = append(s.every, d)
				continue
			}
			for _, e := range entries {
				if e.IsDir() && !skippedDir(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
					next = append(next, path.Join(d, e.Name()))
				}
			}
		}
		level = next
	}
	return s.every
}

// looksLikeTemplate reports whether a manifest is a template of Helm's: outside
// of a chart nothing says what it is filled in with.
func looksLikeTemplate(data []byte) bool {
	for {
		i := bytes.Index(data, []byte("{{"))
		if i < 0 {
			return false
		}
		data = data[i+2:]
		end := bytes.Index(data, []byte("}}"))
		if end < 0 {
			return false
		}
		for _, word := range [...]string{".Values", ".Release", ".Chart.", ".Capabilities", `include "`, `template "`} {
			if bytes.Contains(data[:end], []byte(word)) {
				return true
			}
		}
	}
}
