package projection

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"name": "name", "storageEncrypted": "storage_encrypted", "kmsKeyId": "kms_key_id", "enableTPU": "enable_tpu",
		"publicAccessCIDRs": "public_access_cidrs", "ipv6CidrBlocks": "ipv6_cidr_blocks", "enableL4IlbSubsetting": "enable_l4_ilb_subsetting",
		"requireSSLConnections": "require_ssl_connections", "s3BucketName": "s3_bucket_name", "": "",
	} {
		if got := snake(in); got != want {
			t.Errorf("snake(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCloudTableRefusesMistakes(t *testing.T) {
	for _, text := range []string{"upbound aws rds\n", "other aws rds A>b\n", "upbound aws rds A\n", "upbound aws rds A>b A>c\n"} {
		if _, err := parseCloud(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestEveryCloudKind holds that each object of the table becomes the resource of
// Terraform, and that paths to what is there and to what is missing lead back.
func TestEveryCloudKind(t *testing.T) {
	n := 0
	for key, typ := range cloudKinds() {
		group, kind, _ := strings.Cut(key, " ")
		suffixes, at := []string{".upbound.io", ".m.upbound.io", ".jet.crossplane.io"}, "spec.forProvider."
		if strings.HasSuffix(group, ".cnrm") {
			suffixes, at = []string{".cloud.google.com"}, "spec."
		}
		for _, suffix := range suffixes {
			n++
			settings := &resource.Node{Kind: resource.Map, Fields: []resource.Field{
				{Name: "someSetting", Node: &resource.Node{Kind: resource.Bool, Value: true}},
				{Name: "someBlock", Node: &resource.Node{Kind: resource.Map, Fields: []resource.Field{
					{Name: "innerSetting", Node: &resource.Node{Kind: resource.Int, Value: int64(1)}},
				}}},
			}}
			root := settings
			for _, name := range []string{"forProvider", "spec"} {
				if name == "forProvider" && at == "spec." {
					continue
				}
				root = &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: name, Node: root}}}
			}
			in := &resource.Resource{ID: "x", Platform: resource.Kubernetes, Format: "kubernetes", Group: group + suffix, Version: "v1beta1", Kind: kind, Name: "x", Root: root}
			rs, ds := All([]*resource.Resource{in})
			if len(ds) > 0 || rs[0].Platform != resource.Terraform || rs[0].Kind != typ || rs[0].ID != "x" || in.Kind != kind {
				t.Fatalf("%s%s %s becomes %s %s, %v", group, suffix, kind, rs[0].Platform, rs[0].Kind, ds)
			}
			if b := rs[0].Root.Get("some_block"); b == nil || len(b.Items) != 1 || !b.Items[0].Block || b.Items[0].Get("inner_setting").Value != int64(1) {
				t.Errorf("%s %s: the block is %v", group, kind, b)
			}
			missing := at + "otherBlock.inOther"
			if suffix == ".upbound.io" || suffix == ".jet.crossplane.io" {
				missing = at + "otherBlock[0].inOther"
			}
			for want, p := range map[string]resource.Path{
				at + "someSetting":            {{Name: "some_setting"}},
				at + "someBlock.innerSetting": {{Name: "some_block"}, {Index: 0}, {Name: "inner_setting"}},
				missing:                       {{Name: "other_block"}, {Index: 0}, {Name: "in_other"}},
				at + `tags["a_b"]`:            {{Name: "tags"}, {Name: "a_b"}},
			} {
				got, err := rs[0].Written.Path(p)
				if want = strings.ReplaceAll(want, `["a_b"]`, ".a_b"); err != nil || got.String() != want {
					t.Errorf("%s leads to %s (%v), not to %s", p, got, err, want)
				}
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d kinds", n)
	}
}

func TestSmall(t *testing.T) {
	for in, want := range map[string]string{
		"KmsKeyId": "kmsKeyId", "SSEAlgorithm": "sseAlgorithm", "Name": "name", "CIDR": "cidr", "": "", "already": "already",
	} {
		if got := small(in); got != want {
			t.Errorf("small(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestControllerNames(t *testing.T) {
	for in, want := range map[string]string{"kmsKeyID": "KmsKeyId", "roleARN": "RoleArn", "subnetIDs": "SubnetIds", "engine": "Engine"} {
		if got := amazonName(in); got != want {
			t.Errorf("amazonName(%q) = %q, want %q", in, got, want)
		}
		if got := controllerName(want); got != in {
			t.Errorf("controllerName(%q) = %q, want %q", want, got, in)
		}
	}
}

// TestEveryACKKind holds that each object of the table becomes the resource of
// CloudFormation with all settings that the table names, and that paths lead
// back or are refused.
func TestEveryACKKind(t *testing.T) {
	for key, k := range ackSchema().kinds {
		group, name, _ := strings.Cut(key, ".")
		group += ackGroups
		settings := k.of.sample(nil)
		if at := strings.LastIndexByte(key, '.'); strings.HasSuffix(key[:at], classicAWS) {
			group, name = key[:at], key[at+1:]
			settings = &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "forProvider", Node: settings}}}
		}
		root := &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "spec", Node: settings}}}
		in := &resource.Resource{ID: "x", Platform: resource.Kubernetes, Format: "kubernetes", Group: group, Version: "v1alpha1", Kind: name, Name: "x", Root: root}
		rs, ds := All([]*resource.Resource{in})
		if r := rs[0]; len(ds) > 0 || r.Platform != resource.CloudFormation || r.Kind != "AWS::"+k.name || r.ID != "x" {
			t.Fatalf("%s becomes %s %s, %v", key, r.Platform, r.Kind, ds)
		}
		properties := rs[0].Root.Get("Properties")
		k.of.arrivedIn(t, key, properties, nil)
		if got := properties.Path("SomethingElse", "Within").Str(); k.of.open && got != "x" {
			t.Errorf("%s: what the table does not name is %q", key, got)
		}
		resource.Walk(rs[0].Root, func(p resource.Path, n *resource.Node) bool {
			if len(p) == 0 || p[0].Name != "Properties" {
				return len(p) == 0
			}
			back, err := rs[0].Written.Path(p)
			if err != nil {
				return false
			}
			if w, steps := back.At(root); steps != len(back) || n.Kind != resource.Map && n.Kind != resource.List && w != n && w.Value == nil {
				t.Errorf("%s: %s leads to %s, which is not there", key, p, back)
			}
			return true
		})
	}
}

// sample gives an object with every setting of a type.
func (o *object) sample(above []*object) *resource.Node {
	n := &resource.Node{Kind: resource.Map}
	for _, a := range above {
		if a == o {
			return n
		}
	}
	above = append(above, o)
	add := func(name string, v *resource.Node) { n.Fields = append(n.Fields, resource.Field{Name: name, Node: v}) }
	for _, c := range o.settings {
		switch c.form {
		case plain:
			add(c.from, &resource.Node{Kind: resource.String, Value: "x"})
		case many:
			add(c.from, &resource.Node{Kind: resource.List, Items: []*resource.Node{c.of.sample(above), c.of.sample(above)}})
		default:
			add(c.from, c.of.sample(above))
		}
	}
	if o.open {
		add("somethingElse", &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "within", Node: &resource.Node{Kind: resource.String, Value: "x"}}}})
	}
	return n
}

// arrivedIn holds that n has what sample wrote.
func (o *object) arrivedIn(t *testing.T, at string, n *resource.Node, above []*object) {
	for _, a := range above {
		if a == o {
			return
		}
	}
	above = append(above, o)
	for _, c := range o.settings {
		v := n.Get(c.to)
		switch {
		case c.form == inline:
			c.of.arrivedIn(t, at, n, above)
		case v == nil:
			t.Errorf("%s: %s is missing", at, c.to)
		case c.form == single:
			c.of.arrivedIn(t, at+"."+c.to, v, above)
		case c.form == many && len(v.Items) != 2:
			t.Errorf("%s: %s has %d items", at, c.to, len(v.Items))
		case c.form == many:
			c.of.arrivedIn(t, at+"."+c.to, v.Items[1], above)
		}
	}
}
