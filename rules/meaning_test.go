//go:build !race

// Thousands of units, each evaluated once; nothing in them runs side by side.

package rules_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/format/projection"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// found says where the rule finds something in a unit of files, of which the
// first is read, or of a chart all.
func found(t *testing.T, r *rule.Rule, reader format.Reader, name string, files map[string]string, first string) []string {
	t.Helper()
	tree := fstest.MapFS{}
	for p, text := range files {
		tree[p] = &fstest.MapFile{Data: []byte(text)}
	}
	read := []string{first}
	if name == helm.Name {
		read = slices.Sorted(maps.Keys(files))
	}
	u := format.Unit{ID: name + ":.", Format: name, Dir: ".", Files: read, FS: tree, MaxFileSize: format.DefaultMaxFileSize}
	ctx := context.Background()
	resources, ds := reader.Read(ctx, u)
	resources, more := projection.All(resources)
	for _, d := range append(ds, more...) {
		if d.Level == source.LevelError {
			t.Errorf("%s: %s\n%s", r.ID, d, files[first])
		}
	}
	opt := engine.Options{Rules: []rule.Active{{Rule: r, Severity: r.Severity}}, Today: time.Unix(0, 0), InlineFromHead: true, Workers: 1}
	res := engine.Evaluate(ctx, opt, change.Pair(nil, resources))
	var out []string
	for _, f := range res.Findings {
		if f.State != engine.Suppressed {
			out = append(out, f.Resource.Name+": "+f.Message)
		}
	}
	slices.Sort(out)
	return out
}

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
	reader := readers()[resource.Terraform]
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.Terraform && (e.Platform != "" || r.Checks[0].Platform != resource.Terraform) || e.Format != "" && e.Format != resource.Terraform || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
						files := form(text)
						if text == "" || files == nil {
							continue
						}
						want := found(t, r, reader, resource.Terraform, map[string]string{"main.tf": text}, "main.tf")
						got := found(t, r, reader, resource.Terraform, files, "main.tf")
						tried++
						if len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%s", r.ID, i+1, part, e.Line, len(got), len(want), want, got, files["main.tf"]+"\n=====\n"+files["m/main.tf"])
						}
					}
				}
			}
			if tried < 400 {
				t.Errorf("only %d examples", tried)
			}
		})
	}
}

// scalars walks what a template says of its resources' properties and hands over
// each plain scalar, to be replaced in place.
func scalars(n *yaml.Node, put func(n *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i].Value
			if k == "Ref" || k == "Condition" && len(n.Content) == 2 || strings.HasPrefix(k, "Fn::") {
				continue
			}
			scalars(n.Content[i+1], put)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			scalars(c, put)
		}
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!!") && n.Tag != "!!null" && !strings.Contains(n.Value, "{{resolve:") {
			put(n)
		}
	}
}

func mapOf(pairs ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: pairs}
}

func word(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// under gives the mapping that root has under key, made where there is none.
func under(root *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			return root.Content[i+1]
		}
	}
	m := mapOf()
	root.Content = append(root.Content, word(key), m)
	return m
}

// throughParameter has a scalar come through the default of a parameter.
func throughParameter(root, n *yaml.Node, nr int) {
	name := fmt.Sprintf("P%d", nr)
	p := under(root, "Parameters")
	p.Content = append(p.Content, word(name), mapOf(word("Type"), word("String"), word("Default"), word(n.Value)))
	*n = *mapOf(word("Ref"), word(name))
}

// rewritten gives a template with every scalar of its resources' properties
// handed to form, where there is one, and in the other language if asked for; ok
// is false where there is nothing to hand over.
func rewritten(t *testing.T, text string, form func(root, n *yaml.Node, nr int), other bool) (out string, ok bool) {
	t.Helper()
	var doc yaml.Node
	if text == "" || yaml.Unmarshal([]byte(text), &doc) != nil {
		return "", false
	}
	root := doc.Content[0]
	nr := 0
	resources := under(root, "Resources")
	for k := 1; k < len(resources.Content) && form != nil; k += 2 {
		for j := 0; j+1 < len(resources.Content[k].Content); j += 2 {
			if resources.Content[k].Content[j].Value == "Properties" {
				scalars(resources.Content[k].Content[j+1], func(n *yaml.Node) {
					form(root, n, nr)
					nr++
				})
			}
		}
	}
	if form != nil && nr == 0 {
		return "", false
	}
	restyle(root, strings.HasPrefix(strings.TrimSpace(text), "{") != other)
	data, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), true
}

