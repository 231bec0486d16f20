package change

import (
	"bytes"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxSteps bounds the search for the shortest edit script: the number of lines
// that may differ, beside those that only one side has. It keeps the memory
// under 40 MB and the time under a second. Past it the span between the common
// start and the common end counts as replaced.
const maxSteps = 3_000

// Context is how many unchanged lines git and GitHub show around a change.
const Context = 3

// span says that lines [a1,a2) of the old side became [b1,b2) of the new one,
// 0-based.
type span struct{ a1, a2, b1, b2 int }

// Hunks gives the spans of lines of the head that a diff shows with so many
// lines of context around each change, merged where they touch, in order. A
// nil base or head is an absent file. Hunks without a line in the head (all of
// it was deleted) are left out.
func Hunks(base, head *source.File, context int) []Hunk {
	var a, b [][]byte
	if base != nil {
		a = splitLines(base.Data)
	}
	if head != nil {
		b = splitLines(head.Data)
	}
	var out []Hunk
	for _, g := range grouped(diff(a, b), max(context, 0), len(a), len(b)) {
		if g.b2 > g.b1 {
			out = append(out, Hunk{Start: g.b1 + 1, End: g.b2})
		}
	}
	return out
}

// splitLines gives the lines with their line breaks: a last line without one
// differs from one with.
func splitLines(data []byte) [][]byte {
	if len(data) == 0 {
		return nil
	}
	out := make([][]byte, 0, bytes.Count(data, []byte{'\n'})+1)
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		out = append(out, data[:n:n])
		data = data[n:]
	}
	return out
}

// group is a run of changes together with the context around it.
type lineGroup struct {
	span
	changes []span
}

// grouped widens changes by context lines and merges those that then touch.
func grouped(spans []span, context, lenA, lenB int) []lineGroup {
	var out []lineGroup
	for _, s := range spans {
		lead := min(context, s.a1, s.b1)
		tail := min(context, lenA-s.a2, lenB-s.b2)
		w := span{s.a1 - lead, s.a2 + tail, s.b1 - lead, s.b2 + tail}
		if n := len(out); n > 0 && w.a1 <= out[n-1].a2 {
			out[n-1].a2, out[n-1].b2 = w.a2, w.b2
			out[n-1].changes = append(out[n-1].changes, s)
			continue
		}
		out = append(out, lineGroup{span: w, changes: []span{s}})
	}
	return out
}

// diff gives the spans that differ, in order, none touching another.
func diff(a, b [][]byte) []span {
	pre := 0
	for pre < len(a) && pre < len(b) && bytes.Equal(a[pre], b[pre]) {
		pre++
	}
	suf := 0
	for suf < len(a)-pre && suf < len(b)-pre && bytes.Equal(a[len(a)-1-suf], b[len(b)-1-suf]) {
		suf++
	}
	ma, mb := a[pre:len(a)-suf], b[pre:len(b)-suf]
	if len(ma) == 0 && len(mb) == 0 {
		return nil
	}
	changedA, changedB := make([]bool, len(ma)), make([]bool, len(mb))
	if !mark(ma, mb, changedA, changedB) {
		return []span{{pre, len(a) - suf, pre, len(b) - suf}}
	}
	var out []span
	i, j := 0, 0
	for i < len(ma) || j < len(mb) {
		s := span{a1: pre + i, b1: pre + j}
		for i < len(ma) && changedA[i] {
			i++
		}
		for j < len(mb) && changedB[j] {
			j++
		}
		s.a2, s.b2 = pre+i, pre+j
		if s.a2 > s.a1 || s.b2 > s.b1 {
			out = append(out, s)
			continue
		}
		i++
		j++
	}
	return out
}

// mark finds which lines of either side are not part of a longest common
// sequence. It gives false when that would cost too much.
func mark(a, b [][]byte, changedA, changedB []bool) bool {
	ids := make(map[string]int, len(a))
	na, nb := make([]int, len(a)), make([]int, len(b))
	for i, l := range a {
		id, ok := ids[string(l)]
		if !ok {
			id = len(ids)
			ids[string(l)] = id
		}
		na[i] = id
	}
	known := len(ids)
	inB := make([]bool, known)
	for j, l := range b {
		id, ok := ids[string(l)]
		if !ok {
			id = -1
		} else {
			inB[id] = true
		}
		nb[j] = id
	}
	// Lines that one side alone has can't be common; without them the rest is
	// often short.
	var sa, sb, pa, pb []int
	for i, id := range na {
		if !inB[id] {
			changedA[i] = true
			continue
		}
		sa, pa = append(sa, id), append(pa, i)
	}
	for j, id := range nb {
		if id < 0 {
			changedB[j] = true
			continue
		}
		sb, pb = append(sb, id), append(pb, j)
	}
	return myers(sa, sb, func(i int) { changedA[pa[i]] = true }, func(j int) { changedB[pb[j]] = true })
}

// myers is the greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm
// and Its Variations" (1986), keeping the frontier of each step to walk back.
func myers(a, b []int, del, ins func(int)) bool {
	n, m := len(a), len(b)
	limit := min(n+m, maxSteps)
	v := make([]int32, 2*limit+3)
	at := func(k int) int { return k + limit + 1 }
	var trace [][]int32
	d := 0
search:
	for ; ; d++ {
		if d > limit {
			return false
		}
		// Only the diagonals -d..d are in use before step d.
		lo := max(at(-d)-1, 0)
		hi := min(at(d)+2, len(v))
		trace = append(trace, append([]int32(nil), v[lo:hi]...))
		for k := -d; k <= d; k += 2 {
			var x int
			if k == -d || (k != d && v[at(k-1)] < v[at(k+1)]) {
				x = int(v[at(k+1)])
			} else {
				x = int(v[at(k-1)]) + 1
			}
			y := x - k
			for x < n && y < m && a[x] == b[y] {
				x++
				y++
			}
			v[at(k)] = int32(x)
			if x >= n && y >= m {
				break search
			}
		}
	}
	x, y := n, m
	for ; d > 0; d-- {
		t, lo := trace[d], max(at(-d)-1, 0)
		get := func(k int) int { return int(t[at(k)-lo]) }
		k := x - y
		if k == -d || (k != d && get(k-1) < get(k+1)) {
			px := get(k + 1)
			py := px - (k + 1)
			ins(py)
			x, y = px, py
		} else {
			px := get(k - 1)
			py := px - (k - 1)
			del(px)
			x, y = px, py
		}
	}
	return true
}
