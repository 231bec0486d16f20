package server

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// suite waits for the job of an event that is not a pull request's.
func (s *stage) suite(event, head string) jobs.Job {
	s.t.Helper()
	for {
		select {
		case j := <-s.aside:
			if j.Event == event && (head == "" || j.HeadSHA == head) {
				return j
			}
		case <-time.After(20 * time.Second):
			s.t.Fatalf("no job of %s came", event)
		}
	}
}

// later makes it so much later for the reviewer.
func (s *stage) later(d time.Duration) {
	s.puller.Now = func() time.Time { return time.Now().Add(d) }
}

func (s *stage) waiting() int { return len(s.jobs) }

func TestSuiteOfAPushCostsNothing(t *testing.T) {
	s := newStage(t)
	s.memory = &remembering{m: map[string][]byte{}}
	s.connect()
	sha := s.push(map[int]string{10: "bad: 1"})
	j := s.suite("check_suite", sha)
	s.pull(false)
	if err := s.puller.Handle(t.Context(), j); !isLater(err) {
		t.Fatalf("it does not wait: %v", err)
	}
	s.handle()
	s.calls()
	s.later(suiteGrace)
	s.must(s.puller.Handle(t.Context(), j))
	if got := s.calls(); len(got) != 0 {
		t.Errorf("calls %v", got)
	}
	if s.waiting() != 0 || len(s.sim.CheckRuns(shop, sha)) != 1 {
		t.Errorf("%d jobs, %d check runs", s.waiting(), len(s.sim.CheckRuns(shop, sha)))
	}
}

func isLater(err error) bool {
	want := jobs.Later(errGrace, time.Second)
	return err != nil && err.Error() == want.Error()
}

func TestMissedEvent(t *testing.T) {
	for _, remember := range []bool{true, false} {
		s := newStage(t)
		if remember {
			s.memory = &remembering{m: map[string][]byte{}}
			s.connect()
		}
		sha := s.push(map[int]string{10: "bad: 1"})
		number := s.pull(false)
		lost := s.next()
		s.later(suiteGrace)
		j := s.suite("check_suite", sha)
		s.must(s.puller.Handle(t.Context(), j))
		due := s.handle()
		if due.Number != number || due.Delivery == j.Delivery || due.Ref != "" {
			t.Errorf("job %+v", due)
		}
		if run := s.check(sha); run.Conclusion != "failure" || len(s.sim.Threads(shop, number)) != 1 {
			t.Errorf("check run %+v", run)
		}
		// The lost event comes after all, and the suite's once more.
		s.calls()
		s.must(s.puller.Handle(t.Context(), lost))
		if got := s.calls(); remember && len(got) != 0 {
			t.Errorf("the head is reviewed twice: %v", got)
		}
		s.must(s.puller.Handle(t.Context(), j))
		if s.waiting() != 0 {
			t.Error("a second review is due")
		}
		// Without memory the event that brings a head does not look for a run.
		if runs := len(s.sim.CheckRuns(shop, sha)); remember && runs != 1 || len(s.sim.Threads(shop, number)) != 1 {
			t.Errorf("said twice, with %d check runs", runs)
		}
	}
}

func TestSuiteWithoutAPullRequest(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	s.later(suiteGrace)
	s.calls()
	s.must(s.puller.Handle(t.Context(), s.suite("check_suite", sha)))
	if got := s.calls(); len(got) != 1 {
		t.Errorf("calls %v", got)
	}
	if s.waiting() != 0 {
		t.Error("a review is due")
	}
}

func TestSuiteRerequested(t *testing.T) {
	s := newStage(t)
	_, err := s.sim.Fork(shop, "bob")
	s.must(err)
	sha, err := s.sim.Push("bob/shop", githubsim.Push{Branch: "y", Files: map[string]string{"a.yaml": file(map[int]string{10: "bad: 1"})}})
	s.must(err)
	number, err := s.sim.OpenPull(shop, githubsim.NewPull{Title: "fork", Author: "bob", Head: "bob:y"})
	s.must(err)
	s.handle()
	s.must(s.sim.RerequestSuite(shop, sha, "ann"))
	j := s.suite("check_suite", sha)
	for j.Action != "rerequested" {
		j = s.suite("check_suite", sha)
	}
	s.must(s.puller.Handle(t.Context(), j))
	s.calls()
	if due := s.handle(); due.Number != number {
		t.Errorf("job %+v", due)
	}
	if !slices.Contains(s.calls(), "GET /repos/{owner}/{repo}/compare/{basehead}") {
		t.Error("not reviewed again")
	}
	if len(s.sim.CheckRuns(shop, sha)) != 1 || len(s.sim.Threads(shop, number)) != 1 {
		t.Error("said twice")
	}
}

