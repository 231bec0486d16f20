// Package compose reads Compose files: one resource a service, with the values
// that Compose itself would come to. Variables have the value that the file .env
// beside it gives them, else their default, and are unknown without one; what a service extends in the same
// file, anchors and merge keys are followed.
package compose

import (
	"bytes"
	"context"
	"fmt"
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
const Name = "compose"

// kindService is the kind of every resource.
const kindService = "Service"

// Reader reads Compose files. It holds no state and is safe for concurrent use.
type Reader struct{}

// New makes a reader.
func New() Reader { return Reader{} }

// Read implements format.Reader. A document without services is passed over in
// silence.
func (Reader) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	m := maker{unit: &u, taken: map[string]bool{}}
	ds := yamltree.ReadAll(ctx, &u, yamltree.Options{Candidate: candidate}, m.document)
	return m.resources, ds
}

// candidate reports whether a document has services, which a merge key may
// bring.
func candidate(doc *yaml.Node) bool {
	if doc.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if key := doc.Content[i]; key.Value == "services" || yamltree.IsMerge(key) {
			return true
		}
	}
	return false
}

// Sniff reports whether a YAML file of any name looks like a Compose file:
// "services" is a key at its top level, and what a service is made of stands
// below. It looks at lines, not at syntax.
func Sniff(data []byte) bool {
	data = data[:min(len(data), format.DefaultMaxFileSize)]
	within, service, foreign := false, false, false
	for line := range bytes.Lines(bytes.TrimPrefix(data, yamltree.ByteOrderMark)) {
		text := bytes.TrimLeft(line, " ")
		name, _, ok := bytes.Cut(text, []byte(":"))
		if !ok || len(text) == 0 || text[0] == '#' {
			continue
		}
		key := string(bytes.Trim(name, " \t\"'"))
		if len(text) == len(line) {
			within = key == "services"
			// What other tools know by services: GitLab's pipelines, Symfony's
			// containers, Kubernetes' objects.
			switch key {
			case "apiVersion", "kind", "stages", "jobs", "pipelines", "parameters", "AWSTemplateFormatVersion":
				foreign = true
			}
			continue
		}
		if within {
			switch key {
			case "image", "build", "container_name", "extends":
				service = true
			}
		}
	}
	return service && !foreign
}

// maker makes resources of the documents of one unit.
type maker struct {
	unit      *format.Unit
	taken     map[string]bool // ids
	resources []*resource.Resource
}

// document makes the resources of one document.
func (m *maker) document(d yamltree.Document) source.Diagnostics {
	var ds source.Diagnostics
	services := d.Root.Get("services")
	if services == nil || services.Kind == resource.Null {
		return nil
	}
	if services.Kind != resource.Map {
		ds = append(ds, source.Diagnostic{File: d.File.Path, Line: services.Range.Start.Line, Level: source.LevelError,
			Message: "services is not a map of names", NotEvaluated: d.File.Path})
		return ds
	}
	fill := filler{vars: variablesBeside(m.unit, d.File.Path)}
	for _, f := range services.Fields {
		if f.Node.Kind == resource.Map {
			fill.interpolate(f.Node, kindService)
		}
	}
	x := extender{file: d.File.Path, services: services, done: map[string]*resource.Node{}, visiting: map[string]bool{}, ds: &ds}
	override := strings.Contains(path.Base(d.File.Path), "override")
	for _, f := range services.Fields {
		n := f.Node
		switch n.Kind {
		case resource.Map:
		case resource.Null:
			continue
		default:
			ds = append(ds, source.Diagnostic{File: d.File.Path, Line: n.KeyRange.Start.Line, Level: source.LevelError,
				Message: fmt.Sprintf("the service %q is not a map", yamltree.Clean(f.Name)), NotEvaluated: f.Name})
			continue
		}
		root := x.resolve(f.Name)
		if root == nil {
			continue
		}
		if !root.Partial && (override || root.Get("image") == nil && root.Get("build") == nil) {
			c := *root
			c.Partial, c.Why = true, "another Compose file, which gives the rest of this service"
			root = &c
		}
		m.add(d, f, root, &ds)
	}
	return ds
}

func (m *maker) add(d yamltree.Document, f resource.Field, root *resource.Node, ds *source.Diagnostics) {
	r := &resource.Resource{
		Platform: resource.Compose, Format: Name, Unit: m.unit.ID,
		Kind: kindService, Name: f.Name, Root: root, Origins: f.Node.Origins,
	}
	group := path.Dir(d.File.Path)
	if s := d.Root.Get("name").Str(); s != "" && !strings.Contains(s, "$") {
		group = s
	}
	r.ID = path.Join("compose", group, f.Name)
	if group == "." {
		r.ID = "compose/" + f.Name
	}
	for n, id := 2, r.ID; m.taken[r.ID]; n++ {
		r.ID = id + "#" + strconv.Itoa(n)
		if n == 2 {
			ds.Warnf(d.File.Path, f.Node.KeyRange.Start.Line, "%s is defined before in this file", yamltree.Clean(id))
		}
	}
	m.taken[r.ID] = true
	r.Range, r.Head = f.Node.Range, f.Node.KeyRange
	if key := f.Node.KeyRange; key.File == r.Range.File && key.End.Byte <= r.Range.Start.Byte && len(f.Node.Origins) == 0 {
		r.Range.Start = key.Start
	}
	if r.Head.Len() == 0 {
		r.Head = yamltree.FirstLine(d.File, r.Range)
	}
	r.Comments = yamltree.CommentsOf(d.File, r.Range, d.Comments)
	m.resources = append(m.resources, r)
}
