package terraform

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"path"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// Files that the configuration names are read from the tree of the review and
// from nowhere else.
func fileFuncs() map[string]builtin {
	m := map[string]builtin{
		"file":         exactly(1, readText),
		"filebase64":   exactly(1, func(c *call) *val { return fileAs(c, base64.StdEncoding.EncodeToString) }),
		"fileexists":   exactly(1, fileExists),
		"templatefile": exactly(2, templateFile),
	}
	for name, hash := range hashes() {
		file := "file" + name
		if name == "base64sha256" || name == "base64sha512" {
			file = "filebase64" + name[len("base64"):]
		}
		m[file] = exactly(1, func(c *call) *val {
			return fileAs(c, func(b []byte) string { return hash(string(b)) })
		})
	}
	return m
}

// namedFile gives the path in the tree that an argument names.
func (c *call) namedFile() (string, *val) {
	s, bad := c.text(0)
	if bad != nil {
		return "", bad
	}
	p, ok := c.e.u.inTree(s)
	if !ok {
		return "", computed(newUnknown(c.rng, c.name+"() of a path outside the repository"), c.args...)
	}
	return p, nil
}

// maxFiles bounds how many files the functions of one unit read.
const maxFiles = 1000

// bytes reads the file that the first argument names.
func (c *call) bytes() (string, []byte, *val) {
	p, bad := c.namedFile()
	if bad != nil {
		return "", nil, bad
	}
	u := c.e.u
	if !u.spend(100) || len(u.fileVals) >= maxFiles {
		return "", nil, newUnknown(c.rng, whyStopped)
	}
	data, err := readFile(u.FS, p, min(u.MaxFileSize, maxText))
	switch {
	case errors.Is(err, errTooLarge):
		return "", nil, computed(newUnknown(c.rng, c.name+"() of a file that is too large"), c.args...)
	case errors.Is(err, fs.ErrNotExist):
		// It may be made by a build, or lie in a folder that is not fetched.
		return "", nil, computed(newUnknown(c.rng, c.name+"() of "+plain(p, 200)+", which is not in the repository"), c.args...)
	case err != nil:
		return "", nil, computed(newUnknown(c.rng, c.name+"() of "+plain(p, 200)+", which cannot be read"), c.args...)
	}
	u.produce(len(data))
	return p, data, nil
}

func readText(c *call) *val {
	if p, bad := c.namedFile(); bad == nil {
		if v := c.e.u.fileVals[p]; v != nil {
			return ref(c.rng, v, c.args[0])
		}
	}
	p, data, bad := c.bytes()
	if bad != nil {
		return bad
	}
	if !utf8.Valid(data) {
		return c.fail("the file is not UTF-8")
	}
	u := c.e.u
	f := u.files[p]
	if f == nil {
		f = newFile(p, data)
		u.files[p] = f
	}
	v := newText(f.span(0, len(data)), string(data))
	if parts := []part{{lit: v.str, rng: v.rng, file: f}}; mayBeDocument(parts) {
		v.parts = parts
	}
	u.fileVals[p] = v
	return ref(c.rng, v, c.args[0])
}

func fileAs(c *call, f func([]byte) string) *val {
	_, data, bad := c.bytes()
	if bad != nil {
		return bad
	}
	return c.result(f(data))
}

func fileExists(c *call) *val {
	p, bad := c.namedFile()
	if bad != nil {
		return bad
	}
	if !c.e.u.spend(100) {
		return newUnknown(c.rng, whyStopped)
	}
	_, err := fs.Stat(c.e.u.FS, p)
	return c.done(newBool(c.rng, err == nil))
}

// maxTemplates bounds templates within templates.
const maxTemplates = 4

func templateFile(c *call) *val {
	depth := 0
	for s := c.e; s != nil; s = s.up {
		if s.closed {
			depth++
		}
	}
	if depth >= maxTemplates {
		return c.fail("templates are nested too deep")
	}
	p, data, bad := c.bytes()
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
	if !utf8.Valid(data) {
		return c.fail("%s is not UTF-8", path.Base(p))
	}
	u := c.e.u
	if u.files[p] == nil {
		u.files[p] = newFile(p, data)
	}
	x, err := parseTemplate(data, p, hcl.InitialPos)
	if err != nil {
		return c.fail("%v", err)
	}
	names := make(map[string]*val, len(vars.fields))
	for _, f := range vars.fields {
		names[f.name] = c.args[1].through(f.v)
	}
	in := &env{scope: c.e.scope, up: c.e, names: names, closed: true}
	v := in.eval(x)
	if !u.spend(len(data) / 16) {
		return newUnknown(c.rng, whyStopped)
	}
	return ref(c.rng, v, c.args[0])
}
