package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
	"github.com/plimsoll-iac/plimsoll/internal/format/dockerfile"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/sandbox"
	"github.com/plimsoll-iac/plimsoll/internal/source"
	"github.com/plimsoll-iac/plimsoll/rules"
)

// childReaders lists the readers that run in child processes: those that
// render, evaluate or recurse over what a repository holds.
func childReaders() map[string]format.Reader {
	return map[string]format.Reader{
		resource.Terraform:     bootstrap.Within(terraform.New()),
		resource.NodeBootstrap: bootstrap.New(),
		helm.Name:              bootstrap.Within(helm.New()),
		kustomize.Name:         bootstrap.Within(kustomize.New()),
	}
}

// readers lists the readers of every format, by name, those of childReaders as
// the pool's children have them.
func readers(pool *sandbox.Pool) map[string]format.Reader {
	all := map[string]format.Reader{
		resource.Kubernetes:     bootstrap.Within(kubernetes.New()),
		resource.Dockerfile:     dockerfile.New(),
		resource.Compose:        compose.New(),
		resource.CloudFormation: bootstrap.Within(cloudformation.New()),
		resource.Actions:        actions.New(),
		resource.TerraformPlan:  bootstrap.Within(terraform.NewPlan()),
	}
	for name := range childReaders() {
		all[name] = pool.Reader(name)
	}
	return all
}

// loadRules is rule.Load, for whoever shows rules, or rule.LoadForReview.
type loadRules func(fs.FS) ([]*rule.Rule, source.Diagnostics)

// newOptions wires the parts that every review needs. dirs are folders of
// further rules; what cannot be read of them is a diagnostic.
func newOptions(load loadRules, dirs []string, pool *sandbox.Pool) (reviewer.Options, error) {
	own, ds := load(rules.FS())
	if len(ds) > 0 {
		return reviewer.Options{}, fmt.Errorf("the built-in rules: %s", ds[0])
	}
	all := own
	var diags source.Diagnostics
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return reviewer.Options{}, fmt.Errorf("--rules: %w", err)
		}
		if !info.IsDir() {
			return reviewer.Options{}, fmt.Errorf("--rules: %s is not a folder", dir)
		}
		more, ds := load(os.DirFS(dir))
		for _, r := range more {
			r.Limited = true
		}
		all = append(all, more...)
		diags = append(diags, ds...)
	}
	return reviewer.Options{
		Rules: all, Diagnostics: diags, Readers: readers(pool),
		Finder: project.New(project.Options{}), Now: clock,
	}, nil
}
