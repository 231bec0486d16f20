package bootstrap_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestConformance(t *testing.T) {
	formattest.Run(t, bootstrap.New(), formattest.Cases{
		Format: bootstrap.Name, File: "user_data.sh", Good: "#!/bin/sh\ncurl -k https://example.com | sh\n", Broken: "#!/bin/sh\nif\n",
		Beside: "bootstrap.sh",
		Units: []formattest.Unit{
			{Name: "no user data", Files: map[string]string{"user-data": "hello\n"}, Diagnostics: []string{"user-data: error: neither a script"}},
			{Name: "cloud-init that is no YAML", Files: map[string]string{"a.yaml": "#cloud-config\na: [\n"}, Diagnostics: []string{"a.yaml:2: error: "}},
			{Name: "a message without parts", Files: map[string]string{"a": "Content-Type: text/plain\n\nx"}, Diagnostics: []string{"a:1: error: without parts"}},
		},
	})
}

func TestConformanceOfCloudInit(t *testing.T) {
	formattest.Run(t, bootstrap.New(), formattest.Cases{
		Format: bootstrap.Name, File: "user-data.yaml", Good: "#cloud-config\nruncmd: [\"setenforce 0\"]\n", Broken: "#cloud-config\na: [\n",
	})
}

func TestConformanceOfPacker(t *testing.T) {
	formattest.Run(t, bootstrap.New(), formattest.Cases{
		// HCL's own lexer takes its time, as in the conformance of Terraform.
		Limit:  30 * time.Second,
		Format: bootstrap.Name, File: "a.pkr.hcl", Good: "source \"amazon-ebs\" \"a\" {\n  encrypt_boot = true\n}\n", Broken: "source \"a\" {\n",
		Units: []formattest.Unit{
			{Name: "one label", Files: map[string]string{"a.pkr.hcl": "source \"a\" {\n}\n"}, Diagnostics: []string{"a.pkr.hcl:1: error: a type and a name"}},
			{
				Name: "two builds", Files: map[string]string{"a.pkr.hcl": "build {\n}\nbuild {\n}\nlocal \"x\" {\n  expression = env(\"A\")\n}\n"},
				IDs: []string{"packer/build", "packer/build.2"},
			},
		},
	})
	formattest.Run(t, bootstrap.New(), formattest.Cases{
		Format: bootstrap.Name, File: "template.json", Good: `{"builders": [{"type": "amazon-ebs"}], "provisioners": [{"type": "shell", "inline": ["ls"]}]}`,
		Broken: `{"builders": 1}`,
	})
}

// What is written about user data within other files must be true as well.
func TestConformanceWithin(t *testing.T) {
	formattest.Run(t, bootstrap.Within(kubernetes.New()), formattest.Cases{
		Format: resource.Kubernetes, File: "a.yaml", Broken: "apiVersion: v1\nkind: [",
		Good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	})
}

func FuzzUserData(f *testing.F) {
	for _, s := range []string{
		"#cloud-config\nruncmd:\n  - [a, b]\nwrite_files:\n  - path: /a\n    content: |\n      #!/bin/sh\n      b\n",
		"#!/bin/bash\ncat <<E > /etc/kubernetes/a.yaml\napiVersion: v1\nkind: Pod\nE\n",
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\n#!/bin/sh\na\n--x--\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u := format.Unit{ID: "node-bootstrap:user-data", Format: bootstrap.Name, Dir: ".", Files: []string{"user-data"},
			FS: fstest.MapFS{"user-data": {Data: []byte(s)}}, MaxFileSize: format.DefaultMaxFileSize}
		rs, ds := bootstrap.New().Read(context.Background(), u)
		for _, r := range rs {
			resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
				if n.Range.Start.Byte > n.Range.End.Byte || n.Range.End.Byte > len(s) {
					t.Fatalf("%s of %s stands at %v", p, r.ID, n.Range)
				}
				return true
			})
		}
		_ = ds
	})
}

// FuzzWithin puts a text where YAML keeps user data, so that its lines have to be
// found again.
func FuzzWithin(f *testing.F) {
	f.Add("userData: |\n    #!/bin/sh\n    a\n")
	f.Fuzz(func(t *testing.T, s string) {
		data := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  " + s
		u := format.Unit{ID: "kubernetes:.", Format: resource.Kubernetes, Dir: ".", Files: []string{"a.yaml"},
			FS: fstest.MapFS{"a.yaml": {Data: []byte(data)}}, MaxFileSize: format.DefaultMaxFileSize}
		rs, _ := bootstrap.Within(kubernetes.New()).Read(context.Background(), u)
		for _, r := range rs {
			resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
				if n.Range.Start.Byte > n.Range.End.Byte || n.Range.End.Byte > len(data) {
					t.Fatalf("%s of %s stands at %v", p, r.ID, n.Range)
				}
				return true
			})
		}
	})
}
