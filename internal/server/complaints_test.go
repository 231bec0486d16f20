package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// Each test here is named after something that users of review bots complain of
// in public, and holds that it does not happen.

// "The same comment again after each push."
func TestComplaintTheSameCommentAgainAfterEachPush(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1", 30: "bad: 2"})
	number := s.pull(false)
	s.handle()
	for i := range 4 {
		// The lines move, other lines change, and all memory is lost.
		s.push(map[int]string{1: strings.Repeat("# more\n", i+1) + "line: 1", 10: "bad: 1", 30: "bad: 2"})
		s.connect()
		s.handle()
	}
	if n, r := len(s.sim.Threads(shop, number)), len(s.sim.Reviews(shop, number)); n != 2 || r != 1 {
		t.Errorf("%d threads in %d reviews", n, r)
	}
}

// "Comments that stay when the finding is fixed", and one that comes back is not
// said anew.
func TestComplaintCommentsThatStayWhenTheFindingIsFixed(t *testing.T) {
	s := newStageWith(t, writing())
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	fixed := s.push(map[int]string{10: "good: 1"})
	s.handle()
	thread := s.sim.Threads(shop, number)[0]
	if !thread.Resolved || !strings.Contains(thread.Comments[0].Body, "Fixed in "+fixed[:7]) {
		t.Errorf("resolved %t: %s", thread.Resolved, thread.Comments[0].Body)
	}
	s.push(map[int]string{10: "bad: 1"})
	s.handle()
	threads := s.sim.Threads(shop, number)
	if len(threads) != 1 || threads[0].Resolved && !threads[0].Outdated || strings.Contains(threads[0].Comments[0].Body, "Fixed in") {
		t.Errorf("%d threads, the first resolved %t: %s", len(threads), threads[0].Resolved, threads[0].Comments[0].Body)
	}
}

// "One bad anchor loses the whole review": GitHub refuses the review, and what
// it would have said is said as annotations.
func TestComplaintOneBadAnchorLosesTheWholeReview(t *testing.T) {
	s := newStage(t)
	head := s.push(map[int]string{10: "bad: 1", 40: "bad: 2"})
	s.pull(false)
	s.faults(once("POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews", githubsim.Fault{Status: http.StatusUnprocessableEntity, Message: "Line could not be resolved"}))
	s.handle()
	run := s.check(head)
	if run.Status != "completed" || run.Conclusion != "failure" || len(run.Annotations) != 2 {
		t.Errorf("check run %s %s, %d annotations", run.Status, run.Conclusion, len(run.Annotations))
	}
}

// "A required check that never reports": on a pull request that touches nothing
// of interest, on a merge group, and where the review keeps failing.
func TestComplaintRequiredChecksThatNeverReport(t *testing.T) {
	s := newStage(t)
	nothing := s.push(map[int]string{10: "fine: 1"})
	number := s.pull(false)
	s.handle()
	if run := s.check(nothing); run.Status != "completed" {
		t.Errorf("nothing to review: %s", run.Status)
	}
	group, err := s.sim.RequestMerge(shop, number)
	s.must(err)
	for j := range s.aside {
		if j.Event == "merge_group" {
			s.must(s.puller.Handle(t.Context(), j))
			break
		}
	}
	if run := s.check(group); run.Status != "completed" {
		t.Errorf("a merge group: %s", run.Status)
	}
	failing := s.push(map[int]string{10: "bad: 1"})
	j := s.next()
	s.puller.GiveUp(t.Context(), j, http.ErrHandlerTimeout)
	if run := s.check(failing); run.Status != "completed" || run.Conclusion != "neutral" || !strings.Contains(run.Summary, "was not reviewed") {
		t.Errorf("given up: %s %s %s", run.Status, run.Conclusion, run.Summary)
	}
}

// "Pull requests from forks": the review is the same, and nothing is written to
// the fork.
func TestComplaintForks(t *testing.T) {
	s := newStageWith(t, writing())
	s.puller.Review = fixableReview
	_, err := s.sim.Fork(shop, "bob")
	s.must(err)
	head, err := s.sim.Push("bob/shop", githubsim.Push{Branch: "y", Files: map[string]string{"a.yaml": file(map[int]string{10: "bad: 1"})}})
	s.must(err)
	number, err := s.sim.OpenPull(shop, githubsim.NewPull{Title: "fork", Author: "bob", Head: "bob:y"})
	s.must(err)
	s.handle()
	if run := s.check(head); run.Conclusion != "failure" || len(s.sim.Threads(shop, number)) != 1 {
		t.Errorf("check run %s, %d threads", run.Conclusion, len(s.sim.Threads(shop, number)))
	}
	_, replies := s.say(number, "writer", "write", "/plimsoll fix")
	if len(replies) != 1 || !strings.Contains(replies[0], "fork") || !strings.Contains(replies[0], "git apply") {
		t.Errorf("replies %q", replies)
	}
	if now, err := s.sim.Branch("bob/shop", "y"); err != nil || now != head {
		t.Errorf("the fork's branch moved to %s, %v", now, err)
	}
}
