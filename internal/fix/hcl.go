package fix

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// hclWriter edits one block of a Terraform file. hclwrite would realign lines
// that nobody asked to change, so the edits are spliced in as bytes.
type hclWriter struct {
	f     *source.File
	eol   string
	files Files // where values come from; nil where they are edited in f alone
	edits []source.Edit
	far   bool // something is edited where its value comes from
	// likewise gives the items of the resource that are to change in the same way;
	// nil where that is not known.
	likewise func() map[*resource.Node]bool
}

// proposeHCL carries out p on the top-level block that res was read from. The
// file has been read before, so its nesting is within the reader's bounds. far
// says that it edits a place that values come from.
func proposeHCL(f *source.File, files Files, res *resource.Resource, p *patch, likewise func() map[*resource.Node]bool) (edits []source.Edit, far bool, err error) {
	file, diags := hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, false, errors.New("the file has errors")
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, false, errors.New("the file has no native syntax")
	}
	for _, b := range body.Blocks {
		if b.TypeRange.Start.Byte <= res.Range.Start.Byte && res.Range.Start.Byte < b.CloseBraceRange.End.Byte {
			w := &hclWriter{f: f, eol: f.EOL(), files: files, likewise: likewise}
			for _, inner := range b.Body.Blocks {
				// A resource may be a block within one: the backend of a root.
				if b.Type == "terraform" && inner.TypeRange.Start.Byte == res.Range.Start.Byte {
					b = inner
					break
				}
			}
			if err := w.body(b, res.Root, p); err != nil {
				return nil, false, err
			}
			return w.edits, w.far, nil
		}
	}
	return nil, false, errors.New("the block of the resource is not in its file")
}

// edit replaces bytes.
func (w *hclWriter) edit(start, end int, text string) {
	w.edits = joined(w.edits, w.f, start, end, text)
}

// body carries out p, whose kids are attributes and nested blocks, on b.
func (w *hclWriter) body(b *hclsyntax.Block, n *resource.Node, p *patch) error {
	if p.set != nil || p.del || len(p.add) > 0 {
		return errors.New("a block is changed by its attributes, not as a whole")
	}
	var attrs []entry
	var blocks []newBlock
	var goneAttrs []*hclsyntax.Attribute
	var goneBlocks []*hclsyntax.Block
	for _, k := range p.kids {
		if k.p.trivial() {
			continue
		}
		name := k.step.Name
		if name == "" {
			return errors.New("a block has no items")
		}
		nested := blocksOf(b.Body, name)
		attr := b.Body.Attributes[name]
		child := n.Get(name)
		switch {
		case attr != nil:
			gone, err := w.attribute(attr, child, k.p)
			if err != nil {
				return err
			}
			if gone {
				goneAttrs = append(goneAttrs, attr)
			}
		case len(nested) > 0 || hasBlocks(child):
			gone, more, err := w.blocks(b.Body, name, nested, child, k.p)
			if err != nil {
				return err
			}
			goneBlocks = append(goneBlocks, gone...)
			blocks = append(blocks, more...)
		case child != nil:
			return fmt.Errorf("%s is not written in this block", name)
		case k.p.del:
		case hasDynamic(b.Body, name):
			// It makes none now, and makes one for another value of what decides it,
			// which would then be the second.
			return fmt.Errorf("the %s blocks are made by a dynamic block", name)
		default:
			a, nb := fresh(name, k.p)
			if a != nil {
				attrs = append(attrs, *a)
			}
			blocks = append(blocks, nb...)
		}
	}
	gone := map[int]bool{}
	for _, a := range goneAttrs {
		gone[a.SrcRange.Start.Byte] = true
	}
	for _, n := range goneBlocks {
		gone[n.TypeRange.Start.Byte] = true
	}
	if len(gone) > 0 {
		if err := w.remove(b, gone, len(attrs)+len(blocks) > 0); err != nil {
			return err
		}
	}
	return w.insert(b, gone, attrs, blocks)
}

func hasBlocks(n *resource.Node) bool {
	return n != nil && n.Kind == resource.List && len(n.Items) > 0 && n.Items[0].Block
}

func blocksOf(body *hclsyntax.Body, typ string) []*hclsyntax.Block {
	var out []*hclsyntax.Block
	for _, b := range body.Blocks {
		if b.Type == typ {
			out = append(out, b)
		}
	}
	return out
}

// hasDynamic reports whether a dynamic block makes the nested blocks of a type.
func hasDynamic(body *hclsyntax.Body, typ string) bool {
	return slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool {
		return b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == typ
	})
}

