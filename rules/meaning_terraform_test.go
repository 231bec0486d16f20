//go:build !race

package rules_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// literals gives text with each literal value of its resources and data sources
// replaced by what put says of it; ok is false where there is none.
func literals(text string, put func(n int, literal string) string) (out string, all []string, ok bool) {
	file, ds := hclwrite.ParseConfig([]byte(text), "main.tf", hcl.InitialPos)
	if ds.HasErrors() {
		return "", nil, false
	}
	var body func(b *hclwrite.Body, inLifecycle bool)
	body = func(b *hclwrite.Body, inLifecycle bool) {
		if !inLifecycle {
			for name, attr := range b.Attributes() {
				switch name {
				case "provider", "depends_on", "for_each", "count":
					continue
				}
				tokens := attr.Expr().BuildTokens(nil)
				b.SetAttributeRaw(name, replace(tokens, func(lit string) string {
					all = append(all, lit)
					return put(len(all)-1, lit)
				}))
			}
		}
		for _, inner := range b.Blocks() {
			body(inner.Body(), inner.Type() == "lifecycle" || inner.Type() == "dynamic")
		}
	}
	for _, b := range file.Body().Blocks() {
		if b.Type() == "resource" || b.Type() == "data" {
			body(b.Body(), false)
		}
	}
	return string(file.Bytes()), all, len(all) > 0
}

