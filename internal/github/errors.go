package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// ErrGone says that the App has lost access to what the call was about, or that
// it no longer exists. Trying again does not help.
var ErrGone = errors.New("not found, or no longer accessible to the App")

// ErrSuperseded says that the pull request's head is no longer the one that was
// reviewed.
var ErrSuperseded = errors.New("the pull request has a newer head")

// ErrNoMergeBase says that base and head share no history.
var ErrNoMergeBase = errors.New("base and head have no common ancestor")

// ErrCredentials says that GitHub does not know the App by its id and key.
var ErrCredentials = errors.New("GitHub refuses the App's credentials: check the App's id and private key")

// LimitError says that GitHub wants no requests of the installation for a while.
type LimitError struct {
	Secondary bool
	Paced     bool // our own pace, which stays below the limit
	Until     time.Time
	wait      time.Duration // from when the error was made
}

func (e *LimitError) Error() string {
	if e.Paced {
		return fmt.Sprintf("comments and commits are paced below GitHub's limit until %s", e.Until.UTC().Format(time.RFC3339))
	}
	kind := "rate limit"
	if e.Secondary {
		kind = "secondary rate limit"
	}
	return fmt.Sprintf("GitHub's %s is used up until %s", kind, e.Until.UTC().Format(time.RFC3339))
}

// RetryAfter gives how long to leave GitHub alone before the work that failed
// with err is tried again, when GitHub said so. The duration is at least a
// second.
func RetryAfter(err error) (time.Duration, bool) {
	var l *LimitError
	if !errors.As(err, &l) {
		return 0, false
	}
	return max(l.wait, time.Second), true
}

// status gives the HTTP status that an error stands for, 0 when there is none.
func status(err error) int {
	var r *gh.ErrorResponse
	if errors.As(err, &r) && r.Response != nil {
		return r.Response.StatusCode
	}
	var s *statusError
	if errors.As(err, &s) {
		return s.status
	}
	return 0
}

// statusError is an answer that is not a success, of a call that is not made
// through the REST client.
type statusError struct {
	call   string
	status int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: status %d %s", e.call, e.status, http.StatusText(e.status))
}

// ambiguous reports whether err leaves open if the call was carried out.
func ambiguous(ctx context.Context, err error) bool {
	var l *LimitError
	switch {
	case err == nil, ctx.Err() != nil, errors.As(err, &l), errors.Is(err, ErrGone), errors.Is(err, ErrCredentials), errors.Is(err, errRefused):
		return false
	}
	s := status(err)
	return s == 0 || s >= 500
}

// explain puts an error in the terms of this package, once: call names what was
// tried.
func explain(ctx context.Context, call string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: %w", call, cause)
	}
	switch status(err) {
	case http.StatusNotFound, http.StatusForbidden, http.StatusGone, http.StatusUnavailableForLegalReasons:
		return fmt.Errorf("%s: %w: %w", call, ErrGone, err)
	}
	return fmt.Errorf("%s: %w", call, err)
}
