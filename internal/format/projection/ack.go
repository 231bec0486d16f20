package projection

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

//go:embed ack.txt
var ackTable string

//go:embed crossplane.txt
var crossplaneTable string

// ackGroups is what the groups of AWS Controllers for Kubernetes end in.
const ackGroups = ".services.k8s.aws"

// classicAWS is what the groups of Crossplane's classic provider for AWS end in.
const classicAWS = ".aws.crossplane.io"

// ackSchema is read once; a test holds that it reads.
var ackSchema = sync.OnceValue(func() *schema {
	s, err := parseSchema(ackTable+crossplaneTable, capital, false)
	if err != nil {
		panic("ack.txt, crossplane.txt: " + err.Error())
	}
	return s
})

// fromACK projects an object of a controller, or of Crossplane's classic provider,
// onto the resource of CloudFormation.
func (p *projector) fromACK(r *resource.Resource) *resource.Resource {
	k := ackSchema().kinds[strings.TrimSuffix(r.Group, ackGroups)+"."+r.Kind]
	at := []string{"spec"}
	if strings.HasSuffix(r.Group, classicAWS) {
		at = []string{"spec", "forProvider"}
	}
	spec := r.Root.Path(at...)
	if k == nil || spec == nil {
		return r
	}
	if spec.Unknown || spec.Kind != resource.Map {
		return unknownAs(&p.ds, r, "its spec", spec)
	}
	properties := k.of.project(p.resolved(spec, k.of))
	typ := "AWS::" + k.name
	out := as(r, resource.CloudFormation, &resource.Node{Kind: resource.Map, Range: r.Root.Range, Fields: []resource.Field{
		{Name: "Type", Node: said(typ, r.Head)}, {Name: "Properties", Node: properties},
	}})
	out.Kind = typ
	out.Written = &resource.Written{Resource: r, Path: func(path resource.Path) (resource.Path, error) {
		if len(path) == 0 || path[0].Name != "Properties" {
			return nil, errNotWritten
		}
		n, steps := path.At(out.Root)
		if n.Unknown {
			return nil, errors.New("it is decided by a reference")
		}
		rest, err := k.of.written(spec, path[1:])
		if err != nil && steps == len(path) {
			if there := placeOf(r.Root, n); there != nil {
				return there, nil
			}
		}
		return append(namesTo(at), rest...), err
	}}
	if slices.ContainsFunc(k.of.settings, func(c *setting) bool { return c.conv == "eksLogging" }) {
		logs := append(namesTo(at), namesTo([]string{"logging", "clusterLogging"})...)
		out.Written.Rewrite = func(path resource.Path, add bool, v *resource.Node) ([]resource.Write, error) {
			return enableLog(spec, logs, path, v)
		}
	}
	return out
}

// placeOf finds where a value of the projected tree stands in the written one: a
// scalar that was taken over, or the object at the same place. nil: nowhere.
func placeOf(root, n *resource.Node) resource.Path {
	var found resource.Path
	resource.Walk(root, func(p resource.Path, w *resource.Node) bool {
		same := w == n || n.Kind == resource.Map && w.Kind == resource.Map && !n.Range.IsZero() && w.Range == n.Range
		if found == nil && same && len(p) > 0 {
			found = slices.Clone(p)
		}
		return found == nil
	})
	return found
}

// enableLog writes a type of log that becomes enabled: into the list of those that
// are, or as a new one.
func enableLog(spec *resource.Node, logs, path resource.Path, v *resource.Node) ([]resource.Write, error) {
	if !strings.HasPrefix(path.String(), "Properties.Logging.ClusterLogging.EnabledTypes[") || path[len(path)-1].Name != "Type" {
		return nil, nil
	}
	setups := spec.Path("logging", "clusterLogging")
	i := 0
	if setups != nil {
		i = slices.IndexFunc(setups.Items, func(s *resource.Node) bool {
			return s.Get("enabled") != nil && s.Get("enabled").Value == true && s.Get("types") != nil
		})
		if i < 0 {
			i = len(setups.Items)
		}
	}
	at := append(slices.Clip(logs), resource.Step{Index: i})
	out := []resource.Write{{Path: append(slices.Clip(at), resource.Step{Name: "types"}), Value: v, Add: true}}
	if setups == nil || i == len(setups.Items) {
		on := resource.Write{Path: append(slices.Clip(at), resource.Step{Name: "enabled"}), Value: &resource.Node{Kind: resource.Bool, Value: true}}
		out = append([]resource.Write{on}, out...)
	}
	return out, nil
}

func namesTo(names []string) resource.Path {
	out := make(resource.Path, 0, len(names))
	for _, name := range names {
		out = append(out, resource.Step{Name: name})
	}
	return out
}

