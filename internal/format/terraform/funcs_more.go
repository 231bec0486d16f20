package terraform

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // what uuidv5 is made of, not a safeguard
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// moreFuncs are functions that few configurations use.
func moreFuncs() map[string]builtin {
	same := exactly(1, func(c *call) *val { return ref(c.rng, c.args[0]) })
	return map[string]builtin{
		"base64gunzip":     exactly(1, base64Gunzip),
		"cidrcontains":     exactly(2, cidrContains),
		"ephemeralasnull":  same, // what is ephemeral is unknown already
		"fileset":          exactly(2, fileSet),
		"templatestring":   exactly(2, templateString),
		"textdecodebase64": exactly(2, textDecode),
		"textencodebase64": exactly(2, textEncode),
		"urldecode":        exactly(1, urlDecode),
		"uuidv5":           exactly(2, uuidV5),
	}
}

func urlDecode(c *call) *val {
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	out, err := url.QueryUnescape(s)
	if err != nil || !utf8.ValidString(out) {
		return c.fail("the text is not URL-encoded")
	}
	return c.result(out)
}

// namespaces of uuidv5 that have a name.
var uuidNamespaces = map[string]string{
	"dns":  "6ba7b8109dad11d180b400c04fd430c8",
	"url":  "6ba7b8119dad11d180b400c04fd430c8",
	"oid":  "6ba7b8129dad11d180b400c04fd430c8",
	"x500": "6ba7b8149dad11d180b400c04fd430c8",
}