func TestMergeGroup(t *testing.T) {
	s := newStage(t)
	s.puller.Review = fixableReview
	s.memory = &remembering{m: map[string][]byte{}}
	s.connect()
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	comments, threads := len(s.replies(number)), len(s.sim.Threads(shop, number))
	group, err := s.sim.RequestMerge(shop, number)
	s.must(err)
	s.calls()
	j := s.suite("merge_group", group)
	s.must(s.puller.Handle(t.Context(), j))
	if got := s.calls(); len(got) > 2 {
		t.Errorf("calls %v", got)
	}
	run := s.check(group)
	if run.Name != "plimsoll" || run.Status != "completed" || run.Conclusion != "failure" || len(run.Annotations) != 1 || !strings.Contains(run.Summary, "k8s/bad-line") {
		t.Errorf("check run %+v", run)
	}
	if len(run.Actions) != 1 || run.Actions[0].Identifier != "rescan" {
		t.Errorf("actions %+v", run.Actions)
	}
	if len(s.replies(number)) != comments || len(s.sim.Threads(shop, number)) != threads {
		t.Error("a group has comments")
	}
	// Again: it is compared with the same base.
	s.must(s.sim.Rerequest(shop, run.ID, "ann"))
	again := s.suite("check_run", group)
	if again.BaseSHA != j.BaseSHA || again.Ref != j.Ref {
		t.Errorf("job %+v after %+v", again, j)
	}
	s.must(s.puller.Handle(t.Context(), again))
	if run := s.check(group); run.Conclusion != "failure" || len(run.Annotations) != 1 {
		t.Errorf("check run %+v", run)
	}
	if len(s.jobs) != 0 {
		t.Errorf("%d jobs", len(s.jobs))
	}
}

func TestGroupGivenUp(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	group, err := s.sim.RequestMerge(shop, number)
	s.must(err)
	s.puller.GiveUp(t.Context(), s.suite("merge_group", group), context.DeadlineExceeded)
	if run := s.check(group); run.Status != "completed" || run.Conclusion != "neutral" {
		t.Errorf("check run %+v", run)
	}
}

func TestConfigurationIsReadAfresh(t *testing.T) {
	s := newStage(t)
	shared := &remembering{m: map[string][]byte{}}
	s.memory = shared
	s.connect()
	_, err := s.sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Files: map[string]string{".plimsoll.yml": "version: 1\nmode: advise\n"}})
	s.must(err)
	sha := s.push(map[int]string{10: "bad: 1"})
	s.pull(false)
	s.handle()
	if run := s.check(sha); run.Conclusion != "neutral" {
		t.Fatalf("check run %+v", run)
	}
	_, err = s.sim.Push("acme/.github", githubsim.Push{Branch: "main", Files: map[string]string{".plimsoll.yml": "version: 1\nmode: enforce\n"}})
	s.must(err)
	// Another process takes the push; this one shares its memory alone.
	here := s.puller.Heads
	s.connect()
	s.must(s.puller.Handle(t.Context(), s.suite("push", "")))
	s.puller.Pulls = here.(Pulls)
	sha = s.push(map[int]string{10: "bad: 1", 20: "x: 1"})
	s.handle()
	if run := s.check(sha); run.Conclusion != "failure" {
		t.Errorf("the old configuration counts: %+v", run)
	}
}

func TestPermissionsAreTriedAfresh(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	s.must(s.sim.Uninstall(s.install))
	id, err := s.sim.Install(77, "acme", githubsim.InstallOptions{})
	s.must(err)
	j := s.suite("installation", "")
	for j.InstallationID != id {
		j = s.suite("installation", "")
	}
	s.must(s.puller.Handle(t.Context(), j))
	if key, err := j.Key(); err != nil || !strings.HasPrefix(key, "i") {
		t.Errorf("key %q: %v", key, err)
	}
	s.push(map[int]string{11: "bad: 2"})
	s.handle()
	if n := len(s.sim.Threads(shop, number)); n != 2 {
		t.Errorf("%d threads", n)
	}
}

// Two events of one head do not give two reviews, in whichever order they run.
func TestOneReviewAHead(t *testing.T) {
	s := newStage(t)
	s.memory = &remembering{m: map[string][]byte{}}
	s.connect()
	reviews := 0
	s.puller.Review = func(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Report, error) {
		reviews++
		return lineReview(ctx, opt, t)
	}
	s.push(map[int]string{10: "bad: 1"})
	s.pull(false)
	j := s.handle()
	for _, attempt := range []int{1, 2} {
		j.Attempt = attempt
		s.must(s.puller.Handle(t.Context(), j))
		if reviews != attempt {
			t.Errorf("%d reviews after attempt %d", reviews, attempt)
		}
	}
	j.Attempt, j.Action = 1, "reopened"
	s.must(s.puller.Handle(t.Context(), j))
	if reviews != 3 {
		t.Error("a pull request that was opened again is not reviewed")
	}
}
