// Package iam weighs policies of the clouds: which actions a statement grants,
// on what, to whom and under which conditions, and what can be made of them
// together.
//
// It works on statements as trees, in one form. Those of AWS have it from the
// engine: Action, NotAction, Resource and NotResource are lists, Principal and
// NotPrincipal maps of lists. Every answer is one of yes, no and unknown: a part
// of a policy that is not known is never taken for granted.
//
// GCP and Azure grant roles, so Read makes the statements: of a binding of GCP
// and of an assignment of Azure. Such a statement keeps the fields of the place
// that it was read from, so that rules point at them and fixes change them, and has
// besides
//
//   - Cloud, Effect, and Role, the name of the role; Custom is true for one of the code;
//   - Action and NotAction, what the role grants (both count), from the table of
//     predefined roles or from the role's definition, joined by reference or id;
//     for Azure DataAction and NotDataAction too;
//   - Scope, the level on which it is given, which is what Resource is for AWS:
//     "project", "subscription", "resource" …;
//   - Principal, {Member: […]}, and Condition, the text of the condition;
//   - Policy, what else the same principal is given, and what is denied to it.
//
// A role that is defined and that nothing of the code gives to anyone is a
// statement of its own, with the scope "definition".
package iam

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Verdict is an answer about something that may not be known.
type Verdict uint8

// The answers, in an order in which the greater one wins a disjunction.
const (
	No Verdict = iota
	Unknown
	Yes
)

func verdict(b bool) Verdict {
	if b {
		return Yes
	}
	return No
}

// Effect gives the effect of a statement: "Allow", "Deny", or "" where it is
// missing or not known.
func Effect(st *resource.Node) string { return st.Get("Effect").Str() }

// hole stands for a piece of a text that is not known.
const hole = "\x00"

// text gives a text with a hole for each piece that is not known; ok is false
// where nothing of it is known.
func text(n *resource.Node) (s string, ok bool) {
	switch {
	case n == nil:
		return "", false
	case !n.Unknown:
		s, ok = n.Value.(string)
		return s, ok
	case len(n.Parts) > 1 && strings.Join(n.Parts, "") != "":
		return strings.Join(n.Parts, hole), true
	}
	return "", false
}

// items gives the items of a list that a statement may have, and whether there
// may be more than these.
func items(n *resource.Node) (list []*resource.Node, more bool) {
	switch {
	case n == nil || n.Kind == resource.Null && !n.Unknown:
		return nil, false
	case n.Unknown:
		return nil, true
	case n.Kind == resource.List:
		if slices.Contains(n.Items, nil) {
			return slices.DeleteFunc(slices.Clone(n.Items), func(it *resource.Node) bool { return it == nil }), n.Partial
		}
		return n.Items, n.Partial
	}
	return []*resource.Node{n}, false
}

// present reports whether a statement has an element.
func present(st *resource.Node, name string) bool {
	n := st.Get(name)
	return n != nil && (n.Unknown || n.Kind != resource.Null)
}

// matches reports whether one of a list of patterns matches an action.
func matches(patterns *resource.Node, action string) Verdict {
	list, more := items(patterns)
	out := verdict(false)
	if more {
		out = Unknown
	}
	wild := 0
	for i, n := range list {
		s, ok := text(n)
		partly := strings.Contains(s, hole)
		switch {
		case i == maxPatterns || wild == maxWild || len(s) > maxPattern:
			return max(out, Unknown)
		case !ok && n != nil && n.Unknown:
			out = max(out, Unknown)
		case !ok:
		case !partly && !strings.ContainsAny(s, "*?"):
			if strings.EqualFold(s, action) {
				return Yes
			}
		default:
			wild++
			switch {
			case !Match(strings.ReplaceAll(s, hole, "*"), action):
			case partly:
				out = max(out, Unknown)
			default:
				return Yes
			}
		}
	}
	return out
}

