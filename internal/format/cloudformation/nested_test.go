package cloudformation_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// readFiles reads the first of the files; the others lie beside it.
func readFiles(t *testing.T, files ...string) (map[string]*resource.Resource, string) {
	t.Helper()
	fsys := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	u := format.Unit{ID: "cloudformation:" + files[0], Format: cloudformation.Name, Dir: ".", Files: files[:1], FS: fsys}
	rs, ds := cloudformation.New().Read(t.Context(), u)
	formattest.Check(t, cases(), u, rs, ds)
	out := map[string]*resource.Resource{}
	for _, r := range rs {
		out[r.ID] = r
	}
	var said strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&said, "%s [%s]\n", d, d.NotEvaluated)
	}
	return out, said.String()
}

func idsOf(rs map[string]*resource.Resource) string {
	var out []string
	for id := range rs {
		out = append(out, id)
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

func TestNestedStacks(t *testing.T) {
	const child = `Parameters:
  Encrypt: {Type: String, Default: "false"}
  Nets: {Type: CommaDelimitedList, Default: "0.0.0.0/0"}
  Bucket: {Type: String}
Resources:
  Disk:
    Type: AWS::EC2::Volume
    Properties: {Encrypted: !Ref Encrypt, Nets: !Ref Nets, Bucket: !Ref Bucket, Own: !Ref Other}
  Other: {Type: AWS::EC2::Volume}
Outputs:
  Id: {Value: !Ref Disk}
  Encrypt: {Value: !Ref Encrypt}
`
	rs, said := readFiles(t, "stack.yaml", `Resources:
  Data:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./nested/child.yaml
      Parameters: {Encrypt: "true", Nets: "10.0.0.0/8,10.1.0.0/16", Bucket: !Ref Logs}
  Again:
    Type: AWS::Serverless::Application
    Properties: {Location: nested/child.yaml}
  Logs: {Type: AWS::S3::Bucket}
  User:
    Type: AWS::X::Y
    Properties: {A: !GetAtt Data.Outputs.Id, B: !GetAtt Data.Outputs.Encrypt, C: !GetAtt Data.Outputs.None, D: !Sub "${Data.Outputs.Encrypt}-x"}
  Far:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: https://s3.amazonaws.com/x/y.yaml}
  Gone:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: nested/gone.yaml}
  Out:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: ../../etc/x.yaml}
  Self:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: stack.yaml}
`, "nested/child.yaml", child)
	if got := idsOf(rs); got != "Again Again.Disk Again.Other Data Data.Disk Data.Other Far Gone Logs Out Self User" {
		t.Errorf("ids: %s", got)
	}
	if want := `stack.yaml:14: Far is not looked into: its template is not in the repository [Far]
stack.yaml:17: Gone is not looked into: its template nested/gone.yaml is not in the repository [Gone]
stack.yaml:20: Out is not looked into: its template ../../etc/x.yaml is not in the repository [Out]
stack.yaml:23: Self is not looked into: its template is one that it is part of [Self]
`; said != want {
		t.Errorf("diagnostics:\n%swant\n%s", said, want)
	}
	disk := rs["Data.Disk"]
	p := disk.Root.Get("Properties")
	if n := p.Get("Encrypted"); n.Value != "true" || n.Range.File != "nested/child.yaml" || len(n.Origins) == 0 || n.Origins[0].File != "stack.yaml" {
		t.Errorf("a parameter: %+v", n)
	}
	if got := show(p.Get("Nets")); got != "[10.0.0.0/8 10.1.0.0/16]" {
		t.Errorf("a list: %s", got)
	}
	if n := p.Get("Bucket"); fmt.Sprint(n.Refs) != "[Logs]" {
		t.Errorf("a reference through a parameter: %v", n.Refs)
	}
	if n := p.Get("Own"); fmt.Sprint(n.Refs) != "[Data.Other]" {
		t.Errorf("a reference within: %v", n.Refs)
	}
	if len(disk.Origins) != 1 || disk.Origins[0].Start.Line != 2 {
		t.Errorf("origins: %v", disk.Origins)
	}
	if got := show(rs["Again.Disk"].Root.Path("Properties", "Encrypted")); got != "false" {
		t.Errorf("a default: %s", got)
	}
	u := rs["User"].Root.Get("Properties")
	if fmt.Sprint(u.Get("A").Refs) != "[Data.Disk]" || show(u.Get("B")) != "true" || !u.Get("C").Unknown || show(u.Get("D")) != "true-x" {
		t.Errorf("outputs: %+v %s %s %s", u.Get("A"), show(u.Get("B")), show(u.Get("C")), show(u.Get("D")))
	}
}

// Stacks whose parameters ask for each other's outputs.
func TestNestedStacksInACircle(t *testing.T) {
	rs, _ := readFiles(t, "a.yaml", `Resources:
  A:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: b.yaml, Parameters: {P: !GetAtt B.Outputs.X}}
  B:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: b.yaml, Parameters: {P: !GetAtt A.Outputs.X}}
`, "b.yaml", "Parameters: {P: {Type: String}}\nResources:\n  C: {Type: AWS::X::Y, Properties: {V: !Ref P}}\nOutputs:\n  X: {Value: !Ref P}\n")
	if n := rs["A.C"].Root.Path("Properties", "V"); !n.Unknown {
		t.Errorf("%+v", n)
	}
}

// Many stacks of one large template cost together what one template may.
func TestManyStacks(t *testing.T) {
	var parent, child strings.Builder
	parent.WriteString("Resources:\n")
	for i := range 80 {
		fmt.Fprintf(&parent, "  S%d:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: child.yaml}\n", i)
	}
	child.WriteString("Resources:\n  A:\n    Type: AWS::X::Y\n    Properties:\n      V:\n")
	for range 10_000 {
		child.WriteString("        - !Ref A\n")
	}
	rs, said := readFiles(t, "a.yaml", parent.String(), "child.yaml", child.String())
	known := 0
	for _, r := range rs {
		if v := r.Root.Path("Properties", "V"); v != nil && strings.HasPrefix(v.Items[0].Why, "A, which") {
			known++
		}
	}
	if known == 0 || known > 21 || !strings.Contains(said, "more than 64 stacks") || !strings.Contains(said, "more than 200000 values") {
		t.Errorf("%d stacks worked out of %d\n%s", known, len(rs), said)
	}
}

func TestGlobalsOfSAM(t *testing.T) {
	rs, said := readFiles(t, "a.yaml", `Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 30
    Environment: {Variables: {A: "1", B: "1"}}
    VpcConfig: {SecurityGroupIds: [sg-1]}
    Tracing: !Ref AWS::NoValue
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 5
      Environment: {Variables: {B: "2"}}
      VpcConfig: {SecurityGroupIds: [sg-2]}
  Bare: {Type: AWS::Serverless::Function}
  Api: {Type: AWS::Serverless::Api}
`)
	if said != "" {
		t.Error(said)
	}
	p := rs["F"].Root.Get("Properties")
	for name, want := range map[string]string{"Timeout": "5", "VpcConfig.SecurityGroupIds": "[sg-1 sg-2]", "Environment.Variables.A": "1", "Environment.Variables.B": "2", "Tracing": "absent"} {
		if got := show(p.Path(strings.Split(name, ".")...)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if n := p.Path("Environment", "Variables", "A"); n.Range.Start.Line != 5 || len(n.Origins) != 1 || n.Origins[0].Start.Line != 9 {
		t.Errorf("a global stands at %v, from %v", n.Range, n.Origins)
	}
	if got := show(rs["Bare"].Root.Path("Properties", "Timeout")); got != "30" {
		t.Errorf("without properties: %s", got)
	}
	if rs["Api"].Root.Get("Properties") != nil {
		t.Error("another type has them too")
	}
}

func TestLoops(t *testing.T) {
	rs, said := readFiles(t, "a.yaml", `Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: "one,two"}
  Open: {Type: CommaDelimitedList}
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}:
        Type: AWS::SNS::Topic
        Properties:
          TopicName: !Sub "${Name}-topic"
          Display: {Ref: Name}
          Fn::ForEach::Tags:
            - Key
            - [a, b]
            - Tag${Key}: !Ref Key
  Fn::ForEach::Unknown:
    - Name
    - !Ref Open
    - Queue${Name}: {Type: AWS::SQS::Queue}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      Fn::Transform: {Name: AWS::Include}
      A: 1
`)
	if got := idsOf(rs); got != "Bucket Topicone Topictwo" {
		t.Errorf("ids: %s", got)
	}
	if said != "a.yaml:18: Fn::ForEach::Unknown is not followed: the parameter Open, which has no default [Fn::ForEach::Unknown]\n"+
		"a.yaml:22: Bucket has a Fn::Transform, which is not followed [Bucket]\n" {
		t.Error(said)
	}
	p := rs["Topictwo"].Root.Get("Properties")
	if show(p.Get("TopicName")) != "two-topic" || show(p.Get("Display")) != "two" || show(p.Get("Taga")) != "a" || show(p.Get("Tagb")) != "b" {
		t.Errorf("%s %s %s", show(p.Get("TopicName")), show(p.Get("Display")), show(p.Get("Taga")))
	}
	if b := rs["Bucket"].Root.Get("Properties"); !b.Partial || show(b.Get("A")) != "1" {
		t.Errorf("a macro: %+v", b)
	}
}

// What both branches of an undecided condition say holds.
func TestBranches(t *testing.T) {
	p := read(t, "a.yaml", `Parameters: {Stage: {Type: String}}
Conditions: {Prod: !Equals [!Ref Stage, prod]}
Resources:
  A:
    Type: AWS::X::Y
    Properties:
      V: !If
        - Prod
        - {Encrypted: true, Size: 10, Extra: 1}
        - {Encrypted: true, Size: 20}
`)["A"].Root.Path("Properties", "V")
	if p.Unknown || !p.Partial || show(p.Get("Encrypted")) != "true" || !p.Get("Size").Unknown || !p.Get("Extra").Unknown {
		t.Errorf("%+v", p)
	}
}

// A parameter that a condition asks for is where its branches come from.
func TestConditionsAreOrigins(t *testing.T) {
	rs := read(t, "a.yaml", `Parameters:
  Open: {Type: String, Default: "true"}
Conditions:
  IsOpen: !Equals [!Ref Open, "true"]
  Both: !And [!Condition IsOpen, !Not [!Equals [a, b]]]
Resources:
  A:
    Type: AWS::X::Y
    Condition: Both
    Properties: {V: !If [Both, 1, 2]}
`)
	if v := rs["A"].Root.Path("Properties", "V"); len(v.Origins) != 1 || v.Origins[0].Start.Line != 2 {
		t.Errorf("%+v", v)
	}
	if o := rs["A"].Origins; len(o) != 1 || o[0].Start.Line != 2 {
		t.Errorf("%v", o)
	}
}

func TestMacrosAreNamed(t *testing.T) {
	rs, said := readFiles(t, "a.yaml", `Transform: [AWS::Serverless-2016-10-31, Mine, {Name: AWS::Include}]
Resources:
  A: {Type: AWS::X::Y, Properties: {V: !Transform {Name: Other}}}
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      TemplateURL: b.yaml
      Parameters: [{ParameterKey: V, ParameterValue: "3"}]
  Inline:
    Type: AWS::CloudFormation::StackSet
    Properties: {TemplateBody: "Resources: {}"}
`, "b.yaml", "Parameters: {V: {Type: String}}\nResources:\n  C: {Type: AWS::X::Y, Properties: {V: !Ref V}}\n")
	if got := show(rs["Set.C"].Root.Path("Properties", "V")); got != "3" {
		t.Errorf("the stack of a set: %s", got)
	}
	const want = `a.yaml:1: the macro AWS::Include is not run: what it makes of the template is not known [a.yaml]
a.yaml:1: the macro Mine is not run: what it makes of the template is not known [a.yaml]
a.yaml:3: A has a Fn::Transform, which is not followed [A]
a.yaml:9: Inline is not looked into: its template is written into it [Inline]
`
	if said != want {
		t.Error(said)
	}
}
