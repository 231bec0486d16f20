package change

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const (
	// renameThreshold is the share of settings that two resources of
	// different names must have in common to count as one that was renamed.
	renameThreshold = 0.6
	// moveThreshold is the same for two resources of one id in different
	// units: names such as aws_instance.this repeat without meaning the same.
	moveThreshold = 0.3
	// minSettings keeps resources that hardly say anything (a namespace) from
	// being taken for each other.
	minSettings = 3
	// maxCandidates bounds the comparisons of one kind of resource; where
	// there are more, only equal trees are paired.
	maxCandidates = 40_000
	// maxFeatures bounds what is looked at of one resource.
	maxFeatures = 1_000
)

// Pair finds for each resource of the head the one of the base that it was:
// the same id in the same unit, else the same name elsewhere or under another
// API version, else the most similar one of its kind. Each resource is in one
// pair at most, and the pairs don't depend on the order of the arguments'
// items; swapping the arguments swaps the pairs.
//
// A pair with equal trees is Unchanged, wherever its two sides stand. The
// result is in the order of the head's files and lines, what was removed last.
func Pair(base, head []*resource.Resource) []ResourceChange {
	p := pairing{base: sorted(base), head: sorted(head)}
	p.of = make([]int, len(p.head))
	p.taken = make([]bool, len(p.base))
	for i := range p.of {
		p.of[i] = -1
	}
	p.byIdentity()
	p.byName()
	p.bySimilarity()
	return p.changes()
}

// pairing is under way between two sorted lists.
type pairing struct {
	base, head []*resource.Resource
	of         []int  // index into base of the partner of head[i], or -1
	taken      []bool // base[i] has a partner
}

// sorted gives the resources in the order of files and lines.
func sorted(rs []*resource.Resource) []*resource.Resource {
	out := make([]*resource.Resource, 0, len(rs))
	for _, r := range rs {
		if r != nil {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b *resource.Resource) int {
		return cmp.Or(
			strings.Compare(a.Range.File, b.Range.File),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			strings.Compare(a.Unit, b.Unit),
			strings.Compare(a.ID, b.ID),
		)
	})
	return out
}

func (p *pairing) join(b, h int) {
	p.of[h] = b
	p.taken[b] = true
}

type identity struct{ unit, id string }

// byIdentity pairs what is called the same in the same unit, first with first
// should an identity repeat.
func (p *pairing) byIdentity() {
	at := make(map[identity][]int, len(p.base))
	for i, r := range p.base {
		k := identity{r.Unit, r.ID}
		at[k] = append(at[k], i)
	}
	for h, r := range p.head {
		k := identity{r.Unit, r.ID}
		if q := at[k]; len(q) > 0 {
			p.join(q[0], h)
			at[k] = q[1:]
		}
	}
}

// byName pairs leftovers that have one name: moved to another unit, or under
// another version of their API.
func (p *pairing) byName() {
	key := func(r *resource.Resource) string {
		if r.Name == "" && r.Platform != resource.Terraform {
			return ""
		}
		if r.Platform == resource.Kubernetes {
			return strings.Join([]string{r.Platform, r.Kind, r.Namespace, r.Name}, "\x00")
		}
		return strings.Join([]string{r.Platform, r.ID}, "\x00")
	}
	p.match(key, func(b, h *resource.Resource, similarity float64, settings int) bool {
		return b.Unit == h.Unit || similarity >= moveThreshold || settings == 0
	})
}

// bySimilarity pairs leftovers of one kind that say nearly the same.
func (p *pairing) bySimilarity() {
	key := func(r *resource.Resource) string { return r.Platform + "\x00" + r.Kind }
	p.match(key, func(_, _ *resource.Resource, similarity float64, settings int) bool {
		return settings >= minSettings && similarity >= renameThreshold
	})
}

// group holds leftovers of one key.
type group struct{ base, head []int }

// match pairs leftovers within groups of one key, the most similar first. good
// decides whether a pair will do, given its similarity and the number of
// settings of the side that has more.
func (p *pairing) match(key func(*resource.Resource) string, good func(b, h *resource.Resource, similarity float64, settings int) bool) {
	groups := map[string]*group{}
	add := func(k string) *group {
		g := groups[k]
		if g == nil {
			g = &group{}
			groups[k] = g
		}
		return g
	}
	for i, r := range p.base {
		if k := key(r); k != "" && !p.taken[i] {
			g := add(k)
			g.base = append(g.base, i)
		}
	}
	for i, r := range p.head {
		if k := key(r); k != "" && p.of[i] < 0 {
			g := add(k)
			g.head = append(g.head, i)
		}
	}
	for _, g := range groups {
		if len(g.base) > 0 && len(g.head) > 0 {
			p.matchGroup(g, good)
		}
	}
}

type candidate struct {
	b, h  int
	score float64
}

