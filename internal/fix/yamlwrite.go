package fix

import (
	"errors"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// replace writes v in place of what s holds.
func (w *yamlWriter) replace(s slot, v value) error {
	n := s.n
	if s.parent == nil && s.key.IsZero() {
		return errors.New("the whole document would be replaced")
	}
	inFlow := w.json || s.parent != nil && s.parent.Range.Len() > 0 && w.isFlow(s.parent)
	quote := w.quoteOf(n)
	if s.key.IsZero() {
		if n.Range.Len() == 0 || (v.composite() && !v.empty() && !inFlow) {
			return errors.New("an item of a list is not replaced by one of another form")
		}
		if n.Range.Start.Line != n.Range.LastLine() && !inFlow {
			return errors.New("an item of a list that spans several lines is not replaced")
		}
		w.edit(w.tagged(n), n.Range.End.Byte, w.inline(v, quote, inFlow))
		return nil
	}
	from, ok := w.colon(s.key)
	if !ok {
		return errors.New("the name of the setting is written in a form that is not edited")
	}
	end := from
	if n.Range.Len() > 0 {
		end = n.Range.End.Byte
		for end > from && (w.at(end-1) == '\n' || w.at(end-1) == '\r') {
			end--
		}
	}
	if anchored := n.Range.Len() > 0 && strings.HasPrefix(strings.TrimLeft(string(w.f.Data[from:end]), " \t"), "&"); anchored {
		return errors.New("the value carries an anchor, which would be lost")
	}
	if inFlow || !v.composite() || v.empty() || w.asFlowList(v) {
		start := from
		lead := " "
		if n.Range.Len() > 0 && n.Range.Start.Line == s.key.Start.Line {
			start, lead = w.tagged(n), ""
		} else if w.json {
			return errors.New("the value is written on another line than its name")
		} else if n.Range.Len() > 0 && hasComment(string(w.f.Data[from:end])) {
			return errors.New("comments within the value would be lost")
		}
		if inFlow && v.composite() && !v.empty() {
			w.edit(start, end, lead+w.flowValue(s.key.Start.Line, v, w.flowShape(s.parent)))
			return nil
		}
		w.edit(start, end, lead+w.inline(v, quote, inFlow))
		return nil
	}
	// A block below the name.
	line := s.key.Start.Line
	text := strings.Join(w.block(v, w.col(s.key)), w.eol)
	if n.Range.Len() > 0 && n.Range.LastLine() > line {
		if hasComment(string(w.f.Data[from:end])) {
			return errors.New("comments within the value would be lost")
		}
		if n.Range.Start.Line == line {
			w.edit(from, end, w.eol+text)
			return nil
		}
		start := w.f.LineStart(n.Range.Start.Line)
		w.edit(start, end, text)
		return nil
	}
	after := w.f.LineEnd(line)
	if end > from {
		if strings.TrimSpace(string(w.f.Data[end:after])) == "" {
			// The white space behind the value goes with it.
			w.edit(from, end+trailing(w.f.Data[end:after]), w.eol+text)
			return nil
		}
		w.edit(from, end, "")
	}
	w.insertLines(line, text)
	return nil
}

// tagged gives where a node's content starts, with a tag that would say what the
// new value is.
func (w *yamlWriter) tagged(n *resource.Node) int {
	if at := n.Range.Start.Byte; w.at(at) == '!' && !strings.Contains(string(w.f.Data[at:w.content(n)]), " &") {
		return at
	}
	return w.content(n)
}

// trailing counts the spaces and tabs that s starts with.
func trailing(s []byte) int {
	for i, c := range s {
		if c != ' ' && c != '\t' {
			return i
		}
	}
	return len(s)
}

func hasComment(s string) bool {
	return strings.Contains(s, " #") || strings.Contains(s, "\n#") || strings.Contains(s, "\t#")
}

// insertLines puts text, whose last line has no ending, below a line. A file
// without a final line break stays without one.
func (w *yamlWriter) insertLines(line int, text string) {
	at := w.f.LineEnd(line)
	if at == len(w.f.Data) && (at == 0 || w.at(at-1) != '\n') {
		w.edit(at, at, w.eol+text)
		return
	}
	w.edit(at, at, text+w.eol)
}

// errGrows is for a text at the end of a file without a final line break: a line
// below it would end its last one, and the text would say that too.
var errGrows = errors.New("the file ends within a text, without a line break")

// grows reports whether a line written below another one changes the text that n
// ends with.
func (w *yamlWriter) grows(line int, n *resource.Node) bool {
	if at := w.f.LineEnd(line); at < len(w.f.Data) || at == 0 || w.at(at-1) == '\n' {
		return false
	}
	for len(n.Items)+len(n.Fields) > 0 {
		if len(n.Items) > 0 {
			n = n.Items[len(n.Items)-1]
		} else {
			n = n.Fields[len(n.Fields)-1].Node
		}
	}
	i := w.content(n)
	if c := w.at(i); n.Kind != resource.String || c != '|' && c != '>' {
		return false
	}
	for i++; i < n.Range.End.Byte && w.at(i) != '\n'; i++ {
		if w.at(i) == '-' {
			return false // which strips it
		}
	}
	return true
}

func (w *yamlWriter) insertBlock(n *resource.Node, own []resource.Field, add []entry) error {
	if n.Range.Len() == 0 {
		return errors.New("the place of the map is not known")
	}
	indent := w.colAt(w.content(n))
	line := n.Range.LastLine()
	if len(own) > 0 {
		last := own[len(own)-1].Node
		indent = w.col(last.KeyRange)
		line = w.lastLine(last.KeyRange, last, n)
		if w.grows(line, last) {
			return errGrows
		}
		if before := string(w.f.Data[w.f.LineStart(last.KeyRange.Start.Line):last.KeyRange.Start.Byte]); strings.Trim(strings.TrimPrefix(before, "\ufeff"), " -") != "" {
			return errors.New("the map is written in a form that is not edited")
		}
	}
	quote, keyQuote := w.quoteAmong(own), w.keyQuote(own)
	var lines []string
	for _, e := range add {
		entry := w.blockEntry(e, indent, quote)
		if name := w.key(e.name); keyQuote != 0 && name == e.name {
			pad := entry[0][:indent]
			entry[0] = pad + w.str(name, keyQuote, true) + strings.TrimPrefix(entry[0][indent:], name)
		}
		lines = append(lines, entry...)
	}
	w.insertLines(line, strings.Join(lines, w.eol))
	return nil
}

// keyQuote is the quote that all names of a map's fields are written in, or 0.
func (w *yamlWriter) keyQuote(fields []resource.Field) byte {
	var q byte
	for _, f := range fields {
		c := w.at(f.Node.KeyRange.Start.Byte)
		if c != '"' && c != '\'' || q != 0 && c != q {
			return 0
		}
		q = c
	}
	return q
}

// quoteAmong is the quote that all strings of a map's fields are written in,
// or 0 where they are not all quoted alike.
func (w *yamlWriter) quoteAmong(fields []resource.Field) byte {
	var q byte
	strs := 0
	for _, f := range fields {
		if f.Node.Kind != resource.String || f.Node.Range.Len() == 0 {
			continue
		}
		c := w.quoteOf(f.Node)
		if c == 0 || q != 0 && c != q {
			return 0
		}
		q = c
		strs++
	}
	if strs < 2 {
		return 0
	}
	return q
}

// quoteOf is the quote that a string is written in, 0 for none.
func (w *yamlWriter) quoteOf(n *resource.Node) byte {
	if n.Kind != resource.String || n.Range.Len() < 2 || n.Range.File != w.f.Path {
		return 0
	}
	if c := w.at(w.content(n)); c == '"' || c == '\'' {
		return c
	}
	return 0
}

func (w *yamlWriter) asFlowList(v value) bool {
	return w.flowLists && v.kind == resource.List && v.flat()
}

// flat reports whether v is a list of scalars.
func (v value) flat() bool {
	for _, it := range v.items {
		if it.composite() {
			return false
		}
	}
	return len(v.fields) == 0
}

// block writes what stands below a name in the given column.
func (w *yamlWriter) block(v value, keyCol int) []string {
	if v.kind == resource.Map {
		var out []string
		for _, e := range v.fields {
			out = append(out, w.blockEntry(e, keyCol+w.step, 0)...)
		}
		return out
	}
	var out []string
	for _, it := range v.items {
		out = append(out, w.blockItem(it, keyCol+w.dash, 0)...)
	}
	return out
}

func (w *yamlWriter) blockEntry(e entry, indent int, quote byte) []string {
	head := strings.Repeat(" ", indent) + w.key(e.name) + ":"
	if e.val.tag != "" && e.val.composite() && !e.val.empty() && !w.asFlowList(e.val) {
		head += " " + e.val.tag
	}
	if !e.val.composite() || e.val.empty() || w.asFlowList(e.val) {
		return []string{head + " " + w.inline(e.val, quote, false)}
	}
	return append([]string{head}, w.block(e.val, indent)...)
}

func (w *yamlWriter) blockItem(v value, dash int, quote byte) []string {
	pad := strings.Repeat(" ", dash)
	if v.kind != resource.Map || v.empty() || v.tag != "" {
		return []string{pad + "- " + w.inline(v, quote, false)}
	}
	var lines []string
	for _, e := range v.fields {
		lines = append(lines, w.blockEntry(e, dash+2, quote)...)
	}
	lines[0] = pad + "- " + lines[0][dash+2:]
	return lines
}

// key writes a name; one that YAML would take for something else is quoted.
func (w *yamlWriter) key(name string) string {
	if w.json {
		return quoteJSON(name)
	}
	return w.str(name, 0, true)
}

// inline writes v on one line.
func (w *yamlWriter) inline(v value, quote byte, inFlow bool) string {
	if tag := v.tag; tag != "" {
		v.tag = ""
		return tag + " " + w.inline(v, quote, inFlow)
	}
	switch v.kind {
	case resource.String:
		return w.str(v.scalar.(string), quote, inFlow)
	case resource.List:
		if w.json {
			return v.jsonText()
		}
		parts := make([]string, 0, len(v.items))
		for _, it := range v.items {
			parts = append(parts, w.inline(it, w.flowQuote, true))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case resource.Map:
		if w.json {
			return v.jsonText()
		}
		parts := make([]string, 0, len(v.fields))
		for _, e := range v.fields {
			parts = append(parts, w.key(e.name)+": "+w.inline(e.val, quote, true))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return v.jsonText()
}

// str writes a string: in the given quote, or plain where that says the same.
func (w *yamlWriter) str(s string, quote byte, inFlow bool) string {
	if w.json {
		return quoteJSON(s)
	}
	if quote == 0 && plainSafe(s, inFlow) {
		return s
	}
	if quote == 0 {
		quote = w.quote
		if strings.Contains(s, `"`) && !strings.Contains(s, "'") {
			quote = '\'' // nothing to escape
		}
	}
	if quote == '\'' && !strings.ContainsAny(s, "\n\r\t") {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return quoteJSON(s)
}

// plainSafe reports whether every YAML reader, those of version 1.1 too, takes
// the bare text for this string.
func plainSafe(s string, inFlow bool) bool {
	if s == "" || s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\r\t\x00") {
		return false
	}
	if inFlow && strings.ContainsAny(s, ",[]{}") {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<":
		return false
	}
	if simple(s) {
		return true
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte("k: "+s), &n); err != nil || len(n.Content) != 1 {
		return false
	}
	m := n.Content[0]
	if m.Kind != yaml.MappingNode || len(m.Content) != 2 {
		return false
	}
	v := m.Content[1]
	// Only digits and colons is a number of base 60 in YAML 1.1.
	return v.Kind == yaml.ScalarNode && v.Tag == "!!str" && v.Value == s && v.LineComment == "" && v.Anchor == "" &&
		strings.Trim(s, "0123456789:_.+-") != ""
}

// simple reports whether s is a letter with letters, digits and such behind it,
// which no reader takes for anything but a string.
func simple(s string) bool {
	for i := range len(s) {
		switch c := s[i] | 0x20; {
		case c >= 'a' && c <= 'z':
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '-' || s[i] == '_' || s[i] == '.' || s[i] == '/'):
		default:
			return false
		}
	}
	return true
}

// appendItems puts items behind the last one of a list.
func (w *yamlWriter) appendItems(n *resource.Node, items []value) error {
	if w.isFlow(n) {
		last := n.Items[len(n.Items)-1]
		quote := w.quoteOf(last)
		shape := w.listShape(n)
		var parts []string
		for _, it := range items {
			parts = append(parts, w.flowItem(it, quote, shape))
		}
		return w.insertParts(last.Range.End.Byte, n.Range.End.Byte, parts, shape)
	}
	last := n.Items[len(n.Items)-1]
	dash, ok := w.dashOf(last)
	if !ok || strings.TrimSpace(string(w.f.Data[w.f.LineStart(last.Range.Start.Line):dash])) != "" {
		return errors.New("the list is written in a form that is not edited")
	}
	var lines []string
	for _, it := range items {
		lines = append(lines, w.blockItem(it, w.colAt(dash), w.quoteOf(last))...)
	}
	line := w.lastLine(last.Range, last, n)
	if w.grows(line, last) {
		return errGrows
	}
	w.insertLines(line, strings.Join(lines, w.eol))
	return nil
}

// deleteFields takes out whole fields of a map of which some stay.
func (w *yamlWriter) deleteFields(n *resource.Node, own []resource.Field, gone map[string]bool) error {
	if len(gone) == 0 {
		return nil
	}
	if w.isFlow(n) {
		spans := make([]span, len(own))
		for i, f := range own {
			spans[i] = span{f.Node.KeyRange.Start.Byte, w.fieldEnd(f), gone[f.Name]}
		}
		return w.deleteParts(spans)
	}
	for i, f := range own {
		if !gone[f.Name] {
			continue
		}
		key := f.Node.KeyRange
		first, last := key.Start.Line, w.lastLine(key, f.Node, n)
		before := strings.TrimPrefix(string(w.f.Data[w.f.LineStart(first):key.Start.Byte]), "\ufeff")
		switch {
		case strings.Trim(before, " ") == "":
			w.deleteLines(first, last)
		case strings.Trim(before, " -") == "" && i+1 < len(own):
			// The first field of a list's item shares its line with the dash:
			// what follows moves up to it.
			end := w.f.LineEnd(last)
			for end < len(w.f.Data) && strings.ContainsRune(" \t\r\n", rune(w.at(end))) {
				end++
			}
			if gone[own[i+1].Name] {
				return errors.New("the first fields of a list's item are not taken out together")
			}
			w.edit(key.Start.Byte, end, "")
		default:
			return errors.New("the map is written in a form that is not edited")
		}
	}
	return nil
}

func (w *yamlWriter) fieldEnd(f resource.Field) int {
	if f.Node.Range.Len() > 0 {
		return f.Node.Range.End.Byte
	}
	return f.Node.KeyRange.End.Byte
}

// deleteLines takes out whole lines. Where they are the last of a file without
// a final line break, the break in front of them goes in its place.
func (w *yamlWriter) deleteLines(first, last int) {
	start, end := w.f.LineStart(first), w.f.LineEnd(last)
	if end == len(w.f.Data) && end > 0 && w.at(end-1) != '\n' && start > 0 {
		start--
		if start > 0 && w.at(start-1) == '\r' {
			start--
		}
	}
	w.edit(start, end, "")
}

// deleteItems takes out items of a list of which some stay.
func (w *yamlWriter) deleteItems(n *resource.Node, gone map[int]bool) error {
	if len(gone) == 0 {
		return nil
	}
	if w.isFlow(n) {
		spans := make([]span, len(n.Items))
		for i, it := range n.Items {
			spans[i] = span{it.Range.Start.Byte, it.Range.End.Byte, gone[i]}
		}
		return w.deleteParts(spans)
	}
	for i, it := range n.Items {
		if !gone[i] {
			continue
		}
		dash, ok := w.dashOf(it)
		if !ok || strings.TrimSpace(string(w.f.Data[w.f.LineStart(it.Range.Start.Line):dash])) != "" {
			return errors.New("the list is written in a form that is not edited")
		}
		w.deleteLines(it.Range.Start.Line, w.lastLine(it.Range, it, n))
	}
	return nil
}
