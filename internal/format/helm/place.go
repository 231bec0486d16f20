package helm

import (
	"bytes"
	"sort"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// segment is a stretch of a rendered text of which one thing is known: that it
// stands in a source so, that an action wrote it, or nothing.
type segment struct {
	start int
	text  int // site of the source's text, -1 where it was written otherwise
	delta int // offset in the source minus offset in the rendered text
	open  int // index into layout.open of the innermost action around it, -1 for none
}

// written is an action around a stretch of text.
type written struct {
	site  int
	outer int // index of the one around it, -1 for none
}

// layout tells where each byte of a rendered text came from.
type layout struct {
	text     string
	sites    []site
	segments []segment
	open     []written
}

// newLayout makes the layout of a text from its events.
func newLayout(text string, sites []site, events []event) *layout {
	l := &layout{text: text, sites: sites}
	around := -1
	add := func(s segment) {
		if n := len(l.segments); n > 0 && l.segments[n-1].start == s.start {
			l.segments[n-1] = s
			return
		}
		l.segments = append(l.segments, s)
	}
	add(segment{start: 0, text: -1, open: -1})
	lineEnd := -1 // where the present text's line ends: what follows is not known by it
	breakAt := func(at int) {
		if lineEnd >= 0 && lineEnd < at {
			add(segment{start: lineEnd, text: -1, open: around})
		}
		lineEnd = -1
	}
	for _, e := range events {
		breakAt(e.at)
		if e.site < 0 || e.site >= len(sites) {
			around = -1
			add(segment{start: e.at, text: -1, open: -1})
			continue
		}
		switch s := sites[e.site]; s.kind {
		case textSite:
			add(segment{start: e.at, text: e.site, delta: s.at - e.at, open: around})
			lineEnd = len(text)
			if i := strings.IndexByte(text[e.at:], '\n'); i >= 0 {
				lineEnd = e.at + i + 1
			}
		case openSite:
			l.open = append(l.open, written{e.site, around})
			around = len(l.open) - 1
			add(segment{start: e.at, text: -1, open: around})
		case closeSite:
			// Marks that a function lost leave actions open: close them too.
			for k := around; k >= 0; k = l.open[k].outer {
				if o := sites[l.open[k].site]; o.tpl == s.tpl && o.at == s.at {
					around = l.open[k].outer
					break
				}
			}
			add(segment{start: e.at, text: -1, open: around})
		}
	}
	breakAt(len(text))
	return l
}

// at gives the segment that holds an offset.
func (l *layout) at(off int) segment {
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].start > off })
	return l.segments[i-1]
}

// spot is where a stretch of rendered text stands in a source.
type spot struct {
	tpl        *tpl // nil: not known
	start, end int
	literal    bool // the source's bytes are those of the text
	// action is the offset of the action that wrote it, -1 for none; outer are
	// those around it, innermost first.
	action int
	outer  []site
}

// find gives the source of the text from start to end, which is not empty. What
// stands in a packed chart is known by the action outside of it.
func (l *layout) find(start, end int) spot {
	seg := l.at(start)
	s := l.inner(seg, start, end)
	for k := seg.open; k >= 0; k = l.open[k].outer {
		o := l.sites[l.open[k].site]
		if s.tpl != nil && o.tpl == s.tpl && o.at == s.action {
			continue
		}
		s.outer = append(s.outer, o)
	}
	for s.tpl == nil || s.tpl.file.packed != "" {
		if len(s.outer) == 0 {
			break
		}
		o := s.outer[0]
		s = spot{tpl: o.tpl, start: o.at, end: o.end, action: o.at, outer: s.outer[1:]}
	}
	return s
}

func (l *layout) inner(seg segment, start, end int) spot {
	if seg.text >= 0 {
		t := l.sites[seg.text].tpl
		src := t.file.Data
		if p := start + seg.delta; p >= 0 && p < len(src) {
			if q := p + end - start; q <= len(src) && string(src[p:q]) == l.text[start:end] {
				return spot{tpl: t, start: p, end: q, literal: true, action: -1}
			}
			// An action on the line decides: to the end of what is written there.
			stop := len(src)
			if i := bytes.IndexByte(src[p:], '\n'); i >= 0 {
				stop = p + i
			}
			if i := bytes.Index(src[p:stop], []byte("{{")); i >= 0 {
				last := p + i
				for last < stop {
					e := actionEnd(src, last+2)
					k := -1
					if e < stop {
						k = bytes.Index(src[e:stop], []byte("{{"))
					}
					if k < 0 {
						stop = max(stop, e)
						break
					}
					last = e + k
				}
				return spot{tpl: t, start: p, end: p + len(bytes.TrimRight(src[p:stop], " \t\r")), action: p + i}
			}
			return spot{tpl: t, start: p, end: p + len(bytes.TrimRight(src[p:min(stop, len(src))], " \t\r")), action: -1}
		}
	}
	if seg.open >= 0 {
		o := l.sites[l.open[seg.open].site]
		return spot{tpl: o.tpl, start: o.at, end: o.end, action: o.at}
	}
	// Where a scalar begins in what no one marked, the text that follows may
	// tell.
	return spot{action: -1}
}

// rng gives the range of a spot; zero where it cannot be pointed to.
func (s spot) rng() source.Range {
	if s.tpl == nil || s.tpl.file.packed != "" {
		return source.Range{}
	}
	return s.tpl.file.Range(s.start, max(s.start+1, s.end))
}
