package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Bounds of messages, in characters; longer ones end in "…".
const (
	maxMessage       = 300
	maxMessageValue  = 100
	maxMessageItems  = 8
	maxTemplate      = 2_000 // bytes of a template
	maxTemplateExprs = 16
)

// Template is a message with {{ CEL }} in it. It is safe for concurrent use.
type Template struct {
	parts []templatePart
}

// templatePart is a literal, or an expression when expr is set.
type templatePart struct {
	literal string
	expr    cel.Program
	// stands is set for an expression that is a value as it stands in the tree.
	stands bool
}

// ParseTemplate compiles a message. limited sets a cost limit for each of its
// expressions.
func ParseTemplate(s string, limited bool) (*Template, error) {
	if len(s) > maxTemplate {
		return nil, fmt.Errorf("a message has at most %d bytes", maxTemplate)
	}
	return parseParts(s, maxTemplateExprs, limited)
}

// parseParts parts a text at its {{ CEL }}. What stands in ${{ }} is literal:
// an expression of a workflow.
func parseParts(s string, limit int, limited bool) (*Template, error) {
	t := &Template{}
	exprs := 0
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if found && strings.HasSuffix(before, "$") {
			inside, tail, closed := strings.Cut(after, "}}")
			if !closed {
				return nil, errors.New("${{ is not closed by }}")
			}
			t.parts, rest = append(t.parts, templatePart{literal: before + "{{" + inside + "}}"}), tail
			continue
		}
		if before != "" {
			t.parts = append(t.parts, templatePart{literal: before})
		}
		if !found {
			break
		}
		expr, tail, ok := cutExpression(after)
		if !ok {
			return nil, errors.New("{{ is not closed by }}")
		}
		if exprs++; exprs > limit {
			return nil, fmt.Errorf("there are at most %d expressions", limit)
		}
		if strings.TrimSpace(expr) == "" {
			return nil, errors.New("{{ }} is empty")
		}
		p, iss, err := compile(expr, limited)
		if err != nil {
			return nil, err
		}
		if iss != nil {
			return nil, fmt.Errorf("{{%s}}: %s", expr, firstLine(iss.Errors()[0].Message))
		}
		t.parts = append(t.parts, templatePart{expr: p, stands: standsAlone(expr)})
		rest = tail
	}
	return t, nil
}

// standsAlone reports whether an expression is a value as it stands in the tree.
func standsAlone(expr string) bool {
	env, err := environment()
	if err != nil {
		return false
	}
	parsed, iss := env.Parse(expr)
	return iss.Err() == nil && stands(parsed.NativeRep().Expr(), nil)
}

// cutExpression parts s at the }} that ends an expression: one that stands
// neither in a string nor in braces of the expression's own.
func cutExpression(s string) (expr, rest string, ok bool) {
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '}' && strings.HasPrefix(s[i:], "}}"):
			return s[:i], s[i+2:], true
		}
	}
	return "", "", false
}

// Render gives the message in one line of plain text of at most 300 characters.
// It says no more of a resource than its expressions ask for.
func (t *Template) Render(in *Input) string {
	if len(t.parts) == 1 && t.parts[0].expr == nil {
		return clip(t.parts[0].literal, maxMessage)
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		out, _, err := p.expr.Eval(in)
		if err != nil {
			b.WriteString("(not set)")
			continue
		}
		said := words(out, 0)
		if o, ok := out.(*types.Optional); ok && o.HasValue() {
			out = o.GetValue()
		}
		if parts, _ := partsOf(out); p.stands && strings.Join(parts, "") != "" {
			said = strings.Join(parts, "…")
		}
		b.WriteString(clip(oneLine(said), maxMessageValue))
	}
	return clip(b.String(), maxMessage)
}

// words writes a value as people would: strings as they are, lists with commas.
func words(v ref.Val, depth int) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Bool:
		return strconv.FormatBool(bool(x))
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(x), 10)
	case types.Double:
		return strconv.FormatFloat(float64(x), 'g', -1, 64)
	case types.Null:
		return "null"
	case *types.Unknown:
		return "(not known yet)"
	case *types.Optional:
		if x.HasValue() {
			return words(x.GetValue(), depth)
		}
		return "(not set)"
	case traits.Lister:
		return itemWords(x.Iterator(), depth)
	case traits.Mapper:
		return itemWords(x.Iterator(), depth)
	}
	return "(not set)"
}

func itemWords(it traits.Iterator, depth int) string {
	if depth > 2 {
		return "…"
	}
	var parts []string
	for it.HasNext() == types.True {
		if len(parts) == maxMessageItems {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, words(it.Next(), depth+1))
	}
	return strings.Join(parts, ", ")
}

// oneLine keeps a value of the repository from breaking out of its place in a
// message: no line breaks, control characters or backquotes.
func oneLine(s string) string {
	clean := func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cf, r):
			return ' '
		}
		return r
	}
	if len(s) > 4*maxMessage {
		s = s[:4*maxMessage]
	}
	return strings.Map(clean, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip cuts s to n characters, the last of which is then "…".
func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for pos := range s {
		if i == n-1 {
			return s[:pos] + "…"
		}
		i++
	}
	return s
}
