package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

const shop = "acme/shop"

// memory is a Memory in the process.
type memory struct {
	mu   sync.Mutex
	m    map[string][]byte
	fail error
}

func (m *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.m[key]
	return v, ok, m.fail
}

func (m *memory) Put(_ context.Context, key string, value []byte, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ttl <= 0 {
		return errors.New("no time to live")
	}
	if m.fail == nil {
		m.m[key] = value
	}
	return m.fail
}

// stage is a pull request on a simulated GitHub and a client of it.
type stage struct {
	t      *testing.T
	sim    *githubsim.Server
	client *Client
	memory *memory
	pr     PullRequest
	install,
	app int64

	mu    sync.Mutex
	fault func(githubsim.Exchange) *githubsim.Fault
}

// lines gives a file of n lines, with some replaced.
func lines(n int, change map[int]string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if s, ok := change[i]; ok {
			b.WriteString(s + "\n")
			continue
		}
		fmt.Fprintf(&b, "line: %d\n", i)
	}
	return b.String()
}

func newStage(t *testing.T, permissions map[string]string) *stage {
	t.Helper()
	s := &stage{t: t, memory: &memory{m: map[string][]byte{}}}
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
	app, err := sim.AddApp(githubsim.AppOptions{ID: 77, Key: testKey(), Permissions: permissions})
	s.must(err)
	sim.AddOrganization("acme")
	_, err = sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: "shop", Files: map[string]string{"a.yaml": lines(60, nil), "b.yaml": lines(60, nil)}})
	s.must(err)
	s.install, err = sim.Install(app.ID, "acme", githubsim.InstallOptions{})
	s.must(err)
	_, err = sim.Push(shop, githubsim.Push{Branch: "x", Files: map[string]string{"a.yaml": lines(60, map[int]string{10: "bad: 1"})}})
	s.must(err)
	number, err := sim.OpenPull(shop, githubsim.NewPull{Title: "x", Author: "ann", Head: "x"})
	s.must(err)
	repo, err := sim.Repository(shop)
	s.must(err)
	s.pr = PullRequest{InstallationID: s.install, RepositoryID: repo.ID, Owner: "acme", Repo: "shop", Number: number}
	s.app = app.ID
	s.look()
	s.pr.NewHead, s.pr.NewPull = true, true
	s.client, err = New(Options{
		AppID: app.ID, PrivateKey: app.KeyPEM(), WebURL: sim.URL(), APIURL: sim.APIURL(), GraphQLURL: sim.GraphQLURL(), Memory: s.memory,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	s.must(err)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// look takes the pull request as it is now.
func (s *stage) look() {
	s.t.Helper()
	p, err := s.sim.Pull(shop, s.pr.Number)
	s.must(err)
	s.pr.HeadSHA, s.pr.BaseSHA, s.pr.NewHead, s.pr.NewPull = p.HeadSHA, p.BaseSHA, true, false
}

func (s *stage) push(files map[string]string) {
	s.t.Helper()
	_, err := s.sim.Push(shop, githubsim.Push{Branch: "x", Files: files})
	s.must(err)
	s.look()
}

func (s *stage) faults(f func(githubsim.Exchange) *githubsim.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// once makes the first request of a template go wrong.
func once(template string, f githubsim.Fault) func(githubsim.Exchange) *githubsim.Fault {
	var done sync.Once
	return func(e githubsim.Exchange) *githubsim.Fault {
		var out *githubsim.Fault
		if e.Template == template {
			done.Do(func() { out = &f })
		}
		return out
	}
}

// run takes one review the whole way.
func (s *stage) run(rv *review.Review) (Outcome, error) {
	s.t.Helper()
	run, err := s.client.Begin(s.t.Context(), s.pr)
	s.must(err)
	_, err = s.client.Compare(s.t.Context(), s.pr)
	s.must(err)
	return s.client.Publish(s.t.Context(), s.pr, run, Publication{Review: rv})
}

func (s *stage) publish(rv *review.Review) Outcome {
	s.t.Helper()
	out, err := s.run(rv)
	s.must(err)
	return out
}

// found is a review with a comment at each line of a.yaml, and annotations.
func found(at map[string]int, annotations ...string) *review.Review {
	rv := &review.Review{Conclusion: review.Failure, Title: "New findings", Summary: "Words.", Live: map[string]bool{}, Fallback: map[string]review.Annotation{},
		Actions: []review.Action{{Label: "Rescan", Description: "Review this pull request again", Identifier: "rescan"}}}
	for _, name := range slices.Sorted(mapKeys(at)) {
		f := fp(name)
		rv.Live[f] = true
		rv.Fallback[f] = review.Annotation{Path: "a.yaml", Start: at[name], End: at[name], Level: "failure", Title: name, Message: name, Fingerprint: f}
		rv.Comments = append(rv.Comments, review.Comment{Path: "a.yaml", Start: at[name], Line: at[name], Fingerprints: []string{f}, Body: say(name, "ok: 1", f)})
	}
	for _, name := range annotations {
		f := fp(name)
		rv.Live[f] = true
		rv.Annotations = append(rv.Annotations, review.Annotation{Path: "b.yaml", Start: 3, End: 3, Level: "warning", Title: name, Message: name, Fingerprint: f})
	}
	return rv
}

func mapKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func clean() *review.Review {
	return &review.Review{Conclusion: review.Success, Title: "No new findings", Summary: "Clean.", Live: map[string]bool{}}
}

// calls gives the API's templates since the last reset, tokens left out.
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

func (s *stage) check() githubsim.CheckRun {
	s.t.Helper()
	runs := s.sim.CheckRuns(shop, s.pr.HeadSHA)
	if len(runs) == 0 {
		s.t.Fatal("no check run")
	}
	return runs[len(runs)-1]
}

func (s *stage) expectCalls(want ...string) {
	s.t.Helper()
	if got := s.calls(); !slices.Equal(got, want) {
		s.t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	callCreate  = "POST /repos/{owner}/{repo}/check-runs"
	callCompare = "GET /repos/{owner}/{repo}/compare/{basehead}"
	callState   = "query repository"
	callReview  = "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews"
	callUpdate  = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}"
	callEdit    = "PATCH /repos/{owner}/{repo}/pulls/comments/{comment_id}"
	callFind    = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs"
	callFiles   = "GET /repos/{owner}/{repo}/pulls/{pull_number}/files"
	callRun     = "GET /repos/{owner}/{repo}/check-runs/{check_run_id}"
)

func TestOpenedWithFindings(t *testing.T) {
	s := newStage(t, nil)
	s.calls()
	out := s.publish(found(map[string]int{"a": 10, "b": 12}, "c"))
	if want := (Outcome{Comments: 2, Annotations: 1}); out != want {
		t.Errorf("outcome %+v", out)
	}
	s.expectCalls(callCreate, callCompare, callState, callReview, callUpdate)
	run := s.check()
	if run.Name != "plimsoll" || run.Status != "completed" || run.Conclusion != "failure" || len(run.Annotations) != 1 || run.ExternalID != s.pr.externalID() || len(run.Actions) != 1 {
		t.Errorf("check run %+v", run)
	}
	reviews, threads := s.sim.Reviews(shop, s.pr.Number), s.sim.Threads(shop, s.pr.Number)
	if len(reviews) != 1 || len(threads) != 2 || reviews[0].State != "COMMENTED" || reviews[0].CommitID != s.pr.HeadSHA {
		t.Fatalf("reviews %+v, threads %d", reviews, len(threads))
	}
	if threads[0].Line != 10 || !strings.Contains(threads[0].Comments[0].Body, "```suggestion") {
		t.Errorf("thread %+v", threads[0])
	}
}

func TestOpenedWithoutFindings(t *testing.T) {
	s := newStage(t, nil)
	s.calls()
	s.publish(clean())
	s.expectCalls(callCreate, callCompare, callUpdate)
	if run := s.check(); run.Conclusion != "success" || run.Status != "completed" {
		t.Errorf("check run %+v", run)
	}
	// A later push: we remember that we never commented.
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "fine: 1"})})
	s.calls()
	s.publish(clean())
	s.expectCalls(callCreate, callCompare, callUpdate)
	// Without memory it is looked up, once.
	s.memory.m = map[string][]byte{}
	for _, want := range [][]string{{callCreate, callCompare, callState, callUpdate}, {callCreate, callCompare, callUpdate}} {
		s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "fine: " + fmt.Sprint(len(want))})})
		s.calls()
		s.publish(clean())
		s.expectCalls(want...)
	}
}

