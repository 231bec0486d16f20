package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// newDemo starts the App beside a simulated GitHub; both end with the test.
func newDemo(t testing.TB) *demo {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d, err := startDemo(ctx, "", slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-d.ended; err != nil {
			t.Errorf("the App ended with %v", err)
		}
		d.close()
	})
	return d
}

// reviewed waits for the completed check run of a head.
func (d *demo) reviewed(t testing.TB, repo, sha string) githubsim.CheckRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out githubsim.CheckRun
	err := d.sim.Wait(ctx, func() bool {
		for _, run := range d.sim.CheckRuns(repo, sha) {
			if run.Name == "plimsoll" && run.Status == "completed" {
				out = run
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("no completed check run on %s: %v", sha, err)
	}
	return out
}

func (d *demo) push(t testing.TB, p githubsim.Push) string {
	t.Helper()
	sha, err := d.sim.Push(d.sample.Load().FullName, p)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// threads counts the pull request's review threads and those resolved.
func (d *demo) threads(t testing.TB) (all, resolved int) {
	t.Helper()
	s := d.sample.Load()
	for _, th := range d.sim.Threads(s.FullName, s.Number) {
		all++
		if th.Resolved {
			resolved++
		}
	}
	return all, resolved
}

func TestDemo(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	run := d.reviewed(t, s.FullName, s.HeadSHA)
	if run.Conclusion != "failure" {
		t.Errorf("conclusion %q (%s)\n%s", run.Conclusion, run.Title, run.Summary)
	}
	for _, id := range []string{"k8s/privileged-container", "k8s/rbac-wildcard", "eks/public-endpoint", "rds/public", "docker/root-user", "docker/add-url"} {
		if !strings.Contains(run.Summary, id) {
			t.Errorf("the summary lacks %s:\n%s", id, run.Summary)
		}
	}
	all, resolved := d.threads(t)
	if all < 5 || resolved != 0 {
		t.Fatalf("%d threads, %d resolved", all, resolved)
	}
	if n := len(d.sim.Reviews(s.FullName, s.Number)); n != 1 {
		t.Errorf("%d reviews, want one", n)
	}

	// A push that has nothing to do with the findings brings no second comment.
	sha := d.push(t, githubsim.Push{Branch: s.Branch, Files: map[string]string{"README.md": "# shop\n"}})
	d.reviewed(t, s.FullName, sha)
	if again, _ := d.threads(t); again != all {
		t.Errorf("%d threads after another push, want %d", again, all)
	}

	// The prepared push mends two.
	fix, ok := s.FixPush()
	if !ok {
		t.Fatal("the sample has no prepared push")
	}
	sha = d.push(t, fix)
	run = d.reviewed(t, s.FullName, sha)
	if strings.Contains(run.Summary, "rbac-wildcard") || strings.Contains(run.Summary, "eks/public-endpoint") {
		t.Errorf("what was mended is still reported:\n%s", run.Summary)
	}
	after, resolved := d.threads(t)
	if after != all || resolved < 1 {
		t.Errorf("%d threads of which %d resolved, want %d and at least one", after, resolved, all)
	}
}

// TestCallsOfAPullRequest holds what an ordinary review costs in API calls.
func TestCallsOfAPullRequest(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	d.reviewed(t, s.FullName, s.HeadSHA)
	first := allCalls(t, d, 0)
	if len(first) > 5 {
		t.Errorf("a pull request with findings took %d calls, want at most 5: %s", len(first), strings.Join(first, ", "))
	}
	t.Logf("with findings: %s", strings.Join(first, ", "))
	seen := len(d.sim.Requests())
	if _, err := d.sim.Push(s.FullName, githubsim.Push{Branch: "words", Files: map[string]string{"NOTES.md": "words\n"}}); err != nil {
		t.Fatal(err)
	}
	n, err := d.sim.OpenPull(s.FullName, githubsim.NewPull{Title: "words", Head: "words"})
	if err != nil {
		t.Fatal(err)
	}
	pr, err := d.sim.Pull(s.FullName, n)
	if err != nil {
		t.Fatal(err)
	}
	run := d.reviewed(t, s.FullName, pr.HeadSHA)
	second := allCalls(t, d, seen)
	if len(second) > 3 || run.Conclusion != "neutral" {
		t.Errorf("a pull request without findings took %d calls, want at most 3: %s (%s)", len(second), strings.Join(second, ", "), run.Conclusion)
	}
	t.Logf("without findings: %s", strings.Join(second, ", "))
}

// allCalls gives the calls since the first n requests once the one that completes
// the check run is among them: a request is listed when it has been answered, which
// is after what it did can be seen.
func allCalls(t *testing.T, d *demo, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		if out := calls(d, n); len(out) > 0 && strings.HasPrefix(out[len(out)-1], "PATCH /repos/{owner}/{repo}/check-runs/") {
			return out
		}
		runtime.Gosched()
	}
	t.Fatal("the call that completes the check run is not listed")
	return nil
}

// calls lists the API calls since the first n requests, tokens and what is asked
// once for an owner left out.
func calls(d *demo, n int) []string {
	var out []string
	for _, e := range d.sim.Requests()[n:] {
		if e.Kind == githubsim.KindGit || strings.Contains(e.Template, "access_tokens") || e.Template == "GET /app" ||
			strings.Contains(e.Path, "/.github/contents/") {
			continue
		}
		out = append(out, e.Template)
	}
	return out
}

// BenchmarkWebhookToCheckRun measures from opening the demonstration's pull
// request to its completed check run, everything in one process. It reports the
// median beside the mean.
func BenchmarkWebhookToCheckRun(b *testing.B) {
	d := newDemo(b)
	if err := d.open(); err != nil {
		b.Fatal(err)
	}
	s := *d.sample.Load()
	d.reviewed(b, s.FullName, s.HeadSHA)
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		branch := fmt.Sprintf("run-%d", n)
		// Another commit, so that the check run is a new one and the fetch real.
		sha := d.push(b, githubsim.Push{Branch: branch, From: s.Branch, Files: map[string]string{"README.md": fmt.Sprintf("# shop %d\n", n)}})
		b.StartTimer()
		start := time.Now()
		if _, err := d.sim.OpenPull(s.FullName, githubsim.NewPull{Title: branch, Head: branch}); err != nil {
			b.Fatal(err)
		}
		d.reviewed(b, s.FullName, sha)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
}

// A pull request that changes nothing but the gate says what that does, counted
// over the whole repository, which is fetched for it.
func TestConfigurationChangeIsToldOverGit(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	d.reviewed(t, s.FullName, s.HeadSHA)
	if _, err := d.sim.MergePull(s.FullName, s.Number, "mira"); err != nil {
		t.Fatal(err)
	}
	sha, err := d.sim.Push(s.FullName, githubsim.Push{Branch: "off", Files: map[string]string{".plimsoll.yml": "rules:\n  k8s/privileged-container: {enabled: false}\n"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.sim.OpenPull(s.FullName, githubsim.NewPull{Title: "off", Head: "off"}); err != nil {
		t.Fatal(err)
	}
	run := d.reviewed(t, s.FullName, sha)
	if !strings.Contains(run.Summary, "**If merged, 1 rule is off and 1 finding is hidden.** Off: `k8s/privileged-container`.") {
		t.Errorf("%s (%s)\n%s", run.Title, run.Conclusion, run.Summary)
	}
}