// TestMeaningInCloudFormation holds that a rule finds the same in an example of
// CloudFormation where the values come through parameters, mappings or
// conditions, and in the other language.
func TestMeaningInCloudFormation(t *testing.T) {
	rules := load(t)
	forms := map[string]func(root, n *yaml.Node, nr int){
		"parameters": throughParameter,
		"mappings": func(root, n *yaml.Node, nr int) {
			lit := *n
			name := fmt.Sprintf("P%d", nr)
			m := under(root, "Mappings")
			m.Content = append(m.Content, word(name), mapOf(word("a"), mapOf(word("b"), &lit)))
			*n = *mapOf(word("Fn::FindInMap"), &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{word(name), word("a"), word("b")}})
		},
		"conditions": func(root, n *yaml.Node, nr int) {
			lit := *n
			if nr == 0 {
				p := under(root, "Parameters")
				p.Content = append(p.Content, word("Stage"), mapOf(word("Type"), word("String"), word("Default"), word("prod")))
				c := under(root, "Conditions")
				c.Content = append(c.Content, word("Prod"), mapOf(word("Fn::Equals"), &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{mapOf(word("Ref"), word("Stage")), word("prod")}}))
			}
			*n = *mapOf(word("Fn::If"), &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{word("Prod"), &lit, mapOf(word("Ref"), word("AWS::NoValue"))}})
		},
		"the other language": nil,
	}
	reader := readers()[resource.CloudFormation]
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.CloudFormation || e.Format != "" && e.Format != resource.CloudFormation || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
						out, ok := rewritten(t, text, form, form == nil)
						if !ok {
							continue
						}
						want := found(t, r, reader, resource.CloudFormation, map[string]string{"template.yaml": text}, "template.yaml")
						got := found(t, r, reader, resource.CloudFormation, map[string]string{"template.yaml": out}, "template.yaml")
						tried++
						if len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%s", r.ID, i+1, part, e.Line, len(got), len(want), want, got, out)
						}
					}
				}
			}
			if tried < 300 {
				t.Errorf("only %d examples", tried)
			}
		})
	}
}

// restyle writes in JSON or in YAML: JSON has no tags, and the functions that
// they stand for in full.
func restyle(n *yaml.Node, json bool) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Style == 0 && (n.Value == "yes" || n.Value == "no") { // YAML 1.1, which CloudFormation reads
			n.Tag, n.Value = "!!bool", map[string]string{"yes": "true", "no": "false"}[n.Value]
		}
		n.Style = 0
		if json && n.Tag == "!!str" {
			n.Style = yaml.DoubleQuotedStyle
		}
	default:
		n.Style = 0
		if json {
			n.Style = yaml.FlowStyle
		}
	}
	if json && !strings.HasPrefix(n.Tag, "!!") && n.Tag != "" {
		name := strings.TrimPrefix(n.Tag, "!")
		inner := *n
		inner.Tag = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[n.Kind]
		if inner.Kind == yaml.ScalarNode {
			inner.Style = yaml.DoubleQuotedStyle
		}
		if name == "GetAtt" && inner.Kind == yaml.ScalarNode {
			res, attr, _ := strings.Cut(inner.Value, ".")
			inner = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{word(res), word(attr)}}
		}
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		*n = *mapOf(word(name), &inner)
		restyle(n, json)
		return
	}
	for i, c := range n.Content {
		if json && n.Kind == yaml.MappingNode && i%2 == 0 {
			c.Tag = "!!str"
		}
		restyle(c, json)
	}
}

