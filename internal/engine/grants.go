package engine

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// maxStatements bounds the statements of a resource's policies that are weighed
// against each other. IAM itself takes far fewer.
const maxStatements = 200

// grants gives a selection of the statements that allow something, of the
// policies that say what their holder may do: those that say who may do it, or
// become the holder, are left out. Each has the field Policy, the statements of all
// these policies of the resource and of what else its principals have beside it, so
// that a condition can weigh one against the others.
func grants(all func(*itemSet, *resource.Resource)) func(*itemSet, *resource.Resource) {
	return func(set *itemSet, res *resource.Resource) {
		var every itemSet
		all(&every, res)
		joined := iam.Join(res, iam.Near(set.near), held(all))
		if joined.Nothing {
			return
		}
		policy := &resource.Node{Kind: resource.List}
		for _, it := range every.items {
			switch {
			case !holder(it):
			case len(policy.Items) < maxStatements:
				policy.Items = append(policy.Items, it.node)
			default:
				policy.Partial, policy.Why = true, "a policy with too many statements"
			}
		}
		for _, it := range every.unknown {
			if holder(it) {
				policy.Partial, policy.Why = true, whyOf(it.node)
				if res.Kind != policyData {
					set.doubt(it) // of a document, those who take it tell
				}
			}
		}
		for _, st := range joined.Others {
			if len(policy.Items) == maxStatements {
				policy.Partial, policy.Why = true, "a principal with too many statements"
				break
			}
			policy.Items = append(policy.Items, st)
		}
		if joined.Why != "" {
			policy.Partial, policy.Why = true, joined.Why
		}
		set.cut = set.cut || every.cut
		for _, it := range every.items {
			if !holder(it) {
				continue
			}
			// An effect that is not known may be to allow.
			if e := it.node.Get("Effect"); e == nil || !e.Unknown && e.Str() != "Allow" {
				continue
			}
			if len(set.items) == maxStatements {
				set.cut = true
				return
			}
			n := *it.node
			n.Fields = append(slices.Clip(n.Fields), resource.Field{Name: "Policy", Node: policy})
			it.node = &n
			set.add(it)
		}
	}
}

// holder reports whether a statement says what whoever holds the policy may do.
func holder(it item) bool {
	return !trustPolicy(it) && it.node.Get("Principal") == nil && it.node.Get("NotPrincipal") == nil
}

// held gives the look-up of those statements of another resource.
func held(all func(*itemSet, *resource.Resource)) iam.Statements {
	return func(res *resource.Resource) []*resource.Node {
		var every itemSet
		all(&every, res)
		var out []*resource.Node
		for _, it := range every.items {
			if holder(it) && len(out) < maxStatements {
				out = append(out, it.node)
			}
		}
		return out
	}
}

var awsGrants = grants(statements)

// terraformGrants selects what policies of AWS allow, and what bindings of GCP
// and assignments of Azure grant.
func terraformGrants(set *itemSet, res *resource.Resource) {
	if !iam.Reads(res.Kind) {
		awsGrants(set, res)
		return
	}
	found, doubts, _ := iam.Read(res, iam.Near(set.near))
	for _, f := range found {
		set.add(item{node: f.Node, prefix: f.Path, document: f.Document, split: f.Split})
	}
	for _, f := range doubts {
		set.doubt(item{node: f.Node, prefix: f.Path, document: f.Document, split: f.Split})
	}
}

// trustPolicy reports whether an item stands in a policy that says who may
// assume a role.
func trustPolicy(it item) bool {
	return slices.ContainsFunc(it.prefix, func(s resource.Step) bool {
		return strings.EqualFold(s.Name, "assume_role_policy") || s.Name == "AssumeRolePolicyDocument"
	})
}

// policyData is Terraform's data source that is a policy for others to take.
const policyData = "data.aws_iam_policy_document"

// assumesRoles reports whether a statement is one of a trust policy, as far as
// it says so itself.
func assumesRoles(st *resource.Node) bool {
	actions := st.Get("Action")
	if actions == nil || st.Get("Principal") == nil && st.Get("NotPrincipal") == nil {
		return false
	}
	return slices.ContainsFunc(actions.Items, func(a *resource.Node) bool {
		return strings.HasPrefix(strings.ToLower(a.Str()), "sts:assumerole")
	})
}

// trusts gives a selection of the statements of trust policies alone.
func trusts(all func(*itemSet, *resource.Resource)) func(*itemSet, *resource.Resource) {
	return func(set *itemSet, res *resource.Resource) {
		var every itemSet
		all(&every, res)
		set.cut = set.cut || every.cut
		for _, it := range every.items {
			if trustPolicy(it) || res.Kind == policyData && assumesRoles(it.node) {
				set.add(it)
			}
		}
		for _, it := range every.unknown {
			if trustPolicy(it) {
				set.doubt(it)
			}
		}
	}
}
