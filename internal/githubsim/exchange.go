package githubsim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is the part of GitHub that a request goes to.
type Kind string

// The kinds of requests.
const (
	KindREST    Kind = "rest"
	KindGraphQL Kind = "graphql"
	KindGit     Kind = "git"
)

// Exchange is one request and what was answered.
type Exchange struct {
	Kind   Kind
	Method string
	Path   string
	// Template is the endpoint as GitHub's documentation writes it
	// ("GET /repos/{owner}/{repo}"), the top fields of a GraphQL operation
	// ("query repository"), or the git service ("git-upload-pack fetch"). In a
	// Faults hook it is set for REST alone.
	Template string
	// InstallationID is 0 for requests without an installation token.
	InstallationID int64
	Status         int // 0 in a Faults hook, and where the connection was dropped
	ResponseBytes  int64
	Body           []byte // of the request, in a Faults hook alone
}

// Fault makes a request go wrong. The zero value does nothing.
type Fault struct {
	// Delay is waited before anything else, or until the client goes away.
	Delay time.Duration
	// Hold is waited for before anything else, or until the client goes away.
	Hold <-chan struct{}
	// Status answers with this status instead of executing the request.
	Status  int
	Message string
	Header  http.Header
	// Drop cuts the connection without an answer, before executing the
	// request; DropAfter cuts it once the request has been executed.
	Drop, DropAfter bool
}

// SecondaryLimit is the answer to a client that is too quick.
func SecondaryLimit(retryAfter time.Duration) *Fault {
	return &Fault{
		Status:  http.StatusForbidden,
		Message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		Header:  http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}},
	}
}

// requestLog holds what was asked, in order.
type requestLog struct {
	mu   sync.Mutex
	all  []Exchange
	next int64
	open int
	idle chan struct{} // closed while no request is open
}

func newRequestLog() *requestLog {
	l := &requestLog{idle: make(chan struct{})}
	close(l.idle)
	return l
}

// enter and leave stand around a request that is being answered.
func (l *requestLog) enter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open++; l.open == 1 {
		l.idle = make(chan struct{})
	}
}

func (l *requestLog) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open--; l.open == 0 {
		close(l.idle)
	}
}

func (l *requestLog) add(e Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

func (l *requestLog) requestID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("%04X:%06X:%08X", l.next>>16, l.next, l.next)
}

// Requests gives every request so far, in the order of their answers.
func (s *Server) Requests() []Exchange {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	return slices.Clone(s.seen.all)
}

// WaitAnswered waits until no request is being answered: what a request does
// can be seen before Requests has it.
func (s *Server) WaitAnswered(ctx context.Context) error {
	s.seen.mu.Lock()
	idle := s.seen.idle
	s.seen.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("githubsim: wait for answers: %w", context.Cause(ctx))
	}
}

// ResetRequests empties the log of requests.
func (s *Server) ResetRequests() {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	s.seen.all = nil
}

// Counts gives the number of requests by Template.
func (s *Server) Counts() map[string]int {
	out := map[string]int{}
	for _, e := range s.Requests() {
		out[e.Template]++
	}
	return out
}