// replace puts something else for the literals of an expression, those that are
// no keys of objects, no parts of templates and no indexes.
func replace(in hclwrite.Tokens, put func(string) string) hclwrite.Tokens {
	var out hclwrite.Tokens
	ident := func(s string) *hclwrite.Token {
		return &hclwrite.Token{Type: hclsyntax.TokenIdent, Bytes: []byte(s), SpacesBefore: 1}
	}
	key := func(after int) bool { // what comes next makes the literal a key
		return after < len(in) && (in[after].Type == hclsyntax.TokenEqual || in[after].Type == hclsyntax.TokenColon)
	}
	brackets := 0 // of indexes
	var stack []bool
	for i := 0; i < len(in); i++ {
		t := in[i]
		switch t.Type {
		case hclsyntax.TokenOBrack:
			index := i > 0 && (in[i-1].Type == hclsyntax.TokenIdent || in[i-1].Type == hclsyntax.TokenCBrack)
			stack = append(stack, index)
			if index {
				brackets++
			}
		case hclsyntax.TokenCBrack:
			if n := len(stack); n > 0 {
				if stack[n-1] {
					brackets--
				}
				stack = stack[:n-1]
			}
		case hclsyntax.TokenOQuote:
			end := i + 1
			depth := 0
			for ; end < len(in); end++ {
				if in[end].Type == hclsyntax.TokenOQuote {
					depth++
				}
				if in[end].Type == hclsyntax.TokenCQuote {
					if depth == 0 {
						break
					}
					depth--
				}
			}
			whole := in[i : end+1]
			plain := len(whole) == 3 && whole[1].Type == hclsyntax.TokenQuotedLit || len(whole) == 2
			if plain && !key(end+1) && brackets == 0 {
				out = append(out, ident(put(string(bytes.TrimSpace(whole.Bytes())))))
			} else {
				out = append(out, whole...)
			}
			i = end
			continue
		case hclsyntax.TokenNumberLit:
			if !key(i+1) && brackets == 0 && (i == 0 || in[i-1].Type != hclsyntax.TokenDot && in[i-1].Type != hclsyntax.TokenMinus) {
				out = append(out, ident(put(string(t.Bytes))))
				continue
			}
		case hclsyntax.TokenIdent:
			if s := string(t.Bytes); (s == "true" || s == "false") && !key(i+1) {
				out = append(out, ident(put(s)))
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// dynamic makes dynamic blocks of a body's blocks, to whatever depth; those that
// Terraform takes only as they are stay. It reports whether there was one.
func dynamic(b *hclwrite.Body, depth int) bool {
	done := false
	for _, inner := range b.Blocks() {
		switch inner.Type() {
		case "lifecycle", "provisioner", "connection", "dynamic", "timeouts":
			continue
		}
		dynamic(inner.Body(), depth+1)
		content := hclwrite.NewBlock("content", nil)
		content.Body().AppendUnstructuredTokens(inner.Body().BuildTokens(nil))
		content.Body().AppendNewline()
		d := hclwrite.NewBlock("dynamic", []string{inner.Type()})
		d.Body().SetAttributeRaw("for_each", hclwrite.TokensForTuple([]hclwrite.Tokens{hclwrite.TokensForIdentifier("true")}))
		d.Body().AppendBlock(content)
		// In the place of the block, since the order of rules may matter.
		inner.Body().Clear()
		inner.SetType("dynamic")
		inner.SetLabels(d.Labels())
		inner.Body().AppendNewline()
		inner.Body().AppendUnstructuredTokens(d.Body().BuildTokens(nil))
		done = true
	}
	return done
}

// throughVariables has every literal come through the default of a variable.
func throughVariables(text string) map[string]string {
	out, all, ok := literals(text, func(n int, _ string) string { return fmt.Sprintf("var.p%d", n) })
	if !ok {
		return nil
	}
	var b strings.Builder
	for n, lit := range all {
		fmt.Fprintf(&b, "\nvariable \"p%d\" {\n  default = %s\n}\n", n, lit)
	}
	return map[string]string{"main.tf": out + b.String()}
}

// TestMeaningInTerraform holds that a rule finds the same in an example of
// Terraform where the values come through variables, locals or a module.
func TestMeaningInTerraform(t *testing.T) {
	rules := load(t)
	forms := map[string]func(text string) map[string]string{
		"variables": throughVariables,
		"locals": func(text string) map[string]string {
			out, all, ok := literals(text, func(n int, _ string) string { return fmt.Sprintf("local.settings.p%d", n) })
			if !ok {
				return nil
			}
			var b strings.Builder
			b.WriteString("\nlocals {\n  settings = {\n")
			for n, lit := range all {
				fmt.Fprintf(&b, "    p%d = %s\n", n, lit)
			}
			return map[string]string{"main.tf": out + b.String() + "  }\n}\n"}
		},
		// Terraform takes a text for a boolean and for a number, as they were written before 0.12.
		"texts": func(text string) map[string]string {
			out := regexp.MustCompile(`= (true|false|-?[0-9]+)\b`).ReplaceAllString(text, `= "$1"`)
			if out == text {
				return nil
			}
			return map[string]string{"main.tf": out}
		},
		"functions": func(text string) map[string]string {
			ways := []string{
				"try(local.none.at_all, %s)", "coalesce(null, %s)", `lookup({ v = %s }, "v", null)`, "one([%s])", "element([%s], 0)",
				"true ? %s : null", "merge({ v = null }, { v = %s }).v", "[for v in [%s] : v][0]", "values({ v = %s })[0]", "flatten([[%s]])[0]",
			}
			out, _, ok := literals(text, func(n int, lit string) string {
				if lit == `""` { // which coalesce passes over
					return lit
				}
				return fmt.Sprintf("("+ways[n%len(ways)]+")", lit)
			})
			if !ok {
				return nil
			}
			return map[string]string{"main.tf": out + "\nlocals {\n  none = {}\n}\n"}
		},
		"dynamic blocks": func(text string) map[string]string {
			file, ds := hclwrite.ParseConfig([]byte(text), "main.tf", hcl.InitialPos)
			if ds.HasErrors() {
				return nil
			}
			done := false
			for _, b := range file.Body().Blocks() {
				if b.Type() == "resource" || b.Type() == "data" {
					done = dynamic(b.Body(), 1) || done
				}
			}
			if !done {
				return nil
			}
			return map[string]string{"main.tf": string(file.Bytes())}
		},
		"module": func(text string) map[string]string {
			out, all, _ := literals(text, func(n int, _ string) string { return fmt.Sprintf("var.p%d", n) })
			var vars, args strings.Builder
			for n, lit := range all {
				fmt.Fprintf(&vars, "\nvariable \"p%d\" {}\n", n)
				fmt.Fprintf(&args, "  p%d = %s\n", n, lit)
			}
			return map[string]string{"main.tf": "module \"m\" {\n  source = \"./m\"\n" + args.String() + "}\n", "m/main.tf": out + vars.String()}
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			holds(t, rules, resource.Terraform, written{resource.Terraform, "main.tf"}, 400, form)
		})
	}
}

// encoded gives text with each call of jsonencode replaced by what put makes of
// its JSON; ok is false where there is none without references.
func encoded(text string, put func(n int, json string) string) (out string, ok bool) {
	file, ds := hclsyntax.ParseConfig([]byte(text), "main.tf", hcl.InitialPos)
	if ds.HasErrors() {
		return "", false
	}
	type piece struct {
		start, end int
		text       string
	}
	var pieces []piece
	functions := map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}
	_ = hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
		call, is := n.(*hclsyntax.FunctionCallExpr)
		if !is || call.Name != "jsonencode" || len(call.Variables()) > 0 {
			return nil
		}
		v, ds := call.Value(&hcl.EvalContext{Functions: functions})
		if ds.HasErrors() {
			return nil
		}
		r := call.Range()
		pieces = append(pieces, piece{r.Start.Byte, r.End.Byte, put(len(pieces), v.AsString())})
		return nil
	})
	slices.SortFunc(pieces, func(a, b piece) int { return b.start - a.start })
	out = text
	for _, p := range pieces {
		out = out[:p.start] + p.text + out[p.end:]
	}
	return out, len(pieces) > 0
}

