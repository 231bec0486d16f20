package projection

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

//go:embed cloud.txt
var cloudTable string

// cloudKinds gives the type of Terraform for "group Kind", with the suffix of
// the provider's groups left out. A test holds that the table reads.
var cloudKinds = sync.OnceValue(func() map[string]string {
	out, err := parseCloud(cloudTable)
	if err != nil {
		panic("cloud.txt: " + err.Error())
	}
	return out
})

func parseCloud(text string) (map[string]string, error) {
	out := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) < 4 || f[0] != "upbound" && f[0] != "cnrm" {
			return nil, fmt.Errorf("line %d: a line has a family, a provider, a group and kinds", i+1)
		}
		group := f[2] + "." + f[1]
		if f[0] == "cnrm" {
			group = f[2] + ".cnrm"
		}
		for _, k := range f[3:] {
			kind, typ, ok := strings.Cut(k, ">")
			if !ok || out[group+" "+kind] != "" {
				return nil, fmt.Errorf("line %d: %s is named twice or has no type", i+1, k)
			}
			out[group+" "+kind] = typ
		}
	}
	return out, nil
}

// cloud is a Kubernetes object whose settings are Terraform's in camel case.
type cloud struct {
	typ string
	// at leads to the settings; more to those that count where these say nothing.
	at, more []string
	// objects says that a block which may be there once is an object, and not a
	// list of one.
	objects bool
}

