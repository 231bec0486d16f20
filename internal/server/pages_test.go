package server

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

func testRules() []*rule.Rule {
	return []*rule.Rule{
		{
			ID: "k8s/privileged-container", Title: "Container runs in privileged mode", Severity: rule.Critical, Profile: "default",
			Theme: "privileged-containers", Why: "A privileged container owns the node.", Remediation: "Set `privileged` to false.",
			References: []string{"https://kubernetes.io/docs/", "javascript:alert(1)"},
			Compliance: map[string][]string{"pss": {"baseline"}}, Equivalents: map[string][]string{"checkov": {"CKV_K8S_16"}},
			Covers: []string{"K8S-POD-001"},
			Checks: []rule.Check{{Platform: "kubernetes", Each: "containers", Links: []string{"Namespace"}, Fix: &rule.FixSpec{Title: "Take `privileged` away", Review: "Devices are gone."}}},
			Examples: []rule.Example{
				{Fail: "kind: Pod\nprivileged: true\nname: \"<b>\"\n", Fixed: "kind: Pod\nprivileged: false\nname: \"<b>\"\n"},
				{Pass: "kind: Pod\n"},
			},
		},
		{ID: "eks/public-endpoint", Title: "API server answers the internet", Severity: rule.High, Theme: "network-isolation", Checks: []rule.Check{{Platform: "terraform"}}},
		{ID: "k8s/host-path", Title: "Mounts the host", Severity: rule.Low, Theme: "privileged-containers", Checks: []rule.Check{{Platform: "kubernetes"}}},
	}
}

func get(t *testing.T, target string) (int, string) {
	t.Helper()
	w := answer(newTestServer(&memoryQueue{}, nil), httptest.NewRequest("GET", target, nil))
	if strings.Contains(w.Body.String(), "<script") {
		t.Errorf("%s has a script", target)
	}
	return w.Code, w.Body.String()
}

func TestRulesAreListedByThemeGravestFirst(t *testing.T) {
	code, body := get(t, "/rules")
	if code != 200 {
		t.Fatalf("status %d", code)
	}
	var at []int
	for _, s := range []string{"3 rules in 2 themes", "Privileged containers", "/rules/k8s/privileged-container", "/rules/k8s/host-path", "Network isolation", "/rules/eks/public-endpoint"} {
		at = append(at, strings.Index(body, s))
	}
	if slices.Contains(at, -1) || !slices.IsSorted(at) {
		t.Errorf("places of what the page should say: %v", at)
	}
}

func TestRulesAreFound(t *testing.T) {
	tests := []struct {
		query string
		want  []string
	}{
		{"CKV_K8S_16", []string{"k8s/privileged-container"}},
		{"ckv_k8s_16", []string{"k8s/privileged-container"}},
		{"K8S-POD-001", []string{"k8s/privileged-container"}},
		{"terraform", []string{"eks/public-endpoint"}},
		{"container node", []string{"k8s/privileged-container"}},
		{"node internet", nil},
		{"  ", []string{"k8s/privileged-container", "k8s/host-path", "eks/public-endpoint"}},
		{"<script>alert(1)</script>", nil},
		{strings.Repeat("ü", 5000), nil},
	}
	for _, tt := range tests {
		code, body := get(t, "/rules?q="+url.QueryEscape(tt.query))
		if code != 200 {
			t.Errorf("%.20q: status %d", tt.query, code)
		}
		for _, r := range testRules() {
			if found := strings.Contains(body, `href="/rules/`+r.ID+`"`); found != slices.Contains(tt.want, r.ID) {
				t.Errorf("%.20q: %s found: %v", tt.query, r.ID, found)
			}
		}
	}
}

func TestRulePage(t *testing.T) {
	code, body := get(t, "/rules/k8s/privileged-container")
	if code != 200 {
		t.Fatalf("status %d", code)
	}
	for _, s := range []string{
		"Container runs in privileged mode", "A privileged container owns the node.", "Set <code>privileged</code> to false.",
		`<span class="removed">privileged: true</span>`, `<span class="added">privileged: false</span>`, "&lt;b&gt;",
		"CKV_K8S_16", "baseline", `href="https://kubernetes.io/docs/"`, "plimsoll:ignore k8s/privileged-container", "has fixes",
		"What it looks at", "with <code>Namespace</code> beside it", "Take <code>privileged</code> away. Before you apply it: Devices are gone.",
	} {
		if !strings.Contains(body, s) {
			t.Errorf("the page does not have %s", s)
		}
	}
	if strings.Contains(body, "javascript:") || strings.Contains(body, "<b>") {
		t.Error("a rule's text is taken for markup")
	}
}

func TestUnknownRule(t *testing.T) {
	code, body := get(t, "/rules/k8s/privileged-containr")
	if code != 404 || !strings.Contains(body, `href="/rules/k8s/privileged-container"`) {
		t.Errorf("status %d, %s", code, body)
	}
	if code, body = get(t, "/rules/x/%3Cscript%3E"); code != 404 {
		t.Errorf("status %d, %s", code, body)
	}
}

func TestEveryThemeHasATitle(t *testing.T) {
	for _, id := range rule.Themes() {
		if title := themeTitle(id); title == "" || strings.Contains(title, "-") || title[0] < 'A' || title[0] > 'Z' {
			t.Errorf("%s: %q", id, title)
		}
	}
}

func TestCompareMarksWhatDiffers(t *testing.T) {
	mark := func(lines []exampleLine) string {
		var b strings.Builder
		for _, l := range lines {
			if l.Changed {
				b.WriteByte('*')
			}
			b.WriteString(l.Text + " ")
		}
		return strings.TrimSpace(b.String())
	}
	tests := []struct{ fail, fixed, wantFail, wantFixed string }{
		{"a\nb\nc\n", "a\nx\nc\n", "a *b c", "a *x c"},
		{"a\nc\n", "a\nb\nc\n", "a c", "a *b c"},
		{"a\nb\nc\n", "a\nc\n", "a *b c", "a c"},
		{"a\nb\n", "", "a b", ""},
		{"a\n", "b\n", "*a", "*b"},
		{strings.Repeat("a\n", maxDiffLines+1), "b\n", strings.TrimSpace(strings.Repeat("a ", maxDiffLines+1)), "b"},
	}
	for _, tt := range tests {
		f, x := compare(tt.fail, tt.fixed)
		if mark(f) != tt.wantFail || mark(x) != tt.wantFixed {
			t.Errorf("%.20q, %.20q: %.40s | %.40s", tt.fail, tt.fixed, mark(f), mark(x))
		}
	}
}