// policyDocument writes a policy as a data source; "" where it is none.
func policyDocument(name, text string) string {
	var doc struct {
		Statement any
	}
	if json.Unmarshal([]byte(text), &doc) != nil || doc.Statement == nil {
		return ""
	}
	list := func(v any) []cty.Value {
		items, ok := v.([]any)
		if !ok {
			items = []any{v}
		}
		var out []cty.Value
		for _, it := range items {
			out = append(out, cty.StringVal(fmt.Sprint(it)))
		}
		return out
	}
	file := hclwrite.NewEmptyFile()
	data := file.Body().AppendNewBlock("data", []string{"aws_iam_policy_document", name}).Body()
	statements, ok := doc.Statement.([]any)
	if !ok {
		statements = []any{doc.Statement}
	}
	for _, s := range statements {
		st, ok := s.(map[string]any)
		if !ok {
			return ""
		}
		b := data.AppendNewBlock("statement", nil).Body()
		for from, to := range map[string]string{"Action": "actions", "NotAction": "not_actions", "Resource": "resources", "NotResource": "not_resources"} {
			if st[from] != nil {
				b.SetAttributeValue(to, cty.ListVal(list(st[from])))
			}
		}
		for from, to := range map[string]string{"Sid": "sid", "Effect": "effect"} {
			if st[from] != nil {
				b.SetAttributeValue(to, cty.StringVal(fmt.Sprint(st[from])))
			}
		}
		for from, to := range map[string]string{"Principal": "principals", "NotPrincipal": "not_principals"} {
			of, ok := st[from].(map[string]any)
			if st[from] == "*" {
				of, ok = map[string]any{"*": "*"}, true
			}
			if !ok && st[from] != nil {
				return ""
			}
			for _, kind := range slices.Sorted(maps.Keys(of)) {
				p := b.AppendNewBlock(to, nil).Body()
				p.SetAttributeValue("type", cty.StringVal(kind))
				p.SetAttributeValue("identifiers", cty.ListVal(list(of[kind])))
			}
		}
		conditions, _ := st["Condition"].(map[string]any)
		for _, test := range slices.Sorted(maps.Keys(conditions)) {
			of, _ := conditions[test].(map[string]any)
			for _, variable := range slices.Sorted(maps.Keys(of)) {
				c := b.AppendNewBlock("condition", nil).Body()
				c.SetAttributeValue("test", cty.StringVal(test))
				c.SetAttributeValue("variable", cty.StringVal(variable))
				c.SetAttributeValue("values", cty.ListVal(list(of[variable])))
			}
		}
	}
	return "\n" + string(file.Bytes())
}

