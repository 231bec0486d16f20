package fix

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// TestCommands edits the last command of a script that is called "x".
func TestCommands(t *testing.T) {
	remove := func(paths ...string) *rule.FixSpec { return &rule.FixSpec{Delete: paths} }
	set := func(path string, v any) *rule.FixSpec {
		return &rule.FixSpec{Set: []rule.Setting{{Path: path, Value: v}}}
	}
	add := func(path string, v any) *rule.FixSpec {
		return &rule.FixSpec{Append: []rule.Setting{{Path: path, Value: v}}}
	}
	for _, c := range []struct {
		name, script string
		spec         *rule.FixSpec
		want         string // "" for a refusal
	}{
		{"word at the end", "x a -k\n", remove(`args["-k"]`), "x a\n"},
		{"word in the middle", "x -k  a\n", remove(`args["-k"]`), "x  a\n"},
		{"quoted word", "x '-k' a\n", remove(`args["-k"]`), "x a\n"},
		{"word on a line of its own", "x \\\n  -k \\\n  a\n", remove(`args["-k"]`), "x \\\n  a\n"},
		{"word on the last line", "x a \\\n  -k\n", remove(`args["-k"]`), "x a\n"},
		{"word on the last line, CRLF", "x a \\\r\n  -k\r\n", remove(`args["-k"]`), "x a\r\n"},
		{"word at the end of the file", "x a \\\n -k", remove(`args["-k"]`), "x a"},
		{"two words", "x -k -k a\n", remove(`args["-k"]`), "x a\n"},
		{"option with its value", "x --trusted-host h a\n", remove(`args["--trusted-host"]`), "x a\n"},
		{"what runs it", "sudo -E x a\n", remove(`via["sudo"]`), "x a\n"},
		{"what runs it, within", "sudo bash -c 'x a'\n", remove(`via["sudo"]`), ""},
		{"missing word", "x a\n", remove(`args["-k"]`), "x a\n"},
		{"command on its line", "a\n  x b\nc\n", remove("text"), "a\nc\n"},
		{"command in front of &&", "x a && b\n", remove("text"), "b\n"},
		{"command in front of || over lines", "x a \\\n  || b\n", remove("text"), "b\n"},
		{"command behind &&", "a && x b\n", remove("text"), "a\n"},
		{"command behind && over lines", "a \\\n && x b\nc\n", remove("text"), "a\nc\n"},
		{"command in front of ;", "x a; b\n", remove("text"), "b\n"},
		{"only command of a branch", "if a; then x b; fi\n", remove("text"), ""},
		{"only command of a branch over lines", "if a; then\n  x b\nfi\n", remove("text"), ""},
		{"first command of a branch", "if a; then x b; c; fi\n", remove("text"), "if a; then c; fi\n"},
		{"condition", "if x a; then b; fi\n", remove("text"), ""},
		{"only command of a group", "{ x a; }\n", remove("text"), ""},
		{"item of a list", "      - x a\n", remove("text"), ""}, // no script by itself: the dash is a command
		{"command in a pipe", "x a | b\n", remove("text"), ""},
		{"command with a redirection", "x a > b\n", remove("text"), ""},
		{"set a word", "x 777 a\n", set(`args["777"]`, "755"), "x 755 a\n"},
		{"set a quoted word", "x '777' a\n", set(`args["777"]`, "755"), "x '755' a\n"},
		{"set a missing word", "x a\n", set(`args["777"]`, "755"), ""},
		{"set the command", "x a; b\n", set("text", "y c"), "y c; b\n"},
		{"set what a script puts together", "x a$B\n", set(`args["a$B"]`, "c"), "x c\n"},
		{"add behind a word", "x -q install a\n", add("args", "-y"), "x -q install -y a\n"},
		{"add behind the name", "/bin/x -q\n", add("args", "-y"), "/bin/x -y -q\n"},
		{"add a command", "x a\n", add("then", "y c"), "x a && y c\n"},
		{"lists of words alone", "x a\n", add("args", "a\nb"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := source.NewFile("run.sh", []byte(c.script))
			s, err := shell.Read(shell.Text{S: c.script, At: func(a, b int) source.Range { return f.Range(a, b) }}, "")
			if err != nil {
				t.Fatal(err)
			}
			var item *resource.Node
			for _, n := range s.Commands.Items {
				if n.Get("name").Str() == "x" {
					item = n
				}
			}
			if item == nil {
				if c.want != "" {
					t.Fatal("the command was not found")
				}
				return
			}
			p, err := plan(c.spec, item)
			if err == nil {
				w := &commandWriter{f: f}
				if err = w.apply(item, p); err == nil {
					var got []byte
					if got, err = source.Apply(f.Data, w.edits); err == nil && string(got) != c.want {
						t.Errorf("got %q, want %q", got, c.want)
					}
				}
			}
			if (err != nil) != (c.want == "") {
				t.Errorf("error %v", err)
			}
		})
	}
}
