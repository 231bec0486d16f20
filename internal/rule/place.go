package rule

import (
	"bytes"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// exprPlace says where an expression is written, so that what is wrong in it can
// be pointed at.
type exprPlace struct {
	line int // of the scalar, 1-based; 0 for none
	// lines are those that the text stands on. YAML folds them into fewer, but leaves
	// what stands on one of them as it is. Empty where that does not hold, as within
	// quotes with escapes in them.
	lines []exprLine
}

// exprLine is one line of a file that a part of an expression stands on.
type exprLine struct {
	line, column int // of its first character, 1-based
	before       int // how many characters other than white space stand on lines before
}

// place finds the lines of a file that a scalar stands on.
func (p *parser) place(f field) exprPlace {
	v := f.value
	if v == nil {
		return exprPlace{}
	}
	out := exprPlace{line: v.Line}
	block := v.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	quoted := v.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	left := solid(v.Value)
	at, count := v.Line, 0
	for line := range bytes.Lines(after(p.data, v.Line)) {
		text := strings.TrimRight(string(line), "\r\n")
		column := 1
		if at == v.Line {
			switch {
			case block: // its header
				at++
				continue
			case v.Column > len(text):
				return out
			}
			skip := v.Column - 1
			if quoted {
				skip++
			}
			text, column = text[skip:], column+len([]rune(text[:skip]))
		}
		bare := strings.TrimLeft(text, " \t")
		column += len(text) - len(bare)
		if quoted && (strings.Contains(bare, "\\") || strings.Contains(bare, "''")) {
			return exprPlace{line: v.Line}
		}
		if bare != "" {
			out.lines = append(out.lines, exprLine{line: at, column: column, before: count})
		}
		if count += solid(bare); count >= left {
			return out
		}
		at++
	}
	return exprPlace{line: v.Line}
}

// after gives what stands from a line on.
func after(data []byte, line int) []byte {
	for ; line > 1; line-- {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return nil
		}
		data = data[i+1:]
	}
	return data
}

// solid counts the characters other than white space.
func solid(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// of gives the line and the column of the file at which a place of the expression
// stands, which CEL counts in lines of the expression and in characters from 0. The
// column is 0 where it cannot be told.
func (p exprPlace) of(expr string, line, column int) (int, int) {
	if len(p.lines) == 0 {
		return p.line, 0
	}
	rest := expr
	for ; line > 1; line-- {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	chars := []rune(expr)
	at := len(chars) - len([]rune(rest)) + column
	if at > len(chars) {
		return p.line, 0
	}
	// The place is on the last line that begins before it.
	i, start, count := 0, 0, 0
	for k, r := range chars[:min(at+1, len(chars))] {
		if unicode.IsSpace(r) {
			continue
		}
		for i+1 < len(p.lines) && p.lines[i+1].before <= count {
			i, start = i+1, k
		}
		if count == 0 {
			start = k
		}
		count++
	}
	return p.lines[i].line, p.lines[i].column + at - start
}
