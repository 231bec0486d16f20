package pages_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim/pages"
)

const archive = `Run the API on the host network

The API has to reach the **node's agent**.
-- base/k8s/api.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: app
          image: registry.example/api:1.4.2
-- base/README.md --
shop
-- head/k8s/api.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  template:
    spec:
      hostNetwork: true
      containers:
        - name: app
          image: registry.example/api:1.4.2
          securityContext:
            privileged: true
-- head/README.md --
shop
-- fix/k8s/api.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  template:
    spec:
      containers:
        - name: app
          image: registry.example/api:1.4.2
`

const comment = "**Container `app` runs privileged** · critical · `k8s/privileged-container`\n\n" +
	"`Deployment shop/api`. <script>alert(1)</script> A break-in is a break-in on the node.\n\n" +
	"```suggestion\n            privileged: false\n```\n\n" +
	"<details><summary>If it must stay</summary>\n\nAdd only the capabilities that it needs.\n</details>\n\n<!-- plimsoll: 00112233445566778899aabbccddeeff -->"

type site struct {
	*githubsim.Server
	t      *testing.T
	sample githubsim.Sample
	bot    bot
	run    int64
	path   string
}

// newSite serves a pull request with a review, a check run and a conversation.
func newSite(t *testing.T) *site {
	t.Helper()
	var sample githubsim.Sample
	s, err := githubsim.New(githubsim.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})), SamplePush: func(githubsim.PullRequest) (githubsim.Push, bool) { return sample.FixPush() }})
	if err != nil {
		t.Fatal(err)
	}
	s.SetPages(pages.New(s))
	if err := s.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := s.AddApp(githubsim.AppOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.AddOrganization("harbour")
	s.AddUser("mira")
	inst, err := s.Install(app.ID, "harbour", githubsim.InstallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if sample, err = s.LoadTxtar([]byte(archive), githubsim.SampleOptions{Owner: "harbour", Name: "shop", Author: "mira"}); err != nil {
		t.Fatal(err)
	}
	v := &site{Server: s, t: t, sample: sample, path: "/harbour/shop/pull/1"}
	b := bot{t: t, s: s, inst: inst}
	v.bot = b
	b.send("/repos/harbour/shop/pulls/1/reviews", map[string]any{
		"commit_id": sample.HeadSHA, "event": "COMMENT", "body": "1 new finding.",
		"comments": []any{map[string]any{"path": "k8s/api.yaml", "line": 14, "body": comment}},
	})
	run := b.send("/repos/harbour/shop/check-runs", map[string]any{
		"name": "plimsoll", "head_sha": sample.HeadSHA, "status": "completed", "conclusion": "failure",
		"output": map[string]any{
			"title":   "2 new findings, 1 critical",
			"summary": "**This change lets `shop/api` take over its node.**\n\n| | Finding | Where |\n|---|---|---|\n| critical | Container `app` runs privileged (`k8s/privileged-container`) | `k8s/api.yaml:14` |\n",
			"annotations": []any{map[string]any{
				"path": "k8s/api.yaml", "start_line": 9, "end_line": 9, "annotation_level": "warning", "title": "Pod shares the node's network", "message": "hostNetwork is true.",
			}},
		},
		"actions": []any{map[string]any{"label": "Apply fixes", "description": "Commit every verified fix", "identifier": "fix"}},
	})
	v.run = int64(run["id"].(float64))
	return v
}

func (v *site) get(path string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", v.URL()+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		v.t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		v.t.Fatalf("GET %s: %d\n%s", path, resp.StatusCode, b)
	}
	return string(b)
}

