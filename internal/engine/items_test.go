package engine

import (
	"cmp"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// TestItems selects by the names that the platforms offer, and says where each
// item stands and what it looks like to a rule.
func TestItems(t *testing.T) {
	const (
		mount = `it.?type.orValue("-") + " " + it.?source.orValue("-") + " " + it.?target.orValue("-") + " " + it.?mode.orValue("-")`
		port  = `it.?host_ip.orValue("-") + " " + string(it.?published.orValue("-")) + " " + string(it.target) + " " + it.?protocol.orValue("-")`
	)
	tests := []struct {
		name, platform, each, show, at, doc string
		want, unknown                       []string
	}{
		{"mounts", resource.Compose, "mounts", mount, "source",
			"volumes:\n- /a:/b:ro,z\n- ./c:/d\n- data:/e\n- /f\n- C:\\g:/h\n- ~/i:/j\n- {type: tmpfs, target: /k}\n- UNKNOWN the variable V\n- 7\n",
			[]string{
				"volumes[0].source@2 bind /a /b ro,z", "volumes[1].source@3 bind ./c /d -", "volumes[2].source@4 volume data /e -", "volumes[3].source@5 volume - /f -",
				"volumes[4].source@6 bind C:\\g /h -", "volumes[5].source@7 bind ~/i /j -", "volumes[6].source@8 tmpfs - /k -",
			}, []string{"the variable V"}},
		{"ports", resource.Compose, "ports", port, "published",
			"ports: ['80', '8080:80', '127.0.0.1:53:53/udp', '[::1]:1:2', '9000-9001:9000-9001', 7, {target: 5, published: 6}]\n",
			[]string{
				"ports[0].published@1 - - 80 -", "ports[1].published@1 - 8080 80 -", "ports[2].published@1 127.0.0.1 53 53 udp", "ports[3].published@1 ::1 1 2 -",
				"ports[4].published@1 - 9000-9001 9000-9001 -", "ports[6].published@1 - 6 5 -",
			}, nil},
		{"environment as a list", resource.Compose, "environment", `it.name + "=" + it.value`, "value",
			"environment:\n- A=b=c\n- D\n- UNKNOWN the variable V\n", []string{"environment[0].value@2 A=b=c"}, nil},
		{"environment as a map", resource.Compose, "environment", `it.name + "=" + string(it.value)`, "value",
			"environment:\n  A: b\n  C:\n  D: UNKNOWN the variable V\n  E: 5\n", []string{"environment.A.value@2 A=b", "environment.E.value@5 E=5"}, nil},
		{"annotations", resource.Kubernetes, "annotations", `it.name + "=" + it.value`, "",
			"kind: Deployment\nmetadata: {annotations: {a.b/c: d, e: UNKNOWN x}}\n", []string{"metadata.annotations[\"a.b/c\"]@2 a.b/c=d", "metadata.annotations.e@2 (not known yet)"}, nil},
		{"unknown annotations", resource.Kubernetes, "annotations", `it.name`, "", "metadata: UNKNOWN the base\n", nil, []string{"the base"}},
		{"unknown mounts", resource.Compose, "mounts", mount, "source", "volumes: UNKNOWN the variable V\n", nil, []string{"the variable V"}},
		{"no mounts", resource.Compose, "mounts", mount, "source", "volumes: {}\n", nil, nil},
		{"jobs", resource.Actions, "jobs", `group + " " + it.on`, "on", "jobs:\n  a: {on: x}\n  b: {on: y}\n  c: 1\n  d: UNKNOWN x\n",
			[]string{"jobs.a.on@2 a x", "jobs.b.on@3 b y"}, []string{"x"}},
		{"steps", resource.Actions, "steps", `group + " " + it.run`, "run", "jobs:\n  a: {steps: [{run: x}, {run: y}]}\n  b: {}\n  c: {steps: [{run: z}]}\n",
			[]string{"jobs.a.steps[0].run@2 a x", "jobs.a.steps[1].run@2 a y", "jobs.c.steps[0].run@4 c z"}, nil},
		{"steps of an action", resource.Actions, "steps", `group + "|" + it.run`, "run", "runs: {steps: [{run: x}]}\n", []string{"runs.steps[0].run@1 |x"}, nil},
		{"statements", resource.CloudFormation, "statements", `it.Effect + " " + lst(it.?Action).join(",") + " " + lst(it.?Principal.?AWS).join(",")`, "Action",
			"Properties:\n  PolicyDocument:\n    Statement: {Effect: Allow, Action: a}\n  Policies:\n  - PolicyDocument: {Statement: [{Effect: Deny, Action: [b, c], Principal: '*'}, UNKNOWN one]}\n  - PolicyDocument: UNKNOWN two\n",
			[]string{"Properties.PolicyDocument.Statement.Action@3 Allow a ", "Properties.Policies[0].PolicyDocument.Statement[0].Action@5 Deny b,c *"}, []string{"one", "two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := manifest(t, "a.yaml", 1, tt.doc)
			res := &resource.Resource{ID: "x", Platform: tt.platform, Kind: cmp.Or(doc.Root.Get("kind").Str(), "X"), Name: "x", Unit: "u", Root: doc.Root, Range: doc.Range, Head: doc.Head}
			rules := active(t, tt.platform, rule.Rule{ID: "x/y", Checks: []rule.Check{{
				Each: tt.each, Fail: "true", At: tt.at, Message: "{{ " + tt.show + " }}",
			}}})
			got := evaluate(t, Options{Rules: rules}, added(res))
			var found, unknown []string
			for _, f := range got.Findings {
				found = append(found, fmt.Sprintf("%s@%d %s", f.Path, f.Range.Start.Line, f.Message))
			}
			for _, u := range got.Unknown {
				unknown = append(unknown, u.Why)
			}
			if diff := gocmp.Diff(tt.want, found); diff != "" {
				t.Error(diff)
			}
			if diff := gocmp.Diff(tt.unknown, unknown); diff != "" {
				t.Error(diff)
			}
		})
	}
}
