package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// deployment writes a Deployment with the given containers, each "name" or
// "name!" for a privileged one.
func deployment(containers ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n")
	for _, c := range containers {
		name, bad := strings.CutSuffix(c, "!")
		fmt.Fprintf(&b, "      - name: %s\n        image: registry.example.com/%s:1.0\n        tty: true\n        securityContext:\n          privileged: %t\n", name, name, bad)
	}
	return b.String()
}

func TestStates(t *testing.T) {
	read := func(src string) *resource.Resource {
		if src == "" {
			return nil
		}
		return manifest(t, "k8s/api.yaml", 1, src)
	}
	const c = "spec.template.spec.containers"
	at := func(i int) string { return fmt.Sprintf("%s[%d].securityContext.privileged@%d", c, i, 14+5*i) }
	tests := []struct {
		name       string
		base, head string
		want       []string
	}{
		{"added", "", deployment("a!"), []string{"new " + at(0)}},
		{"removed", deployment("a!"), "", []string{"fixed " + at(0)}},
		{"becomes privileged", deployment("a"), deployment("a!"), []string{"new " + at(0)}},
		{"fixed", deployment("a!"), deployment("a"), []string{"fixed " + at(0)}},
		{"stays", deployment("a!"), deployment("a!", "b"), []string{"existing " + at(0)}},
		{"inserted before", deployment("a!"), deployment("b", "a!"), []string{"existing " + at(1)}},
		{"inserted bad before", deployment("a!"), deployment("b!", "a!"), []string{"new " + at(0), "existing " + at(1)}},
		{"reordered", deployment("a!", "b!"), deployment("b!", "a!"), []string{"existing " + at(0), "existing " + at(1)}},
		{"renamed", deployment("a!"), strings.Replace(deployment("a!"), "name: a\n", "name: b\n", 1), []string{"existing " + at(0)}},
		{"one mended, the other spoilt", deployment("a!", "b"), deployment("a", "b!"), []string{"fixed " + at(0), "new " + at(1)}},
		{"clean", deployment("a"), deployment("b"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch := change.ResourceChange{Kind: change.Modified, Before: read(tt.base), After: read(tt.head)}
			got := lines(evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged())}, ch).Findings)
			for i := range got {
				got[i] = strings.Replace(got[i], "k8s/privileged-container ", "", 1)
			}
			if diff := cmp.Diff(tt.want, got); len(tt.want)+len(got) > 0 && diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("unchanged", func(t *testing.T) {
		r := read(deployment("a!"))
		ch := change.ResourceChange{Kind: change.Unchanged, Before: r, After: r}
		if got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged())}, ch); len(got.Findings) > 0 {
			t.Errorf("got %v", lines(got.Findings))
		}
	})
}

func TestStatesOfUnnamedItems(t *testing.T) {
	role := func(rules ...string) *resource.Resource {
		src := "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: r\nrules:\n"
		for _, r := range rules {
			src += "- {resources: [" + r + "], verbs: ['*']}\n"
		}
		return manifest(t, "k8s/role.yaml", 1, src)
	}
	rules := active(t, resource.Kubernetes, rule.Rule{ID: "k8s/wildcard-verbs", Checks: []rule.Check{{
		Kinds: []string{"rbac.authorization.k8s.io/Role"}, Each: "rbac-rules", Fail: `"*" in lst(it.?verbs)`, At: "verbs", Message: "all verbs",
	}}})
	got := lines(evaluate(t, Options{Rules: rules}, modified(role("pods", "secrets"), role("nodes", "secrets", "pods"))).Findings)
	want := []string{
		"new k8s/wildcard-verbs rules[0].verbs@6",
		"existing k8s/wildcard-verbs rules[1].verbs@7",
		"existing k8s/wildcard-verbs rules[2].verbs@8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownIsNoFinding(t *testing.T) {
	src := strings.Replace(deployment("a!"), "privileged: true", "privileged: UNKNOWN var.privileged", 1)
	head := manifest(t, "k8s/api.yaml", 1, src)
	got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged())}, added(head))
	if len(got.Findings) > 0 || len(got.Unknown) != 1 {
		t.Fatalf("got %v, %v", lines(got.Findings), got.Unknown)
	}
	u := got.Unknown[0]
	if u.Why != "var.privileged" || u.Range.Start.Line != 14 || u.Path.String() != "spec.template.spec.containers[0].securityContext.privileged" {
		t.Errorf("got %+v", u)
	}
	// What could not be decided in the base does not make the head's finding old.
	bad := manifest(t, "k8s/api.yaml", 1, deployment("a!"))
	if got := lines(evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged())}, modified(head, bad)).Findings); len(got) != 1 || !strings.HasPrefix(got[0], "new ") {
		t.Errorf("got %v", got)
	}
	// What the base could not decide is no news.
	if got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged())}, modified(head, manifest(t, "k8s/api.yaml", 1, deployment("a")))); len(got.Unknown) > 0 {
		t.Errorf("got %v", got.Unknown)
	}
}

