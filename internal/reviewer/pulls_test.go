package reviewer_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
	"github.com/plimsoll-iac/plimsoll/internal/format/dockerfile"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
	"github.com/plimsoll-iac/plimsoll/rules"
)

var update = flag.Bool("update", false, "write what the pull requests in testdata give now")

// today is the day of every review in the tests; suppressions expire by it.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// builtIn loads the rules once for all tests.
var builtIn = sync.OnceValues(func() ([]*rule.Rule, source.Diagnostics) { return rule.Load(rules.FS()) })

func options(t testing.TB) reviewer.Options {
	t.Helper()
	all, ds := builtIn()
	for _, d := range ds {
		t.Fatalf("built-in rules: %s", d)
	}
	return reviewer.Options{
		Rules: slices.Clone(all), Finder: project.New(project.Options{}), Now: func() time.Time { return today },
		Readers: map[string]format.Reader{
			resource.Kubernetes: bootstrap.Within(kubernetes.New()), resource.Terraform: bootstrap.Within(terraform.New()), resource.TerraformPlan: terraform.NewPlan(), resource.Dockerfile: dockerfile.New(),
			resource.Compose: compose.New(), resource.Actions: actions.New(), resource.CloudFormation: bootstrap.Within(cloudformation.New()),
			resource.NodeBootstrap: bootstrap.New(), helm.Name: bootstrap.Within(helm.New()), kustomize.Name: bootstrap.Within(kustomize.New()),
		},
	}
}

// trees is a change between two trees in memory.
type trees struct{ base, head fstest.MapFS }

func (t trees) Base() fs.FS                                           { return t.base }
func (t trees) Head() fs.FS                                           { return t.head }
func (t trees) Prefetch(context.Context, []string, []string) error    { return nil }
func (t trees) Changes(context.Context) ([]project.PathChange, error) { return t.diff(), nil }
func (t trees) swapped() trees                                        { return trees{t.head, t.base} }
func newTrees(files map[string]string, side string, into fstest.MapFS) {
	for name, data := range files {
		if rest, ok := strings.CutPrefix(name, side+"/"); ok {
			into[rest] = &fstest.MapFile{Data: []byte(data)}
		}
	}
}

func (t trees) diff() []project.PathChange {
	var out []project.PathChange
	for name, f := range t.head {
		b, ok := t.base[name]
		switch {
		case !ok:
			out = append(out, project.PathChange{Path: name, Kind: project.Added})
		case !bytes.Equal(b.Data, f.Data):
			out = append(out, project.PathChange{Path: name, Kind: project.Modified})
		}
	}
	for name := range t.base {
		if _, ok := t.head[name]; !ok {
			out = append(out, project.PathChange{Path: name, Kind: project.Removed})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// hunks gives the head's hunks as GitHub would show them.
func (t trees) hunks() map[string][]change.Hunk {
	out := map[string][]change.Hunk{}
	for _, c := range t.diff() {
		if c.Kind == project.Removed {
			continue
		}
		before := []byte{}
		if f := t.base[c.Path]; f != nil {
			before = f.Data
		}
		out[c.Path] = change.Hunks(source.NewFile(c.Path, before), source.NewFile(c.Path, t.head[c.Path].Data), 3)
	}
	return out
}

// TestPulls reviews every pull request in testdata/pulls. Each is a txtar with
// base/ and head/ trees and the file want: a line for each finding, each inline
// comment and annotation, each diagnostic, and the conclusion.
func TestPulls(t *testing.T) {
	files, err := filepath.Glob("../../testdata/pulls/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pull requests in testdata/pulls (%v)", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			ar := txtar.Parse(data)
			tr := trees{fstest.MapFS{}, fstest.MapFS{}}
			content := map[string]string{}
			want := -1
			for i, f := range ar.Files {
				if f.Name == "want" {
					want = i
					continue
				}
				content[f.Name] = string(f.Data)
			}
			newTrees(content, "base", tr.base)
			newTrees(content, "head", tr.head)
			rep, err := reviewer.Review(t.Context(), options(t), tr)
			if err != nil {
				t.Fatal(err)
			}
			rep.BaseHunks = tr.swapped().hunks()
			got := outline(rep, review.Make(rep, tr.hunks()))
			if *update {
				if want < 0 {
					ar.Files = append(ar.Files, txtar.File{Name: "want"})
					want = len(ar.Files) - 1
				}
				ar.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want < 0 {
				t.Fatal("no file named want; run go test ./internal/reviewer -run TestPulls -update")
			}
			if d := cmp.Diff(string(ar.Files[want].Data), got); d != "" {
				t.Errorf("not as wanted (-want +got):\n%s", d)
			}
			swap(t, tr, rep)
		})
	}
}

// swap demands that the review of the way back has new and fixed exchanged.
func swap(t *testing.T, tr trees, there *review.Report) {
	t.Helper()
	if there.Policy.ConfigError != nil || tr.base[".plimsoll.yml"] != nil || tr.head[".plimsoll.yml"] != nil {
		return
	}
	back, err := reviewer.Review(t.Context(), options(t), tr.swapped())
	if err != nil {
		t.Fatal(err)
	}
	count := func(r *review.Report, state string) (out []string) {
		for _, f := range r.Findings {
			if string(f.State) == state || f.State == "suppressed" && state == "new" {
				out = append(out, f.Fingerprint)
			}
		}
		sort.Strings(out)
		return out
	}
	if a, b := count(there, "new"), count(back, "fixed"); len(a) != len(b) {
		t.Errorf("there %d new, on the way back %d fixed", len(a), len(b))
	}
}

// outline writes a review as short lines, in a stable order.
func outline(rep *review.Report, rv *review.Review) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", rv.Conclusion, rv.Title)
	for _, c := range rep.Changes {
		if c.Kind != change.Unchanged {
			fmt.Fprintf(&b, "%s %s\n", c.Kind, c.Resource().ID)
		}
	}
	for _, f := range rep.Findings {
		fix := ""
		if f.Fix != nil {
			fix = " (fix)"
		}
		fmt.Fprintf(&b, "%s %s %s %s at %s:%d%s\n", f.State, f.Severity, f.Rule.ID, f.Path, f.Range.File, f.Range.Start.Line, fix)
		if len(f.Through) > 0 {
			fmt.Fprintf(&b, "  through %s\n", strings.Join(f.Through, ", "))
		}
		for _, o := range f.Origins {
			fmt.Fprintf(&b, "  from %s:%d\n", o.File, o.Start.Line)
		}
	}
	for _, c := range rv.Comments {
		suggestion := ""
		if strings.Contains(c.Body, "```suggestion") {
			suggestion = " with a suggestion"
		}
		removed := ""
		if c.Removed {
			removed = " of the base"
		}
		fmt.Fprintf(&b, "comment %s:%d-%d%s on %d%s\n", c.Path, c.Start, c.Line, removed, len(c.Fingerprints), suggestion)
	}
	for _, a := range rv.Annotations {
		fmt.Fprintf(&b, "annotation %s:%d %s\n", a.Path, a.Start, a.Level)
	}
	for _, u := range rep.Unknown {
		fmt.Fprintf(&b, "not evaluated %s on %s: %s\n", u.Rule.ID, u.Resource.ID, u.Why)
	}
	for _, d := range rep.Diagnostics {
		fmt.Fprintf(&b, "%s %s\n", d.Level, d)
	}
	return b.String()
}
