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
	add := func(arn *resource.Node) {
		name := managedName(arn)
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
	list, _ := items(j.field(p, j.takes))
	for _, arn := range list {
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
SystemAdministrator: autoscaling:* cloudtrail:StopLogging codecommit:GitPull codecommit:GitPush codedeploy:* codepipeline:* config:* ec2:Associate* ec2:AttachInternetGateway ec2:AttachNetworkInterface ec2:AttachVolume ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeSecurityGroupIngress ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:CreateRoute ec2:DeleteFlowLogs ec2:DeleteInternetGateway ec2:DeleteKeyPair ec2:DeleteLaunchTemplate ec2:DeleteNatGateway ec2:DeleteNetworkInterface ec2:DeleteRoute ec2:DeleteRouteTable ec2:DeleteSecurityGroup ec2:DeleteSnapshot ec2:DeleteSubnet ec2:DeleteVolume ec2:DeleteVpc ec2:DeleteVpcEndpoints ec2:DeregisterImage ec2:DetachVolume ec2:GetPasswordData ec2:Modify* ec2:RebootInstances ec2:Release* ec2:Replace* ec2:Request* ec2:RevokeSecurityGroupIngress ec2:RunInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances elasticloadbalancing:* events:* iam:Upload* kinesis:PutRecord kms:DeleteAlias kms:Describe* kms:Encrypt kms:Get* kms:ReEncrypt* lambda:Create* lambda:Delete* lambda:Get* lambda:InvokeFunction lambda:Update* logs:* route53:* s3:* sns:* sqs:*
DatabaseAdministrator: datapipeline:CreatePipeline datapipeline:PutPipelineDefinition dynamodb:* elasticache:* lambda:CreateEventSourceMapping lambda:CreateFunction lambda:DeleteFunction lambda:GetFunctionConfiguration logs:Create* logs:PutLogEvents logs:GetLogEvents logs:FilterLogEvents rds:* redshift:* s3:DeleteObject* s3:Get* s3:List* s3:PutBucketVersioning s3:PutLifecycleConfiguration s3:PutObject* s3:PutReplicationConfiguration s3:RestoreObject sns:DeleteTopic sns:Get* sns:SetTopicAttributes sns:Subscribe
DataScientist: autoscaling:* cloudformation:CreateStack dynamodb:* ec2:ModifyImageAttribute ec2:ModifyInstanceAttribute ec2:RequestSpotFleet ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances elasticfilesystem:* elasticmapreduce:* es:* iam:PassRole@sagemaker kinesis:* lambda:Create* lambda:Delete* lambda:Get* lambda:InvokeFunction lambda:Update* logs:GetLogEvents rds:* redshift:* s3:DeleteObject s3:Get* s3:List* s3:PutBucketLogging s3:PutObject s3:RestoreObject sagemaker:* sns:Get*
AmazonEC2FullAccess: autoscaling:* cloudwatch:* ec2:* elasticloadbalancing:*
AutoScalingFullAccess: autoscaling:*
EC2InstanceConnect: ec2-instance-connect:SendSSHPublicKey
AmazonECS_FullAccess: autoscaling:CreateAutoScalingGroup autoscaling:CreateLaunchConfiguration autoscaling:DeleteAutoScalingGroup autoscaling:UpdateAutoScalingGroup cloudformation:CreateStack cloudformation:DeleteStack cloudformation:UpdateStack ec2:AttachInternetGateway ec2:AuthorizeSecurityGroupIngress ec2:CreateLaunchTemplate ec2:CreateRoute ec2:DeleteLaunchTemplate ec2:DeleteSubnet ec2:DeleteVpc ec2:RequestSpotFleet ec2:RunInstances ecs:* elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer events:DeleteRule events:PutRule events:PutTargets iam:PassRole@ecs-tasks logs:FilterLogEvents route53:DeleteHostedZone
AmazonEC2ContainerServiceEventsRole: ecs:RunTask iam:PassRole@ecs-tasks
AWSLambda_FullAccess: iam:PassRole@lambda lambda:*
AWSLambdaExecute: logs:* s3:GetObject s3:PutObject
AWSCodeBuildAdminAccess: codebuild:* events:DeleteRule events:PutRule events:PutTargets logs:GetLogEvents
AWSCodeBuildDeveloperAccess: codebuild:StartBuild codebuild:StartBuildBatch logs:GetLogEvents
AWSCloudFormationFullAccess: cloudformation:*
AWSStepFunctionsFullAccess: states:*
AWSGlueConsoleFullAccess: ec2:RunInstances glue:* s3:ListBucket
AWSBatchFullAccess: batch:* logs:FilterLogEvents
AWSDataPipeline_FullAccess: datapipeline:* sns:Subscribe
AWSAppRunnerFullAccess: apprunner:* iam:PassRole@apprunner
AmazonEventBridgeSchedulerFullAccess: iam:PassRole@scheduler scheduler:*
AWSSSOMasterAccountAdministrator: identitystore:* sso-directory:* sso:*
AmazonSSMFullAccess: logs:* ssm:*
AmazonSSMAutomationRole: cloudformation:CreateStack cloudformation:DeleteStack cloudformation:UpdateStack ec2:DeleteSnapshot ec2:DeregisterImage ec2:RunInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances ssm:*
AmazonSSMMaintenanceWindowRole: ssm:GetParameters ssm:SendCommand ssm:StartAutomationExecution
AmazonSSMReadOnlyAccess: ssm:Describe* ssm:Get* ssm:List*
AmazonSSMManagedInstanceCore: ssm:GetParameter ssm:GetParameters
AmazonEC2RoleforSSM: logs:CreateLogStream logs:PutLogEvents s3:GetBucketLocation s3:GetObject s3:ListBucket s3:PutObject ssm:GetParameters
SecretsManagerReadWrite: cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet kms:DescribeKey secretsmanager:*
AmazonS3FullAccess: s3-object-lambda:* s3:*
AmazonS3ReadOnlyAccess: s3-object-lambda:Get* s3:Get* s3:List*
AmazonDynamoDBFullAccess: datapipeline:CreatePipeline datapipeline:PutPipelineDefinition dynamodb:* iam:PassRole@application-autoscaling,dax lambda:CreateEventSourceMapping lambda:CreateFunction lambda:DeleteFunction lambda:GetFunctionConfiguration sns:DeleteTopic sns:SetTopicAttributes sns:Subscribe
AmazonRDSFullAccess: logs:GetLogEvents rds:* sns:Publish
AWSKeyManagementServicePowerUser: kms:DeleteAlias kms:Describe* kms:Get*
AmazonEC2ContainerRegistryFullAccess: ecr:*
AmazonEC2ContainerRegistryPowerUser: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:CompleteLayerUpload ecr:GetDownloadUrlForLayer ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart
AmazonElasticContainerRegistryPublicFullAccess: ecr-public:*
AmazonElasticContainerRegistryPublicPowerUser: ecr-public:CompleteLayerUpload ecr-public:InitiateLayerUpload ecr-public:PutImage ecr-public:UploadLayerPart
AmazonEC2ContainerServiceforEC2Role: ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer logs:CreateLogStream logs:PutLogEvents
AmazonEKSClusterPolicy: autoscaling:UpdateAutoScalingGroup ec2:AttachVolume ec2:AuthorizeSecurityGroupIngress ec2:CreateRoute ec2:DeleteRoute ec2:DeleteSecurityGroup ec2:DeleteVolume ec2:DetachVolume ec2:ModifyInstanceAttribute ec2:RevokeSecurityGroupIngress elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DeregisterTargets elasticloadbalancing:ModifyListener elasticloadbalancing:RegisterTargets kms:DescribeKey
AmazonEKSComputePolicy: iam:PassRole@ec2
AmazonEKSServicePolicy: ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface eks:UpdateClusterVersion
AmazonEBSCSIDriverPolicy: ec2:AttachVolume ec2:DetachVolume
`
