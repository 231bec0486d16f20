package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// trees are two folders in memory.
type trees struct{ base, head fs.FS }

func (t trees) Base() fs.FS                                           { return t.base }
func (t trees) Head() fs.FS                                           { return t.head }
func (t trees) Changes(context.Context) ([]project.PathChange, error) { return nil, nil }
func (t trees) Prefetch(context.Context, []string, []string) error    { return nil }

// lineReview finds each line of a.yaml in the head that begins with "bad" and
// that the base has not.
func lineReview(_ context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Report, error) {
	settings, _, _ := config.Lay(append([]config.Layer{{Repository: config.Defaults()}}, opt.Layers...)...)
	report := &review.Report{
		Policy: review.Policy{FailOn: settings.FailOn, CommentOn: settings.CommentOn, MaxComments: *settings.MaxComments,
			ReviewDrafts: *settings.ReviewDrafts, SARIFUpload: *settings.SARIFUpload, Advise: settings.Mode == config.ModeAdvise},
		RulesURL: opt.RulesURL, Diagnostics: opt.Diagnostics, Files: map[string]*source.File{},
	}
	before, err := fs.ReadFile(t.Base(), "a.yaml")
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(t.Head(), "a.yaml")
	if err != nil {
		return nil, err
	}
	file := source.NewFile("a.yaml", data)
	report.Files["a.yaml"] = file
	r := &rule.Rule{ID: "k8s/bad-line", Title: "Bad line", Severity: rule.High, Why: "It is bad.", Remediation: "Make it good."}
	for n := 1; n <= file.Lines(); n++ {
		text := file.Line(n)
		if !strings.HasPrefix(text, "bad") {
			continue
		}
		sum := sha256.Sum256([]byte(text))
		f := engine.Finding{Rule: r, Severity: r.Severity, State: engine.New, Message: "the line `" + text + "` is bad", Range: file.LineRange(n, n),
			Resource: &resource.Resource{ID: "v1/ConfigMap/x/" + hex.EncodeToString(sum[:4]), Name: text}, Fingerprint: hex.EncodeToString(sum[:16])}
		if strings.Contains(string(before), text+"\n") {
			f.State = engine.Existing
		}
		report.Findings = append(report.Findings, review.Finding{Finding: f})
	}
	// Line 55 of the base guards the whole file.
	if guard := source.NewFile("a.yaml", before); guard.Line(55) == "line: 55" && !strings.Contains(string(data), "line: 55\n") {
		report.Findings = append(report.Findings, review.Finding{Finding: engine.Finding{Rule: r, Severity: r.Severity, State: engine.New,
			Message: "nothing guards the file", Range: file.LineRange(1, 1), Gone: guard.LineRange(55, 55),
			Resource: &resource.Resource{ID: "v1/ConfigMap/x/guard", Name: "guard"}, Fingerprint: strings.Repeat("5", 32)}})
	}
	report.Groups = review.GroupNew(report.Findings, report.Policy)
	return report, nil
}

// stage is the App without its queue: deliveries become jobs, and the test runs
// them.
type stage struct {
	t       *testing.T
	sim     *githubsim.Server
	keyPEM  []byte
	puller  *PullReviewer
	memory  github.Memory // nil for none
	install int64
	hook    *httptest.Server
	log     bytes.Buffer
	jobs    chan jobs.Job // of pull requests
	aside   chan jobs.Job // of suites, groups and installations

	mu    sync.Mutex
	fault func(githubsim.Exchange) *githubsim.Fault
}

const shop = "acme/shop"

func file(change map[int]string) string {
	var b strings.Builder
	for i := 1; i <= 60; i++ {
		if s, ok := change[i]; ok {
			b.WriteString(s + "\n")
		} else {
			fmt.Fprintf(&b, "line: %d\n", i)
		}
	}
	return b.String()
}

func newStage(t *testing.T) *stage { return newStageWith(t, nil) }

