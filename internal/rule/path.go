package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Bounds of a path in a rule file.
const (
	maxPathLen   = 512
	maxPathSteps = 64
)

// SelectorStep is one step of a Selector: a field's name, a list's index, or
// every item of a list.
type SelectorStep struct {
	resource.Step
	All bool
}

// Selector is a path that may lead to several nodes: spec.rules[*].http.paths[*].
type Selector []SelectorStep

// ParseSelector reads a path with names parted by dots, [0], [*] and, for names
// with dots or brackets, ["a.b/c"]. "" is the root.
func ParseSelector(s string) (Selector, error) {
	if len(s) > maxPathLen {
		return nil, fmt.Errorf("a path has at most %d bytes", maxPathLen)
	}
	var sel Selector
	rest := s
	for rest != "" {
		if len(sel) >= maxPathSteps {
			return nil, fmt.Errorf("a path has at most %d steps", maxPathSteps)
		}
		var step SelectorStep
		var err error
		if rest[0] == '[' {
			step, rest, err = bracketStep(rest)
		} else {
			if len(sel) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("path %q: a name is parted from what stands before it by a dot", s)
				}
				rest = rest[1:]
			}
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			step.Name, rest = rest[:end], rest[end:]
			if step.Name == "" || strings.ContainsAny(step.Name, "]\" ") {
				err = errors.New(`a name is empty or has a bracket, quote or space; write it as ["name"]`)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", s, err)
		}
		sel = append(sel, step)
	}
	return sel, nil
}

// bracketStep reads the step in brackets that s starts with.
func bracketStep(s string) (SelectorStep, string, error) {
	var step SelectorStep
	if strings.HasPrefix(s, `["`) {
		q, err := strconv.QuotedPrefix(s[1:])
		if err != nil {
			return step, "", errors.New("a quoted name is not closed")
		}
		name, err := strconv.Unquote(q)
		rest := s[1+len(q):]
		if err != nil || name == "" || !strings.HasPrefix(rest, "]") {
			return step, "", errors.New("a quoted name is empty or its bracket is not closed")
		}
		step.Name = name
		return step, rest[1:], nil
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return step, "", errors.New("a bracket is not closed")
	}
	inner, rest := s[1:end], s[end+1:]
	if inner == "*" {
		step.All = true
		return step, rest, nil
	}
	i, err := strconv.ParseUint(inner, 10, 16)
	if err != nil {
		return step, "", fmt.Errorf("[%s] is neither [*], an index nor a quoted name", inner)
	}
	step.Index = int(i)
	return step, rest, nil
}

// ParsePath reads a path that leads to one node: as a Selector, without [*].
func ParsePath(s string) (resource.Path, error) {
	sel, err := ParseSelector(s)
	if err != nil {
		return nil, err
	}
	p := make(resource.Path, len(sel))
	for i, step := range sel {
		if step.All {
			return nil, fmt.Errorf("path %q leads to one place; [*] is for each alone", s)
		}
		p[i] = step.Step
	}
	return p, nil
}

// Select calls found for each node that the path leads to from root, in order,
// with the path to it, which the callee may keep. Where a node on the way is
// unknown or a list may have more items than are known, it calls unknown with
// that node and the path to it. What is absent or null is passed over.
func (sel Selector) Select(root *resource.Node, found, unknown func(resource.Path, *resource.Node)) {
	sel.walk(root, make(resource.Path, 0, len(sel)), found, unknown)
}

func (sel Selector) walk(n *resource.Node, p resource.Path, found, unknown func(resource.Path, *resource.Node)) {
	if n == nil {
		return
	}
	if len(sel) == 0 {
		if n.Kind != resource.Null || n.Unknown {
			found(append(resource.Path(nil), p...), n)
		}
		return
	}
	if n.Unknown {
		unknown(append(resource.Path(nil), p...), n)
		return
	}
	step, rest := sel[0], sel[1:]
	switch {
	case step.Name != "":
		next := n.Get(step.Name)
		if next == nil && n.Kind == resource.Map && n.Partial {
			unknown(append(resource.Path(nil), p...), n)
			return
		}
		rest.walk(next, append(p, step.Step), found, unknown)
	case n.Kind != resource.List:
	case step.All:
		for i, it := range n.Items {
			rest.walk(it, append(p, resource.Step{Index: i}), found, unknown)
		}
		if n.Partial {
			unknown(append(resource.Path(nil), p...), n)
		}
	case step.Index < len(n.Items):
		rest.walk(n.Items[step.Index], append(p, step.Step), found, unknown)
	case n.Partial:
		unknown(append(resource.Path(nil), p...), n)
	}
}
