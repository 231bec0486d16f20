package github

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

func TestRefusalOf(t *testing.T) {
	kind := func(name, message string) error { return graphqlErrors{{Type: name, Message: message}} }
	for name, c := range map[string]struct{ err, want error }{
		"moved":         {kind("STALE_DATA", "x"), ErrHeadMoved},
		"protection":    {kind("BRANCH_PROTECTION_RULE_VIOLATION", "x"), ErrProtected},
		"ruleset":       {kind("", "Repository rule violations found\n\nCannot update this protected ref."), ErrProtected},
		"forbidden":     {kind("FORBIDDEN", "Resource not accessible by integration"), ErrMayNotWrite},
		"no branch":     {fmt.Errorf("%w: x", ErrGone), ErrMayNotWrite},
		"403":           {&statusError{status: 403}, ErrMayNotWrite},
		"other":         {kind("UNPROCESSABLE", "x"), ErrCommitRefused},
		"lost":          {errors.New("connection reset"), nil},
		"server error":  {&statusError{status: 502}, nil},
		"limit":         {&LimitError{}, nil},
		"no credential": {ErrCredentials, nil},
	} {
		if got := refusalOf(c.err); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestCommitMessage(t *testing.T) {
	for _, c := range []struct {
		web  string
		n    NewCommit
		want string
	}{
		{"https://github.com", NewCommit{Body: "- a\n", Ask: "comment-1", Login: "ann", ID: 7}, "- a\n\nPlimsoll-Asked-By: comment-1\nCo-authored-by: ann <7+ann@users.noreply.github.com>"},
		{"https://git.example:8443", NewCommit{Ask: "comment-1", Login: "ann", ID: 7}, "Plimsoll-Asked-By: comment-1\nCo-authored-by: ann <7+ann@users.noreply.git.example>"},
		{"http://127.0.0.1:9", NewCommit{Ask: "comment-1", Login: "ann", ID: 7}, "Plimsoll-Asked-By: comment-1\nCo-authored-by: ann <7+ann@users.noreply.github.com>"},
		{"https://github.com", NewCommit{Ask: "comment-1", Login: "ann"}, "Plimsoll-Asked-By: comment-1"},
		{"https://github.com", NewCommit{Ask: "comment-1", Login: "a>\nX: y", ID: 7}, "Plimsoll-Asked-By: comment-1"},
	} {
		client := &Client{opt: Options{WebURL: c.web}}
		if got := client.message(c.n); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func (s *stage) newCommit() NewCommit {
	return NewCommit{Branch: "x", Head: s.pr.HeadSHA, Files: map[string][]byte{"a.yaml": []byte("good: 1\n")}, Headline: "Mend", Ask: "comment-1"}
}

func writable() map[string]string {
	p := githubsim.DefaultPermissions()
	p["contents"] = "write"
	return p
}

func TestCommit(t *testing.T) {
	s := newStage(t, writable())
	n := s.newCommit()
	sha, err := s.client.Commit(t.Context(), s.pr, n)
	s.must(err)
	if got, ours, err := s.client.Asked(t.Context(), s.pr, "x", "comment-1"); err != nil || !ours || got != sha {
		t.Errorf("%s %v %v", got, ours, err)
	}
	if _, ours, err := s.client.Asked(t.Context(), s.pr, "x", "comment-12"); err != nil || ours {
		t.Errorf("another question's commit: %v %v", ours, err)
	}
	if _, _, err := s.client.Asked(t.Context(), s.pr, "gone", "comment-1"); !errors.Is(err, ErrGone) {
		t.Errorf("no branch: %v", err)
	}
	// The same commit again is the one that is there.
	again, err := s.client.Commit(t.Context(), s.pr, n)
	if err != nil || again != sha {
		t.Errorf("%s, %v; want %s", again, err, sha)
	}
	n.Ask = "comment-2"
	if _, err := s.client.Commit(t.Context(), s.pr, n); !errors.Is(err, ErrHeadMoved) {
		t.Errorf("error %v", err)
	}
	n.Head = sha
	s.must(s.sim.Protect(shop, "x"))
	if _, err := s.client.Commit(t.Context(), s.pr, n); !errors.Is(err, ErrProtected) {
		t.Errorf("error %v", err)
	}
	n.Files["a.yaml"] = make([]byte, maxCommit+1)
	if _, err := s.client.Commit(t.Context(), s.pr, n); !errors.Is(err, ErrCommitRefused) {
		t.Errorf("error %v", err)
	}
}

func TestCommitGivesUp(t *testing.T) {
	s := newStage(t, writable())
	s.faults(func(e githubsim.Exchange) *githubsim.Fault {
		if e.Kind == githubsim.KindGraphQL && strings.Contains(string(e.Body), "createCommitOnBranch") {
			return &githubsim.Fault{Drop: true}
		}
		return nil
	})
	_, err := s.client.Commit(t.Context(), s.pr, s.newCommit())
	for _, known := range []error{nil, ErrHeadMoved, ErrProtected, ErrMayNotWrite, ErrCommitRefused, ErrGone} {
		if errors.Is(err, known) {
			t.Errorf("a fault is taken for %v", known)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.client.Commit(ctx, s.pr, s.newCommit()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestReplyBehindManyComments(t *testing.T) {
	s := newStage(t, nil)
	s.must(s.client.Reply(t.Context(), s.pr, "comment-1", "Words."))
	for range 2*perPage + 5 {
		_, err := s.sim.Comment(shop, s.pr.Number, "ann", "more")
		s.must(err)
	}
	s.must(s.client.Reply(t.Context(), s.pr, "comment-1", "Words."))
	s.must(s.client.Reply(t.Context(), s.pr, "comment-10", "Words."))
	n := 0
	for _, c := range s.sim.Comments(shop, s.pr.Number) {
		if c.App != nil {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d replies, want 2", n)
	}
	if err := s.client.Reply(t.Context(), s.pr, "comment 1 -->", "Words."); err == nil {
		t.Error("a question that would end the marker is taken")
	}
	s.must(s.client.Reply(t.Context(), s.pr, "comment-3", strings.Repeat("é", 60000)))
}

func TestForget(t *testing.T) {
	s := newStage(t, nil)
	other := newClient(s)
	_, err := s.sim.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Files: map[string]string{".plimsoll.yml": "version: 1\n"}})
	s.must(err)
	want := func(c *Client, text string) {
		t.Helper()
		got, err := c.OwnerConfig(t.Context(), s.pr)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
	want(s.client, "version: 1\n")
	want(other, "version: 1\n")
	_, err = s.sim.Push("acme/.github", githubsim.Push{Branch: "main", Files: map[string]string{".plimsoll.yml": "version: 1 # new\n"}})
	s.must(err)
	want(other, "version: 1\n")
	s.must(s.client.Forget(t.Context(), s.install+1, "d-0"))
	want(s.client, "version: 1\n")
	s.must(s.client.Forget(t.Context(), s.install, "d-1"))
	want(s.client, "version: 1 # new\n")
	want(other, "version: 1 # new\n")
	// It is dropped once, not with every look.
	calls := len(s.sim.Requests())
	want(other, "version: 1 # new\n")
	if n := len(s.sim.Requests()); n != calls {
		t.Errorf("%d more calls", n-calls)
	}
}

func newClient(s *stage) *Client {
	out, err := New(s.client.opt)
	s.must(err)
	return out
}
