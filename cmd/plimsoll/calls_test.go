package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

var update = flag.Bool("update", false, "write the documents that tests make")

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

const callsDocument = "../../docs/api-calls.md"

// TestAPICallsByEvent counts what each kind of event costs and holds the table
// of docs/api-calls.md against it.
func TestAPICallsByEvent(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	d.reviewed(t, s.FullName, s.HeadSHA)
	c := &counter{t: t, d: d, repo: s.FullName}
	if err := d.sim.SetPermission(s.FullName, "mira", "write"); err != nil {
		t.Fatal(err)
	}
	c.row("opened, with findings to comment on", 5, c.since(0))

	c.event("opened, nothing found", 3, func() {
		c.must(d.sim.Push(c.repo, githubsim.Push{Branch: "words", Files: map[string]string{"NOTES.md": "words\n"}}))
		n, err := d.sim.OpenPull(c.repo, githubsim.NewPull{Title: "words", Head: "words"})
		c.must(n, err)
		c.head(n)
	})
	c.event("a push that changes nothing said", 4, func() {
		d.reviewed(t, c.repo, d.push(t, githubsim.Push{Branch: s.Branch, Files: map[string]string{"README.md": "# shop\n"}}))
	})
	c.event("a push that mends two findings", 10, func() {
		fix, _ := s.FixPush()
		d.reviewed(t, c.repo, d.push(t, fix))
	})
	c.event("/plimsoll help", 4, func() { c.command(s.Number, "/plimsoll help") })
	c.event("/plimsoll rescan", 10, func() { c.command(s.Number, "/plimsoll rescan") })
	c.event("/plimsoll fix, with the review of its commit", 14, func() {
		before := c.sha(s.Number)
		c.command(s.Number, "/plimsoll fix")
		c.wait(func() bool { return c.sha(s.Number) != before })
		d.reviewed(t, c.repo, c.sha(s.Number))
	})
	c.event("Re-run of the check run", 7, func() {
		run := d.reviewed(t, c.repo, c.sha(s.Number))
		if err := d.sim.Rerequest(c.repo, run.ID, "mira"); err != nil {
			t.Fatal(err)
		}
		c.wait(func() bool {
			runs := d.sim.CheckRuns(c.repo, c.sha(s.Number))
			newest := runs[len(runs)-1]
			return newest.Status == "completed" && (newest.ID != run.ID || newest.Completed.After(run.Completed))
		})
	})
	c.event("a merge group", 2, func() {
		sha, err := d.sim.RequestMerge(c.repo, s.Number)
		c.must(sha, err)
		d.reviewed(t, c.repo, sha)
	})
	c.event("a title edited, a comment without a command", 0, func() {
		if err := d.sim.EditTitle(c.repo, s.Number, "another"); err != nil {
			t.Fatal(err)
		}
		c.must(d.sim.Comment(c.repo, s.Number, "mira", "Thank you."))
		if err := d.sim.WaitDelivered(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	c.hold()
}

type counter struct {
	t    *testing.T
	d    *demo
	repo string
	rows []string
}

func (c *counter) must(_ any, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) sha(number int) string {
	c.t.Helper()
	p, err := c.d.sim.Pull(c.repo, number)
	if err != nil {
		c.t.Fatal(err)
	}
	return p.HeadSHA
}

func (c *counter) head(number int) { c.d.reviewed(c.t, c.repo, c.sha(number)) }

func (c *counter) wait(cond func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	if err := c.d.sim.Wait(ctx, cond); err != nil {
		c.t.Fatal(err)
	}
}

// command gives one and waits for its last reaction.
func (c *counter) command(number int, text string) {
	c.t.Helper()
	id, err := c.d.sim.Comment(c.repo, number, "mira", text)
	if err != nil {
		c.t.Fatal(err)
	}
	c.wait(func() bool {
		for _, m := range c.d.sim.Comments(c.repo, number) {
			if m.ID == id {
				return slices.ContainsFunc(m.Reactions, func(r githubsim.Reaction) bool { return r.Content == "+1" || r.Content == "confused" })
			}
		}
		return false
	})
}

func (c *counter) since(n int) []string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	c.must(nil, c.d.sim.WaitAnswered(ctx))
	return calls(c.d, n)
}

// event counts the calls of what do brings about.
func (c *counter) event(name string, most int, do func()) {
	c.t.Helper()
	c.since(0)
	seen := len(c.d.sim.Requests())
	do()
	c.row(name, most, c.since(seen))
}

func (c *counter) row(name string, most int, calls []string) {
	c.t.Helper()
	if len(calls) > most {
		c.t.Errorf("%s: %d calls, want at most %d: %s", name, len(calls), most, strings.Join(calls, ", "))
	}
	counts := map[string]int{}
	var order []string
	for _, call := range calls {
		call = strings.Replace(call, "/repos/{owner}/{repo}", "…", 1)
		if counts[call]++; counts[call] == 1 {
			order = append(order, call)
		}
	}
	for i, call := range order {
		order[i] = "`" + call + "`"
		if n := counts[call]; n > 1 {
			order[i] += fmt.Sprintf(" × %d", n)
		}
	}
	list := strings.Join(order, ", ")
	if list == "" {
		list = "none"
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s | %d | %s |\n", name, len(calls), list))
}

func (c *counter) hold() {
	c.t.Helper()
	want := `# API calls by kind of event

What a review costs of GitHub's limits, counted by the simulated GitHub while the whole App runs, with the permission
` + "`contents: write`" + ` (threads are resolved, fixes committed). Fetching goes over git and counts against no limit of the API. Left
out: the installation's token (one an hour and repository) and the organisation's configuration (one in five minutes for an
owner, conditional).

This page is made by a test: ` + "`go test ./cmd/plimsoll -run TestAPICallsByEvent -update`" + `.

| event | calls | which |
|---|---|---|
` + strings.Join(c.rows, "")
	if *update {
		if err := os.WriteFile(callsDocument, []byte(want), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	got, err := os.ReadFile(callsDocument)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		c.t.Errorf("docs/api-calls.md is stale (%v): go test ./cmd/plimsoll -run TestAPICallsByEvent -update\n%s", err, want)
	}
}
