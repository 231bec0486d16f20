package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// word is a word of a command as the shell takes it, with its place in the text.
type word struct {
	text       string
	start, end int
	// body is where the text stands within quotes, for a script in a word; nil
	// where the source does not say the same bytes.
	body *[2]int
}

// shells run their standard input or an argument.
func isShell(name string) bool {
	switch name {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox":
		return true
	}
	return false
}

// runsText reports whether a command runs the text of its arguments.
func runsText(name string) bool {
	return isShell(name) || name == "eval" || name == "source" || name == "."
}

// word resolves a word and goes through the commands in it. c is what their
// output goes to.
func (w *walker) word(x *syntax.Word, c context) word {
	out := word{start: int(x.Pos().Offset()), end: int(x.End().Offset())}
	var b strings.Builder
	for _, p := range x.Parts {
		w.part(&b, p, c)
	}
	out.text = b.String()
	if len(x.Parts) == 1 {
		in := [2]int{out.start, out.end}
		switch x.Parts[0].(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			in = [2]int{out.start + 1, out.end - 1}
		}
		if in[0] <= in[1] && in[1] <= len(w.t.S) && w.t.S[in[0]:in[1]] == out.text {
			out.body = &in
		}
	}
	return out
}

func (w *walker) part(b *strings.Builder, p syntax.WordPart, c context) {
	switch x := p.(type) {
	case *syntax.Lit:
		b.WriteString(unescape(x.Value, ""))
	case *syntax.SglQuoted:
		b.WriteString(x.Value)
	case *syntax.DblQuoted:
		for _, q := range x.Parts {
			if lit, ok := q.(*syntax.Lit); ok {
				b.WriteString(unescape(lit.Value, "\"\\$`\n"))
				continue
			}
			w.part(b, q, c)
		}
	case *syntax.CmdSubst:
		b.WriteString(w.source(x))
		w.inWord(x.Stmts, c)
	case *syntax.ProcSubst:
		b.WriteString(w.source(x))
		w.inWord(x.Stmts, c)
	default:
		b.WriteString(w.source(p))
	}
}

// inWord goes through the commands within a word, once.
func (w *walker) inWord(list []*syntax.Stmt, c context) {
	if !w.quiet {
		w.stmts(list, c)
	}
}

// target resolves a word whose commands were gone through already.
func (w *walker) target(x *syntax.Word) word {
	w.quiet = true
	defer func() { w.quiet = false }()
	return w.word(x, context{})
}

