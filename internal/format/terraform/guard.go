package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// HCL's parser descends once for every bracket, template, conditional and
// negation, and every walk over its tree descends once for every operator of a
// chain. A hundred thousand levels end the process in a way that cannot be
// recovered from, so source is measured before it is parsed. Its lexer is a
// state machine with a stack of its own and takes any nesting.
const (
	maxNesting = 500 // levels of the syntax tree
	maxNumber  = 400 // characters of a number
	// maxRescan bounds the bytes that the lexer reads again for comments that
	// are opened and never closed.
	maxRescan = 1 << 28
	// maxMeld bounds the bytes that the parser moves to join the lines of a
	// template, which takes it quadratic time.
	maxMeld = 1 << 30
)

var errNesting = fmt.Errorf("expressions or blocks are nested more than %d levels deep", maxNesting)

// guardError says where a file was refused.
type guardError struct {
	offset int
	err    error
}

// checkComments refuses source whose unclosed comments would take the lexer
// quadratic time.
func checkComments(src []byte) error {
	rest := src[bytes.LastIndex(src, []byte("*/"))+1:]
	cost := 0
	for {
		i := bytes.Index(rest, []byte("/*"))
		if i < 0 {
			return nil
		}
		cost += len(rest) - i
		if cost > maxRescan {
			return errors.New(`too many comments are opened with "/*" and not closed`)
		}
		rest = rest[i+1:]
	}
}

// maxOpen bounds brackets that are open at once, counted without regard to
// quotes and comments. It is far above maxNesting, which counts with regard to
// them, and spares the lexer most of what cannot pass.
const maxOpen = 10 * maxNesting

// precheck refuses source that would take the lexer too long.
func precheck(src []byte) error {
	open := 0
	for _, c := range src {
		switch c {
		case '(', '[', '{':
			if open++; open > maxOpen {
				return errNesting
			}
		case ')', ']', '}':
			open = max(0, open-1)
		}
	}
	return checkComments(src)
}

// level is one open bracket of the source. The depth of the syntax tree within
// it is the greatest over its items of the operators in the item plus the
// depth of the brackets in it.
type level struct {
	open       hclsyntax.TokenType
	ops, child int // of the item so far
	max        int // of the items before
	// Templates alone: control directives that are open, and runs of literals.
	nest          int
	run, runBytes int
}

func (l *level) item() {
	l.max = max(l.max, l.ops+l.child)
	l.ops, l.child = 0, 0
}

func isTemplate(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenOQuote || t == hclsyntax.TokenOHeredoc
}

func closes(t hclsyntax.TokenType) hclsyntax.TokenType {
	switch t {
	case hclsyntax.TokenCBrace:
		return hclsyntax.TokenOBrace
	case hclsyntax.TokenCBrack:
		return hclsyntax.TokenOBrack
	case hclsyntax.TokenCParen:
		return hclsyntax.TokenOParen
	case hclsyntax.TokenCQuote:
		return hclsyntax.TokenOQuote
	case hclsyntax.TokenCHeredoc:
		return hclsyntax.TokenOHeredoc
	}
	return hclsyntax.TokenTemplateInterp
}

func opens(t hclsyntax.TokenType) hclsyntax.TokenType {
	if t == hclsyntax.TokenTemplateControl {
		return hclsyntax.TokenTemplateInterp
	}
	return t
}

