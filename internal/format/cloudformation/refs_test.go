package cloudformation_test

import (
	"fmt"
	"testing"
)

const referring = `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Name: {Type: String}
  Stage: {Type: String, Default: dev}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Key: {Type: AWS::KMS::Key}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Ref: !Ref Bucket
      GetAtt: !GetAtt Bucket.Arn
      GetAttLong: {"Fn::GetAtt": [Bucket, Arn]}
      Sub: !Sub "${Bucket.Arn}/*"
      Both: !Sub "a-${Bucket}-${Key.Arn}-${Stage}"
      Own: !Sub ["arn:${x}:*", {x: !Ref Bucket}]
      Join: !Join ["", ["arn:aws:s3:::", !Ref Bucket, "/*"]]
      Parameter: !Sub "arn:aws:s3:::${Name}/*"
      Base64: {"Fn::Base64": !Ref Bucket}
      Select: !Select [0, [!Ref Bucket, x]]
      Account: !Sub "arn:aws:iam::${AWS::AccountId}:root"
      Nothing: !Ref Nowhere
      Known: !Sub "${Stage}-x"
      List: [!Ref Bucket, !Ref Key]
`

func TestReferencesAndParts(t *testing.T) {
	p := read(t, "a.yaml", referring)["Policy"].Root.Get("Properties")
	for name, want := range map[string]string{
		"Ref": "[Bucket] []", "GetAtt": "[Bucket] []", "GetAttLong": "[Bucket] []", "Sub": `[Bucket] ["" "/*"]`,
		"Both": `[Bucket Key] ["a-" "-" "-dev"]`, "Own": `[Bucket] ["arn:" ":*"]`, "Join": `[Bucket] ["arn:aws:s3:::" "/*"]`,
		"Parameter": `[] ["arn:aws:s3:::" "/*"]`, "Base64": "[Bucket] []", "Select": "[Bucket] []",
		"Account": `[] ["arn:aws:iam::" ":root"]`, "Nothing": "[] []", "Known": "[] []", "List": "[] []",
	} {
		n := p.Get(name)
		if got := fmt.Sprintf("%v %q", n.Refs, n.Parts); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if n.Unknown != (name != "Known" && name != "List") {
			t.Errorf("%s: unknown is %v", name, n.Unknown)
		}
	}
	if it := p.Get("List").Items[1]; fmt.Sprint(it.Refs) != "[Key]" {
		t.Errorf("an item: %v", it.Refs)
	}
}
