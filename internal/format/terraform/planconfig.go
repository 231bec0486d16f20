package terraform

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// planModule is the configuration of one module in a plan.
type planModule struct {
	node  *jsonNode
	calls map[string]*planModule
	up    *planModule
	call  *jsonNode // what calls it
}

// planExpr is where a resource is configured.
type planExpr struct {
	node *jsonNode
	in   *planModule
}

// planPlace is a module's configuration as one of its instances sees it.
type planPlace struct {
	m      *planModule
	prefix string // of addresses: module.a[0].
	up     *planPlace
}

// configuration takes up the providers and the module calls of a plan, and
// notes what refers to what.
func (p *plan) configuration(n *jsonNode) {
	if pc := n.get("provider_config"); pc != nil {
		for i := range pc.fields {
			p.provider(&pc.fields[i])
		}
	}
	p.configured(&planModule{node: n.get("root_module")}, "", 0)
}

func (p *plan) configured(m *planModule, prefix string, depth int) {
	if depth > maxPlanDepth || !p.u.spend(1) {
		return
	}
	m.calls = map[string]*planModule{}
	for _, r := range m.node.get("resources").list() {
		if a := r.get("address").text(); a != "" {
			p.exprs[prefix+a] = &planExpr{r, m}
		}
	}
	calls := m.node.get("module_calls")
	if calls == nil {
		return
	}
	for i := range calls.fields {
		f := &calls.fields[i]
		c := &planModule{node: f.node.get("module"), up: m, call: f.node}
		m.calls[f.name] = c
		p.moduleCall(f, prefix)
		p.configured(c, prefix+"module."+f.name+".", depth+1)
	}
}

// provider gives one provider configuration.
func (p *plan) provider(f *jsonField) {
	name := f.node.get("name").text()
	if name == "" || f.node.get("module_address") != nil {
		return // those of modules follow the root's
	}
	res := p.block(f, "provider."+name, name, "provider."+plain(f.name, 200))
	res.Root = p.expressions(f.node, f.node.get("expressions"), res.Head, 0)
	p.out = append(p.out, res)
}

// moduleCall gives one module call.
func (p *plan) moduleCall(f *jsonField, prefix string) {
	res := p.block(f, "module", f.name, prefix+"module."+plain(f.name, 200))
	res.Root = p.expressions(f.node, f.node.get("expressions"), res.Head, 0)
	for _, name := range [...]string{"source", "version_constraint"} {
		for _, g := range f.node.fields {
			if g.name == name && g.node.kind == jsonString {
				n := p.u.node(newText(p.span(g.node.start, g.node.end), g.node.str))
				if name == "source" {
					n.KeyRange = p.span(g.start, g.end)
				}
				res.Root.Fields = append(res.Root.Fields, resource.Field{Name: strings.TrimSuffix(name, "_constraint"), Node: n})
			}
		}
	}
	p.out = append(p.out, res)
}

func (p *plan) block(f *jsonField, kind, name, id string) *resource.Resource {
	return &resource.Resource{
		ID: id, Platform: resource.Terraform, Format: resource.TerraformPlan, Kind: kind, Name: plain(name, 200), Unit: p.u.ID,
		Range: p.span(f.start, f.node.end), Head: p.span(f.start, f.end),
	}
}

// expressions gives the arguments of a block as far as they are constant.
func (p *plan) expressions(whole, n *jsonNode, head source.Range, depth int) *resource.Node {
	out := &resource.Node{Kind: resource.Map, Range: p.span(whole.start, whole.end)}
	if n == nil || n.kind != jsonObject || depth > maxJSONDepth {
		return out
	}
	for _, f := range n.fields {
		c := p.expression(f.node, head, depth+1)
		if c == nil {
			continue
		}
		c.KeyRange = p.span(f.start, f.end)
		out.Fields = append(out.Fields, resource.Field{Name: f.name, Node: c})
	}
	return out
}

func (p *plan) expression(n *jsonNode, head source.Range, depth int) *resource.Node {
	w := planWriter{p: p, head: head}
	switch {
	case n.kind == jsonArray:
		out := &resource.Node{Kind: resource.List, Range: p.span(n.start, n.end)}
		for _, it := range n.items {
			out.Items = append(out.Items, p.expressions(it, it, head, depth))
		}
		return out
	case n.kind != jsonObject:
		return nil
	case n.get("constant_value") != nil:
		return w.value(n.get("constant_value"), nil, nil, depth)
	case n.get("references") != nil || len(n.fields) == 0:
		why := whyAfter
		if refs := n.get("references").list(); len(refs) > 0 && refs[0].text() != "" {
			why = plain(refs[0].text(), 300)
		}
		out := w.unknown(why, source.Range{})
		out.Range = p.span(n.start, n.end)
		return out
	}
	return p.expressions(n, n, head, depth)
}

