package jobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// fenceMargin is how long before the end of its lease a process takes it for
// lost by itself, so that it has stopped when another one starts.
const fenceMargin = 500 * time.Millisecond

// errHeld says that another run has the pull request.
var errHeld = errors.New("another run has the pull request")

// lease is an exclusive claim on a key that expires unless it is renewed. Each
// write is a compare-and-set on the revision before it, which fences off a
// holder that has been silent too long.
type lease struct {
	q     *Queue
	key   string
	token string // of this run alone

	mu       sync.Mutex
	revision uint64
	deadline time.Time // when the server may give the key to another
}

// acquire takes the lease or gives errHeld.
func (q *Queue) acquire(ctx context.Context, key string) (*lease, error) {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make a lease's token: %w", err)
	}
	l := &lease{q: q, key: key, token: hex.EncodeToString(random)}
	start := time.Now()
	revision, err := q.leases.Create(ctx, key, []byte(l.token), jetstream.KeyTTL(q.opts.Lease))
	if err != nil && !l.adopt(ctx, &revision) {
		if errors.Is(err, jetstream.ErrKeyExists) {
			return nil, errHeld
		}
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	l.revision, l.deadline = revision, start.Add(q.opts.Lease)
	return l, nil
}

// adopt finds out whether a write that seemed to fail has landed after all.
func (l *lease) adopt(ctx context.Context, revision *uint64) bool {
	entry, err := l.q.leases.Get(ctx, l.key)
	if err != nil || string(entry.Value()) != l.token || entry.Revision() <= *revision {
		return false
	}
	*revision = entry.Revision()
	return true
}

// renew extends the lease by a write that only its holder can make. ErrLeaseLost
// means that it is gone for good, any other error that nobody knows.
func (l *lease) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if !time.Now().Before(l.deadline.Add(-fenceMargin)) {
			return ErrLeaseLost
		}
		start := time.Now()
		// Not kv.Update: that would write the key without an end.
		ack, err := l.q.js.Publish(ctx, "$KV."+leaseBucket+"."+l.key, []byte(l.token),
			jetstream.WithExpectLastSequencePerSubject(l.revision), jetstream.WithMsgTTL(l.q.opts.Lease))
		if err == nil {
			l.revision, l.deadline = ack.Sequence, start.Add(l.q.opts.Lease)
			return nil
		}
		if !isConflict(err) {
			return fmt.Errorf("renew the lease: %w", err)
		}
		if !l.adopt(ctx, &l.revision) {
			return ErrLeaseLost
		}
	}
}

// left is how long the holder may go on without renewing.
func (l *lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.deadline) - fenceMargin
}

// release gives the key back at once, if it is still this run's.
func (l *lease) release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.q.leases.Purge(ctx, l.key, jetstream.LastRevision(l.revision), jetstream.PurgeTTL(l.q.opts.Lease))
	if err != nil && !isConflict(err) {
		return fmt.Errorf("release the lease: %w", err)
	}
	return nil
}

// isConflict reports whether a compare-and-set found another revision.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
