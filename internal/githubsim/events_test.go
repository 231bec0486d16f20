package githubsim_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

func TestDeliveriesAreSignedLoggedAndRedelivered(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	w.hook.take()
	w.hook.answer(http.StatusInternalServerError)
	if _, err := w.Comment(shop, 1, "dev", "/plimsoll help"); err != nil {
		t.Fatal(err)
	}
	w.delivered()
	first := w.hook.payloads()
	if len(first) != 1 || first[0].Signature != githubsim.Sign("s3cret", first[0].Body) {
		t.Fatalf("deliveries: %+v", first)
	}
	all := w.Deliveries(w.app.ID)
	failed := all[len(all)-1]
	if failed.OK() || failed.StatusCode != 500 || failed.GUID != first[0].GUID || failed.Event != "issue_comment" {
		t.Errorf("log: %+v", failed)
	}
	w.hook.answer(http.StatusAccepted)
	w.asApp()
	if status, body := w.call("POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", failed.ID), nil); status != 202 {
		t.Fatalf("attempts: %d %v", status, body)
	}
	w.delivered()
	again := w.hook.payloads()
	if len(again) != 1 || again[0].GUID != first[0].GUID || string(again[0].Body) != string(first[0].Body) {
		t.Errorf("redelivery: %+v", again)
	}
	all = w.Deliveries(w.app.ID)
	if d := all[len(all)-1]; !d.Redelivery || !d.OK() || d.ID == failed.ID {
		t.Errorf("log: %+v", d)
	}
}

func TestPausedDeliveriesWait(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	w.hook.take()
	w.PauseDeliveries()
	if _, err := w.Comment(shop, 1, "dev", "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Comment(shop, 1, "dev", "two"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.WaitDelivered(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("while paused: %v", err)
	}
	if got := w.hook.take(); got != nil {
		t.Errorf("while paused: %v", got)
	}
	w.ResumeDeliveries()
	w.delivered()
	if got := w.hook.take(); len(got) != 2 {
		t.Errorf("after: %v", got)
	}
}

