package iam

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Kinds of GCP's resources, as Terraform spells them.
const (
	gcpPolicyData       = "data.google_iam_policy"
	gcpProjectRole      = "google_project_iam_custom_role"
	gcpOrganizationRole = "google_organization_iam_custom_role"
	gcpDenyPolicy       = "google_iam_deny_policy"
)

// gcpBindings are the kinds that give roles on more than one resource. It is
// read, never written.
var gcpBindings = []string{
	"google_project_iam_member", "google_project_iam_binding", "google_project_iam_policy",
	"google_folder_iam_member", "google_folder_iam_binding", "google_folder_iam_policy",
	"google_organization_iam_member", "google_organization_iam_binding", "google_organization_iam_policy",
}

// gcpGivers are all kinds that give roles which a role's definition is looked
// for in. It is read, never written.
var gcpGivers = func() []string {
	out := slices.Clone(gcpBindings)
	for _, of := range []string{
		"service_account", "storage_bucket", "kms_key_ring", "kms_crypto_key", "secret_manager_secret", "artifact_registry_repository",
		"pubsub_topic", "pubsub_subscription", "pubsub_schema", "bigquery_dataset", "bigquery_table", "cloud_run_service", "cloud_run_v2_service",
		"cloud_run_v2_job", "cloudfunctions_function", "cloudfunctions2_function", "compute_instance", "compute_subnetwork", "compute_disk",
		"compute_image", "dataproc_cluster", "spanner_database", "spanner_instance", "container_analysis_note", "iap_web", "iap_tunnel_instance",
		"gke_hub_membership", "sourcerepo_repository", "dns_managed_zone",
	} {
		for _, form := range []string{"member", "binding", "policy"} {
			out = append(out, "google_"+of+"_iam_"+form)
		}
	}
	return append(out, gcpPolicyData)
}()

// level gives the level on which the resource gives its roles.
func (r *reader) level() *resource.Node {
	kind, _, _ := strings.Cut(r.res.Kind, "_iam_")
	level := scopeResource
	switch kind {
	case "data.google":
		return unsaid(nil, "where the policy is set")
	case "google_project":
		level = scopeProject
	case "google_folder":
		level = scopeFolder
	case "google_organization":
		level = scopeOrganization
	}
	return said(nil, level)
}

// taken reports whether a resource sets the policy at hand: that one tells where.
func (r *reader) taken() bool {
	return slices.ContainsFunc(r.beside(gcpGivers...), func(o *resource.Resource) bool {
		data := o.Root.Get("policy_data")
		return data != nil && o != r.res && slices.Contains(data.Refs, r.res.ID)
	})
}

// policy reads a resource that sets a whole policy: a document that a string
// holds, or, of Config Connector, a list of its own.
func (r *reader) policy() {
	if bindings := r.res.Root.Get("bindings"); bindings != nil {
		r.each(bindings, resource.Path{{Name: "bindings"}}, func(b *resource.Node, p resource.Path) { r.add(r.binding(b, r.level()), p) })
		return
	}
	at := resource.Path{{Name: "policy_data"}}
	data := r.res.Root.Get("policy_data")
	doc := data
	if data != nil {
		doc = data.Embedded
	}
	switch {
	case data == nil:
		return
	case doc == nil || doc.Unknown || doc.Get("bindings") == nil && doc.Partial:
		r.doubt(data, at)
		return
	}
	from := len(r.found)
	doubts := len(r.doubts)
	r.each(doc.Get("bindings"), append(at, resource.Step{Name: "bindings"}), func(b *resource.Node, p resource.Path) { r.add(r.binding(b, r.level()), p) })
	for i := range r.found[from:] {
		r.found[from+i].Document, r.found[from+i].Split = doc, len(at)
	}
	for i := range r.doubts[doubts:] {
		r.doubts[doubts+i].Document, r.doubts[doubts+i].Split = doc, len(at)
	}
}

// binding makes the statement of a place that has a role and its members.
func (r *reader) binding(b, scope *resource.Node) *resource.Node {
	out := []resource.Field{
		put("Cloud", said(nil, string(GCP))), put("Effect", said(nil, "Allow")), put("Scope", scope),
		put("Principal", &resource.Node{Kind: resource.Map, Fields: []resource.Field{put("Member", memberList(b))}}),
	}
	if c := first(b.Get("condition")); c != nil {
		expression := c.Get("expression")
		if c.Unknown {
			expression = unsaid(c, "the condition")
		}
		if expression != nil {
			out = append(out, put("Condition", expression))
		}
	}
	return fields(b, append(out, r.gcpGrants(b.Get("role"))...)...)
}

