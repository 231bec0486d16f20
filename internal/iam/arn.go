package iam

import (
	"slices"
	"strings"
)

// ARNs gives the forms of the names of what actions are for, with REGION,
// ACCOUNT, NAME and ID in the place of what only a person knows, in the order of
// the actions and each once. Actions that IAM limits to no resource
// (ec2:Describe*) give "*", unless others give a form. What is no action of a
// service, such as "*", gives none.
func ARNs(actions []string) []string {
	var out []string
	whole := false
	add := func(arn string) {
		if !slices.Contains(out, arn) {
			out = append(out, arn)
		}
	}
	for _, a := range actions {
		service, action, ok := strings.Cut(strings.ToLower(a), ":")
		if !ok || service == "" || strings.ContainsAny(service, "*?") {
			continue
		}
		for _, arn := range forms(service, action) {
			if arn == "*" {
				whole = true
				continue
			}
			add(arn)
		}
	}
	if len(out) == 0 && whole {
		return []string{"*"}
	}
	return out
}

// forms gives the forms of what an action, in lower case, is for.
func forms(service, action string) []string {
	for _, f := range arnForms {
		if f.service != service || f.word != "" && !strings.Contains(action, f.word) {
			continue
		}
		var out []string
		for form := range strings.FieldsSeq(f.forms) {
			switch {
			case form == "*" || strings.HasPrefix(form, "arn:"):
				out = append(out, form)
			default:
				out = append(out, "arn:aws:"+service+":REGION:ACCOUNT:"+form)
			}
		}
		return out
	}
	return []string{"arn:aws:" + service + ":REGION:ACCOUNT:*"}
}

