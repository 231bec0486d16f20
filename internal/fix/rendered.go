package fix

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// A resource that was rendered stands in templates: some of it literally, some
// written by actions that take it from the values. What is literal is edited
// where it stands, with the lines around it as they are; what an action writes is
// edited in the values file that the action takes it from. Whether that one
// place decides alone, the proof says, which renders again.

// proposeRendered carries out p on a resource that was rendered.
func proposeRendered(res *resource.Resource, p *patch, files Files) ([]source.Edit, error) {
	r := &rendered{files: files, res: res}
	err := r.apply(slot{n: res.Root}, p)
	if err != nil {
		// What would be left empty goes with what it holds.
		if p, raised := raise(res.Root, p); raised {
			r = &rendered{files: files, res: res}
			if r.apply(slot{n: res.Root}, p) == nil {
				err = nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return distinct(r.edits), nil
}

// raise has a map or list whose every field or item p deletes deleted itself. It
// reports whether there is one.
func raise(n *resource.Node, p *patch) (*patch, bool) {
	if n == nil || p.set != nil || p.del || len(p.add) > 0 {
		return p, false
	}
	out, raised, gone := &patch{}, false, 0
	for _, k := range p.kids {
		child := childOf(n, k.step)
		kp, up := raise(child, k.p)
		raised = raised || up
		if child != nil && kp.del {
			gone++
		}
		out.kids = append(out.kids, kid{k.step, kp})
	}
	if gone > 0 && gone == len(p.kids) && gone == len(n.Fields)+len(n.Items) {
		return &patch{del: true}, true
	}
	return out, raised
}

type rendered struct {
	files Files
	res   *resource.Resource
	edits []source.Edit
}

// apply goes down to the nodes that the operations change and edits each where
// it is written.
func (r *rendered) apply(s slot, p *patch) error {
	if p.trivial() {
		return nil
	}
	if p.set != nil || p.del || len(p.add) > 0 {
		return errors.New("the whole document would be replaced")
	}
	here := &patch{} // what changes this node itself
	for _, k := range p.kids {
		child := childOf(s.n, k.step)
		if child == nil || k.p.set != nil || k.p.del || len(k.p.add) > 0 || child.Kind != resource.Map && child.Kind != resource.List {
			here.kids = append(here.kids, k)
			continue
		}
		if err := r.apply(slot{key: child.KeyRange, n: child, parent: s.n}, k.p); err != nil {
			return err
		}
	}
	if here.trivial() {
		return nil
	}
	return r.edit(s, here)
}

// childOf gives what a node has at a step, or nil.
func childOf(n *resource.Node, s resource.Step) *resource.Node {
	if n == nil {
		return nil
	}
	if s.Name != "" {
		return n.Get(s.Name)
	}
	if n.Kind == resource.List && s.Index < len(n.Items) {
		return n.Items[s.Index]
	}
	return nil
}

// edit changes fields or items of one node.
func (r *rendered) edit(s slot, p *patch) error {
	var literal, taken patch
	for _, k := range p.kids {
		child := childOf(s.n, k.step)
		at := child
		if child == nil {
			at = s.n
		}
		if r.isAction(at) {
			taken.kids = append(taken.kids, k)
		} else {
			literal.kids = append(literal.kids, k)
		}
	}
	if !literal.trivial() {
		if err := r.inTemplate(s, &literal); err != nil {
			return err
		}
	}
	for _, k := range taken.kids {
		if err := r.inValues(s, k); err != nil {
			return err
		}
	}
	return nil
}

// isAction reports whether an action writes a node: a scalar in its place, or
// the first of what a list or map holds.
func (r *rendered) isAction(n *resource.Node) bool {
	at := n.Range
	if len(n.Fields) > 0 && n.Fields[0].Node != nil && !n.Fields[0].Node.KeyRange.IsZero() {
		at = n.Fields[0].Node.KeyRange
	}
	f := r.files(at.File)
	return f != nil && strings.Contains(f.Text(at), "{{")
}

// inTemplate changes what stands literally in a template. Fields within an
// action's block of their own are no neighbours of what is added.
func (r *rendered) inTemplate(s slot, p *patch) error {
	n := s.n
	at := n.Range
	if len(n.Fields) > 0 {
		at = n.Fields[0].Node.KeyRange
	}
	if n == r.res.Root && at.IsZero() {
		at = r.res.Range
	}
	f := r.files(at.File)
	if f == nil {
		return fmt.Errorf("%s cannot be read", at.File)
	}
	w := &yamlWriter{f: f, eol: f.EOL()}
	w.learn(r.res.Root)
	shown := *n
	shown.Fields = nil
	for _, x := range n.Fields {
		k := x.Node.KeyRange
		if k.File != f.Path || r.isActionAt(f, k) {
			continue
		}
		if wanted(p, x.Name) || blocks(f, at.Start.Byte, k.Start.Byte) == 0 {
			shown.Fields = append(shown.Fields, x)
		}
	}
	if n.Kind == resource.Map && len(n.Fields) > 0 && len(shown.Fields) == 0 {
		return errors.New("the map is put together by actions")
	}
	var change, add patch
	for _, k := range p.kids {
		if childOf(n, k.step) == nil && n.Kind == resource.Map {
			add.kids = append(add.kids, k)
		} else {
			change.kids = append(change.kids, k)
		}
	}
	if err := r.shown(w, shown, &change); err != nil {
		return err
	}
	if !add.trivial() {
		if err := r.add(w, shown, at.Start.Byte, &add); err != nil {
			return err
		}
	}
	r.edits = append(r.edits, w.edits...)
	return nil
}

// shown carries out p on a map as if it held the shown fields alone.
func (r *rendered) shown(w *yamlWriter, n resource.Node, p *patch) error {
	if p.trivial() {
		return nil
	}
	if len(n.Fields) > 0 {
		n.Range = n.Fields[0].Node.KeyRange
		for _, x := range n.Fields {
			for _, at := range [2]source.Range{x.Node.KeyRange, x.Node.Range} {
				if at.File == n.Range.File && at.End.Byte > n.Range.End.Byte {
					n.Range.End = at.End
				}
			}
		}
	}
	// The name of the map may stand in another file, which includes this one.
	emptied, err := w.apply(slot{n: &n}, p)
	if err == nil && emptied {
		err = errors.New("nothing would be left of the map")
	}
	return err
}

// add adds fields to a map: behind the last field whose end is not within a
// block of actions, else before the last field that has its line to itself.
func (r *rendered) add(w *yamlWriter, n resource.Node, from int, p *patch) error {
	var here patch
	for _, k := range p.kids {
		line := 0
		if len(n.Fields) > 0 {
			line = w.mentions(n.Fields[0].Node.KeyRange, k.step.Name)
		}
		if line == 0 {
			here.kids = append(here.kids, k)
			continue
		}
		if err := r.fill(w, line, k); err != nil {
			return err
		}
	}
	if p = &here; p.trivial() {
		return nil
	}
	for i := len(n.Fields); i > 0; i-- {
		x := n.Fields[i-1].Node
		if line := w.lastLine(x.KeyRange, x, nil); blocks(w.f, from, w.f.LineEnd(line)) == 0 && w.ends(line, w.col(x.KeyRange)) {
			n.Fields = n.Fields[:i]
			return r.shown(w, n, p)
		}
	}
	for i := len(n.Fields); i > 0; i-- {
		key := n.Fields[i-1].Node.KeyRange
		start := w.f.LineStart(key.Start.Line)
		if strings.TrimSpace(string(w.f.Data[start:key.Start.Byte])) != "" {
			continue
		}
		var lines []string
		for _, k := range p.kids {
			if v := k.p.build(); v != nil {
				lines = append(lines, w.blockEntry(entry{k.step.Name, *v}, w.col(key), w.quoteAmong(n.Fields))...)
			}
		}
		if len(lines) > 0 {
			w.edit(start, start, strings.Join(lines, w.eol)+w.eol)
		}
		return nil
	}
	if len(n.Fields) == 0 {
		return r.shown(w, n, p)
	}
	return errors.New("there is no line in the template that the setting could stand on")
}

// What a template has around a setting that the values hold as a whole:
//
//	{{- with .Values.securityContext }}
//	securityContext:
//	  {{- toYaml . | nindent 12 }}
//	{{- end }}
var (
	aroundValue = regexp.MustCompile(`^\{\{-? *(?:with|if) +\.Values\.([A-Za-z0-9_.]+) *-?\}\}$`)
	wholeValue  = regexp.MustCompile(`^\{\{-? *toYaml +(\.|\.Values\.[A-Za-z0-9_.]+) *\| *nindent +[0-9]+ *-?\}\}$`)
)

// fill gives a setting that the template writes only where the values have it
// to the values: those that the unit is rendered with, where they say something
// of it, else the chart's own.
func (r *rendered) fill(w *yamlWriter, line int, k kid) error {
	refused := fmt.Errorf("the template writes %s under a condition", k.step.Name)
	v := k.p.build()
	if line < 2 || line+1 > w.f.Lines() || v == nil {
		return refused
	}
	around := aroundValue.FindStringSubmatch(strings.TrimSpace(w.f.Line(line - 1)))
	whole := wholeValue.FindStringSubmatch(strings.TrimSpace(w.f.Line(line + 1)))
	dir, ok := strings.CutPrefix(r.res.Known().Unit, resource.Helm+":")
	if around == nil || whole == nil || whole[1] != "." && whole[1] != ".Values."+around[1] || !ok {
		return refused
	}
	in := func(name string) string { return path.Join(dir, name) }
	if path.Dir(w.f.Path) != in("templates") {
		return refused // values of another chart, or under another name
	}
	top := &patch{}
	at := top
	for _, name := range strings.Split(around[1], ".") {
		at = at.child(resource.Step{Name: name})
	}
	at.set = v
	for _, name := range []string{in(r.res.Variant), r.res.Variant, in("values.yaml")} {
		f := r.files(name)
		if r.res.Variant == "" && name != in("values.yaml") || f == nil {
			continue
		}
		root, _, _ := valueAt(f, source.Range{Start: source.Pos{Byte: -1}})
		if root == nil || root.Kind != resource.Map || name != in("values.yaml") && root.Path(strings.Split(around[1], ".")...) == nil {
			continue
		}
		values := &yamlWriter{f: f, eol: f.EOL()}
		values.learn(root)
		if _, err := values.apply(slot{n: root}, top); err != nil {
			return err
		}
		r.edits = append(r.edits, values.edits...)
		return nil
	}
	return refused
}

// mentions gives the line that a map, one of whose keys is given, has for a name,
// be it one that is written only under a condition; 0 where there is none.
func (w *yamlWriter) mentions(key source.Range, name string) int {
	col := w.col(key)
	for _, step := range [2]int{-1, 1} {
		for line := key.Start.Line; line >= 1 && line <= w.f.Lines(); line += step {
			text := w.f.Line(line)
			rest := strings.TrimLeft(text, " -")
			if rest == "" || rest[0] == '#' || strings.HasPrefix(rest, "{{") {
				continue
			}
			indent := len(text) - len(rest)
			if indent < col || strings.HasPrefix(text, "---") {
				break
			}
			if indent == col && strings.HasPrefix(strings.Trim(rest, `"'`), name+":") {
				return line
			}
			if step < 0 && indent == col && strings.HasPrefix(strings.TrimLeft(text, " "), "- ") {
				break // the first line of an item
			}
		}
	}
	return 0
}

var nindent = regexp.MustCompile(`n?indent +([0-9]+)`)

// ends reports whether what stands at a column ends with a line: what follows,
// be it text or what an action writes, is indented no further.
func (w *yamlWriter) ends(line, col int) bool {
	for line++; line <= w.f.Lines(); line++ {
		text := w.f.Line(line)
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
			continue
		case strings.HasPrefix(trimmed, "{{"):
			if m := nindent.FindStringSubmatch(trimmed); m != nil {
				n, err := strconv.Atoi(m[1])
				return err == nil && n <= col
			}
			if strings.HasSuffix(trimmed, "}}") {
				continue
			}
		}
		return len(text)-len(strings.TrimLeft(text, " ")) <= col
	}
	return true
}

func wanted(p *patch, name string) bool {
	for _, k := range p.kids {
		if k.step.Name == name {
			return true
		}
	}
	return false
}

func (r *rendered) isActionAt(f *source.File, at source.Range) bool {
	return strings.Contains(f.Text(at), "{{")
}

// blocks counts the blocks of actions (if, with, range) that are opened and not
// closed between two offsets of a template.
func blocks(f *source.File, from, to int) int {
	depth := 0
	text := string(f.Data[min(from, to):max(from, to)])
	for {
		i := strings.Index(text, "{{")
		if i < 0 {
			return depth
		}
		text = strings.TrimLeft(text[i+2:], "- \t\r\n")
		word, _, _ := strings.Cut(text, " ")
		word = strings.Trim(strings.TrimSuffix(word, "}}"), "-}")
		switch word {
		case "if", "with", "range", "define", "block":
			depth++
		case "end":
			depth--
		}
	}
}

// inValues changes what an action takes from a values file.
func (r *rendered) inValues(s slot, k kid) error {
	child := childOf(s.n, k.step)
	from, p := s.n, &patch{kids: []kid{k}}
	if child != nil {
		from, p = child, k.p
	}
	if len(from.Origins) == 0 {
		return errors.New("an action of the template writes the value, and no file of values says it")
	}
	at := from.Origins[0]
	f := r.files(at.File)
	if f == nil || !isYAML(f.Path) && !isHCL(f.Path) || r.isTemplate(f) {
		return errors.New("an action of the template writes the value, and no file of values says it")
	}
	root, found, parent := valuesAt(f, at)
	switch {
	case found == nil && isHCL(f.Path) && child != nil && p.set != nil:
		return r.inArgument(f, at, child, *p.set)
	case found == nil:
		return errors.New("the place in the values file is not known")
	case child != nil && !sameScalar(found, child):
		return fmt.Errorf("the value is put together of what %s says and more", f.Path)
	case child == nil && found.Kind != s.n.Kind:
		return fmt.Errorf("%s does not hold what the value is made of", f.Path)
	}
	if p.set != nil && found.Kind == resource.String && parent.Get("name") != nil && nameIn(parent, found) == "value" && !p.set.composite() {
		// A parameter is a text, whatever the chart takes it for.
		p = &patch{set: &value{kind: resource.String, scalar: fmt.Sprint(p.set.scalar)}}
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: isJSON(f.Path)}
	w.learn(root)
	emptied, err := w.apply(slot{key: found.KeyRange, n: found, parent: parent}, p)
	if err != nil {
		return err
	}
	if emptied {
		// Helm takes a key without a value for one that is not set.
		holder := &patch{kids: []kid{{resource.Step{Name: nameIn(parent, found)}, &patch{del: true}}}}
		refused := errors.New("the value cannot be taken out of the values file")
		if parent == nil || nameIn(parent, found) == "" {
			return refused
		}
		gone, err := w.apply(slot{key: parent.KeyRange, n: parent}, holder)
		if (err != nil || gone) && found.Value == true {
			// What switches something on can be switched off where it stands.
			w.edits = nil
			off := &patch{set: &value{kind: resource.Bool, scalar: false}}
			gone, err = w.apply(slot{key: found.KeyRange, n: found, parent: parent}, off)
		}
		if err != nil || gone {
			return refused
		}
	}
	r.edits = append(r.edits, w.edits...)
	return nil
}

func nameIn(parent, n *resource.Node) string {
	if parent != nil {
		for _, f := range parent.Fields {
			if f.Node == n {
				return f.Name
			}
		}
	}
	return ""
}

// isTemplate reports whether a file is one of templates: their own lines are
// never values.
func (r *rendered) isTemplate(f *source.File) bool {
	return f.Path == r.res.Range.File || strings.HasPrefix(f.Path, "templates/") || strings.Contains(f.Path, "/templates/")
}

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// sameScalar reports whether a value of the file is what was rendered.
func sameScalar(a, b *resource.Node) bool {
	if a.Kind == resource.Map || a.Kind == resource.List {
		return a.Kind == b.Kind && resource.Equal(a, b)
	}
	if resource.Equal(a, b) {
		return true
	}
	return a.Value != nil && fmt.Sprint(a.Value) == fmt.Sprint(b.Value)
}

// argument is what an argument of Terraform says literally, its name before it
// or not.
var argument = regexp.MustCompile(`^((?:"?[A-Za-z0-9_.-]+"?\s*[=:]\s*)?)("(?:[^"\\$%]|\\.)*"|true|false|-?[0-9.]+)$`)

// inArgument changes a scalar that an argument of Terraform says: the value of a
// set block, an attribute of an object that is encoded.
func (r *rendered) inArgument(f *source.File, at source.Range, was *resource.Node, v value) error {
	m := argument.FindStringSubmatch(f.Text(at))
	if m == nil || v.composite() || v.scalar == nil {
		return fmt.Errorf("%s does not say the value as it is", f.Path)
	}
	text := m[2]
	quoted := strings.HasPrefix(text, `"`)
	if quoted {
		var err error
		if text, err = strconv.Unquote(text); err != nil {
			return fmt.Errorf("%s does not say the value as it is", f.Path)
		}
	}
	if was.Value == nil || text != fmt.Sprint(was.Value) {
		return fmt.Errorf("the value is put together of what %s says and more", f.Path)
	}
	next := fmt.Sprint(v.scalar)
	if quoted || v.kind == resource.String {
		if strings.ContainsAny(next, "$%") {
			return errors.New("the value cannot be written as a text of Terraform")
		}
		next = strconv.Quote(next)
	}
	start := at.Start.Byte + len(m[1])
	r.edits = append(r.edits, source.Edit{Range: f.Range(start, at.End.Byte), New: next})
	return nil
}

// valuesAt gives the tree that holds a place of a file, be it of a text within
// the file: a heredoc of Terraform, a block of text of an object of Argo CD.
func valuesAt(f *source.File, at source.Range) (root, found, parent *resource.Node) {
	if isYAML(f.Path) {
		if root, found, parent = valueAt(f, at); found != nil {
			return root, found, parent
		}
	}
	start, end := textAround(f, at.Start.Byte)
	if start >= end {
		return nil, nil, nil
	}
	blank := make([]byte, len(f.Data))
	for i, c := range f.Data {
		if blank[i] = ' '; c == '\n' || i >= start && i < end {
			blank[i] = c
		}
	}
	return valueAt(source.NewFile(f.Path, blank), at)
}

// textAround gives the lines of the text that a place of a file is within: of a
// heredoc, or of a scalar of YAML over several lines.
func textAround(f *source.File, at int) (start, end int) {
	if isHCL(f.Path) {
		tokens, _ := hclsyntax.LexConfig(f.Data, f.Path, hcl.InitialPos)
		for _, t := range tokens {
			switch {
			case t.Type == hclsyntax.TokenOHeredoc && t.Range.End.Byte <= at:
				start = t.Range.End.Byte
			case t.Type == hclsyntax.TokenCHeredoc && t.Range.Start.Byte > at && start > 0:
				return start, t.Range.Start.Byte
			case t.Type == hclsyntax.TokenCHeredoc:
				start = 0
			}
		}
		return 0, 0
	}
	for _, root := range treesOf(f) {
		resource.Walk(root, func(_ resource.Path, n *resource.Node) bool {
			if n.Kind == resource.String && n.Range.Start.Byte <= at && at < n.Range.End.Byte && n.Range.End.Line > n.Range.Start.Line {
				start, end = f.LineEnd(n.Range.Start.Line), n.Range.End.Byte
			}
			return true
		})
	}
	return start, end
}

// treesOf gives the trees of a file of YAML.
func treesOf(f *source.File) []*resource.Node {
	var out []*resource.Node
	u := format.Unit{ID: f.Path, FS: fstest.MapFS{f.Path: {Data: f.Data}}, MaxFileSize: int64(len(f.Data)) + 1}
	yamltree.Read(context.Background(), &u, f.Path, yamltree.Options{OldBooleans: true}, func(d yamltree.Document) source.Diagnostics {
		out = append(out, d.Root)
		return nil
	})
	return out
}

// valueAt gives the tree of a values file and the node that begins at a place,
// by its key or itself, with the one that holds it.
func valueAt(f *source.File, at source.Range) (root, found, parent *resource.Node) {
	var walk func(n, up, top *resource.Node)
	walk = func(n, up, top *resource.Node) {
		if n == nil || found != nil {
			return
		}
		start := n.Range.Start.Byte
		if !n.KeyRange.IsZero() {
			start = n.KeyRange.Start.Byte
		}
		if start == at.Start.Byte && n != top {
			found, parent = n, up
			return
		}
		for _, it := range n.Items {
			walk(it, n, top)
		}
		for _, x := range n.Fields {
			walk(x.Node, n, top)
		}
	}
	for _, d := range treesOf(f) {
		if root == nil {
			root = d
		}
		if walk(d, nil, d); found != nil {
			return d, found, parent
		}
	}
	return root, nil, nil
}
