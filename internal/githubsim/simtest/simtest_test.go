//go:build githubdescriptions

package simtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/simtest"
)

// record is a test that notes what it is failed for.
type record struct {
	testing.TB
	errors []string
}

func (r *record) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// The validation is worth something only if it finds what is wrong.
func TestValidateFindsMistakes(t *testing.T) {
	s, err := githubsim.New(githubsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := s.AddApp(githubsim.AppOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sha, err := s.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	inst, err := s.Install(app.ID, "acme", githubsim.InstallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.IssueToken(inst)
	if err != nil {
		t.Fatal(err)
	}
	rec := &record{TB: t}
	h := simtest.Validate(rec, s)
	for _, tt := range []struct{ name, method, path, body, finds string }{
		{"a good request", "POST", "/api/v3/repos/acme/shop/check-runs", `{"name":"n","head_sha":"` + sha + `"}`, ""},
		{"a good request at the root", "GET", "/repos/acme/shop", "", ""},
		{"misspelt member", "POST", "/repos/acme/shop/pulls/1/reviews", `{"event":"COMMENT","body":"b","coments":[]}`, "coments"},
		{"query that is not described", "GET", "/repos/acme/shop/pulls?perpage=3", "", "perpage"},
		{"query of the wrong type", "GET", "/repos/acme/shop/pulls?state=pending", "", "state"},
		{"GraphQL field", "POST", "/api/graphql", `{"query":"{ viewer { favouriteColour } }"}`, "favouriteColour"},
		{"GraphQL variable", "POST", "/api/graphql", `{"query":"query($n: Int!) { rateLimit(dryRun: true) { cost } repository(owner: \"a\", name: \"b\") { pullRequest(number: $n) { id } } }","variables":{"n":"x"}}`, "Int"},
		{"good GraphQL", "POST", "/graphql", `{"query":"{ viewer { login } }"}`, ""},
	} {
		rec.errors = nil
		req := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body))
		req.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(httptest.NewRecorder(), req)
		got := strings.Join(rec.errors, "\n")
		if tt.finds == "" && got != "" || !strings.Contains(got, tt.finds) {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.finds)
		}
	}
	// An answer that GitHub does not describe.
	rec.errors = nil
	faulty, err := githubsim.New(githubsim.Options{Faults: func(githubsim.Exchange) *githubsim.Fault {
		return &githubsim.Fault{Status: http.StatusAccepted, Message: "soon"}
	}})
	if err != nil {
		t.Fatal(err)
	}
	simtest.Validate(rec, faulty).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/repos/acme/shop", nil))
	if len(rec.errors) != 1 {
		t.Errorf("an undescribed answer: %v", rec.errors)
	}
	for payload, want := range map[string]bool{`{"action":"opened"}`: false, `{"action":"exploded"}`: false, `[]`: false} {
		if err := simtest.CheckWebhook("pull_request", []byte(payload)); (err == nil) != want {
			t.Errorf("webhook %s: %v", payload, err)
		}
	}
}
