package terraform

import (
	"math/big"
	"strings"

	"github.com/zclconf/go-cty-yaml"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// looksLikeManifest reports whether the parts may be a Kubernetes object in YAML.
func looksLikeManifest(parts []part) bool {
	for _, p := range parts {
		if p.v == nil && strings.Contains(p.lit, "apiVersion:") {
			return true
		}
	}
	return false
}

// manifest gives the value of the one Kubernetes object that the text of b says
// in YAML, with the places of what is in it; nil where it is something else.
// Interpolations that are not known leave the rest known.
func (u *unit) manifest(b *val) *val {
	if b.parts == nil || !looksLikeManifest(b.parts) {
		return nil
	}
	if b.yaml == nil {
		b.yaml = u.readManifest(b)
		if b.yaml == nil {
			b.yaml = b // no object; asked once
		}
	}
	if b.yaml == b {
		return nil
	}
	return b.yaml
}

// aliasSteps are what a document with aliases costs of the steps of a unit.
const aliasSteps = 20_000

func (u *unit) readManifest(b *val) *val {
	text, segs, holes, ok := u.assemble(b)
	if !ok || !u.spend(len(text)/8) {
		return nil
	}
	// Aliases may bring in a hundred thousand values, whatever the text's length.
	if strings.Contains(text, "&") && strings.Contains(text, "*") && !u.spend(aliasSteps) {
		return nil
	}
	var roots []*resource.Node
	ds := yamltree.ReadText(u.ctx, source.NewFile(b.rng.File, []byte(text)), yamltree.Options{OldBooleans: true},
		func(d yamltree.Document) source.Diagnostics {
			roots = append(roots, d.Root)
			return nil
		})
	if len(ds) > 0 || len(roots) != 1 || roots[0].Get("apiVersion") == nil || roots[0].Get("kind") == nil {
		return nil
	}
	out := u.fromYAML(roots[0], segs, holes)
	out.written = true
	return out
}

// fromYAML turns what a document says into a value. Ranges of n are of the text
// that the segments put together.
func (u *unit) fromYAML(n *resource.Node, segs []segment, holes []*val) *val {
	rng := place(segs, n.Range.Start.Byte, n.Range.End.Byte)
	if !u.spend(1) {
		return newUnknown(rng, whyStopped)
	}
	var scalar *val
	switch v := n.Value.(type) {
	case bool:
		scalar = newBool(rng, v)
	case int64:
		scalar = newNumber(rng, new(big.Float).SetInt64(v))
	case float64:
		scalar = newNumber(rng, big.NewFloat(v))
	case string:
		scalar = u.holed(v, rng, holes)
	}
	if scalar != nil {
		return influenced(scalar, segs, n.Range.Start.Byte, n.Range.End.Byte)
	}
	switch n.Kind {
	case resource.List:
		items := make([]*val, len(n.Items))
		for i, it := range n.Items {
			items[i] = u.fromYAML(it, segs, holes)
		}
		return newList(rng, items)
	case resource.Map:
		fields := make([]field, 0, len(n.Fields))
		for _, f := range n.Fields {
			name := u.holed(f.Name, rng, holes)
			if name.kind != text {
				continue
			}
			fd := field{name: name.str, v: u.fromYAML(f.Node, segs, holes)}
			if k := f.Node.KeyRange; !k.IsZero() && name.str == f.Name {
				fd.keyRng = place(segs, k.Start.Byte, k.End.Byte)
			}
			fields = append(fields, fd)
		}
		v := newObject(rng, fields)
		if len(fields) < len(n.Fields) && v.kind == object {
			v.partial, v.why = true, "the name of a field"
		}
		return v
	}
	return newNull(rng)
}

// yamlencode keeps what it encodes beside the text.
func yamlencode() builtin {
	encode := foreign(yaml.YAMLEncodeFunc, nil)
	run := encode.run
	encode.run = func(c *call) *val {
		out := run(c)
		if b := c.args[0].base(); (b.kind == list || b.kind == object) && !out.failed {
			kept := *out
			kept.inner = c.args[0]
			return &kept
		}
		return out
	}
	return encode
}
