package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const goodPod = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
  - name: app
    image: "registry.example/app:1.2"
    securityContext: {privileged: false, runAsUser: 1000}
`

// cases is the part of the conformance suite that says what this format is.
func cases() formattest.Cases {
	return formattest.Cases{
		Format:    kubernetes.Name,
		Platforms: []string{resource.Kubernetes},
		File:      "k8s/a.yaml",
		Beside:    "k8s/b.yaml",
		Good:      goodPod,
		Broken:    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: [web\n",
		Key: func(text string) (string, bool) {
			var n yaml.Node
			if text != "" && !strings.ContainsAny(text[:1], "\"'!|>*") && !strings.ContainsAny(text, "\r\n\u0085\u2028\u2029") {
				return text, true // a plain name is what it says
			}
			if strings.HasPrefix(text, "*") || yaml.Unmarshal([]byte(text), &n) != nil || len(n.Content) != 1 {
				return "", false
			}
			return n.Content[0].Value, true
		},
		Node: exact,
	}
}

// exact checks that the text of a node's range, put back at its column and read
// by itself, is what the node says.
func exact(src *source.File, res *resource.Resource, path resource.Path, n *resource.Node) error {
	text := src.Text(n.Range)
	if len(n.Origins) > 0 {
		if !strings.HasPrefix(text, "*") {
			return fmt.Errorf("an aliased value stands at %q", text)
		}
		return nil
	}
	if n.Kind == resource.List || n.Kind == resource.Map {
		if aliased(n) {
			return nil // its text alone lacks the anchors
		}
		if strings.Contains(text, "!!") {
			return nil // our values differ from yaml.v3's; the scalars are compared below
		}
	}
	if whole := src.Text(res.Root.Range); strings.HasPrefix(whole, "{") && json.Valid([]byte(whole)) {
		return exactJSON(text, n)
	}
	column := columnOf(src, n.Range)
	if text == "" {
		if n.Kind != resource.Null {
			return fmt.Errorf("its text is empty, the node a %v", n.Kind)
		}
		return nil
	}
	if inFlow(src, res.Root, path) {
		// Some text means another thing outside of brackets, a single pair is a
		// map only within a list, and a dash is text only before a bracket.
		var err error
		for _, around := range [...]string{"[%s ]", "[%s]", "{k: %s}"} {
			var y yaml.Node
			if err = yaml.Unmarshal(fmt.Appendf(nil, around, text), &y); err != nil {
				continue
			}
			if c := y.Content[0].Content; len(c) == 0 {
				err = errors.New("is nothing within brackets")
			} else if err = same(n, c[len(c)-1]); err == nil {
				return nil
			}
		}
		return fmt.Errorf("its text %.200q: %w", text, err)
	}
	doc := strings.Repeat(" ", column) + text
	if strings.HasPrefix(text, "|") || strings.HasPrefix(text, ">") {
		// A block scalar is indented relative to what holds it.
		doc = strings.Repeat(" ", holder(src, res.Root, path)) + "k: " + text
		if n.Range.End.Byte < len(src.Data) {
			doc += "\n"
		}
		var m map[string]any
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			return fmt.Errorf("its text %.200q does not parse: %w", doc, err)
		}
		if m["k"] != n.Value {
			return fmt.Errorf("its text %.200q says %.200q, the node %.200q", doc, m["k"], n.Value)
		}
		return nil
	}
	if ends := n.Range.End.Byte; ends < len(src.Data) && strings.ContainsAny(text, "|>") {
		doc += "\n" // a block scalar may end it
	}
	var y yaml.Node
	if err := yaml.Unmarshal([]byte(doc), &y); err != nil {
		return fmt.Errorf("its text %.200q does not parse: %w", doc, err)
	}
	if len(y.Content) == 0 {
		if n.Kind != resource.Null {
			return fmt.Errorf("its text %.200q is nothing, the node a %v", doc, n.Kind)
		}
		return nil
	}
	return same(n, y.Content[0])
}

func aliased(n *resource.Node) bool {
	found := false
	resource.Walk(n, func(_ resource.Path, c *resource.Node) bool {
		found = found || len(c.Origins) > 0
		return !found
	})
	return found
}

// inFlow reports whether a node stands within brackets or braces.
func inFlow(src *source.File, root *resource.Node, path resource.Path) bool {
	for i := range path {
		n, _ := path[:i].At(root)
		text := src.Text(n.Range)
		for strings.HasPrefix(text, "!") || strings.HasPrefix(text, "&") {
			_, text, _ = strings.Cut(text, " ")
		}
		if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
			return true
		}
	}
	return false
}

// columnOf is the 0-based column of a range as YAML counts it.
func columnOf(src *source.File, r source.Range) int {
	before := strings.TrimPrefix(string(src.Data[:r.Start.Byte]), "\ufeff")
	i := strings.LastIndexAny(before, "\r\n\u0085\u2028\u2029")
	if i >= 0 {
		_, n := utf8.DecodeRuneInString(before[i:])
		before = before[i+n:]
	}
	return utf8.RuneCountInString(before)
}

func exactJSON(text string, n *resource.Node) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.InputOffset() != int64(len(text)) {
		return fmt.Errorf("its text %.200q is not one JSON value: %w", text, err)
	}
	return sameJSON(n, v)
}

func sameJSON(n *resource.Node, v any) error {
	switch v := v.(type) {
	case []any:
		if n.Kind != resource.List || len(n.Items) != len(v) {
			return fmt.Errorf("its text is a list of %d, the node a %v of %d", len(v), n.Kind, len(n.Items))
		}
		for i := range v {
			if err := sameJSON(n.Items[i], v[i]); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
		return nil
	case map[string]any:
		delete(v, "")
		if n.Kind != resource.Map || len(n.Fields) != len(v) {
			return fmt.Errorf("its text is a map of %d, the node a %v of %d", len(v), n.Kind, len(n.Fields))
		}
		for _, f := range n.Fields {
			if err := sameJSON(f.Node, v[f.Name]); err != nil {
				return fmt.Errorf("field %q: %w", f.Name, err)
			}
		}
		return nil
	case json.Number:
		want, err := v.Float64()
		if got, ok := n.Value.(int64); ok {
			if i, err := v.Int64(); err == nil && i == got {
				return nil
			}
		} else if n.Value == want && err == nil || err != nil && n.Value == v.String() {
			return nil
		}
	case nil:
		if n.Kind == resource.Null {
			return nil
		}
	default:
		if v == n.Value {
			return nil
		}
	}
	return fmt.Errorf("its text says %#v, the node %#v", v, n.Value)
}

// holder is the indentation of the innermost block map or list around a node.
func holder(src *source.File, root *resource.Node, path resource.Path) int {
	n, _ := path.At(root)
	if len(path) == 0 {
		return 0
	}
	if path[len(path)-1].Name != "" {
		return columnOf(src, n.KeyRange)
	}
	list, _ := path[:len(path)-1].At(root)
	return columnOf(src, list.Range)
}

// same compares our node with what yaml.v3 makes of a text. It knows the places
// where the two mean to differ.
func same(n *resource.Node, y *yaml.Node) error {
	switch y.Kind {
	case yaml.AliasNode:
		return same(n, y.Alias)
	case yaml.SequenceNode:
		if n.Kind != resource.List || len(n.Items) != len(y.Content) {
			return fmt.Errorf("its text is a list of %d, the node a %v of %d", len(y.Content), n.Kind, len(n.Items))
		}
		for i := range n.Items {
			if err := same(n.Items[i], y.Content[i]); err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
		}
		return nil
	case yaml.MappingNode:
		if n.Kind != resource.Map {
			return fmt.Errorf("its text is a map, the node a %v", n.Kind)
		}
		last := map[string]*yaml.Node{}
		for i := 0; i+1 < len(y.Content); i += 2 {
			if y.Content[i].Tag != "!!merge" {
				last[y.Content[i].Value] = y.Content[i+1]
			}
		}
		delete(last, "")
		for name, v := range last {
			f := n.Get(name)
			if f == nil {
				return fmt.Errorf("the field %q is missing", name)
			}
			if err := same(f, v); err != nil {
				return fmt.Errorf("field %q: %w", name, err)
			}
		}
		return nil
	}
	var want any
	if err := y.Decode(&want); err != nil {
		return fmt.Errorf("its text cannot be decoded: %w", err)
	}
	switch v := want.(type) {
	case int:
		want = int64(v)
	case uint64:
		want = float64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			want = y.Value
		}
	case string:
		if y.Style == 0 {
			switch strings.ToLower(v) {
			case "y", "yes", "on":
				want = n.Kind == resource.Bool || v != "y" && v != "Y"
			case "n", "no", "off":
				want = false
			}
			if s, ok := n.Value.(string); ok && s == v {
				want = v // yEs, oN: no booleans
			}
		}
	default:
		if y.Tag == "!!timestamp" {
			want = y.Value
		}
	}
	if want != n.Value {
		return fmt.Errorf("its text says %#v, the node %#v", want, n.Value)
	}
	return nil
}

func TestConformance(t *testing.T) {
	c := cases()
	c.Units = units()
	formattest.Run(t, kubernetes.New(), c)
}
