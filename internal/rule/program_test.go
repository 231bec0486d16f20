package rule

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// tree makes nodes from Go values: nil, bool, int, float64, string, []any,
// fields (ordered) and *resource.Node as they are.
func tree(v any) *resource.Node {
	switch x := v.(type) {
	case nil:
		return &resource.Node{}
	case bool:
		return &resource.Node{Kind: resource.Bool, Value: x}
	case int:
		return &resource.Node{Kind: resource.Int, Value: int64(x)}
	case float64:
		return &resource.Node{Kind: resource.Float, Value: x}
	case string:
		return &resource.Node{Kind: resource.String, Value: x}
	case []any:
		n := &resource.Node{Kind: resource.List}
		for _, it := range x {
			n.Items = append(n.Items, tree(it))
		}
		return n
	case fields:
		n := &resource.Node{Kind: resource.Map}
		for i := 0; i+1 < len(x); i += 2 {
			n.Fields = append(n.Fields, resource.Field{Name: x[i].(string), Node: tree(x[i+1])})
		}
		return n
	case *resource.Node:
		return x
	}
	panic("no node for this value")
}

// fields are names and values by turns.
type fields []any

func unknown(why string) *resource.Node {
	return &resource.Node{Kind: resource.String, Unknown: true, Why: why}
}

func partial(n *resource.Node, why string) *resource.Node {
	c := *n
	c.Partial, c.Why = true, why
	return &c
}

// policy is a String that holds a JSON document whose tree is known though a
// part of it is not.
func policy(doc *resource.Node) *resource.Node {
	return &resource.Node{Kind: resource.String, Unknown: true, Why: "aws_s3_bucket.b.arn", Embedded: doc}
}

