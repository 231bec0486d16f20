package terraform

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// PlanReader reads what "terraform show -json" gives of a plan: the resources
// as they are planned, with all that Terraform and its providers have worked
// out. What is known only after the apply is unknown, and so is what is marked
// sensitive: no such value leaves the reader. It is safe for concurrent use.
type PlanReader struct{}

// NewPlan makes a reader of plans.
func NewPlan() PlanReader { return PlanReader{} }

var _ format.Reader = PlanReader{}

// MaxPlanSize bounds a plan, in bytes, where the unit does not say more.
const MaxPlanSize = 32 << 20

// Read implements format.Reader. Besides resources and data sources it gives
// the provider configurations and module calls, with the kinds of Reader. Every
// place lies in the file of the plan; a value that is not written there stands
// at its resource's address.
func (PlanReader) Read(ctx context.Context, fu format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if fu.MaxFileSize <= 0 {
		fu.MaxFileSize = MaxPlanSize
	}
	u := &unit{
		Unit: fu, ctx: ctx, files: map[string]*file{}, steps: maxSteps, modules: map[string]*module{},
		fileVals: map[string]*val{}, single: map[string][]string{},
	}
	var out []*resource.Resource
	for _, name := range fu.Files {
		if ctx.Err() != nil {
			u.fail(name, 0, name, "the reading was cancelled")
			break
		}
		out = append(out, u.readPlan(name)...)
	}
	seen := map[string]int{}
	for _, r := range out {
		if seen[r.ID]++; seen[r.ID] > 1 {
			r.ID += "#" + strconv.Itoa(seen[r.ID])
			u.warn(r.Range.File, r.Range.Start.Line, "", "%s stands twice in the plan", plain(r.ID, 200))
		}
	}
	u.ds.Sort()
	return out, u.ds
}

// wanted says which parts of a plan are kept.
func wanted(path []string) bool {
	switch {
	case len(path) == 1:
		switch path[0] {
		case "format_version", "planned_values", "resource_changes", "configuration", "values":
			return true
		}
		return false
	case path[0] == "resource_changes" && len(path) == 3 && path[1] == "change":
		return path[2] == "after_unknown" || path[2] == "after_sensitive"
	}
	return true
}

// plan is a plan while it is read.
type plan struct {
	u       *unit
	f       *file
	changes map[string]*jsonNode // address → change
	exprs   map[string]*planExpr // address without instances → where it is configured
	ids     map[string][]string  // address without the last instance key → addresses
	out     []*resource.Resource
}

func (u *unit) readPlan(name string) []*resource.Resource {
	f := u.load(name)
	if f == nil {
		return nil
	}
	p := &jsonParser{s: string(f.Data), want: wanted}
	p.i = len(p.s) - len(strings.TrimPrefix(p.s, "\ufeff"))
	root, err := p.value(0)
	if err == nil {
		if p.space(); p.i < len(p.s) {
			err = p.errorf("there is text after the end of the document")
		}
	}
	if err != nil {
		u.fail(name, f.lineOf(err.offset), name, "%s", err.msg)
		return nil
	}
	values := root.get("planned_values")
	if values == nil {
		values = root.get("values") // of a state
	}
	version, _, _ := strings.Cut(root.get("format_version").text(), ".")
	switch {
	case root.get("format_version") == nil || values == nil || values.kind != jsonObject:
		u.fail(name, 0, name, "it is no plan as terraform show -json gives it")
		return nil
	case version != "0" && version != "1":
		u.fail(name, 0, name, "version %s of the plan's format is not known", plain(root.get("format_version").text(), 20))
		return nil
	}
	pl := &plan{u: u, f: f, changes: map[string]*jsonNode{}, exprs: map[string]*planExpr{}, ids: map[string][]string{}}
	for _, c := range root.get("resource_changes").list() {
		if a := c.get("address").text(); a != "" && c.get("deposed") == nil {
			pl.changes[a] = c.get("change")
		}
	}
	pl.configuration(root.get("configuration"))
	pl.index(values.get("root_module"), 0)
	pl.module(values.get("root_module"), 0)
	return pl.out
}

