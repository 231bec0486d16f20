package dockerfile

import (
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// stage is a FROM and what follows it.
type stage struct {
	from         *instruction
	name         string
	base         *stage   // the earlier stage that it stands on
	bottom       expanded // the image that it stands on in the end
	bottomAt     source.Range
	image        *resource.Node
	instructions []*resource.Node
	last         source.Pos
	user         *resource.Node // in effect at its end
	env          *scope
}

// variable is an ARG or ENV with the value that it has by default.
type variable struct {
	in      *instruction
	name    string
	value   string
	known   bool
	why     string
	origins []source.Range // of the value, nearest first
	node    *resource.Node
}

// scope is the variables that an instruction sees, the latest of a name last.
type scope struct {
	vars map[string]*variable
	used []*variable
}

func newScope() *scope { return &scope{vars: map[string]*variable{}} }

// maxVariables bounds a scope, since each stage may take over that of another.
const maxVariables = 1_000

func (s *scope) set(v *variable) {
	if s.vars[v.name] != nil || len(s.vars) < maxVariables {
		s.vars[v.name] = v
	}
}

// Get gives a variable to BuildKit's lexer.
func (s *scope) Get(name string) (string, bool) {
	v := s.vars[name]
	if v == nil || !v.known {
		return "", false
	}
	s.used = append(s.used, v)
	return v.value, true
}

// Keys gives the names of the variables.
func (s *scope) Keys() []string {
	var out []string
	for name := range s.vars {
		out = append(out, name)
	}
	return out
}

// maxValue bounds what variables within variables can grow to.
const maxValue = 4096

// expanded is a word with its variables put in.
type expanded struct {
	text    string
	open    bool // a variable has no known value; text still names it
	why     string
	origins []source.Range
}

// expand puts the defaults of variables into a word.
func (rd *reading) expand(s string, env *scope) expanded {
	if !strings.Contains(s, "$") {
		return expanded{text: rd.unquote(s)}
	}
	if len(s) > maxValue || len(expansions.FindAllStringIndex(s, 51)) > 50 {
		return expanded{text: s, open: true, why: "a text that is too long"}
	}
	env.used = nil
	var open []string
	marked := simple.ReplaceAllStringFunc(s, func(ref string) string {
		name := strings.Trim(ref, "${}")
		if v := env.vars[name]; v != nil && v.known {
			return ref
		}
		open = append(open, name)
		return openMark + name + openEnd
	})
	lex := shell.NewLex(rune(rd.escape))
	out, err := lex.ProcessWordWithMatches(marked, env)
	if err != nil || len(out.Result) > maxValue {
		return expanded{text: s, open: true, why: "a variable that cannot be put in"}
	}
	e := expanded{text: out.Result}
	for _, v := range env.used {
		for _, o := range v.origins {
			e.origins = appendOnce(e.origins, o)
		}
	}
	for _, name := range open {
		mark := openMark + name + openEnd
		if !strings.Contains(e.text, mark) {
			continue // the default of another one was not needed
		}
		e.text = strings.ReplaceAll(e.text, mark, "$"+name)
		if !e.open {
			e.open, e.why = true, name+" is not set in the file"
			if v := env.vars[name]; v != nil {
				e.why = v.why
			}
		}
	}
	return e
}

// simple finds variables without a modifier. Those that have no known value
// are marked before the lexer sees them, which would put in nothing; defaults
// that a modifier gives count as known.
var simple = regexp.MustCompile(`\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\})`)

// Noncharacters, which no name of an image has.
const (
	openMark = "\ufdd0"
	openEnd  = "\ufdd1"
)

func appendOnce(rs []source.Range, r source.Range) []source.Range {
	for _, o := range rs {
		if o == r {
			return rs
		}
	}
	if len(rs) >= 8 {
		return rs
	}
	return append(rs[:len(rs):len(rs)], r)
}

// unquote takes quotes and escapes away; variables stay as they are written.
func (rd *reading) unquote(s string) string {
	if !strings.ContainsAny(s, "\"'$"+string(rd.escape)) {
		return s
	}
	if len(expansions.FindAllStringIndex(s, 51)) > 50 {
		return s
	}
	lex := shell.NewLex(rune(rd.escape))
	lex.SkipUnsetEnv = true
	if strings.Contains(s, "$") {
		// The lexer would carry out modifiers, and quotes would be lost on what
		// it leaves alone.
		if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] && strings.Count(s, s[:1]) == 2 {
			return s[1 : n-1]
		}
		return s
	}
	out, _, err := lex.ProcessWord(s, noVariables{})
	if err != nil {
		return s
	}
	return out
}