// memberList gives the members of a binding, however they are written.
func memberList(b *resource.Node) *resource.Node {
	list := &resource.Node{Kind: resource.List}
	for _, name := range []string{"member", "members"} {
		n := b.Get(name)
		if n == nil {
			continue
		}
		its, more := items(n)
		list.Partial = list.Partial || more
		if n.Unknown && n.Kind != resource.List {
			its, list.Partial = []*resource.Node{n}, false // one that is not known
		}
		if list.Partial {
			list.Why = n.Why
		}
		for _, it := range its {
			if it != nil && !it.Unknown && it.Kind == resource.Map { // of Config Connector
				it = referredMember(it)
			}
			it = accountMember(it)
			list.Items = append(list.Items, it)
		}
	}
	if len(list.Items) == 0 && b.Get("member_from") != nil {
		list.Items = append(list.Items, referredMember(b))
	}
	return list
}

// accountParts is what is known of a member that is an account of the code: all
// have such addresses but those that Google makes. They are read, never written.
var accountParts = []string{"serviceAccount:", ".iam.gserviceaccount.com"}

// accountMember gives what is known of a member that is taken from accounts of the
// code ("serviceAccount:${google_service_account.ci.email}").
func accountMember(n *resource.Node) *resource.Node {
	if n == nil || !n.Unknown || len(n.Refs) == 0 || n.Parts != nil && !slices.Equal(n.Parts, []string{"serviceAccount:", ""}) {
		return n
	}
	for _, ref := range n.Refs {
		if kind := kindOf(ref); kind != "google_service_account" && kind != "data.google_service_account" {
			return n
		}
	}
	out := *n
	out.Kind, out.Parts = resource.String, accountParts
	return &out
}

// referredMember gives a member that is named, or taken from another object.
func referredMember(n *resource.Node) *resource.Node {
	if m := n.Get("member"); m != nil {
		return m
	}
	out := unsaid(n.Get("member_from"), "the member that it refers to")
	if from := first(n.Get("member_from")); from.Get("service_account") != nil {
		out.Kind, out.Parts = resource.String, accountParts
	}
	resource.Walk(n.Get("member_from"), func(_ resource.Path, m *resource.Node) bool {
		out.Refs = append(out.Refs, m.Refs...)
		return len(out.Refs) < maxMembers
	})
	slices.Sort(out.Refs)
	out.Refs = slices.Compact(out.Refs)
	return out
}

// gcpGrants gives the fields that say what a role grants.
func (r *reader) gcpGrants(name *resource.Node) []resource.Field {
	if name == nil {
		return nil
	}
	if known, ok := gcpRoles[name.Str()]; ok {
		return []resource.Field{put("Role", name), put("Action", listed(name, known.action)), put("NotAction", listed(name, known.notAction))}
	}
	if strings.HasPrefix(name.Str(), "roles/") {
		return []resource.Field{put("Role", name), put("Action", listed(name, texts()))}
	}
	for _, d := range r.beside(gcpProjectRole, gcpOrganizationRole) {
		if !namesRole(name, d) {
			continue
		}
		return []resource.Field{put("Role", said(name, roleID(d))), put("Action", permissionsOf(name, d)), put("Custom", yes)}
	}
	return []resource.Field{put("Role", name), put("Action", unsaid(name, "the role "+name.Str()))}
}

// permissionsOf gives what a role of the code grants, standing where it is named.
func permissionsOf(name *resource.Node, d *resource.Resource) *resource.Node {
	p := d.Root.Get("permissions")
	if p == nil {
		return listed(name, texts())
	}
	return listed(name, shortNames(p))
}

// shortNames gives permissions as roles name them: those of some services are
// written with the host in front (iam.googleapis.com/workloadIdentityPools.create).
func shortNames(list *resource.Node) *resource.Node {
	whole := func(n *resource.Node) bool { return strings.Contains(n.Str(), ".googleapis.com/") }
	if list == nil || !slices.ContainsFunc(list.Items, whole) {
		return list
	}
	out := *list
	out.Items = slices.Clone(list.Items)
	for i, n := range out.Items {
		if whole(n) {
			host, name, _ := strings.Cut(n.Str(), "/")
			out.Items[i] = said(n, strings.TrimSuffix(host, ".googleapis.com")+"."+name)
		}
	}
	return &out
}

func roleID(d *resource.Resource) string {
	for _, name := range [...]string{"role_id", "resource_id"} { // the latter of Config Connector
		if id := d.Root.Get(name).Str(); id != "" {
			return id
		}
	}
	return d.Name
}

// namesRole reports whether a binding's role is the one that is defined there.
func namesRole(name *resource.Node, d *resource.Resource) bool {
	if slices.Contains(name.Refs, d.ID) {
		return true
	}
	s, ok := text(name)
	i := strings.LastIndex(s, "/roles/")
	return ok && i >= 0 && s[i+len("/roles/"):] == roleID(d)
}

