package fix

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// trailingNames are arguments that stand last in a block by convention; new
// ones go in front of them.
var trailingNames = map[string]bool{"tags": true, "tags_all": true, "depends_on": true}

// leadingNames are meta-arguments that stand first in a block by convention.
var leadingNames = map[string]bool{"count": true, "for_each": true, "provider": true}

// piece is an attribute or nested block of a body, by its bytes.
type piece struct {
	start, end int // end is past the last byte that is not a line break
	name       string
	block      bool
}

func (w *hclWriter) pieces(b *hclsyntax.Block) []piece {
	var out []piece
	add := func(start, end int, name string, block bool) {
		for end > start && (w.f.Data[end-1] == '\n' || w.f.Data[end-1] == '\r') {
			end--
		}
		out = append(out, piece{start, end, name, block})
	}
	for _, a := range b.Body.Attributes {
		add(a.SrcRange.Start.Byte, a.SrcRange.End.Byte, a.Name, false)
	}
	for _, n := range b.Body.Blocks {
		add(n.TypeRange.Start.Byte, n.CloseBraceRange.End.Byte, n.Type, true)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].start < out[j].start })
	return out
}

func (w *hclWriter) line(offset int) int { return w.f.Pos(offset).Line }

// indentAt is the white space that the line of an offset starts with.
func (w *hclWriter) indentAt(offset int) string {
	s := w.f.Line(w.line(offset))
	return s[:len(s)-len(strings.TrimLeft(s, " \t"))]
}

// unit is one level of indentation: that of the block where it shows one.
func (w *hclWriter) unit(b *hclsyntax.Block) string {
	outer := w.indentAt(b.TypeRange.Start.Byte)
	for _, p := range w.pieces(b) {
		if w.line(p.start) > w.line(b.OpenBraceRange.Start.Byte) {
			if in := w.indentAt(p.start); strings.HasPrefix(in, outer) && len(in) > len(outer) {
				return in[len(outer):]
			}
		}
	}
	return w.fileUnit()
}

// fileUnit is the white space of the file's first indented line.
func (w *hclWriter) fileUnit() string {
	for i := 1; i <= min(w.f.Lines(), 2000); i++ {
		s := w.f.Line(i)
		t := strings.TrimLeft(s, " \t")
		if t == "" || len(t) == len(s) || strings.HasPrefix(t, "*") {
			continue
		}
		if s[0] == '\t' {
			return "\t"
		}
		if n := len(s) - len(t); n <= 8 {
			return s[:n]
		}
		return "  "
	}
	return "  "
}

// remove takes the attributes and nested blocks that start at the places of gone out
// of b, with their whole lines. more says that others come.
func (w *hclWriter) remove(b *hclsyntax.Block, gone map[int]bool, more bool) error {
	pieces := w.pieces(b)
	if w.line(b.OpenBraceRange.Start.Byte) == w.line(b.CloseBraceRange.Start.Byte) {
		if more || len(gone) < len(pieces) {
			return errors.New("a block on one line is not taken apart")
		}
		w.edit(b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte, "")
		return nil
	}
	for i, p := range pieces {
		if !gone[p.start] {
			continue
		}
		first, last := w.line(p.start), w.line(p.end)
		if i > 0 && w.line(pieces[i-1].end) == first || i+1 < len(pieces) && w.line(pieces[i+1].start) == last ||
			w.line(b.OpenBraceRange.Start.Byte) == first || w.line(b.CloseBraceRange.Start.Byte) == last {
			return errors.New("the setting shares its line with another")
		}
		blankAbove := first > 1 && strings.TrimSpace(w.f.Line(first-1)) == ""
		below := strings.TrimSpace(w.f.Line(last + 1))
		if p.block && blankAbove && (below == "" || last+1 == w.line(b.CloseBraceRange.Start.Byte)) && !(i > 0 && gone[pieces[i-1].start]) {
			first--
		}
		// The first thing of a block has no blank line above it.
		if below == "" && w.line(b.OpenBraceRange.Start.Byte) == first-1 && i+1 < len(pieces) && !gone[pieces[i+1].start] {
			last++
		}
		w.edit(w.f.LineStart(first), w.f.LineEnd(last), "")
	}
	return nil
}