// cloudOf says what an object of a cloud provider makes; ok is false for others.
func cloudOf(r *resource.Resource) (c cloud, ok bool) {
	switch {
	case strings.HasSuffix(r.Group, ".upbound.io"):
		group := strings.TrimSuffix(r.Group, ".upbound.io")
		namespaced := strings.HasSuffix(group, ".m")
		c = cloud{
			typ: cloudKinds()[strings.TrimSuffix(group, ".m")+" "+r.Kind],
			at:  []string{"spec", "forProvider"}, more: []string{"spec", "initProvider"},
			objects: namespaced || r.Version != "v1beta1",
		}
	case strings.HasSuffix(r.Group, ".jet.crossplane.io"):
		c = cloud{typ: cloudKinds()[strings.TrimSuffix(r.Group, ".jet.crossplane.io")+" "+r.Kind], at: []string{"spec", "forProvider"}}
	case strings.HasSuffix(r.Group, ".cnrm.cloud.google.com"):
		group := strings.TrimSuffix(r.Group, ".cloud.google.com")
		c = cloud{typ: cloudKinds()[group+" "+r.Kind], at: []string{"spec"}, objects: true}
		if group == "iam.cnrm" {
			c.typ = orElse(c.typ, memberType(r))
		}
	}
	return c, c.typ != ""
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// grantedOn gives the part of a type of Terraform that names what Config
// Connector's policies are given on. It is read, never written.
var grantedOn = map[string]string{
	"Project": "project", "Folder": "folder", "Organization": "organization", "StorageBucket": "storage_bucket",
	"KMSCryptoKey": "kms_crypto_key", "KMSKeyRing": "kms_key_ring", "PubSubTopic": "pubsub_topic", "PubSubSubscription": "pubsub_subscription",
	"IAMServiceAccount": "service_account", "SecretManagerSecret": "secret_manager_secret", "BigQueryDataset": "bigquery_dataset",
	"BigQueryTable": "bigquery_table", "ArtifactRegistryRepository": "artifact_registry_repository", "RunService": "cloud_run_service",
	"RunJob": "cloud_run_v2_job", "CloudFunctionsFunction": "cloudfunctions_function", "ComputeInstance": "compute_instance",
	"ComputeImage": "compute_image", "ComputeDisk": "compute_disk", "ComputeSubnetwork": "compute_subnetwork", "SpannerInstance": "spanner_instance",
	"SpannerDatabase": "spanner_database", "DNSManagedZone": "dns_managed_zone",
}

// memberType is the type of Config Connector's policies, which depends on what
// the roles are given on.
func memberType(r *resource.Resource) string {
	on := grantedOn[r.Root.Path("spec", "resourceRef", "kind").Str()]
	switch {
	case on == "":
		return ""
	case r.Kind == "IAMPolicyMember":
		return "google_" + on + "_iam_member"
	case r.Kind == "IAMPolicy", r.Kind == "IAMPartialPolicy":
		return "google_" + on + "_iam_policy"
	}
	return ""
}

// fromCloud projects an object onto the resource of Terraform that it makes.
func (p *projector) fromCloud(r *resource.Resource, c cloud) *resource.Resource {
	settings := r.Root.Path(c.at...)
	if settings == nil && c.more == nil {
		return r
	}
	root := &resource.Node{Kind: resource.Map, Range: r.Root.Range}
	switch {
	case settings == nil:
	case settings.Unknown || settings.Kind != resource.Map:
		return unknownAs(&p.ds, r, "what it makes", settings)
	default:
		p.settings(root, settings)
		root.Partial, root.Why = settings.Partial, settings.Why
	}
	if more := r.Root.Path(c.more...); c.more != nil && more != nil && !more.Unknown {
		p.settings(root, more)
	}
	nameBucket(root, r, c.typ)
	out := as(r, resource.Terraform, root)
	out.Kind = c.typ
	out.Written = &resource.Written{Resource: r, Path: func(path resource.Path) (resource.Path, error) { return c.written(r.Root, path) }}
	return out
}

const s3Bucket = "aws_s3_bucket"

// nameBucket says the name that a bucket has by its object.
func nameBucket(root *resource.Node, r *resource.Resource, typ string) {
	if typ != s3Bucket || root.Get("bucket") != nil {
		return
	}
	name := r.Root.Path("metadata", "annotations", "crossplane.io/external-name")
	if name == nil {
		name = r.Root.Path("metadata", "name")
	}
	if name != nil {
		root.Fields = append(root.Fields, resource.Field{Name: "bucket", Node: name})
	}
}

// settings adds what n, a map, says to out, where out does not say it.
func (p *projector) settings(out, n *resource.Node) {
	for _, f := range n.Fields {
		if f.Node == nil || f.Node.Kind == resource.Null && !f.Node.Unknown {
			continue
		}
		name := snake(f.Name)
		v := f.Node
		if base, many, ok := reference(f.Name); ok {
			name = snake(base)
			if strings.HasSuffix(f.Name, "Selector") {
				v = p.bySelector(v, base)
			} else {
				v = p.referred(v, many, strings.HasSuffix(f.Name, "SecretRef"))
			}
		} else {
			v = p.cloudValue(name, v)
		}
		if v != nil && out.Get(name) == nil {
			out.Fields = append(out.Fields, resource.Field{Name: name, Node: v})
		}
	}
}

// plainMaps are settings whose names are the user's own.
var plainMaps = map[string]bool{
	"tags": true, "tags_all": true, "labels": true, "user_labels": true, "resource_labels": true, "annotations": true,
	"metadata": true, "variables": true, "parameters": true, "options": true, "environment_variables": true, "app_settings": true,
	"node_labels": true, "default_tags": true, "attribute_mapping": true,
}

// cloudValue gives the value of a setting in Terraform's form.
func (p *projector) cloudValue(name string, v *resource.Node) *resource.Node {
	switch {
	case v.Unknown:
		return v
	case v.Kind == resource.Map && plainMaps[name]:
		return v
	case v.Kind == resource.Map:
		list := copied(v)
		list.Kind, list.Partial = resource.List, false
		list.Items = []*resource.Node{p.block(v)}
		return list
	case v.Kind == resource.List && name == "metadata" && pairs(v):
		return paired(v)
	case v.Kind == resource.List && slices.ContainsFunc(v.Items, func(it *resource.Node) bool { return it != nil && it.Kind == resource.Map && !it.Unknown }):
		list := copied(v)
		for _, it := range v.Items {
			if it != nil && it.Kind == resource.Map && !it.Unknown {
				it = p.block(it)
			}
			list.Items = append(list.Items, it)
		}
		return list
	case v.Kind == resource.String:
		return embedded(v)
	}
	return v
}

func (p *projector) block(n *resource.Node) *resource.Node {
	b := copied(n)
	b.Block = true
	p.settings(b, n)
	return b
}

// pairs reports whether a list has the form [{key, value}], which stands for a
// map.
func pairs(v *resource.Node) bool {
	return len(v.Items) > 0 && !slices.ContainsFunc(v.Items, func(it *resource.Node) bool {
		return it == nil || it.Get("key").Str() == "" || it.Get("value") == nil
	})
}

func paired(v *resource.Node) *resource.Node {
	m := copied(v)
	m.Kind = resource.Map
	for _, it := range v.Items {
		if key := it.Get("key").Str(); m.Get(key) == nil {
			m.Fields = append(m.Fields, resource.Field{Name: key, Node: it.Get("value")})
		}
	}
	return m
}

// reference takes a name apart that refers to another object: bucketRef,
// subnetIdRefs, vpcIdSelector, passwordSecretRef.
func reference(name string) (base string, many, ok bool) {
	for _, suffix := range [...]string{"SecretRef", "Ref", "Selector"} {
		if base, ok = strings.CutSuffix(name, suffix); ok && base != "" {
			return base, false, true
		}
	}
	if base, ok = strings.CutSuffix(name, "Refs"); ok && base != "" {
		return base + "s", true, true
	}
	return "", false, false
}

// referred gives the value of a reference: what is written, or an unknown one
// that refers to the objects of the unit with that name. What a Secret holds
// refers to none.
func (p *projector) referred(v *resource.Node, many, secret bool) *resource.Node {
	if s := v.Get("external"); s != nil && !s.Unknown && s.Str() != "" {
		return s
	}
	out := copied(v)
	out.Kind, out.Unknown, out.Partial = resource.String, true, false
	out.Why = "the object that it refers to"
	targets := []*resource.Node{v}
	if many && v.Kind == resource.List {
		targets = v.Items
	}
	for _, t := range targets {
		name := t.Get("name").Str()
		if name != "" {
			out.Parts = []string{"", ""} // it comes to something
		}
		switch {
		case name == "":
		case secret:
			out.Why = "the Secret " + name
		default:
			out.Why = "the object " + name
			out.Refs = append(out.Refs, p.named(name)...)
		}
	}
	slices.Sort(out.Refs)
	out.Refs = slices.Compact(out.Refs)
	return out
}

// bySelector gives the value that a selector decides: an unknown one that refers
// to the objects that it may select.
func (p *projector) bySelector(v *resource.Node, setting string) *resource.Node {
	out := p.referred(v, false, false)
	if ids := p.selected(v, setting); len(ids) > 0 {
		out.Refs = append(out.Refs, ids...)
		slices.Sort(out.Refs)
		out.Refs = slices.Compact(out.Refs)
	}
	return out
}

// written translates a path of Terraform's terms into one of the object's.
func (c cloud) written(root *resource.Node, path resource.Path) (resource.Path, error) {
	if c.typ == s3Bucket && len(path) > 0 && path[0].Name == "bucket" && cloudName(root.Path(c.at...), "bucket") == "" {
		return nil, fmt.Errorf("the bucket is named by its object")
	}
	at := c.at
	if c.more != nil && len(path) > 0 && cloudName(root.Path(c.at...), path[0].Name) == "" && cloudName(root.Path(c.more...), path[0].Name) != "" {
		at = c.more
	}
	n := root.Path(at...)
	out := make(resource.Path, 0, len(path)+len(at))
	for _, s := range at {
		out = append(out, resource.Step{Name: s})
	}
	for i := 0; i < len(path); i++ {
		s := path[i]
		if s.Name == "" {
			out = append(out, s)
			n = child(n, s)
			continue
		}
		key := cloudName(n, s.Name)
		if key == "" {
			if by := referenceTo(n, s.Name); by != "" {
				return nil, fmt.Errorf("%s is decided by %s", s.Name, by)
			}
			key = camel(s.Name)
		}
		out = append(out, resource.Step{Name: key})
		n = n.Get(key)
		if plainMaps[s.Name] {
			if n != nil && n.Kind == resource.List {
				return nil, fmt.Errorf("%s is written as a list", key)
			}
			return append(out, path[i+1:]...), nil
		}
		if i+1 < len(path) && path[i+1].Name == "" && (n != nil && n.Kind == resource.Map || n == nil && c.objects) {
			if path[i+1].Index > 0 {
				return nil, fmt.Errorf("there can be one %s alone", key)
			}
			i++
		}
	}
	return out, nil
}

func child(n *resource.Node, s resource.Step) *resource.Node {
	c, steps := resource.Path{s}.At(n)
	if steps == 0 {
		return nil
	}
	return c
}

// cloudName is the name under which n has a setting of Terraform, or "".
func cloudName(n *resource.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, f := range n.Fields {
		if snake(f.Name) == name {
			return f.Name
		}
	}
	return ""
}

// referenceTo is the name of the reference that decides a setting of n, or "".
func referenceTo(n *resource.Node, name string) string {
	if n == nil {
		return ""
	}
	for _, f := range n.Fields {
		if base, _, ok := reference(f.Name); ok && snake(base) == name {
			return f.Name
		}
	}
	return ""
}

// snake gives the snake case of a name in camel case. Capitals that follow each
// other are one word.
func snake(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 'A' || 'Z' < c {
			b.WriteByte(c)
			continue
		}
		after := i + 1
		for after < len(s) && 'A' <= s[after] && s[after] <= 'Z' {
			after++
		}
		if after < len(s) && after-i > 1 && s[after:] != "s" {
			after-- // the last capital begins the next word
		}
		if i > 0 {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(s[i:after]))
		i = after - 1
	}
	return b.String()
}
