package kustomize

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// A chart that a kustomization names and that lies in the tree is rendered by
// the reader of charts; kustomize runs the program helm for it. What comes out
// goes into the build as a file of resources, each value on a line of its own,
// so that transformers and patches bear on it and its place is found again.

// ChartHome is the folder that kustomize looks for charts in, where a
// kustomization names no other.
const ChartHome = "charts"

// maxCharts bounds the charts that one unit renders.
const maxCharts = 50

// ChartPlugin is kustomize's own generator that renders a chart.
const ChartPlugin = "HelmChartInflationGenerator"

// chartUse is one entry that names a chart.
type chartUse struct {
	k     *spec
	field string         // helmCharts
	n     *resource.Node // the entry
	file  *source.File   // that it is written in; nil where its places are not those of a file
	home  string
	names map[string]string // of its fields, where they are not those of helmCharts
}

// oldChart are the names that an entry of helmChartInflationGenerator has for
// the fields of one of helmCharts. The others bear on how helm is run.
var oldChart = map[string]string{
	"name": "chartName", "version": "chartVersion", "repo": "chartRepoUrl", "valuesFile": "values", "valuesInline": "valuesLocal",
	"valuesMerge": "valuesMerge", "releaseName": "releaseName",
}

func (c *chartUse) get(name string) *resource.Node {
	if c.names != nil {
		if name = c.names[name]; name == "" {
			return nil
		}
	}
	return c.n.Get(name)
}

