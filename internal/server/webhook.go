package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBody is the largest delivery that GitHub sends, in bytes.
	maxBody = 25 << 20
	// maxBodies bounds the bodies that are in memory at a time, in bytes.
	maxBodies = 256 << 20
	// storeTimeout leaves room within the ten seconds that GitHub waits.
	storeTimeout = 8 * time.Second
	maxDelivery  = 128 // characters of X-GitHub-Delivery
)

// Outcomes of a delivery, as the metrics name them.
const (
	outcomeQueued       = "queued"
	outcomeDuplicate    = "duplicate"
	outcomeIgnored      = "ignored"
	outcomeUnauthorized = "unauthorized"
	outcomeMalformed    = "malformed"
	outcomeTooLarge     = "too_large"
	outcomeFailed       = "failed"
)

var (
	errTooLarge = errors.New("the body is larger than 25 MiB")
	errBusy     = errors.New("too many bodies at a time")
)

// webhook takes one delivery. Its answer is 202 only once the job is stored, or
// there is nothing to store.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "deliveries are POSTed", http.StatusMethodNotAllowed)
		return
	}
	body, err := s.readBody(r)
	defer s.bodies.Release(int64(cap(body)))
	switch {
	case errors.Is(err, errTooLarge):
		s.refuse(w, r, http.StatusRequestEntityTooLarge, outcomeTooLarge, err.Error())
		return
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "10")
		s.refuse(w, r, http.StatusServiceUnavailable, outcomeFailed, err.Error())
		return
	case err != nil:
		s.refuse(w, r, http.StatusBadRequest, outcomeMalformed, "the body does not come through")
		return
	}
	if !signed(r.Header.Get("X-Hub-Signature-256"), s.opts.Secret, body) {
		s.refuse(w, r, http.StatusUnauthorized, outcomeUnauthorized, "the signature is missing or wrong")
		return
	}
	event, delivery := r.Header.Get("X-GitHub-Event"), r.Header.Get("X-GitHub-Delivery")
	if !isToken(event) || !isToken(delivery) {
		s.refuse(w, r, http.StatusBadRequest, outcomeMalformed, "X-GitHub-Event or X-GitHub-Delivery is missing or malformed")
		return
	}
	payload, ok := payloadOf(r.Header.Get("Content-Type"), body)
	if !ok {
		s.refuse(w, r, http.StatusBadRequest, outcomeMalformed, "the body is not a JSON object")
		return
	}
	s.take(w, r, event, delivery, payload)
}

// take translates a delivery that is known to come from GitHub and stores what
// it asks for.
func (s *Server) take(w http.ResponseWriter, r *http.Request, event, delivery string, payload []byte) {
	log := s.log.With("delivery", delivery, "event", event)
	j, need, err := s.opts.Translate(event, delivery, payload)
	if err != nil {
		log.WarnContext(r.Context(), "delivery refused", "error", err)
		s.refuse(w, r, http.StatusBadRequest, outcomeMalformed, "the body is not what GitHub sends for this event")
		return
	}
	if !need {
		log.DebugContext(r.Context(), "delivery asks for nothing")
		s.accept(w, event, outcomeIgnored)
		return
	}
	log = log.With("action", j.Action, "repository", j.Owner+"/"+j.Repo, "pull_request", j.Number, "head", j.HeadSHA)
	// GitHub hanging up does not undo the delivery, so it does not end the store.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
	defer cancel()
	duplicate, err := s.opts.Queue.Enqueue(ctx, j)
	switch {
	case err != nil:
		log.ErrorContext(ctx, "delivery not stored", "error", err)
		w.Header().Set("Retry-After", "30")
		s.refuse(w, r, http.StatusServiceUnavailable, outcomeFailed, "the delivery could not be stored; redeliver it")
	case duplicate:
		log.InfoContext(ctx, "delivery is known already")
		s.accept(w, event, outcomeDuplicate)
	default:
		log.InfoContext(ctx, "delivery stored")
		s.accept(w, event, outcomeQueued)
	}
}

func (s *Server) accept(w http.ResponseWriter, event, outcome string) {
	s.opts.Metrics.delivery(event, outcome)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, outcome+"\n")
}

// refuse answers a delivery that is not taken.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, outcome, why string) {
	event := ""
	if outcome == outcomeFailed || outcome == outcomeMalformed {
		event = r.Header.Get("X-GitHub-Event")
	}
	s.opts.Metrics.delivery(event, outcome)
	s.log.DebugContext(r.Context(), "delivery refused", "status", status, "reason", why)
	http.Error(w, why, status)
}

// readBody reads a body of at most maxBody bytes, as long as all bodies together
// stay within maxBodies. What it gives has taken its capacity from s.bodies,
// with an error too.
func (s *Server) readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	// Most deliveries are small and say so; one that claims to be large gets
	// room as it comes.
	first := 64 << 10
	if n := int(r.ContentLength); n >= 0 && n < first {
		first = n + 1
	}
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(first, 2*cap(body)), maxBody+1)
			if size == cap(body) {
				return body, errTooLarge
			}
			if !s.bodies.TryAcquire(int64(size)) {
				return body, errBusy
			}
			grown := make([]byte, len(body), size)
			copy(grown, body)
			s.bodies.Release(int64(cap(body)))
			body = grown
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			if len(body) > maxBody {
				return body, errTooLarge
			}
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}

// signed reports whether header is the signature of body, in a time that does
// not depend on where it differs.
func signed(header, secret string, body []byte) bool {
	given, ok := strings.CutPrefix(header, "sha256=")
	if !ok {
		return false
	}
	mac, err := hex.DecodeString(given)
	if err != nil || secret == "" {
		return false
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return hmac.Equal(mac, h.Sum(nil))
}

// isToken reports whether a header is what GitHub sends: a short word.
func isToken(s string) bool {
	if s == "" || len(s) > maxDelivery {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// payloadOf takes the JSON object out of a body, which is a form's field where
// the webhook was set up so.
func payloadOf(contentType string, body []byte) ([]byte, bool) {
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, false
		}
		body = []byte(form.Get("payload"))
	}
	trimmed := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n")
	return body, strings.HasPrefix(trimmed, "{") && json.Valid(body)
}
