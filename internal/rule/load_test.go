package rule

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const whole = `id: k8s/privileged-container
title: Container runs in privileged mode
severity: critical
theme: privileged-containers
why: A privileged container has every capability.
remediation: Remove privileged.
references: [https://example.com/a]
compliance: {pss: baseline, cis: ["5.2.2", 5.3], version: 1.10}
equivalents: {checkov: [CKV_K8S_16]}
covers: [K8S-POD-001]
checks:
  - platform: kubernetes
    kinds: Deployment
    each: containers
    fail: it.?securityContext.?privileged.orValue(false) == true
    at: securityContext.privileged
    message: 'container "{{ it.name }}" runs privileged'
    fix:
      title: Set privileged to false
      set: {securityContext.privileged: false, a: 3, b: 1.5, c: x, d: null, e: {z: 1, y: [2]}}
      delete: securityContext.other
      append: {securityContext.capabilities.drop: ALL}
      review: Check it.
examples:
  - file: a.yaml
    fail: |
      a: 1
    fixed: |
      a: 2
  - pass: |
      a: 3
`

func TestParseWhole(t *testing.T) {
	r, ds := Parse("a.yaml", []byte(whole))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	c := r.Checks[0]
	fix := c.Fix
	e, ok := fix.Set[5].Value.(*yaml.Node)
	if !ok || e.Content[0].Value != "z" || e.Content[2].Value != "y" {
		t.Errorf("a map is not kept as it is written: %v", fix.Set[5].Value)
	}
	fix.Set = fix.Set[:5]
	want := &FixSpec{
		Title:  "Set privileged to false",
		Set:    []Setting{{"securityContext.privileged", false}, {"a", int64(3)}, {"b", 1.5}, {"c", "x"}, {"d", nil}},
		Delete: []string{"securityContext.other"}, Append: []Setting{{"securityContext.capabilities.drop", "ALL"}}, Review: "Check it.",
	}
	if diff := cmp.Diff(want, fix); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"pss": {"baseline"}, "cis": {"5.2.2", "5.3"}, "version": {"1.10"}}, r.Compliance); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Deployment"}, c.Kinds); diff != "" || c.Line != 12 || r.Line != 1 || r.File != "a.yaml" || r.Profile != "default" {
		t.Errorf("kinds %v, check line %d, rule line %d", c.Kinds, c.Line, r.Line)
	}
	examples := []Example{
		{Platform: resource.Kubernetes, File: "a.yaml", Line: 25, Fail: "a: 1\n", Fixed: "a: 2\n"},
		{Platform: resource.Kubernetes, Line: 30, Pass: "a: 3\n"},
	}
	if diff := cmp.Diff(examples, r.Examples); diff != "" {
		t.Error(diff)
	}
	if !r.Fixable() || !cmp.Equal(r.Platforms(), []string{resource.Kubernetes}) || r.Severity != Critical {
		t.Errorf("fixable %t, platforms %v, severity %s", r.Fixable(), r.Platforms(), r.Severity)
	}
}

