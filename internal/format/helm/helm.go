// Package helm renders Helm charts and reads what comes out. A unit is a chart
// with everything below it, once for its own values and once for each file of
// values that an environment has.
//
// Charts are loaded by Helm's own library; dependencies, values and templates
// follow Helm's rules and are held against Helm in the tests. Templates run on
// text/template, each by itself, so that one which fails costs itself alone. There is no cluster and no
// network: lookup finds nothing, and what would be made anew with each release,
// a password, a certificate, is unknown, as is the release's namespace.
//
// A resource stands where its template is written. The Range of a value is what
// a person edits there: the value itself where the template has it literally,
// else the action that writes it; its Origins name the settings in the values
// files that decide it, the nearest first, and the actions that include its
// template. What a packed chart (charts/x-1.0.0.tgz) brings stands where the
// chart's own files bring it in.
package helm

import (
	"context"
	"errors"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = resource.Helm

// Keys of Unit.Settings.
const (
	KubeVersion = "kube_version" // of the cluster, as in 1.34 or v1.34.2
	Namespace   = "namespace"    // that the chart is released into
	ReleaseName = "release_name" // of the release; left out: the chart's name
	APIVersions = "api_versions" // that the cluster has beside those of Kubernetes, with commas between
)

// maxManifest bounds what one template renders to, in bytes: reading it as YAML
// takes fifty times as much.
const maxManifest = 4 << 20

// Reader reads charts. It holds no state and is safe for concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. Unit.Files are the files of the chart's folder,
// Unit.Inputs the values files, the later over the earlier. Resources come in
// the order of their templates' paths. What cannot be rendered (a dependency
// that is not vendored, a setting that is required and missing, a template that
// fails) is a diagnostic that names it, and costs nothing else.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if len(u.Files) == 0 {
		return nil, nil
	}
	l := load(ctx, &u)
	var rs []*resource.Resource
	if values, ok := l.given(); ok && l.root != nil {
		rs = l.render(values)
	}
	if err := ctx.Err(); err != nil {
		l.fail(source.LevelError, join(u.Dir, "Chart.yaml"), 0, u.Dir, "the rendering was stopped: %v", err)
	}
	l.diags.Sort()
	return rs, l.diags
}

// Render renders a chart with values, which lie over the chart's own, and gives
// its resources as Read does. It is for what names a chart and its values
// elsewhere, a helm_release of Terraform; u.Inputs lie under the values.
func Render(ctx context.Context, u format.Unit, values map[string]any) ([]*resource.Resource, source.Diagnostics) {
	l := load(ctx, &u)
	var rs []*resource.Resource
	if under, ok := l.given(); ok && l.root != nil {
		rs = l.render(over(values, under))
	}
	l.diags.Sort()
	return rs, l.diags
}

// render renders the unit's chart and reads the output.
func (l *loaded) render(values map[string]any) []*resource.Resource {
	place := join(l.unit.Dir, "Chart.yaml")
	kube := DefaultKubeVersion
	if v := l.unit.Settings[KubeVersion]; v != "" {
		kube = v
	}
	r, err := prepare(l, values, kube, l.unit.Settings[Namespace])
	if errors.Is(err, errUnfit) {
		return nil // which is said
	}
	if err != nil {
		l.fail(source.LevelError, place, 0, l.unit.Dir, "the chart cannot be rendered: %s", plain(err))
		return nil
	}
	out := l.crds(l.root.chart)
	out = append(out, r.templatesRead()...)
	distinguish(out, &l.diags)
	for _, res := range out {
		res.Format, res.Unit, res.Variant = Name, l.unit.ID, l.unit.Variant
	}
	return out
}

