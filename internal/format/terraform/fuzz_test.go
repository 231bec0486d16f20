package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
)

// seed gives the golden archives and small hostile files to a fuzz target.
func seed(f *testing.F, ext string, add func(string)) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.HasSuffix(file.Name, ext) {
				add(string(file.Data))
			}
		}
	}
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 1<<12 {
			add(string(h.Data))
		}
	}
}

func FuzzHCL(f *testing.F) {
	seed(f, ".tf", func(s string) { f.Add(s, "a = 1\n", "x") })
	for name, x := range nestings(20) {
		f.Add("resource \"a_b\" \"c\" {\n  x = "+x+"\n}\n", "b = \""+name+"\"\n", "${a}")
	}
	f.Fuzz(func(t *testing.T, src, vars, tpl string) {
		u := unitOf(".", map[string]string{"main.tf": src, "terraform.tfvars": vars, "policy.tftpl": tpl, "policy.json": tpl})
		rs, ds := New().Read(t.Context(), u)
		formattest.Check(t, cases(), u, rs, ds)
	})
}

func FuzzJSON(f *testing.F) {
	seed(f, ".json", func(s string) { f.Add(s) })
	f.Fuzz(func(t *testing.T, src string) {
		u := unitOf(".", map[string]string{"main.tf.json": src, "terraform.tfvars.json": src})
		rs, ds := New().Read(t.Context(), u)
		formattest.Check(t, cases(), u, rs, ds)
	})
}

// large is a module of n resources as they are usually written.
func large(n int) string {
	var b strings.Builder
	b.WriteString("variable \"env\" {\n  default = \"prod\"\n}\nvariable \"cidrs\" {\n  type    = list(string)\n  default = [\"10.0.0.0/8\"]\n}\nlocals {\n  tags = { env = var.env, team = \"a\" }\n  ports = [80, 443]\n}\n")
	for i := range n / 3 {
		fmt.Fprintf(&b, `
# Bucket %[1]d.
resource "aws_s3_bucket" "b%[1]d" {
  bucket = "${var.env}-bucket-%[1]d"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.r%[1]d.arn }
      Action    = ["s3:GetObject", "s3:PutObject"]
      Resource  = "arn:aws:s3:::${var.env}-bucket-%[1]d/*"
    }]
  })
  versioning {
    enabled = var.env == "prod" ? true : false
  }
  tags = merge(local.tags, { Name = "b%[1]d" })
}

resource "aws_security_group" "s%[1]d" {
  name   = format("sg-%%s", var.env)
  vpc_id = data.aws_vpc.main.id
  dynamic "ingress" {
    for_each = local.ports
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = var.cidrs
    }
  }
  tags = local.tags
}

resource "aws_iam_role" "r%[1]d" {
  name               = "role-%[1]d"
  assume_role_policy = <<EOT
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}
EOT
}
`, i)
	}
	return b.String()
}

func BenchmarkRead300(b *testing.B) {
	src := large(300)
	u := unitOf(".", map[string]string{"main.tf": src})
	r := New()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := r.Read(b.Context(), u); len(rs) != 300 || len(ds) > 0 {
			b.Fatalf("%d resources, %v", len(rs), ds)
		}
	}
}

// BenchmarkParse300 is the part of BenchmarkRead300 that HCL's lexer and
// parser take.
func BenchmarkParse300(b *testing.B) {
	src := []byte(large(300))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		f := newFile("main.tf", src)
		if _, diags, g := f.parseHCL(0, true); diags.HasErrors() || g != nil {
			b.Fatal(diags)
		}
	}
}
