package helm

import (
	"io/fs"
	"path"
	"strings"
)

// LocalChart gives the folder of the tree that a dependency's repository names
// by its path, file://../common, seen from a chart's folder.
func LocalChart(dir, repository string) (string, bool) {
	rel, ok := strings.CutPrefix(repository, "file://")
	if !ok || rel == "" || path.IsAbs(rel) {
		return "", false
	}
	local := path.Join(dir, rel)
	return local, fs.ValidPath(local)
}
