package reviewer

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// helmRelease is Terraform's release of a chart. Where the chart lies in the
// tree, the release is to it what a file of values is: an environment that it is
// rendered for.
const helmRelease = "helm_release"

// Bounds on releases.
const (
	maxReleases      = 200 // of one tree
	maxReleaseInputs = 200 // values and settings of one release
)

// releaseTree is a tree together with the values that a release brings, as
// files beside those of the tree.
type releaseTree struct {
	overlayFS
	// places are where the values are written, by the file that stands for them.
	places map[string]source.Range
}

// with is the same with the content of files of the tree replaced.
func (t releaseTree) with(files map[string][]byte) releaseTree {
	all := maps.Clone(files)
	maps.Copy(all, t.files)
	return releaseTree{overlayFS{FS: t.FS, files: all}, t.places}
}

// relocate moves what stands in a release's values to where they are written.
func (t releaseTree) relocate(rs []*resource.Resource, ds source.Diagnostics) {
	move := func(ranges []source.Range) {
		for i, r := range ranges {
			if at, ok := t.places[r.File]; ok {
				ranges[i] = at
			}
		}
	}
	for _, r := range rs {
		move(r.Origins)
		resource.Walk(r.Root, func(_ resource.Path, n *resource.Node) bool {
			n.Origins = slices.Clone(n.Origins) // a reader may share them
			move(n.Origins)
			return true
		})
	}
	for i, d := range ds {
		if at, ok := t.places[d.File]; ok {
			ds[i].File, ds[i].Line, ds[i].NotEvaluated = at.File, at.Start.Line, d.NotEvaluated
			if d.NotEvaluated == d.File {
				ds[i].NotEvaluated = at.File
			}
		}
	}
}

// addReleases reads the charts that Terraform releases, on both sides, and adds
// their resources and the units of the head.
func (r *run) addReleases(ctx context.Context, trees Trees, baseUnits, headUnits []format.Unit, base, head []*resource.Resource) (b, h []*resource.Resource, units []format.Unit) {
	before, _ := r.releases(trees.Base(), baseUnits, base, nil)
	after, ds := r.releases(trees.Head(), headUnits, head, base)
	r.diags = append(r.diags, ds...)
	was, _, _ := r.opt.read(ctx, before)
	is, ds, lost := r.opt.read(ctx, after)
	r.diags = append(r.diags, ds...)
	// A release that cannot be rendered any more is not gone.
	rendered := map[string]bool{}
	for _, u := range after {
		rendered[u.ID] = !lost[u.ID]
	}
	named := map[string]bool{}
	for _, x := range head {
		if x.Kind == helmRelease {
			named[releaseName(x)] = true
		}
	}
	was = slices.DeleteFunc(was, func(x *resource.Resource) bool { return named[x.Variant] && !rendered[x.Unit] })
	return append(base, was...), append(head, is...), append(headUnits, after...)
}

// releaseName is the variant of its chart that a release is.
func releaseName(x *resource.Resource) string {
	return engine.UnitName(&resource.Resource{Unit: x.Unit}) + "/" + x.ID
}

// releases gives a unit for each release of Terraform whose chart lies in the
// tree: a variant of the chart's own unit, so that both sides pair and what the
// chart's unit says as well is said once. What cannot be rendered is named,
// unless before, the resources of the base, has the release as it is.
func (r *run) releases(tree fs.FS, units []format.Unit, rs, before []*resource.Resource) ([]format.Unit, source.Diagnostics) {
	var out []format.Unit
	var ds source.Diagnostics
	dirs := map[string]string{}
	for _, u := range units {
		dirs[u.ID] = u.Dir
	}
	old := map[resource.Identity]*resource.Resource{}
	for _, x := range before {
		if x.Kind == helmRelease {
			old[resource.Identity{Unit: x.Unit, ID: x.ID}] = x
		}
	}
	for _, x := range rs {
		if x.Platform != resource.Terraform || x.Format != resource.Terraform || x.Kind != helmRelease {
			continue
		}
		var u format.Unit
		why, n := "a review looks into at most "+strconv.Itoa(maxReleases)+" releases", x.Root
		if len(out) < maxReleases {
			u, n, why = r.release(tree, dirs[x.Unit], x)
		}
		if why == "" {
			if u.ID != "" {
				out = append(out, u)
			}
			continue
		}
		if o := old[resource.Identity{Unit: x.Unit, ID: x.ID}]; o != nil && resource.Equal(o.Root, x.Root) {
			continue
		}
		line := x.Head.Start.Line
		if n != nil && n.Range.File == x.Range.File {
			line = n.Range.Start.Line
		}
		ds = append(ds, source.Diagnostic{
			File: x.Range.File, Line: line, Level: source.LevelWarning, NotEvaluated: x.ID,
			Message: "what " + x.ID + " makes of its chart is not evaluated: " + why,
		})
	}
	return out, ds
}

