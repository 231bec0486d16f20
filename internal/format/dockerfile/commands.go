package dockerfile

import (
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// commands gives what a RUN runs, nil where that is no shell that is read.
func (rd *reading) commands(in, outer *instruction) *resource.Node {
	if in.json {
		return rd.execCommand(in)
	}
	if rd.foreignShell() {
		return nil
	}
	t := shell.Text{S: in.text[in.from:in.to], At: func(a, b int) source.Range { return rd.span(in, in.from+a, in.from+b) }}
	switch {
	case len(outer.heredocs) == 0:
	case strings.HasPrefix(t.S, "<<"):
		h := outer.heredocs[0]
		t = shell.Text{S: string(rd.f.Data[h.start:h.end]), At: func(a, b int) source.Range { return rd.f.Range(h.start+a, h.start+b) }}
	default:
		t = rd.withHeredocs(t, outer)
	}
	s, err := shell.Read(t, "a variable")
	if err != nil || len(s.Commands.Items) == 0 {
		return nil // it may be for another shell
	}
	if rd.ran += len(s.Commands.Items); rd.ran > maxAllWords {
		return nil
	}
	return s.Commands
}

// withHeredocs puts the lines below an instruction behind its text, as the shell
// gets them.
func (rd *reading) withHeredocs(t shell.Text, in *instruction) shell.Text {
	head, below := len(t.S)+1, in.heredocs[0].start
	at := func(i int) int { return min(below+i-head, in.stop) }
	return shell.Text{S: t.S + "\n" + string(rd.f.Data[below:in.stop]) + "\n", At: func(a, b int) source.Range {
		switch {
		case b <= head:
			return t.At(min(a, head-1), min(b, head-1))
		case a < head:
			r := t.At(a, head-1)
			r.End = rd.f.Pos(at(b))
			return r
		}
		return rd.f.Range(at(a), at(b))
	}}
}

// foreignShell reports whether the stage runs its commands in a shell of
// Windows.
func (rd *reading) foreignShell() bool {
	if len(rd.stages) == 0 {
		return false
	}
	list := rd.stages[len(rd.stages)-1].instructions
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Get("name").Str() == "SHELL" {
			s := strings.ToLower(list[i].Get("value").Str())
			return strings.Contains(s, "powershell") || strings.Contains(s, "pwsh") || strings.Contains(s, "cmd")
		}
	}
	return rd.escape == '`'
}

// execCommand gives the one command of the exec form.
func (rd *reading) execCommand(in *instruction) *resource.Node {
	if len(in.words) == 0 {
		return nil
	}
	at := rd.span(in, in.from, in.to)
	empty := func() *resource.Node { return &resource.Node{Kind: resource.List, Range: at} }
	args := empty()
	var texts []string
	for i, w := range in.words {
		texts = append(texts, w.value)
		if i > 0 {
			args.Items = append(args.Items, rd.text(w.value, rd.span(in, w.start, w.end)))
		}
	}
	first := in.words[0]
	n := &resource.Node{Kind: resource.Map, Range: at, Fields: []resource.Field{
		{Name: "name", Node: rd.text(path.Base(first.value), rd.span(in, first.start, first.end))},
		{Name: "args", Node: args}, {Name: "to", Node: empty()}, {Name: "via", Node: empty()},
		{Name: "text", Node: rd.text(strings.Join(texts, " "), at)},
	}}
	list := empty()
	list.Items = []*resource.Node{n}
	return list
}