func TestParseMistakes(t *testing.T) {
	tests := []struct {
		name, old, new string
		want           string // "line: part of the message"
	}{
		{"misspelt key", "severity: critical", "severty: critical", `3: unknown key "severty" in a rule; did you mean "severity"?`},
		{"strange key", "covers: [K8S-POD-001]", "colour: red", `10: unknown key "colour" in a rule; use id, title`},
		{"key of a check", "    at: sec", "    att: sec", `16: unknown key "att" in a check; did you mean "at"?`},
		{"key of a fix", "      title: Set", "      tilte: Set", `19: unknown key "tilte" in a fix; did you mean "title"?`},
		{"key of an example", "  - pass: |", "  - pas: |", `30: unknown key "pas" in an example; did you mean "pass"?`},
		{"repeated key", "covers: [K8S-POD-001]", "id: k8s/x", `10: the key "id" is repeated`},
		{"no id", "id: k8s/privileged-container\n", "", `1: the rule has no id; add it`},
		{"bad id", "id: k8s/privileged-container", "id: K8s/Privileged", `1: "K8s/Privileged" is not an id; use <area>/<kebab-case-name>`},
		{"id without area", "id: k8s/privileged-container", "id: privileged", `1: "privileged" is not an id`},
		{"full stop", "privileged mode", "privileged mode.", `2: a title has no full stop`},
		{"empty title", "title: Container runs in privileged mode", "title: ''", `2: title is empty`},
		{"severity", "severity: critical", "severity: critcal", `3: unknown severity "critcal"; did you mean "critical"?`},
		{"strange severity", "severity: critical", "severity: fatal", `3: unknown severity "fatal"; use critical, high, medium or low`},
		{"theme", "theme: privileged-containers", "theme: privileged-container", `4: unknown theme "privileged-container"; did you mean "privileged-containers"?`},
		{"profile", "covers: [K8S-POD-001]", "profile: stric", `10: unknown profile "stric"; did you mean "strict"?`},
		{"platform", "platform: kubernetes", "platform: kuberntes", `12: unknown platform "kuberntes"; did you mean "kubernetes"?`},
		{"number for string", "title: Container runs in privileged mode", "title: 12", `2: title should be a string; put it in quotes`},
		{"reference", "https://example.com/a", "http://example.com/a", `7: "http://example.com/a" in references is not an https URL`},
		{"no fail", "    fail: it.?securityContext.?privileged.orValue(false) == true\n", "", `12: the check has no fail; add it`},
		{"no message", "    message: 'container \"{{ it.name }}\" runs privileged'\n", "", `12: the check has no message`},
		{"selection", "each: containers", "each: container", `14: kubernetes has no selection "container"; did you mean "containers"?`},
		{"path of each", "each: containers", "each: 'spec[x]'", `14: each: path "spec[x]": [x] is neither`},
		{"path of at", "at: securityContext.privileged", "at: 'a..b'", `16: at: path "a..b": a name is empty`},
		{"at for many", "at: securityContext.privileged", "at: 'a[*]'", `16: at: path "a[*]" leads to one place`},
		{"path of fix", "delete: securityContext.other", "delete: 'a[*]'", `21: path "a[*]" leads to one place`},
		{"fix of what is no item", "set: {securityContext.privileged: false,", "set: {.: false,", `20: path ".": a name is empty`},
		{"adding to an item", "append: {securityContext.capabilities.drop: ALL}", "append: {.: ALL}", `22: path ".": a name is empty`},
		{"checks", "checks:\n", "checks: 3\nx:\n", `11: checks should be a list`},
		{"alias", "covers: [K8S-POD-001]", "covers: &a [x]", `10: rule files have no anchors and aliases`},
		{"fixed without fail", "    fail: |\n      a: 1\n", "", `25: the example shows nothing`},
		{"platform of example", "  - pass: |", "  - platform: terraform\n    pass: |", `30: the rule has no check for terraform`},
		{"broken YAML", "title: ", "title: [", `did not find`},
		{"two documents", "id: k8s/privileged-container\n", "a: 1\n---\nid: k8s/privileged-container\n", `a rule file holds one document`},
		{"no mapping", whole, "- a\n", `1: a rule should be a mapping`},
		{"empty", whole, "", `the file is empty`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := strings.Replace(whole, tt.old, tt.new, 1)
			if src == whole {
				t.Fatal("the test changes nothing")
			}
			r, ds := Parse("a.yaml", []byte(src))
			if r != nil {
				t.Error("the rule counts all the same")
			}
			all := ""
			for _, d := range ds {
				all += d.String() + "\n"
			}
			if !strings.Contains(all, tt.want) {
				t.Errorf("got %swant %s", all, tt.want)
			}
		})
	}
}

func TestFixOfAnItemItself(t *testing.T) {
	src := strings.Replace(whole, "each: containers", "each: 'spec.args[*]'", 1)
	src = strings.Replace(src, "set: {securityContext.privileged: false,", "set: {.: false,", 1)
	r, ds := Parse("a.yaml", []byte(src))
	if r == nil || len(ds) > 0 {
		t.Fatal(ds)
	}
	if got := r.Checks[0].Fix.Set[0]; got.Path != "." || got.Value != false {
		t.Errorf("got %+v", got)
	}
}