// release gives the unit of a release; none where its chart comes from
// elsewhere. why says what stands in the way, at n.
func (r *run) release(tree fs.FS, dir string, x *resource.Resource) (u format.Unit, n *resource.Node, why string) {
	name := x.Root.Get("chart")
	switch {
	case name == nil, x.Root.Get("repository").Str() != "":
		return u, nil, ""
	case name.Unknown:
		return u, name, "its chart is not known" + because(name)
	}
	local := path.Join(dir, name.Str())
	if path.IsAbs(name.Str()) || !fs.ValidPath(local) {
		return u, name, "its chart lies outside of the repository"
	}
	u, ok := project.Chart(tree, r.settings.Units(), r.settings.Filter(), local)
	if !ok {
		if strings.HasPrefix(name.Str(), ".") {
			return u, name, "there is no chart in " + local + " that is reviewed"
		}
		return u, nil, "" // the name of a chart that is fetched
	}
	u.Variant = releaseName(x)
	u.ID += "@" + u.Variant
	if ns := x.Root.Get("namespace"); ns != nil {
		u.Settings = maps.Clone(u.Settings)
		if delete(u.Settings, helm.Namespace); ns.Str() != "" {
			u.Settings[helm.Namespace] = ns.Str()
		}
	}
	v := releaseValues{unit: &u, tree: releaseTree{overlayFS{tree, map[string][]byte{}}, map[string]source.Range{}}}
	if n, why = v.read(x.Root); why != "" {
		return format.Unit{}, n, why
	}
	u.FS = v.tree
	return u, nil, ""
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

func (v *releaseValues) add(data []byte, at source.Range) {
	// A file of the tree that has this name is hidden from the chart; nothing else.
	name := path.Join(v.unit.Dir, fmt.Sprintf(":release/%d.yaml", len(v.unit.Inputs)))
	v.tree.files[name], v.tree.places[name] = data, at
	v.unit.Inputs = append(v.unit.Inputs, name)
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
	v.add([]byte(it.Str()), it.Range)
}

// set reads one setting.
func (v *releaseValues) set(it *resource.Node) (*resource.Node, string) {
	name, value := it.Get("name"), it.Get("value")
	if name.Str() == "" || it.Unknown || it.Partial {
		return it, "the name of a setting is not known"
	}
	text, parse := "", strvals.ParseInto
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
	switch kind.Str() {
	case "", "auto":
	case "string":
		parse = strvals.ParseIntoString
	default:
		return kind, "a setting of the type " + strconv.Quote(kind.Str()) + " is not evaluated"
	}
	// A setting of one item changes a list that stands below it.
	if strings.Contains(name.Str(), "[") || strings.Contains(text, ",") && strings.Contains(text, "[") {
		return name, "it sets an item of a list, " + strconv.Quote(name.Str())
	}
	set := map[string]any{}
	if err := parse(name.Str()+"="+text, set); err != nil {
		return it, "the setting " + strconv.Quote(name.Str()) + " cannot be read"
	}
	data, err := json.Marshal(set)
	if err != nil {
		return it, "the setting " + strconv.Quote(name.Str()) + " cannot be read"
	}
	v.add(data, value.Range)
	return nil, ""
}
