package rule

import (
	"slices"
	"testing"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// labelMap makes a map node of strings; "?" is an unknown value.
func labelMap(kv ...string) *resource.Node {
	n := &resource.Node{Kind: resource.Map}
	for i := 0; i < len(kv); i += 2 {
		v := &resource.Node{Kind: resource.String, Value: kv[i+1]}
		if kv[i+1] == "?" {
			v = &resource.Node{Unknown: true}
		}
		n.Fields = append(n.Fields, resource.Field{Name: kv[i], Node: v})
	}
	return n
}

func withField(name string, v *resource.Node) *resource.Node {
	return &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: name, Node: v}}}
}

// expression is a selector with one item of matchExpressions.
func expression(key, op string, values ...string) *resource.Node {
	e := labelMap("key", key, "operator", op)
	list := &resource.Node{Kind: resource.List}
	for _, v := range values {
		list.Items = append(list.Items, labelMap("v", v).Fields[0].Node)
	}
	e.Fields = append(e.Fields, resource.Field{Name: "values", Node: list})
	return withField("matchExpressions", &resource.Node{Kind: resource.List, Items: []*resource.Node{e}})
}

func TestSelects(t *testing.T) {
	api := labelMap("app", "api", "tier", "back")
	partial := labelMap("app", "api")
	partial.Partial = true
	tests := []struct {
		name             string
		selector, labels *resource.Node
		want             string
	}{
		{"a Service's selector", labelMap("app", "api"), api, "true"},
		{"another value", labelMap("app", "web"), api, "false"},
		{"a label more", labelMap("app", "api", "zone", "a"), api, "false"},
		{"no selector", nil, api, "false"},
		{"an empty selector", labelMap(), api, "true"},
		{"an empty selector and no labels", labelMap(), nil, "true"},
		{"no labels", labelMap("app", "api"), nil, "false"},
		{"matchLabels", withField("matchLabels", labelMap("app", "api")), api, "true"},
		{"matchLabels of another", withField("matchLabels", labelMap("app", "web")), api, "false"},
		{"In", expression("app", "In", "web", "api"), api, "true"},
		{"In without", expression("app", "In", "web"), api, "false"},
		{"NotIn", expression("app", "NotIn", "web"), api, "true"},
		{"NotIn of a missing label", expression("zone", "NotIn", "a"), api, "true"},
		{"Exists", expression("tier", "Exists"), api, "true"},
		{"Exists of a missing label", expression("zone", "Exists"), api, "false"},
		{"DoesNotExist", expression("zone", "DoesNotExist"), api, "true"},
		{"an unknown label", labelMap("app", "api"), labelMap("app", "?"), "unknown"},
		{"an unknown label beside one that differs", labelMap("app", "api", "tier", "x"), labelMap("app", "?", "tier", "back"), "false"},
		{"an unknown requirement", labelMap("app", "?"), api, "unknown"},
		{"labels that may be more", labelMap("zone", "a"), partial, "unknown"},
		{"labels that may be more, one that differs", labelMap("app", "web"), partial, "false"},
		{"unknown labels", labelMap("app", "api"), &resource.Node{Unknown: true}, "unknown"},
		{"In with an unknown value", expression("app", "In", "?"), api, "unknown"},
		{"In with a known one that matches", expression("app", "In", "?", "api"), api, "true"},
	}
	for _, tt := range tests {
		if got := verdict(selects(wrap(tt.selector), wrap(tt.labels))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func verdict(v ref.Val) string {
	if types.IsUnknown(v) {
		return "unknown"
	}
	if v == types.True {
		return "true"
	}
	return "false"
}

func TestPodTemplate(t *testing.T) {
	spec := withField("containers", &resource.Node{Kind: resource.List})
	pod := withField("spec", spec)
	tests := []struct {
		name string
		in   *resource.Node
		want ref.Val
	}{
		{"a Pod", pod, mapVal{pod}},
		{"a Deployment", withField("spec", withField("template", pod)), mapVal{pod}},
		{"a Sandbox", withField("spec", withField("podTemplate", pod)), mapVal{pod}},
		{"a CronJob", withField("spec", withField("jobTemplate", withField("spec", withField("template", pod)))), mapVal{pod}},
		{"a Service", withField("spec", labelMap("type", "ClusterIP")), types.NullValue},
		{"nothing", nil, types.NullValue},
	}
	for _, tt := range tests {
		if got := podTemplate(wrap(tt.in)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestRoleRules(t *testing.T) {
	list := func(items ...*resource.Node) *resource.Node { return &resource.Node{Kind: resource.List, Items: items} }
	role := func(kind, name string, labels *resource.Node, rules *resource.Node, selectors ...*resource.Node) ref.Val {
		root := withField("metadata", withField("labels", labels))
		root.Fields = append(root.Fields, resource.Field{Name: "rules", Node: rules})
		if selectors != nil {
			root.Fields = append(root.Fields, resource.Field{Name: "aggregationRule", Node: withField("clusterRoleSelectors", list(selectors...))})
		}
		return neighbourVal{resourceVal{&resource.Resource{Kind: kind, Name: name, Root: root}}}
	}
	says := func(s string) *resource.Node { return list(labelMap("says", s)) }
	to := func(s string) *resource.Node { return withField("matchLabels", labelMap("to", s)) }
	roles := types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{
		role("ClusterRole", "plain", labelMap("to", "sum"), says("plain")),
		role("Role", "plain", labelMap("to", "sum"), says("namespaced")),
		role("ClusterRole", "other", labelMap("to", "elsewhere"), says("other")),
		role("ClusterRole", "sum", labelMap("to", "all"), says("overwritten"), to("sum")),
		role("ClusterRole", "all", labelMap("to", "all"), nil, to("all"), to("elsewhere")), // itself too
		role("ClusterRole", "unsure", labelMap("to", "?"), says("unsure")),
		role("ClusterRole", "extra", labelMap("rbac.authorization.k8s.io/aggregate-to-view", "true"), says("extra")),
	})
	tests := []struct {
		kind, name string
		want       []string
		more       bool
	}{
		{"ClusterRole", "plain", []string{"plain"}, false},
		{"Role", "plain", []string{"namespaced"}, false},
		{"ClusterRole", "missing", nil, false},
		{"ClusterRole", "sum", []string{"plain"}, true},
		{"ClusterRole", "all", []string{"other", "plain"}, true},
		{"ClusterRole", "view", []string{"extra"}, false},
		{"ClusterRole", "admin", []string{"extra"}, false},
		{"Role", "view", nil, false},
	}
	for _, tt := range tests {
		got, ok := roleRules(wrap(labelMap("kind", tt.kind, "name", tt.name)), roles).(listVal)
		if !ok {
			t.Fatalf("%s %s: no list", tt.kind, tt.name)
		}
		var said []string
		for _, r := range got.n.Items {
			said = append(said, r.Get("says").Str())
		}
		if !slices.Equal(said, tt.want) || got.n.Partial != tt.more {
			t.Errorf("%s %s: %q, more %v; want %q, more %v", tt.kind, tt.name, said, got.n.Partial, tt.want, tt.more)
		}
	}
	if got := roleRules(wrap(labelMap("kind", "Role", "name", "?")), roles); !types.IsUnknown(got) {
		t.Errorf("an unknown name gave %v", got)
	}
}
