package rule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// Bounds of the block that a check shows, in bytes, and of the values in it.
const (
	maxBlock      = 4_000
	maxBlockValue = 500
	maxBlockExprs = 40
)

// The languages that a block may be written in, as a fence names them.
const (
	LanguageYAML       = "yaml"
	LanguageHCL        = "hcl"
	LanguageDockerfile = "dockerfile"
	LanguageBash       = "bash"
)

// Language is that of the check's block: what a person writes on its platform.
func (c *Check) Language() string {
	switch c.Platform {
	case resource.Terraform:
		return LanguageHCL
	case resource.Dockerfile:
		return LanguageDockerfile
	case resource.NodeBootstrap:
		packer := func(kind string) bool {
			return strings.HasPrefix(kind, "Packer") || strings.HasPrefix(kind, "source.") || strings.HasPrefix(kind, "data.")
		}
		switch {
		case slices.ContainsFunc(c.Kinds, packer):
			return LanguageHCL
		case c.Each == "commands" || c.Each == "lines" || c.Each == "environment":
			return LanguageBash
		}
	}
	return LanguageYAML
}

// blockPlace is where in a block a value is put, which decides how it is written.
type blockPlace int

const (
	placeValue  blockPlace = iota // a value of the language
	placeName                     // a name of HCL, or a traversal: aws_s3_bucket.logs
	placeLabel                    // the label of a block of HCL
	placeQuoted                   // within double quotes
	placePart                     // beside other characters of a plain text of YAML
	placeText                     // text in a line
)

// block is a text with values in it. It is safe for concurrent use.
type block struct {
	parts    []templatePart
	places   []blockPlace // one for each part
	language string
}

// labelled is the start of a line of HCL that names a block.
var labelled = regexp.MustCompile(`^\s*(resource|data|module|variable|output|provider|source)\s+"`)

func parseBlock(s, language string, limited bool) (*block, error) {
	if len(s) > maxBlock {
		return nil, fmt.Errorf("a block has at most %d bytes", maxBlock)
	}
	t, err := parseParts(s, maxBlockExprs, limited)
	if err != nil {
		return nil, err
	}
	b := &block{parts: t.parts, places: make([]blockPlace, len(t.parts)), language: language}
	line := "" // what stands before, x for a value
	for i, p := range t.parts {
		if p.expr == nil {
			if n := strings.LastIndexByte(p.literal, '\n'); n >= 0 {
				line = p.literal[n+1:]
			} else {
				line += p.literal
			}
			continue
		}
		next := ""
		if i+1 < len(t.parts) {
			next = t.parts[i+1].literal
		}
		b.places[i] = placeOf(language, line, next)
		line += "x"
	}
	return b, nil
}

// placeOf tells the place between the line before and the text behind.
func placeOf(language, before, next string) blockPlace {
	switch language {
	case LanguageDockerfile, LanguageBash:
		return placeText
	}
	trimmed := strings.TrimSpace(before)
	if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") || strings.Contains(before, " # ") {
		return placeText
	}
	quoted := strings.Count(before, `"`)%2 == 1
	prev, follows := byte(' '), byte(' ')
	if before != "" {
		prev = before[len(before)-1]
	}
	if next != "" {
		follows = next[0]
	}
	if language == LanguageHCL {
		switch {
		case quoted && labelled.MatchString(before):
			return placeLabel
		case quoted && strings.LastIndex(before, "${") > strings.LastIndex(before, "}"):
			return placeName
		case quoted:
			return placeQuoted
		case trimmed == "" || nameByte(prev) || prev == '.' || nameByte(follows) || follows == '.' || follows == '[':
			return placeName
		}
		return placeValue
	}
	switch {
	case quoted:
		return placeQuoted
	case strings.Count(before, "'")%2 == 1:
		return placePart
	case partByte(prev) || partByte(follows), follows == ':' && len(next) > 1 && next[1] > ' ':
		return placePart
	}
	return placeValue
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func partByte(c byte) bool { return nameByte(c) || strings.IndexByte("./@$+=", c) >= 0 }

