package project

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/bootstrap"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// userDataName matches files that are user data by their name, whatever stands
// beside them; their content still has to say so.
var userDataName = regexp.MustCompile(`^(?:user[-_]?data|cloud[-_]?(?:init|config))(?:[-_.][\w.-]*)?$`)

// setUpName matches scripts that set nodes up where they stand beside Terraform
// or Packer, and anything elsewhere.
var setUpName = regexp.MustCompile(`^(?:bootstrap|startup|node[-_]?(?:init|setup|bootstrap)|kubeadm[-_]?\w*)[\w.-]*\.(?:sh|bash)$`)

// nodeRole tells the files of Packer and of user data by their names.
func nodeRole(base string) role {
	lower := strings.ToLower(base)
	switch {
	case hasAnySuffix(lower, ".pkr.hcl", ".pkr.json", ".auto.pkrvars.hcl"):
		return packerTemplate
	case hasAnySuffix(lower, ".tftpl", ".tpl", ".tmpl", ".j2", ".md", ".go", ".py", ".tf", ".json", ".yaml", ".yml", ".template", ".pkrvars.hcl"):
		return other // templates are read where they are called
	case userDataName.MatchString(lower):
		return userData
	case setUpName.MatchString(lower):
		return setUpScript
	}
	return other
}

// builderType finds the builders that make images of nodes, where nothing else of
// a template is there.
var builderType = regexp.MustCompile(`"type"\s*:\s*"(amazon-(ebs|ebssurrogate|ebsvolume|chroot|instance)|azure-(arm|chroot)|googlecompute|qemu|vsphere-(iso|clone))"`)

// isNodeDocument reports whether a YAML or JSON file is cloud-init or a template
// of Packer.
func isNodeDocument(name string, data []byte) bool {
	if strings.HasSuffix(strings.ToLower(name), ".json") {
		return topKey(data, "builders") && (topKey(data, "provisioners") || topKey(data, "post-processors") || topKey(data, "variables") || builderType.Match(data))
	}
	return bootstrap.Sniff(data)
}

// reachTemplate adds the folder that a file of Packer belongs to.
func (s *side) reachTemplate(name string) {
	dir := path.Dir(name)
	if s.units[resource.NodeBootstrap+":"+dir] != nil || s.seen[dir+"/packer"] {
		return
	}
	s.seen[dir+"/packer"] = true
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.warn(dir, dir, "the folder cannot be listed: %v", reason(err))
		}
		return
	}
	var files []string
	for _, e := range entries {
		full := path.Join(dir, e.Name())
		if roleOf(full) != packerTemplate || !e.Type().IsRegular() || !s.kept(full) {
			continue
		}
		if len(files) == s.opt.MaxFolder {
			s.warn(dir, dir, "the template has more than %d files; the rest was not read", s.opt.MaxFolder)
			break
		}
		files = append(files, full)
	}
	if len(files) > 0 {
		announce(s.fsys, files)
		s.unit(resource.NodeBootstrap, dir, dir).Files = files
	}
}

// besideNodes reports whether a script stands beside what makes nodes.
func (s *side) besideNodes(name string) bool {
	for _, dir := range []string{path.Dir(name), path.Dir(path.Dir(name))} {
		entries, err := fs.ReadDir(s.fsys, dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if r := roleOf(path.Join(dir, e.Name())); r == terraform || r == packerTemplate {
				return true
			}
		}
	}
	return false
}
