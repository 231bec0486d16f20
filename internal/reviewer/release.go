package reviewer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
	"helm.sh/helm/v3/pkg/strvals"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// What releases a chart that lies in the tree is to it what a file of values is:
// an environment that it is rendered for.
const (
	helmRelease = "helm_release" // Terraform's

	argoGroup, argoApplication = "argoproj.io", "Application"
	fluxGroup, fluxRelease     = "helm.toolkit.fluxcd.io", "HelmRelease"
)

// isRelease reports whether a resource may release a chart.
func isRelease(x *resource.Resource) bool {
	switch x.Platform {
	case resource.Terraform:
		return x.Format == resource.Terraform && x.Kind == helmRelease
	case resource.Kubernetes:
		return x.Written == nil && (x.Group == argoGroup && x.Kind == argoApplication || x.Group == fluxGroup && x.Kind == fluxRelease)
	}
	return false
}

// Bounds on releases.
const (
	maxReleases      = 200 // of one tree
	maxReleaseInputs = 200 // values and settings of one release
	// maxWithin bounds, in bytes, a file whose lines are told apart where it has
	// values within it.
	maxWithin = 256 << 10
)

// releaseTree is a tree together with the values that a release brings, as
// files beside those of the tree.
type releaseTree struct {
	format.Overlay
	// places are where the values are written, by the file that stands for them.
	places map[string]place
	// from is the unit that the release is read from, of which it has the id.
	from format.Unit
	id   string
	nth  int // of the charts that it releases
}

// place is where values are written.
type place struct {
	source.Range
	// within, if not nil, is the file that the values are a part of: what stands
	// for them has every byte where the file has it.
	within *source.File
}

func (p place) at(r source.Range) source.Range {
	if p.within != nil {
		return p.within.Range(r.Start.Byte, r.End.Byte)
	}
	return p.Range
}

// with gives a release's unit with the content of files of the tree replaced,
// those that say the release among them.
func (r *run) with(ctx context.Context, u format.Unit, files map[string][]byte) (format.Unit, error) {
	t, ok := u.FS.(releaseTree)
	if !ok {
		return u, nil
	}
	tree := format.Overlay{FS: t.FS, Files: files}
	from := t.from
	if !slices.ContainsFunc(slices.Concat(from.Files, from.Inputs), func(name string) bool { return files[name] != nil }) {
		all := maps.Clone(files)
		maps.Copy(all, t.Files)
		t.Overlay = format.Overlay{FS: t.FS, Files: all}
		u.FS = t
		return u, nil
	}
	from.FS = tree
	rs, _ := readUnit(ctx, r.opt.Readers[from.Format], from)
	for _, x := range rs {
		if x.ID == t.id && isRelease(x) {
			if all := r.release(tree, from, x); t.nth < len(all) && all[t.nth].why == "" {
				return all[t.nth].unit, nil
			}
		}
	}
	return u, fmt.Errorf("%s no longer releases its chart", t.id)
}

// relocate moves what stands in a release's values to where they are written.
func (t releaseTree) relocate(rs []*resource.Resource, ds source.Diagnostics) {
	move := func(ranges []source.Range) {
		for i, r := range ranges {
			if at, ok := t.places[r.File]; ok {
				ranges[i] = at.at(r)
			}
		}
	}
	for _, r := range rs {
		move(r.Origins)
		for i, c := range r.Comments {
			if at, ok := t.places[c.Range.File]; ok {
				r.Comments[i].Range = at.at(c.Range)
			}
		}
		resource.Walk(r.Root, func(_ resource.Path, n *resource.Node) bool {
			n.Origins = slices.Clone(n.Origins) // a reader may share them
			move(n.Origins)
			return true
		})
	}
	for i, d := range ds {
		if at, ok := t.places[d.File]; ok {
			if ds[i].File = at.File; at.within == nil || d.Line == 0 {
				ds[i].Line = at.Start.Line
			}
			if d.NotEvaluated == d.File {
				ds[i].NotEvaluated = at.File
			}
		}
	}
}

