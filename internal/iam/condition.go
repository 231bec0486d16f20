package iam

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// condition is one test of a statement: an operator, a key and its values.
type condition struct {
	operator, key string // lower case
	values        *resource.Node
}

type conditionSet struct {
	list []condition
	more bool // there may be others
}

func (c conditionSet) some() bool { return c.more || len(c.list) > 0 }

func conditions(st *resource.Node) conditionSet {
	var out conditionSet
	all := st.Get("Condition")
	if all == nil {
		return out
	}
	if all.Unknown {
		return conditionSet{more: true}
	}
	out.more = all.Partial
	for _, op := range all.Fields {
		if op.Node == nil {
			continue
		}
		vague := false
		for _, f := range op.Node.Fields {
			vague = vague || strings.Contains(f.Name, "…")
			out.more = out.more || f.Name == "…"
			if f.Node != nil {
				out.list = append(out.list, condition{strings.ToLower(op.Name), strings.ToLower(f.Name), f.Node})
			}
		}
		// A map is partial for a key that is not known in full, too; that one is
		// among the fields, with an ellipsis.
		out.more = out.more || op.Node.Unknown || op.Node.Partial && !vague
	}
	return out
}

// positive reports whether an operator asks for a value, not against one.
func (c condition) positive() bool { return !strings.Contains(c.operator, "not") && !c.null() }

func (c condition) null() bool { return c.operator == "null" }

// anything reports whether the values let everything through.
func (c condition) anything() bool {
	list, more := items(c.values)
	if more {
		return false
	}
	return slices.ContainsFunc(list, func(n *resource.Node) bool {
		s, ok := text(n)
		return ok && strings.Trim(s, "*") == ""
	})
}

// circumstances are keys that say when or how a call is made, not what it may
// reach. The table is read, never written.
var circumstances = []string{
	"aws:securetransport", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:currenttime", "aws:epochtime",
	"aws:tokenissuetime", "aws:useragent", "aws:referer", "aws:requestedregion", "aws:sourceip", "aws:principaltype",
	"aws:viaawsservice", "aws:sourceidentity", "sts:externalid", "ssm:sessiondocumentaccesscheck",
}

// Narrowed reports whether a condition of a statement limits what it reaches: a
// tag, an account, a service that a role is passed to. Keys that say when or how
// a call is made do not.
func Narrowed(st *resource.Node) Verdict {
	if c := cloudOf(st); c != AWS {
		return narrowedBy(c, st.Get("Condition"))
	}
	set := conditions(st)
	for _, c := range set.list {
		if slices.Contains(circumstances, c.key) {
			continue
		}
		if c.positive() && !c.anything() || c.null() && c.holds("false") {
			return Yes
		}
	}
	if set.more {
		return Unknown
	}
	return No
}

// unconditional reports whether a denial leaves a holder nothing of an action
// but what its conditions name: it has none, or asks against values ("deny unless
// the boundary is this one"). One that asks for a value denies that alone, and one
// on a circumstance denies but at some times. service is what a role is to be
// passed to, "" for any.
func unconditional(st *resource.Node, service string) Verdict {
	set := conditions(st)
	if cloudOf(st) != AWS || set.more {
		return not(verdict(set.some()))
	}
	out := verdict(true)
	for _, c := range set.list {
		against := c.null() && c.holds("true") || !c.null() && !c.positive()
		switch {
		case c.key == passedToService && service != "" && !c.null():
			to := passedTo(c.values, service)
			if against {
				to = not(to)
			}
			out = min(out, to)
		case !against || slices.Contains(circumstances, c.key) || slices.Contains(places, c.key):
			return No
		}
	}
	return out
}

// places are keys that say from which network a call comes. The table is read,
// never written.
var places = []string{"aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpcsourceip"}

const passedToService = "iam:passedtoservice"

// holds reports whether one of the values is s.
func (c condition) holds(s string) bool {
	list, _ := items(c.values)
	return slices.ContainsFunc(list, func(n *resource.Node) bool {
		t, ok := text(n)
		b, isBool := n.Value.(bool)
		return ok && strings.EqualFold(t, s) || isBool && (s == "true") == b
	})
}

// Values gives the values that a statement asks of the keys that match a
// pattern, by operators that ask for a value. more reports whether there may be
// others. Each piece of a value that is not known is an ellipsis.
func Values(st *resource.Node, key string) (values []string, more bool) {
	set := conditions(st)
	more = set.more
	for _, c := range set.list {
		if !c.positive() || !Match(key, c.key) {
			continue
		}
		list, open := items(c.values)
		more = more || open
		for _, n := range list {
			if s, ok := text(n); ok {
				values = append(values, strings.ReplaceAll(s, hole, "…"))
			} else if n != nil && n.Unknown {
				more = true
			}
		}
	}
	return values, more
}

// Asks reports whether a statement has a condition on one of the keys, whatever
// it asks for.
func Asks(st *resource.Node, keys ...string) Verdict {
	set := conditions(st)
	for _, c := range set.list {
		if slices.ContainsFunc(keys, func(k string) bool { return Match(k, c.key) }) {
			return Yes
		}
	}
	if set.more {
		return Unknown
	}
	return No
}

