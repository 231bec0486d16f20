package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const good = `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Encrypt: {Type: String, Default: "false"}
  Stage: {Type: String, Default: dev}
Mappings:
  Sizes: {dev: {class: db.t4g.micro, zones: [a, b]}}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  # the orders
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      StorageEncrypted: !Ref Encrypt # for now
      DBInstanceClass: !FindInMap [Sizes, !Ref Stage, class]
      MultiAZ: !If [Prod, true, false]
      MasterUserPassword: !Sub "{{resolve:secretsmanager:${Secret}}}"
  Secret:
    Type: AWS::SecretsManager::Secret
`

const inJSON = `{
  "Parameters": {"Encrypt": {"Type": "String", "Default": "true"}},
  "Resources": {
    "Disk": {"Type": "AWS::EC2::Volume", "Properties": {"Encrypted": {"Ref": "Encrypt"}, "Size": 10}}
  }
}
`

func cases() formattest.Cases {
	return formattest.Cases{
		Format:    cloudformation.Name,
		Platforms: []string{resource.CloudFormation},
		File:      "infra/template.yaml",
		Good:      good,
		Broken:    "Resources:\n  A:\n    Type: [AWS::X::Y\n",
		Key:       formattest.YAMLKey,
		Scalar: func(text string, n *resource.Node) (any, bool) {
			if n.Kind == resource.Bool && !strings.Contains("true false", text) {
				return nil, false // YAML 1.1
			}
			return formattest.YAMLScalar(text, n)
		},
	}
}

func TestConformance(t *testing.T) {
	c := cases()
	one := func(name, text string, ids []string, diagnostics ...string) formattest.Unit {
		return formattest.Unit{Name: name, Files: map[string]string{"a.yaml": text}, IDs: ids, Diagnostics: diagnostics}
	}
	c.Units = []formattest.Unit{
		one("template", good, []string{"Database", "Secret"}),
		{Name: "JSON", Files: map[string]string{"a.json": inJSON}, IDs: []string{"Disk"}},
		one("no template", "Resources: {a: 1}\n", []string{}),
		one("serverless", "Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function}\n", []string{"F"}),
		one("no map", "AWSTemplateFormatVersion: x\nResources: [a]\n", []string{}, "a.yaml:2: error: not a map"),
		one("no type", "AWSTemplateFormatVersion: x\nResources:\n  A: {}\n  B: {Type: AWS::X::Y}\n", []string{"B"}, "a.yaml:3: error: has no type"),
		one("condition that is false", good+"    Condition: Prod\n", []string{"Database"}, "a.yaml:18: warning: Prod is false"),
		one("loop", "Resources:\n  A: {Type: AWS::X::Y}\n  Fn::ForEach::B: [x, !Ref P, {}]\n", []string{"A"}, "a.yaml:3: warning: not followed"),
		one("function for a resource", "Resources:\n  A: {Type: AWS::X::Y}\n  B: !Ref A\n", []string{"A"}, "a.yaml:3: error: has no type"),
		one("two documents", "Resources:\n  A: {Type: AWS::X::Y}\n---\nResources:\n  A: {Type: AWS::X::Y}\n", []string{"A", "A#2"}, "a.yaml:5: warning: defined before"),
	}
	formattest.Run(t, cloudformation.New(), c)
}

func read(t *testing.T, path, text string) map[string]*resource.Resource {
	t.Helper()
	u := format.Unit{ID: "cloudformation:" + path, Format: cloudformation.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text)}}}
	rs, ds := cloudformation.New().Read(t.Context(), u)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	formattest.Check(t, cases(), u, rs, ds)
	out := map[string]*resource.Resource{}
	for _, r := range rs {
		out[r.ID] = r
	}
	return out
}

