package iam

// gcpRoles are GCP's predefined roles by name, as far as what they grant is of
// interest here, after the index of roles and permissions
// (https://cloud.google.com/iam/docs/roles-permissions). A role that is not among
// them grants none of what the tables below name. An editor reads and writes the
// objects of buckets and the tables of datasets by the bindings for editors that
// those have from the start, so they count as granted. It is read, never written.
var gcpRoles = func() map[string]*role {
	out := map[string]*role{}
	parseRoles(gcpRoleTable, func(keys []string, r *role) { out[keys[0]] = r })
	return out
}()

const gcpRoleTable = `
roles/owner: *
roles/editor: * !*.setIamPolicy !iam.roles.* !iam.serviceAccounts.getAccessToken !iam.serviceAccounts.getOpenIdToken !iam.serviceAccounts.implicitDelegation !iam.serviceAccounts.signBlob !iam.serviceAccounts.signJwt !orgpolicy.policy.set !secretmanager.versions.access !container.clusterRole* !container.role* !iam.denypolicies.* !iam.workloadIdentityPool* !cloudkms.cryptoKeyVersions.destroy !cloudkms.cryptoKeyVersions.useToDecrypt !cloudkms.cryptoKeyVersions.useToEncrypt !cloudkms.cryptoKeyVersions.useToSign !apikeys.keys.getKeyString !logging.buckets.* !logging.exclusions.* !logging.sinks.* !logging.privateLogEntries.list
roles/resourcemanager.organizationAdmin: resourcemanager.organizations.* resourcemanager.folders.getIamPolicy resourcemanager.folders.setIamPolicy resourcemanager.projects.getIamPolicy resourcemanager.projects.setIamPolicy
roles/resourcemanager.folderAdmin: resourcemanager.folders.* resourcemanager.projects.get resourcemanager.projects.getIamPolicy resourcemanager.projects.list resourcemanager.projects.move resourcemanager.projects.setIamPolicy
roles/resourcemanager.folderIamAdmin: resourcemanager.folders.getIamPolicy resourcemanager.folders.setIamPolicy
roles/resourcemanager.projectIamAdmin: resourcemanager.projects.get resourcemanager.projects.getIamPolicy resourcemanager.projects.setIamPolicy
roles/iam.securityAdmin: *.getIamPolicy *.setIamPolicy
roles/iam.denyAdmin: iam.denypolicies.*
roles/iam.roleAdmin: iam.roles.* resourcemanager.projects.get
roles/iam.organizationRoleAdmin: iam.roles.* resourcemanager.organizations.get
roles/iam.serviceAccountAdmin: iam.serviceAccounts.create iam.serviceAccounts.delete iam.serviceAccounts.disable iam.serviceAccounts.enable iam.serviceAccounts.get iam.serviceAccounts.getIamPolicy iam.serviceAccounts.list iam.serviceAccounts.setIamPolicy iam.serviceAccounts.undelete iam.serviceAccounts.update
roles/iam.serviceAccountUser: iam.serviceAccounts.actAs iam.serviceAccounts.get iam.serviceAccounts.list
roles/iam.serviceAccountTokenCreator: iam.serviceAccounts.get iam.serviceAccounts.getAccessToken iam.serviceAccounts.getOpenIdToken iam.serviceAccounts.implicitDelegation iam.serviceAccounts.list iam.serviceAccounts.signBlob iam.serviceAccounts.signJwt
roles/iam.serviceAccountOpenIdTokenCreator: iam.serviceAccounts.getOpenIdToken
roles/iam.serviceAccountKeyAdmin: iam.serviceAccountKeys.* iam.serviceAccounts.get iam.serviceAccounts.list
roles/iam.workloadIdentityUser: iam.serviceAccounts.get iam.serviceAccounts.getAccessToken iam.serviceAccounts.getOpenIdToken iam.serviceAccounts.list
roles/iam.workloadIdentityPoolAdmin: iam.workloadIdentityPools.* iam.workloadIdentityPoolProviders.* iam.workloadIdentityPoolProviderKeys.*
roles/orgpolicy.policyAdmin: orgpolicy.*
roles/deploymentmanager.editor: deploymentmanager.deployments.create deploymentmanager.deployments.update deploymentmanager.deployments.delete
roles/cloudbuild.builds.editor: cloudbuild.builds.*
roles/cloudbuild.connectionAdmin: cloudbuild.connections.* cloudbuild.repositories.*
roles/clouddeploy.admin: clouddeploy.*
roles/clouddeploy.developer: clouddeploy.releases.create clouddeploy.deliveryPipelines.*
roles/cloudtasks.admin: cloudtasks.*
roles/cloudtasks.enqueuer: cloudtasks.tasks.create
roles/config.admin: config.*
roles/compute.admin: compute.*
roles/compute.instanceAdmin: compute.instances.* compute.instanceGroups.* compute.instanceGroupManagers.* compute.instanceTemplates.* compute.disks.create compute.disks.delete
roles/compute.instanceAdmin.v1: compute.instances.* compute.instanceGroups.* compute.instanceGroupManagers.* compute.instanceTemplates.* compute.disks.* compute.images.* compute.snapshots.* compute.projects.setCommonInstanceMetadata
roles/compute.storageAdmin: compute.disks.* compute.images.* compute.snapshots.*
roles/compute.networkAdmin: compute.networks.* compute.subnetworks.* compute.routes.* compute.routers.* compute.addresses.*
roles/compute.securityAdmin: compute.firewalls.* compute.firewallPolicies.* compute.securityPolicies.* compute.sslPolicies.*
roles/compute.osAdminLogin: compute.instances.osAdminLogin compute.instances.osLogin
roles/compute.osLogin: compute.instances.osLogin
roles/container.admin: container.*
roles/container.clusterAdmin: container.clusters.* container.operations.*
roles/container.developer: container.clusters.get container.clusters.list container.configMaps.* container.cronJobs.* container.daemonSets.* container.deployments.* container.jobs.* container.nodes.* container.persistentVolumes.* container.pods.* container.replicaSets.* container.secrets.* container.serviceAccounts.* container.services.* container.statefulSets.*
roles/run.admin: run.*
roles/run.developer: run.instances.create run.instances.update run.jobs.create run.jobs.delete run.jobs.run run.jobs.runWithOverrides run.jobs.update run.services.create run.services.delete run.services.update run.workerpools.create run.workerpools.update
roles/run.sourceDeveloper: artifactregistry.repositories.create pubsub.subscriptions.consume pubsub.topics.publish run.jobs.create run.jobs.delete run.jobs.run run.jobs.runWithOverrides run.jobs.update run.services.create run.services.delete run.services.update storage.objects.create storage.objects.get
roles/cloudfunctions.admin: cloudfunctions.* run.jobs.* run.services.*
roles/cloudfunctions.developer: cloudfunctions.functions.create cloudfunctions.functions.update cloudfunctions.functions.delete cloudfunctions.functions.call cloudfunctions.functions.sourceCodeSet run.services.create run.services.delete run.services.update
roles/appengine.appAdmin: appengine.applications.* appengine.instances.* appengine.services.* appengine.versions.* artifactregistry.repositories.deleteArtifacts artifactregistry.repositories.downloadArtifacts artifactregistry.repositories.uploadArtifacts
roles/appengine.deployer: appengine.versions.create appengine.versions.delete
roles/composer.admin: composer.*
roles/composer.environmentAndStorageObjectAdmin: composer.* storage.objects.*
roles/dataproc.admin: dataproc.*
roles/dataproc.editor: dataproc.autoscalingPolicies.* dataproc.batches.* dataproc.clusters.create dataproc.clusters.delete dataproc.clusters.update dataproc.clusters.use dataproc.jobs.* dataproc.workflowTemplates.*
roles/dataflow.admin: dataflow.jobs.* dataflow.snapshots.delete storage.buckets.get storage.objects.create storage.objects.get storage.objects.list
roles/dataflow.developer: dataflow.jobs.create dataflow.jobs.cancel dataflow.jobs.updateContents
roles/notebooks.admin: notebooks.*
roles/aiplatform.admin: aiplatform.*
roles/aiplatform.user: aiplatform.customJobs.create aiplatform.pipelineJobs.create aiplatform.trainingPipelines.create aiplatform.notebookRuntimes.*
roles/cloudscheduler.admin: cloudscheduler.*
roles/workflows.admin: workflows.*
roles/workflows.editor: workflows.workflows.create workflows.workflows.update workflows.workflows.delete workflows.executions.*
roles/batch.jobsEditor: batch.jobs.create batch.jobs.delete
roles/storage.admin: storage.buckets.* storage.objects.* storage.managedFolders.* storage.folders.* storage.multipartUploads.*
roles/storage.objectAdmin: storage.objects.* storage.managedFolders.* storage.folders.* storage.multipartUploads.*
roles/storage.objectUser: storage.objects.create storage.objects.delete storage.objects.get storage.objects.list storage.objects.update storage.multipartUploads.*
roles/storage.objectViewer: storage.objects.get storage.objects.list
roles/storage.objectCreator: storage.objects.create storage.multipartUploads.create
roles/storage.legacyBucketOwner: storage.buckets.get storage.buckets.getIamPolicy storage.buckets.setIamPolicy storage.buckets.update storage.objects.create storage.objects.delete storage.objects.list
roles/storage.legacyBucketWriter: storage.buckets.get storage.objects.create storage.objects.delete storage.objects.list
roles/storage.legacyObjectOwner: storage.objects.get storage.objects.getIamPolicy storage.objects.setIamPolicy storage.objects.update
roles/storage.legacyObjectReader: storage.objects.get
roles/storage.hmacKeyAdmin: storage.hmacKeys.*
roles/serviceusage.apiKeysAdmin: apikeys.* serviceusage.apiKeys.*
roles/secretmanager.admin: secretmanager.*
roles/secretmanager.secretAccessor: secretmanager.versions.access
roles/secretmanager.secretVersionManager: secretmanager.versions.add secretmanager.versions.destroy secretmanager.versions.disable secretmanager.versions.enable
roles/secretmanager.secretVersionAdder: secretmanager.versions.add
roles/artifactregistry.admin: artifactregistry.*
roles/artifactregistry.repoAdmin: artifactregistry.dockerimages.* artifactregistry.files.* artifactregistry.packages.* artifactregistry.tags.* artifactregistry.versions.* artifactregistry.repositories.deleteArtifacts artifactregistry.repositories.downloadArtifacts artifactregistry.repositories.uploadArtifacts
roles/artifactregistry.writer: artifactregistry.repositories.downloadArtifacts artifactregistry.repositories.uploadArtifacts artifactregistry.tags.create artifactregistry.tags.update
roles/artifactregistry.createOnPushWriter: artifactregistry.repositories.createOnPush artifactregistry.repositories.downloadArtifacts artifactregistry.repositories.uploadArtifacts artifactregistry.tags.create artifactregistry.tags.update
roles/artifactregistry.createOnPushRepoAdmin: artifactregistry.repositories.createOnPush artifactregistry.repositories.deleteArtifacts artifactregistry.repositories.downloadArtifacts artifactregistry.repositories.uploadArtifacts artifactregistry.tags.*
roles/artifactregistry.reader: artifactregistry.repositories.downloadArtifacts
roles/cloudkms.admin: cloudkms.cryptoKeys.* cloudkms.keyRings.* cloudkms.importJobs.* cloudkms.cryptoKeyVersions.create cloudkms.cryptoKeyVersions.destroy cloudkms.cryptoKeyVersions.get cloudkms.cryptoKeyVersions.list cloudkms.cryptoKeyVersions.restore cloudkms.cryptoKeyVersions.update
roles/cloudkms.cryptoKeyDecrypter: cloudkms.cryptoKeyVersions.useToDecrypt
roles/cloudkms.cryptoKeyEncrypter: cloudkms.cryptoKeyVersions.useToEncrypt
roles/cloudkms.cryptoKeyEncrypterDecrypter: cloudkms.cryptoKeyVersions.useToDecrypt cloudkms.cryptoKeyVersions.useToEncrypt
roles/cloudkms.cryptoOperator: cloudkms.cryptoKeyVersions.useToDecrypt cloudkms.cryptoKeyVersions.useToEncrypt cloudkms.cryptoKeyVersions.useToSign cloudkms.cryptoKeyVersions.useToVerify
roles/cloudkms.signer: cloudkms.cryptoKeyVersions.useToSign
roles/cloudkms.signerVerifier: cloudkms.cryptoKeyVersions.useToSign cloudkms.cryptoKeyVersions.useToVerify
roles/bigquery.admin: bigquery.*
roles/bigquery.dataOwner: bigquery.datasets.* bigquery.tables.* bigquery.models.* bigquery.routines.*
roles/bigquery.dataEditor: bigquery.tables.create bigquery.tables.delete bigquery.tables.export bigquery.tables.get bigquery.tables.getData bigquery.tables.list bigquery.tables.update bigquery.tables.updateData
roles/bigquery.dataViewer: bigquery.tables.export bigquery.tables.get bigquery.tables.getData bigquery.tables.list
roles/cloudsql.admin: cloudsql.*
roles/cloudsql.editor: cloudsql.backupRuns.create cloudsql.databases.create cloudsql.databases.update cloudsql.instances.connect cloudsql.instances.export cloudsql.instances.failover cloudsql.instances.restart cloudsql.instances.update
roles/spanner.admin: spanner.*
roles/spanner.databaseAdmin: spanner.databases.* spanner.sessions.*
roles/spanner.databaseReader: spanner.databases.read spanner.databases.select spanner.sessions.*
roles/spanner.databaseUser: spanner.databases.read spanner.databases.select spanner.databases.write spanner.databases.updateDdl spanner.sessions.*
roles/datastore.owner: datastore.*
roles/datastore.user: datastore.entities.*
roles/datastore.viewer: datastore.entities.get datastore.entities.list
roles/bigtable.admin: bigtable.*
roles/bigtable.user: bigtable.tables.readRows bigtable.tables.mutateRows
roles/bigtable.reader: bigtable.tables.readRows
roles/pubsub.admin: pubsub.*
roles/pubsub.editor: pubsub.topics.create pubsub.topics.delete pubsub.topics.publish pubsub.subscriptions.create pubsub.subscriptions.consume pubsub.subscriptions.delete
roles/pubsub.subscriber: pubsub.subscriptions.consume pubsub.topics.attachSubscription
roles/logging.admin: logging.*
roles/logging.privateLogViewer: logging.privateLogEntries.list
roles/logging.configWriter: logging.sinks.* logging.exclusions.* logging.buckets.*
roles/source.admin: source.*
roles/source.writer: source.repos.get source.repos.update
roles/dns.admin: dns.*
roles/servicemanagement.admin: servicemanagement.*
`

