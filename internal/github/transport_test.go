package github

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pkcs1() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())})
}

const secretToken = "ghs_0123456789abcdefSECRET"

// hub is a small GitHub: tokens, and one handler for the rest.
type hub struct {
	*httptest.Server
	client *Client
	log    bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	calls  []string // "name status remaining"
	tokens []map[string]any
	issue  func(n int) (status int) // answers token requests, 201 when nil
	auth   []string                 // Authorization headers of other requests
}

func newHub(t *testing.T, handle http.HandlerFunc) *hub {
	t.Helper()
	h := &hub{now: time.Unix(1_800_000_000, 0)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/access_tokens") {
			h.token(t, w, r)
			return
		}
		h.mu.Lock()
		h.auth = append(h.auth, r.Header.Get("Authorization"))
		h.mu.Unlock()
		if ua := r.Header.Get("User-Agent"); ua != "plimsoll" {
			t.Errorf("User-Agent %q", ua)
		}
		handle(w, r)
	}))
	t.Cleanup(h.Close)
	c, err := New(Options{
		AppID: 77, PrivateKey: pkcs1(), WebURL: h.URL, APIURL: h.URL + "/api/v3", GraphQLURL: h.URL + "/api/graphql",
		Logger: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.now
		},
		Sleep: func(_ context.Context, d time.Duration) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.slept = append(h.slept, d)
			return nil
		},
		Jitter: func() float64 { return 0.5 },
		OnCall: func(call string, _ int64, status, remaining int) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.calls = append(h.calls, fmt.Sprint(call, " ", status, " ", remaining))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.client = c
	return h
}

func (h *hub) token(t *testing.T, w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer eyJ") {
		t.Errorf("token request authorised by %q", r.Header.Get("Authorization"))
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body == nil {
		t.Errorf("token request without options: %v", err)
	}
	h.tokens = append(h.tokens, body)
	status := http.StatusCreated
	if h.issue != nil {
		status = h.issue(len(h.tokens))
	}
	w.WriteHeader(status)
	if status != http.StatusCreated {
		_, _ = io.WriteString(w, `{"message":"no"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"token":"%s%d","expires_at":%q}`, secretToken, len(h.tokens), time.Now().Add(time.Hour).Format(time.RFC3339))
}

func (h *hub) wait() []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.slept
}

func (h *hub) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

var pull7 = PullRequest{InstallationID: 5, RepositoryID: 9, Owner: "acme", Repo: "shop", Number: 7, HeadSHA: sha1, BaseSHA: sha2}

const pullAnswer = `{"number":7,"state":"open","draft":true,"head":{"sha":"` + sha1 + `","repo":{"id":10}},"base":{"sha":"` + sha2 + `","ref":"main"}}`

func TestParsePrivateKey(t *testing.T) {
	eight, err := x509.MarshalPKCS8PrivateKey(testKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"PKCS#1": pkcs1(),
		"PKCS#8": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: eight}),
	} {
		if k, err := ParsePrivateKey(data); err != nil || !k.Equal(testKey()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("secret words"), "wrong block": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("secret words")}),
	} {
		if _, err := ParsePrivateKey(data); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenIsNarrowedAndShared(t *testing.T) {
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, pullAnswer) })
	for range 3 {
		got, err := h.client.Pull(t.Context(), pull7)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Pull{HeadSHA: sha1, BaseSHA: sha2, BaseRef: "main", HeadRepoID: 10, Draft: true, Open: true}); got != want {
			t.Fatalf("got %+v", got)
		}
	}
	if len(h.tokens) != 1 {
		t.Fatalf("%d tokens for one repository", len(h.tokens))
	}
	want := `{"permissions":{"checks":"write","contents":"read","metadata":"read","pull_requests":"write"},"repository_ids":[9]}`
	if got, _ := json.Marshal(h.tokens[0]); string(got) != want {
		t.Errorf("options %s", got)
	}
	other := pull7
	other.RepositoryID = 10
	if _, err := h.client.Pull(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if len(h.tokens) != 2 {
		t.Errorf("%d tokens for two repositories", len(h.tokens))
	}
	if got, err := h.client.GitToken(t.Context(), pull7); err != nil || got != secretToken+"1" {
		t.Errorf("GitToken: %v", err)
	}
}

