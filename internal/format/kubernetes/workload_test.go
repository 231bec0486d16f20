package kubernetes_test

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

func TestPodSpec(t *testing.T) {
	const spec = "{containers: [{name: a}]}"
	for _, c := range []struct{ kind, content, path string }{
		{"Pod", "spec: " + spec, "spec"},
		{"PodTemplate", "template: {spec: " + spec + "}", "template.spec"},
		{"Deployment", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"ReplicaSet", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"ReplicationController", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"StatefulSet", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"DaemonSet", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"Job", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"CronJob", "spec: {jobTemplate: {spec: {template: {spec: " + spec + "}}}}", "spec.jobTemplate.spec.template.spec"},
		{"Rollout", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"Service", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"Configuration", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
		{"DeploymentConfig", "spec: {template: {spec: " + spec + "}}", "spec.template.spec"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			rs, ds := readOne(t, "a.yaml", "apiVersion: v1\nkind: "+c.kind+"\n"+c.content+"\n")
			if len(rs) != 1 || len(ds) > 0 {
				t.Fatalf("got %d resources and %v", len(rs), ds)
			}
			path, node := kubernetes.PodSpec(rs[0].Root, rs[0].Kind)
			if path.String() != c.path {
				t.Errorf("the path is %s, want %s", path, c.path)
			}
			if at, n := path.At(rs[0].Root); n != len(path) || at != node || node.Get("containers") == nil {
				t.Errorf("the node is not at the path: %v", node)
			}
		})
	}
	for _, c := range []struct {
		name, content string
		path          bool
	}{
		{"core Service", "kind: Service\nspec: {ports: []}", false},
		{"another Configuration", "kind: Configuration\nspec: {package: a}", false},
		{"ConfigMap", "kind: ConfigMap\nspec: {template: {spec: {}}}", false},
		{"Deployment without a template", "kind: Deployment\nspec: {}", true},
		{"Deployment with text for a template", "kind: Deployment\nspec: {template: a}", true},
		{"Pod with a list for a spec", "kind: Pod\nspec: []", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, _ := readOne(t, "a.yaml", "apiVersion: v1\n"+c.content+"\n")
			path, node := kubernetes.PodSpec(rs[0].Root, rs[0].Kind)
			if (path != nil) != c.path || node != nil {
				t.Errorf("got %v, %v", path, node)
			}
		})
	}
	if path, node := kubernetes.PodSpec(nil, "Pod"); path == nil || node != nil {
		t.Errorf("of no root: %v, %v", path, node)
	}
}
