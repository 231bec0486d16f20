package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on a chart with everything below it.
const (
	maxCharts  = 100       // charts within each other
	maxNesting = 8         // levels of them
	maxArchive = 4 << 20   // bytes of one packed chart
	maxPacked  = 64 << 20  // bytes that the packed charts of a unit unfold to
	maxEntries = 5_000     // files of one packed chart
	maxFiles   = 128 << 20 // bytes of all files
)

// sourceFile is a file of a chart: what stands in it, and where a person finds
// it.
type sourceFile struct {
	*source.File
	// packed is the archive that the file was in; "" for one of the tree. A
	// file of an archive cannot be pointed to.
	packed string
}

// node is one chart of the tree of charts.
type node struct {
	chart  *chart.Chart
	parent *node
	dir    string // in the repository; of a packed chart the path of the archive with "!" and the folder
	packed string // the archive, "" where there is none
	name   string // by the chart's own word
}

// loaded is a unit's charts with their files.
type loaded struct {
	ctx  context.Context
	unit *format.Unit
	root *node
	// nodes are by the first file that a chart was loaded from: what stands for
	// a chart is copied when dependencies are worked out, its files are not.
	nodes     map[*chart.File]*node
	templates map[*chart.File]string // where each template stands: a key of files
	files     map[string]*sourceFile // by repository path, or by archive and path
	charts    int
	bytes     int
	packed    int
	diags     source.Diagnostics
}

// fail says that a part of the chart is not evaluated.
func (l *loaded) fail(level source.Level, file string, line int, what, text string, args ...any) {
	l.diags = append(l.diags, source.Diagnostic{
		File: file, Line: line, Level: level, Message: fmt.Sprintf(text, args...), NotEvaluated: what,
	})
}

var errTooLarge = errors.New("the chart's files are too large together")

// read gives a file of the tree.
func (l *loaded) read(name string, limit int64) ([]byte, error) {
	f, err := l.unit.FS.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file (a symbolic link is not followed)")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, cause(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes and was not read", limit)
	}
	if l.bytes += len(data); l.bytes > maxFiles {
		return nil, errTooLarge
	}
	return data, nil
}

// cause leaves out the path, which the diagnostic names.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return errors.New("cannot be read: " + yamltree.Clean(err.Error()))
}

// load reads the unit's chart and those below it. It gives nil where there is
// no chart to render.
func load(ctx context.Context, u *format.Unit) *loaded {
	l := &loaded{ctx: ctx, unit: u, nodes: map[*chart.File]*node{}, templates: map[*chart.File]string{}, files: map[string]*sourceFile{}}
	var files []*loader.BufferedFile
	needed := false // a template looks at the other files of the chart
	prefix := u.Dir + "/"
	if u.Dir == "." {
		prefix = ""
	}
	rules := l.ignored(prefix)
	var others []string
	for _, name := range u.Files {
		rel, ok := strings.CutPrefix(name, prefix)
		if !ok || rel == "" || ctx.Err() != nil {
			continue
		}
		if rules != nil && rel != "Chart.yaml" && ignoredBy(rules, rel) {
			continue
		}
		if !needsReading(rel) {
			others = append(others, name)
			continue
		}
		data, err := l.read(name, l.limit(rel))
		if err != nil {
			l.fail(source.LevelError, name, 0, name, "%v", err)
			continue
		}
		if path.Ext(rel) != ".tgz" {
			l.files[name] = &sourceFile{File: source.NewFile(name, data)}
		}
		needed = needed || bytes.Contains(data, []byte(".Files"))
		files = append(files, &loader.BufferedFile{Name: rel, Data: data})
	}
	if needed {
		for _, name := range others {
			data, err := l.read(name, l.limit(name))
			if err != nil {
				continue // what a template makes of a file that is not there is its own affair
			}
			files = append(files, &loader.BufferedFile{Name: strings.TrimPrefix(name, prefix), Data: data})
		}
	}
	l.root = l.build(files, u.Dir, "", 0)
	if l.root != nil {
		l.local(l.root, 0)
	}
	return l
}

// limit is the most that a file may have, in bytes.
func (l *loaded) limit(name string) int64 {
	limit := l.unit.MaxFileSize
	if limit <= 0 {
		limit = format.DefaultMaxFileSize
	}
	if path.Ext(name) == ".tgz" {
		return max(limit, maxArchive)
	}
	return limit
}

