package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Alone has f run in at most one process of a deployment at a time. name is a
// plain word. ran is false when another process is at it; f's context ends when
// the lease on the name is lost.
func (q *Queue) Alone(ctx context.Context, name string, f func(ctx context.Context) error) (ran bool, err error) {
	l, err := q.acquire(ctx, "alone."+token(name))
	if errors.Is(err, errHeld) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.hold(ctx, cancel, q.opts.Lease/4)
	}()
	defer func() {
		cancel(nil)
		<-stopped
		ctx, end := detached(ctx)
		defer end()
		if rerr := l.release(ctx); rerr != nil {
			q.log.Warn("queue: a lease is left to expire", "error", rerr)
		}
	}()
	return true, f(ctx)
}

// hold renews the lease until ctx ends; a lease that is lost ends it.
func (l *lease) hold(ctx context.Context, cancel context.CancelCauseFunc, every time.Duration) {
	for wait(ctx, every) {
		try, end := context.WithTimeout(ctx, max(time.Millisecond, min(l.left(), operation)))
		err := l.renew(try)
		end()
		if errors.Is(err, ErrLeaseLost) || l.left() <= 0 {
			cancel(ErrLeaseLost)
			return
		}
	}
}

// Pending reports whether a job on what j is about waits or runs.
func (q *Queue) Pending(ctx context.Context, j Job) (bool, error) {
	subject, err := j.subject()
	if err != nil {
		return false, err
	}
	_, err = q.stream.GetLastMsgForSubject(ctx, jobPrefix+subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a job: %w", err)
	}
	return true, nil
}
