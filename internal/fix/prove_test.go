package fix_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const (
	privileged = `checks:
  - platform: kubernetes
    each: containers
    fail: it.?securityContext.?privileged.orValue(true) != false
    at: securityContext.privileged
    message: privileged
    fix: {set: {securityContext.privileged: false}, review: Check devices.}
`
	escalation = `checks:
  - platform: kubernetes
    each: containers
    fail: it.?securityContext.?allowPrivilegeEscalation.orValue(true) != false
    at: securityContext.allowPrivilegeEscalation
    message: escalation
    fix: {title: Forbid escalation, set: {securityContext.allowPrivilegeEscalation: false}}
`
	// useless sets something that does not clear its finding.
	useless = `checks:
  - platform: kubernetes
    each: containers
    fail: it.?tty.orValue(true) != false
    at: tty
    message: tty
    fix: {set: {stdin: false}}
`
	// jealous is violated by what the fix of privileged writes.
	jealous = `checks:
  - platform: kubernetes
    each: containers
    fail: it.securityContext.privileged == false
    message: jealous
`
	pod = `apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  containers:
    - name: one
      image: x
    - name: two
      image: y
      securityContext:
        privileged: true # why
`
)

func newWorld(t *testing.T, rules map[string]string, text string) (*world, []engine.Finding) {
	t.Helper()
	w := &world{files: map[string]string{"pod.yaml": text}}
	for id, r := range rules {
		w.rules = append(w.rules, mustRule(t, id, r))
	}
	found, err := w.Evaluate(t.Context(), "kubernetes:.", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.runs = 0
	return w, found.Findings
}

func one(t *testing.T, found []engine.Finding, id, container string) engine.Finding {
	t.Helper()
	for _, f := range found {
		item, _ := f.Item.At(f.Resource.Root)
		if f.Rule.ID == id && item.Get("name").Str() == container {
			return f
		}
	}
	t.Fatalf("no finding of %s on %s", id, container)
	return engine.Finding{}
}

func TestProve(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/useless": useless}, pod)
	f := one(t, found, "test/privileged", "two")
	edits, err := fix.Propose(f, w.file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fix.Prove(t.Context(), w, f, found, edits, w.file)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Verified || got.Title != "Set privileged to false" || got.Review != "Check devices." || len(got.Edits) != 1 {
		t.Errorf("got %+v", got)
	}

	f = one(t, found, "test/useless", "two")
	if edits, err = fix.Propose(f, w.file); err != nil {
		t.Fatal(err)
	}
	if _, err = fix.Prove(t.Context(), w, f, found, edits, w.file); !errors.Is(err, fix.ErrUnproven) || !strings.Contains(err.Error(), "still there") {
		t.Errorf("a fix that clears nothing gives %v", err)
	}
	if _, err = fix.Prove(t.Context(), w, f, found, nil, w.file); !errors.Is(err, fix.ErrUnproven) {
		t.Errorf("no edit gives %v", err)
	}
}

func TestProveRefusesWhatBringsAnotherFinding(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/jealous": jealous}, pod)
	f := one(t, found, "test/privileged", "two")
	edits, err := fix.Propose(f, w.file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = fix.Prove(t.Context(), w, f, found, edits, w.file); !errors.Is(err, fix.ErrUnproven) || !strings.Contains(err.Error(), "would bring test/jealous") {
		t.Errorf("got %v", err)
	}
}

// TestProveTakesWhatAGraverFindingHid holds that rules may yield to the gravest
// that can be said of a setting, and that its fix is proven all the same.
func TestProveKeepsFindingsUnderANewAPIVersion(t *testing.T) {
	const (
		removed = `checks:
  - platform: kubernetes
    fail: resource.apiVersion == "batch/v1beta1"
    at: apiVersion
    message: removed
    fix: {set: {apiVersion: batch/v1}}
`
		// onlyNew speaks of the new version alone.
		onlyNew = `checks:
  - platform: kubernetes
    fail: resource.apiVersion == "batch/v1"
    message: new
`
		onlyMoved = `checks:
  - platform: kubernetes
    fail: resource.apiVersion in ["batch/v1beta1", "batch/v2"]
    at: apiVersion
    message: removed
    fix: {set: {apiVersion: batch/v2}}
`
		job = "apiVersion: batch/v1beta1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: one, image: x}]}}}\n"
	)
	for name, tt := range map[string]struct {
		rules map[string]string
		want  string // of the refusal
	}{
		"other findings stay":         {rules: map[string]string{"test/removed": removed, "test/privileged": privileged}},
		"one of the new version":      {rules: map[string]string{"test/removed": removed, "test/new": onlyNew}, want: "would bring test/new"},
		"the finding comes back":      {rules: map[string]string{"test/removed": onlyMoved}, want: "would bring test/removed"},
		"it stays beside another one": {rules: map[string]string{"test/removed": onlyMoved, "test/privileged": privileged}, want: "would bring test/removed"},
	} {
		t.Run(name, func(t *testing.T) {
			w, found := newWorld(t, tt.rules, job)
			for _, f := range found {
				if f.Rule.ID != "test/removed" {
					continue
				}
				edits, err := fix.Propose(f, w.file)
				if err != nil {
					t.Fatal(err)
				}
				_, err = fix.Prove(t.Context(), w, f, found, edits, w.file)
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			t.Fatal("nothing to mend")
		})
	}
}

func TestProveTakesWhatAGraverFindingHid(t *testing.T) {
	rest := strings.Replace(jealous, "    message: jealous", "    at: securityContext.privileged\n    message: rest", 1)
	for _, tt := range []struct {
		severity rule.Severity
		proven   bool
	}{{rule.Low, true}, {rule.Critical, false}} {
		w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/rest": rest}, pod)
		for _, r := range w.rules {
			if r.ID == "test/rest" {
				r.Severity = tt.severity
			}
		}
		f := one(t, found, "test/privileged", "two")
		edits, err := fix.Propose(f, w.file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = fix.Prove(t.Context(), w, f, found, edits, w.file); (err == nil) != tt.proven {
			t.Errorf("beside one of severity %s: %v", tt.severity, err)
		}
	}
}

func TestProveRefusesWhatReachesAnotherResource(t *testing.T) {
	two := pod + "---\n" + strings.Replace(pod, "name: a", "name: b", 1)
	w, found := newWorld(t, map[string]string{"test/privileged": privileged}, two)
	f := one(t, found, "test/privileged", "two")
	// An edit that mends the finding and empties the other document.
	file := w.file("pod.yaml")
	var edits []source.Edit
	for at := 0; ; {
		i := strings.Index(two[at:], "privileged: true")
		if i < 0 {
			break
		}
		edits = append(edits, source.Edit{Range: file.Range(at+i, at+i+len("privileged: true")), New: "privileged: false"})
		at += i + 1
	}
	if _, err := fix.Prove(t.Context(), w, f, found, edits, w.file); !errors.Is(err, fix.ErrUnproven) || !strings.Contains(err.Error(), "would go too") {
		t.Errorf("got %v", err)
	}
	broken := []source.Edit{{Range: file.Range(0, 3), New: "{"}}
	if _, err := fix.Prove(t.Context(), w, f, found, broken, w.file); !errors.Is(err, fix.ErrUnproven) {
		t.Errorf("a broken file gives %v", err)
	}
}

func TestAll(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/escalation": escalation, "test/useless": useless}, pod)
	fixes, err := fix.All(t.Context(), w, found, w.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		got := fixes[f.Fingerprint]
		if want := f.Rule.ID != "test/useless"; (got != nil) != want {
			t.Errorf("%s on %s: a fix: %v", f.Rule.ID, f.Path, got != nil)
			continue
		}
		if got == nil {
			continue
		}
		// Each must hold by itself, whatever it was proven with.
		if _, err := fix.Prove(t.Context(), w, f, found, got.Edits, w.file); err != nil {
			t.Error(err)
		}
	}
}

func TestAllProvesTogether(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p%d\nspec:\n  containers:\n    - name: c\n      image: x\n", i)
	}
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/escalation": escalation}, b.String())
	fixes, err := fix.All(t.Context(), w, found, w.file)
	if err != nil || len(fixes) != 200 {
		t.Fatalf("%d fixes, %v", len(fixes), err)
	}
	if w.runs > 4 {
		t.Errorf("the unit was evaluated %d times", w.runs)
	}
}

func TestCombineMendsAGroup(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/escalation": escalation, "test/useless": useless}, pod)
	var group []engine.Finding
	for _, id := range []string{"test/privileged", "test/escalation", "test/useless"} {
		group = append(group, one(t, found, id, "one"))
	}
	got, mended, err := fix.Combine(t.Context(), w, group, w.file)
	if err != nil || got == nil {
		t.Fatal(got, err)
	}
	if len(mended) != 2 || got.Title != "Set privileged to false; Forbid escalation" || got.Review != "Check devices." {
		t.Errorf("mended %d: %+v", len(mended), got)
	}
	if len(got.Edits) != 1 {
		t.Errorf("%d edits for lines that follow each other", len(got.Edits))
	}
	after, err := source.Apply([]byte(pod), got.Edits)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(pod, "      image: x\n", "      image: x\n      securityContext:\n        privileged: false\n        allowPrivilegeEscalation: false\n", 1)
	other := strings.Replace(pod, "      image: x\n", "      image: x\n      securityContext:\n        allowPrivilegeEscalation: false\n        privileged: false\n", 1)
	if string(after) != want && string(after) != other {
		t.Errorf("got\n%s", after)
	}
}

func TestCombineWithoutAFix(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/useless": useless}, pod)
	if got, mended, err := fix.Combine(t.Context(), w, found, w.file); got != nil || mended != nil || err != nil {
		t.Errorf("got %+v, %v, %v", got, mended, err)
	}
	if got, _, err := fix.Combine(t.Context(), w, nil, w.file); got != nil || err != nil {
		t.Errorf("nothing to mend gives %+v, %v", got, err)
	}
}

func TestApplyAll(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged, "test/escalation": escalation, "test/useless": useless}, pod)
	content, applied, err := fix.ApplyAll(t.Context(), w, found, w.file)
	if err != nil || len(applied) != 4 {
		t.Fatalf("applied %d, %v", len(applied), err)
	}
	w.files["pod.yaml"] = string(content["pod.yaml"])
	left, err := w.Evaluate(t.Context(), "kubernetes:.", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left.Findings {
		if f.Rule.ID != "test/useless" {
			t.Errorf("%s is left", f.Rule.ID)
		}
	}
	if !strings.Contains(w.files["pod.yaml"], "privileged: false # why") {
		t.Errorf("the comment is lost:\n%s", w.files["pod.yaml"])
	}
	content, applied, err = fix.ApplyAll(t.Context(), w, left.Findings, w.file)
	if err != nil || len(content) != 0 || len(applied) != 0 {
		t.Errorf("a second time %d files and %d findings change, %v", len(content), len(applied), err)
	}
}

func TestCancelled(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged}, pod)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fix.All(ctx, w, found, w.file); !errors.Is(err, context.Canceled) {
		t.Errorf("All gives %v", err)
	}
	if _, _, err := fix.ApplyAll(ctx, w, found, w.file); !errors.Is(err, context.Canceled) {
		t.Errorf("ApplyAll gives %v", err)
	}
}

func TestNoFix(t *testing.T) {
	w, found := newWorld(t, map[string]string{"test/privileged": privileged}, pod)
	f := found[0]
	f.Rule, f.FixSpec = &rule.Rule{ID: "x/y", Checks: []rule.Check{{}}}, nil
	if _, err := fix.Propose(f, w.file); !errors.Is(err, fix.ErrNoFix) {
		t.Errorf("a rule without a fix gives %v", err)
	}
	if _, err := fix.Propose(found[0], func(string) *source.File { return nil }); err == nil {
		t.Error("a file that is gone gives no error")
	}
}

func BenchmarkAll(b *testing.B) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p%d\nspec:\n  containers:\n    - name: c\n      image: x\n", i)
	}
	w := &world{files: map[string]string{"pod.yaml": text.String()}, rules: []*rule.Rule{
		mustRule(b, "test/privileged", privileged), mustRule(b, "test/escalation", escalation),
	}}
	found, err := w.Evaluate(b.Context(), "kubernetes:.", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if fixes, err := fix.All(b.Context(), w, found.Findings, w.file); err != nil || len(fixes) != 200 {
			b.Fatal(len(fixes), err)
		}
	}
}

func BenchmarkPropose(b *testing.B) {
	w := &world{files: map[string]string{"pod.yaml": pod}, rules: []*rule.Rule{mustRule(b, "test/privileged", privileged)}}
	found, err := w.Evaluate(b.Context(), "kubernetes:.", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fix.Propose(found.Findings[0], w.file); err != nil {
			b.Fatal(err)
		}
	}
}
