package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/plimsoll-iac/plimsoll/internal/jobs"
)

// phase is told of a part of a review; see PullReviewer.Phase.
type phase func(ctx context.Context, name string) (context.Context, func(error))

// also has both told.
func (p phase) also(q phase) phase {
	return func(ctx context.Context, name string) (context.Context, func(error)) {
		ctx, endP := p(ctx, name)
		ctx, endQ := q(ctx, name)
		return ctx, func(err error) {
			endQ(err)
			endP(err)
		}
	}
}

// traced reports whether the environment names a collector of traces.
func traced(env func(string) (string, bool)) bool {
	set := func(name string) bool {
		v, _ := env(name)
		return v != ""
	}
	disabled, _ := env("OTEL_SDK_DISABLED")
	exporter, given := env("OTEL_TRACES_EXPORTER")
	return !strings.EqualFold(disabled, "true") && (!given || exporter == "otlp" || exporter == "") &&
		(set("OTEL_EXPORTER_OTLP_ENDPOINT") || set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
}

// startTracing gives the phases of traces that go to the collector that the
// OTEL_* variables name, over OTLP and HTTP. stop sends what is left.
func startTracing(ctx context.Context, version string, log *slog.Logger) (phase, func(context.Context), error) {
	exporter, err := otlptracehttp.New(ctx) // reads OTEL_EXPORTER_OTLP_*
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "plimsoll"), attribute.String("service.version", version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	stop := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.WarnContext(ctx, "the last traces were not sent", "error", err)
		}
	}
	return spans(provider.Tracer("github.com/plimsoll-iac/plimsoll")), stop, nil
}

// spans makes a span of each part of a review. What was under review is named
// on the outermost one; file names and findings are in none.
func spans(tracer trace.Tracer) phase {
	return func(ctx context.Context, name string) (context.Context, func(error)) {
		var opts []trace.SpanStartOption
		if j, ok := ctx.Value(jobKey{}).(jobs.Job); ok && name == "job" {
			opts = append(opts, trace.WithTimestamp(time.Now()), trace.WithAttributes(
				attribute.String("plimsoll.delivery", j.Delivery), attribute.String("plimsoll.event", j.Event), attribute.String("plimsoll.action", j.Action),
				attribute.String("plimsoll.repository", j.Owner+"/"+j.Repo), attribute.Int("plimsoll.pull_request", j.Number),
				attribute.String("plimsoll.head", j.HeadSHA), attribute.Int("plimsoll.attempt", j.Attempt),
				attribute.Float64("plimsoll.waited_seconds", max(0, time.Since(j.Enqueued).Seconds()))))
		}
		ctx, span := tracer.Start(ctx, "plimsoll."+name, opts...)
		return ctx, func(err error) {
			if err != nil {
				span.SetStatus(codes.Error, redact(clip(err.Error(), maxCause)))
			}
			span.End()
		}
	}
}
