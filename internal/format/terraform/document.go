package terraform

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxDocument bounds the text in which a JSON document is looked for.
const maxDocument = 1 << 18

// document gives the value that the text of b encodes in JSON, with the places
// of what is in it; nil where it is no JSON. Interpolations that are not known
// leave the rest known.
func (u *unit) document(b *val) *val {
	if b.parts == nil {
		return nil
	}
	if b.doc == nil {
		b.doc = u.readDocument(b)
		if b.doc == nil {
			b.doc = b // no document; asked once
		}
	}
	if b.doc == b {
		return nil
	}
	return b.doc
}

// segment maps a stretch of a document's text to the source.
type segment struct {
	start, end int // in the text
	rng        source.Range
	file       *file // nil: all of it stands at rng
	offsets    []int // of each byte of the text; nil: the source says the same bytes
	v          *val  // of an interpolation whose text is put in
}

// maxInfluences bounds the interpolations that one value of a document names.
const maxInfluences = 8

// influences gives the values of the interpolations within the bytes [start, end)
// of a document's text.
func influences(segs []segment, start, end int) []*val {
	i := sort.Search(len(segs), func(i int) bool { return segs[i].end > start })
	var out []*val
	for ; i < len(segs) && segs[i].start < end && len(out) < maxInfluences; i++ {
		if segs[i].v != nil {
			out = append(out, segs[i].v)
		}
	}
	return out
}

// influenced adds them to a value of the document.
func influenced(v *val, segs []segment, start, end int) *val {
	if from := influences(segs, start, end); from != nil {
		v.from = append(v.from[:len(v.from):len(v.from)], from...)
	}
	return v
}

func (s *segment) at(i int) (int, bool) {
	switch {
	case s.file == nil:
		return 0, false
	case s.offsets == nil:
		return s.rng.Start.Byte + i - s.start, true
	}
	return s.offsets[i-s.start], true
}

func (u *unit) readDocument(b *val) *val {
	text, segs, holes, ok := u.assemble(b)
	if !ok {
		return nil
	}
	root, err := parseJSON(text, true)
	if err != nil || root.kind != jsonObject && root.kind != jsonArray {
		return nil
	}
	return u.fromJSON(root, func(start, end int) source.Range { return place(segs, start, end) }, segs, holes)
}

// assemble puts the text of b together from its parts, with a hole for each that
// is not known or is a document itself.
func (u *unit) assemble(b *val) (text string, segs []segment, holes []*val, ok bool) {
	var t strings.Builder
	for _, p := range b.parts {
		s := segment{start: t.Len(), rng: p.rng}
		if p.v == nil {
			if strings.ContainsRune(p.lit, holeMark) {
				return "", nil, nil, false
			}
			t.WriteString(p.lit)
			if p.file != nil {
				s.file = p.file
				s.offsets = align(string(p.file.Data[p.rng.Start.Byte:p.rng.End.Byte]), p.lit, p.rng.Start.Byte, p.quoted)
			}
		} else {
			pb := p.v.base()
			str, ok := p.v.asText()
			if ok && pb.inner == nil && pb.parts == nil && !strings.ContainsRune(str, holeMark) {
				t.WriteString(str)
				s.v = ref(p.rng, p.v)
			} else {
				t.WriteString(hole(len(holes)))
				holes = append(holes, ref(p.rng, p.v))
			}
		}
		if s.end = t.Len(); s.end > maxDocument {
			return "", nil, nil, false
		}
		segs = append(segs, s)
	}
	return t.String(), segs, holes, u.spend(t.Len() / 64)
}