// fill gives the block with the item's values in it. It is "" where there is
// none, where a value is missing, unknown or cannot stand at its place, and
// where HCL cannot stand because the resource is an object of Kubernetes.
func (b *block) fill(in *Input) string {
	if b == nil || b.language == LanguageHCL && in.Resource != nil && in.Resource.Format == resource.Kubernetes {
		return ""
	}
	var out strings.Builder
	for i, p := range b.parts {
		if p.expr == nil {
			out.WriteString(p.literal)
			continue
		}
		v, _, err := p.expr.Eval(in)
		if err != nil {
			return ""
		}
		s, ok := b.write(v, b.places[i])
		if !ok || len(s) > maxBlockValue {
			return ""
		}
		out.WriteString(s)
	}
	text := strings.TrimRight(out.String(), "\n")
	if b.language == LanguageHCL && in.Resource != nil {
		text = forEach(text, in.Resource)
	}
	return text
}

// made is the first line of a resource in a block of HCL.
var made = regexp.MustCompile(`(?m)^resource "([A-Za-z0-9_]+)" "([A-Za-z0-9_-]+)" \{$`)

// forEach makes what a block refers to the resource by as many as there are of
// it, where count or for_each make several.
func forEach(block string, r *resource.Resource) string {
	own := r.Kind + "." + r.Name
	at := strings.LastIndex(r.ID, own+"[")
	if at < 0 || !strings.HasSuffix(r.ID, "]") {
		return block
	}
	meta, index := "count = length("+own+")", "[count.index]"
	if r.ID[at+len(own)+1] == '"' {
		meta, index = "for_each = "+own, "[each.key]"
	}
	heads := made.FindAllStringSubmatchIndex(block, -1)
	many := map[string]bool{own: true}
	var out strings.Builder
	last := 0
	for i, h := range heads {
		end := len(block)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name := block[h[2]:h[3]] + "." + block[h[4]:h[5]]
		if name == own || !strings.Contains(block[h[1]:end], own+".") {
			continue
		}
		many[name] = true
		out.WriteString(block[last:h[1]] + "\n  " + meta + "\n")
		last = h[1]
	}
	out.WriteString(block[last:])
	block = out.String()
	for _, name := range slices.Sorted(maps.Keys(many)) {
		block = regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\.`).ReplaceAllLiteralString(block, name+index+".")
	}
	return block
}

var (
	hclName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*$`)
	hclLabel = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	yamlPart = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/@:+-]*[A-Za-z0-9._/@+-])?$`)
)

// write gives a value in the form that its place asks for. What could end a
// block of code is no value.
func (b *block) write(v ref.Val, at blockPlace) (string, bool) {
	if o, ok := v.(*types.Optional); ok {
		if !o.HasValue() {
			return "", false
		}
		v = o.GetValue()
	}
	if at == placeValue {
		if b.language == LanguageHCL {
			return valueHCL(v)
		}
		return scalarYAML(v)
	}
	s, ok := plainText(v)
	if !ok {
		return "", false
	}
	switch at {
	case placeName:
		return s, hclName.MatchString(s)
	case placeLabel:
		return s, hclLabel.MatchString(s)
	case placePart:
		return s, yamlPart.MatchString(s)
	case placeQuoted:
		q, ok := quote(s)
		if b.language == LanguageHCL {
			q = escapeHCL(q)
		}
		return strings.TrimSuffix(strings.TrimPrefix(q, `"`), `"`), ok
	}
	return s, true
}

// plainText writes a scalar, or the scalars of a list with blanks between them,
// as text of one line.
func plainText(v ref.Val) (string, bool) {
	switch v.(type) {
	case *types.Unknown, *types.Err, types.Null:
		return "", false
	}
	if l, ok := v.(traits.Lister); ok {
		var words []string
		for it := l.Iterator(); it.HasNext() == types.True; {
			item := it.Next()
			if _, nested := item.(traits.Lister); nested {
				return "", false
			}
			s, ok := plainText(item)
			if !ok {
				return "", false
			}
			words = append(words, s)
		}
		return strings.Join(words, " "), len(words) > 0
	}
	switch v.(type) {
	case types.String, types.Bool, types.Int, types.Double:
	default:
		return "", false
	}
	s := words(v, 0)
	breaks := func(r rune) bool {
		return r == '`' || r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
	}
	return s, s != "" && strings.IndexFunc(s, breaks) < 0
}

