package github

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// TestWithoutGraphQL takes a pull request the whole way where GraphQL does not
// answer: nothing is said twice, and what is mended is said to be.
func TestWithoutGraphQL(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusNotImplemented, http.StatusBadRequest} {
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

// TestAnswersThatAreNoGraphQL: a proxy that answers something else with 200.
func TestAnswersThatAreNoGraphQL(t *testing.T) {
	for _, body := range []string{`{"message":"no"}`, `{"data":null}`, `{"data":{"repository":null}}`, `<html>`} {
		h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
			switch path := r.URL.Path; {
			case strings.HasSuffix(path, "/graphql"):
				_, _ = io.WriteString(w, body)
			case strings.HasSuffix(path, "/app"):
				_, _ = io.WriteString(w, `{"slug":"plimsoll"}`)
			case strings.HasSuffix(path, "/comments"):
				_, _ = io.WriteString(w, `[{"id":5,"path":"a.yaml","line":3,"user":{"login":"plimsoll[bot]"},"body":"<!-- plimsoll: `+strings.Repeat("a", 32)+` -->"},
					{"id":6,"path":"a.yaml","line":3,"user":{"login":"mallory"},"body":"<!-- plimsoll: `+strings.Repeat("b", 32)+` -->"}]`)
			default:
				_, _ = io.WriteString(w, `{"state":"open","head":{"sha":"`+sha1+`"}}`)
			}
		})
		st, err := h.client.State(t.Context(), pull7)
		if err != nil || st.HeadSHA != sha1 || !st.Open || len(st.Threads) != 1 || st.Threads[0].CommentID != 5 {
			t.Errorf("%s: state %+v, %v", body, st, err)
		}
	}
}
