package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestJobsGivenUpAreListedRetriedAndDropped(t *testing.T) {
	q := open(t, Options{MaxTries: 1})
	var mended atomic.Bool
	ran := make(chan Job, 10)
	work(t, q, 1, handlerFunc(func(_ context.Context, j Job) error {
		ran <- j
		if !mended.Load() {
			return errors.New("it is\nbroken")
		}
		return nil
	}))
	enqueue(t, q, job("d-1", 1))
	enqueue(t, q, job("d-2", 2))
	next(t, ran)
	next(t, ran)
	var dead []Dead
	eventually(t, "both are given up", func() bool {
		var err error
		dead, err = q.Given(t.Context())
		return err == nil && len(dead) == 2
	})
	if dead[0].Job.Number != 1 || dead[0].Cause != "it is broken" || dead[0].At.IsZero() {
		t.Errorf("first %+v", dead[0])
	}
	eventually(t, "the queue is empty", empty(t, q))
	mended.Store(true)
	if j, err := q.Retry(t.Context(), dead[0].ID); err != nil || j.Number != 1 {
		t.Fatalf("retry: %+v, %v", j, err)
	}
	if j := next(t, ran); j.Number != 1 || j.Attempt != 1 {
		t.Errorf("ran %+v", j)
	}
	if err := q.Drop(t.Context(), dead[1].ID); err != nil {
		t.Error(err)
	}
	if left, err := q.Given(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
	for _, err := range []error{q.Drop(t.Context(), dead[1].ID), func() error { _, err := q.Retry(t.Context(), 99); return err }()} {
		if !errors.Is(err, ErrNoJob) {
			t.Errorf("error %v", err)
		}
	}
}

func TestAloneIsOneAtATime(t *testing.T) {
	cluster := external(t)
	a, b := open(t, Options{Cluster: cluster}), open(t, Options{Cluster: cluster})
	in, out := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := a.Alone(t.Context(), "x", func(context.Context) error {
			close(in)
			<-out
			return nil
		})
		ended <- err
	}()
	next(t, in)
	if ran, err := b.Alone(t.Context(), "x", func(context.Context) error { return nil }); ran || err != nil {
		t.Errorf("ran %t, %v", ran, err)
	}
	close(out)
	if err := next(t, ended); err != nil {
		t.Error(err)
	}
	if ran, err := b.Alone(t.Context(), "x", func(context.Context) error { return nil }); !ran || err != nil {
		t.Errorf("then ran %t, %v", ran, err)
	}
}

func TestAloneEndsWithItsLease(t *testing.T) {
	q := open(t, Options{Cluster: external(t), Lease: 2 * time.Second})
	_, err := q.Alone(t.Context(), "x", func(ctx context.Context) error {
		q.nc.Close()
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if !errors.Is(err, ErrLeaseLost) {
		t.Errorf("ended with %v", err)
	}
}

func TestPending(t *testing.T) {
	q := open(t, Options{})
	j := job("d-1", 1)
	for _, want := range []bool{false, true} {
		if got, err := q.Pending(t.Context(), j); err != nil || got != want {
			t.Errorf("pending %t, %v", got, err)
		}
		enqueue(t, q, j)
	}
}