// maxPlanDepth bounds modules within modules.
const maxPlanDepth = 32

// index notes the addresses of all resources.
func (p *plan) index(m *jsonNode, depth int) {
	if depth > maxPlanDepth {
		return
	}
	for _, r := range m.get("resources").list() {
		if a := r.get("address").text(); a != "" {
			base := withoutKey(a)
			p.ids[base] = append(p.ids[base], a)
		}
	}
	for _, c := range m.get("child_modules").list() {
		p.index(c, depth+1)
	}
}

func (p *plan) module(m *jsonNode, depth int) {
	if depth > maxPlanDepth {
		p.u.warn(p.f.Path, 0, "modules of the plan", "the plan has modules nested more than %d deep", maxPlanDepth)
		return
	}
	for _, r := range m.get("resources").list() {
		if p.u.stopped {
			return
		}
		p.resource(r)
	}
	for _, c := range m.get("child_modules").list() {
		p.module(c, depth+1)
	}
}

func (p *plan) span(start, end int) source.Range { return p.f.span(start, end) }

func (p *plan) resource(r *jsonNode) {
	addr, typ, name := r.get("address"), r.get("type").text(), r.get("name").text()
	if addr.text() == "" || typ == "" {
		p.u.fail(p.f.Path, p.f.lineOf(r.start), "a resource of the plan", "a resource of the plan has no address or type")
		return
	}
	if p.u.total++; p.u.total > maxInstancesUnit {
		p.u.stop("the plan has more than " + strconv.Itoa(maxInstancesUnit) + " resources")
		return
	}
	res := &resource.Resource{
		ID: plain(addr.str, 1000), Platform: resource.Terraform, Format: resource.TerraformPlan, Kind: typ, Name: plain(name, 300), Unit: p.u.ID,
		Range: p.span(r.start, r.end), Head: p.span(addr.start, addr.end),
	}
	if r.get("mode").text() == "data" {
		res.Kind = "data." + typ
	}
	p.u.current = res.ID
	w := planWriter{p: p, head: res.Head}
	values := r.get("values")
	if values == nil || values.kind != jsonObject {
		values = &jsonNode{kind: jsonObject, start: addr.start, end: addr.end}
	}
	change := p.changes[addr.str]
	w.sensitive = append(w.sensitive, r.get("sensitive_values"), change.get("after_sensitive"))
	res.Root = w.object(values, change.get("after_unknown"), w.sensitive, 0)
	if e := p.exprs[withoutKeys(addr.str)]; e != nil {
		p.refer(res.Root, e.node.get("expressions"), e.in.at(addr.str), 0)
	}
	p.out = append(p.out, res)
}

// planWriter makes the tree of one resource.
type planWriter struct {
	p         *plan
	head      source.Range
	sensitive []*jsonNode
}

const (
	whyAfter     = "a value that is known only after the apply"
	whySensitive = "a value that is marked sensitive"
)

func (w *planWriter) unknown(why string, key source.Range) *resource.Node {
	return &resource.Node{Kind: resource.String, Unknown: true, Why: why, Range: w.head, KeyRange: key}
}

// is reports whether one of the marks says true of a whole value.
func is(marks []*jsonNode) bool {
	return slices.ContainsFunc(marks, func(m *jsonNode) bool { return m != nil && m.kind == jsonBool && m.b })
}

