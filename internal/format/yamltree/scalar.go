package yamltree

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Scalar gives the value that a scalar has, of the kinds and types that a
// resource.Node holds; a string for one that is not what its tag says.
func Scalar(n *yaml.Node, oldBooleans bool) (resource.Kind, any) {
	kind, v, err := resolve(n, oldBooleans)
	if err != nil {
		return resource.String, n.Value
	}
	return kind, v
}

// resolve gives the value that a scalar has; old takes the booleans of YAML 1.1
// for such.
func resolve(n *yaml.Node, old bool) (resource.Kind, any, error) {
	s := n.Value
	tagged := n.Style&yaml.TaggedStyle != 0
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch n.Tag {
	case "!!str":
		if old && plain && !tagged {
			if v, ok := oldBool(s); ok {
				return resource.Bool, v, nil
			}
		}
	case "!!bool":
		switch s {
		case "true", "True", "TRUE":
			return resource.Bool, true, nil
		case "false", "False", "FALSE":
			return resource.Bool, false, nil
		}
		if v, ok := oldBool(s); ok {
			return resource.Bool, v, nil
		}
		return resource.Null, nil, fmt.Errorf("a value tagged !!bool is not a boolean")
	case "!!null":
		switch s {
		case "", "~", "null", "Null", "NULL":
			return resource.Null, nil, nil
		}
		return resource.Null, nil, fmt.Errorf("a value tagged !!null is not null")
	case "!!int", "!!float":
		if isNoNumber(s) {
			return resource.String, s, nil
		}
		kind, v, ok := number(s)
		switch {
		case !ok || n.Tag == "!!int" && tagged && kind != resource.Int:
			return resource.Null, nil, fmt.Errorf("a value tagged %s is not one", n.Tag)
		case n.Tag == "!!float" && kind == resource.Int:
			return resource.Float, float64(v.(int64)), nil
		}
		return kind, v, nil
	case "!!binary":
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
		if err != nil {
			return resource.Null, nil, fmt.Errorf("a value tagged !!binary is not base64")
		}
		return resource.String, strings.ToValidUTF8(string(raw), "\ufffd"), nil
	}
	return resource.String, s, nil
}

// oldBool reads the booleans that YAML 1.1 knows beside true and false.
func oldBool(s string) (value, ok bool) {
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

// isNoNumber reports whether a scalar is one of the floats that JSON lacks.
func isNoNumber(s string) bool {
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case ".inf", ".nan":
		return true
	}
	return false
}

// number reads a number as YAML 1.1 and 1.2 write it: decimal, hexadecimal,
// octal with 0 or 0o, binary, with underscores.
func number(s string) (resource.Kind, any, bool) {
	if strings.IndexByte(s, '_') >= 0 {
		s = strings.ReplaceAll(s, "_", "")
	}
	if v, err := strconv.ParseInt(s, 0, 64); err == nil {
		return resource.Int, v, true
	}
	if v, err := strconv.ParseUint(s, 0, 64); err == nil {
		return resource.Float, float64(v), true
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return resource.Float, v, true
	}
	return resource.Null, nil, false
}

// plainEnd is the end of a plain scalar: where the last character of its value
// stands. Line folding changes only the white space between characters.
func plainEnd(data []byte, at int, value string) (int, bool) {
	if end := at + len(value); end <= len(data) && string(data[at:end]) == value {
		return end, true
	}
	return follow(data, at, value)
}

// follow goes through data along a value, white space on either side aside,
// and gives the offset after the last character.
func follow(data []byte, at int, value string) (int, bool) {
	v := []byte(value)
	end := at
	for i, j := 0, at; ; {
		for w := White(v, i); w > 0; w = White(v, i) {
			i += w
		}
		if i >= len(v) {
			return end, true
		}
		for w := White(data, j); w > 0; w = White(data, j) {
			j += w
		}
		if j >= len(data) || data[j] != v[i] {
			return 0, false
		}
		i++
		j++
		end = j
	}
}

func doubleQuotedEnd(data []byte, at int) (int, bool) {
	if at >= len(data) || data[at] != '"' {
		return 0, false
	}
	for i := at + 1; i < len(data); i++ {
		n := bytes.IndexAny(data[i:], `"\`)
		if n < 0 {
			break
		}
		i += n
		if data[i] == '"' {
			return i + 1, true
		}
		i++ // what is escaped
	}
	return 0, false
}

func singleQuotedEnd(data []byte, at int) (int, bool) {
	if at >= len(data) || data[at] != '\'' {
		return 0, false
	}
	for i := at + 1; i < len(data); i++ {
		n := bytes.IndexByte(data[i:], '\'')
		if n < 0 {
			break
		}
		i += n
		if i+1 >= len(data) || data[i+1] != '\'' {
			return i + 1, true
		}
		i++ // a quote in the text is written twice
	}
	return 0, false
}

// blockEnd is the end of a block scalar: the end of its last line, without the
// line break. Blank lines below belong to it where the value has them (|+).
func (b *builder) blockEnd(at int, value string) (int, bool) {
	data, end := b.f.Data[:b.d.end], b.d.end
	if at >= end || data[at] != '|' && data[at] != '>' {
		return 0, false
	}
	i := at + 1
	for i < end && (data[i] == '+' || data[i] == '-' || data[i] >= '0' && data[i] <= '9') {
		i++
	}
	if value == "" {
		return i, true
	}
	header := b.lineEnd(i, end)
	if n := bytes.IndexByte(data[i:header], '#'); n >= 0 {
		b.gap(i + n)
		b.at = b.comment(i + n)
	}
	i = header + breakAt(data, header)

	text := strings.TrimRight(value, " \t\n\u2028\u2029")
	if text != "" {
		var ok bool
		if i, ok = follow(data, i, text); !ok {
			return 0, false
		}
	}
	// What is left of the value is white space; each line break in it is one
	// in the source.
	rest := value[len(text):]
	breaks := strings.Count(rest, "\n") + strings.Count(rest, "\u2028") + strings.Count(rest, "\u2029")
	closed := strings.HasSuffix(rest, "\n") || strings.HasSuffix(rest, "\u2028") || strings.HasSuffix(rest, "\u2029")
	if closed {
		breaks--
	}
	for ; breaks > 0; breaks-- {
		i = b.lineEnd(i, end)
		i += breakAt(data, i)
	}
	return b.lineEnd(i, end), true
}
