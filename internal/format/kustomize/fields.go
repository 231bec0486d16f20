package kustomize

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// generator is an entry of configMapGenerator or secretGenerator.
type generator struct {
	kind string
	n    *resource.Node
	spec *spec

	files    []dataFile
	places   map[string]datum // made when it is first asked for, with the comments of files
	comments []resource.Comment
}

// operations are the JSON patch of one entry.
type operations struct {
	entry  *resource.Node // of the kustomization
	origin source.Range
	list   *resource.Node // of the operations, as they are written
	doc    *document
}

// fields takes every field of a kustomization over into what the build sees.
// A field that is not known here is refused: it may name something.
func (s *scan) fields(k *spec) {
	for _, f := range k.root.Fields {
		if s.failed {
			return
		}
		n := f.Node
		switch f.Name {
		case "apiVersion", "kind", "metadata", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels", "commonAnnotations",
			"images", "imageTags", "replicas", "vars", "generatorOptions":
			k.data[f.Name] = plainValue(n)
		case "sortOptions", "buildMetadata":
			// The order of the result and notes on it: nothing is judged by them.
		case "resources", "bases":
			s.resources(k, f.Name, n)
		case "components":
			s.components(k, n)
		case "crds", "configurations":
			s.lookedAt(k, f.Name, n)
		case "openapi":
			s.schema(k, n)
		case "patchesStrategicMerge":
			s.mergePatches(k, n)
		case "patchesJson6902", "patches":
			s.patches(k, f.Name, n)
		case "replacements":
			s.replacements(k, n)
		case "configMapGenerator":
			s.generators(k, f.Name, "ConfigMap", n)
		case "secretGenerator":
			s.generators(k, f.Name, "Secret", n)
		case "generators", "transformers", "validators":
			s.plugins(k, f.Name, n)
		case "helmCharts", "helmChartInflationGenerator", "helmGlobals":
			s.charts(k, f.Name, n)
		default:
			s.fail(nodePlace(n), "kustomize has no field %q", yamltree.Clean(f.Name))
		}
	}
	if k.lacks && !s.failed {
		for _, list := range [...]*[]any{&k.early, &k.middle, &k.late, &k.merges} {
			*list = s.spared(*list)
		}
	}
	if k.root.Get("kind").Str() == "Component" {
		k.data["kind"], k.data["apiVersion"] = "Component", "kustomize.config.k8s.io/v1alpha1"
	}
	// Names that kustomize has replaced; it warns of them at length.
	if list := slices.Concat(k.early, k.middle, k.late); len(list) > 0 {
		k.data["patches"] = list
	}
	if v, ok := k.data["imageTags"].([]any); ok {
		k.data["images"] = append(slices.Clone(list(k.data["images"])), v...)
	}
	if v, ok := k.data["commonLabels"].(map[string]any); ok && len(v) > 0 {
		k.data["labels"] = append(slices.Clone(list(k.data["labels"])), map[string]any{"pairs": v, "includeSelectors": true})
	}
	delete(k.data, "imageTags")
	delete(k.data, "commonLabels")
	if k.bare != nil {
		k.bare["labels"] = []any{} // a kustomization that says nothing is refused
		for name, v := range k.data {
			k.bare[name] = v
		}
		k.bare["patches"] = slices.Concat(k.early, k.merges)
	}
}

