package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fetchSilence is after how long without asking for jobs the workers are taken
// to be stuck.
const fetchSilence = 15 * time.Second

// Ready reports whether jobs can be stored and are being taken: it stores a
// probe where jobs are stored, since a store that has met a full disk looks
// well until it is written to. Without a deadline in ctx it waits five seconds.
func (q *Queue) Ready(ctx context.Context) error {
	if !q.working.Load() {
		return errors.New("the queue's workers are not running")
	}
	if silent := time.Since(time.Unix(0, q.lastFetch.Load())); silent > fetchSilence && !q.busy() {
		return fmt.Errorf("the workers have not asked for jobs for %s", silent.Round(time.Second))
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, operation)
		defer cancel()
	}
	if _, err := q.js.PublishMsg(ctx, &nats.Msg{Subject: probeSubject}); err != nil {
		return fmt.Errorf("store a probe: %w", err)
	}
	return nil
}

// busy reports whether some run explains that nothing is being fetched.
func (q *Queue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handing > 0
}

// Stats says how the queue stands.
type Stats struct {
	Queued  int           // jobs that are stored and not done, in all processes; those that run included
	Running int           // handlers at work in this process
	Oldest  time.Duration // age of the oldest job that is not done; 0 when there is none
	Dead    int           // jobs given up and kept for a look
}

// Stats reads the present state from the server.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	q.mu.Lock()
	s.Running = q.handing
	q.mu.Unlock()
	info, err := q.stream.Info(ctx, jetstream.WithSubjectFilter(probeSubject))
	if err != nil {
		return s, fmt.Errorf("ask for the stream of jobs: %w", err)
	}
	s.Queued = int(info.State.Msgs)
	for _, n := range info.State.Subjects {
		s.Queued -= int(n)
	}
	if s.Queued > 0 {
		first, err := q.stream.GetMsg(ctx, max(1, info.State.FirstSeq), jetstream.WithGetMsgSubject(jobFilter))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // done meanwhile
		case err != nil:
			return s, fmt.Errorf("look at the oldest job: %w", err)
		default:
			s.Oldest = time.Since(first.Time)
		}
	}
	dead, err := q.dead.Info(ctx)
	if err != nil {
		return s, fmt.Errorf("ask for the stream of jobs given up: %w", err)
	}
	s.Dead = int(dead.State.Msgs)
	return s, nil
}

// Memory is a small durable store for what cannot be read back from GitHub
// cheaply. Its keys are any text.
type Memory struct{ q *Queue }

// maxMemoryValue bounds one value of Memory, in bytes.
const maxMemoryValue = 64 << 10

// Memory gives the store. It is shared by all processes on one cluster.
func (q *Queue) Memory() *Memory { return &Memory{q: q} }

// Get gives the value last put under key, if it has not expired.
func (m *Memory) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	entry, err := m.q.memory.Get(ctx, token(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read from memory: %w", err)
	}
	return entry.Value(), true, nil
}

// Put keeps value, at most 64 KiB, under key for ttl, which is rounded up to a
// second. It replaces what was there.
func (m *Memory) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > maxMemoryValue {
		return fmt.Errorf("keep in memory: %d bytes are more than %d", len(value), maxMemoryValue)
	}
	if ttl <= 0 {
		return errors.New("keep in memory: a value needs a time to live")
	}
	ttl = (ttl + time.Second - 1).Truncate(time.Second)
	if _, err := m.q.js.Publish(ctx, "$KV."+memoryBucket+"."+token(key), value, jetstream.WithMsgTTL(ttl)); err != nil {
		return fmt.Errorf("keep in memory: %w", err)
	}
	return nil
}
