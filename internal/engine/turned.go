package engine

import (
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Turning is a setting whose change made a finding that is about another one: the
// endpoint that became public, of a cluster whose list of addresses was open
// all along.
type Turning struct {
	Path string // from the root of the resource, for people
	// At is where the setting stands, then where its value came from. OnBase
	// says that it was taken away, and that At is in the base's files.
	At     []source.Range
	OnBase bool
}

// Bounds of the search for what turned a resource: settings that changed,
// evaluations in one resource, and what a finding names.
const (
	maxTurned      = 32
	maxTurnedTries = 256
	maxTurnings    = 4
)

// turned finds, for the new findings of a modified resource whose own setting did
// not change, the settings that made them: those with which, were they as they
// had been, there would be no finding.
func (j *judge) turned(out *changeResult, head, base *side) {
	var moved []moving
	tries := 0
	for i, v := range head.violations {
		f := &out.findings[i]
		if f.State != New || f.Cause != nil || !f.Gone.IsZero() {
			continue
		}
		within, search := searched(v, base)
		if !search {
			continue
		}
		if moved == nil {
			moved = movings(head.res.Root, base.res.Root)
		}
		for _, m := range moved {
			if tries == maxTurnedTries || len(f.Turned) == maxTurnings {
				break
			}
			if within != nil && !m.in(within) {
				continue
			}
			tries++
			if j.without(head, v, m) {
				f.Turned = append(f.Turned, m.turning())
			}
		}
	}
}

// searched reports whether the settings that made a violation are to be looked
// for, and within what: not where the item is new as a whole or its setting, a
// single value, is what changed; within the setting where that holds others and
// changed; else, with nil, everywhere.
func searched(v violation, base *side) (within *resource.Node, search bool) {
	at := v.setting()
	now, items := settingOf(at, v.item), base.itemsAt(v)
	switch {
	case len(items) == 0:
		return nil, false
	case now == nil || resource.Equal(now, settingOf(at, items[0])):
		return nil, true
	case now.Kind == resource.Map || now.Kind == resource.List:
		return now, true
	}
	return nil, false
}

// settingOf gives the node at a path within an item, nil where it is missing.
func settingOf(at resource.Path, it item) *resource.Node {
	if n, taken := at.At(it.node); taken == len(at) {
		return n
	}
	return nil
}

// without reports whether the violation is none with one setting as it was.
func (j *judge) without(head *side, v violation, m moving) bool {
	res := *head.res
	res.Root, _ = replaced(head.res.Root, m.target, m.with)
	if res.Root == nil {
		return false
	}
	return !j.holds(&res, head.near, head.across, v)
}

// moving is one difference between two trees: target of the head's tree would be
// with, were it as it was.
type moving struct {
	path         resource.Path
	target, with *resource.Node
	now          []*resource.Node // what stands there in the head
	gone         *resource.Node   // what was taken away, nil for none
}

// in reports whether the difference lies within a node.
func (m moving) in(n *resource.Node) bool {
	_, ok := replaced(n, m.target, m.with)
	return ok
}

func (m moving) turning() Turning {
	return Turning{Path: m.path.String(), At: m.places(), OnBase: m.gone != nil}
}

func (m moving) places() []source.Range {
	if m.gone != nil {
		return union([]source.Range{placeOf(m.gone)}, m.gone.Origins)
	}
	var out []source.Range
	for _, n := range m.now {
		out = union(append(out, placeOf(n)), n.Origins)
	}
	return out
}

func placeOf(n *resource.Node) source.Range {
	if n.KeyRange.IsZero() || n.KeyRange.File != n.Range.File || n.Range.Start.Line == n.KeyRange.Start.Line {
		return n.Range
	}
	if n.Kind == resource.Map || n.Kind == resource.List {
		return n.KeyRange
	}
	return n.Range
}

// movings gives the differences between the trees of a resource, in the order of
// the head's, as deep as they lie.
func movings(head, base *resource.Node) []moving {
	if head == nil || base == nil {
		return nil
	}
	var d differ
	d.walk(nil, head, base)
	return d.out
}

type differ struct{ out []moving }

func (d *differ) add(m moving) {
	if len(d.out) < maxTurned {
		d.out = append(d.out, m)
	}
}

func (d *differ) walk(at resource.Path, head, base *resource.Node) {
	if len(d.out) == maxTurned || resource.Equal(head, base) {
		return
	}
	whole := moving{path: at, target: head, with: base, now: []*resource.Node{head}}
	switch {
	case head.Embedded != nil && base.Embedded != nil:
		d.walk(at, head.Embedded, base.Embedded)
	case head.Kind != base.Kind || head.Unknown || base.Unknown:
		d.add(whole)
	case head.Kind == resource.Map:
		d.fields(at, head, base)
	case head.Kind == resource.List && len(head.Items) == len(base.Items):
		for i := range head.Items {
			d.walk(append(slices.Clip(at), resource.Step{Index: i}), head.Items[i], base.Items[i])
		}
	case head.Kind == resource.List:
		whole.now = slices.DeleteFunc(slices.Clone(head.Items), func(n *resource.Node) bool {
			return slices.ContainsFunc(base.Items, func(was *resource.Node) bool { return resource.Equal(n, was) })
		})
		if len(whole.now) == 0 {
			whole.now = []*resource.Node{head}
		}
		d.add(whole)
	default:
		d.add(whole)
	}
}

func (d *differ) fields(at resource.Path, head, base *resource.Node) {
	for i, f := range head.Fields {
		p := append(slices.Clip(at), resource.Step{Name: f.Name})
		if was := base.Get(f.Name); was != nil {
			d.walk(p, f.Node, was)
			continue
		}
		less := *head
		less.Fields = slices.Delete(slices.Clone(head.Fields), i, i+1)
		d.add(moving{path: p, target: head, with: &less, now: []*resource.Node{f.Node}})
	}
	for _, f := range base.Fields {
		if head.Get(f.Name) == nil {
			more := *head
			more.Fields = append(slices.Clip(head.Fields), f)
			d.add(moving{path: append(slices.Clip(at), resource.Step{Name: f.Name}), target: head, with: &more, gone: f.Node})
		}
	}
}

// replaced gives the tree with one node of it replaced, and whether it was there.
// What does not lead to it is shared.
func replaced(n, target, with *resource.Node) (*resource.Node, bool) {
	if n == nil || n == target {
		if n == nil {
			return nil, false
		}
		return with, true
	}
	var out *resource.Node
	edit := func() *resource.Node {
		if out == nil {
			c := *n
			c.Fields, c.Items = slices.Clone(n.Fields), slices.Clone(n.Items)
			out = &c
		}
		return out
	}
	for i, f := range n.Fields {
		if r, ok := replaced(f.Node, target, with); ok {
			edit().Fields[i].Node = r
		}
	}
	for i, it := range n.Items {
		if r, ok := replaced(it, target, with); ok {
			edit().Items[i] = r
		}
	}
	if r, ok := replaced(n.Embedded, target, with); ok {
		edit().Embedded = r
	}
	if out == nil {
		return n, false
	}
	return out, true
}
