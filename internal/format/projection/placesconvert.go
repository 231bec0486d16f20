package projection

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// twoWay is a conversion of a value between an object and the resource that it
// makes. Where back is nil no value leads back.
type twoWay struct {
	to   func(w *placer, v *resource.Node) *resource.Node
	back func(v *resource.Node) *resource.Node
}

// outlineConversions are those that a table of places can name.
var outlineConversions = map[string]twoWay{
	"not":       {func(_ *placer, v *resource.Node) *resource.Node { return negated(v) }, negated},
	"flag":      {func(_ *placer, v *resource.Node) *resource.Node { return convert(v, "bool") }, func(v *resource.Node) *resource.Node { return convert(v, "str") }},
	"upper":     {func(_ *placer, v *resource.Node) *resource.Node { return cased(v, strings.ToUpper) }, func(v *resource.Node) *resource.Node { return cased(v, strings.ToLower) }},
	"lower":     {func(_ *placer, v *resource.Node) *resource.Node { return cased(v, strings.ToLower) }, nil},
	"version":   {func(_ *placer, v *resource.Node) *resource.Node { return withoutV(v) }, nil},
	"reference": {func(w *placer, v *resource.Node) *resource.Node { return w.referred(v) }, nil},
	"role":      {func(_ *placer, v *resource.Node) *resource.Node { return azureRole(v) }, nil},
	"given":     {func(_ *placer, v *resource.Node) *resource.Node { return valued(v, resource.Bool, true) }, nil},
	"one":       {func(_ *placer, v *resource.Node) *resource.Node { return listOf(v) }, nil},
	"textual":   {func(_ *placer, v *resource.Node) *resource.Node { return convert(v, "str") }, nil},
	"pairs":     {func(_ *placer, v *resource.Node) *resource.Node { return pairsAsMap(v) }, nil},
	"issuer":    {issuerOf, nil},
	"json":      {func(_ *placer, v *resource.Node) *resource.Node { return embedded(v) }, nil},
}

// computedValue reports whether nothing leads back from within the value.
func computedValue(pl *placing) bool {
	for _, c := range pl.conv {
		if outlineConversions[c].back == nil {
			return true
		}
	}
	return false
}

func negated(v *resource.Node) *resource.Node {
	if b, ok := v.Value.(bool); ok {
		return valued(v, resource.Bool, !b)
	}
	return v
}

func cased(v *resource.Node, f func(string) string) *resource.Node {
	if v.Kind != resource.String {
		return v
	}
	return valued(v, resource.String, f(v.Str()))
}

// withoutV gives the version that v1.30.2 is.
func withoutV(v *resource.Node) *resource.Node {
	if v.Kind != resource.String {
		return v
	}
	return valued(v, resource.String, strings.TrimPrefix(v.Str(), "v"))
}

// listOf gives a text as the list of it.
func listOf(v *resource.Node) *resource.Node {
	if v.Kind == resource.List {
		return v
	}
	out := copied(v)
	out.Kind, out.Items = resource.List, []*resource.Node{v}
	return out
}

// pairsAsMap gives [{key, value}] as a map.
func pairsAsMap(v *resource.Node) *resource.Node {
	if v.Kind == resource.List && pairs(v) {
		return paired(v)
	}
	return v
}

// issuerOf is the address of the issuer of a cluster's tokens, which is known
// once there is one.
func issuerOf(w *placer, v *resource.Node) *resource.Node {
	out := copied(v)
	out.Kind, out.Unknown, out.Why = resource.String, true, "the cluster"
	out.Refs = []string{w.r.ID}
	return out
}

// referred gives what a reference of Azure Service Operator or Cluster API
// says: an id, or an unknown value that refers to the objects of that name.
func (w *placer) referred(v *resource.Node) *resource.Node {
	if v.Kind == resource.List {
		out := copied(v)
		for _, it := range v.Items {
			if it != nil {
				it = w.referred(it)
			}
			out.Items = append(out.Items, it)
		}
		return out
	}
	if v.Unknown || v.Kind != resource.Map {
		return v
	}
	for _, name := range [...]string{"armId", "external", "id"} {
		if id := v.Get(name); id != nil && (id.Unknown || id.Str() != "") {
			out := *id
			out.KeyRange = v.KeyRange
			return &out
		}
	}
	return w.p.referred(v, false, false)
}

// azureRoles are the built-in roles that rules name, by the ids that Azure has
// given them everywhere.
var azureRoles = map[string]string{
	"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
	"b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
	"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
	"f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
	"7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
	"8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
	"c2f4ef07-c644-48eb-af81-4b1b4947fb11": "AcrDelete",
}

// azureRole gives the name of the role that an id is of.
func azureRole(v *resource.Node) *resource.Node {
	id := v.Str()
	if name := azureRoles[strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])]; name != "" {
		return valued(v, resource.String, name)
	}
	return valued(v, resource.String, "")
}
