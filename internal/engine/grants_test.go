package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// cfnRole makes a role with a trust policy and inline policies, one statement
// each.
func cfnRole(statements ...*resource.Node) *resource.Resource {
	field := func(name string, n *resource.Node) resource.Field { return resource.Field{Name: name, Node: n} }
	object := func(fs ...resource.Field) *resource.Node { return &resource.Node{Kind: resource.Map, Fields: fs} }
	list := func(ns ...*resource.Node) *resource.Node { return &resource.Node{Kind: resource.List, Items: ns} }
	var policies []*resource.Node
	for _, st := range statements {
		policies = append(policies, object(field("PolicyDocument", object(field("Statement", list(st))))))
	}
	trust := effect("Allow")
	return &resource.Resource{Platform: resource.CloudFormation, Kind: "AWS::IAM::Role", Root: object(field("Properties", object(
		field("AssumeRolePolicyDocument", object(field("Statement", trust))),
		field("Policies", list(policies...)),
	)))}
}

func effect(e string) *resource.Node {
	n := &resource.Node{Kind: resource.String, Value: e}
	if e == "" {
		n = &resource.Node{Unknown: true, Why: "the parameter Effect"}
	}
	return &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "Effect", Node: n}}}
}

func TestGrantsAndTrusts(t *testing.T) {
	unknown := &resource.Node{Unknown: true, Why: "the parameter Statement"}
	res := cfnRole(effect("Allow"), effect("Deny"), effect(""), unknown)
	var got itemSet
	grants(inlineStatements)(&got, res)
	var places []string
	for _, it := range got.items {
		places = append(places, it.path().String())
		policy := it.node.Get("Policy")
		if len(policy.Items) != 3 || !policy.Partial {
			t.Errorf("%s stands beside %d statements, partial %v", it.path(), len(policy.Items), policy.Partial)
		}
	}
	want := []string{"Properties.Policies[0].PolicyDocument.Statement[0]", "Properties.Policies[2].PolicyDocument.Statement[0]"}
	if !slices.Equal(places, want) || len(got.unknown) != 1 {
		t.Errorf("grants are %q and %d unknown", places, len(got.unknown))
	}
	got = itemSet{}
	trusts(inlineStatements)(&got, res)
	if len(got.items) != 1 || got.items[0].path().String() != "Properties.AssumeRolePolicyDocument.Statement" || len(got.unknown) != 0 {
		t.Errorf("trusts are %s", fmt.Sprint(got.items))
	}
	if n := res.Root.Path("Properties", "Policies").Items[0].Path("PolicyDocument", "Statement").Items[0]; n.Get("Policy") != nil {
		t.Error("the tree of the resource was changed")
	}
}

func TestGrantsAreBounded(t *testing.T) {
	many := make([]*resource.Node, maxStatements+50)
	for i := range many {
		many[i] = effect("Allow")
	}
	var got itemSet
	grants(inlineStatements)(&got, cfnRole(many...))
	if len(got.items) != maxStatements || !got.cut || len(got.items[0].node.Get("Policy").Items) != maxStatements {
		t.Errorf("%d grants, cut %v", len(got.items), got.cut)
	}
}
