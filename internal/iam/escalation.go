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
	// service is what a role is passed to, where the way passes one.
	service string
}

const passRole = "iam:PassRole"

// ways are the known ways, those that need no other right first. The table is
// read, never written.
var ways = []way{
	{all: []string{"iam:CreatePolicyVersion"}},
	{all: []string{"iam:SetDefaultPolicyVersion"}},
	{all: []string{"iam:AttachUserPolicy"}},
	{all: []string{"iam:AttachGroupPolicy"}},
	{all: []string{"iam:AttachRolePolicy"}},
	{all: []string{"iam:PutUserPolicy"}},
	{all: []string{"iam:PutGroupPolicy"}},
	{all: []string{"iam:PutRolePolicy"}},
	{all: []string{"iam:AddUserToGroup"}},
	{all: []string{"iam:CreateAccessKey"}},
	{all: []string{"iam:CreateLoginProfile"}},
	{all: []string{"iam:UpdateLoginProfile"}},
	{all: []string{"iam:UpdateAssumeRolePolicy"}},
	{all: []string{passRole, "ec2:RunInstances"}, service: "ec2"},
	{all: []string{passRole, "ec2:AssociateIamInstanceProfile"}, service: "ec2"},
	{all: []string{passRole, "ec2:ReplaceIamInstanceProfileAssociation"}, service: "ec2"},
	{all: []string{passRole, "lambda:CreateFunction"},
		any: []string{"lambda:InvokeFunction", "lambda:CreateEventSourceMapping", "lambda:AddPermission", "lambda:CreateFunctionUrlConfig"}, service: "lambda"},
	{all: []string{passRole, "glue:CreateDevEndpoint"}, service: "glue"},
	{all: []string{passRole, "glue:CreateJob"}, any: []string{"glue:StartJobRun", "glue:CreateTrigger"}, service: "glue"},
	{all: []string{passRole, "cloudformation:CreateStack"}, service: "cloudformation"},
	{all: []string{passRole, "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"}, service: "datapipeline"},
	{all: []string{passRole, "sagemaker:CreateNotebookInstance"}, service: "sagemaker"},
	{all: []string{passRole, "sagemaker:CreateTrainingJob"}, service: "sagemaker"},
	{all: []string{passRole, "sagemaker:CreateProcessingJob"}, service: "sagemaker"},
	{all: []string{passRole, "codebuild:CreateProject"}, any: []string{"codebuild:StartBuild", "codebuild:StartBuildBatch"}, service: "codebuild"},
	{all: []string{passRole, "ecs:RegisterTaskDefinition"}, any: []string{"ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"}, service: "ecs-tasks"},
	{all: []string{passRole, "states:CreateStateMachine"}, any: []string{"states:StartExecution"}, service: "states"},
	{all: []string{passRole, "ssm:StartAutomationExecution"}, service: "ssm"},
	{all: []string{passRole, "eks:CreatePodIdentityAssociation"}, service: "pods.eks"},
	{all: []string{"lambda:UpdateFunctionCode"}},
	{all: []string{"glue:UpdateDevEndpoint"}},
	{all: []string{"ssm:SendCommand"}},
	{all: []string{"ssm:StartSession"}},
	{all: []string{"codebuild:UpdateProject", "codebuild:StartBuild"}},
	{all: []string{"eks:CreateAccessEntry", "eks:AssociateAccessPolicy"}},
	{all: []string{"eks:UpdateAccessEntry"}},
}

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
	for _, w := range waysOf(st) {
		v := w.opened(st, policy, list, open)
		switch {
		case v == Yes && len(out) < maxWays:
			out = append(out, w.name())
		case v == Unknown:
			more = true
		}
	}
	return out, more
}

func grantsAll(st *resource.Node) bool {
	list, _ := items(st.Get("Action"))
	return slices.ContainsFunc(list, func(n *resource.Node) bool {
		s, ok := text(n)
		return ok && strings.Trim(s, "*:") == "" && s != ""
	})
}

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
	return min(out, not(denies(policy, action)))
}

// step reports whether a statement grants the first action of a way. Passing a
// role only to services that the way does not use is no step.
func (w way) step(st, policy *resource.Node, action string) Verdict {
	if w.service == "" || action != passRole {
		return Grants(st, policy, action)
	}
	v := min(covers(st, action), Wide(st))
	if v == No {
		return No
	}
	v = min(v, not(denies(policy, action)))
	to := verdict(true)
	for _, c := range conditions(st).list {
		switch {
		case c.key == "iam:passedtoservice" && c.positive():
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
		case Match(strings.ReplaceAll(s, hole, "*"), service+".amazonaws.com"):
			return Yes
		}
	}
	return out
}
