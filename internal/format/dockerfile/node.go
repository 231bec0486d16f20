package dockerfile

import (
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// node gives an instruction as a Map. vars are its pairs, for those that have
// any.
func (rd *reading) node(in *instruction, vars []*variable) *resource.Node {
	n := &resource.Node{Kind: resource.Map, Range: in.rng}
	rd.fill(n, in, in, vars)
	return n
}

// fill puts in what instruction in says; outer is where its heredocs are, the
// ONBUILD around it or itself.
func (rd *reading) fill(n *resource.Node, in, outer *instruction, vars []*variable) {
	put := func(name string, c *resource.Node) { n.Fields = append(n.Fields, resource.Field{Name: name, Node: c}) }
	put("name", rd.text(in.name, rd.span(in, in.nameAt[0], in.nameAt[1])))
	value := rd.text(in.text[in.from:in.to], rd.span(in, in.from, in.to))
	if len(outer.heredocs) > 0 && in.name == "RUN" {
		end := rd.f.Range(in.offset(in.from), outer.stop)
		below := outer.heredocs[0].start
		value = rd.text(in.text[in.from:in.to]+"\n"+string(rd.f.Data[below:outer.stop]), end)
	}
	put("value", value)
	args := &resource.Node{Kind: resource.List, Range: rd.span(in, in.from, in.to), Partial: in.cut}
	for _, w := range in.words {
		args.Items = append(args.Items, rd.text(w.value, rd.span(in, w.start, w.end)))
	}
	put("args", args)
	if in.name == "RUN" {
		if cs := rd.commands(in, outer); cs != nil {
			put("commands", cs)
		}
	}
	if len(in.flags) > 0 {
		put("flags", rd.flags(in))
	}
	if in.takesShell {
		put("shell", &resource.Node{Kind: resource.Bool, Value: in.shellForm, Range: value.Range})
	}
	if len(vars) > 0 {
		env := &resource.Node{Kind: resource.List, Range: args.Range, Partial: in.cut}
		for _, v := range vars {
			env.Items = append(env.Items, v.node)
		}
		put("env", env)
	}
	if len(outer.heredocs) > 0 && (in.name == "RUN" || in.name == "COPY" || in.name == "ADD") {
		put("heredocs", rd.heredocs(outer))
	}
	if in.trigger != nil {
		t := &resource.Node{Kind: resource.Map, Range: source.Range{File: rd.name, Start: rd.f.Pos(in.offset(in.from)), End: in.rng.End}}
		var vars []*variable
		switch in.trigger.name {
		case "ENV", "ARG", "LABEL":
			vars = rd.variables(in.trigger, newScope())
		}
		rd.fill(t, in.trigger, in, vars)
		put("trigger", t)
	}
}

// flags gives the flags by name; one that is given several times is a list,
// one without a value is true.
func (rd *reading) flags(in *instruction) *resource.Node {
	first, last := in.flags[0], in.flags[len(in.flags)-1]
	n := &resource.Node{Kind: resource.Map, Range: rd.span(in, first.start, last.end)}
	count := map[string]int{}
	for _, f := range in.flags {
		count[f.name]++
	}
	lists := map[string]*resource.Node{}
	for _, f := range in.flags {
		c := &resource.Node{Kind: resource.Bool, Value: true, Range: rd.span(in, f.start, f.end)}
		if f.hasValue {
			c = rd.text(f.value, rd.span(in, f.valueAt[0], f.valueAt[1]))
		}
		key := rd.span(in, f.nameAt[0], f.nameAt[1])
		if count[f.name] == 1 {
			c.KeyRange = key
			n.Fields = append(n.Fields, resource.Field{Name: f.name, Node: c})
			continue
		}
		l := lists[f.name]
		if l == nil {
			l = &resource.Node{Kind: resource.List, Range: n.Range, KeyRange: key}
			lists[f.name] = l
			n.Fields = append(n.Fields, resource.Field{Name: f.name, Node: l})
		}
		l.Items = append(l.Items, c)
	}
	return n
}

func (rd *reading) heredocs(in *instruction) *resource.Node {
	list := &resource.Node{Kind: resource.List, Range: rd.f.Range(in.heredocs[0].start, in.stop)}
	for _, h := range in.heredocs {
		rng := rd.f.Range(h.start, h.end)
		m := &resource.Node{Kind: resource.Map, Range: rng}
		m.Fields = []resource.Field{
			{Name: "name", Node: rd.text(h.name, rng)},
			{Name: "content", Node: rd.text(string(rd.f.Data[h.start:h.end]), rng)},
		}
		list.Items = append(list.Items, m)
	}
	return list
}
