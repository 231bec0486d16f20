package fix_test

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// spec reads fix operations as a rule file holds them.
func spec(t testing.TB, text string) *rule.FixSpec {
	t.Helper()
	var raw struct {
		Set, Append yaml.Node
		Delete      []string
		Review      string
	}
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	settings := func(n yaml.Node) []rule.Setting {
		var out []rule.Setting
		for i := 0; i+1 < len(n.Content); i += 2 {
			var v any = n.Content[i+1]
			if n.Content[i+1].Kind == yaml.ScalarNode {
				v = nil
				if err := n.Content[i+1].Decode(&v); err != nil {
					t.Fatal(err)
				}
			}
			out = append(out, rule.Setting{Path: n.Content[i].Value, Value: v})
		}
		return out
	}
	return &rule.FixSpec{Set: settings(raw.Set), Append: settings(raw.Append), Delete: raw.Delete, Review: raw.Review}
}

// reader gives the reader, platform and unit for a file by its name.
func readerOf(file string) (format.Reader, string) {
	switch {
	case path.Base(file) == "Dockerfile":
		return dockerReader(), resource.Dockerfile
	case path.Ext(file) == ".tf" || path.Ext(path.Base(file[:len(file)-len(path.Ext(file))])) == ".tf":
		return terraformReader(), resource.Terraform
	case strings.Contains(file, ".cfn."):
		return cloudformation.New(), resource.CloudFormation
	}
	return kubernetes.New(), resource.Kubernetes
}

func read(ctx context.Context, fsys fs.FS, file string) ([]*resource.Resource, error) {
	r, platform := readerOf(file)
	rs, ds := r.Read(ctx, format.Unit{
		ID: platform + ":" + path.Dir(file), Format: platform, Dir: path.Dir(file), Files: []string{file}, FS: fsys,
		MaxFileSize: format.DefaultMaxFileSize,
	})
	for _, d := range ds {
		if d.Level == source.LevelError {
			return nil, fmt.Errorf("%s", d)
		}
	}
	return rs, nil
}

// firstItem gives the path to the first item that a rule with this selection
// judges.
func propose(t testing.TB, file, text, item string, which int, sp *rule.FixSpec, write string) ([]source.Edit, *source.File, error) {
	t.Helper()
	fsys := fstest.MapFS{file: {Data: []byte(text)}}
	rs, err := read(t.Context(), fsys, file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := rule.ParsePath(item)
	if err != nil {
		t.Fatal(err)
	}
	if which >= len(rs) {
		t.Fatalf("there are %d resources", len(rs))
	}
	f := source.NewFile(file, []byte(text))
	finding := engine.Finding{
		Rule:     &rule.Rule{ID: "test/rule", Checks: []rule.Check{{Fix: sp}}},
		Resource: rs[which], Item: p, FixSpec: sp, Write: write, Language: rule.LanguageYAML,
	}
	if rs[which].Platform == resource.Terraform {
		finding.Language = rule.LanguageHCL
	}
	edits, err := fix.Propose(finding, func(string) *source.File { return f })
	return edits, f, err
}

// world evaluates rules over files in memory. It implements fix.Evaluator.
type world struct {
	files map[string]string
	rules []*rule.Rule
	runs  int
	read  map[string]*source.File
}

func (w *world) file(p string) *source.File {
	text, ok := w.files[p]
	if !ok {
		return nil
	}
	if f := w.read[p]; f != nil && string(f.Data) == text {
		return f
	}
	if w.read == nil {
		w.read = map[string]*source.File{}
	}
	w.read[p] = source.NewFile(p, []byte(text))
	return w.read[p]
}

func (w *world) Evaluate(ctx context.Context, unit string, overlay map[string][]byte) (fix.Evaluation, error) {
	w.runs++
	var all []*resource.Resource
	var out fix.Evaluation
	for p, text := range w.files {
		data := []byte(text)
		if o, ok := overlay[p]; ok {
			data = o
		}
		rs, err := read(ctx, fstest.MapFS{p: {Data: data}}, p)
		if err != nil {
			return out, err
		}
		if string(data) != text {
			was, err := read(ctx, fstest.MapFS{p: {Data: []byte(text)}}, p)
			if err != nil {
				return out, err
			}
			out.Added += len(rs) - len(was)
		}
		for _, r := range rs {
			if r.Unit == unit {
				all = append(all, r)
			}
		}
	}
	active := make([]rule.Active, len(w.rules))
	for i, r := range w.rules {
		active[i] = rule.Active{Rule: r, Severity: r.Severity}
	}
	out.Findings = engine.Evaluate(ctx, engine.Options{Rules: active, Today: time.Unix(0, 0), Workers: 1}, change.Pair(nil, all)).Findings
	return out, ctx.Err()
}

func mustRule(t testing.TB, id, text string) *rule.Rule {
	t.Helper()
	r, ds := rule.Parse("rule.yaml", []byte("id: "+id+"\ntitle: t\nseverity: high\ntheme: namespaces\nwhy: w\nremediation: r\n"+text))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	return r
}