// newStageWith grants the App more or less than it asks for by default.
func newStageWith(t *testing.T, permissions map[string]string) *stage {
	t.Helper()
	s := &stage{t: t, jobs: make(chan jobs.Job, 100), aside: make(chan jobs.Job, 100)}
	sim, err := githubsim.New(githubsim.Options{Front: front(t), Faults: func(e githubsim.Exchange) *githubsim.Fault {
		s.mu.Lock()
		f := s.fault
		s.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(e)
	}})
	s.must(err)
	s.sim = sim
	s.must(sim.Start(""))
	t.Cleanup(func() { _ = sim.Close() })
	key, err := appKey()
	s.must(err)
	translate := translate(77, time.Now)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			return // the simulated GitHub goes down
		}
		j, need, err := translate(r.Header.Get("X-GitHub-Event"), r.Header.Get("X-GitHub-Delivery"), body.Bytes())
		switch {
		case err != nil:
			t.Errorf("%s: %v", r.Header.Get("X-GitHub-Event"), err)
		case need && (j.Ref != ""):
			j.Attempt = 1
			s.aside <- j
		case need:
			j.Attempt = 1
			s.jobs <- j
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(hook.Close)
	s.hook = hook
	app, err := sim.AddApp(githubsim.AppOptions{ID: 77, Key: key, Permissions: permissions, WebhookURL: hook.URL, WebhookSecret: "s"})
	s.must(err)
	sim.AddOrganization("acme")
	_, err = sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: "shop", Files: map[string]string{"a.yaml": file(nil)}})
	s.must(err)
	s.install, err = sim.Install(app.ID, "acme", githubsim.InstallOptions{})
	s.must(err)
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	s.keyPEM = app.KeyPEM()
	s.puller = &PullReviewer{
		Open: s.open, Review: lineReview, Mend: lineMend, Log: log, Now: time.Now,
		Enqueue: func(_ context.Context, j jobs.Job) error {
			j.Attempt = 1
			s.jobs <- j
			return nil
		},
		Options: reviewer.Options{Now: time.Now, RulesURL: "https://plimsoll.example/rules"},
	}
	s.connect()
	return s
}

// connect gives the reviewer a client that knows nothing yet.
func (s *stage) connect() {
	s.t.Helper()
	c, err := github.New(github.Options{AppID: 77, PrivateKey: s.keyPEM, WebURL: s.sim.URL(), APIURL: s.sim.APIURL(),
		GraphQLURL: s.sim.GraphQLURL(), Memory: s.memory, Sleep: func(context.Context, time.Duration) error { return nil }})
	s.must(err)
	s.puller.Checks, s.puller.Pulls, s.puller.People, s.puller.Threads, s.puller.Branches, s.puller.Heads, s.puller.Scanning = c, c, c, c, c, c, c
}

