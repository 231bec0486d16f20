package terraform

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const goodFile = `# The cluster.
resource "aws_eks_cluster" "main" {
  name    = "main" # its name
  version = "1.31"
  count   = 1
  vpc_config {
    endpoint_public_access = false
    public_access_cidrs    = ["10.0.0.0/8"]
  }
  tags = {
    team  = "a"
    "b c" = 1.5
  }
}
`

func cases() formattest.Cases {
	return formattest.Cases{
		Format:    Name,
		Platforms: []string{resource.Terraform},
		File:      "main.tf",
		Limit:     30 * time.Second,
		Good:      goodFile,
		Broken:    "resource \"aws_x\" \"y\" {\n  a = [1,\n",
		Beside:    "other.tf",
		Key:       keyOf,
		Scalar:    scalarOf,
		Units: []formattest.Unit{
			{
				Name: "instances", Files: map[string]string{
					"main.tf": "variable \"n\" {\n  default = 2\n}\nresource \"a_b\" \"c\" {\n  count = var.n\n}\nresource \"a_b\" \"d\" {\n  for_each = { x = 1, y = 2 }\n  v = each.value\n}\nresource \"a_b\" \"e\" {\n  for_each = var.none\n}\n",
				},
				IDs:         []string{"a_b.c[0]", "a_b.c[1]", `a_b.d["x"]`, `a_b.d["y"]`, "a_b.e[*]"},
				Diagnostics: []string{"main.tf:11: warning: var.none is not declared"},
			},
			{
				Name: "broken in the middle", Files: map[string]string{
					"main.tf": "resource \"a_b\" \"c\" {\n}\nresource \"a_b\" \"d\" {\n  x = [1\n  y = 2\n}\nresource \"a_b\" \"e\" {\n  x = 1\n}\n",
				},
				IDs:         []string{"a_b.c", "a_b.e"},
				Diagnostics: []string{"main.tf:5: error: Missing item separator"},
			},
			{
				Name: "declared twice", Files: map[string]string{
					"a.tf": "resource \"a_b\" \"c\" {\n}\n", "b.tf": "resource \"a_b\" \"c\" {\n}\n",
				},
				IDs:         []string{"a_b.c", "a_b.c#2"},
				Diagnostics: []string{"b.tf:1: error: a_b.c is declared already in a.tf"},
			},
			{
				Name: "JSON", Files: map[string]string{
					"main.tf.json": `{"resource": {"a_b": {"c": {"x": "${var.v}", "y": [{"z": true}], "tags": {"k": "v"}}}}, "variable": {"v": {"default": "d"}}}`,
				},
				IDs: []string{"a_b.c"},
			},
			{
				Name: "local and other modules", Files: map[string]string{
					"main.tf":   "module \"a\" {\n  source = \"./m\"\n  v = 1\n}\nmodule \"b\" {\n  source = \"registry/x/y\"\n}\n",
					"m/main.tf": "variable \"v\" {}\nresource \"a_b\" \"c\" {\n  v = var.v\n}\n",
				},
				Read:        []string{"main.tf"},
				IDs:         []string{"module.a", "module.a.a_b.c", "module.b"},
				Diagnostics: []string{"main.tf:5: warning: the source of module.b, registry/x/y, is not in the repository"},
			},
			{
				Name: "BOM and CRLF", Files: map[string]string{
					"main.tf": "\ufeff# é\r\nresource \"a_b\" \"c\" {\r\n  x = \"ü\" // é\r\n  y = <<EOT\r\na\r\nEOT\r\n}\r\n",
				},
				IDs: []string{"a_b.c"},
			},
			{Name: "in a folder", Dir: "x", Files: map[string]string{"x/main.tf": goodFile}, IDs: []string{"aws_eks_cluster.main[0]"}},
		},
	}
}

func keyOf(s string) (string, bool) {
	if strings.HasPrefix(s, `"`) {
		v, ok := scalarOf(s, nil)
		name, isText := v.(string)
		return name, ok && isText
	}
	return s, hclsyntax.ValidIdentifier(s)
}

// scalarOf evaluates literal source: what has no names, calls or operators.
func scalarOf(s string, _ *resource.Node) (any, bool) {
	x, diags := hclsyntax.ParseExpression([]byte(s), "x", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, false
	}
	switch x.(type) {
	case *hclsyntax.LiteralValueExpr, *hclsyntax.TemplateExpr, *hclsyntax.ParenthesesExpr:
	default:
		return nil, false
	}
	v, diags := x.Value(nil)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return nil, false
	}
	switch {
	case v.IsNull():
		return nil, true
	case v.Type() == cty.String:
		return v.AsString(), true
	case v.Type() == cty.Bool:
		return v.True(), true
	case v.Type() == cty.Number:
		_, n := numberOf(v.AsBigFloat())
		return n, true
	}
	return nil, false
}

func TestConformance(t *testing.T) { formattest.Run(t, New(), cases()) }
