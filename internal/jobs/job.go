// Package jobs is the durable queue and the small state of the App on NATS
// JetStream: a server inside the process by default, a cluster for many
// replicas. Nothing that Enqueue has acknowledged is lost, whatever kills the
// process.
package jobs

import (
	"context"
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
	Enqueued       time.Time
	Attempt        int // 1 for the first try; set by the queue
}

// Handler does the work of a job. It is called for one job of a pull request at
// a time. When a newer job for the same pull request comes in, its context is
// cancelled with the cause ErrSuperseded. A nil error ends the job; an error
// made by Later brings it back after a delay, any other after a backoff.
type Handler interface {
	Handle(ctx context.Context, j Job) error
}
