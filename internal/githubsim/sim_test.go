package githubsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// hook receives deliveries.
type hook struct {
	mu     sync.Mutex
	got    []received
	status int // of the answers; 0 is 202
}

type received struct {
	Event, Action, GUID, Signature string
	Body                           []byte
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var b struct{ Action string }
	if err := json.Unmarshal(body, &b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, received{
		r.Header.Get("X-GitHub-Event"), b.Action, r.Header.Get("X-GitHub-Delivery"), r.Header.Get("X-Hub-Signature-256"), body,
	})
	if h.status == 0 {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.WriteHeader(h.status)
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// payloads gives what came since the last call.
func (h *hook) payloads() []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.got
	h.got = nil
	return out
}

// take gives what came since the last call, as "event.action".
func (h *hook) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, r := range h.got {
		out = append(out, strings.TrimSuffix(r.Event+"."+r.Action, "."))
	}
	h.got = nil
	return out
}

// world is a simulated GitHub with one App installed on acme, whose repository
// shop has the pull request 1.
type world struct {
	*githubsim.Server
	t      *testing.T
	app    *githubsim.App
	inst   int64
	hook   *hook
	client *github.Client
	http   *http.Client // with the installation's token
	api    string
}

const shop = "acme/shop"

// apiYAML is 30 numbered lines, so that a test sees which line it speaks of.
func numbered(n int, changed map[int]string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if text, ok := changed[i]; ok {
			b.WriteString(text)
			continue
		}
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func newWorld(t *testing.T, o githubsim.Options, permissions map[string]string, wrap func(*githubsim.Server) http.Handler) *world {
	t.Helper()
	s, err := githubsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: s, t: t, hook: &hook{}}
	receiver := httptest.NewServer(w.hook)
	t.Cleanup(receiver.Close)
	h := s.Handler()
	if wrap != nil {
		h = wrap(s)
	}
	front := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		front.Close()
	})
	s.SetURL(front.URL)
	w.app, err = s.AddApp(githubsim.AppOptions{Permissions: permissions, WebhookURL: receiver.URL, WebhookSecret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	s.AddOrganization("acme")
	if _, err := s.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: "shop", Files: map[string]string{
		"k8s/api.yaml": numbered(60, nil), "README.md": "shop\n", ".plimsoll.yml": "version: 1\n",
	}}); err != nil {
		t.Fatal(err)
	}
	if w.inst, err = s.Install(w.app.ID, "acme", githubsim.InstallOptions{Sender: "owner"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPermission(shop, "dev", "write"); err != nil {
		t.Fatal(err)
	}
	w.push(map[int]string{10: "changed 10\n", 40: "changed 40\nadded 41\n"})
	n, err := s.OpenPull(shop, githubsim.NewPull{Title: "Change", Author: "dev", Head: "change"})
	if err != nil || n != 1 {
		t.Fatalf("OpenPull: %d, %v", n, err)
	}
	w.delivered()
	w.api = front.URL + "/api/v3"
	tr, err := ghinstallation.New(http.DefaultTransport, w.app.ID, w.inst, w.app.KeyPEM())
	if err != nil {
		t.Fatal(err)
	}
	tr.BaseURL, tr.InstallationTokenOptions = w.api, &github.InstallationTokenOptions{}
	w.http = &http.Client{Transport: tr}
	if w.client, err = github.NewClient(w.http).WithEnterpriseURLs(front.URL, front.URL); err != nil {
		t.Fatal(err)
	}
	return w
}

// push writes the pull request's file to its branch.
func (w *world) push(changed map[int]string) string {
	w.t.Helper()
	sha, err := w.Push(shop, githubsim.Push{
		Branch: "change", Author: "dev", Message: "Change", Files: map[string]string{"k8s/api.yaml": numbered(60, changed)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return sha
}

func (w *world) delivered() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.WaitDelivered(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) head() string {
	w.t.Helper()
	p, err := w.Pull(shop, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.HeadSHA
}

// call sends JSON with the installation's token and gives status and answer.
func (w *world) call(method, path string, body any) (int, map[string]any) {
	w.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.api+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		if err := resp.Body.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return resp.StatusCode, out
}

// query runs a GraphQL document and gives data and errors.
func (w *world) query(doc string, vars map[string]any) (map[string]any, []any) {
	w.t.Helper()
	b, err := json.Marshal(map[string]any{"query": doc, "variables": vars})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), "POST", w.GraphQLURL(), bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	var out struct {
		Data   map[string]any
		Errors []any
	}
	err = json.NewDecoder(resp.Body).Decode(&out)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		w.t.Fatal(err)
	}
	return out.Data, out.Errors
}

func TestInstallationTokenReachesTheAPI(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	ctx := t.Context()
	p, _, err := w.client.PullRequests.Get(ctx, "acme", "shop", 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.GetHead().GetSHA() != w.head() || p.GetChangedFiles() != 1 || p.GetAdditions() != 3 || p.GetDeletions() != 2 {
		t.Errorf("pull request: head %s, %d files, +%d -%d", p.GetHead().GetSHA(), p.GetChangedFiles(), p.GetAdditions(), p.GetDeletions())
	}
	cmp, _, err := w.client.Repositories.CompareCommits(ctx, "acme", "shop", p.GetBase().GetSHA(), p.GetHead().GetSHA(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if cmp.GetMergeBaseCommit().GetSHA() != p.GetBase().GetSHA() || cmp.GetStatus() != "ahead" || len(cmp.Files) != 1 {
		t.Errorf("compare: %+v", cmp)
	}
	if !strings.Contains(cmp.Files[0].GetPatch(), "@@ -7,7 +7,7 @@\n line 7\n line 8\n line 9\n-line 10\n+changed 10\n") {
		t.Errorf("patch:\n%s", cmp.Files[0].GetPatch())
	}
	repos, _, err := w.client.Apps.ListRepos(ctx, nil)
	if err != nil || repos.GetTotalCount() != 1 {
		t.Errorf("ListRepos: %+v, %v", repos, err)
	}
	level, _, err := w.client.Repositories.GetPermissionLevel(ctx, "acme", "shop", "dev")
	if err != nil || level.GetPermission() != "write" {
		t.Errorf("permission: %v, %v", level, err)
	}
	if n := w.Counts()["GET /repos/{owner}/{repo}/pulls/{pull_number}"]; n != 1 {
		t.Errorf("requests by template: %v", w.Counts())
	}
}

func TestOpeningAPullDelivers(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	if got, want := strings.Join(w.hook.take(), " "), "installation.created push check_suite.requested pull_request.opened"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	w.push(map[int]string{10: "other\n"})
	w.delivered()
	if got, want := strings.Join(w.hook.take(), " "), "push check_suite.requested pull_request.synchronize"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestReviewAndThreads(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, map[string]string{"metadata": "read", "contents": "write", "checks": "write", "pull_requests": "write"}, nil)
	ctx := t.Context()
	_, _, err := w.client.PullRequests.CreateReview(ctx, "acme", "shop", 1, &github.PullRequestReviewRequest{
		CommitID: github.String(w.head()), Body: github.String("Review"), Event: github.String("COMMENT"),
		Comments: []*github.DraftReviewComment{
			{Path: github.String("k8s/api.yaml"), Line: github.Int(10), Side: github.String("RIGHT"), Body: github.String("ten")},
			{Path: github.String("k8s/api.yaml"), StartLine: github.Int(40), Line: github.Int(41), Body: github.String("forty")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	threads := w.Threads(shop, 1)
	if len(threads) != 2 || threads[0].Line != 10 || threads[1].StartLine != 40 || threads[1].Line != 41 {
		t.Fatalf("threads: %+v", threads)
	}
	// A line above shifts the first, changes the second.
	w.push(map[int]string{1: "line 1\ninserted\n", 10: "changed 10\n", 40: "changed again\nadded 41\n"})
	threads = w.Threads(shop, 1)
	if threads[0].Line != 11 || threads[0].Outdated || threads[0].OriginalLine != 10 {
		t.Errorf("moved thread: %+v", threads[0])
	}
	if threads[1].Line != 0 || !threads[1].Outdated || threads[1].OriginalLine != 41 {
		t.Errorf("outdated thread: %+v", threads[1])
	}
	data, errs := w.query(`query($owner: String!, $name: String!, $n: Int!) {
	  repository(owner: $owner, name: $name) { pullRequest(number: $n) { headRefOid baseRefOid isDraft state
	    reviewThreads(first: 1) { pageInfo { hasNextPage endCursor } nodes { id isResolved isOutdated line originalLine path
	      comments(first: 10) { nodes { id databaseId body author { __typename login } } } } } } } }`,
		map[string]any{"owner": "acme", "name": "shop", "n": 1})
	if errs != nil {
		t.Fatal(errs)
	}
	pr := data["repository"].(map[string]any)["pullRequest"].(map[string]any)
	conn := pr["reviewThreads"].(map[string]any)
	th := conn["nodes"].([]any)[0].(map[string]any)
	author := th["comments"].(map[string]any)["nodes"].([]any)[0].(map[string]any)["author"].(map[string]any)
	if pr["headRefOid"] != w.head() || conn["pageInfo"].(map[string]any)["hasNextPage"] != true ||
		th["line"] != 11.0 || author["login"] != "plimsoll" || author["__typename"] != "Bot" {
		t.Errorf("query: %v", pr)
	}
	if _, errs = w.query(`mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }`,
		map[string]any{"id": th["id"]}); errs != nil {
		t.Fatal(errs)
	}
	if !w.Threads(shop, 1)[0].Resolved {
		t.Error("thread is not resolved")
	}
}

// asApp makes w.call speak as the App itself.
func (w *world) asApp() {
	w.t.Helper()
	tr, err := ghinstallation.NewAppsTransport(http.DefaultTransport, w.app.ID, w.app.KeyPEM())
	if err != nil {
		w.t.Fatal(err)
	}
	w.http = &http.Client{Transport: tr}
}

func TestRawContents(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	f, _, _, err := w.client.Repositories.GetContents(t.Context(), "acme", "shop", "README.md", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := w.client.Git.GetBlobRaw(t.Context(), "acme", "shop", f.GetSHA())
	if err != nil || string(b) != "shop\n" {
		t.Errorf("blob %q, %v", b, err)
	}
	if text, err := f.GetContent(); err != nil || text != "shop\n" {
		t.Errorf("content %q, %v", text, err)
	}
}
