package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// readYAML reads one YAML document; it gives none for an empty one and for one
// that is no candidate.
func readYAML(t *tree, d span, o Options, mayRefine func() bool) ([]value, *problem) {
	for bytes.HasPrefix(t.f.Data[d.start:d.end], ByteOrderMark) {
		d.start += len(ByteOrderMark)
	}
	text := t.f.Data[d.start:d.end]
	doc, err := parse(text)
	if err != nil {
		line, message := yamlError(err)
		if line == 0 || mayRefine() {
			line = refine(t, d, message, line)
		}
		return nil, &problem{line: fileLine(t, d, line), message: message}
	}
	if doc == nil || o.Candidate != nil && !o.Candidate(doc) {
		return nil, nil
	}
	b := builder{tree: t, o: o, d: d, at: d.start, ascii: utf8.RuneCount(text) == len(text)}
	root := b.node(doc, 0, -1)
	if b.problem == nil {
		b.finish()
	}
	if b.problem != nil {
		return nil, b.problem
	}
	root.KeyRange = source.Range{}
	return []value{{root, b.comments, b.diagnostics}}, nil
}

// parse runs yaml.v3 on one document. nil stands for an empty document.
func parse(text []byte) (root *yaml.Node, err error) {
	// A panic of the parser on input that it did not foresee is an error of
	// that document.
	defer func() {
		if recover() != nil {
			root, err = nil, errors.New("yaml: the parser could not make sense of this document")
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// yamlError takes yaml.v3's message apart; line is 0 where it names none.
func yamlError(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if n, after, ok := strings.Cut(rest, ": "); ok {
			if l, err := strconv.Atoi(n); err == nil {
				line, message = l, after
			}
		}
	}
	return line, Clean(message)
}

// refine finds the line on which an error appears: yaml.v3 names the line on
// which the enclosing map or list began, and sometimes the one before that, or
// none. It is the last line of the shortest beginning of the document that
// fails with the same message. Large documents keep the line that they have.
func refine(t *tree, d span, message string, line int) int {
	const most = 64 << 10
	if d.end-d.start > most {
		return max(line, 1)
	}
	n := 1
	for t.lineStart(d.line+n) < d.end {
		n++
	}
	fails := func(lines int) bool {
		_, err := parse(t.f.Data[d.start:min(t.lineStart(d.line+lines), d.end)])
		if err == nil {
			return false
		}
		_, m := yamlError(err)
		return m == message
	}
	low, high := 1, n
	for low < high {
		if mid := (low + high) / 2; fails(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// fileLine turns a line of a document as YAML counts them into one of the file.
func fileLine(t *tree, d span, line int) int {
	at := min(t.lineStart(d.line+max(line, 1)-1), max(d.end-1, 0))
	return t.f.Pos(at).Line
}

// IsMerge reports whether a key of a map is a merge key (<<).
func IsMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// builder turns the nodes of one YAML document into ours, in the order of the
// source. at is the end of what has been gone through: what lies between it
// and the next token is white space, indicators and comments.
type builder struct {
	*tree
	o           Options
	d           span
	at          int
	ascii       bool // every column is a byte
	line, col   int  // of the place located last, as YAML counts them
	byte        int
	done        map[*yaml.Node]*resource.Node // complete nodes with an anchor
	comments    []resource.Comment
	problem     *problem
	diagnostics source.Diagnostics
}

func (b *builder) fail(at int, format string, args ...any) {
	if b.problem == nil {
		b.problem = &problem{line: b.f.Pos(at).Line, message: fmt.Sprintf(format, args...)}
	}
}

// lost says that the source is not where the parser's positions say, which
// would be a fault of this package.
func (b *builder) lost(at int) {
	b.fail(at, "the place of a value could not be found")
}

// locate gives the offset of a line and column as yaml.v3 counts them. Nodes
// come in order, so it goes on from the place located last.
func (b *builder) locate(n *yaml.Node) int {
	if n.Line != b.line || n.Column < b.col {
		b.line, b.col = n.Line, 1
		b.byte = max(b.lineStart(b.d.line+n.Line-1), b.d.start)
	}
	if b.ascii {
		b.byte += n.Column - b.col
	} else {
		for i := b.col; i < n.Column && b.byte < b.d.end; i++ {
			_, size := utf8.DecodeRune(b.f.Data[b.byte:])
			b.byte += size
		}
	}
	b.col = n.Column
	if b.byte > b.d.end {
		b.byte = b.d.end
	}
	return b.byte
}

// node converts one node. empty is where a value stands that is not written
// at all; -1 leaves that to the parser's position.
func (b *builder) node(n *yaml.Node, depth, empty int) *resource.Node {
	if b.problem != nil {
		return b.tree.node(resource.Null, nil)
	}
	if depth > MaxDepth {
		b.fail(b.at, "is nested more than %d levels deep", MaxDepth)
		return b.tree.node(resource.Null, nil)
	}
	var out *resource.Node
	switch n.Kind {
	case yaml.AliasNode:
		out = b.alias(n, depth)
	case yaml.MappingNode:
		out = b.mapping(n, depth)
	case yaml.SequenceNode:
		out = b.sequence(n, depth)
	default:
		out = b.scalar(n, empty)
	}
	if b.o.Tagged != nil && n.Kind != yaml.AliasNode && len(n.Tag) > 1 && n.Tag[0] == '!' && n.Tag[1] != '!' && b.problem == nil {
		out = b.o.Tagged(n.Tag, out)
	}
	if n.Anchor != "" {
		b.keep(n, out)
	}
	return out
}

// keep remembers what an anchor stands for, once it is complete.
func (b *builder) keep(n *yaml.Node, out *resource.Node) {
	if b.done == nil {
		b.done = map[*yaml.Node]*resource.Node{}
	}
	b.done[n] = out
}

// open goes to the start of a node and past its anchor and tag. start is where
// its range begins: at the tag, which belongs to the value, but not at an
// anchor, which others rely on; content is where what it holds begins.
func (b *builder) open(n *yaml.Node) (start, content int) {
	at := b.locate(n)
	b.gap(at)
	data, end := b.f.Data, b.d.end
	anchor, tag := n.Anchor != "", n.Style&yaml.TaggedStyle != 0
	bare := n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&^yaml.TaggedStyle == 0
	if !tag && !bare && at < end && data[at] == '!' {
		// The tag "!" says nothing, and yaml.v3 does not say that it is there.
		// It is this node's unless the first thing in the node begins here too.
		tag = len(n.Content) == 0 || n.Content[0].Line != n.Line || n.Content[0].Column != n.Column
	}
	start = -1
	i := at
	for (anchor || tag) && i < end {
		switch {
		case anchor && data[i] == '&':
			anchor = false
			for i++; i < end && isName(data[i]); i++ {
			}
		case tag && data[i] == '!':
			tag = false
			if start < 0 {
				start = i
			}
			for i++; i < end && White(data, i) == 0; i++ {
			}
		default:
			b.lost(i)
			return at, at
		}
		b.at = i
		if bare && !anchor && !tag {
			break
		}
		for i < end {
			if w := White(data, i); w > 0 {
				i += w
			} else if data[i] == '#' {
				i = b.lineEnd(i, end)
			} else {
				break
			}
		}
		b.gap(i)
	}
	if start < 0 {
		start = i
	}
	return start, i
}

// isName reports whether a byte can be part of an anchor's name.
func isName(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-'
}

func (b *builder) scalar(n *yaml.Node, empty int) *resource.Node {
	start, end := b.scalarRange(n, empty)
	if b.problem != nil {
		return b.tree.node(resource.Null, nil)
	}
	kind, value, err := resolve(n, b.o.OldBooleans)
	if err != nil {
		b.fail(start, "%v", err)
	}
	out := b.tree.node(kind, value)
	out.Range.File = b.f.Path
	out.Range.Start = b.pos(start)
	out.Range.End = b.pos(end)
	return out
}

// scalarRange finds a scalar in the source and goes past it.
func (b *builder) scalarRange(n *yaml.Node, empty int) (start, end int) {
	if empty >= 0 && isBare(n) {
		b.at = empty
		return empty, empty
	}
	start, content := b.open(n)
	if b.problem != nil {
		return start, start
	}
	var ok bool
	data := b.f.Data[:b.d.end]
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle:
		end, ok = doubleQuotedEnd(data, content)
	case yaml.SingleQuotedStyle:
		end, ok = singleQuotedEnd(data, content)
	case yaml.LiteralStyle, yaml.FoldedStyle:
		end, ok = b.blockEnd(content, n.Value)
	default:
		end, ok = plainEnd(data, content, n.Value)
	}
	if !ok {
		b.lost(content)
		return start, start
	}
	b.at = end
	return start, end
}

// isBare reports whether nothing at all is written for a node.
func isBare(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

func (b *builder) alias(n *yaml.Node, depth int) *resource.Node {
	start := b.locate(n)
	b.gap(start)
	end := start + 1 + len(n.Value)
	if end > b.d.end || b.f.Data[start] != '*' {
		b.lost(start)
		return b.tree.node(resource.Null, nil)
	}
	b.at = end
	place := b.span(b.pos(start), b.pos(end))
	target := b.done[n.Alias]
	if target == nil {
		b.fail(start, "the alias *%s lies within the value that it stands for", Clean(n.Value))
		return b.tree.node(resource.Null, nil)
	}
	return b.expand(target, place, depth)
}

// expand copies what an alias stands for. Every node of the copy is said by
// the alias; where it is written is its origin.
func (b *builder) expand(n *resource.Node, place source.Range, depth int) *resource.Node {
	b.expanded++
	if b.expanded > maxExpanded || depth > MaxDepth {
		if b.expanded > maxExpanded {
			b.fail(place.Start.Byte, "the aliases of this file stand for more than %d values", maxExpanded)
		}
		b.fail(place.Start.Byte, "is nested more than %d levels deep where an alias is followed", MaxDepth)
	}
	c := b.tree.node(n.Kind, n.Value)
	if b.problem != nil {
		return c
	}
	c.Range, c.KeyRange = place, n.KeyRange
	c.Origins = append(c.Origins, n.Range)
	if o := n.Origins; len(o) < maxOrigins {
		c.Origins = append(c.Origins, o...)
	} else {
		c.Origins = append(append(c.Origins, o[:maxOrigins-2]...), o[len(o)-1])
	}
	if len(n.Items) > 0 {
		c.Items = make([]*resource.Node, len(n.Items))
		for i, it := range n.Items {
			c.Items[i] = b.expand(it, place, depth+1)
			if b.problem != nil {
				return c
			}
		}
	}
	if len(n.Fields) > 0 {
		c.Fields = make([]resource.Field, len(n.Fields))
		for i, f := range n.Fields {
			c.Fields[i] = resource.Field{Name: f.Name, Node: b.expand(f.Node, place, depth+1)}
			if b.problem != nil {
				return c
			}
		}
	}
	return c
}

func (b *builder) sequence(n *yaml.Node, depth int) *resource.Node {
	start, content := b.open(n)
	out := b.tree.node(resource.List, nil)
	out.Range.File = b.f.Path
	out.Range.Start = b.pos(start)
	if b.problem != nil {
		return out
	}
	if content >= b.d.end {
		b.lost(content)
		return out
	}
	b.at = content + 1 // past the first dash or the bracket
	flow := b.f.Data[content] == '['
	if len(n.Content) > 0 {
		out.Items = make([]*resource.Node, 0, len(n.Content))
	}
	for _, c := range n.Content {
		out.Items = append(out.Items, b.node(c, depth+1, -1))
		if b.problem != nil {
			return out
		}
	}
	if flow {
		b.close(']')
	}
	out.Range.End = b.pos(b.at)
	return out
}

func (b *builder) mapping(n *yaml.Node, depth int) *resource.Node {
	start, content := b.open(n)
	out := b.tree.node(resource.Map, nil)
	out.Range.File = b.f.Path
	out.Range.Start = b.pos(start)
	if b.problem != nil {
		return out
	}
	// A flow map without braces is a single pair within a list: [a: b].
	flow := n.Style&yaml.FlowStyle != 0 && content < b.d.end && b.f.Data[content] == '{' &&
		(len(n.Content) == 0 || n.Content[0].Line != n.Line || n.Content[0].Column != n.Column)
	if flow {
		b.at = content + 1
	}
	if len(n.Content) > 0 {
		b.fields(n, out, depth)
	}
	if b.problem != nil {
		return out
	}
	if flow {
		b.close('}')
	}
	out.Range.End = b.pos(b.at)
	return out
}

// close goes past the bracket that ends a flow collection.
func (b *builder) close(bracket byte) {
	for i := b.at; i < b.d.end; i++ {
		switch b.f.Data[i] {
		case bracket:
			b.at = i + 1
			return
		case '#':
			b.gap(i + 1)
			i = b.at - 1
		}
	}
	b.lost(b.at)
}

// gap goes on to an offset, keeping the comments before it. Nothing else
// before it can hold a '#'.
func (b *builder) gap(to int) {
	for b.at < to {
		n := bytes.IndexByte(b.f.Data[b.at:to], '#')
		if n < 0 {
			break
		}
		b.at = b.comment(b.at + n)
	}
	b.at = max(b.at, to)
}

// comment keeps the comment at an offset and gives its end.
func (b *builder) comment(at int) int {
	data := b.f.Data
	end := b.lineEnd(at, b.d.end)
	text := bytes.TrimRight(data[at:end], " \t\r")
	line := bytes.LastIndexByte(data[:at], '\n') + 1
	before := bytes.TrimSpace(bytes.TrimPrefix(data[line:at], ByteOrderMark))
	b.comments = append(b.comments, resource.Comment{
		Text:     strings.TrimSpace(strings.TrimLeft(string(text), "#")),
		Range:    b.span(b.pos(at), b.pos(at+len(text))),
		Trailing: len(before) > 0,
	})
	return end
}

// finish goes to the end of the document, where nothing but comments may be
// left: yaml.v3 stops after the first value that is complete.
func (b *builder) finish() {
	data, end := b.f.Data, b.d.end
	for i := b.at; i < end; {
		switch w := White(data, i); {
		case w > 0:
			i += w
		case data[i] == '#':
			i = b.comment(i)
		case Marker(data[i:end], "..."):
			i += 3
		default:
			b.fail(i, "there is more after the end of the document; separate documents by ---")
			return
		}
	}
	b.at = end
}
