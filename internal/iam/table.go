package iam

import (
	"slices"
	"strings"
)

// Category is a kind of harm that an action can do.
type Category string

// The categories. An action may be in several.
const (
	// Credentials gives out keys, tokens or passwords that work elsewhere.
	Credentials Category = "credentials"
	// Exfiltration reads or hands out what is stored.
	Exfiltration Category = "exfiltration"
	// Permissions changes who may do what with a resource.
	Permissions Category = "permissions"
	// Write creates, changes or deletes what others rely on.
	Write Category = "write"
	// Restrictable is what else can be limited to resources by name: all that
	// writes or reads without being in one of the first three.
	Restrictable Category = "restrictable"
)

// Categories lists them.
func Categories() []Category {
	return []Category{Credentials, Exfiltration, Permissions, Write, Restrictable}
}

// table holds the actions of each category that IAM can limit to resources by
// name, after AWS's Service Authorization Reference. It is read, never written.
var table = func() map[Category][]string {
	out := map[Category][]string{}
	add := func(category Category, actions string) {
		for line := range strings.Lines(strings.TrimSpace(actions)) {
			service, names, _ := strings.Cut(strings.TrimSpace(line), ": ")
			for _, name := range strings.Fields(names) {
				out[category] = append(out[category], service+":"+name)
			}
		}
	}
	add(Credentials, credentials)
	add(Exfiltration, exfiltration)
	add(Permissions, permissions)
	add(Write, writes)
	graver := map[string]bool{}
	for _, c := range []Category{Credentials, Exfiltration, Permissions} {
		for _, a := range out[c] {
			graver[a] = true
		}
	}
	add(Restrictable, writes)
	add(Restrictable, reads)
	out[Restrictable] = slices.DeleteFunc(out[Restrictable], func(a string) bool { return graver[a] })
	return out
}()

const credentials = `
sts: AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity GetFederationToken
iam: CreateAccessKey UpdateAccessKey CreateLoginProfile UpdateLoginProfile CreateServiceSpecificCredential ResetServiceSpecificCredential UploadSSHPublicKey
rds-db: connect
redshift: GetClusterCredentials GetClusterCredentialsWithIAM CreateClusterUser
redshift-serverless: GetCredentials
ec2: GetPasswordData
codepipeline: PollForJobs
cognito-idp: DescribeUserPoolClient
connect: GetFederationToken
lightsail: GetInstanceAccessDetails GetRelationalDatabaseMasterUserPassword
gamelift: GetComputeAccess RequestUploadCredentials
elasticache: Connect
`

const exfiltration = `
s3: GetObject GetObjectVersion
secretsmanager: GetSecretValue
ssm: GetParameter GetParameters GetParametersByPath GetParameterHistory
dynamodb: GetItem BatchGetItem Query Scan GetRecords ExportTableToPointInTime PartiQLSelect
rds: CopyDBSnapshot CopyDBClusterSnapshot ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute StartExportTask
rds-data: ExecuteStatement BatchExecuteStatement
ec2: ModifySnapshotAttribute ModifyImageAttribute
ebs: GetSnapshotBlock
sqs: ReceiveMessage
kinesis: GetRecords SubscribeToShard
codecommit: GitPull
redshift: AuthorizeSnapshotAccess
backup: StartRestoreJob
glacier: GetJobOutput
`

const permissions = `
iam: AttachGroupPolicy AttachRolePolicy AttachUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy CreatePolicyVersion SetDefaultPolicyVersion UpdateAssumeRolePolicy AddUserToGroup DeleteRolePermissionsBoundary DeleteUserPermissionsBoundary PutRolePermissionsBoundary PutUserPermissionsBoundary DetachRolePolicy DetachUserPolicy DetachGroupPolicy DeleteRolePolicy DeleteUserPolicy DeleteGroupPolicy DeletePolicyVersion CreateRole CreateUser CreatePolicy CreateInstanceProfile AddRoleToInstanceProfile UpdateOpenIDConnectProviderThumbprint CreateOpenIDConnectProvider CreateSAMLProvider UpdateSAMLProvider
s3: PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutObjectAcl PutObjectVersionAcl PutBucketPublicAccessBlock PutBucketOwnershipControls PutAccessPointPolicy DeleteAccessPointPolicy PutMultiRegionAccessPointPolicy BypassGovernanceRetention
kms: PutKeyPolicy CreateGrant RetireGrant RevokeGrant
s3express: PutBucketPolicy DeleteBucketPolicy
ecr: SetRepositoryPolicy DeleteRepositoryPolicy
ecr-public: SetRepositoryPolicy
eks: CreateAccessEntry UpdateAccessEntry AssociateAccessPolicy AssociateIdentityProviderConfig CreatePodIdentityAssociation UpdatePodIdentityAssociation
lambda: AddPermission RemovePermission AddLayerVersionPermission RemoveLayerVersionPermission PutResourcePolicy DeleteResourcePolicy
dynamodb: PutResourcePolicy DeleteResourcePolicy
sns: AddPermission SetTopicAttributes RemovePermission
sqs: AddPermission SetQueueAttributes RemovePermission
secretsmanager: PutResourcePolicy DeleteResourcePolicy
ec2: ModifySnapshotAttribute ModifyImageAttribute CreateNetworkInterfacePermission ModifyVpcEndpointServicePermissions
rds: ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute AuthorizeDBSecurityGroupIngress
elasticfilesystem: PutFileSystemPolicy DeleteFileSystemPolicy
es: CreateElasticsearchDomain UpdateElasticsearchDomainConfig UpdateDomainConfig
backup: PutBackupVaultAccessPolicy
glue: PutResourcePolicy DeleteResourcePolicy
acm-pca: CreatePermission PutPolicy
ssm: ModifyDocumentPermission PutResourcePolicy DeleteResourcePolicy
codebuild: PutResourcePolicy DeleteResourcePolicy
signer: AddProfilePermission RemoveProfilePermission
sso: AttachManagedPolicyToPermissionSet AttachCustomerManagedPolicyReferenceToPermissionSet PutInlinePolicyToPermissionSet CreateAccountAssignment
identitystore: CreateGroupMembership
`

