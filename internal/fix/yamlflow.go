package fix

import (
	"errors"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// shape is how a flow collection ({…}, […]) is laid out.
type shape struct {
	lines  bool   // each entry stands on a line of its own
	indent string // of those lines
	comma  string // between entries that share a line
	colon  string // between a name and its value
	quoted bool   // names stand in double quotes
}

// flowShape learns the layout from a map in flow style; nil gives the default.
func (w *yamlWriter) flowShape(n *resource.Node) shape {
	s := shape{comma: ", ", colon: ": ", quoted: w.json}
	if n == nil || n.Kind != resource.Map || len(n.Fields) == 0 || !w.isFlow(n) {
		return s
	}
	own := w.ownFields(n)
	if len(own) == 0 {
		return s
	}
	first := own[0].Node
	s.quoted = s.quoted || w.at(first.KeyRange.Start.Byte) == '"'
	if i, ok := w.colon(first.KeyRange); ok && w.json && i < len(w.f.Data) && w.at(i) != ' ' && w.at(i) != '\n' {
		s.colon = ":"
	}
	starts := make([]int, len(own))
	ends := make([]int, len(own))
	for i, f := range own {
		starts[i], ends[i] = f.Node.KeyRange.Start.Byte, w.fieldEnd(f)
	}
	w.layout(&s, n, starts, ends)
	return s
}

func (w *yamlWriter) listShape(n *resource.Node) shape {
	s := shape{comma: ", ", colon: ": ", quoted: w.json}
	starts := make([]int, len(n.Items))
	ends := make([]int, len(n.Items))
	for i, it := range n.Items {
		starts[i], ends[i] = it.Range.Start.Byte, it.Range.End.Byte
	}
	for _, it := range n.Items {
		if it.Kind == resource.Map && len(it.Fields) > 0 {
			s.colon = w.flowShape(it).colon
			break
		}
	}
	w.layout(&s, n, starts, ends)
	return s
}

func (w *yamlWriter) layout(s *shape, n *resource.Node, starts, ends []int) {
	last := len(starts) - 1
	line := w.f.Pos(starts[last]).Line
	var before int
	if last > 0 {
		before = w.f.Pos(ends[last-1]).Line
	} else {
		before = n.Range.Start.Line
	}
	if line > before {
		s.lines = true
		text := w.f.Line(line)
		s.indent = text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		return
	}
	if last > 0 {
		gap := string(w.f.Data[ends[last-1]:starts[last]])
		if gap == "," {
			s.comma = ","
		}
	} else if s.colon == ":" {
		s.comma = ","
	}
}

func (w *yamlWriter) insertFlow(n *resource.Node, own []resource.Field, add []entry) error {
	s := w.flowShape(n)
	quote := w.quoteAmong(own)
	if s.quoted {
		quote = '"'
	}
	var parts []string
	for _, e := range add {
		parts = append(parts, w.flowEntry(e, quote, s))
	}
	last := own[len(own)-1]
	end, closing := w.fieldEnd(last), n.Range.End.Byte
	if all := w.ownFields(n); s.lines && all[len(all)-1].Name != last.Name {
		// What stands behind it goes, and the comma between them with it.
		closing = end
	}
	return w.insertParts(end, closing, parts, s)
}

// insertParts writes entries behind the one that ends at end, within the
// collection that ends at closing.
func (w *yamlWriter) insertParts(end, closing int, parts []string, s shape) error {
	i := end
	for i < closing && strings.ContainsRune(" \t", rune(w.at(i))) {
		i++
	}
	comma := i < closing && w.at(i) == ','
	if !s.lines {
		if comma {
			// [a, b,] keeps its last comma.
			w.edit(end, end, ","+strings.TrimPrefix(s.comma, ",")+strings.Join(parts, s.comma))
			return nil
		}
		w.edit(end, end, s.comma+strings.Join(parts, s.comma))
		return nil
	}
	sep := "," + w.eol + s.indent
	text := w.eol + s.indent + strings.Join(parts, sep)
	if comma {
		end = i + 1
		text += ","
	}
	line := w.f.Pos(end).Line
	rest := string(w.f.Data[end:min(w.f.LineEnd(line), closing)])
	if !strings.Contains(rest, "#") || w.json {
		if comma {
			w.edit(end, end, text)
		} else {
			w.edit(end, end, ","+text)
		}
		return nil
	}
	// A comment stands behind the last entry: the comma goes in front of it and
	// the new line below it.
	if !comma {
		w.edit(end, end, ",")
	}
	w.edit(w.f.LineEnd(line), w.f.LineEnd(line), strings.TrimPrefix(text, w.eol)+w.eol)
	return nil
}

func (w *yamlWriter) flowEntry(e entry, quote byte, s shape) string {
	name := w.key(e.name)
	if s.quoted {
		name = quoteJSON(e.name)
	}
	return name + s.colon + w.flowItem(e.val, quote, s)
}

// flowItem writes a value within a collection of the given layout: on lines of
// its own where the collection is, except for short lists of scalars.
func (w *yamlWriter) flowItem(v value, quote byte, s shape) string {
	if tag := v.tag; tag != "" {
		v.tag = ""
		return tag + " " + w.flowItem(v, quote, s)
	}
	if !v.composite() || v.empty() {
		if s.quoted && v.kind == resource.String {
			return quoteJSON(v.scalar.(string))
		}
		return w.inline(v, quote, true)
	}
	inner := s
	inner.indent += w.unit(s.indent)
	open, shut := "{", "}"
	if v.kind == resource.List {
		open, shut = "[", "]"
		inner.lines = s.lines && !v.flat()
	}
	var parts []string
	for _, e := range v.fields {
		parts = append(parts, w.flowEntry(e, quote, inner))
	}
	for _, it := range v.items {
		parts = append(parts, w.flowItem(it, quote, inner))
	}
	if inner.lines {
		return open + w.eol + inner.indent + strings.Join(parts, ","+w.eol+inner.indent) + w.eol + s.indent + shut
	}
	return open + strings.Join(parts, s.comma) + shut
}

// unit is one more level of indentation in the manner of indent.
func (w *yamlWriter) unit(indent string) string {
	if strings.HasPrefix(indent, "\t") {
		return "\t"
	}
	return strings.Repeat(" ", w.step)
}

// flowValue writes v behind a name on the given line.
func (w *yamlWriter) flowValue(line int, v value, s shape) string {
	text := w.f.Line(line)
	s.indent = text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	var quote byte
	if s.quoted {
		quote = '"'
	}
	return w.flowItem(v, quote, s)
}

// span is an entry of a flow collection.
type span struct {
	start, end int
	gone       bool
}

// deleteParts takes out entries of a flow collection of which some stay, each
// with one comma.
func (w *yamlWriter) deleteParts(spans []span) error {
	for i := 0; i < len(spans); i++ {
		if !spans[i].gone {
			continue
		}
		j := i
		for j+1 < len(spans) && spans[j+1].gone {
			j++
		}
		var from, to int
		if j+1 < len(spans) {
			from, to = spans[i].start, spans[j+1].start
		} else {
			from, to = spans[i-1].end, spans[j].end
		}
		if !w.json && strings.Contains(string(w.f.Data[from:to]), "#") {
			return errors.New("a comment between the entries would be lost")
		}
		w.edit(from, to, "")
		i = j
	}
	return nil
}
