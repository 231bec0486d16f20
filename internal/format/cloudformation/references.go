package cloudformation

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// maxReferences bounds the resources that one value is said to refer to.
const maxReferences = 100

// references gives the logical ids that the function at n refers to, sorted:
// by Ref, by Fn::GetAtt and within the text of Fn::Sub.
func (r *resolver) references(n *resource.Node) []string {
	if r.resources == nil {
		return nil
	}
	var out []string
	add := func(id string) {
		if r.resources.Get(id) != nil && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	resource.Walk(n, func(_ resource.Path, m *resource.Node) bool {
		if r.spent++; r.spent > maxNodes || len(out) >= maxReferences {
			return false
		}
		if m.Kind != resource.Map {
			return true
		}
		name, arg, ok := function(m)
		if !ok {
			return true
		}
		switch name {
		case "Ref":
			add(arg.Str())
		case "Fn::GetAtt":
			id, _, _ := strings.Cut(arg.Str(), ".")
			if arg.Kind == resource.List && len(arg.Items) > 0 {
				id = arg.Items[0].Str()
			}
			add(id)
		case "Fn::Sub":
			text := arg
			if arg.Kind == resource.List && len(arg.Items) > 0 {
				text = arg.Items[0]
			}
			for _, part := range strings.Split(text.Str(), "${")[1:] {
				id, _, closed := strings.Cut(part, "}")
				if closed {
					id, _, _ = strings.Cut(strings.TrimSpace(id), ".")
					add(id)
				}
			}
		}
		return true
	})
	slices.Sort(out)
	return out
}
