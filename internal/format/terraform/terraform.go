// Package terraform reads Terraform and OpenTofu configurations. It has an
// evaluator of its own on HCL's syntax trees: what a configuration decides by
// variables with values, locals, functions and instances is computed, what
// only an apply can know is unknown and says why, and every value remembers
// the places that it came from. No provider, schema, state or network is used.
package terraform

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Name is the name of the format.
const Name = "terraform"

// Reader reads modules. It is safe for concurrent use.
type Reader struct {
	funcs map[string]builtin
}

// New makes a reader.
func New() *Reader { return &Reader{funcs: builtins()} }

var _ format.Reader = (*Reader)(nil)

// Read reads a root module: the files of one folder. Local modules that it
// calls are followed where their folders lie in the tree; their resources have
// the address of the call before their own and the call among their Origins.
//
// Besides resources and data sources, the provider, terraform and module
// blocks are given, with the kinds provider.<name>, terraform and module, and
// the backend of a root with the kind terraform.backend.<type>, or terraform.cloud. A
// block with a label has it as the field "label". Arguments that are null are
// left out, since that is what null means to Terraform.
func (r *Reader) Read(ctx context.Context, fu format.Unit) ([]*resource.Resource, source.Diagnostics) {
	return r.read(ctx, fu, false)
}

func (r *Reader) read(ctx context.Context, fu format.Unit, packer bool) ([]*resource.Resource, source.Diagnostics) {
	if fu.MaxFileSize <= 0 {
		fu.MaxFileSize = format.DefaultMaxFileSize
	}
	u := &unit{
		Unit: fu, packer: packer, ctx: ctx, files: map[string]*file{}, steps: maxSteps, modules: map[string]*module{},
		fileVals: map[string]*val{}, funcs: r.funcs, single: map[string][]string{},
	}
	// What the unit has beside the files of its folder belongs to modules that
	// it calls.
	own := slices.DeleteFunc(slices.Clone(fu.Files), func(f string) bool { return path.Dir(f) != fu.Dir })
	if len(own) == 0 {
		return nil, nil
	}
	m := u.parseModule(fu.Dir, own, true)
	u.modules[fu.Dir] = m
	var out []*resource.Resource
	seen := map[string]int{}
	newScope(u, m).emit(func(res *resource.Resource) {
		if seen[res.ID]++; seen[res.ID] > 1 {
			res.ID += "#" + strconv.Itoa(seen[res.ID])
		}
		out = append(out, res)
	})
	if err := ctx.Err(); err != nil && len(u.ds) == 0 {
		u.fail(fu.Files[0], 0, fu.ID, "the reading was cancelled")
	}
	u.ds.Sort()
	return out, u.ds
}

// emit gives the resources of a scope and of the modules that it calls.
func (s *scope) emit(yield func(*resource.Resource)) {
	for _, d := range s.mod.decls {
		if s.u.stopped {
			return
		}
		x := s.expand(d)
		for i := range x.list {
			in := &x.list[i]
			if s.u.total++; s.u.total > maxInstancesUnit {
				s.u.stop("the configuration has more than " + strconv.Itoa(maxInstancesUnit) + " resources")
				return
			}
			yield(s.resource(d, in))
			if d.kind == "terraform" && s.call == nil {
				s.backend(d, in.env, yield)
			}
			if d.kind == "module" {
				if child := s.enter(d, in); child != nil {
					child.emit(yield)
				}
			}
			if s.u.stopped {
				return
			}
		}
	}
}

// backend gives the block that says where a root keeps its state as a resource
// of its own: terraform.backend.s3, or terraform.cloud.
func (s *scope) backend(d *decl, e *env, yield func(*resource.Resource)) {
	for _, b := range e.blocks(d.body) {
		kind := ""
		switch {
		case b.typ == "backend" && b.label != "":
			kind = "terraform.backend." + plain(b.label, 100)
		case b.typ == "cloud":
			kind = "terraform.cloud"
		default:
			continue
		}
		name := kind[strings.LastIndexByte(kind, '.')+1:]
		res := &resource.Resource{
			ID: kind, Platform: resource.Terraform, Format: Name, Kind: kind, Name: name,
			Unit: s.u.ID, Range: b.rng, Head: b.head, Comments: d.file.commentsFor(b.rng),
		}
		s.u.current = res.ID
		res.Root = b.env.bodyNode(b.body, nil, b.rng, b.head, 0)
		res.Root.KeyRange = source.Range{}
		yield(res)
	}
}

// resource gives one instance of a declaration.
func (s *scope) resource(d *decl, in *instance) *resource.Resource {
	e := in.env
	whole, head := e.rng(d.block.Range()), e.head(d.block)
	res := &resource.Resource{
		ID: s.path + d.addr + in.suffix, Platform: resource.Terraform, Format: Name, Kind: d.typ, Name: d.name,
		Unit: s.u.ID, Range: whole, Head: head, Comments: d.file.commentsFor(whole),
	}
	if s.mod.dir != s.u.Dir {
		res.Home = Name + ":" + s.mod.dir
	}
	switch d.kind {
	case "data":
		res.Kind = "data." + d.typ
	case "module", "terraform", "build", "packer":
		res.Kind = d.kind
	case "provider":
		res.Kind = "provider." + d.name
		if a := d.body.Attributes["alias"]; a != nil {
			if alias, ok := e.eval(a.Expr).asText(); ok {
				res.ID += "." + plain(alias, 100)
			}
		}
	}
	for c := s; c.call != nil; c = c.parent {
		res.Origins = append(res.Origins, c.parent.mod.place(c.call))
	}
	s.u.current = res.ID
	res.Root = e.bodyNode(d.body, metaArguments(d.kind), whole, head, 0)
	res.Root.KeyRange = source.Range{}
	if in.open {
		res.Root.Partial = true
	}
	if holder := policies[d.typ]; holder != "" && d.kind == "data" {
		fields := slices.DeleteFunc(res.Root.Fields, func(f resource.Field) bool { return f.Name == holder })
		text := (&resourceRef{sc: s, d: d, inst: in}).attr(holder, whole)
		if text.kind == reference && text.res != nil {
			text = text.target // it is its own, not what another refers to
		}
		res.Root.Fields = append(fields, resource.Field{Name: holder, Node: s.u.node(text)})
	}
	return res
}
