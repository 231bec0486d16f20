package engine

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// A service says the same in a short form, which is text, and in a long one.
// Rules see one form; every part of it stands where the text stands.

// part makes a node of a part of what n says.
func part(n *resource.Node, name, text string) resource.Field {
	return resource.Field{Name: name, Node: &resource.Node{
		Kind: resource.String, Value: text, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins,
	}}
}

// parts makes an item of parts of what n says.
func parts(n *resource.Node, fields ...resource.Field) *resource.Node {
	return &resource.Node{Kind: resource.Map, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins, Fields: fields}
}

// entries adds what one makes of the items of a list of the service; nil leaves
// an item out. Maps stay as they are.
func (set *itemSet) entries(res *resource.Resource, field string, one func(n *resource.Node) *resource.Node) {
	n := res.Root.Get(field)
	if n == nil {
		return
	}
	if n.Unknown || n.Partial {
		set.doubt(item{node: n, prefix: resource.Path{{Name: field}}})
	}
	if n.Unknown || n.Kind != resource.List {
		return
	}
	for i, it := range n.Items {
		switch {
		case it == nil:
		case it.Unknown:
			if field != "environment" {
				set.doubt(item{node: it, field: field, index: i})
			}
		case it.Kind == resource.Map:
			set.add(item{node: it, field: field, index: i})
		default:
			if m := one(it); m != nil {
				set.add(item{node: m, field: field, index: i})
			}
		}
	}
}

// composeMounts reads source:target:mode. What begins like a path is bound, any
// other source is a volume by name.
func composeMounts(set *itemSet, res *resource.Resource) {
	set.entries(res, "volumes", func(n *resource.Node) *resource.Node {
		s := n.Str()
		if s == "" {
			return nil
		}
		source, rest, ok := strings.Cut(s, ":")
		if len(source) == 1 && strings.HasPrefix(rest, `\`) { // a drive of Windows
			var more string
			more, rest, ok = strings.Cut(rest, ":")
			source += ":" + more
		}
		if !ok {
			return parts(n, part(n, "type", "volume"), part(n, "target", s))
		}
		target, mode, _ := strings.Cut(rest, ":")
		kind := "volume"
		if strings.ContainsAny(source[:min(1, len(source))], "/.~") || strings.Contains(source, `\`) {
			kind = "bind"
		}
		fields := []resource.Field{part(n, "type", kind), part(n, "source", source), part(n, "target", target)}
		if mode != "" {
			fields = append(fields, part(n, "mode", mode))
		}
		return parts(n, fields...)
	})
}

// composePorts reads ip:published:target/protocol.
func composePorts(set *itemSet, res *resource.Resource) {
	set.entries(res, "ports", func(n *resource.Node) *resource.Node {
		s, ok := n.Value.(string)
		if !ok {
			return nil // a number alone is given any port of the host
		}
		s, protocol, _ := strings.Cut(s, "/")
		var ip, published, target string
		switch i := strings.LastIndexByte(s, ':'); {
		case i < 0:
			target = s
		default:
			published, target = s[:i], s[i+1:]
			if j := strings.LastIndexByte(published, ':'); j >= 0 {
				ip, published = strings.Trim(published[:j], "[]"), published[j+1:]
			}
		}
		fields := []resource.Field{part(n, "target", target)}
		for _, p := range [...][2]string{{"published", published}, {"host_ip", ip}, {"protocol", protocol}} {
			if p[1] != "" {
				fields = append(fields, part(n, p[0], p[1]))
			}
		}
		return parts(n, fields...)
	})
}

// composeEnvironment reads a map of variables or a list of NAME=value. A value
// that another variable gives is not written in the file and is left out.
func composeEnvironment(set *itemSet, res *resource.Resource) {
	n := res.Root.Get("environment")
	if n == nil || n.Kind != resource.Map || n.Unknown {
		set.entries(res, "environment", func(n *resource.Node) *resource.Node {
			name, value, ok := strings.Cut(n.Str(), "=")
			if !ok {
				return nil // taken from the environment of whoever starts it
			}
			return parts(n, part(n, "name", name), part(n, "value", value))
		})
		return
	}
	for _, f := range n.Fields {
		p := resource.Path{{Name: "environment"}, {Name: f.Name}}
		switch {
		case f.Node == nil || f.Node.Unknown || f.Node.Kind == resource.Null:
		default:
			set.add(item{node: parts(f.Node, part(f.Node, "name", f.Name), resource.Field{Name: "value", Node: f.Node}), prefix: p})
		}
	}
}
