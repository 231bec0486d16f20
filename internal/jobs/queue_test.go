package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const patience = 30 * time.Second

// handlerFunc is a Handler without an Abandoner.
type handlerFunc func(context.Context, Job) error

func (f handlerFunc) Handle(ctx context.Context, j Job) error { return f(ctx, j) }

// abandoner is a Handler with one.
type abandoner struct {
	handlerFunc
	gaveUp func(context.Context, Job, error)
}

func (a abandoner) GiveUp(ctx context.Context, j Job, err error) { a.gaveUp(ctx, j, err) }

func open(t testing.TB, o Options) *Queue {
	t.Helper()
	if o.Cluster == nil && o.Dir == "" {
		o.Dir = t.TempDir()
	}
	q, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// work runs the queue until the test ends or stop is called, which waits for
// Run to return.
func work(t testing.TB, q *Queue, workers int, h Handler) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- q.Run(ctx, workers, h) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return stop
}

func job(delivery string, number int) Job {
	return Job{Delivery: delivery, Event: "pull_request", Action: "opened", RepositoryID: 1, Owner: "o", Repo: "r", Number: number, HeadSHA: delivery}
}

func enqueue(t testing.TB, q *Queue, j Job) (duplicate bool) {
	t.Helper()
	duplicate, err := q.Enqueue(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return duplicate
}

// next receives from a channel that is to have something soon.
func next[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

func empty(t testing.TB, q *Queue) func() bool {
	return func() bool {
		s, err := q.Stats(t.Context())
		return err == nil && s.Queued == 0
	}
}

func TestJobArrivesAsItWas(t *testing.T) {
	q := open(t, Options{})
	got := make(chan Job, 1)
	work(t, q, 2, handlerFunc(func(_ context.Context, j Job) error { got <- j; return nil }))
	want := Job{
		Delivery: "d-1", Event: "pull_request", Action: "synchronize", InstallationID: 3, RepositoryID: 4, Owner: "o", Repo: "r",
		Number: 5, HeadSHA: "h", BaseSHA: "b", BaseRef: "main", HeadRepoID: 6, Draft: true, Sender: "s", CommentID: 8, Enqueued: time.Now().UTC().Round(0), Attempt: 9,
	}
	if enqueue(t, q, want) {
		t.Error("a first delivery is a duplicate")
	}
	have := next(t, got)
	want.Attempt = 1
	if !have.Enqueued.Equal(want.Enqueued) {
		t.Errorf("enqueued %v, want %v", have.Enqueued, want.Enqueued)
	}
	have.Enqueued = want.Enqueued
	if have != want {
		t.Errorf("got %+v, want %+v", have, want)
	}
	eventually(t, "the queue is empty", empty(t, q))
}

func TestEnqueueRefusesWhatItCannotPlace(t *testing.T) {
	q := open(t, Options{})
	for _, j := range []Job{{}, {Delivery: "d", RepositoryID: 1}, {Delivery: "d", Number: 1}, {RepositoryID: 1, Number: 1}} {
		if _, err := q.Enqueue(t.Context(), j); err == nil {
			t.Errorf("%+v was taken", j)
		}
	}
}

func TestProcessedDeliveryIsNotRunAgain(t *testing.T) {
	dir := t.TempDir()
	var runs atomic.Int32
	h := handlerFunc(func(context.Context, Job) error { runs.Add(1); return nil })
	q := open(t, Options{Dir: dir})
	stop := work(t, q, 1, h)
	enqueue(t, q, job("d-1", 1))
	eventually(t, "the job is done", empty(t, q))
	if !enqueue(t, q, job("d-1", 1)) {
		t.Error("a processed delivery is no duplicate")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	q.Close()

	again := open(t, Options{Dir: dir})
	work(t, again, 1, h)
	if !enqueue(t, again, job("d-1", 1)) {
		t.Error("after a restart, a processed delivery is no duplicate")
	}
	enqueue(t, again, job("d-2", 1))
	eventually(t, "the second job is done", func() bool { return runs.Load() == 2 && empty(t, again)() })
}

func TestOneReviewAtATimeAndNewestWins(t *testing.T) {
	q := open(t, Options{})
	started, causes := make(chan Job, 10), make(chan error, 10)
	release := make(chan struct{})
	work(t, q, 3, handlerFunc(func(ctx context.Context, j Job) error {
		started <- j
		select {
		case <-ctx.Done():
			causes <- context.Cause(ctx)
			return ctx.Err()
		case <-release:
			return nil
		}
	}))
	enqueue(t, q, job("old", 7))
	if j := next(t, started); j.HeadSHA != "old" {
		t.Fatalf("started %+v", j)
	}
	other := job("other", 8)
	enqueue(t, q, other)
	if j := next(t, started); j.Number != 8 {
		t.Fatalf("another pull request does not run beside: %+v", j)
	}
	enqueue(t, q, job("new", 7))
	if err := next(t, causes); !errors.Is(err, ErrSuperseded) {
		t.Errorf("the running review ended with %v", err)
	}
	if j := next(t, started); j.HeadSHA != "new" || j.Attempt != 1 {
		t.Errorf("then ran %+v", j)
	}
	close(release)
	eventually(t, "the queue is empty", empty(t, q))
	if !enqueue(t, q, job("old", 7)) {
		t.Error("a superseded delivery runs again")
	}
}

func TestWaitingJobIsReplaced(t *testing.T) {
	q := open(t, Options{})
	for i := range 5 {
		enqueue(t, q, job(fmt.Sprintf("d-%d", i), 1))
	}
	if s, err := q.Stats(t.Context()); err != nil || s.Queued != 1 {
		t.Fatalf("queued %d, %v", s.Queued, err)
	}
	got := make(chan Job, 5)
	work(t, q, 2, handlerFunc(func(_ context.Context, j Job) error { got <- j; return nil }))
	if j := next(t, got); j.HeadSHA != "d-4" {
		t.Errorf("ran %s", j.HeadSHA)
	}
	eventually(t, "the queue is empty", empty(t, q))
	if len(got) != 0 {
		t.Errorf("ran again: %+v", <-got)
	}
}

func TestCommandsAreAllAnsweredOneAfterTheOther(t *testing.T) {
	q := open(t, Options{})
	command := func(id int64) Job {
		j := job(fmt.Sprintf("c-%d", id), 1)
		j.Event, j.CommentID = "issue_comment", id
		return j
	}
	enqueue(t, q, command(1))
	enqueue(t, q, job("push-1", 1))
	enqueue(t, q, command(2))
	enqueue(t, q, job("push-2", 1))
	var mu sync.Mutex
	var ran []string
	at := 0
	work(t, q, 3, handlerFunc(func(ctx context.Context, j Job) error {
		mu.Lock()
		at++
		if at != 1 {
			t.Error("two jobs of one pull request at a time")
		}
		mu.Unlock()
		wait(ctx, 5*time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		at--
		ran = append(ran, j.Delivery)
		return ctx.Err()
	}))
	eventually(t, "the queue is empty", empty(t, q))
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(ran)
	if !slices.Equal(ran, []string{"c-1", "c-2", "push-2"}) {
		t.Errorf("ran %v", ran)
	}
}

func TestRedeliveryOfTheRunningJobDoesNotDisturbIt(t *testing.T) {
	q := open(t, Options{duplicates: 100 * time.Millisecond})
	started, release := make(chan struct{}, 5), make(chan struct{})
	var runs atomic.Int32
	work(t, q, 2, handlerFunc(func(ctx context.Context, _ Job) error {
		runs.Add(1)
		started <- struct{}{}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}))
	enqueue(t, q, job("d-1", 1))
	next(t, started)
	// Once the stream has forgotten the id, the redelivery is stored anew.
	eventually(t, "the redelivery is stored", func() bool { return !enqueue(t, q, job("d-1", 1)) })
	close(release)
	eventually(t, "the queue is empty", empty(t, q))
	if n := runs.Load(); n != 1 {
		t.Errorf("ran %d times", n)
	}
}

func TestFailingJobIsTriedAgainThenGivenUp(t *testing.T) {
	q := open(t, Options{MaxTries: 3, Backoff: func(int) time.Duration { return time.Millisecond }})
	var mu sync.Mutex
	var attempts []int
	gaveUp := make(chan error, 5)
	work(t, q, 1, abandoner{
		handlerFunc: func(_ context.Context, j Job) error {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, j.Attempt)
			if j.Attempt == 2 {
				panic("second try")
			}
			return fmt.Errorf("try %d", j.Attempt)
		},
		gaveUp: func(ctx context.Context, j Job, err error) {
			if ctx.Err() != nil || Confirm(ctx) != nil {
				err = fmt.Errorf("given up without its lease: %w", ctx.Err())
			}
			gaveUp <- err
		},
	})
	enqueue(t, q, job("d-1", 1))
	if err := next(t, gaveUp); err.Error() != "try 3" {
		t.Errorf("given up with %v", err)
	}
	eventually(t, "the queue is empty", empty(t, q))
	if !slices.Equal(attempts, []int{1, 2, 3}) {
		t.Errorf("attempts %v", attempts)
	}
	if s, _ := q.Stats(t.Context()); s.Dead != 1 {
		t.Errorf("%d dead", s.Dead)
	}
	if len(gaveUp) != 0 {
		t.Error("given up twice")
	}
}

func TestLaterDoesNotCountAsATry(t *testing.T) {
	q := open(t, Options{MaxTries: 2})
	left := 5
	done := make(chan Job, 1)
	work(t, q, 1, handlerFunc(func(_ context.Context, j Job) error {
		if left--; left > 0 {
			return fmt.Errorf("wrapped: %w", Later(errors.New("rate limit"), time.Millisecond))
		}
		done <- j
		return nil
	}))
	enqueue(t, q, job("d-1", 1))
	if j := next(t, done); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	if Later(nil, time.Second) != nil {
		t.Error("Later makes an error of nil")
	}
}

func TestLaterForeverIsGivenUp(t *testing.T) {
	q := open(t, Options{MaxAge: time.Minute})
	gaveUp := make(chan error, 1)
	work(t, q, 1, abandoner{
		handlerFunc: func(context.Context, Job) error { return Later(errors.New("rate limit"), time.Millisecond) },
		gaveUp:      func(_ context.Context, _ Job, err error) { gaveUp <- err },
	})
	j := job("d-1", 1)
	j.Enqueued = time.Now().Add(-2 * time.Minute)
	enqueue(t, q, j)
	if err := next(t, gaveUp); err.Error() != "rate limit" {
		t.Errorf("given up with %v", err)
	}
}

func TestRunIsBoundedInTime(t *testing.T) {
	q := open(t, Options{MaxRun: 20 * time.Millisecond, MaxTries: 1})
	gaveUp := make(chan error, 1)
	work(t, q, 1, abandoner{
		handlerFunc: func(ctx context.Context, _ Job) error { <-ctx.Done(); return ctx.Err() },
		gaveUp:      func(_ context.Context, _ Job, err error) { gaveUp <- err },
	})
	enqueue(t, q, job("d-1", 1))
	if err := next(t, gaveUp); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("given up with %v", err)
	}
}

func TestUnreadableJobIsBuried(t *testing.T) {
	q := open(t, Options{})
	for i, data := range []string{"{", `{"Number":1}`, "\xff"} {
		if _, err := q.js.PublishMsg(t.Context(), &nats.Msg{Subject: fmt.Sprintf("%sx%d", jobPrefix, i), Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	work(t, q, 1, handlerFunc(func(context.Context, Job) error { t.Error("handled"); return nil }))
	eventually(t, "all are buried", func() bool {
		s, err := q.Stats(t.Context())
		return err == nil && s.Queued == 0 && s.Dead == 3
	})
}

func TestDrainLetsRunningJobsFinish(t *testing.T) {
	q := open(t, Options{})
	started, release := make(chan struct{}), make(chan struct{})
	stop := work(t, q, 1, handlerFunc(func(ctx context.Context, _ Job) error {
		close(started)
		<-release
		return ctx.Err()
	}))
	enqueue(t, q, job("d-1", 1))
	next(t, started)
	result := make(chan error, 1)
	go func() { result <- stop() }()
	eventually(t, "no more is fetched", func() bool { return q.Ready(t.Context()) == nil })
	close(release)
	if err := next(t, result); err != nil {
		t.Error(err)
	}
	if !empty(t, q)() {
		t.Error("the job that finished is still queued")
	}
}

func TestDrainHandsBackWhatDoesNotFinish(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Options{Dir: dir, Grace: time.Millisecond})
	started, causes := make(chan struct{}), make(chan error, 1)
	stop := work(t, q, 1, handlerFunc(func(ctx context.Context, _ Job) error {
		close(started)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}))
	enqueue(t, q, job("d-1", 1))
	next(t, started)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := next(t, causes); !errors.Is(err, ErrDraining) {
		t.Errorf("cancelled with %v", err)
	}
	q.Close()
	again := open(t, Options{Dir: dir})
	got := make(chan Job, 1)
	work(t, again, 1, handlerFunc(func(_ context.Context, j Job) error { got <- j; return nil }))
	if j := next(t, got); j.Delivery != "d-1" || j.Attempt != 1 {
		t.Errorf("got %+v", j)
	}
}

func TestFullStoreRefusesAndLosesNothing(t *testing.T) {
	q := open(t, Options{MaxStore: 256 << 10})
	stored := 0
	// Of one length each: a time's text has as many digits as it needs.
	at := func(j Job) Job { j.Enqueued = time.Unix(1e9, 0).UTC(); return j }
	for ; ; stored++ {
		_, err := q.Enqueue(t.Context(), at(job(fmt.Sprintf("d-%04d", stored), stored+1)))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if stored > 10_000 {
			t.Fatal("the store never fills")
		}
	}
	if stored < 50 {
		t.Errorf("full after %d jobs", stored)
	}
	// A newer job for a waiting pull request still finds room: it replaces it.
	if _, err := q.Enqueue(t.Context(), at(job("n-0000", 1))); err != nil {
		t.Errorf("a replacement is refused: %v", err)
	}
	var handled atomic.Int32
	work(t, q, 4, handlerFunc(func(context.Context, Job) error { handled.Add(1); return nil }))
	eventually(t, "all are handled", func() bool { return int(handled.Load()) == stored && empty(t, q)() })
	enqueue(t, q, job("room-again", 1))
}

func TestReady(t *testing.T) {
	q := open(t, Options{})
	if err := q.Ready(t.Context()); err == nil {
		t.Error("ready without workers")
	}
	stop := work(t, q, 1, handlerFunc(func(context.Context, Job) error { return nil }))
	eventually(t, "ready", func() bool { return q.Ready(t.Context()) == nil })
	if s, err := q.Stats(t.Context()); err != nil || s != (Stats{}) {
		t.Errorf("the probe counts as a job: %+v, %v", s, err)
	}
	q.server.srv.Shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := q.Ready(ctx); err == nil {
		t.Error("ready without a server")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestFolderBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	open(t, Options{Dir: dir})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if q, err := Open(ctx, Options{Dir: dir}); err == nil {
		q.Close()
		t.Error("two queues share one folder")
	}
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Options{Dir: dir})
	m := q.Memory()
	ctx := t.Context()
	keys := []string{"plain", "with spaces / and . dots", "", "ünï", "a*b>c"}
	for _, k := range keys {
		if _, ok, err := m.Get(ctx, k); ok || err != nil {
			t.Errorf("%q before: %v, %v", k, ok, err)
		}
		for _, v := range []string{"first", "value of " + k} {
			if err := m.Put(ctx, k, []byte(v), time.Hour); err != nil {
				t.Errorf("put %q: %v", k, err)
			}
		}
	}
	if err := m.Put(ctx, "short", []byte("x"), time.Millisecond); err != nil {
		t.Error(err)
	}
	eventually(t, "a value expires", func() bool { _, ok, err := m.Get(ctx, "short"); return !ok && err == nil })
	if m.Put(ctx, "k", nil, 0) == nil || m.Put(ctx, "k", make([]byte, maxMemoryValue+1), time.Hour) == nil {
		t.Error("a value without an end, or too large, was kept")
	}
	q.Close()
	m = open(t, Options{Dir: dir}).Memory()
	for _, k := range keys {
		if v, ok, err := m.Get(ctx, k); !ok || err != nil || string(v) != "value of "+k {
			t.Errorf("%q after a restart: %q, %v, %v", k, v, ok, err)
		}
	}
}

func TestConfirmFencesOff(t *testing.T) {
	q := open(t, Options{})
	if err := Confirm(t.Context()); err != nil {
		t.Errorf("a context that is no job's: %v", err)
	}
	confirmed := make(chan error, 2)
	causes := make(chan error, 1)
	var first atomic.Bool
	work(t, q, 1, handlerFunc(func(ctx context.Context, j Job) error {
		if first.Swap(true) {
			return nil
		}
		confirmed <- Confirm(ctx)
		// Another process takes the pull request, as after a pause.
		key, _ := j.Key()
		if err := q.leases.Purge(ctx, key); err != nil {
			t.Error(err)
		}
		if _, err := q.leases.Create(ctx, key, []byte("another"), jetstream.KeyTTL(time.Second)); err != nil {
			t.Error(err)
		}
		confirmed <- Confirm(ctx)
		causes <- context.Cause(ctx)
		return nil
	}))
	enqueue(t, q, job("d-1", 1))
	if err := next(t, confirmed); err != nil {
		t.Errorf("the holder is refused: %v", err)
	}
	if err := next(t, confirmed); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("after another took the lease: %v", err)
	}
	if err := next(t, causes); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("the context ended with %v", err)
	}
	eventually(t, "the job is done once the other's lease has expired", empty(t, q))
}

func TestBackoffGrowsToTenMinutes(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: 2 * time.Second, 2: 6 * time.Second, 3: 18 * time.Second, 7: 10 * time.Minute, 100: 10 * time.Minute} {
		for range 20 {
			if d := backoff(attempt); d < want*4/5 || d > want*6/5 {
				t.Errorf("after try %d: %s, want %s or a fifth more or less", attempt, d, want)
			}
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "72d3162e-cc78-11e3-81ab-4c9367dc0958", "a.b", "*", ">", "_x", "a b", "\x00\r\n", "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k := token(s)
		if k == "" || len(k) > 64 {
			t.Errorf("%q has the key %q", s, k)
		}
		for _, c := range []byte(k) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				t.Fatalf("%q has the key %q", s, k)
			}
		}
		if k != s && token(k) == k {
			t.Errorf("%q and %q share a key", s, k)
		}
	})
}

func BenchmarkEnqueue(b *testing.B) {
	q := open(b, Options{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := q.Enqueue(b.Context(), job(fmt.Sprintf("d-%d", i), i)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "jobs/s")
}

func BenchmarkEnqueueToDone(b *testing.B) {
	q := open(b, Options{})
	done := make(chan struct{})
	work(b, q, 1, handlerFunc(func(context.Context, Job) error { done <- struct{}{}; return nil }))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := q.Enqueue(b.Context(), job(fmt.Sprintf("d-%d", i), i)); err != nil {
			b.Fatal(err)
		}
		<-done
	}
}
