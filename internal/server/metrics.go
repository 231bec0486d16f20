package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Metrics counts what the process does, for Prometheus. No label's values come
// from strangers: installations are those of signed events. It is safe for concurrent use.
type Metrics struct {
	registry     *prometheus.Registry
	deliveries   *prometheus.CounterVec
	reviews      *prometheus.HistogramVec
	calls        *prometheus.CounterVec
	phases       *prometheus.HistogramVec
	remaining    *prometheus.GaugeVec
	findings     *prometheus.CounterVec
	notEvaluated *prometheus.CounterVec
	missed       *prometheus.CounterVec
}

// NewMetrics makes the metrics of one process. version is the program's.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plimsoll_deliveries_total", Help: "Webhook deliveries by event and what became of them.",
		}, []string{"event", "outcome"}),
		reviews: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plimsoll_review_duration_seconds", Help: "Time from the event to the completed check run, by conclusion.",
			Buckets: []float64{.1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 1800},
		}, []string{"conclusion"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plimsoll_review_phase_duration_seconds", Help: "Time of the parts of a review: queue, announce, compare, fetch, judge, publish, upload.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2, 5, 10, 30, 60, 300},
		}, []string{"phase"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plimsoll_github_calls_total", Help: "Requests to GitHub by call and status.",
		}, []string{"call", "status"}),
		remaining: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "plimsoll_github_rate_limit_remaining", Help: "Requests that GitHub's rate limit still allowed an installation, as its last answer said; installation 0 is the App itself.",
		}, []string{"installation"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plimsoll_findings_total", Help: "Findings of reviews by rule and state; rules of repositories count as \"custom\".",
		}, []string{"rule", "state"}),
		notEvaluated: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plimsoll_not_evaluated_total", Help: "What could not be evaluated, by cause: unknown_value (with the rule), unreadable_file, missing_source.",
		}, []string{"cause", "rule"}),
		missed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plimsoll_missed_total", Help: "What was missed and found again: deliveries that failed, pull requests without a check run.",
		}, []string{"kind"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "plimsoll_build_info", Help: "Always 1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.deliveries, m.reviews, m.phases, m.calls, m.remaining, m.findings, m.notEvaluated, m.missed, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// WatchQueue has every scrape ask how the queue stands.
func (m *Metrics) WatchQueue(stats func(ctx context.Context) (jobs.Stats, error)) {
	gauge := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	m.registry.MustRegister(&queueCollector{
		stats:   stats,
		up:      gauge("plimsoll_queue_up", "1 when the queue answered this scrape."),
		queued:  gauge("plimsoll_queue_jobs", "Jobs that are stored and not done, in all processes."),
		running: gauge("plimsoll_queue_running", "Reviews that run in this process."),
		oldest:  gauge("plimsoll_queue_oldest_seconds", "Age of the oldest job that is not done."),
		dead:    gauge("plimsoll_queue_given_up", "Jobs that were given up and are kept for a look."),
	})
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// knownEvents are the events that the contract names, and GitHub's ping.
func knownEvents() []string {
	return []string{"pull_request", "check_run", "check_suite", "issue_comment", "pull_request_review_comment", "merge_group", "installation", "installation_repositories", "push", "ping"}
}

func (m *Metrics) delivery(event, outcome string) {
	switch {
	case event == "":
		event = "unknown"
	case !slices.Contains(knownEvents(), event):
		event = "other"
	}
	m.deliveries.WithLabelValues(event, outcome).Inc()
}

// ReviewDone counts a published review; see PullReviewer.Done.
func (m *Metrics) ReviewDone(d time.Duration, conclusion review.Conclusion) {
	m.reviews.WithLabelValues(string(conclusion)).Observe(d.Seconds())
}

// Call counts a request to GitHub; see github.Options.OnCall.
func (m *Metrics) Call(call string, installation int64, status, remaining int) {
	m.calls.WithLabelValues(call, strconv.Itoa(status)).Inc()
	if remaining >= 0 {
		m.remaining.WithLabelValues(strconv.FormatInt(installation, 10)).Set(float64(remaining))
	}
}

// Phase measures a part of a review; see PullReviewer.Phase.
func (m *Metrics) Phase(ctx context.Context, name string) (context.Context, func(error)) {
	began := time.Now()
	return ctx, func(error) { m.PhaseTook(name, time.Since(began)) }
}

// PhaseTook counts a part of a review that was measured elsewhere.
func (m *Metrics) PhaseTook(name string, d time.Duration) {
	m.phases.WithLabelValues(name).Observe(d.Seconds())
}

// Missed counts what a sweep found; see Sweeper.Missed.
func (m *Metrics) Missed(kind string) { m.missed.WithLabelValues(kind).Inc() }

// ReviewFunc is reviewer.Review, or something around it.
type ReviewFunc func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (*review.Report, error)

// Watch gives f with its findings counted.
func (m *Metrics) Watch(f ReviewFunc) ReviewFunc {
	return func(ctx context.Context, opt reviewer.Options, trees reviewer.Trees) (*review.Report, error) {
		report, err := f(ctx, opt, trees)
		if err == nil {
			m.report(report)
		}
		return report, err
	}
}

func (m *Metrics) report(r *review.Report) {
	for _, f := range r.Findings {
		id := f.Rule.ID
		if f.Rule.Limited {
			id = "custom"
		}
		m.findings.WithLabelValues(id, string(f.State)).Inc()
	}
	for _, u := range r.Unknown {
		id := u.Rule.ID
		if u.Rule.Limited {
			id = "custom"
		}
		m.notEvaluated.WithLabelValues("unknown_value", id).Inc()
	}
	for _, d := range r.Diagnostics {
		switch {
		case d.NotEvaluated != "":
			m.notEvaluated.WithLabelValues("missing_source", "").Inc()
		case d.Level == source.LevelError:
			m.notEvaluated.WithLabelValues("unreadable_file", "").Inc()
		}
	}
}

// queueCollector reads the queue's state when it is scraped.
type queueCollector struct {
	stats                             func(ctx context.Context) (jobs.Stats, error)
	up, queued, running, oldest, dead *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.queued, c.running, c.oldest, c.dead} {
		out <- d
	}
}

// Collect implements prometheus.Collector. A queue that does not answer gives
// plimsoll_queue_up 0 and no numbers, rather than wrong ones.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	s, err := c.stats(ctx)
	send := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	if err != nil {
		send(c.up, 0)
		return
	}
	send(c.up, 1)
	send(c.queued, float64(s.Queued))
	send(c.running, float64(s.Running))
	send(c.oldest, s.Oldest.Seconds())
	send(c.dead, float64(s.Dead))
}
