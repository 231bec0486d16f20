package kubernetes

import "github.com/plimsoll-iac/plimsoll/internal/resource"

// PodSpec finds the pod spec of a workload by its kind: the path to it and the
// node there. The path is nil for a kind that runs no pods; the node is nil
// where the object leaves its pod spec out, or has something else than a map
// in its place. A Service or Configuration is a workload only as Knative's, which
// has a template; the others of that name have none, so both are nil for them.
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

// podSpecPath gives the names that lead to the pod spec of a kind. Besides
// Kubernetes' own workloads it knows Argo's Rollout, Knative's Service and
// Configuration, OpenShift's DeploymentConfig, and the Sandbox of agent-sandbox.
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
	case "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job",
		"Rollout", "Service", "DeploymentConfig", "Configuration":
		return []string{"spec", "template", "spec"}
	}
	return nil
}