func TestLoadKeepsTheOthers(t *testing.T) {
	other := strings.Replace(whole, "k8s/privileged-container", "k8s/other", 1)
	rules, ds := Load(fstest.MapFS{
		"b/first.yaml":  {Data: []byte(whole)},
		"c/again.yml":   {Data: []byte(whole)},
		"c/broken.yaml": {Data: []byte("id: [")},
		"c/large.yaml":  {Data: make([]byte, maxRuleFile+1)},
		"d/other.yaml":  {Data: []byte(other)},
		"d/readme.md":   {Data: []byte("not a rule")},
	})
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID+" "+r.File)
	}
	if diff := cmp.Diff([]string{"k8s/privileged-container b/first.yaml", "k8s/other d/other.yaml"}, ids); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, d := range ds {
		got = append(got, d.File)
	}
	if diff := cmp.Diff([]string{"c/again.yml", "c/broken.yaml", "c/large.yaml"}, got); diff != "" {
		t.Errorf("%s\n%v", diff, ds)
	}
	if !strings.Contains(ds[0].Message, "taken by b/first.yaml") || ds[0].Line != 1 {
		t.Errorf("got %s", ds[0])
	}
}

func TestCatalogue(t *testing.T) {
	mk := func(id, profile string, s Severity) *Rule {
		return &Rule{ID: id, Profile: profile, Severity: s, Checks: []Check{{Platform: resource.Kubernetes, Kinds: []string{"apps/Deployment", "Pod"}}}}
	}
	c, ds := New([]*Rule{
		mk("k8s/privileged-container", "default", Critical), mk("k8s/host-path", "default", High), mk("k8s/seccomp", "strict", Low),
		mk("k8s/probes", "reliability", Low), mk("k8s/labels", "style", Low), mk("k8s/host-path", "strict", Low),
	})
	if len(ds) != 1 || !strings.Contains(ds[0].Message, "k8s/host-path") {
		t.Errorf("got %v", ds)
	}
	yes, no := true, false
	tests := []struct {
		profiles  []string
		overrides map[string]Override
		want      string
	}{
		{nil, nil, "k8s/host-path=high k8s/privileged-container=critical"},
		{[]string{"strict"}, nil, "k8s/host-path=high k8s/privileged-container=critical k8s/seccomp=low"},
		{[]string{"default", "reliability"}, nil, "k8s/host-path=high k8s/privileged-container=critical k8s/probes=low"},
		{[]string{"style"}, map[string]Override{"k8s/host-path": {Enabled: &no}, "k8s/privileged-container": {Severity: Low}},
			"k8s/labels=low k8s/privileged-container=low"},
		{nil, map[string]Override{"k8s/seccomp": {Enabled: &yes, Severity: High}, "k8s/unheard-of": {Enabled: &yes}},
			"k8s/host-path=high k8s/privileged-container=critical k8s/seccomp=high"},
	}
	for _, tt := range tests {
		active, err := c.Select(tt.profiles, tt.overrides)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range active {
			got = append(got, a.Rule.ID+"="+string(a.Severity))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%v: got %s, want %s", tt.profiles, s, tt.want)
		}
	}
	if _, err := c.Select([]string{"strikt"}, nil); err == nil || !strings.Contains(err.Error(), `did you mean "strict"?`) {
		t.Errorf("got %v", err)
	}
	for id, want := range map[string]string{
		"k8s/privileged-containr": "k8s/privileged-container", "k8s/privileged": "k8s/privileged-container",
		"docker/host-path": "k8s/host-path", "secomp": "k8s/seccomp", "iam/wildcard-action": "", "": "",
	} {
		if ok, got := c.Known(id); ok || got != want {
			t.Errorf("%q: suggests %q, want %q", id, got, want)
		}
	}
	if ok, s := c.Known("k8s/probes"); !ok || s != "" {
		t.Error("a rule is not known")
	}
	if got := len(c.ForPlatform(resource.Kubernetes, "apps", "Deployment")); got != 5 {
		t.Errorf("got %d rules", got)
	}
	for _, k := range [][3]string{{"terraform", "apps", "Deployment"}, {"kubernetes", "extensions", "Deployment"}, {"kubernetes", "apps", "Pods"}} {
		if got := c.ForPlatform(k[0], k[1], k[2]); len(got) > 0 {
			t.Errorf("%v: got %d rules", k, len(got))
		}
	}
	if all := c.All(); len(all) != 5 || all[0].ID != "k8s/host-path" {
		t.Errorf("got %d rules", len(all))
	}
}

