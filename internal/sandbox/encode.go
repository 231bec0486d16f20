package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on one answer beside its size in bytes.
const (
	maxNodes    = 600_000 // as they count when shared ones are walked again
	maxDepth    = 1_000   // of nodes within each other
	maxInterned = 256     // bytes of a text that is sent once and then by number
)

// errTooMuch says that a unit holds more than an answer may.
var errTooMuch = fmt.Errorf("it holds more than %d values", maxNodes)

func encodeUnit(u format.Unit) []byte {
	var w writer
	w.str(u.ID)
	w.str(u.Format)
	w.str(u.Dir)
	w.str(u.Variant)
	w.strs(u.Inputs)
	w.strs(u.Files)
	w.bool(u.Partial)
	w.int(u.MaxFileSize)
	w.uint(uint64(len(u.Settings)))
	for _, k := range slices.Sorted(maps.Keys(u.Settings)) {
		w.str(k)
		w.str(u.Settings[k])
	}
	return w.b
}

func decodeUnit(b []byte) (format.Unit, error) {
	r := reader{b: b}
	u := format.Unit{
		ID: r.str(), Format: r.str(), Dir: r.str(), Variant: r.str(), Inputs: r.strs(), Files: r.strs(),
		Partial: r.byte() != 0, MaxFileSize: r.int(),
	}
	if n := r.count(); n > 0 {
		u.Settings = make(map[string]string, n)
		for range n {
			k := r.str()
			u.Settings[k] = r.str()
		}
	}
	return u, r.end()
}

// encoder writes resources. Texts that come again and nodes that are shared are
// sent once.
type encoder struct {
	writer
	texts map[string]uint64
	nodes map[*resource.Node]shared
	total int
	at    source.Pos // where the last range began
	err   error
}

// shared is a node that was sent.
type shared struct {
	index uint64
	size  int // of what hangs below it, itself included
}

func encodeResult(rs []*resource.Resource, ds source.Diagnostics) ([]byte, error) {
	e := encoder{texts: map[string]uint64{}, nodes: map[*resource.Node]shared{}}
	e.charge(len(rs) + len(ds))
	e.uint(uint64(len(rs)))
	for _, r := range rs {
		e.resource(r)
	}
	e.uint(uint64(len(ds)))
	for _, d := range ds {
		e.text(d.File)
		e.int(int64(d.Line))
		e.text(string(d.Level))
		e.text(d.Message)
		e.text(d.NotEvaluated)
	}
	return e.b, e.err
}

func (e *encoder) text(s string) {
	if i, ok := e.texts[s]; ok {
		e.uint(i + 1)
		return
	}
	e.uint(0)
	e.str(s)
	if len(s) <= maxInterned {
		e.texts[s] = uint64(len(e.texts))
	}
}

// charge counts what an answer holds.
func (e *encoder) charge(n int) {
	if e.total += n; e.total > maxNodes && e.err == nil {
		e.err = errTooMuch
	}
}

func (e *encoder) rng(r source.Range) {
	if r == (source.Range{}) {
		e.byte(0)
		return
	}
	e.byte(1)
	e.text(r.File)
	e.int(int64(r.Start.Line - e.at.Line))
	e.int(int64(r.Start.Column))
	e.int(int64(r.Start.Byte - e.at.Byte))
	e.int(int64(r.End.Line - r.Start.Line))
	e.int(int64(r.End.Column))
	e.int(int64(r.End.Byte - r.Start.Byte))
	e.at = r.Start
}

func (e *encoder) ranges(rs []source.Range) {
	e.charge(len(rs))
	e.uint(uint64(len(rs)))
	for _, r := range rs {
		e.rng(r)
	}
}

func (e *encoder) resource(r *resource.Resource) {
	if r.Written != nil && e.err == nil {
		e.err = errors.New("a reader gives a resource that is projected; that is done where the answer is read")
	}
	for _, s := range [...]string{
		r.ID, r.Platform, r.Format, r.Kind, r.Group, r.Version, r.Name, r.Namespace, r.Unit, r.Variant, r.Home, r.Source.Unit, r.Source.ID,
	} {
		e.text(s)
	}
	e.rng(r.Range)
	e.rng(r.Head)
	e.ranges(r.Origins)
	e.charge(len(r.Comments))
	e.uint(uint64(len(r.Comments)))
	for _, c := range r.Comments {
		e.text(c.Text)
		e.rng(c.Range)
		e.bool(c.Trailing)
	}
	e.node(r.Root, 0)
}

// What a node's first byte says.
const (
	noNode byte = iota
	sharedNode
	plainNode
)

// Bits of what a node has beside its kind.
const (
	hasKey = 1 << iota
	hasOrigins
	isUnknown
	isPartial
	isBlock
	hasEmbedded
	hasWhy
	hasRefs
	hasParts
	hasTaken
)

