package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// notes is a Memory in the process.
type notes struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (n *notes) Get(_ context.Context, key string) ([]byte, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.m[key]
	return v, ok, nil
}

func (n *notes) Put(_ context.Context, key string, value []byte, _ time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil {
		n.m = map[string][]byte{}
	}
	n.m[key] = value
	return nil
}

// line is a queue that nobody works on.
type line struct {
	stored  map[string]jobs.Job
	pending map[int]bool
}

func (l *line) Alone(ctx context.Context, _ string, f func(context.Context) error) (bool, error) {
	return true, f(ctx)
}
func (l *line) Pending(_ context.Context, j jobs.Job) (bool, error) { return l.pending[j.Number], nil }
func (l *line) Stats(context.Context) (jobs.Stats, error)           { return jobs.Stats{}, nil }
func (l *line) Enqueue(_ context.Context, j jobs.Job) (bool, error) {
	_, known := l.stored[j.Delivery]
	j.Attempt = 1
	l.stored[j.Delivery] = j
	return known, nil
}

// sweeper gives one for the stage, with a client and a memory of its own.
func (s *stage) sweeper(q *line, m github.Memory, now func() time.Time) *Sweeper {
	s.t.Helper()
	c, err := github.New(github.Options{AppID: 77, PrivateKey: s.keyPEM, WebURL: s.sim.URL(), APIURL: s.sim.APIURL(), GraphQLURL: s.sim.GraphQLURL(),
		Memory: m, Sleep: func(context.Context, time.Duration) error { return nil }})
	s.must(err)
	return &Sweeper{GitHub: c, Queue: q, Memory: m, Log: slog.New(slog.NewJSONHandler(&s.log, nil)), Now: now,
		Sleep: func(context.Context, time.Duration) error { return nil }}
}

// Lost webhooks: an open pull request that nobody told us of is found, reviewed
// once, and costs nothing any more.
func TestOpenPullRequestWithoutACheckRunIsFound(t *testing.T) {
	s := newStage(t)
	head := s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.next() // lost
	q, m := &line{stored: map[string]jobs.Job{}}, &notes{}
	w := s.sweeper(q, m, time.Now)
	s.must(w.Sweep(t.Context()))
	if len(q.stored) != 1 {
		t.Fatalf("%d jobs", len(q.stored))
	}
	for _, j := range q.stored {
		if j.Number != number || j.HeadSHA != head {
			t.Errorf("job %+v", j)
		}
		s.must(s.puller.Handle(t.Context(), j))
	}
	if run := s.check(head); run.Conclusion != "failure" {
		t.Errorf("check run %+v", run)
	}
	// Another process, which remembers nothing, asks for the check run and is content.
	q.stored = map[string]jobs.Job{}
	w = s.sweeper(q, &notes{}, time.Now)
	s.must(w.Sweep(t.Context()))
	if len(q.stored) != 0 {
		t.Errorf("jobs for what is reviewed: %v", q.stored)
	}
	// From then on the list alone is asked for, and answered with 304.
	s.sim.ResetRequests()
	s.must(w.Sweep(t.Context()))
	for _, e := range s.sim.Requests() {
		if e.InstallationID != 0 && strings.Contains(e.Path, "/repos/") && e.Status != http.StatusNotModified {
			t.Errorf("%s %s: %d", e.Method, e.Path, e.Status)
		}
	}
	// A pull request whose event is in the queue is left to it.
	next := s.push(map[int]string{10: "bad: 1", 20: "bad: 2"})
	q.pending = map[int]bool{number: true}
	s.must(w.Sweep(t.Context()))
	if len(q.stored) != 0 {
		t.Errorf("a second job for %s", next)
	}
}

