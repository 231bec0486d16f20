package iam

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRoleTables holds that each line of the tables of roles says what its reader
// takes it for.
func TestRoleTables(t *testing.T) {
	for cloud, c := range map[Cloud]struct {
		table, head, pattern string
	}{
		GCP: {gcpRoleTable, `^roles/([a-z]+\.)?[A-Za-z0-9.]+$`, `^(\*|!?(\*\.[a-zA-Z]+|[a-z]+\.(\*|[a-zA-Z]+\*?(\.(\*|[a-zA-Z]+))?)))$`},
		Azure: {azureRoleTable, `^[A-Z][A-Za-z -]+ = [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`,
			`^(\*|\*/read|\+?!?Microsoft(\.[A-Za-z]+)+(/[A-Za-z0-9.*]+)+)$`},
	} {
		head, pattern := regexp.MustCompile(c.head), regexp.MustCompile(c.pattern)
		seen := map[string]bool{}
		for line := range strings.Lines(strings.TrimSpace(c.table)) {
			key, grants, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok || !head.MatchString(key) {
				t.Errorf("%q is no line of the table of %s", line, cloud)
				continue
			}
			for k := range strings.SplitSeq(key, " = ") {
				if seen[k] {
					t.Errorf("%s stands twice", k)
				}
				seen[k] = true
			}
			had := map[string]bool{}
			for p := range strings.FieldsSeq(grants) {
				if !pattern.MatchString(p) || had[p] {
					t.Errorf("%s has %q, which is no pattern or stands twice", key, p)
				}
				had[p] = true
			}
		}
	}
}

