package project_test

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// TestStacks says which templates are judged through others.
func TestStacks(t *testing.T) {
	stack := func(url string) string {
		return "Resources:\n  A:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: " + url + "\n"
	}
	const leaf = "Resources:\n  B: {Type: AWS::S3::Bucket}\n"
	fsys := tree(
		"infra/main.yaml", stack("./nested/a.yaml"), "infra/nested/a.yaml", stack("b.json"),
		"infra/nested/b.json", `{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}`, "infra/alone.yaml", leaf, "infra/old.yaml", "#    TemplateURL: alone.yaml\n"+leaf,
		"infra/sam.yaml", "Resources:\n  A:\n    Type: AWS::Serverless::Application\n    Properties: {Location: nested/a.yaml}\n",
		"circle/x.yaml", stack("y.yaml"), "circle/y.yaml", stack("x.yaml"), "far/z.yaml", stack("https://x/infra/alone.yaml"),
	)
	us, _ := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	check(t, "a scan", show(us), `cloudformation:circle/x.yaml circle [circle/x.yaml]
cloudformation:circle/y.yaml circle [circle/y.yaml]
cloudformation:far/z.yaml far [far/z.yaml]
cloudformation:infra/alone.yaml infra [infra/alone.yaml]
cloudformation:infra/main.yaml infra [infra/main.yaml]
cloudformation:infra/old.yaml infra [infra/old.yaml]
cloudformation:infra/sam.yaml infra [infra/sam.yaml]
`)
	us, _ = project.New(project.Options{}).All(t.Context(), fsys, []string{"infra/nested/a.yaml"}, nil)
	check(t, "a template that is named", show(us), "cloudformation:infra/nested/a.yaml infra/nested [infra/nested/a.yaml]\n")
	both := "cloudformation:infra/main.yaml infra [infra/main.yaml]\ncloudformation:infra/sam.yaml infra [infra/sam.yaml]\n"
	for path, want := range map[string]string{
		"infra/nested/b.json": both,
		"infra/nested/a.yaml": both,
		"infra/main.yaml":     "cloudformation:infra/main.yaml infra [infra/main.yaml]\n",
		"infra/alone.yaml":    "cloudformation:infra/alone.yaml infra [infra/alone.yaml]\n",
		"circle/x.yaml":       "cloudformation:circle/x.yaml circle [circle/x.yaml]\n",
	} {
		b, h, _ := project.New(project.Options{}).Reached(t.Context(), fsys, fsys, modify(path), nil)
		check(t, path, show(h), want)
		check(t, path+" on the base", show(b), want)
	}
}
