package project

import (
	"io"
	"io/fs"
	"path"
	"strings"

	"gopkg.in/yaml.v3"
)

// A patch of a kustomization looks like a manifest and is a part of one: what it
// leaves out is in the base. Judged alone it would be misread.

// kustomizationNames are the names that kustomize looks for.
var kustomizationNames = [...]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

const (
	// maxKustomization bounds a kustomization file that is read, in bytes.
	maxKustomization = 256 << 10
	// patchDepth is how many folders above a file a kustomization is looked for.
	patchDepth = 4
)

// kustomization is what is read of one: where its patches are.
type kustomization struct {
	Patches []struct {
		Path string `yaml:"path"`
	} `yaml:"patches"`
	PatchesJSON6902 []struct {
		Path string `yaml:"path"`
	} `yaml:"patchesJson6902"`
	PatchesStrategicMerge []string `yaml:"patchesStrategicMerge"`
}

// patchOf gives the kustomization file, in the folder of a file or above it,
// that names the file as a patch; "" when there is none.
func (s *side) patchOf(name string) string {
	dir := path.Dir(name)
	for range patchDepth {
		if k := s.patchesIn(dir); k.file != "" && k.patches[name] {
			return k.file
		}
		if dir == "." {
			break
		}
		dir = path.Dir(dir)
	}
	return ""
}

// patchList holds the patches that the kustomization of a folder names.
type patchList struct {
	file    string // "" where the folder has none
	patches map[string]bool
}

func (s *side) patchesIn(dir string) patchList {
	known, ok := s.patches[dir]
	if ok {
		return known
	}
	var out patchList
	for _, base := range kustomizationNames {
		file := path.Join(dir, base)
		if ok, err := regular(s.fsys, file); err == nil && ok {
			out = patchList{file: file, patches: readPatches(s.fsys, file)}
			break
		}
	}
	s.patches[dir] = out
	return out
}

// readPatches gives the paths that a kustomization names as patches. One that
// cannot be read names none: it fails where it is built.
func readPatches(fsys fs.FS, file string) map[string]bool {
	f, err := fsys.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKustomization+1))
	if err != nil || len(data) > maxKustomization {
		return nil
	}
	var k kustomization
	if err := yaml.Unmarshal(data, &k); err != nil {
		return nil
	}
	names := k.PatchesStrategicMerge
	for _, p := range k.Patches {
		names = append(names, p.Path)
	}
	for _, p := range k.PatchesJSON6902 {
		names = append(names, p.Path)
	}
	out := make(map[string]bool, len(names))
	for _, n := range names {
		if n != "" && !strings.Contains(n, "\n") {
			out[path.Join(path.Dir(file), n)] = true
		}
	}
	return out
}