// exchange is a request that is being answered. Its answer is held back until
// the request has been executed, so that faults can replace it.
type exchange struct {
	Exchange
	s      *Server
	r      *http.Request
	body   []byte
	header http.Header
	out    bytes.Buffer
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request, kind Kind, serve func(*exchange)) {
	x := &exchange{
		Exchange: Exchange{Kind: kind, Method: r.Method, Path: r.URL.Path},
		s:        s, r: r, header: http.Header{},
	}
	s.seen.enter()
	defer s.seen.leave()
	body, err := readBody(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	x.body = body
	// Logged before the answer is sent: whoever has it finds it in the log.
	logged := func() {
		s.seen.add(x.Exchange)
		s.log.Debug("request", slog.String("kind", string(kind)), slog.String("method", x.Method),
			slog.String("template", x.Template), slog.Int("status", x.Status))
	}
	if kind == KindREST {
		x.Template = s.routes.template(r)
	}
	var fault Fault
	if s.opts.Faults != nil {
		seen := x.Exchange
		seen.Body = body
		if f := s.opts.Faults(seen); f != nil {
			fault = *f
		}
	}
	if !fault.wait(r) || fault.Drop {
		logged()
		panic(http.ErrAbortHandler)
	}
	if fault.Status != 0 {
		maps.Copy(x.header, fault.Header)
		message := fault.Message
		if message == "" {
			message = http.StatusText(fault.Status)
		}
		x.fail(&apiError{status: fault.Status, message: message})
	} else {
		serve(x)
	}
	if fault.DropAfter {
		x.Status = 0
		logged()
		panic(http.ErrAbortHandler)
	}
	x.condition()
	x.ResponseBytes = int64(x.out.Len())
	logged()
	maps.Copy(w.Header(), x.header)
	w.Header().Set("X-GitHub-Request-Id", s.seen.requestID())
	w.WriteHeader(x.Status)
	if _, err := w.Write(x.out.Bytes()); err != nil {
		s.log.Debug("client went away", "err", err)
	}
}

// condition answers a REST request for what the client has already with 304,
// which GitHub does not count against the limit.
func (x *exchange) condition() {
	if x.Kind != KindREST || x.Method != http.MethodGet || x.Status != http.StatusOK {
		return
	}
	sum := sha256.Sum256(x.out.Bytes())
	tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	x.header.Set("ETag", tag)
	if x.r.Header.Get("If-None-Match") != tag {
		return
	}
	x.Status = http.StatusNotModified
	x.out.Reset()
	x.header.Del("Content-Type")
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if in := x.s.installations[x.InstallationID]; in != nil && in.rate.used > 0 {
		in.rate.used--
		x.header.Set("X-RateLimit-Used", strconv.Itoa(in.rate.used))
		x.header.Set("X-RateLimit-Remaining", strconv.Itoa(x.s.opts.RateLimit-in.rate.used))
	}
}

func (f Fault) wait(r *http.Request) bool {
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return false
		}
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return false
		}
	}
	return true
}

// rawBody is an answer that is not JSON.
type rawBody []byte

// wantsRaw says whether the client asks for a file's bytes instead of JSON.
func (x *exchange) wantsRaw() bool {
	accept := x.r.Header.Get("Accept")
	return strings.HasPrefix(accept, "application/vnd.github.") && strings.Contains(accept, "raw")
}

// reply answers with JSON, or with raw bytes; a nil body with nothing.
func (x *exchange) reply(status int, body any) {
	x.Status = status
	x.out.Reset()
	if body == nil {
		return
	}
	if raw, ok := body.(rawBody); ok {
		x.header.Set("Content-Type", "application/vnd.github.v3.raw; charset=utf-8")
		x.out.Write(raw)
		return
	}
	x.header.Set("Content-Type", "application/json; charset=utf-8")
	enc := json.NewEncoder(&x.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		x.out.Reset()
		x.Status = http.StatusInternalServerError
		fmt.Fprintf(&x.out, `{"message":%q}`, err.Error())
	}
}

// fail answers with an error in GitHub's form.
func (x *exchange) fail(e *apiError) {
	maps.Copy(x.header, e.header)
	body := map[string]any{
		"message":           e.message,
		"documentation_url": "https://docs.github.com/rest",
		"status":            strconv.Itoa(e.status),
	}
	if e.errors != nil {
		body["errors"] = e.errors
	}
	x.reply(e.status, body)
}

// countRate takes one request off the installation's budget and says what is
// left of it. s.mu is held.
func (x *exchange) countRate(in *installation, resource string) *apiError {
	now := x.s.now()
	if !now.Before(in.rate.reset) {
		in.rate = rateWindow{reset: now.Add(time.Hour)}
	}
	limit := x.s.opts.RateLimit
	exceeded := in.rate.used >= limit
	if !exceeded {
		in.rate.used++
	}
	x.header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	x.header.Set("X-RateLimit-Remaining", strconv.Itoa(limit-in.rate.used))
	x.header.Set("X-RateLimit-Used", strconv.Itoa(in.rate.used))
	x.header.Set("X-RateLimit-Reset", strconv.FormatInt(in.rate.reset.Unix(), 10))
	x.header.Set("X-RateLimit-Resource", resource)
	if exceeded {
		return &apiError{status: 403, message: fmt.Sprintf("API rate limit exceeded for installation ID %d.", in.id)}
	}
	return nil
}