// templatesRead renders every template and reads what comes out.
func (r *release) templatesRead() []*resource.Resource {
	l := r.l
	todo := slices.Clone(r.templates)
	sort.SliceStable(todo, func(i, j int) bool {
		a, b := todo[i], todo[j]
		if a.key != b.key {
			return a.key < b.key
		}
		return a.name < b.name
	})
	out := r.renderer()
	left := maxRendered
	var all []*resource.Resource
	for _, t := range todo {
		if partial(t.name) || t.tree == nil || l.ctx.Err() != nil {
			continue
		}
		text, events, failed := out.render(t)
		if failed == nil {
			if len(text) > left {
				failed = errTooMuch
			} else {
				left -= len(text)
			}
		}
		if failed != nil {
			line, why := problem(t.name, failed)
			l.fail(source.LevelWarning, t.at(), line, t.at(), "the template cannot be rendered%s: %s", l.variant(), why)
			continue
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		m := &remapper{
			r: r, t: t, settings: r.settings, layout: newLayout(text, out.marks.sites, events),
			rendered: source.NewFile(t.at(), []byte(text)), within: map[*facts][]source.Range{},
			fallback: r.fallback(t), unknown: l.unit.Settings[Namespace] == "",
		}
		all = append(all, m.read()...)
	}
	return all
}

// variant says with which values a rendering was done, where they are not the
// chart's own.
func (l *loaded) variant() string {
	if l.unit.Variant == "" {
		return ""
	}
	return " with " + yamltree.Clean(l.unit.Variant)
}

// fallback is where a template is pointed to as a whole: its first line, or, of
// a packed chart, the line that names the chart as a dependency.
func (r *release) fallback(t *tpl) source.Range {
	if t.file.packed == "" {
		return t.file.LineRange(1, 1)
	}
	n := t.node
	for n.parent != nil && n.parent.packed != "" {
		n = n.parent
	}
	if n.parent == nil {
		return source.Range{}
	}
	file, line := n.parent.definition(r.l, n.name)
	f := r.l.files[file]
	if f == nil {
		return source.Range{File: file, Start: source.Pos{Line: 1, Column: 1}, End: source.Pos{Line: 1, Column: 1}}
	}
	line = max(line, 1)
	return f.Range(f.LineStart(line), f.LineStart(line)+len(f.Line(line)))
}

// read reads the rendered text and moves its resources to the sources.
func (m *remapper) read() []*resource.Resource {
	l := m.r.l
	name := m.t.at()
	u := format.Unit{
		ID: l.unit.ID, Format: kubernetes.Name, Dir: path.Dir(name), Files: []string{name},
		FS: format.Overlay{Files: map[string][]byte{name: m.rendered.Data}}, MaxFileSize: maxManifest,
	}
	rs, ds := kubernetes.New().Read(l.ctx, u)
	for _, d := range ds {
		if before, _, ok := strings.Cut(d.Message, " is defined before"); ok {
			d.Message = before + " is defined before in what the template renders to"
		}
		if d.Line > 0 {
			d.Line = m.line(d.Line)
		}
		if d.Level == source.LevelError {
			d.Message = "what the template renders to" + l.variant() + ": " + d.Message
		}
		l.diags = append(l.diags, d)
	}
	for _, res := range rs {
		m.resource(res)
	}
	return rs
}

// line gives the line of the template that a line of the rendered text is from;
// 0 where that is not known.
func (m *remapper) line(n int) int {
	for ; n > 0; n-- {
		start := m.rendered.LineStart(n)
		text := m.rendered.Line(n)
		lead := len(text) - len(strings.TrimLeft(text, " -"))
		if lead >= len(text) {
			continue
		}
		s := m.layout.find(start+lead, start+lead+1)
		for _, o := range append([]site{{tpl: s.tpl, at: s.start}}, s.outer...) {
			if o.tpl != nil && o.tpl.at() == m.t.at() && o.tpl.file.packed == "" {
				return o.tpl.file.Pos(o.at).Line
			}
		}
	}
	return 0
}

// crds reads the custom resource definitions in crds/ of a chart and those
// below it. They are no templates.
func (l *loaded) crds(c *chart.Chart) []*resource.Resource {
	var out []*resource.Resource
	n := l.nodes[c.Raw[0]]
	for _, f := range c.Files {
		switch ext := path.Ext(f.Name); {
		case !strings.HasPrefix(f.Name, "crds/"), ext != ".yaml" && ext != ".yml" && ext != ".json":
			continue
		}
		name := join(n.dir, f.Name)
		at := name
		if n.packed != "" {
			at = n.packed
		}
		u := format.Unit{
			ID: l.unit.ID, Format: kubernetes.Name, Dir: path.Dir(at), Files: []string{at},
			FS: format.Overlay{Files: map[string][]byte{at: f.Data}}, MaxFileSize: l.limit(name),
		}
		rs, ds := kubernetes.New().Read(l.ctx, u)
		if n.packed != "" {
			for _, res := range rs {
				packedAway(res, l.packedPlace(n))
			}
			for i := range ds {
				ds[i].Line = 0
			}
		}
		l.diags = append(l.diags, ds...)
		out = append(out, rs...)
	}
	for _, d := range c.Dependencies() {
		out = append(out, l.crds(d)...)
	}
	return out
}

func (l *loaded) packedPlace(n *node) source.Range {
	r := release{l: l}
	return r.fallback(&tpl{file: &sourceFile{packed: n.packed}, node: n})
}

// packedAway moves a resource of a packed chart to one place.
func packedAway(res *resource.Resource, at source.Range) {
	res.Range, res.Head, res.Comments, res.Origins = at, at, nil, nil
	resource.Walk(res.Root, func(_ resource.Path, n *resource.Node) bool {
		n.Range, n.Origins = at, nil
		if !n.KeyRange.IsZero() {
			n.KeyRange = at
		}
		return true
	})
}

// distinguish gives repeated identities a suffix.
func distinguish(rs []*resource.Resource, ds *source.Diagnostics) {
	taken := make(map[string]bool, len(rs))
	for _, r := range rs {
		id := r.ID
		for n := 2; taken[r.ID]; n++ {
			r.ID = id + "#" + strconv.Itoa(n)
		}
		taken[r.ID] = true
		if r.ID != id && !strings.Contains(id, "#") && !strings.HasSuffix(r.Name, "*") {
			ds.Warnf(r.Range.File, r.Head.Start.Line, "%s is defined before in the chart: only one of them can exist in a cluster", yamltree.Clean(id))
		}
	}
}

// over lays values over others, tables within tables.
func over(top, under map[string]any) map[string]any {
	out := make(map[string]any, len(under)+len(top))
	for k, v := range under {
		out[k] = v
	}
	for k, v := range top {
		if a, ok := v.(map[string]any); ok {
			if b, ok := out[k].(map[string]any); ok {
				out[k] = over(a, b)
				continue
			}
		}
		out[k] = v
	}
	return out
}
