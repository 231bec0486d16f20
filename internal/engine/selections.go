package engine

import (
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// item is one thing that a check is about.
type item struct {
	node *resource.Node
	// prefix leads to the node, or to the list that has it at index when field
	// is set: most items violate nothing, and theirs is then never built.
	prefix resource.Path
	field  string
	index  int
	group  string         // the list of the pod that it is in
	pod    *resource.Node // the pod spec that it is in; nil for what is in none
	// document is the root of the embedded document that the item is in, and
	// split the number of steps that lead to the string which holds it.
	document *resource.Node
	split    int
}

// path leads from the root to the item.
func (it item) path() resource.Path { return it.fullPath(nil) }

// podOr gives the pod spec that the item is in, or else the only one of its
// resource.
func (it item) podOr(sole *resource.Node) *resource.Node {
	if it.pod != nil {
		return it.pod
	}
	return sole
}

// fullPath leads from the root to the setting at, within the item.
func (it item) fullPath(at resource.Path) resource.Path {
	p := make(resource.Path, 0, len(it.prefix)+2+len(at))
	p = append(p, it.prefix...)
	if it.field != "" {
		p = append(p, resource.Step{Name: it.field}, resource.Step{Index: it.index})
	}
	return append(p, at...)
}

// inner writes the path to the setting within the document that the item is in,
// "" for none.
func (it item) inner(at resource.Path) string {
	if it.document == nil {
		return ""
	}
	return it.fullPath(at)[it.split:].String()
}

// stable writes the path to the setting so that it survives reordering.
func (it item) stable(res *resource.Resource, at resource.Path) string {
	p := it.path()
	var s string
	if it.document != nil {
		s = p[:it.split].Stable(res.Root) + "." + p[it.split:].Stable(it.document)
	} else {
		s = p.Stable(res.Root)
	}
	if len(at) > 0 {
		s += "." + at.Stable(it.node)
	}
	return s
}

// maxItems bounds the items of one selection of one resource.
const maxItems = 5_000

// itemSet is what a selection selects of one resource.
type itemSet struct {
	each    string
	items   []item
	unknown []item // places of which it is not known what they hold
	cut     bool   // there are more than maxItems of either
	// near gives what stands beside the resource, where a check asks for it.
	near rule.Linked
}

// add takes an item up, within the bound.
func (set *itemSet) add(it item) {
	if len(set.items) == maxItems {
		set.cut = true
		return
	}
	set.items = append(set.items, it)
}

// doubt takes up a place of which it is not known what it holds.
func (set *itemSet) doubt(it item) {
	if len(set.unknown) == maxItems {
		set.cut = true
		return
	}
	set.unknown = append(set.unknown, it)
}

// selected carries out a selection, once a resource: many rules share one.
func (j *judge) selected(res *resource.Resource, near rule.Linked, each string, sel rule.Selector) *itemSet {
	for i := range j.sets {
		if j.sets[i].each == each {
			return &j.sets[i]
		}
	}
	if n := len(j.sets); n < cap(j.sets) {
		j.sets = j.sets[:n+1] // with the room that an earlier resource needed
	} else {
		j.sets = append(j.sets, itemSet{})
	}
	set := &j.sets[len(j.sets)-1]
	set.each, set.items, set.unknown, set.cut, set.near = each, set.items[:0], set.unknown[:0], false, near
	set.fill(res, each, sel)
	return set
}

func (set *itemSet) fill(res *resource.Resource, each string, sel rule.Selector) {
	if res.Root == nil {
		return
	}
	if each == "" {
		set.add(item{node: res.Root})
		return
	}
	if f, ok := selections[res.Platform][each]; ok {
		f(set, res)
		return
	}
	sel.Select(res.Root,
		func(p resource.Path, n *resource.Node) { set.add(item{node: n, prefix: p}) },
		func(p resource.Path, n *resource.Node) { set.doubt(item{node: n, prefix: p}) },
	)
}

// selections are those that have a name, by platform. The table is read, never
// written.
var selections = map[string]map[string]func(*itemSet, *resource.Resource){
	resource.Kubernetes: {
		"containers":      containers("initContainers", "containers", "ephemeralContainers"),
		"main-containers": mainContainers,
		"init-containers": initContainers,
		"container-ports": containerLists("ports"),
		"volume-mounts":   containerLists("volumeMounts"),
		"volumes":         volumes,
		"environment":     containerLists("env"),
		"entries":         dataEntries,
		"annotations":     annotations,
		"components":      components,
		"pods":            pods,
		"pod-templates":   podTemplates,
		"rbac-rules":      rootList("rules"),
		"subjects":        rootList("subjects"),
	},
	resource.Terraform: {
		"statements": statements, "grants": terraformGrants, "trusts": trusts(statements),
	},
	resource.Dockerfile: {
		"stages":       rootList("stages"),
		"final-stage":  finalStage,
		"instructions": instructions,
		"commands":     runCommands,
		"environment":  dockerVariables,
	},
	resource.NodeBootstrap: {
		"commands":    rootList("commands"),
		"components":  components,
		"environment": nodeVariables,
		"files":       nodeFiles,
		"lines":       rootList("lines"),
	},
	resource.Compose: {
		"environment": composeEnvironment,
		"mounts":      composeMounts,
		"ports":       composePorts,
	},
	resource.Actions: {
		"jobs":  jobs,
		"steps": steps,
	},
	resource.CloudFormation: {
		"statements": inlineStatements, "grants": grants(inlineStatements), "trusts": trusts(inlineStatements),
	},
}

// solePod gives the pod spec of a resource that has one, which may be unknown; nil
// where there is none, or more.
func solePod(res *resource.Resource) *resource.Node {
	if res.Platform != resource.Kubernetes {
		return nil
	}
	if all := kubernetes.Pods(res.Root, res.Kind); len(all) == 1 {
		return all[0].Spec
	}
	return nil
}

// eachPod carries out a selection for every pod spec of a resource. Those that
// are unknown it takes up itself.
func (set *itemSet) eachPod(res *resource.Resource, f func(kubernetes.Pod)) {
	for _, p := range kubernetes.Pods(res.Root, res.Kind) {
		if p.Spec.Unknown {
			set.doubt(item{node: p.Spec, prefix: p.Path})
			continue
		}
		set.within(p.Spec, func() { f(p) })
	}
}

// within notes of the items that f takes up that they are in a pod.
func (set *itemSet) within(pod *resource.Node, f func()) {
	before := len(set.items)
	f()
	for i := range set.items[before:] {
		set.items[before+i].pod = pod
	}
}

func pods(set *itemSet, res *resource.Resource) {
	set.eachPod(res, func(p kubernetes.Pod) { set.add(item{node: p.Spec, prefix: p.Path}) })
}

// podTemplates selects what holds the pod spec.
func podTemplates(set *itemSet, res *resource.Resource) {
	set.eachPod(res, func(p kubernetes.Pod) {
		at := p.Path[:len(p.Path)-1]
		if holder, _ := at.At(res.Root); holder != nil && holder.Kind == resource.Map {
			set.add(item{node: holder, prefix: at})
		}
	})
}

// dataEntries selects what a ConfigMap or a Secret holds.
func dataEntries(set *itemSet, res *resource.Resource) {
	if res.Kind != "ConfigMap" && res.Kind != "Secret" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		set.pairs(res.Root.Get(field), resource.Path{{Name: field}}, field)
	}
}

