package actions_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const good = `# Checks every push.
name: CI
on:
  push: {branches: [main]}
  workflow_dispatch:
permissions:
  contents: read
env:
  GO: "${{ vars.GO }}"
jobs:
  test:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix: {os: [ubuntu-24.04]}
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4 # the code
        with:
          ref: ${{ github.sha }}
      - name: Test
        if: ${{ always() }}
        run: |
          echo "${{ github.event.head_commit.message }}"
          go test ./...
`

const action = `name: Build
description: Builds it.
inputs:
  token: {default: "${{ github.token }}"}
runs:
  using: composite
  steps:
    - run: make
      shell: bash
`

func cases() formattest.Cases {
	return formattest.Cases{
		Format:    actions.Name,
		Platforms: []string{resource.Actions},
		File:      ".github/workflows/ci.yml",
		Good:      good,
		Broken:    "on: push\njobs:\n  a: [\n",
		Key:       formattest.YAMLKey,
		Scalar:    formattest.YAMLScalar,
	}
}

func TestConformance(t *testing.T) {
	c := cases()
	one := func(name, path, text string, ids []string, diagnostics ...string) formattest.Unit {
		return formattest.Unit{Name: name, Files: map[string]string{path: text}, IDs: ids, Diagnostics: diagnostics}
	}
	const p = ".github/workflows/ci.yml"
	c.Units = []formattest.Unit{
		one("workflow", p, good, []string{"workflow/" + p}),
		one("action", "tools/build/action.yml", action, []string{"action/tools/build/action.yml"}),
		one("neither", p, "a: 1\n", []string{}),
		one("jobs that are no map", p, "on: push\njobs: [a]\n", []string{}, p+":2: error: jobs is not a map"),
		one("runs that is no map", "action.yml", "runs: a\n", []string{}, "action.yml:1: error: runs is not a map"),
		one("two documents", p, "on: push\njobs: {}\n---\non: push\njobs: {}\n", []string{"workflow/" + p, "workflow/" + p + "#2"}, p+":4: warning: the first alone"),
		one("broken with an expression", p, "on: push\njobs:\n  a: [${{ x }}\n", []string{}, p+":3: error: "),
	}
	formattest.Run(t, actions.New(), c)
}

func read(t *testing.T, path, text string) *resource.Resource {
	t.Helper()
	u := format.Unit{ID: "github-actions:" + path, Format: actions.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text)}}}
	rs, ds := actions.New().Read(t.Context(), u)
	if len(ds) > 0 || len(rs) != 1 {
		t.Fatal(rs, ds)
	}
	formattest.Check(t, cases(), u, rs, ds)
	return rs[0]
}

func TestWorkflow(t *testing.T) {
	r := read(t, ".github/workflows/ci.yml", good)
	if r.Kind != actions.KindWorkflow || r.Name != "ci" || r.Head.Start.Line != 2 {
		t.Errorf("%s %s %v", r.Kind, r.Name, r.Head)
	}
	if len(r.Comments) != 2 || r.Comments[0].Text != "Checks every push." {
		t.Errorf("comments: %+v", r.Comments)
	}
	if r.Root.Get("on") == nil {
		t.Fatal("on is taken for a boolean")
	}
	job := r.Root.Path("jobs", "test")
	if n := job.Get("runs-on"); !n.Unknown || !strings.HasPrefix(n.Why, "${{ matrix.os }}") {
		t.Errorf("runs-on is %+v", n)
	}
	steps := job.Get("steps").Items
	for _, n := range []*resource.Node{steps[0].Path("with", "ref"), steps[1].Get("if"), steps[1].Get("run"), r.Root.Path("env", "GO")} {
		if n.Unknown || !strings.Contains(n.Str(), "${{") {
			t.Errorf("a text with an expression is %+v", n)
		}
	}
	if v := job.Get("timeout-minutes").Value; v != int64(10) {
		t.Errorf("timeout-minutes is %v", v)
	}
}

func TestAction(t *testing.T) {
	r := read(t, "tools/build/action.yml", action)
	if r.Kind != actions.KindAction || r.Name != "build" {
		t.Errorf("%s %s", r.Kind, r.Name)
	}
}

func TestSniffAction(t *testing.T) {
	for text, want := range map[string]bool{
		action:                         true,
		"runs: {using: node20}\n":      false, // nobody writes it so
		"runs:\n  - using: x\n":        false,
		"using: x\nruns:\n  main: y\n": false,
		"":                             false,
	} {
		if got := actions.SniffAction([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(action))
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 4096 {
			f.Add(h.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		const p = ".github/workflows/ci.yml"
		u := format.Unit{ID: "github-actions:" + p, Format: actions.Name, Dir: ".", Files: []string{p}, FS: fstest.MapFS{p: {Data: data}}}
		begin := time.Now()
		rs, ds := actions.New().Read(t.Context(), u)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), d)
		}
		formattest.Check(t, cases(), u, rs, ds)
		actions.SniffAction(data)
	})
}
