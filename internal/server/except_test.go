package server

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// lineExcept puts the comment above the bad line that is meant.
func lineExcept(ctx context.Context, opt reviewer.Options, t reviewer.Trees, want reviewer.Want) (*review.Exception, error) {
	report, err := lineReview(ctx, opt, t)
	if err != nil {
		return nil, err
	}
	x := &review.Exception{Report: report, Until: want.Until, Reason: want.Reason, File: report.Files["a.yaml"]}
	for i, f := range report.Findings {
		if slices.Contains(want.Fingerprints, f.Fingerprint) {
			at := source.Pos{Byte: x.File.LineStart(f.Range.Start.Line)}
			x.Rules, x.Finding = []string{f.Rule.ID}, &report.Findings[i]
			x.Edit = &source.Edit{Range: source.Range{File: "a.yaml", Start: at, End: at}, New: review.Directive(f.Rule.ID, want.Until, want.Reason) + "\n"}
		}
	}
	return x, nil
}

// replyTo lets somebody answer in a thread, runs the job and gives the App's
// answers and reactions since.
func (s *stage) replyTo(number, thread int, login, permission, text string) (reactions, replies []string) {
	s.t.Helper()
	s.sim.AddUser(login)
	s.must(s.sim.SetPermission(shop, login, permission))
	s.must(s.sim.ReplyToThread(shop, number, s.sim.Threads(shop, number)[thread].ID, login, text))
	before := len(s.sim.Threads(shop, number)[thread].Comments)
	s.handle()
	comments := s.sim.Threads(shop, number)[thread].Comments
	for _, r := range comments[before-1].Reactions {
		reactions = append(reactions, r.Content)
	}
	for _, c := range comments[before:] {
		replies = append(replies, c.Body)
	}
	return reactions, replies
}

func TestIgnoreInAReplySuggestsTheException(t *testing.T) {
	s := newStage(t)
	s.puller.Except = lineExcept
	s.push(map[int]string{10: "bad: 1", 40: "bad: 2"})
	number := s.pull(false)
	s.handle()
	for _, c := range []struct {
		login, permission, text, reaction string
		parts                             []string
	}{
		{"writer", "write", "/plimsoll ignore -- the agent reads the node", "+1", []string{"```suggestion\n# plimsoll:ignore k8s/bad-line -- the agent reads the node\nbad: 2\n```", "It counts once merged."}},
		{"ann", "read", "/Plimsoll IGNORE `k8s/bad-line` until=2099-12-31 -- hers\nmore", "+1", []string{"until=2099-12-31 -- hers\nbad: 2"}},
		{"writer", "write", "/plimsoll ignore k8s/bad-line", "confused", []string{"needs its reason"}},
		{"writer", "write", "/plimsoll ignore until=2001-01-01 -- old", "confused", []string{"`2001-01-01` is no day"}},
		{"reader", "read", "/plimsoll ignore -- please", "confused", []string{"needs write permission"}},
		{"reader", "read", "/plimsoll help", "+1", []string{"/plimsoll ignore RULE"}},
	} {
		reactions, replies := s.replyTo(number, 1, c.login, c.permission, c.text)
		if want := []string{"eyes", c.reaction}; !slices.Equal(reactions, want) || len(replies) != 1 {
			t.Errorf("%s: reactions %v, replies %q", c.text, reactions, replies)
			continue
		}
		for _, part := range c.parts {
			if !strings.Contains(replies[0], part) {
				t.Errorf("%s: no %q in\n%s", c.text, part, replies[0])
			}
		}
	}
	// In the conversation it is not known what is meant.
	reactions, replies := s.say(number, "writer", "write", "/plimsoll ignore k8s/bad-line -- why")
	if !slices.Contains(reactions, "confused") || len(replies) != 1 || !strings.Contains(replies[0], "as a reply to one of Plimsoll's comments") {
		t.Errorf("reactions %v, replies %q", reactions, replies)
	}
	// Human replies and our answers leave the threads as they are.
	s.push(map[int]string{10: "bad: 1", 40: "good: 2"})
	s.handle()
	threads := s.sim.Threads(shop, number)
	if len(threads) != 2 || !strings.Contains(threads[1].Comments[0].Body, "Fixed in") || len(threads[1].Comments) != 13 {
		t.Errorf("%d threads, %d comments", len(threads), len(threads[1].Comments))
	}
}

func TestIgnoreIsAnsweredOnceThoughTheAnswerIsLost(t *testing.T) {
	s := newStage(t)
	s.puller.Except = lineExcept
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.handle()
	s.must(s.sim.SetPermission(shop, "ann", "write"))
	s.must(s.sim.ReplyToThread(shop, number, s.sim.Threads(shop, number)[0].ID, "ann", "/plimsoll ignore -- so be it"))
	j := s.next()
	s.faults(once("POST /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies", githubsim.Fault{DropAfter: true}))
	s.must(s.puller.Handle(t.Context(), j))
	s.must(s.puller.Handle(t.Context(), j))
	if n := len(s.sim.Threads(shop, number)[0].Comments); n != 3 {
		t.Errorf("%d comments, want ours, the question and one answer", n)
	}
}