// gcpRole reads the definition of a role that nothing of the code gives.
func (r *reader) gcpRole() {
	for _, o := range r.beside(gcpGivers...) {
		if r.given(o) {
			return
		}
	}
	p := r.res.Root.Get("permissions")
	if p == nil {
		return
	}
	r.add(fields(r.res.Root,
		put("Cloud", said(nil, string(GCP))), put("Effect", said(nil, "Allow")), put("Scope", said(nil, scopeDefinition)),
		put("Role", said(nil, roleID(r.res))), put("Action", shortNames(p)), put("Custom", yes)), nil)
}

// given reports whether a resource gives the role at hand to somebody.
func (r *reader) given(o *resource.Resource) bool {
	found := false
	resource.Walk(o.Root, func(p resource.Path, n *resource.Node) bool {
		if len(p) > 0 && p[len(p)-1].Name == "role" && namesRole(n, r.res) {
			found = true
		}
		if n.Embedded != nil {
			for _, b := range listItems(n.Embedded.Get("bindings")) {
				found = found || b.Get("role") != nil && namesRole(b.Get("role"), r.res)
			}
		}
		return !found
	})
	return found
}

// denials gives what policies beside it deny to the principals of a statement,
// for those of its members alone to whom all of it is denied.
func (r *reader) denials(st *resource.Node) []*resource.Node {
	if cloudOf(st) != GCP || st.Get("Principal") == nil {
		return nil
	}
	var out []*resource.Node
	for _, d := range r.beside(gcpDenyPolicy) {
		if !r.under(d.Root.Get("parent")) {
			continue
		}
		for _, rule := range listItems(d.Root.Get("rules")) {
			deny := first(rule.Get("deny_rule"))
			if deny == nil || deny.Unknown || deny.Get("denial_condition") != nil && first(deny.Get("denial_condition")) != nil || !deniedTo(st, deny) {
				continue
			}
			out = append(out, &resource.Node{Kind: resource.Map, Fields: []resource.Field{
				put("Effect", said(nil, "Deny")), put("Resource", texts("*")),
				put("Action", denied(deny.Get("denied_permissions"))), put("NotAction", denied(deny.Get("exception_permissions"))),
			}})
		}
		if len(out) >= maxPolicy {
			break
		}
	}
	return out
}

func listItems(n *resource.Node) []*resource.Node {
	list, _ := items(n)
	return list
}

// under reports whether a denial counts where the resource gives its roles: on
// the same project, or above any.
func (r *reader) under(parent *resource.Node) bool {
	s, ok := text(parent)
	if !ok {
		return true
	}
	s = strings.ReplaceAll(s, "%2F", "/")
	i := strings.LastIndex(s, "/projects/")
	if i < 0 {
		return true
	}
	if !strings.HasPrefix(r.res.Kind, "google_project_") {
		return false
	}
	project := r.res.Root.Get("project").Str()
	id := s[i+len("/projects/"):]
	return project == "" || id == project || strings.Contains(id, hole)
}

// deniedTo reports whether all members of a statement are denied.
func deniedTo(st, deny *resource.Node) bool {
	principals, exceptions := listItems(deny.Get("denied_principals")), listItems(deny.Get("exception_principals"))
	members := listItems(st.Path("Principal", "Member"))
	for _, m := range members {
		id := principalID(m.Str())
		is := func(p *resource.Node) bool { return id != "" && p.Str() == id }
		if slices.ContainsFunc(exceptions, is) {
			return false
		}
		if !slices.ContainsFunc(principals, func(p *resource.Node) bool { return p.Str() == "principalSet://goog/public:all" || is(p) }) {
			return false
		}
	}
	return len(members) > 0
}

// principalID gives the name that deny policies have for a member.
func principalID(member string) string {
	typ, name, _ := strings.Cut(member, ":")
	switch typ {
	case "user":
		return "principal://goog/subject/" + name
	case "group":
		return "principalSet://goog/group/" + name
	case "serviceAccount":
		return "principal://iam.googleapis.com/projects/-/serviceAccounts/" + name
	}
	return ""
}

// denied gives permissions as roles name them, of a list in the form of deny
// policies: iam.googleapis.com/roles.update.
func denied(list *resource.Node) *resource.Node {
	out := &resource.Node{Kind: resource.List}
	for _, n := range listItems(list) {
		s, ok := text(n)
		host, name, whole := strings.Cut(s, "/")
		if !ok || !whole {
			out.Items = append(out.Items, n)
			continue
		}
		service := strings.TrimSuffix(host, ".googleapis.com")
		if service == "cloudresourcemanager" {
			service = "resourcemanager"
		}
		out.Items = append(out.Items, said(n, service+"."+name))
	}
	return out
}
