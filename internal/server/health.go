package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// readyFor is how long an answer of /readyz is used again, so that asking
	// often costs little.
	readyFor = time.Second
	// checkTimeout bounds one check.
	checkTimeout = 5 * time.Second
)

// Check is one thing that must be well before work is sent here.
type Check struct {
	Name string // in one word; it is public
	Ask  func(ctx context.Context) error
}

// readiness asks the checks, one caller at a time.
type readiness struct {
	checks []Check
	log    *slog.Logger

	mu     sync.Mutex
	at     time.Time
	report string
	well   bool
	failed map[string]bool // as logged last
}

// answer gives a line for each check. Errors stay in the log.
func (r *readiness) answer(ctx context.Context) (report string, well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < readyFor {
		return r.report, r.well
	}
	if r.failed == nil {
		r.failed = make(map[string]bool)
	}
	var b strings.Builder
	well = true
	for _, c := range r.checks {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		err := c.Ask(ask)
		cancel()
		state := "ok"
		if err != nil {
			state, well = "failed", false
		}
		if (err != nil) != r.failed[c.Name] {
			r.failed[c.Name] = err != nil
			if err != nil {
				r.log.WarnContext(ctx, "not ready", "check", c.Name, "error", err)
			} else {
				r.log.InfoContext(ctx, "ready again", "check", c.Name)
			}
		}
		b.WriteString(c.Name + " " + state + "\n")
	}
	r.at, r.report, r.well = time.Now(), b.String(), well
	return r.report, r.well
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok\n")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	report, well := s.ready.answer(r.Context())
	status := http.StatusOK
	if !well {
		status = http.StatusServiceUnavailable
	}
	plain(w, status, report)
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// credentials remembers what GitHub last said of the App's credentials, so that
// readiness neither costs a call each time nor falls when GitHub is away.
type credentials struct {
	ask     func(ctx context.Context) error
	refused error         // errors.Is tells a refusal from a failure to ask
	every   time.Duration // how long an acceptance holds before it is asked again
	retry   time.Duration // how long anything else does

	mu       sync.Mutex
	next     time.Time
	accepted bool
	last     error
}

// check gives nil when GitHub accepted the credentials and has not refused them
// since.
func (c *credentials) check(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !now.Before(c.next) {
		c.last = c.ask(ctx)
		switch {
		case c.last == nil:
			c.accepted, c.next = true, now.Add(c.every)
		case errors.Is(c.last, c.refused):
			c.accepted, c.next = false, now.Add(c.retry)
		default:
			c.next = now.Add(c.retry)
		}
	}
	if c.accepted {
		return nil
	}
	return c.last
}
