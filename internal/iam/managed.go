package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// managedPolicies are the statements of AWS's own managed policies by name, as far
// as what they grant on everything is of interest here, after the AWS Managed
// Policy Reference (https://docs.aws.amazon.com/aws-managed-policy/latest/reference).
// What they grant on resources that they name, or by tags, is left out: it opens no
// way. A policy that is not among them grants none of what the tables name. It is
// read, never written.
var managedPolicies = func() map[string][]*resource.Node {
	out := map[string][]*resource.Node{}
	for line := range strings.Lines(managedTable) {
		name, grants, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		actions, but := texts(), texts()
		for pattern := range strings.FieldsSeq(grants) {
			action, service, passed := strings.Cut(pattern, "@")
			except, not := strings.CutPrefix(action, "!")
			denied, deny := strings.CutPrefix(action, "-")
			switch {
			case passed:
				to := texts()
				for s := range strings.SplitSeq(service, ",") {
					to.Items = append(to.Items, said(nil, s+".amazonaws.com"))
				}
				out[name] = append(out[name], statement("Allow", "Action", texts(action), put("Condition", &resource.Node{Kind: resource.Map, Fields: []resource.Field{
					put("StringEquals", &resource.Node{Kind: resource.Map, Fields: []resource.Field{put("iam:PassedToService", to)}}),
				}})))
			case deny:
				out[name] = append(out[name], statement("Deny", "Action", texts(denied)))
			case not:
				but.Items = append(but.Items, said(nil, except))
			default:
				actions.Items = append(actions.Items, said(nil, action))
			}
		}
		if len(actions.Items) > 0 {
			out[name] = append(out[name], statement("Allow", "Action", actions))
		}
		if len(but.Items) > 0 {
			out[name] = append(out[name], statement("Allow", "NotAction", but))
		}
	}
	return out
}()

func statement(effect, element string, actions *resource.Node, more ...resource.Field) *resource.Node {
	return &resource.Node{Kind: resource.Map, Fields: append([]resource.Field{
		put("Effect", said(nil, effect)), put(element, actions), put("Resource", texts("*")),
	}, more...)}
}

