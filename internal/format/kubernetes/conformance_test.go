package kubernetes_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

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
	column := n.Range.Start.Column - 1
	if n.Range.Start.Line == 1 && strings.HasPrefix(string(src.Data), "\ufeff") {
		column = max(column-1, 0)
	}
	doc := strings.Repeat(" ", column) + text
	if strings.HasPrefix(text, "|") || strings.HasPrefix(text, ">") {
		// A block scalar is indented relative to what holds it.
		doc = strings.Repeat(" ", holder(res.Root, path)) + "k: " + text
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

// holder is the indentation of the innermost block map or list around a node.
func holder(root *resource.Node, path resource.Path) int {
	n, _ := path.At(root)
	if len(path) == 0 {
		return 0
	}
	if path[len(path)-1].Name != "" {
		return n.KeyRange.Start.Column - 1
	}
	list, _ := path[:len(path)-1].At(root)
	return list.Range.Start.Column - 1
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
	formattest.Run(t, kubernetes.New(), c)
}
