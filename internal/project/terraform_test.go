package project_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

const (
	callsNet = "module \"net\" {\n  source = \"../modules/net\"\n}\n"
	callsSub = "module \"sub\" {\n  source = \"./sub\"\n}\n"
)

func modify(names ...string) []project.PathChange {
	var out []project.PathChange
	for _, n := range names {
		out = append(out, project.PathChange{Path: n, Kind: project.Modified})
	}
	return out
}

// TestTerraformReach says which units a changed path reaches.
func TestTerraformReach(t *testing.T) {
	fsys := tree(
		"app/main.tf", callsNet+"variable \"size\" {}\nlocals { x = templatefile(\"${path.module}/user.tftpl\", {}) }\n",
		"app/user.tftpl", "x", "app/files/policy.json", "{}",
		"data/main.tf", callsNet, "data/net.tf.json", `{"module": {"x": {"source": "../modules/json"}}}`,
		"modules/net/main.tf", callsSub+"locals { y = file(\"${path.module}/../files/net.json\") }\n", "modules/net/sub/main.tf", "",
		"modules/json/main.tf", "", "modules/files/net.json", "{}", "modules/files/other.json", "{}",
		"alone/main.tf", "", "alone/terraform.tfvars", "",
		"a/main.tf", "module \"b\" {\n  source = \"../b\"\n}\n", "b/main.tf", "module \"a\" {\n  source = \"../a\"\n}\n",
		"listing/old.tf", "# module \"alone\" {\n#   source = \"../alone\"\n# }\n", "listing/main.tf", "locals { x = fileset(path.module, \"policies/*.json\") }\n", "listing/policies/a.json", "{}",
		"registry/main.tf", "module \"x\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n",
		"registry/.terraform/modules/x/main.tf", "", "README.md", "", "web/app.js", "",
		"live/prod/main.tf", "module \"r\" {\n  source = \"../../modules/role\"\n  document = \"${path.module}/../../config/app.json\"\n}\n",
		"modules/role/main.tf", "locals { x = file(var.document) }\n", "config/app.json", "{}", "config/other.json", "{}", "elsewhere/app.json", "{}",
		"live/qa/main.tf", "locals { x = fileset(\"${path.module}/../../config\", \"o*\") }\n",
		"teams/a/b/live/main.tf", "locals { x = file(\"../../../../iam/docs/ci/role.json\") }\n",
		"iam/docs/ci/role.json", `{"Statement": [{"Effect": "Allow", "Action": "s3:*"}]}`, "iam/docs/ci/plain.json", "{}",
	)
	both := "terraform:app app [app/main.tf modules/net/main.tf modules/net/sub/main.tf]\n" +
		"terraform:data data [data/main.tf data/net.tf.json modules/json/main.tf modules/net/main.tf modules/net/sub/main.tf]\n"
	for path, want := range map[string]string{
		"app/main.tf":                           strings.SplitAfter(both, "\n")[0],
		"modules/net/main.tf":                   both,
		"modules/net/sub/main.tf":               both,
		"modules/json/main.tf":                  strings.SplitAfter(both, "\n")[1],
		"app/user.tftpl":                        strings.SplitAfter(both, "\n")[0],
		"modules/files/net.json":                both,
		"modules/files/other.json":              "",
		"app/files/policy.json":                 "",
		"alone/terraform.tfvars":                "terraform:alone alone [alone/main.tf alone/terraform.tfvars]\n",
		"a/main.tf":                             "terraform:a a [a/main.tf b/main.tf]\n",
		"registry/.terraform/modules/x/main.tf": "terraform:registry registry [registry/main.tf]\n",
		"listing/policies/a.json":               "terraform:listing listing [listing/main.tf listing/old.tf]\n",
		"README.md":                             "",
		"config/app.json": "terraform:live/prod live/prod [live/prod/main.tf modules/role/main.tf]\n" +
			"terraform:live/qa live/qa [live/qa/main.tf]\n",
		"config/other.json":      "terraform:live/qa live/qa [live/qa/main.tf]\n",
		"elsewhere/app.json":     "",
		"iam/docs/ci/role.json":  "terraform:teams/a/b/live teams/a/b/live [teams/a/b/live/main.tf]\n",
		"iam/docs/ci/plain.json": "",
		"web/app.js":             "",
	} {
		b, h, ds := project.New(project.Options{}).Reached(t.Context(), fsys, fsys, modify(path), nil)
		check(t, path, show(h), want)
		check(t, path+" on the base", show(b), want)
		check(t, path+" diagnostics", said(ds), "")
	}
	us, _ := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	var got []string
	for _, u := range us {
		got = append(got, u.ID)
	}
	check(t, "a scan", fmt.Sprintln(got), "[terraform:a terraform:alone terraform:app terraform:b terraform:data terraform:listing terraform:live/prod terraform:live/qa terraform:registry terraform:teams/a/b/live]\n")
	us, _ = project.New(project.Options{}).All(t.Context(), fsys, []string{"modules/net"}, nil)
	check(t, "a scan of a module alone", show(us), "terraform:modules/net modules/net [modules/net/main.tf modules/net/sub/main.tf]\n")
}

