// Package cloudformation reads CloudFormation and SAM templates, in YAML with
// short and long intrinsic functions and in JSON: one resource a logical id.
//
// Intrinsic functions are worked out as far as the template alone decides them:
// parameters have their defaults, mappings and conditions follow from those.
// What only the stack knows, an attribute of a resource or the account that it is
// made in, is unknown. A resource whose condition is false by the defaults is
// left out, with a warning that says so.
package cloudformation

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the reader's name, as it stands in Resource.Format and Unit.Format.
const Name = "cloudformation"

// Reader reads templates. It holds no state and is safe for concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. A document that is no template is passed over
// in silence.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	m := maker{ctx: ctx, unit: &u, taken: map[string]bool{}}
	ds := yamltree.ReadAll(ctx, &u, options(), func(d yamltree.Document) source.Diagnostics {
		if all := d.Root.Get("Resources"); all == nil || !isTemplate(d.Root, all) {
			return nil
		}
		m.emit(m.template(d))
		said := m.said
		m.said, m.full = nil, false
		return said
	})
	return m.resources, ds
}

func options() yamltree.Options {
	return yamltree.Options{Candidate: candidate, OldBooleans: true, Tagged: short}
}

func candidate(doc *yaml.Node) bool {
	if doc.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value == "Resources" {
			return true
		}
	}
	return false
}

// short gives the long form of a function that is written as a tag.
func short(tag string, n *resource.Node) *resource.Node {
	name := tag[1:]
	switch name {
	case "Ref", "Condition":
	case "GetAtt", "Sub", "Join", "Select", "Split", "FindInMap", "If", "Equals", "And", "Or", "Not", "Base64", "Cidr", "GetAZs",
		"ImportValue", "Transform", "Length", "ToJsonString", "ForEach":
		name = "Fn::" + name
	default:
		return n
	}
	return &resource.Node{Kind: resource.Map, Range: n.Range, Origins: n.Origins, Fields: []resource.Field{{Name: name, Node: n}}}
}

// Sniff reports whether a YAML or JSON file looks like a template: it says its
// format's version at the top level, or has resources there whose types are
// AWS's. It looks at lines, not at syntax.
func Sniff(data []byte) bool {
	data = bytes.TrimPrefix(data[:min(len(data), format.DefaultMaxFileSize)], yamltree.ByteOrderMark)
	types := bytes.Contains(data, []byte("AWS::"))
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return bytes.Contains(data, []byte(`"Resources"`)) && bytes.Contains(data, []byte(`"Type"`)) &&
			(types || bytes.Contains(data, []byte(`"AWSTemplateFormatVersion"`)))
	}
	for line := range bytes.Lines(data) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		switch string(bytes.Trim(name, "\"'")) {
		case "AWSTemplateFormatVersion":
			return true
		case "Resources":
			if types {
				return true
			}
		}
	}
	return false
}

// maker makes resources of the documents of one unit.
type maker struct {
	full      bool // a template came to too many values, which was said
	ctx       context.Context
	unit      *format.Unit
	taken     map[string]bool // ids
	resources []*resource.Resource
	stacks    int                           // nested ones
	read      map[string]*yamltree.Document // templates of nested stacks
	said      source.Diagnostics            // about the document at hand
}

