package iam_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// tree makes the tree of a JSON value. A text that holds "?" between angle
// brackets is known in part: "<?>" stands for a piece that is not known; the
// text "<unknown>" is not known at all, and "<aws_s3_bucket.a>" is not known and
// refers to that resource.
func tree(t testing.TB, s string) *resource.Node {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return node(v)
}

func node(v any) *resource.Node {
	switch x := v.(type) {
	case string:
		switch {
		case x == "<unknown>":
			return &resource.Node{Unknown: true, Why: "var.x"}
		case strings.Contains(x, "<?>"):
			return &resource.Node{Unknown: true, Parts: strings.Split(x, "<?>")}
		case strings.HasPrefix(x, "<"):
			return &resource.Node{Unknown: true, Refs: []string{strings.Trim(x, "<>")}}
		}
		return &resource.Node{Kind: resource.String, Value: x}
	case bool:
		return &resource.Node{Kind: resource.Bool, Value: x}
	case []any:
		n := &resource.Node{Kind: resource.List}
		for _, it := range x {
			if it == nil {
				n.Items = append(n.Items, nil)
				continue
			}
			n.Items = append(n.Items, node(it))
		}
		return n
	case map[string]any:
		n := &resource.Node{Kind: resource.Map}
		names := make([]string, 0, len(x))
		for k := range x {
			names = append(names, k)
		}
		slices.Sort(names)
		for _, k := range names {
			n.Fields = append(n.Fields, resource.Field{Name: k, Node: node(x[k])})
		}
		return n
	}
	return &resource.Node{}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "s3:GetObject", true}, {"S3:get*", "s3:GetObject", true}, {"s3:Get?bject", "s3:GetObject", true},
		{"s3:*Object", "s3:GetObject", true}, {"s3:*Object", "s3:GetObjectAcl", false}, {"", "", true}, {"s3:", "s3:GetObject", false},
		{"**a**", "xxaxx", true}, {"*a*b", "acb", true}, {"*a*b", "acbd", false},
	} {
		if got := iam.Match(c.pattern, c.s); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.s, got)
		}
	}
}

