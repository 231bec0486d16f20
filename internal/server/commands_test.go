package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// lineMend makes good every new bad line.
func lineMend(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Mended, error) {
	report, err := lineReview(ctx, opt, t)
	if err != nil {
		return nil, err
	}
	m := &review.Mended{Report: report, Files: map[string][]byte{}}
	text := string(report.Files["a.yaml"].Data)
	for i, f := range report.Findings {
		if f.State != engine.New {
			continue
		}
		report.Findings[i].Fix = &fix.Fix{Verified: true}
		m.Cleared = append(m.Cleared, report.Findings[i])
		text = strings.Replace(text, f.Resource.Name, strings.Replace(f.Resource.Name, "bad", "good", 1), 1)
	}
	if len(m.Cleared) > 0 {
		m.Files["a.yaml"] = []byte(text)
	}
	return m, nil
}

// fixableReview is lineReview with fixes, so that there is a button.
func fixableReview(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Report, error) {
	m, err := lineMend(ctx, opt, t)
	if err != nil {
		return nil, err
	}
	return m.Report, nil
}

func writing() map[string]string {
	p := githubsim.DefaultPermissions()
	p["contents"] = "write"
	return p
}

// say lets somebody comment, runs the job and gives the reactions and what the
// App has said in the conversation since.
func (s *stage) say(number int, login, permission, text string) (reactions, replies []string) {
	s.t.Helper()
	s.sim.AddUser(login)
	s.must(s.sim.SetPermission(shop, login, permission))
	before := len(s.replies(number))
	id, err := s.sim.Comment(shop, number, login, text)
	s.must(err)
	s.handle()
	return s.reactions(number, id), s.replies(number)[before:]
}

func (s *stage) reactions(number int, comment int64) []string {
	s.t.Helper()
	var out []string
	for _, c := range s.sim.Comments(shop, number) {
		if c.ID == comment {
			for _, r := range c.Reactions {
				out = append(out, r.Content)
			}
		}
	}
	return out
}

func (s *stage) replies(number int) []string {
	s.t.Helper()
	var out []string
	for _, c := range s.sim.Comments(shop, number) {
		if c.App != nil {
			out = append(out, c.Body)
		}
	}
	return out
}

func (s *stage) at(number int) githubsim.PullRequest {
	s.t.Helper()
	p, err := s.sim.Pull(shop, number)
	s.must(err)
	return p
}

func TestExplainAndHelp(t *testing.T) {
	s := newStage(t)
	catalogue, _ := rule.New([]*rule.Rule{{
		ID: "k8s/bad-line", Title: "a line is bad", Severity: rule.High, Why: "It is `bad`.", Remediation: "Make it good.",
		Examples: []rule.Example{{Fail: "a: 1\nbad: 1\n", Fixed: "a: 1\ngood: 1\n"}},
	}})
	s.puller.Rules = catalogue
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	for _, c := range []struct {
		text, reaction string
		parts          []string
	}{
		{"/plimsoll explain `K8s/Bad-Line`", "+1", []string{"**A line is bad** · high · [`k8s/bad-line`](https://plimsoll.example/rules/k8s/bad-line)", "It is `bad`.", "Make it good.", "-bad: 1\n+good: 1\n"}},
		{"/plimsoll explain k8s/bad-lime", "confused", []string{"no rule `k8s/bad-lime`", "Did you mean `k8s/bad-line`?"}},
		{"/plimsoll explain", "confused", []string{"Which rule?"}},
		{"hello /plimsoll help", "+1", []string{"/plimsoll rescan", "/plimsoll explain RULE"}},
		{"/plimsoll @dance", "confused", []string{"There is no such command.", "/plimsoll fix"}},
	} {
		reactions, replies := s.say(number, "reader", "read", c.text)
		if want := []string{"eyes", c.reaction}; !slices.Equal(reactions, want) {
			t.Errorf("%s: reactions %v, want %v", c.text, reactions, want)
		}
		if len(replies) != 1 {
			t.Fatalf("%s: %d replies", c.text, len(replies))
		}
		for _, part := range c.parts {
			if !strings.Contains(replies[0], part) {
				t.Errorf("%s: no %q in\n%s", c.text, part, replies[0])
			}
		}
		if strings.Contains(replies[0], "@dance") {
			t.Errorf("%s: it is repeated: %s", c.text, replies[0])
		}
	}
}

func TestReplyOnceForARedelivery(t *testing.T) {
	s := newStage(t)
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	_, err := s.sim.Comment(shop, number, "ann", "/plimsoll help")
	s.must(err)
	j := s.next()
	// The answer to the first reply is lost, and the delivery comes again.
	s.faults(once("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", githubsim.Fault{DropAfter: true}))
	s.must(s.puller.Handle(t.Context(), j))
	s.must(s.puller.Handle(t.Context(), j))
	// Somebody else's copy of the marker is no reply.
	for n, c := range []string{"", s.replies(number)[0]} {
		if c != "" {
			_, err := s.sim.Comment(shop, number, "ann", "/plimsoll help\n"+strings.ReplaceAll(c, "comment-", "comment-1"))
			s.must(err)
			s.handle()
		}
		if got := len(s.replies(number)); got != n+1 {
			t.Errorf("%d replies, want %d", got, n+1)
		}
	}
}