func TestFingerprint(t *testing.T) {
	rules := active(t, resource.Kubernetes, privileged(), noLimits())
	prints := func(file string, line int, src string) map[string]string {
		out := map[string]string{}
		for _, f := range evaluate(t, Options{Rules: rules}, added(manifest(t, file, line, src))).Findings {
			if len(f.Fingerprint) != 32 || strings.Trim(f.Fingerprint, "0123456789abcdef") != "" {
				t.Errorf("%q is not 32 hexadecimal digits", f.Fingerprint)
			}
			out[f.Fingerprint] = f.Message
		}
		return out
	}
	want := prints("k8s/api.yaml", 1, deployment("a!", "b!"))
	if len(want) != 4 {
		t.Fatalf("findings share fingerprints: %v", want)
	}
	for name, got := range map[string]map[string]string{
		"lines":     prints("k8s/api.yaml", 40, deployment("a!", "b!")),
		"file":      prints("k8s/moved.yaml", 1, deployment("a!", "b!")),
		"order":     prints("k8s/api.yaml", 1, deployment("b!", "a!")),
		"insertion": prints("k8s/api.yaml", 1, deployment("a!", "b!")+"      - {name: c, resources: {limits: {cpu: 1}}}\n"),
	} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	other := prints("k8s/api.yaml", 1, strings.Replace(deployment("a!", "b!"), "name: api", "name: web", 1))
	for p := range other {
		if _, same := want[p]; same {
			t.Errorf("another resource has the fingerprint %s", p)
		}
	}
	res := &resource.Resource{Unit: "u", ID: "x"}
	a, b := newFingerprints(res), newFingerprints(res)
	if a.next("r/a", "b", "f") == b.next("r/ab", "", "f") || a.next("r/x", "p", "f") == a.next("r/x", "p", "f") {
		t.Error("different findings share a fingerprint")
	}
}

