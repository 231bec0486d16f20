// Package projection puts resources that are written in the terms of one
// platform onto the platform that rules speak about: a kubernetes_deployment of
// Terraform is a Deployment of Kubernetes, and is judged by the rules for it.
//
// A projection is pure: it gives another tree over the same places of the
// source and changes nothing that it was given. What cannot be known stays
// unknown, and what may hold more than is known stays partial. The projected
// resource keeps the id, the unit, the format and the places of the one that
// was read, and holds it in Written, so that fixes are written in its terms.
package projection

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// All projects those of the resources that have a projection and gives all in
// their order, and behind them what they make beside: each with the ID of the one
// that makes it, "#" and a name. The diagnostics name those that should have one and of which too
// little is known. The slice that was given is left as it is.
func All(rs []*resource.Resource) ([]*resource.Resource, source.Diagnostics) {
	all := rs
	for _, r := range rs {
		all = append(all[:len(all):len(all)], within(r)...)
	}
	p := &projector{all: all}
	out, own := all, false
	var beside []*resource.Resource
	for i, r := range all {
		p.current = r
		q, more := p.project(r)
		beside = append(beside, more...)
		if q == r {
			continue
		}
		if !own {
			out, own = slices.Clone(all), true
		}
		out[i] = q
	}
	return append(out[:len(out):len(out)], beside...), p.ds
}

// projector projects the resources of one reading.
type projector struct {
	all     []*resource.Resource
	current *resource.Resource
	ds      source.Diagnostics
	names   map[string][]string // ids by name, of the resources that are Kubernetes objects
}

// named gives the ids of the objects that have a name.
func (p *projector) named(name string) []string {
	if p.names == nil {
		p.names = map[string][]string{}
		for _, r := range p.all {
			if r != nil && r.Platform == resource.Kubernetes && r.Name != "" {
				p.names[r.Name] = append(p.names[r.Name], r.ID)
			}
		}
	}
	return p.names[name]
}

// selected gives the ids of the objects that a selector may mean: those of the
// composition, or with the labels, whose kind the name of the setting has in it.
func (p *projector) selected(selector *resource.Node, setting string) []string {
	labels := selector.Get("matchLabels")
	own := selector.Get("matchControllerRef")
	mine := own != nil && own.Value == true
	if !mine && (labels == nil || labels.Unknown || len(labels.Fields) == 0) || p.current == nil {
		return nil
	}
	home, _, _ := strings.Cut(p.current.ID, "#")
	setting = strings.ToLower(setting)
	var ids []string
	for _, r := range p.all {
		if r == nil || r == p.current || r.Platform != resource.Kubernetes || !strings.Contains(setting, strings.ToLower(r.Kind)) {
			continue
		}
		if at, _, composed := strings.Cut(r.ID, "#"); mine && (!composed || at != home) {
			continue
		}
		if labels != nil && slices.ContainsFunc(labels.Fields, func(f resource.Field) bool {
			have := r.Root.Path("metadata", "labels", f.Name)
			return have == nil || !have.Unknown && have.Str() != f.Node.Str()
		}) {
			continue
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// project gives r as its rules see it: r itself where it has no projection, and
// what it makes beside. A manifest within Terraform may be a cloud resource in turn.
func (p *projector) project(r *resource.Resource) (*resource.Resource, []*resource.Resource) {
	if r == nil || r.Root == nil {
		return r, nil
	}
	if r.Platform == resource.Terraform {
		if r = fromTerraform(r, &p.ds); r.Platform == resource.Terraform {
			return r, nil
		}
	}
	if r.Platform != resource.Kubernetes {
		return r, nil
	}
	if (r.Group == kubernetesObject || r.Group == kubernetesObjectNamespaced) && r.Kind == "Object" {
		if q := p.held(r); q != r {
			return p.project(q)
		}
		return r, nil
	}
	if c, ok := cloudOf(r); ok {
		return p.fromCloud(r, c), nil
	}
	if strings.HasSuffix(r.Group, ackGroups) || strings.HasSuffix(r.Group, classicAWS) {
		return p.fromACK(r), nil
	}
	if all := outlines(); all.groups[r.Group] {
		return p.fromOutlines(r, all.kinds[r.Group+" "+r.Kind])
	}
	return r, nil
}

// unknownAs says that a resource was not evaluated, and what it depends on.
func unknownAs(ds *source.Diagnostics, r *resource.Resource, what string, n *resource.Node) *resource.Resource {
	why := ""
	if n != nil && n.Why != "" {
		why = ": it depends on " + n.Why
	}
	*ds = append(*ds, source.Diagnostic{
		File: r.Range.File, Line: r.Head.Start.Line, Level: source.LevelWarning,
		Message: r.ID + " is not evaluated, since " + what + " is not known" + why, NotEvaluated: r.ID,
	})
	return r
}
