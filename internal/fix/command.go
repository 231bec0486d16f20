package fix

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// commandWriter edits commands of a shell, in a Dockerfile or in user data. Its
// operations speak about a command in these forms:
//
//	delete args["-k"]        the word, and the line that it stands on alone
//	delete via["sudo"]       what runs the command
//	set args["--x"] or text  the word, or the whole command
//	delete text              the whole command, with what joins it to the next or
//	                         the line that it stands on alone
//	append then              commands that follow it with &&
//	append after             instructions behind the RUN that runs it
//	append args              words behind the command's first word that is no
//	                         option (install), else behind its name
//
// Only what stands in the file as it is can be edited.
type commandWriter struct {
	f     *source.File
	edits []source.Edit
}

var errNotWritten = errors.New("the command does not stand in the file as it is")

func (w *commandWriter) edit(start, end int, text string) {
	w.edits = append(w.edits, source.Edit{Range: w.f.Range(start, end), New: text})
}

// written gives the text of a place in the file.
func (w *commandWriter) written(r source.Range) (string, error) {
	if r.File != w.f.Path || r.Len() == 0 {
		return "", errNotWritten
	}
	return w.f.Text(r), nil
}

// apply carries out p on a command.
func (w *commandWriter) apply(n *resource.Node, p *patch) error {
	for _, k := range p.kids {
		child := n.Get(k.step.Name)
		switch {
		case k.p.trivial():
		case k.p.set != nil:
			if child == nil {
				return fmt.Errorf("a command has no %s", k.step.Name)
			}
			if err := w.replace(child, *k.p.set); err != nil {
				return err
			}
		case k.step.Name == "text" && k.p.del:
			if err := w.drop(n); err != nil {
				return err
			}
		case k.step.Name == "then" && len(k.p.add) > 0:
			if err := w.follow(n, k.p.add); err != nil {
				return err
			}
		case k.step.Name == "name" && k.p.del && n.Get("args") == nil:
			start, end := w.around(n.Range.Start.Byte, n.Range.End.Byte)
			w.edit(start, end, "") // a variable that a command sets
		case k.step.Name == "args" && len(k.p.add) > 0:
			if err := w.add(n, k.p.add); err != nil {
				return err
			}
		case child != nil && child.Kind == resource.List:
			if err := w.items(child, k.p); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s of a command is not edited", k.step.Name)
		}
	}
	return nil
}

