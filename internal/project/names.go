package project

import (
	"bytes"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/actions"
	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// role is what a file may be, by its name.
type role uint8

const (
	other       role = iota
	manifest         // YAML or JSON: its content decides, with its name
	terraform        // part of a module
	tfvars           // values that Terraform loads by itself
	tfvarsGiven      // values that have to be named on Terraform's command line
	dockerfile
	dockerTemplate // would be a Dockerfile once something has filled it in
	packerTemplate // part of a template of Packer
	userData       // what a node runs at its first start: its content decides
	setUpScript    // the same, beside what makes nodes
)

// Candidate reports whether a file may hold infrastructure code, by its path
// alone. It is for fetching ahead.
func Candidate(name string) bool {
	r := roleOf(name)
	return !skipped(name) && r != other && r != tfvarsGiven && r != dockerTemplate
}

// skippedDir names folders that hold what others wrote or a tool put there.
func skippedDir(name string) bool {
	switch name {
	case ".git", "node_modules", ".terraform", ".terragrunt-cache", "vendor":
		return true
	}
	return false
}

// skipped reports whether a folder on the way to a file is skipped.
func skipped(name string) bool {
	for {
		dir, rest, more := strings.Cut(name, "/")
		if !more {
			return false
		}
		if skippedDir(dir) {
			return true
		}
		name = rest
	}
}

func roleOf(name string) role {
	dir, base := path.Split(name)
	switch {
	case hasAnySuffix(base, ".tf", ".tf.json", ".tofu", ".tofu.json"):
		return terraform
	case base == "terraform.tfvars", base == "terraform.tfvars.json", hasAnySuffix(base, ".auto.tfvars", ".auto.tfvars.json"):
		return tfvars
	case hasAnySuffix(base, ".tfvars", ".tfvars.json"):
		return tfvarsGiven
	}
	if r := dockerRole(base); r != other {
		return r
	}
	if r := nodeRole(base); r != other {
		return r
	}
	lower := strings.ToLower(base)
	switch {
	case isKubeconfig(dir, lower):
		return manifest
	case !hasAnySuffix(lower, ".yaml", ".yml", ".json", ".template"):
		return other
	case isKustomization(base), base == "Chart.yaml", isWorkflow(dir) && strings.HasSuffix(lower, ".json"):
		return other
	case toolFile(lower):
		return other
	}
	return manifest
}

// isKubeconfig knows the names that kubeconfigs have, most of which say nothing of
// YAML: kubectl's own, those that people give, and those of kubeadm.
func isKubeconfig(dir, lower string) bool {
	switch lower {
	case "kubeconfig", "admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf":
		return true
	case "config":
		return dir == ".kube/" || strings.HasSuffix(dir, "/.kube/")
	}
	return strings.HasSuffix(lower, ".kubeconfig") || strings.HasPrefix(lower, "kubeconfig-") && !strings.Contains(lower, ".")
}

// isWorkflow reports whether GitHub takes the files of a folder for workflows.
func isWorkflow(dir string) bool {
	return dir == ".github/workflows/" || strings.HasSuffix(dir, "/.github/workflows/")
}

// isCompose reports whether Compose would look for its file under a name.
func isCompose(lower string) bool {
	return strings.HasPrefix(lower, "docker-compose") || lower == "compose.yaml" || lower == "compose.yml" ||
		strings.HasPrefix(lower, "compose.") || strings.HasPrefix(lower, "compose-")
}

// formatOf gives the format of a YAML or JSON file by its name and content, ""
// for one that none of the readers is for.
func formatOf(name string, data []byte) string {
	dir, base := path.Split(name)
	lower := strings.ToLower(base)
	if isWorkflow(dir) {
		if topKey(data, "jobs") {
			return resource.Actions
		}
		return "" // whatever it is, GitHub takes it for a workflow
	}
	switch r := nodeRole(base); {
	case r == userData, r == setUpScript:
		if bootstrap.Sniff(data) {
			return resource.NodeBootstrap
		}
		return ""
	}
	switch {
	case strings.HasSuffix(lower, ".template"):
		if cloudformation.Sniff(data) {
			return resource.CloudFormation
		}
	case isNodeDocument(name, data):
		return resource.NodeBootstrap
	case sniff(data):
		return resource.Kubernetes
	case lower == "action.yml" || lower == "action.yaml":
		if actions.SniffAction(data) {
			return resource.Actions
		}
	case isCompose(lower) && topKey(data, "services"), compose.Sniff(data):
		return resource.Compose
	case cloudformation.Sniff(data):
		return resource.CloudFormation
	}
	return ""
}

// topKey reports whether a key stands at the start of a line, or within the
// braces of JSON.
func topKey(data []byte, key string) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	flow := bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
	for line := range bytes.Lines(data) {
		if keyAt(line, key) || flow && keyWithin(line, key) {
			return true
		}
	}
	return false
}

