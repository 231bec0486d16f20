package github

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	sha1 = "1111111111111111111111111111111111111111"
	sha2 = "2222222222222222222222222222222222222222"
)

const pullEvent = `{"action":"ACTION","number":7,"installation":{"id":5},
 "repository":{"id":9,"name":"shop","owner":{"login":"acme"}},"sender":{"login":"ann","type":"User"},
 "changes":CHANGES,
 "pull_request":{"number":7,"draft":false,"state":"open",
  "head":{"sha":"` + sha1 + `","ref":"x","repo":{"id":10}},"base":{"sha":"` + sha2 + `","ref":"main","repo":{"id":9}}}}`

func pullBody(action, changes string) string {
	return strings.NewReplacer("ACTION", action, "CHANGES", changes).Replace(pullEvent)
}

func checkBody(action, identifier, name, external, pulls string) string {
	return `{"action":"` + action + `","installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"User"},"requested_action":{"identifier":"` + identifier + `"},
 "check_run":{"name":"` + name + `","head_sha":"` + sha1 + `","external_id":"` + external + `","pull_requests":` + pulls + `,"app":{"id":77}}}`
}

func commentBody(action, text, userType, state, pull string) string {
	return `{"action":"` + action + `","installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"` + userType + `"},"issue":{"number":7,"state":"` + state + `","pull_request":` + pull + `},
 "comment":{"id":6000000000,"body":"` + text + `","user":{"login":"ann","type":"` + userType + `"}}}`
}

