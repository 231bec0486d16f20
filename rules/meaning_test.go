//go:build !race

// Thousands of units, each evaluated once; nothing in them runs side by side.

package rules_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/format/projection"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// found says where the rule finds something in a unit of files, of which the
// first is read, or of a chart all.
func found(t *testing.T, r *rule.Rule, name, first string, files map[string]string) []string {
	t.Helper()
	reader := readers()[name]
	switch name {
	case kustomize.Name:
		reader = bootstrap.Within(kustomize.New())
	case helm.Name:
		reader = bootstrap.Within(helm.New())
	}
	tree := fstest.MapFS{}
	for p, text := range files {
		tree[p] = &fstest.MapFile{Data: []byte(text)}
	}
	read := []string{first}
	if name == helm.Name {
		read = slices.Sorted(maps.Keys(files))
	}
	u := format.Unit{ID: name + ":.", Format: name, Dir: ".", Files: read, FS: tree, MaxFileSize: format.DefaultMaxFileSize}
	ctx := context.Background()
	resources, ds := reader.Read(ctx, u)
	resources, more := projection.All(resources)
	for _, d := range append(ds, more...) {
		if d.Level == source.LevelError {
			t.Errorf("%s: %s\n%s", r.ID, d, files[first])
		}
	}
	opt := engine.Options{Rules: []rule.Active{{Rule: r, Severity: r.Severity}}, Today: time.Unix(0, 0), InlineFromHead: true, Workers: 1}
	res := engine.Evaluate(ctx, opt, change.Pair(nil, resources))
	var out []string
	for _, f := range res.Findings {
		if f.State != engine.Suppressed {
			out = append(out, f.Resource.Name+": "+f.Message)
		}
	}
	slices.Sort(out)
	return out
}

// plainFiles name the file in which an example of a platform is read.
var plainFiles = map[string]string{
	resource.Terraform: "main.tf", resource.CloudFormation: "template.yaml", resource.Kubernetes: "manifest.yaml", resource.Dockerfile: "Dockerfile",
	resource.Compose: "compose.yaml", resource.NodeBootstrap: "user-data.sh",
}

// written is the format of a unit and its first file.
type written struct{ format, first string }

// holds demands that the rules find as much in each example of a platform that
// form writes anew as in the example. form gives nil where it cannot; it must
// write at least so many.
func holds(t *testing.T, rules []*rule.Rule, platform string, in written, least int, form func(text string) map[string]string) {
	t.Helper()
	tried := 0
	for _, r := range rules {
		for i, e := range r.Examples {
			of := e.Platform
			if of == "" {
				of = r.Checks[0].Platform
			}
			if of != platform || e.Format != "" && e.Format != platform || e.File != "" && platform != resource.CloudFormation {
				continue // a file's name may be what the rule looks at
			}
			for part, text := range map[string]string{"fail": e.Fail, "pass": e.Pass, "fixed": e.Fixed} {
				if text == "" {
					continue
				}
				files := form(text)
				if files == nil {
					continue
				}
				tried++
				plain := plainFiles[platform]
				want := found(t, r, platform, plain, map[string]string{plain: text})
				if got := found(t, r, in.format, in.first, files); len(got) != len(want) {
					t.Errorf("%s example %d (%s), line %d: %d findings, want %d\nwant %q\ngot  %q\n%v", r.ID, i+1, part, e.Line, len(got), len(want), want, got, files)
				}
			}
		}
	}
	if tried < least {
		t.Errorf("only %d examples", tried)
	}
}

// TestFixesGoWhereValuesComeFrom holds that a fix is found where a variable or a
// parameter decides as well, but for what a place elsewhere does not allow: to
// take a setting away, to edit a document within a value.
func TestFixesGoWhereValuesComeFrom(t *testing.T) {
	proven := func(r *rule.Rule, e rule.Example, text string) bool {
		alone := *r
		e.Fail, e.Fixed, e.Pass = text, "", ""
		alone.Examples = []rule.Example{e}
		results := reviewer.RunExamples(t.Context(), []*rule.Rule{&alone}, readers())
		return len(results) > 0 && len(results[0].Proven) > 0
	}
	fixes, lost := 0, []string(nil)
	for _, r := range load(t) {
		for i, e := range r.Examples {
			if e.Fail == "" || e.Format != "" || e.File != "" {
				continue
			}
			platform, text := e.Platform, ""
			if platform == "" {
				platform = r.Checks[0].Platform
			}
			switch platform {
			case resource.Terraform:
				if files := throughVariables(e.Fail); files != nil {
					text = files["main.tf"]
				}
			case resource.CloudFormation:
				text, _ = rewritten(t, e.Fail, throughParameter, false)
			}
			if text == "" || !proven(r, e, e.Fail) {
				continue
			}
			if fixes++; !proven(r, e, text) {
				lost = append(lost, fmt.Sprintf("%s example %d", r.ID, i+1))
			}
		}
	}
	if fixes < 300 || len(lost)*100 > fixes*8 {
		t.Errorf("%d of %d fixes are lost: %q", len(lost), fixes, lost)
	}
}

