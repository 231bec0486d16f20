package iam

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func node(fields ...resource.Field) *resource.Node {
	return &resource.Node{Kind: resource.Map, Fields: fields}
}

func stated(effect, element string, actions ...string) *resource.Node {
	return node(put("Effect", said(nil, effect)), put(element, texts(actions...)), put("Resource", texts("*")))
}

func TestBoundaries(t *testing.T) {
	narrow := node(put("Effect", said(nil, "Allow")), put("Action", texts("iam:*")), put("Resource", texts("arn:aws:iam::123456789012:role/app")))
	blind := node(put("Effect", said(nil, "Allow")), put("Action", unsaid(nil, "the actions")), put("Resource", texts("*")))
	for name, c := range map[string]struct {
		boundary []*resource.Node
		want     Verdict // of iam:PutRolePolicy
	}{
		"allows it":                 {[]*resource.Node{stated("Allow", "Action", "iam:Put*", "s3:*")}, Yes},
		"allows all":                {[]*resource.Node{stated("Allow", "Action", "*")}, Yes},
		"allows something else":     {[]*resource.Node{stated("Allow", "Action", "s3:*"), stated("Allow", "Action", "logs:*")}, No},
		"allows it on one role":     {[]*resource.Node{stated("Allow", "Action", "s3:*"), narrow}, No},
		"allows all and denies it":  {[]*resource.Node{stated("Allow", "Action", "*"), stated("Deny", "Action", "iam:*")}, No},
		"allows all but it":         {[]*resource.Node{stated("Allow", "NotAction", "iam:*")}, No},
		"allows all but it, and it": {[]*resource.Node{stated("Allow", "NotAction", "iam:*"), stated("Allow", "Action", "iam:PutRolePolicy")}, Yes},
		"allows what is not known":  {[]*resource.Node{blind}, Unknown},
		"allows all but two lists":  {[]*resource.Node{stated("Allow", "NotAction", "iam:*"), stated("Allow", "NotAction", "iam:*", "s3:*")}, Unknown},
		"nothing that can be read":  {nil, Unknown},
	} {
		b := boundaryOf(c.boundary)
		own := stated("Allow", "Action", "iam:PutRolePolicy")
		policy := &resource.Node{Kind: resource.List, Items: append([]*resource.Node{own}, b.denials...), Partial: b.why != "", Why: b.why}
		got := Grants(own, policy, "iam:PutRolePolicy")
		if got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// TestJoin gives one policy to roles of which some are guarded by another.
func TestJoin(t *testing.T) {
	make := func(kind, id string, root *resource.Node) *resource.Resource {
		return &resource.Resource{Platform: resource.Terraform, Kind: kind, ID: id, Root: root}
	}
	to := func(ids ...string) *resource.Node {
		return &resource.Node{Kind: resource.String, Unknown: true, Refs: ids}
	}
	all := map[string][]*resource.Resource{}
	add := func(r *resource.Resource) *resource.Resource {
		all[r.Kind] = append(all[r.Kind], r)
		return r
	}
	held := map[*resource.Resource][]*resource.Node{}
	near := func(kind string) []*resource.Resource { return all[kind] }
	of := func(r *resource.Resource) []*resource.Node { return held[r] }

	add(make("aws_iam_role", "aws_iam_role.a", node()))
	add(make("aws_iam_role", "aws_iam_role.b", node()))
	shared := add(make("aws_iam_policy", "aws_iam_policy.shared", node()))
	guard := add(make("aws_iam_policy", "aws_iam_policy.guard", node()))
	held[guard] = []*resource.Node{stated("Deny", "Action", "iam:*")}
	attach := func(policy, role string) {
		add(make("aws_iam_role_policy_attachment", fmt.Sprint("aws_iam_role_policy_attachment.", len(all["aws_iam_role_policy_attachment"])),
			node(put("policy_arn", to(policy)), put("role", to(role)))))
	}
	attach("aws_iam_policy.shared", "aws_iam_role.a")
	attach("aws_iam_policy.guard", "aws_iam_role.a")
	if got := Join(shared, near, of); len(got.Others) != 1 || got.Why != "" || got.Nothing {
		t.Errorf("of one guarded role: %+v", got)
	}
	attach("aws_iam_policy.shared", "aws_iam_role.b")
	if got := Join(shared, near, of); len(got.Others) != 0 {
		t.Errorf("with a role that is not guarded: %+v", got)
	}
	attach("aws_iam_policy.guard", "aws_iam_role.b")
	if got := Join(shared, near, of); len(got.Others) != 1 {
		t.Errorf("of two guarded roles: %+v", got)
	}

	edge := add(make("aws_iam_policy", "aws_iam_policy.edge", node()))
	if got := Join(edge, near, of); got.Nothing {
		t.Error("a policy that nobody takes yet is taken for a boundary")
	}
	bounded := add(make("aws_iam_role", "aws_iam_role.c", node(put("permissions_boundary", to("aws_iam_policy.edge")))))
	if got := Join(edge, near, of); !got.Nothing {
		t.Error("a boundary is taken for a grant")
	}
	held[edge] = []*resource.Node{stated("Allow", "Action", "s3:*")}
	if got := Join(bounded, near, of); len(got.Others) != 1 || Effect(got.Others[0]) != "Deny" {
		t.Errorf("what a boundary forbids is not there: %+v", got)
	}
	elsewhere := add(make("aws_iam_role", "aws_iam_role.d", node(put("permissions_boundary", said(nil, "arn:aws:iam::123456789012:policy/edge")))))
	if got := Join(elsewhere, near, of); got.Why == "" {
		t.Error("a boundary from elsewhere leaves nothing open")
	}
}

// TestJoinPermissionSets joins what objects of their own give to a permission set.
func TestJoinPermissionSets(t *testing.T) {
	to := func(id string) *resource.Node {
		return &resource.Node{Kind: resource.String, Unknown: true, Refs: []string{id}}
	}
	arn := func(name string) *resource.Node { return said(nil, "arn:aws:iam::aws:policy/"+name) }
	set := put("permission_set_arn", to("aws_ssoadmin_permission_set.a"))
	block := func(f resource.Field) *resource.Node {
		return &resource.Node{Kind: resource.List, Items: []*resource.Node{node(f)}}
	}
	inline := &resource.Resource{Kind: "aws_ssoadmin_permission_set_inline_policy", ID: "aws_ssoadmin_permission_set_inline_policy.a", Root: node(set)}
	edge := &resource.Resource{Kind: "aws_iam_policy", ID: "aws_iam_policy.edge", Root: node()}
	held := map[*resource.Resource][]*resource.Node{edge: {stated("Allow", "Action", "s3:*")}}
	for name, c := range map[string]struct {
		kind          string
		root          *resource.Node
		passes, binds Verdict // of ec2:RunInstances by what is joined, and of iam:PutRolePolicy in the policy itself
	}{
		"nothing":         {"aws_ssoadmin_account_assignment", node(set), No, Yes},
		"a managed one":   {"aws_ssoadmin_managed_policy_attachment", node(set, put("managed_policy_arn", arn("PowerUserAccess"))), Yes, Yes},
		"a list of those": {"aws_ssoadmin_managed_policy_attachments_exclusive", node(set, put("managed_policy_arns", texts("arn:aws:iam::aws:policy/AmazonEC2FullAccess"))), Yes, Yes},
		"of another":      {"aws_ssoadmin_managed_policy_attachment", node(put("permission_set_arn", to("aws_ssoadmin_permission_set.b")), put("managed_policy_arn", arn("PowerUserAccess"))), No, Yes},
		"a boundary of AWS": {"aws_ssoadmin_permissions_boundary_attachment",
			node(set, put("permissions_boundary", block(put("managed_policy_arn", arn("PowerUserAccess"))))), No, No},
		"a boundary of the code": {"aws_ssoadmin_permissions_boundary_attachment",
			node(set, put("permissions_boundary", block(put("customer_managed_policy_reference", block(put("name", to(edge.ID))))))), No, No},
		"a boundary from elsewhere": {"aws_ssoadmin_permissions_boundary_attachment",
			node(set, put("permissions_boundary", block(put("customer_managed_policy_reference", block(put("name", said(nil, "edge"))))))), No, Unknown},
	} {
		all := map[string][]*resource.Resource{
			"aws_ssoadmin_permission_set": {{Kind: "aws_ssoadmin_permission_set", ID: "aws_ssoadmin_permission_set.a", Root: node()}},
			inline.Kind:                   {inline}, edge.Kind: {edge},
			c.kind: {{Kind: c.kind, ID: c.kind + ".a", Root: c.root}},
		}
		got := Join(inline, func(kind string) []*resource.Resource { return all[kind] }, func(r *resource.Resource) []*resource.Node { return held[r] })
		own := stated("Allow", "Action", "iam:PutRolePolicy")
		policy := &resource.Node{Kind: resource.List, Items: append([]*resource.Node{own}, got.Others...), Partial: got.Why != "", Why: got.Why}
		if v := Grants(own, policy, "iam:PutRolePolicy"); v != c.binds {
			t.Errorf("%s: the policy grants: %v, want %v", name, v, c.binds)
		}
		passes := No
		for _, st := range got.Others {
			if Effect(st) == "Allow" {
				passes = max(passes, Grants(st, policy, "ec2:RunInstances"))
			}
		}
		if passes != c.passes {
			t.Errorf("%s: what is beside it grants: %v, want %v", name, passes, c.passes)
		}
	}
}

// TestWays gives each known way just what it takes, and then takes each part away.
func TestWays(t *testing.T) {
	for cloud, list := range map[Cloud][]way{AWS: ways, GCP: gcpWays, Azure: azureWays} {
		seen := map[string]bool{}
		for _, w := range list {
			actions := slices.Clone(w.all)
			if len(w.any) > 0 {
				actions = append(actions, w.any[len(w.any)-1])
			}
			if key := fmt.Sprint(actions); seen[key] {
				t.Errorf("%s stands twice", key)
			} else {
				seen[key] = true
			}
			says := func(actions []string) bool {
				st := node(put("Cloud", said(nil, string(cloud))), put("Effect", said(nil, "Allow")), put("Action", texts(actions...)),
					put("Resource", texts("*")), put("Scope", said(nil, scopeProject)))
				out, more := Escalations(st, &resource.Node{Kind: resource.List, Items: []*resource.Node{st}})
				return slices.Contains(out, w.name()) && !more
			}
			if !says(actions) {
				t.Errorf("%s is not told of by %q", w.name(), actions)
			}
			for i := range actions {
				if says(slices.Delete(slices.Clone(actions), i, i+1)) {
					t.Errorf("%s is told of without %s", w.name(), actions[i])
				}
			}
			if w.service == "" {
				continue
			}
			for name, want := range map[string]bool{strings.Fields(w.service)[0] + ".amazonaws.com": true, "other.amazonaws.com": false} {
				st := node(put("Effect", said(nil, "Allow")), put("Action", texts(actions...)), put("Resource", texts("*")),
					put("Condition", node(put("StringEquals", node(put("iam:PassedToService", texts(name)))))))
				out, _ := Escalations(st, &resource.Node{Kind: resource.List, Items: []*resource.Node{st}})
				if slices.Contains(out, w.name()) != want {
					t.Errorf("%s with a role for %s: %q", w.name(), name, out)
				}
			}
		}
	}
}
