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
		suffixes, at := []string{".upbound.io", ".m.upbound.io"}, "spec.forProvider."
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
			if suffix == ".upbound.io" {
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
