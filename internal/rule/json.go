package rule

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Bounds of a JSON document in a string.
const (
	maxJSONDepth = 64
	maxJSONBytes = 1 << 20
)

// parseJSON is json(x) for a value that has no tree of its own: a string is
// parsed, a list or map is taken as it is, since it is what the text would say.
func parseJSON(v ref.Val) ref.Val {
	switch x := v.(type) {
	case types.String:
		n, err := jsonTree(string(x))
		if err != nil {
			return types.NewErr("no such key: the string is not a JSON document")
		}
		return wrap(n)
	case *types.Optional:
		if !x.HasValue() {
			return x
		}
		r := parseJSON(x.GetValue())
		if types.IsUnknownOrError(r) {
			return r
		}
		return types.OptionalOf(r)
	}
	return v
}

// jsonField is json(container.key).
func jsonField(container, key ref.Val) ref.Val {
	if o, ok := container.(*types.Optional); ok {
		if !o.HasValue() {
			return o
		}
		r := jsonField(o.GetValue(), key)
		switch {
		case types.IsUnknown(r):
			return r
		case types.IsError(r):
			return types.OptionalNone
		}
		return types.OptionalOf(r)
	}
	var n *resource.Node
	switch c := container.(type) {
	case mapVal:
		name, _ := key.(types.String)
		if n = c.n.Get(string(name)); n == nil && c.n.Partial {
			return unknownOf(c.n)
		}
	case listVal:
		if i, ok := key.(types.Int); ok && i >= 0 && int(i) < len(c.n.Items) {
			n = c.n.Items[i]
		} else if ok && c.n.Partial {
			return unknownOf(c.n)
		}
	}
	switch {
	case absent(n):
		return types.NewErr("no such key: %v", key)
	case n.Embedded != nil:
		return wrap(n.Embedded)
	case n.Unknown:
		return unknownOf(n)
	}
	return parseJSON(wrap(n))
}

// jsonOptField is json(container.?key).
func jsonOptField(container, key ref.Val) ref.Val {
	r := jsonField(container, key)
	switch r.(type) {
	case *types.Unknown, *types.Optional:
		return r
	case *types.Err:
		return types.OptionalNone
	}
	return types.OptionalOf(r)
}

// jsonTree reads one JSON document into nodes without places. Of a repeated
// name the last one counts, as it does for those who will read the document.
func jsonTree(s string) (*resource.Node, error) {
	if len(s) > maxJSONBytes {
		return nil, errors.New("the document is too long")
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	n, err := jsonNode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after the document")
	}
	return n, nil
}

func jsonNode(d *json.Decoder, depth int) (*resource.Node, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxJSONDepth {
		return nil, errors.New("the document is nested too deeply")
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '[' {
			return jsonList(d, depth)
		}
		return jsonMap(d, depth)
	case bool:
		return &resource.Node{Kind: resource.Bool, Value: t}, nil
	case string:
		return &resource.Node{Kind: resource.String, Value: t}, nil
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return &resource.Node{Kind: resource.Int, Value: i}, nil
		}
		f, err := t.Float64()
		if err != nil {
			return nil, err
		}
		return &resource.Node{Kind: resource.Float, Value: f}, nil
	}
	return &resource.Node{Kind: resource.Null}, nil
}

func jsonList(d *json.Decoder, depth int) (*resource.Node, error) {
	n := &resource.Node{Kind: resource.List}
	for d.More() {
		it, err := jsonNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, it)
	}
	_, err := d.Token()
	return n, err
}

func jsonMap(d *json.Decoder, depth int) (*resource.Node, error) {
	n := &resource.Node{Kind: resource.Map}
	at := map[string]int{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := jsonNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if i, again := at[name]; again {
			n.Fields[i].Node = v
			continue
		}
		at[name] = len(n.Fields)
		n.Fields = append(n.Fields, resource.Field{Name: name, Node: v})
	}
	_, err := d.Token()
	return n, err
}
