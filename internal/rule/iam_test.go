package rule

import (
	"testing"

	"cel.dev/cel-go/common/types"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// TestIAMFunctions holds that what the model does not know is unknown to rules.
func TestIAMFunctions(t *testing.T) {
	str := func(s string) *resource.Node { return &resource.Node{Kind: resource.String, Value: s} }
	list := func(ns ...*resource.Node) *resource.Node { return &resource.Node{Kind: resource.List, Items: ns} }
	unknown := &resource.Node{Unknown: true, Why: "var.x has no default"}
	statement := func(action, res *resource.Node) *resource.Node {
		return &resource.Node{Kind: resource.Map, Fields: []resource.Field{
			{Name: "Effect", Node: str("Allow")}, {Name: "Action", Node: list(action)}, {Name: "Resource", Node: list(res)},
			{Name: "Policy", Node: list()},
		}}
	}
	open := statement(str("s3:GetObject"), str("*"))
	dark := statement(str("s3:GetObject"), unknown)
	for _, c := range []struct {
		expr string
		it   *resource.Node
		want string
	}{
		{`iam_wide(it)`, open, "true"}, {`iam_wide(it)`, dark, "unknown"}, {`iam_narrowed(it)`, open, "false"}, {`iam_public(it)`, open, "false"},
		{`iam_grants(it, "s3:GetObject")`, open, "true"}, {`iam_grants(it, "s3:PutObject")`, dark, "false"},
		{`iam_grants(it, "s3:GetObject")`, dark, "unknown"},
		{`iam_actions(it, "exfiltration").exists(a, a == "s3:GetObject")`, open, "true"},
		{`iam_actions(it, "exfiltration").exists(a, a != "")`, dark, "unknown"}, {`iam_actions(it, "write").exists(a, a != "")`, dark, "false"},
		{`iam_escalations(it).exists(w, w != "")`, open, "false"}, {`iam_unbound(it).exists(s, s != "")`, open, "false"},
		{`iam_condition(it, "aws:*").exists(v, v != "")`, open, "false"},
		{`iam_arns(it.Action) == ["arn:aws:s3:::NAME/*"]`, open, "true"}, {`iam_arns(["sqs:SendMessage"])[0].endsWith(":NAME")`, open, "true"},
		{`iam_arns(it.Resource) == []`, dark, "unknown"},
	} {
		p, iss, err := compile(c.expr, true)
		if err != nil || iss.Err() != nil {
			t.Fatalf("%s: %v %v", c.expr, err, iss.Err())
		}
		out, _, err := p.Eval(&Input{It: c.it, Object: c.it})
		got := "unknown"
		switch {
		case err != nil:
			got = err.Error()
		case out == types.True:
			got = "true"
		case out == types.False:
			got = "false"
		}
		if got != c.want {
			t.Errorf("%s is %s, want %s", c.expr, got, c.want)
		}
	}
	// A statement of a role depends on what makes it, not on what else its place says.
	role := &resource.Node{Kind: resource.Map, Fields: []resource.Field{
		{Name: "project", Node: &resource.Node{Unknown: true, Why: "var.project has no default"}},
		{Name: "Cloud", Node: str("gcp")}, {Name: "Effect", Node: str("Allow")}, {Name: "Scope", Node: str("project")}, {Name: "Action", Node: unknown},
	}}
	p, _, _ := compile(`iam_grants(it, "iam.roles.update")`, false)
	out, _, err := p.Eval(&Input{It: role})
	if u, ok := out.(*types.Unknown); err != nil || !ok || whyOf(u) != unknown.Why {
		t.Errorf("a role that is not known: %v, %v", out, err)
	}
	for _, expr := range []string{`iam_actions(it, "exfiltraton").exists(a, a != "")`, `iam_wide("x")`} {
		p, _, _ := compile(expr, false)
		if _, _, err := p.Eval(&Input{It: open}); err == nil {
			t.Errorf("%s gives no error", expr)
		}
	}
}
