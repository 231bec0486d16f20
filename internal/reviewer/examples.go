package reviewer

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// ExampleResult says whether one part of an example of a rule holds.
type ExampleResult struct {
	Rule  *rule.Rule
	Index int    // of the example in Rule.Examples, 0-based
	Part  string // "fail", "fixed", "block" or "pass"
	Err   error  // why it does not hold; nil when it does
	// Mended is the text that the proven fixes make of the failing example; ""
	// where there is no fix.
	Mended string
	// Proven are the checks of the rule of which a fix was proven here, in the
	// part "fail".
	Proven []int
}

// RunExamples runs the examples of the rules: a failing one must give a finding
// of its rule, a passing one none, and the fixed text must be, byte for byte,
// what the proven fixes make of the failing one, with no finding of the rule
// left. A failing example that has fixes but shows no fixed text does not hold.
// The block of a check has to be filled in by a failing example, and to hold in
// each; see example.blocks.
// readers are by format; an example that names none is in the format that has
// the name of its platform.
func RunExamples(ctx context.Context, rules []*rule.Rule, readers map[string]format.Reader) []ExampleResult {
	var out []ExampleResult
	active := make([]rule.Active, len(rules))
	for i, r := range rules {
		active[i] = rule.Active{Rule: r, Severity: r.Severity}
	}
	for _, r := range rules {
		shown := map[int]bool{}
		for i, ex := range r.Examples {
			x := example{rule: r, all: active, format: ex.Format, file: ex.File}
			if x.format == "" {
				x.format = ex.Platform
			}
			x.reader = readers[x.format]
			if x.file == "" {
				x.file = defaultFiles[x.format]
			}
			if ex.Fail != "" {
				mended, proven, err := x.fails(ctx, ex.Fail)
				out = append(out, ExampleResult{Rule: r, Index: i, Part: "fail", Err: err, Proven: proven})
				if err == nil && r.Writes() {
					out = append(out, ExampleResult{Rule: r, Index: i, Part: "block", Err: x.blocks(ctx, ex.Fail, shown)})
				}
				if err == nil && (ex.Fixed != "" || mended != "") {
					out = append(out, ExampleResult{Rule: r, Index: i, Part: "fixed", Err: x.fixed(ctx, ex.Fixed, mended), Mended: mended})
				}
			}
			if ex.Pass != "" {
				out = append(out, ExampleResult{Rule: r, Index: i, Part: "pass", Err: x.passes(ctx, ex.Pass)})
			}
		}
		for n, c := range r.Checks {
			// What is found of a removal alone shows in no example.
			removal := strings.Contains(c.Fail, "linked_before") || strings.Contains(c.Fail, "oldObject")
			if c.Write != "" && !shown[n] && !removal && len(r.Examples) > 0 {
				out = append(out, ExampleResult{Rule: r, Index: len(r.Examples) - 1, Part: "block", Err: fmt.Errorf("no failing example fills in the block of the check in line %d", c.Line)})
			}
		}
	}
	return out
}

// defaultFiles name the file of an example that does not.
var defaultFiles = map[string]string{
	resource.Kubernetes:     "manifest.yaml",
	resource.Terraform:      "main.tf",
	resource.Dockerfile:     "Dockerfile",
	resource.Compose:        "compose.yaml",
	resource.Actions:        ".github/workflows/ci.yml",
	resource.CloudFormation: "template.yaml",
	resource.NodeBootstrap:  "user-data.sh",
}

// example is one example as a unit of one file. It implements fix.Evaluator with
// all rules at hand, so that a fix which breaks another rule is not proven.
type example struct {
	rule   *rule.Rule
	all    []rule.Active
	format string
	reader format.Reader
	file   string
	text   string
}