// TestFixesGoWhereValuesComeFrom holds that a fix is found where a variable or a
// parameter decides as well, but for what a place elsewhere does not allow: to
// take a setting away, to edit a document within a value.
func TestFixesGoWhereValuesComeFrom(t *testing.T) {
	proven := func(r *rule.Rule, e rule.Example, text string) bool {
		alone := *r
		e.Fail, e.Fixed, e.Pass = text, "", ""
		alone.Examples = []rule.Example{e}
		results := reviewer.RunExamples(t.Context(), []*rule.Rule{&alone}, readers())
		return len(results) > 0 && len(results[0].Proven) > 0
	}
	fixes, lost := 0, []string(nil)
	for _, r := range load(t) {
		for i, e := range r.Examples {
			if e.Fail == "" || e.Format != "" || e.File != "" {
				continue
			}
			platform, text := e.Platform, ""
			if platform == "" {
				platform = r.Checks[0].Platform
			}
			switch platform {
			case resource.Terraform:
				if files := throughVariables(e.Fail); files != nil {
					text = files["main.tf"]
				}
			case resource.CloudFormation:
				text, _ = rewritten(t, e.Fail, throughParameter, false)
			}
			if text == "" || !proven(r, e, e.Fail) {
				continue
			}
			if fixes++; !proven(r, e, text) {
				lost = append(lost, fmt.Sprintf("%s example %d", r.ID, i+1))
			}
		}
	}
	if fixes < 300 || len(lost)*100 > fixes*8 {
		t.Errorf("%d of %d fixes are lost: %q", len(lost), fixes, lost)
	}
}

// documents gives the documents of a manifest; ok is false where it is not plain
// YAML.
func documents(text string) (out []*yaml.Node, ok bool) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return out, len(out) > 0
		case err != nil || len(doc.Content) != 1 || field(doc.Content[0], "metadata", "name") == "":
			return nil, false
		}
		out = append(out, doc.Content[0])
	}
}

// at gives what stands within mappings under names, or nil.
func at(n *yaml.Node, names ...string) *yaml.Node {
	if len(names) == 0 {
		return n
	}
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == names[0] {
			return at(n.Content[i+1], names[1:]...)
		}
	}
	return nil
}

// field gives a scalar within mappings, or "".
func field(n *yaml.Node, names ...string) string {
	if n = at(n, names...); n == nil {
		return ""
	}
	return n.Value
}

func marshal(t *testing.T, docs ...*yaml.Node) string {
	t.Helper()
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestMeaningInKubernetes holds that a rule finds the same in an example of a
// manifest where a list, JSON, a kustomization, a patch or a chart writes it.
func TestMeaningInKubernetes(t *testing.T) {
	rules := load(t)
	type form struct {
		format, first string
		files         func(docs []*yaml.Node) map[string]string
	}
	forms := map[string]form{
		"JSON": {resource.Kubernetes, "manifest.json", func(docs []*yaml.Node) map[string]string {
			if len(docs) > 1 {
				return nil
			}
			restyle(docs[0], true)
			return map[string]string{"manifest.json": marshal(t, docs[0])}
		}},
		"a list": {resource.Kubernetes, "manifest.yaml", func(docs []*yaml.Node) map[string]string {
			items := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: docs}
			return map[string]string{"manifest.yaml": marshal(t, mapOf(word("apiVersion"), word("v1"), word("kind"), word("List"), word("items"), items))}
		}},
		"a kustomization": {kustomize.Name, "kustomization.yaml", func(docs []*yaml.Node) map[string]string {
			return map[string]string{
				"kustomization.yaml": "resources: [./base]\n", "base/kustomization.yaml": "resources: [all.yaml]\n", "base/all.yaml": marshal(t, docs...),
			}
		}},
		"a chart": {helm.Name, "Chart.yaml", func(docs []*yaml.Node) map[string]string {
			values := mapOf()
			nr := 0
			for _, d := range docs {
				for i := 0; i+1 < len(d.Content); i += 2 {
					switch d.Content[i].Value {
					case "apiVersion", "kind", "metadata":
						continue
					}
					scalars(d.Content[i+1], func(n *yaml.Node) {
						lit := *n
						name := fmt.Sprintf("p%d", nr)
						nr++
						values.Content = append(values.Content, word(name), &lit)
						*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "%%" + name + "%%"}
					})
				}
			}
			text := regexp.MustCompile(`%%(p\d+)%%`).ReplaceAllString(regexp.MustCompile(`['"]?(%%p\d+%%)['"]?`).ReplaceAllString(marshal(t, docs...), "$1"), "{{ .Values.$1 | toJson }}")
			return map[string]string{"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": marshal(t, values), "templates/all.yaml": text}
		}},
	}
	all := readers()
	all[kustomize.Name], all[helm.Name] = bootstrap.Within(kustomize.New()), bootstrap.Within(helm.New())
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.Kubernetes && (e.Platform != "" || r.Checks[0].Platform != resource.Kubernetes) || e.Format != "" && e.Format != resource.Kubernetes || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
						docs, ok := documents(text)
						if !ok || strings.Contains(text, "{{") {
							continue
						}
						files := f.files(docs)
						if files == nil {
							continue
						}
						want := found(t, r, all[resource.Kubernetes], resource.Kubernetes, map[string]string{"manifest.yaml": text}, "manifest.yaml")
						got := found(t, r, all[f.format], f.format, files, f.first)
						tried++
						if len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%v", r.ID, i+1, part, e.Line, len(got), len(want), want, got, files)
						}
					}
				}
			}
			if tried < 300 {
				t.Errorf("only %d examples", tried)
			}
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
	reader := readers()[resource.Terraform]
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.Terraform && (e.Platform != "" || r.Checks[0].Platform != resource.Terraform) || e.Format != "" && e.Format != resource.Terraform || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
						files := map[string]string{}
						out, ok := encoded(text, func(n int, json string) string { return form(files, n, json) })
						if !ok {
							continue
						}
						files["main.tf"] = out + files["main.tf"]
						want := found(t, r, reader, resource.Terraform, map[string]string{"main.tf": text}, "main.tf")
						got := found(t, r, reader, resource.Terraform, files, "main.tf")
						tried++
						if len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%v", r.ID, i+1, part, e.Line, len(got), len(want), want, got, files)
						}
					}
				}
			}
			if tried < 60 {
				t.Errorf("only %d examples", tried)
			}
		})
	}
}

