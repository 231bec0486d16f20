package iam

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// TestManagedTable holds that each line of the table says what its reader takes it
// for.
func TestManagedTable(t *testing.T) {
	name, pattern := regexp.MustCompile(`^[A-Za-z0-9_-]+$`), regexp.MustCompile(`^(-\*|\*|!?[a-z0-9-]+:(\*|[A-Z][A-Za-z]*\*?)(@[a-z0-9.,-]+)?)$`)
	seen := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(managedTable)) {
		policy, grants, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || !name.MatchString(policy) || seen[policy] {
			t.Errorf("%q is no line of the table, or stands twice", line)
		}
		seen[policy] = true
		had := map[string]bool{}
		for p := range strings.FieldsSeq(grants) {
			if !pattern.MatchString(p) || had[p] {
				t.Errorf("%s has %q, which is no pattern or stands twice", policy, p)
			}
			had[p] = true
		}
	}
}

// TestManagedPolicies holds what the managed policies open by themselves.
func TestManagedPolicies(t *testing.T) {
	for name, want := range map[string]struct{ opens, not string }{
		"AdministratorAccess":                  {"", "iam:PutRolePolicy"}, // everything is no way to more
		"PowerUserAccess":                      {"lambda:UpdateFunctionCode", "iam:PutRolePolicy"},
		"IAMFullAccess":                        {"iam:PutRolePolicy", "lambda:UpdateFunctionCode"},
		"AWSLambda_FullAccess":                 {"iam:PassRole with lambda:CreateFunction", "iam:PassRole with ec2:RunInstances"},
		"AmazonECS_FullAccess":                 {"iam:PassRole with ecs:RegisterTaskDefinition", "iam:PassRole with ec2:RunInstances"},
		"AmazonEventBridgeSchedulerFullAccess": {"iam:PassRole with scheduler:CreateSchedule", ""},
		"AWSAppRunnerFullAccess":               {"iam:PassRole with apprunner:CreateService", ""},
		"DataScientist":                        {"iam:PassRole with sagemaker:CreateNotebookInstance", "iam:PassRole with ec2:RunInstances"},
		"SystemAdministrator":                  {"ec2:ModifyInstanceAttribute with ec2:StartInstances", "iam:PassRole with ec2:RunInstances"},
		"AmazonSSMFullAccess":                  {"ssm:SendCommand", ""},
		"AmazonSSMManagedInstanceCore":         {"", "ssm:SendCommand"},
		"AmazonEKSClusterPolicy":               {"", "ec2:ModifyInstanceAttribute with ec2:StartInstances"},
		"AmazonEKSComputePolicy":               {"", "iam:PassRole with ec2:RunInstances"},
		"AWSDenyAll":                           {"", "iam:PutRolePolicy"},
	} {
		policy := &resource.Node{Kind: resource.List, Items: managedPolicies[name]}
		if len(policy.Items) == 0 {
			t.Errorf("%s is not in the table", name)
		}
		var got []string
		for _, st := range policy.Items {
			out, more := Escalations(st, policy)
			if more {
				t.Errorf("%s leaves something open", name)
			}
			got = append(got, out...)
		}
		if want.opens != "" && !slices.Contains(got, want.opens) || want.not != "" && slices.Contains(got, want.not) {
			t.Errorf("%s opens %q; want %q among them, and not %q", name, got, want.opens, want.not)
		}
	}
	if managedPolicies["AmazonEKSWorkerNodeMinimalPolicy"] != nil {
		t.Error("the policy of nodes grants something of interest")
	}
}

