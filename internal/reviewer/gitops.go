package reviewer

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Objects of Argo CD and Flux that release a chart. Both name it by a path from the
// root of a git repository; where the tree has a chart there, it is the tree's.

// application gives what an Application of Argo CD releases: one chart for each
// source that is one.
func (r *run) application(tree fs.FS, x *resource.Resource) []released {
	spec := x.Root.Get("spec")
	sources := []*resource.Node{spec.Get("source")}
	if many := spec.Get("sources"); many != nil && len(many.Items) > 0 {
		sources = many.Items
	}
	var out []released
	for _, s := range sources {
		dir := s.Get("path")
		if dir.Str() == "" || s.Get("chart") != nil || r.elsewhere(s.Get("repoURL").Str()) {
			continue
		}
		local := path.Clean(strings.TrimPrefix(dir.Str(), "/"))
		if !fs.ValidPath(local) {
			continue
		}
		h := s.Get("helm")
		name, namespace := h.Get("releaseName").Str(), h.Get("namespace").Str()
		if name == "" {
			name = x.Name
		}
		if namespace == "" {
			namespace = spec.Path("destination", "namespace").Str()
		}
		u, ok := r.chartAt(tree, local, name, namespace)
		if !ok {
			continue
		}
		v := newReleaseValues(&u, tree)
		one := released{chart: local}
		one.at, one.why = r.argoValues(v, h, sources)
		u.FS = v.tree
		one.unit = u
		out = append(out, one)
	}
	return out
}

// elsewhere reports whether an address clearly names another repository.
func (r *run) elsewhere(url string) bool {
	own := path.Base(r.opt.Repository)
	if r.opt.Repository == "" || url == "" {
		return false
	}
	name := url[strings.LastIndexAny(strings.TrimRight(url, "/"), "/:")+1:]
	return !strings.EqualFold(strings.TrimSuffix(strings.Trim(name, "/"), ".git"), own)
}

// argoValues reads the values of a source: files, over them values, over them
// parameters.
func (r *run) argoValues(v *releaseValues, h *resource.Node, sources []*resource.Node) (*resource.Node, string) {
	if h == nil {
		return nil, ""
	}
	if h.Unknown || h.Partial {
		return h, "its values are not known" + because(h)
	}
	if files := h.Get("fileParameters"); files != nil && len(files.Items) > 0 {
		return files, "its fileParameters are not evaluated"
	}
	if files := h.Get("valueFiles"); files != nil {
		missing := h.Get("ignoreMissingValueFiles")
		for _, it := range files.Items {
			name, why := r.argoFile(v, it.Str(), sources)
			if why == "" {
				why = v.file(name)
			}
			if why != "" && (missing == nil || missing.Value != true) {
				return it, why
			}
		}
	}
	if object := h.Get("valuesObject"); object != nil && object.Kind == resource.Map {
		if why := v.object(object); why != "" {
			return object, why
		}
	} else if text := h.Get("values"); text != nil {
		if text.Unknown || text.Kind != resource.String {
			return text, "its values are not known" + because(text)
		}
		v.written([]byte(text.Str()), text.Range)
	}
	params := h.Get("parameters")
	if params == nil {
		return nil, ""
	}
	if len(params.Items) > maxReleaseInputs {
		return params, "it has more than " + strconv.Itoa(maxReleaseInputs) + " parameters"
	}
	for _, it := range params.Items {
		name, value := it.Get("name"), it.Get("value")
		text, ok := scalar(value)
		if name.Str() == "" || !ok {
			return it, "a parameter of it is not known"
		}
		forced := it.Get("forceString")
		if why := v.setting(name.Str(), text, forced != nil && forced.Value == true, valueRange(value)); why != "" {
			return it, why
		}
	}
	return nil, ""
}

// argoFile gives the path in the tree of a file of values: seen from the chart, or
// from the root of the source that is named by its ref.
func (r *run) argoFile(v *releaseValues, name string, sources []*resource.Node) (file, why string) {
	switch {
	case strings.Contains(name, "://"), strings.ContainsAny(name, "*?["):
		return "", "it reads values from " + strconv.Quote(name)
	case !strings.HasPrefix(name, "$"):
		if rest, ok := strings.CutPrefix(name, "/"); ok {
			return rest, ""
		}
		return path.Join(v.unit.Dir, name), ""
	}
	ref, rest, _ := strings.Cut(name[1:], "/")
	for _, s := range sources {
		if s.Get("ref").Str() == ref {
			if r.elsewhere(s.Get("repoURL").Str()) {
				break
			}
			return rest, ""
		}
	}
	return "", "it reads values from " + strconv.Quote(name)
}