// variables reads the pairs of an ARG, ENV or LABEL.
func (rd *reading) variables(in *instruction, env *scope) []*variable {
	var out []*variable
	add := func(w, name word, value *word) {
		v := &variable{in: in, name: strings.ToValidUTF8(name.value, "\ufffd"), why: name.value + " has no default"}
		v.node = &resource.Node{Kind: resource.Map, Range: rd.span(in, w.start, w.end)}
		v.node.Fields = []resource.Field{{Name: "name", Node: rd.text(v.name, rd.span(in, name.start, name.end))}}
		if value != nil {
			rng := rd.span(in, value.start, value.end)
			v.node.Fields = append(v.node.Fields, resource.Field{Name: "value", Node: rd.text(rd.unquote(value.value), rng)})
			e := rd.expand(value.value, env)
			v.known, v.value, v.why = !e.open, e.text, e.why
			v.origins = append([]source.Range{rng}, e.origins...)
		} else if g := rd.global.vars[name.value]; in.name == "ARG" && len(rd.stages) > 0 && g != nil {
			// Within a stage an ARG without a value takes the global one.
			v.known, v.value, v.why, v.origins = g.known, g.value, g.why, g.origins
		}
		out = append(out, v)
	}
	if len(in.words) > 0 && in.name != "ARG" && !strings.Contains(in.words[0].value, "=") {
		// ENV name value: the rest of the line is the value.
		name := in.words[0]
		start := name.end
		for start < in.to && isSpace(in.text, start) {
			start++
		}
		add(word{name.start, in.to, ""}, name, &word{start, in.to, in.text[start:in.to]})
		return out
	}
	for _, w := range in.words {
		name, _, ok := strings.Cut(w.value, "=")
		nw := word{w.start, w.start + len(name), name}
		if !ok {
			add(w, nw, nil)
			continue
		}
		at := nw.end + 1
		add(w, nw, &word{at, w.end, in.text[at:w.end]})
	}
	return out
}

func (rd *reading) text(s string, rng source.Range) *resource.Node {
	return &resource.Node{Kind: resource.String, Value: strings.ToValidUTF8(s, "\ufffd"), Range: rng}
}

func unknown(why string, rng source.Range, origins []source.Range) *resource.Node {
	if why == "" {
		why = "a variable"
	}
	return &resource.Node{Kind: resource.String, Unknown: true, Why: plain(why), Range: rng, Origins: origins}
}

// from begins a stage; nil after a diagnostic.
func (rd *reading) from(in *instruction) *stage {
	st := &stage{from: in, last: in.rng.End, env: newScope()}
	img := in.words[0]
	imgRange := rd.span(in, img.start, img.end)
	st.image = &resource.Node{Kind: resource.Map, Range: in.rng}
	put := func(name string, n *resource.Node) {
		st.image.Fields = append(st.image.Fields, resource.Field{Name: name, Node: n})
	}
	put("image", rd.text(img.value, imgRange))
	if len(in.words) == 3 {
		st.name = in.words[2].value
	}
	e := rd.expand(img.value, rd.global)
	for i := len(rd.stages) - 1; i >= 0; i-- {
		if s := rd.stages[i]; s.name != "" && strings.EqualFold(s.name, e.text) {
			st.base = s
			break
		}
	}
	if st.base != nil {
		n := rd.text(st.base.name, imgRange)
		n.Origins = e.origins
		put("stage", n)
		st.user, st.bottom, st.bottomAt = st.base.user, st.base.bottom, st.base.bottomAt
		for _, v := range st.base.env.vars {
			if v.in.name == "ENV" {
				st.env.set(v)
			}
		}
	} else {
		rd.reference(put, in, img, e)
		st.bottom, st.bottomAt = e, imgRange
	}
	for _, f := range in.flags {
		if f.name != "platform" {
			continue
		}
		rng := rd.span(in, f.valueAt[0], f.valueAt[1])
		p := rd.expand(f.value, rd.global)
		if p.open {
			put("platform", unknown(p.why, rng, p.origins))
		} else {
			n := rd.text(p.text, rng)
			n.Origins = p.origins
			put("platform", n)
		}
		break
	}
	return st
}

