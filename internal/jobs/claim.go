package jobs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// claim is one job that this process runs: its message, its lease, and the
// context that ends when either is lost.
type claim struct {
	q        *Queue
	subject  string // what a newer job comes in on
	delivery string // token of its delivery
	sequence uint64 // of its message
	lease    *lease
	ctx      context.Context
	cancel   context.CancelCauseFunc
}

type claimKey struct{}

// Confirm makes sure, right before something is written to GitHub, that the job
// whose context ctx is still has its pull request to itself and is the newest.
// It does so by a write that fails for anybody else, so it holds even after the
// process was frozen. Its errors are ErrSuperseded, ErrLeaseLost or a cause of
// ctx; with an error nothing may be written. A ctx that is no job's passes.
func Confirm(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c, ok := ctx.Value(claimKey{}).(*claim)
	if !ok {
		return nil
	}
	if err := c.beat(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// beat renews the lease and looks for a newer job. Finding either lost cancels
// the claim.
func (c *claim) beat(ctx context.Context) error {
	if err := c.lease.renew(ctx); err != nil {
		if errors.Is(err, ErrLeaseLost) {
			c.cancel(ErrLeaseLost)
		}
		return err
	}
	newer, err := c.newer(ctx)
	if err != nil {
		return err
	}
	if newer {
		c.cancel(ErrSuperseded)
		return ErrSuperseded
	}
	return nil
}

// newer reports whether the stream has a later message of the subject than this
// one, from another delivery.
func (c *claim) newer(ctx context.Context) (bool, error) {
	last, err := c.q.stream.GetLastMsgForSubject(ctx, jobPrefix+c.subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return last.Sequence > c.sequence && last.Header.Get(jetstream.MsgIDHeader) != c.delivery, nil
}

// keep renews the claim until stop is closed. It works while the job's own
// context is cancelled too: the pull request stays this run's until the handler
// has returned.
func (c *claim) keep(msg jetstream.Msg, stop <-chan struct{}) {
	every := time.NewTicker(c.q.opts.Lease / 4)
	defer every.Stop()
	fence := time.NewTimer(c.lease.left())
	defer fence.Stop()
	for {
		select {
		case <-stop:
			return
		case <-fence.C:
			if left := c.lease.left(); left > 0 { // Confirm has renewed it meanwhile
				fence.Reset(left)
				continue
			}
			c.cancel(ErrLeaseLost)
			return
		case <-every.C:
		}
		left := c.lease.left()
		if left <= 0 {
			c.cancel(ErrLeaseLost)
			return
		}
		// No request outlasts the fence.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), min(left, operation))
		err := c.beat(ctx)
		if err == nil || errors.Is(err, ErrSuperseded) {
			_ = msg.InProgress()
		}
		cancel()
		if errors.Is(err, ErrLeaseLost) {
			return
		}
		fence.Reset(max(0, c.lease.left()))
	}
}

// superseded hears of jobs that were stored anywhere, and cancels the run of an
// older one here.
func (q *Queue) superseded(m *nats.Msg) {
	seq, delivery, _ := strings.Cut(string(m.Data), " ")
	sequence, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return
	}
	q.mu.Lock()
	c := q.running[strings.TrimPrefix(m.Subject, newerPrefix)]
	q.mu.Unlock()
	if c != nil && sequence > c.sequence && delivery != c.delivery {
		c.cancel(ErrSuperseded)
	}
}