// Bounds of what one statement is read to. IAM itself takes no policy that is
// near them; what is beyond is unknown.
const (
	maxPatterns = 500 // patterns of a list
	maxWild     = 50  // of which with wildcards
	maxPattern  = 200 // bytes of a pattern
)

// covers reports whether a statement is about an action, whatever its effect.
func covers(st *resource.Node, action string) Verdict {
	allow, except := "Action", "NotAction"
	if a, ok := strings.CutPrefix(action, dataAction); ok {
		action, allow, except = a, "DataAction", "NotDataAction"
	}
	if !present(st, except) {
		return matches(st.Get(allow), action)
	}
	v := not(matches(st.Get(except), action))
	if v > No && present(st, allow) { // AWS's have one of the two
		v = min(v, matches(st.Get(allow), action))
	}
	return v
}

func not(v Verdict) Verdict { return Yes - v }

// Match matches * and ? as IAM does: without regard to case, * for any run of
// characters. It takes time proportional to both lengths at most.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || lower(pattern[p]) == lower(s[i])):
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Wide reports whether a statement is about every resource of a kind, of the
// account or at all: "*", or an ARN that names none. A value that refers to a
// resource of the code is about that one.
func Wide(st *resource.Node) Verdict { return wideFor(st, "") }

// wideFor reports the same as far as an action is concerned: a resource that the
// action is not about does not count. "" is any action.
func wideFor(st *resource.Node, action string) Verdict {
	if cloudOf(st) != AWS {
		return wideScope(st.Get("Scope"))
	}
	if present(st, "NotResource") {
		return Yes
	}
	list, more := items(st.Get("Resource"))
	out := verdict(false)
	if more {
		out = Unknown
		if n := st.Get("Resource"); len(n.Refs) > 0 {
			out = No
		}
	}
	for _, n := range list {
		s, ok := text(n)
		switch {
		case ok && wideARN(s) && concerns(s, action):
			return Yes
		case !ok && n != nil && n.Unknown && len(n.Refs) == 0:
			out = max(out, Unknown)
		}
	}
	return out
}

// wideARN reports whether a resource, as a policy writes it, names none of its
// kind. Region and account do not count.
func wideARN(s string) bool {
	if strings.Trim(s, "*") == "" {
		return s != ""
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return false
	}
	name := parts[5]
	if i := strings.LastIndexAny(name, "/:"); i >= 0 {
		// role/*, secret:*, */*: the kind is no name.
		kind := name[:i]
		return strings.Trim(name[i+1:], "*") == "" && name[i+1:] != "" && !strings.ContainsAny(kind, "/:"+hole) &&
			(kind == "*" || parts[2] != "s3" && parts[2] != "sns" && parts[2] != "sqs")
	}
	return name != "" && strings.Trim(name, "*") == ""
}

// ownARNs are the services whose actions are about resources of the service
// itself. It is read, never written.
var ownARNs = []string{
	"iam", "s3", "secretsmanager", "dynamodb", "kms", "lambda", "sqs", "sns", "ecr", "eks", "ec2", "logs", "states", "glue", "codebuild",
	"cloudformation", "ecs", "sagemaker", "rds", "elasticfilesystem",
}

// concerns reports whether an action can be about what a resource names.
func concerns(arn, action string) bool {
	service, name, ok := strings.Cut(strings.ToLower(action), ":")
	parts := strings.SplitN(arn, ":", 6)
	if !ok || len(parts) < 6 {
		return true
	}
	of, kind := parts[2], parts[5]
	if i := strings.IndexAny(kind, "/:"); i >= 0 {
		kind = kind[:i]
	}
	if slices.Contains(ownARNs, service) && !Match(strings.ReplaceAll(of, hole, "*"), service) {
		return false
	}
	switch service {
	case "iam":
		about := iamKind(name)
		return about == "" || Match(strings.ReplaceAll(kind, hole, "*"), about)
	case "ssm": // a document says what is run, not where
		return kind != "document" || strings.Contains(name, "document")
	}
	return true
}