// needsReading reports whether a file takes part in every rendering; the others
// are read only where a template may ask for them.
func needsReading(rel string) bool {
	for {
		switch {
		case strings.HasPrefix(rel, "templates/"), strings.HasPrefix(rel, "crds/"):
			return true
		case !strings.Contains(rel, "/"):
			switch rel {
			case "Chart.yaml", "values.yaml", "requirements.yaml", schemaFile:
				return true
			}
			return path.Ext(rel) == ".tgz"
		}
		rest, ok := strings.CutPrefix(rel, "charts/")
		if !ok {
			return false
		}
		if _, below, ok := strings.Cut(rest, "/"); ok {
			rel = below
		} else {
			return path.Ext(rest) == ".tgz"
		}
	}
}

// ignored reads .helmignore; nil where there is none.
func (l *loaded) ignored(prefix string) *ignore.Rules {
	name := prefix + ".helmignore"
	if !slices.Contains(l.unit.Files, name) {
		return nil
	}
	data, err := l.read(name, 64<<10)
	if err != nil {
		return nil
	}
	rules, err := ignore.Parse(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return rules
}

// ignoredBy reports whether the rules leave out a file or a folder above it.
func ignoredBy(rules *ignore.Rules, rel string) bool {
	for i, c := range rel {
		if c == '/' && rules.Ignore(rel[:i], entry{path.Base(rel[:i]), true}) {
			return true
		}
	}
	return rules.Ignore(rel, entry{path.Base(rel), false})
}

// build makes the chart of the files, whose names are relative to it, and those
// below it.
func (l *loaded) build(files []*loader.BufferedFile, dir, packed string, depth int) *node {
	place := join(dir, "Chart.yaml")
	at := place
	if packed != "" {
		at = packed
	}
	if l.charts++; l.charts > maxCharts || depth > maxNesting {
		l.fail(source.LevelError, at, 0, dir, "the charts below it are too many or nested too deep")
		return nil
	}
	var own []*loader.BufferedFile
	below := map[string][]*loader.BufferedFile{}
	var order []string
	for _, f := range files {
		rest, ok := strings.CutPrefix(f.Name, "charts/")
		if !ok {
			if strings.HasSuffix(f.Name, ".lock") && !strings.Contains(f.Name, "/") {
				continue // what is locked is what lies in charts/
			}
			own = append(own, f)
			continue
		}
		name, _, _ := strings.Cut(rest, "/")
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue
		}
		if below[name] == nil {
			order = append(order, name)
		}
		below[name] = append(below[name], &loader.BufferedFile{Name: strings.TrimPrefix(rest, name+"/"), Data: f.Data})
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		l.fail(source.LevelError, at, 0, dir, "the chart cannot be loaded: %s", plain(err))
		return nil
	}
	n := &node{chart: c, dir: dir, packed: packed, name: c.Name()}
	l.nodes[c.Raw[0]] = n
	for _, t := range c.Templates {
		l.templates[t] = join(dir, t.Name)
	}
	slices.Sort(order)
	for _, name := range order {
		sub, subDir, subPacked := below[name], join(dir, "charts/"+name), packed
		if path.Ext(name) == ".tgz" && len(sub) == 1 && sub[0].Name == name {
			if packed == "" {
				subPacked = subDir
			}
			var top string
			if sub, top, err = l.unpack(sub[0].Data); err != nil {
				l.fail(source.LevelError, subPacked, 0, subDir, "the packed chart cannot be read: %s", plain(err))
				continue
			}
			subDir += "!" + top
		} else if !slices.ContainsFunc(sub, func(f *loader.BufferedFile) bool { return f.Name == "Chart.yaml" }) {
			continue // a file of another kind, or a folder that is no chart
		}
		if subPacked != "" {
			for _, f := range sub {
				name := join(subDir, f.Name)
				l.files[name] = &sourceFile{File: source.NewFile(name, f.Data), packed: subPacked}
			}
		}
		if child := l.build(sub, subDir, subPacked, depth+1); child != nil {
			child.parent = n
			c.AddDependency(child.chart)
		}
	}
	return n
}