// once makes the first request of a template go wrong.
func once(template string, f githubsim.Fault) func(githubsim.Exchange) *githubsim.Fault {
	var done sync.Once
	return func(e githubsim.Exchange) *githubsim.Fault {
		var out *githubsim.Fault
		if e.Template == template || e.Kind == githubsim.KindGraphQL && strings.Contains(string(e.Body), template) {
			done.Do(func() { out = &f })
		}
		return out
	}
}

func TestFixByCommentAndByButton(t *testing.T) {
	for _, way := range []string{"comment", "button"} {
		t.Run(way, func(t *testing.T) {
			s := newStageWith(t, writing())
			s.puller.Review = fixableReview
			head := s.push(map[int]string{10: "bad: 1", 40: "bad: 2"})
			number := s.pull(false)
			s.handle()
			user := s.sim.AddUser("writer")
			s.must(s.sim.SetPermission(shop, "writer", "write"))
			if way == "comment" {
				reactions, replies := s.say(number, "writer", "write", "/plimsoll fix")
				if want := []string{"eyes", "+1"}; !slices.Equal(reactions, want) || len(replies) != 0 {
					t.Errorf("reactions %v, replies %q", reactions, replies)
				}
			} else {
				s.must(s.sim.RequestAction(shop, s.check(head).ID, "writer", "fix"))
				s.handle()
			}
			now := s.at(number).HeadSHA
			if now == head {
				t.Fatal("no commit")
			}
			text, err := s.sim.File(shop, now, "a.yaml")
			s.must(err)
			if want := file(map[int]string{10: "good: 1", 40: "good: 2"}); text != want {
				t.Errorf("the file is\n%s", text)
			}
			message := s.message(now)
			for _, part := range []string{
				"Apply 2 proven fixes\n\n- k8s/bad-line: v1/ConfigMap/x/", "\nPlimsoll-Asked-By: ",
				fmt.Sprintf("\nCo-authored-by: writer <%d+writer@users.noreply.github.com>", user.ID),
			} {
				if !strings.Contains(message, part) {
					t.Errorf("no %q in\n%s", part, message)
				}
			}
			s.handle() // the commit's own event
			if run := s.check(now); run.Status != "completed" || run.Conclusion != "success" && run.Conclusion != "neutral" {
				t.Errorf("check run %+v", run)
			}
			// Nothing is left: the second time is answered, not committed.
			reactions, replies := s.say(number, "writer", "write", "/plimsoll fix")
			if !slices.Equal(reactions, []string{"eyes", "confused"}) || len(replies) != 1 || !strings.Contains(replies[0], "nothing to fix") {
				t.Errorf("reactions %v, replies %q", reactions, replies)
			}
			if s.at(number).HeadSHA != now {
				t.Error("a second commit")
			}
		})
	}
}

// message gives a commit's message, as the API tells it.
func (s *stage) message(sha string) string {
	s.t.Helper()
	m, _, err := s.sim.CommitMessage(shop, sha)
	s.must(err)
	return m
}

func TestFixAfterALostAnswer(t *testing.T) {
	for name, f := range map[string]githubsim.Fault{"done": {DropAfter: true}, "not done": {Drop: true}, "server error": {Status: http.StatusBadGateway}} {
		t.Run(name, func(t *testing.T) {
			s := newStageWith(t, writing())
			s.push(map[int]string{10: "bad: 1"})
			number := s.pull(false)
			s.handle()
			s.faults(once("createCommitOnBranch", f))
			reactions, replies := s.say(number, "writer", "write", "/plimsoll fix")
			if !slices.Equal(reactions, []string{"eyes", "+1"}) || len(replies) != 0 {
				t.Errorf("reactions %v, replies %q", reactions, replies)
			}
			if n := s.commits(number); n != 2 {
				t.Errorf("%d commits", n)
			}
		})
	}
}

// commits counts the commits of a pull request.
func (s *stage) commits(number int) int {
	s.t.Helper()
	all, err := s.sim.Commits(shop, number)
	s.must(err)
	return len(all)
}

func TestFixTriedAgainAfterTheCommit(t *testing.T) {
	s := newStageWith(t, writing())
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	s.must(s.sim.SetPermission(shop, "writer", "write"))
	id, err := s.sim.Comment(shop, number, "writer", "/plimsoll fix")
	s.must(err)
	j := s.next()
	s.must(s.puller.Handle(t.Context(), j))
	j.Attempt = 2
	s.must(s.puller.Handle(t.Context(), j))
	if n := s.commits(number); n != 2 || len(s.replies(number)) != 0 {
		t.Errorf("%d commits, replies %q", n, s.replies(number))
	}
	if got := s.reactions(number, id); !slices.Equal(got, []string{"eyes", "+1"}) {
		t.Errorf("reactions %v", got)
	}
}

