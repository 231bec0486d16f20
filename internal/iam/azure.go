package iam

import "strings"

// azureRoles are Azure's built-in roles by name and by GUID, in lower case, as far
// as what they grant is of interest here, after the reference of built-in roles
// (https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles).
// It is read, never written.
var azureRoles = func() map[string]*role {
	out := map[string]*role{}
	parseRoles(azureRoleTable, func(keys []string, r *role) {
		for _, k := range keys {
			out[strings.ToLower(k)] = r
		}
	})
	return out
}()

const azureRoleTable = `
Owner = 8e3af657-a8ff-443c-a75c-2fe8c4bcb635: *
Contributor = b24988ac-6180-42a0-ab88-20f7382dd24c: * !Microsoft.Authorization/*/Delete !Microsoft.Authorization/*/Write !Microsoft.Authorization/elevateAccess/Action !Microsoft.Blueprint/blueprintAssignments/write !Microsoft.Blueprint/blueprintAssignments/delete !Microsoft.Compute/galleries/share/action !Microsoft.Purview/consents/write !Microsoft.Purview/consents/delete !Microsoft.Resources/deploymentStacks/manageDenySetting/action !Microsoft.Subscription/cancel/action !Microsoft.Subscription/enable/action
Reader = acdd72a7-3385-48ef-bd42-f606fba81ae7: */read
User Access Administrator = 18d7d88d-d35e-4fb5-a5c3-7773c20a72d9: */read Microsoft.Authorization/* Microsoft.Support/*
Role Based Access Control Administrator = f58310d9-a9f6-439a-9e8d-f62e7b41a168: */read Microsoft.Authorization/roleAssignments/write Microsoft.Authorization/roleAssignments/delete Microsoft.Support/*
Azure Kubernetes Service Cluster Admin Role = 0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8: Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action Microsoft.ContainerService/managedClusters/accessProfiles/listCredential/action Microsoft.ContainerService/managedClusters/read Microsoft.ContainerService/managedClusters/runcommand/action
Azure Kubernetes Service Contributor Role = ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8: Microsoft.ContainerService/locations/* Microsoft.ContainerService/managedClusters/* Microsoft.ContainerService/managedclustersnapshots/* Microsoft.ContainerService/snapshots/* Microsoft.Resources/deployments/*
Azure Kubernetes Service RBAC Cluster Admin = b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b: Microsoft.ContainerService/managedClusters/listClusterUserCredential/action +Microsoft.ContainerService/managedClusters/*
Azure Kubernetes Service RBAC Admin = 3498e952-d568-435e-9b2c-8d77e338d7f7: Microsoft.ContainerService/managedClusters/listClusterUserCredential/action +Microsoft.ContainerService/managedClusters/* +!Microsoft.ContainerService/managedClusters/resourcequotas/write +!Microsoft.ContainerService/managedClusters/resourcequotas/delete +!Microsoft.ContainerService/managedClusters/namespaces/write +!Microsoft.ContainerService/managedClusters/namespaces/delete
Azure Kubernetes Service RBAC Writer = a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb: +Microsoft.ContainerService/managedClusters/apps/daemonsets/* +Microsoft.ContainerService/managedClusters/apps/deployments/* +Microsoft.ContainerService/managedClusters/apps/replicasets/* +Microsoft.ContainerService/managedClusters/apps/statefulsets/* +Microsoft.ContainerService/managedClusters/batch/cronjobs/* +Microsoft.ContainerService/managedClusters/batch/jobs/* +Microsoft.ContainerService/managedClusters/configmaps/* +Microsoft.ContainerService/managedClusters/endpoints/* +Microsoft.ContainerService/managedClusters/persistentvolumeclaims/* +Microsoft.ContainerService/managedClusters/pods/* +Microsoft.ContainerService/managedClusters/replicationcontrollers/* +Microsoft.ContainerService/managedClusters/secrets/* +Microsoft.ContainerService/managedClusters/serviceaccounts/* +Microsoft.ContainerService/managedClusters/services/*
Key Vault Administrator = 00482a5a-887f-4fb3-b363-3b7fe8e74483: Microsoft.KeyVault/checkNameAvailability/read Microsoft.KeyVault/vaults/*/read +Microsoft.KeyVault/vaults/*
Key Vault Secrets Officer = b86a8fe4-44ce-4948-aee5-eccb2c155cd7: Microsoft.KeyVault/vaults/*/read +Microsoft.KeyVault/vaults/secrets/*
Key Vault Secrets User = 4633458b-17de-408a-b874-0445c86b69e6: +Microsoft.KeyVault/vaults/secrets/getSecret/action +Microsoft.KeyVault/vaults/secrets/readMetadata/action
Key Vault Certificate User = db79e9a7-68ee-4b58-9aeb-b90e7c24fcba: +Microsoft.KeyVault/vaults/certificates/read +Microsoft.KeyVault/vaults/secrets/getSecret/action +Microsoft.KeyVault/vaults/secrets/readMetadata/action +Microsoft.KeyVault/vaults/keys/read
Key Vault Certificates Officer = a4417e6f-fecd-4de8-b567-7b0420556985: +Microsoft.KeyVault/vaults/certificates/* +Microsoft.KeyVault/vaults/certificatecas/* +Microsoft.KeyVault/vaults/certificatecontacts/write
Key Vault Crypto Officer = 14b46e9e-c2b7-41b4-b07b-48a6ebf60603: +Microsoft.KeyVault/vaults/keys/* +Microsoft.KeyVault/vaults/keyrotationpolicies/*
Key Vault Crypto User = 12338af0-0e69-4776-bea7-57ae8d297424: +Microsoft.KeyVault/vaults/keys/read +Microsoft.KeyVault/vaults/keys/update/action +Microsoft.KeyVault/vaults/keys/backup/action +Microsoft.KeyVault/vaults/keys/encrypt/action +Microsoft.KeyVault/vaults/keys/decrypt/action +Microsoft.KeyVault/vaults/keys/wrap/action +Microsoft.KeyVault/vaults/keys/unwrap/action +Microsoft.KeyVault/vaults/keys/sign/action +Microsoft.KeyVault/vaults/keys/verify/action
Key Vault Contributor = f25e0fa2-a7c8-4377-a976-54943a77a395: Microsoft.KeyVault/* Microsoft.Resources/deployments/* !Microsoft.KeyVault/locations/deletedVaults/purge/action !Microsoft.KeyVault/hsmPools/* !Microsoft.KeyVault/managedHsms/*
Storage Account Contributor = 17d1049b-9a84-46fb-8f53-869881c3d3ab: Microsoft.Storage/storageAccounts/* Microsoft.Resources/deployments/*
Storage Account Key Operator Service Role = 81a9662b-bebf-436f-a333-f67b29880f12: Microsoft.Storage/storageAccounts/listkeys/action Microsoft.Storage/storageAccounts/regeneratekey/action
Storage Blob Data Owner = b7e6dc6d-f1e8-4753-8033-0f276bb0955b: Microsoft.Storage/storageAccounts/blobServices/containers/* Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*
Storage Blob Data Contributor = ba92f5b4-2d11-453d-a403-e96b0029c9fe: Microsoft.Storage/storageAccounts/blobServices/containers/delete Microsoft.Storage/storageAccounts/blobServices/containers/read Microsoft.Storage/storageAccounts/blobServices/containers/write Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action
Storage Blob Data Reader = 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1: Microsoft.Storage/storageAccounts/blobServices/containers/read Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action +Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read
Reader and Data Access = c12c1c16-33a1-487b-954d-41c89c60f349: Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Storage/storageAccounts/ListAccountSas/action Microsoft.Storage/storageAccounts/read
Storage Account Backup Contributor = e5e2a7ff-d759-4cd2-bb51-3152d37e2eb1: Microsoft.Authorization/locks/read Microsoft.Authorization/locks/write Microsoft.Authorization/locks/delete Microsoft.Storage/storageAccounts/objectReplicationPolicies/read Microsoft.Storage/storageAccounts/objectReplicationPolicies/write Microsoft.Storage/storageAccounts/objectReplicationPolicies/delete Microsoft.Storage/storageAccounts/blobServices/containers/write Microsoft.Storage/storageAccounts/blobServices/write Microsoft.Storage/storageAccounts/restoreBlobRanges/action
Storage File Data Privileged Contributor = 69566ab7-960f-475b-8e7c-b3118f30c6bd: +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/modifypermissions/action +Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action +Microsoft.Storage/storageAccounts/fileServices/writeFileBackupSemantics/action
Storage File Data Privileged Reader = b8eda974-7b85-4f76-af95-65846b26df6d: +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read +Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action
Storage File Data SMB Share Contributor = 0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb: +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete
Storage File Data SMB Share Elevated Contributor = a7264617-510b-434b-a828-9731dc254ea7: +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/modifypermissions/action
Storage File Data SMB Share Reader = aba4ae5f-2193-4029-9191-0cb91df5e314: +Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read
AcrPush = 8311e382-0749-4cb8-b61a-304f252e45ec: Microsoft.ContainerRegistry/registries/pull/read Microsoft.ContainerRegistry/registries/push/write
AcrPull = 7f951dda-4ed3-4680-a7ca-43fe172d538d: Microsoft.ContainerRegistry/registries/pull/read
AcrDelete = c2f4ef07-c644-48eb-af81-4b1b4947fb11: Microsoft.ContainerRegistry/registries/artifacts/delete
Container Registry Repository Writer = 2a1e307c-b015-4ebd-883e-5b7698a07328: +Microsoft.ContainerRegistry/registries/repositories/content/read +Microsoft.ContainerRegistry/registries/repositories/content/write +Microsoft.ContainerRegistry/registries/repositories/metadata/read +Microsoft.ContainerRegistry/registries/repositories/metadata/write
Container Registry Repository Contributor = 2efddaa5-3f1f-4df3-97df-af3f13818f4c: +Microsoft.ContainerRegistry/registries/repositories/content/read +Microsoft.ContainerRegistry/registries/repositories/content/write +Microsoft.ContainerRegistry/registries/repositories/content/delete +Microsoft.ContainerRegistry/registries/repositories/metadata/read +Microsoft.ContainerRegistry/registries/repositories/metadata/write +Microsoft.ContainerRegistry/registries/repositories/metadata/delete
Container Registry Tasks Contributor = fb382eab-e894-4461-af04-94435c366c3f: Microsoft.ContainerRegistry/registries/read Microsoft.ContainerRegistry/registries/agentpools/write Microsoft.ContainerRegistry/registries/agentpools/delete Microsoft.ContainerRegistry/registries/tasks/read Microsoft.ContainerRegistry/registries/tasks/write Microsoft.ContainerRegistry/registries/tasks/delete Microsoft.ContainerRegistry/registries/scheduleRun/action Microsoft.ContainerRegistry/registries/runs/write Microsoft.ContainerRegistry/registries/taskruns/write Microsoft.ContainerRegistry/registries/taskruns/delete Microsoft.Resources/deployments/*
Container Registry Data Importer and Data Reader = 577a9874-89fd-4f24-9dbd-b5034d0ad23a: Microsoft.ContainerRegistry/registries/importImage/action Microsoft.ContainerRegistry/registries/pull/read Microsoft.ContainerRegistry/registries/read +Microsoft.ContainerRegistry/registries/repositories/content/read +Microsoft.ContainerRegistry/registries/repositories/metadata/read
Container Registry Contributor and Data Access Configuration Administrator = 3bc748fc-213d-45c1-8d91-9da5725539b9: Microsoft.ContainerRegistry/registries/read Microsoft.ContainerRegistry/registries/write Microsoft.ContainerRegistry/registries/delete Microsoft.ContainerRegistry/registries/listCredentials/action Microsoft.ContainerRegistry/registries/regenerateCredential/action Microsoft.ContainerRegistry/registries/generateCredentials/action Microsoft.ContainerRegistry/registries/scopeMaps/* Microsoft.ContainerRegistry/registries/tokens/* Microsoft.ContainerRegistry/registries/connectedRegistries/* Microsoft.ContainerRegistry/registries/replications/* Microsoft.Resources/deployments/*
Container Registry Configuration Reader and Data Access Configuration Reader = 69b07be0-09bf-439a-b9a6-e73de851bd59: Microsoft.ContainerRegistry/registries/read Microsoft.ContainerRegistry/registries/listCredentials/action
Virtual Machine Contributor = 9980e02c-c2be-4d73-94e8-173b1dc7cf3c: Microsoft.Compute/availabilitySets/* Microsoft.Compute/locations/* Microsoft.Compute/virtualMachines/* Microsoft.Compute/virtualMachineScaleSets/* Microsoft.Compute/cloudServices/* Microsoft.Compute/disks/write Microsoft.Compute/disks/read Microsoft.Compute/disks/delete Microsoft.Resources/deployments/* Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Storage/storageAccounts/read
Virtual Machine Administrator Login = 1c0163c0-47e6-4577-8991-ea5c82e286e4: Microsoft.Compute/virtualMachines/*/read +Microsoft.Compute/virtualMachines/login/action +Microsoft.Compute/virtualMachines/loginAsAdmin/action
Managed Identity Operator = f1a07417-d97a-45cb-824c-7a7467783830: Microsoft.ManagedIdentity/userAssignedIdentities/*/read Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action Microsoft.ManagedIdentity/userAssignedIdentities/assign/action Microsoft.Resources/deployments/*
Managed Identity Contributor = e40ec5ca-96e0-45a2-b4ff-59039f2c2b59: Microsoft.ManagedIdentity/userAssignedIdentities/read Microsoft.ManagedIdentity/userAssignedIdentities/write Microsoft.ManagedIdentity/userAssignedIdentities/delete Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete Microsoft.Resources/deployments/*
Network Contributor = 4d97b98b-1d4f-4787-a291-c67834d212e7: Microsoft.Network/* Microsoft.Resources/deployments/*
Automation Contributor = f353d9bd-d4a6-484e-a77a-8050b599b867: Microsoft.Automation/automationAccounts/* Microsoft.Resources/deployments/* Microsoft.Insights/diagnosticSettings/* Microsoft.OperationalInsights/workspaces/sharedKeys/action
Automation Operator = d3881f73-407a-4167-8283-e981cbba0404: Microsoft.Automation/automationAccounts/jobs/read Microsoft.Automation/automationAccounts/jobs/write Microsoft.Automation/automationAccounts/jobSchedules/write Microsoft.Automation/automationAccounts/runbooks/read Microsoft.Resources/deployments/*
Logic App Contributor = 87a39d53-fc1b-424a-814c-f7e04687dc9e: Microsoft.Logic/* Microsoft.Resources/deployments/* Microsoft.Web/connections/* Microsoft.Insights/diagnosticSettings/* Microsoft.Storage/storageAccounts/listkeys/action Microsoft.Web/connectionGateways/*
Website Contributor = de139f84-1756-47ae-9be6-808fbbe84772: Microsoft.Web/sites/* Microsoft.Web/certificates/* Microsoft.Resources/deployments/*
SQL DB Contributor = 9b7fa17d-e63e-47b0-bb0a-15c516ac86ec: Microsoft.Sql/servers/databases/*
DocumentDB Account Contributor = 5bd9cd88-fe45-4216-938b-f97437e15450: Microsoft.DocumentDb/databaseAccounts/* Microsoft.Resources/deployments/*
Redis Cache Contributor = e0f68234-74aa-48ed-b826-c38b57376e17: Microsoft.Cache/redis/* Microsoft.Resources/deployments/*
Disk Snapshot Contributor = 7efff54f-a5b4-42b5-a1c5-5411624893ce: Microsoft.Compute/disks/beginGetAccess/action Microsoft.Compute/snapshots/beginGetAccess/action Microsoft.Compute/snapshots/delete Microsoft.Compute/snapshots/write Microsoft.Storage/storageAccounts/delete Microsoft.Storage/storageAccounts/listkeys/action Microsoft.Storage/storageAccounts/write
Resource Policy Contributor = 36243c78-bf99-498c-9df9-86d9f8d28608: */read Microsoft.Authorization/policyassignments/* Microsoft.Authorization/policydefinitions/* Microsoft.Authorization/policyexemptions/* Microsoft.Authorization/policysetdefinitions/* Microsoft.Resources/deployments/*
Security Admin = fb1c8493-542b-48eb-b624-b4c8fea62acd: Microsoft.Authorization/policyAssignments/* Microsoft.Authorization/policyDefinitions/* Microsoft.Authorization/policyExemptions/* Microsoft.Authorization/policySetDefinitions/* Microsoft.Resources/deployments/* Microsoft.Security/*
Monitoring Contributor = 749f88d5-cbae-40b8-bcfc-e573ddc772fa: */read Microsoft.Insights/DiagnosticSettings/* Microsoft.OperationalInsights/workspaces/sharedKeys/action Microsoft.OperationalInsights/workspaces/write
Azure Connected Machine Resource Administrator = cd570a14-e51a-42ad-bac8-bafd67325302: Microsoft.HybridCompute/machines/* Microsoft.Resources/deployments/*
`

const assignIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"

// azureWays are the known ways on Azure. A managed identity lends its rights to
// whatever runs with it. It is read, never written.
var azureWays = func() []way {
	var out []way
	for _, a := range []string{
		"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleDefinitions/write",
		"Microsoft.Authorization/elevateAccess/action",
		"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
		"Microsoft.Compute/virtualMachines/runCommand/action", "Microsoft.Compute/virtualMachines/runCommands/write",
		"Microsoft.Compute/virtualMachines/extensions/write",
		"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action",
		"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/write", "Microsoft.Compute/virtualMachineScaleSets/extensions/write",
		"Microsoft.HybridCompute/machines/extensions/write", "Microsoft.HybridCompute/machines/runCommands/write",
		"Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
		"Microsoft.ContainerService/managedClusters/accessProfiles/listCredential/action", "Microsoft.ContainerService/managedClusters/runcommand/action",
		"Microsoft.KeyVault/vaults/accessPolicies/write",
	} {
		out = append(out, way{all: []string{a}})
	}
	for _, a := range []string{"roleAssignmentScheduleRequests/write", "roleEligibilityScheduleRequests/write"} {
		out = append(out, way{all: []string{"Microsoft.Authorization/" + a}, like: "Microsoft.Authorization/roleAssignments/write"})
	}
	out = append(out,
		way{all: []string{assignIdentity, "Microsoft.Web/sites/slots/write"}, like: "Microsoft.Web/sites/write"},
		way{all: []string{"Microsoft.Automation/automationAccounts/runbooks/write", "Microsoft.Automation/automationAccounts/jobs/write"}},
		way{all: []string{"Microsoft.Automation/automationAccounts/runbooks/draft/write", "Microsoft.Automation/automationAccounts/jobs/write"}})
	for _, a := range []string{
		"Microsoft.Compute/virtualMachines/write", "Microsoft.Compute/virtualMachineScaleSets/write", "Microsoft.ContainerInstance/containerGroups/write",
		"Microsoft.App/containerApps/write", "Microsoft.App/jobs/write", "Microsoft.Batch/batchAccounts/pools/write",
		"Microsoft.ContainerRegistry/registries/tasks/write", "Microsoft.DataFactory/factories/write",
		"Microsoft.MachineLearningServices/workspaces/computes/write", "Microsoft.Web/sites/write", "Microsoft.Resources/deploymentScripts/write", "Microsoft.Logic/workflows/write",
		"Microsoft.ContainerService/managedClusters/write",
	} {
		out = append(out, way{all: []string{assignIdentity, a}})
	}
	return out
}()

