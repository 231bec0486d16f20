package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// external starts a NATS server that listens on a free port.
func external(t testing.TB) *Cluster {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return &Cluster{URL: srv.ClientURL(), Replicas: 1}
}

// witness watches that no pull request is handled twice at a time.
type witness struct {
	mu       sync.Mutex
	at       map[int]bool
	overlaps int
	newest   map[int]string
}

func (w *witness) enter(j Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at[j.Number] {
		w.overlaps++
	}
	w.at[j.Number] = true
}

func (w *witness) leave(j Job, finished bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[j.Number] = false
	if finished {
		w.newest[j.Number] = j.HeadSHA
	}
}

func TestTwoProcessesOnOneClusterNeverOverlap(t *testing.T) {
	cluster := external(t)
	w := &witness{at: make(map[int]bool), newest: make(map[int]string)}
	h := handlerFunc(func(ctx context.Context, j Job) error {
		w.enter(j)
		finished := wait(ctx, 3*time.Millisecond) && Confirm(ctx) == nil
		w.leave(j, finished)
		return context.Cause(ctx)
	})
	a := open(t, Options{Cluster: cluster})
	b := open(t, Options{Cluster: cluster})
	work(t, a, 4, h)
	work(t, b, 4, h)
	const pulls, pushes = 12, 15
	var wg sync.WaitGroup
	for n := 1; n <= pulls; n++ {
		wg.Go(func() {
			for p := 1; p <= pushes; p++ {
				q := a
				if p%2 == 0 {
					q = b
				}
				if _, err := q.Enqueue(t.Context(), job(fmt.Sprintf("pr%d-push%d", n, p), n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "the queue is empty", func() bool { return empty(t, a)() && empty(t, b)() })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.overlaps != 0 {
		t.Errorf("%d overlaps", w.overlaps)
	}
	for n := 1; n <= pulls; n++ {
		if want := fmt.Sprintf("pr%d-push%d", n, pushes); w.newest[n] != want {
			t.Errorf("pull request %d: the last head reviewed is %q, want %s", n, w.newest[n], want)
		}
	}
}

func TestProcessThatLosesTheClusterStopsBeforeAnotherStarts(t *testing.T) {
	o := Options{Cluster: external(t), Lease: 2 * time.Second, AckWait: 2 * time.Second, Grace: time.Millisecond}
	cut, other := open(t, o), open(t, o)
	started := make(chan struct{})
	stopped := make(chan error, 1)
	var end time.Time
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := make(chan error, 1)
	go func() {
		ran <- cut.Run(ctx, 1, handlerFunc(func(ctx context.Context, _ Job) error {
			close(started)
			<-ctx.Done()
			end = time.Now()
			stopped <- context.Cause(ctx)
			return ctx.Err()
		}))
	}()
	enqueue(t, cut, job("d-1", 1))
	next(t, started)
	cut.nc.Close()
	begin := make(chan time.Time, 1)
	attempt := 0
	work(t, other, 1, handlerFunc(func(_ context.Context, j Job) error {
		attempt = j.Attempt
		begin <- time.Now()
		return nil
	}))
	if err := next(t, stopped); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("stopped with %v", err)
	}
	if b := next(t, begin); !b.After(end) {
		t.Errorf("the other process began %s before this one stopped", end.Sub(b))
	}
	if attempt != 2 {
		t.Errorf("attempt %d", attempt)
	}
	cancel()
	if err := next(t, ran); err != nil {
		t.Error(err)
	}
	eventually(t, "the job is done", empty(t, other))
}

func TestPushElsewhereCancelsARunningReview(t *testing.T) {
	cluster := external(t)
	a, b := open(t, Options{Cluster: cluster}), open(t, Options{Cluster: cluster})
	started, causes := make(chan string, 4), make(chan error, 4)
	work(t, a, 1, handlerFunc(func(ctx context.Context, j Job) error {
		started <- j.HeadSHA
		if j.HeadSHA == "new" {
			return nil
		}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}))
	enqueue(t, a, job("old", 1))
	next(t, started)
	enqueue(t, b, job("new", 1))
	if err := next(t, causes); !errors.Is(err, ErrSuperseded) {
		t.Errorf("ended with %v", err)
	}
	if head := next(t, started); head != "new" {
		t.Errorf("then ran %s", head)
	}
}

func TestHeartbeatFindsANewerJobWithoutBeingTold(t *testing.T) {
	q := open(t, Options{Lease: 2 * time.Second})
	started, causes := make(chan string, 4), make(chan error, 4)
	work(t, q, 1, handlerFunc(func(ctx context.Context, j Job) error {
		started <- j.HeadSHA
		if j.HeadSHA == "new" {
			return nil
		}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}))
	enqueue(t, q, job("old", 1))
	next(t, started)
	// The word of mouth is lost; only the stream knows.
	q.mu.Lock()
	lost := q.running["r1.p1"]
	delete(q.running, "r1.p1")
	q.mu.Unlock()
	if lost == nil {
		t.Fatal("the running job is not known by its key")
	}
	enqueue(t, q, job("new", 1))
	if err := next(t, causes); !errors.Is(err, ErrSuperseded) {
		t.Errorf("ended with %v", err)
	}
	if head := next(t, started); head != "new" {
		t.Errorf("then ran %s", head)
	}
}

func TestOpenWaitsForAClusterOnlySoLong(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if q, err := Open(ctx, Options{Cluster: &Cluster{URL: "nats://127.0.0.1:1", Replicas: 1}}); err == nil {
		q.Close()
		t.Error("opened a queue on nothing")
	}
}
