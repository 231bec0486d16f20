package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/github"
	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

const (
	// openTimeout bounds the wait for a NATS cluster at the start.
	openTimeout = time.Minute
	// closeTimeout is what requests under way have to end at shutdown. With the
	// queue's grace it stays under the 30 s that the process may take.
	closeTimeout = 3 * time.Second
	// reviewTimeout bounds one review.
	reviewTimeout = 10 * time.Minute
)

// Parts are what the process is wired from beside its settings.
type Parts struct {
	Version string
	// Review are the options of every review; Run adds where rule pages are.
	Review reviewer.Options
	// Open makes what fetches trees. It may keep caches below dir, which can be
	// deleted at any time.
	Open func(client *github.Client, dir string, log *slog.Logger) (OpenTrees, error)
	Log  *slog.Logger
	// NoSweep leaves out the search for missed events, where none can be missed.
	NoSweep bool
	// Listening, when set, is told the address once requests are answered.
	Listening func(addr net.Addr)
}

// Run is the App: it answers HTTP and works on the queue until ctx ends. Then
// it takes no more work, finishes or hands back what runs, and returns nil
// within 30 seconds. Deliveries are stored until the last review has ended.
func Run(ctx context.Context, cfg config.Server, parts Parts) error {
	log := parts.Log
	q, err := openQueue(ctx, cfg.Queue(), log)
	if err != nil {
		return err
	}
	defer q.Close()
	if !cfg.NATS.URL.IsSet() {
		defer serveControl(ctx, cfg.DataDir, q, log)()
	}
	metrics := NewMetrics(parts.Version)
	metrics.WatchQueue(q.Stats)
	transport, err := github.NewTransport(cfg.GitHub.CAFile)
	if err != nil {
		return fmt.Errorf("PLIMSOLL_GITHUB_CA_FILE: %w", err)
	}
	client, err := github.New(github.Options{
		Transport: transport, Reserve: sharedPace(cfg, q),
		AppID: cfg.GitHub.AppID, PrivateKey: []byte(cfg.GitHub.PrivateKey.Reveal()),
		WebURL: cfg.GitHub.URL, APIURL: cfg.GitHub.APIURL, GraphQLURL: cfg.GitHub.GraphQLURL,
		Memory: q.Memory(), OnCall: metrics.Call, Logger: log,
	})
	if err != nil {
		return fmt.Errorf("set up the GitHub client: %w", err)
	}
	handler, err := newHandler(cfg, parts, client, metrics)
	if err != nil {
		return err
	}
	handler.Enqueue = func(ctx context.Context, j jobs.Job) error {
		_, err := q.Enqueue(ctx, j)
		return err
	}
	handler.Waited = func(d time.Duration) { metrics.PhaseTook("queue", d) }
	handler.Phase = metrics.Phase
	if traced(os.LookupEnv) {
		spans, stop, err := startTracing(ctx, parts.Version, log)
		if err != nil {
			return err
		}
		defer stop(ctx)
		handler.Phase = phase(metrics.Phase).also(spans)
	}
	creds := &credentials{ask: client.CheckCredentials, refused: github.ErrCredentials, every: 10 * time.Minute, retry: 15 * time.Second}
	s := New(Options{
		Secret: cfg.GitHub.WebhookSecret.Reveal(), Queue: q, Translate: translate(cfg.GitHub.AppID, time.Now),
		Checks:  []Check{{Name: "queue", Ask: q.Ready}, {Name: "credentials", Ask: creds.check}},
		Metrics: metrics, Rules: parts.Review.Rules, PublicURL: cfg.PublicURL, Log: log,
	})
	sweeper := &Sweeper{GitHub: client, Queue: q, Memory: q.Memory(), Missed: metrics.Missed, Log: log, Now: time.Now, Sleep: sleep}
	return serve(ctx, cfg, parts, s, func(ctx context.Context) error {
		// The sweep ends with the workers, whatever ends those.
		sweeping, stop := context.WithCancel(ctx)
		swept := make(chan struct{})
		go func() {
			defer close(swept)
			if !parts.NoSweep {
				sweeper.Run(sweeping)
			}
		}()
		err := q.Run(ctx, cfg.Workers, handler)
		stop()
		<-swept
		return err
	})
}

