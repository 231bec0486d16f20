package component_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/component"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// found reads a file and writes each component on a line, and behind each flag
// the text that stands at its place.
func found(t *testing.T, name, text string) []string {
	t.Helper()
	var r format.Reader = bootstrap.Within(kubernetes.New())
	if !strings.HasSuffix(name, "manifest.yaml") {
		r = bootstrap.New()
	}
	u := format.Unit{ID: "x", Dir: ".", Files: []string{name}, FS: fstest.MapFS{name: {Data: []byte(text)}}, MaxFileSize: format.DefaultMaxFileSize}
	rs, ds := r.Read(context.Background(), u)
	for _, d := range ds {
		t.Error(d)
	}
	f := source.NewFile(name, []byte(text))
	var out []string
	for _, res := range rs {
		for _, c := range component.Of(res) {
			line := fmt.Sprintf("%s %s", c.Name, c.Path)
			if c.Complete {
				line += " complete"
			}
			for _, fl := range c.Node.Get("flags").Fields {
				v := fl.Node.Str()
				if fl.Node.Unknown {
					v = "?"
				}
				line += fmt.Sprintf(" %s=%s(%s)", fl.Name, v, f.Text(fl.Node.Range))
			}
			if c.Node.Get("flags").Partial {
				line += " …"
			}
			out = append(out, line)
		}
	}
	return out
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"static pod", "manifest.yaml", `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver}
spec:
  containers:
    - command: [kube-apiserver, --anonymous-auth=true, "--profiling", --v, "2"]
      args: ["--x=y", "$(MORE)"]
    - command: [etcd]
      env: [{name: ETCD_CERT_FILE, value: /a}]
    - command: [nginx, --anonymous-auth=true]
`, []string{
			"kube-apiserver spec.containers[0] complete anonymous-auth=true(true) profiling=true(\"--profiling\") v=2(\"2\") x=y(y) …",
			"etcd spec.containers[1] complete cert-file=/a(/a) …", // without an image it may be a patch
		}},
		{"daemon set", "manifest.yaml", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: p}\nspec:\n  template:\n    spec:\n      containers:\n        - image: registry.k8s.io/kube-proxy:v1\n          args: [--a=b]\n",
			[]string{"kube-proxy spec.template.spec.containers[0] a=b(b)"}},
		{"kubeadm", "manifest.yaml", `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
    - name: anonymous-auth
      value: "true"
etcd: {local: {extraArgs: {auto-tls: true}}}
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: InitConfiguration
nodeRegistration: {kubeletExtraArgs: {read-only-port: 10255}}
`, []string{
			"kube-apiserver apiServer.extraArgs anonymous-auth=true(\"true\")", "etcd etcd.local.extraArgs auto-tls=true(true)",
			"kubelet nodeRegistration.kubeletExtraArgs read-only-port=10255(10255)",
		}},
		{"kOps", "manifest.yaml", "apiVersion: kops.k8s.io/v1alpha2\nkind: Cluster\nmetadata: {name: a}\nspec:\n  kubeAPIServer:\n    anonymousAuth: true\n    tlsCertFile: /a\n    enableAdmissionPlugins: [A, B]\n",
			[]string{"kube-apiserver spec.kubeAPIServer anonymous-auth=true(true) tls-cert-file=/a(/a) enable-admission-plugins=A,B([A, B])"}},
		{"script", "user-data.sh", "#!/bin/bash\nkubelet --a=b --c d -e\nKUBELET_EXTRA_ARGS='--f=g --h'\n/etc/eks/bootstrap.sh x --kubelet-extra-args \"--i=j\"\ncurl x | INSTALL_K3S_EXEC=\"server --kubelet-arg=k=l\" sh -s - server --kube-apiserver-arg m=n\n",
			[]string{
				"kubelet commands[0] a=b(b) c=d(d) e=true(-e)", "kubelet commands[1] f=g(g) h=true(--h)", "kubelet commands[2] i=j(j)",
				"kubelet commands[4] k=l(l)", "kube-apiserver commands[4] m=n(n)",
			}},
		{"k3s", "user-data.yaml", "#cloud-config\nwrite_files:\n  - path: /etc/rancher/k3s/config.yaml\n    content: |\n      kube-apiserver-arg:\n        - anonymous-auth=true\n      kubelet-arg: a=b\n",
			[]string{"kube-apiserver configs[0].document.kube-apiserver-arg anonymous-auth=true(true)", "kubelet configs[0].document.kubelet-arg a=b(b)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, found(t, c.file, c.text)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
