package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tries is what is kept about the tries of a job. It is written before a try
// starts, so that one that kills the process is counted as well.
type tries struct {
	Sequence  uint64 // of the message; another message starts afresh
	Count     int
	NotBefore time.Time // the next try waits until then
	LastError string
}

// triesOf reads the tries of the message so far.
func (q *Queue) triesOf(ctx context.Context, subject string, sequence uint64) (tries, error) {
	fresh := tries{Sequence: sequence}
	entry, err := q.tries.Get(ctx, subject)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return fresh, nil
	}
	if err != nil {
		return fresh, fmt.Errorf("read the tries: %w", err)
	}
	var t tries
	if err := json.Unmarshal(entry.Value(), &t); err != nil || t.Sequence != sequence {
		return fresh, nil
	}
	return t, nil
}

func (q *Queue) writeTries(ctx context.Context, subject string, t tries) error {
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode the tries: %w", err)
	}
	if _, err := q.tries.Put(ctx, subject, data); err != nil {
		return fmt.Errorf("write the tries: %w", err)
	}
	return nil
}