func TestSecondPushSaysNothingTwice(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"a": 10}))
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "bad: 1", 14: "more: 1"})})
	s.calls()
	if out := s.publish(found(map[string]int{"a": 10})); out != (Outcome{}) {
		t.Errorf("outcome %+v", out)
	}
	s.expectCalls(callCreate, callCompare, callState, callUpdate)
	if n := len(s.sim.Threads(shop, s.pr.Number)); n != 1 {
		t.Errorf("%d threads", n)
	}
	// The memory may be lost: GitHub is the memory.
	s.memory.m = map[string][]byte{}
	if out := s.publish(found(map[string]int{"a": 10}, "b")); out.Comments != 0 || out.Annotations != 1 {
		t.Errorf("outcome %+v", out)
	}
}

func TestCommentOverBudgetIsNotAnnotated(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"a": 10}))
	rv := found(nil, "a", "b")
	if out := s.publish(rv); out.Annotations != 1 || out.Comments != 0 || out.Settled != 0 {
		t.Errorf("outcome %+v", out)
	}
}

func TestOutdatedCommentBecomesAnAnnotation(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"a": 10}))
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "bad: 2"})})
	if threads := s.sim.Threads(shop, s.pr.Number); !threads[0].Outdated {
		t.Fatalf("the simulated thread is not outdated: %+v", threads[0])
	}
	out := s.publish(found(map[string]int{"a": 10}))
	if want := (Outcome{Annotations: 1}); out != want {
		t.Errorf("outcome %+v", out)
	}
}