// addReleases reads the charts that are released, on both sides, and adds their
// resources and the units of the head: those of the releases that were read, and,
// of a chart or a file of values that changed, those that are found near.
func (r *run) addReleases(ctx context.Context, trees Trees, changes []project.PathChange, baseUnits, headUnits []format.Unit, base, head []*resource.Resource) (b, h []*resource.Resource, units []format.Unit, err error) {
	all := slices.Concat(baseUnits, headUnits)
	nearBase, nearHead := r.opt.Finder.With(r.settings.Units()).Releasing(ctx, trees.Base(), trees.Head(), changes, all, r.settings.Filter())
	if len(nearBase)+len(nearHead) > 0 {
		if err := trees.Prefetch(ctx, filesOf(nearBase), filesOf(nearHead)); err != nil {
			return nil, nil, nil, fmt.Errorf("fetch what releases the charts under review: %w", err)
		}
	}
	reach := reachOf(all, changes)
	before, _ := r.releases(trees.Base(), baseUnits, base, nil, nil)
	more, _ := r.releases(trees.Base(), nearBase, r.nearby(ctx, nearBase, base), nil, reach)
	before = append(before, more...)
	after, ds := r.releases(trees.Head(), headUnits, head, base, nil)
	r.diags = append(r.diags, ds...)
	near := r.nearby(ctx, nearHead, head)
	more, ds = r.releases(trees.Head(), nearHead, near, nil, reach)
	after, r.diags = append(after, more...), append(r.diags, ds...)
	before, after = distinctUnits(before), distinctUnits(after)
	was, _, _ := r.opt.read(ctx, before)
	is, ds, lost := r.opt.read(ctx, after)
	r.diags = append(r.diags, ds...)
	// A release that cannot be rendered any more is not gone.
	rendered := map[string]bool{}
	for _, u := range after {
		rendered[u.ID] = !lost[u.ID]
	}
	named := map[string]bool{}
	for _, x := range slices.Concat(head, near) {
		if isRelease(x) {
			named[releaseName(x)] = true
		}
	}
	was = slices.DeleteFunc(was, func(x *resource.Resource) bool {
		name, _, _ := strings.Cut(x.Variant, "#")
		return named[name] && !rendered[x.Unit]
	})
	return append(base, was...), append(head, is...), append(headUnits, after...), nil
}

// reachOf gives what a release must name to be reached: the folder of a chart, or
// a changed file.
func reachOf(units []format.Unit, changes []project.PathChange) map[string]bool {
	out := map[string]bool{}
	for _, u := range units {
		if u.Format == helm.Name {
			out[u.Dir] = true
		}
	}
	for _, c := range changes {
		out[c.Path] = true
	}
	return out
}

// nearby reads units for the sake of their releases. Those that are known are left
// out.
func (r *run) nearby(ctx context.Context, units []format.Unit, known []*resource.Resource) []*resource.Resource {
	have := map[resource.Identity]bool{}
	for _, x := range known {
		have[resource.Identity{Unit: x.Unit, ID: x.ID}] = true
	}
	all, _, _ := r.opt.read(ctx, units)
	return slices.DeleteFunc(all, func(x *resource.Resource) bool {
		return !isRelease(x) || have[resource.Identity{Unit: x.Unit, ID: x.ID}]
	})
}

func distinctUnits(units []format.Unit) []format.Unit {
	seen := map[string]bool{}
	return slices.DeleteFunc(units, func(u format.Unit) bool {
		was := seen[u.ID]
		seen[u.ID] = true
		return was
	})
}

// releaseName is the variant of its chart that a release is.
func releaseName(x *resource.Resource) string {
	name := x.ID
	if x.Platform == resource.Kubernetes {
		name = path.Join(x.Kind, x.Namespace, x.Name)
	}
	return engine.UnitName(&resource.Resource{Unit: x.Unit}) + "/" + name
}