func TestPlaces(t *testing.T) {
	src := `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
      - name: bare
        image: a
      - name: half
        securityContext:
          runAsUser: 0
      - name: list
        securityContext:
          capabilities:
            add:
            - SYS_ADMIN
            - NET_ADMIN
`
	check := func(each, fail, at string) rule.Rule {
		return rule.Rule{ID: "k8s/x", Checks: []rule.Check{{Each: each, Fail: fail, At: at, Message: "m"}}}
	}
	tests := []struct {
		name string
		rule rule.Rule
		want string // text of the range
		line int
	}{
		{"setting", check("containers", `it.?securityContext.?runAsUser.orValue(1) == 0`, "securityContext.runAsUser"), "runAsUser: 0", 12},
		{"parent", check("containers", `has(it.securityContext.runAsUser)`, "securityContext.privileged"), "securityContext", 11},
		{"item", check("containers", `it.name == "bare"`, "securityContext.privileged"), "name: bare", 8},
		{"item without at", check("containers", `it.name == "bare"`, ""), "name: bare", 8},
		{"long value", check("containers", `it.name == "list"`, "securityContext.capabilities.add"), "add", 16},
		{"list item", check("containers", `it.name == "list"`, "securityContext.capabilities.add[1]"), "NET_ADMIN", 18},
		{"past the list", check("containers", `it.name == "list"`, "securityContext.capabilities.add[5]"), "add", 16},
		{"pod", check("pods", `!has(it.hostNetwork)`, "hostNetwork"), "spec", 6},
		{"root", check("", `true`, "status"), "apiVersion: apps/v1", 1},
		{"path", check("spec.template.spec.containers[*].securityContext", `has(it.capabilities)`, "capabilities"), "capabilities", 15},
	}
	res := manifest(t, "a.yaml", 1, src)
	file := source.NewFile("a.yaml", []byte(src))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fs := evaluate(t, Options{Rules: active(t, resource.Kubernetes, tt.rule)}, added(res)).Findings
			if len(fs) != 1 {
				t.Fatalf("got %v", lines(fs))
			}
			if got := file.Text(fs[0].Range); got != tt.want || fs[0].Range.Start.Line != tt.line {
				t.Errorf("got %q at line %d", got, fs[0].Range.Start.Line)
			}
		})
	}
}