// fluxRelease gives what a HelmRelease of Flux releases, where its chart comes from
// a git repository.
func (r *run) fluxRelease(tree fs.FS, x *resource.Resource) (out released) {
	spec := x.Root.Get("spec")
	from := spec.Path("chart", "spec")
	dir := from.Get("chart")
	if dir.Str() == "" || from.Path("sourceRef", "kind").Str() != "GitRepository" {
		return out
	}
	out.chart = path.Clean(strings.TrimPrefix(dir.Str(), "/"))
	if !fs.ValidPath(out.chart) {
		return released{}
	}
	namespace := spec.Get("targetNamespace").Str()
	name := spec.Get("releaseName").Str()
	if name == "" {
		name = x.Name
		if namespace != "" {
			name = namespace + "-" + name
		}
	}
	if namespace == "" {
		namespace = x.Namespace
	}
	u, ok := r.chartAt(tree, out.chart, name, namespace)
	if !ok {
		return released{}
	}
	v := newReleaseValues(&u, tree)
	out.at, out.why = v.flux(spec, from)
	u.FS = v.tree
	out.unit = u
	return out
}

// flux reads the values of a HelmRelease. Its valuesFiles stand in the place of
// the chart's own.
func (v *releaseValues) flux(spec, from *resource.Node) (*resource.Node, string) {
	if n := spec.Get("valuesFrom"); n != nil && len(n.Items) > 0 {
		return n, "its values come from an object of the cluster"
	}
	if n := spec.Get("postRenderers"); n != nil && len(n.Items) > 0 {
		return n, "what it renders is patched by postRenderers"
	}
	own := path.Join(v.unit.Dir, "values.yaml")
	var files []*resource.Node
	if n := from.Get("valuesFiles"); n != nil {
		files = n.Items
	} else if n := from.Get("valuesFile"); n.Str() != "" {
		files = []*resource.Node{n}
	}
	named := false
	for _, it := range files {
		name := path.Clean(strings.TrimPrefix(it.Str(), "/"))
		if name == own && !named && len(v.unit.Inputs) == 0 {
			named = true
			continue
		}
		if why := v.file(name); why != "" {
			return it, why
		}
	}
	if len(files) > 0 && !named && slices.Contains(v.unit.Files, own) {
		v.tree.Files[own] = []byte("{}\n")
	}
	if values := spec.Get("values"); values != nil && values.Kind == resource.Map {
		if why := v.object(values); why != "" {
			return values, why
		}
	}
	return nil, ""
}

// file adds a file of values of the tree.
func (v *releaseValues) file(name string) string {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return "it reads values from outside of the repository"
	}
	if info, err := fs.Stat(v.tree.FS, name); err != nil || !info.Mode().IsRegular() {
		return "there is no file of values " + name
	}
	if !slices.Contains(v.unit.Inputs, name) {
		v.unit.Inputs = append(v.unit.Inputs, name)
	}
	return ""
}

// object adds values that are written as a map.
func (v *releaseValues) object(n *resource.Node) string {
	values, ok := plain(n, yamltree.MaxDepth)
	if !ok {
		return "its values are not known" + because(n)
	}
	data, err := json.Marshal(values)
	if err != nil {
		return "its values cannot be read"
	}
	at := n.Range
	if len(n.Fields) > 0 && n.Fields[0].Node.KeyRange.File == at.File {
		at.Start = n.Fields[0].Node.KeyRange.Start
	}
	v.written(data, at)
	return ""
}

// plain gives a tree as values; false where a part of it is not known.
func plain(n *resource.Node, depth int) (any, bool) {
	if n == nil || depth == 0 {
		return nil, n == nil
	}
	if n.Unknown || n.Partial {
		return nil, false
	}
	switch n.Kind {
	case resource.Map:
		out := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			v, ok := plain(f.Node, depth-1)
			if !ok {
				return nil, false
			}
			out[f.Name] = v
		}
		return out, true
	case resource.List:
		out := make([]any, 0, len(n.Items))
		for _, it := range n.Items {
			v, ok := plain(it, depth-1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	}
	return n.Value, true
}

// scalar gives a scalar as text.
func scalar(n *resource.Node) (string, bool) {
	if n == nil || n.Unknown || n.Partial || n.Kind == resource.Map || n.Kind == resource.List || n.Value == nil {
		return "", false
	}
	return fmt.Sprint(n.Value), true
}

// valueRange is a value with its key, where both stand on one line.
func valueRange(n *resource.Node) source.Range {
	r := n.Range
	if k := n.KeyRange; k.File == r.File && k.Start.Line == r.Start.Line && !k.IsZero() {
		r.Start = k.Start
	}
	return r
}