// annotations selects the annotations of an object and, where it has a template
// of pods, those of the template.
func annotations(set *itemSet, res *resource.Resource) {
	at := []resource.Path{{{Name: "metadata"}, {Name: "annotations"}}}
	for _, p := range kubernetes.Pods(res.Root, res.Kind) {
		if len(p.Path) > 1 {
			at = append(at, append(slices.Clone(p.Path[:len(p.Path)-1]), at[0]...))
		}
	}
	for _, p := range at {
		if n, steps := p.At(res.Root); steps == len(p) || n != nil && n.Unknown {
			set.pairs(n, p, "")
		}
	}
}

// pairs adds the entries of the map that stands at p, each with its name and
// its value.
func (set *itemSet) pairs(n *resource.Node, p resource.Path, group string) {
	switch {
	case n == nil:
		return
	case n.Unknown:
		set.doubt(item{node: n, prefix: p})
		return
	case n.Partial:
		set.doubt(item{node: n, prefix: p})
	}
	if n.Kind != resource.Map {
		return
	}
	for _, f := range n.Fields {
		if f.Node == nil || f.Node.Kind == resource.Null {
			continue
		}
		prefix := append(slices.Clone(p), resource.Step{Name: f.Name})
		set.add(item{node: parts(f.Node, part(f.Node, "name", f.Name), resource.Field{Name: "value", Node: f.Node}), prefix: prefix, group: group})
	}
}

// containers selects the containers of lists of the pod spec, and those that have
// no pod spec around them.
func containers(names ...string) func(*itemSet, *resource.Resource) {
	return func(set *itemSet, res *resource.Resource) {
		set.eachPod(res, func(p kubernetes.Pod) {
			for _, name := range names {
				set.list(p.Spec.Get(name), p.Path, name, name)
			}
		})
		steps, _ := kubernetes.Steps(res.Root, res.Kind)
		for _, c := range steps {
			if slices.Contains(names, c.List) {
				set.add(item{node: c.Node, prefix: c.Path, group: c.List, pod: c.Pod})
			}
		}
	}
}