const writes = `
s3: PutObject DeleteObject DeleteObjectVersion DeleteBucket PutLifecycleConfiguration PutBucketVersioning PutEncryptionConfiguration PutBucketLogging PutReplicationConfiguration RestoreObject
ec2: TerminateInstances StopInstances StartInstances RebootInstances RunInstances ModifyInstanceAttribute AttachVolume DetachVolume DeleteVolume DeleteSnapshot AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress DeleteSecurityGroup CreateRoute DeleteRoute ReplaceRoute DeleteRouteTable DeleteSubnet DeleteVpc DeleteInternetGateway AttachInternetGateway DeleteNetworkInterface AttachNetworkInterface AssociateAddress ReleaseAddress DeleteNatGateway DeleteVpcEndpoints DeleteFlowLogs CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate DeleteKeyPair DeregisterImage
autoscaling: UpdateAutoScalingGroup DeleteAutoScalingGroup SetDesiredCapacity TerminateInstanceInAutoScalingGroup DetachInstances
eks: DeleteCluster UpdateClusterConfig UpdateClusterVersion CreateNodegroup DeleteNodegroup UpdateNodegroupConfig CreateAddon UpdateAddon DeleteAddon CreateFargateProfile
ecr: PutImage InitiateLayerUpload UploadLayerPart CompleteLayerUpload BatchDeleteImage DeleteRepository PutLifecyclePolicy PutImageTagMutability PutImageScanningConfiguration
rds: CreateDBInstance DeleteDBInstance ModifyDBInstance DeleteDBCluster ModifyDBCluster DeleteDBSnapshot StopDBInstance RebootDBInstance
dynamodb: PutItem UpdateItem DeleteItem BatchWriteItem DeleteTable UpdateTable
lambda: CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction InvokeFunction PublishLayerVersion
kms: ScheduleKeyDeletion DisableKey DisableKeyRotation DeleteAlias UpdateAlias
secretsmanager: PutSecretValue UpdateSecret DeleteSecret RotateSecret
ssm: PutParameter DeleteParameter DeleteParameters SendCommand StartSession StartAutomationExecution
sqs: SendMessage DeleteMessage PurgeQueue DeleteQueue
sns: Publish Subscribe DeleteTopic
kinesis: PutRecord PutRecords DeleteStream
logs: DeleteLogGroup DeleteLogStream PutRetentionPolicy DeleteRetentionPolicy
cloudtrail: StopLogging DeleteTrail UpdateTrail PutEventSelectors
guardduty: DeleteDetector UpdateDetector
config: DeleteConfigRule
cloudformation: CreateStack UpdateStack DeleteStack ExecuteChangeSet
codebuild: CreateProject UpdateProject StartBuild DeleteProject
codecommit: GitPush
codepipeline: UpdatePipeline StartPipelineExecution DeletePipeline
ecs: RegisterTaskDefinition RunTask UpdateService DeleteService DeleteCluster
elasticloadbalancing: DeleteLoadBalancer ModifyListener DeleteListener ModifyRule RegisterTargets DeregisterTargets
elasticfilesystem: DeleteFileSystem ClientWrite ClientRootAccess
route53: ChangeResourceRecordSets DeleteHostedZone
acm: DeleteCertificate ImportCertificate
iam: CreateUser DeleteUser CreateRole DeleteRole DeletePolicy UpdateRole TagRole
elasticache: DeleteReplicationGroup ModifyReplicationGroup
es: ESHttpPut ESHttpPost ESHttpDelete DeleteElasticsearchDomain DeleteDomain
states: StartExecution UpdateStateMachine DeleteStateMachine
events: PutRule PutTargets DeleteRule PutEvents
glue: CreateJob UpdateJob StartJobRun DeleteDatabase
wafv2: DeleteWebACL UpdateWebACL
backup: DeleteRecoveryPoint DeleteBackupVault
`

const reads = `
s3: ListBucket ListBucketVersions GetBucketPolicy GetBucketAcl GetObjectAcl GetBucketLocation
ecr: BatchGetImage GetDownloadUrlForLayer BatchCheckLayerAvailability
dynamodb: DescribeTable
sqs: GetQueueAttributes GetQueueUrl
sns: GetTopicAttributes ListSubscriptionsByTopic
lambda: GetFunction GetFunctionConfiguration GetPolicy
athena: GetQueryResults
kms: Decrypt ReEncryptFrom Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext DescribeKey GetKeyPolicy
secretsmanager: DescribeSecret ListSecretVersionIds GetResourcePolicy
iam: GetRole GetPolicy GetPolicyVersion GetRolePolicy ListRolePolicies ListAttachedRolePolicies GetUser
eks: DescribeCluster DescribeNodegroup AccessKubernetesApi ListNodegroups
logs: CreateLogStream PutLogEvents DescribeLogStreams GetLogEvents FilterLogEvents StartQuery CreateExportTask
`
