package iam

import (
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// awsModel says how the resources of a platform give policies of AWS to
// principals. The tables are read, never written.
type awsModel struct {
	principals []string
	// owned are the kinds whose policies belong to the principals that their
	// fields refer to.
	owned map[string][]string
	// managed are the policies of their own that principals take, by their fields
	// takes or by an attachment: its fields say who takes those in attached.
	managed     string
	takes       []string
	attachments map[string][]string
	attached    []string
	// mixed are the fields by which principals of a kind take policies, by their
	// names too, beside those that they state.
	mixed map[string]string
	// boundary is the field that bounds a principal, or what the fields of an object
	// of its own, in boundaries, refer to.
	boundary   string
	boundaries map[string][]string
	// document is the kind that is a policy for others to take, lookup the one that
	// looks a managed policy up.
	document, lookup string
	under            string // the field that a resource's settings stand under; "" for the root
}

var (
	terraformModel = &awsModel{
		principals: []string{"aws_iam_role", "aws_iam_user", "aws_iam_group", "aws_ssoadmin_permission_set"},
		owned: map[string][]string{
			"aws_iam_role_policy": {"role"}, "aws_iam_user_policy": {"user"}, "aws_iam_group_policy": {"group"},
			"aws_ssoadmin_permission_set_inline_policy": {"permission_set_arn"},
		},
		managed: "aws_iam_policy", takes: []string{"managed_policy_arns"},
		attachments: map[string][]string{
			"aws_iam_role_policy_attachment": {"role"}, "aws_iam_user_policy_attachment": {"user"},
			"aws_iam_group_policy_attachment": {"group"}, "aws_iam_policy_attachment": {"roles", "users", "groups"},
			"aws_iam_role_policy_attachments_exclusive":  {"role_name"},
			"aws_iam_user_policy_attachments_exclusive":  {"user_name"},
			"aws_iam_group_policy_attachments_exclusive": {"group_name"},

			"aws_ssoadmin_managed_policy_attachment": {"permission_set_arn"}, "aws_ssoadmin_managed_policy_attachments_exclusive": {"permission_set_arn"},
			"aws_ssoadmin_customer_managed_policy_attachment": {"permission_set_arn"},
		},
		attached:   []string{"policy_arn", "policy_arns", "managed_policy_arn", "managed_policy_arns", "customer_managed_policy_reference"},
		boundary:   "permissions_boundary",
		boundaries: map[string][]string{"aws_ssoadmin_permissions_boundary_attachment": {"permission_set_arn"}},
		document:   "data.aws_iam_policy_document", lookup: "data.aws_iam_policy",
	}
	cloudFormationModel = &awsModel{
		principals: []string{"AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::SSO::PermissionSet", "AWS::Serverless::Function"},
		owned: map[string][]string{
			"AWS::IAM::Policy": {"Roles", "Users", "Groups"}, "AWS::IAM::ManagedPolicy": {"Roles", "Users", "Groups"},
			"AWS::IAM::RolePolicy": {"RoleName"}, "AWS::IAM::UserPolicy": {"UserName"}, "AWS::IAM::GroupPolicy": {"GroupName"},
		},
		managed: "AWS::IAM::ManagedPolicy", takes: []string{"ManagedPolicyArns", "ManagedPolicies", "CustomerManagedPolicyReferences"},
		mixed:    map[string]string{"AWS::Serverless::Function": "Policies"},
		boundary: "PermissionsBoundary", under: "Properties",
	}
	awsLinks            = terraformModel.kinds()
	cloudFormationLinks = cloudFormationModel.kinds()
)

// kinds are all those that the model joins, sorted.
func (m *awsModel) kinds() []string {
	out := append(slices.Clone(m.principals), m.managed)
	for _, table := range []map[string][]string{m.owned, m.attachments, m.boundaries} {
		for kind := range table {
			out = append(out, kind)
		}
	}
	if m.document != "" {
		out = append(out, m.document, m.lookup)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Statements gives the statements of the policies of a resource that say what
// their holder may do, in the form of this package.
type Statements func(*resource.Resource) []*resource.Node

// Joined is what is to be weighed together with a resource's own statements.
type Joined struct {
	// Others are the statements of the other policies of the principals that the
	// resource gives something to, and what their permissions boundaries forbid. Of
	// several principals, what holds of each.
	Others []*resource.Node
	// Why says why there may be more; "" where all is known.
	Why string
	// Nothing is true of a policy that does nothing but bound others.
	Nothing bool
}

// Join finds what else the principals of a resource of AWS are allowed and
// denied, as far as it stands beside the resource. What is not known of another
// policy is left out, as is one that stands elsewhere; a boundary that is not
// known may forbid anything.
func Join(res *resource.Resource, near Near, of Statements) Joined {
	m := terraformModel
	if res.Platform == resource.CloudFormation {
		m = cloudFormationModel
	}
	if near == nil || !slices.Contains(m.kinds(), res.Kind) {
		return Joined{}
	}
	j := &joiner{awsModel: m, res: res, near: near, of: of, read: map[*resource.Resource][]*resource.Node{}}
	who := j.holders(res, true)
	if len(who) == 0 {
		return Joined{Nothing: j.bounds(res)}
	}
	out := j.policy(who[0])
	for _, p := range who[1:] {
		if len(out.Others) == 0 && out.Why == "" {
			break
		}
		next := j.policy(p)
		out.Others = slices.DeleteFunc(out.Others, func(st *resource.Node) bool { return !slices.Contains(next.Others, st) })
		if next.Why == "" {
			out.Why = ""
		}
	}
	return out
}

// maxPrincipals bounds the principals that are looked at for one policy.
const maxPrincipals = 100

type joiner struct {
	*awsModel
	res  *resource.Resource
	near Near
	of   Statements
	read map[*resource.Resource][]*resource.Node // by policy; for boundaries, by the policy that bounds
	edge map[*resource.Resource]bound
}

// bound is what a boundary forbids.
type bound struct {
	denials []*resource.Node
	why     string
}

func (j *joiner) beside(kind string) []*resource.Resource {
	rs := j.near(kind)
	return rs[:min(len(rs), maxNear)]
}

func (j *joiner) field(r *resource.Resource, name string) *resource.Node {
	root := r.Root
	if j.under != "" {
		root = root.Get(j.under)
	}
	if name == "" {
		return root
	}
	return root.Get(name)
}

// refers reports whether a setting refers to a resource.
func refers(n *resource.Node, id string) bool {
	found := false
	resource.Walk(n, func(_ resource.Path, m *resource.Node) bool {
		found = found || slices.Contains(m.Refs, id)
		return !found
	})
	return found
}

func (j *joiner) anyRefers(r *resource.Resource, fields []string, id string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return refers(j.field(r, f), id) })
}

// holders gives the principals that a resource gives something to: itself, those
// that it names, and those that take it.
func (j *joiner) holders(r *resource.Resource, through bool) []*resource.Resource {
	if slices.Contains(j.principals, r.Kind) {
		return []*resource.Resource{r}
	}
	var out []*resource.Resource
	add := func(p *resource.Resource) {
		if len(out) < maxPrincipals && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if r.Kind == j.document && through {
		for _, taker := range j.takers(r) {
			for _, p := range j.holders(taker, false) {
				add(p)
			}
		}
		return out
	}
	for _, kind := range j.principals {
		for _, p := range j.beside(kind) {
			if j.anyRefers(r, j.owned[r.Kind], p.ID) || r.Kind == j.managed && j.takesManaged(p, r) {
				add(p)
			}
		}
	}
	return out
}

// takers gives what takes a document as its policy, by itself or as a part of
// another document.
func (j *joiner) takers(doc *resource.Resource) []*resource.Resource {
	var out []*resource.Resource
	docs := []*resource.Resource{doc}
	for i := 0; i < len(docs) && i < maxPrincipals; i++ {
		for _, d := range j.beside(j.document) {
			if !slices.Contains(docs, d) && j.anyRefers(d, documentParts, docs[i].ID) {
				docs = append(docs, d)
			}
		}
		for _, kind := range j.kinds() {
			if _, owned := j.owned[kind]; !owned && kind != j.managed {
				continue
			}
			for _, r := range j.beside(kind) {
				if j.anyRefers(r, documentTakers, docs[i].ID) && !slices.Contains(out, r) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// documentParts are the arguments by which a document takes others.
var documentParts = []string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"}

// documentTakers are the arguments by which a policy takes a document.
var documentTakers = []string{"policy", "inline_policy"}

// takesManaged reports whether a principal takes a managed policy.
func (j *joiner) takesManaged(p, policy *resource.Resource) bool {
	if j.anyRefers(p, j.takes, policy.ID) || slices.ContainsFunc(j.mixedOf(p), func(n *resource.Node) bool { return refers(n, policy.ID) }) {
		return true
	}
	for kind, fields := range j.attachments {
		for _, a := range j.beside(kind) {
			if j.anyRefers(a, j.attached, policy.ID) && j.anyRefers(a, fields, p.ID) {
				return true
			}
		}
	}
	return false
}

// mixedOf gives what a principal takes in the field where it states policies too.
func (j *joiner) mixedOf(p *resource.Resource) []*resource.Node {
	name, ok := j.mixed[p.Kind]
	if !ok {
		return nil
	}
	list, _ := items(j.field(p, name))
	return slices.DeleteFunc(slices.Clone(list), func(n *resource.Node) bool { return n.Kind == resource.Map })
}

// bounds reports whether a policy, or all that takes a document, is a boundary
// and nothing else.
func (j *joiner) bounds(r *resource.Resource) bool {
	if r.Kind == j.document {
		takers := j.takers(r)
		return len(takers) > 0 && !slices.ContainsFunc(takers, func(t *resource.Resource) bool { return !j.bounds(t) })
	}
	if r.Kind != j.managed {
		return false
	}
	return slices.ContainsFunc(j.principals, func(kind string) bool {
		return slices.ContainsFunc(j.beside(kind), func(p *resource.Resource) bool { return refers(j.edgeOf(p), r.ID) })
	})
}

// statements reads those of a policy once, so that they can be told apart.
func (j *joiner) statements(r *resource.Resource) []*resource.Node {
	list, ok := j.read[r]
	if !ok {
		list = j.of(r)
		j.read[r] = list
	}
	return list
}

// policy gives all that is said of a principal, but by the resource at hand.
func (j *joiner) policy(p *resource.Resource) Joined {
	var out Joined
	take := func(r *resource.Resource) {
		if r == j.res || len(out.Others) >= maxPolicy {
			return
		}
		out.Others = append(out.Others, j.statements(r)...)
	}
	b := j.boundOf(p)
	out.Others, out.Why = append(out.Others, b.denials...), b.why
	for _, name := range j.managedOf(p) {
		out.Others = append(out.Others, managedPolicies[name]...)
	}
	take(p)
	for _, kind := range j.kinds() {
		fields, owned := j.owned[kind]
		if !owned && kind != j.managed {
			continue
		}
		for _, r := range j.beside(kind) {
			if j.anyRefers(r, fields, p.ID) || kind == j.managed && j.takesManaged(p, r) {
				take(r)
			}
		}
	}
	return out
}

// edgeOf gives the setting that names the permissions boundary of a principal, or
// nil: an ARN, or one or a name within a block.
func (j *joiner) edgeOf(p *resource.Resource) *resource.Node {
	for kind, fields := range j.boundaries {
		for _, b := range j.beside(kind) {
			if j.anyRefers(b, fields, p.ID) {
				return j.field(b, j.boundary)
			}
		}
	}
	return j.field(p, j.boundary)
}

// boundOf gives what the permissions boundary of a principal forbids.
func (j *joiner) boundOf(p *resource.Resource) bound {
	n := j.edgeOf(p)
	switch {
	case n == nil || n.Kind == resource.Null && !n.Unknown:
		return bound{}
	case n.Kind == resource.String && !n.Unknown && n.Str() == "" && len(n.Refs) == 0:
		return bound{}
	}
	for _, r := range j.beside(j.managed) {
		if !refers(n, r.ID) {
			continue
		}
		b, ok := j.edge[r]
		if !ok {
			b = boundaryOf(j.statements(r))
			if j.edge == nil {
				j.edge = map[*resource.Resource]bound{}
			}
			j.edge[r] = b
		}
		return b
	}
	name := ""
	resource.Walk(n, func(_ resource.Path, m *resource.Node) bool {
		if name == "" {
			name = managedName(m)
		}
		return name == ""
	})
	if statements := managedPolicies[name]; statements != nil {
		return boundaryOf(statements)
	}
	return bound{why: "the permissions boundary of " + p.ID}
}

// boundaryOf turns the policy of a boundary around: what it does not allow, on
// everything and under all conditions, nobody within it may do at large.
func boundaryOf(statements []*resource.Node) bound {
	if len(statements) == 0 {
		return bound{why: "a permissions boundary"}
	}
	var b bound
	allowed := &resource.Node{Kind: resource.List}
	var except *resource.Node
	several := false
	for _, st := range statements {
		switch {
		case Effect(st) == "Deny":
			b.denials = append(b.denials, st)
			continue
		case Effect(st) != "Allow":
			b.why = "a permissions boundary"
			continue
		}
		switch min(Wide(st), not(Narrowed(st))) {
		case No:
			continue
		case Unknown:
			b.why = "a permissions boundary"
			continue
		}
		if !present(st, "NotAction") {
			list, more := items(st.Get("Action"))
			allowed.Items = append(allowed.Items, list...)
			if more {
				allowed.Partial, allowed.Why = true, "a permissions boundary"
			}
			continue
		}
		several = several || except != nil
		except = st.Get("NotAction")
	}
	if several { // what all of them leave out is not worked out
		b.why = "a permissions boundary"
		return b
	}
	b.denials = append(b.denials, denial(except, allowed))
	return b
}

// denial makes a statement that denies actions, all of them for nil, but some.
func denial(actions, but *resource.Node) *resource.Node {
	st := &resource.Node{Kind: resource.Map, Fields: []resource.Field{put("Effect", said(nil, "Deny")), put("Resource", texts("*"))}}
	if actions != nil {
		st.Fields = append(st.Fields, put("Action", actions))
	}
	if but != nil {
		st.Fields = append(st.Fields, put("NotAction", but))
	}
	return st
}