const actAs = "iam.serviceAccounts.actAs"

// gcpWays are the known ways on GCP. An account that may be acted as lends its
// rights to whatever is started with it. It is read, never written.
var gcpWays = func() []way {
	var out []way
	for _, p := range []string{
		"resourcemanager.organizations.setIamPolicy", "resourcemanager.folders.setIamPolicy", "resourcemanager.projects.setIamPolicy",
		"iam.serviceAccounts.setIamPolicy", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.implicitDelegation",
		"iam.serviceAccounts.signBlob", "iam.serviceAccounts.signJwt", "iam.serviceAccountKeys.create", "iam.roles.update",
		"iam.workloadIdentityPoolProviders.update", "orgpolicy.policy.set", "deploymentmanager.deployments.create",
		"deploymentmanager.deployments.update", "cloudbuild.builds.create",
	} {
		out = append(out, way{all: []string{p}})
	}
	out = append(out, way{all: []string{"iam.workloadIdentityPoolProviders.create"}, like: "iam.workloadIdentityPoolProviders.update"})
	for _, p := range []string{
		"compute.instances.create", "compute.instances.setServiceAccount", "compute.instances.setMetadata",
		"compute.projects.setCommonInstanceMetadata", "compute.instances.osAdminLogin", "run.services.create", "run.services.update", "run.jobs.create", "run.workerpools.create",
		"cloudfunctions.functions.create", "cloudfunctions.functions.update", "appengine.versions.create", "composer.environments.create",
		"dataproc.clusters.create", "dataflow.jobs.create", "notebooks.instances.create", "aiplatform.customJobs.create",
		"cloudscheduler.jobs.create", "workflows.workflows.create", "batch.jobs.create", "clouddeploy.releases.create",
		"container.clusters.create", "cloudtasks.tasks.create", "config.deployments.create",
	} {
		out = append(out, way{all: []string{actAs, p}})
	}
	for _, p := range [][2]string{
		{"run.jobs.update", "run.jobs.create"}, {"run.workerpools.update", "run.workerpools.create"},
		{"workflows.workflows.update", "workflows.workflows.create"}, {"config.deployments.update", "config.deployments.create"},
		{"dataproc.batches.create", "dataproc.clusters.create"}, {"aiplatform.pipelineJobs.create", "aiplatform.customJobs.create"},
	} {
		out = append(out, way{all: []string{actAs, p[0]}, like: p[1]})
	}
	out = append(out, way{all: []string{actAs, "compute.instanceTemplates.create"},
		any: []string{"compute.instanceGroupManagers.create", "compute.instanceGroupManagers.update"}, like: "compute.instances.create"})
	return out
}()

