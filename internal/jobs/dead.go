package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxDead bounds how many jobs that were given up are listed at once.
const maxDead = 10_000

// ErrNoJob says that there is no such job among those given up.
var ErrNoJob = errors.New("no such job")

// Dead is a job that was given up. It is kept for 30 days.
type Dead struct {
	ID    uint64    // by which Retry and Drop know it
	At    time.Time // when it was given up
	Cause string    // the last error, in one line
	Job   Job       // zero where it could not be read
}

// Given lists the jobs that were given up, the oldest first, at most 10,000.
func (q *Queue) Given(ctx context.Context) ([]Dead, error) {
	info, err := q.dead.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the jobs given up: %w", err)
	}
	var out []Dead
	for seq := max(1, info.State.FirstSeq); seq <= info.State.LastSeq && len(out) < maxDead; {
		msg, err := q.dead.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(deadPrefix+">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read a job given up: %w", err)
		}
		out = append(out, deadOf(msg))
		seq = msg.Sequence + 1
	}
	return out, nil
}

func deadOf(msg *jetstream.RawStreamMsg) Dead {
	d := Dead{ID: msg.Sequence, At: msg.Time, Cause: strings.Join(strings.Fields(msg.Header.Get("Plimsoll-Error")), " ")}
	_ = json.Unmarshal(msg.Data, &d.Job) // what cannot be read stays zero
	return d
}

// Retry enqueues a job that was given up once more, with its tries counted
// afresh, and forgets that it was given up. ErrNoJob when there is none of that
// id.
func (q *Queue) Retry(ctx context.Context, id uint64) (Job, error) {
	d, err := q.given(ctx, id)
	if err != nil {
		return Job{}, err
	}
	j := d.Job
	// The delivery's own id may still be known from when it was first stored.
	j.Delivery, j.Enqueued = j.Delivery+"/retry-"+strconv.FormatUint(id, 10), time.Time{}
	if _, err := q.Enqueue(ctx, j); err != nil {
		return Job{}, err
	}
	return d.Job, q.Drop(ctx, id)
}

// Drop forgets a job that was given up. ErrNoJob when there is none of that id.
func (q *Queue) Drop(ctx context.Context, id uint64) error {
	if _, err := q.given(ctx, id); err != nil {
		return err
	}
	if err := q.dead.DeleteMsg(ctx, id); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("drop a job given up: %w", err)
	}
	return nil
}

func (q *Queue) given(ctx context.Context, id uint64) (Dead, error) {
	msg, err := q.dead.GetMsg(ctx, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Dead{}, ErrNoJob
	}
	if err != nil {
		return Dead{}, fmt.Errorf("read a job given up: %w", err)
	}
	return deadOf(msg), nil
}
