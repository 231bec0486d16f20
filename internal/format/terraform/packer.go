package terraform

import (
	"context"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// ReadPacker reads the files of a folder as a template of Packer, whose language
// is Terraform's with blocks of its own. It gives the sources, with their type
// for a kind, the builds, of the kind build, and the data sources.
func (r *Reader) ReadPacker(ctx context.Context, fu format.Unit) ([]*resource.Resource, source.Diagnostics) {
	return r.read(ctx, fu, true)
}

// addPacker takes a block that Packer alone knows, or that it takes for
// something else; false leaves the block to the others.
func (m *module) addPacker(f *file, d *decl) bool {
	b := d.block
	switch b.Type {
	case "source":
		if len(b.Labels) != 2 || b.Labels[0] == "" || b.Labels[1] == "" {
			m.u.fail(f.Path, b.TypeRange.Start.Line, blockName(b), "a source block takes a type and a name")
			return true
		}
		d.typ, d.name = b.Labels[0], b.Labels[1]
		d.addr = "source." + d.typ + "." + d.name
	case "build":
		n := 1
		for _, other := range m.decls {
			if other.kind == "build" {
				n++
			}
		}
		d.addr = "build"
		if n > 1 {
			d.addr += "." + strconv.Itoa(n)
		}
		if a := b.Body.Attributes["name"]; a != nil && len(a.Expr.Variables()) == 0 {
			if s, ok := m.u.env0(m).eval(a.Expr).asText(); ok {
				d.name = plain(s, 100)
			}
		}
	case "local":
		if a := b.Body.Attributes["expression"]; a != nil && len(b.Labels) == 1 && m.locals[b.Labels[0]] == nil {
			m.locals[b.Labels[0]] = a
		}
		return true
	case "packer", "resource", "module", "provider", "terraform", "output":
		return true
	default:
		return false
	}
	if m.byAddr[d.addr] != nil {
		m.u.fail(f.Path, b.TypeRange.Start.Line, "", "%s is declared already in %s", plain(d.addr, 200), m.byAddr[d.addr].file.Path)
		return true
	}
	m.byAddr[d.addr] = d
	m.decls = append(m.decls, d)
	return true
}
