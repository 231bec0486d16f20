package githubsim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

func TestStartServesTheFront(t *testing.T) {
	s, err := githubsim.New(githubsim.Options{Front: func(s *githubsim.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Front", "yes")
			s.Handler().ServeHTTP(w, r)
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(""); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(""); err == nil {
		t.Error("started twice")
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.APIURL()+"/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 401 || resp.Header.Get("X-Front") != "yes" || !strings.Contains(string(b), "documentation_url") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, b)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
