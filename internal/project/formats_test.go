package project_test

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// TestFormats tells files apart by what is in them as well as by their names.
func TestFormats(t *testing.T) {
	const (
		service  = "services:\n  web:\n    image: nginx:1.27\n"
		workflow = "on: push\njobs:\n  a:\n    runs-on: x\n"
		action   = "name: x\nruns:\n  using: node20\n  main: x.js\n"
		stack    = "Resources:\n  A:\n    Type: AWS::S3::Bucket\n"
	)
	fsys := tree(
		"compose.yaml", service, "app/docker-compose.prod.yml", service, "app/stack.yml", service, "compose-broken.yml", "services: [\n",
		"compose.override.yaml", "services:\n  web:\n    user: x\n", "docker-compose.k8s.yaml", pod, "compose.none.yaml", "a: 1\n",
		"app/service.yaml", "services:\n  - docker:dind\n",
		".github/workflows/ci.yml", workflow, ".github/workflows/pod.yml", pod, ".github/workflows/x.json", workflow, "sub/.github/workflows/ci.yaml", workflow,
		"workflow.yml", workflow, "x.github/workflows/ci.yml", workflow,
		"action.yml", action, "tools/action.yaml", action, "k8s/action.yaml", pod, "other/action.yml", "a: 1\n", "metadata.yml", action,
		"infra/stack.yaml", stack, "infra/stack.json", `{"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}`, "infra/vpc.template", stack,
		"infra/nginx.template", "server {}\n", "infra/pod.template", pod, "infra/heat.yaml", "Resources:\n  A:\n    Type: OS::Nova::Server\n",
	)
	us, ds := project.New(project.Options{}).All(t.Context(), fsys, []string{"."}, nil)
	check(t, "units", show(us), `cloudformation:infra/stack.json infra [infra/stack.json]
cloudformation:infra/stack.yaml infra [infra/stack.yaml]
cloudformation:infra/vpc.template infra [infra/vpc.template]
compose:app/docker-compose.prod.yml app [app/docker-compose.prod.yml]
compose:app/stack.yml app [app/stack.yml]
compose:compose-broken.yml . [compose-broken.yml]
compose:compose.override.yaml . [compose.override.yaml]
compose:compose.yaml . [compose.yaml]
github-actions:.github/workflows/ci.yml .github/workflows [.github/workflows/ci.yml]
github-actions:action.yml . [action.yml]
github-actions:sub/.github/workflows/ci.yaml sub/.github/workflows [sub/.github/workflows/ci.yaml]
github-actions:tools/action.yaml tools [tools/action.yaml]
kubernetes:. . [docker-compose.k8s.yaml]
kubernetes:k8s k8s [k8s/action.yaml]
`)
	check(t, "diagnostics", said(ds), "")
	us, _ = project.New(project.Options{}).All(t.Context(), fsys, []string{".github/workflows/ci.yml", "compose.yaml"}, nil)
	if len(us) != 2 {
		t.Errorf("named paths: %s", show(us))
	}
	for name, want := range map[string]bool{".github/workflows/ci.yml": true, ".github/workflows/ci.json": false, "a.template": true, "compose.yaml": true, "a.txt": false,
		"a/.kube/config": true, "config": false, "kubeconfig": true, "kubeconfig-prod": true, "kubeconfig-prod.sh": false, "ci.kubeconfig": true, "admin.conf": true} {
		if got := project.Candidate(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestReachedFormats(t *testing.T) {
	base := tree("compose.yaml", "services:\n  web:\n    image: nginx:1.27\n", ".github/workflows/ci.yml", "jobs: {}\n")
	head := tree("compose.yaml", "services:\n  web:\n    image: nginx:1.28\n", "stack.yaml", "AWSTemplateFormatVersion: x\nResources: {}\n")
	b, h, ds := project.New(project.Options{}).Reached(t.Context(), base, head, []project.PathChange{
		{Path: "compose.yaml", Kind: project.Modified}, {Path: ".github/workflows/ci.yml", Kind: project.Removed}, {Path: "stack.yaml", Kind: project.Added},
	}, nil)
	check(t, "base", show(b), "compose:compose.yaml . [compose.yaml]\ngithub-actions:.github/workflows/ci.yml .github/workflows [.github/workflows/ci.yml]\n")
	check(t, "head", show(h), "cloudformation:stack.yaml . [stack.yaml]\ncompose:compose.yaml . [compose.yaml]\n")
	check(t, "diagnostics", said(ds), "")
}