// Kinds of values.
const (
	valueNil byte = iota
	valueFalse
	valueTrue
	valueInt
	valueFloat
	valueString
)

// node writes a node and what hangs below it, and gives how many that are.
func (e *encoder) node(n *resource.Node, depth int) int {
	if e.err != nil {
		return 0
	}
	if n == nil {
		e.byte(noNode)
		return 0
	}
	compound := n.Kind == resource.List || n.Kind == resource.Map || n.Embedded != nil
	if compound {
		if s, ok := e.nodes[n]; ok {
			e.charge(s.size)
			e.byte(sharedNode)
			e.uint(s.index)
			return s.size
		}
	}
	if e.charge(1); e.err != nil {
		return 0
	}
	if depth > maxDepth {
		e.err = fmt.Errorf("it is nested more than %d deep", maxDepth)
		return 0
	}
	var has uint64
	for _, x := range [...]struct {
		set bool
		bit uint64
	}{
		{n.KeyRange != (source.Range{}), hasKey}, {len(n.Origins) > 0, hasOrigins}, {n.Unknown, isUnknown},
		{n.Partial, isPartial}, {n.Block, isBlock}, {n.Embedded != nil, hasEmbedded}, {n.Why != "", hasWhy},
		{len(n.Refs) > 0, hasRefs}, {len(n.Parts) > 0, hasParts}, {len(n.Taken) > 0, hasTaken},
	} {
		if x.set {
			has |= x.bit
		}
	}
	e.byte(plainNode)
	e.byte(byte(n.Kind))
	e.uint(has)
	if has&hasKey != 0 {
		e.rng(n.KeyRange)
	}
	e.rng(n.Range)
	if has&hasOrigins != 0 {
		e.ranges(n.Origins)
	}
	if has&hasWhy != 0 {
		e.text(n.Why)
	}
	for _, list := range [...]struct {
		bit   uint64
		texts []string
	}{{hasRefs, n.Refs}, {hasParts, n.Parts}} {
		if has&list.bit != 0 {
			e.charge(len(list.texts))
			e.uint(uint64(len(list.texts)))
			for _, s := range list.texts {
				e.text(s)
			}
		}
	}
	e.value(n.Value)
	size := 1
	if has&hasEmbedded != 0 {
		size += e.node(n.Embedded, depth+1)
	}
	if compound {
		e.uint(uint64(len(n.Items)))
		for _, it := range n.Items {
			size += e.node(it, depth+1)
		}
		e.uint(uint64(len(n.Fields)))
		for _, f := range n.Fields {
			e.text(f.Name)
			size += e.node(f.Node, depth+1)
		}
		if has&hasTaken != 0 {
			e.uint(uint64(len(n.Taken)))
			for _, f := range n.Taken {
				e.text(f.Name)
				size += e.node(f.Node, depth+1)
			}
		}
		e.nodes[n] = shared{uint64(len(e.nodes)), size}
	}
	return size
}

func (e *encoder) value(v any) {
	switch v := v.(type) {
	case nil:
		e.byte(valueNil)
	case bool:
		if v {
			e.byte(valueTrue)
		} else {
			e.byte(valueFalse)
		}
	case int64:
		e.byte(valueInt)
		e.int(v)
	case float64:
		e.byte(valueFloat)
		e.float(v)
	case string:
		e.byte(valueString)
		e.text(v)
	default:
		e.err = fmt.Errorf("a value is of the type %T, which no node may have", v)
	}
}

// decoder reads what encoder wrote. It trusts nothing: a child that was taken
// over can say what it likes, at most as much as an honest one.
type decoder struct {
	reader
	texts []string
	nodes []*resource.Node
	sizes []int
	total int
	at    source.Pos
}

func decodeResult(b []byte) ([]*resource.Resource, source.Diagnostics, error) {
	d := decoder{reader: reader{b: b}}
	var rs []*resource.Resource
	for range d.counted() {
		if d.err != nil {
			break
		}
		rs = append(rs, d.resource())
	}
	var ds source.Diagnostics
	for range d.counted() {
		if d.err != nil {
			break
		}
		ds = append(ds, source.Diagnostic{
			File: d.text(), Line: int(d.int()), Level: source.Level(d.text()), Message: d.text(), NotEvaluated: d.text(),
		})
	}
	if err := d.end(); err != nil {
		return nil, nil, err
	}
	return rs, ds, nil
}

