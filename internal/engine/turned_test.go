package engine

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

func TestTurned(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec:\n"
	rules := active(t, resource.Kubernetes, rule.Rule{ID: "x/port", Checks: []rule.Check{{
		Fail: `it.spec.?hostNetwork.orValue(false) == true && it.spec.?dnsPolicy.orValue("") == "Default" && it.spec.?hostUsers.orValue(true) == true`,
		At:   "spec.dnsPolicy", Message: "m",
	}}})
	for _, c := range []struct {
		name, base, head, want string
		line                   int
		onBase                 bool
	}{
		{"another setting is added", "  dnsPolicy: Default\n", "  hostNetwork: true\n  dnsPolicy: Default\n", "spec.hostNetwork", 5, false},
		{"another setting changes, beside one that does not matter", "  priority: 1\n  hostNetwork: false\n  dnsPolicy: Default\n", "  priority: 2\n  hostNetwork: true\n  dnsPolicy: Default\n", "spec.hostNetwork", 6, false},
		{"another setting is taken away", "  hostUsers: false\n  hostNetwork: true\n  dnsPolicy: Default\n", "  hostNetwork: true\n  dnsPolicy: Default\n", "spec.hostUsers", 5, true},
		{"the setting itself changes", "  hostNetwork: true\n  dnsPolicy: None\n", "  hostNetwork: true\n  dnsPolicy: Default\n", "", 0, false},
		{"none alone", "  hostUsers: false\n  dnsPolicy: Default\n", "  hostNetwork: true\n  dnsPolicy: Default\n", "spec.hostNetwork spec.hostUsers", 5, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := evaluate(t, Options{Rules: rules}, modified(manifest(t, "a.yaml", 1, head+c.base), manifest(t, "a.yaml", 1, head+c.head))).Findings
			if len(fs) != 1 || fs[0].State != New {
				t.Fatalf("findings %+v, want one new", fs)
			}
			var got []string
			for _, x := range fs[0].Turned {
				got = append(got, x.Path)
			}
			if strings.Join(got, " ") != c.want {
				t.Fatalf("turned by %q, want %q", got, c.want)
			}
			if c.want == "" {
				return
			}
			if x := fs[0].Turned[0]; x.At[0].Start.Line != c.line || x.OnBase != c.onBase {
				t.Errorf("stands at line %d (of the base: %v), want %d (%v)", x.At[0].Start.Line, x.OnBase, c.line, c.onBase)
			}
		})
	}
}
