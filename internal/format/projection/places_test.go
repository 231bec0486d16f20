package projection

import (
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestOutlineRefusesMistakes(t *testing.T) {
	const shape = "S\n  a b\n"
	for _, text := range []string{
		"kind g K = t S\n" + shape,                           // no place
		"kind g K = t S spec whatever\n" + shape,             // no condition
		"kind g K = t Other spec\n" + shape,                  // no such type
		"kind g K = t S spec\nkind g K = t S spec\n" + shape, // twice
		"  a b\n", // of no type
		"kind g K = t S spec\nS\n  a\n",
		"kind g K = t S spec\nS\n  a -\n",
		"kind g K = t S spec\nS\n  a b sideways\n",
		"kind g K = t S spec\nS\n  a b always\n",
		"kind g K = t S spec\nS\n  a b block:T\n",
		"kind g K = t S spec\n" + shape + shape,
		"kind g K = t S spec\n" + shape + "T\n  a b\n", // nothing is of it
	} {
		if _, err := parseOutline(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestEveryOutlinedKind holds that each object of the tables becomes the resource
// with every setting that the table names, that paths lead back to where the value
// stands, and that a value which is set there is written so that it means the same.
func TestEveryOutlinedKind(t *testing.T) {
	n := 0
	for key, kinds := range outlines().kinds {
		group, name, _ := strings.Cut(key, " ")
		for _, k := range kinds {
			n++
			spec := &resource.Node{Kind: resource.Map}
			root := &resource.Node{Kind: resource.Map}
			k.when.satisfy(spec)
			sampleOf(k.of, spec)
			set(root, pathOf(k.at), spec)
			set(root, parsePlace("metadata.name"), text("x"))
			in := &resource.Resource{ID: "x", Platform: resource.Kubernetes, Format: "kubernetes", Group: group, Version: "v1", Kind: name, Name: "x", Root: root}
			rs, ds := All([]*resource.Resource{in})
			i := slices.IndexFunc(rs, func(r *resource.Resource) bool { return r.Kind == k.to && (r.ID != "x") == k.also })
			if i < 0 || len(ds) > 0 {
				t.Errorf("%s makes no %s: %v", key, k.to, ds)
				continue
			}
			checkShape(t, key+" "+k.to, rs[i], k.of, rs[i].Root, nil)
		}
	}
	if n < 70 {
		t.Errorf("only %d kinds", n)
	}
}

func text(s string) *resource.Node { return &resource.Node{Kind: resource.String, Value: s} }

func pathOf(at []string) []pathTo {
	var out []pathTo
	for _, name := range at {
		name, every := strings.CutSuffix(name, "[*]")
		step := pathTo{name: name}
		if every {
			step.by, step.is = "name", "one"
		}
		out = append(out, step)
	}
	return out
}

// set puts v at a place below n, where nothing is yet.
func set(n *resource.Node, path []pathTo, v *resource.Node) {
	for i, s := range path {
		last := i == len(path)-1 && s.by == ""
		next := n.Get(s.name)
		if next == nil {
			next = &resource.Node{Kind: resource.Map}
			switch {
			case s.by != "":
				next.Kind = resource.List
			case last:
				next = v
			}
			n.Fields = append(n.Fields, resource.Field{Name: s.name, Node: next})
		} else if last && next.Kind == resource.Map && v.Kind == resource.Map {
			next.Fields = append(next.Fields, v.Fields...)
		} else if last && next.Kind == resource.Map && len(next.Fields) == 0 {
			*next = *v
		}
		if s.by == "" {
			n = next
			continue
		}
		at := itemNamed(next, s)
		if at < 0 {
			next.Items = append(next.Items, &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: s.by, Node: text(s.is)}}})
			at = len(next.Items) - 1
		}
		n = next.Items[at]
		if i == len(path)-1 && v.Kind == resource.Map {
			n.Fields = append(n.Fields, v.Fields...)
		}
	}
}

// satisfy makes the condition hold of n.
func (c *condition) satisfy(n *resource.Node) {
	if c == nil || c.not {
		return
	}
	v := &resource.Node{Kind: resource.Map}
	if c.valued {
		v = meant(text(""), c.is)
	}
	if found, _, _ := find(n, c.path); found == nil {
		set(n, c.path, v)
	}
}

// sampleOf writes every setting of a type into n.
func sampleOf(of *shape, n *resource.Node) {
	for _, pl := range of.places {
		if pl.root || pl.from == nil {
			continue
		}
		switch {
		case pl.form == asBlock || pl.form == asEach:
			inner := &resource.Node{Kind: resource.Map}
			if len(pl.from) == 0 {
				inner = n
			}
			sampleOf(pl.of, inner)
			switch {
			case len(pl.from) == 0:
				pl.when.satisfy(n)
			case pl.form == asEach:
				pl.when.satisfy(inner)
				if v, _, _ := find(n, pl.from); v == nil {
					set(n, pl.from, &resource.Node{Kind: resource.List, Items: []*resource.Node{inner}})
				} else if v.Kind == resource.Map {
					v.Fields = append(v.Fields, inner.Fields...)
				}
			default:
				set(n, pl.from, inner)
				pl.when.satisfy(n)
			}
		case pl.form == asTexts:
			set(n, pl.from, &resource.Node{Kind: resource.List, Items: []*resource.Node{{Kind: resource.Map, Fields: []resource.Field{{Name: pl.key, Node: text("x")}}}}})
		case pl.form == asTypes:
			m := &resource.Node{Kind: resource.Map}
			for _, e := range pl.enum {
				m.Fields = append(m.Fields, resource.Field{Name: e[0], Node: &resource.Node{Kind: resource.Bool, Value: true}})
			}
			set(n, pl.from, m)
		case len(pl.enum) > 0:
			set(n, pl.from, text(pl.enum[0][0]))
		case slices.Contains(pl.conv, "not"):
			set(n, pl.from, &resource.Node{Kind: resource.Bool, Value: true})
		default:
			pl.when.satisfy(n)
			set(n, pl.from, text("true"))
		}
	}
}

func checkShape(t *testing.T, key string, r *resource.Resource, of *shape, n *resource.Node, at resource.Path) {
	t.Helper()
	for _, pl := range of.places {
		path := slices.Clone(at)
		v := n
		for i, name := range pl.to {
			v = v.Get(name)
			path = append(path, resource.Step{Name: name})
			if i+1 < len(pl.to) && v != nil {
				v, path = v.Items[0], append(path, resource.Step{Index: 0})
			}
		}
		if v == nil {
			t.Errorf("%s: %s is missing", key, path)
			continue
		}
		if pl.of != nil && !v.Unknown {
			if len(v.Items) == 0 || !v.Items[0].Block {
				t.Errorf("%s: %s is no block", key, path)
				continue
			}
			checkShape(t, key, r, pl.of, v.Items[0], append(path, resource.Step{Index: 0}))
		}
		if pl.from == nil || v.Unknown {
			continue
		}
		back, err := r.Written.Path(path)
		if err != nil {
			t.Errorf("%s: %s: %v", key, path, err)
			continue
		}
		w, steps := back.At(r.Written.Resource.Root)
		if steps != len(back) {
			t.Errorf("%s: %s leads to %s, which is not there", key, path, back)
			continue
		}
		if pl.form != asValue || v.Kind != resource.Bool && v.Kind != resource.String || computedValue(pl) || w.Kind != resource.String && w.Kind != resource.Bool {
			continue
		}
		writes, err := r.Written.Rewrite(path, false, &resource.Node{Kind: v.Kind, Value: v.Value})
		if err != nil || len(writes) != 1 || writes[0].Path.String() != back.String() {
			t.Errorf("%s: what %s is set to is written as %v: %v", key, path, writes, err)
			continue
		}
		if got := writes[0].Value; got.Kind == w.Kind && !strings.EqualFold(got.Str(), w.Str()) {
			t.Errorf("%s: %s is written as %v and not as %v", key, path, got.Value, w.Value)
		}
	}
}

// BenchmarkPlain is what objects cost that are no cloud resources.
func BenchmarkPlain(b *testing.B) {
	var rs []*resource.Resource
	for range 2000 {
		rs = append(rs, &resource.Resource{ID: "x", Platform: resource.Kubernetes, Format: "kubernetes", Group: "apps", Version: "v1", Kind: "Deployment", Root: &resource.Node{Kind: resource.Map}})
	}
	b.ReportAllocs()
	for b.Loop() {
		All(rs)
	}
}
