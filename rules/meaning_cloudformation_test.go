//go:build !race

package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

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
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			holds(t, rules, resource.CloudFormation, written{resource.CloudFormation, "template.yaml"}, 300, func(text string) map[string]string {
				out, ok := rewritten(t, text, form, form == nil)
				if !ok {
					return nil
				}
				return map[string]string{"template.yaml": out}
			})
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
