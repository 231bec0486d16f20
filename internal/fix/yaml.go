package fix

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// yamlWriter edits one YAML or JSON document in the document's own style.
type yamlWriter struct {
	f     *source.File
	eol   string
	json  bool // every name and string in double quotes
	step  int  // columns that a nested map is indented by
	dash  int  // columns that a list's dashes are indented by below its name
	quote byte // the quote to use where one is needed
	// flowLists is true where the resource writes its lists of scalars as
	// [a, b] and never as dashes; flowQuote is the quote of their items.
	flowLists bool
	flowQuote byte
	edits     []source.Edit
}

// slot is a place that holds a node.
type slot struct {
	key    source.Range // zero for an item of a list and for the root
	n      *resource.Node
	parent *resource.Node // nil for the root
}

func proposeYAML(f *source.File, res *resource.Resource, p *patch) ([]source.Edit, error) {
	w := &yamlWriter{f: f, eol: f.EOL(), json: isJSON(f.Path)}
	w.learn(res.Root)
	emptied, err := w.apply(slot{n: res.Root}, p)
	if err != nil {
		return nil, err
	}
	if emptied {
		return nil, errors.New("nothing would be left of the resource")
	}
	return w.edits, nil
}

// learn finds out how the resource is written: the nearest thing to asking its
// author.
func (w *yamlWriter) learn(root *resource.Node) {
	steps, dashes := map[int]int{}, map[int]int{}
	var quotes [256]int
	blockLists, flowLists := 0, 0
	resource.Walk(root, func(_ resource.Path, n *resource.Node) bool {
		if n.Range.File != w.f.Path {
			return true
		}
		if n.Kind == resource.String {
			if c := w.at(n.Range.Start.Byte); c == '"' || c == '\'' {
				quotes[c]++
			}
		}
		if n.Kind == resource.List && len(n.Items) > 0 && !n.Items[0].Block {
			if w.isFlow(n) {
				if s := n.Items[0]; s.Kind != resource.Map && s.Kind != resource.List {
					flowLists++
					if c := w.at(s.Range.Start.Byte); s.Kind == resource.String && w.flowQuote == 0 && (c == '"' || c == '\'') {
						w.flowQuote = c
					}
				}
			} else if s := n.Items[0]; s.Kind != resource.Map && s.Kind != resource.List {
				blockLists++
			}
		}
		if n.KeyRange.File != w.f.Path || n.KeyRange.IsZero() || n.Range.Start.Line <= n.KeyRange.Start.Line {
			if n.Kind == resource.Map && w.isFlow(n) && len(n.Fields) > 0 && w.at(n.Fields[0].Node.KeyRange.Start.Byte) == '"' && n == root {
				w.json = true
			}
			if n.Kind == resource.Map && w.isFlow(n) && len(n.Fields) > 0 {
				if k := n.Fields[0].Node.KeyRange; k.File == w.f.Path && k.Start.Line > n.Range.Start.Line {
					if d := w.indentOf(k.Start.Line) - w.indentOf(n.Range.Start.Line); d > 0 {
						steps[d]++
					}
				}
			}
			return true
		}
		switch {
		case n.Kind == resource.Map && len(n.Fields) > 0 && n.Fields[0].Node.KeyRange.File == w.f.Path:
			if d := w.col(n.Fields[0].Node.KeyRange) - w.col(n.KeyRange); d > 0 {
				steps[d]++
			}
		case n.Kind == resource.List && len(n.Items) > 0 && !w.isFlow(n):
			if at, ok := w.dashOf(n.Items[0]); ok {
				if d := w.colAt(at) - w.col(n.KeyRange); d >= 0 {
					dashes[d]++
				}
			}
		}
		return true
	})
	w.step = most(steps, 2)
	w.dash = most(dashes, 2)
	w.quote = '"'
	if quotes['\''] > quotes['"'] {
		w.quote = '\''
	}
	w.flowLists = flowLists > 0 && blockLists == 0
}

// most gives the key with the greatest count, the smaller key where two tie.
func most(m map[int]int, otherwise int) int {
	best := 0
	for k, n := range m {
		if n > best || n == best && best > 0 && k < otherwise {
			best, otherwise = n, k
		}
	}
	return otherwise
}

