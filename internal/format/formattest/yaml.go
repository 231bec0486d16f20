package formattest

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// YAMLKey decodes the name of a field in YAML and JSON, for Cases.Key.
func YAMLKey(text string) (string, bool) {
	if strings.HasPrefix(text, "*") || strings.ContainsAny(text, "\r\n\u0085\u2028\u2029") {
		return "", false
	}
	if text != "" && !strings.ContainsAny(text[:1], "\"'!|>") {
		return text, true
	}
	var n yaml.Node
	if yaml.Unmarshal([]byte(text), &n) != nil || len(n.Content) != 1 {
		return "", false
	}
	return n.Content[0].Value, true
}

// YAMLScalar decodes a scalar of one line by the rules of YAML 1.2, for
// Cases.Scalar. It leaves alone what carries a tag, since only the format can
// say what that means, and what its surroundings bear on.
func YAMLScalar(text string, _ *resource.Node) (any, bool) {
	if strings.Contains(text, "${") {
		return nil, false // may be filled in before it is applied
	}
	if strings.ContainsAny(text, "\r\n\u0085\u2028\u2029") || text != "" && strings.ContainsAny(text[:1], "!|>*&") {
		return nil, false
	}
	if text != "" && !strings.ContainsAny(text[:1], "\"'") && strings.ContainsAny(text, ",[]{}") {
		return nil, false // means another thing within brackets
	}
	var n yaml.Node
	if yaml.Unmarshal([]byte("["+text+" ]"), &n) != nil || len(n.Content) != 1 || len(n.Content[0].Content) != 1 {
		return nil, text == ""
	}
	c := n.Content[0].Content[0]
	if c.Kind != yaml.ScalarNode {
		return nil, false
	}
	if c.Tag == "!!str" {
		return c.Value, true
	}
	var v any
	if c.Decode(&v) != nil {
		return nil, false
	}
	switch t := v.(type) {
	case nil, bool, string:
		return v, true
	case int:
		return int64(t), true
	case int64:
		return t, true
	}
	return nil, false // numbers that have several forms
}