// insert writes new attributes and nested blocks into b, of which those at the places
// of gone are taken out.
func (w *hclWriter) insert(b *hclsyntax.Block, gone map[int]bool, attrs []entry, blocks []newBlock) error {
	if len(attrs)+len(blocks) == 0 {
		return nil
	}
	outer := w.indentAt(b.TypeRange.Start.Byte)
	unit := w.unit(b)
	indent := outer + unit
	open, shut := b.OpenBraceRange, b.CloseBraceRange
	pieces := slices.DeleteFunc(w.pieces(b), func(p piece) bool { return gone[p.start] })
	if w.line(open.Start.Byte) == w.line(shut.Start.Byte) {
		inner := strings.TrimSpace(string(w.f.Data[open.End.Byte:shut.Start.Byte]))
		if hasHCLComment(inner) {
			return errors.New("a comment stands within a block on one line")
		}
		var lines []string
		if inner != "" {
			lines = append(lines, indent+inner)
		}
		width := 0
		if len(pieces) == 1 && !pieces[0].block {
			width = len(pieces[0].name)
		}
		for _, a := range attrs {
			if width > 0 && len(a.name) > width {
				width = 0
				lines = append(lines, "")
			}
		}
		text := w.render(attrs, blocks, indent, unit, width, inner != "")
		lines = append(lines, text...)
		// Around what stands there already, so that its bytes stay.
		if inner != "" {
			w.edit(open.End.Byte, pieces[0].start, w.eol+indent)
			w.edit(pieces[len(pieces)-1].end, shut.Start.Byte, w.eol+strings.Join(lines[1:], w.eol)+w.eol+outer)
			return nil
		}
		w.edit(open.End.Byte, shut.Start.Byte, w.eol+strings.Join(lines, w.eol)+w.eol+outer)
		return nil
	}
	if len(attrs) > 0 {
		w.insertAttrs(b, pieces, attrs, indent, unit)
	}
	if len(blocks) > 0 {
		return w.insertBlocks(b, pieces, blocks, indent, unit, len(attrs) > 0)
	}
	return nil
}

func (w *hclWriter) insertAttrs(b *hclsyntax.Block, pieces []piece, attrs []entry, indent, unit string) {
	var anchor *piece
	for i := range pieces {
		if pieces[i].block {
			break
		}
		if !trailingNames[pieces[i].name] {
			anchor = &pieces[i]
		}
	}
	if anchor == nil && len(pieces) > 0 && !pieces[0].block && !trailingNames[pieces[0].name] {
		anchor = &pieces[0]
	}
	if anchor == nil {
		line := w.line(b.OpenBraceRange.Start.Byte)
		text := strings.Join(w.render(attrs, nil, indent, unit, 0, false), w.eol) + w.eol
		if len(pieces) > 0 && w.comesNext(line, pieces[0]) {
			text += w.eol
		}
		w.edit(w.f.LineEnd(line), w.f.LineEnd(line), text)
		return
	}
	// The equals signs of lines that follow each other stand in one column. A
	// name that does not fit starts a group of its own behind a blank line, so
	// that nothing else has to move.
	line := w.line(anchor.end)
	width := 0
	if w.line(anchor.start) == line {
		width = w.equals(*anchor)
	}
	var near, far []entry
	for _, a := range attrs {
		if leadingNames[anchor.name] || width > 0 && len(a.name) > width {
			far = append(far, a)
		} else {
			near = append(near, a)
		}
	}
	text := ""
	if len(near) > 0 {
		text = strings.Join(w.render(near, nil, indent, unit, width, false), w.eol) + w.eol
	}
	if len(far) > 0 {
		// What stands below, in one column with the anchor, stays with it where one
		// of the two would move without the other.
		end, below, above := line, 0, 0
		next := w.next(pieces, end)
		for next != nil && !next.block && w.line(next.end) == end+1 {
			below = max(below, len(next.name))
			end++
			next = w.next(pieces, end)
		}
		for i := len(pieces) - 1; i >= 0; i-- {
			if at := w.line(pieces[i].start); at <= line && !pieces[i].block && w.line(pieces[i].end) == at {
				if at < line && w.next(pieces, at) == nil {
					break
				}
				above = max(above, len(pieces[i].name))
			}
		}
		if width == 0 || below == width && above == width {
			end, next = line, w.next(pieces, line)
		}
		if end > line && text != "" {
			w.edit(w.f.LineEnd(line), w.f.LineEnd(line), text)
			text = ""
		}
		line = end
		text += w.eol + strings.Join(w.render(far, nil, indent, unit, 0, false), w.eol) + w.eol
		if next != nil && !next.block {
			text += w.eol
		}
	}
	w.edit(w.f.LineEnd(line), w.f.LineEnd(line), text)
}

// comesNext reports whether a piece stands right below a line, or will once what is
// between goes.
func (w *hclWriter) comesNext(line int, p piece) bool {
	from, to := w.f.LineEnd(line), w.f.LineStart(w.line(p.start))
	return from == to || slices.ContainsFunc(w.edits, func(e source.Edit) bool {
		return e.New == "" && e.Range.Start.Byte == from && e.Range.End.Byte == to
	})
}

