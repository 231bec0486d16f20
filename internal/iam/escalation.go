package iam

import (
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// way is one way from some rights to more of them. The first action is the one
// that a finding points at.
type way struct {
	all []string // each of these
	any []string // and one of these, if there are any
	// service is what a role is passed to, where the way passes one: the names
	// that iam:PassedToService has for it, with blanks between them.
	service string
	// like is the last action of a way that means the same: where both are open,
	// that one is told.
	like string
}

const passRole = "iam:PassRole"

// ways are the known ways, those that need no other right first. The table is
// read, never written.
var ways = func() []way {
	var out []way
	for action := range strings.FieldsSeq(`
iam:CreatePolicyVersion iam:SetDefaultPolicyVersion
iam:AttachUserPolicy iam:AttachGroupPolicy iam:AttachRolePolicy iam:PutUserPolicy iam:PutGroupPolicy iam:PutRolePolicy
iam:AddUserToGroup iam:CreateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile iam:UpdateAssumeRolePolicy iam:UpdateSAMLProvider
iam:DeleteRolePermissionsBoundary iam:DeleteUserPermissionsBoundary iam:PutRolePermissionsBoundary iam:PutUserPermissionsBoundary
sso:CreateAccountAssignment sso:AttachManagedPolicyToPermissionSet sso:PutInlinePolicyToPermissionSet identitystore:CreateGroupMembership`) {
		out = append(out, way{all: []string{action}})
	}
	passing := func(service string, actions ...string) {
		out = append(out, way{all: append([]string{passRole}, actions...), service: service})
	}
	starting := func(service, action string, any ...string) {
		out = append(out, way{all: []string{passRole, action}, any: any, service: service})
	}
	passing("ec2", "ec2:RunInstances")
	passing("ec2", "ec2:RequestSpotInstances")
	passing("ec2", "ec2:AssociateIamInstanceProfile")
	passing("ec2", "ec2:ReplaceIamInstanceProfileAssociation")
	passing("ec2", "autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup")
	starting("ec2", "ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup", "ec2:CreateFleet")
	starting("lambda", "lambda:CreateFunction",
		"lambda:InvokeFunction", "lambda:CreateEventSourceMapping", "lambda:AddPermission", "lambda:CreateFunctionUrlConfig")
	passing("glue", "glue:CreateDevEndpoint")
	starting("glue", "glue:CreateJob", "glue:StartJobRun", "glue:CreateTrigger")
	starting("glue", "glue:UpdateJob", "glue:StartJobRun", "glue:CreateTrigger")
	passing("glue", "glue:CreateSession", "glue:RunStatement")
	passing("cloudformation", "cloudformation:CreateStack")
	passing("cloudformation", "cloudformation:UpdateStack")
	passing("cloudformation", "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet")
	passing("datapipeline", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition")
	passing("sagemaker", "sagemaker:CreateNotebookInstance")
	passing("sagemaker", "sagemaker:CreateTrainingJob")
	passing("sagemaker", "sagemaker:CreateProcessingJob")
	starting("codebuild", "codebuild:CreateProject", "codebuild:StartBuild", "codebuild:StartBuildBatch")
	starting("ecs-tasks", "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService")
	passing("ecs-tasks", "batch:RegisterJobDefinition", "batch:SubmitJob")
	passing("states", "states:CreateStateMachine", "states:StartExecution")
	passing("ssm", "ssm:StartAutomationExecution")
	passing("scheduler", "scheduler:CreateSchedule")
	passing("elasticmapreduce ec2", "elasticmapreduce:RunJobFlow")
	passing("tasks.apprunner apprunner", "apprunner:CreateService")
	passing("pods.eks", "eks:CreatePodIdentityAssociation")
	passing("pods.eks", "eks:UpdatePodIdentityAssociation")
	for action := range strings.FieldsSeq(`
lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration glue:UpdateDevEndpoint sagemaker:CreatePresignedNotebookInstanceUrl
ssm:SendCommand ssm:StartSession ssm:CreateAssociation ec2-instance-connect:SendSSHPublicKey ecs:ExecuteCommand`) {
		out = append(out, way{all: []string{action}})
	}
	for _, actions := range [][]string{
		{"ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"}, {"codebuild:UpdateProject", "codebuild:StartBuild"},
		{"states:UpdateStateMachine", "states:StartExecution"}, {"eks:CreateAccessEntry", "eks:AssociateAccessPolicy"},
		{"eks:AssociateAccessPolicy"}, {"eks:UpdateAccessEntry"},
	} {
		out = append(out, way{all: actions})
	}
	return out
}()

// maxWays bounds the ways that one statement is said to open.
const maxWays = 50

// Escalations gives the ways to more rights that a statement opens, together
// with the other statements of its policy: "iam:PassRole with ec2:RunInstances".
// A way is told of the statement that grants its first action. A statement that
// grants everything is no way to more. more reports whether there may be others.
func Escalations(st, policy *resource.Node) (out []string, more bool) {
	list, open := items(policy)
	if Effect(st) != "Allow" || grantsAll(st) {
		return nil, false
	}
	var ways []way
	first, about := "", No
	for _, w := range waysOf(st) {
		if w.all[0] != first { // many ways begin alike
			first, about = w.all[0], covers(st, w.all[0])
		}
		if about == No {
			continue
		}
		switch w.opened(st, policy, list, open) {
		case Yes:
			ways = append(ways, w)
		case Unknown:
			more = true
		}
	}
	for _, w := range ways {
		if len(out) < maxWays && !slices.ContainsFunc(ways, w.within) && !slices.ContainsFunc(ways, w.means) {
			out = append(out, w.name())
		}
	}
	return out, more
}

// within reports whether another way takes all steps of this one, and more: then
// that one is told.
func (w way) within(o way) bool {
	return len(w.all) < len(o.all) && !slices.ContainsFunc(w.all, func(a string) bool { return !slices.Contains(o.all, a) })
}

func grantsAll(st *resource.Node) bool {
	list, _ := items(st.Get("Action"))
	return slices.ContainsFunc(list, func(n *resource.Node) bool {
		s, ok := text(n)
		return ok && strings.Trim(s, "*:/") == "" && s != ""
	})
}

// means reports whether another way means the same and is told in its place.
func (w way) means(o way) bool { return w.like != "" && o.all[len(o.all)-1] == w.like }

func (w way) name() string {
	if len(w.all) == 1 {
		return w.all[0]
	}
	return w.all[0] + " with " + w.all[1]
}

func (w way) opened(st, policy *resource.Node, list []*resource.Node, open bool) Verdict {
	v := w.step(st, policy, w.all[0])
	for _, a := range w.all[1:] {
		if v == No {
			return No
		}
		v = min(v, w.anywhere(list, open, policy, a))
	}
	if v == No || len(w.any) == 0 {
		return v
	}
	some := verdict(false)
	for _, a := range w.any {
		some = max(some, w.anywhere(list, open, policy, a))
	}
	return min(v, some)
}

// anywhere reports whether one of the statements grants a further action of a
// way. On what it does so is of no matter: one function or instance is enough.
func (w way) anywhere(list []*resource.Node, open bool, policy *resource.Node, action string) Verdict {
	out := verdict(false)
	if open {
		out = Unknown
	}
	for _, st := range list {
		switch {
		case st.Unknown:
			out = max(out, Unknown)
		case Effect(st) == "Allow":
			out = max(out, covers(st, action))
		}
		if out == Yes {
			break
		}
	}
	if out == No {
		return No
	}
	return min(out, not(denies(policy, action, "")))
}

// step reports whether a statement grants the first action of a way. Passing a
// role only to services that the way does not use is no step.
func (w way) step(st, policy *resource.Node, action string) Verdict {
	if w.service == "" || action != passRole {
		return Grants(st, policy, action)
	}
	v := min(covers(st, action), wideFor(st, action))
	if v == No {
		return No
	}
	v = min(v, not(denies(policy, action, w.service)))
	to := verdict(true)
	for _, c := range conditions(st).list {
		switch {
		case c.key == passedToService && c.positive():
			to = min(to, passedTo(c.values, w.service))
		case !slices.Contains(circumstances, c.key) && c.positive() && !c.anything():
			return No
		}
	}
	if conditions(st).more {
		to = min(to, Unknown)
	}
	return min(v, to)
}

func passedTo(values *resource.Node, service string) Verdict {
	list, more := items(values)
	out := verdict(false)
	if more {
		out = Unknown
	}
	for _, n := range list {
		s, ok := text(n)
		switch {
		case !ok:
			out = max(out, Unknown)
		default:
			for name := range strings.FieldsSeq(service) {
				if Match(strings.ReplaceAll(s, hole, "*"), name+".amazonaws.com") {
					return Yes
				}
			}
		}
	}
	return out
}