func TestWide(t *testing.T) {
	for s, want := range map[string]iam.Verdict{
		`"*"`: iam.Yes, `"arn:aws:s3:::*"`: iam.Yes, `"arn:aws:s3:::*/*"`: iam.Yes, `"arn:aws:iam::*:role/*"`: iam.Yes,
		`"arn:aws:secretsmanager:<?>:<?>:secret:*"`: iam.Yes, `"arn:aws:sqs:eu-central-1:111122223333:*"`: iam.Yes,
		`"arn:aws:ssm:eu-central-1:111122223333:parameter/*"`: iam.Yes, `"arn:aws:logs:*:*:*"`: iam.Yes,
		`"arn:aws:ssm:eu-central-1:111122223333:parameter/shop/*"`: iam.No, `"arn:aws:s3:::uploads/*"`: iam.No,
		`"arn:aws:iam::111122223333:role/shop-*"`: iam.No, `"<?>/*"`: iam.No, `"arn:aws:s3:::<?>/*"`: iam.No,
		`"<unknown>"`: iam.Unknown, `"<aws_s3_bucket.a>"`: iam.No, `""`: iam.No,
	} {
		if got := iam.Wide(tree(t, `{"Resource": [`+s+`]}`)); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
	if got := iam.Wide(tree(t, `{"NotResource": ["arn:aws:s3:::a"]}`)); got != iam.Yes {
		t.Errorf("everything but a bucket: %v", got)
	}
	if got := iam.Wide(tree(t, `{"Resource": "<unknown>"}`)); got != iam.Unknown {
		t.Errorf("an unknown list: %v", got)
	}
}

func TestGrants(t *testing.T) {
	allow := `{"Effect": "Allow", "Action": ["iam:Pass*"], "Resource": ["*"]}`
	for name, c := range map[string]struct {
		st, policy string
		want       iam.Verdict
	}{
		"alone":                   {allow, `[]`, iam.Yes},
		"denied":                  {allow, `[{"Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"]}]`, iam.No},
		"denied but others":       {allow, `[{"Effect": "Deny", "NotAction": ["s3:*"], "Resource": ["*"]}]`, iam.No},
		"denied by NotAction":     {allow, `[{"Effect": "Deny", "NotAction": ["iam:*"], "Resource": ["*"]}]`, iam.Yes},
		"denied without MFA":      {allow, `[{"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": {"Bool": {"aws:MultiFactorAuthPresent": false}}}]`, iam.Yes},
		"denied on one":           {allow, `[{"Effect": "Deny", "Action": ["iam:*"], "Resource": ["arn:aws:iam::1:role/a"]}]`, iam.Yes},
		"may be denied":           {allow, `[{"Effect": "Deny", "Action": ["<unknown>"], "Resource": ["*"]}]`, iam.Unknown},
		"another statement":       {allow, `["<unknown>"]`, iam.Unknown},
		"a denial":                {`{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}`, `[]`, iam.No},
		"everything but":          {`{"Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": ["*"]}`, `[]`, iam.No},
		"everything but another":  {`{"Effect": "Allow", "NotAction": ["s3:*"], "Resource": ["*"]}`, `[]`, iam.Yes},
		"unknown action":          {`{"Effect": "Allow", "Action": ["<unknown>"], "Resource": ["*"]}`, `[]`, iam.Unknown},
		"action known in part":    {`{"Effect": "Allow", "Action": ["iam:<?>"], "Resource": ["*"]}`, `[]`, iam.Unknown},
		"another service in part": {`{"Effect": "Allow", "Action": ["s3:<?>"], "Resource": ["*"]}`, `[]`, iam.No},
		"one role":                {`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["<aws_iam_role.a>"]}`, `[]`, iam.No},
		"to one service":          {`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"], "Condition": {"StringEquals": {"iam:PassedToService": ["eks.amazonaws.com"]}}}`, `[]`, iam.No},
		"to any service":          {`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"], "Condition": {"StringLike": {"iam:PassedToService": ["*"]}}}`, `[]`, iam.Yes},
		"from somewhere":          {`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"], "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}}`, `[]`, iam.Yes},
		"unknown conditions":      {`{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"], "Condition": "<unknown>"}`, `[]`, iam.Unknown},
	} {
		if got := iam.Grants(tree(t, c.st), tree(t, c.policy), "iam:PassRole"); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestEscalations(t *testing.T) {
	for name, c := range map[string]struct {
		policy string // the first statement is asked about
		want   []string
		more   bool
	}{
		"one action":     {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}]`, []string{"iam:PutRolePolicy"}, false},
		"on one role":    {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["arn:aws:iam::1:role/a"]}]`, nil, false},
		"in two parts":   {`[{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"]}, {"Effect": "Allow", "Action": ["ec2:RunInstances"], "Resource": ["*"]}]`, []string{"iam:PassRole with ec2:RunInstances"}, false},
		"one part":       {`[{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"]}]`, nil, false},
		"needs a third":  {`[{"Effect": "Allow", "Action": ["iam:PassRole", "lambda:CreateFunction"], "Resource": ["*"]}]`, nil, false},
		"with the third": {`[{"Effect": "Allow", "Action": ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": ["*"]}]`, []string{"iam:PassRole with lambda:CreateFunction"}, false},
		"to another":     {`[{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": ["*"], "Condition": {"StringEquals": {"iam:PassedToService": ["eks.amazonaws.com"]}}}]`, nil, false},
		"to this one":    {`[{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": ["*"], "Condition": {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}}}]`, []string{"iam:PassRole with ec2:RunInstances"}, false},
		"denied":         {`[{"Effect": "Allow", "Action": ["ssm:*"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["ssm:S*", "ssm:CreateAssociation"], "Resource": ["*"]}]`, nil, false},
		"everything":     {`[{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]`, nil, false},
		"not known":      {`[{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"]}, "<unknown>"]`, nil, true},
		"denied unless bounded": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"],
			"Condition": {"StringNotEquals": {"iam:PermissionsBoundary": ["arn:aws:iam::1:policy/edge"]}}}]`, nil, false},
		"denied without a boundary": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"],
			"Condition": {"Null": {"iam:PermissionsBoundary": "true"}}}]`, nil, false},
		"denied but on some": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:*"],
			"NotResource": ["arn:aws:iam::1:role/app-*"]}]`, nil, false},
		"denied but on all roles": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:*"],
			"NotResource": ["arn:aws:iam::*:role/*"]}]`, []string{"iam:PutRolePolicy"}, false},
		"denied by tag alone": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"],
			"Condition": {"StringEquals": {"aws:ResourceTag/keep": ["yes"]}}}]`, []string{"iam:PutRolePolicy"}, false},
		"denied from elsewhere": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["*"], "Resource": ["*"],
			"Condition": {"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}}}]`, []string{"iam:PutRolePolicy"}, false},
		"denied outside the network": {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["*"], "Resource": ["*"],
			"Condition": {"StringNotEquals": {"aws:SourceVpce": ["vpce-1"]}}}]`, []string{"iam:PutRolePolicy"}, false},
		"denied to others": {`[{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:PassRole"], "Resource": ["*"],
			"Condition": {"StringNotEquals": {"iam:PassedToService": ["eks.amazonaws.com"]}}}]`, nil, false},
		"denied to all but this one": {`[{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:PassRole"], "Resource": ["*"],
			"Condition": {"StringNotEqualsIfExists": {"iam:PassedToService": ["ec2.amazonaws.com"]}}}]`, []string{"iam:PassRole with ec2:RunInstances"}, false},
		"denied to this one": {`[{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["iam:PassRole"], "Resource": ["*"],
			"Condition": {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com"]}}}]`, nil, false},
		"every bucket, one role":       {`[{"Effect": "Allow", "Action": ["iam:PutRolePolicy", "s3:GetObject"], "Resource": ["arn:aws:iam::1:role/app", "arn:aws:s3:::*"]}]`, nil, false},
		"every policy, some roles":     {`[{"Effect": "Allow", "Action": ["iam:AttachRolePolicy"], "Resource": ["arn:aws:iam::1:role/app-*", "arn:aws:iam::*:policy/*"]}]`, nil, false},
		"every role":                   {`[{"Effect": "Allow", "Action": ["iam:AttachRolePolicy"], "Resource": ["arn:aws:iam::1:role/*"]}]`, []string{"iam:AttachRolePolicy"}, false},
		"every kind":                   {`[{"Effect": "Allow", "Action": ["iam:AttachRolePolicy"], "Resource": ["arn:aws:iam::1:*"]}]`, []string{"iam:AttachRolePolicy"}, false},
		"every document, one instance": {`[{"Effect": "Allow", "Action": ["ssm:SendCommand"], "Resource": ["arn:aws:ssm:*:*:document/*", "arn:aws:ec2:*:*:instance/i-1"]}]`, nil, false},
		"one document, every instance": {`[{"Effect": "Allow", "Action": ["ssm:SendCommand"], "Resource": ["arn:aws:ssm:*:*:document/x", "arn:aws:ec2:*:*:instance/*"]}]`, []string{"ssm:SendCommand"}, false},
		"own sessions":                 {`[{"Effect": "Allow", "Action": ["ssm:StartSession"], "Resource": ["*"], "Condition": {"StringEquals": {"ssm:resourceTag/team": ["shop"]}}}]`, nil, false},
		"checked documents":            {`[{"Effect": "Allow", "Action": ["ssm:StartSession"], "Resource": ["*"], "Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}}]`, []string{"ssm:StartSession"}, false},
		"two in one":                   {`[{"Effect": "Allow", "Action": ["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"], "Resource": ["*"]}]`, []string{"eks:CreateAccessEntry with eks:AssociateAccessPolicy"}, false},
		"second part out":              {`[{"Effect": "Allow", "Action": ["ec2:RunInstances"], "Resource": ["*"]}, {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": ["*"]}]`, nil, false},
	} {
		policy := tree(t, c.policy)
		got, more := iam.Escalations(policy.Items[0], policy)
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %q, more %v; want %q, %v", name, got, more, c.want, c.more)
		}
	}
}

