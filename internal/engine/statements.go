package engine

import (
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxPolicies bounds the policy documents of one resource.
const maxPolicies = 256

// dataGroup is the group of statements that a data source of Terraform writes in
// blocks. The text that holds them is made of it, so their keys stand nowhere.
const dataGroup = "data"

// statements selects the statements of every IAM policy that the resource
// holds in a string, in the one form of normalise.
func statements(set *itemSet, res *resource.Resource) {
	policies := 0
	resource.Walk(res.Root, func(p resource.Path, n *resource.Node) bool {
		if set.cut || policies > maxPolicies {
			set.cut = true
			return false
		}
		doc := n.Embedded
		if doc == nil || doc.Kind != resource.Map || !doc.Unknown && doc.Get("Statement") == nil && !doc.Partial {
			return true
		}
		policies++
		set.policy(slices.Clone(p), doc)
		return false
	})
}

// policy adds the statements of a document that the string at p holds.
func (set *itemSet) policy(p resource.Path, doc *resource.Node) {
	st := doc.Get("Statement")
	if doc.Unknown || st == nil {
		set.doubt(item{node: doc, prefix: p})
		return
	}
	place := append(p, resource.Step{Name: "Statement"})
	group := ""
	if st.KeyRange == (source.Range{}) {
		group = dataGroup
	}
	if st.Unknown || st.Partial {
		set.doubt(item{node: st, prefix: place})
	}
	add := func(n *resource.Node, prefix resource.Path) {
		switch {
		case n == nil:
		case n.Unknown:
			set.doubt(item{node: n, prefix: prefix})
		case n.Kind == resource.Map:
			set.add(item{node: normalise(n), prefix: prefix, document: doc, split: len(p), group: group})
		}
	}
	switch {
	case st.Unknown:
	case st.Kind == resource.Map:
		add(st, place)
	case st.Kind == resource.List:
		for i, n := range st.Items {
			add(n, append(slices.Clone(place), resource.Step{Index: i}))
		}
	}
}

// normalise gives a statement in the one form that rules are written for:
// Action, NotAction, Resource and NotResource are lists, Principal and
// NotPrincipal maps of lists ("*" is {AWS: ["*"]}, as IAM takes it). Every node
// keeps the places of the one that it came from.
func normalise(st *resource.Node) *resource.Node {
	out := *st
	out.Fields = make([]resource.Field, len(st.Fields))
	for i, f := range st.Fields {
		out.Fields[i] = f
		switch f.Name {
		case "Action", "NotAction", "Resource", "NotResource":
			out.Fields[i].Node = listOf(f.Node)
		case "Principal", "NotPrincipal":
			out.Fields[i].Node = principalOf(f.Node)
		}
	}
	return &out
}

// listOf makes a list of a scalar; what is unknown stays so, since it may be
// either, unless some of its text is known.
func listOf(n *resource.Node) *resource.Node {
	if n == nil || n.Unknown && n.Parts == nil || n.Kind == resource.List || n.Kind == resource.Null {
		return n
	}
	item := *n
	item.KeyRange = source.Range{}
	return &resource.Node{Kind: resource.List, Items: []*resource.Node{&item}, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins}
}

func principalOf(n *resource.Node) *resource.Node {
	if n == nil || n.Unknown {
		return n
	}
	switch n.Kind {
	case resource.String:
		return &resource.Node{
			Kind: resource.Map, Range: n.Range, KeyRange: n.KeyRange, Origins: n.Origins,
			Fields: []resource.Field{{Name: "AWS", Node: listOf(n)}},
		}
	case resource.Map:
		out := *n
		out.Fields = make([]resource.Field, len(n.Fields))
		for i, f := range n.Fields {
			out.Fields[i] = resource.Field{Name: f.Name, Node: listOf(f.Node)}
		}
		return &out
	}
	return n
}

// inlineStatements selects the statements of every IAM policy that stands in
// the resource as a tree of its own.
func inlineStatements(set *itemSet, res *resource.Resource) {
	policies := 0
	resource.Walk(res.Root, func(p resource.Path, n *resource.Node) bool {
		if set.cut || policies > maxPolicies {
			set.cut = true
			return false
		}
		if n.Unknown && len(p) > 0 && policyFields[p[len(p)-1].Name] {
			set.doubt(item{node: n, prefix: slices.Clone(p)})
			return false
		}
		st := n.Get("Statement")
		if st == nil {
			return true
		}
		policies++
		place := append(slices.Clone(p), resource.Step{Name: "Statement"})
		one := func(n *resource.Node, place resource.Path) {
			switch {
			case n == nil:
			case n.Unknown:
				set.doubt(item{node: n, prefix: place})
			case n.Kind == resource.Map:
				set.add(item{node: normalise(n), prefix: place})
			}
		}
		if st.Unknown || st.Partial || st.Kind != resource.List {
			one(st, place)
			return false
		}
		for i, it := range st.Items {
			one(it, append(slices.Clone(place), resource.Step{Index: i}))
		}
		return false
	})
}

// policyFields are the fields that CloudFormation's resources keep policies in.
// The table is read, never written.
var policyFields = map[string]bool{
	"PolicyDocument": true, "AssumeRolePolicyDocument": true, "KeyPolicy": true, "RepositoryPolicyText": true,
	"ResourcePolicy": true, "AccessPolicies": true, "FileSystemPolicy": true, "RegistryPolicyText": true, "Policy": true,
}
