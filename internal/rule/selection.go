package rule

import "github.com/plimsoll-iac/plimsoll/internal/resource"

// Selections are the selections that a platform offers by name, with what each
// selects. The engine carries them out.
func Selections(platform string) map[string]string {
	switch platform {
	case resource.Kubernetes:
		return kubernetesSelections
	case resource.Terraform:
		return terraformSelections
	case resource.Dockerfile:
		return dockerfileSelections
	case resource.Compose:
		return composeSelections
	case resource.Actions:
		return actionsSelections
	case resource.CloudFormation:
		return cloudFormationSelections
	case resource.NodeBootstrap:
		return bootstrapSelections
	}
	return nil
}

// These tables are read, never written.
var (
	kubernetesSelections = map[string]string{
		"containers":      "every container of a workload's pod: init, main and ephemeral ones; pod is the pod spec, group the list",
		"main-containers": "the containers that run as long as the pod does: the main ones, and the sidecars among the init containers",
		"init-containers": "the init containers of a workload, without sidecars",
		"container-ports": "the ports of every container: init, main and ephemeral ones",
		"volume-mounts":   "what every container mounts: init, main and ephemeral ones",
		"components":      "the components of the cluster (kube-apiserver, etcd, kubelet …) that static pods and configurations of kubeadm, kOps and nodeadm set up, each with name, flags and complete",
		"environment":     "the variables of every container: init, main and ephemeral ones",
		"entries":         "what a ConfigMap or Secret holds, each with name and value; group is data or stringData",
		"annotations":     "the annotations of an object and of its template of pods, each with name and value",
		"pods":            "the pod spec of a workload",
		"pod-templates":   "what holds the metadata and the spec of a workload's pods; of a Pod the object itself",
		"rbac-rules":      "the rules of a Role or ClusterRole",
		"subjects":        "the subjects of a RoleBinding or ClusterRoleBinding",
		"volumes":         "the volumes of a workload's pod",
	}
	terraformSelections = map[string]string{
		"statements": "the statements of every IAM policy document that a resource holds, with lists where IAM allows one or many",
		"grants":     "those of them that allow something, of policies that say what their holder may do, and what Google Cloud's bindings and Azure's assignments grant; Policy has what is weighed with them",
		"trusts":     "those of them that say who may assume a role",
	}
	dockerfileSelections = map[string]string{
		"stages":       "every stage",
		"final-stage":  "the stage that becomes the image",
		"instructions": "every instruction of every stage",
		"commands":     "every command that RUN runs, each with name, args, to, via, assigns and text",
		"environment":  "what ENV, ARG and the commands of RUN set, each with name and value; group is ENV, ARG or empty",
	}
	composeSelections = map[string]string{
		"environment": "the variables of a service, each with name and value, whichever way they are written",
		"mounts":      "what a service mounts, each with type, source, target and mode, whichever way it is written",
		"ports":       "the ports that a service publishes, each with host_ip, published, target and protocol, whichever way they are written",
	}
	actionsSelections = map[string]string{
		"jobs":  "every job of a workflow; group is its name",
		"steps": "every step of every job, or of a composite action; group is the job's name",
	}
	bootstrapSelections = map[string]string{
		"commands":    "every command of a script, of cloud-init or of Packer's provisioners, each with name, args, to, via, assigns and text",
		"components":  "the components of the cluster that scripts, units of systemd and configurations of k3s set up, each with name, flags and complete",
		"environment": "the variables that commands set, each with name and value",
		"files":       "the files that are written, each with path, content, and permissions and owner where they are given",
		"lines":       "the lines of the files that are written, each with path and text",
	}
	cloudFormationSelections = map[string]string{
		"statements": "the statements of every IAM policy document that a resource holds, with lists where IAM allows one or many",
		"grants":     "those of them that allow something, of policies that say what their holder may do; Policy has the statements of all these policies",
		"trusts":     "those of them that say who may assume a role",
	}
)
