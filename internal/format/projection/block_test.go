package projection

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// TestBlock holds what a block of YAML becomes for a resource of Terraform.
func TestBlock(t *testing.T) {
	for name, c := range map[string]struct{ kind, yaml, want string }{
		"an object": {"kubernetes_cluster_role_binding_v1", `# in place of it
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ops.eu, namespace: tools, labels: {app.kubernetes.io/name: "1", team: ops}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: ops # a Role
subjects: [{kind: User, name: "${x}"}, {kind: Group, name: b}]
`, `# in place of it
resource "kubernetes_role_binding_v1" "ops_eu" {
  metadata {
    name      = "ops.eu"
    namespace = "tools"
    labels    = { "app.kubernetes.io/name" = "1", team = "ops" }
  }
  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = "ops" # a Role
  }
  subject {
    kind = "User"
    name = "$${x}"
  }
  subject {
    kind = "Group"
    name = "b"
  }
}`},
		"items of a list": {"kubernetes_role", "# Role dev\n- apiGroups: [\"\"]\n  resources: [pods] # those\n  verbs: [get, list]\n", `# Role dev
rule {
  api_groups = [""]
  resources  = ["pods"] # those
  verbs      = ["get", "list"]
}`},
		"a part that two objects have in name alone": {"kubernetes_deployment", "securityContext:\n  capabilities: {drop: [ALL]}\n  runAsUser: 10001\n", `security_context {
  capabilities {
    drop = ["ALL"]
  }
  run_as_user = 10001
}`},
		"two documents": {"kubernetes_role_binding", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n---\nsubjects:\n  - {kind: ServiceAccount, name: a}\n", `resource "kubernetes_service_account" "a" {
  metadata {
    name = "a"
  }
}

subject {
  kind = "ServiceAccount"
  name = "a"
}`},
		"an object that no resource makes": {"kubernetes_pod", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n", ""},
		"a setting that nothing spells":    {"kubernetes_pod", "spec: {nonsense: 1}\n", ""},
		"no map where an object is":        {"kubernetes_pod", "spec: [a]\n", ""},
		"an alias":                         {"kubernetes_pod", "metadata: {name: &a x, namespace: *a}\n", ""},
		"no YAML":                          {"kubernetes_pod", "a: [", ""},
	} {
		got, err := kubernetesSchema().block(&resource.Resource{Kind: c.kind}, c.yaml)
		if (err != nil) != (c.want == "") {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" && err == nil {
			t.Errorf("%s: %s", name, diff)
		}
	}
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	if _, err := kubernetesSchema().block(&resource.Resource{Kind: "kubernetes_service"}, "spec: {externalIPs: "+deep+"}"); err == nil {
		t.Error("a block that is nested very deeply is translated")
	}
}
