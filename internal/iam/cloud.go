package iam

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Cloud says in whose terms a statement is. AWS's say nothing of it.
type Cloud string

// The clouds.
const (
	AWS   Cloud = ""
	GCP   Cloud = "gcp"
	Azure Cloud = "azure"
)

func cloudOf(st *resource.Node) Cloud { return Cloud(st.Get("Cloud").Str()) }

// dataAction marks the actions of Azure that are about data: a role grants
// them in lists of their own.
const dataAction = "data "

// role is what a role grants, as the fields of a statement. The nodes are
// shared: they are read, never written.
type role struct {
	name                      string
	action, notAction         *resource.Node
	dataAction, notDataAction *resource.Node
}

// parseRoles reads a table of roles: a name, with GUIDs before it where the cloud
// has them, and patterns of what it grants; "!" is before what it does not, and
// "+" (or "+!") before those about data.
func parseRoles(table string, add func(keys []string, r *role)) {
	for line := range strings.Lines(table) {
		head, grants, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		keys := strings.Split(head, " = ")
		r := &role{name: keys[0], action: texts(), notAction: texts(), dataAction: texts(), notDataAction: texts()}
		for _, p := range strings.Fields(grants) {
			to := r.action
			p, data := strings.CutPrefix(p, "+")
			p, not := strings.CutPrefix(p, "!")
			switch {
			case data && not:
				to = r.notDataAction
			case data:
				to = r.dataAction
			case not:
				to = r.notAction
			}
			to.Items = append(to.Items, &resource.Node{Kind: resource.String, Value: p})
		}
		add(keys, r)
	}
}

func texts(list ...string) *resource.Node {
	n := &resource.Node{Kind: resource.List}
	for _, s := range list {
		n.Items = append(n.Items, &resource.Node{Kind: resource.String, Value: s})
	}
	return n
}

// categories reads a table of actions by category.
func categories(tables map[Category]string) map[Category][]string {
	out := map[Category][]string{}
	for c, table := range tables {
		for line := range strings.Lines(strings.TrimSpace(table)) {
			prefix, names, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok {
				continue
			}
			for _, name := range strings.Fields(names) {
				out[c] = append(out[c], prefix+name)
			}
		}
	}
	return out
}

// waysOf gives the known ways of the cloud that a statement is of.
func waysOf(st *resource.Node) []way {
	switch cloudOf(st) {
	case GCP:
		return gcpWays
	case Azure:
		return azureWays
	}
	return ways
}

// leads reports whether a statement may take the first step of a way that has
// others: then what else the principal may do is of interest.
func leads(st *resource.Node) bool {
	first := ""
	for _, w := range waysOf(st) {
		if len(w.all) < 2 || w.all[0] == first {
			continue
		}
		first = w.all[0]
		if covers(st, first) != No {
			return true
		}
	}
	return false
}

// Scopes are the levels on which roles are given, each wider than what a single
// resource is.
const (
	scopeOrganization    = "organization"
	scopeFolder          = "folder"
	scopeProject         = "project"
	scopeManagementGroup = "management group"
	scopeSubscription    = "subscription"
	scopeResourceGroup   = "resource group"
	scopeResource        = "resource"
	// scopeDefinition is that of a role that nothing of the code gives to
	// anyone: it may be given on any level.
	scopeDefinition = "definition"
)

// wideScope reports whether a level holds every resource of a kind.
func wideScope(scope *resource.Node) Verdict {
	if scope == nil || scope.Unknown {
		return Unknown
	}
	return verdict(scope.Str() != scopeResource)
}

// narrowedBy reports whether the condition of a binding or assignment limits
// what it reaches. One that ends it at some time does not.
func narrowedBy(cloud Cloud, condition *resource.Node) Verdict {
	s, ok := text(condition)
	switch {
	case !ok:
		return verdictUnless(condition)
	case cloud == GCP && (strings.Contains(s, "resource.") || strings.Contains(s, "api.getAttribute(")):
		return Yes
	case cloud == GCP && strings.Contains(s, hole):
		return Unknown
	case cloud == GCP:
		return No
	}
	return verdict(strings.TrimSpace(s) != "")
}

// verdictUnless is No for what is not there, and unknown for what is not known.
func verdictUnless(n *resource.Node) Verdict {
	if n != nil && n.Unknown {
		return Unknown
	}
	return No
}

// Members that are everybody.
const (
	allUsers              = "allUsers"
	allAuthenticatedUsers = "allAuthenticatedUsers"
)

// anyMember reports whether everybody is among the members of a binding.
func anyMember(st *resource.Node) Verdict {
	list, more := items(st.Path("Principal", "Member"))
	out := verdict(false)
	if more {
		out = Unknown
	}
	for _, n := range list {
		switch s, ok := text(n); {
		case s == allUsers || s == allAuthenticatedUsers:
			return Yes
		case !ok && n != nil && n.Unknown && len(n.Refs) == 0:
			out = max(out, Unknown)
		}
	}
	return out
}

// members gives the members of a type (user, group, serviceAccount, domain …)
// that a binding names, without the type.
func members(st *resource.Node, typ string) (out []string, more bool) {
	list, more := items(st.Path("Principal", "Member"))
	for _, n := range list {
		s, ok := text(n)
		switch {
		case !ok && n != nil && n.Unknown:
			more = more || len(n.Refs) == 0
		case strings.HasPrefix(s, typ+":"):
			out = append(out, strings.ReplaceAll(s[len(typ)+1:], hole, "…"))
		case strings.HasPrefix(s, hole):
			more = true
		}
	}
	return out, more
}

// cloudGranted gives the actions of a category that a role grants. A role that
// grants everything is spoken of as a whole.
func cloudGranted(st, policy *resource.Node, category Category, limit int) (actions []string, more bool) {
	if grantsAll(st) {
		return nil, false
	}
	table := gcpTable
	if cloudOf(st) == Azure {
		table = azureTable
	}
	for _, a := range table[category] {
		switch Grants(st, policy, a) {
		case Yes:
			if actions = append(actions, strings.TrimPrefix(a, dataAction)); len(actions) == limit {
				return actions, more
			}
		case Unknown:
			more = true
		}
	}
	return actions, more
}

// LinksOf gives the kinds of resources that the grants of resources of some
// kinds are joined with: the roles that bindings and assignments name, and what
// else the same principal is given. The kinds of AWS are not asked for together
// with those of others.
func LinksOf(kinds []string) []string {
	var gcp, azure bool
	for _, k := range kinds {
		switch k = strings.TrimPrefix(k, "data."); {
		case strings.HasPrefix(k, "aws_iam_"):
			return awsLinks
		case strings.HasPrefix(k, "AWS::IAM::"):
			return cloudFormationLinks
		}
		gcp = gcp || strings.HasPrefix(k, "google_")
		azure = azure || strings.HasPrefix(k, "azurerm_")
	}
	switch {
	case gcp && azure:
		return bothLinks
	case gcp:
		return gcpLinks
	case azure:
		return azureLinks
	}
	return nil
}

// The tables are read, never written.
var (
	gcpLinks   = slices.Concat([]string{gcpProjectRole, gcpOrganizationRole, gcpDenyPolicy}, gcpGivers)
	azureLinks = []string{azureDefinition, "data." + azureDefinition, azureAssignment, azureActiveAssignment}
	bothLinks  = slices.Concat(gcpLinks, azureLinks)
)
