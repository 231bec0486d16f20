package kubernetes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

func TestSteps(t *testing.T) {
	const (
		workflow = `
securityContext: {runAsUser: 1}
volumes: [{name: a}]
templates:
  - name: main
    steps: [[{name: x, template: build}]]
  - name: build
    container: {image: a}
    initContainers: [{name: i, image: a}]
    sidecars: [{name: s, image: a}]
  - name: lint
    securityContext: {runAsUser: 2}
    volumes: [{name: b}]
    script: {image: a, name: own}
  - name: both
    podSpecPatch: "{}"
    containerSet: {containers: [{name: c, image: a}]}
`
		task = `
stepTemplate: {securityContext: {runAsUser: 3, privileged: false}, env: []}
volumes: [{name: a}]
steps:
  - {name: one, image: a, securityContext: {runAsUser: 4}, computeResources: {limits: {cpu: 1}}}
  - ref: {name: elsewhere}
  - image: a
sidecars: [{name: s, image: a}]
`
	)
	indent := func(s, by string) string {
		out := ""
		for l := range strings.Lines(s) {
			out += by + l
		}
		return out
	}
	containers := []string{
		"build containers 1 spec.templates[1].container", "i initContainers 1 spec.templates[1].initContainers[0]", "s containers 1 spec.templates[1].sidecars[0]",
		"own containers 2 spec.templates[2].script", "c containers 1? spec.templates[3].containerSet.containers[0]",
	}
	under := func(all []string) (out []string) {
		for _, s := range all {
			var name, list, user, path string
			_, _ = fmt.Sscan(s, &name, &list, &user, &path)
			out = append(out, name+" "+list+" "+user+" spec.workflowSpec"+path[len("spec"):])
		}
		return out
	}
	for _, c := range []struct {
		name, content string
		containers    []string // name, list, the pod's user, path
		volumes       []string
	}{
		{"Workflow", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n" + indent(workflow, "  "), containers, []string{"spec.volumes", "spec.templates[2].volumes"}},
		{"CronWorkflow", "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec:\n  workflowSpec:\n" + indent(workflow, "    "), under(containers), []string{"spec.workflowSpec.volumes", "spec.workflowSpec.templates[2].volumes"}},
		{"another Workflow", "apiVersion: example.com/v1\nkind: Workflow\nspec:\n" + indent(workflow, "  "), nil, nil},
		{"Task", "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n" + indent(task, "  "), []string{
			"one containers ? spec.steps[0]", "unnamed-2 containers ? spec.steps[2]", "s containers ? spec.sidecars[0]",
		}, []string{"spec.volumes"}},
		{"text in their places", "apiVersion: tekton.dev/v1\nkind: Task\nspec: {steps: text, sidecars: [text], volumes: text}", nil, nil},
		{"no templates", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {templates: [text, {container: text}]}", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, ds := readOne(t, "a.yaml", c.content+"\n")
			if len(rs) != 1 || len(ds) > 0 {
				t.Fatalf("got %d resources and %v", len(rs), ds)
			}
			all, lists := kubernetes.Steps(rs[0].Root, rs[0].Kind)
			var got, volumes []string
			for _, x := range all {
				user := ""
				if n := x.Pod.Path("securityContext", "runAsUser"); n != nil {
					user = fmt.Sprint(n.Value)
				}
				if x.Pod.Partial {
					user += "?"
				}
				got = append(got, x.Node.Get("name").Str()+" "+x.List+" "+user+" "+x.Path.String())
				if n, taken := x.Path.At(rs[0].Root); taken != len(x.Path) || n.Range != x.Node.Range {
					t.Errorf("%s: the container is not at its path", x.Path)
				}
			}
			for _, v := range lists {
				volumes = append(volumes, v.Path.String())
			}
			if !slices.Equal(got, c.containers) || !slices.Equal(volumes, c.volumes) {
				t.Errorf("got\n%q\n%q\nwant\n%q\n%q", got, volumes, c.containers, c.volumes)
			}
		})
	}
	rs, _ := readOne(t, "a.yaml", "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n"+indent(task, "  "))
	all, _ := kubernetes.Steps(rs[0].Root, "Task")
	for i, want := range []string{"4", "3"} {
		sc := all[i].Node.Get("securityContext")
		if got := fmt.Sprint(sc.Get("runAsUser").Value); got != want || sc.Get("privileged").Value != false {
			t.Errorf("step %d has user %s, want %s; privileged %v", i, got, want, sc.Get("privileged"))
		}
	}
	if all[0].Node.Path("resources", "limits", "cpu") == nil {
		t.Error("computeResources are not taken for the resources of the container")
	}
}