// quote writes a text with double quotes, as JSON, YAML and HCL read it.
func quote(s string) (string, bool) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return "", false
	}
	q := strings.TrimSpace(b.String())
	return q, !strings.Contains(q, "`")
}

// escapeHCL keeps what JSON has as text from being a template of HCL.
func escapeHCL(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{", `\b`, `\u0008`, `\f`, `\u000c`, `\\`, `\\`).Replace(s)
}

// valueHCL writes a value as an expression of HCL in one line.
func valueHCL(v ref.Val) (string, bool) {
	native, ok := nativeOf(v)
	if !ok {
		return "", false
	}
	s, ok := hclOf(native)
	return s, ok && !strings.Contains(s, "`")
}

func hclOf(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		q, ok := quote(x)
		return escapeHCL(q), ok
	case []any:
		items := make([]string, len(x))
		for i, e := range x {
			s, ok := hclOf(e)
			if !ok {
				return "", false
			}
			items[i] = s
		}
		return "[" + strings.Join(items, ", ") + "]", true
	case map[string]any:
		if len(x) == 0 {
			return "{}", true
		}
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			value, ok := hclOf(x[k])
			if !ok {
				return "", false
			}
			if !hclLabel.MatchString(k) {
				q, ok := quote(k)
				if !ok {
					return "", false
				}
				k = escapeHCL(q)
			}
			keys[i] = k + " = " + value
		}
		return "{ " + strings.Join(keys, ", ") + " }", true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// nativeOf gives a value as JSON has it. What is missing or unknown is none.
func nativeOf(v ref.Val) (any, bool) {
	switch v.(type) {
	case *types.Unknown, *types.Err, types.Null:
		return nil, false
	case traits.Mapper, traits.Lister, types.String, types.Bool, types.Int, types.Double:
	default:
		return nil, false
	}
	native, err := v.ConvertToNative(reflect.TypeFor[*structpb.Value]())
	if err != nil {
		return nil, false
	}
	pv, ok := native.(*structpb.Value)
	if !ok {
		return nil, false
	}
	return pv.AsInterface(), true
}

// plainYAML is text that YAML takes for itself without quotes.
var plainYAML = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9._/@:+-]*[A-Za-z0-9._/@+-])?$|^[0-9]+(m|[KMGTP]i?)$`)

// scalarYAML writes a value in one line, maps and lists in flow style.
func scalarYAML(v ref.Val) (string, bool) {
	native, ok := nativeOf(v)
	if !ok {
		return "", false
	}
	s, ok := flowYAML(native)
	return s, ok && !strings.Contains(s, "`")
}

// flowYAML leaves plain words as they are and writes any other text as JSON,
// which YAML reads too.
func flowYAML(v any) (string, bool) {
	var parts []string
	switch x := v.(type) {
	case string:
		if plainYAML.MatchString(x) && !yamlWord(x) {
			return x, true
		}
		return quote(x)
	case []any:
		for _, it := range x {
			s, ok := flowYAML(it)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			key, _ := flowYAML(k)
			s, ok := flowYAML(x[k])
			if !ok {
				return "", false
			}
			parts = append(parts, key+": "+s)
		}
		return "{" + strings.Join(parts, ", ") + "}", true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

// yamlWord reports whether YAML takes a plain word for something else than text.
func yamlWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return true
	}
	return false
}

// Of an expression: its texts, and its names that are no function's.
var (
	exprText = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	exprName = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*\(?`)
)

// Block gives the check's block for its page: for each value a name in angle
// brackets, that of the setting it comes from.
func (c *Check) Block() string {
	var b strings.Builder
	for rest := c.Write; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString("{{")
			rest = after
			continue
		}
		expr, tail, _ := cutExpression(after)
		name := "value"
		for _, w := range exprName.FindAllString(exprText.ReplaceAllString(expr, ""), -1) {
			if !strings.HasSuffix(w, "(") {
				name = w
			}
		}
		b.WriteString("<" + name + ">")
		rest = tail
	}
	return strings.TrimRight(b.String(), "\n")
}