func TestFixedThreadIsSettled(t *testing.T) {
	write := githubsim.DefaultPermissions()
	write["contents"] = "write"
	for name, c := range map[string]struct {
		permissions map[string]string
		resolved    bool
	}{"contents: read": {nil, false}, "contents: write": {write, true}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, c.permissions)
			s.publish(found(map[string]int{"a": 10, "b": 12}))
			threads := s.sim.Threads(shop, s.pr.Number)
			s.must(s.sim.ReplyToThread(shop, s.pr.Number, threads[0].ID, "ann", "Will do."))
			s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "good: 1", 12: "x: 1"})})
			out := s.publish(found(map[string]int{"b": 12}))
			if out.Settled != 1 || (out.Resolved == 1) != c.resolved {
				t.Errorf("outcome %+v", out)
			}
			first := s.sim.Threads(shop, s.pr.Number)[0]
			if first.Resolved != c.resolved {
				t.Errorf("resolved: %v", first.Resolved)
			}
			if body := first.Comments[0].Body; !strings.HasSuffix(body, "Fixed in "+s.pr.HeadSHA[:7]+".") {
				t.Errorf("body %q", body)
			}
			if len(first.Comments) != 2 || first.Comments[1].Body != "Will do." {
				t.Errorf("a person's reply was lost: %+v", first.Comments)
			}
			// Again: nothing to do.
			if out := s.publish(found(map[string]int{"b": 12})); out.Settled != 0 || out.Edited != 0 {
				t.Errorf("second outcome %+v", out)
			}
			// The finding returns: its thread, not a new one.
			s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "bad: 1", 12: "x: 1"})})
			if out := s.publish(found(map[string]int{"a": 10, "b": 12})); out.Comments != 0 || out.Edited != 1 {
				t.Errorf("outcome of its return %+v", out)
			}
			threads = s.sim.Threads(shop, s.pr.Number)
			if len(threads) != 2 || threads[0].Resolved || strings.Contains(threads[0].Comments[0].Body, "Fixed in") {
				t.Errorf("threads %d, first %+v", len(threads), threads[0].Comments[0])
			}
		})
	}
}

func TestMarkersOfOthersDoNotCount(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"b": 12}))
	thread := s.sim.Threads(shop, s.pr.Number)[0]
	s.must(s.sim.ReplyToThread(shop, s.pr.Number, thread.ID, "mallory", "hm\n"+review.Marker([]string{fp("a")})))
	if out := s.publish(found(map[string]int{"a": 10, "b": 12})); out.Comments != 1 || out.Settled != 0 {
		t.Errorf("outcome %+v", out)
	}
}

func TestUnreadFilesSettleNothing(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"a": 10}))
	run, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	out, err := s.client.Publish(t.Context(), s.pr, run, Publication{Review: clean(), Unread: func(p string) bool { return p == "a.yaml" }})
	if err != nil || out.Settled != 0 {
		t.Errorf("outcome %+v, %v", out, err)
	}
}

