// Package shell reads the scripts that other formats hold: what a RUN of a
// Dockerfile, a line of cloud-init, a provisioner or a file of user data runs.
// It sees the commands with their words, what they are piped into and the files
// that they write; it runs nothing and decides no condition.
package shell

import (
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on one script.
const (
	maxText     = 128 << 10 // bytes
	maxNesting  = 150       // of brackets and compound commands
	maxCommands = 4_000
	maxArgs     = 1_000  // words of one command
	maxWords    = 20_000 // of all commands
	maxNames    = 20     // of what a command is piped into, or runs it
	maxWithin   = 3      // scripts within scripts (sh -c '…')
)

// Gap stands in a text for a piece that is not known.
const Gap = "\ufffc"

// Known gives what is known of the text of a node, with a Gap for each piece that
// is not; "" where nothing is.
func Known(n *resource.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Unknown && strings.Join(n.Parts, "") == "":
		return ""
	case n.Unknown:
		return strings.Join(n.Parts, Gap)
	}
	return n.Str()
}

// Unknown makes a node of a text with gaps.
func Unknown(s, why string) *resource.Node {
	return &resource.Node{Kind: resource.String, Unknown: true, Why: why, Parts: strings.Split(s, Gap)}
}

// Text is a script together with the places of its bytes.
type Text struct {
	S string
	// At gives the place of the bytes [start, end) of S: exact where they stand
	// in a file as they are, else the nearest place that is known.
	At func(start, end int) source.Range
}

// Part gives a part of a text.
func (t Text) Part(start, end int) Text {
	return Text{S: t.S[start:end], At: func(a, b int) source.Range { return t.At(start+a, start+b) }}
}

// Script is what a text does.
type Script struct {
	// Commands are Maps, in the order of the text, whatever condition, loop or
	// function they stand in:
	//
	//	name     the command without its folder; "" for assignments alone
	//	args     its words, quotes taken off; variables stay as they are written
	//	assigns  [{name, value}] in front of the command, or of export and the like
	//	to       the names of the commands that its output is piped into, or that
	//	         run it (bash <(curl …), sh -c "$(curl …)")
	//	via      what runs it: sudo, env, nohup
	//	text     all of it, as it is written
	//
	// A word that holds a Gap is unknown.
	Commands *resource.Node
	// Files are Maps of the files that commands write from texts of the script:
	// path, content, append.
	Files []*resource.Node
	// Bodies are the texts of the contents of Files, in the same order.
	Bodies []Text
}

// ErrTooDeep says that a script is nested too deep to be read.
var ErrTooDeep = errors.New("it is nested too deep")

// Read reads a script; why says of a Gap what it stands for. An error says what
// cannot be read; nothing is given then.
func Read(t Text, why string) (*Script, error) {
	r := &reader{why: why, out: &Script{Commands: &resource.Node{Kind: resource.List, Range: t.At(0, len(t.S))}}}
	if err := r.script(t, 0, nil, nil); err != nil {
		return nil, err
	}
	return r.out, nil
}

type reader struct {
	why    string
	out    *Script
	spoken int // words so far
}

// parse reads a text. The library is not ours: a panic of it must not end the
// review of others.
func parse(s string) (f *syntax.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, errors.New("it cannot be read")
		}
	}()
	p := syntax.NewParser(syntax.Variant(syntax.LangBash))
	f, err = p.Parse(strings.NewReader(s), "")
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		return nil, fmt.Errorf("line %d of the script is no shell", pe.Pos.Line())
	}
	if err != nil {
		return nil, errors.New("the script is no shell")
	}
	return f, nil
}

func (r *reader) script(t Text, within int, to []string, via []word) error {
	if len(t.S) > maxText {
		return fmt.Errorf("it is longer than %d bytes", maxText)
	}
	if strings.IndexByte(t.S, 0) >= 0 {
		return errors.New("it is not text")
	}
	if nesting(t.S) > maxNesting {
		return ErrTooDeep
	}
	f, err := parse(t.S)
	if err != nil {
		return err
	}
	at := t.At
	t.At = func(start, end int) source.Range {
		for end > start && end <= len(t.S) && t.S[end-1] == '\r' {
			end-- // a part of the line break
		}
		return at(start, end)
	}
	w := &walker{reader: r, t: t, within: within}
	w.stmts(f.Stmts, context{to: to, via: via})
	return nil
}

