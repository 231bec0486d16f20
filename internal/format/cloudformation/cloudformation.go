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
	m := maker{unit: &u, taken: map[string]bool{}}
	ds := yamltree.ReadAll(ctx, &u, yamltree.Options{Candidate: candidate, OldBooleans: true, Tagged: short}, m.document)
	return m.resources, ds
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
	unit      *format.Unit
	taken     map[string]bool // ids
	resources []*resource.Resource
}

// document makes the resources of one template.
func (m *maker) document(d yamltree.Document) source.Diagnostics {
	var ds source.Diagnostics
	all := d.Root.Get("Resources")
	if all == nil || !template(d.Root, all) {
		return nil
	}
	if all.Kind != resource.Map {
		ds = append(ds, source.Diagnostic{File: d.File.Path, Line: all.Range.Start.Line, Level: source.LevelError,
			Message: "Resources is not a map of logical ids", NotEvaluated: d.File.Path})
		return ds
	}
	r := newResolver(d.Root)
	for _, f := range all.Fields {
		left := func(level source.Level, format string, args ...any) {
			ds = append(ds, source.Diagnostic{File: d.File.Path, Line: place(f.Node).Start.Line, Level: level,
				Message: fmt.Sprintf(format, args...), NotEvaluated: f.Name})
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
		if c := f.Node.Get("Condition").Str(); c != "" {
			if v := r.named(c, 0); v.known && !v.holds {
				left(source.LevelWarning, "%s is left out: its condition %s is false by the defaults of the parameters", yamltree.Clean(f.Name), yamltree.Clean(c))
				continue
			}
		}
		root := r.value(f.Node, 0)
		if root == nil || root.Kind != resource.Map || root.Unknown {
			left(source.LevelError, "the resource %q is not a map", yamltree.Clean(f.Name))
			continue
		}
		m.add(d, f, kind, root, &ds)
	}
	if r.spent > maxNodes {
		ds.Errorf(d.File.Path, 0, "the functions of this template come to more than %d values; some are not evaluated", maxNodes)
	}
	return ds
}

// template reports whether a document with Resources is a template: so it says,
// or one of the resources has a type that is like AWS's.
func template(root, all *resource.Node) bool {
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

func (m *maker) add(d yamltree.Document, f resource.Field, kind string, root *resource.Node, ds *source.Diagnostics) {
	res := &resource.Resource{
		ID: f.Name, Platform: resource.CloudFormation, Format: Name, Unit: m.unit.ID, Kind: kind, Name: f.Name,
		Root: root, Range: f.Node.Range, Head: f.Node.KeyRange, Origins: f.Node.Origins,
	}
	for n := 2; m.taken[res.ID]; n++ {
		res.ID = f.Name + "#" + strconv.Itoa(n)
		if n == 2 {
			ds.Warnf(d.File.Path, f.Node.KeyRange.Start.Line, "%s is defined before in this file", yamltree.Clean(f.Name))
		}
	}
	m.taken[res.ID] = true
	if key := f.Node.KeyRange; key.File == res.Range.File && key.End.Byte <= res.Range.Start.Byte && len(f.Node.Origins) == 0 {
		res.Range.Start = key.Start
	}
	if res.Head.Len() == 0 {
		res.Head = yamltree.FirstLine(d.File, res.Range)
	}
	res.Comments = yamltree.CommentsOf(d.File, res.Range, d.Comments)
	m.resources = append(m.resources, res)
}
