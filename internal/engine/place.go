package engine

import (
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// locate says where a person would edit: the setting at within the item with
// its name, or, when it is missing, the name, header or first line of the
// nearest parent that exists. The origins are those of what stands there.
func locate(res *resource.Resource, it item, at resource.Path) (source.Range, []source.Range) {
	n, taken := at.At(it.node)
	if taken < len(at) {
		// What took the missing setting away is what a person would edit.
		holder := n
		if taken == 0 {
			holder = it.node
		}
		if t := holder.TakenAway(at[taken].Name); t != nil {
			r := t.Range
			if t.KeyRange.File == r.File && t.KeyRange.Start.Line == r.End.Line {
				r.Start = t.KeyRange.Start
			}
			return r, t.Origins
		}
	}
	if taken == 0 {
		// Nothing of the path is there, or there is none: the item itself.
		return standing(res, it.node), it.node.Origins
	}
	if taken < len(at) {
		return standing(res, n), n.Origins
	}
	r := n.Range
	switch {
	case r.IsZero():
		return standing(res, n), n.Origins
	case n.KeyRange.File != r.File:
	case r.Start.Line == r.End.Line && n.KeyRange.End.Byte <= r.Start.Byte && n.KeyRange.Start.Line == r.Start.Line:
		r.Start = n.KeyRange.Start
		return r, n.Origins
	default:
		return n.KeyRange, n.Origins
	}
	return firstLine(n), n.Origins
}

// standing is where something is said about a node as a whole.
func standing(res *resource.Resource, n *resource.Node) source.Range {
	switch {
	case n == nil || n == res.Root:
	case !n.KeyRange.IsZero():
		return n.KeyRange
	case !n.Range.IsZero():
		return firstLine(n)
	}
	if !res.Head.IsZero() {
		return res.Head
	}
	return res.Range
}

// firstLine is the part of a node that stands on its first line, as far as its
// children tell.
func firstLine(n *resource.Node) source.Range {
	r := n.Range
	if r.Start.Line == r.End.Line {
		return r
	}
	first, end := r.Start.Line, r.Start
	reach := func(x source.Range) {
		if x.File == r.File && x.Start.Line == first && x.End.Line == first && x.End.Byte > end.Byte {
			end = x.End
		}
	}
	for _, f := range n.Fields {
		if f.Node == nil {
			continue
		}
		reach(f.Node.KeyRange)
		reach(f.Node.Range)
		if f.Node.Range.Start.Line > first {
			break
		}
	}
	for _, it := range n.Items {
		if it == nil {
			continue
		}
		reach(it.Range)
		if it.Range.Start.Line > first {
			break
		}
	}
	if end == r.Start { // an opening bracket alone
		end.Byte++
		end.Column++
	}
	r.End = end
	return r
}
