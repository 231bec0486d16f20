package review

import (
	"regexp"
	"strings"
)

// A marker is a hidden line at the end of a comment of ours. It carries the
// fingerprints that the comment speaks of, and is how a later review finds the
// comment again when nothing but GitHub remembers it.
var markerPattern = regexp.MustCompile(`<!-- plimsoll:((?: [0-9a-f]{32})+) -->`)

// Marker writes the marker for fingerprints.
func Marker(fingerprints []string) string {
	return "<!-- plimsoll: " + strings.Join(fingerprints, " ") + " -->"
}

// ParseMarkers gives the fingerprints of all markers in a comment's body, in
// order. A quoted marker is text that somebody else wrote and does not count.
// Whether the comment is ours is for the caller to know.
func ParseMarkers(body string) []string {
	var out []string
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		m := markerPattern.FindStringSubmatch(line)
		if m == nil || m[0] != line {
			continue
		}
		out = append(out, strings.Fields(m[1])...)
	}
	return out
}