// azureTable holds the actions of each category, by the operations of the
// resource providers
// (https://learn.microsoft.com/en-us/azure/role-based-access-control/resource-provider-operations).
// It is read, never written.
var azureTable = categories(map[Category]string{
	Credentials: `
Microsoft.Storage/storageAccounts/: listKeys/action listAccountSas/action listServiceSas/action
Microsoft.ContainerService/managedClusters/: listClusterAdminCredential/action accessProfiles/listCredential/action
Microsoft.ContainerRegistry/registries/: listCredentials/action
Microsoft.DocumentDB/databaseAccounts/: listKeys/action listConnectionStrings/action
Microsoft.Cache/redis/: listKeys/action
Microsoft.ServiceBus/namespaces/authorizationRules/: listKeys/action
Microsoft.EventHub/namespaces/authorizationRules/: listKeys/action
Microsoft.Web/sites/: config/list/action publishxml/action
Microsoft.OperationalInsights/workspaces/: sharedKeys/action
Microsoft.ManagedIdentity/userAssignedIdentities/: federatedIdentityCredentials/write
`,
	Exfiltration: `
data Microsoft.KeyVault/vaults/: secrets/getSecret/action keys/decrypt/action
data Microsoft.Storage/storageAccounts/: blobServices/containers/blobs/read fileServices/fileshares/files/read
Microsoft.Compute/: disks/beginGetAccess/action snapshots/beginGetAccess/action
Microsoft.Sql/servers/databases/: export/action
data Microsoft.ContainerService/managedClusters/: secrets/read
`,
	Permissions: `
Microsoft.Authorization/: roleAssignments/write roleDefinitions/write elevateAccess/action locks/delete policyAssignments/write policyAssignments/delete policyExemptions/write
Microsoft.KeyVault/vaults/: accessPolicies/write
Microsoft.ManagedIdentity/userAssignedIdentities/: federatedIdentityCredentials/write assign/action
data Microsoft.ContainerService/managedClusters/: rbac.authorization.k8s.io/clusterrolebindings/write rbac.authorization.k8s.io/clusterroles/escalate/action
data Microsoft.Storage/storageAccounts/: blobServices/containers/blobs/manageOwnership/action blobServices/containers/blobs/modifyPermissions/action
`,
	Write: `
Microsoft.ContainerRegistry/registries/: push/write artifacts/delete importImage/action write delete
data Microsoft.ContainerRegistry/registries/: repositories/content/write
Microsoft.Compute/: virtualMachines/write virtualMachines/delete virtualMachines/runCommand/action virtualMachines/extensions/write virtualMachineScaleSets/write virtualMachineScaleSets/delete disks/delete
Microsoft.ContainerService/managedClusters/: write delete agentPools/write runcommand/action
Microsoft.Network/: networkSecurityGroups/write networkSecurityGroups/securityRules/write virtualNetworks/delete routeTables/write
Microsoft.Storage/storageAccounts/: write delete
data Microsoft.Storage/storageAccounts/: blobServices/containers/blobs/write blobServices/containers/blobs/delete
Microsoft.KeyVault/vaults/: write delete
data Microsoft.KeyVault/vaults/: secrets/setSecret/action secrets/delete
Microsoft.Insights/: diagnosticSettings/delete
Microsoft.Resources/: deployments/write subscriptions/resourceGroups/delete
`,
})