// counted gives a number of things that follow, within what an answer may hold.
func (d *decoder) counted() int {
	n := d.count()
	if d.total += n; d.total > maxNodes {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) text() string {
	i := d.uint()
	if i > 0 {
		if i > uint64(len(d.texts)) {
			d.fail()
			return ""
		}
		return d.texts[i-1]
	}
	s := strings.ToValidUTF8(d.str(), "\ufffd")
	if len(s) <= maxInterned {
		d.texts = append(d.texts, s)
	}
	return s
}

func (d *decoder) rng() source.Range {
	if d.byte() == 0 {
		return source.Range{}
	}
	var r source.Range
	r.File = d.text()
	r.Start.Line = d.at.Line + int(d.int())
	r.Start.Column = int(d.int())
	r.Start.Byte = d.at.Byte + int(d.int())
	r.End.Line = r.Start.Line + int(d.int())
	r.End.Column = int(d.int())
	r.End.Byte = r.Start.Byte + int(d.int())
	if r.Start.Byte < 0 || r.End.Byte < r.Start.Byte || r.Start.Line < 0 || r.End.Line < r.Start.Line {
		d.fail()
	}
	d.at = r.Start
	return r
}

func (d *decoder) ranges() []source.Range {
	n := d.counted()
	if n == 0 {
		return nil
	}
	out := make([]source.Range, 0, n)
	for range n {
		out = append(out, d.rng())
	}
	return out
}

func (d *decoder) resource() *resource.Resource {
	var r resource.Resource
	for _, s := range [...]*string{
		&r.ID, &r.Platform, &r.Format, &r.Kind, &r.Group, &r.Version, &r.Name, &r.Namespace, &r.Unit, &r.Variant, &r.Home, &r.Source.Unit, &r.Source.ID,
	} {
		*s = d.text()
	}
	r.Range, r.Head, r.Origins = d.rng(), d.rng(), d.ranges()
	for range d.counted() {
		r.Comments = append(r.Comments, resource.Comment{Text: d.text(), Range: d.rng(), Trailing: d.byte() != 0})
	}
	r.Root, _ = d.node(0)
	return &r
}

var errNesting = errors.New("the answer is nested too deep")

func (d *decoder) node(depth int) (*resource.Node, int) {
	switch d.byte() {
	case noNode:
		return nil, 0
	case sharedNode:
		i := d.uint()
		if i >= uint64(len(d.nodes)) {
			d.fail()
			return nil, 0
		}
		if d.total += d.sizes[i]; d.total > maxNodes {
			d.fail()
			return nil, 0
		}
		return d.nodes[i], d.sizes[i]
	}
	if d.total++; d.total > maxNodes || depth > maxDepth {
		d.err = errNesting
		d.fail()
		return nil, 0
	}
	n := &resource.Node{Kind: resource.Kind(d.byte())}
	if n.Kind > resource.Map {
		d.fail()
	}
	has := d.uint()
	if has&hasKey != 0 {
		n.KeyRange = d.rng()
	}
	n.Range = d.rng()
	if has&hasOrigins != 0 {
		n.Origins = d.ranges()
	}
	n.Unknown, n.Partial, n.Block = has&isUnknown != 0, has&isPartial != 0, has&isBlock != 0
	if has&hasWhy != 0 {
		n.Why = d.text()
	}
	if has&hasRefs != 0 {
		n.Refs = d.list()
	}
	if has&hasParts != 0 {
		n.Parts = d.list()
	}
	n.Value = d.value()
	size := 1
	if has&hasEmbedded != 0 {
		below, k := d.node(depth + 1)
		n.Embedded, size = below, size+k
	}
	if n.Kind != resource.List && n.Kind != resource.Map && has&hasEmbedded == 0 {
		return n, size
	}
	if k := d.count(); k > 0 {
		n.Items = make([]*resource.Node, 0, min(k, 1024))
		for range k {
			it, s := d.node(depth + 1)
			if d.err != nil {
				return nil, 0
			}
			n.Items, size = append(n.Items, it), size+s
		}
	}
	lists := []*[]resource.Field{&n.Fields}
	if has&hasTaken != 0 {
		lists = append(lists, &n.Taken)
	}
	for _, fields := range lists {
		k := d.count()
		if k == 0 {
			continue
		}
		*fields = make([]resource.Field, 0, min(k, 1024))
		for range k {
			name := d.text()
			f, s := d.node(depth + 1)
			if d.err != nil {
				return nil, 0
			}
			*fields, size = append(*fields, resource.Field{Name: name, Node: f}), size+s
		}
	}
	d.nodes, d.sizes = append(d.nodes, n), append(d.sizes, size)
	return n, size
}

func (d *decoder) list() []string {
	var out []string
	for range d.counted() {
		out = append(out, d.text())
	}
	return out
}

func (d *decoder) value() any {
	switch d.byte() {
	case valueNil:
		return nil
	case valueFalse:
		return false
	case valueTrue:
		return true
	case valueInt:
		return d.int()
	case valueFloat:
		return d.float()
	case valueString:
		return d.text()
	}
	d.fail()
	return nil
}
