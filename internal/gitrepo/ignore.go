package gitrepo

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// ignoreRule is one line of a .gitignore file.
type ignoreRule struct {
	pattern  string // for project.Match
	literal  bool   // the pattern has no special character
	anchored bool   // matches the path from the file's folder, else the name alone
	negated  bool
	dirOnly  bool
}

// ignoreScope is the rules of one file and, above it, those that count less.
type ignoreScope struct {
	above *ignoreScope
	dir   string // folder that the rules are relative to, "" for the root
	rules []ignoreRule
}

// parseIgnore reads the rules of a file.
func parseIgnore(data []byte) []ignoreRule {
	var out []ignoreRule
	for raw := range bytes.Lines(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) {
		line := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		// Blanks at the end don't count unless the last has a backslash.
		for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
			line = line[:len(line)-1]
		}
		var r ignoreRule
		if strings.HasPrefix(line, "!") {
			r.negated = true
			line = line[1:]
		}
		if strings.HasSuffix(line, "/") {
			r.dirOnly = true
			line = line[:len(line)-1]
		}
		r.anchored = strings.Contains(line, "/")
		line = strings.TrimPrefix(line, "/")
		if line == "" {
			continue
		}
		if r.anchored && (line == "**" || strings.HasSuffix(line, "/**")) {
			line += "/*" // what is inside, not the folder itself
		}
		r.pattern = bytewise(line)
		r.literal = !strings.ContainsAny(line, `*?[\`)
		out = append(out, r)
	}
	return out
}

// ignored reports whether a path is ignored by these rules. The folders above
// it must not be ignored: below one that is, nothing can be taken back.
func (s *ignoreScope) ignored(name string, isDir bool) bool {
	name = bytewise(name)
	base := path.Base(name)
	for ; s != nil; s = s.above {
		rel := name
		if s.dir != "" {
			rel = strings.TrimPrefix(name, bytewise(s.dir)+"/")
		}
		for i := len(s.rules) - 1; i >= 0; i-- {
			r := &s.rules[i]
			if r.dirOnly && !isDir {
				continue
			}
			target := base
			if r.anchored {
				target = rel
			}
			if r.literal && r.pattern == target || !r.literal && project.Match(r.pattern, target) {
				return !r.negated
			}
		}
	}
	return false
}

// bytewise turns each byte beyond ASCII into a character of its own, since git
// matches bytes.
func bytewise(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			rs := make([]rune, len(s))
			for j := range len(s) {
				rs[j] = rune(s[j])
			}
			return string(rs)
		}
	}
	return s
}
