package terraform

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRoot reads a root with five modules, one called for two environments,
// and 300 resources, among them policies, dynamic blocks and references.
func BenchmarkRoot(b *testing.B) {
	files := map[string]string{}
	var root strings.Builder
	root.WriteString("variable \"prefix\" {}\nvariable \"cidrs\" {\n  default = [\"10.0.0.0/8\"]\n}\nlocals {\n  tags = { team = \"shop\", env = var.prefix }\n}\n")
	for m := range 5 {
		forEach := ""
		if m == 0 {
			forEach = "  for_each = toset([\"dev\", \"prod\"])\n"
		}
		fmt.Fprintf(&root, "module \"m%d\" {\n  source = \"./modules/m%d\"\n%s  name   = \"${var.prefix}-m%d\"\n  cidrs  = var.cidrs\n  tags   = local.tags\n}\n", m, m, forEach, m)
		var mod strings.Builder
		mod.WriteString("variable \"name\" {}\nvariable \"cidrs\" { type = list(string) }\nvariable \"tags\" { type = map(string) }\n")
		for i := range 10 {
			fmt.Fprintf(&mod, `resource "aws_s3_bucket" "b%[1]d" {
  bucket = "${var.name}-%[1]d"
  tags   = merge(var.tags, { name = "b%[1]d" })
}
data "aws_iam_policy_document" "p%[1]d" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.b%[1]d.arn}/*"]
  }
}
resource "aws_s3_bucket_policy" "p%[1]d" {
  bucket = aws_s3_bucket.b%[1]d.id
  policy = data.aws_iam_policy_document.p%[1]d.json
}
resource "aws_security_group" "g%[1]d" {
  name = format("%%s-%%d", var.name, %[1]d)
  dynamic "ingress" {
    for_each = var.cidrs
    content {
      from_port   = 443
      to_port     = 443
      cidr_blocks = [ingress.value]
    }
  }
}
`, i)
		}
		mod.WriteString("output \"bucket\" { value = aws_s3_bucket.b0.id }\n")
		files[fmt.Sprintf("modules/m%d/main.tf", m)] = mod.String()
	}
	for i := range 60 {
		fmt.Fprintf(&root, "resource \"aws_ebs_volume\" \"v%d\" {\n  availability_zone = \"a\"\n  size      = %d\n  encrypted = true\n  tags      = merge(local.tags, { bucket = module.m1.bucket })\n}\n", i, i+1)
	}
	files["main.tf"] = root.String()
	u := unitOf(".", files)
	r := New()
	rs, ds := r.Read(b.Context(), u)
	n := 0
	for _, x := range rs {
		if x.Kind != "module" {
			n++
		}
	}
	if n != 300 || len(ds) > 0 {
		b.Fatalf("%d resources, %v", n, ds)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Read(b.Context(), u)
	}
}

// BenchmarkPlan reads a plan of some megabytes.
func BenchmarkPlan(b *testing.B) {
	var res, changes []string
	for i := range 3000 {
		res = append(res, fmt.Sprintf(`{"address":"aws_db_instance.d%[1]d","mode":"managed","type":"aws_db_instance","name":"d%[1]d","values":{"storage_encrypted":true,"port":5432,"tags":{"a":"x%[1]d"},"engine":%[2]q},"sensitive_values":{}}`, i, strings.Repeat("x", 500)))
		changes = append(changes, fmt.Sprintf(`{"address":"aws_db_instance.d%d","change":{"actions":["create"],"before":null,"after":{"engine":%q},"after_unknown":{"arn":true}}}`, i, strings.Repeat("x", 500)))
	}
	plan := `{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[` + strings.Join(res, ",") + `]}},"resource_changes":[` + strings.Join(changes, ",") + `]}`
	u := unitOf(".", map[string]string{"plan.json": plan})
	u.Files, u.MaxFileSize = []string{"plan.json"}, MaxPlanSize
	b.SetBytes(int64(len(plan)))
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := NewPlan().Read(b.Context(), u); len(rs) != 3000 || len(ds) > 0 {
			b.Fatalf("%d resources, %v", len(rs), ds)
		}
	}
}