func TestPaths(t *testing.T) {
	root := tree(fields{
		"spec", fields{"rules", []any{
			fields{"paths", []any{"a", "b"}},
			fields{"paths", unknown("var.paths")},
			fields{"paths", partial(tree([]any{"c"}), "dynamic")},
			fields{"other", nil},
		}},
		"a.b/c", "quoted",
		"part", partial(tree(fields{"x", "1"}), "merge"),
	})
	tests := []struct{ path, found, unknown string }{
		{"", "", ""},
		{`["a.b/c"]`, `["a.b/c"]`, ""},
		{"spec.rules[*].paths[*]", "spec.rules[0].paths[0] spec.rules[0].paths[1] spec.rules[2].paths[0]", "spec.rules[1].paths spec.rules[2].paths"},
		{"spec.rules[1].paths", "spec.rules[1].paths", ""},
		{"spec.rules[2].paths[1]", "", "spec.rules[2].paths"},
		{"spec.rules[*].other", "", ""},
		{"spec.rules[9]", "", ""},
		{"spec[*]", "", ""},
		{"part.x", "part.x", ""},
		{"part.y", "", "part"},
	}
	for _, tt := range tests {
		sel, err := ParseSelector(tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		var found, unk []string
		sel.Select(root,
			func(p resource.Path, _ *resource.Node) { found = append(found, p.String()) },
			func(p resource.Path, _ *resource.Node) { unk = append(unk, p.String()) })
		if got := strings.Join(found, " "); got != tt.found {
			t.Errorf("%s: found %s", tt.path, got)
		}
		if got := strings.Join(unk, " "); got != tt.unknown {
			t.Errorf("%s: unknown %s", tt.path, got)
		}
	}
	for _, bad := range []string{".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[1]b", `a[""]`, `a["x"`, `["x]`, "a b", "a]", strings.Repeat("a.", 300) + "a", strings.Repeat("[*]", 100)} {
		if _, err := ParseSelector(bad); err == nil {
			t.Errorf("%q is taken for a path", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("id: &a [*a]\nchecks: [{platform: kubernetes, fail: it.a, message: m}]"))
	f.Add([]byte("checks:\n- {platform: terraform, each: 'a[*].b', fail: '{{', message: '{{ it', at: 'a[0][\"b\"]'}"))
	f.Add([]byte("? [a]\n: !!binary x\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, ds := Parse("a.yaml", data)
		if (r == nil) != (len(ds) > 0) {
			t.Fatalf("a rule and diagnostics, or neither: %v", ds)
		}
		for _, d := range ds {
			if d.File != "a.yaml" || d.Message == "" {
				t.Errorf("a diagnostic without a place or message: %+v", d)
			}
		}
		if r != nil {
			r.Check()
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a.b[0]", `metadata.annotations["a.b/c"]`, "a[*].b", "[1][2]", `["\u0000"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		again, err := ParsePath(p.String())
		if err != nil || p.String() != again.String() {
			t.Errorf("%q is written %q, which reads as %q (%v)", s, p, again, err)
		}
	})
}

// TestLoadForReview holds that leaving out the examples leaves everything else.
func TestLoadForReview(t *testing.T) {
	last := strings.TrimRight(whole, "\n") + "\n"
	first := strings.Replace(last, "id: k8s/privileged-container\n", "", 1) + "id: k8s/privileged-container\n"
	for name, tt := range map[string]struct {
		text     string
		examples bool
	}{"examples last": {last, false}, "another key behind them": {first, true}} {
		all, ds := LoadForReview(fstest.MapFS{"a.yaml": {Data: []byte(tt.text)}})
		if len(ds) > 0 || len(all) != 1 {
			t.Fatal(name, ds)
		}
		want, _ := Parse("a.yaml", []byte(tt.text))
		if got := all[0]; got.ID != want.ID || len(got.Checks) != len(want.Checks) || got.Remediation != want.Remediation || (len(got.Examples) > 0) != tt.examples {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
