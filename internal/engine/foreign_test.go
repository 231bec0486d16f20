package engine

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// knownElsewhere is a rule that other tools have too.
func knownElsewhere() rule.Rule {
	r := privileged()
	r.Equivalents = map[string][]string{
		"checkov": {"CKV_K8S_16"}, "trivy": {"KSV-0017", "AWS-0088"}, "kics": {"dd29336b-fe57-445b-a26e-e6aa867ae609"},
		"kube-linter": {"privileged-container"}, "kube-score": {"Container Security Context Privileged"},
		"polaris": {"runAsPrivileged"}, "hadolint": {"DL3002"},
	}
	return r
}

// annotated is a Deployment with one privileged container and an annotation.
func annotated(annotation string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  annotations:\n    " + annotation +
		"\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        securityContext:\n          privileged: true\n"
}

func TestForeignSuppressions(t *testing.T) {
	onLine := func(c string) string { return commented("", "", "", c) }
	aboveLine := func(c string) string { return commented("", "", c, "") }
	above := func(c string) string { return commented(c, "", "", "") }
	for _, tt := range []struct {
		name, head, tool, reason string // tool "": it does not count
	}{
		{"checkov", onLine("checkov:skip=CKV_K8S_16:reads devices"), "checkov", "reads devices"},
		{"checkov anywhere in the resource", above("checkov:skip=CKV_K8S_16: reads devices"), "checkov", "reads devices"},
		{"checkov, two ids", above("checkov:skip=CKV_K8S_1,CKV_K8S_16:both"), "checkov", "both"},
		{"checkov without a reason", above("checkov:skip=CKV_K8S_16"), "checkov", "no reason given"},
		{"checkov, another id", above("checkov:skip=CKV_K8S_17:no"), "", ""},
		{"checkov, an id that begins alike", above("checkov:skip=CKV_K8S_161:no"), "", ""},
		{"checkov annotation", annotated("checkov.io/skip1: CKV_K8S_16=reads devices"), "checkov", "reads devices"},
		{"trivy", aboveLine("trivy:ignore:AVD-KSV-0017"), "trivy", "no reason given"},
		{"trivy, short", onLine("trivy:ignore:KSV017"), "trivy", "no reason given"},
		{"trivy, one of two", onLine("trivy:ignore:KSV-0001 trivy:ignore:KSV-0017"), "trivy", "no reason given"},
		{"trivy, all", above("trivy:ignore:*"), "trivy", "no reason given"},
		{"trivy, still", onLine("trivy:ignore:KSV-0017:exp:2026-11-23"), "trivy", "no reason given"},
		{"trivy, run out", onLine("trivy:ignore:KSV-0017:exp:2026-11-22"), "", ""},
		{"trivy, no date", onLine("trivy:ignore:KSV-0017:exp:soon"), "", ""},
		{"trivy, elsewhere", commented("", "", "", "") + "          # trivy:ignore:KSV-0017\n          tty: true\n", "", ""},
		{"tfsec, long name", onLine("tfsec:ignore:aws-s3-enable-bucket-encryption"), "tfsec", "no reason given"},
		{"tfsec, number", onLine("tfsec:ignore:AVD-AWS-0088"), "tfsec", "no reason given"},
		{"kics line", aboveLine("kics-scan ignore-line"), "kics", "no reason given"},
		{"kics block", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      # kics-scan ignore-block\n      containers:\n      - name: a\n        securityContext:\n          privileged: true\n", "kics", "no reason given"},
		{"kics line far above", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      # kics-scan ignore-line\n      containers:\n      - name: a\n        securityContext:\n          privileged: true\n", "", ""},
		{"kics disable", above("kics-scan disable=dd29336b-fe57-445b-a26e-e6aa867ae609,other"), "kics", "no reason given"},
		{"kics disable another", above("kics-scan disable=11111111-fe57-445b-a26e-e6aa867ae609"), "", ""},
		{"kics file", above("kics-scan ignore"), "kics", "no reason given"},
		{"kube-linter", annotated("ignore-check.kube-linter.io/privileged-container: reads devices"), "kube-linter", "reads devices"},
		{"kube-linter, all", annotated("kube-linter.io/ignore-all: a test"), "kube-linter", "a test"},
		{"kube-linter, another", annotated("ignore-check.kube-linter.io/latest-tag: no"), "", ""},
		{"kube-score", annotated("kube-score/ignore: pod-probes,container-security-context-privileged"), "kube-score", "no reason given"},
		{"polaris", annotated(`polaris.fairwinds.com/runAsPrivileged-exempt: "true"`), "polaris", "no reason given"},
		{"polaris, all", annotated(`polaris.fairwinds.com/exempt: "true"`), "polaris", "no reason given"},
		{"polaris, not exempt", annotated(`polaris.fairwinds.com/runAsPrivileged-exempt: "false"`), "", ""},
		{"hadolint", aboveLine("hadolint ignore=DL3003,DL3002"), "hadolint", "no reason given"},
		{"hadolint, all of the file", above("hadolint global ignore=DL3002"), "hadolint", "no reason given"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := manifest(t, "k8s/api.yaml", 1, tt.head)
			opt := Options{Rules: active(t, resource.Kubernetes, knownElsewhere()), InlineFromHead: true, Today: today}
			all := Evaluate(t.Context(), opt, []change.ResourceChange{added(res)})
			got := all.Findings
			if said := len(all.Diagnostics) > 0 && strings.Contains(all.Diagnostics[0].Message, "for trivy of k8s/privileged-container does not count: it ran out on 2026-11-22"); said != (tt.name == "trivy, run out") {
				t.Errorf("got %v", all.Diagnostics)
			}
			if len(got) != 1 {
				t.Fatalf("got %v", lines(got))
			}
			f := got[0]
			switch {
			case tt.tool == "" && f.State != New:
				t.Errorf("it is %s for %s", f.State, f.Suppression.Tool)
			case tt.tool != "" && (f.State != Suppressed || f.Suppression.Tool != tt.tool || f.Suppression.Reason != tt.reason || f.Suppression.By != "inline"):
				t.Errorf("got %s %+v", f.State, f.Suppression)
			}
			opt.OwnOnly = true
			if got := Evaluate(t.Context(), opt, []change.ResourceChange{added(res)}).Findings; got[0].State != New {
				t.Errorf("it counts although only our own do: %+v", got[0].Suppression)
			}
			// In a review one counts that the base has too, and only then.
			opt.OwnOnly, opt.InlineFromHead = false, false
			if got := Evaluate(t.Context(), opt, []change.ResourceChange{added(res)}); got.Findings[0].State != New {
				t.Errorf("it counts although the base lacks it: %+v", got.Findings[0].Suppression)
			}
			before := manifest(t, "k8s/api.yaml", 1, tt.head+"status: {}\n")
			if got := Evaluate(t.Context(), opt, []change.ResourceChange{modified(before, res)}).Findings; tt.tool != "" && got[0].State != Suppressed {
				t.Errorf("it does not count although the base has it: %s", got[0].State)
			}
		})
	}
}

// TestForeignOfOneCheck holds that an id which means one check of a rule reaches no
// other.
func TestForeignOfOneCheck(t *testing.T) {
	r := privileged()
	r.Equivalents = map[string][]string{"checkov": {"CKV_A", "CKV_B", "CKV_ALL"}}
	other := r.Checks[0]
	other.Fail, other.At = "true", "tty"
	r.Checks = append(r.Checks, other)
	r.Checks[0].Equivalents, r.Checks[1].Equivalents = []string{"CKV_A"}, []string{"CKV_B"}
	for skip, want := range map[string]string{
		"CKV_A": "suppressed new", "CKV_B": "new suppressed", "CKV_A,CKV_B": "suppressed suppressed", "CKV_ALL": "suppressed suppressed",
		"CKV_A,CKV_ALL": "suppressed suppressed", "CKV_ALL,CKV_A": "suppressed suppressed", "CKV_C": "new new",
	} {
		res := manifest(t, "k8s/api.yaml", 1, commented("checkov:skip="+skip+": why", "", "", ""))
		got := Evaluate(t.Context(), Options{Rules: active(t, resource.Kubernetes, r), InlineFromHead: true, Today: today}, []change.ResourceChange{added(res)}).Findings
		if len(got) != 2 {
			t.Fatalf("got %v", lines(got))
		}
		slices.SortFunc(got, func(a, b Finding) int { return cmp.Compare(a.Check, b.Check) })
		if said := string(got[0].State) + " " + string(got[1].State); said != want {
			t.Errorf("%s: %s, want %s", skip, said, want)
		}
	}
}

// TestForeignFileWide holds that what speaks of a file reaches its other
// resources.
func TestForeignFileWide(t *testing.T) {
	first := manifest(t, "k8s/all.yaml", 1, commented("kics-scan disable=dd29336b-fe57-445b-a26e-e6aa867ae609", "", "", ""))
	second := manifest(t, "k8s/all.yaml", 20, deployment("b!"))
	third := manifest(t, "k8s/other.yaml", 1, deployment("c!"))
	opt := Options{Rules: active(t, resource.Kubernetes, knownElsewhere()), InlineFromHead: true, Today: today}
	for _, f := range Evaluate(t.Context(), opt, []change.ResourceChange{added(first), added(second), added(third)}).Findings {
		if want := f.Range.File == "k8s/all.yaml"; (f.State == Suppressed) != want {
			t.Errorf("%s is %s", f.Range, f.State)
		}
	}
}

func FuzzForeign(f *testing.F) {
	for _, s := range []string{"checkov:skip=A,B:c", "trivy:ignore:KSV-0017:exp:2026-01-01", "kics-scan disable=a,b", "hadolint global ignore=DL1", "tfsec:ignore:*"} {
		f.Add(s)
	}
	eq := newEquivalents([]rule.Active{{Rule: &rule.Rule{ID: "a/b", Equivalents: map[string][]string{"checkov": {"A"}, "trivy": {"KSV-0017"}, "kics": {"a"}, "hadolint": {"DL1"}}}}})
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range foreign(&resource.Resource{Comments: []resource.Comment{{Text: text}}}, func() equivalents { return eq }, "2026-11-23") {
			if len(d.rules) != 1 || d.reason == "" || len(d.reason) > maxReason || d.tool == "" {
				t.Errorf("%q gives %+v", text, d)
			}
		}
	})
}
