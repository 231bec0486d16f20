package projection

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

//go:embed kubernetes.txt
var kubernetesTable string

// kubernetesSchema is read once; a test holds that it reads.
var kubernetesSchema = sync.OnceValue(func() *schema {
	s, err := parseSchema(kubernetesTable, camel, true)
	if err != nil {
		panic("kubernetes.txt: " + err.Error())
	}
	return s
})

// fromTerraform projects what the Kubernetes providers of Terraform make.
func fromTerraform(r *resource.Resource, ds *source.Diagnostics) *resource.Resource {
	if !strings.HasPrefix(r.Kind, "kube") {
		return r
	}
	switch r.Kind {
	case "kubernetes_manifest":
		return manifest(r, r.Root.Get("manifest"), ds)
	case "kubectl_manifest":
		return manifest(r, r.Root.Get("yaml_body"), ds)
	}
	k := kubernetesSchema().kinds[r.Kind]
	if k == nil {
		return r
	}
	root := k.of.project(r.Root)
	root.Fields = append([]resource.Field{
		{Name: "apiVersion", Node: said(k.apiVersion, r.Head)}, {Name: "kind", Node: said(k.name, r.Head)},
	}, root.Fields...)
	if k.namespaced {
		inDefault(root, r.Head)
	}
	nonRoot(root, k.name)
	out := as(r, resource.Kubernetes, root)
	out.Kind = k.name
	out.Group, out.Version = cutVersion(k.apiVersion)
	out.Name, out.Namespace = named(root, r.Name), root.Path("metadata", "namespace").Str()
	out.Written = &resource.Written{
		Resource: r,
		Path:     func(p resource.Path) (resource.Path, error) { return k.of.written(r.Root, p) },
		Along:    func(p resource.Path) []resource.Field { return keepNonRoot(root, k.name, p) },
		Block: func(text string) (string, error) {
			return kubernetesSchema().block(r, inComments(text, k.name+" "+out.Name, r.ID))
		},
	}
	return out
}

// as copies a resource onto a platform with another tree.
func as(r *resource.Resource, platform string, root *resource.Node) *resource.Resource {
	out := *r
	out.Platform, out.Root = platform, root
	out.Group, out.Version, out.Namespace = "", "", ""
	return &out
}

// said is a text that something at a place comes to, without being written there.
func said(s string, at source.Range) *resource.Node {
	return &resource.Node{Kind: resource.String, Value: s, Range: at}
}

func cutVersion(apiVersion string) (group, version string) {
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		return "", apiVersion
	}
	return group, version
}

// named gives the name of an object, or what stands for one that the cluster
// makes up or that is not known.
func named(root *resource.Node, otherwise string) string {
	m := root.Get("metadata")
	if s := m.Get("name").Str(); s != "" {
		return s
	}
	if s := m.Get("generateName").Str(); s != "" {
		return s + "*"
	}
	return otherwise
}

// inDefault puts an object that names no namespace into the default one, as the
// provider does.
func inDefault(root *resource.Node, head source.Range) {
	m := root.Get("metadata")
	if m == nil || m.Unknown || m.Partial || m.Kind != resource.Map || m.Get("namespace") != nil {
		return
	}
	at := m.KeyRange
	if at.IsZero() {
		at = head
	}
	m.Fields = append(m.Fields, resource.Field{Name: "namespace", Node: said("default", at)})
}

// nonRoot says what the provider says of containers that have a security
// context without runAsNonRoot: it sends false, which overrides the pod.
func nonRoot(root *resource.Node, kind string) {
	_, pod := kubernetes.PodSpec(root, kind)
	if asked := pod.Path("securityContext", "runAsNonRoot"); asked == nil || !asked.Unknown && asked.Value != true {
		return
	}
	for _, list := range containerLists {
		cs := pod.Get(list)
		if cs == nil {
			continue
		}
		for _, c := range cs.Items {
			sc := c.Get("securityContext")
			if sc == nil || sc.Unknown || sc.Partial || sc.Kind != resource.Map || sc.Get("runAsNonRoot") != nil {
				continue
			}
			at := sc.KeyRange
			if at.IsZero() {
				at = sc.Range
			}
			no := &resource.Node{Kind: resource.Bool, Value: false, Range: at}
			sc.Fields = append(sc.Fields, resource.Field{Name: "runAsNonRoot", Node: no})
		}
	}
}

var containerLists = [...]string{"initContainers", "containers"}

// keepNonRoot repeats the pod's runAsNonRoot in the security context that is
// made for a container, which would override it otherwise.
func keepNonRoot(root *resource.Node, kind string, at resource.Path) []resource.Field {
	path, pod := kubernetes.PodSpec(root, kind)
	asked := pod.Path("securityContext", "runAsNonRoot")
	if asked == nil || asked.Unknown || asked.Value != true || len(at) != len(path)+3 || at[len(at)-1].Name != "securityContext" {
		return nil
	}
	if list := at[len(path)].Name; list != containerLists[0] && list != containerLists[1] {
		return nil
	}
	return []resource.Field{{Name: "runAsNonRoot", Node: &resource.Node{Kind: resource.Bool, Value: true}}}
}
