package resource

import "strings"

// Truth is the answer to a question about a value that is known in part.
type Truth uint8

// Undecided is the zero value: nothing that is known decides.
const (
	Undecided Truth = iota
	Yes
	No
)

// PartsEqual says whether a text of which these parts are known can be s. The
// answer is never Yes: an unknown piece may be anything, the empty text too.
func PartsEqual(parts []string, s string) Truth {
	if len(parts) < 2 {
		return Undecided
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return No
	}
	if rest, ok = strings.CutSuffix(rest, parts[len(parts)-1]); !ok {
		return No
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return No
		}
		rest = rest[i+len(p):]
	}
	return Undecided
}

// PartsHavePrefix says whether a text of which these parts are known begins
// with s.
func PartsHavePrefix(parts []string, s string) Truth {
	if len(parts) < 2 {
		return Undecided
	}
	return decideEnd(strings.HasPrefix(parts[0], s), strings.HasPrefix(s, parts[0]))
}

// PartsHaveSuffix says whether a text of which these parts are known ends in s.
func PartsHaveSuffix(parts []string, s string) Truth {
	if len(parts) < 2 {
		return Undecided
	}
	last := parts[len(parts)-1]
	return decideEnd(strings.HasSuffix(last, s), strings.HasSuffix(s, last))
}

func decideEnd(has, may bool) Truth {
	switch {
	case has:
		return Yes
	case !may:
		return No
	}
	return Undecided
}

// PartsContain says whether a text of which these parts are known contains s.
// The answer is never No.
func PartsContain(parts []string, s string) Truth {
	if len(parts) < 2 {
		return Undecided
	}
	for _, p := range parts {
		if strings.Contains(p, s) {
			return Yes
		}
	}
	return Undecided
}