// spared gives patches the target that they name themselves. Where something of
// a kustomization is not there, what would have been patched may be a part of
// that, and a patch with a target that selects nothing is no error.
func (s *scan) spared(patches []any) []any {
	var out []any
	for _, p := range patches {
		e, _ := p.(map[string]any)
		var f *file
		for _, x := range s.files {
			if e["path"] == fmt.Sprintf("../../f/%d", x.number) {
				f = x
			}
		}
		if f == nil || f.list || e["target"] != nil {
			out = append(out, p)
			continue
		}
		for _, d := range f.docs {
			one := maps.Clone(e)
			if len(f.docs) > 1 {
				g := s.parts[d]
				if g == nil {
					g = &file{path: f.path, number: s.number(), docs: []*document{d}}
					s.parts[d] = g
					s.files = append(s.files, g)
					s.write(g)
				}
				one["path"] = fmt.Sprintf("../../f/%d", g.number)
			}
			target := map[string]any{}
			for name, v := range map[string]string{
				"kind": d.root.Get("kind").Str(), "name": d.root.Path("metadata", "name").Str(), "namespace": d.root.Path("metadata", "namespace").Str(),
			} {
				if v != "" {
					target[name] = regexp.QuoteMeta(v)
				}
			}
			if len(target) > 0 {
				one["target"] = target
			}
			out = append(out, one)
		}
	}
	return out
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// nodePlace is where a node's field or item begins.
func nodePlace(n *resource.Node) source.Range {
	if !n.KeyRange.IsZero() {
		return n.KeyRange
	}
	return n.Range
}

// items gives the items of a list; anything else fails.
func (s *scan) items(name string, n *resource.Node) []*resource.Node {
	switch n.Kind {
	case resource.Null:
		return nil
	case resource.List:
		return n.Items
	}
	s.fail(nodePlace(n), "%s is not a list", name)
	return nil
}

// entry gives the text of an entry that names a path.
func (s *scan) entry(name string, n *resource.Node) (string, bool) {
	if n.Kind != resource.String || n.Str() == "" {
		s.fail(n.Range, "an entry of %s is not a path", name)
		return "", false
	}
	return n.Str(), true
}

// local gives the path that an entry means; one that is not in the tree fails.
func (s *scan) local(k *spec, name string, n *resource.Node) (string, bool, bool) {
	text, ok := s.entry(name, n)
	if !ok {
		return "", false, false
	}
	p, dir, err := s.resolve(k, text)
	switch {
	case err == nil:
		return p, dir, true
	case remote(text):
		s.fail(n.Range, "%s names %s, which is remote and is not fetched", name, yamltree.Clean(text))
	default:
		s.fail(n.Range, "%s names %s, which %v", name, yamltree.Clean(text), err)
	}
	return "", false, false
}

func (s *scan) resources(k *spec, name string, n *resource.Node) {
	for _, it := range s.items(name, n) {
		text, ok := s.entry(name, it)
		if !ok {
			return
		}
		if _, _, err := s.resolve(k, text); err != nil && remote(text) {
			k.lacks = true
			s.leave(it.Range, text, "%s names %s, which is remote and is not fetched: the rest of %s is judged without it", name, yamltree.Clean(text), yamltree.Clean(s.title()))
			continue
		}
		p, dir, ok := s.local(k, name, it)
		if !ok {
			return
		}
		if dir {
			sub := s.enter(p, it.Range, k.depth+1, false)
			if s.failed {
				return
			}
			k.lacks = k.lacks || sub.lacks
			if sub.root.Get("kind").Str() == "Component" {
				s.fail(it.Range, "%s is a component: it belongs under components", yamltree.Clean(p))
				return
			}
			k.uses = append(k.uses, use{at: it.Range, spec: sub})
			k.add("resources", fmt.Sprintf("../%d", sub.number))
			continue
		}
		if IsFile(p) {
			s.fail(it.Range, "%s names a kustomization file: name its folder", name)
			return
		}
		f := s.manifests(p, it.Range)
		if s.failed {
			return
		}
		k.uses = append(k.uses, use{at: it.Range, file: f})
		k.add("resources", fmt.Sprintf("../../f/%d", f.number))
	}
}

// add appends to a list of what the build sees.
func (k *spec) add(name string, v any) {
	list, _ := k.data[name].([]any)
	k.data[name] = append(list, v)
}

func (s *scan) components(k *spec, n *resource.Node) {
	for _, it := range s.items("components", n) {
		p, dir, ok := s.local(k, "components", it)
		if !ok {
			return
		}
		if !dir {
			s.fail(it.Range, "components names %s, which is not a folder", yamltree.Clean(p))
			return
		}
		sub := s.enter(p, it.Range, k.depth+1, true)
		if s.failed {
			return
		}
		k.lacks = k.lacks || sub.lacks
		if sub.root.Get("kind").Str() != "Component" {
			s.fail(it.Range, "%s is not a component: it belongs under resources", yamltree.Clean(p))
			return
		}
		k.uses = append(k.uses, use{at: it.Range, spec: sub, component: true})
		k.add("components", fmt.Sprintf("../%d", sub.number))
	}
}

// lookedAt takes over files that only tell kustomize about kinds.
func (s *scan) lookedAt(k *spec, name string, n *resource.Node) {
	for _, it := range s.items(name, n) {
		p, dir, ok := s.local(k, name, it)
		if !ok {
			return
		}
		if dir {
			s.fail(it.Range, "%s names a folder", name)
			return
		}
		k.add(name, ".."+"/.."+plainPath(s.other(p, it.Range)))
	}
}

func (s *scan) schema(k *spec, n *resource.Node) {
	out := map[string]any{}
	if v := n.Get("version"); v.Str() != "" {
		out["version"] = v.Str()
	}
	if v := n.Get("path"); v != nil {
		p, dir, ok := s.local(k, "openapi", v)
		if !ok || dir {
			if dir {
				s.fail(v.Range, "openapi names a folder")
			}
			return
		}
		out["path"] = "../.." + plainPath(s.other(p, v.Range))
	}
	for _, f := range n.Fields {
		if f.Name != "version" && f.Name != "path" {
			s.fail(nodePlace(f.Node), "openapi has no field %q", yamltree.Clean(f.Name))
		}
	}
	s.openAPI = true
	k.data["openapi"] = out
}

// mergePatches takes strategic merge patches over, each a path or the patch
// itself.
func (s *scan) mergePatches(k *spec, n *resource.Node) {
	for _, it := range s.items("patchesStrategicMerge", n) {
		text, ok := s.entry("patchesStrategicMerge", it)
		if !ok {
			return
		}
		var f *file
		if _, _, err := s.resolve(k, text); err != nil && strings.Contains(text, "\n") {
			f = s.inline(k, it)
		} else if p, dir, ok := s.local(k, "patchesStrategicMerge", it); !ok || dir {
			if dir {
				s.fail(it.Range, "patchesStrategicMerge names a folder")
			}
			return
		} else {
			f = s.patchFile(p, it.Range)
		}
		if s.failed {
			return
		}
		// They run right before the other patches.
		e := map[string]any{"path": fmt.Sprintf("../../f/%d", f.number)}
		k.early = append(k.early, e)
		k.mergings = append(k.mergings, merging{at: it.Range, file: f})
	}
}

// patchFile takes up a file of patches; its documents know who brought them in.
func (s *scan) patchFile(name string, at source.Range) *file {
	f := s.manifests(name, at)
	for _, d := range f.docs {
		if d.broughtBy.IsZero() {
			d.broughtBy = at
		}
	}
	return f
}

func (s *scan) patches(k *spec, name string, n *resource.Node) {
	for _, it := range s.items(name, n) {
		if it.Kind != resource.Map {
			s.fail(it.Range, "an entry of %s is not a map", name)
			return
		}
		out := map[string]any{}
		var f *file
		for _, e := range it.Fields {
			switch e.Name {
			case "target", "options":
				out[e.Name] = plainValue(e.Node)
			case "path":
				p, dir, ok := s.local(k, name, e.Node)
				if !ok || dir {
					if dir {
						s.fail(e.Node.Range, "%s names a folder", name)
					}
					return
				}
				f = s.patchFile(p, e.Node.Range)
			case "patch":
				if e.Node.Str() == "" {
					continue
				}
				f = s.inline(k, e.Node)
			default:
				s.fail(nodePlace(e.Node), "%s has no field %q", name, yamltree.Clean(e.Name))
			}
			if s.failed {
				return
			}
		}
		if f == nil {
			s.fail(it.Range, "an entry of %s has neither a path nor a patch", name)
			return
		}
		out["path"] = fmt.Sprintf("../../f/%d", f.number)
		if name == "patches" {
			k.middle = append(k.middle, out)
		} else {
			k.late = append(k.late, out)
		}
		if f.list {
			if s.wellFormed(f.docs[0]); s.failed {
				return
			}
			k.operations = append(k.operations, operations{entry: it, origin: f.docs[0].broughtBy, list: f.docs[0].root, doc: f.docs[0]})
			if k.bare == nil {
				k.bare = map[string]any{}
			}
		} else {
			k.merges = append(k.merges, out)
			k.mergings = append(k.mergings, merging{target: it.Get("target"), at: entryPlace(it), file: f})
		}
	}
}

// wellFormed fails at the operation of a JSON patch that kustomize does not take;
// its own words name neither file nor line.
func (s *scan) wellFormed(d *document) {
	for _, op := range d.root.Items {
		at := d.broughtBy
		if d.exact {
			at = op.Range
		}
		switch name := op.Get("op"); {
		case op.Kind != resource.Map:
			s.fail(at, "an operation of a JSON patch is not a map")
		case name == nil:
			s.fail(at, "an operation of a JSON patch has no op")
		case !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, name.Str()):
			s.fail(at, "a JSON patch has no operation %q", yamltree.Clean(name.Str()))
		case op.Get("path") == nil:
			s.fail(at, "an operation of a JSON patch has no path")
		}
	}
}

