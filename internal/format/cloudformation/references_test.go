package cloudformation_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestReferences(t *testing.T) {
	template := `
Parameters:
  Name: {Type: String}
Resources:
  Key: {Type: AWS::KMS::Key}
  Bucket: {Type: AWS::S3::Bucket}
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      ByRef: !Ref Key
      ByAttribute: !GetAtt Key.Arn
      ByLongAttribute: {"Fn::GetAtt": [Key, Arn]}
      BySub: !Sub "${Bucket.Arn}/${AWS::AccountId}/${Name}"
      BySubOfItsOwn: !Sub ["${X}/${!Bucket}", {X: !Ref Key}]
      ByJoin: !Join [",", [!Ref Key, !GetAtt Bucket.Arn]]
      Parameter: !Ref Name
      Account: !Ref AWS::AccountId
`
	u := format.Unit{ID: "cloudformation:.", Dir: ".", Files: []string{"t.yaml"}, MaxFileSize: format.DefaultMaxFileSize,
		FS: fstest.MapFS{"t.yaml": {Data: []byte(template)}}}
	all, _ := cloudformation.New().Read(t.Context(), u)
	want := map[string][]string{
		"ByRef": {"Key"}, "ByAttribute": {"Key"}, "ByLongAttribute": {"Key"}, "BySub": {"Bucket"}, "BySubOfItsOwn": {"Key"},
		"ByJoin": {"Bucket", "Key"}, "Parameter": nil, "Account": nil,
	}
	found := 0
	for _, res := range all {
		for _, f := range fieldsOf(res.Root.Get("Properties")) {
			found++
			if !slices.Equal(f.Node.Refs, want[f.Name]) {
				t.Errorf("%s refers to %v, want %v", f.Name, f.Node.Refs, want[f.Name])
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d values were looked at, want %d", found, len(want))
	}
}

func fieldsOf(n *resource.Node) []resource.Field {
	if n == nil {
		return nil
	}
	return n.Fields
}
