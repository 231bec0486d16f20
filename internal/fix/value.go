package fix

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// value is what an operation writes: a tree without places.
type value struct {
	kind   resource.Kind
	tag    string // a short function of CloudFormation that the value is given to: !Ref
	scalar any    // bool, int64, float64 or string
	items  []value
	fields []entry
}

// entry is a named value of a map, in the order in which it is to be written.
type entry struct {
	name string
	val  value
}

func (v value) composite() bool { return v.kind == resource.Map || v.kind == resource.List }

func (v value) empty() bool { return len(v.items) == 0 && len(v.fields) == 0 }

// maxValueDepth bounds values that come from a repository's own rules.
const maxValueDepth = 32

// toValue takes what a rule file can say as a value. Maps of Go have no order,
// so their names are sorted; a yaml.Node keeps the order of the rule file.
func toValue(a any) (value, error) { return toValueDepth(a, 0) }

func toValueDepth(a any, depth int) (value, error) {
	if depth > maxValueDepth {
		return value{}, fmt.Errorf("a value is nested deeper than %d levels", maxValueDepth)
	}
	switch t := a.(type) {
	case nil:
		return value{kind: resource.Null}, nil
	case bool:
		return value{kind: resource.Bool, scalar: t}, nil
	case int:
		return value{kind: resource.Int, scalar: int64(t)}, nil
	case int64:
		return value{kind: resource.Int, scalar: t}, nil
	case float64:
		return value{kind: resource.Float, scalar: t}, nil
	case string:
		return value{kind: resource.String, scalar: t}, nil
	case []any:
		v := value{kind: resource.List}
		for _, it := range t {
			c, err := toValueDepth(it, depth+1)
			if err != nil {
				return value{}, err
			}
			v.items = append(v.items, c)
		}
		return v, nil
	case map[string]any:
		names := make([]string, 0, len(t))
		for k := range t {
			names = append(names, k)
		}
		sort.Strings(names)
		v := value{kind: resource.Map}
		for _, k := range names {
			c, err := toValueDepth(t[k], depth+1)
			if err != nil {
				return value{}, err
			}
			v.fields = append(v.fields, entry{k, c})
		}
		return v, nil
	case *yaml.Node:
		return fromYAML(t, depth)
	case yaml.Node:
		return fromYAML(&t, depth)
	}
	return value{}, fmt.Errorf("a value of type %T cannot be written", a)
}

func fromYAML(n *yaml.Node, depth int) (value, error) {
	if depth > maxValueDepth {
		return value{}, fmt.Errorf("a value is nested deeper than %d levels", maxValueDepth)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		inner := *n
		if inner.Tag = ""; n.Kind == yaml.ScalarNode {
			inner.Tag = "!!str"
		}
		v, err := fromYAML(&inner, depth+1)
		v.tag = n.Tag
		return v, err
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return fromYAML(n.Content[0], depth)
		}
	case yaml.SequenceNode:
		v := value{kind: resource.List}
		for _, c := range n.Content {
			it, err := fromYAML(c, depth+1)
			if err != nil {
				return value{}, err
			}
			v.items = append(v.items, it)
		}
		return v, nil
	case yaml.MappingNode:
		v := value{kind: resource.Map}
		for i := 0; i+1 < len(n.Content); i += 2 {
			c, err := fromYAML(n.Content[i+1], depth+1)
			if err != nil {
				return value{}, err
			}
			v.fields = append(v.fields, entry{n.Content[i].Value, c})
		}
		return v, nil
	case yaml.ScalarNode:
		var a any
		if err := n.Decode(&a); err != nil {
			return value{}, fmt.Errorf("a value cannot be read: %w", err)
		}
		return toValueDepth(a, depth)
	}
	return value{}, fmt.Errorf("a value of this form cannot be written")
}

// long writes CloudFormation's short functions as the maps that JSON has for
// them.
func (v value) long() value {
	items, fields := v.items, v.fields
	v.items, v.fields = nil, nil
	for _, it := range items {
		v.items = append(v.items, it.long())
	}
	for _, e := range fields {
		v.fields = append(v.fields, entry{e.name, e.val.long()})
	}
	if v.tag == "" {
		return v
	}
	name := strings.TrimPrefix(v.tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	v.tag = ""
	if s, ok := v.scalar.(string); ok && name == "Fn::GetAtt" {
		v = value{kind: resource.List}
		for part := range strings.SplitSeq(s, ".") {
			v.items = append(v.items, value{kind: resource.String, scalar: part})
		}
	}
	return value{kind: resource.Map, fields: []entry{{name, v}}}
}

// says reports whether node already says v.
func says(n *resource.Node, v value) bool {
	if n == nil || n.Unknown || n.Partial || n.Kind != v.kind || v.tag != "" {
		return false
	}
	switch v.kind {
	case resource.List:
		if len(n.Items) != len(v.items) {
			return false
		}
		for i, it := range v.items {
			if !says(n.Items[i], it) {
				return false
			}
		}
		return true
	case resource.Map:
		if len(n.Fields) != len(v.fields) {
			return false
		}
		for _, e := range v.fields {
			if !says(n.Get(e.name), e.val) {
				return false
			}
		}
		return true
	}
	return n.Value == v.scalar
}

// holds reports whether one of the items of list already says v.
func holds(list *resource.Node, v value) bool {
	for _, it := range list.Items {
		if says(it, v) {
			return true
		}
	}
	return false
}

// jsonText writes v as JSON on one line; it serves JSON files, YAML's double
// quotes and titles.
func (v value) jsonText() string {
	switch v.kind {
	case resource.Null:
		return "null"
	case resource.String:
		return quoteJSON(v.scalar.(string))
	case resource.Bool:
		return strconv.FormatBool(v.scalar.(bool))
	case resource.Int:
		return strconv.FormatInt(v.scalar.(int64), 10)
	case resource.Float:
		return strconv.FormatFloat(v.scalar.(float64), 'g', -1, 64)
	case resource.List:
		s := "["
		for i, it := range v.items {
			if i > 0 {
				s += ", "
			}
			s += it.jsonText()
		}
		return s + "]"
	}
	s := "{"
	for i, e := range v.fields {
		if i > 0 {
			s += ", "
		}
		s += quoteJSON(e.name) + ": " + e.val.jsonText()
	}
	return s + "}"
}

func quoteJSON(s string) string {
	var b jsonBuffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string always encodes; invalid UTF-8 becomes U+FFFD.
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return string(b[:len(b)-1])
}

type jsonBuffer []byte

func (b *jsonBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
