package projection

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// crossplane is the group of Crossplane's own compositions, and functionGroup
// that of the input of the function that composes by patches.
const (
	crossplane    = "apiextensions.crossplane.io"
	functionGroup = "pt.fn.crossplane.io"
)

// maxBases bounds the resources that one composition composes.
const maxBases = 1000

// within gives the resources that an object holds: the bases of a composition.
// What a patch sets in one is not known.
func within(r *resource.Resource) []*resource.Resource {
	if r == nil || r.Root == nil || r.Platform != resource.Kubernetes || r.Group != crossplane || r.Kind != "Composition" {
		return nil
	}
	c := &composition{r: r, patches: map[string][]*resource.Node{}}
	spec := resource.Path{{Name: "spec"}}
	c.take(r.Root.Get("spec"), spec)
	steps := r.Root.Path("spec", "pipeline")
	if steps != nil {
		for i, step := range steps.Items {
			in := step.Get("input")
			if group, _ := cutVersion(in.Get("apiVersion").Str()); group != functionGroup || in.Get("kind").Str() != "Resources" {
				continue
			}
			c.take(in, resource.Path{{Name: "spec"}, {Name: "pipeline"}, {Index: i}, {Name: "input"}})
		}
	}
	out := make([]*resource.Resource, 0, len(c.bases))
	for _, b := range c.bases {
		if q := c.resource(b); q != nil {
			out = append(out, q)
		}
	}
	return out
}

// composition gathers the bases and patches of one composition.
type composition struct {
	r       *resource.Resource
	bases   []base
	patches map[string][]*resource.Node // by the name of the resource, those of all steps
}

type base struct {
	name string
	node *resource.Node
	item *resource.Node
	path resource.Path
}

// take reads what one step composes.
func (c *composition) take(in *resource.Node, at resource.Path) {
	list := in.Get("resources")
	if list == nil || list.Unknown {
		return
	}
	sets := map[string]*resource.Node{}
	if all := in.Get("patchSets"); all != nil {
		for _, s := range all.Items {
			sets[s.Get("name").Str()] = s.Get("patches")
		}
	}
	for i, it := range list.Items {
		name := it.Get("name").Str()
		if name == "" {
			name = strconv.Itoa(i)
		}
		if b := it.Get("base"); b != nil && !b.Unknown && b.Kind == resource.Map && len(c.bases) < maxBases {
			c.bases = append(c.bases, base{name, b, it, append(slices.Clip(at), resource.Step{Name: "resources"}, resource.Step{Index: i}, resource.Step{Name: "base"})})
		}
		patches := it.Get("patches")
		if patches == nil {
			continue
		}
		for _, p := range patches.Items {
			if p.Get("type").Str() != "PatchSet" {
				c.patches[name] = append(c.patches[name], p)
			} else if set := sets[p.Get("patchSetName").Str()]; set != nil {
				c.patches[name] = append(c.patches[name], set.Items...)
			}
		}
	}
}

// resource gives the resource that a base is, or nil where it does not say what.
func (c *composition) resource(b base) *resource.Resource {
	apiVersion, kind := b.node.Get("apiVersion"), b.node.Get("kind")
	if apiVersion.Str() == "" || kind.Str() == "" {
		return nil
	}
	root := *b.node
	root.KeyRange = source.Range{}
	patched := &root
	for _, p := range c.patches[b.name] {
		path, ok := patchTarget(p)
		if !ok {
			continue
		}
		patched = unknownAt(patched, path, "the patch from "+patchSource(p))
	}
	patched = unknownNamespace(patched)
	out := *c.r
	out.ID = c.r.ID + "#" + b.name
	if out.Source != (resource.Identity{}) {
		out.Source.ID += "#" + b.name
	}
	out.Kind = kind.Str()
	out.Group, out.Version = cutVersion(apiVersion.Str())
	out.Name, out.Namespace = named(b.node, b.name), ""
	out.Root, out.Range = patched, b.node.Range
	out.Head = apiVersion.Range
	if !apiVersion.KeyRange.IsZero() {
		out.Head.Start = apiVersion.KeyRange.Start
	}
	out.Comments = c.comments(b)
	out.Written = &resource.Written{Resource: c.r, Path: func(p resource.Path) (resource.Path, error) {
		if n, _ := p.At(patched); n != nil && n.Unknown {
			return nil, errors.New("a patch of the composition decides it")
		}
		return append(slices.Clone(b.path), p...), nil
	}}
	return &out
}

// comments are those that stand in the item of a base, above it, or before all
// of the composition.
func (c *composition) comments(b base) []resource.Comment {
	var out []resource.Comment
	for _, m := range c.r.Comments {
		at := m.Range.Start.Line
		if at <= c.r.Head.Start.Line || b.item.Range.Start.Line-1 <= at && at <= b.item.Range.End.Line {
			out = append(out, m)
		}
	}
	return out
}

