package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// manifest reads one YAML document into a resource, with the positions that
// the engine needs; src starts at the given line of its file.
func manifest(t testing.TB, file string, line int, src string) *resource.Resource {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(src), &doc); err != nil {
		t.Fatal(err)
	}
	b := builder{t: t, file: source.NewFile(file, []byte(strings.Repeat("\n", line-1)+src)), shift: line - 1}
	root := b.node(doc.Content[0])
	r := &resource.Resource{
		Platform: resource.Kubernetes, Format: resource.Kubernetes, Unit: "kubernetes:k8s", Root: root, Comments: b.comments(),
	}
	r.Range = root.Range
	r.Kind = root.Get("kind").Str()
	r.Group, r.Version, _ = strings.Cut(root.Get("apiVersion").Str(), "/")
	if r.Version == "" {
		r.Group, r.Version = "", r.Group
	}
	r.Name = root.Path("metadata", "name").Str()
	r.Namespace = root.Path("metadata", "namespace").Str()
	r.ID = strings.Join([]string{root.Get("apiVersion").Str(), r.Kind, r.Namespace, r.Name}, "/")
	first := b.file.Pos(root.Range.Start.Byte).Line
	r.Head = b.file.Range(b.file.LineStart(first), b.file.LineStart(first)+len(b.file.Line(first)))
	return r
}

type builder struct {
	t     testing.TB
	file  *source.File
	shift int
}

func (b builder) offset(n *yaml.Node) int {
	return b.file.LineStart(n.Line+b.shift) + n.Column - 1
}

func (b builder) node(n *yaml.Node) *resource.Node {
	out := &resource.Node{}
	start := b.offset(n)
	end := start + len(n.Value)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		end += 2
	}
	switch n.Kind {
	case yaml.MappingNode:
		out.Kind = resource.Map
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], b.node(n.Content[i+1])
			v.KeyRange = b.file.Range(b.offset(k), b.offset(k)+len(k.Value))
			out.Fields = append(out.Fields, resource.Field{Name: k.Value, Node: v})
			end = max(end, v.Range.End.Byte)
		}
	case yaml.SequenceNode:
		out.Kind = resource.List
		for _, c := range n.Content {
			it := b.node(c)
			out.Items = append(out.Items, it)
			end = max(end, it.Range.End.Byte)
		}
	default:
		var v any
		if err := n.Decode(&v); err != nil {
			b.t.Fatal(err)
		}
		switch x := v.(type) {
		case bool:
			out.Kind, out.Value = resource.Bool, x
		case int:
			out.Kind, out.Value = resource.Int, int64(x)
		case float64:
			out.Kind, out.Value = resource.Float, x
		case string:
			out.Kind, out.Value = resource.String, x
		}
		if s, _ := v.(string); strings.HasPrefix(s, "UNKNOWN ") {
			out.Unknown, out.Why = true, strings.TrimPrefix(s, "UNKNOWN ")
		}
	}
	out.Range = b.file.Range(start, end)
	return out
}

func (b builder) comments() []resource.Comment {
	var out []resource.Comment
	for l := b.shift + 1; l <= b.file.Lines(); l++ {
		text := b.file.Line(l)
		i := strings.IndexByte(text, '#')
		if i < 0 {
			continue
		}
		start := b.file.LineStart(l) + i
		out = append(out, resource.Comment{
			Text: text[i+1:], Range: b.file.Range(start, b.file.LineStart(l)+len(text)), Trailing: strings.TrimSpace(text[:i]) != "",
		})
	}
	return out
}

// active compiles rules given as id, each, fail, at and message; severity high.
func active(t testing.TB, platform string, specs ...rule.Rule) []rule.Active {
	t.Helper()
	out := make([]rule.Active, 0, len(specs))
	var all []*rule.Rule
	for _, r := range specs {
		for i := range r.Checks {
			if r.Checks[i].Platform == "" {
				r.Checks[i].Platform = platform
			}
		}
		if r.Severity == "" {
			r.Severity = rule.High
		}
		c := &rule.Rule{ID: r.ID, Severity: r.Severity, Equivalents: r.Equivalents, Over: r.Over, Checks: r.Checks}
		if ds := c.Check(); len(ds) > 0 {
			t.Fatal(ds)
		}
		out = append(out, rule.Active{Rule: c, Severity: c.Severity})
		all = append(all, c)
	}
	if _, ds := rule.New(all); len(ds) > 0 {
		t.Fatal(ds)
	}
	return out
}

func privileged() rule.Rule {
	return rule.Rule{ID: "k8s/privileged-container", Severity: rule.Critical, Checks: []rule.Check{{
		Each: "containers", Fail: `it.?securityContext.?privileged.orValue(false) == true`,
		At: "securityContext.privileged", Message: "Container `{{ it.name }}` of {{ resource.kind }} `{{ resource.name }}` runs privileged",
	}}}
}

func noLimits() rule.Rule {
	return rule.Rule{ID: "k8s/memory-limits", Severity: rule.Low, Checks: []rule.Check{{
		Each: "containers", Fail: `!has(it.resources.limits)||!has(it.resources)`, At: "resources.limits", Message: "Container `{{ it.name }}` has no limits",
	}}}
}

var today = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func evaluate(t testing.TB, opt Options, changes ...change.ResourceChange) Result {
	t.Helper()
	if opt.Today.IsZero() {
		opt.Today = today
	}
	return Evaluate(context.Background(), opt, changes)
}

func modified(before, after *resource.Resource) change.ResourceChange {
	return change.ResourceChange{Kind: change.Modified, Before: before, After: after}
}

func added(r *resource.Resource) change.ResourceChange {
	return change.ResourceChange{Kind: change.Added, After: r}
}

// lines writes findings as "state rule path@line".
func lines(fs []Finding) []string {
	out := make([]string, 0, len(fs))
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %s %s@%d", f.State, f.Rule.ID, f.Path, f.Range.Start.Line))
	}
	return out
}

func notes(ds source.Diagnostics) []string {
	out := make([]string, 0, len(ds))
	for _, d := range ds {
		out = append(out, d.String())
	}
	return out
}
