// Package jobs is the durable queue and the small state of the App on NATS
// JetStream: a server inside the process by default, a cluster for many
// replicas. Nothing that Enqueue has acknowledged is lost, whatever kills the
// process.
package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Job asks for the review of one pull request. It is a hint that there is
// something to do: whoever handles it reads the present state from GitHub.
type Job struct {
	Delivery       string // X-GitHub-Delivery of the event that asked for it
	Event          string // X-GitHub-Event
	Action         string
	InstallationID int64
	RepositoryID   int64
	Owner, Repo    string
	Number         int
	HeadSHA        string // as the event said it
	BaseSHA        string // tip of the base branch, as the event said it
	BaseRef        string // branch name
	HeadRepoID     int64  // differs from RepositoryID for a fork
	Draft          bool
	Sender         string // login of who asked for it
	SenderID       int64  // account id of Sender, 0 when not known
	CommentID      int64  // the comment that asked for it, 0 for none
	InReplyTo      int64  // where that is a reply at a line of the diff: the first comment there
	Command        string // what a comment or a button asks for; "" for a review
	Argument       string // of the command
	// Ref names what a job without a pull request is about, such as the head of
	// a merge group. Jobs of one repository with different Refs do not meet.
	Ref      string
	Enqueued time.Time
	Attempt  int // 1 for the first try; set by the queue
}

// Handler does the work of a job. It is called for one job of a pull request at
// a time. When a newer job for the same pull request comes in, its context is
// cancelled with the cause ErrSuperseded, except for a job that a comment asked
// for: that and the newer one run one after the other. A nil error ends the job; an error
// made by Later brings it back after a delay, any other after a backoff.
type Handler interface {
	Handle(ctx context.Context, j Job) error
}

// Abandoner is a Handler that wants to know of jobs that are given up: the last
// try failed, or the job grew too old. It is called within the same exclusivity
// as Handle, once in the ordinary case and again if the process dies meanwhile.
type Abandoner interface {
	GiveUp(ctx context.Context, j Job, err error)
}

// Causes with which the context of a running job is cancelled, besides a
// deadline. context.Cause gives them.
var (
	// ErrSuperseded says that a newer job for the same pull request came in.
	// What was found so far is out of date; write nothing.
	ErrSuperseded = errors.New("superseded by a newer job for the same pull request")
	// ErrLeaseLost says that another process may be at the pull request by now.
	ErrLeaseLost = errors.New("the lease on the pull request was lost")
	// ErrDraining says that the process is going down and the job will be run
	// again, here or elsewhere.
	ErrDraining = errors.New("the process is shutting down")
)

// laterError asks for another try after a delay.
type laterError struct {
	err   error
	delay time.Duration
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// Later wraps err so that the job comes back after d, for instance when a rate
// limit resets. Such a return does not count as a failed try. A nil err stays
// nil.
func Later(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &laterError{err: err, delay: max(d, 0)}
}

// Key names what a job is exclusive on: the pull request, or what Ref names. It
// is made of characters that may stand in a subject, and two pull requests never share it.
func (j Job) Key() (string, error) {
	switch {
	case j.Number <= 0 && j.Ref == "":
		return "", fmt.Errorf("job of delivery %q names no pull request", cut(j.Delivery))
	case j.RepositoryID > 0:
		return fmt.Sprintf("r%d.%s", j.RepositoryID, j.about()), nil
	case j.Owner != "" && j.Repo != "":
		return fmt.Sprintf("n%s.%s", digest(strings.ToLower(j.Owner+"/"+j.Repo)), j.about()), nil
	case j.Number <= 0 && j.InstallationID > 0:
		return fmt.Sprintf("i%d.%s", j.InstallationID, j.about()), nil
	}
	return "", fmt.Errorf("job of delivery %q names no repository", cut(j.Delivery))
}

// about names the job's part of its repository.
func (j Job) about() string {
	if j.Number > 0 {
		return fmt.Sprintf("p%d", j.Number)
	}
	return "x" + digest(j.Ref)
}

// subject names what a newer job replaces an older one on: the pull request, or
// for a command in a comment that comment, since each is to be answered. A
// button's command replaces the same one alone: a push must not undo it.
func (j Job) subject() (string, error) {
	key, err := j.Key()
	switch {
	case err != nil:
		return "", err
	case j.InReplyTo != 0:
		return fmt.Sprintf("%s.d%d", key, j.CommentID), nil
	case j.CommentID != 0:
		return fmt.Sprintf("%s.c%d", key, j.CommentID), nil
	case j.Command != "":
		return key + ".b" + digest(j.Command), nil
	}
	return key, nil
}

// token turns any text into one that may be a key or a message's id. Texts that
// already may be stay as they are, so that operators recognise them.
func token(s string) string {
	plain := s != "" && len(s) <= 64
	for i := 0; plain && i < len(s); i++ {
		c := s[i]
		plain = c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	if plain {
		return s
	}
	// The underscore keeps it apart from every plain text.
	return "_" + digest(s)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:20])
}

// cut shortens what a stranger wrote to what a log line bears.
func cut(s string) string {
	const limit = 512
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