// callers are keys that say who calls, or from where. The table is read, never
// written.
var callers = []string{
	"aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:principaltag/*", "aws:userid",
	"aws:username", "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner", "aws:sourcevpc",
	"aws:sourcevpce", "aws:vpcsourceip", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "kms:calleraccount", "kms:viaservice",
	"s3:dataaccesspointaccount", "s3:dataaccesspointarn", "sns:endpoint", "sns:protocol", "aws:principalisawsservice",
	"aws:principalservicename", "aws:principalservicenameslist", "aws:federatedprovider", "sts:externalid",
	"elasticfilesystem:accessedviamounttarget",
}

// Public reports whether a statement of a resource's policy allows anyone: the
// principal is a star or all but some, and no condition says who may call or
// from where.
func Public(st *resource.Node) Verdict {
	if Effect(st) != "Allow" {
		return No
	}
	if cloudOf(st) != AWS {
		return anyMember(st)
	}
	v := anyone(st)
	if v == No {
		return No
	}
	set := conditions(st)
	for _, c := range set.list {
		if !c.positive() || c.anything() {
			continue
		}
		if slices.ContainsFunc(callers, func(k string) bool { return Match(k, c.key) }) {
			return No
		}
		if c.key == "aws:sourceip" && !everyAddress(c.values) {
			return No
		}
		// Federated identities are told apart by claims of their provider.
		if strings.HasSuffix(c.key, ":sub") || strings.HasSuffix(c.key, ":aud") {
			return No
		}
	}
	if set.more {
		return Unknown
	}
	return v
}

func anyone(st *resource.Node) Verdict {
	if present(st, "NotPrincipal") {
		return Yes
	}
	p := st.Get("Principal")
	if p == nil {
		return No
	}
	if p.Unknown {
		return Unknown
	}
	return hasStar(p.Get("AWS"))
}

func hasStar(n *resource.Node) Verdict {
	list, more := items(n)
	out := verdict(false)
	if more && len(n.Refs) == 0 {
		out = Unknown
	}
	for _, it := range list {
		if s, ok := text(it); ok && s == "*" {
			return Yes
		} else if !ok && it != nil && it.Unknown && len(it.Refs) == 0 {
			out = max(out, Unknown)
		}
	}
	return out
}

func everyAddress(values *resource.Node) bool {
	list, more := items(values)
	if more {
		return false
	}
	return slices.ContainsFunc(list, func(n *resource.Node) bool {
		s, _ := text(n)
		p, err := netip.ParsePrefix(s)
		return err == nil && p.Bits() <= 1
	})
}

// Unbound gives the services that a statement of a resource's policy allows
// without saying for whom they may act (aws:SourceArn, aws:SourceAccount,
// aws:SourceOrgID): anyone can have such a service call in their name.
func Unbound(st *resource.Node) (services []string, more bool) {
	if Effect(st) != "Allow" || st.Get("Principal") == nil {
		return nil, false
	}
	list, more := items(st.Get("Principal").Get("Service"))
	more = more || st.Get("Principal").Unknown
	switch Asks(st, "aws:source*", "aws:principalorg*", "kms:encryptioncontext:*", "kms:calleraccount", "kms:viaservice", "s3:x-amz-*", "aws:resourceaccount") {
	case Yes:
		return nil, false
	case Unknown:
		return nil, len(list) > 0 || more
	}
	for _, n := range list {
		if s, ok := text(n); ok && acrossAccounts(s) {
			services = append(services, strings.ReplaceAll(s, hole, "…"))
		} else if !ok && n != nil && n.Unknown && len(n.Refs) == 0 {
			more = true
		}
	}
	return services, more
}

// acrossAccounts reports whether a service calls on behalf of resources of any
// account, so that a policy has to say of whose.
func acrossAccounts(service string) bool {
	name, _, _ := strings.Cut(service, ".")
	return slices.Contains([]string{
		"s3", "sns", "events", "cloudtrail", "config", "ses", "apigateway", "cloudfront", "budgets", "codestar-notifications", "delivery",
		"logging", "scheduler", "iot", "cloudwatch", "elasticloadbalancing", "logdelivery", "backup", "lambda", "guardduty", "inspector2",
	}, name)
}

// Principals gives the principals of a type (AWS, Service, Federated; of GCP
// user, group, serviceAccount, domain …) that a statement names, each piece that is not known an ellipsis. One that refers to
// a resource of the code is left out: it names that. more reports whether there
// may be others.
func Principals(st *resource.Node, typ string) (principals []string, more bool) {
	p := st.Get("Principal")
	if p == nil {
		return nil, false
	}
	if cloudOf(st) != AWS {
		return members(st, typ)
	}
	if p.Unknown {
		return nil, len(p.Refs) == 0
	}
	of := p.Get(typ)
	list, more := items(of)
	more = more && len(of.Refs) == 0 || of == nil && p.Partial
	for _, n := range list {
		if s, ok := text(n); ok {
			principals = append(principals, strings.ReplaceAll(s, hole, "…"))
		} else if n != nil && n.Unknown && len(n.Refs) == 0 {
			more = true
		}
	}
	return principals, more
}