// guard measures the tokens of a file or template and calls comment for each
// comment. nil means that the source is safe to parse.
func guard(tokens hclsyntax.Tokens, template bool, comment func(hclsyntax.Token)) *guardError {
	stack := make([]level, 1, 64)
	if template {
		stack[0].open = hclsyntax.TokenOHeredoc
	}
	meld := 0
	refuse := func(t hclsyntax.Token, err error) *guardError { return &guardError{t.Range.Start.Byte, err} }
	for i, t := range tokens {
		top := &stack[len(stack)-1]
		if isTemplate(top.open) && t.Type != hclsyntax.TokenQuotedLit && t.Type != hclsyntax.TokenStringLit {
			meld += top.run*top.run*8 + top.run*top.runBytes/2
			top.run, top.runBytes = 0, 0
			if meld > maxMeld {
				return refuse(t, errors.New("a text has too many lines"))
			}
		}
		switch t.Type {
		case hclsyntax.TokenComment:
			if comment != nil {
				comment(t)
			}
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			top.run++
			top.runBytes += len(t.Bytes)
		case hclsyntax.TokenNumberLit:
			if len(t.Bytes) > maxNumber {
				return refuse(t, fmt.Errorf("a number has more than %d characters", maxNumber))
			}
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp,
			hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if !isTemplate(top.open) {
				top.ops++
			}
			if t.Type == hclsyntax.TokenTemplateControl && i+1 < len(tokens) {
				switch string(tokens[i+1].Bytes) {
				case "if", "for":
					top.nest++
					top.ops = max(top.ops, 3*top.nest)
				case "endif", "endfor":
					top.nest = max(0, top.nest-1)
				}
			}
			stack = append(stack, level{open: t.Type})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			// One that closes something else is an error that the parser does not
			// descend into.
			if len(stack) == 1 || closes(t.Type) != opens(top.open) {
				continue
			}
			top.item()
			depth := top.max + 1
			stack = stack[:len(stack)-1]
			up := &stack[len(stack)-1]
			up.child = max(up.child, depth)
		case hclsyntax.TokenComma:
			top.item()
		case hclsyntax.TokenNewline:
			if top.open == hclsyntax.TokenOBrace || top.open == hclsyntax.TokenNil {
				top.item()
			}
		case hclsyntax.TokenQuestion, hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar,
			hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
			hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq,
			hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenDoubleColon:
			top.ops++
		}
		top = &stack[len(stack)-1]
		if len(stack)+top.ops+top.child > maxNesting || len(stack)+top.max > maxNesting {
			return refuse(t, errNesting)
		}
	}
	return nil
}

// parseHCL measures and parses the native syntax from an offset of a file on.
// comments are taken where asked for.
func (f *file) parseHCL(from int, comments bool) (*hclsyntax.Body, hcl.Diagnostics, *guardError) {
	src := f.Data[from:]
	start := hcl.Pos{Line: f.lineOf(from), Column: 1, Byte: from}
	if err := precheck(src); err != nil {
		return nil, nil, &guardError{from, err}
	}
	// The lexer's complaints come again from the parser.
	tokens, _ := hclsyntax.LexConfig(src, f.Path, start)
	var take func(hclsyntax.Token)
	if comments {
		take = f.comment
	}
	if g := guard(tokens, false, take); g != nil {
		return nil, nil, g
	}
	parsed, diags := hclsyntax.ParseConfig(src, f.Path, start)
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, diags, &guardError{from, errors.New("the file has no native syntax")}
	}
	return body, diags, nil
}

// parseTemplate measures and parses a template.
func parseTemplate(src []byte, name string, start hcl.Pos) (hclsyntax.Expression, error) {
	if err := precheck(src); err != nil {
		return nil, err
	}
	tokens, _ := hclsyntax.LexTemplate(src, name, start)
	if g := guard(tokens, true, nil); g != nil {
		return nil, g.err
	}
	expr, diags := hclsyntax.ParseTemplate(src, name, start)
	if diags.HasErrors() {
		return nil, errors.New("the template has errors: " + summary(diags))
	}
	return expr, nil
}

func summary(diags hcl.Diagnostics) string {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return d.Summary
		}
	}
	return ""
}

// comment keeps a comment token.
func (f *file) comment(t hclsyntax.Token) {
	text := string(t.Bytes)
	end := t.Range.End.Byte
	switch {
	case strings.HasPrefix(text, "/*"):
		text = strings.TrimSuffix(strings.TrimPrefix(text, "/*"), "*/")
	default:
		trimmed := strings.TrimRight(text, "\r\n")
		end -= len(text) - len(trimmed)
		text = strings.TrimPrefix(strings.TrimPrefix(trimmed, "//"), "#")
	}
	start := t.Range.Start.Byte
	before := f.Data[f.LineStart(f.lineOf(start)):start]
	f.comments = append(f.comments, resource.Comment{
		Text:     strings.TrimSpace(text),
		Range:    f.span(start, end),
		Trailing: len(bytes.TrimSpace(bytes.TrimPrefix(before, []byte("\ufeff")))) > 0,
	})
}
