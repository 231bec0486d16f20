package dockerfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// parse has BuildKit's parser judge an instruction; false after a diagnostic.
// Instructions are judged one by one so that a mistake costs no more than the
// instruction that it is in.
func (rd *reading) parse(in *instruction) bool {
	if in.bad == "" {
		in.bad = rd.judge(in)
	}
	if in.bad != "" {
		rd.fail(in.line, "the instruction cannot be read: %s", in.bad)
		return false
	}
	return true
}

func (rd *reading) judge(in *instruction) (bad string) {
	// The parser is not ours and has ended in panics before; one must not end
	// the reviews of others.
	defer func() {
		if r := recover(); r != nil {
			bad = "its parser failed"
		}
	}()
	src := rd.f.Data[in.start:in.stop]
	if rd.escape != '\\' {
		src = append([]byte("# escape="+string(rd.escape)+"\n"), src...)
	}
	res, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return cause(err)
	}
	if len(res.AST.Children) != 1 {
		return fmt.Sprintf("it is %d instructions", len(res.AST.Children))
	}
	if !strings.EqualFold(res.AST.Children[0].Value, in.name) {
		return "it is written in a form that is not supported"
	}
	return in.incomplete()
}

// cause gives what an error of the parser says without what it cites.
func cause(err error) string {
	s := err.Error()
	for _, cut := range []string{`"`, "'", ": ", "<"} {
		if i := strings.Index(s, cut); i > 0 {
			s = s[:i]
		}
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return "its form is wrong"
	}
	return s
}

// incomplete says what an instruction lacks that the parser lets pass.
func (in *instruction) incomplete() string {
	switch {
	case in.name == "FROM" && len(in.words) != 1 && !(len(in.words) == 3 && strings.EqualFold(in.words[1].value, "AS")):
		return "FROM takes an image, and a name behind AS"
	case in.from == in.to && in.name != "RUN" && in.name != "CMD" && in.name != "ENTRYPOINT":
		return in.name + " needs an argument"
	}
	return ""
}
