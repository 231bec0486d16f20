package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

const testSecret = "the-hook's-secret"

// memoryQueue keeps jobs in memory.
type memoryQueue struct {
	mu   sync.Mutex
	jobs []jobs.Job
	err  error
}

func (q *memoryQueue) Enqueue(_ context.Context, j jobs.Job) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return false, q.err
	}
	for _, have := range q.jobs {
		if have.Delivery == j.Delivery {
			return true, nil
		}
	}
	q.jobs = append(q.jobs, j)
	return false, nil
}

func (q *memoryQueue) stored() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}

// translateTest takes {"n": 1} for a job, {"panic": true} for a defect, and an
// object without either for nothing to do.
func translateTest(event, delivery string, body []byte) (jobs.Job, bool, error) {
	var v struct {
		N     *int `json:"n"`
		Panic bool `json:"panic"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return jobs.Job{}, false, err
	}
	if v.Panic {
		panic("a defect")
	}
	if v.N == nil {
		return jobs.Job{}, false, nil
	}
	return jobs.Job{Delivery: delivery, Event: event, RepositoryID: 1, Number: *v.N}, true, nil
}

func newTestServer(q Queue, change func(*Options)) *Server {
	o := Options{
		Secret: testSecret, Queue: q, Translate: translateTest, Metrics: NewMetrics("test"),
		Rules: testRules(), Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func sign(body []byte) string {
	h := hmac.New(sha256.New, []byte(testSecret))
	h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// deliver makes a well-formed delivery.
func deliver(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", "pull_request")
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("X-Hub-Signature-256", sign([]byte(body)))
	return r
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counted gives the number of deliveries as the metrics write it, "" for none.
func counted(t *testing.T, s *Server, event, outcome string) string {
	t.Helper()
	body := answer(s, httptest.NewRequest("GET", "/metrics", nil)).Body.String()
	_, after, _ := strings.Cut(body, fmt.Sprintf("\nplimsoll_deliveries_total{event=%q,outcome=%q} ", event, outcome))
	n, _, _ := strings.Cut(after, "\n")
	return n
}

func TestWebhookStatuses(t *testing.T) {
	const good = `{"n":1}`
	large := strings.Repeat(" ", maxBody-len(good)) + good
	form := "payload=" + url.QueryEscape(good)
	tests := []struct {
		name    string
		request func() *http.Request
		queue   error
		status  int
		outcome string
		event   string
		stored  int
	}{
		{"a job", func() *http.Request { return deliver(good) }, nil, 202, outcomeQueued, "pull_request", 1},
		{"nothing to do", func() *http.Request { return deliver(`{"zen":"x"}`) }, nil, 202, outcomeIgnored, "pull_request", 0},
		{"an unknown event", func() *http.Request {
			r := deliver(`{}`)
			r.Header.Set("X-GitHub-Event", "star")
			return r
		}, nil, 202, outcomeIgnored, "other", 0},
		{"a form", func() *http.Request {
			r := deliver(form)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			return r
		}, nil, 202, outcomeQueued, "pull_request", 1},
		{"25 MiB", func() *http.Request { return deliver(" " + large[1:]) }, nil, 400, outcomeMalformed, "pull_request", 0},
		{"over 25 MiB", func() *http.Request { return deliver(large + " ") }, nil, 413, outcomeTooLarge, "unknown", 0},
		{"over 25 MiB without a length", func() *http.Request {
			r := deliver(large + " ")
			r.ContentLength = -1
			return r
		}, nil, 413, outcomeTooLarge, "unknown", 0},
		{"no signature", func() *http.Request {
			r := deliver(good)
			r.Header.Del("X-Hub-Signature-256")
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"another body's signature", func() *http.Request {
			r := deliver(good)
			r.Header.Set("X-Hub-Signature-256", sign([]byte("x")))
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"a signature that is no hexadecimal", func() *http.Request {
			r := deliver(good)
			r.Header.Set("X-Hub-Signature-256", "sha256=zz")
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"a cut signature", func() *http.Request {
			r := deliver(good)
			r.Header.Set("X-Hub-Signature-256", sign([]byte(good))[:20])
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"the old signature alone", func() *http.Request {
			r := deliver(good)
			r.Header.Set("X-Hub-Signature", r.Header.Get("X-Hub-Signature-256"))
			r.Header.Del("X-Hub-Signature-256")
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"unsigned and malformed", func() *http.Request {
			r := deliver("{")
			r.Header.Del("X-Hub-Signature-256")
			return r
		}, nil, 401, outcomeUnauthorized, "unknown", 0},
		{"no event", func() *http.Request {
			r := deliver(good)
			r.Header.Del("X-GitHub-Event")
			return r
		}, nil, 400, outcomeMalformed, "unknown", 0},
		{"no delivery", func() *http.Request {
			r := deliver(good)
			r.Header.Del("X-GitHub-Delivery")
			return r
		}, nil, 400, outcomeMalformed, "pull_request", 0},
		{"a delivery that is too long", func() *http.Request {
			r := deliver(good)
			r.Header.Set("X-GitHub-Delivery", strings.Repeat("x", maxDelivery+1))
			return r
		}, nil, 400, outcomeMalformed, "pull_request", 0},
		{"broken JSON", func() *http.Request { return deliver(`{"n":1`) }, nil, 400, outcomeMalformed, "pull_request", 0},
		{"no object", func() *http.Request { return deliver(`[1]`) }, nil, 400, outcomeMalformed, "pull_request", 0},
		{"nothing", func() *http.Request { return deliver(``) }, nil, 400, outcomeMalformed, "pull_request", 0},
		{"another type", func() *http.Request { return deliver(`{"n":"x"}`) }, nil, 400, outcomeMalformed, "pull_request", 0},
		{"a queue that cannot store", func() *http.Request { return deliver(good) }, errors.New("full"), 503, outcomeFailed, "pull_request", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := &memoryQueue{err: tt.queue}
			s := newTestServer(q, nil)
			w := answer(s, tt.request())
			if w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if q.stored() != tt.stored {
				t.Errorf("%d jobs stored, want %d", q.stored(), tt.stored)
			}
			if n := counted(t, s, tt.event, tt.outcome); n != "1" {
				t.Errorf("%q deliveries of %s counted as %s", n, tt.event, tt.outcome)
			}
			if !s.bodies.TryAcquire(maxBodies) {
				t.Error("memory for bodies is not given back")
			}
		})
	}
}

func TestWebhookTakesTheLargestDelivery(t *testing.T) {
	body := `{"n":1,"pad":"` + strings.Repeat("x", maxBody-len(`{"n":1,"pad":""}`)) + `"}`
	q := &memoryQueue{}
	if w := answer(newTestServer(q, nil), deliver(body)); w.Code != 202 || q.stored() != 1 {
		t.Errorf("%d bytes: status %d, %d stored", len(body), w.Code, q.stored())
	}
}

func TestWebhookMethods(t *testing.T) {
	s := newTestServer(&memoryQueue{}, nil)
	for _, m := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		w := answer(s, httptest.NewRequest(m, "/webhook", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: status %d, Allow %q", m, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestRepeatedDeliveryIsAccepted(t *testing.T) {
	q := &memoryQueue{}
	s := newTestServer(q, nil)
	for range 3 {
		if w := answer(s, deliver(`{"n":1}`)); w.Code != 202 {
			t.Errorf("status %d", w.Code)
		}
	}
	if q.stored() != 1 {
		t.Errorf("%d stored", q.stored())
	}
	if n := counted(t, s, "pull_request", outcomeDuplicate); n != "2" {
		t.Errorf("%q duplicates", n)
	}
}

func TestWebhookBoundsAllBodiesTogether(t *testing.T) {
	s := newTestServer(&memoryQueue{}, nil)
	if !s.bodies.TryAcquire(maxBodies - 4) {
		t.Fatal("taken already")
	}
	if w := answer(s, deliver(`{"n":1}`)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", w.Code)
	}
	s.bodies.Release(maxBodies - 4)
	if w := answer(s, deliver(`{"n":1}`)); w.Code != 202 {
		t.Errorf("then status %d", w.Code)
	}
}

func TestWebhookBodyThatBreaksOff(t *testing.T) {
	s := newTestServer(&memoryQueue{}, nil)
	r := deliver("{}")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), errReader{}))
	if w := answer(s, r); w.Code != 400 {
		t.Errorf("status %d", w.Code)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPanicIsA500AndLogged(t *testing.T) {
	var log bytes.Buffer
	s := newTestServer(&memoryQueue{}, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	if w := answer(s, deliver(`{"panic":true}`)); w.Code != 500 || strings.Contains(w.Body.String(), "defect") {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "a defect") || !strings.Contains(log.String(), "webhook.go") {
		t.Errorf("the log says %s", &log)
	}
	if !s.bodies.TryAcquire(maxBodies) {
		t.Error("memory for bodies is not given back")
	}
}

func TestLogsHoldNoBodies(t *testing.T) {
	var log bytes.Buffer
	s := newTestServer(&memoryQueue{}, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, body := range []string{`{"n":1,"x":"s3cret-in-body"}`, `{"x":"s3cret-in-body"}`, `{"n":1,"x":"s3cret-in-body"`} {
		answer(s, deliver(body))
	}
	if strings.Contains(log.String(), "s3cret") || strings.Contains(log.String(), testSecret) {
		t.Errorf("the log says %s", &log)
	}
	if !strings.Contains(log.String(), `"delivery":"72d3162e-cc78-11e3-81ab-4c9367dc0958"`) {
		t.Errorf("the log does not name the delivery: %s", &log)
	}
}

func TestEveryAnswerIsHardened(t *testing.T) {
	s := newTestServer(&memoryQueue{}, func(o *Options) { o.PublicURL = "https://plimsoll.example" })
	for _, path := range []string{"/rules", "/rules/k8s/privileged-container", "/rules/no/such", "/healthz", "/readyz", "/metrics", "/assets/style.css", "/", "/nothing", "/webhook"} {
		h := answer(s, httptest.NewRequest("GET", path, nil)).Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") == "" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	var log bytes.Buffer
	var broken error
	asked := 0
	s := newTestServer(&memoryQueue{}, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, nil))
		o.Checks = []Check{
			{Name: "queue", Ask: func(context.Context) error { asked++; return broken }},
			{Name: "credentials", Ask: func(ctx context.Context) error { return ctx.Err() }},
		}
	})
	if w := answer(s, httptest.NewRequest("GET", "/healthz", nil)); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %q", w.Code, w.Body)
	}
	for range 5 {
		if w := answer(s, httptest.NewRequest("GET", "/readyz", nil)); w.Code != 200 || w.Body.String() != "queue ok\ncredentials ok\n" {
			t.Errorf("readyz: %d %q", w.Code, w.Body)
		}
	}
	if asked != 1 {
		t.Errorf("five questions at once asked the queue %d times", asked)
	}
	broken = errors.New("disk /var/x is full")
	s.ready.at = time.Time{}
	w := answer(s, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || w.Body.String() != "queue failed\ncredentials ok\n" {
		t.Errorf("readyz: %d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "disk /var/x is full") {
		t.Errorf("the log says %s", &log)
	}
}

func TestCredentialsOutliveAnOutage(t *testing.T) {
	refused, away := errors.New("refused"), errors.New("no route")
	var next error
	c := &credentials{ask: func(context.Context) error { return next }, refused: refused}
	steps := []struct {
		says error
		want error
	}{{away, away}, {nil, nil}, {away, nil}, {fmt.Errorf("GitHub: %w", refused), refused}, {away, away}, {nil, nil}}
	for i, st := range steps {
		next = st.says
		if err := c.check(t.Context()); !errors.Is(err, st.want) || (st.want == nil) != (err == nil) {
			t.Errorf("step %d: %v, want %v", i, err, st.want)
		}
	}
}

func TestMetrics(t *testing.T) {
	m := NewMetrics("1.2.3")
	var fails error
	m.WatchQueue(func(context.Context) (jobs.Stats, error) {
		return jobs.Stats{Queued: 4, Running: 2, Oldest: 90 * time.Second, Dead: 1}, fails
	})
	m.ReviewDone(300*time.Millisecond, review.Failure)
	m.Call("checks.create", 5, 201, 4321)
	m.Call("checks.create", 5, 502, -1)
	own, custom := &rule.Rule{ID: "k8s/a"}, &rule.Rule{ID: "../acme/secret-project", Limited: true}
	watched := m.Watch(func(context.Context, reviewer.Options, reviewer.Trees) (*review.Report, error) {
		return &review.Report{
			Findings: []review.Finding{{Finding: engine.Finding{Rule: own, State: engine.New}}, {Finding: engine.Finding{Rule: custom, State: engine.Fixed}}},
			Unknown:  []engine.NotEvaluated{{Rule: own}},
		}, nil
	})
	if _, err := watched(t.Context(), reviewer.Options{}, nil); err != nil {
		t.Fatal(err)
	}
	s := newTestServer(&memoryQueue{}, func(o *Options) { o.Metrics = m })
	body := answer(s, httptest.NewRequest("GET", "/metrics", nil)).Body.String()
	for _, line := range []string{
		`plimsoll_build_info{version="1.2.3"} 1`,
		`plimsoll_queue_up 1`, `plimsoll_queue_jobs 4`, `plimsoll_queue_running 2`, `plimsoll_queue_oldest_seconds 90`, `plimsoll_queue_given_up 1`,
		`plimsoll_review_duration_seconds_bucket{conclusion="failure",le="0.5"} 1`,
		`plimsoll_github_calls_total{call="checks.create",status="201"} 1`,
		`plimsoll_github_rate_limit_remaining{installation="5"} 4321`,
		`plimsoll_findings_total{rule="k8s/a",state="new"} 1`, `plimsoll_findings_total{rule="custom",state="fixed"} 1`,
		`plimsoll_not_evaluated_total{cause="unknown_value",rule="k8s/a"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(body, "acme") {
		t.Error("a repository's own rule is a label")
	}
	fails = errors.New("away")
	body = answer(s, httptest.NewRequest("GET", "/metrics", nil)).Body.String()
	if !strings.Contains(body, "\nplimsoll_queue_up 0\n") || strings.Contains(body, "\nplimsoll_queue_jobs ") {
		t.Error("a queue that does not answer still has numbers")
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add([]byte(`{"n":1}`), "", "application/json", "pull_request", "d-1")
	f.Add([]byte(`{}`), "sha256=00", "application/x-www-form-urlencoded", "", "")
	f.Add([]byte("payload=%7B%7D"), "", "application/x-www-form-urlencoded", "push", "x y")
	f.Fuzz(func(t *testing.T, body []byte, signature, contentType, event, delivery string) {
		q := &memoryQueue{}
		s := newTestServer(q, nil)
		r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
		genuine := signature == ""
		if genuine {
			signature = sign(body)
		}
		r.Header["X-Hub-Signature-256"] = []string{signature}
		r.Header["Content-Type"] = []string{contentType}
		r.Header["X-Github-Event"] = []string{event}
		r.Header["X-Github-Delivery"] = []string{delivery}
		if bytes.Contains(body, []byte("panic")) {
			return // the translation's defect is a test of its own
		}
		w := answer(s, r)
		switch w.Code {
		case 202:
			if signature != sign(body) && !strings.EqualFold(signature, sign(body)) {
				t.Errorf("accepted with the signature %q", signature)
			}
		case 400:
			if q.stored() != 0 {
				t.Error("refused and stored")
			}
		case 401:
			if genuine || q.stored() != 0 {
				t.Error("a genuine delivery is unauthorized, or one that is not was stored")
			}
		default:
			t.Errorf("status %d", w.Code)
		}
	})
}

func BenchmarkWebhook(b *testing.B) {
	for _, size := range []int{10 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := newTestServer(discardQueue{}, nil)
			body := `{"n":1,"pad":"` + strings.Repeat("x", size) + `"}`
			signature := sign([]byte(body))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-GitHub-Event", "pull_request")
				r.Header.Set("X-GitHub-Delivery", "d-1")
				r.Header.Set("X-Hub-Signature-256", signature)
				if w := answer(s, r); w.Code != 202 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

type discardQueue struct{}

func (discardQueue) Enqueue(context.Context, jobs.Job) (bool, error) { return false, nil }
