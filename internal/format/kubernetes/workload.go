package kubernetes

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// PodSpec finds the pod spec of one of Kubernetes' own workloads, or of another
// that has one, by its kind: the path to it and the node there. The path is nil
// for a kind that runs no pods; the node is nil where the object leaves its pod
// spec out, or has something else than a map in its place. A Service or
// Configuration is a workload only as Knative's, which has a template; the others
// of that name have none, so both are nil for them.
//
// The path is the caller's to keep.
func PodSpec(root *resource.Node, kind string) (resource.Path, *resource.Node) {
	names := podSpecPath(kind)
	if names == nil {
		return nil, nil
	}
	if (kind == "Service" || kind == "Configuration") && root.Path("spec", "template") == nil {
		return nil, nil
	}
	path := make(resource.Path, len(names))
	for i, s := range names {
		path[i].Name = s
	}
	node := root.Path(names...)
	if node != nil && node.Kind != resource.Map {
		node = nil
	}
	return path, node
}

// podSpecPath gives the names that lead to the pod spec of a kind that has one.
// Besides Kubernetes' own workloads it knows Argo's Rollout, Knative's Service and
// Configuration, OpenShift's DeploymentConfig, the Sandbox of agent-sandbox, KEDA's
// ScaledJob, OpenKruise's CloneSet and BroadcastJob, the runners of GitHub's
// controller, and Agones' game servers.
func podSpecPath(kind string) []string {
	switch kind {
	case "Pod":
		return []string{"spec"}
	case "PodTemplate":
		return []string{"template", "spec"}
	case "Sandbox", "SandboxTemplate":
		return []string{"spec", "podTemplate", "spec"}
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	case "ScaledJob":
		return []string{"spec", "jobTargetRef", "template", "spec"}
	case "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job",
		"Rollout", "Service", "DeploymentConfig", "Configuration",
		"CloneSet", "BroadcastJob", "AutoscalingRunnerSet", "GameServer":
		return []string{"spec", "template", "spec"}
	case "GameServerSet", "Fleet":
		return []string{"spec", "template", "spec", "template", "spec"}
	}
	return nil
}

// severalPods are the kinds of which one object runs pods of several specs, and
// the paths to them: * is every item of a list or every value of a map. A Job
// has tasks as Volcano's.
var severalPods = map[string][]string{
	"Job":             {"spec.tasks.*.template.spec"},
	"JobSet":          {"spec.replicatedJobs.*.template.spec.template.spec"},
	"LeaderWorkerSet": {"spec.leaderWorkerTemplate.leaderTemplate.spec", "spec.leaderWorkerTemplate.workerTemplate.spec"},
	// Kubeflow
	"PyTorchJob": {"spec.pytorchReplicaSpecs.*.template.spec"},
	"TFJob":      {"spec.tfReplicaSpecs.*.template.spec"},
	"MPIJob":     {"spec.mpiReplicaSpecs.*.template.spec"},
	"XGBoostJob": {"spec.xgbReplicaSpecs.*.template.spec"},
	"PaddleJob":  {"spec.paddleReplicaSpecs.*.template.spec"},
	"JAXJob":     {"spec.jaxReplicaSpecs.*.template.spec"},
	// Ray
	"RayCluster": {"spec.headGroupSpec.template.spec", "spec.workerGroupSpecs.*.template.spec"},
	"RayJob": {
		"spec.rayClusterSpec.headGroupSpec.template.spec", "spec.rayClusterSpec.workerGroupSpecs.*.template.spec",
		"spec.submitterPodTemplate.spec",
	},
	"RayService": {"spec.rayClusterConfig.headGroupSpec.template.spec", "spec.rayClusterConfig.workerGroupSpecs.*.template.spec"},
}

// Pod is a pod spec within an object.
type Pod struct {
	Path resource.Path
	// Spec is a map, or the deepest node on the way that is not known.
	Spec *resource.Node
}

// Pods gives the pod specs that an object has, in order.
func Pods(root *resource.Node, kind string) []Pod {
	if several := severalPods[kind]; several != nil && (kind != "Job" || root.Path("spec", "tasks") != nil) {
		var out []Pod
		for _, pattern := range several {
			out = expand(out, root, nil, strings.Split(pattern, "."))
		}
		return out
	}
	path, node := PodSpec(root, kind)
	if path == nil {
		return nil
	}
	if node == nil {
		if deepest, _ := path.At(root); deepest == nil || !deepest.Unknown {
			return nil
		} else {
			node = deepest
		}
	}
	return []Pod{{path, node}}
}

// expand adds what stands at a pattern below a node.
func expand(out []Pod, n *resource.Node, at resource.Path, pattern []string) []Pod {
	switch {
	case n == nil:
		return out
	case n.Unknown || len(pattern) == 0:
		if n.Unknown || n.Kind == resource.Map {
			out = append(out, Pod{slices.Clone(at), n})
		}
		return out
	case pattern[0] != "*":
		return expand(out, n.Get(pattern[0]), append(at, resource.Step{Name: pattern[0]}), pattern[1:])
	case n.Kind == resource.Map:
		for _, f := range n.Fields {
			out = expand(out, f.Node, append(at, resource.Step{Name: f.Name}), pattern[1:])
		}
	case n.Kind == resource.List:
		for i, item := range n.Items {
			out = expand(out, item, append(at, resource.Step{Index: i}), pattern[1:])
		}
	}
	return out
}
