package compose

import (
	"fmt"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on what extending may cost.
const (
	maxChain  = 64      // services that extend one another
	maxMerged = 100_000 // settings and items that services take over
)

// extender gives services together with what they extend.
type extender struct {
	file     string
	services *resource.Node
	done     map[string]*resource.Node
	visiting map[string]bool
	merged   int
	ds       *source.Diagnostics
}

// resolve gives a service with what it extends; nil where there is no such
// service.
func (x *extender) resolve(name string) *resource.Node {
	if n, ok := x.done[name]; ok {
		return n
	}
	n := x.services.Get(name)
	if n == nil || n.Kind != resource.Map {
		return nil
	}
	out := n
	if e := n.Get("extends"); e != nil {
		out = x.extend(name, n, e)
	}
	x.done[name] = out
	return out
}

func (x *extender) extend(name string, n, e *resource.Node) *resource.Node {
	from, file := e.Str(), ""
	if e.Kind == resource.Map {
		from, file = e.Get("service").Str(), e.Get("file").Str()
		if f := e.Get("file"); f != nil && file == "" {
			return partial(n, "a service to extend whose name is not known")
		}
	}
	switch {
	case file != "" && file != "./"+base(x.file) && file != base(x.file):
		return partial(n, fmt.Sprintf("a service of %s, which is not followed", yamltree.Clean(file)))
	case from == "":
		return partial(n, "a service to extend whose name is not known")
	case x.visiting[name] || x.visiting[from] || from == name || len(x.visiting) >= maxChain:
		x.ds.Errorf(x.file, e.Range.Start.Line, "the service %q extends itself", yamltree.Clean(from))
		return partial(n, "the service itself, which it extends")
	}
	x.visiting[name] = true
	parent := x.resolve(from)
	delete(x.visiting, name)
	if parent == nil {
		x.ds.Errorf(x.file, e.Range.Start.Line, "extends the service %q, which this file does not have", yamltree.Clean(from))
		return partial(n, "a service to extend that does not exist")
	}
	out := x.maps(n, parent, e.Range)
	if x.merged > maxMerged {
		return partial(n, "services that extend one another too often")
	}
	return out
}

func base(p string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '/' {
			return p[i+1:]
		}
	}
	return p
}

func partial(n *resource.Node, why string) *resource.Node {
	c := *n
	c.Partial, c.Why = true, why
	return &c
}

// maps gives the fields of own with those of parent that it does not have. What
// is taken over keeps its place, and has the place that extends as its origin.
func (x *extender) maps(own, parent *resource.Node, place source.Range) *resource.Node {
	out := *own
	out.Fields = make([]resource.Field, 0, len(own.Fields)+len(parent.Fields))
	for _, f := range own.Fields {
		x.merged++
		if p := parent.Get(f.Name); p != nil && f.Name != "extends" {
			f.Node = x.both(f.Name, f.Node, p, place)
		}
		out.Fields = append(out.Fields, f)
	}
	have := make(map[string]bool, len(own.Fields))
	for _, f := range own.Fields {
		have[f.Name] = true
	}
	for _, f := range parent.Fields {
		if x.merged++; x.merged > maxMerged {
			break
		}
		if have[f.Name] || f.Name == "extends" {
			continue
		}
		out.Fields = append(out.Fields, resource.Field{Name: f.Name, Node: taken(f.Node, place)})
	}
	if parent.Partial && !out.Partial {
		out.Partial, out.Why = true, parent.Why
	}
	return &out
}

func taken(n *resource.Node, place source.Range) *resource.Node {
	c := *n
	c.Origins = append(append([]source.Range(nil), n.Origins...), place)
	return &c
}

// both gives what Compose makes of a setting that both services have.
func (x *extender) both(name string, own, parent *resource.Node, place source.Range) *resource.Node {
	switch name {
	case "command", "entrypoint", "test":
		return own
	}
	if own.Unknown || parent.Unknown || own.Kind == resource.Null {
		return own
	}
	switch {
	case own.Kind == resource.Map && parent.Kind == resource.Map:
		return x.maps(own, parent, place)
	case own.Kind == resource.List && parent.Kind == resource.List:
		out := *own
		out.Items = make([]*resource.Node, 0, len(own.Items)+len(parent.Items))
		for _, it := range parent.Items {
			if x.merged++; x.merged > maxMerged {
				return &out
			}
			out.Items = append(out.Items, taken(it, place))
		}
		out.Items = append(out.Items, own.Items...)
		return &out
	case (own.Kind == resource.Map || own.Kind == resource.List) && (parent.Kind == resource.Map || parent.Kind == resource.List):
		return partial(own, "a setting to add to that is written in another form")
	}
	return own
}