// iamKind gives the kind of resource that an action of IAM, in lower case, is
// about; "" for one of which that is not told.
func iamKind(action string) string {
	for _, k := range [...][2]string{
		{"instanceprofile", "instance-profile"}, {"samlprovider", "saml-provider"}, {"openidconnect", "oidc-provider"},
		{"policyversion", "policy"}, {"group", "group"}, {"role", "role"}, {"user", "user"}, {"accesskey", "user"}, {"loginprofile", "user"},
	} {
		if strings.Contains(action, k[0]) {
			return k[1]
		}
	}
	return ""
}

// denies reports whether one of the statements of a policy forbids an action on
// everything, or on everything but what it names or its conditions let through.
func denies(policy *resource.Node, action, service string) Verdict {
	list, more := items(policy)
	out := verdict(false)
	if more {
		out = Unknown
	}
	for _, st := range list {
		switch {
		case st.Unknown:
			out = max(out, Unknown)
			continue
		case Effect(st) != "Deny":
			continue
		}
		if everything := min(unlimited(st), unconditional(st, service)); everything > No {
			out = max(out, min(everything, covers(st, action)))
		}
		if out == Yes {
			return Yes
		}
	}
	return out
}

// unlimited reports whether a denial is about every resource there is, or all
// but some that it names.
func unlimited(st *resource.Node) Verdict {
	if present(st, "NotResource") {
		but := *st
		but.Fields = []resource.Field{put("Resource", st.Get("NotResource"))}
		return not(Wide(&but))
	}
	list, more := items(st.Get("Resource"))
	out := verdict(false)
	if more {
		out = Unknown
	}
	for _, n := range list {
		if s, ok := text(n); ok && s == "*" {
			return Yes
		} else if !ok && len(n.Refs) == 0 {
			out = max(out, Unknown)
		}
	}
	return out
}

// Grants reports whether a statement grants an action on every resource of its
// kind, without a condition that narrows it and without another statement of
// the policy that forbids it.
func Grants(st, policy *resource.Node, action string) Verdict {
	if Effect(st) != "Allow" {
		return No
	}
	v := min(covers(st, action), wideFor(st, action), not(Narrowed(st)))
	if v == No {
		return No
	}
	return min(v, not(denies(policy, action, "")))
}

// Broad reports whether a pattern grants all of a service or of everything; such
// a grant is spoken of as a whole.
func Broad(pattern string) bool {
	service, name, ok := strings.Cut(pattern, ":")
	return pattern == "*" || ok && strings.Trim(name, "*") == "" && service != ""
}

// Granted gives the actions of a category that a statement grants by name or by
// a pattern that is narrower than a service, in the table's order. more reports
// whether there may be others. At most limit actions are given.
func Granted(st, policy *resource.Node, category Category, limit int) (actions []string, more bool) {
	if cloudOf(st) != AWS {
		return cloudGranted(st, policy, category, limit)
	}
	if Effect(st) != "Allow" || present(st, "NotAction") {
		return nil, st.Get("Effect") != nil && st.Get("Effect").Unknown
	}
	narrow := *st
	narrow.Fields = make([]resource.Field, 0, len(st.Fields))
	for _, f := range st.Fields {
		if f.Name == "Action" && f.Node != nil && f.Node.Kind == resource.List && !f.Node.Unknown {
			own := *f.Node
			own.Items = nil
			for _, n := range f.Node.Items {
				if s, ok := text(n); !ok || !Broad(s) {
					own.Items = append(own.Items, n)
				}
			}
			f.Node = &own
		}
		narrow.Fields = append(narrow.Fields, f)
	}
	if list, more := items(narrow.Get("Action")); len(list) == 0 && !more {
		return nil, false
	}
	for _, a := range table[category] {
		switch Grants(&narrow, policy, a) {
		case Yes:
			if actions = append(actions, a); len(actions) == limit {
				return actions, more
			}
		case Unknown:
			more = true
		}
	}
	return actions, more
}
