package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestReviewIsTraced(t *testing.T) {
	s := newStage(t)
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	m := NewMetrics("test")
	s.puller.Phase = phase(m.Phase).also(spans(provider.Tracer("test")))
	s.push(map[int]string{10: "bad: 1"})
	s.pull(false)
	s.handle()
	names := map[string]sdktrace.ReadOnlySpan{}
	for _, span := range recorder.Ended() {
		names[span.Name()] = span
	}
	job := names["plimsoll.job"]
	if job == nil {
		t.Fatalf("spans %v", names)
	}
	for _, name := range []string{"announce", "compare", "fetch", "judge", "publish"} {
		span := names["plimsoll."+name]
		if span == nil || span.Parent().SpanID() != job.SpanContext().SpanID() {
			t.Errorf("%s is no part of the job's trace", name)
		}
	}
	said := map[string]string{}
	for _, a := range job.Attributes() {
		said[string(a.Key)] = a.Value.String()
	}
	if said["plimsoll.repository"] != shop || said["plimsoll.pull_request"] != "1" || said["plimsoll.delivery"] == "" {
		t.Errorf("attributes %v", said)
	}
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(w.Body.String(), `plimsoll_review_phase_duration_seconds_count{phase="judge"} 1`) {
		t.Error("the phases are not measured")
	}
}

// Nothing is sent anywhere unless the environment names a collector.
func TestTracesGoWhereTheEnvironmentSays(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_SERVICE_NAME": "x"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://otel.example/v1/traces"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example", "OTEL_SDK_DISABLED": "true"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example", "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		if got := traced(func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }); got != c.want {
			t.Errorf("%v: %t", c.env, got)
		}
	}
	var asked atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" {
			asked.Add(1)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	p, stop, err := startTracing(t.Context(), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, end := p(t.Context(), "job")
	end(nil)
	stop(t.Context())
	if asked.Load() == 0 {
		t.Error("no trace came")
	}
}
