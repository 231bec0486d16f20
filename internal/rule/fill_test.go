package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const fillRule = `id: k8s/fill
title: Fills
severity: low
theme: namespaces
why: It fills.
remediation: Fill.
checks:
  - platform: kubernetes
    fail: "true"
    message: m
    write: |
      name: {{ object.name }}
      labels: {{ object.?labels }}
    fix: {set: {to: "{{ object.name }}", fixed: "as it is"}}
`

func TestFill(t *testing.T) {
	r, ds := Parse("rule.yaml", []byte(fillRule))
	if len(ds) > 0 || len(r.Check()) > 0 {
		t.Fatal(ds, r.Check())
	}
	p, err := r.Program(0)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Checks[0].Fix.Open() {
		t.Error("the fix does not say that it is to be filled in")
	}
	name := func(s string, labels *resource.Node) *resource.Node {
		n := labelMap("name", s)
		if labels != nil {
			n.Fields = append(n.Fields, resource.Field{Name: "labels", Node: labels})
		}
		return n
	}
	tests := []struct {
		name   string
		object *resource.Node
		to     any
		write  string
	}{
		{"plain", name("api", labelMap("app", "api")), "api", "name: api\nlabels: {app: api}"},
		{"text that YAML takes for something else", name("true", labelMap("app", "1")), "true", "name: \"true\"\nlabels: {app: \"1\"}"},
		{"a line break", name("a\nb", labelMap("a", "b")), "a\nb", "name: \"a\\nb\"\nlabels: {a: b}"},
		{"a fence", name("a```b", labelMap("a", "b")), "a```b", ""},
		{"nothing to fill in", name("api", nil), "api", ""},
		{"unknown", name("?", labelMap("a", "b")), nil, ""},
	}
	for _, tt := range tests {
		spec, write, err := p.Fill(&Input{It: tt.object, Object: tt.object})
		if err != nil {
			t.Fatal(err)
		}
		if write != tt.write {
			t.Errorf("%s: wrote %q", tt.name, write)
		}
		switch {
		case tt.to == nil:
			if spec != nil {
				t.Errorf("%s: there is a fix: %+v", tt.name, spec)
			}
		case spec == nil || spec.Set[0].Value != tt.to || spec.Set[1].Value != "as it is":
			t.Errorf("%s: the fix is %+v", tt.name, spec)
		}
	}
	if r.Checks[0].Fix.Set[0].Value != "{{ object.name }}" {
		t.Error("the rule itself was changed")
	}
}

func TestFillRefusesHalfExpressions(t *testing.T) {
	for _, bad := range []string{`"a-{{ object.name }}"`, `"{{ object.name"`, `"{{ nonsense( }}"`} {
		r, ds := Parse("rule.yaml", []byte(strings.Replace(fillRule, `"{{ object.name }}"`, bad, 1)))
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		if len(r.Check()) == 0 {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestFillGivesPathsToDelete(t *testing.T) {
	r, ds := Parse("rule.yaml", []byte(strings.Replace(fillRule, `fix: {set: {to: "{{ object.name }}", fixed: "as it is"}}`,
		`fix: {delete: ["{{ object.name }}", "list[1]"]}`, 1)))
	if len(ds) > 0 || len(r.Check()) > 0 {
		t.Fatal(ds, r.Check())
	}
	if !r.Checks[0].Fix.Open() {
		t.Error("the fix does not say that it is to be filled in")
	}
	p, err := r.Program(0)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"env[2]": {"env[2]", "list[1]"},
		"env[":   nil, // no path
		"":       nil, // would be the item itself
		"?":      nil, // unknown
	} {
		object := labelMap("name", name)
		spec, _, err := p.Fill(&Input{It: object, Object: object})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			if spec != nil {
				t.Errorf("%q: there is a fix: %+v", name, spec)
			}
		} else if spec == nil || !slices.Equal(spec.Delete, want) {
			t.Errorf("%q: the fix is %+v", name, spec)
		}
	}
	if r.Checks[0].Fix.Delete[0] != "{{ object.name }}" {
		t.Error("the rule itself was changed")
	}
}

func TestFillGivesListsAndMaps(t *testing.T) {
	for value, want := range map[string]string{
		`"{{ [object.name].map(n, {\"name\": n, \"value\": 3}) }}"`: "[map[name:api value:3]]",
		`"{{ {\"a\": [1, 1.5, object.name]} }}"`:                    "map[a:[1 1.5 api]]",
		`"{{ [object.name, object.missing] }}"`:                     "",
	} {
		r, ds := Parse("rule.yaml", []byte(strings.Replace(fillRule, `"{{ object.name }}"`, value, 1)))
		if len(ds) > 0 || len(r.Check()) > 0 {
			t.Fatal(value, ds, r.Check())
		}
		p, err := r.Program(0)
		if err != nil {
			t.Fatal(err)
		}
		object := labelMap("name", "api")
		spec, _, err := p.Fill(&Input{It: object, Object: object})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if spec != nil {
			got = fmt.Sprint(spec.Set[0].Value)
		}
		if got != want {
			t.Errorf("%s gives %s", value, got)
		}
		unknown := labelMap("name", "?")
		if spec, _, _ := p.Fill(&Input{It: unknown, Object: unknown}); spec != nil {
			t.Errorf("%s: what is not known is filled in: %+v", value, spec)
		}
	}
}
