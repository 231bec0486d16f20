package reviewer

import (
	"context"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// readSides reads the units of both sides. A folder of manifests is read whole for
// rules that look at several resources, although most of its files did not
// change: those are read once, and both sides share what they say, which no one
// changes.
func (o Options) readSides(ctx context.Context, baseUnits, headUnits []format.Unit, changes []project.PathChange) (base, head []*resource.Resource, ds source.Diagnostics, lost map[string]bool) {
	touched := make(map[string]bool, len(changes))
	for _, c := range changes {
		touched[c.Path], touched[c.OldPath] = true, true
	}
	onBase := make(map[string]int, len(baseUnits))
	for i, u := range baseUnits {
		onBase[u.ID] = i
	}
	b, h := slices.Clone(baseUnits), slices.Clone(headUnits)
	var same []format.Unit
	for i, u := range h {
		j, ok := onBase[u.ID]
		if !ok || u.Format != resource.Kubernetes {
			continue // files of other formats bear on each other
		}
		both := func(f string) bool {
			_, there := slices.BinarySearch(baseUnits[j].Files, f)
			return there && !touched[f]
		}
		s := u
		s.Files = slices.DeleteFunc(slices.Clone(u.Files), func(f string) bool { return !both(f) })
		if len(s.Files) == 0 {
			continue
		}
		h[i].Files = slices.DeleteFunc(slices.Clone(u.Files), both)
		b[j].Files = slices.DeleteFunc(slices.Clone(baseUnits[j].Files), func(f string) bool { return both(f) && slices.Contains(s.Files, f) })
		same = append(same, s)
	}
	base, _, _ = o.read(ctx, b) // what the base could not be read for is no news
	head, ds, lost = o.read(ctx, h)
	if len(same) == 0 {
		return base, head, ds, lost
	}
	shared, more, none := o.read(ctx, same)
	ds = append(ds, more...)
	sharedOf, baseOf, headOf := byUnit(shared), byUnit(base), byUnit(head)
	for _, u := range same {
		switch {
		case len(sharedOf[u.ID]) > 0:
			delete(lost, u.ID)
		case none[u.ID] && len(headOf[u.ID]) == 0:
			lost[u.ID] = true
		}
		if distinct(baseOf[u.ID], sharedOf[u.ID]) && distinct(headOf[u.ID], sharedOf[u.ID]) {
			for _, r := range sharedOf[u.ID] {
				twin := *r
				base, head = append(base, &twin), append(head, r)
			}
			continue
		}
		// A name that repeats within the unit gets a suffix by its place among all.
		of := func(r *resource.Resource) bool { return r.Unit == u.ID }
		at := func(d source.Diagnostic) bool { return slices.Contains(u.Files, d.File) }
		base, head, ds = slices.DeleteFunc(base, of), slices.DeleteFunc(head, of), slices.DeleteFunc(ds, at)
		whole, _, _ := o.read(ctx, baseUnits[onBase[u.ID]:onBase[u.ID]+1])
		base = append(base, whole...)
		i := slices.IndexFunc(headUnits, func(x format.Unit) bool { return x.ID == u.ID })
		whole, more, _ = o.read(ctx, headUnits[i:i+1])
		ds = slices.DeleteFunc(ds, func(d source.Diagnostic) bool { return slices.Contains(headUnits[i].Files, d.File) })
		head, ds = append(head, whole...), append(ds, more...)
	}
	return inContext(base), inContext(head), ds, lost
}

// distinct reports whether the resources of two parts of a unit have names of
// their own.
func distinct(a, b []*resource.Resource) bool {
	ids := make(map[string]bool, len(a)+len(b))
	for _, rs := range [2][]*resource.Resource{a, b} {
		for _, r := range rs {
			if ids[r.ID] || strings.Contains(r.ID, "#") {
				return false
			}
			ids[r.ID] = true
		}
	}
	return true
}