func (x example) Evaluate(ctx context.Context, _ string, overlay map[string][]byte) (fix.Evaluation, error) {
	var out fix.Evaluation
	now, err := x.read(ctx, x.text)
	if err != nil {
		return out, err
	}
	resources := now
	if data, ok := overlay[x.file]; ok && string(data) != x.text {
		if resources, err = x.read(ctx, string(data)); err != nil {
			return out, err
		}
		if out.Added, err = more(now, resources, nil); err != nil {
			return out, err
		}
	}
	out.Resources = resources
	opt := engine.Options{
		Rules: x.all,
		// No example is suppressed but by a comment without an end.
		Today: time.Unix(0, 0), InlineFromHead: true, Workers: 1,
	}
	res := engine.Evaluate(ctx, opt, change.Pair(nil, resources))
	for _, d := range res.Diagnostics {
		if d.Level == source.LevelError {
			return out, errors.New(d.String())
		}
	}
	for _, u := range res.Unknown {
		if u.Rule == x.rule && u.Why == rule.OverCost {
			return out, errors.New(u.Why)
		}
	}
	out.Findings = slices.DeleteFunc(res.Findings, func(f engine.Finding) bool { return f.State == engine.Suppressed })
	return out, ctx.Err()
}

// read gives what the example has with a text.
func (x example) read(ctx context.Context, text string) ([]*resource.Resource, error) {
	if x.reader == nil {
		return nil, fmt.Errorf("there is no reader for %s", x.format)
	}
	u := format.Unit{
		Format: x.format, Dir: path.Dir(x.file), Files: []string{x.file},
		FS: fstest.MapFS{x.file: {Data: []byte(text)}}, MaxFileSize: format.DefaultMaxFileSize,
	}
	u.ID = x.format + ":" + u.Dir
	if x.format == resource.Dockerfile {
		u.ID = x.format + ":" + x.file
	}
	resources, ds := readUnit(ctx, x.reader, u)
	for _, d := range ds {
		if d.Level == source.LevelError {
			return nil, fmt.Errorf("the example does not read: %s", d)
		}
	}
	if len(resources) == 0 {
		return nil, errors.New("the example has no resource")
	}
	return resources, nil
}

// own gives the findings of the rule itself.
func (x example) own(ctx context.Context) ([]engine.Finding, error) {
	found, err := x.Evaluate(ctx, "", nil)
	return slices.DeleteFunc(found.Findings, func(f engine.Finding) bool { return f.Rule != x.rule }), err
}

// fails checks that the text gives a finding, and gives what the fixes make of
// it and the checks whose fix was proven.
func (x example) fails(ctx context.Context, text string) (mended string, proven []int, err error) {
	x.text = text
	found, err := x.own(ctx)
	if err != nil {
		return "", nil, err
	}
	if len(found) == 0 {
		return "", nil, errors.New("it gives no finding")
	}
	file := source.NewFile(x.file, []byte(text))
	files := func(p string) *source.File {
		if p == x.file {
			return file
		}
		return nil
	}
	fixes, err := fix.All(ctx, x, found, files)
	if err != nil || len(fixes) == 0 {
		return "", nil, err
	}
	for _, f := range found {
		if fixes[f.Fingerprint] != nil && !slices.Contains(proven, f.Check) {
			proven = append(proven, f.Check)
		}
	}
	after, _, err := fix.ApplyAll(ctx, x, found, files)
	if err != nil {
		return "", nil, err
	}
	return string(after[x.file]), proven, nil
}

func (x example) fixed(ctx context.Context, want, got string) error {
	switch {
	case want == "":
		return fmt.Errorf("it can be fixed, but the example does not show how; add fixed:\n%s", got)
	case got == "":
		return errors.New("no fix could be made and proven")
	case got != want:
		return fmt.Errorf("the fix makes something else of it:\n%s", got)
	}
	return x.passes(ctx, want)
}

func (x example) passes(ctx context.Context, text string) error {
	x.text = text
	found, err := x.own(ctx)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("it gives a finding at %s: %s", found[0].Range, found[0].Message)
	}
	return nil
}