func (w *yamlWriter) at(i int) byte {
	if i < 0 || i >= len(w.f.Data) {
		return 0
	}
	return w.f.Data[i]
}

// col is the 0-based column of the start of r; a byte order mark does not count.
func (w *yamlWriter) col(r source.Range) int { return w.colAt(r.Start.Byte) }

func (w *yamlWriter) colAt(offset int) int {
	p := w.f.Pos(offset)
	c := p.Column - 1
	if p.Line == 1 && bytes.HasPrefix(w.f.Data, []byte("\xef\xbb\xbf")) {
		c--
	}
	return c
}

// indentOf is the number of white bytes that a line starts with.
func (w *yamlWriter) indentOf(line int) int {
	s := w.f.Line(line)
	return len(s) - len(strings.TrimLeft(s, " \t"))
}

// content skips a node's anchor and tag and gives where its content starts.
func (w *yamlWriter) content(n *resource.Node) int {
	i := n.Range.Start.Byte
	for i < n.Range.End.Byte && (w.at(i) == '&' || w.at(i) == '!') {
		for i < n.Range.End.Byte && !bytes.ContainsRune([]byte(" \t\r\n"), rune(w.at(i))) {
			i++
		}
		for i < n.Range.End.Byte && bytes.ContainsRune([]byte(" \t\r\n"), rune(w.at(i))) {
			i++
		}
	}
	return i
}

func (w *yamlWriter) isFlow(n *resource.Node) bool {
	if n.Range.Len() == 0 {
		return false
	}
	switch c := w.at(w.content(n)); n.Kind {
	case resource.Map:
		return c == '{'
	case resource.List:
		// .tf.json writes one nested block without the list around it.
		return c == '[' || c == '{'
	}
	return false
}

// dashOf finds the dash of a block list's item.
func (w *yamlWriter) dashOf(item *resource.Node) (int, bool) {
	i := item.Range.Start.Byte
	for i--; i >= 0; i-- {
		switch w.at(i) {
		case ' ', '\t':
		case '-':
			return i, true
		case '\n', '\r':
			// The item may start below its dash; comments and blank lines lie
			// between at most. An exact place matters more than a guess.
			return 0, false
		default:
			return 0, false
		}
	}
	return 0, false
}

// function reports whether the text of a scalar is a function of the format's
// own that gives it: a tag with its argument, or a map.
func function(n *resource.Node, text string) bool {
	if n.Kind == resource.List || n.Kind == resource.Map || len(text) < 2 {
		return false
	}
	letter := text[1]|0x20 >= 'a' && text[1]|0x20 <= 'z'
	return text[0] == '!' && letter || text[0] == '{' || strings.HasPrefix(text, "Ref:") || strings.HasPrefix(text, "Fn::") ||
		strings.HasPrefix(text, `"Ref"`) || strings.HasPrefix(text, `"Fn::`)
}

var errFunction = errors.New("the value is computed where it stands, by a function that other values go into")

var errAlias = errors.New("the value is written elsewhere, behind an alias, and other places use it too")

// own checks that the node is written here and only for this place. What is to go
// need not be known, if only it stands here.
func (w *yamlWriter) own(s slot, goes bool) error {
	n := s.n
	goes = goes && n.Range.File == w.f.Path && n.Range.Len() > 0 && !strings.Contains(w.f.Text(n.Range), "{{")
	// A map that is known in part is a patch's: what it says is its own.
	if !goes && (n.Unknown || n.Partial && n.Kind != resource.Map) {
		return fmt.Errorf("the value is not known in full (%s)", n.Why)
	}
	if n.Range.File != "" && n.Range.File != w.f.Path {
		return fmt.Errorf("the value is written in %s", n.Range.File)
	}
	if n.Range.Len() > 0 && w.at(n.Range.Start.Byte) == '*' && (n.Kind != resource.String || !strings.HasPrefix(n.Str(), "*")) {
		return errAlias
	}
	if !goes && len(n.Origins) > 0 && function(n, w.f.Text(n.Range)) {
		return errFunction
	}
	if s.parent != nil && n.Range.Len() > 0 && s.parent.Range.Len() > 0 && !s.parent.Range.Contains(n.Range) {
		return errAlias
	}
	if !s.key.IsZero() {
		i, ok := w.colon(s.key)
		if !ok {
			return errors.New("the name of the setting is written in a form that is not edited")
		}
		rest := strings.TrimLeft(string(w.f.Data[i:min(len(w.f.Data), i+256)]), " \t")
		if strings.HasPrefix(rest, "*") {
			return errAlias
		}
		if name, ok := anchorName(rest); ok && w.aliased(name) {
			return fmt.Errorf("the value is anchored as &%s, and other places use it too", name)
		}
	} else if name, ok := anchorName(w.f.Text(n.Range)); ok && w.aliased(name) {
		return fmt.Errorf("the value is anchored as &%s, and other places use it too", name)
	}
	return nil
}