// managedName gives the name of a managed policy of AWS's own, by its ARN or by
// what is known of that; "" for any other.
func managedName(arn *resource.Node) string {
	s, _ := text(arn)
	_, path, ok := strings.Cut(s, ":iam::aws:policy/")
	if !ok || strings.Contains(path, hole) {
		return ""
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// managedOf gives the names of AWS's policies that a principal has: those that it
// takes, and those that are attached to it.
func (j *joiner) managedOf(p *resource.Resource) []string {
	var out []string
	_, bare := j.mixed[p.Kind]
	add := func(arn *resource.Node) {
		name := managedName(arn)
		if s, known := text(arn); name == "" && known && bare && managedPolicies[s] != nil {
			name = s
		}
		if name == "" && arn != nil && len(arn.Refs) > 0 {
			for _, d := range j.beside(j.lookup) {
				if slices.Contains(arn.Refs, d.ID) {
					if name = d.Root.Get("name").Str(); name == "" {
						name = managedName(d.Root.Get("arn"))
					}
				}
			}
		}
		if name != "" && len(out) < maxPrincipals && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range j.takes {
		list, _ := items(j.field(p, name))
		for _, arn := range list {
			add(arn)
		}
	}
	for _, arn := range j.mixedOf(p) {
		add(arn)
	}
	for _, kind := range slices.Sorted(maps.Keys(j.attachments)) {
		for _, a := range j.beside(kind) {
			if !j.anyRefers(a, j.attachments[kind], p.ID) {
				continue
			}
			for _, name := range j.attached {
				arns, _ := items(j.field(a, name))
				if f := j.field(a, name); f != nil && f.Unknown {
					arns = []*resource.Node{f}
				}
				for _, arn := range arns {
					add(arn)
				}
			}
		}
	}
	return out
}

// The names of actions and patterns, those that are not granted behind "!", those
// that are denied behind "-". Behind "@" stands to what a role may be passed.
const managedTable = `
AdministratorAccess: *
PowerUserAccess: !iam:* !organizations:* !account:*
IAMFullAccess: iam:*
AWSDenyAll: -*
AdministratorAccess-Amplify: codecommit:GitPull cognito-idp:DescribeUserPoolClient dynamodb:DescribeTable iam:AttachRolePolicy iam:CreatePolicy iam:CreatePolicyVersion iam:CreateRole iam:DeletePolicyVersion iam:DeleteRole iam:DeleteRolePolicy iam:DetachRolePolicy iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:PassRole iam:PutRolePolicy iam:UpdateAssumeRolePolicy lambda:AddPermission lambda:CreateEventSourceMapping lambda:CreateFunction lambda:DeleteFunction lambda:GetFunction lambda:GetFunctionConfiguration lambda:InvokeFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration logs:DescribeLogStreams logs:GetLogEvents route53:ChangeResourceRecordSets s3:DeleteBucket s3:DeleteBucketPolicy s3:DeleteObject s3:DeleteObjectVersion s3:GetBucketLocation s3:GetObject s3:ListBucket s3:ListBucketVersions s3:PutBucketAcl s3:PutBucketPolicy s3:PutBucketVersioning s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration s3:PutObject s3:PutObjectAcl sqs:DeleteQueue sqs:GetQueueAttributes sqs:SetQueueAttributes sts:AssumeRole
AdministratorAccess-AWSElasticBeanstalk: ec2:AssociateAddress ec2:AuthorizeSecurityGroup* ec2:CreateLaunchTemplate* ec2:DeleteLaunchTemplate* ec2:DeleteSecurityGroup ec2:ReleaseAddress ec2:RevokeSecurityGroup* ecs:RegisterTaskDefinition iam:GetRole iam:ListAttachedRolePolicies iam:ListRolePolicies iam:PassRole@autoscaling,cloudformation,ec2,ecs,elasticbeanstalk,elasticloadbalancing logs:Describe* rds:AuthorizeDBSecurityGroupIngress rds:CreateDBInstance rds:DeleteDBInstance rds:ModifyDBInstance sns:ListSubscriptionsByTopic
SystemAdministrator: autoscaling:* cloudtrail:StopLogging codecommit:GitPull codecommit:GitPush codepipeline:* config:* ec2:Associate* ec2:AttachInternetGateway ec2:AttachNetworkInterface ec2:AttachVolume ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:CreateRoute ec2:DeleteFlowLogs ec2:DeleteInternetGateway ec2:DeleteKeyPair ec2:DeleteLaunchTemplate ec2:DeleteNatGateway ec2:DeleteNetworkInterface ec2:DeleteRoute ec2:DeleteRouteTable ec2:DeleteSecurityGroup ec2:DeleteSnapshot ec2:DeleteSubnet ec2:DeleteVolume ec2:DeleteVpc ec2:DeleteVpcEndpoints ec2:DeregisterImage ec2:DetachVolume ec2:GetPasswordData ec2:Modify* ec2:RebootInstances ec2:Release* ec2:Replace* ec2:Request* ec2:RevokeSecurityGroupIngress ec2:RunInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances elasticloadbalancing:* events:* iam:GetPolicy* iam:GetRole* iam:GetUser* iam:ListAttached* iam:ListRolePolicies iam:Upload* kinesis:PutRecord kms:DeleteAlias kms:Describe* kms:Encrypt kms:Get* kms:ReEncrypt* lambda:Create* lambda:Delete* lambda:Get* lambda:InvokeFunction lambda:Update* logs:* route53:* s3:* sns:* sqs:*
NetworkAdministrator: ec2:AssociateAddress ec2:AttachInternetGateway ec2:AttachNetworkInterface ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterfacePermission ec2:CreateRoute ec2:DeleteFlowLogs ec2:DeleteInternetGateway ec2:DeleteNatGateway ec2:DeleteNetworkInterface ec2:DeleteRoute ec2:DeleteRouteTable ec2:DeleteSecurityGroup ec2:DeleteSubnet ec2:DeleteVolume ec2:DeleteVpc ec2:DeleteVpcEndpoints ec2:ModifyVpcEndpointServicePermissions ec2:ReleaseAddress ec2:ReplaceRoute ec2:RevokeSecurityGroupIngress elasticloadbalancing:* logs:DescribeLogStreams logs:GetLogEvents route53:* s3:GetBucketLocation s3:ListBucket sns:ListSubscriptionsByTopic
DatabaseAdministrator: datapipeline:CreatePipeline datapipeline:PutPipelineDefinition dynamodb:* elasticache:* iam:GetRole lambda:CreateEventSourceMapping lambda:CreateFunction lambda:DeleteFunction lambda:GetFunctionConfiguration logs:Create* logs:DescribeLogStreams logs:FilterLogEvents logs:GetLogEvents logs:PutLogEvents rds:* redshift:* s3:DeleteObject* s3:Get* s3:List* s3:PutBucketVersioning s3:PutLifecycleConfiguration s3:PutObject* s3:PutReplicationConfiguration s3:RestoreObject sns:DeleteTopic sns:Get* sns:List* sns:SetTopicAttributes sns:Subscribe
DataScientist: autoscaling:* cloudformation:CreateStack dynamodb:* ec2:ModifyImageAttribute ec2:ModifyInstanceAttribute ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances elasticfilesystem:* elasticmapreduce:* es:* iam:GetPolicy iam:GetPolicyVersion iam:GetRole iam:PassRole@sagemaker kinesis:* lambda:Create* lambda:Delete* lambda:Get* lambda:InvokeFunction lambda:Update* logs:DescribeLogStreams logs:GetLogEvents rds:* redshift:* s3:DeleteObject s3:Get* s3:List* s3:PutBucketLogging s3:PutObject s3:RestoreObject sagemaker:* sns:Get* sns:List*
SecurityAudit: cognito-idp:Describe* dynamodb:DescribeTable eks:DescribeCluster eks:DescribeNodeGroup eks:ListNodeGroups iam:Get* iam:List* kms:Describe* kms:Get* lambda:GetFunctionConfiguration lambda:GetPolicy logs:Describe* s3:GetBucket* s3:GetObjectAcl s3:ListBucket secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy secretsmanager:ListSecretVersionIds sns:GetTopicAttributes sns:ListSubscriptionsByTopic sqs:GetQueueAttributes
SupportUser: codepipeline:PollForJobs dynamodb:DescribeTable ecr:BatchCheckLayerAvailability glacier:Get* iam:Get* iam:List* kinesis:Get* kms:Describe* kms:Get* lambda:Get* logs:Describe* s3:List* sns:Get* sns:List* sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage
ReadOnlyAccess: athena:Get* codecommit:GitPull cognito-idp:Describe* connect:GetFederationToken dynamodb:BatchGet* dynamodb:Describe* dynamodb:Get* dynamodb:PartiQLSelect dynamodb:Query dynamodb:Scan ec2:Get* ecr:BatchCheck* ecr:BatchGet* ecr:Get* eks:AccessKubernetesApi eks:Describe* eks:List* gamelift:Get* glacier:Get* iam:Get* iam:List* kinesis:Get* kms:Describe* kms:Get* lambda:Get* logs:Describe* logs:FilterLogEvents logs:Get* logs:StartQuery s3:Get* s3:List* secretsmanager:Describe* secretsmanager:GetResourcePolicy secretsmanager:List* sns:Get* sns:List* sqs:Get* sqs:Receive* ssm:Get*
ViewOnlyAccess: dynamodb:DescribeTable eks:DescribeCluster eks:DescribeNodegroup eks:ListNodegroups iam:List* logs:Describe* s3:ListBucket sns:List* sqs:GetQueueAttributes sqs:GetQueueUrl
IAMReadOnlyAccess: iam:Get* iam:List*
AWSSSOMasterAccountAdministrator: identitystore:* kms:DescribeKey sso:*
AWSSSOMemberAccountAdministrator: identitystore:* kms:DescribeKey sso:*
AWSSSODirectoryAdministrator: identitystore:*
AmazonEKSClusterPolicy: autoscaling:UpdateAutoScalingGroup ec2:AttachVolume ec2:AuthorizeSecurityGroupIngress ec2:CreateRoute ec2:DeleteRoute ec2:DeleteSecurityGroup ec2:DeleteVolume ec2:DetachVolume ec2:ModifyInstanceAttribute ec2:RevokeSecurityGroupIngress elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DeregisterTargets elasticloadbalancing:ModifyListener elasticloadbalancing:RegisterTargets kms:DescribeKey
AmazonEKSServicePolicy: ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface eks:UpdateClusterVersion iam:ListAttachedRolePolicies
AmazonEKSComputePolicy: iam:PassRole@ec2
AmazonEKS_CNI_Policy: ec2:AttachNetworkInterface ec2:DeleteNetworkInterface
AmazonEKSVPCResourceController: ec2:AttachNetworkInterface ec2:DeleteNetworkInterface
AmazonEBSCSIDriverPolicy: ec2:AttachVolume ec2:DetachVolume
AmazonEC2ContainerRegistryFullAccess: ecr:*
AmazonEC2ContainerRegistryPowerUser: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:CompleteLayerUpload ecr:GetDownloadUrlForLayer ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart
AmazonEC2ContainerRegistryReadOnly: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer
AmazonEC2ContainerRegistryPullOnly: ecr:BatchGetImage ecr:GetDownloadUrlForLayer
AmazonElasticContainerRegistryPublicFullAccess: ecr-public:*
AmazonElasticContainerRegistryPublicPowerUser: ecr-public:InitiateLayerUpload ecr-public:PutImage
AmazonSSMFullAccess: logs:* ssm:*
AmazonSSMReadOnlyAccess: ssm:Get*
AmazonSSMManagedInstanceCore: ssm:GetParameter ssm:GetParameters
AmazonSSMAutomationRole: cloudformation:CreateStack cloudformation:DeleteStack cloudformation:UpdateStack ec2:DeleteSnapshot ec2:DeregisterImage ec2:RunInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances ssm:*
AmazonSSMMaintenanceWindowRole: ssm:GetParameters ssm:SendCommand ssm:StartAutomationExecution
AmazonEC2RoleforSSM: logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents s3:GetBucketLocation s3:GetObject s3:ListBucket s3:PutObject ssm:GetParameters
AmazonS3FullAccess: s3:*
AmazonS3ReadOnlyAccess: s3:Get* s3:List*
SecretsManagerReadWrite: cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet kms:DescribeKey secretsmanager:*
AWSSecretsManagerClientReadOnlyAccess: secretsmanager:DescribeSecret secretsmanager:GetSecretValue
AWSKeyManagementServicePowerUser: kms:DeleteAlias kms:Describe* kms:Get*
AmazonEC2FullAccess: autoscaling:* ec2:* elasticloadbalancing:*
AmazonVPCFullAccess: ec2:AssociateAddress ec2:AttachInternetGateway ec2:AttachNetworkInterface ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterfacePermission ec2:CreateRoute ec2:DeleteFlowLogs ec2:DeleteInternetGateway ec2:DeleteNatGateway ec2:DeleteNetworkInterface ec2:DeleteRoute ec2:DeleteRouteTable ec2:DeleteSecurityGroup ec2:DeleteSubnet ec2:DeleteVpc ec2:DeleteVpcEndpoints ec2:ModifyVpcEndpointServicePermissions ec2:ReleaseAddress ec2:ReplaceRoute ec2:RevokeSecurityGroupIngress
AutoScalingFullAccess: autoscaling:*
AutoScalingConsoleFullAccess: autoscaling:* ec2:AuthorizeSecurityGroupIngress
ElasticLoadBalancingFullAccess: cognito-idp:DescribeUserPoolClient elasticloadbalancing:*
EC2InstanceConnect: ec2-instance-connect:SendSSHPublicKey
EC2ImageBuilderExecutionPolicy: ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate ec2:RunInstances iam:PassRole@ec2,vmie ssm:CreateAssociation
AmazonEC2SpotFleetTaggingRole: ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances elasticloadbalancing:RegisterTargets iam:PassRole@ec2
AmazonECS_FullAccess: autoscaling:CreateAutoScalingGroup autoscaling:CreateLaunchConfiguration autoscaling:DeleteAutoScalingGroup autoscaling:UpdateAutoScalingGroup cloudformation:CreateStack cloudformation:DeleteStack cloudformation:UpdateStack ec2:AttachInternetGateway ec2:AuthorizeSecurityGroupIngress ec2:CreateLaunchTemplate ec2:CreateRoute ec2:DeleteLaunchTemplate ec2:DeleteSubnet ec2:DeleteVpc ec2:RunInstances ecs:* elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer events:DeleteRule events:PutRule events:PutTargets iam:ListAttachedRolePolicies iam:PassRole@ecs-tasks logs:FilterLogEvents route53:DeleteHostedZone
AmazonEC2ContainerServiceforEC2Role: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer logs:CreateLogStream logs:PutLogEvents
AmazonEC2ContainerServiceEventsRole: ecs:RunTask iam:PassRole@ecs-tasks
AmazonECSTaskExecutionRolePolicy: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer logs:CreateLogStream logs:PutLogEvents
AWSLambda_FullAccess: iam:GetPolicy iam:GetPolicyVersion iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:PassRole@lambda kms:DescribeKey lambda:*
AWSLambdaExecute: logs:* s3:GetObject s3:PutObject
AWSLambdaRole: lambda:InvokeFunction
AWSLambdaBasicExecutionRole: logs:CreateLogStream logs:PutLogEvents
AWSLambdaVPCAccessExecutionRole: ec2:DeleteNetworkInterface logs:CreateLogStream logs:PutLogEvents
AWSCodeBuildAdminAccess: codebuild:* events:DeleteRule events:PutRule events:PutTargets logs:GetLogEvents s3:GetBucketLocation sns:GetTopicAttributes
AWSCodeBuildDeveloperAccess: codebuild:StartBuild codebuild:StartBuildBatch logs:GetLogEvents s3:GetBucketLocation sns:GetTopicAttributes
AWSCodePipeline_FullAccess: codebuild:CreateProject codepipeline:* iam:GetRole iam:PassRole@codepipeline
AWSCodeDeployRole: autoscaling:CreateAutoScalingGroup autoscaling:DeleteAutoScalingGroup autoscaling:UpdateAutoScalingGroup ec2:TerminateInstances elasticloadbalancing:DeregisterTargets elasticloadbalancing:RegisterTargets sns:Publish
AWSCodeCommitFullAccess: codecommit:* sns:GetTopicAttributes sns:ListSubscriptionsByTopic
AWSCodeCommitPowerUser: codecommit:GitPull codecommit:GitPush sns:GetTopicAttributes sns:ListSubscriptionsByTopic
AWSCloudFormationFullAccess: cloudformation:*
AWSStepFunctionsFullAccess: states:*
AWSStepFunctionsConsoleFullAccess: states:*
AWSAppRunnerFullAccess: apprunner:* iam:PassRole@apprunner
AWSBatchFullAccess: batch:* eks:DescribeCluster logs:Describe* logs:FilterLogEvents logs:Get*
AWSBatchServiceRole: autoscaling:CreateAutoScalingGroup autoscaling:CreateLaunchConfiguration autoscaling:DeleteAutoScalingGroup autoscaling:SetDesiredCapacity autoscaling:TerminateInstanceInAutoScalingGroup autoscaling:UpdateAutoScalingGroup ec2:CreateLaunchTemplate ec2:DeleteLaunchTemplate ec2:RunInstances ec2:TerminateInstances ecs:DeleteCluster ecs:RegisterTaskDefinition ecs:RunTask ecs:StartTask iam:GetRole iam:PassRole@ec2,ecs-tasks logs:CreateLogStream logs:PutLogEvents
AWSElasticBeanstalkService: autoscaling:CreateAutoScalingGroup autoscaling:CreateLaunchConfiguration autoscaling:DeleteAutoScalingGroup autoscaling:DetachInstances autoscaling:SetDesiredCapacity autoscaling:TerminateInstanceInAutoScalingGroup autoscaling:UpdateAutoScalingGroup codebuild:CreateProject codebuild:DeleteProject codebuild:StartBuild ec2:AssociateAddress ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:DeleteLaunchTemplate ec2:DeleteSecurityGroup ec2:ReleaseAddress ec2:RevokeSecurityGroupIngress ec2:TerminateInstances ecs:DeleteCluster ecs:RegisterTaskDefinition elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DeregisterTargets elasticloadbalancing:RegisterTargets iam:PassRole logs:PutRetentionPolicy s3:GetObject s3:GetObjectAcl s3:ListBucket sns:GetTopicAttributes sns:ListSubscriptionsByTopic sns:SetTopicAttributes sns:Subscribe sqs:GetQueueAttributes sqs:GetQueueUrl
AWSGlueConsoleFullAccess: ec2:RunInstances glue:* iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies kms:DescribeKey s3:GetBucketAcl s3:GetBucketLocation s3:ListBucket
AWSGlueServiceRole: ec2:DeleteNetworkInterface glue:* iam:GetRole iam:GetRolePolicy iam:ListRolePolicies s3:GetBucketAcl s3:GetBucketLocation s3:ListBucket
AWSDataPipeline_FullAccess: datapipeline:* dynamodb:DescribeTable iam:GetRolePolicy s3:List* sns:Subscribe
AWSDataPipeline_PowerUser: datapipeline:* dynamodb:DescribeTable iam:GetRolePolicy s3:List*
AmazonElasticMapReduceFullAccess: cloudformation:CreateStack ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateRoute ec2:DeleteRoute ec2:DeleteSecurityGroup ec2:ModifyImageAttribute ec2:ModifyInstanceAttribute ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances elasticmapreduce:* iam:GetPolicy iam:GetPolicyVersion iam:PassRole s3:*
AmazonElasticMapReduceRole: ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateFleet ec2:CreateLaunchTemplate ec2:DeleteLaunchTemplate ec2:DeleteNetworkInterface ec2:DeleteSecurityGroup ec2:DeleteVolume ec2:DetachVolume ec2:ModifyImageAttribute ec2:ModifyInstanceAttribute ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances iam:GetRole iam:GetRolePolicy iam:ListRolePolicies iam:PassRole s3:Get* s3:List* sqs:Delete* sqs:GetQueue* sqs:PurgeQueue sqs:ReceiveMessage
AmazonSageMakerFullAccess: athena:GetQueryResults codebuild:StartBuild cognito-idp:DescribeUserPoolClient ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer glue:CreateJob glue:StartJobRun glue:UpdateJob iam:PassRole@sagemaker kms:DescribeKey logs:CreateLogStream logs:Describe* logs:GetLogEvents logs:PutLogEvents redshift:GetClusterCredentials s3:GetBucketLocation s3:ListBucket sagemaker:*
AmazonEventBridgeFullAccess: events:* iam:PassRole@events,pipes,scheduler scheduler:*
AmazonEventBridgeSchedulerFullAccess: iam:PassRole@scheduler scheduler:*
CloudWatchEventsFullAccess: events:* iam:PassRole@pipes,scheduler scheduler:*
CloudWatchFullAccess: iam:GetPolicy iam:GetPolicyVersion iam:GetRole logs:* sns:*
CloudWatchLogsFullAccess: logs:*
CloudWatchAgentServerPolicy: logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents logs:PutRetentionPolicy
AWSBackupFullAccess: backup:* eks:DescribeCluster iam:GetRole kms:DescribeKey kms:GenerateDataKey ssm:SendCommand
AWSBackupServiceRolePolicyForBackup: dynamodb:DescribeTable ec2:DeleteSnapshot ec2:DeregisterImage eks:CreateAccessEntry eks:DescribeCluster eks:DescribeNodegroup eks:ListNodegroups iam:PassRole@malware-protection.guardduty kms:DescribeKey rds:CopyDBClusterSnapshot rds:CopyDBSnapshot rds:ModifyDBCluster rds:ModifyDBInstance ssm:SendCommand
AWSBackupServiceRolePolicyForRestores: backup:StartRestoreJob dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:DescribeTable dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:Scan dynamodb:UpdateItem ec2:DeleteVolume ec2:RunInstances ec2:TerminateInstances eks:AssociateAccessPolicy eks:CreateAccessEntry eks:CreateAddon eks:CreateFargateProfile eks:CreateNodegroup eks:CreatePodIdentityAssociation eks:DescribeCluster eks:DescribeNodegroup elasticfilesystem:DeleteFilesystem iam:GetRole iam:ListAttachedRolePolicies iam:PassRole@backup,ec2,eks,pods.eks kms:DescribeKey rds:CreateDBInstance rds:DeleteDBCluster rds:DeleteDBInstance
AWSFaultInjectionSimulatorEC2Access: ec2:RebootInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances ssm:SendCommand
AWSFaultInjectionSimulatorSSMAccess: iam:PassRole@ssm ssm:SendCommand ssm:StartAutomationExecution
AWSCloudTrail_FullAccess: cloudtrail:* iam:GetRolePolicy iam:GetUser iam:PassRole@cloudtrail s3:GetBucketLocation s3:GetBucketPolicy
AWSCertificateManagerFullAccess: acm:*
AmazonDynamoDBFullAccess: datapipeline:CreatePipeline datapipeline:PutPipelineDefinition dynamodb:* iam:GetRole iam:PassRole@application-autoscaling,dax kms:DescribeKey lambda:CreateEventSourceMapping lambda:CreateFunction lambda:DeleteFunction lambda:GetFunctionConfiguration sns:DeleteTopic sns:ListSubscriptionsByTopic sns:SetTopicAttributes sns:Subscribe
AmazonDynamoDBFullAccess_v2: dynamodb:* kms:DescribeKey
AmazonDynamoDBReadOnlyAccess: dynamodb:BatchGetItem dynamodb:Describe* dynamodb:GetItem dynamodb:PartiQLSelect dynamodb:Query dynamodb:Scan iam:GetRole kms:DescribeKey lambda:GetFunctionConfiguration sns:ListSubscriptionsByTopic
AmazonRDSFullAccess: logs:DescribeLogStreams logs:GetLogEvents rds:* sns:Publish
AmazonElastiCacheFullAccess: elasticache:* kms:DescribeKey
AmazonRedshiftFullAccess: redshift-serverless:* redshift:* sns:Get* sns:List*
AmazonOpenSearchServiceFullAccess: es:*
AmazonElasticFileSystemFullAccess: ec2:DeleteNetworkInterface elasticfilesystem:DeleteFileSystem elasticfilesystem:DeleteFileSystemPolicy elasticfilesystem:PutFileSystemPolicy iam:PassRole@elasticfilesystem kms:DescribeKey
AmazonKinesisFullAccess: kinesis:*
AmazonSQSFullAccess: sqs:*
AmazonSNSFullAccess: sns:*
AmazonRoute53FullAccess: route53:* s3:GetBucketLocation s3:ListBucket sns:ListSubscriptionsByTopic
`
