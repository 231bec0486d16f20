package project_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// TestNodes tells what sets nodes up from what only looks like it.
func TestNodes(t *testing.T) {
	files := map[string]string{
		"images/node.pkr.hcl":           "build {\n}\n",
		"images/prod.auto.pkrvars.hcl":  "a = 1\n",
		"images/other.pkrvars.hcl":      "a = 1\n",
		"old/template.json":             `{"variables": {}, "builders": []}`,
		"old/builders.json":             `{"builders": [{"type": "amazon-ebs"}]}`,
		"old/houses.json":               `{"builders": [{"type": "mason"}]}`,
		"old/package.json":              `{"builders": [], "variables": {}}`,
		"a/user-data":                   "#cloud-config\n",
		"a/user_data.sh":                "#!/bin/bash\n",
		"a/user-data.txt":               "notes about user data\n",
		"a/user_data.sh.tftpl":          "#!/bin/bash\n",
		"a/cloud-init.yaml":             "#cloud-config\nruncmd: []\n",
		"a/cloud-init.md":               "#cloud-config\n",
		"a/any-name.yml":                "#cloud-config\nruncmd: []\n",
		"infra/main.tf":                 "",
		"infra/bootstrap.sh":            "#!/bin/bash\n",
		"infra/scripts/bootstrap.sh":    "#!/bin/bash\n",
		"app/bootstrap.sh":              "#!/bin/bash\n",
		"infra/bootstrap.py":            "#!/usr/bin/env python3\n",
		"node_modules/x/user-data.yaml": "#cloud-config\n",
	}
	tree := fstest.MapFS{}
	for n, s := range files {
		tree[n] = &fstest.MapFile{Data: []byte(s)}
	}
	units, _ := project.New(project.Options{}).All(context.Background(), tree, []string{"."}, nil)
	var got []string
	for _, u := range units {
		if u.Format == "node-bootstrap" {
			got = append(got, u.ID+"="+strings.Join(u.Files, "+"))
		}
	}
	want := []string{
		"node-bootstrap:a/any-name.yml=a/any-name.yml",
		"node-bootstrap:a/cloud-init.yaml=a/cloud-init.yaml",
		"node-bootstrap:a/user-data=a/user-data",
		"node-bootstrap:a/user_data.sh=a/user_data.sh",
		"node-bootstrap:images=images/node.pkr.hcl+images/prod.auto.pkrvars.hcl",
		"node-bootstrap:infra/bootstrap.sh=infra/bootstrap.sh",
		"node-bootstrap:infra/scripts/bootstrap.sh=infra/scripts/bootstrap.sh",
		"node-bootstrap:old/builders.json=old/builders.json", "node-bootstrap:old/template.json=old/template.json",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
