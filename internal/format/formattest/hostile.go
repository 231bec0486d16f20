package formattest

import (
	"bytes"
	"strings"
	"testing"
)

// Input is one hostile file.
type Input struct {
	Name string
	Data []byte
}

// Hostile gives input that no format means well by: a reader must take each in
// bounded time and memory, whatever it makes of it. The list is the same for
// all formats, since anybody can put anything behind any name. With -short it is
// a tenth as large: enough for the race detector, which makes it ten times as slow.
func Hostile() []Input {
	many := 100_000
	if testing.Short() {
		many = 10_000
	}
	deep := func(s string) []byte { return []byte(strings.Repeat(s, many)) }
	var random [4096]byte
	x := uint32(1)
	for i := range random {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	return []Input{
		{"empty", nil},
		{"white", []byte(" \t\n \r\n\n\t")},
		{"byte order mark alone", []byte("\ufeff")},
		{"two byte order marks", []byte("\ufeff\ufeff\n")},
		{"UTF-16", []byte("\xff\xfek\x00i\x00n\x00d\x00:\x00 \x00P\x00o\x00d\x00\n\x00")},
		{"NULs", bytes.Repeat([]byte{0}, 8192)},
		{"one NUL", []byte("a: b\x00\n")},
		{"random bytes", random[:]},
		{"invalid UTF-8", []byte("a: \xff\xfe\xfd\nb: \xc3(\n")},
		{"cut UTF-8", []byte("a: \xe2\x82")},
		{"overlong UTF-8", []byte("a: \xc0\xaf\n")},
		{"CRLF", []byte("a: 1\r\nb: 2\r\n")},
		{"CR alone", []byte("a: 1\rb: 2\r")},
		{"unusual line breaks", []byte("a: 1\u0085b: 2\u2028c: 3\u2029d: \u2028\n")},
		{"control characters", []byte("a: \x01\x02\x1b[31m\x7f\n")},
		{"right-to-left override", []byte("a: \u202eb\n")},
		{"open brackets", deep("[")},
		{"open braces", deep("{")},
		{"open parentheses", deep("(")},
		{"open brackets in a value", []byte("a = " + strings.Repeat("[", many))},
		{"open parentheses in a value", []byte("a = " + strings.Repeat("(", many))},
		{"open templates in a value", []byte("a = " + strings.Repeat(`"${`, many))},
		{"conditionals in a value", []byte("a = " + strings.Repeat("a ? ", many))},
		{"negations in a value", []byte("a = " + strings.Repeat("!", many))},
		{"minuses in a value", []byte("a = " + strings.Repeat("-", many))},
		{"nested blocks", []byte(strings.Repeat("a {\n", many/2))},
		{"nested and closed brackets", append(deep("["), deep("]")...)},
		{"nested objects", []byte(strings.Repeat(`{"a":`, many) + "1" + strings.Repeat("}", many))},
		{"nested flow maps", deep("{a: ")},
		{"open templates", deep("${")},
		{"open quotes and templates", deep(`"${`)},
		{"nested dashes", deep("- ")},
		{"nested question marks", deep("? ")},
		{"nested colons", deep(": ")},
		{"brackets again and again", []byte(strings.Repeat(strings.Repeat("[", 900)+strings.Repeat("]", 900)+"\n", many/200))},
		{"stairs", stairs(many / 66)},
		{"quotes", deep(`"`)},
		{"single quotes", deep("'")},
		{"open quote", []byte(`a: "` + strings.Repeat("x\n", many))},
		{"open heredoc", []byte("a = <<EOF\n" + strings.Repeat("x\n", many))},
		{"backslashes", deep(`\`)},
		{"continued lines", deep("\\\n")},
		{"huge line", []byte("a: " + strings.Repeat("x", many*10))},
		{"huge line beyond ASCII", []byte("a: " + strings.Repeat("ä", many*5))},
		{"huge comment", []byte("#" + strings.Repeat("x", many*10) + "\n")},
		{"huge name", []byte(strings.Repeat("x", many*10) + ": 1\n")},
		{"line breaks", deep("\n")},
		{"comments", deep("#\n")},
		{"trailing comments", deep("a: #\n")},
		{"document separators", deep("---\n")},
		{"document ends", deep("...\n")},
		{"directives", deep("%YAML 1.2\n")},
		{"anchors", deep("&a ")},
		{"tags", deep("!a ")},
		{"aliases of nothing", deep("*a ")},
		{"alias bomb", bomb(40, 9)},
		{"merge bomb", mergeBomb(40, 9)},
		{"self-alias", []byte("a: &a [*a]\nb: &b {<<: *b}\n")},
		{"one long number", deep("9")},
		{"template", []byte("{{ range .x }}\na: {{ . }}\n{{ end }}\n")},
	}
}

func stairs(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.Bytes()
}

// bomb is a document that grows by width with every level of its aliases.
func bomb(levels, width int) []byte {
	var b strings.Builder
	b.WriteString("a00: &a00 [x, x, x]\n")
	for i := 1; i < levels; i++ {
		n := name(i - 1)
		b.WriteString(name(i) + ": &" + name(i) + " [*" + n + strings.Repeat(", *"+n, width-1) + "]\n")
	}
	return []byte(b.String())
}

func mergeBomb(levels, width int) []byte {
	var b strings.Builder
	b.WriteString("a00: &a00 {k: v}\n")
	for i := 1; i < levels; i++ {
		n := name(i - 1)
		b.WriteString(name(i) + ": &" + name(i) + " {<<: *" + n)
		for j := range width {
			b.WriteString(", " + name(j) + "x: *" + n)
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

func name(i int) string { return "a" + string(rune('0'+i/10)) + string(rune('0'+i%10)) }