func TestBadAnchorLosesNothingElse(t *testing.T) {
	s := newStage(t, nil)
	rv := found(map[string]int{"a": 10, "b": 50}) // line 50 is outside the diff
	s.calls()
	out := s.publish(rv)
	if want := (Outcome{Comments: 1, Annotations: 1}); out != want {
		t.Errorf("outcome %+v", out)
	}
	s.expectCalls(callCreate, callCompare, callState, callReview, callFiles, callState, callReview, callUpdate)
	if run := s.check(); len(run.Annotations) != 1 || run.Annotations[0].StartLine != 50 {
		t.Errorf("annotations %+v", run.Annotations)
	}
}

func TestRefusedReviewBecomesAnnotations(t *testing.T) {
	s := newStage(t, nil)
	s.faults(func(e githubsim.Exchange) *githubsim.Fault {
		if e.Template == callReview {
			return &githubsim.Fault{Status: http.StatusUnprocessableEntity}
		}
		return nil
	})
	if out := s.publish(found(map[string]int{"a": 10, "b": 12})); out != (Outcome{Annotations: 2}) {
		t.Errorf("outcome %+v", out)
	}
}

func TestLostAnswersAreFoundAgain(t *testing.T) {
	for _, fault := range []githubsim.Fault{{DropAfter: true}, {Drop: true}, {Status: http.StatusBadGateway}} {
		for _, template := range []string{callCreate, callCompare, callState, callReview, callUpdate} {
			t.Run(fmt.Sprintf("%s %+v", template, fault), func(t *testing.T) {
				s := newStage(t, nil)
				s.faults(once(template, fault))
				s.publish(found(map[string]int{"a": 10, "b": 12}, "c"))
				if n := len(s.sim.CheckRuns(shop, s.pr.HeadSHA)); n != 1 {
					t.Errorf("%d check runs", n)
				}
				if run := s.check(); run.Status != "completed" || len(run.Annotations) != 1 {
					t.Errorf("check run %+v", run)
				}
				if r, n := len(s.sim.Reviews(shop, s.pr.Number)), len(s.sim.Threads(shop, s.pr.Number)); r != 1 || n != 2 {
					t.Errorf("%d reviews, %d threads", r, n)
				}
			})
		}
	}
}

func TestLostEditsAreRepeated(t *testing.T) {
	s := newStage(t, nil)
	s.publish(found(map[string]int{"a": 10}))
	s.faults(once(callEdit, githubsim.Fault{DropAfter: true}))
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{20: "y: 1"})})
	if out := s.publish(clean()); out.Settled != 1 {
		t.Errorf("outcome %+v", out)
	}
	if body := s.sim.Threads(shop, s.pr.Number)[0].Comments[0].Body; strings.Count(body, "Fixed in") != 1 {
		t.Errorf("body %q", body)
	}
}

func TestManyAnnotations(t *testing.T) {
	s := newStage(t, nil)
	rv := clean()
	rv.Conclusion = review.Failure
	for i := range 120 {
		rv.Annotations = append(rv.Annotations, review.Annotation{Path: "b.yaml", Start: i + 1, End: i + 1, Level: "failure", Title: "t", Message: "m", Fingerprint: fmt.Sprintf("%032x", i)})
	}
	s.calls()
	s.faults(once(callUpdate, githubsim.Fault{DropAfter: true})) // the first batch's answer is lost
	s.publish(rv)
	s.expectCalls(callCreate, callCompare, callUpdate, callRun, callUpdate, callUpdate)
	run := s.check()
	if len(run.Annotations) != 120 || run.Status != "completed" {
		t.Errorf("%d annotations, %s", len(run.Annotations), run.Status)
	}
	// A second review of the head takes a new run: these cannot be taken back.
	s.pr.NewHead = false
	s.publish(rv)
	runs := s.sim.CheckRuns(shop, s.pr.HeadSHA)
	if len(runs) != 2 || len(runs[0].Annotations) != 120 || len(runs[1].Annotations) != 120 {
		t.Errorf("%d runs", len(runs))
	}
}

func TestHeadMoved(t *testing.T) {
	s := newStage(t, nil)
	old := s.pr
	run, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "worse: 1"})})
	_, err = s.client.Publish(t.Context(), old, run, Publication{Review: found(map[string]int{"a": 10})})
	if !errors.Is(err, ErrSuperseded) {
		t.Fatalf("error %v", err)
	}
	if n := len(s.sim.Threads(shop, s.pr.Number)); n != 0 {
		t.Errorf("%d threads on a newer head", n)
	}
	if got := s.sim.CheckRuns(shop, old.HeadSHA)[0]; got.Conclusion != "neutral" || !strings.Contains(got.Summary, s.pr.HeadSHA[:7]) {
		t.Errorf("check run %+v", got)
	}
}

