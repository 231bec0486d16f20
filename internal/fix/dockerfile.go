package fix

import (
	"errors"
	"fmt"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// dockerWriter edits a Dockerfile. Its operations speak about the tree that the
// reader makes, in these forms:
//
//	set user on a stage            the user that the stage ends with: the last USER
//	                               is changed where nothing is run after it, else a
//	                               USER is put in front of the last CMD/ENTRYPOINT,
//	                               or at the end of the stage
//	set name on an instruction     ADD becomes COPY; the case of the file is kept
//	set value on an instruction    everything behind the name and the flags
//	set flags.NAME                 a flag of an instruction, --NAME=VALUE
//	set from.image on a stage      the image of FROM
//	delete from.platform           --platform of FROM
//	delete name on an instruction  all its lines, continuations included
//	delete name on a variable      its pair, and the instruction with the last one
//	delete args["22"]              a word of an instruction, likewise
//	append instructions            {name, value} at the end of a stage
//	append after on an instruction "SHELL …" behind it
//
// Any other path that leads to a text that stands in the file as it is (an
// argument, a tag) can be set too.
type dockerWriter struct {
	f     *source.File
	eol   string
	edits []source.Edit
}

func proposeDockerfile(f *source.File, res *resource.Resource, at resource.Path, item *resource.Node, p *patch) ([]source.Edit, error) {
	w := &dockerWriter{f: f, eol: f.EOL()}
	if err := w.apply(res.Root, at, item, p); err != nil {
		return nil, err
	}
	return w.edits, nil
}

func (w *dockerWriter) apply(root *resource.Node, at resource.Path, n *resource.Node, p *patch) error {
	if p.trivial() {
		return nil
	}
	isStage := len(at) == 2 && at[0].Name == "stages"
	isInstruction := (len(at) == 4 || len(at) == 5 && at[4].Name == "trigger") && at[0].Name == "stages" && at[2].Name == "instructions"
	isVariable := len(at) == 6 && at[4].Name == "env"
	switch {
	case p.del:
		return errors.New("only whole instructions are taken out of a Dockerfile")
	case p.set != nil:
		return w.replace(n, *p.set)
	case len(p.add) > 0:
		if len(at) != 3 || at[2].Name != "instructions" || n == nil {
			return errors.New("only instructions are added to a Dockerfile")
		}
		return w.appendInstructions(n, p.add)
	}
	if len(at) == 5 && at[4].Name == "args" {
		return w.takeWords(root, at, n, p)
	}
	for _, k := range p.kids {
		var child *resource.Node
		if k.step.Name != "" {
			child = n.Get(k.step.Name)
		} else if n != nil && n.Kind == resource.List && k.step.Index < len(n.Items) {
			child = n.Items[k.step.Index]
		}
		var err error
		switch {
		case k.p.trivial():
		case isInstruction && k.step.Name == "name" && k.p.del:
			err = w.deleteInstruction(root, at)
		case isInstruction && k.step.Name == "after" && len(k.p.add) > 0:
			err = w.behind(root, at, k.p.add)
		case isVariable && k.step.Name == "name" && k.p.del:
			err = w.takeWord(root, at, n)
		case isStage && k.step.Name == "user" && k.p.set != nil:
			err = w.setUser(n, *k.p.set)
		case len(at) == 3 && at[2].Name == "from" && k.step.Name == "platform" && k.p.del:
			err = w.takeFlag(child, "--platform=")
		case isInstruction && k.step.Name == "name" && k.p.set != nil:
			err = w.setName(child, *k.p.set)
		case isInstruction && k.step.Name == "flags":
			err = w.setFlags(n, child, k.p)
		case child == nil:
			err = fmt.Errorf("a Dockerfile has no place for %s", k.step.Name)
		default:
			err = w.apply(root, append(at[:len(at):len(at)], k.step), child, k.p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *dockerWriter) edit(start, end int, text string) {
	w.edits = append(w.edits, source.Edit{Range: w.f.Range(start, end), New: text})
}

// word takes a value that stands in a Dockerfile without quotes.
func word(v value) (string, error) {
	if v.composite() || v.kind == resource.Null {
		return "", errors.New("a Dockerfile holds words alone")
	}
	s := plain(v)
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", errors.New("the value does not fit on one line")
	}
	return s, nil
}

func (w *dockerWriter) replace(n *resource.Node, v value) error {
	s, err := word(v)
	if err != nil {
		return err
	}
	if n.Kind != resource.String || n.Unknown || n.Range.File != w.f.Path || n.Range.Len() == 0 || w.f.Text(n.Range) != n.Str() {
		return errors.New("the value does not stand in the file as it is")
	}
	w.edit(n.Range.Start.Byte, n.Range.End.Byte, s)
	return nil
}

func (w *dockerWriter) setName(n *resource.Node, v value) error {
	s, err := word(v)
	if err != nil {
		return err
	}
	if n == nil || n.Range.Len() == 0 || !strings.EqualFold(w.f.Text(n.Range), n.Str()) {
		return errors.New("the place of the instruction is not known")
	}
	w.edit(n.Range.Start.Byte, n.Range.End.Byte, caseLike(s, w.f.Text(n.Range)))
	return nil
}

// caseLike writes an instruction's name in the case of another one.
func caseLike(s, like string) string {
	if like == strings.ToLower(like) {
		return strings.ToLower(s)
	}
	return strings.ToUpper(s)
}

func (w *dockerWriter) setFlags(instr, flags *resource.Node, p *patch) error {
	for _, k := range p.kids {
		if k.p.set == nil || k.step.Name == "" {
			return errors.New("flags of an instruction are set one by one")
		}
		s, err := word(*k.p.set)
		if err != nil {
			return err
		}
		if old := flags.Get(k.step.Name); old != nil {
			if err := w.replace(old, *k.p.set); err != nil {
				return err
			}
			continue
		}
		name := instr.Get("name")
		if name == nil || name.Range.Len() == 0 {
			return errors.New("the place of the instruction is not known")
		}
		at := name.Range.End.Byte
		w.edit(at, at, " --"+k.step.Name+"="+s)
	}
	return nil
}

// deleteInstruction takes the instruction at a path away, with the ONBUILD that
// leaves it behind.
func (w *dockerWriter) deleteInstruction(root *resource.Node, at resource.Path) error {
	in, _ := at[:4].At(root)
	return w.deleteLines(in)
}

func (w *dockerWriter) deleteLines(n *resource.Node) error {
	if n.Range.File != w.f.Path || n.Range.Len() == 0 {
		return errors.New("the place of the instruction is not known")
	}
	start, end := w.f.LineStart(n.Range.Start.Line), w.f.LineEnd(n.Range.LastLine())
	if end == len(w.f.Data) && end > 0 && w.f.Data[end-1] != '\n' && start > 0 {
		start--
		if start > 0 && w.f.Data[start-1] == '\r' {
			start--
		}
	}
	w.edit(start, end, "")
	return nil
}

// takeFlag takes the flag away whose value n is.
func (w *dockerWriter) takeFlag(n *resource.Node, flag string) error {
	start := 0
	if n != nil {
		start = n.Range.Start.Byte - len(flag)
	}
	if n == nil || n.Range.File != w.f.Path || start < 0 || string(w.f.Data[start:n.Range.Start.Byte]) != flag {
		return errors.New("the place of the flag is not known")
	}
	start, end := (&commandWriter{f: w.f}).around(start, n.Range.End.Byte)
	w.edit(start, end, "")
	return nil
}

// takeWords takes words of an instruction away.
func (w *dockerWriter) takeWords(root *resource.Node, at resource.Path, list *resource.Node, p *patch) error {
	for _, k := range p.kids {
		switch {
		case k.p.trivial():
		case !k.p.del || k.step.Index >= len(list.Items):
			return w.replaceWord(list, k)
		default:
			if err := w.takeWord(root, append(at[:len(at):len(at)], k.step), list.Items[k.step.Index]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *dockerWriter) replaceWord(list *resource.Node, k kid) error {
	if k.p.set == nil || k.step.Index >= len(list.Items) {
		return errors.New("the words of an instruction are set or taken away")
	}
	return w.replace(list.Items[k.step.Index], *k.p.set)
}

// takeWord takes a word or pair of an instruction away, and the instruction where
// it is the last one. at leads to it.
func (w *dockerWriter) takeWord(root *resource.Node, at resource.Path, n *resource.Node) error {
	list, _ := at[:5].At(root)
	if len(list.Items) == 1 {
		return w.deleteInstruction(root, at)
	}
	if n.Range.File != w.f.Path || n.Range.Len() == 0 {
		return errors.New("the place of the word is not known")
	}
	cw := &commandWriter{f: w.f}
	start, end := cw.around(n.Range.Start.Byte, n.Range.End.Byte)
	w.edit(start, end, "")
	return nil
}

func (w *dockerWriter) appendInstructions(list *resource.Node, items []value) error {
	if len(list.Items) == 0 {
		return errors.New("the stage has no instruction to follow")
	}
	var lines []string
	last := list.Items[len(list.Items)-1]
	for _, it := range items {
		var name, text string
		for _, e := range it.fields {
			switch e.name {
			case "name":
				name = plain(e.val)
			case "value":
				text = plain(e.val)
			}
		}
		if name == "" || strings.ContainsAny(name+text, "\r\n") {
			return errors.New("an instruction needs a name and a value on one line")
		}
		if has(list, name, text) {
			continue
		}
		lines = append(lines, caseLike(name, w.f.Text(last.Get("name").Range))+" "+text)
	}
	if len(lines) == 0 {
		return nil
	}
	return w.below(last.Range.LastLine(), strings.Join(lines, w.eol))
}

// behind adds instructions behind the one at a path; ONBUILD leaves them behind
// where it does so with that one.
func (w *dockerWriter) behind(root *resource.Node, at resource.Path, items []value) error {
	in, _ := at[:4].At(root)
	name := in.Get("name")
	if in == nil || in.Range.File != w.f.Path || name == nil || name.Range.Len() == 0 {
		return errors.New("the place of the instruction is not known")
	}
	keyword, prefix := w.f.Text(name.Range), ""
	if len(at) > 4 {
		prefix = keyword + " "
	}
	var lines []string
	for _, it := range items {
		text, err := word(it)
		if err != nil {
			return err
		}
		added, rest, _ := strings.Cut(text, " ")
		lines = append(lines, prefix+caseLike(added, keyword)+" "+rest)
	}
	return w.below(in.Range.LastLine(), strings.Join(lines, w.eol))
}

// has reports whether a stage already has an instruction.
func has(list *resource.Node, name, value string) bool {
	for _, in := range list.Items {
		if strings.EqualFold(in.Get("name").Str(), name) && in.Get("value").Str() == value {
			return true
		}
	}
	return false
}

// below puts lines under a line; a file without a final line break stays so.
func (w *dockerWriter) below(line int, text string) error {
	if last := strings.TrimRight(w.f.Line(line), " \t"); strings.HasSuffix(last, `\`) || strings.HasSuffix(last, "`") {
		return errors.New("the last instruction goes on below its last line")
	}
	at := w.f.LineEnd(line)
	if at > 0 && w.f.Data[at-1] != '\n' {
		w.edit(at, at, w.eol+text)
		return nil
	}
	w.edit(at, at, text+w.eol)
	return nil
}

// setUser makes the stage end as another user. Commands that are run while the
// image is built keep the user that they have.
func (w *dockerWriter) setUser(stage *resource.Node, v value) error {
	user, err := word(v)
	if err != nil {
		return err
	}
	list := stage.Get("instructions")
	if list == nil {
		return errors.New("the stage has no instructions")
	}
	var lastUser, start *resource.Node
	from := w.f.Text(stage.Range)
	keyword := caseLike("USER", from[:min(len(from), len("FROM"))])
	for _, in := range list.Items {
		name := in.Get("name")
		if in.Range.File != w.f.Path || name == nil || name.Range.Len() == 0 {
			return errors.New("the place of an instruction is not known")
		}
		keyword = caseLike("USER", w.f.Text(name.Range))
		switch name.Str() {
		case "USER":
			lastUser, start = in, nil
		case "RUN":
			// Needs the rights that it has now, so USER has to come later.
			lastUser, start = nil, nil
		case "CMD", "ENTRYPOINT":
			if start == nil {
				start = in
			}
		}
	}
	if lastUser != nil {
		val := lastUser.Get("value")
		if val == nil || val.Range.Len() == 0 || strings.ContainsAny(w.f.Text(val.Range), "\\\r\n") {
			return errors.New("the USER instruction is written in a form that is not edited")
		}
		w.edit(val.Range.Start.Byte, val.Range.End.Byte, user)
		return nil
	}
	text := keyword + " " + user
	if start == nil {
		line := stage.Range.LastLine()
		if n := len(list.Items); n > 0 {
			line = list.Items[n-1].Range.LastLine()
		} else if img := stage.Path("from", "image"); img != nil && img.Range.Len() > 0 {
			line = img.Range.LastLine()
		}
		return w.below(line, text)
	}
	line := start.Range.Start.Line
	for line > 1 && strings.HasPrefix(strings.TrimLeft(w.f.Line(line-1), " \t"), "#") {
		line-- // a comment stays with the instruction below it
	}
	at := w.f.LineStart(line)
	w.edit(at, at, text+w.eol)
	return nil
}