// TestTerraformVariants says which environments a root is read for.
func TestTerraformVariants(t *testing.T) {
	const size = "variable \"size\" {}\n"
	fsys := tree(
		"one/main.tf", size, "one/prod.tfvars", "size = 1\n", "one/environments/dev.tfvars", "size = 2\n", "one/env/qa/a.tfvars", "", "one/env/qa/b.tfvars", "",
		"one/common.tfvars", "", "one/example.tfvars", "",
		"shared/a/main.tf", size, "shared/b/main.tf", "variable \"other\" {}\n", "shared/vars/prod.tfvars", "size = 1\n",
		"plain/main.tf", size, "plain/terraform.tfvars", "size = 1\n", "plain/prod.tfvars", "size = 2\n",
		"named/main.tf", size, "config/x.tfvars", "size = 1\n", "lost/y.tfvars", "z = 1\n",
		"dirs/main.tf", size, "dirs/environments/prod/terraform.tfvars", "size = 1\n",
	)
	f := project.New(project.Options{}).With(project.Settings{VarFiles: []string{"config/*.tfvars"}})
	us, ds := f.All(t.Context(), fsys, []string{"."}, nil)
	var b strings.Builder
	for _, u := range us {
		fmt.Fprintf(&b, "%s %q %v\n", u.ID, u.Variant, u.Inputs)
	}
	check(t, "units", b.String(), `terraform:dirs@config/x.tfvars "config/x.tfvars" [config/x.tfvars]
terraform:dirs@environments/prod "environments/prod" [dirs/environments/prod/terraform.tfvars]
terraform:named@config/x.tfvars "config/x.tfvars" [config/x.tfvars]
terraform:one@config/x.tfvars "config/x.tfvars" [one/common.tfvars config/x.tfvars]
terraform:one@env/qa "env/qa" [one/common.tfvars one/env/qa/a.tfvars one/env/qa/b.tfvars]
terraform:one@environments/dev.tfvars "environments/dev.tfvars" [one/common.tfvars one/environments/dev.tfvars]
terraform:one@prod.tfvars "prod.tfvars" [one/common.tfvars one/prod.tfvars]
terraform:plain "" []
terraform:plain@config/x.tfvars "config/x.tfvars" [config/x.tfvars]
terraform:plain@prod.tfvars "prod.tfvars" [plain/prod.tfvars]
terraform:shared/a@config/x.tfvars "config/x.tfvars" [config/x.tfvars]
terraform:shared/a@shared/vars/prod.tfvars "shared/vars/prod.tfvars" [shared/vars/prod.tfvars]
terraform:shared/b "" []
`)
	check(t, "diagnostics", said(ds), `warning lost/y.tfvars: is not loaded by Terraform of its own accord and belongs to no root module that is found; name it in terraform.var_files of .plimsoll.yml [lost/y.tfvars]
warning one/example.tfvars: is not loaded by Terraform of its own accord and belongs to no root module that is found; name it in terraform.var_files of .plimsoll.yml [one/example.tfvars]
`)
}