func TestConditions(t *testing.T) {
	const (
		no  = "no"
		yes = "yes"
	)
	item := tree(fields{
		"name", "app",
		"privileged", true,
		"off", false,
		"count", 3,
		"ratio", 0.5,
		"nothing", nil,
		"secret", unknown("var.secret"),
		"other", unknown("data.aws_ami.x"),
		"caps", []any{"NET_ADMIN", "SYS_TIME"},
		"mixed", []any{"a", unknown("var.item")},
		"open", partial(tree([]any{"x"}), "dynamic block"),
		"part", partial(tree(fields{"known", "1"}), "merge of var.tags"),
		"nested", fields{"deep", fields{"value", "v"}},
		"text", `{"Statement":[{"Effect":"Allow"}]}`,
		"bad", `{"Statement":`,
		"doc", policy(tree(fields{"Version", "2012-10-17", "Arn", unknown("aws_s3_bucket.b.arn")})),
		"docs", []any{policy(tree(fields{"Version", "2012-10-17"}))},
		"one", "single",
		"url", "https://example.com",
	})
	tests := []struct{ expr, want string }{
		// known, false and absent
		{`it.privileged`, yes},
		{`it.privileged == true`, yes},
		{`it.off == true`, no},
		{`it.missing == true`, no},
		{`it.?missing.orValue(false) == true`, no},
		{`it.?off.orValue(true) == false`, yes},
		{`!has(it.missing)`, yes},
		{`has(it.privileged)`, yes},
		{`it.?missing.?deeper.?still.orValue("d") == "d"`, yes},
		{`it.nested.deep.value == "v"`, yes},
		{`it.?nested.?deep.?value.orValue("") == "v"`, yes},
		{`it.?caps[?0].orValue("") == "NET_ADMIN"`, yes},
		{`it.?caps[?7].orValue("none") == "none"`, yes},
		{`it.caps[7] == "x"`, no},
		{`it.name.startsWith("ap") && it.name.size() == 3`, yes},
		{`it.count > 2 && it.ratio < 1.0`, yes},
		{`it.name > 2`, no},
		// null is absent
		{`has(it.nothing)`, no},
		{`it.?nothing.orValue("d") == "d"`, yes},
		{`"nothing" in it`, no},
		{`lst(it.?nothing).size() == 0`, yes},
		// a missing key is no match, even beside a true one
		{`it.missing == 1 && true`, no},
		{`it.missing == 1 || it.privileged`, yes},
		// unknown
		{`it.secret == "x"`, "var.secret"},
		{`it.secret != "x"`, "var.secret"},
		{`it.?secret.orValue("x") == "x"`, "var.secret"},
		{`has(it.secret)`, "var.secret"},
		{`"secret" in it`, "var.secret"},
		{`it.secret.startsWith("x")`, "var.secret"},
		{`it.secret.a.b == 1`, "var.secret"},
		{`it.secret == "x" || it.privileged`, yes},
		{`it.privileged || it.secret == "x"`, yes},
		{`it.secret == "x" && it.off`, no},
		{`it.secret == "x" && it.other == "y"`, "data.aws_ami.x, var.secret"},
		{`it.secret == "x" ? true : false`, "var.secret"},
		{`it.privileged ? it.off : it.secret`, no},
		{`[it.secret, "x"].exists(s, s == "x")`, "var.secret"},
		{`!(it.secret == "x")`, "var.secret"},
		// lists with an unknown item
		{`"a" in it.mixed`, yes},
		{`"z" in it.mixed`, "var.item"},
		{`it.mixed.exists(x, x == "a")`, yes},
		{`it.mixed.exists(x, x == "z")`, "var.item"},
		{`it.mixed.all(x, x == "a")`, "var.item"},
		{`it.mixed.all(x, x == "z")`, no},
		{`it.mixed == ["a", "b"]`, "var.item"},
		{`it.mixed != ["a", "b"]`, "var.item"},
		{`it.mixed != ["b", "b"]`, yes},
		{`it.mixed.size() == 2`, yes},
		{`it.mixed.filter(x, x == "a").size() == 1`, "var.item"},
		{`it.mixed.join(",") == "a,b"`, noWhy},
		{`"SYS_TIME" in it.caps && !("X" in it.caps)`, yes},
		{`it.caps == ["NET_ADMIN", "SYS_TIME"]`, yes},
		{`it.caps + ["X"] == ["NET_ADMIN", "SYS_TIME", "X"]`, yes},
		{`it.caps.join("-") == "NET_ADMIN-SYS_TIME"`, yes},
		{`it.caps.map(c, c.lowerAscii()) == ["net_admin", "sys_time"]`, yes},
		{`sets.intersects(it.caps, ["SYS_TIME"])`, yes},
		// lists and maps that may hold more
		{`it.open.exists(x, x == "x")`, yes},
		{`it.open.exists(x, x == "y")`, "dynamic block"},
		{`it.open.all(x, x == "x")`, "dynamic block"},
		{`"y" in it.open`, "dynamic block"},
		{`size(it.open) == 1`, "dynamic block"},
		{`it.open[0] == "x"`, yes},
		{`it.open[3] == "x"`, "dynamic block"},
		{`it.open == ["x"]`, "dynamic block"},
		{`it.part.known == "1"`, yes},
		{`has(it.part.more)`, "merge of var.tags"},
		{`it.part.?more.orValue("") == ""`, "merge of var.tags"},
		{`it.part.exists(k, k == "known")`, yes},
		{`it.part.exists(k, k == "more")`, "merge of var.tags"},
		{`it.nested == {"deep": {"value": "v"}}`, yes},
		{`it.nested.exists(k, v, k == "deep")`, yes},
		// lst
		{`lst(it.one) == ["single"]`, yes},
		{`lst(it.caps).size() == 2`, yes},
		{`lst(it.missing.deeper).size() == 0`, yes},
		{`lst(it.?missing).size() == 0`, yes},
		{`lst(it.?one).exists(x, x == "single")`, yes},
		{`lst(it.secret).size() == 1`, "var.secret"},
		{`lst(it.name + 1).size() == 0`, no},
		// json
		{`json(it.text).Statement[0].Effect == "Allow"`, yes},
		{`json(it["text"]).Statement.size() == 1`, yes},
		{`json(it.?text).?Statement[?0].?Effect.orValue("") == "Allow"`, yes},
		{`json(it.?missing).?Statement.orValue([]).size() == 0`, yes},
		{`json(it.?bad).hasValue()`, no},
		{`json(it.bad).x == 1`, no},
		{`json(it.doc).Version == "2012-10-17"`, yes},
		{`json(it.doc).Arn == "x"`, "aws_s3_bucket.b.arn"},
		{`json(it.?doc.?x).hasValue()`, "aws_s3_bucket.b.arn"},
		{`json(it.docs[0]).Version == "2012-10-17"`, yes},
		{`json(it.nested).deep.value == "v"`, yes},
		{`json(it.?nested.?deep.value).hasValue()`, no},
		{`json("[1, 2.5, true, null]")[1] == 2.5`, yes},
		{`[it.text].exists(t, json(t).Statement.size() == 1)`, yes},
		{`json(it.secret).x == 1`, "var.secret"},
		// variables
		{`resource.kind == "Deployment" && resource.apiVersion == "apps/v1" && resource.file == "k8s/a.yaml"`, yes},
		{`resource.namespace == ""`, yes},
		{`resource.nonsense == ""`, no},
		{`oldObject == null`, yes},
		{`pod == null && group == ""`, yes},
		{`object.name == it.name`, yes},
	}
	in := &Input{It: item, Object: item, Resource: &resource.Resource{
		ID: "apps/v1/Deployment/api", Kind: "Deployment", Group: "apps", Version: "v1", Name: "api", Platform: resource.Kubernetes,
	}}
	in.Resource.Range.File = "k8s/a.yaml"
	for _, limited := range []bool{false, true} {
		for _, tt := range tests {
			r := &Rule{ID: "t/t", Limited: limited, Checks: []Check{{Platform: resource.Kubernetes, Fail: tt.expr, Message: "m"}}}
			p, err := r.Program(0)
			if err != nil {
				t.Errorf("%s: %v", tt.expr, err)
				continue
			}
			out := p.Fail(in)
			got := no
			switch {
			case out.Unknown:
				got = out.Why
			case out.Violated:
				got = yes
			}
			if got != tt.want {
				t.Errorf("%s (limited %t): got %s, want %s", tt.expr, limited, got, tt.want)
			}
		}
	}
}