// nesting is an upper bound of how deep the parser descends into a text.
func nesting(s string) int {
	depth, most := 0, 0
	word := 0
	for i := 0; i <= len(s); i++ {
		var c byte = ' '
		if i < len(s) {
			c = s[i]
		}
		if c >= 'a' && c <= 'z' {
			continue
		}
		switch s[word:i] {
		case "if", "while", "until", "for", "select", "case":
			depth++
		case "fi", "done", "esac":
			depth = max(0, depth-1)
		}
		word = i + 1
		switch c {
		case '(', '{', '[', '!', '-', '~', '?':
			if c == '(' || c == '{' || i > 0 && s[i-1] == c && c != '-' {
				depth++
			}
		case ')', '}':
			depth = max(0, depth-1)
		case '\n':
			if depth > 0 && most > maxNesting {
				return most
			}
		}
		most = max(most, depth)
	}
	return most
}

// context is what stands around a command.
type context struct {
	to   []string
	via  []word
	sink *sink // the tee that the output goes through
}

// walker goes through one script.
type walker struct {
	*reader
	// quiet leaves the commands within words alone: they were gone through.
	quiet  bool
	t      Text
	within int
	depth  int
}

func (w *walker) at(n syntax.Node) source.Range {
	return w.t.At(int(n.Pos().Offset()), int(n.End().Offset()))
}

func (w *walker) source(n syntax.Node) string {
	s, e := int(n.Pos().Offset()), int(n.End().Offset())
	if s > e || e > len(w.t.S) {
		return ""
	}
	return w.t.S[s:e]
}

// text gives a text that stands at [start, end) as a node.
func (w *walker) text(s string, start, end int) *resource.Node {
	return w.value(s, w.t.At(start, end))
}

func (w *walker) value(s string, at source.Range) *resource.Node {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.Contains(s, Gap) {
		n := Unknown(s, w.why)
		n.Range = at
		return n
	}
	return &resource.Node{Kind: resource.String, Value: s, Range: at}
}

func (w *walker) stmts(list []*syntax.Stmt, c context) {
	for _, s := range list {
		w.stmt(s, c)
	}
}

func (w *walker) full() bool { return len(w.out.Commands.Items) >= maxCommands || w.spoken >= maxWords }

func (w *walker) stmt(s *syntax.Stmt, c context) {
	if s == nil || w.full() || w.depth > 10_000 {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	for _, rd := range s.Redirs {
		w.words(c, rd.Word)
	}
	switch x := s.Cmd.(type) {
	case *syntax.CallExpr:
		w.call(s, x, c)
	case *syntax.DeclClause:
		w.declare(x)
	case *syntax.BinaryCmd:
		if x.Op == syntax.Pipe || x.Op == syntax.PipeAll {
			left := c
			left.to = append(w.names(x.Y), c.to...)
			left.to = left.to[:min(len(left.to), maxNames)]
			left.sink = w.teeOf(x.Y)
			w.stmt(x.X, left)
			w.stmt(x.Y, c)
			return
		}
		w.stmt(x.X, c)
		w.stmt(x.Y, c)
	case *syntax.TimeClause:
		w.stmt(x.Stmt, c)
	case *syntax.CoprocClause:
		w.stmt(x.Stmt, c)
	case *syntax.Subshell:
		w.stmts(x.Stmts, c)
	case *syntax.Block:
		w.stmts(x.Stmts, c)
	case *syntax.IfClause:
		for ; x != nil; x = x.Else {
			w.stmts(x.Cond, c)
			w.stmts(x.Then, c)
		}
	case *syntax.WhileClause:
		w.stmts(x.Cond, c)
		w.stmts(x.Do, c)
	case *syntax.ForClause:
		w.stmts(x.Do, c)
	case *syntax.CaseClause:
		for _, it := range x.Items {
			w.stmts(it.Stmts, c)
		}
	case *syntax.FuncDecl:
		w.stmt(x.Body, c)
	}
}
