//go:build !race

// Thousands of reviews, one after the other.

package reviewer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// TestExamplesAsPullRequests makes pull requests of the examples of each rule:
// one that turns the fixed text into the failing one has a new finding, said at a
// line that it shows; the way back fixes it; one that changes something else says
// nothing of it.
func TestExamplesAsPullRequests(t *testing.T) {
	const settings = "version: 1\nprofile: [strict, reliability, style]\ncomment_on: low\n"
	names := map[string]string{
		resource.Kubernetes: "manifest.yaml", resource.Terraform: "main.tf", resource.Dockerfile: "Dockerfile", resource.Compose: "compose.yaml",
		resource.Actions: ".github/workflows/ci.yml", resource.CloudFormation: "template.yaml", resource.NodeBootstrap: "user-data.sh",
	}
	opt := options(t)
	rules := opt.Rules
	pull := func(t *testing.T, file, base, head string) (*review.Report, *review.Review) {
		t.Helper()
		side := func(text string) fstest.MapFS {
			return fstest.MapFS{".plimsoll.yml": {Data: []byte(settings)}, file: {Data: []byte(text)}}
		}
		tr := trees{side(base), side(head)}
		rep, err := reviewer.Review(t.Context(), opt, tr)
		if err != nil {
			t.Fatal(err)
		}
		rep.BaseHunks = tr.swapped().hunks()
		return rep, review.Make(rep, tr.hunks())
	}
	in := func(rep *review.Report, state engine.State) (out []string) {
		for _, f := range rep.Findings {
			if f.State == state {
				out = append(out, f.Fingerprint)
			}
		}
		return out
	}
	tried := 0
	for _, r := range rules {
		opt.Rules = []*rule.Rule{r}
		for i, e := range r.Examples {
			file := e.File
			for _, format := range []string{e.Format, e.Platform, r.Checks[0].Platform} {
				if file == "" && format != "" {
					file = names[format]
					break
				}
			}
			if e.Fail == "" || e.Fixed == "" || file == "" {
				continue
			}
			tried++
			rep, rv := pull(t, file, e.Fixed, e.Fail)
			fresh := in(rep, engine.New)
			if len(fresh) == 0 {
				t.Errorf("%s example %d, line %d: nothing new; %v", r.ID, i+1, e.Line, rep.Diagnostics)
				continue
			}
			for _, fp := range fresh {
				if !slices.ContainsFunc(rv.Comments, func(c review.Comment) bool { return slices.Contains(c.Fingerprints, fp) }) {
					t.Errorf("%s example %d, line %d: not said at a line of the change", r.ID, i+1, e.Line)
				}
			}
			rep, _ = pull(t, file, e.Fail, e.Fixed)
			if len(in(rep, engine.Fixed)) == 0 || len(in(rep, engine.New)) > 0 {
				t.Errorf("%s example %d, line %d: the way back fixes %d and brings %d", r.ID, i+1, e.Line, len(in(rep, engine.Fixed)), len(in(rep, engine.New)))
			}
			if strings.HasSuffix(file, ".json") || strings.HasPrefix(strings.TrimSpace(e.Fail), "{") {
				continue
			}
			rep, _ = pull(t, file, e.Fail, strings.TrimSuffix(e.Fail, "\n")+"\n# another line\n")
			if n := len(in(rep, engine.New)); n > 0 {
				t.Errorf("%s example %d, line %d: another line brings %d", r.ID, i+1, e.Line, n)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d examples", tried)
	}
}
