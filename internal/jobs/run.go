package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	fetchWait = time.Second
	// stopWait is what a cancelled handler has to notice it.
	stopWait = 5 * time.Second
	// giveUpWait bounds Abandoner.GiveUp.
	giveUpWait = time.Minute
)

// Run takes jobs and has h handle them, at most workers at once, until ctx
// ends. Then it takes no more, lets those that run go on for the grace period,
// hands back what is not done, and returns nil. An error means that it could
// not start, or that handlers did not return when cancelled.
func (q *Queue) Run(ctx context.Context, workers int, h Handler) error {
	if workers < 1 {
		return fmt.Errorf("cannot work with %d workers", workers)
	}
	if !q.working.CompareAndSwap(false, true) {
		return errors.New("the queue's workers run already")
	}
	defer q.working.Store(false)
	q.lastFetch.Store(time.Now().UnixNano())

	sub, err := q.nc.Subscribe(newerPrefix+">", q.superseded)
	if err != nil {
		return fmt.Errorf("listen for newer jobs: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()

	// Jobs outlive ctx by the grace period.
	base, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var running errgroup.Group
	q.fetch(ctx, workers, func(msg jetstream.Msg) {
		if ctx.Err() != nil {
			_ = msg.Nak()
			return
		}
		q.process(base, msg, h)
	}, &running)

	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = running.Wait()
	}()
	if waitFor(done, q.opts.Grace) {
		return nil
	}
	cancel(ErrDraining)
	if waitFor(done, stopWait) {
		return nil
	}
	return fmt.Errorf("handlers did not return within %s of being cancelled", stopWait)
}

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// fetch asks for as many jobs as there are free workers, never more: a job that
// waits in a busy process could run in another.
func (q *Queue) fetch(ctx context.Context, workers int, process func(jetstream.Msg), running *errgroup.Group) {
	slots := make(chan struct{}, workers)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		free := 1
		for full := false; !full && free < workers; {
			select {
			case slots <- struct{}{}:
				free++
			default:
				full = true
			}
		}
		batch, err := q.consumer.Fetch(free, jetstream.FetchMaxWait(fetchWait))
		if err == nil {
			for msg := range batch.Messages() {
				free--
				running.Go(func() error {
					defer func() { <-slots }()
					process(msg)
					return nil
				})
			}
			err = batch.Error()
		}
		for ; free > 0; free-- {
			<-slots
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil || errors.Is(err, nats.ErrTimeout) {
			q.lastFetch.Store(time.Now().UnixNano())
			continue
		}
		q.log.Warn("queue: cannot fetch jobs", "error", err)
		if errors.Is(err, nats.ErrConnectionClosed) || !wait(ctx, 250*time.Millisecond) {
			return
		}
	}
}

// process runs the job of one message, or puts it back.
func (q *Queue) process(base context.Context, msg jetstream.Msg, h Handler) {
	var sequence uint64
	if meta, err := msg.Metadata(); err == nil {
		sequence = meta.Sequence.Stream
	}
	var j Job
	err := json.Unmarshal(msg.Data(), &j)
	subject := ""
	if err == nil {
		subject, err = j.subject()
	}
	if err != nil {
		q.log.Error("queue: a stored job cannot be read", "sequence", sequence, "error", err)
		q.bury(base, "unreadable", msg, err)
		return
	}
	log := q.log.With("delivery", j.Delivery, "repository", j.Owner+"/"+j.Repo, "pull_request", j.Number)
	ctx, cancel := detached(base)
	defer cancel()
	wait, err := q.start(ctx, base, subject, sequence, j, msg, h)
	if err != nil {
		log.Warn("queue: cannot start a job; it will be tried again", "error", err)
		wait = time.Second
	}
	if wait > 0 {
		_ = msg.NakWithDelay(wait)
	}
}

// shortly spreads the retries of those who wait for the same lease.
func shortly() time.Duration { return 150*time.Millisecond + rand.N(200*time.Millisecond) }

// start runs the job unless it must wait or is done already; then it gives how
// long to wait, or 0 when the message is settled. ctx bounds the start, base the
// run.
func (q *Queue) start(ctx, base context.Context, subject string, sequence uint64, j Job, msg jetstream.Msg, h Handler) (time.Duration, error) {
	id := token(j.Delivery)
	done, err := q.processed(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("look up the delivery: %w", err)
	}
	if done {
		return 0, msg.Ack()
	}
	before, err := q.triesOf(ctx, subject, sequence)
	if err != nil {
		return 0, err
	}
	if d := time.Until(before.NotBefore); d > 0 {
		return d, nil
	}
	key, err := j.Key()
	if err != nil {
		return 0, err
	}
	l, err := q.acquire(ctx, key)
	if errors.Is(err, errHeld) {
		return shortly(), nil
	}
	if err != nil {
		return 0, err
	}
	run, cancel := context.WithCancelCause(base)
	defer cancel(nil)
	c := &claim{q: q, subject: subject, delivery: id, sequence: sequence, lease: l, cancel: cancel}
	c.ctx = context.WithValue(run, claimKey{}, c)
	q.mu.Lock()
	q.running[subject] = c
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		if q.running[subject] == c {
			delete(q.running, subject)
		}
		q.mu.Unlock()
		ctx, cancel := detached(base)
		defer cancel()
		if err := l.release(ctx); err != nil {
			q.log.Warn("queue: a lease is left to expire", "error", err)
		}
	}()
	// The same delivery may have been run while this one waited for the lease.
	if done, err := q.processed(ctx, id); err != nil {
		return 0, fmt.Errorf("look up the delivery: %w", err)
	} else if done {
		return 0, msg.Ack()
	}
	if newer, err := c.newer(ctx); err != nil {
		return 0, fmt.Errorf("look for a newer job: %w", err)
	} else if newer {
		return 0, msg.Ack()
	}
	before.Count++
	before.NotBefore = time.Time{}
	if err := q.writeTries(ctx, subject, before); err != nil {
		return 0, err
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		c.keep(msg, stop)
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	return q.try(c, before, j, msg, h), nil
}

// try runs the handler once and settles what comes of it: the message is
// acknowledged, or the wait before its next try is given.
func (q *Queue) try(c *claim, t tries, j Job, msg jetstream.Msg, h Handler) time.Duration {
	j.Attempt = t.Count
	log := q.log.With("delivery", j.Delivery, "repository", j.Owner+"/"+j.Repo, "pull_request", j.Number, "attempt", t.Count)
	var err error
	if t.Count > q.opts.MaxTries {
		// The tries before ended with the process, or giving up did.
		err = fmt.Errorf("no try came to an end; the last error was %q", t.LastError)
	} else {
		err = q.handle(c, j, h)
	}
	cause := context.Cause(c.ctx)
	ctx, cancel := detached(c.ctx)
	defer cancel()
	var later *laterError
	switch {
	case errors.Is(cause, ErrLeaseLost):
		log.Warn("queue: lost the lease; the job goes to whoever has it")
		return shortly()
	case err == nil, errors.Is(cause, ErrSuperseded):
		if err := q.settle(ctx, c.delivery, msg); err != nil {
			log.Warn("queue: a finished job may be run again", "error", err)
		}
		return 0
	case errors.Is(cause, ErrDraining):
		t.Count--
		q.keepTries(ctx, c.subject, t)
		return time.Millisecond
	case errors.As(err, &later) && time.Since(j.Enqueued)+later.delay < q.opts.MaxAge:
		t.Count--
		log.Info("queue: job put off", "error", err, "delay", later.delay)
		return q.putOff(ctx, c.subject, t, err, later.delay)
	case later == nil && t.Count < q.opts.MaxTries:
		d := q.opts.Backoff(t.Count)
		log.Warn("queue: job failed; it will be tried again", "error", err, "delay", d)
		return q.putOff(ctx, c.subject, t, err, d)
	}
	log.Error("queue: job given up", "error", err)
	q.giveUp(c, j, h, err)
	q.bury(c.ctx, c.subject, msg, err)
	return 0
}

// handle calls the handler; a panic in it is an error.
func (q *Queue) handle(c *claim, j Job, h Handler) (err error) {
	ctx, cancel := context.WithTimeout(c.ctx, q.opts.MaxRun)
	defer cancel()
	q.mu.Lock()
	q.handing++
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.handing--
		q.mu.Unlock()
		if r := recover(); r != nil {
			q.log.Error("queue: handler panicked", "delivery", j.Delivery, "panic", cut(fmt.Sprint(r)), "stack", string(debug.Stack()))
			err = errors.New("the handler panicked")
		}
	}()
	return h.Handle(ctx, j)
}

