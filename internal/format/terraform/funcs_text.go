package terraform

import (
	"crypto/md5"  //nolint:gosec // the language has the function; nothing here relies on it
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func textFuncs() map[string]builtin {
	pure := func(f func(string) string) builtin {
		return exactly(1, func(c *call) *val {
			s, bad := c.text(0)
			if bad != nil {
				return bad
			}
			return c.result(f(s))
		})
	}
	test := func(f func(s, t string) bool) builtin {
		return exactly(2, func(c *call) *val {
			s, bad := c.texts()
			if bad != nil {
				return bad
			}
			return c.done(newBool(c.rng, f(s[0], s[1])))
		})
	}
	same := exactly(1, func(c *call) *val { return ref(c.rng, c.args[0]) })
	m := map[string]builtin{
		"base64decode": exactly(1, base64decode),
		"base64encode": exactly(1, base64Encode),
		"base64gzip":   exactly(1, base64Gzip),
		"basename":     pure(func(s string) string { return path.Base(s) }),
		"dirname":      pure(func(s string) string { return path.Dir(s) }),
		"endswith":     test(strings.HasSuffix),
		"issensitive":  undecidable("issensitive"),
		"jsondecode":   exactly(1, jsondecode),
		"jsonencode":   exactly(1, jsonencode),
		"nonsensitive": same,
		"replace":      exactly(3, replace),
		"sensitive":    same,
		"startswith":   test(strings.HasPrefix),
		"strcontains":  test(strings.Contains),
		"timecmp":      exactly(2, timecmp),
		"tobool":       exactly(1, tobool),
		"tonumber":     exactly(1, tonumber),
		"tostring":     exactly(1, tostring),
		"urlencode":    pure(url.QueryEscape),
		"yamldecode":   exactly(1, yamldecode),
		"yamlencode":   yamlencode(),
	}
	for name, f := range hashes() {
		m[name] = pure(f)
	}
	return m
}

// hashes gives the functions that turn text into a digest.
func hashes() map[string]func(string) string {
	b64 := base64.StdEncoding.EncodeToString
	return map[string]func(string) string{
		"base64sha256": func(s string) string { h := sha256.Sum256([]byte(s)); return b64(h[:]) },
		"base64sha512": func(s string) string { h := sha512.Sum512([]byte(s)); return b64(h[:]) },
		"md5":          func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) },  //nolint:gosec // as above
		"sha1":         func(s string) string { h := sha1.Sum([]byte(s)); return hex.EncodeToString(h[:]) }, //nolint:gosec // as above
		"sha256":       func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) },
		"sha512":       func(s string) string { h := sha512.Sum512([]byte(s)); return hex.EncodeToString(h[:]) },
	}
}

func graphemes(s string) int {
	n := 0
	for b := []byte(s); len(b) > 0; n++ {
		adv, _, err := textseg.ScanGraphemeClusters(b, true)
		if err != nil || adv == 0 {
			break
		}
		b = b[adv:]
	}
	return n
}

func base64decode(c *call) *val {
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(out) {
		return c.fail("the argument is not base64 of text")
	}
	return c.result(string(out))
}

// replace treats a substring between slashes as a regular expression.
func replace(c *call) *val {
	s, bad := c.texts()
	if bad != nil {
		return bad
	}
	if n := len(s[1]); n > 1 && s[1][0] == '/' && s[1][n-1] == '/' {
		pattern := s[1][1 : n-1]
		if len(pattern) > 1000 || repeats(pattern) > 1000 || len(s[0]) > 1<<16 || len(s[2]) > 1<<8 || !c.e.u.spend(len(pattern)*len(s[0])/256) {
			return c.fail("the pattern or the text is too long")
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return c.fail("the pattern is malformed")
		}
		// A match may stand many times in its replacement.
		if strings.Count(s[2], "$")*len(s[0]) > maxText {
			return c.fail("the text would be too long")
		}
		if len(re.FindAllStringIndex(s[0], -1))*len(s[2]) > maxText {
			return c.fail("the text would be too long")
		}
		return c.result(re.ReplaceAllString(s[0], s[2]))
	}
	if strings.Count(s[0], s[1])*len(s[2]) > maxText {
		return c.fail("the text would be too long")
	}
	return c.result(strings.ReplaceAll(s[0], s[1], s[2]))
}

func timecmp(c *call) *val {
	s, bad := c.texts()
	if bad != nil {
		return bad
	}
	a, err1 := time.Parse(time.RFC3339, s[0])
	b, err2 := time.Parse(time.RFC3339, s[1])
	if err1 != nil || err2 != nil {
		return c.fail("an argument is no timestamp")
	}
	return c.done(newInt(c.rng, a.Compare(b)))
}

// scalar converts one argument, null and unknown ones staying what they are.
func scalar(c *call, to func(*val) *val) *val {
	v := c.args[0]
	switch v.base().kind {
	case unknown, wholeResource:
		return c.unknown(v)
	case null:
		return c.done(newNull(c.rng))
	}
	if out := to(v); out != nil {
		return c.done(out)
	}
	return c.fail("the argument cannot be converted")
}

func tostring(c *call) *val {
	return scalar(c, func(v *val) *val {
		if v.base().kind == text {
			// Keep what is known of a document within.
			return ref(c.rng, v)
		}
		s, ok := v.asText()
		if !ok {
			return nil
		}
		return newText(c.rng, s)
	})
}

func tobool(c *call) *val {
	return scalar(c, func(v *val) *val {
		b, ok := v.asBool()
		if !ok {
			return nil
		}
		return newBool(c.rng, b)
	})
}