// TestMeaningElsewhere holds that a rule finds the same in a Dockerfile and in a
// Compose file however it is written.
func TestMeaningElsewhere(t *testing.T) {
	rules := load(t)
	from := regexp.MustCompile(`(?m)^(FROM|USER|EXPOSE|WORKDIR) ([^\s$]+)`)
	value := regexp.MustCompile(`(?m)^(\s+(?:- )?[a-z_]+: )("?)([A-Za-z0-9./:_@-]+)("?)$`)
	forms := map[string]map[string]func(text string) string{
		resource.Dockerfile: {
			"small letters": func(text string) string {
				return regexp.MustCompile(`(?m)^[A-Z]+ `).ReplaceAllStringFunc(text, strings.ToLower)
			},
			"line ends of Windows": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
			"tabs and blank lines": func(text string) string {
				return regexp.MustCompile(`(?m)^([A-Z]+) `).ReplaceAllString(text, "\n  $1\t")
			},
			"arguments": func(text string) string {
				n := 0
				global := ""
				out := from.ReplaceAllStringFunc(text, func(s string) string {
					m := from.FindStringSubmatch(s)
					n++
					if m[1] == "FROM" {
						if strings.HasPrefix(m[2], "--") {
							return s
						}
						global += fmt.Sprintf("ARG P%d=%s\n", n, m[2])
						return fmt.Sprintf("FROM ${P%d}", n)
					}
					return fmt.Sprintf("ARG P%d=%s\n%s $P%[1]d", n, m[2], m[1])
				})
				if n == 0 || strings.HasPrefix(strings.TrimSpace(text), "#") {
					return ""
				}
				return global + out
			},
		},
		resource.Compose: {
			"variables":            func(text string) string { return value.ReplaceAllString(text, "${1}\"$${P:-${3}}\"") },
			"line ends of Windows": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
			"JSON": func(text string) string {
				var doc yaml.Node
				if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) != 1 {
					return ""
				}
				restyle(doc.Content[0], true)
				return marshal(t, doc.Content[0])
			},
		},
	}
	for platform, named := range forms {
		for name, form := range named {
			t.Run(platform+" with "+name, func(t *testing.T) {
				tried := 0
				for _, r := range rules {
					for i, e := range r.Examples {
						if e.Platform != platform && (e.Platform != "" || r.Checks[0].Platform != platform) || e.Format != "" && e.Format != platform || e.File != "" {
							continue
						}
						for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
							file := map[string]string{resource.Dockerfile: "Dockerfile", resource.Compose: "compose.yaml"}[platform]
							out := ""
							if text != "" {
								out = form(text)
							}
							if out == "" {
								continue
							}
							want := found(t, r, readers()[platform], platform, map[string]string{file: text}, file)
							got := found(t, r, readers()[platform], platform, map[string]string{file: out}, file)
							tried++
							if len(got) != len(want) {
								t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%s", r.ID, i+1, part, e.Line, len(got), len(want), want, got, out)
							}
						}
					}
				}
				if tried < 50 {
					t.Errorf("only %d examples", tried)
				}
			})
		}
	}
}