// reference takes the reference of an image apart.
func (rd *reading) reference(put func(string, *resource.Node), in *instruction, img word, e expanded) {
	whole := rd.span(in, img.start, img.end)
	exact := e.text == img.value
	part := func(name string, start, end int) {
		s := e.text[start:end]
		rng := whole
		if exact {
			rng = rd.span(in, img.start+start, img.start+end)
		}
		if e.open && strings.Contains(s, "$") {
			put(name, unknown(e.why, rng, e.origins))
			return
		}
		n := rd.text(s, rng)
		n.Origins = e.origins
		put(name, n)
	}
	end := len(e.text)
	digest := strings.IndexByte(e.text, '@')
	if digest >= 0 {
		end = digest
	}
	tag := strings.LastIndexByte(e.text[:end], ':')
	if tag >= 0 && strings.Contains(e.text[tag:end], "/") {
		tag = -1
	}
	repo := end
	if tag >= 0 {
		repo = tag
	}
	part("repository", 0, repo)
	// A variable at the end may bring a tag and a digest of its own.
	lastName := e.text[strings.LastIndexByte(e.text[:repo], '/')+1 : repo]
	open := e.open && strings.Contains(lastName, "$") && tag < 0 && digest < 0
	switch {
	case tag >= 0:
		part("tag", tag+1, end)
	case open:
		put("tag", unknown(e.why, whole, e.origins))
	}
	switch {
	case digest >= 0:
		part("digest", digest+1, len(e.text))
	case open || e.open && tag >= 0 && strings.Contains(e.text[tag:end], "$"):
		put("digest", unknown(e.why, whole, e.origins))
	}
}

// add takes an instruction of the stage.
func (st *stage) add(rd *reading, in *instruction) {
	st.last = in.rng.End
	var vars []*variable
	switch in.name {
	case "ENV", "ARG", "LABEL":
		vars = rd.variables(in, st.env)
	}
	n := rd.node(in, vars)
	st.instructions = append(st.instructions, n)
	switch in.name {
	case "EXPOSE", "WORKDIR":
		rd.putIn(n, in, st.env)
	}
	switch in.name {
	case "ENV", "ARG":
		for _, v := range vars {
			if old := st.env.vars[v.name]; old != nil && old.in.name == "ENV" && in.name == "ARG" {
				continue // ENV wins over ARG
			}
			st.env.set(v)
		}
	case "USER":
		w := in.words[0]
		rng := rd.span(in, w.start, w.end)
		e := rd.expand(w.value, st.env)
		if e.open {
			st.user = unknown(e.why, rng, e.origins)
		} else {
			st.user = rd.text(e.text, rng)
			st.user.Origins = e.origins
		}
	}
}

// putIn has the words of an instruction, and its value, say what they are with the
// variables' values. A word whose variables are not known stays as it is written.
func (rd *reading) putIn(n *resource.Node, in *instruction, env *scope) {
	words := make([]string, 0, len(in.words))
	changed := false
	var origins []source.Range
	for i, w := range in.words {
		words = append(words, w.value)
		if !strings.Contains(w.value, "$") {
			continue
		}
		e := rd.expand(w.value, env)
		if e.open {
			continue
		}
		words[i], changed = e.text, true
		for _, o := range e.origins {
			origins = appendOnce(origins, o)
		}
		if args := n.Get("args"); args != nil && i < len(args.Items) {
			args.Items[i].Value, args.Items[i].Origins = e.text, e.origins
		}
	}
	if value := n.Get("value"); changed && value != nil {
		value.Value, value.Origins = strings.Join(words, " "), origins
	}
}

// end is where the stage ends.
func (st *stage) end() source.Pos { return st.last }

// baseNode gives the image that the stage stands on in the end.
func (st *stage) baseNode(rd *reading) *resource.Node {
	origins := st.bottom.origins
	if here := st.image.Get("image").Range; here != st.bottomAt {
		// From a stage below: this stage's FROM is why it counts here.
		origins = append([]source.Range{here}, origins...)
	}
	if st.bottom.open {
		return unknown(st.bottom.why, st.bottomAt, origins)
	}
	n := rd.text(st.bottom.text, st.bottomAt)
	n.Origins = origins
	return n
}

func (st *stage) node(rd *reading, final bool) *resource.Node {
	n := &resource.Node{Kind: resource.Map, Range: source.Range{File: rd.name, Start: st.from.rng.Start, End: st.last}}
	put := func(name string, c *resource.Node) { n.Fields = append(n.Fields, resource.Field{Name: name, Node: c}) }
	if st.name != "" {
		w := st.from.words[2]
		put("name", rd.text(st.name, rd.span(st.from, w.start, w.end)))
	}
	put("from", st.image)
	put("base", st.baseNode(rd))
	list := &resource.Node{Kind: resource.List, Range: st.from.rng, Items: st.instructions}
	if len(st.instructions) > 0 {
		list.Range = source.Range{File: rd.name, Start: st.instructions[0].Range.Start, End: st.last}
	}
	put("instructions", list)
	if st.user != nil {
		user := *st.user
		if !n.Range.Contains(user.Range) {
			// From the stage below: this stage's FROM is why it counts here.
			user.Origins = append([]source.Range{st.image.Get("image").Range}, user.Origins...)
		}
		put("user", &user)
	}
	put("final", &resource.Node{Kind: resource.Bool, Value: final, Range: st.from.rng})
	return n
}