func (p *pairing) matchGroup(g *group, good func(b, h *resource.Resource, similarity float64, settings int) bool) {
	bf, hf := make([][]uint64, len(g.base)), make([][]uint64, len(g.head))
	for i, b := range g.base {
		bf[i] = features(p.base[b])
	}
	for i, h := range g.head {
		hf[i] = features(p.head[h])
	}
	exactOnly := len(g.base) > maxCandidates/len(g.head)
	bySum := map[uint64][]int{} // used when comparing all with all costs too much
	if exactOnly {
		for i := range bf {
			s := sum(bf[i])
			bySum[s] = append(bySum[s], i)
		}
	}
	var cands []candidate
	consider := func(i, j int) {
		b, h := p.base[g.base[i]], p.head[g.head[j]]
		score := similarity(bf[i], hf[j])
		if good(b, h, score, max(len(bf[i]), len(hf[j]))) {
			if b.Unit == h.Unit {
				score += 1e-6 // of equals, the one nearby
			}
			cands = append(cands, candidate{g.base[i], g.head[j], score})
		}
	}
	for j := range g.head {
		if exactOnly {
			// One partner each will do, but which must not depend on the side:
			// the k-th of those that are equal goes with the k-th.
			s := sum(hf[j])
			if q := bySum[s]; len(q) > 0 {
				consider(q[0], j)
				bySum[s] = q[1:]
			}
			continue
		}
		for i := range g.base {
			consider(i, j)
		}
	}
	// Ties are broken by the unordered pair of names, so that swapping base
	// and head swaps the pairs.
	slices.SortFunc(cands, func(x, y candidate) int {
		if c := cmp.Compare(y.score, x.score); c != 0 {
			return c
		}
		xl, xh := p.names(x)
		yl, yh := p.names(y)
		return cmp.Or(xl.compare(yl), xh.compare(yh), cmp.Compare(x.b+x.h, y.b+y.h), cmp.Compare(min(x.b, x.h), min(y.b, y.h)))
	})
	for _, c := range cands {
		if p.of[c.h] < 0 && !p.taken[c.b] {
			p.join(c.b, c.h)
		}
	}
}

func (i identity) compare(o identity) int {
	return cmp.Or(strings.Compare(i.unit, o.unit), strings.Compare(i.id, o.id))
}

// names gives the identities of a candidate's two sides, the lesser first.
func (p *pairing) names(c candidate) (lo, hi identity) {
	b, h := p.base[c.b], p.head[c.h]
	lo, hi = identity{b.Unit, b.ID}, identity{h.Unit, h.ID}
	if lo.compare(hi) > 0 {
		lo, hi = hi, lo
	}
	return lo, hi
}

func (p *pairing) changes() []ResourceChange {
	out := make([]ResourceChange, 0, len(p.head)+len(p.base))
	for h, r := range p.head {
		b := p.of[h]
		if b < 0 {
			out = append(out, ResourceChange{Kind: Added, After: r})
			continue
		}
		kind := Modified
		if resource.Equal(p.base[b].Root, r.Root) {
			kind = Unchanged
		}
		out = append(out, ResourceChange{Kind: kind, Before: p.base[b], After: r})
	}
	for b, r := range p.base {
		if !p.taken[b] {
			out = append(out, ResourceChange{Kind: Removed, Before: r})
		}
	}
	return out
}

// features gives one number for each setting of a resource, sorted: a hash of
// its path and value. What names the resource (and what all of its kind say)
// is left out. Those of a large resource are a sample that is the same for
// equal settings.
func features(r *resource.Resource) []uint64 {
	var out []uint64
	visited := 0
	resource.Walk(r.Root, func(path resource.Path, n *resource.Node) bool {
		visited++
		if visited > 20*maxFeatures {
			return false
		}
		if r.Platform == resource.Kubernetes && naming(path) {
			return false
		}
		if n.Kind == resource.List || n.Kind == resource.Map {
			return true
		}
		h := fnv.New64a()
		h.Write([]byte(path.Stable(r.Root)))
		h.Write([]byte{0, byte(n.Kind)})
		h.Write(valueBytes(n))
		out = append(out, h.Sum64())
		return false
	})
	slices.Sort(out)
	if len(out) > maxFeatures {
		out = out[:maxFeatures] // the least hashes: the same choice on both sides
	}
	return out
}

func naming(p resource.Path) bool {
	switch len(p) {
	case 1:
		return p[0].Name == "apiVersion" || p[0].Name == "kind"
	case 2:
		return p[0].Name == "metadata" && (p[1].Name == "name" || p[1].Name == "namespace")
	}
	return false
}

func valueBytes(n *resource.Node) []byte {
	if n.Unknown {
		return append([]byte{1}, n.Why...)
	}
	switch v := n.Value.(type) {
	case string:
		return append([]byte{2}, v...)
	case bool:
		if v {
			return []byte{3, 1}
		}
		return []byte{3, 0}
	case int64:
		return number(4, uint64(v))
	case float64:
		return number(5, math.Float64bits(v))
	}
	return []byte{0}
}

func number(tag byte, v uint64) []byte {
	out := make([]byte, 9)
	out[0] = tag
	for i := range 8 {
		out[1+i] = byte(v >> (8 * i))
	}
	return out
}

func sum(fs []uint64) uint64 {
	s := uint64(len(fs))
	for _, f := range fs {
		s = (s ^ f) * 0x100000001b3
	}
	return s
}

// similarity is the share that two sorted lists have in common: 0 to 1.
func similarity(a, b []uint64) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	same := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			same++
			i++
			j++
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return 2 * float64(same) / float64(len(a)+len(b))
}
