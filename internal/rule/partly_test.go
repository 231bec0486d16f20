package rule

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func known(parts ...string) *resource.Node {
	return &resource.Node{Kind: resource.String, Unknown: true, Why: "var.x has no default", Parts: parts}
}

func TestPartlyKnownTexts(t *testing.T) {
	it := tree(fields{
		"arn", known("arn:aws:s3:::", "/*"),
		"action", known("s3:Get", ""),
		"cidr", known("10.", ".0.0/16"),
		"open", known("", "/0"),
		"anything", unknown("var.y has no default"),
		"list", []any{known("arn:aws:s3:::", "/*"), "a"},
		"cidrs", []any{known("10.", ".0.0/16"), known("192.168.", ".0/24")},
		"statements", []any{fields{"Resource", known("arn:aws:s3:::", "/*"), "Action", []any{known("s3:Get", "")}}},
		"doc", &resource.Node{Kind: resource.String, Unknown: true, Why: "w", Parts: []string{"{", "}"}},
	})
	const yes, no, open = "yes", "no", "unknown"
	for expr, want := range map[string]string{
		`it.arn == "*"`:                                      no,
		`it.arn != "*"`:                                      yes,
		`"*" == it.arn`:                                      no,
		`"*" != it.arn`:                                      yes,
		`it.arn == "arn:aws:s3:::logs/*"`:                    open,
		`it.arn != "arn:aws:s3:::logs/*"`:                    open,
		`it.?arn.orValue("*") == "*"`:                        no,
		`it.?arn == optional.of("*")`:                        open,
		`it["arn"] == "*"`:                                   no,
		`it.arn in ["*", "arn:aws:s3:::*"]`:                  no,
		`it.arn in ["*", "arn:aws:s3:::a/*"]`:                open,
		`it.arn in []`:                                       no,
		`it.action in ["s3:Get", "x"]`:                       open,
		`it.arn.startsWith("arn:")`:                          yes,
		`it.arn.startsWith("http")`:                          no,
		`it.arn.startsWith("arn:aws:s3:::l")`:                open,
		`it.arn.endsWith("*")`:                               yes,
		`it.arn.endsWith("x")`:                               no,
		`it.arn.contains(":s3:")`:                            yes,
		`it.arn.contains("logs")`:                            open,
		`it.arn.matches("^arn")`:                             yes,
		`it.arn.matches("/[*]$")`:                            yes,
		`it.arn.matches("^arn:.*/[*]$")`:                     open,
		`it.arn.matches("^http|//$")`:                        no,
		`it.arn.matches("/logs")`:                            open,
		`it.?arn.orValue("").matches("x$")`:                  no,
		`it.arn.matches("arn" + it.arn)`:                     open,
		`it.arn.size() > 3`:                                  open,
		`it.arn + "x" == "*"`:                                open,
		`("x" + it.arn).startsWith("arn:")`:                  open,
		`it.arn.lowerAscii().startsWith("ARN")`:              open,
		`cel.bind(a, it.arn + "x", a == "*")`:                open,
		`json(it.doc).a != "b"`:                              open,
		`it.anything == "*"`:                                 open,
		`"*" in it.list`:                                     no,
		`"a" in it.list`:                                     yes,
		`"arn:aws:s3:::b/*" in it.list`:                      open,
		`"*" in lst(it.arn)`:                                 no,
		`"*" in lst(it.?arn)`:                                no,
		`"*" in lst(it.anything)`:                            open,
		`lst(it.list).exists(r, r == "*")`:                   no,
		`lst(it.arn).exists(r, r == "*")`:                    no,
		`lst(it.list).exists(r, r.startsWith("arn:"))`:       yes,
		`it.list.all(r, r != "*")`:                           yes,
		`it.statements.exists(s, s.Resource == "*")`:         no,
		`it.statements.exists(s, "*" in lst(s.?Resource))`:   no,
		`it.statements.exists(s, "s3:*" in s.Action)`:        no,
		`iam_match(it.action, "iam:PassRole")`:               no,
		`iam_match(it.action, "s3:GetObject")`:               open,
		`iam_match(it.statements[0].Action, "iam:PassRole")`: no,
		`iam_match(it.statements[0].Action, "s3:GetObject")`: open,
		`open_to_world(it.cidr)`:                             no,
		`open_to_world(it.?cidr)`:                            no,
		`open_to_world(it.open)`:                             open,
		`open_to_world(it.cidrs)`:                            no,
		`it.cidr.cidr_public()`:                              no,
		`it.open.cidr_public()`:                              open,
		`it.cidrs.cidr_public()`:                             no,
		`it.arn == it.action`:                                open,
		`(it.arn == "*") == true`:                            no,
		`it.anything == "a" || it.arn.startsWith("arn")`:     yes,
	} {
		for _, limited := range []bool{false, true} {
			r := (&Rule{ID: "k8s/x", Limited: limited, Checks: []Check{{Platform: resource.Terraform, Fail: expr, Message: "m"}}}).seal()
			p, err := r.Program(0)
			if err != nil {
				t.Errorf("%s: %v", expr, err)
				continue
			}
			out := p.Fail(&Input{It: it, Object: it})
			got := no
			switch {
			case out.Unknown:
				got = open
			case out.Violated:
				got = yes
			}
			if got != want {
				t.Errorf("%s (limited %v): %s, want %s (%s)", expr, limited, got, want, out.Why)
			}
		}
	}
}

// Known values come out as they do without the look at parts.
func TestMembershipOfKnownTexts(t *testing.T) {
	it := tree(fields{"a", "x", "n", 1, "nothing", nil})
	for expr, want := range map[string]bool{
		`it.a in ["x", "y"]`: true, `it.a in ["y"]`: false, `it.n in ["x"]`: false, `it.n in [1, 2]`: true, `it.a in ["x", 1]`: true,
		`it.missing in ["x"]`: false, `it.?a.orValue("z") in ["x"]`: true, `!(it.a in ["y"])`: true,
	} {
		r := (&Rule{ID: "k8s/x", Checks: []Check{{Platform: resource.Terraform, Fail: expr, Message: "m"}}}).seal()
		p, err := r.Program(0)
		if err != nil {
			t.Fatal(err)
		}
		if out := p.Fail(&Input{It: it, Object: it}); out.Violated != want || out.Unknown {
			t.Errorf("%s: %+v", expr, out)
		}
	}
}