func (c *chartUse) text(name string) string {
	v := c.get(name)
	if v == nil {
		return ""
	}
	switch x := v.Value.(type) {
	case string:
		return x
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

func (c *chartUse) set(name string) bool {
	v := c.get(name)
	return v != nil && v.Value == true
}

// at is where the entry has the chart's name.
func (c *chartUse) at() source.Range {
	v := c.get("name")
	switch {
	case v == nil || c.file == nil:
		return nodePlace(c.n)
	case v.KeyRange.IsZero():
		return v.Range
	}
	return source.Range{File: v.Range.File, Start: v.KeyRange.Start, End: v.Range.End}
}

// charts takes up the charts that a field names.
func (s *scan) charts(k *spec, name string, n *resource.Node) {
	if name == "helmGlobals" {
		return // read with the charts
	}
	home := k.root.Path("helmGlobals", "chartHome").Str()
	for _, it := range s.items(name, n) {
		c := &chartUse{k: k, field: name, n: it, file: k.file, home: home}
		if name == "helmChartInflationGenerator" {
			c.names = oldChart
			for _, other := range itemsOf(n) {
				if h := other.Get("chartHome").Str(); h != "" {
					c.home = h // the last one counts for all
				}
			}
		}
		if s.chart(c); s.failed {
			return
		}
	}
}

// chart renders one chart. What stands in the way is named, and what else the
// kustomization builds is judged without it.
func (s *scan) chart(c *chartUse) {
	if s.ctx.Err() != nil {
		return
	}
	name := c.text("name")
	refuse := func(why string, args ...any) {
		c.k.lacks = true
		s.leave(c.at(), "chart "+name, "%s names the chart %s, which is not evaluated: %s", c.field, yamltree.Clean(name), fmt.Sprintf(why, args...))
	}
	dir, ok := s.chartFolder(c, name)
	if !ok {
		refuse("it is not vendored in %s", yamltree.Clean(path.Join(c.k.dir, c.homeOf(), name)))
		return
	}
	if s.chartsRead++; s.chartsRead > maxCharts {
		refuse("one overlay renders at most %d charts", maxCharts)
		return
	}
	u := format.Unit{
		ID: helm.Name + ":" + dir, Format: helm.Name, Dir: dir, Files: s.u.Files, MaxFileSize: s.u.MaxFileSize,
		Settings: maps.Clone(s.u.Settings),
	}
	if u.Settings == nil {
		u.Settings = map[string]string{}
	}
	delete(u.Settings, helm.Namespace)
	for key, field := range map[string]string{helm.Namespace: "namespace", helm.KubeVersion: "kubeVersion", helm.ReleaseName: "releaseName"} {
		if v := c.text(field); v != "" {
			u.Settings[key] = v
		}
	}
	if v := c.text("nameTemplate"); v != "" && !strings.Contains(v, "{{") {
		u.Settings[helm.ReleaseName] = v
	}
	var apis []string
	for _, it := range itemsOf(c.get("apiVersions")) {
		apis = append(apis, it.Str())
	}
	u.Settings[helm.APIVersions] = strings.Join(apis, ",")
	v := &chartValues{scan: s, chart: c, unit: &u, more: map[string][]byte{}}
	if why := v.read(dir); why != "" {
		refuse("%s", why)
		return
	}
	u.FS = format.Overlay{FS: s.u.FS, Files: v.more}
	rs, ds := helm.New().Read(s.ctx, u)
	v.relocate(rs, ds)
	s.diags = append(s.diags, ds...)
	if len(rs) == 0 && slices.ContainsFunc(ds, func(d source.Diagnostic) bool { return d.NotEvaluated != "" }) {
		c.k.lacks = true
	}
	f := &file{path: dir, number: s.number()}
	s.files = append(s.files, f)
	for _, r := range rs {
		if c.leftOut(dir, r) {
			continue
		}
		if s.layOutRendered(f, r, u.ID, c.at()); s.failed {
			return
		}
	}
	if len(f.docs) == 0 {
		return
	}
	c.k.uses = append(c.k.uses, use{at: c.at(), file: f})
	c.k.add("resources", fmt.Sprintf("../../f/%d", f.number))
}

func (c *chartUse) homeOf() string {
	if c.home != "" {
		return c.home
	}
	return ChartHome
}

// ChartFolders gives the folders in which kustomize looks for a chart, the one
// that counts first.
func ChartFolders(home, name, version, repo string) []string {
	if home == "" {
		home = ChartHome
	}
	if name == "" || path.IsAbs(home) || strings.Contains(name, "/") {
		return nil
	}
	out := []string{path.Join(home, name)}
	if version != "" && repo != "" {
		out = append([]string{path.Join(home, name+"-"+version, name)}, out...)
	}
	return out
}

func (s *scan) chartFolder(c *chartUse, name string) (string, bool) {
	for _, rel := range ChartFolders(c.home, name, c.text("version"), c.text("repo")) {
		if dir, isDir, err := s.resolve(c.k, rel); err == nil && isDir && regular(s.u.FS, path.Join(dir, "Chart.yaml")) {
			return dir, true
		}
	}
	return "", false
}

// leftOut reports whether the entry leaves a resource of its chart out, as the
// program helm does by --include-crds, --no-hooks and --skip-tests.
func (c *chartUse) leftOut(dir string, r *resource.Resource) bool {
	hooks := r.Root.Path("metadata", "annotations", "helm.sh/hook").Str()
	switch {
	case hooks != "" && c.set("skipHooks"):
		return true
	case strings.Contains(hooks, "test") && c.set("skipTests"):
		return true
	}
	return r.Kind == "CustomResourceDefinition" && !c.set("includeCRDs") && strings.Contains(strings.TrimPrefix(r.Range.File, dir), "/crds/")
}

// chartValues are the values that an entry gives a chart, as files.
type chartValues struct {
	scan   *scan
	chart  *chartUse
	unit   *format.Unit
	more   map[string][]byte // files beside those of the tree
	name   string            // of the one that stands for valuesInline
	inline *resource.Node
	exact  bool // what stands in it stands at the same bytes of the kustomization
}

// read names the values files in the order in which they lie over each other.
// why says what stands in the way.
func (v *chartValues) read(dir string) (why string) {
	c := v.chart
	own := path.Join(dir, "values.yaml")
	var values string
	if n := c.get("valuesFile"); n != nil && n.Str() != "" {
		name, isDir, err := v.scan.resolve(c.k, n.Str())
		if err != nil || isDir {
			return fmt.Sprintf("its values file %s is not in the tree", yamltree.Clean(n.Str()))
		}
		values = name
	}
	v.inline = c.get("valuesInline")
	var inputs []string
	if v.inline != nil && len(v.inline.Fields) > 0 {
		v.name = path.Join(c.k.dir, ":values", itoa(v.scan.chartsRead)+".yaml")
		v.more[v.name], v.exact = v.text()
		inputs = append(inputs, v.name)
	}
	switch merge := c.text("valuesMerge"); {
	case merge == "" || merge == "override":
		if values != "" && values != own {
			inputs = append([]string{values}, inputs...)
		}
	case merge == "merge" && len(inputs) > 0:
		if values == "" && regular(v.scan.u.FS, own) {
			values = own
		}
		if values != "" {
			inputs = append(inputs, values)
		}
	case len(inputs) == 0 && values != "" && values != own:
		inputs = append(inputs, values)
	case merge != "replace" && merge != "merge":
		return fmt.Sprintf("its valuesMerge is %s, which kustomize does not know", yamltree.Clean(merge))
	}
	for _, it := range itemsOf(c.get("additionalValuesFiles")) {
		name, isDir, err := v.scan.resolve(c.k, it.Str())
		if err != nil || isDir {
			return fmt.Sprintf("its values file %s is not in the tree", yamltree.Clean(it.Str()))
		}
		inputs = append(inputs, name)
	}
	v.unit.Inputs = inputs
	return ""
}

// text gives valuesInline as a file: the kustomization with everything else
// blank, so that each value stands where it did; or anew, where an alias brings
// something in.
func (v *chartValues) text() ([]byte, bool) {
	f := v.chart.file
	r := v.inline.Range
	own := f != nil && r.File == f.Path && r.End.Byte <= len(f.Data)
	resource.Walk(v.inline, func(_ resource.Path, n *resource.Node) bool {
		own = own && len(n.Origins) == 0
		return own
	})
	if !own {
		var e emitter
		e.node(v.inline)
		return e.b.Bytes(), false
	}
	out := bytes.Clone(f.Data[:r.End.Byte])
	for i := range out[:r.Start.Byte] {
		if out[i] != '\n' && out[i] != '\r' {
			out[i] = ' '
		}
	}
	return out, true
}

// relocate moves what stands in the file that stands for valuesInline to the
// kustomization.
func (v *chartValues) relocate(rs []*resource.Resource, ds source.Diagnostics) {
	if v.name == "" {
		return
	}
	moved := func(r source.Range) source.Range {
		switch {
		case r.File != v.name:
			return r
		case v.exact:
			return v.chart.file.Range(r.Start.Byte, r.End.Byte)
		}
		return nodePlace(v.inline)
	}
	for _, r := range rs {
		resource.Walk(r.Root, func(_ resource.Path, n *resource.Node) bool {
			n.Range, n.KeyRange = moved(n.Range), moved(n.KeyRange)
			n.Origins = slices.Clone(n.Origins) // a reader may share them
			for i, o := range n.Origins {
				n.Origins[i] = moved(o)
			}
			return true
		})
	}
	for i := range ds {
		if ds[i].File != v.name {
			continue
		}
		if !v.exact || ds[i].Line == 0 {
			ds[i].Line = nodePlace(v.inline).Start.Line
		}
		ds[i].File = nodePlace(v.inline).File
		if ds[i].NotEvaluated == v.name {
			ds[i].NotEvaluated = "chart " + v.chart.text("name")
		}
	}
}

// emitter writes a tree as text of which every node begins on a line of its own.
type emitter struct {
	b      bytes.Buffer
	lines  int // that are complete
	index  map[place]written
	laid   map[*resource.Node]string // what stands for a value that is not known
	next   func(*resource.Node) string
	names  []string
	lineAt int // where the present line begins
}

func (e *emitter) line() {
	e.b.WriteByte('\n')
	e.lines++
	e.lineAt = e.b.Len()
}

func (e *emitter) node(n *resource.Node) {
	if e.index != nil {
		e.index[place{e.lines + 1, e.b.Len() - e.lineAt + 1}] = written{n, strings.Join(e.names, "\x00")}
	}
	switch {
	case n.Unknown && e.next != nil:
		text := e.next(n)
		e.laid[n] = text
		e.b.WriteString(strconv.QuoteToASCII(text))
	case n.Kind == resource.Map:
		e.b.WriteByte('{')
		for i, f := range n.Fields {
			if i > 0 {
				e.b.WriteByte(',')
			}
			e.line()
			const longest = 200 // a key in front of its value may have a kilobyte
			if len(f.Name) > longest {
				e.b.WriteString("? ")
			}
			e.b.WriteString(strconv.QuoteToASCII(f.Name))
			if len(f.Name) > longest {
				e.line()
			}
			e.b.WriteString(": ")
			e.names = append(e.names, f.Name)
			e.node(f.Node)
			e.names = e.names[:len(e.names)-1]
		}
		e.b.WriteByte('}')
	case n.Kind == resource.List:
		e.b.WriteByte('[')
		for i, it := range n.Items {
			if i > 0 {
				e.b.WriteByte(',')
			}
			e.line()
			e.node(it)
		}
		e.b.WriteByte(']')
	default:
		e.b.WriteString(scalarText(n))
	}
}

func scalarText(n *resource.Node) string {
	switch v := n.Value.(type) {
	case string:
		return strconv.QuoteToASCII(v)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eE") {
			s += ".0"
		}
		return s
	}
	return "null"
}

// layOutRendered adds a resource that a chart was rendered to to a file of the
// build.
func (s *scan) layOutRendered(f *file, r *resource.Resource, unit string, by source.Range) {
	d := &document{path: r.Range.File, root: r.Root, exact: true, rendered: r, renderedBy: by, unit: unit, first: s.next, start: 1}
	e := emitter{index: map[place]written{}, laid: map[*resource.Node]string{}}
	name := r.Root.Path("metadata", "name")
	e.next = func(n *resource.Node) string {
		if n == name {
			return r.Name // it tells resources apart
		}
		s.unknowns = append(s.unknowns, n)
		return fmt.Sprintf("unknown-%d-of-the-chart", len(s.unknowns)-1)
	}
	e.node(r.Root)
	e.line()
	d.index, d.laid, d.lines = e.index, e.laid, e.lines
	s.next += d.lines + 1
	s.laidOut += d.first + e.b.Len()
	if s.laidOut > maxLayout {
		s.fail(by, "the manifests are too many to tell their lines apart (%d lines)", s.next)
		return
	}
	f.docs = append(f.docs, d)
	s.docs = append(s.docs, d)
	f.count++
	text := bytes.NewBuffer(s.contents["/f/"+itoa(f.number)])
	if len(f.docs) > 1 {
		text.WriteString("---\n")
	}
	for range d.first - 1 {
		text.WriteByte('\n')
	}
	text.Write(e.b.Bytes())
	s.contents["/f/"+itoa(f.number)] = text.Bytes()
}