// sharedPace has replicas share what GitHub allows an installation; nil where
// there is one process.
func sharedPace(cfg config.Server, q *jobs.Queue) func(context.Context, int64, time.Time) (time.Duration, error) {
	if !cfg.NATS.URL.IsSet() {
		return nil
	}
	return func(ctx context.Context, installation int64, now time.Time) (time.Duration, error) {
		return q.Reserve(ctx, fmt.Sprintf("content.%d", installation), now,
			jobs.Pace{Count: github.ContentMinute, Within: time.Minute}, jobs.Pace{Count: github.ContentHour, Within: time.Hour})
	}
}

// QueueSettings say where the queue is.
type QueueSettings = config.Queue

func openQueue(ctx context.Context, cfg QueueSettings, log *slog.Logger) (*jobs.Queue, error) {
	place := "PLIMSOLL_DATA_DIR"
	o := jobs.Options{Dir: filepath.Join(cfg.DataDir, "queue"), MaxRun: reviewTimeout, Log: log}
	if cfg.NATS.URL.IsSet() {
		place = "PLIMSOLL_NATS_URL"
		o.Cluster = &jobs.Cluster{
			URL: cfg.NATS.URL.Reveal(), CredsFile: cfg.NATS.CredsFile, CAFile: cfg.NATS.CAFile, Replicas: cfg.NATS.Replicas,
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	q, err := jobs.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: open the queue: %w", place, err)
	}
	return q, nil
}

func newHandler(cfg config.Server, parts Parts, client *github.Client, metrics *Metrics) (*PullReviewer, error) {
	open, err := parts.Open(client, filepath.Join(cfg.DataDir, "cache"), parts.Log)
	if err != nil {
		return nil, fmt.Errorf("set up the fetching of trees: %w", err)
	}
	opt := parts.Review
	if cfg.PublicURL != "" {
		opt.RulesURL = cfg.PublicURL + "/rules"
	}
	if cfg.Defaults != nil {
		opt.Layers = append(slices.Clone(opt.Layers), config.Layer{Name: cfg.DefaultsFile, Repository: *cfg.Defaults})
	}
	catalogue, _ := rule.New(opt.Rules) // of rules with one id the first counts, here as in a review
	return &PullReviewer{
		Checks: client, Pulls: client, People: client, Threads: client, Branches: client, Heads: client, Scanning: client, Version: parts.Version, Open: open,
		Review: metrics.Watch(reviewer.Review), Mend: reviewer.Mend, Except: reviewer.Except, Options: opt, Rules: catalogue,
		Confirm: jobs.Confirm, Done: metrics.ReviewDone, Log: parts.Log, Now: time.Now,
	}, nil
}

// translate reads deliveries with the GitHub adapter.
func translate(appID int64, now func() time.Time) Translate {
	return func(event, delivery string, body []byte) (jobs.Job, bool, error) {
		e, err := github.ParseEvent(event, body)
		if err != nil {
			return jobs.Job{}, false, err
		}
		j, _, need := JobOf(e, delivery, appID, now().UTC())
		return j, need, nil
	}
}

// serve runs the HTTP server and the workers until ctx ends or one of them
// fails, and ends both, the workers first.
func serve(ctx context.Context, cfg config.Server, parts Parts, handler http.Handler, work func(context.Context) error) error {
	log := parts.Log
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("PLIMSOLL_LISTEN: cannot listen on %s: %w", cfg.Listen, err)
	}
	asked := ctx // ends when the process is asked to
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	web := httpServer(handler, log)
	served := make(chan error, 1)
	go func() {
		served <- web.Serve(ln)
		stop()
	}()
	worked := make(chan error, 1)
	go func() {
		worked <- work(ctx)
		stop()
	}()
	log.InfoContext(ctx, "listening", "address", ln.Addr().String(), "version", parts.Version, "workers", cfg.Workers, "cluster", cfg.NATS.URL.IsSet())
	if parts.Listening != nil {
		parts.Listening(ln.Addr())
	}
	<-ctx.Done()
	log.InfoContext(ctx, "shutting down")
	workErr := <-worked
	if workErr != nil && asked.Err() != nil {
		// Its lease ends with the process, and its job is given out again.
		log.ErrorContext(ctx, "a review did not end in time", "error", workErr)
		workErr = nil
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := web.Shutdown(ending); err != nil {
		_ = web.Close()
	}
	serveErr := <-served
	if errors.Is(serveErr, http.ErrServerClosed) {
		serveErr = nil
	}
	if err := errors.Join(workErr, serveErr); err != nil {
		return err
	}
	log.InfoContext(ctx, "stopped")
	return nil
}
