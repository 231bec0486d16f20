package iam_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// unit makes resources of "kind.name" and the tree of each, and the look-up of what stands
// beside them.
func unit(t testing.TB, all map[string]string) (map[string]*resource.Resource, iam.Near) {
	t.Helper()
	out := map[string]*resource.Resource{}
	byKind := map[string][]*resource.Resource{}
	ids := make([]string, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		i := strings.LastIndex(id, ".")
		r := &resource.Resource{ID: id, Kind: id[:i], Name: id[i+1:], Platform: resource.Terraform, Root: tree(t, all[id])}
		if data := r.Root.Get("policy_data"); data.Str() != "" {
			data.Embedded = tree(t, data.Str())
		}
		out[id] = r
		byKind[r.Kind] = append(byKind[r.Kind], r)
	}
	return out, func(kind string) []*resource.Resource { return byKind[kind] }
}

// show says of each statement its role, its scope and the ways that it opens.
func show(res *resource.Resource, near iam.Near) string {
	found, doubts, handled := iam.Read(res, near)
	if !handled {
		return "not handled"
	}
	var out []string
	for _, f := range found {
		ways, more := iam.Escalations(f.Node, f.Node.Get("Policy"))
		s := fmt.Sprintf("%s %s on %s: %s", f.Path, orHole(f.Node.Get("Role")), orHole(f.Node.Get("Scope")), strings.Join(ways, ", "))
		if more {
			s += " …"
		}
		out = append(out, strings.TrimSpace(s))
	}
	for _, d := range doubts {
		out = append(out, "? "+d.Path.String())
	}
	return strings.Join(out, "\n")
}

func orHole(n *resource.Node) string {
	if n == nil || n.Unknown {
		return "…"
	}
	return n.Str()
}

