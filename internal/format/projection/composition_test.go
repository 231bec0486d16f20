package projection

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestFieldPath(t *testing.T) {
	for in, want := range map[string]string{
		"spec.forProvider.region":                           "spec|forProvider|region",
		"metadata.annotations[crossplane.io/external-name]": "metadata|annotations|crossplane.io/external-name",
		`spec.tags["a.b"]`:                                  "spec|tags|a.b",
		"spec.list[0].x":                                    "spec|list|0|x",
		"spec.list[*].x":                                    "spec|list|*|x",
		"spec.list[0":                                       "",
		"":                                                  "",
	} {
		got, ok := fieldPath(in)
		if strings.Join(got, "|") != want || ok != (want != "") {
			t.Errorf("fieldPath(%q) = %q, %v", in, got, ok)
		}
	}
}

// TestUnknownAt holds that what a patch sets is not known, that nothing else
// changes, and that what was given is left as it was.
func TestUnknownAt(t *testing.T) {
	list := &resource.Node{Kind: resource.List, Items: []*resource.Node{
		{Kind: resource.Map, Fields: []resource.Field{{Name: "x", Node: text("a")}}}, {Kind: resource.Map, Fields: []resource.Field{{Name: "x", Node: text("b")}}},
	}}
	n := &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "list", Node: list}, {Name: "kept", Node: text("c")}}}
	for _, c := range []struct{ path, unknown, known string }{
		{"list[1].x", "list.1.x", "list.0.x"},
		{"list[*].x", "list.0.x", "kept"},
		{"list[7].x", "list", "kept"},
		{"made.here", "made.here", "kept"},
		{"kept.below", "kept", "list.0.x"},
	} {
		path, _ := fieldPath(c.path)
		got := unknownAt(n, path, "a patch")
		if u := follow(got, c.unknown); u == nil || !u.Unknown {
			t.Errorf("%s: %s is %v", c.path, c.unknown, u)
		}
		if k := follow(got, c.known); k == nil || k.Unknown || k.Str() == "" {
			t.Errorf("%s: %s is %v", c.path, c.known, k)
		}
		if len(n.Fields) != 2 || follow(n, "list.1.x").Str() != "b" || follow(n, "kept").Str() != "c" {
			t.Fatalf("%s changes what was given", c.path)
		}
	}
}

func follow(n *resource.Node, path string) *resource.Node {
	for _, name := range strings.Split(path, ".") {
		if n != nil && n.Kind == resource.List {
			n = n.Items[name[0]-'0']
		} else {
			n = n.Get(name)
		}
	}
	return n
}