func (s *stage) open(_ context.Context, pr github.PullRequest, base string) (reviewer.Trees, func(), error) {
	before, err := s.sim.File(shop, base, "a.yaml")
	if err != nil {
		return nil, nil, err
	}
	after, err := s.sim.File(shop, pr.HeadSHA, "a.yaml")
	if err != nil {
		return nil, nil, err
	}
	return trees{fstest.MapFS{"a.yaml": {Data: []byte(before)}}, fstest.MapFS{"a.yaml": {Data: []byte(after)}}}, func() {}, nil
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) faults(f func(githubsim.Exchange) *githubsim.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// next waits for the delivery of the next job.
func (s *stage) next() jobs.Job {
	s.t.Helper()
	select {
	case j := <-s.jobs:
		return j
	case <-time.After(20 * time.Second):
		s.t.Fatal("no job came")
		return jobs.Job{}
	}
}

// handle runs the next job.
func (s *stage) handle() jobs.Job {
	s.t.Helper()
	j := s.next()
	s.must(s.puller.Handle(s.t.Context(), j))
	return j
}

func (s *stage) push(change map[int]string) string {
	s.t.Helper()
	sha, err := s.sim.Push(shop, githubsim.Push{Branch: "x", Files: map[string]string{"a.yaml": file(change)}})
	s.must(err)
	return sha
}

func (s *stage) pull(draft bool) int {
	s.t.Helper()
	n, err := s.sim.OpenPull(shop, githubsim.NewPull{Title: "x", Author: "ann", Head: "x", Draft: draft})
	s.must(err)
	return n
}

func (s *stage) check(sha string) githubsim.CheckRun {
	s.t.Helper()
	runs := s.sim.CheckRuns(shop, sha)
	if len(runs) == 0 {
		s.t.Fatal("no check run")
	}
	return runs[len(runs)-1]
}

func (s *stage) calls() []string {
	var out []string
	for _, e := range s.sim.Requests() {
		if e.Kind != githubsim.KindGit && !strings.HasSuffix(e.Template, "/access_tokens") {
			out = append(out, e.Template)
		}
	}
	s.sim.ResetRequests()
	return out
}

func TestLifeOfAPullRequest(t *testing.T) {
	s := newStage(t)
	first := s.push(map[int]string{10: "bad: 1", 11: "bad: 2"})
	number := s.pull(false)
	s.calls()
	s.handle()
	if got := s.calls(); len(got) > 5 {
		t.Errorf("%d calls with findings: %v", len(got), got)
	}
	if run := s.check(first); run.Conclusion != "failure" || !strings.Contains(run.Summary, "k8s/bad-line") || len(run.Annotations) != 0 {
		t.Errorf("check run %+v", run)
	}
	if n, r := len(s.sim.Threads(shop, number)), len(s.sim.Reviews(shop, number)); n != 2 || r != 1 {
		t.Fatalf("%d threads, %d reviews", n, r)
	}
	if body := s.sim.Threads(shop, number)[0].Comments[0].Body; !strings.Contains(body, "https://plimsoll.example/rules/k8s/bad-line") {
		t.Errorf("body %q", body)
	}
	second := s.push(map[int]string{10: "bad: 1", 11: "bad: 2", 40: "fine: 1"})
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 2 {
		t.Errorf("%d threads after the second push", n)
	}
	if run := s.check(second); run.Conclusion != "failure" || len(run.Annotations) != 0 {
		t.Errorf("check run %+v", run)
	}
	third := s.push(map[int]string{10: "good: 1", 11: "bad: 2", 40: "fine: 1"})
	s.handle()
	body := s.sim.Threads(shop, number)[0].Comments[0].Body
	if !strings.HasSuffix(body, "Fixed in "+third[:7]+".") {
		t.Errorf("body %q", body)
	}
	s.checkLog()
}

// checkLog holds every line against what a line must name.
func (s *stage) checkLog() {
	s.t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(s.log.Bytes()))
	n := 0
	for lines.Scan() {
		n++
		for _, key := range []string{"delivery", "repository", "pull_request", "head"} {
			if !strings.Contains(lines.Text(), `"`+key+`":`) {
				s.t.Errorf("no %s in %s", key, lines.Text())
			}
		}
	}
	if n == 0 {
		s.t.Error("nothing was logged")
	}
}

// TestRemovedLine holds that what a change takes away is said on the line that
// it removes, once.
func TestRemovedLine(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{55: "other: 1"})
	number := s.pull(false)
	s.handle()
	threads := s.sim.Threads(shop, number)
	if len(threads) != 1 || threads[0].Side != "LEFT" || threads[0].Line != 55 || !strings.Contains(threads[0].Comments[0].Body, "This line kept it from being so.") {
		t.Fatalf("threads %+v", threads)
	}
	sha := s.push(map[int]string{55: "other: 1", 20: "fine: 1"})
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 1 {
		t.Errorf("%d threads after the second push", n)
	}
	if run := s.check(sha); run.Conclusion != "failure" || len(run.Annotations) != 0 {
		t.Errorf("check run %+v", run)
	}
	s.push(map[int]string{20: "fine: 1"})
	s.handle()
	if body := s.sim.Threads(shop, number)[0].Comments[0].Body; !strings.Contains(body, "Fixed in ") {
		t.Errorf("body %q", body)
	}
}

func TestNothingFoundTakesThreeCalls(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "fine: 1"})
	s.pull(false)
	s.calls()
	s.handle()
	if got := s.calls(); len(got) > 3 {
		t.Errorf("%d calls: %v", len(got), got)
	}
	if run := s.check(sha); run.Status != "completed" || run.Conclusion != "neutral" {
		t.Errorf("check run %+v", run)
	}
}

