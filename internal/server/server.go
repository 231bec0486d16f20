// Package server is the App as a process: the webhook receiver, health and
// metrics, the pages of the rule catalogue, and the way of a pull request from
// its job to its published review.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// Queue stores jobs durably.
type Queue interface {
	// Enqueue returns once the job is stored. duplicate says that its delivery
	// was known already.
	Enqueue(ctx context.Context, j jobs.Job) (duplicate bool, err error)
}

// Translate reads a delivery: event is its X-GitHub-Event, delivery its
// X-GitHub-Delivery, body its JSON. need is false for a delivery that asks for
// nothing; an error means that the body is not what GitHub sends.
type Translate func(event, delivery string, body []byte) (j jobs.Job, need bool, err error)

// Options says what a Server is made of. All but PublicURL and Rules are needed.
type Options struct {
	Secret    string // the webhook secret
	Queue     Queue
	Translate Translate
	// Checks are what /readyz asks for, in order.
	Checks    []Check
	Metrics   *Metrics
	Rules     []*rule.Rule
	PublicURL string // "" when not known
	Log       *slog.Logger
}

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	opts    Options
	log     *slog.Logger
	bodies  *semaphore.Weighted // bytes of webhook bodies in memory
	ready   readiness
	pages   *pages
	handler http.Handler
}

// New makes a Server.
func New(o Options) *Server {
	s := &Server{
		opts: o, log: o.Log,
		bodies: semaphore.NewWeighted(maxBodies),
		ready:  readiness{checks: o.Checks, log: o.Log},
		pages:  newPages(o.Rules),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/webhook", s.webhook)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", o.Metrics.handler())
	mux.HandleFunc("GET /rules", s.rules)
	mux.HandleFunc("GET /rules/{area}/{name}", s.rule)
	mux.HandleFunc("GET /assets/style.css", s.style)
	mux.Handle("GET /{$}", http.RedirectHandler("/rules", http.StatusFound))
	s.handler = s.recovered(s.secured(mux))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// httpServer bounds what a connection may take, in time and in bytes. GitHub
// gives up on a delivery after ten seconds.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// secured sets the headers that every answer has. Nothing that is served runs
// scripts, is framed, or loads anything from elsewhere.
func (s *Server) secured(next http.Handler) http.Handler {
	https := strings.HasPrefix(s.opts.PublicURL, "https://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into a 500 and a log entry.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &sentinel{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.log.ErrorContext(r.Context(), "a request panicked", "method", r.Method, "path", clip(r.URL.Path, 200),
				"panic", p, "stack", string(debug.Stack()))
			if !sent.wrote {
				http.Error(sent, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(sent, r)
	})
}

// sentinel notes whether an answer has begun.
type sentinel struct {
	http.ResponseWriter
	wrote bool
}

func (w *sentinel) WriteHeader(status int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *sentinel) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sentinel) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// clip cuts what a stranger wrote to n bytes of valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