// ofKind are rules that ask more of some kinds of workloads than of others, with
// the reason.
var ofKind = map[string]string{
	"k8s/cni-without-policies":       "a network is a DaemonSet",
	"k8s/control-plane-scheduling":   "a DaemonSet of the cluster may stand there",
	"k8s/liveness-probe":             "what ends needs none",
	"k8s/readiness-probe":            "what ends needs none",
	"k8s/misplaced-security-setting": "the settings of a pod stand elsewhere",
	"k8s/restart-policy":             "a controller wants one of its own",
	"k8s/shared-service-account":     "two workloads are needed",
}

// TestMeaningOfKinds holds that a rule about pods or containers finds the same
// whatever makes the pods.
func TestMeaningOfKinds(t *testing.T) {
	template := func(pod *yaml.Node) *yaml.Node {
		return mapOf(word("selector"), mapOf(word("matchLabels"), mapOf(word("app"), word("api"))), word("template"), pod)
	}
	cron := func(pod *yaml.Node) *yaml.Node {
		return mapOf(word("schedule"), word("0 3 * * *"), word("jobTemplate"), mapOf(word("spec"), mapOf(word("template"), pod)))
	}
	kinds := map[string]struct {
		version string
		spec    func(pod *yaml.Node) *yaml.Node
	}{
		"Deployment": {"apps/v1", template}, "StatefulSet": {"apps/v1", template}, "DaemonSet": {"apps/v1", template}, "ReplicaSet": {"apps/v1", template},
		"ReplicationController": {"v1", template}, "Job": {"batch/v1", template}, "CronJob": {"batch/v1", cron}, "Rollout": {"argoproj.io/v1alpha1", template},
		"Service": {"serving.knative.dev/v1", template}, "CloneSet": {"apps.kruise.io/v1alpha1", template},
	}
	rules := slices.DeleteFunc(load(t), func(r *rule.Rule) bool {
		return ofKind[r.ID] != "" || slices.ContainsFunc(r.Checks, func(c rule.Check) bool {
			return c.Platform == resource.Kubernetes && c.Each != "containers" && c.Each != "main-containers" && c.Each != "pods"
		})
	})
	// remade puts the pods of a manifest into workloads of a kind; ok is false
	// where there are none, or the annotations of pods count.
	remade := func(docs []*yaml.Node, kind, version string, spec func(*yaml.Node) *yaml.Node) (ok bool) {
		for _, d := range docs {
			var pod *yaml.Node
			switch field(d, "kind") {
			case "Pod":
				if s := at(d, "spec"); s != nil && at(d, "metadata", "annotations") == nil {
					was := *s // its place becomes the workload's
					pod = mapOf(word("spec"), &was)
					if l := at(d, "metadata", "labels"); l != nil {
						pod = mapOf(word("metadata"), mapOf(word("labels"), l), word("spec"), &was)
					}
				}
			case "Deployment", "StatefulSet", "DaemonSet", "Job":
				pod = at(d, "spec", "template")
			}
			if pod == nil || at(pod, "spec") == nil {
				continue
			}
			ok = true
			*at(d, "apiVersion"), *at(d, "kind"), *at(d, "spec") = *word(version), *word(kind), *spec(pod)
		}
		return ok
	}
	reader := readers()[resource.Kubernetes]
	for kind, k := range kinds {
		t.Run(kind, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.Kubernetes && (e.Platform != "" || r.Checks[0].Platform != resource.Kubernetes) || e.Format != "" && e.Format != resource.Kubernetes || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass} {
						docs, ok := documents(text)
						if !ok || !remade(docs, kind, k.version, k.spec) {
							continue
						}
						want := found(t, r, reader, resource.Kubernetes, map[string]string{"manifest.yaml": text}, "manifest.yaml")
						out := marshal(t, docs...)
						got := found(t, r, reader, resource.Kubernetes, map[string]string{"manifest.yaml": out}, "manifest.yaml")
						if tried++; len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%s", r.ID, i+1, part, e.Line, len(got), len(want), want, got, out)
						}
					}
				}
			}
			if tried < 100 {
				t.Errorf("only %d examples", tried)
			}
		})
	}
}

