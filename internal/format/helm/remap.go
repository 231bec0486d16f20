package helm

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxOrigins bounds the places that a value names.
const maxOrigins = 6

// remapper moves the resources of one rendered template to its sources.
type remapper struct {
	r        *release
	t        *tpl
	layout   *layout
	settings *settings
	rendered *source.File
	within   map[*facts][]source.Range
	fallback source.Range // where a place is not known: the template's file
	unknown  bool         // the namespace is not known
}

// resource moves one resource.
func (m *remapper) resource(res *resource.Resource) {
	head, whole := res.Head, res.Range
	comments := res.Comments
	m.node(res.Root, m.fallback, nowhere, "")
	res.Origins = nil
	res.Range = m.lines(whole, res.Root.Range)
	res.Head = m.fallback
	if head.End.Byte > head.Start.Byte {
		if s := m.layout.find(head.Start.Byte, head.End.Byte); !s.rng().IsZero() {
			res.Head = s.rng()
		}
	}
	if res.Range.File != res.Head.File {
		res.Range = res.Head
	}
	res.Root.Range = res.Range
	res.Comments = nil
	for _, c := range comments {
		if c.Range.End.Byte <= c.Range.Start.Byte {
			continue
		}
		if s := m.layout.find(c.Range.Start.Byte, c.Range.End.Byte); !s.rng().IsZero() {
			c.Range = s.rng()
			res.Comments = append(res.Comments, c)
		}
	}
	res.Comments = append(res.Comments, m.comments(res.Range)...)
	res.Comments = append(res.Comments, m.further(res)...)
	slices.SortStableFunc(res.Comments, func(a, b resource.Comment) int {
		if (a.Range.File == res.Range.File) != (b.Range.File == res.Range.File) {
			if a.Range.File == res.Range.File {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), a.Range.Start.Byte-b.Range.Start.Byte)
	})
	if m.unknown && strings.Contains(res.ID, unknownNamespace) {
		res.ID = strings.Replace(res.ID, "/"+unknownNamespace+"/", "/", 1)
	}
	if m.unknown && res.Namespace == unknownNamespace {
		// It is where the release puts it, as if it did not say.
		res.Namespace = ""
		if meta := res.Root.Get("metadata"); meta != nil {
			meta.Fields = slices.DeleteFunc(meta.Fields, func(f resource.Field) bool { return f.Name == "namespace" })
		}
	}
}

// lines gives the whole lines of the source that a stretch of the rendered text
// came from, where its first and last line are known in one file.
func (m *remapper) lines(rendered, first source.Range) source.Range {
	if first.IsZero() {
		return m.fallback
	}
	var f *source.File
	start, end := first.Start.Byte, first.End.Byte
	for line := rendered.Start.Line; line <= rendered.LastLine(); line++ {
		from, to := m.rendered.LineStart(line), m.rendered.LineEnd(line)
		text := m.rendered.Data[from:to]
		lead := len(text) - len(bytes.TrimLeft(text, " -"))
		if len(bytes.TrimSpace(text)) == 0 || lead == len(text) {
			continue
		}
		s := m.layout.find(from+lead, from+lead+1)
		for i := -1; i < len(s.outer); i++ {
			at := site{tpl: s.tpl, at: s.start, end: s.end}
			if i >= 0 {
				at = s.outer[i]
			}
			if at.tpl == nil || at.tpl.file.packed != "" || at.tpl.file.Path != first.File {
				continue
			}
			f = at.tpl.file.File
			last := max(at.at+1, at.end)
			if i < 0 && s.literal { // to the end of its line
				last = at.at + len(f.Data[at.at:])
				if k := bytes.IndexByte(f.Data[at.at:], '\n'); k >= 0 {
					last = at.at + len(bytes.TrimRight(f.Data[at.at:at.at+k], "\r"))
				}
			}
			start, end = min(start, at.at), max(end, last)
			break
		}
	}
	if f == nil {
		return first
	}
	return f.Range(start, end)
}

// place is the action that wrote a node, and the way to the node from what the
// action wrote.
type place struct {
	tpl    *tpl
	action int
	rel    []string
}

// nowhere is the place of what no action wrote.
var nowhere = place{action: -1}

