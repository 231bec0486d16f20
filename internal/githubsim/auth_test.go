package githubsim_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func jwt(t *testing.T, key *rsa.PrivateKey, header, claims object) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// with sends a request with a credential of its own.
func (w *world) with(credential, method, path, body string) (int, object) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.api+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		w.t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, out
}

func TestAppTokens(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	rs256 := object{"alg": "RS256", "typ": "JWT"}
	claims := func(more object) object {
		c := object{"iss": fmt.Sprint(w.app.ID), "iat": now.Add(-30 * time.Second).Unix(), "exp": now.Add(5 * time.Minute).Unix()}
		for k, v := range more {
			c[k] = v
			if v == nil {
				delete(c, k)
			}
		}
		return c
	}
	for _, tt := range []struct {
		name  string
		token string
		want  int
	}{
		{"good", jwt(t, w.app.Key, rs256, claims(nil)), 200},
		{"issuer as a number", jwt(t, w.app.Key, rs256, claims(object{"iss": w.app.ID})), 200},
		{"nothing", "", 401},
		{"not a token", "abc", 401},
		{"not signed by the App", jwt(t, other, rs256, claims(nil)), 401},
		{"another algorithm", jwt(t, w.app.Key, object{"alg": "none"}, claims(nil)), 401},
		{"unknown issuer", jwt(t, w.app.Key, rs256, claims(object{"iss": "12"})), 404},
		{"expired", jwt(t, w.app.Key, rs256, claims(object{"exp": now.Add(-time.Second).Unix()})), 401},
		{"lives too long", jwt(t, w.app.Key, rs256, claims(object{"exp": now.Add(15 * time.Minute).Unix()})), 401},
		{"issued in the future", jwt(t, w.app.Key, rs256, claims(object{"iat": now.Add(2 * time.Minute).Unix()})), 401},
		{"no expiry", jwt(t, w.app.Key, rs256, claims(object{"exp": nil})), 401},
		{"no issue time", jwt(t, w.app.Key, rs256, claims(object{"iat": nil})), 401},
	} {
		if got, body := w.with(tt.token, "GET", "/app", ""); got != tt.want {
			t.Errorf("%s: %d %v, want %d", tt.name, got, body, tt.want)
		}
	}
}

func TestInstallationTokens(t *testing.T) {
	c := &clock{t: time.Now()}
	w := newWorld(t, githubsim.Options{Clock: c.now}, nil, nil)
	if _, err := w.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: "other"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateRepository(githubsim.RepositoryOptions{Owner: "acme", Name: ".github", Public: true, Files: map[string]string{".plimsoll.yml": "version: 1\n"}}); err != nil {
		t.Fatal(err)
	}
	app := func() string {
		return jwt(t, w.app.Key, object{"alg": "RS256"}, object{"iss": fmt.Sprint(w.app.ID), "iat": c.now().Unix(), "exp": c.now().Add(time.Minute).Unix()})
	}
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.inst)
	for body, want := range map[string]int{
		`{"permissions":{"contents":"write"}}`:    422, // not granted
		`{"permissions":{"administration":"no"}}`: 422,
		`{"repositories":["none"]}`:               422,
		`{"repositories":`:                        400,
		`{"repositories":"shop"}`:                 422,
		`{}`:                                      201,
		``:                                        201,
	} {
		if got, b := w.with(app(), "POST", path, body); got != want {
			t.Errorf("%s: %d %v, want %d", body, got, b, want)
		}
	}
	_, narrow := w.with(app(), "POST", path, `{"repositories":["shop"],"permissions":{"contents":"read","checks":"write"}}`)
	token := narrow["token"].(string)
	for _, tt := range []struct {
		method, path, body string
		want               int
		says               string
	}{
		{"GET", "/repos/acme/shop/contents/README.md", "", 200, ""},
		{"GET", "/repos/acme/other", "", 404, "Not Found"},
		{"GET", "/repos/acme/.github/contents/.plimsoll.yml", "", 200, ""},
		{"POST", "/repos/acme/.github/check-runs", "{}", 403, "Resource not accessible by integration"},
		{"GET", "/repos/acme/shop/pulls/1", "", 403, "Resource not accessible by integration"},
		{"POST", "/repos/acme/shop/issues/1/comments", `{"body":"b"}`, 403, "Resource not accessible by integration"},
		{"GET", "/app", "", 401, ""},
		{"GET", "/installation/repositories", "", 200, ""},
	} {
		got, body := w.with(token, tt.method, tt.path, tt.body)
		if got != tt.want || tt.says != "" && body["message"] != tt.says {
			t.Errorf("%s %s: %d %v, want %d", tt.method, tt.path, got, body["message"], tt.want)
		}
	}
	c.add(59 * time.Minute)
	if got, _ := w.with(token, "GET", "/repos/acme/shop", ""); got != 200 {
		t.Errorf("after 59 minutes: %d", got)
	}
	c.add(2 * time.Minute)
	if got, body := w.with(token, "GET", "/repos/acme/shop", ""); got != 401 || body["message"] != "Bad credentials" {
		t.Errorf("after 61 minutes: %d %v", got, body)
	}
	fresh, err := w.IssueToken(w.inst)
	if err != nil {
		t.Fatal(err)
	}
	w.RevokeTokens(w.inst)
	if got, _ := w.with(fresh, "GET", "/repos/acme/shop", ""); got != 401 {
		t.Errorf("revoked: %d", got)
	}
}