// at gives the place of a module whose instance an address lies in.
func (m *planModule) at(addr string) *planPlace {
	var chain []*planModule
	for c := m; c != nil; c = c.up {
		chain = append(chain, c)
	}
	slices.Reverse(chain)
	place := &planPlace{m: chain[0]}
	rest := addr
	for _, c := range chain[1:] {
		if !strings.HasPrefix(rest, "module.") {
			break
		}
		end := stepEnd(rest, len("module."))
		place = &planPlace{m: c, prefix: place.prefix + rest[:end] + ".", up: place}
		rest = strings.TrimPrefix(rest[end:], ".")
	}
	return place
}

// stepEnd gives where the step that begins at a byte of an address ends, its
// instance key included.
func stepEnd(addr string, from int) int {
	quoted := false
	depth := 0
	for i := from; i < len(addr); i++ {
		switch c := addr[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth == 0:
			return i
		}
	}
	return len(addr)
}

// withoutKey cuts the instance key off the end of an address.
func withoutKey(addr string) string {
	if !strings.HasSuffix(addr, "]") {
		return addr
	}
	at := 0
	for {
		end := stepEnd(addr, at)
		if end == len(addr) {
			break
		}
		at = end + 1
	}
	if i := strings.IndexByte(addr[at:], '['); i >= 0 {
		return addr[:at+i]
	}
	return addr
}

// withoutKeys cuts all instance keys out of an address.
func withoutKeys(addr string) string {
	if !strings.Contains(addr, "[") {
		return addr
	}
	var steps []string
	for addr != "" {
		end := stepEnd(addr, 0)
		step, _, _ := strings.Cut(addr[:end], "[")
		steps = append(steps, step)
		if end == len(addr) {
			break
		}
		addr = addr[end+1:]
	}
	return strings.Join(steps, ".")
}

// refer notes in a tree what its expressions refer to.
func (p *plan) refer(n *resource.Node, exprs *jsonNode, in *planPlace, depth int) {
	if n == nil || exprs == nil || depth > maxJSONDepth || !p.u.spend(1) {
		return
	}
	switch exprs.kind {
	case jsonArray: // blocks
		for i, it := range exprs.items {
			if i < len(n.Items) {
				p.refer(n.Items[i], it, in, depth+1)
			}
		}
	case jsonObject:
		if refs := exprs.get("references"); refs != nil && refs.kind == jsonArray {
			w := planRefs{p: p, left: maxRefSteps}
			w.collect(refs, in, 0)
			if len(w.out) == 0 {
				return
			}
			slices.Sort(w.out)
			n.Refs = slices.Compact(w.out)
			if first := refs.items[0].text(); n.Unknown && n.Why == whyAfter && first != "" {
				n.Why = plain(in.prefix+first, 300)
			}
			return
		}
		for _, f := range exprs.fields {
			p.refer(n.Get(f.name), f.node, in, depth+1)
		}
	}
}

type planRefs struct {
	p    *plan
	out  []string
	left int
}

func (w *planRefs) collect(refs *jsonNode, in *planPlace, depth int) {
	exact := map[string]bool{} // resources of which an instance is named
	for _, r := range refs.list() {
		w.left--
		if w.left < 0 || depth > maxPlanDepth || len(w.out) > maxRefs {
			return
		}
		text := r.text()
		head, rest, _ := strings.Cut(text, ".")
		switch head {
		case "local", "each", "count", "path", "self", "terraform", "":
		case "var":
			name, _, _ := strings.Cut(rest[:stepEnd(rest, 0)], "[")
			if in.up != nil {
				w.collect(in.m.call.at("expressions", name, "references"), in.up, depth+1)
			}
		case "module":
			w.output(text, in, depth)
		default:
			w.resource(text, in, exact)
		}
	}
}

// output follows an output of a module that is called.
func (w *planRefs) output(text string, in *planPlace, depth int) {
	end := stepEnd(text, len("module."))
	name, key, _ := strings.Cut(text[len("module."):end], "[")
	c := in.m.calls[name]
	if c == nil || end == len(text) {
		return
	}
	prefix := in.prefix + "module." + name
	if key != "" {
		prefix += "[" + key
	}
	out, _, _ := strings.Cut(text[end+1:], ".")
	out, _, _ = strings.Cut(out, "[")
	w.collect(c.node.at("outputs", out, "expression", "references"), &planPlace{m: c, prefix: prefix + ".", up: in}, depth+1)
}

// resource adds what a reference to a resource stands for: the instance that it
// names, or all.
func (w *planRefs) resource(text string, in *planPlace, exact map[string]bool) {
	end := stepEnd(text, 0)
	if strings.HasPrefix(text, "data.") && end < len(text) {
		end = stepEnd(text, end+1)
	}
	if end == len(text) {
		return
	}
	end = stepEnd(text, end+1)
	addr := in.prefix + text[:end]
	base := withoutKey(addr)
	ids := w.p.ids[base]
	if addr != base {
		if slices.Contains(ids, addr) {
			exact[base] = true
			w.out = append(w.out, addr)
		}
		return
	}
	if exact[base] {
		return
	}
	w.out = append(w.out, ids[:min(len(ids), maxRefs)]...)
}
