package config

import (
	"errors"
	"path"
	"strings"
)

// glob is a path pattern: segments as path.Match reads them, ** for any number
// of segments (none too), a final slash for everything below a folder.
type glob []string

const maxGlob = 512

func parseGlob(s string) (glob, error) {
	switch {
	case s == "":
		return nil, errors.New("is empty")
	case len(s) > maxGlob:
		return nil, errors.New("is too long")
	case strings.HasPrefix(s, "/"):
		return nil, errors.New("starts with a slash; write it from the repository's root without one")
	}
	s = strings.TrimPrefix(s, "./")
	if strings.HasSuffix(s, "/") {
		s += "**"
	}
	g := glob(strings.Split(s, "/"))
	for _, seg := range g {
		switch {
		case seg == "" || seg == "." || seg == "..":
			return nil, errors.New("has an empty, . or .. segment; write it from the repository's root")
		case seg != "**" && strings.Contains(seg, "**"):
			return nil, errors.New("has ** beside other characters; ** stands alone between slashes")
		}
		if _, err := path.Match(seg, ""); err != nil {
			return nil, errors.New("has a bracket that is not closed or a range that is not one")
		}
	}
	return g, nil
}

// match takes time proportional to the product of both lengths at most: a later
// ** makes earlier ones irrelevant, so one place to come back to is enough.
func (g glob) match(p string) bool {
	segs := strings.Split(p, "/")
	gi, si := 0, 0
	star, resume := -1, 0
	for si < len(segs) {
		if gi < len(g) && g[gi] == "**" {
			star, resume = gi, si
			gi++
			continue
		}
		if gi < len(g) {
			if ok, err := path.Match(g[gi], segs[si]); ok && err == nil {
				gi++
				si++
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++
		gi, si = star+1, resume
	}
	for gi < len(g) && g[gi] == "**" {
		gi++
	}
	return gi == len(g)
}

// globs is a list of patterns of which one must match.
type globs []glob

// parseGlobs leaves out the patterns that are not ones: their authors have been
// told when the configuration was read.
func parseGlobs(patterns []string) globs {
	gs := make(globs, 0, len(patterns))
	for _, p := range patterns {
		if g, err := parseGlob(p); err == nil {
			gs = append(gs, g)
		}
	}
	return gs
}

func (gs globs) match(p string) bool {
	for _, g := range gs {
		if g.match(p) {
			return true
		}
	}
	return false
}