func TestDraft(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(true)
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 0 {
		t.Errorf("%d threads on a draft", n)
	}
	if run := s.check(sha); run.Conclusion != "failure" || len(run.Annotations) != 1 {
		t.Errorf("check run %+v", run)
	}
	s.must(s.sim.MarkReady(shop, number))
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 1 {
		t.Errorf("%d threads when ready", n)
	}
	if run := s.check(sha); run.Status != "completed" || len(run.Annotations) != 0 {
		t.Errorf("said twice: %+v", run)
	}
}

func TestDraftThatIsReviewed(t *testing.T) {
	s := newStage(t)
	_, err := s.sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Files: map[string]string{".plimsoll.yml": "version: 1\nreview_drafts: true\n"}})
	s.must(err)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(true)
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 1 {
		t.Errorf("%d threads", n)
	}
}

func TestOrganisationConfiguration(t *testing.T) {
	for name, c := range map[string]struct{ text, conclusion, title string }{
		"advise": {"version: 1\nmode: advise\n", "neutral", "1 new finding, 1 high"},
		"broken": {"version: 1\nmode: sideways\n", "action_required", "Could not read acme/.github/.plimsoll.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			_, err := s.sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Files: map[string]string{".plimsoll.yml": c.text}})
			s.must(err)
			sha := s.push(map[int]string{10: "bad: 1"})
			s.pull(false)
			s.handle()
			run := s.check(sha)
			if run.Conclusion != c.conclusion || run.Title != c.title {
				t.Errorf("check run %s %q", run.Conclusion, run.Title)
			}
			if name == "broken" && !strings.Contains(run.Summary, "acme/.github/.plimsoll.yml:2") {
				t.Errorf("the line is not named: %s", run.Summary)
			}
			// The second pull request asks nothing of the organisation.
			s.push(map[int]string{10: "bad: 1", 30: "x: 1"})
			s.calls()
			s.handle()
			if got := s.calls(); slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, "/contents/") }) {
				t.Errorf("calls %v", got)
			}
		})
	}
}

func TestForksAndRescan(t *testing.T) {
	s := newStage(t)
	_, err := s.sim.Fork(shop, "bob")
	s.must(err)
	sha, err := s.sim.Push("bob/shop", githubsim.Push{Branch: "y", Files: map[string]string{"a.yaml": file(map[int]string{10: "bad: 1"})}})
	s.must(err)
	number, err := s.sim.OpenPull(shop, githubsim.NewPull{Title: "fork", Author: "bob", Head: "bob:y"})
	s.must(err)
	j := s.handle()
	if j.HeadRepoID == j.RepositoryID {
		t.Errorf("not a fork's job: %+v", j)
	}
	if n := len(s.sim.Threads(shop, number)); n != 1 {
		t.Fatalf("%d threads", n)
	}
	// The check events of forks name no pull request; ours does.
	run := s.check(sha)
	s.must(s.sim.Rerequest(shop, run.ID, "ann"))
	s.handle()
	s.must(s.sim.RequestAction(shop, s.check(sha).ID, "ann", "rescan"))
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 1 {
		t.Errorf("%d threads after two rescans", n)
	}
	if runs := s.sim.CheckRuns(shop, sha); len(runs) != 1 || runs[0].Status != "completed" {
		t.Errorf("%d check runs", len(runs))
	}
}