func TestFailedDeliveriesAreAskedForAgain(t *testing.T) {
	s := newStage(t)
	now := time.Now()
	q, m := &line{stored: map[string]jobs.Job{}}, &notes{}
	clock := func() time.Time { return now }
	w := s.sweeper(q, m, clock)
	// Nobody listens while the pull request is opened.
	hook := s.hook.URL
	s.must(s.sim.SetWebhook(77, "http://127.0.0.1:1/webhook", "s"))
	s.push(map[int]string{10: "bad: 1"})
	number := s.pull(false)
	s.must(s.sim.WaitDelivered(t.Context()))
	s.must(s.sim.SetWebhook(77, hook, "s"))
	s.must(w.deliveries(t.Context()))
	s.must(s.sim.WaitDelivered(t.Context()))
	if j := s.next(); j.Number != number || j.Action != "opened" {
		t.Errorf("job %+v", j)
	}
	attempts := s.attempts()
	if !slices.Contains(attempts, "pull_request [0 202]") {
		t.Errorf("attempts %v", attempts)
	}
	// What has come through is not asked for again.
	now = now.Add(sweepEvery)
	s.must(w.deliveries(t.Context()))
	s.must(s.sim.WaitDelivered(t.Context()))
	if again := s.attempts(); !slices.Equal(again, attempts) {
		t.Errorf("then %v, before %v", again, attempts)
	}
}

// A delivery that can never be taken is left after five attempts, and others
// behind it are not held up.
func TestDeliveryThatKeepsFailingIsLeft(t *testing.T) {
	s := newStage(t)
	now := time.Now()
	w := s.sweeper(&line{stored: map[string]jobs.Job{}}, &notes{}, func() time.Time { return now })
	s.must(s.sim.SetWebhook(77, "http://127.0.0.1:1/webhook", "s"))
	s.push(map[int]string{10: "bad: 1"})
	s.must(s.sim.WaitDelivered(t.Context()))
	for range 8 {
		s.must(w.deliveries(t.Context()))
		s.must(s.sim.WaitDelivered(t.Context()))
		now = now.Add(sweepEvery)
	}
	for _, a := range s.attempts() {
		if n := strings.Count(a, "0"); strings.HasPrefix(a, "push") && n != maxAttempts {
			t.Errorf("%s: %d attempts", a, n)
		}
	}
	if !strings.Contains(s.log.String(), "keeps failing") {
		t.Error("nothing was said of it")
	}
}

// attempts gives for each event the statuses of its attempts.
func (s *stage) attempts() []string {
	byGUID, order := map[string][]int{}, []githubsim.Delivery{}
	for _, d := range s.sim.Deliveries(77) {
		if byGUID[d.GUID] == nil {
			order = append(order, d)
		}
		byGUID[d.GUID] = append(byGUID[d.GUID], d.StatusCode)
	}
	var out []string
	for _, d := range order {
		out = append(out, fmt.Sprintf("%s %v", d.Event, byGUID[d.GUID]))
	}
	return out
}

// Of several processes one sweeps in a period; each does when it starts.
func TestSweepOfAnotherProcessCounts(t *testing.T) {
	s := newStage(t)
	now := time.Now()
	m := &notes{}
	w := s.sweeper(&line{stored: map[string]jobs.Job{}}, m, func() time.Time { return now })
	sweeps := func() int {
		n := 0
		for _, e := range s.sim.Requests() {
			if e.Template == "GET /app/installations" {
				n++
			}
		}
		return n
	}
	// Run sweeps at once, then waits: the first wait shows what the second round
	// does a minute after somebody else's sweep, the next what it does without one.
	rounds := 0
	w.Sleep = func(_ context.Context, d time.Duration) error {
		if d != sweepEvery {
			return nil
		}
		rounds++
		now = now.Add(sweepEvery)
		switch rounds {
		case 1:
			s.must(w.remember(t.Context(), sweptKey, now.Add(-time.Minute)))
			return nil
		case 2:
			if n := sweeps(); n != 1 {
				t.Errorf("%d sweeps, want the first alone", n)
			}
			return nil
		}
		return context.Canceled
	}
	w.Run(t.Context())
	if n := sweeps(); n != 2 {
		t.Errorf("%d sweeps in all", n)
	}
}
