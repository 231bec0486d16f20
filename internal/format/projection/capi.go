package projection

import (
	"fmt"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// capiControlPlanes is the group of Cluster API's control planes.
const capiControlPlanes = "controlplane.cluster.x-k8s.io"

// eksSettings are the settings of Cluster API's EKS control plane, by their
// place in Terraform's aws_eks_cluster.
var eksSettings = []struct {
	block, name string
	at          []string
}{
	{"", "version", []string{"version"}},
	{"vpc_config", "endpoint_public_access", []string{"endpointAccess", "public"}},
	{"vpc_config", "endpoint_private_access", []string{"endpointAccess", "private"}},
	{"vpc_config", "public_access_cidrs", []string{"endpointAccess", "publicCIDRs"}},
	{"encryption_config", "resources", []string{"encryptionConfig", "resources"}},
	{"access_config", "authentication_mode", []string{"accessConfig", "authenticationMode"}},
	{"access_config", "bootstrap_cluster_creator_admin_permissions", []string{"accessConfig", "bootstrapClusterCreatorAdminPermissions"}},
}

// eksLogs are the logs that a control plane can write, by Terraform's names.
var eksLogs = []struct{ from, to string }{
	{"apiServer", "api"}, {"audit", "audit"}, {"authenticator", "authenticator"}, {"controllerManager", "controllerManager"}, {"scheduler", "scheduler"},
}

// fromClusterAPI projects the control plane that Cluster API makes in EKS.
func (p *projector) fromClusterAPI(r *resource.Resource) *resource.Resource {
	var at []string
	switch r.Kind {
	case "AWSManagedControlPlane":
		at = []string{"spec"}
	case "AWSManagedControlPlaneTemplate":
		at = []string{"spec", "template", "spec"}
	default:
		return r
	}
	spec := r.Root.Path(at...)
	if spec == nil {
		return r
	}
	if spec.Unknown || spec.Kind != resource.Map {
		return unknownAs(&p.ds, r, "its spec", spec)
	}
	root := copied(spec)
	root.Range, root.KeyRange = r.Root.Range, r.Root.KeyRange
	blocks := map[string]*resource.Node{}
	for _, s := range eksSettings {
		into := root
		if s.block != "" {
			of := spec.Get(s.at[0])
			if of != nil && of.Unknown {
				if root.Get(s.block) == nil {
					root.Fields = append(root.Fields, resource.Field{Name: s.block, Node: of})
				}
				continue
			}
			// A cluster has its network settings, whether they are written or not.
			if of == nil && s.block != "vpc_config" {
				continue
			}
			if into = blocks[s.block]; into == nil {
				into = blockOf(root, s.block, of, spec)
				blocks[s.block] = into
			}
		}
		v := spec.Path(s.at...)
		if v == nil {
			continue
		}
		switch {
		case v.Unknown || v.Kind != resource.String:
		case s.name == "authentication_mode":
			v = valued(v, resource.String, strings.ToUpper(v.Str()))
		case s.name == "version":
			v = valued(v, resource.String, strings.TrimPrefix(v.Str(), "v"))
		}
		into.Fields = append(into.Fields, resource.Field{Name: s.name, Node: v})
	}
	if logs := spec.Get("logging"); logs != nil {
		root.Fields = append(root.Fields, resource.Field{Name: "enabled_cluster_log_types", Node: logTypes(logs)})
	}
	out := as(r, resource.Terraform, root)
	out.Kind = "aws_eks_cluster"
	out.Written = &resource.Written{Resource: r, Path: func(path resource.Path) (resource.Path, error) { return eksWritten(at, path) }}
	return out
}

// blockOf adds the block of a name to root: at the place of what is written of
// it, else at that of the spec.
func blockOf(root *resource.Node, name string, of, spec *resource.Node) *resource.Node {
	if of == nil {
		of = &resource.Node{Range: spec.Range, KeyRange: spec.KeyRange}
	}
	b := copied(of)
	b.Kind, b.Block = resource.Map, true
	list := copied(b)
	list.Kind, list.Partial, list.Items = resource.List, false, []*resource.Node{b}
	root.Fields = append(root.Fields, resource.Field{Name: name, Node: list})
	return b
}

// logTypes gives the logs that are switched on.
func logTypes(logs *resource.Node) *resource.Node {
	out := copied(logs)
	out.Kind = resource.List
	for _, l := range eksLogs {
		switch v := logs.Get(l.from); {
		case v == nil:
		case v.Unknown:
			out.Partial, out.Why = true, v.Why
		case v.Value == true:
			name := *v
			name.Kind, name.Value = resource.String, l.to
			out.Items = append(out.Items, &name)
		}
	}
	return out
}

func eksWritten(at []string, path resource.Path) (resource.Path, error) {
	var names []string
	for _, s := range path {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	var out resource.Path
	for _, name := range at {
		out = append(out, resource.Step{Name: name})
	}
	for _, s := range eksSettings {
		if len(names) > 0 && names[0] == s.block && len(names) > 1 && names[1] == s.name || s.block == "" && len(names) > 0 && names[0] == s.name {
			for _, name := range s.at {
				out = append(out, resource.Step{Name: name})
			}
			if last := path[len(path)-1]; last.Name == "" && len(path) > 1 && path[len(path)-2].Name == s.name {
				out = append(out, last)
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be set there", path)
}
