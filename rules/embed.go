// Package rules is the catalogue: one YAML file a rule, in a folder for each of
// the nine themes.
package rules

import (
	"embed"
	"io/fs"
)

//go:embed */*.yaml
var files embed.FS

//go:embed checks.tsv
var checks string

//go:embed no-block.tsv
var noBlock string

// NoBlock gives the rules whose checks for a platform have neither a fix nor a
// block to write, tab-separated: id, platform, reason. Sorted.
func NoBlock() string { return noBlock }

// Checks gives the list of what tools of this field check, tab-separated with a
// header: id, platform, theme (1 to 9), scope, whether a fix can be told (yes,
// needs-choice, no), and for a row that no rule covers the reason. A rule names
// the rows that it covers (covers).
func Checks() string { return checks }

// FS gives the rule files by their paths: privileged-containers/….yaml.
func FS() fs.FS { return files }
