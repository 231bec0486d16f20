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
 "sender":{"login":"ann","id":30,"type":"User"},"requested_action":{"identifier":"` + identifier + `"},
 "check_run":{"name":"` + name + `","head_sha":"` + sha1 + `","external_id":"` + external + `","pull_requests":` + pulls + `,"app":{"id":77}}}`
}

func commentBody(action, text, userType, state, pull string) string {
	return `{"action":"` + action + `","installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"` + userType + `"},"issue":{"number":7,"state":"` + state + `","pull_request":` + pull + `},
 "comment":{"id":6000000000,"body":"` + text + `","user":{"login":"ann","id":31,"type":"` + userType + `"}}}`
}

func suiteBody(action, branch string) string {
	return `{"action":"` + action + `","installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"User"},
 "check_suite":{"head_branch":"` + branch + `","head_sha":"` + sha1 + `","pull_requests":[{"number":7}],"app":{"id":77}}}`
}

func mainSuite(action, pulls string) string {
	return strings.NewReplacer(`[{"number":7}]`, pulls, `"name":"shop"`, `"name":"shop","default_branch":"main"`).Replace(suiteBody(action, "main"))
}

func groupBody(action string) string {
	return `{"action":"` + action + `","installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"User"},
 "merge_group":{"head_sha":"` + sha1 + `","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-x","base_sha":"` + sha2 + `","base_ref":"refs/heads/main"}}`
}

func pushBody(repo, ref, path string) string {
	return `{"ref":"` + ref + `","installation":{"id":5},"repository":{"id":9,"name":"` + repo + `","default_branch":"main","owner":{"login":"acme"}},
 "sender":{"login":"ann","type":"User"},"commits":[{"added":[],"modified":["` + path + `"],"removed":[]}]}`
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
	ask := func(command, argument string) Event {
		e := place
		e.Kind, e.Name, e.Action, e.CommentID, e.SenderID = Ask, "issue_comment", "created", 6000000000, 31
		e.Command, e.Argument = command, argument
		return e
	}
	rescan := ask(CommandRescan, "")
	fix := place
	fix.Kind, fix.Name, fix.Action, fix.Command, fix.HeadSHA, fix.SenderID, fix.AppID = Ask, "check_run", "requested_action", CommandFix, sha1, 30, 77
	suite := func(action string) Event {
		e := place
		e.Number, e.Kind, e.Name, e.Action, e.HeadSHA, e.AppID = 0, Missed, "check_suite", action, sha1, 77
		return e
	}
	group := place
	group.Number, group.Kind, group.Name, group.Action = 0, Group, "merge_group", "checks_requested"
	group.HeadSHA, group.BaseSHA, group.BaseRef = sha1, sha2, "main"
	regroup := place
	regroup.Number, regroup.Kind, regroup.Name, regroup.Action, regroup.HeadSHA, regroup.BaseSHA, regroup.AppID = 0, Group, "check_run", "rerequested", sha1, sha2, 77
	push := place
	push.Number, push.Kind, push.Name = 0, Refresh, "push"
	orgPush := push
	orgPush.Repo = ".github"
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
		{"fix", "check_run", checkBody("requested_action", "fix", "plimsoll", "pull/7", "[]"), fix},
		{"other button", "check_run", checkBody("requested_action", "merge", "plimsoll", "pull/7", "[]"), ignored},
		{"group again", "check_run", checkBody("rerequested", "", "plimsoll", "group/"+sha2, "[]"), regroup},
		{"fix of a group", "check_run", checkBody("requested_action", "fix", "plimsoll", "group/"+sha2, "[]"), ignored},
		{"group of nothing", "check_run", checkBody("rerequested", "", "plimsoll", "group/main", "[]"), ignored},
		{"created", "check_run", checkBody("created", "", "plimsoll", "pull/7", "[]"), ignored},
		{"other run", "check_run", checkBody("rerequested", "", "ci", "pull/7", "[]"), ignored},
		{"no pull", "check_run", checkBody("rerequested", "", "plimsoll", "pull/07", "[]"), ignored},
		{"command", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "open", "{}"), rescan},
		{"command first line", "issue_comment", commentBody("created", "/plimsoll  rescan \\r\\nplease", "User", "open", "{}"), rescan},
		{"command later", "issue_comment", commentBody("created", "hello\\n/plimsoll rescan", "User", "open", "{}"), ignored},
		{"words after", "issue_comment", commentBody("created", "/plimsoll rescan now", "User", "open", "{}"), rescan},
		{"explain", "issue_comment", commentBody("created", "Please /PLIMSOLL Explain `k8s/Host-Path`!", "User", "open", "{}"), ask(CommandExplain, "k8s/host-path")},
		{"unknown command", "issue_comment", commentBody("created", "/plimsoll dance", "User", "open", "{}"), ask(CommandUnknown, "")},
		{"quoted", "issue_comment", commentBody("created", "> /plimsoll rescan", "User", "open", "{}"), ignored},
		{"bot", "issue_comment", commentBody("created", "/plimsoll rescan", "Bot", "open", "{}"), ignored},
		{"edited comment", "issue_comment", commentBody("edited", "/plimsoll rescan", "User", "open", "{}"), ignored},
		{"closed", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "closed", "{}"), ignored},
		{"issue", "issue_comment", commentBody("created", "/plimsoll rescan", "User", "open", "null"), ignored},
		{"suite", "check_suite", suiteBody("requested", "x"), suite("requested")},
		{"suite of a fork", "check_suite", strings.Replace(suiteBody("rerequested", "x"), `"x"`, "null", 1), suite("rerequested")},
		{"suite of the default branch", "check_suite", mainSuite("requested", "[]"), ignored},
		{"suite of it again", "check_suite", mainSuite("rerequested", "[]"), suite("rerequested")},
		{"suite of a pull request from it", "check_suite", mainSuite("requested", `[{"number":7}]`), suite("requested")},
		{"suite done", "check_suite", suiteBody("completed", "x"), ignored},
		{"suite of a group", "check_suite", suiteBody("requested", "gh-readonly-queue/main/pr-7-x"), ignored},
		{"group", "merge_group", groupBody("checks_requested"), group},
		{"group gone", "merge_group", groupBody("destroyed"), ignored},
		{"push of the organisation", "push", pushBody(".github", "refs/heads/main", "README.md"), orgPush},
		{"push of configuration", "push", pushBody("shop", "refs/heads/main", ".plimsoll.yml"), push},
		{"push of code", "push", pushBody("shop", "refs/heads/main", "main.tf"), ignored},
		{"push to a branch", "push", pushBody(".github", "refs/heads/x", ".plimsoll.yml"), ignored},
		{"push of a tag", "push", pushBody(".github", "refs/tags/main", ".plimsoll.yml"), ignored},
		{"installed", "installation", `{"action":"created","installation":{"id":5},"sender":{"login":"ann"}}`,
			Event{Kind: Refresh, Name: "installation", Action: "created", InstallationID: 5, Sender: "ann"}},
		{"repositories", "installation_repositories", `{"action":"added","installation":{"id":5},"sender":{"login":"ann"}}`,
			Event{Kind: Refresh, Name: "installation_repositories", Action: "added", InstallationID: 5, Sender: "ann"}},
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
		"suite":            {"check_suite", strings.Replace(suiteBody("requested", "x"), sha1, "main", 1)},
		"group":            {"merge_group", strings.Replace(groupBody("checks_requested"), sha2, "main", 1)},
		"installation":     {"installation", `{"action":"created"}`},
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
	f.Add("issue_comment", []byte(commentBody("created", "x `y` /Plimsoll explain `k8s/x`, z", "User", "open", "{}")))
	f.Add("check_run", []byte(checkBody("requested_action", "fix", "plimsoll", "pull/7", "[]")))
	f.Add("check_run", []byte(checkBody("rerequested", "", "plimsoll", "group/"+sha2, "[]")))
	f.Add("check_suite", []byte(suiteBody("requested", "x")))
	f.Add("merge_group", []byte(groupBody("checks_requested")))
	f.Add("push", []byte(pushBody(".github", "refs/heads/main", ".plimsoll.yml")))
	f.Add("installation", []byte(`{"action":"created","installation":{"id":5},"sender":{"login":"ann"}}`))
	f.Add("ping", []byte(`{}`))
	f.Add("pull_request", []byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		e, err := ParseEvent(event, body)
		if err != nil || e.Kind == Ignored {
			return
		}
		if e.InstallationID <= 0 || (e.Number > 0) != (e.Kind == Review || e.Kind == Ask) {
			t.Fatalf("an event without a place: %+v", e)
		}
		if e.Kind != Refresh && (e.RepositoryID <= 0 || !validName(e.Owner) || !validName(e.Repo)) {
			t.Fatalf("an event without a repository: %+v", e)
		}
		if (e.Kind == Group) != (e.BaseSHA != "" && e.Number == 0) {
			t.Fatalf("a group without a base: %+v", e)
		}
		if e.HeadSHA != "" && !shaPattern.MatchString(e.HeadSHA) {
			t.Fatalf("head %q", e.HeadSHA)
		}
		if (e.Kind == Ask) != (e.Command != "") || e.CommentID > 0 && e.Kind != Ask || len(e.Argument) > maxArgument {
			t.Fatalf("command of %+v", e)
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