// node moves a node and what hangs below it. around is where its parent stands,
// name the field or index by which it hangs there.
func (m *remapper) node(n *resource.Node, around source.Range, up place, name string) {
	if n == nil {
		return
	}
	s, key, written := m.find(n.Range), m.find(n.KeyRange), n.KeyRange
	compound := n.Kind == resource.Map || n.Kind == resource.List
	if compound && s.tpl != nil && !s.literal && len(n.Fields) > 0 && n.Fields[0].Node != nil {
		// A map begins with its first key: it is of the action that wrote that.
		if k := m.find(n.Fields[0].Node.KeyRange); k.tpl != nil {
			k.literal = false
			s = k
		}
	}
	if !n.KeyRange.IsZero() {
		if n.KeyRange = key.rng(); n.KeyRange.IsZero() {
			n.KeyRange = around
		}
		around = n.KeyRange
	}
	here := place{s.tpl, s.action, nil}
	if s.action >= 0 {
		switch {
		case up.tpl == s.tpl && up.action == s.action:
			here.rel = append(slices.Clip(up.rel), name)
		case key.tpl == s.tpl && key.action == s.action:
			here.rel = []string{name}
		}
	}
	text := scalarText(n)
	n.Origins = m.origins(s, here.rel, text)
	switch {
	case n.Range.IsZero() || n.Range.End.Byte > n.Range.Start.Byte:
		n.Range = s.rng()
	case key.literal && key.tpl.file.packed == "":
		// Nothing stands behind the key.
		p := min(key.start+n.Range.Start.Byte-written.Start.Byte, len(key.tpl.file.Data))
		n.Range = key.tpl.file.Range(p, p)
	default:
		n.Range = source.Range{}
	}
	if n.Range.IsZero() {
		n.Range = around
	}
	if !compound {
		m.doubt(n, s, text)
		return
	}
	for i, it := range n.Items {
		m.node(it, around, here, strconv.Itoa(i))
	}
	for _, f := range n.Fields {
		m.node(f.Node, around, here, f.Name)
	}
	if !s.literal {
		n.Range = spanned(n, n.Range)
	}
}

// find gives the source of a range of the rendered text; nothing for an empty
// one.
func (m *remapper) find(r source.Range) spot {
	if r.IsZero() || r.End.Byte <= r.Start.Byte {
		return spot{action: -1}
	}
	return m.layout.find(r.Start.Byte, r.End.Byte)
}

// spanned is from the first to the last of what a list or map holds, where that
// is known in one file.
func spanned(n *resource.Node, own source.Range) source.Range {
	var first, last *resource.Node
	if k := len(n.Items); k > 0 {
		first, last = n.Items[0], n.Items[k-1]
	} else if k := len(n.Fields); k > 0 {
		first, last = n.Fields[0].Node, n.Fields[k-1].Node
	}
	if first == nil || last == nil {
		return own
	}
	start, end := first.Range, last.Range
	if !first.KeyRange.IsZero() {
		start = first.KeyRange
	}
	if start.File != end.File || end.End.Byte < start.End.Byte || start.IsZero() {
		return start
	}
	start.End = end.End
	return start
}

// doubt marks a value unknown that the release decides, or chance.
func (m *remapper) doubt(n *resource.Node, s spot, text string) {
	if n.Kind != resource.String {
		return
	}
	if m.unknown && strings.Contains(text, unknownNamespace) {
		n.Unknown, n.Why, n.Value = true, "the namespace of the release", nil
		if text != unknownNamespace {
			n.Parts = strings.Split(text, unknownNamespace)
		}
		return
	}
	if s.literal {
		return
	}
	random := strings.Contains(text, "xxxxxxxx") || strings.Contains(text, "eHh4eHh4")
	if f := m.facts(s.tpl, s.action); f != nil && f.anew {
		random = random || !m.set(s.tpl, f.refs, text)
	}
	if random {
		n.Unknown, n.Why, n.Value = true, "a value that is made anew with each release", nil
	}
}

// set reports whether one of the settings says the text.
func (m *remapper) set(t *tpl, refs []ref, text string) bool {
	for _, x := range refs {
		if v := m.settings.find(m.scope(t), x, nil, text); v != nil && scalarText(v) == text && text != "" {
			return true
		}
	}
	return false
}

// scope is the chart whose values a template sees: its own, or, in a library's
// template, those of the chart that is being rendered.
func (m *remapper) scope(t *tpl) *tpl {
	if t.node != nil && strings.EqualFold(t.node.chart.Metadata.Type, libraryType) {
		return m.t
	}
	return t
}

func (m *remapper) facts(t *tpl, off int) *facts {
	if t == nil || off < 0 {
		return nil
	}
	return m.r.facts(t).find(off)
}

// origins gives the further places that decide a value: the settings that its
// action looks at, those that decide whether it is written, and the actions that
// include what writes it.
func (m *remapper) origins(s spot, rel []string, text string) []source.Range {
	var out []source.Range
	off := s.start
	if s.action >= 0 {
		off = s.action
	}
	f := m.facts(s.tpl, off)
	if f != nil && s.action >= 0 {
		for _, one := range m.r.facts(s.tpl).between(s.action, s.end) {
			for _, x := range one.refs {
				n := m.settings.find(m.scope(s.tpl), x, rel, text)
				if n == nil && len(rel) > 0 {
					n = m.settings.find(m.scope(s.tpl), x, nil, text)
				}
				if n != nil {
					out = union(out, []source.Range{placeOf(n)})
				}
			}
		}
	}
	if len(out) == 0 && s.action >= 0 && text != "" {
		out = union(out, m.handedOn(s, text))
	}
	out = union(out, m.decides(f, s.tpl))
	for _, o := range s.outer {
		if o.tpl.file.packed != "" {
			continue
		}
		out = union(out, []source.Range{o.tpl.file.Range(o.at, o.end)})
		out = union(out, m.decides(m.facts(o.tpl, o.at), o.tpl))
	}
	return out
}