func TestAccessesAreBounded(t *testing.T) {
	h := newHub(t, func(http.ResponseWriter, *http.Request) {})
	for i := range int64(2 * maxAccesses) {
		h.advance(time.Millisecond)
		h.client.access(accessKey{installation: 5, repository: i + 1})
	}
	if n := len(h.client.accesses); n > maxAccesses {
		t.Errorf("%d accesses kept", n)
	}
	if _, ok := h.client.accesses[accessKey{installation: 5, repository: 2 * maxAccesses}]; !ok {
		t.Error("the newest was dropped")
	}
	a := h.client.access(accessKey{installation: 5, repository: 2 * maxAccesses})
	h.advance(2 * accessIdle)
	if h.client.access(accessKey{installation: 5, repository: 2 * maxAccesses}) == a {
		t.Error("an idle access was kept")
	}
}

func TestReadIsRepeatedAfterFaults(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n++; n {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2: // cut in the middle of the body
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, pullAnswer[:20])
		default:
			w.Header().Set("X-RateLimit-Remaining", "41")
			_, _ = io.WriteString(w, pullAnswer)
		}
	})
	if _, err := h.client.Pull(t.Context(), pull7); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(h.wait()), "[300ms 600ms]"; got != want {
		t.Errorf("waited %s, want %s", got, want)
	}
	if got, want := strings.Join(h.calls, ", "), "token 201 -1, pull 502 -1, pull 0 -1, pull 200 41"; got != want {
		t.Errorf("calls %s", got)
	}
}

func TestReadGivesUp(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) { n++; w.WriteHeader(http.StatusServiceUnavailable) })
	_, err := h.client.Pull(t.Context(), pull7)
	if err == nil || status(err) != 503 || n != maxTries {
		t.Errorf("%d tries: %v", n, err)
	}
	if errors.Is(err, ErrGone) {
		t.Error("a fault taken for lost access")
	}
}

func TestCancelledIsNotRepeated(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	cause := errors.New("newer push")
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) { n++; cancel(cause); w.WriteHeader(http.StatusBadGateway) })
	if _, err := h.client.Pull(ctx, pull7); !errors.Is(err, cause) || n != 1 {
		t.Errorf("%d tries: %v", n, err)
	}
}

func TestTokenIsRenewedOnce(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":1}`)
	})
	if _, err := h.client.Begin(t.Context(), withNewHead(pull7)); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(h.auth, ", "), "token "+secretToken+"1, token "+secretToken+"2"; got != want {
		t.Errorf("authorised by %s", got)
	}
	h2 := newHub(t, func(w http.ResponseWriter, _ *http.Request) { n++; w.WriteHeader(http.StatusUnauthorized) })
	n = 0
	if _, err := h2.client.Pull(t.Context(), pull7); status(err) != http.StatusUnauthorized || n != 2 {
		t.Errorf("%d tries: %v", n, err)
	}
}

func withNewHead(pr PullRequest) PullRequest { pr.NewHead = true; return pr }

func TestPrimaryLimit(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(1_800_000_000+600, 10))
		w.WriteHeader(http.StatusForbidden)
	})
	for range 2 {
		_, err := h.client.Pull(t.Context(), pull7)
		if d, ok := RetryAfter(err); !ok || d != 10*time.Minute {
			t.Fatalf("RetryAfter %v %v: %v", d, ok, err)
		}
		if errors.Is(err, ErrGone) {
			t.Fatal("a limit taken for lost access")
		}
	}
	if n != 1 || len(h.wait()) != 0 {
		t.Errorf("%d requests, slept %v: the limit must be left alone", n, h.wait())
	}
	// Another installation has a limit of its own.
	other := pull7
	other.InstallationID = 6
	if _, err := h.client.Pull(t.Context(), other); n != 2 {
		t.Errorf("%d requests: %v", n, err)
	}
	h.advance(11 * time.Minute)
	if _, err := h.client.Pull(t.Context(), pull7); n != 3 {
		t.Errorf("%d requests after the reset: %v", n, err)
	}
}

func TestLastAllowedRequest(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(1_800_000_000+60, 10))
		_, _ = io.WriteString(w, pullAnswer)
	})
	if _, err := h.client.Pull(t.Context(), pull7); err != nil {
		t.Fatal(err)
	}
	_, err := h.client.Pull(t.Context(), pull7)
	if d, ok := RetryAfter(err); !ok || d != time.Minute || n != 1 {
		t.Errorf("%d requests, RetryAfter %v: %v", n, d, err)
	}
}