// unescape takes backslashes away; only is what they escape, "" for anything.
func unescape(s, only string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (only == "" || strings.IndexByte(only, s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// words goes through the commands within words that are not themselves kept.
func (w *walker) words(c context, xs ...*syntax.Word) {
	for _, x := range xs {
		if x != nil {
			w.word(x, context{via: c.via})
		}
	}
}

// names gives the names of the commands of one side of a pipe, the first one
// first.
func (w *walker) names(s *syntax.Stmt) []string {
	var out []string
	for s != nil {
		switch x := s.Cmd.(type) {
		case *syntax.CallExpr:
			return append(out, w.plainName(x)...)
		case *syntax.BinaryCmd:
			if x.Op != syntax.Pipe && x.Op != syntax.PipeAll {
				return out
			}
			out = append(out, w.names(x.X)...)
			s = x.Y
		default:
			return out
		}
		if len(out) > maxNames {
			return out
		}
	}
	return out
}

// plainName gives the name of a command without going into its words.
func (w *walker) plainName(x *syntax.CallExpr) []string {
	ws := make([]word, 0, len(x.Args))
	for _, a := range x.Args {
		ws = append(ws, word{text: strings.Trim(w.source(a), `"'`)})
	}
	ws, _ = unwrap(ws, nil)
	if len(ws) == 0 {
		return nil
	}
	return []string{path.Base(ws[0].text)}
}

// unwrap takes away what runs a command: sudo -E, env A=b, nohup.
func unwrap(ws []word, via []word) ([]word, []word) {
	for len(ws) > 0 && len(via) < maxNames {
		name := path.Base(ws[0].text)
		valued := ""
		switch name {
		case "sudo", "doas":
			valued = "-u -g -h -p -C -D -R -T -t -r -U --user --group --host --prompt --chdir"
		case "env":
			valued = "-u --unset -C --chdir -S"
		case "nice", "ionice":
			valued = "-n -c -p"
		case "timeout":
			valued = "-s -k"
		case "xargs":
			valued = "-I -n -P -L -d -E -s -a"
		case "python", "python2", "python3", "py":
			// What is installed by python -m pip is installed by pip.
			if len(ws) < 4 || ws[1].text != "-m" || !pip(ws[2].text) {
				return ws, via
			}
			via = append(via[:len(via):len(via)], word{text: name, start: ws[0].start, end: ws[1].end})
			ws = ws[2:]
			continue
		case "nohup", "exec", "command", "builtin", "setsid", "stdbuf", "chroot", "flock", "retry", "cloud-init-per":
		default:
			return ws, via
		}
		rest := ws[1:]
		for len(rest) > 0 {
			t := rest[0].text
			switch {
			case t == "--":
				rest = rest[1:]
			case strings.HasPrefix(t, "-") && len(t) > 1:
				n := 1
				if slices.Contains(strings.Fields(valued), t) {
					n = 2
				}
				rest = rest[min(n, len(rest)):]
				continue
			case name == "env" && strings.Contains(t, "="), name == "sudo" && assignment(t):
				rest = rest[1:]
				continue
			}
			break
		}
		switch name {
		case "timeout", "chroot", "flock":
			rest = rest[min(1, len(rest)):]
		case "cloud-init-per":
			rest = rest[min(2, len(rest)):]
		}
		if len(rest) == 0 {
			return ws, via // it stands alone
		}
		by := word{text: name, start: ws[0].start, end: ws[len(ws)-len(rest)-1].end}
		via = append(via[:len(via):len(via)], by)
		ws = rest
	}
	return ws, via
}

func pip(s string) bool {
	return s == "pip" || s == "pip3"
}

func assignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func (w *walker) call(s *syntax.Stmt, x *syntax.CallExpr, c context) {
	raw := ""
	if len(x.Args) > 0 {
		if names := w.plainName(x); len(names) > 0 {
			raw = names[0]
		}
	}
	in := context{via: c.via}
	if runsText(raw) {
		in.to = []string{raw}
	}
	ws := make([]word, 0, len(x.Args))
	for _, a := range x.Args {
		ws = append(ws, w.word(a, in))
	}
	assigns := w.assigns(x.Assigns)
	whole := w.t.At(int(x.Pos().Offset()), int(x.End().Offset()))
	text := w.source(x)
	ws, via := unwrap(ws, c.via)
	cmd := &command{whole: whole, text: text, assigns: assigns, to: c.to, via: via, words: ws}
	w.emit(cmd)
	w.files(s, cmd, c)
	if len(ws) == 0 || w.within >= maxWithin {
		return
	}
	name := path.Base(ws[0].text)
	if isShell(name) || name == "su" || name == "runuser" {
		for i := 1; i+1 < len(ws); i++ {
			if f := ws[i].text; f == "-c" || isShell(name) && len(f) < 6 && strings.HasPrefix(f, "-") && !strings.HasPrefix(f, "--") && strings.HasSuffix(f, "c") {
				w.inner(ws[i+1], c, append(via[:len(via):len(via)], word{text: name, start: -1}))
				break
			}
		}
	}
}

// inner reads a script in a word. One that is no shell is left alone.
func (w *walker) inner(x word, c context, via []word) {
	if strings.Contains(x.text, "$(") || strings.Contains(x.text, "`") {
		return // what it would run is not written here, or was seen already
	}
	t := Text{S: x.text, At: func(int, int) source.Range { return w.t.At(x.start, x.end) }}
	if x.body != nil {
		t = w.t.Part(x.body[0], x.body[1])
	}
	via = slices.Clone(via)
	for i := range via {
		via[i].start = -1 // in front of the script, not in it
	}
	_ = w.reader.script(t, w.within+1, c.to, via)
}

// command is one command, ready to be a node.
type command struct {
	whole   source.Range
	text    string
	assigns *resource.Node
	to      []string
	via     []word
	words   []word
}

func (w *walker) emit(c *command) {
	if w.full() || len(c.words) == 0 && c.assigns == nil {
		return
	}
	n := &resource.Node{Kind: resource.Map, Range: c.whole}
	put := func(name string, v *resource.Node) { n.Fields = append(n.Fields, resource.Field{Name: name, Node: v}) }
	args := &resource.Node{Kind: resource.List, Range: c.whole}
	if len(c.words) > 0 {
		name := c.words[0]
		base := path.Base(name.text)
		if name.body != nil {
			put("name", w.text(base, name.body[1]-len(base), name.body[1]))
		} else {
			put("name", w.text(base, name.start, name.end))
		}
		for i, a := range c.words[1:] {
			if i == maxArgs {
				args.Partial, args.Why = true, "a command with too many words"
				break
			}
			w.spoken++
			args.Items = append(args.Items, w.text(a.text, a.start, a.end))
		}
	} else {
		put("name", w.value("", c.whole))
	}
	put("args", args)
	if c.assigns != nil {
		put("assigns", c.assigns)
	}
	to, via := &resource.Node{Kind: resource.List, Range: c.whole}, &resource.Node{Kind: resource.List, Range: c.whole}
	for _, s := range c.to {
		to.Items = append(to.Items, w.value(s, c.whole))
	}
	for _, v := range c.via {
		at := c.whole
		if v.start >= 0 {
			at = w.t.At(v.start, v.end)
		}
		via.Items = append(via.Items, w.value(v.text, at))
	}
	put("to", to)
	put("via", via)
	put("text", w.value(strings.TrimRight(c.text, "\r"), c.whole))
	w.out.Commands.Items = append(w.out.Commands.Items, n)
}

// assigns gives assignments; nil for none.
func (w *walker) assigns(as []*syntax.Assign) *resource.Node {
	var out *resource.Node
	for _, a := range as {
		if a.Name == nil {
			w.words(context{}, a.Value)
			continue
		}
		if a.Value == nil {
			continue
		}
		v := w.word(a.Value, context{})
		if out == nil {
			out = &resource.Node{Kind: resource.List, Range: w.at(a)}
		}
		start, end := v.start, v.end
		if v.body != nil {
			start, end = v.body[0], v.body[1]
		}
		out.Items = append(out.Items, &resource.Node{Kind: resource.Map, Range: w.at(a), Fields: []resource.Field{
			{Name: "name", Node: w.text(a.Name.Value, int(a.Name.Pos().Offset()), int(a.Name.End().Offset()))},
			{Name: "value", Node: w.text(v.text, start, end)},
		}})
	}
	return out
}

// declare takes export and the like for a command of that name.
func (w *walker) declare(x *syntax.DeclClause) {
	assigns := w.assigns(x.Args)
	w.emit(&command{
		whole: w.at(x), text: w.source(x), assigns: assigns,
		words: []word{{text: x.Variant.Value, start: int(x.Variant.Pos().Offset()), end: int(x.Variant.End().Offset())}},
	})
}