func TestEventsOfAPullRequestsLife(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	expect := func(want string, err error) {
		t.Helper()
		w.delivered()
		if got := strings.Join(w.hook.take(), " "); err != nil || got != want {
			t.Errorf("events %q, want %q (%v)", got, want, err)
		}
	}
	w.hook.take()
	expect("pull_request.converted_to_draft", w.ConvertToDraft(shop, 1))
	expect("pull_request.ready_for_review", w.MarkReady(shop, 1))
	expect("pull_request.edited", w.EditTitle(shop, 1, "Other"))
	expect("pull_request.closed", w.ClosePull(shop, 1))
	// A push to a closed pull request's branch is not its event.
	w.push(map[int]string{10: "while closed\n"})
	expect("push check_suite.requested", nil)
	expect("pull_request.reopened", w.ReopenPull(shop, 1))
	if tip := mustBranch(w, "change"); w.head() != tip {
		t.Errorf("reopened at %s, branch is at %s", w.head(), tip)
	}
	// The base moves on; the merge base stays.
	mb, err := w.MergeBase(shop, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Push(shop, githubsim.Push{Branch: "main", Files: map[string]string{"README.md": "moved\n"}})
	expect("push check_suite.requested", err)
	if now, err := w.MergeBase(shop, 1); err != nil || now != mb {
		t.Errorf("merge base %s, was %s, %v", now, mb, err)
	}
	sha, err := w.MergePull(shop, 1, "owner")
	expect("push check_suite.requested pull_request.closed", err)
	if got, err := w.File(shop, "main", "README.md"); err != nil || got != "moved\n" {
		t.Errorf("after the merge %s: %q, %v", sha, got, err)
	}
	if got, err := w.File(shop, "main", "k8s/api.yaml"); err != nil || !strings.Contains(got, "while closed") {
		t.Errorf("after the merge: %v", err)
	}
}

func TestForks(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	fork, err := w.Fork(shop, "guest")
	if err != nil {
		t.Fatal(err)
	}
	sha, err := w.Push(fork, githubsim.Push{Branch: "theirs", Files: map[string]string{"theirs.yaml": "a: 1\n"}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.OpenPull(shop, githubsim.NewPull{Title: "Theirs", Head: "guest:theirs"})
	if err != nil {
		t.Fatal(err)
	}
	w.delivered()
	w.hook.take()
	// The base repository serves the fork's head.
	if got := mustBranch(w, fmt.Sprintf("refs/pull/%d/head", n)); got != sha {
		t.Errorf("pull head %s, want %s", got, sha)
	}
	if status, body := w.call("GET", "/repos/acme/shop/compare/main...guest:theirs", nil); status != 200 || len(body["files"].([]any)) != 1 {
		t.Errorf("compare: %d %v", status, body)
	}
	// The fork is outside the installation.
	if status, _ := w.call("GET", "/repos/guest/shop", nil); status != 404 {
		t.Errorf("fork: %d", status)
	}
	// Check events of a fork's head name no pull request.
	_, run := w.call("POST", "/repos/acme/shop/check-runs", object{"name": "plimsoll", "head_sha": sha, "external_id": "7"})
	if pulls := run["pull_requests"].([]any); len(pulls) != 0 {
		t.Errorf("pull_requests: %v", pulls)
	}
	if _, err := w.Push(fork, githubsim.Push{Branch: "theirs", Files: map[string]string{"theirs.yaml": "a: 2\n"}}); err != nil {
		t.Fatal(err)
	}
	w.delivered()
	if got := strings.Join(w.hook.take(), " "); got != "pull_request.synchronize" {
		t.Errorf("events of a fork's push: %q", got)
	}
}

func TestCommitOnBranch(t *testing.T) {
	const doc = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid url } } }`
	input := func(w *world, head string) object {
		return object{"input": object{
			"branch":          object{"repositoryNameWithOwner": shop, "branchName": "change"},
			"expectedHeadOid": head, "message": object{"headline": "Fix", "body": "Why"},
			"fileChanges": object{
				"additions": []any{object{"path": "new/file.yaml", "contents": base64.StdEncoding.EncodeToString([]byte("a: 1\n"))}},
				"deletions": []any{object{"path": "README.md"}},
			},
		}}
	}
	kind := func(errs []any) any {
		if len(errs) == 0 {
			return nil
		}
		return errs[0].(object)["type"]
	}
	reading := newWorld(t, githubsim.Options{}, nil, nil)
	if _, errs := reading.query(doc, input(reading, reading.head())); kind(errs) != "FORBIDDEN" {
		t.Errorf("without contents: write: %v", errs)
	}
	w := newWorld(t, githubsim.Options{}, map[string]string{"metadata": "read", "contents": "write", "pull_requests": "write", "checks": "write"}, nil)
	w.hook.take()
	before := w.head()
	data, errs := w.query(doc, input(w, before))
	if errs != nil {
		t.Fatal(errs)
	}
	oid := data["createCommitOnBranch"].(object)["commit"].(object)["oid"]
	if oid != w.head() || oid == before {
		t.Errorf("head %s, commit %v", w.head(), oid)
	}
	if got, err := w.File(shop, "change", "new/file.yaml"); err != nil || got != "a: 1\n" {
		t.Errorf("file: %q, %v", got, err)
	}
	if _, err := w.File(shop, "change", "README.md"); err == nil {
		t.Error("README.md is still there")
	}
	message, author, err := w.CommitMessage(shop, "change")
	if err != nil || message != "Fix\n\nWhy" || author != "plimsoll[bot]" {
		t.Errorf("commit: %q by %q, %v", message, author, err)
	}
	w.delivered()
	if got := strings.Join(w.hook.take(), " "); got != "push check_suite.requested pull_request.synchronize" {
		t.Errorf("events: %s", got)
	}
	if _, errs = w.query(doc, input(w, before)); kind(errs) != "STALE_DATA" {
		t.Errorf("stale head: %v", errs)
	}
}

func TestGraphQLErrors(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	if _, _, err := w.client.PullRequests.ListComments(t.Context(), "acme", "shop", 1, nil); err != nil {
		t.Fatal(err)
	}
	w.call("POST", "/repos/acme/shop/pulls/1/reviews", object{"event": "COMMENT", "body": "b", "commit_id": w.head(),
		"comments": []any{object{"path": "k8s/api.yaml", "line": 10, "body": "c"}}})
	data, errs := w.query(`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { reviewThreads(last: 5) { totalCount edges { cursor node { ...T } } } } } }
		fragment T on PullRequestReviewThread { id viewerCanResolve }`, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	edge := data["repository"].(object)["pullRequest"].(object)["reviewThreads"].(object)["edges"].([]any)[0].(object)
	id := edge["node"].(object)["id"].(string)
	for _, tt := range []struct{ name, doc, kind, says string }{
		{"syntax", `{ repository(`, "", "Parse error"},
		{"unknown field", `{ viewer { favouriteColour } }`, "", "undefinedField"},
		{"no page size", `{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { reviewThreads { totalCount } } } }`, "MISSING_PAGINATION_BOUNDARIES", "first"},
		{"page too large", `{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { reviewThreads(first: 101) { totalCount } } } }`, "EXCESSIVE_PAGINATION", "101"},
		{"bad cursor", `{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { reviewThreads(first: 1, after: "x") { totalCount } } } }`, "INVALID_CURSOR_ARGUMENTS", "cursor"},
		{"no such pull request", `{ repository(owner: "acme", name: "shop") { pullRequest(number: 9) { id } } }`, "NOT_FOUND", "9"},
		{"no such node", `{ node(id: "abc") { id } }`, "NOT_FOUND", "abc"},
		{"resolve without contents: write", `mutation { resolveReviewThread(input: {threadId: "` + id + `"}) { thread { id } } }`, "FORBIDDEN", "Resource not accessible by integration"},
		{"missing variable", `query($n: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: $n) { id } } }`, "", "$n"},
		{"endless fragment", `{ viewer { ...A } } fragment A on Bot { ...B ...B } fragment B on Bot { ...A ...A colour }`, "", "undefinedField"},
	} {
		_, errs := w.query(tt.doc, nil)
		if len(errs) == 0 || !strings.Contains(fmt.Sprint(errs), tt.says) || tt.kind != "" && errs[0].(object)["type"] != tt.kind {
			t.Errorf("%s: %v", tt.name, errs)
		}
	}
}

func TestOthersCommentsAreNotTheAppsToEdit(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	id, err := w.Comment(shop, 1, "dev", "mine")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		if status, body := w.call(method, fmt.Sprintf("/repos/acme/shop/issues/comments/%d", id), object{"body": "b"}); status != 403 {
			t.Errorf("%s: %d %v", method, status, body)
		}
	}
	if c := w.Comments(shop, 1); len(c) != 1 || c[0].Body != "mine" {
		t.Errorf("comments: %+v", c)
	}
}
