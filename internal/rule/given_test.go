package rule

import (
	"testing"

	"cel.dev/cel-go/common/types"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestGivenAndKnown(t *testing.T) {
	str := func(s string) *resource.Node { return &resource.Node{Kind: resource.String, Value: s} }
	root := mapVal{&resource.Node{Kind: resource.Map, Fields: []resource.Field{
		{Name: "text", Node: str("x")}, {Name: "empty", Node: str("")}, {Name: "null", Node: &resource.Node{Kind: resource.Null}},
		{Name: "no", Node: &resource.Node{Kind: resource.Bool, Value: false}},
		{Name: "list", Node: &resource.Node{Kind: resource.List}},
		{Name: "more", Node: &resource.Node{Kind: resource.List, Partial: true}},
		{Name: "reference", Node: &resource.Node{Unknown: true, Refs: []string{"aws_kms_key.a"}}},
		{Name: "text in part", Node: &resource.Node{Unknown: true, Parts: []string{"alias/", ""}}},
		{Name: "something", Node: &resource.Node{Unknown: true, Parts: []string{"", ""}}},
		{Name: "variable", Node: &resource.Node{Unknown: true, Why: "var.key has no default"}},
	}}}
	partial := mapVal{&resource.Node{Kind: resource.Map, Partial: true}}
	for _, c := range []struct {
		of           mapVal
		field, given string
		known        bool
	}{
		{root, "text", "true", true}, {root, "empty", "false", true}, {root, "null", "false", false}, {root, "no", "true", true},
		{root, "list", "false", true}, {root, "more", "unknown", true}, {root, "reference", "true", false}, {root, "text in part", "true", false},
		{root, "something", "true", false},
		{root, "variable", "unknown", false}, {root, "missing", "false", false}, {partial, "missing", "unknown", false},
	} {
		got := "unknown"
		if v := givenField(types.OptionalOf(c.of), types.String(c.field)); v == types.True || v == types.False {
			got = "false"
			if v == types.True {
				got = "true"
			}
		}
		if got != c.given {
			t.Errorf("given(%s) is %s, want %s", c.field, got, c.given)
		}
		if v := knownField(c.of, types.String(c.field)); v != types.Bool(c.known) {
			t.Errorf("known(%s) is %v, want %v", c.field, v, c.known)
		}
	}
	if v := givenField(types.OptionalNone, types.String("x")); v != types.False {
		t.Errorf("given of a field of nothing is %v", v)
	}
	for _, expr := range []string{"given(object)", "known(1)"} {
		if _, iss, _ := compile(expr, false); iss.Err() == nil {
			t.Errorf("%s compiles", expr)
		}
	}
}
