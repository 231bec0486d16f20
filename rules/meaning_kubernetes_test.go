//go:build !race

package rules_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// documents gives the documents of a manifest; ok is false where it is not plain
// YAML.
func documents(text string) (out []*yaml.Node, ok bool) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return out, len(out) > 0
		case err != nil || len(doc.Content) != 1 || field(doc.Content[0], "metadata", "name") == "":
			return nil, false
		}
		out = append(out, doc.Content[0])
	}
}

// at gives what stands within mappings under names, or nil.
func at(n *yaml.Node, names ...string) *yaml.Node {
	if len(names) == 0 {
		return n
	}
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == names[0] {
			return at(n.Content[i+1], names[1:]...)
		}
	}
	return nil
}

// field gives a scalar within mappings, or "".
func field(n *yaml.Node, names ...string) string {
	if n = at(n, names...); n == nil {
		return ""
	}
	return n.Value
}

func marshal(t *testing.T, docs ...*yaml.Node) string {
	t.Helper()
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestMeaningInKubernetes holds that a rule finds the same in an example of a
// manifest where a list, JSON, a kustomization, a patch or a chart writes it.
func TestMeaningInKubernetes(t *testing.T) {
	rules := load(t)
	type form struct {
		format, first string
		files         func(docs []*yaml.Node) map[string]string
	}
	forms := map[string]form{
		"JSON": {resource.Kubernetes, "manifest.json", func(docs []*yaml.Node) map[string]string {
			if len(docs) > 1 {
				return nil
			}
			restyle(docs[0], true)
			return map[string]string{"manifest.json": marshal(t, docs[0])}
		}},
		"a list": {resource.Kubernetes, "manifest.yaml", func(docs []*yaml.Node) map[string]string {
			items := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: docs}
			return map[string]string{"manifest.yaml": marshal(t, mapOf(word("apiVersion"), word("v1"), word("kind"), word("List"), word("items"), items))}
		}},
		"a kustomization": {kustomize.Name, "kustomization.yaml", func(docs []*yaml.Node) map[string]string {
			return map[string]string{
				"kustomization.yaml": "resources: [./base]\n", "base/kustomization.yaml": "resources: [all.yaml]\n", "base/all.yaml": marshal(t, docs...),
			}
		}},
		"a chart": {helm.Name, "Chart.yaml", func(docs []*yaml.Node) map[string]string {
			values := mapOf()
			nr := 0
			for _, d := range docs {
				for i := 0; i+1 < len(d.Content); i += 2 {
					switch d.Content[i].Value {
					case "apiVersion", "kind", "metadata":
						continue
					}
					scalars(d.Content[i+1], func(n *yaml.Node) {
						lit := *n
						name := fmt.Sprintf("p%d", nr)
						nr++
						values.Content = append(values.Content, word(name), &lit)
						*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "%%" + name + "%%"}
					})
				}
			}
			text := regexp.MustCompile(`%%(p\d+)%%`).ReplaceAllString(regexp.MustCompile(`['"]?(%%p\d+%%)['"]?`).ReplaceAllString(marshal(t, docs...), "$1"), "{{ .Values.$1 | toJson }}")
			return map[string]string{"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "values.yaml": marshal(t, values), "templates/all.yaml": text}
		}},
	}
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			holds(t, rules, resource.Kubernetes, written{f.format, f.first}, 300, func(text string) map[string]string {
				docs, ok := documents(text)
				if !ok || strings.Contains(text, "{{") {
					return nil
				}
				return f.files(docs)
			})
		})
	}
}

// ofKind are rules that ask more of some kinds of workloads than of others, with
// the reason.
var ofKind = map[string]string{
	"k8s/cni-without-policies":       "a network is a DaemonSet",
	"k8s/control-plane-scheduling":   "a DaemonSet of the cluster may stand there",
	"k8s/liveness-probe":             "what ends needs none",
	"k8s/readiness-probe":            "what ends needs none",
	"k8s/misplaced-security-setting": "the settings of a pod stand elsewhere",
	"k8s/restart-policy":             "a controller wants one of its own",
	"k8s/shared-service-account":     "two workloads are needed",
}

// TestMeaningOfKinds holds that a rule about pods or containers finds the same
// whatever makes the pods.
func TestMeaningOfKinds(t *testing.T) {
	template := func(pod *yaml.Node) *yaml.Node {
		return mapOf(word("selector"), mapOf(word("matchLabels"), mapOf(word("app"), word("api"))), word("template"), pod)
	}
	cron := func(pod *yaml.Node) *yaml.Node {
		return mapOf(word("schedule"), word("0 3 * * *"), word("jobTemplate"), mapOf(word("spec"), mapOf(word("template"), pod)))
	}
	kinds := map[string]struct {
		version string
		spec    func(pod *yaml.Node) *yaml.Node
	}{
		"Deployment": {"apps/v1", template}, "StatefulSet": {"apps/v1", template}, "DaemonSet": {"apps/v1", template}, "ReplicaSet": {"apps/v1", template},
		"ReplicationController": {"v1", template}, "Job": {"batch/v1", template}, "CronJob": {"batch/v1", cron}, "Rollout": {"argoproj.io/v1alpha1", template},
		"Service": {"serving.knative.dev/v1", template}, "CloneSet": {"apps.kruise.io/v1alpha1", template},
	}
	rules := slices.DeleteFunc(load(t), func(r *rule.Rule) bool {
		return ofKind[r.ID] != "" || slices.ContainsFunc(r.Checks, func(c rule.Check) bool {
			return c.Platform == resource.Kubernetes && c.Each != "containers" && c.Each != "main-containers" && c.Each != "pods"
		})
	})
	// remade puts the pods of a manifest into workloads of a kind; ok is false
	// where there are none, or the annotations of pods count.
	remade := func(docs []*yaml.Node, kind, version string, spec func(*yaml.Node) *yaml.Node) (ok bool) {
		for _, d := range docs {
			var pod *yaml.Node
			switch field(d, "kind") {
			case "Pod":
				if s := at(d, "spec"); s != nil && at(d, "metadata", "annotations") == nil {
					was := *s // its place becomes the workload's
					pod = mapOf(word("spec"), &was)
					if l := at(d, "metadata", "labels"); l != nil {
						pod = mapOf(word("metadata"), mapOf(word("labels"), l), word("spec"), &was)
					}
				}
			case "Deployment", "StatefulSet", "DaemonSet", "Job":
				pod = at(d, "spec", "template")
			}
			if pod == nil || at(pod, "spec") == nil {
				continue
			}
			ok = true
			*at(d, "apiVersion"), *at(d, "kind"), *at(d, "spec") = *word(version), *word(kind), *spec(pod)
		}
		return ok
	}
	for kind, k := range kinds {
		t.Run(kind, func(t *testing.T) {
			holds(t, rules, resource.Kubernetes, written{resource.Kubernetes, "manifest.yaml"}, 100, func(text string) map[string]string {
				docs, ok := documents(text)
				if !ok || !remade(docs, kind, k.version, k.spec) {
					return nil
				}
				return map[string]string{"manifest.yaml": marshal(t, docs...)}
			})
		})
	}
}