// patchTarget is the place that a patch sets in the resource; ok is false for
// patches that set nothing there.
func patchTarget(p *resource.Node) ([]string, bool) {
	switch kind := p.Get("type").Str(); kind {
	case "", "FromCompositeFieldPath", "FromEnvironmentFieldPath", "CombineFromComposite", "CombineFromEnvironment":
	default:
		return nil, false
	}
	to := p.Get("toFieldPath")
	if to == nil {
		to = p.Get("fromFieldPath")
	}
	return fieldPath(to.Str())
}

func patchSource(p *resource.Node) string {
	if s := p.Get("fromFieldPath").Str(); s != "" {
		return s
	}
	return "several fields"
}

// fieldPath takes a field path of Crossplane apart: spec.forProvider.tags[0],
// metadata.annotations[crossplane.io/external-name], spec.x["y"], list[*].
func fieldPath(s string) ([]string, bool) {
	var out []string
	for s != "" {
		switch s[0] {
		case '.':
			s = s[1:]
		case '[':
			end := strings.IndexByte(s, ']')
			if end < 0 {
				return nil, false
			}
			out = append(out, strings.Trim(s[1:end], `"'`))
			s = s[end+1:]
		default:
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			out = append(out, s[:end])
			s = s[end:]
		}
	}
	return out, len(out) > 0
}

// unknownAt gives n with what stands at the path not known. The places on the way
// are made where they are missing.
func unknownAt(n *resource.Node, path []string, why string) *resource.Node {
	if n.Unknown {
		return n
	}
	if len(path) == 0 {
		return unknownLike(n, why)
	}
	out := *n
	switch n.Kind {
	case resource.Map:
		out.Fields = slices.Clone(n.Fields)
		for i, f := range out.Fields {
			if f.Name == path[0] && f.Node != nil {
				out.Fields[i].Node = unknownAt(f.Node, path[1:], why)
				return &out
			}
		}
		at := n.KeyRange
		v := &resource.Node{Kind: resource.Map, Range: at, KeyRange: at}
		out.Fields = append(out.Fields, resource.Field{Name: path[0], Node: unknownAt(v, path[1:], why)})
	case resource.List:
		out.Items = slices.Clone(n.Items)
		i, err := strconv.Atoi(path[0])
		switch {
		case path[0] == "*":
			for i, it := range out.Items {
				if it != nil {
					out.Items[i] = unknownAt(it, path[1:], why)
				}
			}
		case err == nil && 0 <= i && i < len(out.Items) && out.Items[i] != nil:
			out.Items[i] = unknownAt(out.Items[i], path[1:], why)
		default:
			return unknownLike(n, why)
		}
	default:
		return unknownLike(n, why)
	}
	return &out
}

func unknownLike(n *resource.Node, why string) *resource.Node {
	out := copied(n)
	out.Kind, out.Unknown, out.Partial, out.Why = resource.Null, true, false, why
	return out
}

// unknownNamespace gives an object that names no namespace one that is not known:
// it is the composite resource's.
func unknownNamespace(n *resource.Node) *resource.Node {
	m := n.Get("metadata")
	if m.Get("namespace") != nil || m != nil && (m.Unknown || m.Kind != resource.Map) {
		return n
	}
	return unknownAt(n, []string{"metadata", "namespace"}, "the composite resource")
}

// The groups of Crossplane's objects that hold another one.
const (
	kubernetesObject           = "kubernetes.crossplane.io"
	kubernetesObjectNamespaced = "kubernetes.m.crossplane.io"
)

// held projects an object of Crossplane's provider for Kubernetes onto the
// manifest that it holds.
func (p *projector) held(r *resource.Resource) *resource.Resource {
	at := resource.Path{{Name: "spec"}, {Name: "forProvider"}, {Name: "manifest"}}
	n := r.Root.Path("spec", "forProvider", "manifest")
	switch {
	case n == nil:
		return r
	case n.Unknown || n.Kind != resource.Map:
		return unknownAs(&p.ds, r, "its manifest", n)
	}
	apiVersion, kind := n.Get("apiVersion").Str(), n.Get("kind").Str()
	if apiVersion == "" || kind == "" {
		return r
	}
	root := *n
	root.KeyRange = source.Range{}
	out := as(r, resource.Kubernetes, unknownNamespace(&root))
	out.Kind = kind
	out.Group, out.Version = cutVersion(apiVersion)
	out.Name, out.Namespace = named(&root, r.Name), n.Path("metadata", "namespace").Str()
	out.Written = &resource.Written{Resource: r, Path: func(path resource.Path) (resource.Path, error) {
		if len(path) > 1 && path[0].Name == "metadata" && path[1].Name == "namespace" {
			return nil, fmt.Errorf("the namespace is not decided in the manifest")
		}
		return append(slices.Clone(at), path...), nil
	}}
	return out
}