func TestOnlyTheOwningAppChangesACheckRun(t *testing.T) {
	w := newWorld(t, githubsim.Options{}, nil, nil)
	_, run := w.call("POST", "/repos/acme/shop/check-runs", object{"name": "plimsoll", "head_sha": w.head()})
	other, err := w.AddApp(githubsim.AppOptions{Slug: "other"})
	if err != nil {
		t.Fatal(err)
	}
	inst, err := w.Install(other.ID, "acme", githubsim.InstallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.IssueToken(inst)
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/repos/acme/shop/check-runs/%.0f", run["id"])
	if got, body := w.with(token, "PATCH", path, `{"status":"completed","conclusion":"success"}`); got != 403 {
		t.Errorf("another App's PATCH: %d %v", got, body)
	}
}

func TestRateLimit(t *testing.T) {
	c := &clock{t: time.Now()}
	w := newWorld(t, githubsim.Options{Clock: c.now, RateLimit: 3}, nil, nil)
	for range 3 {
		if got, _ := w.call("GET", "/repos/acme/shop", nil); got != 200 {
			t.Fatal(got)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.api+"/repos/acme/shop", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 403 || resp.Header.Get("X-RateLimit-Remaining") != "0" || resp.Header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("over the limit: %d %v", resp.StatusCode, resp.Header)
	}
	c.add(61 * time.Minute)
	w.RevokeTokens(w.inst)
	token, err := w.IssueToken(w.inst)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := w.with(token, "GET", "/repos/acme/shop", ""); got != 200 {
		t.Errorf("an hour later: %d", got)
	}
}

func TestFaults(t *testing.T) {
	hold := make(chan struct{})
	var mu sync.Mutex
	var next *githubsim.Fault
	w := newWorld(t, githubsim.Options{Faults: func(e githubsim.Exchange) *githubsim.Fault {
		if e.Template != "POST /repos/{owner}/{repo}/issues/{issue_number}/comments" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		return next
	}}, nil, nil)
	token, err := w.IssueToken(w.inst)
	if err != nil {
		t.Fatal(err)
	}
	send := func(ctx context.Context, f *githubsim.Fault) (*http.Response, error) {
		mu.Lock()
		next = f
		mu.Unlock()
		req, err := http.NewRequestWithContext(ctx, "POST", w.api+"/repos/acme/shop/issues/1/comments", strings.NewReader(`{"body":"b"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return resp, err
	}
	comments := func() int { return len(w.Comments(shop, 1)) }

	resp, err := send(t.Context(), githubsim.SecondaryLimit(7*time.Second))
	if err != nil || resp.StatusCode != 403 || resp.Header.Get("Retry-After") != "7" || comments() != 0 {
		t.Errorf("secondary limit: %v %v, %d comments", resp, err, comments())
	}
	resp, err = send(t.Context(), &githubsim.Fault{Status: 502})
	if err != nil || resp.StatusCode != 502 || comments() != 0 {
		t.Errorf("502: %v %v", resp, err)
	}
	if _, err = send(t.Context(), &githubsim.Fault{Drop: true}); err == nil || comments() != 0 {
		t.Errorf("dropped before: %v, %d comments", err, comments())
	}
	if _, err = send(t.Context(), &githubsim.Fault{DropAfter: true}); err == nil || comments() != 1 {
		t.Errorf("dropped after: %v, %d comments", err, comments())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = send(ctx, &githubsim.Fault{Hold: hold}); !errors.Is(err, context.Canceled) || comments() != 1 {
		t.Errorf("held: %v, %d comments", err, comments())
	}
	done := make(chan error, 1)
	go func() {
		_, err := send(t.Context(), &githubsim.Fault{Hold: hold, Delay: time.Millisecond})
		done <- err
	}()
	close(hold)
	if err := <-done; err != nil || comments() != 2 {
		t.Errorf("let go: %v, %d comments", err, comments())
	}
}