func anchorName(s string) (string, bool) {
	if !strings.HasPrefix(s, "&") {
		return "", false
	}
	s = s[1:]
	if i := strings.IndexAny(s, " \t\r\n,[]{}"); i >= 0 {
		s = s[:i]
	}
	return s, s != ""
}

func (w *yamlWriter) aliased(name string) bool {
	re := regexp.MustCompile(`\*` + regexp.QuoteMeta(name) + `(?:[\s,\]}]|$)`)
	return re.Match(w.f.Data)
}

// colon gives the offset just past the colon that follows a key.
func (w *yamlWriter) colon(key source.Range) (int, bool) {
	for i := key.End.Byte; i < len(w.f.Data); i++ {
		switch w.at(i) {
		case ' ', '\t':
		case '\r', '\n':
			if !w.json {
				return 0, false
			}
		case ':':
			return i + 1, true
		default:
			return 0, false
		}
	}
	return 0, false
}

// edit replaces bytes.
func (w *yamlWriter) edit(start, end int, text string) {
	w.edits = joined(w.edits, w.f, start, end, text)
}

// lastLine is the last line that a field's value stands on.
func (w *yamlWriter) lastLine(key source.Range, n *resource.Node, parent *resource.Node) int {
	line := key.Start.Line
	if n.Range.File == w.f.Path && n.Range.Len() > 0 && (parent == nil || parent.Range.Contains(n.Range)) {
		line = max(line, n.Range.LastLine())
		if w.keeps(n) {
			for line < w.f.Lines() && strings.TrimSpace(w.f.Line(line+1)) == "" {
				line++
			}
		}
	}
	return line
}

// keeps reports whether the last thing written in n is a block scalar that
// keeps its final line breaks (|+), so that blank lines below belong to it.
func (w *yamlWriter) keeps(n *resource.Node) bool {
	for {
		switch {
		case len(n.Items) > 0:
			n = n.Items[len(n.Items)-1]
		case len(n.Fields) > 0:
			n = n.Fields[len(n.Fields)-1].Node
		default:
			if n.Kind != resource.String || n.Range.File != w.f.Path {
				return false
			}
			i := w.content(n)
			if c := w.at(i); c != '|' && c != '>' {
				return false
			}
			for i++; i < n.Range.End.Byte; i++ {
				switch c := w.at(i); {
				case c == '+':
					return true
				case c == '-' || c >= '0' && c <= '9':
				default:
					return false
				}
			}
			return false
		}
	}
}

// ownFields gives the fields that are written in the map itself, in order;
// those that a merge key brings in are not.
func (w *yamlWriter) ownFields(n *resource.Node) []resource.Field {
	var out []resource.Field
	for _, f := range n.Fields {
		if k := f.Node.KeyRange; k.File == w.f.Path && k.Len() > 0 && n.Range.Contains(k) && !w.merged(n, k) {
			out = append(out, f)
		}
	}
	return out
}

// merged reports whether a key within a block map's range belongs to another
// map, which a merge key brought in: the keys of one map share a column.
func (w *yamlWriter) merged(n *resource.Node, key source.Range) bool {
	return !w.isFlow(n) && w.col(key) != w.colAt(w.content(n))
}