// settle remembers the delivery and removes the job, in this order: killed in
// between, the job is given out once more and found to be processed.
func (q *Queue) settle(ctx context.Context, delivery string, msg jetstream.Msg) error {
	_, err := q.done.Put(ctx, delivery, nil)
	if err != nil {
		err = fmt.Errorf("remember the delivery: %w", err)
	}
	return errors.Join(err, msg.DoubleAck(ctx))
}

func (q *Queue) keepTries(ctx context.Context, subject string, t tries) {
	if err := q.writeTries(ctx, subject, t); err != nil {
		q.log.Warn("queue: the number of tries is not kept", "error", err)
	}
}

func (q *Queue) putOff(ctx context.Context, subject string, t tries, err error, d time.Duration) time.Duration {
	t.NotBefore, t.LastError = time.Now().Add(d), cut(err.Error())
	q.keepTries(ctx, subject, t)
	return max(d, time.Millisecond)
}

func (q *Queue) giveUp(c *claim, j Job, h Handler, cause error) {
	a, ok := h.(Abandoner)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, giveUpWait)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			q.log.Error("queue: giving up panicked", "delivery", j.Delivery, "panic", cut(fmt.Sprint(r)), "stack", string(debug.Stack()))
		}
	}()
	a.GiveUp(ctx, j, cause)
}

// bury moves a job to the stream of those given up. Where that fails the job
// stays and is given up again.
func (q *Queue) bury(ctx context.Context, subject string, msg jetstream.Msg, cause error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	dead := nats.NewMsg(deadPrefix + subject)
	dead.Data = msg.Data()
	dead.Header.Set("Plimsoll-Error", cut(cause.Error()))
	if _, err := q.js.PublishMsg(ctx, dead); err != nil {
		q.log.Error("queue: cannot keep a job that was given up", "error", err)
		_ = msg.NakWithDelay(time.Minute)
		return
	}
	if err := msg.DoubleAck(ctx); err != nil {
		q.log.Warn("queue: a job given up may be given up again", "error", err)
	}
}