func TestFixRefused(t *testing.T) {
	patch := "-bad: 1\n+good: 1\n"
	for name, c := range map[string]struct {
		permissions map[string]string
		who         string
		prepare     func(s *stage)
		want        []string
	}{
		"no permission of the person": {writing(), "read", func(*stage) {}, []string{"`/plimsoll fix` needs write permission"}},
		"no permission of the App":    {nil, "write", func(*stage) {}, []string{"`contents: write`", patch, "git apply"}},
		"protected": {writing(), "write", func(s *stage) { s.must(s.sim.Protect(shop, "x")) },
			[]string{"the branch is protected", patch}},
		"moved": {writing(), "write", func(s *stage) {
			s.puller.Mend = func(ctx context.Context, opt reviewer.Options, t reviewer.Trees) (*review.Mended, error) {
				s.push(map[int]string{10: "bad: 1", 50: "x: 1"})
				return lineMend(ctx, opt, t)
			}
		}, []string{"the branch moved", patch}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStageWith(t, c.permissions)
			s.push(map[int]string{10: "bad: 1"})
			number := s.pull(false)
			s.handle()
			c.prepare(s)
			reactions, replies := s.say(number, "asker", c.who, "/plimsoll fix")
			if !slices.Equal(reactions, []string{"eyes", "confused"}) || len(replies) != 1 {
				t.Fatalf("reactions %v, replies %q", reactions, replies)
			}
			for _, part := range c.want {
				if !strings.Contains(replies[0], part) {
					t.Errorf("no %q in\n%s", part, replies[0])
				}
			}
			if strings.Contains(s.message(s.at(number).HeadSHA), "Plimsoll") {
				t.Error("committed all the same")
			}
		})
	}
}

func TestFixOfAFork(t *testing.T) {
	s := newStageWith(t, writing())
	_, err := s.sim.Fork(shop, "bob")
	s.must(err)
	head, err := s.sim.Push("bob/shop", githubsim.Push{Branch: "y", Files: map[string]string{"a.yaml": file(map[int]string{10: "bad: 1"})}})
	s.must(err)
	number, err := s.sim.OpenPull(shop, githubsim.NewPull{Title: "fork", Author: "bob", Head: "bob:y"})
	s.must(err)
	s.handle()
	_, replies := s.say(number, "writer", "write", "/plimsoll fix")
	if len(replies) != 1 || !strings.Contains(replies[0], "a fork") || !strings.Contains(replies[0], "+good: 1") {
		t.Errorf("replies %q", replies)
	}
	if s.at(number).HeadSHA != head {
		t.Error("the fork was written to")
	}
}

func TestButtonOfAnOlderHead(t *testing.T) {
	s := newStageWith(t, writing())
	s.puller.Review = fixableReview
	first := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	second := s.push(map[int]string{10: "bad: 1", 20: "bad: 2"})
	s.handle()
	s.must(s.sim.SetPermission(shop, "writer", "write"))
	s.must(s.sim.RequestAction(shop, s.check(first).ID, "writer", "fix"))
	s.handle()
	if s.at(number).HeadSHA != second {
		t.Error("committed")
	}
	if got := s.replies(number); len(got) != 1 || !strings.Contains(got[0], first[:7]) || !strings.Contains(got[0], second[:7]) {
		t.Errorf("replies %q", got)
	}
}

func TestGivenUpCommand(t *testing.T) {
	s := newStage(t)
	sha := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	id, err := s.sim.Comment(shop, number, "ann", "/plimsoll fix")
	s.must(err)
	s.puller.GiveUp(t.Context(), s.next(), context.DeadlineExceeded)
	if got := s.replies(number); len(got) != 1 || !strings.Contains(got[0], "took longer") {
		t.Errorf("replies %q", got)
	}
	if got := s.reactions(number, id); !slices.Contains(got, "confused") {
		t.Errorf("reactions %v", got)
	}
	if run := s.check(sha); run.Conclusion != "failure" {
		t.Errorf("the review was undone: %+v", run)
	}
	s.puller.GiveUp(t.Context(), jobs.Job{Event: "installation", Ref: refInstallation, InstallationID: s.install}, context.DeadlineExceeded)
}

func TestAskOf(t *testing.T) {
	for want, j := range map[string]jobs.Job{
		"comment-7":        {CommentID: 7, Delivery: "d"},
		"delivery-a-b.c_d": {Delivery: "a-b.c_d"},
	} {
		if got := askOf(j); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := askOf(jobs.Job{Delivery: "a --> b\n"}); !strings.HasPrefix(got, "delivery-") || len(got) != 41 {
		t.Errorf("%q", got)
	}
}

// remembering is a Memory in the process.
type remembering struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (m *remembering) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.m[key]
	return v, ok, nil
}

func (m *remembering) Put(_ context.Context, key string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m[key] = value
	return nil
}

var _ github.Memory = (*remembering)(nil)
