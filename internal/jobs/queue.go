package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Names on the server. One deployment of Plimsoll has one NATS account.
const (
	jobsStream   = "PLIMSOLL_JOBS"
	jobsSubjects = "plimsoll.jobs.>"
	jobPrefix    = "plimsoll.jobs.pr."
	jobFilter    = "plimsoll.jobs.pr.>"
	probeSubject = "plimsoll.jobs.probe" // no consumer takes it
	workersName  = "workers"
	newerPrefix  = "plimsoll.newer." // core NATS: a newer job was stored
	deadStream   = "PLIMSOLL_DEAD"
	deadPrefix   = "plimsoll.dead."
	leaseBucket  = "plimsoll-leases"
	doneBucket   = "plimsoll-processed"
	triesBucket  = "plimsoll-tries"
	memoryBucket = "plimsoll-memory"
)

const (
	maxJobSize    = 32 << 10
	maxLeaseBytes = 16 << 20
	// duplicateWindow is how long the stream itself knows a delivery's id. It
	// makes repeating a publish safe; lasting knowledge is in doneBucket.
	duplicateWindow = 2 * time.Minute
	// maxPending bounds the jobs that wait for their next try, since those count
	// as taken: past it nothing new is given out.
	maxPending = 4096
	deadFor    = 30 * 24 * time.Hour
	triesFor   = 7 * 24 * time.Hour
	// operation bounds one request to the server that no caller bounds.
	operation = 5 * time.Second
)

// Options says how to open a Queue. Zero values get the defaults given.
type Options struct {
	// Dir is where the server inside the process keeps its store. Unused with
	// a Cluster.
	Dir string
	// MaxStore bounds that store, in bytes (1 GiB). When it is full, Enqueue
	// fails; nothing that was stored is dropped.
	MaxStore int64
	// Cluster, when not nil, is used instead of a server inside the process.
	Cluster *Cluster
	// Lease is for how long a pull request stays with a process that has fallen
	// silent (15 s; at least 2 s).
	Lease time.Duration
	// AckWait is when a job that nobody speaks for is given out again (30 s).
	AckWait time.Duration
	// MaxTries is how often a job may fail (8).
	MaxTries int
	// MaxAge is how old a job may grow by being put off with Later (24 h).
	MaxAge time.Duration
	// MaxRun bounds one run of a Handler (10 min).
	MaxRun time.Duration
	// Grace is how long running jobs may go on when Run is told to end (18 s);
	// then they have 5 s more to notice that they are cancelled.
	Grace time.Duration
	// Remember is for how long processed deliveries are known (8 days: GitHub
	// redelivers for 3, an Enterprise Server for 7).
	Remember time.Duration
	// Backoff gives the wait after the try of the number (2 s, 6 s, 18 s … 10
	// min, a fifth more or less).
	Backoff func(attempt int) time.Duration
	Log     *slog.Logger // discards

	// duplicates is how long the stream itself knows a delivery's id
	// (duplicateWindow).
	duplicates time.Duration
}

// Cluster names a NATS cluster with JetStream.
type Cluster struct {
	URL       string // one or more, separated by commas
	CredsFile string // "" for none
	CAFile    string // "" for the system's
	Replicas  int    // of streams: 1, 3 or 5
}

func (o Options) withDefaults() Options {
	o.MaxStore = orDefault(o.MaxStore, 1<<30)
	o.Lease = max(2*time.Second, orDefault(o.Lease, 15*time.Second))
	o.AckWait = orDefault(o.AckWait, 30*time.Second)
	o.MaxTries = orDefault(o.MaxTries, 8)
	o.MaxAge = orDefault(o.MaxAge, 24*time.Hour)
	o.MaxRun = orDefault(o.MaxRun, 10*time.Minute)
	o.Grace = orDefault(o.Grace, 18*time.Second)
	o.Remember = orDefault(o.Remember, 8*24*time.Hour)
	o.duplicates = orDefault(o.duplicates, duplicateWindow)
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault[T comparable](v, fallback T) T {
	var unset T
	if v == unset {
		return fallback
	}
	return v
}

// backoff triples from two seconds up to ten minutes. The spread keeps jobs
// that failed together from coming back together.
func backoff(attempt int) time.Duration {
	d := 2 * time.Second
	for i := 1; i < attempt && d < 10*time.Minute; i++ {
		d *= 3
	}
	d = min(d, 10*time.Minute)
	return d*4/5 + rand.N(d*2/5)
}

// Queue is the durable queue. It is safe for concurrent use.
type Queue struct {
	opts     Options
	log      *slog.Logger
	server   *embedded // nil with a cluster
	nc       *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	dead     jetstream.Stream
	consumer jetstream.Consumer
	leases   jetstream.KeyValue
	done     jetstream.KeyValue
	tries    jetstream.KeyValue
	memory   jetstream.KeyValue
	paces    jetstream.KeyValue

	working   atomic.Bool  // Run is under way
	lastFetch atomic.Int64 // Unix nanoseconds; when the last fetch came to an end

	mu      sync.Mutex
	running map[string]*claim // by subject
	handing int               // runs in Handle, for Stats
}

// Open opens the queue, starting the server inside the process unless a
// cluster is named, and makes or updates the streams that it needs. With a
// cluster it keeps trying until ctx ends.
func Open(ctx context.Context, o Options) (*Queue, error) {
	o = o.withDefaults()
	q := &Queue{opts: o, log: o.Log, running: make(map[string]*claim)}
	var err error
	if o.Cluster != nil {
		q.nc, err = o.Cluster.connect(o.Log)
	} else {
		if q.server, err = startEmbedded(ctx, o.Dir, o.MaxStore, o.Log); err == nil {
			q.nc, err = q.server.connect()
		}
	}
	if err == nil {
		q.js, err = jetstream.New(q.nc)
	}
	if err == nil {
		err = q.setUpPatiently(ctx)
	}
	if err != nil {
		q.Close()
		return nil, err
	}
	return q, nil
}

func (c *Cluster) connect(log *slog.Logger) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name("plimsoll"),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		// A publish without a connection fails at once instead of waiting in a
		// buffer that dies with the process.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("queue: disconnected", "error", err) }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("queue: connected again") }),
	}
	if c.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredsFile))
	}
	if c.CAFile != "" {
		opts = append(opts, nats.RootCAs(c.CAFile))
	}
	nc, err := nats.Connect(c.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to the NATS cluster: %w", err)
	}
	return nc, nil
}

