package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// enqueueTimeout leaves room within the ten seconds that GitHub waits for an
// answer, and outlasts the election of a leader.
const enqueueTimeout = 8 * time.Second

// ErrFull says that the store is full; nothing was stored.
var ErrFull = errors.New("the queue's store is full")

// Enqueue stores the job durably: once it returns nil, the job will be handled,
// or one for the same pull request that was enqueued later, or GiveUp will be
// called. A waiting job for the same pull request is replaced, a running one
// cancelled; jobs that comments asked for neither replace nor are replaced. duplicate is true when the delivery was processed before or is
// stored already; nothing happens then. Without a deadline in ctx it gives up
// after eight seconds.
func (q *Queue) Enqueue(ctx context.Context, j Job) (duplicate bool, err error) {
	subject, err := j.subject()
	if err != nil {
		return false, err
	}
	if j.Delivery == "" {
		return false, errors.New("job names no delivery")
	}
	if j.Enqueued.IsZero() {
		j.Enqueued = time.Now().UTC()
	}
	j.Attempt = 0
	data, err := json.Marshal(j)
	if err != nil {
		return false, fmt.Errorf("encode the job: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, enqueueTimeout)
		defer cancel()
	}
	id := token(j.Delivery)
	// An answer that does not come is taken for no: whoever runs the job looks
	// again before it starts.
	if done, err := q.processed(ctx, id); err == nil && done {
		return true, nil
	}
	ack, err := q.publish(ctx, &nats.Msg{Subject: jobPrefix + subject, Data: data}, jetstream.WithMsgID(id))
	if err != nil {
		return false, fmt.Errorf("store the job: %w", err)
	}
	if !ack.Duplicate {
		// Only speeds up what the heartbeat of the running job finds out anyway.
		_ = q.nc.Publish(newerPrefix+subject, []byte(strconv.FormatUint(ack.Sequence, 10)+" "+id))
	}
	return ack.Duplicate, nil
}

// publish repeats a publish until the server has stored it, refuses it, or ctx
// ends. The message needs an id, so that repeating does no harm.
func (q *Queue) publish(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	for {
		// A leader that died is not waited for until the end.
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		ack, err := q.js.PublishMsg(try, m, opts...)
		cancel()
		if err == nil {
			return ack, nil
		}
		if isFull(err) {
			return nil, fmt.Errorf("%w: %w", ErrFull, err)
		}
		var api *jetstream.APIError
		if errors.As(err, &api) && api.Code != 503 {
			return nil, err
		}
		if errors.Is(err, nats.ErrConnectionClosed) || !wait(ctx, 100*time.Millisecond) {
			return nil, err
		}
	}
}

// Error codes of a server that has no room: its limit or the stream's.
const (
	codeInsufficientResources = 10023
	codeStreamStoreFailed     = 10077
	codeStorageExceeded       = 10047
)

func isFull(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case codeInsufficientResources, codeStorageExceeded:
		return true
	case codeStreamStoreFailed:
		return strings.Contains(api.Description, "maximum")
	}
	return false
}

// processed reports whether a delivery has been processed.
func (q *Queue) processed(ctx context.Context, id string) (bool, error) {
	_, err := q.done.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, err
}
