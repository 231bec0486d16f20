package packer_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/packer"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func read(t *testing.T, files map[string]string, names ...string) []*resource.Resource {
	t.Helper()
	tree := fstest.MapFS{}
	for n, s := range files {
		tree[n] = &fstest.MapFile{Data: []byte(s)}
	}
	u := format.Unit{ID: "node-bootstrap:images", Format: resource.NodeBootstrap, Dir: "images", Files: names, FS: tree, MaxFileSize: format.DefaultMaxFileSize}
	rs, ds := bootstrap.New().Read(context.Background(), u)
	for _, d := range ds {
		t.Error(d)
	}
	return rs
}

// ran gives the names of the commands that a build runs.
func ran(rs []*resource.Resource) string {
	var names []string
	for _, r := range rs {
		if cs := r.Root.Get("commands"); cs != nil {
			for _, c := range cs.Items {
				names = append(names, c.Get("name").Str())
			}
		}
	}
	return strings.Join(names, " ")
}

func TestScripts(t *testing.T) {
	const build = `build {
  sources = ["source.null.a"]
  provisioner "shell" {
    scripts = ["a.sh", "${path.root}/b.sh", "../../outside.sh", "missing.sh"]
  }
  provisioner "shell" {
    inline = ["inline-${var.x} y"]
    script = "root.sh"
  }
  provisioner "powershell" {
    inline = ["Not-Shell"]
  }
}
variable "x" { default = "one" }
`
	rs := read(t, map[string]string{
		"images/a.pkr.hcl": build, "images/a.sh": "in-a\n", "images/b.sh": "in-b\n", "root.sh": "in-root\n",
	}, "images/a.pkr.hcl")
	if got := ran(rs); got != "in-a in-b inline-one in-root" {
		t.Errorf("it runs %q", got)
	}
}

func TestVariablesOfFiles(t *testing.T) {
	rs := read(t, map[string]string{
		"images/a.pkr.hcl":             "variable \"on\" {\n  default = true\n}\nsource \"amazon-ebs\" \"a\" {\n  encrypt_boot = var.on\n}\n",
		"images/prod.auto.pkrvars.hcl": "on = false\n",
	}, "images/a.pkr.hcl", "images/prod.auto.pkrvars.hcl")
	if len(rs) != 1 || rs[0].Root.Get("encrypt_boot").Value != false {
		t.Fatalf("%+v", rs)
	}
	if rs[0].ID != "packer/images/source.amazon-ebs.a" || rs[0].Kind != packer.KindSource || rs[0].Root.Get("type").Str() != "amazon-ebs" {
		t.Errorf("%s is a %s of the type %q", rs[0].ID, rs[0].Kind, rs[0].Root.Get("type").Str())
	}
}

func TestUserVariablesOfJSON(t *testing.T) {
	rs := read(t, map[string]string{"images/a.json": `{
  "variables": {"a": "one", "b": "", "c": "{{env ` + "`C`" + `}}"},
  "builders": [{"type": "x", "a": "{{user ` + "`a`" + `}}-{{ user ` + "`a`" + ` }}", "b": "{{user ` + "`b`" + `}}", "c": "{{user ` + "`c`" + `}}", "d": "{{timestamp}}"}, {"type": "x"}]
}`}, "images/a.json")
	if len(rs) != 2 || rs[1].ID != "packer/images/a.json/x#2" {
		t.Fatalf("%d resources", len(rs))
	}
	root := rs[0].Root
	if got := root.Get("a").Str(); got != "one-one" || len(root.Get("a").Origins) == 0 {
		t.Errorf("a is %q", got)
	}
	for _, name := range []string{"b", "c", "d"} {
		if n := root.Get(name); !n.Unknown {
			t.Errorf("%s is %v", name, n.Value)
		}
	}
}

func TestFilesOfABuild(t *testing.T) {
	rs := read(t, map[string]string{
		"images/a.pkr.hcl": `build {
  sources = ["source.null.a"]
  provisioner "shell" {
    inline = [<<EOT
echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config
EOT
    ]
  }
  provisioner "file" {
    content     = "PermitRootLogin no"
    destination = "/etc/ssh/sshd_config.d/root.conf"
  }
  provisioner "file" {
    source      = "kubelet"
    destination = "/etc/default/kubelet"
  }
  provisioner "file" {
    direction   = "download"
    source      = "kubelet"
    destination = "here"
  }
}
`, "images/kubelet": "KUBELET_EXTRA_ARGS=--anonymous-auth=true\n",
	}, "images/a.pkr.hcl")
	var got []string
	for _, r := range rs {
		if lines := r.Root.Get("lines"); lines != nil {
			for _, l := range lines.Items {
				got = append(got, l.Get("path").Str()+": "+l.Get("text").Str()+" at "+l.Get("text").Range.File)
			}
		}
	}
	want := `/etc/ssh/sshd_config: PasswordAuthentication yes at images/a.pkr.hcl
/etc/ssh/sshd_config.d/root.conf: PermitRootLogin no at images/a.pkr.hcl
/etc/default/kubelet: KUBELET_EXTRA_ARGS=--anonymous-auth=true at images/kubelet`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("it writes\n%s", s)
	}
}