func TestConfirmRefuses(t *testing.T) {
	s := newStage(t, nil)
	run, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	lost := errors.New("lease lost")
	for _, rv := range []*review.Review{clean(), found(map[string]int{"a": 10})} {
		_, err = s.client.Publish(t.Context(), s.pr, run, Publication{Review: rv, Confirm: func(context.Context) error { return lost }})
		if !errors.Is(err, lost) {
			t.Errorf("error %v", err)
		}
	}
	if n := len(s.sim.Threads(shop, s.pr.Number)); n != 0 || s.check().Status == "completed" {
		t.Errorf("%d threads, check run %s", n, s.check().Status)
	}
}

func TestClosedPullRequestGetsNoComments(t *testing.T) {
	s := newStage(t, nil)
	s.must(s.sim.ClosePull(shop, s.pr.Number))
	if out := s.publish(found(map[string]int{"a": 10})); out != (Outcome{Annotations: 1}) {
		t.Errorf("outcome %+v", out)
	}
}

func TestBeginTakesUpARun(t *testing.T) {
	s := newStage(t, nil)
	first, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	// The same job again, as after a kill: by memory, or by asking.
	for _, forget := range []bool{false, true} {
		if forget {
			s.memory.m = map[string][]byte{}
			s.pr.NewHead = false
		}
		again, err := s.client.Begin(t.Context(), s.pr)
		if err != nil || again.ID != first.ID {
			t.Errorf("forget %v: run %+v, %v", forget, again, err)
		}
	}
	// Completed without annotations: taken up, in progress again.
	s.must(s.client.Conclude(t.Context(), s.pr, first, review.Success, "Done", "Done."))
	again, err := s.client.Begin(t.Context(), s.pr)
	if err != nil || again.ID != first.ID || s.check().Status != "in_progress" {
		t.Errorf("run %+v, %v, %s", again, err, s.check().Status)
	}
	if n := len(s.sim.CheckRuns(shop, s.pr.HeadSHA)); n != 1 {
		t.Errorf("%d check runs", n)
	}
}

// A newer event of the same pull request ends the job that is just making the
// check run.
func TestBeginIsNotCutOff(t *testing.T) {
	s := newStage(t, nil)
	asked, hold := make(chan struct{}), make(chan struct{})
	s.faults(func(e githubsim.Exchange) *githubsim.Fault {
		if e.Template == callCreate {
			close(asked)
			return &githubsim.Fault{Hold: hold}
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan *Run, 1)
	go func() {
		run, _ := s.client.Begin(ctx, s.pr)
		first <- run
	}()
	<-asked
	cancel()
	close(hold)
	made := <-first
	if made == nil {
		t.Fatal("the first job does not know of its check run")
	}
	s.faults(nil)
	s.pr.NewHead = false
	s.calls()
	again, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	s.expectCalls(callUpdate)
	if n := len(s.sim.CheckRuns(shop, s.pr.HeadSHA)); n != 1 || again.ID != made.ID {
		t.Errorf("%d check runs, %d taken up, want %d", n, again.ID, made.ID)
	}
}

// A check run that GitHub makes after all, when it was looked for in vain, does
// not stay open.
func TestLateCheckRunIsCompleted(t *testing.T) {
	for name, first := range map[string]githubsim.Fault{"the same try": {Drop: true}, "a try before": {Status: http.StatusForbidden}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			s.faults(once(callCreate, first))
			if first.Status != 0 {
				if _, err := s.client.Begin(t.Context(), s.pr); err == nil {
					t.Fatal("the first try went well")
				}
			}
			tries := 0
			s.faults(func(e githubsim.Exchange) *githubsim.Fault {
				if e.Template != callCreate {
					return nil
				}
				switch tries++; {
				case tries == 1 && first.Drop:
					return &first
				case tries == 1 || tries == 2 && first.Drop:
					if _, _, err := s.client.create(context.WithoutCancel(t.Context()), s.pr, false, 0); err != nil {
						t.Error(err)
					}
				}
				return nil
			})
			s.calls()
			s.publish(clean())
			runs := s.sim.CheckRuns(shop, s.pr.HeadSHA)
			if len(runs) != 2 || runs[0].Conclusion != "neutral" || runs[0].Title != "Replaced" || runs[1].Conclusion != "success" {
				t.Errorf("check runs %+v", runs)
			}
			// It was put in order once.
			s.pr.NewHead = false
			s.calls()
			s.publish(clean())
			s.expectCalls(callUpdate, callCompare, callUpdate)
		})
	}
}