// newBlock is a nested block that is to be written.
type newBlock struct {
	name string
	body value // a map
}

// fresh says what a name that does not exist yet becomes: an item of a list
// (metadata_options[0]) is a nested block, anything else an attribute.
func fresh(name string, p *patch) (*entry, []newBlock) {
	blocky := len(p.kids) > 0
	for _, k := range p.kids {
		blocky = blocky && k.step.Name == ""
	}
	if !blocky {
		if v := p.build(); v != nil {
			return &entry{name, *v}, nil
		}
		return nil, nil
	}
	var out []newBlock
	for _, k := range p.kids {
		if v := k.p.build(); v != nil && v.kind == resource.Map {
			out = append(out, newBlock{name, *v})
		}
	}
	return nil, out
}

// blocks carries out p on the nested blocks of a name. gone are those that are to go,
// more those that come.
func (w *hclWriter) blocks(body *hclsyntax.Body, name string, nested []*hclsyntax.Block, n *resource.Node, p *patch) (gone []*hclsyntax.Block, more []newBlock, err error) {
	if content, fixed := contentOf(body, name); content != nil && len(nested) == 0 && n != nil && !n.Partial && !n.Unknown {
		more, err = w.dynamic(name, content, fixed, n, p)
		return nil, more, err
	}
	if n == nil || n.Partial || n.Unknown || len(n.Items) != len(nested) {
		return nil, nil, fmt.Errorf("the %s blocks are made by a dynamic block or are not known in full", name)
	}
	if p.del {
		return nested, nil, nil
	}
	if p.set != nil {
		return nil, nil, fmt.Errorf("%s is a block, not an attribute", name)
	}
	for _, v := range p.add {
		if v.kind != resource.Map {
			return nil, nil, fmt.Errorf("%s takes blocks alone", name)
		}
		more = append(more, newBlock{name, v})
	}
	for _, k := range p.kids {
		switch {
		case k.p.trivial():
		case k.step.Name != "":
			return nil, nil, fmt.Errorf("which of the %s blocks is meant is not said", name)
		case k.step.Index >= len(nested):
			if v := k.p.build(); v != nil && v.kind == resource.Map {
				more = append(more, newBlock{name, *v})
			}
		case k.p.del:
			gone = append(gone, nested[k.step.Index])
		default:
			if err := w.body(nested[k.step.Index], n.Items[k.step.Index], k.p); err != nil {
				return nil, nil, err
			}
		}
	}
	return gone, more, nil
}

// contentOf is the content of the one dynamic block that makes blocks of a name, or
// nil. fixed says that it goes through the same wherever the file is used.
func contentOf(body *hclsyntax.Body, name string) (content *hclsyntax.Block, fixed bool) {
	for _, b := range blocksOf(body, "dynamic") {
		if !slices.Equal(b.Labels, []string{name}) {
			continue
		}
		own := blocksOf(b.Body, "content")
		if content != nil || len(own) != 1 {
			return nil, false
		}
		over := b.Body.Attributes["for_each"]
		content, fixed = own[0], over != nil && len(over.Expr.Variables()) == 0
	}
	return content, fixed
}

// dynamic carries out p on what a dynamic block makes, which changes together, as
// the instances of one resource do. So it has to be meant for all of it: for the
// one block, for each, or for several that are wrong or the same. Which there
// are, what it goes through decides; where that is fixed, others can stand beside it.
func (w *hclWriter) dynamic(name string, content *hclsyntax.Block, fixed bool, n *resource.Node, p *patch) (more []newBlock, err error) {
	refused := fmt.Errorf("a dynamic block decides which %s blocks there are", name)
	if p.set != nil || p.del || len(p.add) > 0 && !fixed {
		return nil, refused
	}
	for _, v := range p.add {
		if v.kind != resource.Map {
			return nil, fmt.Errorf("%s takes blocks alone", name)
		}
		more = append(more, newBlock{name, v})
	}
	var first *patch
	item, meant := 0, map[int]bool{}
	for _, k := range p.kids {
		switch {
		case k.p.trivial():
			continue
		case k.step.Name != "":
			return nil, fmt.Errorf("which of the %s blocks is meant is not said", name)
		case k.step.Index >= len(n.Items) || k.p.del || k.p.set != nil:
			return nil, refused
		case first == nil:
			first, item = k.p, k.step.Index
		case !reflect.DeepEqual(first, k.p):
			return nil, fmt.Errorf("the %s blocks of a dynamic block would not be alike", name)
		}
		meant[k.step.Index] = true
	}
	if first == nil {
		return more, nil
	}
	// What the content takes from the item is mended where the item is written, for
	// each that is meant; what it says itself, for all.
	own := false
	for i := range n.Items {
		if !meant[i] {
			continue
		}
		one := &hclWriter{f: w.f, eol: w.eol, files: w.files, likewise: w.likewise}
		if err := one.body(content, n.Items[i], first); err != nil {
			return nil, err
		}
		for _, e := range one.edits {
			own = own || e.Range.File == w.f.Path && content.TypeRange.Start.Byte <= e.Range.Start.Byte && e.Range.End.Byte <= content.CloseBraceRange.End.Byte
			if !slices.Contains(w.edits, e) {
				w.edits = append(w.edits, e)
			}
		}
		w.far = w.far || one.far
	}
	if !own {
		return more, nil
	}
	var wrong map[*resource.Node]bool
	for i, it := range n.Items {
		if meant[i] || resource.Equal(it, n.Items[item]) {
			continue
		}
		if wrong == nil && w.likewise != nil {
			wrong = w.likewise()
		}
		if !within(it, wrong) {
			return nil, fmt.Errorf("other %s blocks of the dynamic block would change too", name)
		}
	}
	return more, nil
}

