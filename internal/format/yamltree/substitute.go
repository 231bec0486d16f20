package yamltree

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// variable is what Flux and envsubst fill in before a manifest is applied:
// ${NAME}, ${NAME:=default}. With two dollars it is a text.
var variable = regexp.MustCompile(`\$?\$\{[A-Za-z_][A-Za-z0-9_]*([^}]*)\}`)

// texts are fields that hold programs, files and notes, where ${NAME} is for
// whoever reads them and not for what fills manifests in.
var texts = map[string]bool{
	"data": true, "stringData": true, "binaryData": true, "command": true, "args": true, "annotations": true, "value": true, "script": true,
}

// Substitute takes the variables of a manifest's settings for what they are: a
// value that is not known where a variable has no default, else what the
// default makes of it. It changes the tree, of which no one may know yet.
func Substitute(root *resource.Node) {
	seen := map[*resource.Node]bool{} // aliases share nodes
	var walk func(n *resource.Node)
	walk = func(n *resource.Node) {
		if n == nil || seen[n] {
			return
		}
		if n.Kind == resource.String {
			substitute(n)
			return
		}
		if n.Kind == resource.Map || n.Kind == resource.List {
			seen[n] = true
		}
		for _, it := range n.Items {
			walk(it)
		}
		for _, f := range n.Fields {
			if !texts[f.Name] {
				walk(f.Node)
			}
		}
	}
	walk(root)
}

func substitute(n *resource.Node) {
	s := n.Str()
	if !strings.Contains(s, "${") || strings.ContainsAny(s, " \t\n") {
		return
	}
	var parts []string
	var known strings.Builder
	found, why, at := false, "", 0
	for _, m := range variable.FindAllStringSubmatchIndex(s, -1) {
		text, rest := s[m[0]:m[1]], s[m[2]:m[3]]
		if strings.HasPrefix(text, "$$") {
			continue
		}
		value, ok := "", false
		for _, op := range [...]string{":=", ":-", "=", "-"} {
			if value, ok = strings.CutPrefix(rest, op); ok {
				break
			}
		}
		known.WriteString(s[at:m[0]])
		found, at = true, m[1]
		if ok {
			known.WriteString(value)
			continue
		}
		if why == "" {
			why = text
		}
		parts = append(parts, known.String())
		known.Reset()
	}
	if !found {
		return
	}
	known.WriteString(s[at:])
	if why != "" {
		n.Unknown, n.Why, n.Value, n.Parts = true, why, nil, append(parts, known.String())
		return
	}
	// It is filled in as text, and read after that.
	y := &yaml.Node{Kind: yaml.ScalarNode, Value: known.String()}
	y.Tag = y.ShortTag()
	n.Kind, n.Value = Scalar(y, true)
}