func TestSecondaryLimit(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header string
		body   string
		want   time.Duration
	}{
		"named time":       {403, "30", `{}`, 30 * time.Second},
		"429":              {429, "5", `{}`, 5 * time.Second},
		"429 without time": {429, "", `{}`, time.Minute},
		"words alone":      {403, "", `{"message":"You have exceeded a secondary rate limit."}`, time.Minute},
		"absurd time":      {403, "999999999", `{}`, maxLimitWait},
		"zero":             {403, "0", `{}`, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
				n++
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := h.client.Begin(t.Context(), withNewHead(pull7))
			var l *LimitError
			if d, ok := RetryAfter(err); !ok || d != c.want || !errors.As(err, &l) || !l.Secondary {
				t.Errorf("RetryAfter %v %v: %v", d, ok, err)
			}
			if n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestLostAccess(t *testing.T) {
	for _, code := range []int{403, 404, 410, 451} {
		h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"message":"Resource not accessible by integration"}`)
		})
		if _, err := h.client.Compare(t.Context(), pull7); !errors.Is(err, ErrGone) {
			t.Errorf("%d: %v", code, err)
		}
	}
	for _, code := range []int{403, 404, 422} {
		h := newHub(t, func(http.ResponseWriter, *http.Request) { t.Error("asked without a token") })
		h.issue = func(int) int { return code }
		if _, err := h.client.Compare(t.Context(), pull7); !errors.Is(err, ErrGone) {
			t.Errorf("token %d: %v", code, err)
		}
	}
	h := newHub(t, func(http.ResponseWriter, *http.Request) { t.Error("asked without a token") })
	h.issue = func(int) int { return 401 }
	if _, err := h.client.Compare(t.Context(), pull7); !errors.Is(err, ErrCredentials) || errors.Is(err, ErrGone) {
		t.Errorf("token 401: %v", err)
	}
	h.issue = func(n int) int { return map[bool]int{true: 502, false: 404}[n < 3] }
	if _, err := h.client.Compare(t.Context(), pull7); !errors.Is(err, ErrGone) || len(h.wait()) == 0 {
		t.Errorf("token 502, then 404: %v", err)
	}
}

func TestTokenStaysWithTheAPI(t *testing.T) {
	leaked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer elsewhere.Close()
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
	})
	_, err := h.client.Pull(t.Context(), pull7)
	if err == nil || leaked {
		t.Errorf("followed to another host (%v): %v", leaked, err)
	}
	h = newHub(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v3/repositories/9/") {
			_, _ = io.WriteString(w, pullAnswer)
			return
		}
		http.Redirect(w, r, "/api/v3/repositories/9/pulls/7", http.StatusMovedPermanently)
	})
	if got, err := h.client.Pull(t.Context(), pull7); err != nil || got.HeadSHA != sha1 {
		t.Errorf("a renamed repository: %v", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	n := 0
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for range maxResponse>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if _, err := h.client.Pull(t.Context(), pull7); err == nil || n != 1 {
		t.Errorf("%d tries: %v", n, err)
	}
}

func TestNoTokenInErrorsOrLogs(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 422, 500} {
		h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"message":"no"}`)
		})
		_, err := h.client.Pull(t.Context(), pull7)
		_, err2 := h.client.State(t.Context(), pull7)
		_, err3 := h.client.Begin(t.Context(), pull7)
		for _, e := range []error{err, err2, err3} {
			if e == nil || strings.Contains(e.Error(), "SECRET") || strings.Contains(e.Error(), "eyJ") {
				t.Errorf("%d: %v", code, e)
			}
		}
		if strings.Contains(h.log.String(), "SECRET") {
			t.Errorf("%d: token in the log", code)
		}
	}
}

func TestCheckCredentials(t *testing.T) {
	code := 200
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v3/app" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			t.Errorf("%s", r.URL.Path)
		}
		w.WriteHeader(code)
	})
	if err := h.client.CheckCredentials(t.Context()); err != nil {
		t.Error(err)
	}
	code = 401
	if err := h.client.CheckCredentials(t.Context()); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
}

