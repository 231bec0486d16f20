package review

import (
	"fmt"
	"sort"
	"strconv"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Group is a set of new findings that one comment speaks of: those about one
// item (a container, a block) of one resource. Fix, where set, mends them all
// or as many of them as could be proven together.
type Group struct {
	Findings []int // indexes into Report.Findings, gravest first
	Fix      *fix.Fix
	// Mends are the fingerprints that Fix clears.
	Mends map[string]bool
}

// maxInGroup bounds how many findings one comment speaks of, and with it the
// comment's length; the others of the item become annotations.
const maxInGroup = 40

// spot is where a rule has something to say.
type spot struct {
	rule string
	at   source.Range
}

// sharedSpots gives those at which several resources that were put together have
// a new finding.
func sharedSpots(findings []Finding) map[spot]bool {
	first := map[spot]string{}
	out := map[spot]bool{}
	for _, f := range findings {
		if f.State != engine.New || f.Resource.Source == (resource.Identity{}) {
			continue
		}
		s := spot{f.Rule.ID, f.Range}
		if id, ok := first[s]; ok && id != f.Resource.ID {
			out[s] = true
		}
		first[s] = f.Resource.ID
	}
	return out
}

// mend is one place elsewhere that mends a rule's findings: the default of a
// variable, an argument of a module's call.
type mend struct {
	rule, unit string
	at         source.Range
	text       string
}

// mendOf gives the place elsewhere that mends a finding, if that is one.
func mendOf(f Finding) (m mend, ok bool) {
	if f.State != engine.New || f.Fix == nil || len(f.Fix.Edits) != 1 {
		return m, false
	}
	e, own := f.Fix.Edits[0], f.Resource.Range
	if e.Range.File == own.File && e.Range.Start.Byte >= own.Start.Byte && e.Range.End.Byte <= own.End.Byte || e.Range.Len() == 0 {
		return m, false
	}
	return mend{f.Rule.ID, f.Resource.Unit, e.Range, e.New}, true
}

// sharedMends gives those that mend findings of several resources.
func sharedMends(findings []Finding) map[mend]bool {
	first := map[mend]string{}
	out := map[mend]bool{}
	for _, f := range findings {
		if m, ok := mendOf(f); ok {
			if id, again := first[m]; again && id != f.Resource.ID {
				out[m] = true
			}
			first[m] = f.Resource.ID
		}
	}
	return out
}

// GroupNew gathers the new findings of at least the policy's comment severity,
// in the order of their gravest. Where they are more than the policy's comments,
// each resource has its gravest before any has another.
func GroupNew(findings []Finding, policy Policy) []Group {
	index := map[string]int{}
	shared, mends := sharedSpots(findings), sharedMends(findings)
	var out []Group
	for i, f := range findings {
		if f.State != engine.New || !f.Severity.AtLeast(policy.CommentOn) || f.Range.Start.Line == 0 {
			continue
		}
		key := f.Range.File + "\x00" + f.Resource.Unit + "\x00" + f.Resource.ID + "\x00" + f.Item.String()
		if len(f.Item) == 0 {
			// Findings about the resource as a whole may stand far apart.
			key += "\x00" + strconv.Itoa(f.Range.Start.Line)
		}
		if shared[spot{f.Rule.ID, f.Range}] {
			// An entry of an overlay decides for several resources: it is one line
			// to mend.
			key = f.Range.File + "\x00" + f.Resource.Unit + "\x00" + strconv.Itoa(f.Range.Start.Line)
		}
		if m, ok := mendOf(f); ok && mends[m] {
			key = fmt.Sprint("mend\x00", m)
		}
		g, ok := index[key]
		if !ok {
			g = len(out)
			index[key] = g
			out = append(out, Group{})
		}
		if len(out[g].Findings) < maxInGroup {
			out[g].Findings = append(out[g].Findings, i)
		}
	}
	for _, g := range out {
		sort.SliceStable(g.Findings, func(a, b int) bool {
			return findings[g.Findings[a]].Severity.Rank() > findings[g.Findings[b]].Severity.Rank()
		})
	}
	sort.SliceStable(out, func(a, b int) bool {
		return findings[out[a].Findings[0]].Severity.Rank() > findings[out[b].Findings[0]].Severity.Rank()
	})
	return budgeted(findings, out, policy.MaxComments)
}

// budgeted orders groups for a budget that does not hold all of them: the
// gravest of each resource come first, so that one resource does not use up what
// the others need.
func budgeted(findings []Finding, groups []Group, most int) []Group {
	if len(groups) <= most {
		return groups
	}
	seen := map[string]bool{}
	var first, rest []Group
	for _, g := range groups {
		r := findings[g.Findings[0]].Resource
		if key := r.Unit + "\x00" + r.ID; !seen[key] {
			seen[key] = true
			first = append(first, g)
			continue
		}
		rest = append(rest, g)
	}
	return append(first, rest...)
}