func tonumber(c *call) *val {
	return scalar(c, func(v *val) *val {
		b := v.base()
		if b.kind == text && len(b.str) > maxNumber || b.kind == list || b.kind == object {
			return nil
		}
		n, err := convert.Convert(v.cty(), cty.Number)
		if err != nil {
			return nil
		}
		return newNumber(c.rng, n.AsBigFloat())
	})
}

func jsonencode(c *call) *val {
	v := c.args[0]
	b := v.base()
	if b.kind == unknown || b.kind == wholeResource {
		return c.unknown(v)
	}
	s, ok := c.e.u.jsonText(v)
	var out *val
	switch {
	case ok && len(s) > maxText:
		return c.fail("the text is too long")
	case ok:
		out = newText(c.rng, s)
	case c.e.u.stopped:
		return newUnknown(c.rng, whyStopped)
	default:
		out = newUnknown(c.rng, orElse(v.reasonOf(), "jsonencode()"))
		if f := v.failedWithin(); f != nil {
			out.why = f.why
		}
	}
	if b.kind == list || b.kind == object {
		out.inner = v
	}
	out.from = c.args
	return out
}

// jsonText writes a value as JSON; ok is false where something in it is not
// known or the text would be out of bounds.
func (u *unit) jsonText(v *val) (s string, ok bool) {
	var b strings.Builder
	ok = u.writeJSON(&b, v)
	if !u.produce(b.Len()) {
		return "", false
	}
	return b.String(), ok
}

func (u *unit) writeJSON(w *strings.Builder, v *val) bool {
	if w.Len() > maxText || !u.spend(1) {
		return false
	}
	b := v.base()
	switch b.kind {
	case null:
		w.WriteString("null")
	case text:
		writeJSONText(w, b.str)
	case boolean, number:
		s, _ := b.asText()
		w.WriteString(s)
	case list:
		if b.partial {
			return false
		}
		w.WriteByte('[')
		for i, it := range b.items {
			if i > 0 {
				w.WriteByte(',')
			}
			if !u.writeJSON(w, it) {
				return false
			}
		}
		w.WriteByte(']')
	case object:
		if b.partial {
			return false
		}
		w.WriteByte('{')
		for i, f := range b.sortedFields() {
			if i > 0 {
				w.WriteByte(',')
			}
			writeJSONText(w, f.name)
			w.WriteByte(':')
			if !u.writeJSON(w, f.v) {
				return false
			}
		}
		w.WriteByte('}')
	default:
		return false
	}
	return true
}

// writeJSONText writes a text as jsonencode does: <, >, & and the two Unicode
// line separators are escaped.
func writeJSONText(w *strings.Builder, s string) {
	w.WriteByte('"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			w.WriteByte('\\')
			w.WriteRune(r)
		case '\n':
			w.WriteString(`\n`)
		case '\r':
			w.WriteString(`\r`)
		case '\t':
			w.WriteString(`\t`)
		case '<', '>', '&', '\u2028', '\u2029':
			writeHex(w, r)
		default:
			if r < 0x20 {
				writeHex(w, r)
				continue
			}
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
}

func writeHex(w *strings.Builder, r rune) {
	s := strconv.FormatInt(int64(r), 16)
	w.WriteString(`\u` + strings.Repeat("0", 4-len(s)) + s)
}

func jsondecode(c *call) *val {
	v := c.args[0]
	b := v.base()
	if b.inner != nil {
		return ref(c.rng, b.inner)
	}
	if doc := c.e.u.document(b); doc != nil {
		return computed(ref(c.rng, doc), v)
	}
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	n, err := parseJSON(s, false)
	if err != nil {
		return c.fail("the text is no JSON: %s", err.msg)
	}
	out := c.e.u.fromJSON(n, func(int, int) source.Range { return c.rng }, nil, nil)
	return c.done(out)
}

// yamldecode leaves out documents with anchors, which may grow without bound,
// and long ones.
func yamldecode(c *call) *val {
	b := c.args[0].base()
	if b.inner != nil {
		return ref(c.rng, b.inner)
	}
	if doc := c.e.u.manifest(b); doc != nil {
		return computed(ref(c.rng, doc), c.args[0])
	}
	if doc := c.e.u.yamlOf(c.args[0]); doc != nil {
		return computed(ref(c.rng, doc), c.args[0])
	}
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	if len(s) > 1<<16 || strings.Contains(s, "&") && strings.Contains(s, "*") || bracketDepth(s) > maxJSONDepth {
		return computed(newUnknown(c.rng, "yamldecode() of a document that is too large or has anchors"), c.args...)
	}
	return foreign(yaml.YAMLDecodeFunc, nil).run(c)
}

// bracketDepth is the deepest nesting of brackets, taken without regard to
// quotes.
func bracketDepth(s string) int {
	depth, most := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return most
}

// base64Encode keeps the text that it packs, which may be known in part.
func base64Encode(c *call) *val {
	s, v := c.text(0)
	if v == nil {
		v = c.result(base64.StdEncoding.EncodeToString([]byte(s)))
	}
	return packing(c, v)
}

// base64Gzip is not carried out, since its bytes say nothing to anybody; the text
// that it packs is kept.
func base64Gzip(c *call) *val {
	_, v := c.text(0)
	if v == nil {
		v = computed(newUnknown(c.rng, c.name+"()"), c.args...)
	}
	return packing(c, v)
}

// packing notes what a result packs.
func packing(c *call, v *val) *val {
	if !v.failed {
		v.inner = c.args[0]
	}
	return v
}