func TestReadGCP(t *testing.T) {
	member := func(role, more string) string {
		return `{"project": "shop", "role": "` + role + `", "member": "group:ops@example.com"` + more + `}`
	}
	const p = "google_project_iam_member."
	deny := func(rule string) string {
		return `{"parent": "cloudresourcemanager.googleapis.com%2Fprojects%2Fshop", "rules": [{"deny_rule": [` + rule + `]}]}`
	}
	everybody := `"denied_principals": ["principalSet://goog/public:all"]`
	for name, c := range map[string]struct {
		of   string
		all  map[string]string
		want string
	}{
		"a predefined role": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", "")},
			"roles/iam.roleAdmin on project: iam.roles.update"},
		"one that grants nothing of interest": {p + "a", map[string]string{p + "a": member("roles/logging.logWriter", "")}, "roles/logging.logWriter on project:"},
		"a basic role is no way to more":      {p + "a", map[string]string{p + "a": member("roles/owner", "")}, "roles/owner on project:"},
		"a part of a way":                     {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountUser", "")}, "roles/iam.serviceAccountUser on project:"},
		"two parts": {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountUser", ""), p + "b": member("roles/cloudscheduler.admin", "")},
			"roles/iam.serviceAccountUser on project: iam.serviceAccounts.actAs with cloudscheduler.jobs.create"},
		"the second part tells nothing": {p + "b", map[string]string{p + "a": member("roles/iam.serviceAccountUser", ""), p + "b": member("roles/cloudscheduler.admin", "")},
			"roles/cloudscheduler.admin on project:"},
		"the second part on a folder": {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountUser", ""),
			"google_folder_iam_binding.b": `{"folder": "1", "role": "roles/batch.jobsEditor", "members": ["user:a@example.com", "group:ops@example.com"]}`},
			"roles/iam.serviceAccountUser on project: iam.serviceAccounts.actAs with batch.jobs.create"},
		"another principal": {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountUser", ""),
			p + "b": `{"project": "shop", "role": "roles/cloudscheduler.admin", "member": "group:other@example.com"}`}, "roles/iam.serviceAccountUser on project:"},
		"another project": {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountUser", ""),
			p + "b": `{"project": "other", "role": "roles/cloudscheduler.admin", "member": "group:ops@example.com"}`}, "roles/iam.serviceAccountUser on project:"},
		"an account of the code": {p + "a", map[string]string{
			p + "a": `{"project": "shop", "role": "roles/iam.serviceAccountUser", "member": "<google_service_account.ci>"}`,
			p + "b": `{"project": "shop", "role": "roles/cloudscheduler.admin", "member": "<google_service_account.ci>"}`},
			"roles/iam.serviceAccountUser on project: iam.serviceAccounts.actAs with cloudscheduler.jobs.create"},
		"on one account": {"google_service_account_iam_member.a", map[string]string{"google_service_account_iam_member.a": member("roles/iam.serviceAccountTokenCreator", "")},
			"roles/iam.serviceAccountTokenCreator on resource:"},
		"for one resource": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", `, "condition": [{"title": "x", "expression": "resource.name == 'a'"}]`)},
			"roles/iam.roleAdmin on project:"},
		"until next year": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", `, "condition": [{"title": "x", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}]`)},
			"roles/iam.roleAdmin on project: iam.roles.update"},
		"under a condition that is not known": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", `, "condition": [{"expression": "<unknown>"}]`)},
			"roles/iam.roleAdmin on project:  …"},
		"a role that is not known":   {p + "a", map[string]string{p + "a": member("<unknown>", "")}, "… on project:  …"},
		"a custom role of elsewhere": {p + "a", map[string]string{p + "a": member("projects/shop/roles/ops", "")}, "projects/shop/roles/ops on project:  …"},
		"a custom role by id": {p + "a", map[string]string{p + "a": member("projects/shop/roles/ops", ""),
			"google_project_iam_custom_role.r": `{"role_id": "ops", "permissions": ["iam.serviceAccountKeys.create"]}`}, "ops on project: iam.serviceAccountKeys.create"},
		"a custom role by reference": {p + "a", map[string]string{p + "a": member("<google_organization_iam_custom_role.r>", ""),
			"google_organization_iam_custom_role.r": `{"role_id": "ops", "permissions": ["<unknown>", "orgpolicy.policy.set"]}`}, "ops on project: orgpolicy.policy.set …"},
		"a custom role that is given": {"google_project_iam_custom_role.r", map[string]string{"google_storage_bucket_iam_member.a": member("<google_project_iam_custom_role.r>", ""),
			"google_project_iam_custom_role.r": `{"role_id": "ops", "permissions": ["iam.roles.update"]}`}, ""},
		"a custom role that nobody has": {"google_project_iam_custom_role.r", map[string]string{"google_project_iam_custom_role.r": `{"role_id": "ops", "permissions": ["iam.roles.update"]}`},
			"ops on definition: iam.roles.update"},
		"a whole policy": {"google_organization_iam_policy.p", map[string]string{"google_organization_iam_policy.p": `{"policy_data": "{\"bindings\": [{\"role\": \"roles/viewer\", \"members\": [\"user:a@example.com\"]}, {\"role\": \"roles/resourcemanager.organizationAdmin\", \"members\": [\"user:a@example.com\"]}]}"}`},
			"policy_data.bindings[0] roles/viewer on organization:\npolicy_data.bindings[1] roles/resourcemanager.organizationAdmin on organization: resourcemanager.organizations.setIamPolicy, resourcemanager.folders.setIamPolicy, resourcemanager.projects.setIamPolicy"},
		"two parts of a policy": {"google_project_iam_policy.p", map[string]string{"google_project_iam_policy.p": `{"policy_data": "{\"bindings\": [{\"role\": \"roles/iam.serviceAccountUser\", \"members\": [\"user:a@example.com\"]}, {\"role\": \"roles/dataproc.editor\", \"members\": [\"user:b@example.com\", \"user:a@example.com\"]}]}"}`},
			"policy_data.bindings[0] roles/iam.serviceAccountUser on project: iam.serviceAccounts.actAs with dataproc.clusters.create\npolicy_data.bindings[1] roles/dataproc.editor on project:"},
		"a policy that is not known": {"google_project_iam_policy.p", map[string]string{"google_project_iam_policy.p": `{"policy_data": "<unknown>"}`}, "? policy_data"},
		"a policy as Config Connector has it": {"google_project_iam_policy.p", map[string]string{"google_project_iam_policy.p": `{"bindings": [{"role": "roles/iam.roleAdmin", "members": [{"member": "user:a@example.com"}]}, "<unknown>"]}`},
			"bindings[0] roles/iam.roleAdmin on project: iam.roles.update\n? bindings[1]"},
		"denied to everybody": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", ""),
			"google_iam_deny_policy.d": deny(`{` + everybody + `, "denied_permissions": ["iam.googleapis.com/roles.update"]}`)}, "roles/iam.roleAdmin on project:"},
		"denied to this group": {p + "a", map[string]string{p + "a": member("roles/resourcemanager.projectIamAdmin", ""),
			"google_iam_deny_policy.d": deny(`{"denied_principals": ["principalSet://goog/group/ops@example.com"], "denied_permissions": ["cloudresourcemanager.googleapis.com/projects.setIamPolicy"]}`)},
			"roles/resourcemanager.projectIamAdmin on project:"},
		"denied to all but this group": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", ""),
			"google_iam_deny_policy.d": deny(`{` + everybody + `, "exception_principals": ["principalSet://goog/group/ops@example.com"], "denied_permissions": ["iam.googleapis.com/roles.update"]}`)},
			"roles/iam.roleAdmin on project: iam.roles.update"},
		"denied at times": {p + "a", map[string]string{p + "a": member("roles/iam.roleAdmin", ""),
			"google_iam_deny_policy.d": deny(`{` + everybody + `, "denial_condition": [{"expression": "true"}], "denied_permissions": ["iam.googleapis.com/roles.update"]}`)},
			"roles/iam.roleAdmin on project: iam.roles.update"},
		"denied in part": {p + "a", map[string]string{p + "a": member("roles/iam.serviceAccountKeyAdmin", ""),
			"google_iam_deny_policy.d": deny(`{` + everybody + `, "denied_permissions": ["iam.googleapis.com/serviceAccountKeys.*"], "exception_permissions": ["iam.googleapis.com/serviceAccountKeys.create"]}`)},
			"roles/iam.serviceAccountKeyAdmin on project: iam.serviceAccountKeys.create"},
		"denied on another project": {p + "a", map[string]string{p + "a": `{"project": "other", "role": "roles/iam.roleAdmin", "member": "user:a@example.com"}`,
			"google_iam_deny_policy.d": deny(`{` + everybody + `, "denied_permissions": ["iam.googleapis.com/roles.update"]}`)},
			"roles/iam.roleAdmin on project: iam.roles.update"},
		"another kind": {"google_storage_bucket.b", map[string]string{"google_storage_bucket.b": `{}`}, "not handled"},
	} {
		t.Run(name, func(t *testing.T) {
			all, near := unit(t, c.all)
			if got := show(all[c.of], near); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestReadAzure(t *testing.T) {
	assigned := func(role, scope string) string {
		return `{"role_definition_name": "` + role + `", "scope": "` + scope + `", "principal_id": "p"}`
	}
	byID := func(id string) string {
		return `{"role_definition_id": "` + id + `", "scope": "/subscriptions/s", "principal_id": "p"}`
	}
	const (
		a         = "azurerm_role_assignment.a"
		d         = "azurerm_role_definition.d"
		l         = "azurerm_lighthouse_definition.l"
		assigning = "Microsoft.Authorization/roleAssignments/write"
	)
	for name, c := range map[string]struct {
		of   string
		all  map[string]string
		want string
	}{
		"a built-in role":        {a, map[string]string{a: assigned("role based access control administrator", "/subscriptions/s")}, "Role Based Access Control Administrator on subscription: " + assigning},
		"one by its GUID":        {a, map[string]string{a: byID("/subscriptions/<?>/providers/Microsoft.Authorization/roleDefinitions/F58310D9-A9F6-439A-9E8D-F62E7B41A168")}, "Role Based Access Control Administrator on subscription: " + assigning},
		"one by a data source":   {a, map[string]string{a: byID("<data.azurerm_role_definition.x>"), "data.azurerm_role_definition.x": `{"name": "User Access Administrator"}`}, "User Access Administrator on subscription: " + assigning + ", Microsoft.Authorization/roleDefinitions/write, Microsoft.Authorization/elevateAccess/action"},
		"a sweeping role":        {a, map[string]string{a: assigned("Owner", "/subscriptions/s")}, "Owner on subscription:"},
		"on a group":             {a, map[string]string{a: assigned("Key Vault Contributor", "/subscriptions/<?>/resourceGroups/g")}, "Key Vault Contributor on resource group: Microsoft.KeyVault/vaults/accessPolicies/write"},
		"on a group of the code": {a, map[string]string{a: assigned("Key Vault Contributor", "<module.x.azurerm_resource_group.g>")}, "Key Vault Contributor on resource group: Microsoft.KeyVault/vaults/accessPolicies/write"},
		"below a subscription":   {a, map[string]string{a: assigned("Key Vault Contributor", "<?>/resourceGroups/g")}, "Key Vault Contributor on resource group: Microsoft.KeyVault/vaults/accessPolicies/write"},
		"on a management group":  {a, map[string]string{a: assigned("Key Vault Contributor", "<data.azurerm_management_group.m>")}, "Key Vault Contributor on management group: Microsoft.KeyVault/vaults/accessPolicies/write"},
		"on one vault":           {a, map[string]string{a: assigned("Key Vault Contributor", "<azurerm_key_vault.v>")}, "Key Vault Contributor on resource:"},
		"on one vault by id":     {a, map[string]string{a: assigned("Key Vault Contributor", "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v")}, "Key Vault Contributor on resource:"},
		"somewhere":              {a, map[string]string{a: assigned("Key Vault Contributor", "<unknown>")}, "Key Vault Contributor on …:  …"},
		"under a condition":      {a, map[string]string{a: `{"role_definition_name": "User Access Administrator", "scope": "/subscriptions/s", "condition": "(x)", "principal_id": "p"}`}, "User Access Administrator on subscription:"},
		"a role of elsewhere":    {a, map[string]string{a: byID("<unknown>")}, "… on subscription:  …"},
		"two assignments": {a, map[string]string{a: assigned("Managed Identity Operator", "/subscriptions/s"), "azurerm_role_assignment.b": assigned("Website Contributor", "/subscriptions/s")},
			"Managed Identity Operator on subscription: Microsoft.ManagedIdentity/userAssignedIdentities/assign/action with Microsoft.Web/sites/write"},
		"a role of the code": {a, map[string]string{a: byID("<azurerm_role_definition.d>"),
			d: `{"name": "ops", "permissions": [{"actions": ["Microsoft.Authorization/*/write"], "not_actions": ["Microsoft.Authorization/roleDefinitions/*"]}]}`},
			"ops on subscription: " + assigning},
		"a role by its name": {a, map[string]string{a: assigned("Ops", "/"), d: `{"name": "ops", "permissions": [{"actions": ["Microsoft.Authorization/roleDefinitions/write"]}]}`},
			"ops on management group: Microsoft.Authorization/roleDefinitions/write"},
		"data is apart":           {a, map[string]string{a: assigned("ops", "/"), d: `{"name": "ops", "permissions": [{"data_actions": ["*"], "actions": ["*/read"]}]}`}, "ops on management group:"},
		"a role that is assigned": {d, map[string]string{a: byID("<azurerm_role_definition.d>"), d: `{"name": "ops", "permissions": [{"actions": ["*/write"]}]}`}, ""},
		"a role that nobody has": {d, map[string]string{d: `{"name": "ops", "permissions": [{"actions": ["*/roleAssignments/*"]}, "<unknown>"]}`},
			"permissions[0] ops on definition: " + assigning + "\n? permissions[1]"},
		"a role with actions that are not known": {d, map[string]string{d: `{"name": "ops", "permissions": [{"actions": "<unknown>"}]}`}, "permissions[0] ops on definition:  …"},
		"a delegation": {l, map[string]string{l: `{"scope": "/subscriptions/s", "authorization": [
			{"principal_id": "p", "role_definition_id": "acdd72a7-3385-48ef-bd42-f606fba81ae7"}, {"principal_id": "q", "role_definition_id": "<unknown>"}],
			"eligible_authorization": [{"principal_id": "p", "role_definition_id": "f58310d9-a9f6-439a-9e8d-f62e7b41a168"}]}`},
			"authorization[0] Reader on subscription:\nauthorization[1] … on subscription:  …"},
	} {
		t.Run(name, func(t *testing.T) {
			all, near := unit(t, c.all)
			if got := show(all[c.of], near); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	for name, c := range map[string]struct {
		root   string
		public iam.Verdict
		users  string
	}{
		"a member":             {`{"role": "roles/viewer", "member": "user:a@example.com"}`, iam.No, "[a@example.com] false"},
		"everybody":            {`{"role": "roles/viewer", "members": ["user:a@example.com", "allUsers"]}`, iam.Yes, "[a@example.com] false"},
		"every account":        {`{"role": "roles/viewer", "member": "allAuthenticatedUsers"}`, iam.Yes, "[] false"},
		"known in part":        {`{"role": "roles/viewer", "member": "user:<?>@example.com"}`, iam.No, "[…@example.com] false"},
		"of the code":          {`{"role": "roles/viewer", "member": "<google_service_account.a>"}`, iam.No, "[] false"},
		"a person of the code": {`{"role": "roles/viewer", "member": "<google_cloud_identity_group.a>"}`, iam.No, "[] false"},
		"not known":            {`{"role": "roles/viewer", "member": "<unknown>"}`, iam.Unknown, "[] true"},
		"a list":               {`{"role": "roles/viewer", "members": "<unknown>"}`, iam.Unknown, "[] true"},
		"a list in part":       {`{"role": "roles/viewer", "members": ["<unknown>", "allUsers"]}`, iam.Yes, "[] true"},
		"from an account":      {`{"role": "roles/viewer", "member_from": [{"service_account": "<v1/x/a>"}]}`, iam.No, "[] false"},
	} {
		res := &resource.Resource{Kind: "google_project_iam_member", Root: tree(t, c.root)}
		found, _, _ := iam.Read(res, nil)
		if len(found) != 1 {
			t.Fatalf("%s: %d statements", name, len(found))
		}
		if got := iam.Public(found[0].Node); got != c.public {
			t.Errorf("%s: public %v, want %v", name, got, c.public)
		}
		users, more := iam.Principals(found[0].Node, "user")
		if got := fmt.Sprint(users, more); got != c.users {
			t.Errorf("%s: users %s, want %s", name, got, c.users)
		}
	}
}

func TestGrantedByRoles(t *testing.T) {
	for role, want := range map[string]string{
		"roles/secretmanager.admin": "secretmanager.versions.access", "roles/storage.objectViewer": "storage.objects.get", "roles/owner": "", "roles/run.admin": "",
	} {
		res := &resource.Resource{Kind: "google_project_iam_member", Root: tree(t, `{"role": "`+role+`", "member": "user:a@example.com"}`)}
		found, _, _ := iam.Read(res, nil)
		got, more := iam.Granted(found[0].Node, found[0].Node.Get("Policy"), iam.Exfiltration, 5)
		if strings.Join(got, " ") != want || more {
			t.Errorf("%s: %q, more %v, want %q", role, got, more, want)
		}
	}
	res := &resource.Resource{Kind: "azurerm_role_assignment", Root: tree(t, `{"role_definition_name": "Key Vault Administrator", "scope": "/subscriptions/s"}`)}
	found, _, _ := iam.Read(res, nil)
	got, _ := iam.Granted(found[0].Node, found[0].Node.Get("Policy"), iam.Exfiltration, 1)
	if !slices.Equal(got, []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action"}) {
		t.Errorf("a vault's administrator reads %q", got)
	}
	if v := iam.Grants(found[0].Node, nil, "Microsoft.KeyVault/vaults/secrets/getSecret/action"); v != iam.No {
		t.Errorf("what is about data counts among the other actions: %v", v)
	}
}

func TestAccountsOfTheCode(t *testing.T) {
	for member, want := range map[string]string{
		"<google_service_account.a>":                      "[….iam.gserviceaccount.com] false",
		"<module.x.data.google_service_account.a>":        "[….iam.gserviceaccount.com] false",
		"<data.google_compute_default_service_account.a>": "[] false",
		"serviceAccount:<?>":                              "[…] false",
		"serviceAccount:<?>@shop.iam.gserviceaccount.com": "[…@shop.iam.gserviceaccount.com] false",
	} {
		res := &resource.Resource{Kind: "google_project_iam_member", Root: tree(t, `{"role": "roles/viewer", "member": "`+member+`"}`)}
		found, _, _ := iam.Read(res, nil)
		accounts, more := iam.Principals(found[0].Node, "serviceAccount")
		if got := fmt.Sprint(accounts, more); got != want {
			t.Errorf("%s: %s, want %s", member, got, want)
		}
	}
}

// TestReadIsBounded holds that many bindings of one account are read, and that
// what is not weighed any more is not taken for absent.
func TestReadIsBounded(t *testing.T) {
	all := map[string]string{}
	for i := range 1500 {
		all[fmt.Sprintf("google_project_iam_member.m%04d", i)] = `{"project": "shop", "role": "roles/iam.serviceAccountUser", "member": "user:a@example.com"}`
	}
	rs, near := unit(t, all)
	found, _, _ := iam.Read(rs["google_project_iam_member.m0000"], near)
	policy := found[0].Node.Get("Policy")
	if len(policy.Items) > 300 || !policy.Partial {
		t.Errorf("%d statements are weighed, partial %v", len(policy.Items), policy.Partial)
	}
	if ways, more := iam.Escalations(found[0].Node, policy); len(ways) != 0 || !more {
		t.Errorf("ways %q, more %v", ways, more)
	}
}

func TestLinksOf(t *testing.T) {
	for _, c := range []struct {
		kinds      []string
		gcp, azure bool
	}{
		{[]string{"aws_iam_policy", "data.aws_iam_policy_document"}, false, false}, {[]string{"google_project_iam_member"}, true, false},
		{[]string{"azurerm_role_assignment"}, false, true}, {[]string{"data.google_iam_policy", "azurerm_role_definition"}, true, true}, {nil, false, false},
	} {
		links := iam.LinksOf(c.kinds)
		if slices.Contains(links, "google_project_iam_custom_role") != c.gcp || slices.Contains(links, "azurerm_role_definition") != c.azure {
			t.Errorf("%q are joined with %q", c.kinds, links)
		}
	}
}

// FuzzRead holds that whatever a binding or assignment says, the model answers,
// and that it does not get graver when what stands beside it is not known.
func FuzzRead(f *testing.F) {
	f.Add("google_project_iam_member", `{"role": "roles/iam.serviceAccountUser", "member": "user:a@example.com", "condition": [{"expression": "<?>resource."}]}`, `{"role_id": "x", "permissions": ["iam.*"]}`)
	f.Add("google_project_iam_policy", `{"bindings": [{"role": "<google_project_iam_custom_role.b>", "members": [{"member": "x"}, {}, 1, null]}]}`, `{"role_id": "x", "permissions": "<unknown>"}`)
	f.Add("azurerm_role_assignment", `{"role_definition_id": "<azurerm_role_definition.b>", "scope": "/subscriptions/<?>/resourceGroups/g", "principal_id": "x"}`, `{"name": "x", "permissions": [{"actions": ["*"], "not_actions": [null]}, 1]}`)
	f.Add("google_iam_deny_policy", `{}`, `{"parent": "<?>", "rules": [{"deny_rule": [{"denied_principals": [1]}]}]}`)
	f.Fuzz(func(t *testing.T, kind, a, b string) {
		if len(a)+len(b) > 4096 {
			return
		}
		ra, rb := parsed(a), parsed(b)
		if ra == nil || rb == nil || ra.Kind != resource.Map || rb.Kind != resource.Map {
			return
		}
		one := &resource.Resource{ID: kind + ".a", Kind: kind, Root: ra}
		beside := map[string][]*resource.Resource{kind: {one}}
		for _, k := range []string{"google_project_iam_custom_role", "google_iam_deny_policy", "azurerm_role_definition", "data.azurerm_role_definition"} {
			beside[k] = append(beside[k], &resource.Resource{ID: k + ".b", Kind: k, Root: rb})
		}
		found, _, _ := iam.Read(one, func(kind string) []*resource.Resource { return beside[kind] })
		for _, st := range found {
			policy := st.Node.Get("Policy")
			iam.Public(st.Node)
			iam.Principals(st.Node, "user")
			ways, _ := iam.Escalations(st.Node, policy)
			for _, c := range iam.Categories() {
				iam.Granted(st.Node, policy, c, 5)
			}
			dark := *st.Node
			dark.Fields = slices.Clone(dark.Fields)
			for i := range dark.Fields {
				if dark.Fields[i].Name == "Scope" || dark.Fields[i].Name == "Condition" {
					dark.Fields[i].Node = &resource.Node{Unknown: true, Why: "var.x"}
				}
			}
			if graver, _ := iam.Escalations(&dark, policy); len(graver) > len(ways) {
				t.Errorf("ways are %q once the scope is not known, and %q before", graver, ways)
			}
		}
	})
}

// BenchmarkRead reads a project of 200 bindings and asks each for its ways.
func BenchmarkRead(b *testing.B) {
	all := map[string]string{"google_project_iam_custom_role.r": `{"role_id": "ops", "permissions": ["run.services.create", "run.services.get"]}`}
	roles := []string{"roles/iam.serviceAccountUser", "roles/logging.logWriter", "roles/container.developer", "<google_project_iam_custom_role.r>"}
	for i := range 200 {
		all[fmt.Sprintf("google_project_iam_member.m%03d", i)] = fmt.Sprintf(`{"project": "shop", "role": %q, "member": "serviceAccount:a%d@shop.iam.gserviceaccount.com"}`, roles[i%len(roles)], i/len(roles))
	}
	rs, near := unit(b, all)
	b.ReportAllocs()
	for b.Loop() {
		ways := 0
		for _, r := range rs {
			found, _, _ := iam.Read(r, near)
			for _, f := range found {
				out, _ := iam.Escalations(f.Node, f.Node.Get("Policy"))
				ways += len(out)
			}
		}
		if ways == 0 {
			b.Fatal("no ways")
		}
	}
}