// TestMeaningElsewhere holds that a rule finds the same in a Dockerfile and in a
// Compose file however it is written.
func TestMeaningElsewhere(t *testing.T) {
	rules := load(t)
	from := regexp.MustCompile(`(?m)^(FROM|USER|EXPOSE|WORKDIR) ([^\s$]+)`)
	value := regexp.MustCompile(`(?m)^(\s+(?:- )?[a-z_]+: )("?)([A-Za-z0-9./:_@-]+)("?)$`)
	forms := map[string]map[string]func(text string) string{
		resource.Dockerfile: {
			"small letters": func(text string) string {
				return regexp.MustCompile(`(?m)^[A-Z]+ `).ReplaceAllStringFunc(text, strings.ToLower)
			},
			"line ends of Windows": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
			"tabs and blank lines": func(text string) string {
				return regexp.MustCompile(`(?m)^([A-Z]+) `).ReplaceAllString(text, "\n  $1\t")
			},
			"arguments": func(text string) string {
				n := 0
				global := ""
				out := from.ReplaceAllStringFunc(text, func(s string) string {
					m := from.FindStringSubmatch(s)
					n++
					if m[1] == "FROM" {
						if strings.HasPrefix(m[2], "--") {
							return s
						}
						global += fmt.Sprintf("ARG P%d=%s\n", n, m[2])
						return fmt.Sprintf("FROM ${P%d}", n)
					}
					return fmt.Sprintf("ARG P%d=%s\n%s $P%[1]d", n, m[2], m[1])
				})
				if n == 0 || strings.HasPrefix(strings.TrimSpace(text), "#") {
					return ""
				}
				return global + out
			},
		},
		resource.Compose: {
			"variables":            func(text string) string { return value.ReplaceAllString(text, "${1}\"$${P:-${3}}\"") },
			"line ends of Windows": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
			"JSON": func(text string) string {
				var doc yaml.Node
				if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) != 1 {
					return ""
				}
				restyle(doc.Content[0], true)
				return marshal(t, doc.Content[0])
			},
		},
	}
	for platform, named := range forms {
		for name, form := range named {
			t.Run(platform+" with "+name, func(t *testing.T) {
				holds(t, rules, platform, written{platform, plainFiles[platform]}, 50, func(text string) map[string]string {
					if text = form(text); text == "" {
						return nil
					}
					return map[string]string{plainFiles[platform]: text}
				})
			})
		}
	}
}

// TestMeaningOnNodes holds that a rule finds the same in a script of a node
// wherever it stands.
func TestMeaningOnNodes(t *testing.T) {
	hcl := func(s string) string { return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s) }
	indent := func(s, by string) string {
		return by + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+by) + "\n"
	}
	one := func(name, before, after string, write func(string) string) func(string) map[string]string {
		return func(s string) map[string]string { return map[string]string{name: before + write(s) + after} }
	}
	beside := func(name, text string, write func(string) string) func(string) map[string]string {
		return func(s string) map[string]string { return map[string]string{name: text, "init.sh": write(s)} }
	}
	same := func(s string) string { return s }
	forms := map[string]struct {
		format, file string
		files        func(s string) map[string]string
	}{
		"a launch template": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = base64encode(<<EOT\n", "EOT\n  )\n}\n", hcl)},
		"an instance": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_instance\" \"n\" {\n  user_data = <<-EOT\n", "  EOT\n}\n", func(s string) string {
			return indent(hcl(s), "    ")
		})},
		"base64": {resource.Terraform, "main.tf", one("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = \"", "\"\n}\n", func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(s))
		})},
		"a file":     {resource.Terraform, "main.tf", beside("main.tf", "resource \"aws_instance\" \"n\" {\n  user_data = file(\"${path.module}/init.sh\")\n}\n", same)},
		"a template": {resource.Terraform, "main.tf", beside("main.tf", "resource \"aws_launch_template\" \"n\" {\n  user_data = base64encode(templatefile(\"${path.module}/init.sh\", { a = 1 }))\n}\n", hcl)},
		"a machine of Google": {resource.Terraform, "main.tf", one("main.tf", "resource \"google_compute_instance\" \"n\" {\n  metadata = {\n    startup-script = <<EOT\n",
			"EOT\n  }\n}\n", hcl)},
		"a machine of Azure": {resource.Terraform, "main.tf", one("main.tf", "resource \"azurerm_linux_virtual_machine\" \"n\" {\n  custom_data = base64encode(<<EOT\n",
			"EOT\n  )\n}\n", hcl)},
		"a template of CloudFormation": {resource.CloudFormation, "t.yaml", one("t.yaml", "Resources:\n  N:\n    Type: AWS::EC2::Instance\n    Properties:\n      UserData:\n        Fn::Base64: |\n", "",
			func(s string) string { return indent(s, "          ") })},
		"a substitution": {resource.CloudFormation, "t.yaml", one("t.yaml", "Resources:\n  N:\n    Type: AWS::EC2::LaunchTemplate\n    Properties:\n      LaunchTemplateData:\n        UserData: !Base64\n          Fn::Sub: |\n", "",
			func(s string) string { return indent(strings.ReplaceAll(s, "${", "${!"), "            ") })},
		"Packer":             {resource.NodeBootstrap, "a.pkr.hcl", one("a.pkr.hcl", "build {\n  provisioner \"shell\" {\n    inline = [<<EOT\n", "EOT\n    ]\n  }\n}\n", hcl)},
		"a script of Packer": {resource.NodeBootstrap, "a.pkr.hcl", beside("a.pkr.hcl", "build {\n  provisioner \"shell\" {\n    script = \"init.sh\"\n  }\n}\n", same)},
		"parts": {resource.NodeBootstrap, "user-data.mime", one("user-data.mime",
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"B\"\n\n--B\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n", "\n--B--\n", same)},
		"a command": {resource.NodeBootstrap, "cloud-init.yaml", one("cloud-init.yaml", "#cloud-config\nruncmd:\n  - |\n", "", func(s string) string { return indent(s, "    ") })},
	}
	rules := load(t)
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			holds(t, rules, resource.NodeBootstrap, written{f.format, f.file}, 100, func(text string) map[string]string {
				if !strings.HasPrefix(text, "#!") {
					return nil
				}
				return f.files(text)
			})
		})
	}
}
