package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// policyResource reads a resource whose attribute policy holds the document.
func policyResource(t *testing.T, id string, line int, document string) *resource.Resource {
	doc := manifest(t, "infra/iam.tf", line, document)
	str := &resource.Node{Kind: resource.String, Value: "{}", Embedded: doc.Root, Range: doc.Range}
	kind, name, _ := strings.Cut(id, ".")
	name, _, _ = strings.Cut(name, "[")
	return &resource.Resource{
		ID: id, Platform: resource.Terraform, Kind: kind, Name: name, Unit: "terraform:infra", Range: doc.Range, Head: doc.Head,
		Root: &resource.Node{Kind: resource.Map, Range: doc.Range, Fields: []resource.Field{{Name: "policy", Node: str}}},
	}
}

func TestStatements(t *testing.T) {
	show := `it.?Sid.orValue("-") + " " + lst(it.?Action).join(",") + " " + lst(it.?Resource).join(",") + " " + lst(it.?Principal.?AWS).join(",") + lst(it.?Principal.?Service).join(",")`
	rules := active(t, resource.Terraform, rule.Rule{ID: "iam/x", Checks: []rule.Check{{
		Each: "statements", Fail: `it.Effect == "Allow"`, At: "Action", Message: "{{ " + show + " }}",
	}}})
	tests := []struct {
		name, doc string
		want      []string
		unknown   []string
	}{
		{"list", "Statement:\n- {Sid: One, Effect: Allow, Action: ['s3:*', 'ec2:*'], Resource: '*'}\n- {Effect: Deny, Action: '*'}\n- {Effect: Allow, Action: 'iam:*', Principal: '*'}\n",
			[]string{"policy.Statement[0].Action@2 One s3:*,ec2:* * ", "policy.Statement[2].Action@4 - iam:*  *"}, nil},
		{"one statement", "Version: v\nStatement: {Effect: Allow, Action: '*', Principal: {AWS: 'arn', Service: [a, b]}}\n",
			[]string{"policy.Statement.Action@2 - *  arna,b"}, nil},
		{"no policy", "Rules: [{Effect: Allow}]\n", nil, nil},
		{"unknown statements", "Statement: UNKNOWN var.statements\n", nil, []string{"var.statements"}},
		{"unknown statement", "Statement: [UNKNOWN var.one, {Effect: Allow, Action: a}]\n", []string{"policy.Statement[1].Action@1 - a  "}, []string{"var.one"}},
		{"unknown effect", "Statement: [{Effect: UNKNOWN var.effect, Action: a}]\n", nil, []string{"var.effect"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := evaluate(t, Options{Rules: rules}, added(policyResource(t, "aws_iam_policy.p", 1, tt.doc)))
			var fs, us []string
			for _, f := range got.Findings {
				fs = append(fs, fmt.Sprintf("%s@%d %s", f.Path, f.Range.Start.Line, f.Message))
			}
			for _, u := range got.Unknown {
				us = append(us, u.Why)
			}
			if diff := cmp.Diff(tt.want, fs); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.unknown, us); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStatementsArePairedBySid(t *testing.T) {
	rules := active(t, resource.Terraform, rule.Rule{ID: "iam/wildcard-action", Checks: []rule.Check{{
		Each: "statements", Fail: `"*" in it.Action`, At: "Action", Message: "any action",
	}}})
	base := policyResource(t, "aws_iam_policy.p", 1, "Statement: [{Sid: A, Action: '*'}, {Sid: B, Action: a}]\n")
	head := policyResource(t, "aws_iam_policy.p", 9, "Statement: [{Sid: B, Action: '*'}, {Sid: A, Action: '*', Resource: '*'}]\n")
	got := lines(evaluate(t, Options{Rules: rules}, modified(base, head)).Findings)
	want := []string{"new iam/wildcard-action policy.Statement[0].Action@9", "existing iam/wildcard-action policy.Statement[1].Action@9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInstancesOfOneBlockAreOneFinding(t *testing.T) {
	rules := active(t, resource.Terraform, rule.Rule{ID: "iam/x", Checks: []rule.Check{{
		Each: "statements", Fail: `"*" in it.Action`, At: "Action", Message: "any action in {{ resource.id }}",
	}}})
	const doc = "Statement: [{Action: '*'}]\n"
	var changes []change.ResourceChange
	for _, id := range []string{
		`aws_iam_policy.p["b"]`, `aws_iam_policy.p["a"]`, `aws_iam_policy.p["c"]`, `module.m.aws_iam_policy.p["a"]`,
	} {
		r := policyResource(t, id, 1, doc)
		r.Kind, r.Name = "aws_iam_policy", "p"
		changes = append(changes, added(r))
	}
	changes = append(changes, added(policyResource(t, "aws_iam_policy.q", 7, doc)))
	fs := evaluate(t, Options{Rules: rules}, changes...).Findings
	var got []string
	for _, f := range fs {
		got = append(got, f.Message)
	}
	want := []string{
		`any action in aws_iam_policy.p["a"] (also ["b"], ["c"], module.m.aws_iam_policy.p["a"])`,
		"any action in aws_iam_policy.q",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The finding's fingerprint is the first instance's, in whatever order they come.
	alone := evaluate(t, Options{Rules: rules}, changes[1]).Findings
	if fs[0].Fingerprint != alone[0].Fingerprint {
		t.Error("the fingerprint depends on the order of instances")
	}
	var many []change.ResourceChange
	for i := range 12 {
		r := policyResource(t, fmt.Sprintf("aws_iam_policy.p[%d]", i), 1, doc)
		many = append(many, added(r))
	}
	fs = evaluate(t, Options{Rules: rules}, many...).Findings
	if len(fs) != 1 || !strings.HasSuffix(fs[0].Message, ", 6 more)") {
		t.Errorf("got %v", fs[0].Message)
	}
	// An instance that comes beside one that was there is new all the same.
	mixed := evaluate(t, Options{Rules: rules}, modified(many[0].After, many[0].After), many[1]).Findings
	if len(mixed) != 2 || mixed[0].State == mixed[1].State {
		t.Errorf("got %v", lines(mixed))
	}
}

func TestUnknownPlacesOfPaths(t *testing.T) {
	src := `ingress:
- {cidr_blocks: ['0.0.0.0/0']}
- {cidr_blocks: UNKNOWN var.cidrs}
- UNKNOWN each.value
egress: UNKNOWN var.egress
`
	res := manifest(t, "infra/sg.tf", 1, src)
	res.Platform, res.Kind, res.Group = resource.Terraform, "aws_security_group", ""
	check := func(each string) []rule.Active {
		return active(t, resource.Terraform, rule.Rule{ID: "net/open", Checks: []rule.Check{{
			Kinds: []string{"aws_security_group"}, Each: each, Fail: `open_to_world(it.?cidr_blocks)`, At: "cidr_blocks", Message: "open",
		}}})
	}
	got := evaluate(t, Options{Rules: check("ingress[*]")}, added(res))
	if diff := cmp.Diff([]string{"new net/open ingress[0].cidr_blocks@2"}, lines(got.Findings)); diff != "" {
		t.Error(diff)
	}
	var whys []string
	for _, u := range got.Unknown {
		whys = append(whys, fmt.Sprintf("%s@%d %s", u.Path, u.Range.Start.Line, u.Why))
	}
	if diff := cmp.Diff([]string{"ingress[1].cidr_blocks@3 var.cidrs", "ingress[2].cidr_blocks@4 each.value"}, whys); diff != "" {
		t.Error(diff)
	}
	got = evaluate(t, Options{Rules: check("egress[*]")}, added(res))
	if len(got.Findings) > 0 || len(got.Unknown) != 1 || got.Unknown[0].Why != "var.egress" {
		t.Errorf("got %v, %v", lines(got.Findings), got.Unknown)
	}
}