// TestMeaningOnNodes holds that a rule finds the same in a script of a node
// wherever it stands.
func TestMeaningOnNodes(t *testing.T) {
	hcl := func(s string) string { return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s) }
	indent := func(s, by string) string {
		return by + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+by) + "\n"
	}
	one := func(name, before, after string, write func(string) string) func(string) map[string]string {
		return func(s string) map[string]string { return map[string]string{name: before + write(s) + after} }
	}
	beside := func(name, text string, write func(string) string) func(string) map[string]string {
		return func(s string) map[string]string { return map[string]string{name: text, "init.sh": write(s)} }
	}
	same := func(s string) string { return s }
	forms := map[string]struct {
		format, file string
		files        func(s string) map[string]string
	}{
		"a launch template": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = base64encode(<<EOT\n", "EOT\n  )\n}\n", hcl)},
		"an instance": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_instance\" \"n\" {\n  user_data = <<-EOT\n", "  EOT\n}\n", func(s string) string {
			return indent(hcl(s), "    ")
		})},
		"base64": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = \"", "\"\n}\n", func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(s))
		})},
		"a file":     {resource.Terraform, "main.tf", beside("main.tf", "resource \"aws_instance\" \"n\" {\n  user_data = file(\"${path.module}/init.sh\")\n}\n", same)},
		"a template": {resource.Terraform, "main.tf", beside("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = base64encode(templatefile(\"${path.module}/init.sh\", { a = 1 }))\n}\n", hcl)},
		"a machine of Google": {resource.Terraform, "main.tf", one("main.tf", "resource \"google_compute_instance\" \"n\" {\n  metadata = {\n    startup-script = <<EOT\n",
			"EOT\n  }\n}\n", hcl)},
		"a machine of Azure": {resource.Terraform, "main.tf", one("main.tf", "resource \"azurerm_linux_virtual_machine\" \"n\" {\n  custom_data = base64encode(<<EOT\n",
			"EOT\n  )\n}\n", hcl)},
		"a template of CloudFormation": {resource.CloudFormation, "t.yaml", one("t.yaml", "Resources:\n  N:\n    Type: AWS::EC2::Instance\n    Properties:\n      UserData:\n        Fn::Base64: |\n", "",
			func(s string) string { return indent(s, "          ") })},
		"a substitution": {resource.CloudFormation, "t.yaml", one("t.yaml", "Resources:\n  N:\n    Type: AWS::EC2::LaunchTemplate\n    Properties:\n      LaunchTemplateData:\n        UserData: !Base64\n          Fn::Sub: |\n", "",
			func(s string) string { return indent(strings.ReplaceAll(s, "${", "${!"), "            ") })},
		"Packer":             {resource.NodeBootstrap, "a.pkr.hcl", one("a.pkr.hcl", "build {\n  provisioner \"shell\" {\n    inline = [<<EOT\n", "EOT\n    ]\n  }\n}\n", hcl)},
		"a script of Packer": {resource.NodeBootstrap, "a.pkr.hcl", beside("a.pkr.hcl", "build {\n  provisioner \"shell\" {\n    script = \"init.sh\"\n  }\n}\n", same)},
		"parts": {resource.NodeBootstrap, "user-data.mime", one("user-data.mime",
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"B\"\n\n--B\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n", "\n--B--\n", same)},
		"a command": {resource.NodeBootstrap, "cloud-init.yaml", one("cloud-init.yaml", "#cloud-config\nruncmd:\n  - |\n", "", func(s string) string { return indent(s, "    ") })},
	}
	rules, all := load(t), readers()
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			tried := 0
			for _, r := range rules {
				for i, e := range r.Examples {
					if e.Platform != resource.NodeBootstrap && (e.Platform != "" || r.Checks[0].Platform != resource.NodeBootstrap) || e.Format != "" && e.Format != resource.NodeBootstrap || e.File != "" {
						continue
					}
					for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass} {
						if !strings.HasPrefix(text, "#!") {
							continue
						}
						files := f.files(text)
						want := found(t, r, all[resource.NodeBootstrap], resource.NodeBootstrap, map[string]string{"user-data.sh": text}, "user-data.sh")
						got := found(t, r, all[f.format], f.format, files, f.file)
						if tried++; len(got) != len(want) {
							t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%v", r.ID, i+1, part, e.Line, len(got), len(want), want, got, files)
						}
					}
				}
			}
			if tried < 100 {
				t.Errorf("only %d examples", tried)
			}
		})
	}
}