// entryPlace is the place of an entry by which people know it: what brought the file in.
func entryPlace(entry *resource.Node) source.Range {
	for _, name := range [...]string{"path", "patch"} {
		if n := entry.Get(name); n != nil {
			if name == "patch" {
				return nodePlace(n)
			}
			return n.Range
		}
	}
	return entry.Range
}

func (s *scan) replacements(k *spec, n *resource.Node) {
	for _, it := range s.items("replacements", n) {
		p := it.Get("path")
		if p == nil {
			k.add("replacements", plainValue(it))
			k.replaces = append(k.replaces, it)
			continue
		}
		name, dir, ok := s.local(k, "replacements", p)
		if !ok || dir {
			if dir {
				s.fail(p.Range, "replacements names a folder")
			}
			return
		}
		ds := yamltree.Read(s.ctx, s.u, name, yamltree.Options{OldBooleans: true}, func(d yamltree.Document) source.Diagnostics {
			list := []*resource.Node{d.Root}
			if d.Root.Kind == resource.List {
				list = d.Root.Items
			}
			for _, x := range list {
				k.add("replacements", plainValue(x))
				k.replaces = append(k.replaces, x)
			}
			return nil
		})
		if s.read(ds); s.failed {
			return
		}
	}
}

func (s *scan) generators(k *spec, name, kind string, n *resource.Node) {
	for _, it := range s.items(name, n) {
		if it.Kind != resource.Map {
			s.fail(it.Range, "an entry of %s is not a map", name)
			return
		}
		g := generator{kind: kind, n: it, spec: k}
		out := map[string]any{}
		for _, e := range it.Fields {
			switch e.Name {
			case "name", "namespace", "behavior", "literals", "options", "type":
				out[e.Name] = plainValue(e.Node)
			case "files", "envs":
				var list []any
				for _, x := range s.items(name, e.Node) {
					list = append(list, s.dataFile(&g, name, e.Name, x))
				}
				out[e.Name] = list
			case "env":
				out[e.Name] = s.dataFile(&g, name, e.Name, e.Node)
			default:
				s.fail(nodePlace(e.Node), "%s has no field %q", name, yamltree.Clean(e.Name))
			}
			if s.failed {
				return
			}
		}
		k.add(name, out)
		k.generators = append(k.generators, g)
	}
}