func isKustomization(base string) bool {
	return kustomize.IsFile(base)
}

// toolFile names YAML and JSON files that belong to other tools and may be
// large.
func toolFile(lower string) bool {
	switch lower {
	case "package.json", "composer.json", "bower.json", "deno.json", "tsconfig.json", "npm-shrinkwrap.json", "pnpm-workspace.yaml", ".pre-commit-config.yaml":
		return true
	}
	stem := strings.TrimSuffix(lower, path.Ext(lower))
	return hasAnySuffix(stem, "-lock", ".lock", "_lock") || strings.HasPrefix(lower, "tsconfig.")
}

// dockerRole knows Dockerfile, Containerfile, Dockerfile.prod, api.Dockerfile.
func dockerRole(base string) role {
	switch base {
	case "Dockerfile", "dockerfile", "Containerfile":
		return dockerfile
	}
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if ext == ".Dockerfile" || ext == ".dockerfile" || ext == ".Containerfile" {
		return dockerfile
	}
	if !strings.HasPrefix(base, "Dockerfile.") && !strings.HasPrefix(base, "Containerfile.") {
		return other
	}
	switch strings.ToLower(ext) {
	case ".dockerignore", ".containerignore", ".md", ".txt", ".orig", ".rej", ".swp", ".bak", ".sh", ".py", ".go", ".yaml", ".yml", ".json":
		return other
	case ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".gotmpl", ".template", ".erb", ".mustache", ".in":
		return dockerTemplate
	}
	if strings.HasSuffix(stem, "~") || strings.HasSuffix(ext, "~") {
		return other
	}
	return dockerfile
}

func hasAnySuffix(s string, suffixes ...string) bool {
	for _, x := range suffixes {
		if len(s) > len(x) && strings.HasSuffix(s, x) {
			return true
		}
	}
	return false
}

// sniff reports whether a YAML or JSON file looks like a Kubernetes manifest:
// apiVersion and kind are keys of one mapping, as far as a look at the lines
// can tell. It is generous: a manifest that does not parse must reach its
// reader, which says so.
func sniff(data []byte) bool {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		data = bytes.ReplaceAll(data[2:], []byte{0}, nil) // UTF-16: the reader refuses it by name
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !bytes.Contains(data, []byte("apiVersion")) || !bytes.Contains(data, []byte("kind")) {
		return false
	}
	if !bytes.Contains(data, []byte{'\n'}) {
		data = bytes.ReplaceAll(data, []byte{'\r'}, []byte{'\n'}) // YAML ends lines there too
	}
	var versions, kinds []int // columns at which the keys stand
	flow := false
	for line := range bytes.Lines(data) {
		col := 0
		for col < len(line) && (line[col] == ' ' || line[col] == '\t' || line[col] == '-' && col+1 < len(line) && line[col+1] == ' ') {
			col++
		}
		rest := line[col:]
		if len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
			flow = true
		}
		if flow {
			// Columns say nothing in JSON.
			if keyWithin(rest, "apiVersion") {
				versions = append(versions, -1)
			}
			if keyWithin(rest, "kind") {
				kinds = append(kinds, -1)
			}
			continue
		}
		if keyAt(rest, "apiVersion") {
			versions = append(versions, col)
		} else if keyAt(rest, "kind") {
			kinds = append(kinds, col)
		} else if bytes.HasPrefix(rest, []byte("--- {")) && keyWithin(rest, "apiVersion") && keyWithin(rest, "kind") {
			return true
		}
		if len(versions) > 64 || len(kinds) > 64 {
			break
		}
	}
	for _, v := range versions {
		for _, k := range kinds {
			if v == k {
				return true
			}
		}
	}
	return false
}

// keyAt reports whether a line begins with a key.
func keyAt(line []byte, key string) bool {
	quote := byte(0)
	if len(line) > 0 && (line[0] == '"' || line[0] == '\'') {
		quote = line[0]
		line = line[1:]
	}
	line, ok := bytes.CutPrefix(line, []byte(key))
	if ok && quote != 0 {
		line, ok = bytes.CutPrefix(line, []byte{quote})
	}
	line = bytes.TrimLeft(line, " ")
	return ok && len(line) > 0 && line[0] == ':'
}

// keyWithin reports whether a line holds a key anywhere.
func keyWithin(line []byte, key string) bool {
	for {
		i := bytes.Index(line, []byte(key))
		if i < 0 {
			return false
		}
		rest := bytes.TrimLeft(bytes.TrimLeft(line[i+len(key):], `"'`), " ")
		before := byte(' ')
		if i > 0 {
			before = line[i-1]
		}
		if len(rest) > 0 && rest[0] == ':' && bytes.IndexByte([]byte(" \t{,\"'"), before) >= 0 {
			return true
		}
		line = line[i+len(key):]
	}
}
