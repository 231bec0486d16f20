package kubernetes

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Container is a container that an object describes without a pod spec around it:
// one of a template of Argo Workflows, or a step or sidecar of a task of Tekton.
type Container struct {
	Path resource.Path
	// Node is the container. It has a name, that of its template where it has none
	// itself.
	Node *resource.Node
	List string // the list of a pod that it becomes an item of
	// Pod is what is known of the pod that it becomes part of, in the terms of a pod
	// spec.
	Pod *resource.Node
}

// Volumes is a list of volumes that such an object describes, and the pod that has
// them.
type Volumes struct {
	Path resource.Path
	Pod  *resource.Node
}

// Steps gives the containers of an object that have no pod spec around them, and
// the volumes beside them.
func Steps(root *resource.Node, kind string) ([]Container, []Volumes) {
	group, _, _ := strings.Cut(root.Get("apiVersion").Str(), "/")
	at := resource.Path{{Name: "spec"}}
	s := steps{root: root}
	switch {
	case group == "argoproj.io" && (kind == "Workflow" || kind == "WorkflowTemplate" || kind == "ClusterWorkflowTemplate"):
		s.workflow(root.Get("spec"), at)
	case group == "argoproj.io" && kind == "CronWorkflow":
		s.workflow(root.Path("spec", "workflowSpec"), append(at, resource.Step{Name: "workflowSpec"}))
	case group == "tekton.dev" && (kind == "Task" || kind == "ClusterTask"):
		s.task(root.Get("spec"), at)
	}
	return s.containers, s.volumes
}

type steps struct {
	root       *resource.Node
	containers []Container
	volumes    []Volumes
}

// workflow reads what a workflow of Argo says. Its spec, and above it that of each
// template, has settings of the pods under the names that they have there.
func (s *steps) workflow(spec *resource.Node, at resource.Path) {
	if spec == nil || spec.Unknown || spec.Kind != resource.Map {
		return
	}
	s.volumesOf(spec, at, spec)
	templates := spec.Get("templates")
	if templates == nil || templates.Kind != resource.List {
		return
	}
	for i, t := range templates.Items {
		if t == nil || t.Unknown || t.Kind != resource.Map {
			continue
		}
		p := join(at, resource.Step{Name: "templates"}, resource.Step{Index: i})
		pod := podOf(t, spec)
		s.volumesOf(t, p, pod)
		name := t.Get("name")
		for _, field := range [...]string{"container", "script"} {
			s.add(t.Get(field), join(p, resource.Step{Name: field}), name, "containers", pod)
		}
		s.list(t.Get("initContainers"), join(p, resource.Step{Name: "initContainers"}), nil, "initContainers", pod)
		s.list(t.Get("sidecars"), join(p, resource.Step{Name: "sidecars"}), nil, "containers", pod)
		s.list(t.Path("containerSet", "containers"), join(p, resource.Step{Name: "containerSet"}, resource.Step{Name: "containers"}), nil, "containers", pod)
	}
}

// podOf lays the settings of a template over those of its workflow. A patch of the
// pod may say anything.
func podOf(template, spec *resource.Node) *resource.Node {
	pod := &resource.Node{Kind: resource.Map, Range: template.Range, KeyRange: template.KeyRange}
	for _, n := range [...]*resource.Node{template, spec} {
		for _, f := range n.Fields {
			switch f.Name {
			case "securityContext", "serviceAccountName", "automountServiceAccountToken", "hostNetwork", "volumes":
				if !absent(f.Node) && pod.Get(f.Name) == nil {
					pod.Fields = append(pod.Fields, f)
				}
			case "podSpecPatch":
				if !absent(f.Node) {
					pod.Partial, pod.Why = true, "what the podSpecPatch makes of the pod"
				}
			}
		}
	}
	return pod
}

// task reads what a task of Tekton says. Its pods have what the run gives them
// besides, under podTemplate.
func (s *steps) task(spec *resource.Node, at resource.Path) {
	if spec == nil || spec.Unknown || spec.Kind != resource.Map {
		return
	}
	pod := &resource.Node{Kind: resource.Map, Range: spec.Range, KeyRange: spec.KeyRange, Partial: true, Why: "what the podTemplate of the run says"}
	if v := spec.Get("volumes"); v != nil {
		pod.Fields = append(pod.Fields, resource.Field{Name: "volumes", Node: v})
	}
	s.volumesOf(spec, at, pod)
	s.list(spec.Get("steps"), join(at, resource.Step{Name: "steps"}), spec.Get("stepTemplate"), "containers", pod)
	s.list(spec.Get("sidecars"), join(at, resource.Step{Name: "sidecars"}), nil, "containers", pod)
}

// list adds the containers of a list, each laid over a template.
func (s *steps) list(n *resource.Node, at resource.Path, template *resource.Node, list string, pod *resource.Node) {
	if n == nil || n.Unknown || n.Kind != resource.List {
		return
	}
	for i, c := range n.Items {
		if c != nil && c.Kind == resource.Map && template != nil && template.Kind == resource.Map {
			c = over(c, template)
		}
		s.add(c, join(at, resource.Step{Index: i}), nil, list, pod)
	}
}

// over lays a step over the template of steps: what it leaves out comes from there.
func over(c, template *resource.Node) *resource.Node {
	out := *c
	out.Fields = slices.Clone(c.Fields)
	for _, f := range template.Fields {
		switch own := c.Get(f.Name); {
		case own == nil:
			out.Fields = append(out.Fields, f)
		case own.Kind == resource.Map && !own.Unknown && f.Node != nil && f.Node.Kind == resource.Map && !f.Node.Unknown:
			for i := range out.Fields {
				if out.Fields[i].Name == f.Name {
					out.Fields[i].Node = over(own, f.Node)
				}
			}
		}
	}
	return &out
}

// add adds a container that has an image: a step that only refers to another has
// none.
func (s *steps) add(n *resource.Node, at resource.Path, name *resource.Node, list string, pod *resource.Node) {
	if n == nil || n.Unknown || n.Kind != resource.Map || absent(n.Get("image")) {
		return
	}
	c := *n
	c.Fields = slices.Clone(n.Fields)
	if absent(n.Get("name")) {
		if absent(name) {
			name = &resource.Node{Kind: resource.String, Value: "unnamed-" + strconv.Itoa(at[len(at)-1].Index), Range: n.Range, KeyRange: n.KeyRange}
		}
		c.Fields = append(c.Fields, resource.Field{Name: "name", Node: name})
	}
	if r := n.Get("computeResources"); r != nil {
		c.Fields = append(c.Fields, resource.Field{Name: "resources", Node: r})
	}
	s.containers = append(s.containers, Container{at, &c, list, pod})
}

func (s *steps) volumesOf(n *resource.Node, at resource.Path, pod *resource.Node) {
	if v := n.Get("volumes"); v != nil && !v.Unknown && v.Kind == resource.List {
		s.volumes = append(s.volumes, Volumes{join(at, resource.Step{Name: "volumes"}), pod})
	}
}

func join(at resource.Path, steps ...resource.Step) resource.Path {
	return append(slices.Clone(at), steps...)
}

func absent(n *resource.Node) bool {
	return n == nil || n.Kind == resource.Null && !n.Unknown
}
