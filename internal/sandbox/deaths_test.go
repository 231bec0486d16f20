//go:build !race

package sandbox

// The race detector keeps notes of its own beside each byte, several times as
// many, and they count against a child's limits: what dies by a limit dies by
// the detector's there. make test RACE=-race runs this room a second time
// without it.

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// A child that dies costs its unit, with the cause, and no other.
func TestDeaths(t *testing.T) {
	// What dies of something else has the time for it, on a busy machine too.
	patient := pool(t, Options{Timeout: time.Minute, Children: 2, MaxFiles: 8 << 20})
	hasty := pool(t, Options{Timeout: 3 * time.Second, Children: 2, MaxFiles: 8 << 20})
	good := unit(map[string]string{"main.tf": tf})
	for _, tc := range []struct{ format, dir, want string }{
		{"hungry", ".", "it needed more than 512 MB"},
		{"deep", ".", "it overflowed the stack"},
		{"loop", ".", "it took longer than 3s"},
		{"wide", ".", "it holds more than 600000 values"},
		{"wide", "shared", "it holds more than 600000 values"},
		{"panic", ".", "its reader failed with a string"},
		{"loud", ".", "its reader ended (signal: killed)"},
		{"greedy", ".", "its files came to more than 8 MB"},
		{"nobody", ".", "there is no reader for nobody"},
	} {
		t.Run(tc.format+" "+tc.dir, func(t *testing.T) {
			t.Parallel()
			p := patient
			if tc.format == "loop" {
				p = hasty
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			u := unit(map[string]string{"a": strings.Repeat("x", 1<<20)})
			u.Dir = tc.dir
			rs, ds := p.Reader(tc.format).Read(t.Context(), u)
			want := source.Diagnostics{{File: "a", Level: source.LevelError, Message: "was not evaluated: " + tc.want, NotEvaluated: "a"}}
			if d := cmp.Diff(want, ds); len(rs) > 0 || d != "" {
				t.Errorf("%d resources, diagnostics (-want +got):\n%s", len(rs), d)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 400<<20 {
				t.Errorf("the parent took %d MB more", grown>>20)
			}
			if rs, ds := p.Reader(resource.Terraform).Read(t.Context(), good); len(rs) != 3 || len(ds) > 0 {
				t.Errorf("the unit after it gave %d resources and %v", len(rs), ds)
			}
		})
	}
}

// A chart that takes too much of something costs itself, or its template.
func TestHostileCharts(t *testing.T) {
	patient := pool(t, Options{Timeout: time.Minute, Children: 2})
	hasty := pool(t, Options{Timeout: 5 * time.Second, Children: 2})
	chart := func(template string) format.Unit {
		u := unit(map[string]string{
			"Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "templates/a.yaml": template,
			"templates/good.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: good}\n",
		})
		u.ID, u.Format = "helm:.", helm.Name
		return u
	}
	for _, tc := range []struct{ name, template, want string }{
		{"memory", `{{ repeat 900000000 "x" }}`, "it needed more than 512 MB"},
		{"much memory", `{{ repeat 300000000 "x" }}`, ""},
		{"time", `{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "it took longer than 5s"},
		{"a large render", `{{ range until 200000 }}{{ repeat 1000 "x" }}{{ end }}`, "it renders to more than 16 MB"},
		{"a loop of includes", `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "a includes itself more than 1000 times"},
		{"a loop of templates", `{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, ""},
		{"a loop of texts", `{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}`, ""},
		{"nesting", `{{ ` + strings.Repeat("(", 100_000), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := patient
			if tc.name == "time" {
				p = hasty
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, ds := p.Reader(helm.Name).Read(t.Context(), chart(tc.template))
			if len(ds) != 1 || ds[0].NotEvaluated == "" || !strings.Contains(ds[0].Message, tc.want) {
				t.Errorf("got %v, want one diagnostic with %q", ds, tc.want)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 200<<20 {
				t.Errorf("the parent took %d MB more", grown>>20)
			}
			if rs, ds := p.Reader(helm.Name).Read(t.Context(), chart("")); len(rs) != 1 || len(ds) > 0 {
				t.Errorf("the next chart gave %d resources and %v", len(rs), ds)
			}
		})
	}
}