// local adds the dependencies that a chart names by their path and does not have
// in charts/, and names those that are missing for good.
func (l *loaded) local(n *node, depth int) {
	for _, d := range n.chart.Metadata.Dependencies {
		if d == nil || n.packed != "" || n.has(d.Name) {
			continue
		}
		dir, ok := LocalChart(n.dir, d.Repository)
		if !ok || dir == n.dir || depth > maxNesting {
			continue
		}
		var files []*loader.BufferedFile
		prefix := dir + "/"
		if dir == "." {
			prefix = ""
		}
		for _, name := range l.unit.Files {
			rel, ok := strings.CutPrefix(name, prefix)
			if !ok || !needsReading(rel) {
				continue
			}
			data, err := l.read(name, l.limit(rel))
			if err != nil {
				l.fail(source.LevelError, name, 0, name, "%v", err)
				continue
			}
			l.files[name] = &sourceFile{File: source.NewFile(name, data)}
			files = append(files, &loader.BufferedFile{Name: rel, Data: data})
		}
		if !slices.ContainsFunc(files, func(f *loader.BufferedFile) bool { return f.Name == "Chart.yaml" }) {
			continue
		}
		if child := l.build(files, dir, "", depth+1); child != nil {
			child.parent = n
			n.chart.AddDependency(child.chart)
		}
	}
	for _, c := range n.chart.Dependencies() {
		l.local(l.nodes[c.Raw[0]], depth+1)
	}
	l.missing(n)
}

// has reports whether a chart of the name lies below.
func (n *node) has(name string) bool {
	return slices.ContainsFunc(n.chart.Dependencies(), func(c *chart.Chart) bool { return c.Name() == name })
}

// missing names the dependencies that a chart asks for and that are not in
// charts/.
func (l *loaded) missing(n *node) {
	for _, d := range n.chart.Metadata.Dependencies {
		if d == nil || n.has(d.Name) {
			continue
		}
		file, line := n.definition(l, d.Name)
		what := yamltree.Clean(d.Name)
		if v := yamltree.Clean(d.Version); v != "" {
			what += " " + v
		}
		l.fail(source.LevelWarning, file, line, what, "the dependency %s is not vendored in %s, so what it brings is not evaluated", what, join(n.shown(), "charts/"))
	}
}

// shown is the chart's folder as people know it.
func (n *node) shown() string {
	if n.packed != "" {
		return n.packed
	}
	return n.dir
}

// definition gives the file and line where a chart names a dependency.
func (n *node) definition(l *loaded, dependency string) (string, int) {
	if n.packed != "" {
		return n.packed, 0
	}
	for _, base := range [...]string{"Chart.yaml", "requirements.yaml"} {
		f := l.files[join(n.dir, base)]
		if f == nil {
			continue
		}
		for i := range f.Lines() {
			text := strings.TrimLeft(f.Line(i+1), " -")
			if rest, ok := strings.CutPrefix(text, "name:"); ok && strings.Trim(strings.TrimSpace(rest), `"'`) == dependency {
				return f.Path, i + 1
			}
		}
	}
	return join(n.dir, "Chart.yaml"), 0
}

// unpack gives the files of a packed chart, relative to the one folder at its
// top.
func (l *loaded) unpack(data []byte) ([]*loader.BufferedFile, string, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, "", err
	}
	var out []*loader.BufferedFile
	top := ""
	limit := l.limit("")
	r := tar.NewReader(io.LimitReader(zipped, maxPacked))
	for n := 0; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", err
		}
		if n > maxEntries {
			return nil, "", fmt.Errorf("it holds more than %d files", maxEntries)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		first, rel, ok := strings.Cut(path.Clean(h.Name), "/")
		if !ok || !fs.ValidPath(rel) || first == ".." {
			continue
		}
		if l.packed += int(min(h.Size, maxPacked)); l.packed > maxPacked {
			return nil, "", fmt.Errorf("the packed charts unfold to more than %d MB", maxPacked>>20)
		}
		if h.Size > limit {
			if needsReading(rel) {
				return nil, "", fmt.Errorf("it holds a file of more than %d bytes", limit)
			}
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, "", err
		}
		top = first
		out = append(out, &loader.BufferedFile{Name: rel, Data: body})
	}
	if len(out) == 0 {
		return nil, "", errors.New("it holds no files")
	}
	slices.SortFunc(out, func(a, b *loader.BufferedFile) int { return strings.Compare(a.Name, b.Name) })
	return out, top, nil
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// plain makes one short line of an error's text.
func plain(err error) string { return yamltree.Clean(strings.Join(strings.Fields(err.Error()), " ")) }