// TestWhatRolesGrant holds what matters of roles: what they grant, and what people
// take them for that they do not.
func TestWhatRolesGrant(t *testing.T) {
	data := func(s string) string { return dataAction + "Microsoft." + s }
	for _, c := range []struct {
		role        string
		grants, not []string
	}{
		{"roles/editor", []string{"compute.instances.create", "iam.serviceAccounts.actAs", "artifactregistry.repositories.uploadArtifacts",
			"iam.serviceAccountKeys.create", "storage.hmacKeys.create", "compute.instances.osAdminLogin", "cloudbuild.builds.create", "logging.logs.delete", "apikeys.keys.create"},
			[]string{"resourcemanager.projects.setIamPolicy", "secretmanager.versions.access", "iam.roles.update", "iam.serviceAccounts.getAccessToken",
				"iam.denypolicies.delete", "iam.workloadIdentityPoolProviders.update", "cloudkms.cryptoKeyVersions.useToDecrypt", "cloudkms.cryptoKeyVersions.destroy",
				"logging.sinks.delete", "container.clusterRoleBindings.create", "apikeys.keys.getKeyString"}},
		{"roles/iam.securityAdmin", []string{"resourcemanager.projects.setIamPolicy", "iam.serviceAccounts.setIamPolicy"}, []string{"iam.denypolicies.delete", "iam.roles.update"}},
		{"roles/iam.workloadIdentityUser", []string{"iam.serviceAccounts.getAccessToken"}, []string{"iam.serviceAccounts.signBlob", "iam.serviceAccounts.actAs"}},
		{"roles/iam.serviceAccountTokenCreator", []string{"iam.serviceAccounts.implicitDelegation"}, []string{"iam.serviceAccounts.actAs", "iam.serviceAccountKeys.create"}},
		{"roles/container.developer", []string{"container.pods.exec", "container.secrets.get", "container.nodes.proxy"}, []string{"container.clusters.update", "container.clusterRoleBindings.create"}},
		{"roles/container.clusterAdmin", []string{"container.clusters.update"}, []string{"container.pods.exec"}},
		{"roles/cloudkms.admin", []string{"cloudkms.cryptoKeyVersions.destroy", "cloudkms.cryptoKeys.setIamPolicy"}, []string{"cloudkms.cryptoKeyVersions.useToDecrypt"}},
		{"roles/cloudfunctions.developer", []string{"run.services.update"}, []string{"run.services.setIamPolicy"}},
		{"roles/cloudfunctions.admin", []string{"run.services.setIamPolicy", "run.jobs.create"}, []string{"iam.serviceAccounts.actAs"}},
		{"roles/run.sourceDeveloper", []string{"run.services.update", "storage.objects.get"}, []string{"run.services.setIamPolicy"}},
		{"roles/artifactregistry.writer", []string{"artifactregistry.repositories.uploadArtifacts"}, []string{"artifactregistry.repositories.deleteArtifacts"}},
		{"roles/appengine.appAdmin", []string{"artifactregistry.repositories.uploadArtifacts"}, []string{"artifactregistry.repositories.setIamPolicy"}},
		{"roles/storage.objectUser", []string{"storage.objects.get"}, []string{"storage.objects.setIamPolicy"}},
		{"roles/secretmanager.secretVersionManager", []string{"secretmanager.versions.destroy"}, []string{"secretmanager.versions.access"}},
		{"Contributor", []string{"Microsoft.Compute/virtualMachines/write"},
			[]string{"Microsoft.Authorization/roleAssignments/write", "Microsoft.Subscription/cancel/action", data("KeyVault/vaults/secrets/getSecret/action")}},
		{"Azure Kubernetes Service Contributor Role", []string{"Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"},
			[]string{"Microsoft.ContainerService/fleets/write", data("ContainerService/managedClusters/secrets/read")}},
		{"Azure Kubernetes Service RBAC Admin", []string{data("ContainerService/managedClusters/secrets/read")}, []string{data("ContainerService/managedClusters/namespaces/write")}},
		{"Azure Kubernetes Service RBAC Writer", []string{data("ContainerService/managedClusters/secrets/read"), data("ContainerService/managedClusters/serviceaccounts/write")},
			[]string{data("ContainerService/managedClusters/rbac.authorization.k8s.io/clusterrolebindings/write")}},
		{"Key Vault Contributor", []string{"Microsoft.KeyVault/vaults/accessPolicies/write"}, []string{data("KeyVault/vaults/secrets/getSecret/action")}},
		{"Key Vault Secrets User", []string{data("KeyVault/vaults/secrets/getSecret/action")}, []string{data("KeyVault/vaults/secrets/setSecret/action")}},
		{"Key Vault Certificate User", []string{data("KeyVault/vaults/secrets/getSecret/action")}, []string{data("KeyVault/vaults/certificates/delete")}},
		{"Key Vault Crypto User", []string{data("KeyVault/vaults/keys/decrypt/action")}, []string{data("KeyVault/vaults/keys/delete")}},
		{"Reader and Data Access", []string{"Microsoft.Storage/storageAccounts/listAccountSas/action"}, []string{"Microsoft.Storage/storageAccounts/write"}},
		{"Storage File Data SMB Share Reader", []string{data("Storage/storageAccounts/fileServices/fileshares/files/read")},
			[]string{data("Storage/storageAccounts/fileServices/fileshares/files/write")}},
		{"Container Registry Contributor and Data Access Configuration Administrator",
			[]string{"Microsoft.ContainerRegistry/registries/listCredentials/action", "Microsoft.ContainerRegistry/registries/tokens/write"},
			[]string{"Microsoft.ContainerRegistry/registries/importImage/action", "Microsoft.ContainerRegistry/registries/tasks/write", "Microsoft.ContainerRegistry/registries/push/write"}},
		{"Managed Identity Contributor", []string{"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"}, []string{assignIdentity}},
		{"Managed Identity Operator", []string{assignIdentity}, []string{"Microsoft.ManagedIdentity/userAssignedIdentities/write"}},
		{"Automation Operator", []string{"Microsoft.Automation/automationAccounts/jobs/write"}, []string{"Microsoft.Automation/automationAccounts/runbooks/write"}},
		{"Logic App Contributor", []string{"Microsoft.Storage/storageAccounts/listKeys/action"}, nil},
		{"Resource Policy Contributor", []string{"Microsoft.Authorization/policyAssignments/write"}, []string{"Microsoft.Authorization/roleAssignments/write"}},
		{"Container Registry Tasks Contributor", []string{"Microsoft.ContainerRegistry/registries/scheduleRun/action"}, []string{"Microsoft.ContainerRegistry/registries/push/write"}},
	} {
		r := gcpRoles[c.role]
		if r == nil {
			r = azureRoles[strings.ToLower(c.role)]
		}
		if r == nil {
			t.Errorf("%s is in no table", c.role)
			continue
		}
		st := node(put("Action", r.action), put("NotAction", r.notAction), put("DataAction", r.dataAction), put("NotDataAction", r.notDataAction))
		for _, a := range slices.Concat(c.grants, c.not) {
			if got, want := covers(st, a) == Yes, slices.Contains(c.grants, a); got != want {
				t.Errorf("%s grants %s: %v, want %v", c.role, a, got, want)
			}
		}
	}
}
