package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

func TestReplayWritesNothing(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	d.reviewed(t, s.FullName, s.HeadSHA)
	if _, err := d.sim.MergePull(s.FullName, s.Number, "mira"); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PLIMSOLL_GITHUB_APP_ID": "", "PLIMSOLL_GITHUB_PRIVATE_KEY": string(d.app.KeyPEM()), "PLIMSOLL_GITHUB_WEBHOOK_SECRET": "x",
		"PLIMSOLL_GITHUB_URL": d.sim.URL(), "PLIMSOLL_GITHUB_API_URL": d.sim.APIURL(), "PLIMSOLL_GITHUB_GRAPHQL_URL": d.sim.GraphQLURL(),
		"PLIMSOLL_DATA_DIR": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	t.Setenv("PLIMSOLL_GITHUB_APP_ID", itoa(d.app.ID))
	seen := len(d.sim.Requests())
	code, stdout, stderr := plimsoll(t, "replay", "--since", "30d", s.FullName)
	if code != 0 {
		t.Fatalf("status %d: %s", code, stderr)
	}
	for _, want := range []string{"#1  ", "new findings", "k8s/privileged-container", "1 merged pull request: 1 would have failed, 1 with new findings"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for _, e := range d.sim.Requests()[seen:] {
		token := strings.HasSuffix(e.Template, "/access_tokens")
		if e.Kind == githubsim.KindREST && e.Method != "GET" && !token {
			t.Errorf("%s was called", e.Template)
		}
	}
	_, stdout, _ = plimsoll(t, "replay", "--format", "json", s.FullName)
	var rows []replayRow
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || len(rows) != 1 || rows[0].Conclusion != "failure" ||
		!slices.ContainsFunc(rows[0].Findings, func(f replayFinding) bool { return f.Rule == "k8s/privileged-container" && f.Line > 0 }) {
		t.Errorf("%v %+v", err, rows)
	}
	for _, wrong := range [][]string{{"replay", "acme"}, {"replay", "--since", "yesterday", s.FullName}, {"replay", "nobody/nothing"}} {
		if code, _, stderr := plimsoll(t, wrong...); code != 2 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: %d %s", wrong, code, stderr)
		}
	}
}
