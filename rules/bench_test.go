package rules_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/rules"
)

// corpus reads the bundled manifests.
func corpus(b *testing.B) []change.ResourceChange {
	b.Helper()
	files, err := filepath.Glob("../testdata/corpus/kubernetes/*.yaml")
	if err != nil || len(files) == 0 {
		b.Fatal(err, "no corpus")
	}
	tree := fstest.MapFS{}
	u := format.Unit{ID: "kubernetes:.", Format: resource.Kubernetes, Dir: ".", FS: tree, MaxFileSize: format.DefaultMaxFileSize}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		tree[filepath.Base(name)] = &fstest.MapFile{Data: data}
		u.Files = append(u.Files, filepath.Base(name))
	}
	read, _ := kubernetes.New().Read(b.Context(), u)
	return change.Pair(nil, read)
}

func active(b *testing.B) []rule.Active {
	b.Helper()
	all, ds := rule.Load(rules.FS())
	if len(ds) > 0 {
		b.Fatal(ds)
	}
	out := make([]rule.Active, len(all))
	for i, r := range all {
		out[i] = rule.Active{Rule: r, Severity: r.Severity}
	}
	return out
}

// BenchmarkCatalogue judges the bundled manifests by every rule on one core, and
// counts a check of one resource as one evaluation.
func BenchmarkCatalogue(b *testing.B) {
	changes, rs := corpus(b), active(b)
	evaluations := 0
	for _, c := range changes {
		for _, a := range rs {
			for i := range a.Rule.Checks {
				if a.Rule.Checks[i].Applies(c.After.Platform, c.After.Group, c.After.Kind) {
					evaluations++
				}
			}
		}
	}
	opt := engine.Options{Rules: rs, Today: time.Unix(0, 0), InlineFromHead: true, Workers: 1}
	engine.Evaluate(b.Context(), opt, changes) // compiles the rules
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		engine.Evaluate(b.Context(), opt, changes)
		n++
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(evaluations*n)/b.Elapsed().Seconds(), "evaluations/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(evaluations*n), "allocs/evaluation")
	b.ReportMetric(float64(len(changes)*n)/b.Elapsed().Seconds(), "resources/s")
}

// BenchmarkCompile reads and compiles the whole catalogue, which a review never
// does: it compiles the checks that its resources ask for.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	checks := 0
	for b.Loop() {
		all, ds := rule.Load(rules.FS())
		if len(ds) > 0 {
			b.Fatal(ds)
		}
		checks = 0
		for _, r := range all {
			for i := range r.Checks {
				if _, err := r.Program(i); err != nil {
					b.Fatal(err)
				}
				checks++
			}
		}
	}
	b.ReportMetric(float64(checks), "checks")
}

// BenchmarkLoad reads the catalogue without compiling it, as each start of a
// review does.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ds := rule.LoadForReview(rules.FS()); len(ds) > 0 {
			b.Fatal(ds)
		}
	}
}
