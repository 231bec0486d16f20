package rule

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestLinkedAndRefs(t *testing.T) {
	referring := func(refs ...string) *resource.Node {
		n := unknown("a computed value")
		n.Refs = refs
		return n
	}
	bucket := &resource.Resource{ID: "aws_s3_bucket.logs", Kind: "aws_s3_bucket", Name: "logs", Root: tree(fields{"bucket", "logs"})}
	versioning := func(to *resource.Node) *resource.Resource {
		return &resource.Resource{ID: "aws_s3_bucket_versioning.logs", Kind: "aws_s3_bucket_versioning", Root: &resource.Node{
			Kind: resource.Map, Fields: []resource.Field{{Name: "bucket", Node: to}},
		}}
	}
	const refers = `linked("aws_s3_bucket_versioning").exists(v, resource.id in refs(v.object.?bucket))`
	for _, tt := range []struct {
		name, fail        string
		beside            []*resource.Resource
		violated, unknown bool
	}{
		{"nothing beside", refers, nil, false, false},
		{"refers", refers, []*resource.Resource{versioning(referring("aws_s3_bucket.logs"))}, true, false},
		{"refers elsewhere", refers, []*resource.Resource{versioning(referring("aws_s3_bucket.other"))}, false, false},
		{"unknown without references", refers, []*resource.Resource{versioning(unknown("var.bucket"))}, false, true},
		{"a text", refers, []*resource.Resource{versioning(tree("logs"))}, false, false},
		{"an entry", `linked("aws_s3_bucket_versioning").exists(v, v.id == "aws_s3_bucket_versioning.logs" && v.object.bucket == object.bucket)`, []*resource.Resource{versioning(tree("logs"))}, true, false},
		{"none of a kind", `linked("aws_kms_key").size() == 0`, []*resource.Resource{versioning(tree("logs"))}, true, false},
		{"missing field", `refs(it.?nothing).size() == 0 && refs(it.?nothing.?deeper).size() == 0`, nil, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Rule{ID: "s3/x", Checks: []Check{{Platform: resource.Terraform, Fail: tt.fail, Message: "m"}}}
			p, err := r.Program(0)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Fail(&Input{It: bucket.Root, Object: bucket.Root, Resource: bucket, Linked: func(kind string) []*resource.Resource {
				if kind == "aws_s3_bucket_versioning" {
					return tt.beside
				}
				return nil
			}})
			if got.Violated != tt.violated || got.Unknown != tt.unknown {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestLinksAreNamed(t *testing.T) {
	const text = `id: k8s/x
title: t
severity: low
theme: namespaces
why: w
remediation: r
checks:
  - platform: kubernetes
    LINKS
    fail: CONDITION
    message: m
examples:
  - {pass: "a: 1"}
`
	for _, tt := range []struct{ links, condition, want string }{
		{"links: [Service]", `linked("Service").size() > 0`, ""},
		{"kinds: [Pod]", `linked("Service").size() > 0`, `asks for linked("Service")`},
		{"links: [Service, Pod]", `linked("Service").size() > 0`, `links names "Pod"`},
		{"links: [Service]", `linked(resource.kind).size() > 0`, `links names "Service"`},
	} {
		_, ds := Parse("x.yaml", []byte(strings.NewReplacer("LINKS", tt.links, "CONDITION", tt.condition).Replace(text)))
		got := ""
		if len(ds) > 0 {
			got = ds[0].Message
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s, %s: %q", tt.links, tt.condition, got)
		}
	}
	r := &Rule{ID: "k8s/x", Checks: []Check{{Platform: resource.Kubernetes, Fail: `linked(resource.kind).size() > 0 || refs("a").size() > 0`, Message: "m"}}}
	ds := r.Check()
	if len(ds) != 2 || !strings.Contains(ds[0].Message, "in quotes") || !strings.Contains(ds[1].Message, "takes a field") {
		t.Errorf("got %v", ds)
	}
}
