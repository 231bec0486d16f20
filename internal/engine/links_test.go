package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// unprotected finds pods that no policy of their namespace selects.
func unprotected() rule.Rule {
	return rule.Rule{ID: "k8s/unprotected", Checks: []rule.Check{{
		Kinds: []string{"Pod"}, Links: []string{"networking.k8s.io/NetworkPolicy"},
		Fail:    `!linked("networking.k8s.io/NetworkPolicy").exists(p, p.object.spec.?podSelector.orValue({}) == {})`,
		Message: "no policy selects {{ resource.name }}",
	}}}
}

func linkedManifest(t *testing.T, file, unit, src string) *resource.Resource {
	t.Helper()
	r := manifest(t, file, 1, src)
	r.Unit = unit
	return r
}

func TestLinks(t *testing.T) {
	pod := func(unit, name, ns string) *resource.Resource {
		return linkedManifest(t, unit+"/pod.yaml", unit, "apiVersion: v1\nkind: Pod\nmetadata: {name: "+name+", namespace: "+ns+"}\nspec: {}\n")
	}
	policy := func(unit, name, ns, spec string) *resource.Resource {
		return linkedManifest(t, unit+"/policy.yaml", unit, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: "+name+", namespace: "+ns+"}\nspec: "+spec+"\n")
	}
	all, none := "{podSelector: {}}", "{podSelector: {matchLabels: {a: b}}}"
	unchanged := func(r *resource.Resource) change.ResourceChange {
		return change.ResourceChange{Kind: change.Unchanged, Before: r, After: r}
	}
	removed := func(r *resource.Resource) change.ResourceChange {
		return change.ResourceChange{Kind: change.Removed, Before: r}
	}
	api := pod("u", "api", "shop")
	for _, tt := range []struct {
		name    string
		changes []change.ResourceChange
		partial map[string]bool
		want    []string // state, resource, file and line of each finding
	}{
		{"selected", []change.ResourceChange{added(api), added(policy("u", "all", "shop", all))}, nil, nil},
		{"not selected", []change.ResourceChange{added(api), added(policy("u", "all", "shop", none))}, nil, []string{"new v1/Pod/shop/api u/pod.yaml:1"}},
		{"another namespace", []change.ResourceChange{added(api), added(policy("u", "all", "other", all))}, nil, []string{"new v1/Pod/shop/api u/pod.yaml:1"}},
		{"another unit", []change.ResourceChange{added(api), added(policy("v", "all", "shop", all))}, nil, []string{"new v1/Pod/shop/api u/pod.yaml:1"}},
		{"policy removed", []change.ResourceChange{unchanged(api), removed(policy("u", "all", "shop", all))}, nil, []string{"new v1/Pod/shop/api u/policy.yaml:1 on the base, from u/pod.yaml:1"}},
		{"policy narrowed", []change.ResourceChange{unchanged(api), modified(policy("u", "all", "shop", all), policy("u", "all", "shop", none))}, nil, []string{"new v1/Pod/shop/api u/policy.yaml:4, from u/pod.yaml:1"}},
		{"one of two changed policies", []change.ResourceChange{unchanged(api), modified(policy("u", "a", "shop", none), policy("u", "a", "shop", "{podSelector: {matchLabels: {a: c}}}")), modified(policy("u", "b", "shop", all), linkedManifest(t, "u/b.yaml", "u", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: b, namespace: shop}\nspec: "+none+"\n"))}, nil, []string{"new v1/Pod/shop/api u/b.yaml:4, from u/pod.yaml:1"}},
		{"both removed", []change.ResourceChange{unchanged(api), removed(policy("u", "a", "shop", none)), removed(policy("u", "b", "shop", all))}, nil, []string{"new v1/Pod/shop/api u/policy.yaml:1 on the base, from u/pod.yaml:1"}},
		{"policy removed, pod modified", []change.ResourceChange{modified(pod("u", "api", "shop"), linkedManifest(t, "u/pod.yaml", "u", "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop}\nspec: {hostname: a}\n")), removed(policy("u", "all", "shop", all))}, nil, []string{"new v1/Pod/shop/api u/policy.yaml:1 on the base, from u/pod.yaml:1"}},
		{"policy added", []change.ResourceChange{unchanged(api), added(policy("u", "all", "shop", all))}, nil, []string{"fixed v1/Pod/shop/api u/pod.yaml:1"}},
		{"another policy stays", []change.ResourceChange{unchanged(api), unchanged(policy("u", "stays", "shop", all)), removed(policy("u", "all", "shop", all))}, nil, nil},
		{"never selected", []change.ResourceChange{unchanged(api), removed(policy("u", "all", "shop", none))}, nil, nil},
		{"removed elsewhere", []change.ResourceChange{unchanged(api), unchanged(policy("u", "stays", "shop", all)), removed(policy("v", "all", "shop", all))}, nil, nil},
		{"unit not whole", []change.ResourceChange{added(api)}, map[string]bool{"u": true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Evaluate(context.Background(), Options{Rules: active(t, resource.Kubernetes, unprotected()), Partial: tt.partial}, tt.changes)
			var show []string
			for _, f := range got.Findings {
				s := string(f.State) + " " + f.Resource.ID + " " + cutRange(f)
				show = append(show, s)
			}
			if !slices.Equal(show, tt.want) {
				t.Errorf("got %q", show)
			}
			if said := len(got.Diagnostics) == 1 && strings.Contains(got.Diagnostics[0].Message, "not read whole"); said != (tt.partial != nil) {
				t.Errorf("diagnostics %v", got.Diagnostics)
			}
		})
	}
	// Resources beside the changes count, and a fix is proven with them.
	got := Evaluate(context.Background(), Options{Rules: active(t, resource.Kubernetes, unprotected()), Beside: []*resource.Resource{policy("u", "all", "shop", all)}}, []change.ResourceChange{added(api)})
	if len(got.Findings) != 0 {
		t.Errorf("got %v", lines(got.Findings))
	}
}

// TestLinkedBefore finds what lost its policy, and only that.
func TestLinkedBefore(t *testing.T) {
	lost := rule.Rule{ID: "k8s/lost", Checks: []rule.Check{{
		Kinds: []string{"Pod"}, Links: []string{"NetworkPolicy"},
		Fail:    `linked_before("NetworkPolicy").size() > 0 && linked("NetworkPolicy").size() == 0`,
		Message: "{{ resource.name }} lost its policy",
	}}}
	pod := linkedManifest(t, "u/pod.yaml", "u", "apiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop}\nspec: {}\n")
	policy := linkedManifest(t, "u/policy.yaml", "u", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\nspec: {podSelector: {}}\n")
	stays := change.ResourceChange{Kind: change.Unchanged, Before: pod, After: pod}
	for _, tt := range []struct {
		name    string
		changes []change.ResourceChange
		want    int
	}{
		{"removed", []change.ResourceChange{stays, {Kind: change.Removed, Before: policy}}, 1},
		{"never there", []change.ResourceChange{stays}, 0},
		{"a scan without any", []change.ResourceChange{added(pod)}, 0},
		{"still there", []change.ResourceChange{stays, {Kind: change.Unchanged, Before: policy, After: policy}}, 0},
		{"both added", []change.ResourceChange{added(pod), added(policy)}, 0},
	} {
		got := Evaluate(context.Background(), Options{Rules: active(t, resource.Kubernetes, lost)}, tt.changes)
		if len(got.Findings) != tt.want {
			t.Errorf("%s: %v", tt.name, lines(got.Findings))
		}
	}
}

func cutRange(f Finding) string {
	s := fmt.Sprintf("%s:%d", f.Range.File, f.Range.Start.Line)
	if f.OnBase {
		s += " on the base"
	}
	if f.Cause != nil {
		s += fmt.Sprintf(", from %s:%d", f.Origins[0].File, f.Origins[0].Start.Line)
	}
	return s
}