// gcpTable holds the permissions of each category, by the same source. It is
// read, never written.
var gcpTable = categories(map[Category]string{
	Credentials: `
iam.: serviceAccounts.getAccessToken serviceAccounts.getOpenIdToken serviceAccounts.implicitDelegation serviceAccounts.signBlob serviceAccounts.signJwt serviceAccountKeys.create
storage.: hmacKeys.create
apikeys.: keys.create keys.getKeyString
`,
	Exfiltration: `
secretmanager.: versions.access
storage.: objects.get
bigquery.: tables.getData tables.export
cloudsql.: instances.export
spanner.: databases.select databases.read
datastore.: entities.get
bigtable.: tables.readRows
compute.: snapshots.setIamPolicy images.setIamPolicy
cloudkms.: cryptoKeyVersions.useToDecrypt
`,
	Permissions: `
resourcemanager.: organizations.setIamPolicy folders.setIamPolicy projects.setIamPolicy
iam.: serviceAccounts.setIamPolicy roles.create roles.update denypolicies.delete denypolicies.update workloadIdentityPoolProviders.create workloadIdentityPoolProviders.update
storage.: buckets.setIamPolicy objects.setIamPolicy
artifactregistry.: repositories.setIamPolicy
secretmanager.: secrets.setIamPolicy
cloudkms.: cryptoKeys.setIamPolicy keyRings.setIamPolicy
compute.: instances.setIamPolicy images.setIamPolicy snapshots.setIamPolicy
pubsub.: topics.setIamPolicy subscriptions.setIamPolicy
bigquery.: datasets.setIamPolicy tables.setIamPolicy
run.: services.setIamPolicy
cloudfunctions.: functions.setIamPolicy
orgpolicy.: policy.set
`,
	Write: `
artifactregistry.: repositories.uploadArtifacts repositories.deleteArtifacts repositories.delete repositories.update tags.update
storage.: objects.create objects.delete buckets.update buckets.delete
compute.: instances.create instances.delete instances.setMetadata instances.setServiceAccount instances.stop instanceTemplates.create instanceGroupManagers.update disks.delete snapshots.delete firewalls.create firewalls.update firewalls.delete routes.create projects.setCommonInstanceMetadata
container.: clusters.create clusters.update clusters.delete pods.exec clusterRoleBindings.create
secretmanager.: versions.add versions.destroy secrets.delete
cloudkms.: cryptoKeyVersions.destroy
cloudsql.: instances.delete instances.update
bigquery.: tables.updateData tables.delete
logging.: sinks.delete sinks.update logs.delete
run.: services.create services.update
cloudfunctions.: functions.create functions.update
dns.: changes.create
`,
})