func TestTemplate(t *testing.T) {
	db := read(t, "a.yaml", good)["Database"]
	if db.Kind != "AWS::RDS::DBInstance" || db.Head.Start.Line != 11 || len(db.Comments) != 2 {
		t.Errorf("%s %v %v", db.Kind, db.Head, db.Comments)
	}
	p := db.Root.Get("Properties")
	if n := p.Get("StorageEncrypted"); n.Value != "false" || len(n.Origins) != 1 || n.Origins[0].Start.Line != 3 || n.Range.Start.Line != 14 {
		t.Errorf("a parameter's default: %+v", n)
	}
	if n := p.Get("DBInstanceClass"); n.Value != "db.t4g.micro" || n.Origins[0].Start.Line != 6 {
		t.Errorf("a mapping: %+v", n)
	}
	if n := p.Get("MultiAZ"); n.Value != false || n.Unknown {
		t.Errorf("a condition: %+v", n)
	}
	if n := p.Get("MasterUserPassword"); !n.Unknown || !strings.HasPrefix(n.Why, "Secret, which is known only") {
		t.Errorf("a resource: %+v", n)
	}
	if n := read(t, "a.json", inJSON)["Disk"].Root.Path("Properties", "Encrypted"); n.Value != "true" {
		t.Errorf("JSON: %+v", n)
	}
}

