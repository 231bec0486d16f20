//go:build githubdescriptions

package githubsim_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/simtest"
)

var writing = map[string]string{
	"metadata": "read", "contents": "write", "checks": "write", "pull_requests": "write", "issues": "write", "members": "read", "security_events": "write",
}

func validated(t *testing.T) func(*githubsim.Server) http.Handler {
	return func(s *githubsim.Server) http.Handler { return simtest.Validate(t, s) }
}

// Every endpoint is called once at least, in a way that succeeds, and each
// request and answer fits GitHub's description.
func TestRESTFitsGitHubsDescription(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, writing, validated(t))
	id := func(body map[string]any) string { return fmt.Sprintf("%.0f", body["id"]) }
	must := func(want int, method, path string, body any) map[string]any {
		t.Helper()
		status, out := w.call(method, path, body)
		if status != want {
			t.Fatalf("%s %s: %d, want %d: %v", method, path, status, want, out)
		}
		return out
	}
	const r = "/repos/acme/shop"
	head := w.head()
	must(200, "GET", r, nil)
	must(200, "GET", "/installation/repositories?per_page=10", nil)
	must(200, "GET", "/rate_limit", nil)
	must(200, "GET", r+"/collaborators/dev/permission", nil)
	must(200, "GET", r+"/compare/main..."+head, nil)
	must(200, "GET", r+"/compare/"+mustBranch(w, "main")+"...acme:change?per_page=1&page=2", nil)
	must(200, "GET", r+"/contents/.plimsoll.yml?ref="+head, nil)
	must(200, "GET", r+"/contents/k8s", nil)
	tree := must(200, "GET", r+"/git/trees/"+head+"?recursive=1", nil)
	var blob string
	for _, e := range tree["tree"].([]any) {
		if e := e.(map[string]any); e["type"] == "blob" {
			blob = e["sha"].(string)
		}
	}
	must(200, "GET", r+"/git/blobs/"+blob, nil)
	must(200, "GET", r+"/git/commits/"+head, nil)
	must(200, "GET", r+"/pulls?state=all&head=acme:change", nil)
	must(200, "GET", r+"/pulls/1", nil)
	must(200, "GET", r+"/pulls/1/files?per_page=100", nil)
	must(200, "GET", r+"/pulls/1/commits", nil)
	must(200, "GET", r+"/commits/"+head+"/pulls", nil)

	suite := must(200, "POST", r+"/check-suites", map[string]any{"head_sha": head})
	must(201, "POST", r+"/check-suites", map[string]any{"head_sha": mustBranch(w, "main")})
	must(200, "GET", r+"/check-suites/"+id(suite), nil)
	run := must(201, "POST", r+"/check-runs", map[string]any{"name": "plimsoll", "head_sha": head, "status": "in_progress"})
	must(200, "PATCH", r+"/check-runs/"+id(run), map[string]any{
		"status": "completed", "conclusion": "failure",
		"output": map[string]any{"title": "1 finding", "summary": "Summary", "annotations": []any{map[string]any{
			"path": "k8s/api.yaml", "start_line": 3, "end_line": 3, "annotation_level": "failure", "message": "Message", "title": "Title",
		}}},
		"actions": []any{map[string]any{"label": "Rescan", "description": "Review again", "identifier": "rescan"}},
	})
	must(200, "GET", r+"/check-runs/"+id(run), nil)
	must(200, "GET", r+"/check-runs/"+id(run)+"/annotations", nil)
	must(200, "GET", r+"/commits/"+head+"/check-runs?check_name=plimsoll", nil)
	must(200, "GET", r+"/commits/"+head+"/check-suites", nil)

	review := must(200, "POST", r+"/pulls/1/reviews", map[string]any{
		"commit_id": head, "event": "COMMENT", "body": "Review", "comments": []any{
			map[string]any{"path": "k8s/api.yaml", "line": 10, "side": "RIGHT", "body": "Comment"},
			map[string]any{"path": "k8s/api.yaml", "start_line": 40, "start_side": "RIGHT", "line": 41, "side": "RIGHT", "body": "Comment"},
		},
	})
	must(200, "GET", r+"/pulls/1/reviews", nil)
	must(200, "GET", r+"/pulls/1/reviews/"+id(review), nil)
	comment := must(201, "POST", r+"/pulls/1/comments", map[string]any{
		"commit_id": head, "path": "k8s/api.yaml", "line": 40, "side": "LEFT", "body": "Comment",
	})
	must(201, "POST", r+"/pulls/1/comments/"+id(comment)+"/replies", map[string]any{"body": "Reply"})
	must(200, "GET", r+"/pulls/comments/"+id(comment), nil)
	must(200, "PATCH", r+"/pulls/comments/"+id(comment), map[string]any{"body": "Edited"})
	must(201, "POST", r+"/pulls/comments/"+id(comment)+"/reactions", map[string]any{"content": "eyes"})
	must(200, "GET", r+"/pulls/comments/"+id(comment)+"/reactions", nil)
	// Outdated comments have no line.
	w.push(map[int]string{10: "other\n"})
	must(200, "GET", r+"/pulls/1/comments?per_page=100", nil)
	must(204, "DELETE", r+"/pulls/comments/"+id(comment), nil)

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"version":"2.1.0","runs":[{"results":[]}]}`))
	_ = z.Close()
	must(202, "POST", r+"/code-scanning/sarifs", map[string]any{
		"commit_sha": head, "ref": "refs/pull/1/head", "sarif": base64.StdEncoding.EncodeToString(packed.Bytes()), "tool_name": "Plimsoll",
	})

	said := must(201, "POST", r+"/issues/1/comments", map[string]any{"body": "Said"})
	must(200, "GET", r+"/issues/1/comments", nil)
	must(200, "GET", r+"/issues/comments/"+id(said), nil)
	must(200, "PATCH", r+"/issues/comments/"+id(said), map[string]any{"body": "Said again"})
	eyes := must(201, "POST", r+"/issues/comments/"+id(said)+"/reactions", map[string]any{"content": "eyes"})
	must(200, "POST", r+"/issues/comments/"+id(said)+"/reactions", map[string]any{"content": "eyes"})
	must(200, "GET", r+"/issues/comments/"+id(said)+"/reactions", nil)
	must(204, "DELETE", r+"/issues/comments/"+id(said)+"/reactions/"+id(eyes), nil)
	must(204, "DELETE", r+"/issues/comments/"+id(said), nil)

	w.delivered()
	w.asApp()
	must(200, "GET", "/app", nil)
	must(200, "GET", "/app/installations", nil)
	must(200, "GET", fmt.Sprintf("/app/installations/%d", w.inst), nil)
	must(200, "GET", r+"/installation", nil)
	must(201, "POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.inst), map[string]any{
		"repositories": []string{"shop"}, "permissions": map[string]any{"contents": "read"},
	})
	must(200, "GET", "/app/hook/deliveries?per_page=2", nil)
	d := w.Deliveries(w.app.ID)[0]
	must(200, "GET", fmt.Sprintf("/app/hook/deliveries/%d", d.ID), nil)
	must(202, "POST", fmt.Sprintf("/app/hook/deliveries/%d/attempts", d.ID), nil)

	form := url.Values{"manifest": {`{"name":"Mine","url":"https://example.com","redirect_url":"https://example.com/back","hook_attributes":{"url":"https://example.com/hook"},"default_permissions":{"checks":"write"},"default_events":["push"]}`}}
	noFollow := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	made, err := noFollow.PostForm(w.URL()+"/settings/apps/new?state=s", form)
	if err != nil {
		t.Fatal(err)
	}
	made.Body.Close()
	back, err := made.Location()
	if err != nil || back.Query().Get("state") != "s" {
		t.Fatalf("sent back to %v, %v", back, err)
	}
	must(201, "POST", "/app-manifests/"+back.Query().Get("code")+"/conversions", nil)
	must(404, "POST", "/app-manifests/"+back.Query().Get("code")+"/conversions", nil)

	counts := w.Counts()
	for _, e := range githubsim.Endpoints() {
		if counts[e] == 0 {
			t.Errorf("%s was not called", e)
		}
	}
}

// Each event is sent once at least and fits GitHub's schema, and has the
// members that GitHub's own examples have.
func TestWebhooksFitGitHubsSchemas(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.ConvertToDraft(shop, 1))
	check(w.MarkReady(shop, 1))
	check(w.EditTitle(shop, 1, "Other"))
	_, err := w.Push(shop, githubsim.Push{Branch: "release", Files: map[string]string{"new": "x\n"}, Delete: []string{"README.md"}})
	check(err)
	check(w.EditBase(shop, 1, "release"))
	check(w.ClosePull(shop, 1))
	check(w.ReopenPull(shop, 1))
	w.push(map[int]string{10: "other\n"})
	_, err = w.Comment(shop, 1, "dev", "/plimsoll rescan")
	check(err)
	_, run := w.call("POST", "/repos/acme/shop/check-runs", map[string]any{
		"name": "plimsoll", "head_sha": w.head(), "status": "completed", "conclusion": "success", "external_id": "1",
		"actions": []any{map[string]any{"label": "Rescan", "description": "Review again", "identifier": "rescan"}},
	})
	id := int64(run["id"].(float64))
	check(w.Rerequest(shop, id, "dev"))
	check(w.RequestAction(shop, id, "dev", "rescan"))
	check(w.RerequestSuite(shop, w.head(), "dev"))
	fork, err := w.Fork(shop, "guest")
	check(err)
	_, err = w.Push(fork, githubsim.Push{Branch: "theirs", Files: map[string]string{"theirs": "x\n"}})
	check(err)
	_, err = w.OpenPull(shop, githubsim.NewPull{Title: "Theirs", Head: "guest:theirs"})
	check(err)
	_, err = w.RequestMerge(shop, 2)
	check(err)
	_, err = w.MergePull(shop, 2, "owner")
	check(err)
	check(w.Uninstall(w.inst))
	w.delivered()

	seen := map[string]bool{}
	for _, p := range w.hook.payloads() {
		name := strings.TrimSuffix(p.Event+"."+p.Action, ".")
		seen[name] = true
		if err := simtest.CheckWebhook(p.Event, p.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Event == "merge_group" {
			continue // GitHub gives no example
		}
		checkAgainstExamples(t, p.Event, p.Body)
	}
	for _, want := range []string{
		"installation.created", "installation.deleted", "push", "check_suite.requested", "check_suite.rerequested", "check_run.rerequested",
		"check_run.requested_action", "issue_comment.created", "merge_group.checks_requested",
		"pull_request.opened", "pull_request.synchronize", "pull_request.reopened", "pull_request.edited",
		"pull_request.ready_for_review", "pull_request.converted_to_draft", "pull_request.closed",
	} {
		if !seen[want] {
			t.Errorf("%s was not sent", want)
		}
	}
}

// checkAgainstExamples says which members that every example of GitHub has our
// payload lacks.
func checkAgainstExamples(t *testing.T, event string, payload []byte) {
	t.Helper()
	examples, err := simtest.WebhookExamples(event)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range examples {
		known := map[string]bool{}
		paths(t, e, known)
		for p := range known {
			count[p]++
		}
	}
	ours := map[string]bool{}
	paths(t, payload, ours)
	for p, n := range count {
		if strings.Contains(p, ".permissions.") {
			continue // other Apps' permissions
		}
		if n == len(examples) && !ours[p] && ours[p[:max(0, strings.LastIndexByte(p, '.'))]] {
			t.Errorf("%s: %s is in each of GitHub's %d examples and not in ours", event, p, n)
		}
	}
}

// paths collects the paths of all members, list items as [].
func paths(t *testing.T, b []byte, into map[string]bool) {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, item := range v {
				into[at+"."+k] = true
				walk(at+"."+k, item)
			}
		case []any:
			for _, item := range v {
				walk(at+"[]", item)
			}
		}
	}
	walk("", v)
}

// What REST refuses is refused in GitHub's form.
func TestErrorsFitGitHubsDescription(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, validated(t))
	for _, tt := range refusals(w) {
		w.call(tt.method, tt.path, tt.body)
	}
}