// TestJoinManaged gives roles policies of AWS's own, in each form.
func TestJoinManaged(t *testing.T) {
	list := func(items ...*resource.Node) *resource.Node { return &resource.Node{Kind: resource.List, Items: items} }
	arn := func(name string) *resource.Node { return said(nil, "arn:aws:iam::aws:policy/"+name) }
	part := &resource.Node{Unknown: true, Parts: []string{"arn:", ":iam::aws:policy/service-role/AmazonEC2ContainerServiceEventsRole"}}
	to := func(id string) *resource.Node { return &resource.Node{Unknown: true, Refs: []string{id}} }
	tf := func(kind, id string, fields ...resource.Field) *resource.Resource {
		return &resource.Resource{Platform: resource.Terraform, Kind: kind, ID: id, Root: node(fields...)}
	}
	const role = "aws_iam_role.a"
	lookup := tf("data.aws_iam_policy", "data.aws_iam_policy.power", put("name", said(nil, "PowerUserAccess")))
	for name, c := range map[string]struct {
		near []*resource.Resource
		want int
	}{
		"taken":                         {[]*resource.Resource{tf("aws_iam_role", role, put("managed_policy_arns", list(arn("AWSLambda_FullAccess"), part)))}, 4},
		"attached":                      {[]*resource.Resource{tf("aws_iam_role", role), tf("aws_iam_role_policy_attachment", "x", put("role", to(role)), put("policy_arn", arn("AmazonEC2FullAccess")))}, 1},
		"exclusively":                   {[]*resource.Resource{tf("aws_iam_role", role), tf("aws_iam_role_policy_attachments_exclusive", "x", put("role_name", to(role)), put("policy_arns", list(arn("AmazonEC2FullAccess"), arn("AWSDenyAll"))))}, 2},
		"looked up":                     {[]*resource.Resource{tf("aws_iam_role", role), lookup, tf("aws_iam_role_policy_attachment", "x", put("role", to(role)), put("policy_arn", to(lookup.ID)))}, 1},
		"to another":                    {[]*resource.Resource{tf("aws_iam_role", role), tf("aws_iam_role_policy_attachment", "x", put("role", to("aws_iam_role.b")), put("policy_arn", arn("AmazonEC2FullAccess")))}, 0},
		"of no power":                   {[]*resource.Resource{tf("aws_iam_role", role, put("managed_policy_arns", list(arn("AmazonEKSWorkerNodePolicy"))))}, 0},
		"bounded":                       {[]*resource.Resource{tf("aws_iam_role", role, put("permissions_boundary", arn("PowerUserAccess")))}, 1},
		"bounded by everything":         {[]*resource.Resource{tf("aws_iam_role", role, put("permissions_boundary", arn("AdministratorAccess")))}, 1},
		"one of the account, so called": {[]*resource.Resource{tf("aws_iam_role", role, put("managed_policy_arns", list(said(nil, "arn:aws:iam::111122223333:policy/PowerUserAccess"))))}, 0},
	} {
		near := func(kind string) []*resource.Resource {
			return slices.DeleteFunc(slices.Clone(c.near), func(r *resource.Resource) bool { return r.Kind != kind })
		}
		got := Join(c.near[0], near, func(*resource.Resource) []*resource.Node { return nil })
		if len(got.Others) != c.want || got.Why != "" {
			t.Errorf("%s: %d statements, want %d; %s", name, len(got.Others), c.want, got.Why)
		}
		if strings.HasPrefix(name, "bounded") {
			own := stated("Allow", "Action", "iam:PutRolePolicy")
			policy := &resource.Node{Kind: resource.List, Items: append(got.Others, own)}
			if v := Grants(own, policy, "iam:PutRolePolicy"); (v == Yes) != (name == "bounded by everything") {
				t.Errorf("%s: %v", name, v)
			}
		}
	}
	named := node(put("PolicyName", said(nil, "PowerUserAccess")))
	for kind, c := range map[string]struct {
		field resource.Field
		want  int
	}{
		"AWS::IAM::Role":            {put("ManagedPolicyArns", list(part)), 2},
		"AWS::IAM::User":            {put("ManagedPolicyArns", list(said(nil, "PowerUserAccess"))), 0},
		"AWS::IAM::Group":           {put("Policies", list(named)), 0},
		"AWS::SSO::PermissionSet":   {put("ManagedPolicies", list(arn("PowerUserAccess"))), 1},
		"AWS::Serverless::Function": {put("Policies", list(said(nil, "PowerUserAccess"), said(nil, "Unheard"), arn("AmazonEC2FullAccess"), named)), 2},
	} {
		template := &resource.Resource{Platform: resource.CloudFormation, Kind: kind, ID: "Main", Root: node(put("Properties", node(c.field)))}
		got := Join(template, func(k string) []*resource.Resource {
			if k == kind {
				return []*resource.Resource{template}
			}
			return nil
		}, func(*resource.Resource) []*resource.Node { return nil })
		if len(got.Others) != c.want {
			t.Errorf("%s: %d statements, want %d", kind, len(got.Others), c.want)
		}
	}
}

// TestNodesHaveNoneOfThese holds the policies that a rule wants to keep from nodes
// to the table: each grants at large what it forbids in an inline policy, and the
// policies that nodes need grant nothing of it.
func TestNodesHaveNoneOfThese(t *testing.T) {
	rule, err := os.ReadFile("../../rules/iam-and-rbac/eks-broad-node-role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	forbidden := regexp.MustCompile(`\["(ecr:[^]]+)"\]\.exists\(a, iam_grants`).FindSubmatch(rule)
	lists := regexp.MustCompile(`:policy/\(\[a-z-\]\+/\)\?\(([A-Za-z0-9_|]+)\)\$`).FindAllSubmatch(rule, -1)
	if forbidden == nil || len(lists) < 4 {
		t.Fatal("the rule has another form")
	}
	actions := append(strings.Split(string(forbidden[1]), `", "`), "ecr-public:PutImage", "ssm:SendCommand", "dynamodb:GetItem", "rds:DeleteDBInstance",
		"lambda:UpdateFunctionCode", "cloudformation:DeleteStack")
	for _, l := range lists {
		if string(l[1]) != string(lists[0][1]) {
			t.Errorf("the lists differ: %s", l[1])
		}
	}
	listed := strings.Split(string(lists[0][1]), "|")
	grants := func(name string) bool {
		policy := &resource.Node{Kind: resource.List, Items: managedPolicies[name]}
		return slices.ContainsFunc(policy.Items, func(st *resource.Node) bool {
			return slices.ContainsFunc(actions, func(a string) bool { return Grants(st, policy, a) == Yes })
		})
	}
	for _, name := range listed {
		if !grants(name) {
			t.Errorf("%s grants nothing of it", name)
		}
	}
	for _, name := range []string{
		"AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly",
		"AmazonEKS_CNI_Policy", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy",
	} {
		if grants(name) || slices.Contains(listed, name) {
			t.Errorf("%s is kept from nodes", name)
		}
	}
}