// volumes selects the volumes of a workload's pods.
func volumes(set *itemSet, res *resource.Resource) {
	set.eachPod(res, func(p kubernetes.Pod) { set.list(p.Spec.Get("volumes"), p.Path, "volumes", "volumes") })
	_, lists := kubernetes.Steps(res.Root, res.Kind)
	for _, v := range lists {
		n, _ := v.Path.At(res.Root)
		set.within(v.Pod, func() { set.list(n, v.Path[:len(v.Path)-1], "volumes", "volumes") })
	}
}

// mainContainers selects the containers that run as long as the pod does: the
// main ones, and the sidecars among the init containers.
func mainContainers(set *itemSet, res *resource.Resource) {
	containers("containers")(set, res)
	set.inits(res, true)
}

// initContainers selects the containers that run before the main ones.
func initContainers(set *itemSet, res *resource.Resource) { set.inits(res, false) }

// inits adds the init containers that are sidecars, or those that are not.
func (set *itemSet) inits(res *resource.Resource, sidecars bool) {
	var all itemSet
	containers("initContainers")(&all, res)
	for _, it := range all.items {
		restart := it.node.Get("restartPolicy")
		switch {
		case restart != nil && restart.Unknown:
			set.doubt(it)
		case (restart.Str() == "Always") == sidecars:
			set.add(it)
		}
	}
	for _, it := range all.unknown {
		set.doubt(it)
	}
	set.cut = set.cut || all.cut
}

// containerLists selects the items of a list of every container.
func containerLists(field string) func(*itemSet, *resource.Resource) {
	return func(set *itemSet, res *resource.Resource) {
		set.eachPod(res, func(p kubernetes.Pod) {
			for _, name := range []string{"initContainers", "containers", "ephemeralContainers"} {
				list := p.Spec.Get(name)
				if list == nil || list.Unknown || list.Kind != resource.List {
					set.list(list, p.Path, name, name)
					continue
				}
				for i, c := range list.Items {
					prefix := append(slices.Clone(p.Path), resource.Step{Name: name}, resource.Step{Index: i})
					if c != nil && c.Unknown {
						set.doubt(item{node: c, prefix: prefix})
						continue
					}
					set.list(c.Get(field), prefix, field, name)
				}
			}
		})
		steps, _ := kubernetes.Steps(res.Root, res.Kind)
		for _, c := range steps {
			set.within(c.Pod, func() { set.list(c.Node.Get(field), c.Path, field, c.List) })
		}
	}
}

// rootList selects the items of a list of the root.
func rootList(name string) func(*itemSet, *resource.Resource) {
	return func(set *itemSet, res *resource.Resource) { set.list(res.Root.Get(name), nil, name, "") }
}

// list adds the items of the list that stands at prefix and field.
func (set *itemSet) list(n *resource.Node, prefix resource.Path, field, group string) {
	if n == nil {
		return
	}
	if n.Unknown || n.Partial {
		p := append(slices.Clone(prefix), resource.Step{Name: field})
		set.doubt(item{node: n, prefix: p})
	}
	if n.Unknown || n.Kind != resource.List {
		return
	}
	for i, it := range n.Items {
		switch {
		case it == nil:
		case it.Unknown:
			set.doubt(item{node: it, prefix: prefix, field: field, index: i})
		case it.Kind == resource.Map:
			set.add(item{node: it, prefix: prefix, field: field, index: i, group: group})
		}
	}
}

// finalStage selects the stage that becomes the image.
func finalStage(set *itemSet, res *resource.Resource) {
	stages := res.Root.Get("stages")
	if stages == nil || stages.Kind != resource.List {
		return
	}
	for i, s := range stages.Items {
		if final := s.Get("final"); final != nil && final.Value == true {
			set.add(item{node: s, field: "stages", index: i})
		}
	}
}

// instructions selects every instruction of every stage.
func instructions(set *itemSet, res *resource.Resource) {
	stages := res.Root.Get("stages")
	if stages == nil || stages.Kind != resource.List {
		return
	}
	for i, s := range stages.Items {
		prefix := resource.Path{{Name: "stages"}, {Index: i}}
		list := s.Get("instructions")
		set.list(list, prefix, "instructions", "")
		if list == nil {
			continue
		}
		for j, in := range list.Items {
			if t := in.Get("trigger"); t != nil { // what ONBUILD leaves behind
				set.add(item{node: t, prefix: resource.Path{{Name: "stages"}, {Index: i}, {Name: "instructions"}, {Index: j}, {Name: "trigger"}}, group: "ONBUILD"})
			}
		}
	}
}