// apply carries out p on what s holds. It reports whether nothing would be left
// of it, in which case it has made no edit and the holder deletes it.
func (w *yamlWriter) apply(s slot, p *patch) (emptied bool, err error) {
	if p.trivial() {
		return false, nil
	}
	if err := w.own(s, p.del); err != nil {
		return false, err
	}
	if p.set != nil {
		return false, w.replace(s, *p.set)
	}
	if p.del {
		return true, nil
	}
	switch {
	case len(p.add) > 0:
		if s.n.Kind != resource.List || len(s.n.Items) == 0 {
			return false, w.replace(s, value{kind: resource.List, items: p.add})
		}
		if len(p.kids) > 0 {
			return false, errors.New("items cannot be added to and changed in one list at once")
		}
		return false, w.appendItems(s.n, p.add)
	case s.n.Kind == resource.Map && p.kids[0].step.Name != "":
		return w.applyMap(s, p)
	case s.n.Kind == resource.List && p.kids[0].step.Name == "":
		return w.applyList(s, p)
	}
	// A value of another type stands where the operation expects a map.
	v := p.build()
	if v == nil {
		return false, nil
	}
	return false, w.replace(s, *v)
}

func (w *yamlWriter) applyMap(s slot, p *patch) (bool, error) {
	n := s.n
	own := w.ownFields(n)
	isOwn := func(name string) bool {
		for _, f := range own {
			if f.Name == name {
				return true
			}
		}
		return false
	}
	gone := map[string]bool{}
	var add []entry
	for _, k := range p.kids {
		child := n.Get(k.step.Name)
		switch {
		case child == nil:
			if v := k.p.build(); v != nil {
				add = append(add, entry{k.step.Name, *v})
			}
		case k.p.trivial():
		case !isOwn(k.step.Name):
			if k.p.set == nil {
				return false, fmt.Errorf("%s comes from a merge key, and other places use it too", k.step.Name)
			}
			add = append(add, entry{k.step.Name, *k.p.set})
		default:
			empty, err := w.apply(slot{key: child.KeyRange, n: child, parent: n}, k.p)
			if err != nil {
				return false, err
			}
			if empty {
				gone[k.step.Name] = true
			}
		}
	}
	if len(gone) == len(own) && len(gone) > 0 {
		if len(own) < len(n.Fields) {
			return false, errors.New("only a merge key would be left")
		}
		if len(add) > 0 {
			return false, w.replace(s, value{kind: resource.Map, fields: add})
		}
		return true, nil
	}
	if err := w.deleteFields(n, own, gone); err != nil {
		return false, err
	}
	if len(add) == 0 {
		return false, nil
	}
	var stay []resource.Field
	for _, f := range own {
		if !gone[f.Name] {
			stay = append(stay, f)
		}
	}
	if w.isFlow(n) {
		if len(stay) == 0 {
			return false, w.replace(s, value{kind: resource.Map, fields: add})
		}
		return false, w.insertFlow(n, stay, add)
	}
	return false, w.insertBlock(n, stay, add)
}

func (w *yamlWriter) applyList(s slot, p *patch) (bool, error) {
	n := s.n
	if w.isFlow(n) && w.at(w.content(n)) == '{' {
		// One block of a .tf.json file, written without a list around it.
		if len(p.kids) == 1 && len(n.Items) == 1 && p.kids[0].step.Index == 0 {
			return w.apply(slot{key: s.key, n: n.Items[0], parent: s.parent}, p.kids[0].p)
		}
		return false, errors.New("a second block would need a list")
	}
	gone := map[int]bool{}
	var add []value
	for _, k := range p.kids {
		i := k.step.Index
		if i >= len(n.Items) {
			if v := k.p.build(); v != nil {
				add = append(add, *v)
			}
			continue
		}
		if k.p.trivial() {
			continue
		}
		empty, err := w.apply(slot{n: n.Items[i], parent: n}, k.p)
		if err != nil {
			return false, err
		}
		if empty && !k.p.del {
			return false, errors.New("an item of a list would be left without content")
		}
		if empty {
			gone[i] = true
		}
	}
	if len(gone) > 0 && len(gone) == len(n.Items) {
		return true, nil
	}
	if err := w.deleteItems(n, gone); err != nil {
		return false, err
	}
	if len(add) > 0 {
		if len(n.Items) == 0 {
			return false, w.replace(s, value{kind: resource.List, items: add})
		}
		return false, w.appendItems(n, add)
	}
	return false, nil
}