func ids(us []string) string { return strings.Join(us, " ") }

// TestTerraformVariantsOfAChange says which environments a change reaches, and
// what one that the base has not is compared with.
func TestTerraformVariantsOfAChange(t *testing.T) {
	const size = "variable \"size\" {}\n"
	add := func(m fstest.MapFS, names ...string) fstest.MapFS {
		out := tree("r/main.tf", size)
		for k, v := range m {
			out[k] = v
		}
		for _, n := range names {
			out[n] = &fstest.MapFile{Data: []byte("size = 1\n")}
		}
		return out
	}
	for _, c := range []struct {
		name       string
		base, head fstest.MapFS
		path       string
		b, h       string
	}{
		{"one environment changed", add(nil, "r/a.tfvars", "r/b.tfvars"), add(nil, "r/a.tfvars", "r/b.tfvars"), "r/a.tfvars", "terraform:r@a.tfvars[r/a.tfvars]", "terraform:r@a.tfvars[r/a.tfvars]"},
		{"the module changed", add(nil, "r/a.tfvars", "r/b.tfvars"), add(nil, "r/a.tfvars", "r/b.tfvars"), "r/main.tf",
			"terraform:r@a.tfvars[r/a.tfvars] terraform:r@b.tfvars[r/b.tfvars]", "terraform:r@a.tfvars[r/a.tfvars] terraform:r@b.tfvars[r/b.tfvars]"},
		{"the first environment", add(nil), add(nil, "r/a.tfvars"), "r/a.tfvars", "terraform:r@a.tfvars[]", "terraform:r@a.tfvars[r/a.tfvars]"},
		{"one more environment", add(nil, "r/a.tfvars"), add(nil, "r/a.tfvars", "r/b.tfvars"), "r/b.tfvars", "terraform:r@b.tfvars[]", "terraform:r@b.tfvars[r/b.tfvars]"},
		{"one environment less", add(nil, "r/a.tfvars", "r/b.tfvars"), add(nil, "r/a.tfvars"), "r/b.tfvars", "terraform:r@b.tfvars[r/b.tfvars]", ""},
		{"the last environment gone", add(nil, "r/a.tfvars"), add(nil), "r/a.tfvars", "terraform:r@a.tfvars[r/a.tfvars]", "terraform:r@a.tfvars[]"},
	} {
		b, h, ds := project.New(project.Options{}).Reached(t.Context(), c.base, c.head, modify(c.path), nil)
		var on [2][]string
		for _, u := range b {
			on[0] = append(on[0], fmt.Sprint(u.ID, u.Inputs))
		}
		for _, u := range h {
			on[1] = append(on[1], fmt.Sprint(u.ID, u.Inputs))
		}
		check(t, c.name+": base", ids(on[0]), c.b)
		check(t, c.name+": head", ids(on[1]), c.h)
		check(t, c.name+": diagnostics", said(ds), "")
	}
}

// TestTerraformFar holds that a change without anything of Terraform lists no
// folder but those above the changed files.
func TestTerraformFar(t *testing.T) {
	head := &announcing{MapFS: tree("web/app.js", "", "infra/main.tf", "file(\"app.js\")", "docs/a.md", "")}
	_, h, _ := project.New(project.Options{}).Reached(t.Context(), head.MapFS, head, modify("web/app.js", "docs/a.md"), nil)
	if len(h) != 0 || len(head.read) != 0 {
		t.Errorf("%s read %v", show(h), head.read)
	}
}