func TestGranted(t *testing.T) {
	for name, c := range map[string]struct {
		st       string
		category iam.Category
		want     []string
		more     bool
	}{
		"a pattern":        {`{"Effect": "Allow", "Action": ["ssm:GetParameter*"], "Resource": ["*"]}`, iam.Exfiltration, []string{"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"}, false},
		"a whole service":  {`{"Effect": "Allow", "Action": ["ssm:*"], "Resource": ["*"]}`, iam.Exfiltration, nil, false},
		"a whole and some": {`{"Effect": "Allow", "Action": ["ssm:*", "s3:GetObject"], "Resource": ["*"]}`, iam.Exfiltration, []string{"s3:GetObject"}, false},
		"one bucket":       {`{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a/*"]}`, iam.Exfiltration, nil, false},
		"no such resource": {`{"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": ["*"]}`, iam.Restrictable, nil, false},
		"unknown resource": {`{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["<unknown>"]}`, iam.Exfiltration, nil, true},
		"unknown action":   {`{"Effect": "Allow", "Action": ["<unknown>"], "Resource": ["*"]}`, iam.Credentials, nil, true},
		"two of them":      {`{"Effect": "Allow", "Action": ["iam:PutRolePolicy", "s3:PutBucketPolicy"], "Resource": ["*"]}`, iam.Permissions, []string{"iam:PutRolePolicy", "s3:PutBucketPolicy"}, false},
		"another category": {`{"Effect": "Allow", "Action": ["s3:PutBucketPolicy"], "Resource": ["*"]}`, iam.Permissions, []string{"s3:PutBucketPolicy"}, false},
	} {
		got, more := iam.Granted(tree(t, c.st), nil, c.category, 10)
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %q, more %v; want %q, %v", name, got, more, c.want, c.more)
		}
	}
	if got, _ := iam.Granted(tree(t, `{"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": ["*"]}`), nil, iam.Restrictable, 3); len(got) != 3 {
		t.Errorf("the limit gives %q", got)
	}
}

