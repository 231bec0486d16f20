package terraform

import (
	"slices"
)

// Bounds on the references of one value.
const (
	maxRefs     = 64
	maxRefSteps = 512 // values looked at
)

// addresses gives the ids of the resources that a reference stands for.
func (r *resourceRef) addresses() []string {
	if r.d.kind == "module" {
		return nil
	}
	addr := r.sc.path + r.d.addr
	x := r.sc.grown[r.d]
	switch {
	case r.inst == nil && x == nil:
		return []string{addr}
	case r.inst == nil:
		out := make([]string, 0, min(len(x.list), maxRefs))
		for i := range x.list[:min(len(x.list), maxRefs)] {
			out = append(out, addr+x.list[i].suffix)
		}
		return out
	case x != nil && !x.known && len(x.list) == 1:
		// One instance stands for all.
		return []string{addr + x.list[0].suffix}
	}
	return []string{addr + r.inst.suffix}
}

// refs gives the ids of the resources that the expression of a value refers to,
// through locals, variables, module inputs and outputs. What is within a list or
// object has references of its own.
func (u *unit) refs(v *val) []string {
	if v.kind != reference && v.kind != wholeResource && len(v.from) == 0 && v.inner == nil {
		return nil
	}
	w := refWalk{left: maxRefSteps}
	w.walk(v, false, false, 0)
	if len(w.out) == 0 {
		return nil
	}
	slices.Sort(w.out)
	w.out = slices.Compact(w.out)
	if len(w.out) > 1 {
		return w.out
	}
	// Most values refer to one resource, and many to the same.
	one, ok := u.single[w.out[0]]
	if !ok {
		one = w.out[:1:1]
		u.single[w.out[0]] = one
	}
	return one
}

type refWalk struct {
	out  []string
	left int
}

// walk collects the references of v. deep takes what is within it too. past
// says that v is the value of an attribute of another resource: what that is
// computed from is the other resource's affair, but what it merely passes on is
// the value's own.
func (w *refWalk) walk(v *val, deep, past bool, depth int) {
	if depth > 48 {
		return
	}
	for {
		if w.left--; w.left < 0 || len(w.out) >= maxRefs {
			return
		}
		if v.res != nil {
			w.out = append(w.out, v.res.addresses()...)
			// A policy document is no more than what its data source says.
			past = policies[v.res.d.typ] == ""
		}
		if !past {
			for _, f := range v.from {
				w.walk(f, true, false, depth+1)
			}
		}
		if v.kind != reference {
			break
		}
		v = v.target
	}
	if past {
		return
	}
	if v.inner != nil {
		w.walk(v.inner, true, false, depth+1)
	}
	if !deep {
		return
	}
	for _, it := range v.items {
		w.walk(it, true, false, depth+1)
	}
	for _, f := range v.fields {
		w.walk(f.v, true, false, depth+1)
	}
}
