// Package rules is the catalogue: one YAML file a rule, in a folder for each of
// the nine themes.
package rules

import (
	"embed"
	"io/fs"
)

//go:embed */*.yaml
var files embed.FS

// FS gives the rule files by their paths: privileged-containers/….yaml.
func FS() fs.FS { return files }
