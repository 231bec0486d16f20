package source

import (
	"fmt"
	"sort"
)

// Level says how grave a diagnostic is.
type Level string

// The two levels: an error is something that could not be read or evaluated, a
// warning something that was, but not as its author may think.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// Diagnostic says what could not be read or evaluated, where, and what to do.
// It is for people: Message holds no file content beyond names.
type Diagnostic struct {
	File    string // repository path; empty when it belongs to no file
	Line    int    // 1-based; 0 when the whole file is meant
	Level   Level
	Message string
	// NotEvaluated names what was left out of the review because of this
	// (a resource, a module, a chart); empty when nothing was.
	NotEvaluated string
}

// String renders the diagnostic as file:line: message.
func (d Diagnostic) String() string {
	switch {
	case d.File == "":
		return d.Message
	case d.Line == 0:
		return fmt.Sprintf("%s: %s", d.File, d.Message)
	}
	return fmt.Sprintf("%s:%d: %s", d.File, d.Line, d.Message)
}

// Diagnostics is a list of them. It is not an error: what could be read counts.
type Diagnostics []Diagnostic

// Errorf appends an error about a place.
func (ds *Diagnostics) Errorf(file string, line int, format string, args ...any) {
	*ds = append(*ds, Diagnostic{File: file, Line: line, Level: LevelError, Message: fmt.Sprintf(format, args...)})
}

// Warnf appends a warning about a place.
func (ds *Diagnostics) Warnf(file string, line int, format string, args ...any) {
	*ds = append(*ds, Diagnostic{File: file, Line: line, Level: LevelWarning, Message: fmt.Sprintf(format, args...)})
}

// Sort orders by file, line, message and the rest, and drops exact repeats.
func (ds *Diagnostics) Sort() {
	s := *ds
	sort.SliceStable(s, func(i, j int) bool {
		a, b := s[i], s[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		if a.Message != b.Message {
			return a.Message < b.Message
		}
		if a.Level != b.Level {
			return a.Level < b.Level
		}
		return a.NotEvaluated < b.NotEvaluated
	})
	out := s[:0]
	for i, d := range s {
		if i == 0 || d != s[i-1] {
			out = append(out, d)
		}
	}
	*ds = out
}
