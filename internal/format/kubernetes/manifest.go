package kubernetes

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// kustomizeGroup is the group of files that kustomize reads and no cluster
// ever sees.
const kustomizeGroup = "kustomize.config.k8s.io"

// maker makes resources of the documents of one file.
type maker struct {
	unit        *format.Unit
	f           *source.File
	resources   []*resource.Resource
	diagnostics source.Diagnostics
}

// document makes the resources of one document.
func (m *maker) document(d yamltree.Document) source.Diagnostics {
	m.f, m.diagnostics = d.File, nil
	m.object(d.Root, d.Comments, "", "")
	return m.diagnostics
}

// candidate reports whether a document may be a manifest: a map with both
// apiVersion and kind, which a merge key may bring.
func candidate(doc *yaml.Node) bool {
	if doc.Kind != yaml.MappingNode {
		return false
	}
	n := 0
	for i := 0; i+1 < len(doc.Content); i += 2 {
		switch key := doc.Content[i]; {
		case yamltree.IsMerge(key):
			return true
		case key.Value == "kind" || key.Value == "apiVersion" || key.Value == "metadata":
			n++
		}
	}
	return n >= 2
}

// object makes a resource of n, or one of each item where n is a list. An item
// of a typed list may leave out apiVersion and kind; the list gives them.
func (m *maker) object(n *resource.Node, comments []resource.Comment, apiVersion, kind string) {
	if n.Kind != resource.Map {
		return
	}
	if s := n.Get("apiVersion").Str(); s != "" {
		apiVersion = s
	}
	if s := n.Get("kind").Str(); s != "" {
		kind = s
	}
	if apiVersion == "" || kind == "" {
		missing := "apiVersion"
		if kind == "" {
			missing = "kind"
		}
		if apiVersion+kind != "" && n.Path("metadata").Get("name") != nil {
			m.diagnostics = append(m.diagnostics, source.Diagnostic{
				File: m.f.Path, Line: n.Range.Start.Line, Level: source.LevelWarning,
				Message: "looks like a manifest without " + missing + "; not evaluated", NotEvaluated: m.f.Path,
			})
		}
		return
	}
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	if group == kustomizeGroup {
		return
	}
	metadata := n.Get("metadata")
	name := m.text(metadata.Get("name"))
	if items := n.Get("items"); items != nil && items.Kind == resource.List && name == "" && strings.HasSuffix(kind, "List") {
		itemVersion, itemKind := "", strings.TrimSuffix(kind, "List")
		if itemKind != "" {
			itemVersion = apiVersion
		}
		for _, it := range items.Items {
			m.object(it, comments, itemVersion, itemKind)
		}
		return
	}
	if name == "" {
		if s := m.text(metadata.Get("generateName")); s != "" {
			name = s + "*"
		}
	}
	r := &resource.Resource{
		Platform: resource.Kubernetes, Format: Name, Unit: m.unit.ID,
		Kind: kind, Group: group, Version: version,
		Name: name, Namespace: m.text(metadata.Get("namespace")),
		Root: n, Range: n.Range, Origins: n.Origins,
	}
	r.ID = apiVersion + "/" + kind
	if r.Namespace != "" {
		r.ID += "/" + r.Namespace
	}
	switch {
	case r.Name != "":
		r.ID += "/" + r.Name
	case r.ID == "v1/Config":
		r.ID += "/" + path.Base(m.f.Path) // kubeconfigs have no names, and lie beside each other
	}
	yamltree.Substitute(n)
	open(n, kind)
	r.Head = m.head(n)
	r.Comments = yamltree.CommentsOf(m.f, n.Range, comments)
	m.resources = append(m.resources, r)
}

// open marks the pod spec of a workload as partial where a container has no
// image, which no cluster takes. Such an object is a patch, and what it leaves
// out is in what it is laid over.
func open(root *resource.Node, kind string) {
	for _, p := range Pods(root, kind) {
		if !p.Spec.Unknown {
			openPod(p.Spec)
		}
	}
}

func openPod(pod *resource.Node) {
	why := "what the patch is laid over"
	lists := [...]*resource.Node{pod.Get("containers"), pod.Get("initContainers")}
	whole := true
	for _, l := range lists {
		if l == nil || l.Kind != resource.List {
			continue
		}
		for _, c := range l.Items {
			whole = whole && (c.Kind != resource.Map || c.Get("image") != nil)
		}
	}
	if whole {
		return
	}
	doubt := func(n *resource.Node) {
		if n != nil && n.Kind == resource.Map {
			n.Partial, n.Why = true, why
		}
	}
	doubt(pod)
	doubt(pod.Get("securityContext"))
	for _, l := range lists {
		if l == nil || l.Kind != resource.List {
			continue
		}
		for _, c := range l.Items {
			doubt(c)
			doubt(c.Get("securityContext"))
			doubt(c.Path("securityContext", "capabilities"))
		}
	}
}

// generated reports whether the cluster makes up the resource's name.
func generated(r *resource.Resource) bool { return strings.HasSuffix(r.Name, "*") }

// text gives a scalar as it is written: a name that looks like a number or a
// boolean is left to the API server to refuse, and is still what people call
// the thing.
func (m *maker) text(n *resource.Node) string {
	if n == nil {
		return ""
	}
	switch v := n.Value.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	r := n.Range
	if len(n.Origins) > 0 {
		r = n.Origins[len(n.Origins)-1]
	}
	return m.f.Text(r)
}

// head is the kind of the object, key and value; where the object has none of
// its own its apiVersion; and else its first line.
func (m *maker) head(n *resource.Node) source.Range {
	for _, name := range [...]string{"kind", "apiVersion"} {
		v := n.Get(name)
		if v == nil || len(v.Origins) > 0 || v.KeyRange.IsZero() || v.Range.End.Byte <= v.KeyRange.Start.Byte {
			continue
		}
		return source.Range{File: m.f.Path, Start: v.KeyRange.Start, End: v.Range.End}
	}
	return yamltree.FirstLine(m.f, n.Range)
}