// within reports whether one of the nodes is n or lies in it.
func within(n *resource.Node, nodes map[*resource.Node]bool) bool {
	found := false
	resource.Walk(n, func(_ resource.Path, it *resource.Node) bool {
		found = found || nodes[it]
		return !found
	})
	return found
}

// attribute carries out p on an attribute, whose value is n; gone says that it
// is to go.
func (w *hclWriter) attribute(a *hclsyntax.Attribute, n *resource.Node, p *patch) (gone bool, err error) {
	if p.del {
		if refersToResource(a.Expr) {
			return true, nil
		}
		return true, literal(a.Name, a.Expr)
	}
	return false, w.expr(a.Name, a.Expr, n, p)
}

// refersToResource reports whether an expression is an attribute of a resource
// and nothing else. It is the same at every call of the module, so that what it
// is written for can be taken away, though not replaced by a value.
func refersToResource(e hclsyntax.Expression) bool {
	t, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return false
	}
	switch t.Traversal.RootName() {
	case "var", "local", "each", "count", "module", "path", "terraform", "self":
		return false
	}
	return true
}

// literal refuses an expression whose value is decided elsewhere: another
// place may rely on it, and the variable may differ from call to call.
func literal(name string, e hclsyntax.Expression) error {
	if vs := e.Variables(); len(vs) > 0 {
		return fmt.Errorf("%s is decided by %s", name, traversal(vs[0]))
	}
	plain := true
	diags := hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n.(type) {
		case *hclsyntax.FunctionCallExpr, *hclsyntax.ConditionalExpr, *hclsyntax.ForExpr, *hclsyntax.BinaryOpExpr:
			plain = false
		}
		return nil
	})
	if diags.HasErrors() || !plain {
		return fmt.Errorf("%s is computed by an expression", name)
	}
	return nil
}

func traversal(t hcl.Traversal) string {
	var b strings.Builder
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		}
	}
	return b.String()
}

// expr carries out p on an expression whose value is n; nil where that is not
// known.
func (w *hclWriter) expr(name string, e hclsyntax.Expression, n *resource.Node, p *patch) error {
	if p.trivial() {
		return nil
	}
	if paren, ok := e.(*hclsyntax.ParenthesesExpr); ok {
		return w.expr(name, paren.Expression, n, p)
	}
	r := e.Range()
	switch {
	case p.set != nil:
		if err := literal(name, e); err != nil {
			return w.through(n, p, err)
		}
		text := w.text(*p.set, w.indentAt(r.Start.Byte))
		if r.End.Byte > r.Start.Byte && w.f.Data[r.End.Byte-1] == '\n' {
			text += w.eol // a heredoc's range holds its last line break
		}
		w.edit(r.Start.Byte, r.End.Byte, text)
		return nil
	case p.del:
		return fmt.Errorf("%s cannot be taken out of an expression", name)
	}
	switch t := e.(type) {
	case *hclsyntax.TupleConsExpr:
		return w.tuple(name, t, n, p)
	case *hclsyntax.ObjectConsExpr:
		return w.object(name, t, n, p)
	}
	if err := literal(name, e); err != nil {
		return w.through(n, p, err)
	}
	v := p.build()
	if v == nil {
		return nil
	}
	w.edit(r.Start.Byte, r.End.Byte, w.text(*v, w.indentAt(r.Start.Byte)))
	return nil
}