func TestOwnerConfig(t *testing.T) {
	asked, code, body := 0, 200, "version: 1\n"
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path != "/api/v3/repos/acme/.github/contents/.plimsoll.yml" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` && code == 200 {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "file", "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(body))})
	})
	get := func() string {
		t.Helper()
		data, err := h.client.OwnerConfig(t.Context(), pull7)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if get() != body || get() != body || asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	if got, _ := json.Marshal(h.tokens[0]); string(got) != `{"permissions":{"contents":"read","metadata":"read"},"repositories":[".github"]}` {
		t.Errorf("token %s", got)
	}
	h.advance(6 * time.Minute)
	if get() != body || asked != 2 {
		t.Errorf("not asked again, or lost: %d", asked)
	}
	h.advance(6 * time.Minute)
	code = 404
	if get() != "" || get() != "" || asked != 3 {
		t.Errorf("a file that is gone: asked %d times", asked)
	}
	h.advance(6 * time.Minute)
	code, body = 200, strings.Repeat("#", maxConfig+1)
	if _, err := h.client.OwnerConfig(t.Context(), pull7); err == nil {
		t.Error("a file over the bound was taken")
	}
	// Not among the repositories of the installation: the token is refused.
	h2 := newHub(t, func(http.ResponseWriter, *http.Request) { t.Error("asked without a token") })
	h2.issue = func(int) int { return 422 }
	for range 2 {
		if data, err := h2.client.OwnerConfig(t.Context(), pull7); err != nil || data != nil {
			t.Errorf("%q %v", data, err)
		}
	}
	if len(h2.tokens) != 1 {
		t.Errorf("asked for %d tokens", len(h2.tokens))
	}
}

func TestCanWriteAndReact(t *testing.T) {
	var body string
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/reactions") {
			b, _ := io.ReadAll(r.Body)
			body = r.URL.Path + " " + strings.TrimSpace(string(b))
			_, _ = io.WriteString(w, `{"id":1}`)
			return
		}
		login := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v3/repos/acme/shop/collaborators/"), "/")[0]
		if login == "nobody" {
			w.WriteHeader(404)
			return
		}
		_, _ = fmt.Fprintf(w, `{"permission":%q}`, login)
	})
	for login, want := range map[string]bool{"admin": true, "write": true, "read": false, "none": false, "nobody": false, "../x": false} {
		if got, err := h.client.CanWrite(t.Context(), pull7, login); err != nil || got != want {
			t.Errorf("%s: %v %v", login, got, err)
		}
	}
	if err := h.client.React(t.Context(), pull7, 6_000_000_000, "eyes"); err != nil {
		t.Fatal(err)
	}
	if want := `/api/v3/repos/acme/shop/issues/comments/6000000000/reactions {"content":"eyes"}`; body != want {
		t.Errorf("asked %s", body)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{AppID: 1, PrivateKey: pkcs1(), WebURL: "https://a", APIURL: "https://a", GraphQLURL: "https://a"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"id": func(o *Options) { o.AppID = 0 }, "key": func(o *Options) { o.PrivateKey = []byte("x") },
		"api": func(o *Options) { o.APIURL = "ftp://x" }, "graphql": func(o *Options) { o.GraphQLURL = "" },
		"password": func(o *Options) { o.WebURL = "https://user:secret@x" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOldServer(t *testing.T) {
	var asked []bool
	h := newHub(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		full := strings.Contains(string(b), "fullDatabaseId")
		asked = append(asked, full)
		if full {
			_, _ = io.WriteString(w, `{"errors":[{"message":"Field 'fullDatabaseId' doesn't exist","extensions":{"code":"undefinedField"}}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"repository":{"pullRequest":{"headRefOid":"`+sha1+`","state":"OPEN","reviewThreads":{"nodes":[
 {"id":"T","path":"a","line":3,"comments":{"nodes":[{"databaseId":7,"viewerDidAuthor":true,"body":"<!-- plimsoll: `+fp("a")+` -->"}]}}]}}}}}`)
	})
	for range 2 {
		st, err := h.client.State(t.Context(), pull7)
		if err != nil || st.HeadSHA != sha1 || len(st.Threads) != 1 || st.Threads[0].CommentID != 7 {
			t.Fatalf("state %+v, %v", st, err)
		}
	}
	if fmt.Sprint(asked) != "[true false false]" {
		t.Errorf("asked %v", asked)
	}
}

func TestCommentID(t *testing.T) {
	seven := int64(7)
	for _, c := range []struct {
		short *int64
		full  any
		url   string
		want  int64
	}{
		{nil, "6000000000", "", 6000000000}, {&seven, nil, "", 7}, {nil, float64(8), "", 8},
		{nil, nil, "https://github.com/a/b/pull/1#discussion_r6000000001", 6000000001}, {nil, "x", "https://github.com/a/b/pull/1", 0},
	} {
		if got := commentID(c.short, c.full, c.url); got != c.want {
			t.Errorf("commentID(%v, %v, %q) = %d", c.short, c.full, c.url, got)
		}
	}
}

func TestGraphQLRefusals(t *testing.T) {
	for body, want := range map[string]error{
		`{"data":null,"errors":[{"type":"NOT_FOUND","message":"no"}]}`: ErrGone,
		`{"data":null,"errors":[{"type":"FORBIDDEN","message":"no"}]}`: ErrGone,
	} {
		h := newHub(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if _, err := h.client.State(t.Context(), pull7); !errors.Is(err, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	h := newHub(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errors":[{"type":"RATE_LIMITED","message":"no"}]}`)
	})
	_, err := h.client.State(t.Context(), pull7)
	if d, ok := RetryAfter(err); !ok || d != time.Minute {
		t.Errorf("RetryAfter %v: %v", d, err)
	}
}