// post presses a button and gives the status that it ends in.
func (v *site) post(action string, form url.Values, header http.Header) int {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "POST", v.URL()+v.path+"/"+action, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	for k, h := range header {
		req.Header[k] = h
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode
}

func TestPagesShowThePullRequest(t *testing.T) {
	v := newSite(t)
	for path, wants := range map[string][]string{
		"/": {"Run the API on the host network", "2 new findings, 1 critical", `href="/harbour/shop/pull/1"`},
		v.path: {
			"<strong>node&rsquo;s agent</strong>|<strong>node's agent</strong>", "<strong>Container <code>app</code> runs privileged</strong>",
			"&lt;script&gt;alert(1)&lt;/script&gt;", "<details><summary>If it must stay</summary>",
			`<span class="del"><i>-</i>            privileged: true`, `<span class="add"><i>+</i>            privileged: false`,
			"Apply suggestion", "Push a fix", "Rescan", "Re-run", "Apply fixes", "plimsoll[bot]",
		},
		v.path + "/files":  {"k8s/api.yaml", "<i>&#43;</i>            privileged: true", "Pod shares the node&#39;s network", "Apply suggestion"},
		v.path + "/checks": {"2 new findings, 1 critical", "<table>", "hostNetwork is true.", "Failed", "Apply fixes"},
	} {
		page := v.get(path)
		for _, want := range wants {
			found := false
			for alternative := range strings.SplitSeq(want, "|") {
				found = found || strings.Contains(page, alternative)
			}
			if !found {
				t.Errorf("%s lacks %s\n%s", path, want, page)
			}
		}
		for _, never := range []string{"<script>alert", "plimsoll: 0011", "<!-- plimsoll"} {
			if strings.Contains(page, never) {
				t.Errorf("%s has %s", path, never)
			}
		}
	}
}

func TestButtonsActThroughTheSimulatedGitHub(t *testing.T) {
	v := newSite(t)
	id := func(n int64) string { return strconv.FormatInt(n, 10) }
	thread := v.Threads("harbour/shop", 1)[0].ID
	if got := v.post("apply", url.Values{"thread": {id(thread)}}, nil); got != 200 {
		t.Fatalf("apply: %d", got)
	}
	content, err := v.File("harbour/shop", "change", "k8s/api.yaml")
	if err != nil || !strings.HasSuffix(content, "            privileged: false\n") || strings.Contains(content, "privileged: true") {
		t.Errorf("after the suggestion: %v\n%s", err, content)
	}
	if !v.Threads("harbour/shop", 1)[0].Outdated {
		t.Error("the thread is not outdated")
	}
	// Once is enough.
	if got := v.post("apply", url.Values{"thread": {id(thread)}}, nil); got != http.StatusConflict {
		t.Errorf("apply again: %d", got)
	}
	for action, form := range map[string]url.Values{
		"reply": {"thread": {id(thread)}, "body": {"It is wanted."}}, "resolve": {"thread": {id(thread)}, "resolved": {"true"}},
		"comment": {"body": {"Hello"}}, "rescan": nil, "rerun": {"run": {id(v.run)}}, "request": {"run": {id(v.run)}, "identifier": {"fix"}},
	} {
		if got := v.post(action, form, nil); got != 200 {
			t.Errorf("%s: %d", action, got)
		}
	}
	th := v.Threads("harbour/shop", 1)[0]
	if len(th.Comments) != 2 || th.Comments[1].Author.Login != "mira" || !th.Resolved {
		t.Errorf("thread: %+v", th)
	}
	if c := v.Comments("harbour/shop", 1); len(c) != 2 {
		t.Errorf("comments: %+v", c)
	}
	if got := v.post("push-fix", nil, nil); got != 200 {
		t.Fatalf("push-fix: %d", got)
	}
	content, err = v.File("harbour/shop", "change", "k8s/api.yaml")
	if err != nil || strings.Contains(content, "hostNetwork") {
		t.Errorf("after the fix: %v\n%s", err, content)
	}
	for action, form := range map[string]url.Values{
		"comment": {"body": {""}}, "reply": {"thread": {id(thread)}}, "nothing": nil,
		"request": {"run": {id(v.run)}, "identifier": {"none"}}, "rerun": {"run": {"x"}},
	} {
		if got := v.post(action, form, nil); got != http.StatusConflict {
			t.Errorf("%s %v: %d, want a refusal", action, form, got)
		}
	}
}

func TestLinksOfTheAPILeadSomewhere(t *testing.T) {
	v := newSite(t)
	if page := v.get("/harbour/shop/runs/" + strconv.FormatInt(v.run, 10)); !strings.Contains(page, "hostNetwork is true.") {
		t.Errorf("the check run's page:\n%s", page)
	}
	if page := v.get("/harbour/shop/blob/" + v.sample.HeadSHA + "/k8s/api.yaml"); !strings.Contains(page, `id="L14"`) || !strings.Contains(page, "privileged: true") {
		t.Errorf("the file's page:\n%s", page)
	}
	if page := v.get("/harbour/shop"); !strings.Contains(page, "/harbour/shop/pull/1") {
		t.Errorf("the repository's page:\n%s", page)
	}
}

func TestOtherSitesCannotPressButtons(t *testing.T) {
	v := newSite(t)
	if got := v.post("rescan", nil, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}}); got != http.StatusForbidden {
		t.Errorf("a foreign site's form: %d", got)
	}
	if n := len(v.Comments("harbour/shop", 1)); n != 0 {
		t.Errorf("%d comments", n)
	}
}

func TestChangedAnswersAtTheNextChange(t *testing.T) {
	v := newSite(t)
	known := v.get("/-/changed?known=0")
	next := make(chan string)
	go func() { next <- v.get("/-/changed?known=" + known) }()
	if got := v.post("rescan", nil, nil); got != 200 {
		t.Fatal(got)
	}
	if got := <-next; got == known || got == "" {
		t.Errorf("version %q after %q", got, known)
	}
}