// dataFile takes over a file that a generator puts in, under the key that it has.
func (s *scan) dataFile(g *generator, name, field string, n *resource.Node) any {
	text, ok := s.entry(name, n)
	if !ok {
		return nil
	}
	key := ""
	if field == "files" {
		key = path.Base(text)
		if before, after, ok := strings.Cut(text, "="); ok {
			key, text = before, after
		}
	}
	p, dir, err := s.resolve(g.spec, text)
	switch {
	case err != nil && remote(text):
		s.fail(n.Range, "%s names %s, which is remote and is not fetched", name, yamltree.Clean(text))
		return nil
	case err != nil:
		s.fail(n.Range, "%s names %s, which %v", name, yamltree.Clean(text), err)
		return nil
	case dir:
		s.fail(n.Range, "%s names a folder", name)
		return nil
	}
	at := plainPath(s.other(p, n.Range))
	g.files = append(g.files, dataFile{n, source.NewFile(p, s.contents[at]), field != "files"})
	laid := "../.." + at
	if key != "" {
		return key + "=" + laid
	}
	return laid
}

// builtin are kustomize's own transformers and generators that name no file
// unless one of pathFields is set.
var builtin = map[string]bool{
	"AnnotationsTransformer": true, "ConfigMapGenerator": true, "ImageTagTransformer": true, "LabelTransformer": true,
	"NamespaceTransformer": true, "PatchJson6902Transformer": true, "PatchStrategicMergeTransformer": true, "PatchTransformer": true,
	"PrefixTransformer": true, "PrefixSuffixTransformer": true, "ReplacementTransformer": true, "ReplicaCountTransformer": true,
	"SecretGenerator": true, "SuffixTransformer": true,
}

