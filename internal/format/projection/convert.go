package projection

import (
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// convert gives a value the kind that the projected setting has: providers
// take text for numbers and the other way round. What does not convert stays as
// it is.
func convert(n *resource.Node, conv string) *resource.Node {
	if n == nil || n.Unknown || conv == "" {
		return n
	}
	switch conv {
	case "int", "port":
		if i, err := strconv.ParseInt(n.Str(), 10, 64); err == nil {
			return valued(n, resource.Int, i)
		}
	case "mode":
		if i, err := strconv.ParseInt(n.Str(), 8, 32); err == nil {
			return valued(n, resource.Int, i)
		}
	case "bool":
		if s := n.Str(); s == "true" || s == "false" {
			return valued(n, resource.Bool, s == "true")
		}
	case "str":
		if s, ok := asText(n); ok {
			return valued(n, resource.String, s)
		}
	case "strs":
		return texts(n)
	}
	if f := conversions[conv]; f != nil {
		return f(n)
	}
	return n
}

// valued copies a scalar with another value.
func valued(n *resource.Node, k resource.Kind, v any) *resource.Node {
	out := *n
	out.Kind, out.Value = k, v
	return &out
}

// asText gives the text of a number or boolean.
func asText(n *resource.Node) (string, bool) {
	switch v := n.Value.(type) {
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// texts copies a map whose values are to be text, where one is not.
func texts(n *resource.Node) *resource.Node {
	if n.Kind != resource.Map {
		return n
	}
	var out *resource.Node
	for i, f := range n.Fields {
		if f.Node == nil || f.Node.Unknown {
			continue
		}
		s, ok := asText(f.Node)
		if !ok {
			continue
		}
		if out == nil {
			out = copied(n)
			out.Fields = append([]resource.Field(nil), n.Fields...)
		}
		out.Fields[i].Node = valued(f.Node, resource.String, s)
	}
	if out == nil {
		return n
	}
	return out
}

// copied is a node at the same place that says nothing yet.
func copied(n *resource.Node) *resource.Node {
	out := *n
	out.Value, out.Items, out.Fields, out.Embedded, out.Block = nil, nil, nil, nil, false
	return &out
}
