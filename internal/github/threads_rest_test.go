package github

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// TestWithoutGraphQL takes a pull request the whole way where GraphQL does not
// answer: nothing is said twice, and what is mended is said to be.
func TestWithoutGraphQL(t *testing.T) {
	// A fault's answer is {"message": …}: with 200 it is JSON, and no GraphQL.
	for _, status := range []int{http.StatusNotFound, http.StatusNotImplemented, http.StatusOK} {
		t.Run(http.StatusText(status), func(t *testing.T) { withoutGraphQLAt(t, status) })
	}
}

func withoutGraphQLAt(t *testing.T, status int) {
	s := newStage(t, nil)
	s.faults(func(e githubsim.Exchange) *githubsim.Fault {
		if e.Kind == githubsim.KindGraphQL {
			return &githubsim.Fault{Status: status, Message: "Not Found"}
		}
		return nil
	})
	if out := s.publish(found(map[string]int{"a": 10})); out.Comments != 1 {
		t.Fatalf("%+v", out)
	}
	s.push(map[string]string{"b.yaml": lines(60, map[int]string{5: "x: 1"})})
	if out := s.publish(found(map[string]int{"a": 10})); out.Comments != 0 {
		t.Errorf("said again: %+v", out)
	}
	s.push(map[string]string{"a.yaml": lines(60, map[int]string{10: "ok: 1"})})
	if out := s.publish(clean()); out.Settled != 1 || out.Resolved != 0 {
		t.Errorf("not settled: %+v", out)
	}
	threads := s.sim.Threads(shop, s.pr.Number)
	if len(threads) != 1 || !strings.Contains(threads[0].Comments[0].Body, "Fixed in "+s.pr.HeadSHA[:7]) {
		t.Errorf("%d threads, the first says %q", len(threads), threads[0].Comments[0].Body)
	}
	if run := s.check(); run.Conclusion != "success" {
		t.Errorf("conclusion %s", run.Conclusion)
	}
}