func TestMemoryThatFails(t *testing.T) {
	s := newStage(t, nil)
	s.memory.fail = errors.New("disk full")
	out := s.publish(clean())
	if out != (Outcome{}) || s.check().Status != "completed" {
		t.Errorf("outcome %+v", out)
	}
}

func TestSecondaryLimitStopsPublishing(t *testing.T) {
	s := newStage(t, nil)
	s.faults(once(callReview, *githubsim.SecondaryLimit(30 * time.Second)))
	_, err := s.run(found(map[string]int{"a": 10}))
	if d, ok := RetryAfter(err); !ok || d != 30*time.Second {
		t.Errorf("RetryAfter %v %v: %v", d, ok, err)
	}
	if n := len(s.sim.Threads(shop, s.pr.Number)); n != 0 {
		t.Errorf("%d threads", n)
	}
}

func TestRevokedToken(t *testing.T) {
	s := newStage(t, nil)
	run, err := s.client.Begin(t.Context(), s.pr)
	s.must(err)
	s.sim.RevokeTokens(s.install)
	if _, err := s.client.Publish(t.Context(), s.pr, run, Publication{Review: found(map[string]int{"a": 10})}); err != nil {
		t.Error(err)
	}
	s.must(s.sim.Uninstall(s.install))
	if _, err := s.client.Compare(t.Context(), s.pr); !errors.Is(err, ErrGone) {
		t.Errorf("uninstalled: %v", err)
	}
}

func TestCompare(t *testing.T) {
	s := newStage(t, nil)
	cmp, err := s.client.Compare(t.Context(), s.pr)
	s.must(err)
	base, err := s.sim.MergeBase(shop, s.pr.Number)
	s.must(err)
	if cmp.MergeBase != base || cmp.Truncated || fmt.Sprint(cmp.Hunks) != "map[a.yaml:[{7 13}]]" {
		t.Errorf("comparison %+v", cmp)
	}
	files, err := s.client.Files(t.Context(), s.pr)
	if err != nil || fmt.Sprint(files) != fmt.Sprint(cmp.Hunks) {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestManyFiles(t *testing.T) {
	s := newStage(t, nil)
	files := map[string]string{}
	for i := range 350 {
		files[fmt.Sprintf("many/f%03d.yaml", i)] = "x: 1\n"
	}
	s.push(files)
	cmp, err := s.client.Compare(t.Context(), s.pr)
	if err != nil || !cmp.Truncated || len(cmp.Hunks) != 300 {
		t.Fatalf("%d files, truncated %v, %v", len(cmp.Hunks), cmp.Truncated, err)
	}
	all, err := s.client.Files(t.Context(), s.pr)
	if err != nil || len(all) != 351 {
		t.Errorf("%d files, %v", len(all), err)
	}
}

func TestStatePages(t *testing.T) {
	s := newStage(t, nil)
	at := map[int]string{}
	for i := 1; i <= 60; i++ {
		at[i] = fmt.Sprintf("bad: %d", i)
	}
	s.push(map[string]string{"a.yaml": lines(60, at), "b.yaml": lines(60, at)})
	rv := clean()
	for i := range 110 {
		f := fmt.Sprintf("%032x", i+1)
		rv.Live[f] = true
		file := []string{"a.yaml", "b.yaml"}[i/60]
		rv.Comments = append(rv.Comments, review.Comment{Path: file, Start: i%60 + 1, Line: i%60 + 1, Fingerprints: []string{f}, Body: say("x", "", f)})
	}
	s.publish(rv)
	st, err := s.client.State(t.Context(), s.pr)
	if err != nil || len(st.Threads) != 110 || st.HeadSHA != s.pr.HeadSHA || !st.Open || st.Draft {
		t.Fatalf("state %+v, %v", st, err)
	}
	if id := st.Threads[0].CommentID; id <= 1<<32 {
		t.Errorf("comment id %d", id)
	}
	s.calls()
	if out := s.publish(rv); out != (Outcome{}) {
		t.Errorf("outcome %+v", out)
	}
	if got := s.calls(); len(got) != 5 {
		t.Errorf("calls %v", got)
	}
}
