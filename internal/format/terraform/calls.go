package terraform

import (
	"encoding/json"
	"io/fs"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxModuleDepth bounds calls within calls.
const maxModuleDepth = 8

// enter gives the scope of one instance of a module call; nil where the module
// is not in the tree, which is said once.
func (s *scope) enter(d *decl, in *instance) *scope {
	key := d.addr + in.suffix
	if c, ok := s.kids[key]; ok {
		return c
	}
	s.kids[key] = nil
	at := s.mod.place(d)
	name := plain(s.path+key, 200)
	a := d.body.Attributes["source"]
	if a == nil {
		s.u.warn(at.File, at.Start.Line, name, "%s has no source", name)
		return nil
	}
	src, ok := in.env.eval(a.Expr).asText()
	if !ok {
		s.u.warn(at.File, at.Start.Line, name, "the source of %s is not known", name)
		return nil
	}
	dir, ok := s.u.localModule(s.mod.dir, src)
	if !ok {
		if dir, ok = s.u.vendored(s.callKey(d)); !ok {
			s.u.warn(at.File, at.Start.Line, name, "the source of %s, %s, is not in the repository", name, sourceName(src))
			return nil
		}
	}
	m := s.u.module(dir)
	switch {
	case m == nil:
		s.u.warn(at.File, at.Start.Line, name, "%s has no configuration in %s", name, plain(dir, 200))
		return nil
	case s.level >= maxModuleDepth:
		s.u.warn(at.File, at.Start.Line, name, "%s is nested more than %d calls deep", name, maxModuleDepth)
		return nil
	}
	for p := s; p != nil; p = p.parent {
		if p.mod == m {
			s.u.warn(at.File, at.Start.Line, name, "%s calls itself", name)
			return nil
		}
	}
	c := newScope(s.u, m)
	c.path, c.parent, c.call, c.callIn, c.level = s.path+key+".", s, d, in.env, s.level+1
	c.dir = path.Join(s.dir, src)
	if dir != path.Join(s.mod.dir, src) {
		c.dir = relative(s.u.Dir, dir)
	}
	s.kids[key] = c
	return c
}

// sourceName writes a module's source without what may be a password in it.
func sourceName(src string) string {
	if scheme, rest, ok := strings.Cut(src, "://"); ok {
		host, after, more := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = host[at+1:]
		}
		src = scheme + "://" + host
		if more {
			src += "/" + after
		}
	}
	src, _, _ = strings.Cut(src, "?")
	return plain(src, 200)
}

// relative gives a folder of the tree as the root module's folder would name it.
func relative(from, dir string) string {
	if from == "." {
		return dir
	}
	if rel, ok := strings.CutPrefix(dir, from+"/"); ok {
		return rel
	}
	return dir
}

// callKey names a call as the manifest of installed modules does: the names of
// the calls that lead to it, without their instances.
func (s *scope) callKey(d *decl) string {
	key := d.name
	for c := s; c.call != nil; c = c.parent {
		key = c.call.name + "." + key
	}
	return key
}

// modulesManifest is where "terraform init" notes the modules that it installed,
// from the folder of the root.
const modulesManifest = ".terraform/modules/modules.json"

// vendored gives the folder of a module that was installed into the tree.
func (u *unit) vendored(key string) (string, bool) {
	if u.installed == nil {
		u.installed = u.readInstalled()
	}
	dir, ok := u.installed[key]
	return dir, ok && u.withoutLinks(dir)
}

func (u *unit) readInstalled() map[string]string {
	out := map[string]string{}
	name := path.Join(u.Dir, modulesManifest)
	if !u.withoutLinks(name) {
		return out
	}
	data, err := readFile(u.FS, name, u.MaxFileSize)
	if err != nil {
		return out
	}
	var m struct {
		Modules []struct{ Key, Dir string }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		u.warn(name, 0, name, "the manifest of installed modules cannot be read: %s", plain(err.Error(), 200))
		return out
	}
	for _, x := range m.Modules {
		dir := path.Join(u.Dir, strings.ReplaceAll(x.Dir, "\\", "/"))
		if x.Key != "" && fs.ValidPath(dir) {
			out[x.Key] = dir
		}
	}
	return out
}

// module parses the folder of a local module, once.
func (u *unit) module(dir string) *module {
	if m, ok := u.modules[dir]; ok {
		return m
	}
	u.modules[dir] = nil
	entries, err := fs.ReadDir(u.FS, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if class, _ := classify(e.Name()); e.Type().IsRegular() && (class == configFile || class == overrideFile) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil
	}
	u.modules[dir] = u.parseModule(dir, names, false)
	return u.modules[dir]
}

// output gives an output of a module call.
func (r *resourceRef) output(inst *instance, name, full string) *val {
	c := r.sc.enter(r.d, inst)
	if c == nil {
		return newUnknown(source.Range{}, full)
	}
	o := c.mod.outputs[name]
	if o == nil {
		return newUnknown(source.Range{}, full)
	}
	return c.once("output."+name, func() *val {
		a := o.body.Attributes["value"]
		if a == nil {
			return newUnknown(source.Range{}, full)
		}
		return c.env().eval(a.Expr)
	})
}