func TestFunctions(t *testing.T) {
	const head = `Parameters:
  Name: {Type: String, Default: shop}
  None: {Type: String}
  One: {Type: String, AllowedValues: [only]}
  Stage: {Type: String, AllowedValues: [dev, test]}
  Count: {Type: Number, Default: "3"}
  Nets: {Type: CommaDelimitedList, Default: "10.0.0.0/8, 0.0.0.0/0"}
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /aws/x}
Mappings:
  M: {a: {list: [p, q], flag: true}}
Conditions:
  Shop: !Equals [!Ref Name, shop]
  Other: !Not [Condition: Shop]
  Maybe: !Equals [!Ref None, x]
  Never: !Equals [!Ref Stage, prod]
  Or: !Or [Condition: Maybe, Condition: Shop]
  And: !And [!Condition Maybe, !Condition Other]
  Both: !And [!Condition Maybe, !Condition Shop]
  Self: !Not [!Condition Self]
Resources:
  B: {Type: AWS::S3::Bucket}
  A:
    Type: AWS::X::Y
    Properties:
      V: `
	for text, want := range map[string]string{
		"!Ref Name":                              "shop",
		"{Ref: Name}":                            "shop",
		"!Ref None":                              "? the parameter None, which has no default",
		"!Ref Count":                             "3",
		"!Ref Nets":                              "[10.0.0.0/8 0.0.0.0/0]",
		"!Ref Image":                             "? the parameter Image, which is known only",
		"!Ref B":                                 "? B, which is known only",
		"!Ref C":                                 "? C, which is neither",
		"!Ref AWS::Region":                       "? AWS::Region, which is known only",
		"!Ref AWS::NoValue":                      "absent",
		"!GetAtt B.Arn":                          "? B.Arn, which is known only",
		"!Sub 'a-${Name}-${!x}'":                 "a-shop-${x}",
		"!Sub ['${N}-${Name}', {N: !Ref Count}]": "3-shop",
		"!Sub '${B.Arn}/*'":                      "? B.Arn, which is known only",
		"!Sub 'arn:${AWS::Partition}:iam'":       "arn:aws:iam",
		"!Sub '${AWS::AccountId}'":               "? AWS::AccountId",
		"!Sub 'open ${'":                         "open ${",
		"!Join ['-', [a, !Ref Name, 1]]":         "a-shop-1",
		"!Join ['', [a, !Ref B]]":                "? B, which is known only",
		"!Join [',', !Ref Nets]":                 "10.0.0.0/8,0.0.0.0/0",
		"!Select [1, [a, b]]":                    "b",
		"!Select [1, !Ref Nets]":                 "0.0.0.0/0",
		"!Select [2, [a, b]]":                    "? an item of Fn::Select",
		"!Split ['-', a-b]":                      "[a b]",
		"!Select [0, !Split ['-', !Sub '${Name}-x']]":    "shop",
		"!FindInMap [M, a, flag]":                        "true",
		"!FindInMap [M, a, list]":                        "[p q]",
		"!FindInMap [M, !Ref None, flag]":                "? the parameter None",
		"!FindInMap [M, b, flag]":                        "? b, which the mappings",
		"!If [Shop, 1, 2]":                               "1",
		"!If [Other, 1, 2]":                              "2",
		"!If [Maybe, 1, 2]":                              "? the condition Maybe, and with it the parameter None",
		"!If [Or, 1, 2]":                                 "1",
		"!If [And, 1, 2]":                                "2",
		"!If [Both, 1, 2]":                               "? the condition Both",
		"!If [Self, 1, 2]":                               "? the condition Self",
		"!If [Gone, 1, 2]":                               "? the condition Gone, which",
		"!If [Other, 1, !Ref AWS::NoValue]":              "absent",
		"[a, !If [Other, b, !Ref AWS::NoValue]]":         "[a]",
		"!Base64 {'Fn::Sub': 'x ${Name}'}":               "x shop",
		"!ImportValue x":                                 "? Fn::ImportValue",
		"!If [Shop]":                                     "? a function without",
		"yes":                                            "true",
		"!Ref One":                                       "only",
		"!If [Never, 1, 2]":                              "2",
		"!If [Maybe, 1, 1]":                              "1",
		"!Length [a, b]":                                 "2",
		"!Length [a, !If [Maybe, b, !Ref AWS::NoValue]]": "2",
		"!FindInMap [M, b, flag, {DefaultValue: x}]":     "x",
	} {
		n := read(t, "a.yaml", head+text+"\n")["A"].Root.Path("Properties", "V")
		got := show(n)
		if strings.HasPrefix(want, "? ") && strings.HasPrefix(got, want) {
			continue
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	n := read(t, "a.yaml", head+"\n        Fn::GetAtt: [B, Arn]\n")["A"].Root.Path("Properties", "V")
	if got := show(n); !strings.HasPrefix(got, "? B.Arn, which is known only") {
		t.Errorf("the long form is %s", got)
	}
}

// TestValuesThatComeToSomething holds of which values it is known that they are
// not empty, though nobody knows what they are.
func TestValuesThatComeToSomething(t *testing.T) {
	const head = `
Parameters:
  Free: {Type: String}
  Long: {Type: String, MinLength: 3}
  Short: {Type: String, MinLength: "0"}
  One: {Type: String, AllowedValues: [a, b]}
  MayBeNone: {Type: String, AllowedValues: ["", b]}
  Count: {Type: Number}
  Vpc: {Type: "AWS::EC2::VPC::Id"}
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /shop/key}
  StoredList: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /shop/keys}
Conditions:
  Maybe: !Equals [!Ref Free, x]
Resources:
  B: {Type: "AWS::S3::Bucket"}
  A:
    Type: AWS::S3::Bucket
    Properties:
      V: `
	for text, want := range map[string]bool{
		"!ImportValue x": true,
		"{'Fn::ImportValue': !Sub '${Free}-key'}": true,
		"!Sub '${AWS::Region}'":                   true,
		"!Ref AWS::AccountId":                     true,
		"!Ref AWS::NotificationARNs":              false,
		"!Ref Free":                               false,
		"!Ref Long":                               true,
		"!Ref Short":                              false,
		"!Ref One":                                true,
		"!Ref MayBeNone":                          false,
		"!Ref Count":                              true,
		"!Ref Vpc":                                true,
		"!Ref Subnets":                            false,
		"!Ref Stored":                             true,
		"!Ref StoredList":                         false,
		"!If [Maybe, !ImportValue x, !ImportValue y]":    true,
		"!If [Maybe, !ImportValue x, !GetAtt B.Arn]":     true,
		"!If [Maybe, !ImportValue x, arn]":               true,
		"!If [Maybe, !ImportValue x, !Ref AWS::NoValue]": false,
		"!If [Maybe, !ImportValue x, '']":                false,
		"!If [Maybe, !ImportValue x, !Ref Free]":         false,
	} {
		n := read(t, "a.yaml", head+text+"\n")["A"].Root.Path("Properties", "V")
		if n == nil {
			if want {
				t.Errorf("%s is absent", text)
			}
			continue
		}
		if !n.Unknown {
			t.Errorf("%s is known: %s", text, show(n))
		}
		if got := len(n.Parts) > 0; got != want {
			t.Errorf("%s comes to something: %v, want %v", text, got, want)
		}
	}
}

func show(n *resource.Node) string {
	switch {
	case n == nil:
		return "absent"
	case n.Unknown:
		return "? " + n.Why
	case n.Kind == resource.List:
		var parts []string
		for _, it := range n.Items {
			parts = append(parts, show(it))
		}
		return fmt.Sprint(parts)
	}
	return fmt.Sprint(n.Value)
}

// TestBombs puts texts together until they would not fit anywhere.
func TestBombs(t *testing.T) {
	text := strings.Repeat("{'Fn::Join': [x, [", 30) + "a" + strings.Repeat(", a]]}", 30)
	long := "Parameters:\n  P: {Type: String, Default: '" + strings.Repeat("x", 60_000) + "'}\nResources:\n  A:\n    Type: AWS::X::Y\n    Properties:\n      V: !Sub '" +
		strings.Repeat("${P}", 1000) + "'\n      W: " + text + "\n"
	p := read(t, "a.yaml", long)["A"].Root.Get("Properties")
	if n := p.Get("V"); !n.Unknown || !strings.Contains(n.Why, "too long") {
		t.Errorf("%d bytes", len(n.Str()))
	}
	if n := p.Get("W"); n.Unknown || !strings.HasPrefix(n.Str(), "axa") {
		t.Errorf("%+v", n)
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]bool{
		good:   true,
		inJSON: true,
		"Resources:\n  A:\n    Type: AWS::S3::Bucket\n":        true,
		"service: x\nresources:\n  Resources:\n    A: AWS::\n": false,
		"Resources:\n  A:\n    Type: OS::Nova::Server\n":       false,
		`{"Resources": {"A": {"Type": "x"}}}`:                  false,
		"apiVersion: v1\nkind: Pod\n":                          false,
		"":                                                     false,
	} {
		if got := cloudformation.Sniff([]byte(text)); got != want {
			t.Errorf("%.40q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(inJSON))
	f.Add([]byte("Parameters: {P: {Type: CommaDelimitedList, Default: 'a,b'}}\nResources: {A: {Type: AWS::X::Y, Properties: {V: !Select [0, !Ref P], W: !Split [a, !Sub '${P}']}}}\n"))
	f.Add([]byte("Conditions: {A: !Or [!Condition A, !Not [!Equals [a, !Ref x]]]}\nResources: {A: {Type: AWS::X::Y, Condition: A, V: !If [A, &a {b: !Ref AWS::NoValue}, *a]}}\n"))
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 4096 {
			f.Add(h.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		u := format.Unit{ID: "cloudformation:a.yaml", Format: cloudformation.Name, Dir: ".", Files: []string{"a.yaml"}, FS: fstest.MapFS{"a.yaml": {Data: data}}}
		begin := time.Now()
		rs, ds := cloudformation.New().Read(t.Context(), u)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), d)
		}
		formattest.Check(t, cases(), u, rs, ds)
		cloudformation.Sniff(data)
	})
}

// An image that is named by its maker's parameter is as one that is looked up
// where it is used; what another parameter of Systems Manager holds is not known.
func TestImagesOfParameters(t *testing.T) {
	rs := read(t, "a.yaml", `Parameters:
  Image:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
    Default: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64
  Own:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
  Text:
    Type: AWS::SSM::Parameter::Value<String>
    Default: /shop/text
Resources:
  A:
    Type: AWS::EC2::Instance
    Properties: {ImageId: !Ref Image, KeyName: !Ref Text}
  B:
    Type: AWS::EC2::Instance
    Properties: {ImageId: !Ref Own}
`)
	a := rs["A"].Root.Get("Properties")
	if n := a.Get("ImageId"); n.Str() != "{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}" || n.Unknown || n.Origins[0].Start.Line != 4 {
		t.Errorf("an image: %+v", n)
	}
	if n := a.Get("KeyName"); !n.Unknown {
		t.Errorf("a text: %+v", n)
	}
	if n := rs["B"].Root.Path("Properties", "ImageId"); !n.Unknown {
		t.Errorf("an image without a default: %+v", n)
	}
}
