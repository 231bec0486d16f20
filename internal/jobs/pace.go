package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// paceBucket keeps when something was done lately, by name.
const paceBucket = "plimsoll-pace"

// paceTries bounds how often a reservation that others came before is tried.
const paceTries = 20

// Pace is at most Count in any time of the length Within.
type Pace struct {
	Count  int
	Within time.Duration // at most an hour
}

// Reserve takes the next place under a name if every pace allows it now, and
// else gives how long until they do. All processes on one queue share the
// places.
func (q *Queue) Reserve(ctx context.Context, name string, now time.Time, paces ...Pace) (wait time.Duration, err error) {
	key := token(name)
	for range paceTries {
		entry, err := q.paces.Get(ctx, key)
		var revision uint64
		var at []int64 // Unix milliseconds, oldest first
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
		case err != nil:
			return 0, fmt.Errorf("read the pace: %w", err)
		default:
			revision = entry.Revision()
			_ = json.Unmarshal(entry.Value(), &at) // what cannot be read begins anew
		}
		at, wait := reserve(at, now, paces)
		if wait > 0 {
			return wait, nil
		}
		data, err := json.Marshal(at)
		if err != nil {
			return 0, fmt.Errorf("encode the pace: %w", err)
		}
		if revision == 0 {
			_, err = q.paces.Create(ctx, key, data)
		} else {
			_, err = q.paces.Update(ctx, key, data, revision)
		}
		if err == nil {
			return 0, nil
		}
		if !isConflict(err) && !errors.Is(err, jetstream.ErrKeyExists) {
			return 0, fmt.Errorf("write the pace: %w", err)
		}
	}
	// Others take their places at this very moment.
	return time.Second, nil
}

// reserve is Reserve on a list.
func reserve(at []int64, now time.Time, paces []Pace) (after []int64, wait time.Duration) {
	keep := 0
	for keep < len(at) && now.Sub(time.UnixMilli(at[keep])) >= time.Hour {
		keep++
	}
	at = at[keep:]
	for _, p := range paces {
		if n := len(at); n >= p.Count {
			wait = max(wait, time.UnixMilli(at[n-p.Count]).Add(p.Within).Sub(now))
		}
	}
	if wait > 0 {
		return at, wait
	}
	return append(at, now.UnixMilli()), 0
}
