package reviewer_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// A pull request that rewrites the gate's own configuration is judged by the
// base's, and says what it would do.
func TestPullRequestThatRewritesTheConfiguration(t *testing.T) {
	files := map[string]string{
		"k8s/pod.yaml":     privilegedPod,
		"k8s/old/pod.yaml": strings.Replace(privilegedPod, "name: p\n", "name: q\n", 1),
	}
	for name, c := range map[string]struct {
		before, after string
		title         string
		want          []string
	}{
		"rules off": {"", "rules:\n  k8s/privileged-container: {enabled: false}\n",
			"No new findings, but fewer are said once merged",
			[]string{"**If merged, 1 rule is off and 2 findings are hidden.** Off: `k8s/privileged-container`.", "touches how the repository is judged"}},
		"advise, and a path": {"version: 1\n", "version: 1\nmode: advise\npaths: {exclude: [\"k8s/old/**\"]}\n",
			"No new findings, but fewer are said once merged",
			[]string{"hidden.**", "Looser: `mode: enforce → advise`, `paths.exclude: [] → [k8s/old/**]`."}},
		"a suppression": {"", "suppress:\n  - {rule: k8s/privileged-container, paths: [\"k8s/pod.yaml\"], reason: why}\n",
			"No new findings, but fewer are said once merged",
			[]string{"**If merged, 1 suppression counts and 1 finding is hidden.**"}},
		"a lock is taken away": {"version: 1\nlocked: [mode]\n", "version: 1\n",
			"No new findings, but fewer are said once merged", []string{"Looser: `no lock on mode`."}},
		"broken": {"", "mode: sideways\n",
			"No new findings, but fewer are said once merged",
			[]string{"**If merged, the configuration cannot be read: `.plimsoll.yml:1: mode:"}},
		"stricter": {"fail_on: critical\n", "fail_on: low\n", "No new findings", []string{"Stricter: `fail_on: critical → low`."}},
		"nothing":  {"version: 1\n", "# a word\nversion: 1\n", "Nothing to review", nil},
	} {
		t.Run(name, func(t *testing.T) {
			base, head := maps.Clone(files), maps.Clone(files)
			if c.before != "" {
				base[".plimsoll.yml"] = c.before
			}
			head[".plimsoll.yml"] = c.after
			r, err := reviewer.Review(t.Context(), options(t), trees{base: tree(base), head: tree(head)})
			if err != nil {
				t.Fatal(err)
			}
			rv := review.Make(r, nil)
			if rv.Title != c.title {
				t.Errorf("title %q", rv.Title)
			}
			for _, part := range c.want {
				if !strings.Contains(rv.Summary, part) {
					t.Errorf("no %q in\n%s", part, rv.Summary)
				}
			}
			if c.want == nil && r.IfMerged != nil {
				t.Errorf("effects %+v", r.IfMerged)
			}
		})
	}
}

func TestNewInlineSuppressionsAreCounted(t *testing.T) {
	excepted := strings.Replace(privilegedPod, "        privileged", "        # plimsoll:ignore k8s/privileged-container -- why\n        privileged", 1)
	r, err := reviewer.Review(t.Context(), options(t), trees{base: tree(nil), head: tree(map[string]string{"k8s/pod.yaml": excepted})})
	if err != nil {
		t.Fatal(err)
	}
	rv := review.Make(r, nil)
	if want := "**If merged, 1 suppression counts and 1 finding is hidden.**"; !strings.Contains(rv.Summary, want) {
		t.Errorf("no %q in\n%s", want, rv.Summary)
	}
	if rv.Conclusion != review.Failure {
		t.Errorf("conclusion %s", rv.Conclusion)
	}
}