// setUpPatiently repeats setUp with a cluster, which may be electing a leader
// or not be there yet.
func (q *Queue) setUpPatiently(ctx context.Context) error {
	for {
		// A cluster without a leader does not answer at all.
		try, cancel := context.WithTimeout(ctx, 2*operation)
		err := q.setUp(try)
		cancel()
		if err == nil || q.server != nil {
			return err
		}
		q.log.Warn("queue: the cluster is not ready", "error", err)
		if !wait(ctx, 500*time.Millisecond) {
			return err
		}
	}
}

// setUp makes the streams. Together they reserve nine tenths of MaxStore, and leases what is in memory.
func (q *Queue) setUp(ctx context.Context) error {
	replicas, part := 1, q.opts.MaxStore/16
	if q.opts.Cluster != nil {
		replicas = max(1, q.opts.Cluster.Replicas)
	}
	var err error
	// A newer message of a subject takes the older one's place whatever the
	// discard policy; DiscardNew is about the whole: a full stream refuses
	// instead of dropping the oldest job.
	q.stream, err = q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: jobsStream, Subjects: []string{jobsSubjects}, Retention: jetstream.WorkQueuePolicy,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, MaxBytes: part * 4, MaxMsgSize: maxJobSize,
		Storage: jetstream.FileStorage, Replicas: replicas, Duplicates: q.opts.duplicates,
	})
	if err != nil {
		return fmt.Errorf("make the stream of jobs: %w", err)
	}
	q.dead, err = q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: deadStream, Subjects: []string{deadPrefix + ">"}, MaxAge: deadFor, MaxBytes: part,
		Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage, Replicas: replicas,
	})
	if err != nil {
		return fmt.Errorf("make the stream of jobs given up: %w", err)
	}
	// The leases of the only process there is need not outlive it: in memory, a
	// pull request is free again as soon as the process is back.
	leaseStorage := jetstream.FileStorage
	if q.server != nil {
		leaseStorage = jetstream.MemoryStorage
	}
	q.leases, err = q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: leaseBucket, LimitMarkerTTL: time.Second, Storage: leaseStorage, MaxBytes: maxLeaseBytes, Replicas: replicas,
	})
	if err != nil {
		return fmt.Errorf("make the bucket of leases: %w", err)
	}
	buckets := []struct {
		kv       *jetstream.KeyValue
		name     string
		maxAge   time.Duration
		maxBytes int64
	}{
		{&q.done, doneBucket, q.opts.Remember, part * 4},
		{&q.tries, triesBucket, triesFor, part},
		{&q.paces, paceBucket, 2 * time.Hour, part / 2},
		{&q.memory, memoryBucket, 0, part * 4}, // each value has an end of its own
	}
	for _, b := range buckets {
		if *b.kv, err = q.bucket(ctx, b.name, b.maxAge, b.maxBytes, replicas); err != nil {
			return fmt.Errorf("make the bucket %s: %w", b.name, err)
		}
	}
	return q.setUpConsumer(ctx)
}

// bucket makes a bucket that forgets its oldest entries when it is full, where
// those that the library makes refuse new ones.
func (q *Queue) bucket(ctx context.Context, name string, maxAge time.Duration, maxBytes int64, replicas int) (jetstream.KeyValue, error) {
	_, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"}, MaxMsgsPerSubject: 1,
		MaxAge: maxAge, MaxBytes: maxBytes, Discard: jetstream.DiscardOld, Duplicates: duplicateWindow,
		Storage: jetstream.FileStorage, Replicas: replicas, AllowDirect: true, AllowRollup: true, DenyDelete: true,
		AllowMsgTTL: true, SubjectDeleteMarkerTTL: time.Second,
	})
	if err != nil {
		return nil, err
	}
	return q.js.KeyValue(ctx, name)
}

func (q *Queue) setUpConsumer(ctx context.Context) error {
	if q.server != nil {
		// Whatever a process took before it died is free again at once, without
		// waiting out AckWait: what is not done is still in the stream.
		err := q.stream.DeleteConsumer(ctx, workersName)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("reset the workers' consumer: %w", err)
		}
	}
	var err error
	q.consumer, err = q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: workersName, FilterSubject: jobFilter, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: q.opts.AckWait, MaxDeliver: -1, MaxAckPending: maxPending,
		MemoryStorage: q.server != nil,
	})
	if err != nil {
		return fmt.Errorf("make the workers' consumer: %w", err)
	}
	return nil
}

// Close ends the connection and the server inside the process. End Run first:
// jobs that still run lose their lease.
func (q *Queue) Close() {
	if q.nc != nil {
		q.nc.Close()
	}
	if q.server != nil {
		q.server.stop()
	}
}

// wait waits for d and reports whether it passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// detached gives a context for one request that must be made even while the
// job's own context is cancelled.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), operation)
}