// items carries out p on the words of a list.
func (w *commandWriter) items(list *resource.Node, p *patch) error {
	for _, k := range p.kids {
		if k.step.Name != "" || k.step.Index >= len(list.Items) || k.p.trivial() {
			continue
		}
		it := list.Items[k.step.Index]
		var err error
		switch {
		case k.p.del && valued(it.Str()) && k.step.Index+1 < len(list.Items):
			both := *it
			both.Range.End = list.Items[k.step.Index+1].Range.End
			err = w.remove(&both)
		case k.p.del:
			err = w.remove(it)
		case k.p.set != nil:
			err = w.replace(it, *k.p.set)
		case it.Kind == resource.Map:
			err = w.apply(it, k.p)
		default:
			err = errNotWritten
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// valued reports whether an option has its value in the word behind it.
func valued(option string) bool { return option == "--trusted-host" }

// quoted takes the quotes around a text away.
func quoted(s string) (string, byte) {
	if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1], s[0]
	}
	return s, 0
}

func (w *commandWriter) replace(n *resource.Node, v value) error {
	text, err := word(v)
	if err != nil {
		return err
	}
	s, err := w.written(n.Range)
	if err != nil {
		return err
	}
	start, end := n.Range.Start.Byte, n.Range.End.Byte
	if inner, q := quoted(s); q != 0 && s != n.Str() {
		s, start, end = inner, start+1, end-1
	}
	if n.Unknown || s != n.Str() {
		return errNotWritten
	}
	w.edit(start, end, text)
	return nil
}

// add puts words into a command.
func (w *commandWriter) add(n *resource.Node, items []value) error {
	behind := n.Get("name")
	if args := n.Get("args"); args != nil {
		for _, a := range args.Items {
			if s := a.Str(); s != "" && !strings.HasPrefix(s, "-") {
				behind = a
				break
			}
		}
	}
	s, err := w.written(behind.Range)
	if err != nil {
		return err
	}
	if inner, _ := quoted(s); inner != behind.Str() {
		return errNotWritten
	}
	var texts []string
	for _, v := range items {
		text, err := word(v)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	at := behind.Range.End.Byte
	w.edit(at, at, " "+strings.Join(texts, " "))
	return nil
}

// remove takes a word away, with the white space in front of it; with its line
// where it stands on one alone.
func (w *commandWriter) remove(n *resource.Node) error {
	s, err := w.written(n.Range)
	if err != nil {
		return err
	}
	if inner, _ := quoted(s); n.Unknown || inner != n.Str() && !strings.HasPrefix(inner, n.Str()+" ") {
		return errNotWritten
	}
	start, end := n.Range.Start.Byte, n.Range.End.Byte
	start, end = w.around(start, end)
	w.edit(start, end, "")
	return nil
}

// follow puts commands behind one.
func (w *commandWriter) follow(n *resource.Node, items []value) error {
	if _, err := w.written(n.Range); err != nil {
		return err
	}
	var texts string
	for _, v := range items {
		text, err := word(v)
		if err != nil {
			return err
		}
		texts += " && " + text
	}
	at := n.Range.End.Byte
	w.edit(at, at, texts)
	return nil
}

// drop takes a whole command away: what joins it to its neighbour goes with it,
// or its line where nothing else stands there but what makes it an item of a
// list. What the shell wants a command in, as between then and fi, keeps it.
func (w *commandWriter) drop(n *resource.Node) error {
	s, err := w.written(n.Range)
	if err != nil {
		return err
	}
	if text := n.Get("text"); text == nil || text.Unknown || strings.Join(strings.Fields(s), " ") != strings.Join(strings.Fields(strings.ReplaceAll(text.Str(), "\\\n", " ")), " ") && s != text.Str() {
		return errNotWritten
	}
	data := w.f.Data
	start, end := n.Range.Start.Byte, n.Range.End.Byte
	next := w.blank(end)
	if w.alone(start, next) {
		return errors.New("the command is the only one where the shell wants one")
	}
	for _, op := range [...]string{"&&", "||", ";"} {
		if strings.HasPrefix(string(data[next:min(len(data), next+2)]), op) {
			w.edit(start, w.blank(next+len(op)), "")
			return nil
		}
	}
	before := start
	for before > 0 && strings.IndexByte(" \t\r\n\\", data[before-1]) >= 0 && (strings.IndexByte("\r\n", data[before-1]) < 0 || before > 1 && w.continued(before)) {
		before--
	}
	if before > 1 && (string(data[before-2:before]) == "&&" || string(data[before-2:before]) == "||") {
		w.edit(w.blankBefore(before-2), end, "")
		return nil
	}
	line := w.f.Line(n.Range.Start.Line)
	lineStart := w.f.LineStart(n.Range.Start.Line)
	lead, tail := line[:start-lineStart], w.f.Line(n.Range.End.Line)
	if i := end - w.f.LineStart(n.Range.End.Line); i >= 0 && i <= len(tail) {
		tail = tail[i:]
	}
	if strings.Trim(lead, " \t-\"'") == "" && strings.Trim(tail, " \t,\"'") == "" && !strings.Contains(lead, "--") {
		w.edit(lineStart, w.f.LineEnd(n.Range.End.Line), "")
		return nil
	}
	return errors.New("the command stands beside others that may need it")
}

// alone reports whether a command is all that stands between two words of the
// shell's own; next is where what follows it begins.
func (w *commandWriter) alone(start, next int) bool {
	before := strings.TrimRight(string(w.f.Data[max(0, start-256):start]), " \t\r\n\\")
	if i := strings.LastIndexAny(before, " \t\r\n;&|"); i >= 0 {
		before = before[i+1:]
	}
	after := strings.TrimLeft(string(w.f.Data[next:min(len(w.f.Data), next+256)]), " \t\r\n\\;")
	if i := strings.IndexAny(after, " \t\r\n;&|"); i >= 0 {
		after = after[:i]
	}
	return slices.Contains([]string{"then", "do", "else", "{", "(", "if", "while", "until", "elif"}, before) &&
		slices.Contains([]string{"fi", "done", "else", "elif", "}", ")", "then", "do"}, after)
}

// blank skips white space and continued lines.
func (w *commandWriter) blank(i int) int {
	data := w.f.Data
	for i < len(data) {
		switch {
		case data[i] == ' ' || data[i] == '\t':
			i++
		case data[i] == '\\' && i+1 < len(data) && data[i+1] == '\n':
			i += 2
		case data[i] == '\\' && i+2 < len(data) && data[i+1] == '\r' && data[i+2] == '\n':
			i += 3
		default:
			return i
		}
	}
	return i
}

// blankBefore steps back over white space and continued lines.
func (w *commandWriter) blankBefore(i int) int {
	data := w.f.Data
	for i > 0 {
		switch {
		case data[i-1] == ' ' || data[i-1] == '\t':
			i--
		case i > 1 && data[i-1] == '\n' && data[i-2] == '\\':
			i -= 2
		case i > 2 && data[i-1] == '\n' && data[i-2] == '\r' && data[i-3] == '\\':
			i -= 3
		default:
			return i
		}
	}
	return i
}

// continued reports whether the line break in front of i is continued over.
func (w *commandWriter) continued(i int) bool {
	for i > 0 && strings.IndexByte("\r\n", w.f.Data[i-1]) >= 0 {
		i--
	}
	return i > 0 && w.f.Data[i-1] == '\\'
}

// around widens the place of a word to what goes with it.
func (w *commandWriter) around(start, end int) (int, int) {
	data := w.f.Data
	lineStart, lineEnd := start, end
	for lineStart > 0 && (data[lineStart-1] == ' ' || data[lineStart-1] == '\t') {
		lineStart--
	}
	for lineEnd < len(data) && (data[lineEnd] == ' ' || data[lineEnd] == '\t') {
		lineEnd++
	}
	first := lineStart == 0 || data[lineStart-1] == '\n'
	if !first {
		if lineStart < start {
			return lineStart, end
		}
		return start, lineEnd
	}
	// Alone on a continued line: the line goes.
	i := lineEnd
	if i < len(data) && data[i] == '\\' {
		i++
		if i < len(data) && data[i] == '\r' {
			i++
		}
		if i < len(data) && data[i] == '\n' {
			return lineStart, i + 1
		}
	}
	if i == len(data) || data[i] == '\n' || data[i] == '\r' {
		// Alone on the last one: what continues the line above goes too.
		j := lineStart - 1
		if j >= 0 && j < len(data) {
			if j > 0 && data[j-1] == '\r' {
				j--
			}
			if j > 0 && data[j-1] == '\\' {
				j--
				for j > 0 && (data[j-1] == ' ' || data[j-1] == '\t') {
					j--
				}
				return j, end
			}
		}
	}
	return start, lineEnd
}

// proposeCommand edits a command, a line of a file that a script writes, or a
// variable that a command sets.
func proposeCommand(f *source.File, res *resource.Resource, at resource.Path, item *resource.Node, p *patch) ([]source.Edit, error) {
	d := &dockerWriter{f: f, eol: f.EOL()}
	if in := len(at) - 2; res.Format == resource.Dockerfile && at[in].Name == "commands" {
		if after := p.child(resource.Step{Name: "after"}); len(after.add) > 0 {
			if err := d.behind(res.Root, at[:in], after.add); err != nil {
				return nil, err
			}
			after.add = nil
		}
		// The only command of a RUN goes with it.
		if run, _ := at[:in].At(res.Root); p.child(resource.Step{Name: "text"}).del && len(run.Get("commands").Items) == 1 && run.Get("heredocs") == nil {
			err := d.deleteInstruction(res.Root, at)
			return d.edits, err
		}
	}
	w := &commandWriter{f: f}
	if t := p.child(resource.Step{Name: "name"}); t.del && len(at) > 2 && at[len(at)-2].Name == "assigns" {
		// An export without its only variable would print all others.
		if c, _ := at[:len(at)-2].At(res.Root); declares(c) {
			err := w.drop(c)
			return w.edits, err
		}
	}
	if err := w.apply(item, p); err != nil {
		return nil, err
	}
	return append(w.edits, d.edits...), nil
}

// declares reports whether a command does nothing but set one variable.
func declares(c *resource.Node) bool {
	if c == nil || c.Get("name") == nil || c.Get("assigns") == nil || len(c.Get("assigns").Items) != 1 {
		return false
	}
	switch c.Get("name").Str() {
	case "export", "declare", "typeset", "readonly", "local":
	default:
		return false
	}
	words := 0
	if args := c.Get("args"); args != nil {
		for _, a := range args.Items {
			if !strings.HasPrefix(a.Str(), "-") {
				words++
			}
		}
	}
	return words <= 1
}

// proposeLetters takes options of one letter out of the words that join several
// of them: delete args["-k"] makes -fsSL of -fsSLk.
func proposeLetters(f *source.File, item *resource.Node, spec *rule.FixSpec) ([]source.Edit, error) {
	w := &commandWriter{f: f}
	args := item.Get("args")
	if args == nil {
		return nil, nil
	}
	for _, p := range spec.Delete {
		steps, err := parsePath(p)
		if err != nil || len(steps) != 2 || steps[0].name != "args" || len(steps[1].name) != 2 || steps[1].name[0] != '-' {
			continue
		}
		letter := steps[1].name[1]
		for _, a := range args.Items {
			s := a.Str()
			i := strings.IndexByte(s, letter)
			if len(s) < 3 || s[0] != '-' || s[1] == '-' || i < 1 || strings.ContainsFunc(s[1:], func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) {
				continue
			}
			if err := w.replace(a, value{kind: resource.String, scalar: s[:i] + s[i+1:]}); err != nil {
				return nil, err
			}
		}
	}
	return w.edits, nil
}

// inCommand reports whether a path leads to a command or into one, or to a line
// of a file that is written.
func inCommand(p resource.Path) bool {
	for i, s := range p {
		switch s.Name {
		case "commands", "lines":
			return i+1 < len(p)
		}
	}
	return false
}