// handedOn gives the setting that whatever includes a template hands to it: of
// those that the including action looks at, the one that says the text, by the
// name that the template has for it where there are several.
func (m *remapper) handedOn(s spot, text string) []source.Range {
	if s.tpl == nil || s.end > len(s.tpl.file.Data) || s.end < s.action {
		return nil
	}
	asks := string(s.tpl.file.Data[s.action:s.end])
	for _, o := range s.outer {
		var all, named []source.Range
		for _, one := range m.r.facts(o.tpl).between(o.at, o.end) {
			for _, x := range one.refs {
				n := m.settings.find(m.scope(o.tpl), x, nil, text)
				if n == nil || scalarText(n) != text {
					continue
				}
				all = union(all, []source.Range{placeOf(n)})
				if strings.Contains(asks, "."+x[len(x)-1]) {
					named = union(named, []source.Range{placeOf(n)})
				}
			}
		}
		switch {
		case len(all) == 1:
			return all
		case len(named) == 1:
			return named
		}
	}
	return nil
}

// decides gives the settings that decide whether a place is written.
func (m *remapper) decides(f *facts, t *tpl) []source.Range {
	if f == nil || len(f.within) == 0 {
		return nil
	}
	if got, ok := m.within[f]; ok {
		return got
	}
	var out []source.Range
	for _, x := range f.within {
		if n := m.settings.find(m.scope(t), x, nil, ""); n != nil {
			out = union(out, []source.Range{placeOf(n)})
		}
	}
	m.within[f] = out
	return out
}

// further gives the comments of other files, of values and of templates that are
// included, that stand on or right above a line that decides something of the
// resource.
func (m *remapper) further(res *resource.Resource) []resource.Comment {
	lines := map[string]map[int]bool{}
	note := func(r source.Range) {
		if r.File == "" || r.File == res.Range.File || len(m.spoken(r.File)) == 0 {
			return
		}
		if lines[r.File] == nil {
			lines[r.File] = map[int]bool{}
		}
		lines[r.File][r.Start.Line] = true
	}
	resource.Walk(res.Root, func(_ resource.Path, n *resource.Node) bool {
		note(n.Range)
		note(n.KeyRange)
		for _, o := range n.Origins {
			note(o)
		}
		return true
	})
	var out []resource.Comment
	for _, file := range slices.Sorted(maps.Keys(lines)) {
		all := m.spoken(file)
		wanted := lines[file]
		// From the last up, so that a comment right above another one reaches what
		// that one does.
		var found []resource.Comment
		for i := len(all) - 1; i >= 0; i-- {
			c := all[i]
			first, last := c.Range.Start.Line, c.Range.LastLine()
			if !wanted[first] && !wanted[last+1] {
				continue
			}
			if !c.Trailing {
				wanted[first] = true
			}
			found = append(found, c)
		}
		slices.Reverse(found)
		out = append(out, found...)
	}
	return out
}

// words are those that a comment holds that speaks to a tool. Most files have
// none.
var words = [...]string{"ignore", "skip=", "disable="}

// spoken gives the comments of a file of the chart, where one of them may speak to
// a tool.
func (m *remapper) spoken(name string) []resource.Comment {
	s := m.settings
	if got, ok := s.told[name]; ok {
		return got
	}
	var out []resource.Comment
	if f := s.l.files[name]; f != nil && f.packed == "" && slices.ContainsFunc(words[:], func(w string) bool { return bytes.Contains(f.Data, []byte(w)) }) {
		if t := m.template(name); t != nil {
			out = m.comments(f.Range(0, len(f.Data)))
		} else if s.tree(name) != nil {
			out = s.comments[name]
		}
	}
	s.told[name] = out
	return out
}

// template gives the file of templates that stands somewhere; nil for another
// file.
func (m *remapper) template(name string) *tpl {
	for _, t := range m.r.templates {
		if t.file.Path == name && t.file.packed == "" {
			return t
		}
	}
	return nil
}

// comments gives the comments of a template's own that stand within a range or
// right above it.
func (m *remapper) comments(r source.Range) []resource.Comment {
	t := m.template(r.File)
	if t == nil {
		return nil
	}
	var out []resource.Comment
	for _, a := range t.comments() {
		at := t.file.Range(a.start, a.end)
		if at.End.Line < r.Start.Line-1 || at.Start.Line > r.End.Line {
			continue
		}
		text := strings.Trim(strings.TrimSpace(string(t.file.Data[a.start+2:a.end-2])), "- \t\r\n")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "/*"), "*/"))
		before := string(t.file.Data[t.file.LineStart(at.Start.Line):a.start])
		out = append(out, resource.Comment{Text: text, Range: at, Trailing: strings.TrimSpace(before) != ""})
	}
	return out
}

// comments gives the spans of the comments of a file.
func (t *tpl) comments() []span {
	var out []span
	for _, a := range actions(t.file.Data) {
		body := strings.TrimLeft(string(t.file.Data[a.start+2:a.end]), "- \t\r\n")
		if strings.HasPrefix(body, "/*") && a.end-a.start >= 8 {
			out = append(out, a)
		}
	}
	return out
}
