package kustomize

import (
	"slices"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// replacedNode is a value that a replacement took from elsewhere.
type replacedNode struct {
	n  *resource.Node
	by *resource.Node // the replacement
	of int            // of placer.built
}

// builtResource is a resource of the build with the name that it was written
// under.
type builtResource struct {
	res *resource.Resource
	was string
}

// toSources moves the place of what replacements took over to where it is
// written; the entry that took it stays as an origin.
func (p *placer) toSources() {
	for _, x := range p.moved {
		from, src := p.source(x.by.Get("source"))
		if src == nil || src == x.n || container(src) || src.Range.IsZero() {
			continue
		}
		origins := append([]source.Range{x.n.Range}, x.n.Origins...)
		for _, o := range src.Origins {
			if !slices.Contains(origins, o) {
				origins = append(origins, o)
			}
		}
		x.n.Range, x.n.KeyRange, x.n.Origins = src.Range, source.Range{}, origins
		// What is said about the source counts for what it decides.
		to := p.built[x.of].res
		for _, c := range from.Comments {
			l := c.Range.Start.Line
			if c.Range.File == src.Range.File && (l == src.Range.Start.Line || l == src.Range.Start.Line-1) && !slices.Contains(to.Comments, c) {
				to.Comments = append(to.Comments, c)
			}
		}
	}
}

// source finds the value that a replacement takes, where no more than one
// resource can be meant.
func (p *placer) source(s *resource.Node) (*resource.Resource, *resource.Node) {
	var from *resource.Resource
	for _, b := range p.built {
		if k := s.Get("kind").Str(); k != "" && k != b.res.Kind {
			continue
		}
		if n := s.Get("name").Str(); n != "" && n != b.res.Name && n != b.was {
			continue
		}
		if ns := s.Get("namespace").Str(); ns != "" && ns != b.res.Namespace {
			continue
		}
		if from != nil {
			return nil, nil
		}
		from = b.res
	}
	if from == nil {
		return nil, nil
	}
	steps := []string{"metadata", "name"}
	if f := s.Get("fieldPath").Str(); f != "" {
		steps = fieldPath(f)
	}
	n := from.Root
	for _, step := range steps {
		if n == nil {
			return nil, nil
		}
		if n.Kind != resource.List {
			n = n.Get(step)
			continue
		}
		name, value, chosen := selector(step)
		i, err := strconv.Atoi(step)
		var next *resource.Node
		for k, it := range n.Items {
			if chosen && it.Get(name).Str() == value || !chosen && err == nil && i == k {
				next = it
				break
			}
		}
		n = next
	}
	return from, n
}