// releases gives a unit for each release whose chart lies in the tree: a variant
// of the chart's own unit, so that both sides pair and what the chart's unit says
// as well is said once. What cannot be rendered is named, unless before, the
// resources of the base, has the release as it is. reach, if not nil, has what a
// release must name.
func (r *run) releases(tree fs.FS, units []format.Unit, rs, before []*resource.Resource, reach map[string]bool) ([]format.Unit, source.Diagnostics) {
	var out []format.Unit
	var ds source.Diagnostics
	byID := map[string]format.Unit{}
	for _, u := range units {
		byID[u.ID] = u
	}
	old := map[resource.Identity]*resource.Resource{}
	for _, x := range before {
		if isRelease(x) {
			old[resource.Identity{Unit: x.Unit, ID: x.ID}] = x
		}
	}
	for _, x := range rs {
		if !isRelease(x) {
			continue
		}
		all := []released{{at: x.Root, why: "a review looks into at most " + strconv.Itoa(maxReleases) + " releases"}}
		if len(out) < maxReleases {
			all = r.release(tree, byID[x.Unit], x)
		}
		for _, one := range all {
			if reach != nil && !reach[one.chart] && !slices.ContainsFunc(one.unit.Inputs, func(name string) bool { return reach[name] }) {
				continue
			}
			if one.why == "" {
				if one.unit.ID != "" {
					out = append(out, one.unit)
				}
				continue
			}
			if o := old[resource.Identity{Unit: x.Unit, ID: x.ID}]; o != nil && resource.Equal(o.Root, x.Root) {
				continue
			}
			line := x.Head.Start.Line
			if one.at != nil && one.at.Range.File == x.Range.File {
				line = one.at.Range.Start.Line
			}
			ds = append(ds, source.Diagnostic{
				File: x.Range.File, Line: line, Level: source.LevelWarning, NotEvaluated: x.ID,
				Message: "what " + x.ID + " makes of its chart is not evaluated: " + one.why,
			})
		}
	}
	return out, ds
}

// released is a chart that something releases.
type released struct {
	chart string      // its folder, where that is known
	unit  format.Unit // none where the chart comes from elsewhere
	why   string      // it is not evaluated; "" where it is
	at    *resource.Node
}

// release gives the charts of the tree that something releases.
func (r *run) release(tree fs.FS, from format.Unit, x *resource.Resource) []released {
	var out []released
	switch {
	case x.Kind == helmRelease:
		out = []released{r.terraformRelease(tree, from, x)}
	case x.Kind == fluxRelease:
		out = []released{r.fluxRelease(tree, x)}
	default:
		out = r.application(tree, x)
	}
	for i := range out {
		if u := &out[i].unit; u.ID != "" && out[i].why == "" {
			u.Variant = releaseName(x)
			if i > 0 {
				u.Variant += "#" + strconv.Itoa(i+1)
			}
			u.ID += "@" + u.Variant
			t, _ := u.FS.(releaseTree)
			t.from, t.id, t.nth = from, x.ID, i
			u.FS = t
		}
	}
	return out
}

