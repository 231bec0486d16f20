package shell

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// sink is a file that the output of a command goes to.
type sink struct {
	path   word
	append bool
}

// teeOf gives the file of a tee at the start of the right side of a pipe.
func (w *walker) teeOf(s *syntax.Stmt) *sink {
	for s != nil {
		switch x := s.Cmd.(type) {
		case *syntax.BinaryCmd:
			s = x.X
			continue
		case *syntax.CallExpr:
			var ws []word
			for _, a := range x.Args {
				ws = append(ws, word{text: strings.Trim(w.source(a), `"'`), start: int(a.Pos().Offset()), end: int(a.End().Offset())})
			}
			ws, _ = unwrap(ws, nil)
			return tee(ws)
		}
		return nil
	}
	return nil
}

func tee(ws []word) *sink {
	if len(ws) < 2 || path.Base(ws[0].text) != "tee" {
		return nil
	}
	out := &sink{}
	for _, a := range ws[1:] {
		switch {
		case a.text == "-a" || a.text == "--append":
			out.append = true
		case strings.HasPrefix(a.text, "-"):
		case out.path.text == "":
			out.path = a
		}
	}
	if out.path.text == "" {
		return nil
	}
	return out
}

// files notes the file that a command writes from a text of the script: a
// here-document, or what echo and printf say.
func (w *walker) files(s *syntax.Stmt, c *command, ctx context) {
	to := ctx.sink
	var body *Text
	for _, rd := range s.Redirs {
		switch rd.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
			if rd.N != nil && rd.N.Value != "1" {
				continue
			}
			to = &sink{path: w.target(rd.Word), append: rd.Op == syntax.AppOut || rd.Op == syntax.AppAll}
		case syntax.Hdoc, syntax.DashHdoc:
			if rd.Hdoc != nil {
				t := w.hereDocument(rd)
				body = &t
			}
		}
	}
	if t := tee(c.words); t != nil {
		to = t
	}
	if to == nil || to.path.text == "" || to.path.text == "/dev/null" {
		return
	}
	if body == nil && len(c.words) > 1 {
		switch path.Base(c.words[0].text) {
		case "echo", "printf":
			var said []word
			for _, a := range c.words[1:] {
				if len(said) > 0 || !strings.HasPrefix(a.text, "-") {
					said = append(said, a)
				}
			}
			if len(said) > 0 {
				t := w.said(said)
				body = &t
			}
		}
	}
	if body == nil || len(w.out.Files) >= maxCommands {
		return
	}
	all := body.At(0, len(body.S))
	n := &resource.Node{Kind: resource.Map, Range: span(w.t.At(to.path.start, to.path.end), all)}
	n.Fields = []resource.Field{
		{Name: "path", Node: w.text(to.path.text, to.path.start, to.path.end)},
		{Name: "content", Node: w.value(body.S, all)},
		{Name: "append", Node: &resource.Node{Kind: resource.Bool, Value: to.append, Range: w.t.At(to.path.start, to.path.end)}},
	}
	w.out.Files = append(w.out.Files, n)
	w.out.Bodies = append(w.out.Bodies, *body)
}

// said is the text that echo writes.
func (w *walker) said(ws []word) Text {
	if len(ws) == 1 && ws[0].body != nil {
		return w.t.Part(ws[0].body[0], ws[0].body[1])
	}
	texts := make([]string, len(ws))
	for i, x := range ws {
		texts[i] = x.text
	}
	at := w.t.At(ws[0].start, ws[len(ws)-1].end)
	return Text{S: strings.Join(texts, " "), At: func(int, int) source.Range { return at }}
}

// hereDocument gives the text of a here-document; with <<- the tabs in front of
// its lines are no part of it.
func (w *walker) hereDocument(rd *syntax.Redirect) Text {
	start, end := int(rd.Hdoc.Pos().Offset()), int(rd.Hdoc.End().Offset())
	end = max(start, min(end, len(w.t.S)))
	// The parser counts the line that ends the document in.
	end = start + strings.LastIndexByte(w.t.S[start:end], '\n') + 1
	raw := w.t.S[start:end]
	if rd.Op != syntax.DashHdoc || !strings.Contains(raw, "\t") {
		return w.t.Part(start, end)
	}
	var b strings.Builder
	var offsets []int
	for i := 0; i < len(raw); {
		for i < len(raw) && raw[i] == '\t' {
			i++
		}
		for i < len(raw) {
			b.WriteByte(raw[i])
			offsets = append(offsets, start+i)
			i++
			if raw[i-1] == '\n' {
				break
			}
		}
	}
	offsets = append(offsets, end)
	return Text{S: b.String(), At: func(a, z int) source.Range {
		if z > a {
			return w.t.At(offsets[a], offsets[z-1]+1)
		}
		return w.t.At(offsets[a], offsets[a])
	}}
}

// span is the range from the one to the other, wherever they lie.
func span(a, b source.Range) source.Range {
	if a.File != b.File {
		return b
	}
	if b.Start.Byte < a.Start.Byte {
		a.Start = b.Start
	}
	if b.End.Byte > a.End.Byte {
		a.End = b.End
	}
	return a
}