// plugins takes kustomize's own plugins over and refuses all others: they are
// programs.
func (s *scan) plugins(k *spec, name string, n *resource.Node) {
	for _, it := range s.items(name, n) {
		text, ok := s.entry(name, it)
		if !ok {
			return
		}
		var f *file
		if _, _, err := s.resolve(k, text); err != nil && strings.Contains(text, "\n") {
			f = s.inline(k, it)
		} else if p, dir, ok := s.local(k, name, it); !ok || dir {
			if dir {
				s.fail(it.Range, "%s names the folder %s; only kustomize's own plugins, named by file, are run", name, yamltree.Clean(p))
			}
			return
		} else {
			f = s.patchFile(p, it.Range)
		}
		if s.failed {
			return
		}
		charts := 0
		for _, d := range f.docs {
			kind := d.root.Get("kind").Str()
			if d.root.Get("apiVersion").Str() == "builtin" && kind == ChartPlugin && name == "generators" {
				charts++
				c := &chartUse{k: k, field: name, n: d.root, home: d.root.Get("chartHome").Str()}
				if d.inline == nil {
					c.file = d.file
				}
				if s.chart(c); s.failed {
					return
				}
				continue
			}
			if d.root.Get("apiVersion").Str() != "builtin" || !builtin[kind] {
				s.fail(it.Range, "%s asks for the plugin %s, which is a program of its own and is not run", name, yamltree.Clean(kind))
				return
			}
			if at := namesFile(d.root, kind); at != nil {
				s.fail(it.Range, "%s has a %s that reads a file (%s), which is not evaluated", name, kind, yamltree.Clean(at.KeyRange.String()))
				return
			}
		}
		switch charts {
		case 0:
			k.add(name, fmt.Sprintf("../../f/%d", f.number))
		case len(f.docs):
		default:
			s.fail(it.Range, "%s names a file that holds charts beside other plugins", name)
			return
		}
	}
}

// namesFile gives a field of a plugin's configuration that names a file.
func namesFile(root *resource.Node, kind string) *resource.Node {
	for _, name := range []string{"path", "paths", "files", "envs", "env"} {
		if n := root.Get(name); n != nil && kind != "NamespaceTransformer" {
			return n
		}
	}
	for _, it := range itemsOf(root.Get("replacements")) {
		if n := it.Get("path"); n != nil {
			return n
		}
	}
	return nil
}

func itemsOf(n *resource.Node) []*resource.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// plainValue gives a node as JSON has it.
func plainValue(n *resource.Node) any {
	switch {
	case n == nil:
		return nil
	case n.Kind == resource.List:
		out := make([]any, len(n.Items))
		for i, it := range n.Items {
			out[i] = plainValue(it)
		}
		return out
	case n.Kind == resource.Map:
		out := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			out[f.Name] = plainValue(f.Node)
		}
		return out
	}
	return n.Value
}

// readBounded reads a file of the unit's tree.
func readBounded(u *format.Unit, name string) ([]byte, error) {
	limit := u.MaxFileSize
	if limit <= 0 {
		limit = format.DefaultMaxFileSize
	}
	f, err := u.FS.Open(name)
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes and was not read", limit)
	}
	return data, nil
}