// tuple carries out p on [a, b].
func (w *hclWriter) tuple(name string, t *hclsyntax.TupleConsExpr, n *resource.Node, p *patch) error {
	parts := make([]span, len(t.Exprs))
	for i, e := range t.Exprs {
		parts[i] = span{start: e.Range().Start.Byte, end: e.Range().End.Byte}
	}
	var add []string
	indent := w.innerIndent(t.SrcRange, parts)
	for _, k := range p.kids {
		switch {
		case k.p.trivial():
		case k.step.Name != "" || k.step.Index >= len(parts):
			return fmt.Errorf("%s has another form than the fix expects", name)
		case k.p.del:
			if err := literal(name, t.Exprs[k.step.Index]); err != nil {
				return err
			}
			parts[k.step.Index].gone = true
		default:
			if err := w.expr(name, t.Exprs[k.step.Index], childOf(n, k.step), k.p); err != nil {
				return err
			}
		}
	}
	for _, v := range p.add {
		add = append(add, w.text(v, indent))
	}
	return w.parts(t.SrcRange, parts, add, indent, ", ")
}

// object carries out p on {a = 1}.
func (w *hclWriter) object(name string, o *hclsyntax.ObjectConsExpr, n *resource.Node, p *patch) error {
	parts := make([]span, len(o.Items))
	index := map[string]int{}
	for i, it := range o.Items {
		parts[i] = span{start: it.KeyExpr.Range().Start.Byte, end: it.ValueExpr.Range().End.Byte}
		key := hcl.ExprAsKeyword(it.KeyExpr)
		if key == "" {
			v, diags := it.KeyExpr.Value(nil)
			if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type().FriendlyName() != "string" {
				return fmt.Errorf("%s has names that are computed", name)
			}
			key = v.AsString()
		}
		index[key] = i
	}
	if len(p.add) > 0 {
		return fmt.Errorf("%s has another form than the fix expects", name)
	}
	indent := w.innerIndent(o.SrcRange, parts)
	var fresh []entry
	for _, k := range p.kids {
		i, ok := index[k.step.Name]
		switch {
		case k.p.trivial():
		case k.step.Name == "":
			return fmt.Errorf("%s has another form than the fix expects", name)
		case !ok:
			if v := k.p.build(); v != nil {
				fresh = append(fresh, entry{k.step.Name, *v})
			}
		case k.p.del:
			if err := literal(k.step.Name, o.Items[i].ValueExpr); err != nil {
				return err
			}
			parts[i].gone = true
		default:
			if err := w.expr(k.step.Name, o.Items[i].ValueExpr, childOf(n, k.step), k.p); err != nil {
				return err
			}
		}
	}
	sep := ", "
	if w.spread(o.SrcRange, parts) && len(parts) > 0 {
		// Lines of an object need no comma; take what the last entry has.
		if !strings.Contains(string(w.f.Data[parts[len(parts)-1].end:o.SrcRange.End.Byte]), ",") && !w.commas(parts) {
			sep = ""
		}
	}
	return w.parts(o.SrcRange, parts, w.entries(o, parts, fresh, indent), indent, sep)
}

// entries writes new entries of an object: on one line where it stands on one,
// else with their equals signs in the column of the line above. Names that are
// too long for it form a group of their own behind a blank line, as arguments
// of a block do.
func (w *hclWriter) entries(o *hclsyntax.ObjectConsExpr, parts []span, fresh []entry, indent string) []string {
	var near, far []string
	spread := w.spread(o.SrcRange, parts)
	width, own := 0, 0
	if spread {
		last := o.Items[len(o.Items)-1]
		key, value := last.KeyExpr.Range(), last.ValueExpr.Range()
		if at := strings.IndexByte(string(w.f.Data[key.End.Byte:value.Start.Byte]), '='); at > 0 && key.Start.Line == value.End.Line {
			width = key.End.Byte + at - 1 - key.Start.Byte
		}
		for _, e := range fresh {
			if n := len(objectKey(e.name)); n > width && !spreads(e.val) {
				own = max(own, n)
			}
		}
	}
	var last []string
	for _, e := range fresh {
		key := objectKey(e.name)
		switch {
		case !spread && len(parts) > 0:
			near = append(near, key+" = "+w.inline(e.val))
		case spreads(e.val):
			last = append(last, key+" = "+w.text(e.val, indent))
		case !spread || len(key) <= width:
			near = append(near, key+strings.Repeat(" ", max(0, width-len(key)))+" = "+w.text(e.val, indent))
		default:
			far = append(far, key+strings.Repeat(" ", own-len(key))+" = "+w.text(e.val, indent))
		}
	}
	if len(far) > 0 && width > 0 {
		far[0] = w.eol + indent + far[0]
	}
	return append(append(near, far...), last...)
}