// place finds where the bytes [start, end) of a document's text are written.
func place(segs []segment, start, end int) source.Range {
	find := func(i int) *segment {
		lo, hi := 0, len(segs)-1
		for lo < hi {
			mid := (lo + hi) / 2
			if segs[mid].end <= i {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return &segs[lo]
	}
	a, b := find(start), find(max(start, end-1))
	out := a.rng
	if b.rng.File == a.rng.File {
		out.End = b.rng.End
	}
	f := a.file
	if i, ok := a.at(start); ok {
		out.Start = f.pos(i)
	}
	if b.rng.File != a.rng.File {
		return out
	}
	if i, ok := b.at(end - 1); ok {
		out.End = b.file.pos(i + 1)
		// An escape sequence of the source stands for one byte of the text.
		if end-b.start < len(b.offsets) {
			if next := b.offsets[end-b.start]; next > i+1 && !strings.ContainsAny(string(b.file.Data[i+1:next]), " \t") {
				out.End = b.file.pos(next)
			}
		}
	}
	return out
}

// align maps each byte of the text of a literal to its offset in the source,
// which begins at base; nil where both are the same. Indentation that the
// language strips, and escape sequences, are stepped over.
func align(src, lit string, base int, quoted bool) []int {
	if src == lit {
		return nil
	}
	out := make([]int, 0, len(lit))
	i := 0
	for j := 0; j < len(lit); {
		n, width := unescape(src, i, quoted)
		switch {
		case n > 0 && strings.HasPrefix(lit[j:], decoded(src[i:i+n], quoted)) && width > 0:
			for range width {
				out = append(out, base+i)
			}
			i += n
			j += width
		case i < len(src) && src[i] == lit[j]:
			out = append(out, base+i)
			i++
			j++
		case i < len(src):
			i++
		default:
			out = append(out, base+len(src))
			j++
		}
	}
	return out
}

// unescape measures the escape sequence at src[i:]: its length and that of the
// text that it stands for. 0 means that there is none.
func unescape(src string, i int, quoted bool) (n, width int) {
	rest := src[i:]
	if strings.HasPrefix(rest, "$${") || strings.HasPrefix(rest, "%%{") {
		return 3, 2
	}
	if !quoted || len(rest) < 2 || rest[0] != '\\' {
		return 0, 0
	}
	n = 2
	switch rest[1] {
	case 'u':
		n = 6
	case 'U':
		n = 10
	}
	if n > len(rest) {
		return 0, 0
	}
	return n, len(decoded(rest[:n], quoted))
}

func decoded(esc string, quoted bool) string {
	if strings.HasPrefix(esc, "$$") || strings.HasPrefix(esc, "%%") {
		return esc[1:]
	}
	if !quoted {
		return esc
	}
	tokens := hclsyntax.Token{Type: hclsyntax.TokenQuotedLit, Bytes: []byte(esc), Range: hcl.Range{}}
	s, diags := hclsyntax.ParseStringLiteralToken(tokens)
	if diags.HasErrors() || !utf8.ValidString(s) {
		return ""
	}
	return s
}

// fromJSON turns a JSON document into a value. holes are what stands for the
// holes in it.
func (u *unit) fromJSON(n *jsonNode, at func(start, end int) source.Range, segs []segment, holes []*val) *val {
	rng := at(n.start, n.end)
	if !u.spend(1) {
		return newUnknown(rng, whyStopped)
	}
	switch n.kind {
	case jsonBool:
		return influenced(newBool(rng, n.b), segs, n.start, n.end)
	case jsonNumber:
		return influenced(newNumber(rng, n.num), segs, n.start, n.end)
	case jsonString:
		return influenced(u.holed(n.str, rng, holes), segs, n.start, n.end)
	case jsonArray:
		items := make([]*val, len(n.items))
		for i, it := range n.items {
			items[i] = u.fromJSON(it, at, segs, holes)
		}
		return newList(rng, items)
	case jsonObject:
		fields := make([]field, 0, len(n.fields))
		seen := map[string]int{}
		for _, f := range n.fields {
			name := u.holed(f.name, rng, holes)
			if name.kind != text {
				continue
			}
			fd := field{name: name.str, keyRng: at(f.start, f.end), v: u.fromJSON(f.node, at, segs, holes)}
			if strings.ContainsRune(f.name, holeMark) || fd.keyRng == rng {
				fd.keyRng = source.Range{} // not known that exactly
			}
			if i, dup := seen[fd.name]; dup {
				fields[i] = fd
				continue
			}
			seen[fd.name] = len(fields)
			fields = append(fields, fd)
		}
		v := newObject(rng, fields)
		if len(fields) < len(n.fields) && v.kind == object {
			v.partial, v.why = true, "the name of a field"
		}
		return v
	case jsonHole:
		if n.hole < len(holes) {
			h := holes[n.hole]
			b := h.base()
			switch {
			case b.inner != nil:
				return h.through(b.inner)
			case u.document(b) != nil:
				return h.through(u.document(b))
			}
			return unknownLike(h, rng)
		}
	}
	return newNull(rng)
}

// nextHole cuts s around its first hole; -1 where there is none.
func nextHole(s string) (n int, before, behind string) {
	before, rest, ok := strings.Cut(s, string(holeMark))
	if !ok {
		return -1, s, ""
	}
	number, behind, ok := strings.Cut(rest, string(holeEnd))
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return -1, before, rest
	}
	return n, before, behind
}

// holed gives a string of a document; one with an unknown hole is unknown.
func (u *unit) holed(s string, rng source.Range, holes []*val) *val {
	if !strings.ContainsRune(s, holeMark) {
		return newText(rng, s)
	}
	var from []*val
	var open *val
	var known pieces
	for rest := s; rest != ""; {
		i, before, behind := nextHole(rest)
		known.lit(before)
		rest = behind
		if i < 0 || i >= len(holes) {
			continue
		}
		h := holes[i]
		from = append(from, h)
		if !known.put(h) {
			open = h
		} else if _, ok := h.asText(); !ok {
			open = h
		}
		if known.cur.Len() > maxText {
			return failure(rng, "a text is too long")
		}
	}
	if open != nil {
		out := computed(unknownLike(open, rng), from...)
		out.known = known.parts()
		return out
	}
	s = known.cur.String()
	if len(s) > maxText || !u.produce(len(s)) {
		return failure(rng, "a text is too long")
	}
	return computed(newText(rng, s), from...)
}
