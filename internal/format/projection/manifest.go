package projection

import (
	"errors"
	"path"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// manifest projects a resource of Terraform that holds a whole object: a map, or
// a text in YAML of which the reader kept the tree.
func manifest(r *resource.Resource, n *resource.Node, ds *source.Diagnostics) *resource.Resource {
	if n == nil {
		return r
	}
	if n.Embedded != nil {
		n = n.Embedded
	}
	apiVersion, kind := n.Get("apiVersion"), n.Get("kind")
	switch {
	case n.Unknown, n.Kind != resource.Map:
		return unknownAs(ds, r, "its manifest", n)
	case apiVersion != nil && apiVersion.Unknown:
		return unknownAs(ds, r, "the version of its manifest", apiVersion)
	case kind != nil && kind.Unknown:
		return unknownAs(ds, r, "the kind of its manifest", kind)
	case apiVersion.Str() == "" || kind.Str() == "":
		return r
	}
	root := *n
	root.KeyRange = source.Range{}
	out := as(r, resource.Kubernetes, &root)
	out.Kind = kind.Str()
	out.Group, out.Version = cutVersion(apiVersion.Str())
	out.Name, out.Namespace = named(&root, r.Name), root.Path("metadata", "namespace").Str()
	if f := n.Range.File; f != r.Range.File && f != "" {
		// The file is read as a manifest too; what is wrong in it is said once.
		out.Source = resource.Identity{Unit: resource.Kubernetes + ":" + path.Dir(f), ID: objectID(apiVersion.Str(), out)}
	}
	forced := r.Root.Get("override_namespace")
	if forced != nil {
		inNamespace(&root, forced)
		out.Namespace = forced.Str()
	}
	within := *r
	within.Format, within.Root, within.Range = resource.Kubernetes, n, n.Range
	out.Written = &resource.Written{Resource: &within, Path: func(p resource.Path) (resource.Path, error) {
		if forced != nil && len(p) > 1 && p[0].Name == "metadata" && p[1].Name == "namespace" {
			return nil, errors.New("the namespace is decided by override_namespace")
		}
		return p, nil
	}}
	return out
}

// inNamespace gives root, which is changed, another namespace than it says.
func inNamespace(root, namespace *resource.Node) {
	root.Fields = append([]resource.Field(nil), root.Fields...)
	for i, f := range root.Fields {
		if f.Name != "metadata" || f.Node == nil || f.Node.Kind != resource.Map || f.Node.Unknown {
			continue
		}
		m := *f.Node
		m.Fields = nil
		for _, g := range f.Node.Fields {
			if g.Name != "namespace" {
				m.Fields = append(m.Fields, g)
			}
		}
		m.Fields = append(m.Fields, resource.Field{Name: "namespace", Node: namespace})
		root.Fields[i].Node = &m
	}
}

// objectID is the id that an object has as a manifest.
func objectID(apiVersion string, r *resource.Resource) string {
	id := apiVersion + "/" + r.Kind
	if r.Namespace != "" {
		id += "/" + r.Namespace
	}
	if name := named(r.Root, ""); name != "" {
		id += "/" + name
	}
	return id
}