func TestParseEvent(t *testing.T) {
	place := Event{InstallationID: 5, RepositoryID: 9, Owner: "acme", Repo: "shop", Number: 7, Sender: "ann"}
	pull := func(action string) Event {
		e := place
		e.Kind, e.Name, e.Action, e.HeadSHA, e.BaseSHA, e.BaseRef, e.HeadRepoID = Review, "pull_request", action, sha1, sha2, "main", 10
		return e
	}
	check := func(action string) Event {
		e := place
		e.Kind, e.Name, e.Action, e.AppID = Review, "check_run", action, 77
		return e
	}
	rescan := place
	rescan.Kind, rescan.Name, rescan.Action, rescan.CommentID = Rescan, "issue_comment", "created", 6000000000
	ignored := Event{Kind: Ignored}
	for _, c := range []struct {
		name, event, body string
		want              Event
	}{
		{"opened", "pull_request", pullBody("opened", "null"), pull("opened")},
		{"synchronize", "pull_request", pullBody("synchronize", "null"), pull("synchronize")},
		{"reopened", "pull_request", pullBody("reopened", "{}"), pull("reopened")},
		{"ready", "pull_request", pullBody("ready_for_review", "{}"), pull("ready_for_review")},
		{"base edited", "pull_request", pullBody("edited", `{"base":{"ref":{"from":"dev"}}}`), pull("edited")},
		{"title edited", "pull_request", pullBody("edited", `{"title":{"from":"x"}}`), ignored},
		{"base null", "pull_request", pullBody("edited", `{"base":null}`), ignored},
		{"labeled", "pull_request", pullBody("labeled", "{}"), ignored},
		{"closed pull", "pull_request", strings.Replace(pullBody("synchronize", "{}"), `"open"`, `"closed"`, 1), ignored},
		{"bot's pull", "pull_request", strings.Replace(pullBody("opened", "{}"), `"ann","type":"User"`, `"dependabot[bot]","type":"Bot"`, 1),
			func() Event { e := pull("opened"); e.Sender = "dependabot[bot]"; return e }()},
		{"deleted fork", "pull_request", strings.Replace(pullBody("opened", "{}"), `"repo":{"id":10}`, `"repo":null`, 1),
			func() Event { e := pull("opened"); e.HeadRepoID = 0; return e }()},
		{"rerequested", "check_run", checkBody("rerequested", "", "plimsoll", "pull/7", "[]"), check("rerequested")},
		{"rerequested by list", "check_run", checkBody("rerequested", "", "plimsoll", "", `[{"number":7}]`), check("rerequested")},
		{"button", "check_run", checkBody("requested_action", "rescan", "plimsoll", "pull/7", "[]"), check("requested_action")},
		{"other button", "check_run", checkBody("requested_action", "fix", "plimsoll", "pull/7", "[]"), ignored},
		{"created", "check_run", checkBody("created", "", "plimsoll", "pull/7", "[]"), ignored},
		{"other run", "check_run", checkBody("rerequested", "", "ci", "pull/7", "[]"), ignored},
		{"no pull", "check_run", checkBody("rerequested", "", "plimsoll", "pull/07", "[]"), ignored},
		{"command", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "open", "{}"), rescan},
		{"command first line", "issue_comment", commentBody("created", "/plimsoll  rescan \\r\\nplease", "User", "open", "{}"), rescan},
		{"command later", "issue_comment", commentBody("created", "hello\\n/plimsoll rescan", "User", "open", "{}"), ignored},
		{"other command", "issue_comment", commentBody("created", "/plimsoll rescan now", "User", "open", "{}"), ignored},
		{"quoted", "issue_comment", commentBody("created", "> /plimsoll rescan", "User", "open", "{}"), ignored},
		{"bot", "issue_comment", commentBody("created", "/plimsoll rescan", "Bot", "open", "{}"), ignored},
		{"edited comment", "issue_comment", commentBody("edited", "/plimsoll rescan", "User", "open", "{}"), ignored},
		{"closed", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "closed", "{}"), ignored},
		{"issue", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "open", "null"), ignored},
		{"ping", "ping", `{"zen":"x"}`, ignored},
		{"unknown", "star", `{}`, ignored},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseEvent(c.event, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.want.Kind == Ignored {
				if got.Kind != Ignored || got.Reason == "" {
					t.Fatalf("got %+v, want it ignored for a reason", got)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseEventRefuses(t *testing.T) {
	for name, c := range map[string][2]string{
		"not JSON":         {"pull_request", `{"action":`},
		"wrong type":       {"pull_request", `{"action":7}`},
		"not an object":    {"ping", `[]`},
		"no installation":  {"pull_request", strings.Replace(pullBody("opened", "{}"), `{"id":5}`, `{}`, 1)},
		"no repository":    {"pull_request", `{"action":"opened","installation":{"id":5}}`},
		"no pull request":  {"pull_request", `{"action":"opened","installation":{"id":5},"repository":{"id":9,"name":"a","owner":{"login":"b"}}}`},
		"path in name":     {"pull_request", strings.Replace(pullBody("opened", "{}"), `"shop"`, `"../x"`, 1)},
		"dots":             {"pull_request", strings.Replace(pullBody("opened", "{}"), `"shop"`, `".."`, 1)},
		"sha is not one":   {"pull_request", strings.Replace(pullBody("opened", "{}"), sha1, "main", 1)},
		"run without head": {"check_run", strings.Replace(checkBody("rerequested", "", "plimsoll", "pull/7", "[]"), sha1, "", 1)},
		"login":            {"issue_comment", strings.ReplaceAll(commentBody("created", "/plimsoll rescan", "User", "open", "{}"), "ann", "a/b")},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ParseEvent(c[0], []byte(c[1]))
			if err == nil {
				t.Fatalf("taken as %+v", e)
			}
			if e != (Event{}) {
				t.Errorf("an error with an event: %+v", e)
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("pull_request", []byte(pullBody("opened", "null")))
	f.Add("pull_request", []byte(pullBody("edited", `{"base":{"ref":{"from":"dev"}}}`)))
	f.Add("check_run", []byte(checkBody("rerequested", "", "plimsoll", "pull/7", `[{"number":7}]`)))
	f.Add("issue_comment", []byte(commentBody("created", "/plimsoll rescan", "User", "open", "{}")))
	f.Add("ping", []byte(`{}`))
	f.Add("pull_request", []byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		e, err := ParseEvent(event, body)
		if err != nil || e.Kind == Ignored {
			return
		}
		if e.Number <= 0 || e.InstallationID <= 0 || e.RepositoryID <= 0 || !validName(e.Owner) || !validName(e.Repo) {
			t.Fatalf("an event without a place: %+v", e)
		}
		if e.HeadSHA != "" && !shaPattern.MatchString(e.HeadSHA) {
			t.Fatalf("head %q", e.HeadSHA)
		}
		if (e.Kind == Rescan) != (e.CommentID > 0) {
			t.Fatalf("comment of %+v", e)
		}
	})
}

func BenchmarkParseEvent(b *testing.B) {
	body := []byte(pullBody("opened", "null"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseEvent("pull_request", body); err != nil {
			b.Fatal(err)
		}
	}
}
