package projection

import (
	"errors"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

var errNotWritten = errors.New("it is not written in the object")

// conversions are those that a table names besides the kinds of values. They
// are given what is known to be there.
var conversions = map[string]func(*resource.Node) *resource.Node{
	"json":           asDocument,
	"acl":            asCannedACL,
	"logs":           valuesOnly,
	"eksLogging":     eksLogging,
	"inlinePolicies": inlinePolicies,
	"securityRules":  securityRules,
}

// computed names the conversions whose results have no place of their own, so
// that no path leads back from them.
var computed = map[string]bool{"json": true, "acl": true, "logs": true, "eksLogging": true, "inlinePolicies": true, "securityRules": true}

// asDocument gives the document that a text holds, as CloudFormation has it.
func asDocument(n *resource.Node) *resource.Node {
	if doc := embedded(n).Embedded; doc != nil {
		out := *doc
		out.KeyRange = n.KeyRange
		return &out
	}
	return n
}

// asCannedACL gives public-read as PublicRead.
func asCannedACL(n *resource.Node) *resource.Node {
	if n.Kind != resource.String {
		return n
	}
	var b strings.Builder
	for _, w := range strings.Split(n.Str(), "-") {
		b.WriteString(capital(w))
	}
	return valued(n, resource.String, b.String())
}

// valuesOnly renames what is below names that stay.
func valuesOnly(n *resource.Node) *resource.Node {
	if n.Kind != resource.Map {
		return n
	}
	out := copied(n)
	for _, f := range n.Fields {
		out.Fields = append(out.Fields, resource.Field{Name: f.Name, Node: capitals(f.Node)})
	}
	return out
}

// mapAt gives a map over the place of n.
func mapAt(n *resource.Node, fields ...resource.Field) *resource.Node {
	out := copied(n)
	out.Kind, out.Fields = resource.Map, fields
	return out
}

// eksLogging gives {clusterLogging: [{enabled, types}]} as the types that are
// enabled.
func eksLogging(n *resource.Node) *resource.Node {
	setups := n.Get("clusterLogging")
	if setups == nil || setups.Unknown || setups.Kind != resource.List {
		return capitals(n)
	}
	types := copied(setups)
	for _, s := range setups.Items {
		on := s.Get("enabled")
		list := s.Get("types")
		switch {
		case s.Unknown || on != nil && on.Unknown || list != nil && list.Unknown:
			types.Partial = true
		case on != nil && on.Value == true && list != nil:
			types.Partial = types.Partial || list.Partial
			for _, t := range list.Items {
				types.Items = append(types.Items, mapAt(t, resource.Field{Name: "Type", Node: t}))
			}
		}
	}
	return mapAt(n, resource.Field{Name: "ClusterLogging", Node: mapAt(setups, resource.Field{Name: "EnabledTypes", Node: types})})
}

// inlinePolicies gives a map of documents by name as a list of policies.
func inlinePolicies(n *resource.Node) *resource.Node {
	if n.Kind != resource.Map {
		return n
	}
	out := copied(n)
	out.Kind = resource.List
	for _, f := range n.Fields {
		if f.Node == nil {
			continue
		}
		name := said(f.Name, f.Node.KeyRange)
		out.Items = append(out.Items, mapAt(f.Node,
			resource.Field{Name: "PolicyName", Node: name}, resource.Field{Name: "PolicyDocument", Node: asDocument(f.Node)}))
	}
	return out
}

// sources are the lists of who may come in by a rule, in the names of the
// controllers and of Crossplane's classic provider.
var sources = [...]struct{ list, classicList, from, classic, to string }{
	{"ipRanges", "", "cidrIP", "cidrIp", "CidrIp"},
	{"ipv6Ranges", "", "cidrIPv6", "cidrIpv6", "CidrIpv6"},
	{"userIDGroupPairs", "userIdGroupPairs", "groupID", "groupId", "SourceSecurityGroupId"},
}

// securityRules gives each range of each rule of a security group as a rule of
// its own.
func securityRules(n *resource.Node) *resource.Node {
	if n.Kind != resource.List {
		return n
	}
	out := copied(n)
	for _, r := range n.Items {
		if r == nil || r.Unknown || r.Kind != resource.Map {
			out.Items = append(out.Items, r)
			continue
		}
		var common []resource.Field
		common = pick(common, r, "fromPort", "FromPort", "toPort", "ToPort", "ipProtocol", "IpProtocol")
		for _, kind := range sources {
			for _, list := range [...]*resource.Node{r.Get(kind.list), r.Get(kind.classicList)} {
				if list == nil {
					continue
				}
				if list.Unknown || list.Partial {
					out.Partial, out.Why = true, list.Why
				}
				for _, it := range list.Items {
					own := pick(append([]resource.Field(nil), common...), it, kind.from, kind.to, kind.classic, kind.to, "description", "Description")
					out.Items = append(out.Items, mapAt(it, own...))
				}
				break
			}
		}
	}
	return out
}

// pick adds the settings of n that are there; names come in pairs, the one that
// n has and the new one.
func pick(to []resource.Field, n *resource.Node, names ...string) []resource.Field {
	for i := 0; i+1 < len(names); i += 2 {
		if v := n.Get(names[i]); v != nil {
			to = append(to, resource.Field{Name: names[i+1], Node: v})
		}
	}
	return to
}