// chartAt gives the chart of a folder, to be released as name into namespace.
func (r *run) chartAt(tree fs.FS, dir, name, namespace string) (format.Unit, bool) {
	u, ok := project.Chart(tree, r.settings.Units(), r.settings.Filter(), dir)
	if !ok {
		return u, false
	}
	settings := maps.Clone(u.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	if name != "" {
		settings[helm.ReleaseName] = name
	}
	if namespace != "" {
		settings[helm.Namespace] = namespace
	}
	u.Settings = settings
	return u, true
}

// terraformRelease gives what a helm_release releases.
func (r *run) terraformRelease(tree fs.FS, from format.Unit, x *resource.Resource) (out released) {
	name := x.Root.Get("chart")
	switch {
	case name == nil, x.Root.Get("repository").Str() != "":
		return out
	case name.Unknown:
		return released{at: name, why: "its chart is not known" + because(name)}
	}
	out.chart = path.Join(from.Dir, name.Str())
	if path.IsAbs(name.Str()) || !fs.ValidPath(out.chart) {
		return released{at: name, why: "its chart lies outside of the repository"}
	}
	u, ok := r.chartAt(tree, out.chart, x.Root.Get("name").Str(), x.Root.Get("namespace").Str())
	if !ok {
		if strings.HasPrefix(name.Str(), ".") {
			out.at, out.why = name, "there is no chart in "+out.chart+" that is reviewed"
		}
		return out // else the name of a chart that is fetched
	}
	if ns := x.Root.Get("namespace"); ns != nil && ns.Str() == "" {
		delete(u.Settings, helm.Namespace)
	}
	v := newReleaseValues(&u, tree)
	out.at, out.why = v.read(x.Root)
	u.FS = v.tree
	out.unit = u
	return out
}

func because(n *resource.Node) string {
	if n.Why == "" {
		return ""
	}
	return ": it depends on " + n.Why
}

// releaseValues collects the values of a release as files of its unit.
type releaseValues struct {
	unit *format.Unit
	tree releaseTree
}

func newReleaseValues(u *format.Unit, tree fs.FS) *releaseValues {
	return &releaseValues{unit: u, tree: releaseTree{Overlay: format.Overlay{FS: tree, Files: map[string][]byte{}}, places: map[string]place{}}}
}

func (v *releaseValues) add(data []byte, at place) {
	// A file of the tree that has this name is hidden from the chart; nothing else.
	name := path.Join(v.unit.Dir, fmt.Sprintf(":release/%d.yaml", len(v.unit.Inputs)))
	v.tree.Files[name], v.tree.places[name] = data, at
	v.unit.Inputs = append(v.unit.Inputs, name)
}

// written adds values that are written at a range of a file, given as what they
// are. Where the file has them as they are, each is known by its own place.
func (v *releaseValues) written(data []byte, at source.Range) {
	file, err := fs.ReadFile(v.tree.FS, at.File)
	var want map[string]any
	if err == nil && len(file) <= maxWithin && at.Start.Byte < at.End.Byte && at.End.Byte <= len(file) && yaml.Unmarshal(data, &want) == nil && len(want) > 0 {
		if blank := within(file, at, want); blank != nil {
			v.add(blank, place{at, source.NewFile(at.File, file)})
			return
		}
	}
	v.add(data, place{Range: at})
}

// within gives a file with all but a part of it made blank, where that reads as
// the values: the text at a range, the lines of it behind the first, or an object
// that is encoded there; nil where none does.
func within(data []byte, at source.Range, values map[string]any) []byte {
	same := func(blank []byte) bool {
		var got map[string]any
		return blank != nil && yaml.Unmarshal(blank, &got) == nil && reflect.DeepEqual(got, values)
	}
	part := func(start, end int) []byte {
		blank := make([]byte, len(data))
		for i, c := range data {
			if blank[i] = ' '; c == '\n' || i >= start && i < end {
				blank[i] = c
			}
		}
		return blank
	}
	if blank := part(at.Start.Byte, at.End.Byte); same(blank) {
		return blank
	}
	if path.Ext(at.File) == ".tf" || path.Ext(at.File) == ".tofu" {
		if blank := encoded(data, at, values); same(blank) {
			return blank
		}
	}
	first := bytes.IndexByte(data[at.Start.Byte:at.End.Byte], '\n')
	if first < 0 {
		return nil
	}
	start := at.Start.Byte + first + 1
	// Without the line that ends a heredoc, where that is one.
	last := start + bytes.LastIndexByte(bytes.TrimRight(data[start:at.End.Byte], "\n"), '\n') + 1
	if blank := part(start, last); same(blank) {
		return blank
	}
	if blank := part(start, at.End.Byte); same(blank) {
		return blank
	}
	return nil
}

// read reads the values as the provider does: the texts of values in their
// order, over them what is set.
func (v *releaseValues) read(root *resource.Node) (*resource.Node, string) {
	values := root.Get("values")
	if values != nil && (values.Unknown || values.Partial || values.Kind != resource.List) {
		return values, "its values are not known" + because(values)
	}
	count := 0
	if values != nil {
		for _, it := range values.Items {
			if count++; it.Unknown || it.Kind != resource.String {
				return it, "its values are not known" + because(it)
			}
			v.text(it)
		}
	}
	for _, block := range [...]string{"set", "set_list", "set_sensitive", "set_wo"} {
		list := root.Get(block)
		switch {
		case list == nil:
			continue
		case list.Unknown, list.Partial, list.Kind != resource.List, block == "set_wo":
			return list, "what it sets by " + block + " is not known" + because(list)
		}
		for _, it := range list.Items {
			if count++; count > maxReleaseInputs {
				return it, "it has more than " + strconv.Itoa(maxReleaseInputs) + " values and settings"
			}
			if n, why := v.set(it); why != "" {
				return n, why
			}
		}
	}
	return nil, ""
}

// text takes up a text of values: as the file of the tree that it was read from,
// where it is one as it stands, so that findings name its lines.
func (v *releaseValues) text(it *resource.Node) {
	for _, at := range append([]source.Range{it.Range}, it.Origins...) {
		if path.Ext(at.File) != ".yaml" && path.Ext(at.File) != ".yml" || slices.Contains(v.unit.Inputs, at.File) {
			continue
		}
		if data, err := fs.ReadFile(v.tree.FS, at.File); err == nil && string(data) == it.Str() {
			v.unit.Inputs = append(v.unit.Inputs, at.File)
			return
		}
	}
	v.written([]byte(it.Str()), it.Range)
}

// set reads one setting.
func (v *releaseValues) set(it *resource.Node) (*resource.Node, string) {
	name, value := it.Get("name"), it.Get("value")
	if name.Str() == "" || it.Unknown || it.Partial {
		return it, "the name of a setting is not known"
	}
	text := ""
	kind := it.Get("type")
	switch {
	case value == nil || value.Unknown || value.Partial || kind != nil && kind.Unknown:
		if value == nil {
			value = it
		}
		return value, "the value of " + strconv.Quote(name.Str()) + " is not known" + because(value)
	case value.Kind == resource.List:
		var items []string
		for _, e := range value.Items {
			if e.Unknown || e.Value == nil {
				return e, "the value of " + strconv.Quote(name.Str()) + " is not known" + because(e)
			}
			items = append(items, fmt.Sprint(e.Value))
		}
		text = "{" + strings.Join(items, ",") + "}"
	case value.Value == nil:
		return value, "the value of " + strconv.Quote(name.Str()) + " is no text"
	default:
		text = fmt.Sprint(value.Value)
	}
	forced := kind.Str() == "string"
	if kind := kind.Str(); !forced && kind != "" && kind != "auto" {
		return it.Get("type"), "a setting of the type " + strconv.Quote(kind) + " is not evaluated"
	}
	if why := v.setting(name.Str(), text, forced, value.Range); why != "" {
		return name, why
	}
	return nil, ""
}

// setting adds what --set, or --set-string, does with a name and a value.
func (v *releaseValues) setting(name, text string, forced bool, at source.Range) string {
	// A setting of one item changes a list that stands below it.
	if strings.Contains(name, "[") || strings.Contains(text, ",") && strings.Contains(text, "[") {
		return "it sets an item of a list, " + strconv.Quote(name)
	}
	parse, set := strvals.ParseInto, map[string]any{}
	if forced {
		parse = strvals.ParseIntoString
	}
	if err := parse(name+"="+text, set); err != nil {
		return "the setting " + strconv.Quote(name) + " cannot be read"
	}
	data, err := json.Marshal(set)
	if err != nil {
		return "the setting " + strconv.Quote(name) + " cannot be read"
	}
	v.add(data, place{Range: at})
	return ""
}
