package config

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

const maxGlob = 512

// parseGlob gives a path pattern in the form that project.Match reads. Written
// here, it may also start with ./ and end with a slash for everything below a
// folder. The error completes the sentence "the pattern …".
func parseGlob(s string) (string, error) {
	switch {
	case s == "":
		return "", errors.New("is empty")
	case len(s) > maxGlob:
		return "", errors.New("is too long")
	case strings.HasPrefix(s, "/"):
		return "", errors.New("starts with a slash; write it from the repository's root without one")
	}
	s = strings.TrimPrefix(s, "./")
	if strings.HasSuffix(s, "/") {
		s += "**"
	}
	for seg := range strings.SplitSeq(s, "/") {
		switch {
		case seg == "" || seg == "." || seg == "..":
			return "", errors.New("has an empty, . or .. segment; write it from the repository's root")
		case seg != "**" && strings.Contains(seg, "**"):
			return "", errors.New("has ** beside other characters; ** stands alone between slashes")
		}
		if _, err := path.Match(seg, ""); err != nil {
			return "", errors.New("has a bracket that is not closed or a range that is not one")
		}
	}
	return s, nil
}

// matcher reports whether a path matches one of the patterns. Patterns that are
// none are left out: their authors have been told when they were read.
func matcher(patterns []string) project.Filter {
	globs := make([]string, 0, len(patterns))
	for _, p := range patterns {
		if g, err := parseGlob(p); err == nil {
			globs = append(globs, g)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(globs, func(g string) bool { return project.Match(g, name) })
	}
}