func marked(marks []*jsonNode, step func(*jsonNode) *jsonNode) []*jsonNode {
	var out []*jsonNode
	for _, m := range marks {
		if s := step(m); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// value gives what stands at a value, as far as it is known and may be told;
// nil for null.
func (w *planWriter) value(n, unknown *jsonNode, sensitive []*jsonNode, depth int) *resource.Node {
	switch {
	case is(sensitive):
		out := w.unknown(whySensitive, source.Range{})
		out.Range = w.p.span(n.start, n.end)
		return out
	case unknown != nil && unknown.kind == jsonBool && unknown.b:
		return w.unknown(whyAfter, source.Range{})
	case n.kind == jsonNull:
		return nil
	case depth > maxJSONDepth || !w.p.u.spend(1):
		out := w.unknown(whyStopped, source.Range{})
		return out
	case n.kind == jsonObject:
		return w.object(n, unknown, sensitive, depth)
	case n.kind == jsonArray:
		out := &resource.Node{Kind: resource.List, Range: w.p.span(n.start, n.end)}
		var more []*jsonNode
		if unknown != nil && unknown.kind == jsonArray {
			more = unknown.items
		}
		for i, it := range n.items {
			var u *jsonNode
			if i < len(more) {
				u = more[i]
			}
			c := w.value(it, u, marked(sensitive, func(m *jsonNode) *jsonNode {
				if m.kind == jsonArray && i < len(m.items) {
					return m.items[i]
				}
				return nil
			}), depth+1)
			if c != nil {
				out.Items = append(out.Items, c)
			}
		}
		for _, u := range more[min(len(more), len(n.items)):] {
			if c := w.onlyUnknown(u, depth+1); c != nil {
				out.Items = append(out.Items, c)
			}
		}
		return out
	}
	v := w.p.u.planValue(w.p.f, n)
	return w.p.u.node(v)
}

// object gives an object. What is empty is left out, as what was not written.
func (w *planWriter) object(n, unknown *jsonNode, sensitive []*jsonNode, depth int) *resource.Node {
	out := &resource.Node{Kind: resource.Map, Range: w.p.span(n.start, n.end)}
	for _, f := range n.fields {
		c := w.value(f.node, unknown.get(f.name), marked(sensitive, func(m *jsonNode) *jsonNode { return m.get(f.name) }), depth+1)
		if c == nil || c.Kind == resource.List && len(c.Items) == 0 && !c.Unknown {
			continue
		}
		c.KeyRange = w.p.span(f.start, f.end)
		out.Fields = append(out.Fields, resource.Field{Name: f.name, Node: c})
	}
	if unknown != nil && unknown.kind == jsonObject {
		for _, f := range unknown.fields {
			if n.get(f.name) != nil {
				continue
			}
			if c := w.onlyUnknown(f.node, depth+1); c != nil {
				out.Fields = append(out.Fields, resource.Field{Name: f.name, Node: c})
			}
		}
	}
	return out
}

// onlyUnknown gives what stands where the plan has nothing but the note that it
// is not known; nil where nothing in it is unknown.
func (w *planWriter) onlyUnknown(n *jsonNode, depth int) *resource.Node {
	if depth > maxJSONDepth || !w.p.u.spend(1) {
		return w.unknown(whyStopped, source.Range{})
	}
	switch n.kind {
	case jsonBool:
		if n.b {
			return w.unknown(whyAfter, source.Range{})
		}
	case jsonArray:
		out := &resource.Node{Kind: resource.List, Range: w.head, Origins: []source.Range{w.head}}
		for _, it := range n.items {
			if c := w.onlyUnknown(it, depth+1); c != nil {
				out.Items = append(out.Items, c)
			}
		}
		if len(out.Items) > 0 {
			return out
		}
	case jsonObject:
		out := &resource.Node{Kind: resource.Map, Range: w.head, Origins: []source.Range{w.head}}
		for _, f := range n.fields {
			if c := w.onlyUnknown(f.node, depth+1); c != nil {
				out.Fields = append(out.Fields, resource.Field{Name: f.name, Node: c})
			}
		}
		if len(out.Fields) > 0 {
			return out
		}
	}
	return nil
}

// planValue gives a scalar; a text may hold a document.
func (u *unit) planValue(f *file, n *jsonNode) *val {
	rng := f.span(n.start, n.end)
	switch n.kind {
	case jsonBool:
		return newBool(rng, n.b)
	case jsonNumber:
		return newNumber(rng, n.num)
	case jsonString:
		v := newText(rng, n.str)
		if parts := []part{{lit: n.str, rng: f.span(n.start+1, n.end-1), file: f, quoted: true}}; looksLikeJSON(parts) {
			v.parts = parts
		}
		return v
	}
	return newNull(rng)
}