// emit makes the resources of one template and of the stacks in it.
func (m *maker) emit(t *template) {
	all := t.root.Get("Resources")
	if all.Kind != resource.Map {
		m.said = append(m.said, source.Diagnostic{File: t.file.Path, Line: all.Range.Start.Line, Level: source.LevelError,
			Message: "Resources is not a map of logical ids", NotEvaluated: t.file.Path})
		return
	}
	m.macros(t)
	for _, f := range t.resources() {
		if m.ctx.Err() != nil {
			return
		}
		left := func(level source.Level, format string, args ...any) {
			m.said = append(m.said, source.Diagnostic{File: t.file.Path, Line: place(f.Node).Start.Line, Level: level,
				Message: fmt.Sprintf(format, args...), NotEvaluated: t.prefix + f.Name})
		}
		kind := f.Node.Get("Type").Str()
		switch {
		case strings.HasPrefix(f.Name, "Fn::"):
			left(source.LevelWarning, "%s is not followed", yamltree.Clean(f.Name))
			continue
		case kind == "":
			left(source.LevelError, "the resource %q has no type", yamltree.Clean(f.Name))
			continue
		}
		var decided []source.Range
		if c := f.Node.Get("Condition").Str(); c != "" {
			v := t.r.named(c, 0)
			if decided = v.from; v.known && !v.holds {
				left(source.LevelWarning, "%s is left out: its condition %s is false by the defaults of the parameters", yamltree.Clean(f.Name), yamltree.Clean(c))
				continue
			}
		}
		macros := t.r.macros
		root := t.r.value(f.Node, 0)
		if t.r.macros > macros {
			left(source.LevelWarning, "%s has a Fn::Transform, which is not followed", yamltree.Clean(f.Name))
		}
		if root == nil || root.Kind != resource.Map || root.Unknown {
			left(source.LevelError, "the resource %q is not a map", yamltree.Clean(f.Name))
			continue
		}
		m.add(t, f, kind, root, decided)
		if _, stack := sourceOf(kind, root); stack {
			if c := t.child(f.Name); c != nil {
				m.emit(c)
				t.r.spent = max(t.r.spent, c.r.spent)
			}
		}
	}
	if t.r.spent > maxNodes && !m.full {
		m.full = true
		m.said.Errorf(t.file.Path, 0, "the functions of this template come to more than %d values; some are not evaluated", maxNodes)
	}
}

// macros says of the macros that a template runs through that they are not run.
// Those of AWS add resources or leave the others as they are.
func (m *maker) macros(t *template) {
	n := t.root.Get("Transform")
	if n == nil {
		return
	}
	for _, it := range append([]*resource.Node{n}, n.Items...) {
		name := it.Str()
		if name == "" {
			name = it.Get("Name").Str()
		}
		if name == "" || strings.HasPrefix(name, "AWS::") && name != "AWS::Include" {
			continue
		}
		m.said = append(m.said, source.Diagnostic{File: t.file.Path, Line: place(it).Start.Line, Level: source.LevelWarning,
			Message: "the macro " + yamltree.Clean(name) + " is not run: what it makes of the template is not known", NotEvaluated: t.file.Path})
	}
}

// isTemplate reports whether a document with Resources is a template: so it says,
// or one of the resources has a type that is like AWS's.
func isTemplate(root, all *resource.Node) bool {
	if root.Get("AWSTemplateFormatVersion") != nil {
		return true
	}
	for _, f := range all.Fields {
		if t := f.Node.Get("Type").Str(); strings.HasPrefix(t, "AWS::") || strings.HasPrefix(t, "Custom::") {
			return true
		}
	}
	return false
}

func place(n *resource.Node) source.Range {
	if n.KeyRange.IsZero() {
		return n.Range
	}
	return n.KeyRange
}

func (m *maker) add(t *template, f resource.Field, kind string, root *resource.Node, decided []source.Range) {
	id := t.prefix + f.Name
	res := &resource.Resource{
		ID: id, Platform: resource.CloudFormation, Format: Name, Unit: m.unit.ID, Kind: kind, Name: f.Name,
		Root: root, Range: f.Node.Range, Head: f.Node.KeyRange, Origins: append(gather(f.Node.Origins[:len(f.Node.Origins):len(f.Node.Origins)], decided), t.via...),
	}
	for n := 2; m.taken[res.ID]; n++ {
		res.ID = id + "#" + strconv.Itoa(n)
		if n == 2 {
			m.said.Warnf(t.file.Path, f.Node.KeyRange.Start.Line, "%s is defined before in this file", yamltree.Clean(f.Name))
		}
	}
	m.taken[res.ID] = true
	if key := f.Node.KeyRange; key.File == res.Range.File && key.End.Byte <= res.Range.Start.Byte && len(f.Node.Origins) == 0 {
		res.Range.Start = key.Start
	}
	if res.Head.Len() == 0 {
		res.Head = yamltree.FirstLine(t.file, res.Range)
	}
	res.Comments = yamltree.CommentsOf(t.file, res.Range, t.comments)
	m.resources = append(m.resources, res)
}
