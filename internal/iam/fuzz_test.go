package iam_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// FuzzMatch holds Match to what a regular expression says.
func FuzzMatch(f *testing.F) {
	f.Add("s3:*Object?", "s3:GetObjects")
	f.Add("**", "")
	f.Add("*a*b*", "xaybz")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)+len(s) > 200 || strings.ContainsFunc(pattern+s, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		expr := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("(?i)^" + expr + "$").MatchString(s)
		if got := iam.Match(pattern, s); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, s, got, want)
		}
	})
}

// FuzzPolicy holds that whatever a policy says, the model answers, and that
// what it answers of a policy does not get graver when a part becomes unknown.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Effect": "Allow", "Action": ["iam:*"], "Resource": ["*"], "Principal": {"AWS": ["*"]}, "Condition": {"Bool": {"a": ["x"]}}}`)
	f.Add(`{"Effect": "Allow", "NotAction": "s3:*", "NotResource": ["<unknown>"], "NotPrincipal": "<?>x"}`)
	f.Add(`{"Effect": "Deny", "Action": [1, null, {}], "Condition": [], "Principal": []}`)
	f.Fuzz(func(t *testing.T, s string) {
		var v any
		if len(s) > 4096 || json.Unmarshal([]byte(s), &v) != nil {
			return
		}
		st := node(v)
		policy := &resource.Node{Kind: resource.List, Items: []*resource.Node{st}}
		for _, action := range []string{"iam:PassRole", "s3:GetObject"} {
			known := iam.Grants(st, policy, action)
			dark := &resource.Node{Kind: resource.List, Items: policy.Items, Partial: true}
			if open := iam.Grants(st, dark, action); open == iam.Yes && known != iam.Yes {
				t.Errorf("%s is granted once the policy is not known in full", action)
			}
		}
		iam.Escalations(st, policy)
		iam.Public(st)
		iam.Unbound(st)
		iam.Principals(st, "AWS")
		iam.Values(st, "*:sub")
		for _, c := range iam.Categories() {
			iam.Granted(st, policy, c, 5)
		}
	})
}

// parsed gives the tree of a JSON text, nil for any other.
func parsed(s string) *resource.Node {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return nil
	}
	return node(v)
}
