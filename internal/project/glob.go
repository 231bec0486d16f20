package project

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether a slash-separated path matches a pattern. In a segment
// of the pattern * stands for any characters, ? for one, [a-z] for one of a
// class and [!a-z] for one outside of it; a backslash takes the next character
// as it is. A segment ** stands for any number of segments, none too, so that
// "a/**" matches "a" and everything below it. A class that is not closed
// matches nothing.
//
// The time is at most proportional to the product of the two lengths.
func Match(pattern, path string) bool {
	// A later ** makes earlier ones irrelevant, so one place to come back to
	// is enough; the same holds for * within a segment.
	p, s := pattern, path
	pDone, sDone := false, false
	var resumeP, resumeS string
	var canResume, resumeDone bool
	for {
		if !pDone {
			seg, rest, more := strings.Cut(p, "/")
			if seg == "**" {
				if !more {
					return true
				}
				p = rest
				canResume, resumeP, resumeS, resumeDone = true, rest, s, sDone
				continue
			}
			if !sDone {
				name, rest2, more2 := strings.Cut(s, "/")
				if matchSegment(seg, name) {
					p, pDone = rest, !more
					s, sDone = rest2, !more2
					continue
				}
			}
		} else if sDone {
			return true
		}
		if !canResume || resumeDone {
			return false
		}
		_, rest, more := strings.Cut(resumeS, "/")
		resumeS, resumeDone = rest, !more
		p, pDone = resumeP, false
		s, sDone = resumeS, resumeDone
	}
}

// matchSegment matches one segment without slashes.
func matchSegment(p, s string) bool {
	starP, starS := "", ""
	star := false
	for {
		if p == "" && s == "" {
			return true
		}
		if p != "" {
			if p[0] == '*' {
				for p != "" && p[0] == '*' {
					p = p[1:]
				}
				if p == "" {
					return true
				}
				star, starP, starS = true, p, s
				continue
			}
			if s != "" {
				if rest, ok := matchOne(p, s); ok {
					_, n := utf8.DecodeRuneInString(s)
					p, s = rest, s[n:]
					continue
				}
			}
		}
		if !star || starS == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(starS)
		starS = starS[n:]
		p, s = starP, starS
	}
}

// matchOne matches the first character of s, which is not empty, and gives the
// pattern behind what matched it.
func matchOne(p, s string) (rest string, ok bool) {
	r, n := utf8.DecodeRuneInString(s)
	switch p[0] {
	case '?':
		return p[1:], true
	case '[':
		return matchClass(p[1:], r)
	case '\\':
		if len(p) > 1 {
			p = p[1:]
		}
	}
	if strings.HasPrefix(p, s[:n]) {
		return p[n:], true
	}
	return "", false
}

// matchClass matches r against the class that p begins with, its opening
// bracket gone.
func matchClass(p string, r rune) (rest string, ok bool) {
	negated := false
	if p != "" && (p[0] == '!' || p[0] == '^') {
		negated = true
		p = p[1:]
	}
	in := false
	next := func() (rune, bool) {
		if p != "" && p[0] == '\\' {
			p = p[1:]
		}
		if p == "" {
			return 0, false
		}
		c, n := utf8.DecodeRuneInString(p)
		p = p[n:]
		return c, true
	}
	for first := true; ; first = false {
		if p == "" {
			return "", false
		}
		if p[0] == ']' && !first {
			return p[1:], in != negated
		}
		lo, ok := next()
		if !ok {
			return "", false
		}
		hi := lo
		if len(p) > 1 && p[0] == '-' && p[1] != ']' {
			p = p[1:]
			if hi, ok = next(); !ok {
				return "", false
			}
		}
		if lo <= r && r <= hi {
			in = true
		}
	}
}
