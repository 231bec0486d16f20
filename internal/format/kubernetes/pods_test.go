package kubernetes_test

import (
	"slices"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

func TestPods(t *testing.T) {
	const (
		spec = "{containers: [{name: a, image: b}]}"
		pod  = "{template: {spec: " + spec + "}}"
		job  = "{template: {spec: " + pod + "}}"
	)
	for _, c := range []struct {
		name, content string
		paths         []string
	}{
		{"Pod", "kind: Pod\nspec: " + spec, []string{"spec"}},
		{"Job", "kind: Job\nspec: " + pod, []string{"spec.template.spec"}},
		{"Volcano's Job", "kind: Job\nspec: {tasks: [" + pod + ", {name: x}, " + pod + "]}", []string{"spec.tasks[0].template.spec", "spec.tasks[2].template.spec"}},
		{"ScaledJob", "kind: ScaledJob\nspec: {jobTargetRef: " + pod + "}", []string{"spec.jobTargetRef.template.spec"}},
		{"CloneSet", "kind: CloneSet\nspec: " + pod, []string{"spec.template.spec"}},
		{"Fleet", "kind: Fleet\nspec: " + job, []string{"spec.template.spec.template.spec"}},
		{"another Fleet", "kind: Fleet\nspec: {template: {metadata: {}}}", nil},
		{"JobSet", "kind: JobSet\nspec: {replicatedJobs: [" + job + "]}", []string{"spec.replicatedJobs[0].template.spec.template.spec"}},
		{"LeaderWorkerSet", "kind: LeaderWorkerSet\nspec: {leaderWorkerTemplate: {workerTemplate: {spec: " + spec + "}}}", []string{"spec.leaderWorkerTemplate.workerTemplate.spec"}},
		{"PyTorchJob", "kind: PyTorchJob\nspec: {pytorchReplicaSpecs: {Master: " + pod + ", Worker: " + pod + "}}", []string{"spec.pytorchReplicaSpecs.Master.template.spec", "spec.pytorchReplicaSpecs.Worker.template.spec"}},
		{"TFJob", "kind: TFJob\nspec: {tfReplicaSpecs: {PS: " + pod + "}}", []string{"spec.tfReplicaSpecs.PS.template.spec"}},
		{"MPIJob", "kind: MPIJob\nspec: {mpiReplicaSpecs: {Launcher: " + pod + "}}", []string{"spec.mpiReplicaSpecs.Launcher.template.spec"}},
		{"RayCluster", "kind: RayCluster\nspec: {headGroupSpec: " + pod + ", workerGroupSpecs: [" + pod + "]}", []string{"spec.headGroupSpec.template.spec", "spec.workerGroupSpecs[0].template.spec"}},
		{"RayJob", "kind: RayJob\nspec: {rayClusterSpec: {headGroupSpec: " + pod + "}, submitterPodTemplate: {spec: " + spec + "}}", []string{"spec.rayClusterSpec.headGroupSpec.template.spec", "spec.submitterPodTemplate.spec"}},
		{"RayService", "kind: RayService\nspec: {rayClusterConfig: {workerGroupSpecs: [" + pod + "]}}", []string{"spec.rayClusterConfig.workerGroupSpecs[0].template.spec"}},
		{"RayCluster with text", "kind: RayCluster\nspec: {headGroupSpec: {template: {spec: text}}, workerGroupSpecs: text}", nil},
		{"core Service", "kind: Service\nspec: {ports: []}", nil},
		{"Deployment without a template", "kind: Deployment\nspec: {}", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, ds := readOne(t, "a.yaml", "apiVersion: v1\n"+c.content+"\n")
			if len(rs) != 1 || len(ds) > 0 {
				t.Fatalf("got %d resources and %v", len(rs), ds)
			}
			var paths []string
			for _, p := range kubernetes.Pods(rs[0].Root, rs[0].Kind) {
				paths = append(paths, p.Path.String())
				if at, n := p.Path.At(rs[0].Root); n != len(p.Path) || at != p.Spec || p.Spec.Get("containers") == nil {
					t.Errorf("%s: the node is not at the path", p.Path)
				}
			}
			if !slices.Equal(paths, c.paths) {
				t.Errorf("got %q, want %q", paths, c.paths)
			}
		})
	}
	// What is not known stands for what may be below it.
	rs, _ := readOne(t, "a.yaml", "apiVersion: v1\nkind: RayCluster\nspec: {headGroupSpec: "+pod+", workerGroupSpecs: [{}]}\n")
	rs[0].Root.Path("spec", "workerGroupSpecs").Unknown = true
	if all := kubernetes.Pods(rs[0].Root, rs[0].Kind); len(all) != 2 || !all[1].Spec.Unknown {
		t.Errorf("got %v", all)
	}
}
