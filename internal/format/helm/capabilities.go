package helm

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// capabilities is what .Capabilities gives.
type capabilities struct {
	KubeVersion KubernetesVersion
	APIVersions VersionSet
	HelmVersion helmBuild
}

// KubernetesVersion is the version that a chart is rendered for.
type KubernetesVersion struct {
	Version      string // v1.34.0
	Major, Minor string
}

// String gives the version.
func (v KubernetesVersion) String() string { return v.Version }

// GitVersion gives the version too; older charts ask so.
func (v KubernetesVersion) GitVersion() string { return v.Version }

// helmBuild is the Helm that a chart sees.
type helmBuild struct{ Version, GitCommit, GitTreeState, GoVersion string }

// VersionSet are versions of APIs that a cluster has.
type VersionSet []string

// Has reports whether a version is among them.
func (v VersionSet) Has(version string) bool { return slices.Contains(v, version) }

// newCapabilities gives those of a version of Kubernetes: 1.34, v1.34.2.
func newCapabilities(version string) (*capabilities, error) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	for _, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 32); err != nil || len(parts) != 3 {
			return nil, fmt.Errorf("%q is no version of Kubernetes", version)
		}
	}
	return &capabilities{
		KubeVersion: KubernetesVersion{Version: "v" + strings.Join(parts, "."), Major: parts[0], Minor: parts[1]},
		APIVersions: VersionSet(apiVersions()), HelmVersion: helmBuild{Version: "v3.22", GoVersion: runtime.Version()},
	}, nil
}

// apiVersions are those that Helm takes for given where it has no cluster to
// ask; a test holds them against Helm's own.
func apiVersions() []string {
	return strings.Fields(`
		v1 admissionregistration.k8s.io/v1 admissionregistration.k8s.io/v1alpha1 admissionregistration.k8s.io/v1beta1
		internal.apiserver.k8s.io/v1alpha1 apps/v1 apps/v1beta1 apps/v1beta2 authentication.k8s.io/v1
		authentication.k8s.io/v1alpha1 authentication.k8s.io/v1beta1 authorization.k8s.io/v1 authorization.k8s.io/v1beta1
		autoscaling/v1 autoscaling/v2 batch/v1 batch/v1beta1 certificates.k8s.io/v1 certificates.k8s.io/v1beta1
		certificates.k8s.io/v1alpha1 coordination.k8s.io/v1alpha2 coordination.k8s.io/v1beta1 coordination.k8s.io/v1
		discovery.k8s.io/v1 discovery.k8s.io/v1beta1 events.k8s.io/v1 events.k8s.io/v1beta1 extensions/v1beta1
		flowcontrol.apiserver.k8s.io/v1 flowcontrol.apiserver.k8s.io/v1beta1 flowcontrol.apiserver.k8s.io/v1beta2
		flowcontrol.apiserver.k8s.io/v1beta3 lifecycle.k8s.io/v1alpha1 networking.k8s.io/v1 networking.k8s.io/v1beta1
		node.k8s.io/v1 node.k8s.io/v1alpha1 node.k8s.io/v1beta1 policy/v1 policy/v1beta1 rbac.authorization.k8s.io/v1
		rbac.authorization.k8s.io/v1beta1 rbac.authorization.k8s.io/v1alpha1 resource.k8s.io/v1 resource.k8s.io/v1beta2
		resource.k8s.io/v1beta1 resource.k8s.io/v1alpha3 scheduling.k8s.io/v1alpha3 scheduling.k8s.io/v1beta1
		scheduling.k8s.io/v1 storage.k8s.io/v1beta1 storage.k8s.io/v1 storage.k8s.io/v1alpha1 storagemigration.k8s.io/v1
		storagemigration.k8s.io/v1beta1 apiextensions.k8s.io/v1beta1 apiextensions.k8s.io/v1
	`)
}
