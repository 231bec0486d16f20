// Package actions reads workflows and actions of GitHub Actions: one resource a
// file, with its jobs as part of it.
//
// An expression (${{ }}) is known only once the workflow runs. Where it decides
// a setting, the setting is unknown; a script, an input, a condition or a
// variable is text with expressions in it, and stays text: what such a text
// mixes into a script is what rules look for.
package actions

import (
	"bytes"
	"context"
	"path"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = "github-actions"

// The kinds of the resources.
const (
	KindWorkflow = "Workflow"
	KindAction   = "Action"
)

// Reader reads workflows and actions. It holds no state and is safe for
// concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. A document that is neither a workflow (on and
// jobs) nor an action (runs) is passed over in silence.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	m := maker{unit: &u, taken: map[string]bool{}}
	ds := yamltree.ReadAll(ctx, &u, yamltree.Options{Candidate: candidate}, m.document)
	return m.resources, ds
}

func candidate(doc *yaml.Node) bool {
	if doc.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		switch doc.Content[i].Value {
		case "jobs", "runs":
			return true
		}
	}
	return false
}

// SniffAction reports whether a file named action.yml or action.yaml looks like
// the definition of an action: "runs" is a key at its top level, and "using"
// stands below.
func SniffAction(data []byte) bool {
	data = data[:min(len(data), format.DefaultMaxFileSize)]
	within := false
	for line := range bytes.Lines(bytes.TrimPrefix(data, yamltree.ByteOrderMark)) {
		text := bytes.TrimLeft(line, " ")
		name, _, ok := bytes.Cut(text, []byte(":"))
		if !ok || text[0] == '#' {
			continue
		}
		key := string(bytes.Trim(name, " \t\"'"))
		switch {
		case len(text) == len(line):
			within = key == "runs"
		case within && key == "using":
			return true
		}
	}
	return false
}

// maker makes resources of the documents of one unit.
type maker struct {
	unit      *format.Unit
	taken     map[string]bool // ids
	resources []*resource.Resource
}

func (m *maker) document(d yamltree.Document) source.Diagnostics {
	var ds source.Diagnostics
	kind, id, part := KindWorkflow, "workflow/"+d.File.Path, d.Root.Get("jobs")
	if part == nil {
		kind, id, part = KindAction, "action/"+d.File.Path, d.Root.Get("runs")
	}
	if part == nil {
		return nil
	}
	if part.Kind != resource.Map {
		what := "jobs"
		if kind == KindAction {
			what = "runs"
		}
		ds = append(ds, source.Diagnostic{File: d.File.Path, Line: part.Range.Start.Line, Level: source.LevelError,
			Message: what + " is not a map", NotEvaluated: d.File.Path})
		return ds
	}
	decide(d.Root, "")
	listen(d.Root.Get("on"))
	r := &resource.Resource{
		Platform: resource.Actions, Format: Name, Unit: m.unit.ID, ID: id, Kind: kind,
		Name: strings.TrimSuffix(path.Base(d.File.Path), path.Ext(d.File.Path)),
		Root: d.Root, Range: d.Root.Range,
	}
	if kind == KindAction {
		r.Name = path.Base(path.Dir(d.File.Path))
	}
	for n := 2; m.taken[r.ID]; n++ {
		r.ID = id + "#" + strconv.Itoa(n)
		if n == 2 {
			ds.Warnf(d.File.Path, d.Root.Range.Start.Line, "this file has more than one %s; GitHub reads the first alone", strings.ToLower(kind))
		}
	}
	m.taken[r.ID] = true
	r.Head = head(d)
	r.Comments = yamltree.CommentsOf(d.File, r.Range, d.Comments)
	m.resources = append(m.resources, r)
	return ds
}

// head is the line by which people know a workflow: its name, else what it runs
// on, else its first line.
func head(d yamltree.Document) source.Range {
	for _, name := range [...]string{"name", "on"} {
		v := d.Root.Get(name)
		if v == nil || len(v.Origins) > 0 || v.KeyRange.IsZero() || v.KeyRange.Len() == 0 {
			continue
		}
		if v.Range.Start.Line == v.KeyRange.Start.Line && v.Range.End.Line == v.Range.Start.Line && v.Range.End.Byte > v.KeyRange.End.Byte {
			return source.Range{File: d.File.Path, Start: v.KeyRange.Start, End: v.Range.End}
		}
		return v.KeyRange
	}
	return yamltree.FirstLine(d.File, d.Root.Range)
}

// listen gives events without settings ("pull_request_target:", with nothing
// behind it) a map of none: a null is an absent setting, and the event is there.
func listen(on *resource.Node) {
	if on == nil || on.Kind != resource.Map {
		return
	}
	for _, f := range on.Fields {
		if f.Node != nil && f.Node.Kind == resource.Null && !f.Node.Unknown {
			f.Node.Kind, f.Node.Value = resource.Map, nil
		}
	}
}

// decide makes unknown what an expression decides. name is the field that n
// stands in.
func decide(n *resource.Node, name string) {
	switch n.Kind {
	case resource.Map:
		if texts[name] {
			return
		}
		for _, f := range n.Fields {
			of := f.Name
			if name == "jobs" {
				of = "" // the author's own name
			}
			decide(f.Node, of)
		}
	case resource.List:
		for _, it := range n.Items {
			decide(it, "")
		}
	case resource.String:
		s := n.Str()
		at := strings.Index(s, "${{")
		if at < 0 || texts[name] {
			return
		}
		expr := s[at:]
		if end := strings.Index(expr, "}}"); end >= 0 {
			expr = expr[:end+2]
		}
		n.Value, n.Unknown = nil, true
		n.Why = yamltree.Clean(expr) + ", which is known only when the workflow runs"
	}
}

// texts are the fields whose values are text with expressions in it, or maps of
// such. The table is read, never written.
var texts = map[string]bool{
	"run": true, "if": true, "with": true, "env": true, "name": true, "run-name": true, "description": true,
	"outputs": true, "default": true, "value": true, "args": true, "entrypoint": true, "group": true, "url": true, "secrets": true,
}
