package projection

import (
	"encoding/json"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const (
	maxDocument = 1 << 18 // bytes of a document in a text
	maxDepth    = 64
)

// embedded gives a text that is a document in JSON its tree. All of it stands
// where the text stands.
func embedded(n *resource.Node) *resource.Node {
	s := n.Str()
	if n.Embedded != nil || len(s) > maxDocument || !strings.HasPrefix(strings.TrimSpace(s), "{") {
		return n
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	doc, ok := document(d, n, 0)
	if !ok || d.More() {
		return n
	}
	out := *n
	out.Embedded = doc
	return &out
}

// document reads one value.
func document(d *json.Decoder, at *resource.Node, depth int) (*resource.Node, bool) {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, false
	}
	n := &resource.Node{Range: at.Range, Origins: at.Origins}
	switch t := t.(type) {
	case bool:
		n.Kind, n.Value = resource.Bool, t
	case string:
		n.Kind, n.Value = resource.String, t
	case json.Number:
		if i, err := t.Int64(); err == nil {
			n.Kind, n.Value = resource.Int, i
		} else if f, err := t.Float64(); err == nil {
			n.Kind, n.Value = resource.Float, f
		}
	case json.Delim:
		n.Kind = resource.List
		if t == '{' {
			n.Kind = resource.Map
		}
		for d.More() {
			name := ""
			if n.Kind == resource.Map {
				key, err := d.Token()
				if err != nil {
					return nil, false
				}
				name, _ = key.(string)
			}
			v, ok := document(d, at, depth+1)
			if !ok {
				return nil, false
			}
			if n.Kind == resource.List {
				n.Items = append(n.Items, v)
			} else if n.Get(name) == nil {
				n.Fields = append(n.Fields, resource.Field{Name: name, Node: v})
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, false
		}
	}
	return n, true
}