func TestPublic(t *testing.T) {
	for name, c := range map[string]struct {
		st   string
		want iam.Verdict
	}{
		"anyone":             {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}}`, iam.Yes},
		"all but one":        {`{"Effect": "Allow", "NotPrincipal": {"AWS": ["arn:aws:iam::111122223333:root"]}}`, iam.Yes},
		"an account":         {`{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}}`, iam.No},
		"a service":          {`{"Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com"]}}`, iam.No},
		"a denial":           {`{"Effect": "Deny", "Principal": {"AWS": ["*"]}}`, iam.No},
		"the organisation":   {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-a"]}}}`, iam.No},
		"any organisation":   {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"StringLike": {"aws:PrincipalOrgID": ["*"]}}}`, iam.Yes},
		"not this one":       {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ["o-a"]}}}`, iam.Yes},
		"with TLS":           {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"Bool": {"aws:SecureTransport": true}}}`, iam.Yes},
		"from the office":    {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}}}`, iam.No},
		"from everywhere":    {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/0"]}}}`, iam.Yes},
		"unknown principal":  {`{"Effect": "Allow", "Principal": {"AWS": ["<unknown>"]}}`, iam.Unknown},
		"a role of the code": {`{"Effect": "Allow", "Principal": {"AWS": ["<aws_iam_role.a>"]}}`, iam.No},
		"account in part":    {`{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::<?>:root"]}}`, iam.No},
		"unknown condition":  {`{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Condition": "<unknown>"}`, iam.Unknown},
	} {
		if got := iam.Public(tree(t, c.st)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestUnboundAndValues(t *testing.T) {
	for name, c := range map[string]struct {
		st   string
		want []string
		more bool
	}{
		"for anyone":        {`{"Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com"]}}`, []string{"s3.amazonaws.com"}, false},
		"for one bucket":    {`{"Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com"]}, "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::a"]}}}`, nil, false},
		"of this account":   {`{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}}`, nil, false},
		"unknown condition": {`{"Effect": "Allow", "Principal": {"Service": ["s3.amazonaws.com"]}, "Condition": "<unknown>"}`, nil, true},
	} {
		got, more := iam.Unbound(tree(t, c.st))
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s: %q, more %v", name, got, more)
		}
	}
	for principal, want := range map[string]string{
		`{"AWS": ["arn:aws:iam::<?>:root", "*"]}`: "[arn:aws:iam::…:root *] false", `{"AWS": ["<aws_iam_role.a>"]}`: "[] false",
		`{"AWS": ["<unknown>"]}`: "[] true", `{"Service": ["ec2.amazonaws.com"]}`: "[] false", `"<unknown>"`: "[] true", `{"AWS": "<unknown>"}`: "[] true",
	} {
		got, more := iam.Principals(tree(t, `{"Principal": `+principal+`}`), "AWS")
		if s := fmt.Sprint(got, more); s != want {
			t.Errorf("principals of %s are %s, want %s", principal, s, want)
		}
	}
	part := tree(t, `{"Condition": {"StringEquals": {"…:aud": ["sts.amazonaws.com"]}}}`)
	part.Path("Condition", "StringEquals").Partial = true
	if got, more := iam.Values(part, "*:sub"); len(got) != 0 || more {
		t.Errorf("beside a name that is known in part: %q, more %v", got, more)
	}
	dark := tree(t, `{"Condition": {"StringEquals": {"…": ["x"]}}}`)
	if got, more := iam.Values(dark, "*:sub"); len(got) != 0 || !more {
		t.Errorf("beside a name that is not known: %q, more %v", got, more)
	}
	st := tree(t, `{"Condition": {"StringEquals": {"oidc.eks/id:SUB": ["system:serviceaccount:shop:<?>"]}, "StringNotLike": {"a:sub": ["x"]}}}`)
	if got, more := iam.Values(st, "*:sub"); !slices.Equal(got, []string{"system:serviceaccount:shop:…"}) || more {
		t.Errorf("values are %q, more %v", got, more)
	}
}

// TestTable holds that the table says what its readers take it for.
func TestTable(t *testing.T) {
	of := map[iam.Category][]string{}
	for _, c := range iam.Categories() {
		of[c], _ = iam.Granted(tree(t, `{"Effect": "Allow", "Action": ["?*:?*"], "Resource": ["*"]}`), nil, c, 10_000)
		if len(of[c]) < 10 {
			t.Errorf("%s has %d actions", c, len(of[c]))
		}
		seen := map[string]bool{}
		for _, a := range of[c] {
			service, name, ok := strings.Cut(a, ":")
			if !ok || service == "" || name == "" || strings.ContainsAny(a, "* ") || strings.ToLower(service) != service || seen[a] {
				t.Errorf("%q of %s is no action, or stands twice", a, c)
			}
			seen[a] = true
		}
	}
	for _, c := range []iam.Category{iam.Credentials, iam.Exfiltration, iam.Permissions} {
		for _, a := range of[c] {
			if slices.Contains(of[iam.Restrictable], a) {
				t.Errorf("%s is in %s, and in what else can be limited", a, c)
			}
		}
	}
}

// TestARNs holds that each action that can be limited to resources gets a form,
// and none that says everything.
func TestARNs(t *testing.T) {
	for _, c := range iam.Categories() {
		actions, _ := iam.Granted(tree(t, `{"Effect": "Allow", "Action": ["?*:?*"], "Resource": ["*"]}`), nil, c, 10_000)
		for _, a := range actions {
			arns := iam.ARNs([]string{a})
			if len(arns) == 0 {
				t.Errorf("%s has no form", a)
			}
			for _, arn := range arns {
				if strings.Count(arn, ":") < 5 || !strings.HasPrefix(arn, "arn:aws:") {
					t.Errorf("%s of %s is no ARN of one resource", arn, a)
				}
			}
		}
	}
	for _, c := range []struct{ actions, want []string }{
		{[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}, []string{"arn:aws:s3:::NAME/*", "arn:aws:s3:::NAME"}},
		{[]string{"S3:Get*"}, []string{"arn:aws:s3:::NAME", "arn:aws:s3:::NAME/*"}},
		{[]string{"iam:CreateAccessKey", "iam:PassRole"}, []string{"arn:aws:iam::ACCOUNT:user/NAME", "arn:aws:iam::ACCOUNT:role/NAME"}},
		{[]string{"ec2:DescribeInstances"}, []string{"*"}},
		{[]string{"ec2:DescribeInstances", "ec2:StopInstances"}, []string{"arn:aws:ec2:REGION:ACCOUNT:instance/ID"}},
		{[]string{"nosuch:Thing"}, []string{"arn:aws:nosuch:REGION:ACCOUNT:*"}},
		{[]string{"*", "*:*", "s3*:Get", ":x"}, nil},
	} {
		if got := iam.ARNs(c.actions); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.actions, got, c.want)
		}
	}
}