func TestCheckNamesPlaceOfMistake(t *testing.T) {
	src := `id: t/t
title: T
severity: low
theme: namespaces
why: W
remediation: R
checks:
  - platform: kubernetes
    fail: |
      it.a &&
      itt.b
    message: "{{ it.name"
`
	rules, ds := Parse("t.yaml", []byte(src))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	got := rules.Check()
	if len(got) != 2 {
		t.Fatalf("got %v", got)
	}
	if got[0].Line != 11 || !strings.Contains(got[0].Message, "undeclared reference to 'itt'") || !strings.Contains(got[0].Message, "(column 7)") {
		t.Errorf("got %s", got[0])
	}
	if got[1].Line != 12 || !strings.Contains(got[1].Message, "not closed") {
		t.Errorf("got %s", got[1])
	}
	if _, err := rules.Program(0); err == nil || !strings.Contains(err.Error(), "t.yaml:11") {
		t.Errorf("Program: %v", err)
	}
}

func TestPlacesInExpressions(t *testing.T) {
	head := "id: t/t\ntitle: T\nseverity: low\ntheme: namespaces\nwhy: W\nremediation: R\nchecks:\n  - platform: kubernetes\n    message: m\n"
	for _, tt := range []struct{ name, fail, want string }{
		{"folded", "    fail: >-\n      it.a\n      && it.b\n      && itt.c\n", "t.yaml:13: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 10)"},
		{"folded with an empty line", "    fail: >-\n      it.a\n\n      && itt.c", "t.yaml:13: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 10)"},
		{"folded with deeper lines", "    fail: >-\n      it.a\n        && it.b\n        && itt.c\n", "t.yaml:13: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 12)"},
		{"literal", "    fail: |\n      it.a\n      && itt.c\n", "t.yaml:12: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 10)"},
		{"plain", "    fail: it.a && itt.c\n", "t.yaml:10: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 19)"},
		{"plain on several lines", "    fail: it.a\n      && it.b\n      && itt.c\n", "t.yaml:12: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 10)"},
		{"letters of several bytes", "    fail: >-\n      it.a == \"é\"\n      && it.b == \"é\" && itt.c\n", "t.yaml:12: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 25)"},
		{"quoted", "    fail: 'it.a && itt.c'\n", "t.yaml:10: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?) (column 20)"},
		{"quoted with escapes", "    fail: \"it.a == \\\"x\\\" && itt.c\"\n", "t.yaml:10: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?)"},
		{"quoted with quotes", "    fail: 'it.a == ''x'' && itt.c'\n", "t.yaml:10: fail: undeclared reference to 'itt' (did you mean 'it' or 'int'?)"},
		{"at the end", "    fail: >-\n      it.a\n      && it.b ==\n", "t.yaml:12: fail: Syntax error: mismatched input '<EOF>'"},
	} {
		r, ds := Parse("t.yaml", []byte(head+tt.fail))
		if len(ds) > 0 {
			t.Fatalf("%s: %v", tt.name, ds)
		}
		got := r.Check()
		if len(got) != 1 {
			t.Errorf("%s: %v", tt.name, got)
			continue
		}
		if said := got[0].String(); said != tt.want && !(tt.name == "at the end" && strings.HasPrefix(said, tt.want)) {
			t.Errorf("%s: got %q, want %q", tt.name, got[0], tt.want)
		}
	}
}
