package engine

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// throughPlace is where a finding stands of a thing that several units read.
type throughPlace struct {
	rule, unit, id, path string
	fixed                bool
	at                   source.Range
}

// mergeThrough makes one finding of those that several units have at one place:
// overlays over one base, a chart with several files of values. There is one
// thing to mend, so it is said once, with the names of the units. It is new if
// it is new in any of them, and suppressed where somebody answers for the place;
// what is fixed in some of them and stays in others is both. The unit without a
// variant comes first, then the others by name; of the first are the resource
// and the message.
func mergeThrough(fs []Finding) []Finding {
	if !slices.ContainsFunc(fs, func(f Finding) bool { return shared(f.Resource) }) {
		return distinctPrints(fs)
	}
	groups := map[throughPlace][]int{}
	var order []throughPlace
	for i, f := range fs {
		if f.Range.IsZero() {
			continue
		}
		id := f.Resource.Known().ID
		if f.Resource.Home != "" {
			id = blockName(f.Resource) // each root may call the module by another name
		}
		k := placeThrough(f, id)
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	joinRenamed(fs, groups, order)
	drop := make([]bool, len(fs))
	for _, k := range order {
		if members := groups[k]; len(members) > 1 {
			mergeMembers(fs, members, drop)
		}
	}
	out := fs[:0]
	for i, f := range fs {
		if !drop[i] {
			out = append(out, f)
		}
	}
	return distinctPrints(out)
}

func placeThrough(f Finding, id string) throughPlace {
	return throughPlace{
		rule: f.Rule.ID, unit: f.Resource.Known().Unit, id: id, path: f.Path.Stable(f.Resource.Root),
		fixed: f.State == Fixed, at: f.Range,
	}
}

// joinRenamed puts groups together that differ in the resource's name alone,
// which a variant may give, as long as no unit would be in one twice.
func joinRenamed(fs []Finding, groups map[throughPlace][]int, order []throughPlace) {
	byPlace := map[throughPlace][]throughPlace{}
	for _, k := range order {
		first := fs[groups[k][0]]
		if first.Resource.Source != (resource.Identity{}) {
			continue
		}
		bare := k
		bare.id, bare.path = "", first.Path.String()
		joined := false
		for _, other := range byPlace[bare] {
			if !shareUnit(fs, groups[other], groups[k]) {
				groups[other] = append(groups[other], groups[k]...)
				groups[k] = nil
				joined = true
				break
			}
		}
		if !joined {
			byPlace[bare] = append(byPlace[bare], k)
		}
	}
}

func shareUnit(fs []Finding, a, b []int) bool {
	for _, i := range a {
		for _, j := range b {
			if fs[i].Resource.Unit == fs[j].Resource.Unit {
				return true
			}
		}
	}
	return false
}

// mergeMembers makes the first of the members stand for all of them.
func mergeMembers(fs []Finding, members []int, drop []bool) {
	names := make([]string, 0, len(members))
	all := members
	// Units for which alone somebody answers do not have what the others have.
	if open := slices.DeleteFunc(slices.Clone(members), func(i int) bool { return rank(fs[i]) == 0 }); len(open) > 0 {
		members = open
	}
	first := members[0]
	for _, i := range members {
		names = append(names, UnitName(fs[i].Resource))
		a, b := fs[i].Resource, fs[first].Resource
		if (a.Variant == "") != (b.Variant == "") {
			if a.Variant == "" {
				first = i
			}
		} else if a.Unit < b.Unit {
			first = i
		}
	}
	merged := fs[first]
	for _, i := range members {
		if rank(fs[i]) > rank(merged) {
			merged.State, merged.Suppression = fs[i].State, fs[i].Suppression
		}
		merged.Origins = union(merged.Origins, fs[i].Origins)
		if i != first {
			merged.Turned = append(slices.Clip(merged.Turned), fs[i].Turned...)
			merged.standFor(fs[i])
		}
	}
	for _, i := range all {
		drop[i] = true
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 1 {
		merged.Through = names
	}
	fs[members[0]], drop[members[0]] = merged, false
}

// maxOrigins bounds the places that a finding through many units names.
const maxOrigins = 16

// union adds the places of b that a does not have.
func union(a, b []source.Range) []source.Range {
	out := a[:len(a):len(a)]
	for _, r := range b {
		if len(out) < maxOrigins && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// rank orders what is said of one place: somebody who answers for it does so for
// all units, one who answers for the setting of an environment for that alone.
func rank(f Finding) int {
	switch {
	case f.State == Suppressed && f.Suppression != nil && f.Suppression.here:
		return 3
	case f.State == New:
		return 2
	case f.State == Suppressed:
		return 0
	}
	return 1
}

// UnitName is the name that people have for the unit of a resource: its variant,
// or else its folder or file.
func UnitName(r *resource.Resource) string {
	if r.Variant != "" {
		return r.Variant
	}
	_, name, _ := strings.Cut(r.Unit, ":")
	return name
}

// shared reports whether several units may read the thing.
func shared(r *resource.Resource) bool {
	return r.Source != (resource.Identity{}) || r.Variant != "" || r.Home != ""
}

// distinctPrints gives findings that are known by the same and stand in
// different places fingerprints of their own: the first by file keeps its own.
// A finding that some units have and others had is known by one.
func distinctPrints(fs []Finding) []Finding {
	byPrint := map[string][]int{}
	for i, f := range fs {
		if f.State != Fixed && f.Resource != nil {
			byPrint[f.Fingerprint] = append(byPrint[f.Fingerprint], i)
		}
	}
	for print, is := range byPrint {
		if len(is) < 2 {
			continue
		}
		slices.SortStableFunc(is, func(a, b int) int {
			return strings.Compare(fs[a].Range.File+"\x00"+fs[a].Resource.Unit, fs[b].Range.File+"\x00"+fs[b].Resource.Unit)
		})
		taken := map[string]bool{print: true}
		for _, i := range is[1:] {
			next := fingerprint(print, fs[i].Range.File)
			if taken[next] {
				next = fingerprint(print, fs[i].Range.File, fs[i].Resource.Unit)
			}
			taken[next] = true
			fs[i].Fingerprint = next
		}
	}
	return fs
}
