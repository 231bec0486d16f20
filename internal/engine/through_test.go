package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// overlaid is a Deployment of base/api.yaml as an overlay has it.
func overlaid(t *testing.T, overlay, text string) *resource.Resource {
	t.Helper()
	r := manifest(t, "base/api.yaml", 1, text)
	r.Source = resource.Identity{Unit: "kubernetes:base", ID: r.ID}
	r.Unit = "kustomize:" + overlay
	r.ID = strings.Replace(r.ID, "api", overlay[len("overlays/"):]+"-api", 1)
	return r
}

func one(t *testing.T, fs []Finding, state State, through ...string) Finding {
	t.Helper()
	if len(fs) != 1 || fs[0].State != state || !slices.Equal(fs[0].Through, through) {
		t.Fatalf("got %d findings: %v %v", len(fs), lines(fs), fs)
	}
	return fs[0]
}

func TestThroughSeveralUnits(t *testing.T) {
	opt := Options{Rules: active(t, resource.Kubernetes, privileged())}
	bad, good := deployment("a!"), deployment("a")
	prod, staging := overlaid(t, "overlays/prod", bad), overlaid(t, "overlays/staging", bad)
	alone := one(t, evaluate(t, opt, added(prod)).Findings, New)
	both := one(t, evaluate(t, opt, added(staging), added(prod)).Findings, New, "overlays/prod", "overlays/staging")
	if both.Fingerprint != alone.Fingerprint || both.Resource != prod {
		t.Errorf("another overlay changes the fingerprint or the lead")
	}
	// It was there through one overlay and comes through the other.
	there := change.ResourceChange{Kind: change.Modified, Before: overlaid(t, "overlays/prod", bad), After: prod}
	comes := change.ResourceChange{Kind: change.Modified, Before: overlaid(t, "overlays/staging", good), After: staging}
	one(t, evaluate(t, opt, there, comes).Findings, New, "overlays/prod", "overlays/staging")
	// The way back: it goes from one overlay and stays in the other.
	goes := change.ResourceChange{Kind: change.Modified, Before: staging, After: overlaid(t, "overlays/staging", good)}
	fs := evaluate(t, opt, there, goes).Findings
	if len(fs) != 2 || fs[0].State == fs[1].State || fs[0].Fingerprint != fs[1].Fingerprint {
		t.Errorf("got %v", fs)
	}
	// A place of its own makes a finding of its own.
	patched := overlaid(t, "overlays/staging", bad)
	resource.Walk(patched.Root, func(_ resource.Path, n *resource.Node) bool {
		if n.KeyRange.File != "" {
			n.Range.File, n.KeyRange.File = "overlays/staging/patch.yaml", "overlays/staging/patch.yaml"
		}
		return true
	})
	fs = evaluate(t, opt, added(prod), added(patched)).Findings
	if len(fs) != 2 || fs[0].Fingerprint == fs[1].Fingerprint || fs[0].Fingerprint != alone.Fingerprint && fs[1].Fingerprint != alone.Fingerprint {
		t.Errorf("got %v", fs)
	}
}

func TestThroughVariants(t *testing.T) {
	opt := Options{Rules: active(t, resource.Kubernetes, privileged())}
	variant := func(name, id string) *resource.Resource {
		r := manifest(t, "chart/templates/api.yaml", 1, deployment("a!"))
		r.ID, r.Name = strings.Replace(r.ID, "api", id, 1), id
		r.Unit = "helm:chart"
		if name != "" {
			r.Unit += "@" + name
		}
		r.Variant = name
		return r
	}
	alone := one(t, evaluate(t, opt, added(variant("", "api"))).Findings, New)
	same := one(t, evaluate(t, opt, added(variant("values-prod.yaml", "api")), added(variant("", "api"))).Findings, New, "chart", "values-prod.yaml")
	renamed := one(t, evaluate(t, opt, added(variant("values-prod.yaml", "prod-api")), added(variant("", "api"))).Findings, New, "chart", "values-prod.yaml")
	if same.Fingerprint != alone.Fingerprint || renamed.Fingerprint != alone.Fingerprint {
		t.Error("a variant changes the fingerprint")
	}
	// Two things that one template makes stay two, each through both.
	fs := evaluate(t, opt, added(variant("", "api")), added(variant("", "web")), added(variant("p", "api")), added(variant("p", "web"))).Findings
	if len(fs) != 2 || len(fs[0].Through) != 2 || len(fs[1].Through) != 2 || fs[0].Resource.Name == fs[1].Resource.Name {
		t.Errorf("got %v", fs)
	}
}

// Somebody who answers for a place does so for every unit; at the setting of one
// environment, for that alone.
func TestThroughWithSuppressions(t *testing.T) {
	rule := privileged()
	at := func(line int) source.Range { return source.Range{File: "chart/a.yaml", Start: source.Pos{Line: line}} }
	unit := func(variant string, state State, s *Suppression) Finding {
		r := &resource.Resource{ID: "v1/Pod/a", Unit: "helm:chart@" + variant, Variant: variant, Root: &resource.Node{Kind: resource.Map}}
		return Finding{Rule: &rule, Resource: r, State: state, Suppression: s, Range: at(3), Origins: []source.Range{at(len(variant))}}
	}
	all, one := &Suppression{Reason: "all", here: true}, &Suppression{Reason: "one"}
	for name, c := range map[string]struct {
		a, b    Finding
		state   State
		through []string
	}{
		"for the place":        {unit("dev", New, nil), unit("prod", Suppressed, all), Suppressed, []string{"dev", "prod"}},
		"for one environment":  {unit("dev", New, nil), unit("prod", Suppressed, one), New, nil},
		"for one, in the base": {unit("dev", Suppressed, one), unit("prod", Existing, nil), Existing, nil},
		"for both":             {unit("dev", Suppressed, one), unit("prod", Suppressed, one), Suppressed, []string{"dev", "prod"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := mergeThrough([]Finding{c.a, c.b})
			if len(got) != 1 || got[0].State != c.state || !slices.Equal(got[0].Through, c.through) || (got[0].Suppression != nil) != (c.state == Suppressed) {
				t.Errorf("got %+v", got)
			}
			if c.through == nil && len(got[0].Origins) != 1 {
				t.Errorf("it comes from %v", got[0].Origins)
			}
		})
	}
}
