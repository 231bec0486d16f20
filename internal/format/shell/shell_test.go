package shell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func textOf(s string) Text {
	f := source.NewFile("run.sh", []byte(s))
	return Text{S: s, At: func(a, b int) source.Range { return f.Range(a, b) }}
}

// lines writes commands as name(args) with what they are piped into.
func lines(s *Script) []string {
	var out []string
	words := func(n *resource.Node) string {
		var ws []string
		for _, it := range n.Items {
			if it.Unknown {
				ws = append(ws, "?"+strings.Join(it.Parts, Gap))
				continue
			}
			ws = append(ws, it.Str())
		}
		return strings.Join(ws, "|")
	}
	for _, c := range s.Commands.Items {
		line := c.Get("name").Str() + "(" + words(c.Get("args")) + ")"
		if as := c.Get("assigns"); as != nil {
			for _, a := range as.Items {
				line += " " + a.Get("name").Str() + "=" + a.Get("value").Str()
			}
		}
		if v := words(c.Get("via")); v != "" {
			line = v + " " + line
		}
		if v := words(c.Get("to")); v != "" {
			line += " > " + v
		}
		out = append(out, line)
	}
	for i, f := range s.Files {
		line := f.Get("path").Str() + ": " + s.Bodies[i].S
		if f.Get("append").Value == true {
			line = "+" + line
		}
		out = append(out, line)
	}
	return out
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"words", `curl -k "https://a.example/$V" 'x y'`, []string{`curl(-k|https://a.example/$V|x y)`}},
		{"continued", "apt-get update && \\\n  apt-get install -y \\\n    telnetd", []string{"apt-get(update)", "apt-get(install|-y|telnetd)"}},
		{"sudo", "sudo -E -u root /usr/bin/curl x", []string{"sudo curl(x)"}},
		{"env", "env A=b B=c setenforce 0", []string{"env setenforce(0)"}},
		{"pip as a module", "python3 -m pip install flask && python -m venv /v", []string{"python3 pip(install|flask)", "python(-m|venv|/v)"}},
		{"pipe", "curl -s x | sudo tee /a | bash -s --", []string{"curl(-s|x) > tee|bash", "sudo tee(/a) > bash", "bash(-s|--)"}},
		{"process substitution", "bash <(curl -s x)", []string{"curl(-s|x) > bash", "bash(<(curl -s x))"}},
		{"command substitution", `sh -c "$(curl -fsSL x)"`, []string{"curl(-fsSL|x) > sh", `sh(-c|$(curl -fsSL x))`}},
		{"script in a word", `bash -ec 'setenforce 0; ufw disable'`, []string{"bash(-ec|setenforce 0; ufw disable)", "bash setenforce(0)", "bash ufw(disable)"}},
		{"conditions", "if a; then b; elif c; then d; else e; fi\nfor x in 1; do f; done\ncase x in y) g;; esac\nh() { i; }\n( j )\n! k",
			[]string{"a()", "b()", "c()", "d()", "e()", "f()", "g()", "i()", "j()", "k()"}},
		{"assignments", "A=b\nexport C=\"d e\" F\nG=h i j", []string{"() A=b", "export() C=d e", "i(j) G=h"}},
		{"here document", "cat <<'EOF' > /etc/x\na: b\nEOF\ncat <<-E >>/etc/y\n\tq\n\t\tr\n\tE\n", []string{"cat()", "cat()", "/etc/x: a: b\n", "+/etc/y: q\nr\n"}},
		{"tee", "sudo tee -a /etc/x <<EOF\nz\nEOF\ncat <<EOF | sudo tee /etc/y >/dev/null\nw\nEOF\n",
			[]string{"sudo tee(-a|/etc/x)", "cat() > tee", "sudo tee(/etc/y)", "+/etc/x: z\n", "/etc/y: w\n"}},
		{"echo", `echo "PermitRootLogin yes" >> /etc/ssh/sshd_config; echo a | tee /b; echo c 2>/d`,
			[]string{"echo(PermitRootLogin yes)", "echo(a) > tee", "tee(/b)", "echo(c)", "+/etc/ssh/sshd_config: PermitRootLogin yes", "/b: a"}},
		{"gap", "join --token " + Gap + " host", []string{"join(--token|?" + Gap + "|host)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Read(textOf(c.script), "var.x")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, lines(s)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A place says the bytes that it names, through quotes, tabs and scripts within
// scripts.
func TestPlaces(t *testing.T) {
	const script = "bash -c 'curl -k x'\ncat <<-E > /f\n\tone\n\ttwo\n\tE\n"
	f := source.NewFile("run.sh", []byte(script))
	s, err := Read(textOf(script), "")
	if err != nil {
		t.Fatal(err)
	}
	inner := s.Commands.Items[1]
	if got := f.Text(inner.Get("args").Items[0].Range); got != "-k" {
		t.Errorf("the argument stands at %q", got)
	}
	if got := f.Text(inner.Get("name").Range); got != "curl" {
		t.Errorf("the name stands at %q", got)
	}
	b := s.Bodies[0]
	if got := f.Text(b.At(4, 7)); got != "two" {
		t.Errorf("the second line stands at %q", got)
	}
}

func TestHostile(t *testing.T) {
	big := func(s string) string { return strings.Repeat(s, maxText/len(s)) }
	for name, s := range map[string]string{
		"parentheses": big("("), "substitutions": big("$("), "backquotes": big("`"), "braces": big("{ "), "ifs": big("if "),
		"parameters": big("${a:-"), "arithmetic": "echo $((" + big("!") + "1))", "minus": "((" + big("- ") + "1))", "plus": "((" + big("+ ") + "1))",
		"pipes": big("a|"), "ands": big("a&&"), "quotes": big(`"$(`), "negations": big("! "), "commands": big("a\n"), "brackets": "[[ " + big("! ") + "a ]]",
		"here documents": big("<<A "), "ternary": "((" + big("1?1:") + "1))", "power": "((" + big("1**") + "1))", "functions": big("a()"), "time": big("time "),
		"brackets2": "[[ " + big("( ") + "a ]]", "cases": big("case a in b) "), "coproc": big("coproc "), "assign": "((" + big("a=") + "1))", "index": big("a[a["),
		"redirections": strings.Repeat(">$(", 140) + strings.Repeat(")", 140), "words": strings.Repeat("a >$(", 120) + strings.Repeat(")", 120),
		"runners": big("sudo "), "long pipe": big("a|") + "b", "bash": big("bash -c "),
		"assignments": strings.Repeat("a=$(", 140) + strings.Repeat(")", 140), "strings": strings.Repeat("bash <<<$(", 100) + strings.Repeat(")", 100),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Read(textOf(s), "")
			if err == nil && len(s.Commands.Items) > maxCommands {
				t.Errorf("%d commands", len(s.Commands.Items))
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("curl -k x | sudo bash\ncat <<EOF > /a\nb\nEOF\n")
	f.Fuzz(func(t *testing.T, s string) {
		file := source.NewFile("run.sh", []byte(s))
		got, err := Read(textOf(s), "why")
		if err != nil {
			return
		}
		resource.Walk(got.Commands, func(p resource.Path, n *resource.Node) bool {
			if n.Range.Start.Byte > n.Range.End.Byte || n.Range.End.Byte > len(file.Data) {
				t.Fatalf("%s stands at %v", p, n.Range)
			}
			return true
		})
	})
}