// spreads reports whether text writes a value over several lines. The equals
// sign of such a one is not aligned.
func spreads(v value) bool {
	return v.kind == resource.Map && !v.empty() || v.kind == resource.List && slices.ContainsFunc(v.items, spreads)
}

func objectKey(name string) string {
	if hclsyntax.ValidIdentifier(name) {
		return name
	}
	return quoteHCL(name)
}

// inline writes a value on one line.
func (w *hclWriter) inline(v value) string {
	switch {
	case v.kind == resource.Map && !v.empty():
		parts := make([]string, 0, len(v.fields))
		for _, e := range v.fields {
			parts = append(parts, objectKey(e.name)+" = "+w.inline(e.val))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case v.kind == resource.List:
		parts := make([]string, 0, len(v.items))
		for _, it := range v.items {
			parts = append(parts, w.inline(it))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return w.text(v, "")
}

func (w *hclWriter) commas(parts []span) bool {
	return len(parts) > 1 && strings.Contains(string(w.f.Data[parts[0].end:parts[1].start]), ",")
}

// spread reports whether the entries of a collection stand on lines of their own.
func (w *hclWriter) spread(r hcl.Range, parts []span) bool {
	return len(parts) > 0 && w.f.Pos(parts[len(parts)-1].start).Line > r.Start.Line
}

func (w *hclWriter) innerIndent(r hcl.Range, parts []span) string {
	if w.spread(r, parts) {
		return w.indentAt(parts[len(parts)-1].start)
	}
	return w.indentAt(r.Start.Byte)
}

// parts takes entries out of a collection and puts new ones behind the last.
func (w *hclWriter) parts(r hcl.Range, parts []span, add []string, indent, sep string) error {
	stay := 0
	for _, s := range parts {
		if !s.gone {
			stay++
		}
	}
	if stay == 0 {
		if len(parts) == 0 && len(add) == 0 {
			return nil
		}
		if hasHCLComment(string(w.f.Data[r.Start.Byte:r.End.Byte])) {
			return errors.New("comments within the value would be lost")
		}
		w.edit(r.Start.Byte+1, r.End.Byte-1, strings.Join(add, sep))
		return nil
	}
	if stay < len(parts) {
		if len(add) > 0 && parts[len(parts)-1].gone {
			return errors.New("the last entry is not taken out of a collection that others are added to")
		}
		if err := w.deleteSpans(r, parts); err != nil {
			return err
		}
	}
	if len(add) == 0 {
		return nil
	}
	end := parts[len(parts)-1].end
	if !w.spread(r, parts) {
		w.edit(end, end, sep+strings.Join(add, sep))
		return nil
	}
	comma := end
	for comma < r.End.Byte && (w.f.Data[comma] == ' ' || w.f.Data[comma] == '\t') {
		comma++
	}
	trail := ""
	line := w.f.Pos(end).Line
	if w.f.Data[comma] == ',' {
		trail = ","
	} else if sep != "" {
		w.edit(end, end, ",")
	}
	between := strings.TrimSpace(sep) + w.eol + indent
	text := strings.ReplaceAll(indent+strings.Join(add, between)+trail, indent+w.eol, w.eol)
	if w.f.LineEnd(line) > r.End.Byte-1 {
		return errors.New("the collection is written in a form that is not edited")
	}
	w.edit(w.f.LineEnd(line), w.f.LineEnd(line), text+w.eol)
	return nil
}

func (w *hclWriter) deleteSpans(r hcl.Range, parts []span) error {
	for i := 0; i < len(parts); i++ {
		if !parts[i].gone {
			continue
		}
		j := i
		for j+1 < len(parts) && parts[j+1].gone {
			j++
		}
		from, to := parts[i].start, 0
		if j+1 < len(parts) {
			to = parts[j+1].start
		} else {
			from, to = parts[i-1].end, parts[j].end
		}
		if hasHCLComment(string(w.f.Data[from:to])) {
			return errors.New("a comment between the entries would be lost")
		}
		w.edit(from, to, "")
		i = j
	}
	return nil
}

func hasHCLComment(s string) bool {
	return strings.ContainsAny(s, "#") || strings.Contains(s, "//") || strings.Contains(s, "/*")
}
