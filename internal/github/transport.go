package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxResponse  = 32 << 20 // bytes of one answer
	attemptTime  = 45 * time.Second
	lastWord     = 4 * time.Second // for an effect's answer, once nobody wants it
	maxTries     = 4
	firstBackoff = 400 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// GitHub asks for a minute where a secondary limit names no time.
	defaultSecondary = time.Minute
	// No header makes us wait longer than this.
	maxLimitWait = 2 * time.Hour
)

// errRefused marks requests that are never sent.
var errRefused = errors.New("request refused")

// call says what a request is for and whether repeating it does no harm.
type call struct {
	name       string
	repeatable bool
	content    bool // creates content in GitHub's sense; see pace
}

type callKey struct{}

// reading marks ctx for a call that changes nothing, or that may be carried out
// twice without harm.
func reading(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callKey{}, call{name: name, repeatable: true})
}

// writing marks ctx for a call that is never repeated blindly.
func writing(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, callKey{}, call{name: name})
}

// courier carries requests: within time, with bounded answers, again after
// faults where that does no harm, and not at all while GitHub wants none.
// auth, when set, gives the Authorization header; with renew it must give one
// that is not the former.
type courier struct {
	c            *Client
	installation int64
	auth         func(ctx context.Context, renew bool) (string, error)
	fixed        *call // used instead of the context's
}

// RoundTrip implements http.RoundTripper. Answers are read in full before they
// are given back.
func (t *courier) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	what, _ := ctx.Value(callKey{}).(call)
	if t.fixed != nil {
		what = *t.fixed
	}
	if what.name == "" {
		what = call{name: req.Method, repeatable: req.Method == http.MethodGet}
	}
	// A redirect must not carry a token to another host.
	if (req.URL.Host != t.c.api.Host || req.URL.Scheme != t.c.api.Scheme) && (req.URL.Host != t.c.graphql.Host || req.URL.Scheme != t.c.graphql.Scheme) {
		return nil, fmt.Errorf("%w: host %q is not GitHub's API", errRefused, req.URL.Host)
	}
	renewed := false
	var header string
	for try := 1; ; try++ {
		if err := t.c.held(t.installation); err != nil {
			return nil, err
		}
		if what.content {
			if err := t.c.pace(ctx, t.installation); err != nil {
				return nil, err
			}
		}
		if t.auth != nil && header == "" {
			var err error
			if header, err = t.auth(ctx, renewed); err != nil {
				return nil, err
			}
		}
		resp, err := t.once(req, header, what.repeatable)
		if err == nil {
			t.c.opt.OnCall(what.name, t.installation, resp.StatusCode, remaining(resp.Header))
			if limit := t.c.limited(t.installation, resp); limit != nil {
				return nil, limit
			}
			if resp.StatusCode == http.StatusUnauthorized && t.auth != nil && !renewed {
				// A refused token means that nothing was carried out.
				renewed, header = true, ""
				continue
			}
			if resp.StatusCode < 500 {
				return resp, nil
			}
		} else {
			t.c.opt.OnCall(what.name, t.installation, 0, -1)
		}
		if ctx.Err() != nil || !what.repeatable || try >= maxTries || errors.Is(err, errRefused) {
			return resp, err
		}
		if werr := t.c.opt.Sleep(ctx, t.c.backoff(try)); werr != nil {
			return nil, werr
		}
	}
}

// once sends req and reads the whole answer. An effect under way is not cut off
// where the caller's context ends: GitHub might carry it out all the same, after
// whoever comes next has looked for it.
func (t *courier) once(req *http.Request, authorization string, repeatable bool) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), attemptTime)
	if !repeatable {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
		stop := context.AfterFunc(req.Context(), func() { time.AfterFunc(lastWord, cancel) })
		defer stop()
	}
	defer cancel()
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errRefused, err)
		}
		out.Body = body
	}
	out.Header.Set("User-Agent", userAgent)
	if authorization != "" {
		out.Header.Set("Authorization", authorization)
	}
	resp, err := t.c.opt.Transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("reading GitHub's answer: %w", err)
	}
	if len(data) > maxResponse {
		return nil, fmt.Errorf("%w: GitHub's answer is over %d bytes", errRefused, maxResponse)
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.Request = req
	return resp, nil
}

// backoff gives the wait after a try that failed (1 for the first): between
// half and all of a time that doubles.
func (c *Client) backoff(try int) time.Duration {
	d := min(firstBackoff<<min(try-1, 10), maxBackoff)
	return d/2 + time.Duration(c.opt.Jitter()*float64(d/2))
}

// held gives the LimitError that is in force for an installation.
func (c *Client) held(installation int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, ok := c.blocked[installation]
	if !ok {
		return nil
	}
	wait := until.Sub(c.opt.Now())
	if wait <= 0 {
		delete(c.blocked, installation)
		return nil
	}
	return &LimitError{Until: until, wait: wait}
}

// limited reads an answer's limits: it gives an error when the answer is a
// refusal, and remembers for the next requests when the last one was granted.
// The headers are taken away so that this is the one place that judges them.
func (c *Client) limited(installation int64, resp *http.Response) *LimitError {
	now := c.opt.Now()
	left, reset := remaining(resp.Header), resetTime(resp.Header)
	retry, hasRetry := retryAfter(resp.Header)
	resp.Header.Del("X-RateLimit-Reset")
	resp.Header.Del("Retry-After")
	refusal := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests
	var e *LimitError
	switch {
	case refusal && hasRetry:
		e = &LimitError{Secondary: true, wait: retry}
	case refusal && left == 0 && !reset.IsZero():
		e = &LimitError{wait: reset.Sub(now)}
	case resp.StatusCode == http.StatusTooManyRequests, refusal && saysSecondary(resp):
		e = &LimitError{Secondary: true, wait: defaultSecondary}
	case left == 0 && reset.After(now):
		c.hold(installation, now.Add(min(reset.Sub(now), maxLimitWait)))
		return nil
	default:
		return nil
	}
	e.wait = max(time.Second, min(e.wait, maxLimitWait))
	e.Until = now.Add(e.wait)
	c.hold(installation, e.Until)
	return e
}

func (c *Client) hold(installation int64, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.blocked) > maxAccesses {
		now := c.opt.Now()
		for id, t := range c.blocked {
			if !t.After(now) {
				delete(c.blocked, id)
			}
		}
	}
	c.blocked[installation] = until
}

func saysSecondary(resp *http.Response) bool {
	data, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(data))
	if err != nil {
		return false
	}
	s := strings.ToLower(string(data))
	return strings.Contains(s, "secondary rate limit") || strings.Contains(s, "abuse detection")
}

func remaining(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func resetTime(h http.Header) time.Time {
	n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

func retryAfter(h http.Header) (time.Duration, bool) {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0, false
	}
	return min(time.Duration(n)*time.Second, maxLimitWait), true
}