// resolved gives n with its references (kmsKeyRef, securityGroupRefs) as unknown
// values of the settings that they stand for, and keys of Secrets as unknown ones.
func (p *projector) resolved(n *resource.Node, o *object) *resource.Node {
	out := copied(n)
	for _, f := range n.Fields {
		v := f.Node
		switch {
		case v == nil:
			continue
		case v.Kind == resource.Map && !v.Unknown && v.Get("key").Str() != "" && v.Get("name").Str() != "" && o.byFrom[f.Name] == nil:
			v = p.referred(v, false, true)
		case v.Kind == resource.Map && !v.Unknown:
			if c := o.byFrom[f.Name]; c != nil && c.of != nil {
				v = p.resolved(v, c.of)
			} else if from, ok := strings.CutSuffix(f.Name, "Ref"); ok && v.Get("from") != nil {
				f.Name, v = o.standsFor(from, "ID", "ARN", ""), p.referred(v.Get("from"), false, false)
			} else if base, many, ok := reference(f.Name); ok && !many && (v.Get("name") != nil || strings.HasSuffix(f.Name, "Selector")) {
				f.Name, v = base, p.bySelector(v, base)
			}
		case v.Kind == resource.List && strings.HasSuffix(f.Name, "Refs"):
			from, ids := copied(v), "IDs"
			for _, it := range v.Items {
				if t := it.Get("from"); t != nil {
					from.Items = append(from.Items, t)
				} else if it.Get("name") != nil {
					from.Items, ids = append(from.Items, it), ""
				}
			}
			f.Name, v = o.standsFor(strings.TrimSuffix(f.Name, "Refs"), refSuffixes(ids)...), p.referred(from, true, false)
		}
		if out.Get(f.Name) == nil {
			out.Fields = append(out.Fields, resource.Field{Name: f.Name, Node: v})
		}
	}
	return out
}

// refSuffixes are what the plural of a reference stands for: subnetRefs of a
// controller for subnetIDs, subnetIdRefs of Crossplane for subnetIds.
func refSuffixes(ids string) []string {
	if ids == "" {
		return []string{"s"}
	}
	return []string{ids, "ARNs", "s"}
}

// standsFor is the setting that a reference is for: the one with a suffix that
// the type names, or else with the first.
func (o *object) standsFor(base string, suffixes ...string) string {
	for _, s := range suffixes {
		if o.byFrom[base+s] != nil {
			return base + s
		}
	}
	return base + suffixes[0]
}

// unnamed adds a setting that the type does not name, and all in it, under the
// names of CloudFormation.
func (o *object) unnamed(out *resource.Node, f resource.Field) {
	if name := amazonName(f.Name); out.Get(name) == nil {
		out.Fields = append(out.Fields, resource.Field{Name: name, Node: capitals(f.Node)})
	}
}

func capitals(n *resource.Node) *resource.Node {
	if n == nil || n.Unknown || n.Kind != resource.Map && n.Kind != resource.List {
		return n
	}
	out := copied(n)
	for _, it := range n.Items {
		out.Items = append(out.Items, capitals(it))
	}
	for _, f := range n.Fields {
		out.Fields = append(out.Fields, resource.Field{Name: amazonName(f.Name), Node: capitals(f.Node)})
	}
	return out
}

// writtenUnnamed translates a path to a setting that the type does not name. What
// is not there is written as the controllers name most of their settings.
func (o *object) writtenUnnamed(n *resource.Node, p resource.Path) (resource.Path, error) {
	out := make(resource.Path, 0, len(p))
	for _, s := range p {
		if s.Name != "" {
			name := controllerName(s.Name)
			if n != nil {
				for _, f := range n.Fields {
					if amazonName(f.Name) == s.Name {
						name = f.Name
					}
				}
			}
			s.Name = name
		}
		out = append(out, s)
		n = child(n, s)
	}
	return out, nil
}

// endings are how the controllers and CloudFormation write the ends of names.
var endings = [...][2]string{{"ID", "Id"}, {"IDs", "Ids"}, {"ARN", "Arn"}, {"ARNs", "Arns"}}

// amazonName gives CloudFormation's name of a setting of a controller.
func amazonName(s string) string {
	for _, e := range endings {
		if base, ok := strings.CutSuffix(s, e[0]); ok {
			s = base + e[1]
		}
	}
	return capital(s)
}

// controllerName is the other way round.
func controllerName(s string) string {
	for _, e := range endings {
		if base, ok := strings.CutSuffix(s, e[1]); ok {
			s = base + e[0]
		}
	}
	return small(s)
}

// capital makes the first letter a capital.
func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// small makes the capitals at the beginning small: KmsKeyId, SSEAlgorithm.
func small(s string) string {
	n := 0
	for n < len(s) && 'A' <= s[n] && s[n] <= 'Z' {
		n++
	}
	if n > 1 && n < len(s) {
		n-- // the last one begins a word
	}
	return strings.ToLower(s[:n]) + s[n:]
}
