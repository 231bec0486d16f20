package reviewer_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const privilegedPod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  containers:\n    - name: a\n      image: registry.example/a:latest\n      securityContext:\n        privileged: true\n"

func TestExceptionIsProvenWhereItIsSuggested(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		rule       string
		first,
		last int // lines that the thread hangs on
		want string
	}{
		"yaml": {"k8s/pod.yaml", privilegedPod, "k8s/privileged-container", 10, 11,
			"```suggestion\n      securityContext:\n        # plimsoll:ignore k8s/privileged-container until=2099-01-31 -- the agent reads the node\n        privileged: true\n```"},
		"lines elsewhere": {"k8s/pod.yaml", privilegedPod, "k8s/privileged-container", 3, 3,
			"to be put above `k8s/pod.yaml:11`"},
		"dockerfile": {"Dockerfile", "FROM registry.example/base:1.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\nUSER root\nCMD [\"/a\"]\n", "docker/root-user", 2, 2,
			"```suggestion\n# plimsoll:ignore docker/root-user until=2099-01-31 -- the agent reads the node\nUSER root\n```"},
		"json": {"k8s/pod.json", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop"},"spec":{"containers":[{"name":"a","image":"registry.example/a:1","securityContext":{"privileged":true}}]}}`, "k8s/privileged-container", 1, 1,
			"```yaml\nsuppress:\n  - rule: k8s/privileged-container\n    paths: [\"k8s/pod.json\"]\n    reason: \"the agent reads the node\"\n    expires: 2099-01-31\n```"},
	} {
		t.Run(name, func(t *testing.T) {
			change := trees{base: fstest.MapFS{}, head: fstest.MapFS{c.file: {Data: []byte(c.text)}}}
			report, err := reviewer.Review(t.Context(), options(t), change)
			if err != nil {
				t.Fatal(err)
			}
			want := reviewer.Want{Rule: c.rule, Until: "2099-01-31", Reason: "the agent\nreads the node */"}
			for _, f := range report.Findings {
				want.Fingerprints = append(want.Fingerprints, f.Fingerprint)
			}
			x, err := reviewer.Except(t.Context(), options(t), change, want)
			if err != nil {
				t.Fatal(err)
			}
			body, ok := review.ExceptionReply(x, c.file, c.first, c.last)
			if !ok || !strings.Contains(body, c.want) || !strings.Contains(body, "counts once merged") {
				t.Errorf("%t\n%s", ok, body)
			}
			if x.Edit == nil {
				return
			}
			// With it in the tree, the finding is suppressed.
			after, err := source.Apply([]byte(c.text), []source.Edit{*x.Edit})
			if err != nil {
				t.Fatal(err)
			}
			s, err := reviewer.Scan(t.Context(), options(t), fstest.MapFS{c.file: {Data: after}}, []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Report.Findings {
				if f.Rule.ID == c.rule && f.State != "suppressed" {
					t.Errorf("%s is %s", f.Rule.ID, f.State)
				}
			}
		})
	}
}

func TestExceptionThatIsNotClear(t *testing.T) {
	change := trees{base: fstest.MapFS{}, head: fstest.MapFS{"k8s/pod.yaml": {Data: []byte(privilegedPod)}}}
	report, err := reviewer.Review(t.Context(), options(t), change)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range report.Findings {
		all = append(all, f.Fingerprint)
	}
	ask := func(head string, want reviewer.Want) (string, bool) {
		t.Helper()
		want.Reason = "why"
		x, err := reviewer.Except(t.Context(), options(t), trees{base: fstest.MapFS{}, head: fstest.MapFS{"k8s/pod.yaml": {Data: []byte(head)}}}, want)
		if err != nil {
			t.Fatal(err)
		}
		return review.ExceptionReply(x, "k8s/pod.yaml", 11, 11)
	}
	if body, ok := ask(privilegedPod, reviewer.Want{Fingerprints: all}); ok || !strings.Contains(body, "Which rule?") || !strings.Contains(body, "`k8s/privileged-container`") {
		t.Errorf("several rules: %s", body)
	}
	if body, ok := ask(strings.Replace(privilegedPod, "privileged: true", "privileged: false", 1), reviewer.Want{Fingerprints: all, Rule: "k8s/privileged-container"}); ok || !strings.Contains(body, "Which rule?") {
		t.Errorf("a rule that does not fire: %s", body)
	}
	if body, ok := ask(privilegedPod, reviewer.Want{Fingerprints: []string{"0"}}); ok || !strings.Contains(body, "nothing to except") {
		t.Errorf("a finding that is gone: %s", body)
	}
	excepted := strings.Replace(privilegedPod, "        privileged", "        # plimsoll:ignore k8s/privileged-container -- why\n        privileged", 1)
	if body, ok := ask(excepted, reviewer.Want{Fingerprints: all, Rule: "k8s/privileged-container"}); !ok || !strings.Contains(body, "has an exception here already, at `k8s/pod.yaml:11`") {
		t.Errorf("excepted already: %s", body)
	}
}
