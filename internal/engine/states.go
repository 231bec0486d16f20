package engine

import (
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// sameness is what makes a violation of the head and one of the base the same
// at first sight.
type sameness struct {
	rule, stable string
	check        int
}

func (v violation) sameness() sameness { return sameness{v.check.rule.ID, v.stable, v.check.index} }

// pair gives for each violation of the head the index of the base's that it
// was, or -1. First come those at the same stable path: of several, those whose
// items are equal, then the others in order, so that moving or inserting items
// makes nothing new. Then come items that were renamed: one that only the base
// has with one that only the head has, where most of them is the same.
func pair(head, base *side) []int {
	out := make([]int, len(head.violations))
	for i := range out {
		out[i] = -1
	}
	if len(base.violations) == 0 || len(head.violations) == 0 {
		return out
	}
	byPath := make(map[sameness][]int, len(base.violations))
	for k, v := range base.violations {
		byPath[v.sameness()] = append(byPath[v.sameness()], k)
	}
	used := make([]bool, len(base.violations))
	match := func(same func(h, b violation) bool) {
		for i, h := range head.violations {
			if out[i] >= 0 {
				continue
			}
			for _, k := range byPath[h.sameness()] {
				if !used[k] && same(h, base.violations[k]) {
					out[i], used[k] = k, true
					break
				}
			}
		}
	}
	match(func(h, b violation) bool { return resource.Equal(h.item.node, b.item.node) })
	match(func(violation, violation) bool { return true })
	// Another check of the rule may find it there: it is the same finding.
	for i, h := range head.violations {
		for k, b := range base.violations {
			if out[i] < 0 && !used[k] && b.check.rule == h.check.rule && b.stable == h.stable {
				out[i], used[k] = k, true
			}
		}
	}
	pairRenamed(head, base, out, used)
	return out
}

// pairRenamed pairs what is left over; see pair.
func pairRenamed(head, base *side, out []int, used []bool) {
	for i, h := range head.violations {
		if out[i] >= 0 || len(base.itemsAt(h)) > 0 {
			continue
		}
		for k, b := range base.violations {
			if used[k] || b.check != h.check || !similar(h.item.node, b.item.node) || len(head.itemsAt(b)) > 0 {
				continue
			}
			out[i], used[k] = k, true
			break
		}
	}
}

// similar reports whether at least half of the fields of two maps are equal;
// anything else is similar when it is equal.
func similar(a, b *resource.Node) bool {
	if a.Kind != resource.Map || b.Kind != resource.Map {
		return resource.Equal(a, b)
	}
	equal := 0
	for _, f := range a.Fields {
		if o := b.Get(f.Name); o != nil && resource.Equal(f.Node, o) {
			equal++
		}
	}
	return equal > 0 && 2*equal >= max(len(a.Fields), len(b.Fields))
}