// TestMeaningOfPolicies holds that a rule finds the same in a document of JSON
// wherever it is written.
func TestMeaningOfPolicies(t *testing.T) {
	rules := load(t)
	indent := func(text string) string {
		var b bytes.Buffer
		if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
			t.Fatal(err)
		}
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(b.String())
	}
	forms := map[string]func(files map[string]string, n int, json string) string{
		"a heredoc": func(_ map[string]string, _ int, json string) string { return "<<-EOT\n" + indent(json) + "\nEOT\n" },
		"a text": func(_ map[string]string, _ int, json string) string {
			return string(hclwrite.TokensForValue(cty.StringVal(json)).Bytes())
		},
		"a file": func(files map[string]string, n int, text string) string {
			name := fmt.Sprintf("policies/%d.json", n)
			var b bytes.Buffer
			_ = json.Indent(&b, []byte(text), "", "  ")
			files[name] = b.String()
			return fmt.Sprintf(`file("${path.module}/%s")`, name)
		},
		"a template": func(files map[string]string, n int, json string) string {
			name := fmt.Sprintf("policies/%d.json.tftpl", n)
			files[name] = strings.Replace(indent(json), "{", "{${nothing}", 1)
			return fmt.Sprintf(`templatefile("${path.module}/%s", { nothing = "" })`, name)
		},
		"YAML": func(files map[string]string, n int, text string) string {
			name := fmt.Sprintf("policies/%d.yaml", n)
			var v any
			_ = yaml.Unmarshal([]byte(text), &v)
			out, _ := yaml.Marshal(v)
			files[name] = string(out)
			return fmt.Sprintf(`jsonencode(yamldecode(file("${path.module}/%s")))`, name)
		},
		"a data source": func(files map[string]string, n int, json string) string {
			data := policyDocument(fmt.Sprintf("p%d", n), json)
			if data == "" {
				return "jsonencode(jsondecode(<<EOT\n" + indent(json) + "\nEOT\n))"
			}
			files["main.tf"] += data
			return fmt.Sprintf("data.aws_iam_policy_document.p%d.json", n)
		},
		"a source of a document": func(files map[string]string, n int, json string) string {
			data := policyDocument(fmt.Sprintf("p%d", n), json)
			if data == "" {
				return "jsonencode(jsondecode(<<EOT\n" + indent(json) + "\nEOT\n))"
			}
			files["main.tf"] += data + fmt.Sprintf("\ndata \"aws_iam_policy_document\" \"q%[1]d\" {\n  source_policy_documents = [data.aws_iam_policy_document.p%[1]d.json]\n}\n", n)
			return fmt.Sprintf("data.aws_iam_policy_document.q%d.json", n)
		},
		"a local": func(files map[string]string, n int, json string) string {
			files["main.tf"] += fmt.Sprintf("\nlocals {\n  policy%d = <<EOT\n%s\nEOT\n}\n", n, indent(json))
			return fmt.Sprintf("local.policy%d", n)
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			holds(t, rules, resource.Terraform, written{resource.Terraform, "main.tf"}, 60, func(text string) map[string]string {
				files := map[string]string{}
				out, ok := encoded(text, func(n int, json string) string { return form(files, n, json) })
				if !ok {
					return nil
				}
				files["main.tf"] = out + files["main.tf"]
				return files
			})
		})
	}
}