func uuidV5(c *call) *val {
	in, bad := c.texts()
	if bad != nil {
		return bad
	}
	space, ok := uuidNamespaces[in[0]]
	if !ok {
		space = strings.ReplaceAll(in[0], "-", "")
	}
	ns, err := hex.DecodeString(space)
	if err != nil || len(ns) != 16 {
		return c.fail("the namespace is no UUID")
	}
	h := sha1.Sum(append(ns, in[1]...)) //nolint:gosec // as above
	id := h[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	x := hex.EncodeToString(id)
	return c.result(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
}

// byteOrder gives the order of a two-byte encoding that Terraform names; ok is
// false for encodings that are not carried out here.
func byteOrder(name string) (order binary.ByteOrder, is8, ok bool) {
	switch strings.ToUpper(name) {
	case "UTF-8":
		return nil, true, true
	case "UTF-16LE":
		return binary.LittleEndian, false, true
	case "UTF-16BE":
		return binary.BigEndian, false, true
	}
	return nil, false, false
}

func textEncode(c *call) *val {
	in, bad := c.texts()
	if bad != nil {
		return bad
	}
	order, is8, ok := byteOrder(in[1])
	if !ok {
		return computed(newUnknown(c.rng, c.name+"() in "+plain(in[1], 40)), c.args...)
	}
	data := []byte(in[0])
	if !is8 {
		data = nil
		for _, u := range utf16.Encode([]rune(in[0])) {
			var b [2]byte
			order.PutUint16(b[:], u)
			data = append(data, b[:]...)
		}
	}
	return c.result(base64.StdEncoding.EncodeToString(data))
}

func textDecode(c *call) *val {
	in, bad := c.texts()
	if bad != nil {
		return bad
	}
	order, is8, ok := byteOrder(in[1])
	if !ok {
		return computed(newUnknown(c.rng, c.name+"() in "+plain(in[1], 40)), c.args...)
	}
	data, err := base64.StdEncoding.DecodeString(in[0])
	if err != nil || !is8 && len(data)%2 != 0 || is8 && !utf8.Valid(data) {
		return c.fail("the text is not encoded so")
	}
	if is8 {
		return c.result(string(data))
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return c.result(string(utf16.Decode(units)))
}

func base64Gunzip(c *call) *val {
	if inner := c.args[0].base().inner; inner != nil && c.args[0].isUnknown() {
		return ref(c.rng, inner) // what base64gzip packed
	}
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return c.fail("the text is no base64")
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return c.fail("the text is not packed with gzip")
	}
	out, err := io.ReadAll(io.LimitReader(z, maxText+1))
	if err != nil || !utf8.Valid(out) {
		return c.fail("the text is not packed with gzip")
	}
	return c.result(string(out))
}

func cidrContains(c *call) *val {
	p, bad := c.prefix()
	if bad != nil {
		return bad
	}
	s, bad := c.text(1)
	if bad != nil {
		return bad
	}
	bits := -1
	a, err := netip.ParseAddr(s)
	if err != nil {
		q, err := netip.ParsePrefix(s)
		if err != nil {
			return c.fail("the second argument is no address")
		}
		a, bits = q.Addr(), q.Bits()
	}
	return c.done(newBool(c.rng, p.Contains(a) && (bits < 0 || bits >= p.Bits())))
}

// templateString renders a template that is a value.
func templateString(c *call) *val {
	s, bad := c.text(0)
	if bad != nil {
		return bad
	}
	vars, bad := c.object(1)
	if bad != nil {
		return bad
	}
	if vars.partial {
		return c.unknown(c.args[1])
	}
	depth := 0
	for e := c.e; e != nil; e = e.up {
		if e.closed {
			depth++
		}
	}
	if depth >= maxTemplates {
		return c.fail("templates are nested too deep")
	}
	if !c.e.u.spend(len(s)/16 + 1) {
		return newUnknown(c.rng, whyStopped)
	}
	x, err := parseTemplate([]byte(s), "", hcl.InitialPos)
	if err != nil {
		return c.fail("%v", err)
	}
	names := make(map[string]*val, len(vars.fields))
	for _, f := range vars.fields {
		names[f.name] = c.args[1].through(f.v)
	}
	in := &env{scope: c.e.scope, up: c.e, names: names, closed: true, pin: &c.rng}
	return ref(c.rng, in.eval(x), c.args[0])
}

// Bounds on what fileset lists.
const (
	maxListed  = 2_000 // files and folders looked at
	maxFileset = 500   // files given
	maxStars   = 3     // ** in a pattern: each multiplies the ways to match

	maxAlternatives = 32 // that a pattern's braces make
)

// fileSet lists the files below a folder that match a pattern.
func fileSet(c *call) *val {
	in, bad := c.texts()
	if bad != nil {
		return bad
	}
	u := c.e.u
	dir, ok := u.inTree(in[0])
	if !ok {
		return computed(newUnknown(c.rng, c.name+"() of a path outside the repository"), c.args...)
	}
	pattern := path.Clean(in[1])
	if strings.HasPrefix(pattern, "..") || path.IsAbs(pattern) || strings.Count(pattern, "**") > maxStars || len(pattern) > 300 {
		return computed(newUnknown(c.rng, c.name+"() with the pattern "+plain(in[1], 100)), c.args...)
	}
	patterns := alternatives(pattern)
	if patterns == nil {
		return computed(newUnknown(c.rng, c.name+"() with the pattern "+plain(in[1], 100)), c.args...)
	}
	w := fileWalk{u: u, dir: dir, left: maxListed}
	for _, p := range patterns {
		w.patterns = append(w.patterns, strings.Split(p, "/"))
	}
	w.list("", 0)
	if w.left < 0 || len(w.found) > maxFileset {
		return computed(newUnknown(c.rng, c.name+"() of too many files"), c.args...)
	}
	slices.Sort(w.found)
	items := make([]*val, len(w.found))
	for i, f := range w.found {
		items[i] = newText(c.rng, f)
	}
	out := newList(c.rng, items)
	out.set = out.kind == list
	return c.done(out)
}

// alternatives writes a pattern out for each of the choices that it has in
// braces; nil where that cannot be done.
func alternatives(pattern string) []string {
	out := []string{""}
	for {
		before, rest, found := strings.Cut(pattern, "{")
		if strings.Contains(before, "}") {
			return nil
		}
		choices := []string{""}
		if found {
			var in string
			if in, pattern, found = strings.Cut(rest, "}"); !found || strings.Contains(in, "{") {
				return nil
			}
			choices = strings.Split(in, ",")
		} else {
			pattern = ""
		}
		if len(out)*len(choices) > maxAlternatives {
			return nil
		}
		next := make([]string, 0, len(out)*len(choices))
		for _, o := range out {
			for _, c := range choices {
				next = append(next, o+before+c)
			}
		}
		if out = next; pattern == "" {
			return out
		}
	}
}

type fileWalk struct {
	u        *unit
	dir      string
	patterns [][]string
	found    []string
	left     int
}

// matches reports whether one of the patterns matches a path.
func (w *fileWalk) matches(names []string) bool {
	return slices.ContainsFunc(w.patterns, func(p []string) bool { return matchSegments(p, names) })
}

// below reports whether a pattern may match what is deeper than depth.
func (w *fileWalk) below(depth int) bool {
	return slices.ContainsFunc(w.patterns, func(p []string) bool {
		return slices.Contains(p, "**") || len(p) > depth+1
	})
}

func (w *fileWalk) list(rel string, depth int) {
	if depth > maxModuleDepth*4 || w.left < 0 || !w.u.spend(10) {
		w.left = -1
		return
	}
	entries, err := fs.ReadDir(w.u.FS, path.Join(w.dir, rel))
	if err != nil {
		return
	}
	deep := w.below(depth)
	for _, e := range entries {
		if w.left--; w.left < 0 {
			return
		}
		name := path.Join(rel, e.Name())
		switch {
		case e.IsDir():
			if deep {
				w.list(name, depth+1)
			}
		case e.Type().IsRegular() && w.matches(strings.Split(name, "/")):
			w.found = append(w.found, name)
		}
	}
}

// matchSegments matches a path against a pattern whose ** stands for any number
// of folders.
func matchSegments(pattern, names []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for skip := 0; skip <= len(names)-i; skip++ {
				if matchSegments(pattern[i+1:], names[i+skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(names) {
			return false
		}
		if ok, err := path.Match(p, names[i]); err != nil || !ok {
			return false
		}
	}
	return len(pattern) == len(names)
}

// yamlOf gives what a text says in YAML, with the places of what is in it, where
// the text stands in the source as it is; nil elsewhere.
func (u *unit) yamlOf(v *val) *val {
	b := v.base()
	f := u.files[b.rng.File]
	if b.kind != text || f == nil || b.rng.Len() != len(b.str) || f.Text(b.rng) != b.str || len(b.str) > maxDocument || !u.spend(len(b.str)/64) {
		return nil
	}
	var roots []*resource.Node
	ds := yamltree.ReadText(u.ctx, source.NewFile(b.rng.File, []byte(b.str)), yamltree.Options{},
		func(d yamltree.Document) source.Diagnostics {
			roots = append(roots, d.Root)
			return nil
		})
	if len(ds) > 0 || len(roots) != 1 || roots[0] == nil || roots[0].Kind != resource.Map && roots[0].Kind != resource.List {
		return nil
	}
	segs := []segment{{start: 0, end: len(b.str), rng: b.rng, file: f}}
	return u.fromYAML(roots[0], segs, nil)
}