// next is the piece that starts right below a line, or nil.
func (w *hclWriter) next(pieces []piece, line int) *piece {
	for i := range pieces {
		if w.line(pieces[i].start) == line+1 {
			return &pieces[i]
		}
	}
	return nil
}

// equals is how wide the names of an attribute's neighbours are padded.
func (w *hclWriter) equals(p piece) int {
	s := w.f.Data[p.start:p.end]
	i := len(p.name)
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	if i == len(s) || s[i] != '=' || s[i-1] == '\t' {
		return 0
	}
	return i - 1
}

func (w *hclWriter) insertBlocks(b *hclsyntax.Block, pieces []piece, blocks []newBlock, indent, unit string, afterAttrs bool) error {
	shutLine := w.line(b.CloseBraceRange.Start.Byte)
	if strings.TrimSpace(string(w.f.Data[w.f.LineStart(shutLine):b.CloseBraceRange.Start.Byte])) != "" {
		return errors.New("the block is written in a form that is not edited")
	}
	// Behind the last block, but in front of what stands last by convention.
	line := shutLine - 1
	for _, p := range pieces {
		if p.block && p.name != "lifecycle" && p.name != "timeouts" {
			line = w.line(p.end)
		}
	}
	blank := len(pieces) > 0 && strings.TrimSpace(w.f.Line(line)) != "" || afterAttrs
	text := ""
	if blank {
		text = w.eol
	}
	text += strings.Join(w.render(nil, blocks, indent, unit, 0, false), w.eol) + w.eol
	at := w.f.LineEnd(line)
	for i := range w.edits {
		if w.edits[i].Range.Start.Byte == at && w.edits[i].Range.Len() == 0 {
			w.edits[i].New += text
			return nil
		}
	}
	w.edit(at, at, text)
	return nil
}

// render gives the lines of attributes and blocks. width is the least width of
// the names, for the alignment of the equals signs.
func (w *hclWriter) render(attrs []entry, blocks []newBlock, indent, unit string, width int, blank bool) []string {
	own := width
	for _, a := range attrs {
		if width == 0 && !spreads(a.val) {
			own = max(own, len(a.name))
		}
	}
	var out []string
	for _, a := range attrs {
		pad := max(0, own-len(a.name))
		if spreads(a.val) {
			pad = 0 // terraform fmt aligns no equals sign of several lines
		}
		out = append(out, indent+a.name+strings.Repeat(" ", pad)+" = "+w.text(a.val, indent))
	}
	for _, b := range blocks {
		if len(out) > 0 || blank {
			out = append(out, "")
		}
		out = append(out, indent+b.name+" {")
		var as []entry
		var bs []newBlock
		for _, f := range b.body.fields {
			if f.val.kind == resource.List && len(f.val.items) > 0 && f.val.items[0].kind == resource.Map {
				for _, it := range f.val.items {
					bs = append(bs, newBlock{f.name, it})
				}
				continue
			}
			as = append(as, f)
		}
		out = append(out, w.render(as, bs, indent+unit, unit, 0, false)...)
		out = append(out, indent+"}")
	}
	return out
}

// text writes a value as an expression; maps spread over lines.
func (w *hclWriter) text(v value, indent string) string {
	switch v.kind {
	case resource.String:
		return quoteHCL(v.scalar.(string))
	case resource.List:
		parts := make([]string, 0, len(v.items))
		for _, it := range v.items {
			parts = append(parts, w.text(it, indent))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case resource.Map:
		if v.empty() {
			return "{}"
		}
		unit := w.fileUnit()
		lines := []string{"{"}
		width := 0
		for i, e := range v.fields {
			name := objectKey(e.name)
			if i == 0 || spreads(v.fields[i-1].val) {
				width = runWidth(v.fields[i:])
			}
			pad := 0
			if !spreads(e.val) {
				pad = width - len(name)
			}
			lines = append(lines, indent+unit+name+strings.Repeat(" ", pad)+" = "+w.text(e.val, indent+unit))
		}
		return strings.Join(append(lines, indent+"}"), w.eol)
	}
	return v.jsonText()
}

// runWidth is the width of the longest name before the first value that goes
// over several lines.
func runWidth(fields []entry) int {
	width := 0
	for _, e := range fields {
		if spreads(e.val) {
			break
		}
		width = max(width, len(objectKey(e.name)))
	}
	return width
}

// quoteHCL writes a string that holds no template.
func quoteHCL(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch r {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '$', '%':
			b.WriteRune(r)
			if strings.HasPrefix(s[i+1:], "{") {
				b.WriteRune(r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