func TestManyItems(t *testing.T) {
	many := func(n int) *resource.Resource {
		res := manifest(t, "k8s/p.yaml", 1, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"+strings.Repeat("  - {image: a}\n", n))
		return res
	}
	rules := active(t, resource.Kubernetes, noLimits(), privileged())
	got := evaluate(t, Options{Rules: rules}, modified(many(maxViolations-1), many(maxViolations+1)))
	if len(got.Findings) != maxViolations || len(got.Unknown) != 1 || !strings.Contains(got.Unknown[0].Why, "after 200 violations") {
		t.Errorf("got %d findings, %v", len(got.Findings), got.Unknown)
	}
	got = evaluate(t, Options{Rules: rules[1:]}, added(many(maxItems+1)))
	if len(got.Findings) > 0 || len(got.Unknown) != 1 || !strings.Contains(got.Unknown[0].Why, "more than 5000 items") {
		t.Errorf("got %d findings, %v", len(got.Findings), got.Unknown)
	}
}

func TestPlaceOfABracketAlone(t *testing.T) {
	src := "{\n  \"spec\": {\"containers\": [\n    {\n      \"name\": \"a\"\n    }\n  ]}\n}\n"
	res := manifest(t, "a.json", 1, src)
	res.Kind = "Pod"
	fs := evaluate(t, Options{Rules: active(t, resource.Kubernetes, noLimits())}, added(res)).Findings
	if len(fs) != 1 || fs[0].Range.Start.Line != 3 || source.NewFile("a.json", []byte(src)).Text(fs[0].Range) != "{" {
		t.Errorf("got %v", fs)
	}
}

func TestOrderAndWorkers(t *testing.T) {
	var changes []change.ResourceChange
	for i := range 40 {
		src := strings.Replace(deployment("a!", "b"), "name: api", fmt.Sprintf("name: api%02d", i%7), 1)
		changes = append(changes, added(manifest(t, fmt.Sprintf("k8s/%02d.yaml", 40-i), 1+i, src)))
	}
	opt := Options{Rules: active(t, resource.Kubernetes, noLimits(), privileged()), Workers: 1}
	want := evaluate(t, opt, changes...)
	if len(want.Findings) != 120 {
		t.Fatalf("got %d findings", len(want.Findings))
	}
	for i := 1; i < len(want.Findings); i++ {
		if compareFindings(want.Findings[i-1], want.Findings[i]) > 0 {
			t.Fatalf("finding %d is out of order", i)
		}
	}
	opt.Workers = 8
	got := evaluate(t, opt, changes...)
	if diff := cmp.Diff(lines(want.Findings), lines(got.Findings)); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := Evaluate(ctx, opt, changes); len(got.Findings) > 0 || len(got.Diagnostics) != 1 || got.Diagnostics[0].Level != source.LevelError {
		t.Errorf("stopped: got %d findings, %v", len(got.Findings), got.Diagnostics)
	}
}

func TestBrokenRuleIsNamedOnce(t *testing.T) {
	bad := &rule.Rule{ID: "k8s/bad", File: "bad.yaml", Severity: rule.Low, Checks: []rule.Check{{Platform: resource.Kubernetes, Fail: "it.", Message: "m", Line: 7}}}
	rules := append(active(t, resource.Kubernetes, privileged()), rule.Active{Rule: bad, Severity: rule.Low})
	res := manifest(t, "k8s/api.yaml", 1, deployment("a!"))
	got := evaluate(t, Options{Rules: rules}, added(res), added(res))
	if len(got.Findings) != 2 || len(got.Diagnostics) != 1 || got.Diagnostics[0].NotEvaluated != "k8s/bad" || got.Diagnostics[0].Line != 7 {
		t.Errorf("got %v, %v", lines(got.Findings), got.Diagnostics)
	}
	// A violation counts even where its message cannot be made.
	mute := privileged()
	rules = []rule.Active{{Rule: &rule.Rule{ID: mute.ID, Title: "Container runs privileged", Checks: mute.Checks}, Severity: rule.Low}}
	rules[0].Rule.Checks[0].Platform, rules[0].Rule.Checks[0].Message = resource.Kubernetes, "{{ it."
	got = evaluate(t, Options{Rules: rules}, added(res))
	if len(got.Findings) != 1 || got.Findings[0].Message != "Container runs privileged" || len(got.Diagnostics) != 1 {
		t.Errorf("got %v, %v", got.Findings, got.Diagnostics)
	}
}

func TestSelections(t *testing.T) {
	cron := `apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers: [{name: i}]
          containers: [{name: m}]
          ephemeralContainers: [{name: e}]
          volumes: [{name: v}]
          hostPID: true
`
	role := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\nrules: [{verbs: [get]}, {verbs: [list]}]\n"
	binding := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: [{kind: Group, name: g}]\n"
	docker := "stages: [{name: build, final: false, instructions: [{name: RUN}, {name: ADD}]}, {final: true, instructions: [{name: USER}]}]\n"
	tests := []struct {
		src, platform, each, show string
		want                      []string
	}{
		{cron, resource.Kubernetes, "containers", `group + "/" + it.name + (pod.hostPID ? "+" : "")`, []string{"containers/m+", "ephemeralContainers/e+", "initContainers/i+"}},
		{cron, resource.Kubernetes, "main-containers", `it.name`, []string{"m"}},
		{cron, resource.Kubernetes, "init-containers", `it.name`, []string{"i"}},
		{cron, resource.Kubernetes, "volumes", `it.name`, []string{"v"}},
		{cron, resource.Kubernetes, "pods", `it.hostPID`, []string{"true"}},
		{cron, resource.Kubernetes, "", `pod.hostPID`, []string{"true"}},
		{cron, resource.Kubernetes, "rbac-rules", `it`, []string{}},
		{role, resource.Kubernetes, "rbac-rules", `it.verbs[0]`, []string{"get", "list"}},
		{binding, resource.Kubernetes, "subjects", `it.name`, []string{"g"}},
		{docker, resource.Dockerfile, "stages", `it.instructions.size()`, []string{"1", "2"}},
		{docker, resource.Dockerfile, "final-stage", `it.instructions[0].name`, []string{"USER"}},
		{docker, resource.Dockerfile, "instructions", `it.name`, []string{"ADD", "RUN", "USER"}},
		{docker, resource.Dockerfile, "stages[*].instructions[*]", `it.name`, []string{"ADD", "RUN", "USER"}},
	}
	for _, tt := range tests {
		t.Run(tt.platform+" "+tt.each, func(t *testing.T) {
			res := manifest(t, "f", 1, tt.src)
			res.Platform = tt.platform
			rules := active(t, tt.platform, rule.Rule{ID: "k8s/x", Checks: []rule.Check{{Each: tt.each, Fail: "true", Message: "{{ " + tt.show + " }}"}}})
			got := []string{}
			for _, f := range evaluate(t, Options{Rules: rules}, added(res)).Findings {
				got = append(got, f.Message)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSelectionTablesAgree(t *testing.T) {
	for _, p := range rule.Platforms() {
		for name := range rule.Selections(p) {
			if selections[p][name] == nil {
				t.Errorf("%s promises the selection %s, which the engine has not", p, name)
			}
		}
		if len(rule.Selections(p)) != len(selections[p]) {
			t.Errorf("%s: the engine has selections that rules cannot name", p)
		}
	}
}

// TestOver holds that a rule that takes findings of another over speaks alone, and
// that nothing is new or mended for that reason.
func TestOver(t *testing.T) {
	role := func(verbs string) *resource.Resource {
		return manifest(t, "k8s/role.yaml", 1, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: r\nrules:\n- {resources: [pods], verbs: ["+verbs+"]}\n")
	}
	check := func(fail, at string) []rule.Check {
		return []rule.Check{{Kinds: []string{"rbac.authorization.k8s.io/Role"}, Each: "rbac-rules", Fail: fail, At: at, Message: "a verb"}}
	}
	rules := func(graver, lesser rule.Severity, at string) []rule.Active {
		return active(t, resource.Kubernetes,
			rule.Rule{ID: "k8s/graver", Severity: graver, Over: []string{"k8s/lesser"}, Checks: check(`"escalate" in it.verbs`, "verbs")},
			rule.Rule{ID: "k8s/lesser", Severity: lesser, Checks: check(`"list" in it.verbs`, at)})
	}
	const graver, lesser = "k8s/graver rules[0].verbs@6", "k8s/lesser rules[0].verbs@6"
	for name, c := range map[string]struct {
		rules      []rule.Active
		base, head string // "" for none
		want       []string
	}{
		"both":                      {rules(rule.High, rule.High, "verbs"), "", "escalate, list", []string{"new " + graver}},
		"the other alone":           {rules(rule.High, rule.High, "verbs"), "", "list", []string{"new " + lesser}},
		"of an item within":         {rules(rule.High, rule.Low, "verbs[0]"), "", "list, escalate", []string{"new " + graver}},
		"at another setting":        {rules(rule.High, rule.Low, "resources"), "", "list, escalate", []string{"new " + graver, "new k8s/lesser rules[0].resources@6"}},
		"less grave":                {rules(rule.Low, rule.High, "verbs"), "", "escalate, list", []string{"new " + lesser, "new " + graver}},
		"the graver one is mended":  {rules(rule.High, rule.High, "verbs"), "escalate, list", "list", []string{"fixed " + graver, "existing " + lesser}},
		"the graver one comes":      {rules(rule.High, rule.High, "verbs"), "list", "escalate, list", []string{"new " + graver}},
		"the other one is mended":   {rules(rule.High, rule.High, "verbs"), "escalate, list", "escalate", []string{"existing " + graver}},
		"both are mended":           {rules(rule.High, rule.High, "verbs"), "escalate, list", "get", []string{"fixed " + graver}},
		"the graver one is not run": {rules(rule.High, rule.High, "verbs")[1:], "", "escalate, list", []string{"new " + lesser}},
	} {
		ch := added(role(c.head))
		if c.base != "" {
			ch = modified(role(c.base), role(c.head))
		}
		got := lines(evaluate(t, Options{Rules: c.rules}, ch).Findings)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
