// Package config reads settings: the server's, from the environment and a
// file, and a repository's, from its .plimsoll.yml. Both say of every mistake
// where it stands and how to mend it.
package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds of a configuration file. yaml.v3 takes about fifty times a file's size
// in memory, and an alias may stand for a tree of any size.
const (
	maxFileSize = 256 << 10
	maxDepth    = 16
	maxNodes    = 20_000
)

// Error says why a configuration cannot be read at all. Its text is one line:
// file, line, what is wrong, what to do.
type Error struct {
	Diagnostic source.Diagnostic
}

// Error renders the diagnostic as file:line: message.
func (e *Error) Error() string { return e.Diagnostic.String() }

func errorAt(file string, line int, format string, args ...any) *Error {
	return &Error{Diagnostic: source.Diagnostic{
		File: file, Line: line, Level: source.LevelError, Message: fmt.Sprintf(format, args...),
	}}
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// parseYAML gives the root node of the one document of data, or nil when it
// holds nothing but comments.
func parseYAML(file string, data []byte) (root *yaml.Node, err error) {
	if len(data) > maxFileSize {
		return nil, errorAt(file, 0, "is larger than %d KiB; shorten it", maxFileSize>>10)
	}
	// The parser is not ours and its input is anybody's: a defect in it must
	// cost one configuration, not the process.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, errorAt(file, 0, "is not YAML that can be read")
		}
	}()
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if isEOF(err) {
			return nil, nil
		}
		return nil, yamlError(file, err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, errorAt(file, more.Line, "holds several YAML documents; keep one")
	} else if !isEOF(err) {
		return nil, yamlError(file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	root = doc.Content[0]
	budget := maxNodes
	if line := tooLarge(root, maxDepth, &budget); line > 0 {
		return nil, errorAt(file, line, "is nested too deeply, or its aliases stand for too much; write it out plainly")
	}
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	return root, nil
}

// tooLarge walks n through its aliases and gives the line where the depth or
// the budget of nodes ran out, or 0.
func tooLarge(n *yaml.Node, depth int, budget *int) int {
	if *budget--; *budget < 0 || depth == 0 {
		return max(1, n.Line)
	}
	if n.Kind == yaml.AliasNode {
		return tooLarge(n.Alias, depth-1, budget)
	}
	for _, c := range n.Content {
		if line := tooLarge(c, depth-1, budget); line > 0 {
			return line
		}
	}
	return 0
}

func isEOF(err error) bool { return err.Error() == "EOF" }

// yamlError takes the place out of the parser's message.
func yamlError(file string, err error) error {
	var te *yaml.TypeError
	if errors.As(err, &te) && len(te.Errors) > 0 {
		err = errors.New(te.Errors[0])
	}
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if i := strings.IndexByte(msg, '\n'); i >= 0 {
		msg = msg[:i]
	}
	return errorAt(file, line, "not valid YAML: %s", msg)
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	line  int // of the key
	value *yaml.Node
}

// mapping gives the entries of a mapping in order. Keys are plain strings and
// stand once.
func mapping(file, what string, n *yaml.Node) ([]pair, error) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return nil, errorAt(file, n.Line, "%s must be a mapping of names to values, not %s", what, kindOf(n))
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := resolve(n.Content[i])
		if k.Kind != yaml.ScalarNode {
			return nil, errorAt(file, k.Line, "%s has a key that is not a name", what)
		}
		if k.Tag == "!!merge" {
			return nil, errorAt(file, k.Line, "merge keys (<<) are not read here; write the values out")
		}
		if first, ok := seen[k.Value]; ok {
			return nil, errorAt(file, k.Line, "%q stands twice, first on line %d; keep one", shorten(k.Value), first)
		}
		seen[k.Value] = k.Line
		pairs = append(pairs, pair{key: k.Value, line: k.Line, value: resolve(n.Content[i+1])})
	}
	return pairs, nil
}

func kindOf(n *yaml.Node) string {
	switch resolve(n).Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch resolve(n).Tag {
	case "!!null":
		return "empty"
	case "!!bool":
		return "a boolean"
	case "!!int", "!!float":
		return "a number"
	}
	return "a text"
}

// text reads a scalar that is written as a text, a date or a number.
func text(file, what string, n *yaml.Node) (string, error) {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", errorAt(file, n.Line, "%s must be a text, not %s", what, kindOf(n))
	}
	return n.Value, nil
}

func boolean(file, what string, n *yaml.Node) (bool, error) {
	n = resolve(n)
	var v bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&v) != nil {
		return false, errorAt(file, n.Line, "%s must be true or false", what)
	}
	return v, nil
}

func integer(file, what string, n *yaml.Node, low, high int) (int, error) {
	n = resolve(n)
	var v int
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Decode(&v) != nil || v < low || v > high {
		return 0, errorAt(file, n.Line, "%s must be a whole number from %d to %d", what, low, high)
	}
	return v, nil
}

// texts reads a list of texts; one text alone is a list of one.
func texts(file, what string, n *yaml.Node) ([]string, []int, error) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode {
		s, err := text(file, what, n)
		return []string{s}, []int{n.Line}, err
	}
	if n.Kind != yaml.SequenceNode {
		return nil, nil, errorAt(file, n.Line, "%s must be a list of texts, not %s", what, kindOf(n))
	}
	out, lines := make([]string, 0, len(n.Content)), make([]int, 0, len(n.Content))
	for _, c := range n.Content {
		s, err := text(file, "each entry of "+what, c)
		if err != nil {
			return nil, nil, err
		}
		out, lines = append(out, s), append(lines, resolve(c).Line)
	}
	return out, lines, nil
}

// shorten cuts what a stranger wrote to a length that fits a message.
func shorten(s string) string {
	const limit = 80
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// suggest completes a message about an unknown word: with the known word that
// is nearest, where one is near, else with all of them.
func suggest(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "use " + alternatives(known)
}

func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// nearest gives the known word at the smallest edit distance, if that is at
// most a third of the word's length (and at least 1).
func nearest(word string, known []string) string {
	if len(word) > 100 {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
