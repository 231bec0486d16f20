package iam

import (
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Kinds of Azure's resources, as Terraform spells them.
const (
	azureDefinition       = "azurerm_role_definition"
	azureAssignment       = "azurerm_role_assignment"
	azureActiveAssignment = "azurerm_pim_active_role_assignment"
	azureDelegation       = "azurerm_lighthouse_definition"
)

// azureRole reads the definition of a role that nothing of the code assigns.
func (r *reader) azureRole() {
	for _, o := range r.beside(azureAssignment, azureActiveAssignment) {
		if assigns(o.Root, r.res) {
			return
		}
	}
	r.permissions(r.res, func(b *resource.Node, p resource.Path, grants []resource.Field) {
		r.add(fields(b, append(grants, put("Cloud", said(nil, string(Azure))), put("Effect", said(nil, "Allow")),
			put("Scope", said(nil, scopeDefinition)), put("Role", said(nil, r.res.Root.Get("name").Str())), put("Custom", yes))...), p)
	})
}

// permissions reads what a definition grants, block by block.
func (r *reader) permissions(d *resource.Resource, read func(b *resource.Node, p resource.Path, grants []resource.Field)) {
	r.each(d.Root.Get("permissions"), resource.Path{{Name: "permissions"}}, func(b *resource.Node, p resource.Path) {
		var out []resource.Field
		for _, f := range [...][2]string{
			{"actions", "Action"}, {"not_actions", "NotAction"}, {"data_actions", "DataAction"}, {"not_data_actions", "NotDataAction"},
		} {
			n := b.Get(f[0])
			if n == nil || n.Kind == resource.Null && !n.Unknown {
				n = texts()
			}
			out = append(out, put(f[1], n))
		}
		read(b, p, out)
	})
}

// assigns reports whether a place names the role that is defined there.
func assigns(b *resource.Node, d *resource.Resource) bool {
	id, name := b.Get("role_definition_id"), b.Get("role_definition_name")
	if id != nil && slices.Contains(id.Refs, d.ID) || name != nil && slices.Contains(name.Refs, d.ID) {
		return true
	}
	s := name.Str()
	return s != "" && strings.EqualFold(s, d.Root.Get("name").Str())
}

// assignment makes the statements of an assignment, one for each block of
// permissions of its role.
func (r *reader) assignment() { r.assigned(r.res.Root, nil, azureScope(r.res.Root.Get("scope"))) }

// delegation makes those of a definition that gives roles to principals of
// another tenant. What they have to activate first is not given.
func (r *reader) delegation() {
	const name = "authorization"
	r.each(r.res.Root.Get(name), resource.Path{{Name: name}}, func(b *resource.Node, p resource.Path) {
		r.assigned(b, p, azureScope(r.res.Root.Get("scope")))
	})
}

// assigned makes the statements of a place that has a role and a principal.
func (r *reader) assigned(b *resource.Node, p resource.Path, scope *resource.Node) {
	own := []resource.Field{put("Cloud", said(nil, string(Azure))), put("Effect", said(nil, "Allow")), put("Scope", scope)}
	members := &resource.Node{Kind: resource.List}
	if id := b.Get("principal_id"); id != nil {
		members.Items = append(members.Items, id)
	}
	own = append(own, put("Principal", &resource.Node{Kind: resource.Map, Fields: []resource.Field{put("Member", members)}}))
	if c := b.Get("condition"); c != nil && (c.Unknown || c.Kind != resource.Null) {
		own = append(own, put("Condition", c))
	}
	add := func(grants ...resource.Field) { r.add(fields(b, append(slices.Clone(own), grants...)...), p) }

	at := b.Get("role_definition_name")
	if at == nil {
		at = b.Get("role_definition_id")
	}
	if at == nil {
		return
	}
	if known := r.builtIn(b); known != nil {
		add(put("Role", said(at, known.name)), put("Action", listed(at, known.action)), put("NotAction", listed(at, known.notAction)),
			put("DataAction", listed(at, known.dataAction)), put("NotDataAction", listed(at, known.notDataAction)))
		return
	}
	for _, d := range r.beside(azureDefinition) {
		if !assigns(b, d) {
			continue
		}
		other := &reader{res: d, near: r.near}
		other.permissions(d, func(_ *resource.Node, _ resource.Path, grants []resource.Field) {
			for i := range grants {
				grants[i].Node = listed(at, grants[i].Node)
			}
			add(append(grants, put("Role", said(at, d.Root.Get("name").Str())), put("Custom", yes))...)
		})
		for _, o := range other.doubts {
			r.doubt(o.Node, p)
		}
		return
	}
	if s := b.Get("role_definition_name").Str(); s != "" {
		add(put("Role", said(at, s)), put("Action", texts()), put("DataAction", texts()))
		return
	}
	nothing := unsaid(at, "the role that is assigned")
	add(put("Role", nothing), put("Action", nothing), put("DataAction", nothing))
}

// builtIn gives the built-in role that a place names, by its name, its GUID, or a
// data source of either; nil for another.
func (r *reader) builtIn(b *resource.Node) *role {
	if known := azureRoles[strings.ToLower(b.Get("role_definition_name").Str())]; known != nil {
		return known
	}
	id := b.Get("role_definition_id")
	if id == nil {
		return nil
	}
	if s, ok := text(id); ok {
		return byGUID(s)
	}
	for _, d := range r.beside("data." + azureDefinition) {
		if !slices.Contains(id.Refs, d.ID) {
			continue
		}
		if known := azureRoles[strings.ToLower(d.Root.Get("name").Str())]; known != nil {
			return known
		}
		if s, ok := text(d.Root.Get("role_definition_id")); ok {
			return byGUID(s)
		}
	}
	return nil
}

func byGUID(id string) *role { return azureRoles[strings.ToLower(id[strings.LastIndex(id, "/")+1:])] }

// azureLevels tell levels by their ids, in which a hole is one segment.
var (
	subscriptionID    = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/?$`)
	resourceGroupID   = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+|[^/]*)/resourceGroups/[^/]+/?$`)
	managementGroupID = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/|^/$`)
)

// azureScope gives the level of a scope, by its text or by what it refers to.
func azureScope(scope *resource.Node) *resource.Node {
	if s, ok := text(scope); ok && strings.Trim(s, hole) != "" {
		switch {
		case managementGroupID.MatchString(s):
			return said(scope, scopeManagementGroup)
		case subscriptionID.MatchString(s):
			return said(scope, scopeSubscription)
		case resourceGroupID.MatchString(s):
			return said(scope, scopeResourceGroup)
		}
		return said(scope, scopeResource)
	}
	if scope == nil {
		return unsaid(nil, "the scope")
	}
	level := ""
	for _, ref := range scope.Refs {
		l := levelOf(ref)
		if level != "" && l != level {
			return unsaid(scope, "the scope")
		}
		level = l
	}
	if level == "" {
		return unsaid(scope, "the scope")
	}
	return said(scope, level)
}

// kindOf gives the kind of a resource of the code by its address.
func kindOf(address string) string {
	for strings.HasPrefix(address, "module.") {
		_, rest, _ := strings.Cut(address[len("module."):], ".")
		address = rest
	}
	data, rest := "", address
	if r, ok := strings.CutPrefix(address, "data."); ok {
		data, rest = "data.", r
	}
	kind, _, _ := strings.Cut(rest, ".")
	return data + kind
}

// levelOf gives the level of a resource of the code by its address.
func levelOf(address string) string {
	switch strings.TrimPrefix(kindOf(address), "data.") {
	case "azurerm_subscription", "azurerm_client_config":
		return scopeSubscription
	case "azurerm_management_group":
		return scopeManagementGroup
	case "azurerm_resource_group":
		return scopeResourceGroup
	}
	return scopeResource
}