func TestRescanComment(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	for login, want := range map[string][]string{"writer": {"eyes", "+1"}, "reader": {"eyes", "confused"}} {
		s.sim.AddUser(login)
		s.must(s.sim.SetPermission(shop, login, map[string]string{"writer": "write", "reader": "read"}[login]))
		id, err := s.sim.Comment(shop, number, login, "/plimsoll rescan")
		s.must(err)
		s.calls()
		s.handle()
		var got []string
		for _, c := range s.sim.Comments(shop, number) {
			if c.ID == id {
				for _, r := range c.Reactions {
					got = append(got, r.Content)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: reactions %v, want %v", login, got, want)
		}
		if reviewed := slices.Contains(s.calls(), "GET /repos/{owner}/{repo}/compare/{basehead}"); reviewed != (login == "writer") {
			t.Errorf("%s: reviewed %v", login, reviewed)
		}
	}
	if s.check(sha).Status != "completed" {
		t.Error("left open")
	}
}

func TestHeadMovesDuringTheReview(t *testing.T) {
	s := newStage(t)
	old := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	j := s.next()
	moved := ""
	s.puller.Review = func(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Report, error) {
		if moved == "" {
			moved = s.push(map[int]string{10: "bad: 1", 12: "bad: 2"})
		}
		return lineReview(ctx, opt, t)
	}
	s.must(s.puller.Handle(t.Context(), j))
	if run := s.check(old); run.Conclusion != "neutral" {
		t.Errorf("old head: %+v", run)
	}
	if run := s.check(moved); run.Conclusion != "failure" {
		t.Errorf("new head: %+v", run)
	}
	if n := len(s.sim.Threads(shop, number)); n != 2 {
		t.Errorf("%d threads", n)
	}
	s.handle() // the newer head's own event finds all done
	if n := len(s.sim.Threads(shop, number)); n != 2 {
		t.Errorf("%d threads after its own event", n)
	}
}

func TestSupersededJobStopsInSilence(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	ctx, cancel := context.WithCancelCause(t.Context())
	s.puller.Review = func(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Report, error) {
		cancel(jobs.ErrSuperseded)
		return lineReview(ctx, opt, t)
	}
	if err := s.puller.Handle(ctx, s.next()); !errors.Is(err, jobs.ErrSuperseded) {
		t.Errorf("error %v", err)
	}
	if n := len(s.sim.Threads(shop, number)); n != 0 {
		t.Errorf("%d threads", n)
	}
}

func TestGiveUp(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	s.pull(false)
	j := s.next()
	broken := fmt.Errorf("fetch https://x-access-token:%s@host/x: refused", "ghs_abcdefghijkl")
	s.puller.Review = func(context.Context, reviewer.Options, reviewer.Trees) (*review.Report, error) { return nil, broken }
	err := s.puller.Handle(t.Context(), j)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	s.puller.GiveUp(t.Context(), j, err)
	run := s.check(sha)
	if run.Status != "completed" || run.Conclusion != "neutral" || !strings.Contains(run.Summary, "refused") || strings.Contains(run.Summary, "ghs_") || strings.Contains(run.Summary, "x-access-token") {
		t.Errorf("check run %+v", run)
	}
	if len(s.sim.CheckRuns(shop, sha)) != 1 {
		t.Error("a second check run")
	}
}

func TestLimitsAndLostAccess(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	j := s.next()
	s.faults(func(e githubsim.Exchange) *githubsim.Fault {
		if strings.Contains(e.Template, "compare") {
			return githubsim.SecondaryLimit(90 * time.Second)
		}
		return nil
	})
	err := s.puller.Handle(t.Context(), j)
	if d, ok := github.RetryAfter(err); !ok || d != 90*time.Second {
		t.Errorf("error %v", err)
	}
	if same := jobs.Later(errors.New("x"), time.Second); fmt.Sprintf("%T", err) != fmt.Sprintf("%T", same) {
		t.Errorf("%T does not put the job off", err)
	}
	s.faults(nil)
	s.must(s.sim.Uninstall(s.install))
	s.connect() // a client that the limit does not hold back
	if err := s.puller.Handle(t.Context(), j); err != nil {
		t.Errorf("a lost installation is tried again: %v", err)
	}
	if n := len(s.sim.Threads(shop, number)); n != 0 {
		t.Errorf("%d threads", n)
	}
}

func TestClosedPullRequest(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	j := s.next()
	j.Attempt = 2
	s.must(s.sim.ClosePull(shop, number))
	s.must(s.puller.Handle(t.Context(), j))
	if runs := s.sim.CheckRuns(shop, sha); len(runs) != 0 {
		t.Errorf("%d check runs", len(runs))
	}
}

func TestUnread(t *testing.T) {
	r := &review.Report{
		Diagnostics: source.Diagnostics{
			{File: "infra/a.tf", Line: 1, Level: source.LevelError, Message: "x"}, {File: "k8s/a.yaml", Level: source.LevelWarning, Message: "x"},
			{File: "charts/a/Chart.yaml", Level: source.LevelWarning, Message: "x", NotEvaluated: "charts/a"},
		},
		Unknown: []engine.NotEvaluated{{Range: source.Range{File: "net/b.tf"}}},
	}
	f := unread(r)
	for name, want := range map[string]bool{"infra/b.tf": true, "infra/sub/b.tf": false, "k8s/a.yaml": false, "charts/a/values.yaml": true, "net/b.tf": true, "net/c.tf": false} {
		if got := f(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if f := unread(&review.Report{Diagnostics: source.Diagnostics{{Level: source.LevelError, Message: "x"}}}); !f("any") {
		t.Error("an error without a place settles threads")
	}
	if f := unread(&review.Report{Policy: review.Policy{ConfigError: &source.Diagnostic{}}}); !f("any") {
		t.Error("an unreadable configuration settles threads")
	}
}

func TestJobOf(t *testing.T) {
	now := time.Unix(1, 0)
	for name, c := range map[string]struct {
		e    github.Event
		want bool
	}{
		"review":      {github.Event{Kind: github.Review, Name: "pull_request", Number: 1}, true},
		"ignored":     {github.Event{Kind: github.Ignored, Reason: "x"}, false},
		"our run":     {github.Event{Kind: github.Review, Name: "check_run", AppID: 77}, true},
		"other's run": {github.Event{Kind: github.Review, Name: "check_run", AppID: 78}, false},
		"nobody's":    {github.Event{Kind: github.Review, Name: "check_run"}, false},
		"our suite":   {github.Event{Kind: github.Missed, Name: "check_suite", AppID: 77}, true},
		"other suite": {github.Event{Kind: github.Missed, Name: "check_suite", AppID: 78}, false},
	} {
		j, why, ok := JobOf(c.e, "d", 77, now)
		if ok != c.want || !ok && why == "" || ok && (j.Delivery != "d" || j.Enqueued != now) {
			t.Errorf("%s: %+v %q %v", name, j, why, ok)
		}
	}
}

func TestExplainFailure(t *testing.T) {
	long := strings.Repeat("x`y ", 500)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "The cause is not known."},
		{fmt.Errorf("a: %w", context.DeadlineExceeded), "It took longer than a review may take."},
		{errors.New("token ghp_0123456789abcdef and eyJhbGciOiJSUzI1NiJ9.e30.sig"), "The cause: `[removed] and [removed]`."},
	} {
		if got := explainFailure(c.err); got != c.want {
			t.Errorf("%v: %q", c.err, got)
		}
	}
	if got := explainFailure(errors.New(long)); len([]rune(got)) > maxCause+30 || strings.Count(got, "`") != 2 {
		t.Errorf("%q", got)
	}
}

func TestFindingsGoToCodeScanningWhereWanted(t *testing.T) {
	for name, c := range map[string]struct {
		config  string
		granted bool
		want    int
	}{
		"wanted":      {"sarif_upload: true\n", true, 1},
		"not wanted":  {"mode: enforce\n", true, 0},
		"not granted": {"sarif_upload: true\n", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			permissions := githubsim.DefaultPermissions()
			if c.granted {
				permissions["security_events"] = "write"
			}
			s := newStageWith(t, permissions)
			_, err := s.sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Files: map[string]string{".plimsoll.yml": c.config}})
			s.must(err)
			head := s.push(map[int]string{10: "bad: 1"})
			number := s.pull(false)
			s.handle()
			if run := s.check(head); run.Conclusion != "failure" {
				t.Errorf("check run %+v", run)
			}
			got := s.sim.Analyses(shop)
			if len(got) != c.want {
				t.Fatalf("%d analyses", len(got))
			}
			if c.want > 0 && (got[0].HeadSHA != head || got[0].Ref != fmt.Sprintf("refs/pull/%d/head", number) || !strings.Contains(string(got[0].Document), "partialFingerprints")) {
				t.Errorf("analysis %s of %s: %s", got[0].Ref, got[0].HeadSHA, got[0].Document)
			}
			if said := strings.Contains(s.log.String(), "not uploaded to code scanning"); said != (name == "not granted") {
				t.Errorf("log %s", s.log.String())
			}
		})
	}
}