// arnForms holds the resources of services, after AWS's Service Authorization
// Reference: of a service's lines the first counts whose word the action has in
// it. A form without arn: stands behind service, region and account.
var arnForms = []struct{ service, word, forms string }{
	{"s3", "multiregion", "arn:aws:s3::ACCOUNT:accesspoint/NAME"},
	{"s3", "accesspoint", "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"},
	{"s3express", "", "bucket/NAME"},
	{"iam", "openidconnect", "arn:aws:iam::ACCOUNT:oidc-provider/NAME"},
	{"iam", "samlprovider", "arn:aws:iam::ACCOUNT:saml-provider/NAME"},
	{"sso", "", "arn:aws:sso:::instance/ID arn:aws:sso:::permissionSet/ID/*"},
	{"identitystore", "", "arn:aws:identitystore:::group/ID"},
	{"ec2", "internetgateway", "internet-gateway/ID"},
	{"ec2", "flowlogs", "vpc-flow-log/ID"},
	{"ec2", "keypair", "key-pair/NAME"},
	{"ec2", "natgateway", "natgateway/ID"},
	{"ec2", "vpcendpointservice", "vpc-endpoint-service/ID"},
	{"ec2", "vpcendpoint", "vpc-endpoint/ID"},
	{"ec2", "address", "elastic-ip/ID"},
	{"ec2", "spot", "arn:aws:ec2:REGION::image/ID subnet/ID"},
	{"ec2-instance-connect", "", "arn:aws:ec2:REGION:ACCOUNT:instance/ID"},
	{"ebs", "", "arn:aws:ec2:REGION::snapshot/ID"},
	{"ssm", "association", "arn:aws:ec2:REGION:ACCOUNT:instance/ID document/NAME"},
	{"ssm", "automation", "automation-definition/NAME:*"},
	{"ecr-public", "", "arn:aws:ecr-public::ACCOUNT:repository/NAME"},
	{"eks", "updateaccessentry", "access-entry/NAME/*"},
	{"eks", "accesspolicy", "access-entry/NAME/*"},
	{"eks", "createnodegroup", "cluster/NAME"},
	{"eks", "listnodegroup", "cluster/NAME"},
	{"eks", "updateaddon", "addon/NAME/*"},
	{"eks", "deleteaddon", "addon/NAME/*"},
	{"eks", "updatepodidentity", "podidentityassociation/NAME/*"},
	{"rds", "securitygroup", "secgrp:NAME"},
	{"rds", "exporttask", "snapshot:NAME cluster-snapshot:NAME"},
	{"rds-data", "", "arn:aws:rds:REGION:ACCOUNT:cluster:NAME"},
	{"redshift", "credentials", "dbuser:NAME/* dbname:NAME/*"},
	{"redshift", "user", "dbuser:NAME/*"},
	{"redshift-serverless", "", "workgroup/ID"},
	{"elasticache", "connect", "replicationgroup:NAME user:NAME"},
	{"elasticache", "replicationgroup", "replicationgroup:NAME"},
	{"events", "putevents", "event-bus/NAME"},
	{"kinesis", "shard", "stream/NAME/consumer/*"},
	{"glue", "session", "session/ID"},
	{"glue", "statement", "session/ID"},
	{"glue", "trigger", "trigger/NAME"},
	{"glue", "devendpoint", "devEndpoint/NAME"},
	{"elasticloadbalancing", "listener", "listener/app/NAME/*"},
	{"elasticloadbalancing", "rule", "listener-rule/app/NAME/*"},
	{"elasticloadbalancing", "registertargets", "targetgroup/NAME/*"},
	{"autoscaling", "launchconfiguration", "launchConfiguration:*:launchConfigurationName/NAME"},
	{"backup", "recoverypoint", "recovery-point:ID"},
	{"backup", "restore", "recovery-point:ID"},
	{"batch", "submit", "job-queue/NAME job-definition/NAME"},
	{"batch", "", "job-definition/NAME"},
	{"sagemaker", "processing", "processing-job/NAME"},
	{"sagemaker", "training", "training-job/NAME"},
	{"scheduler", "", "schedule/*/NAME"},
	{"apprunner", "", "service/NAME/*"},
	{"elasticmapreduce", "", "cluster/ID"},
	{"datapipeline", "", "pipeline/ID"},
	{"codepipeline", "poll", "actiontype:Custom/Build/NAME/*"},
	{"acm-pca", "", "certificate-authority/ID"},
	{"signer", "", "/signing-profiles/NAME"},
	{"config", "", "config-rule/ID"},
	{"guardduty", "", "detector/ID"},
	{"connect", "", "instance/ID"},
	{"gamelift", "compute", "fleet/ID"},
	{"gamelift", "", "build/ID"},
	{"glacier", "", "vaults/NAME"},
	{"lightsail", "instance", "Instance/ID"},
	{"lightsail", "", "RelationalDatabase/ID"},
	{"s3", "object", "arn:aws:s3:::NAME/*"},
	{"s3", "listallmybuckets", "*"},
	{"s3", "bucket", "arn:aws:s3:::NAME"},
	{"s3", "", "arn:aws:s3:::NAME arn:aws:s3:::NAME/*"},
	{"iam", "instanceprofile", "arn:aws:iam::ACCOUNT:instance-profile/NAME"},
	{"iam", "role", "arn:aws:iam::ACCOUNT:role/NAME"},
	{"iam", "group", "arn:aws:iam::ACCOUNT:group/NAME"},
	{"iam", "user", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "accesskey", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "loginprofile", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "mfadevice", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "credential", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "sshpublickey", "arn:aws:iam::ACCOUNT:user/NAME"},
	{"iam", "policy", "arn:aws:iam::ACCOUNT:policy/NAME"},
	{"iam", "", "arn:aws:iam::ACCOUNT:role/NAME"},
	{"sts", "federationtoken", "arn:aws:sts::ACCOUNT:federated-user/NAME"},
	{"sts", "", "arn:aws:iam::ACCOUNT:role/NAME"},
	{"ec2", "describe", "*"},
	{"ec2", "securitygroup", "security-group/ID"},
	{"ec2", "snapshot", "arn:aws:ec2:REGION::snapshot/ID"},
	{"ec2", "volume", "volume/ID"},
	{"ec2", "image", "arn:aws:ec2:REGION::image/ID"},
	{"ec2", "launchtemplate", "launch-template/ID"},
	{"ec2", "networkinterface", "network-interface/ID"},
	{"ec2", "routetable", "route-table/ID"},
	{"ec2", "route", "route-table/ID"},
	{"ec2", "subnet", "subnet/ID"},
	{"ec2", "vpc", "vpc/ID"},
	{"ec2", "", "instance/ID"},
	{"ssm", "parameter", "parameter/NAME"},
	{"ssm", "document", "document/NAME"},
	{"ssm", "command", "arn:aws:ec2:REGION:ACCOUNT:instance/ID document/NAME"},
	{"ssm", "session", "arn:aws:ec2:REGION:ACCOUNT:instance/ID"},
	{"ssm", "", "parameter/NAME"},
	{"kms", "alias", "alias/NAME key/ID"},
	{"kms", "", "key/ID"},
	{"secretsmanager", "", "secret:NAME-*"},
	{"dynamodb", "query", "table/NAME table/NAME/index/*"},
	{"dynamodb", "scan", "table/NAME table/NAME/index/*"},
	{"dynamodb", "records", "table/NAME/stream/*"},
	{"dynamodb", "", "table/NAME"},
	{"lambda", "layer", "layer:NAME"},
	{"lambda", "eventsourcemapping", "event-source-mapping:ID"},
	{"lambda", "", "function:NAME"},
	{"sqs", "", "NAME"},
	{"sns", "", "NAME"},
	{"ecr", "authorizationtoken", "*"},
	{"ecr", "", "repository/NAME"},
	{"eks", "nodegroup", "nodegroup/NAME/*"},
	{"eks", "", "cluster/NAME"},
	{"ecs", "task", "task-definition/NAME:*"},
	{"ecs", "service", "service/NAME/*"},
	{"ecs", "", "cluster/NAME"},
	{"rds", "clustersnapshot", "cluster-snapshot:NAME"},
	{"rds", "snapshot", "snapshot:NAME"},
	{"rds", "dbcluster", "cluster:NAME"},
	{"rds", "", "db:NAME"},
	{"rds-db", "", "dbuser:ID/NAME"},
	{"redshift", "", "cluster:NAME"},
	{"elasticache", "", "cluster:NAME"},
	{"logs", "describeloggroups", "*"},
	{"logs", "", "log-group:NAME:*"},
	{"cloudwatch", "alarm", "alarm:NAME"},
	{"cloudwatch", "metricdata", "*"},
	{"events", "", "rule/NAME"},
	{"states", "", "stateMachine:NAME"},
	{"kinesis", "", "stream/NAME"},
	{"firehose", "", "deliverystream/NAME"},
	{"cloudformation", "", "stack/NAME/*"},
	{"codebuild", "", "project/NAME"},
	{"codepipeline", "", "NAME"},
	{"codecommit", "", "NAME"},
	{"codedeploy", "", "application:NAME"},
	{"glue", "job", "job/NAME"},
	{"glue", "", "catalog database/NAME table/NAME/*"},
	{"athena", "", "workgroup/NAME"},
	{"es", "", "domain/NAME"},
	{"elasticfilesystem", "", "file-system/ID"},
	{"elasticloadbalancing", "describe", "*"},
	{"elasticloadbalancing", "targetgroup", "targetgroup/NAME/*"},
	{"elasticloadbalancing", "", "loadbalancer/*/NAME/*"},
	{"autoscaling", "describe", "*"},
	{"autoscaling", "", "autoScalingGroup:*:autoScalingGroupName/NAME"},
	{"route53", "", "arn:aws:route53:::hostedzone/ID"},
	{"cloudfront", "", "arn:aws:cloudfront::ACCOUNT:distribution/ID"},
	{"cloudtrail", "", "trail/NAME"},
	{"backup", "", "backup-vault:NAME"},
	{"acm", "", "certificate/ID"},
	{"apigateway", "", "arn:aws:apigateway:REGION::/restapis/ID"},
	{"execute-api", "", "ID/*"},
	{"cognito-idp", "", "userpool/ID"},
	{"cognito-identity", "", "identitypool/ID"},
	{"sagemaker", "notebook", "notebook-instance/NAME"},
	{"organizations", "", "*"},
}
