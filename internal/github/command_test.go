package github

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseCommand(t *testing.T) {
	for _, c := range []struct{ body, command, argument string }{
		{"/plimsoll rescan", CommandRescan, ""},
		{"/Plimsoll RESCAN\r\nthanks", CommandRescan, ""},
		{"  \n\n /plimsoll\tfix", CommandFix, ""},
		{"Could you /plimsoll fix, please?", CommandFix, ""},
		{"/plimsoll rescan.", CommandRescan, ""},
		{"@bob /plimsoll help!", CommandHelp, ""},
		{"/plimsoll", CommandHelp, ""},
		{"/plimsoll   ", CommandHelp, ""},
		{"/plimsoll explain", CommandExplain, ""},
		{"/plimsoll explain K8S/Host-Path", CommandExplain, "k8s/host-path"},
		{"/plimsoll explain `k8s/host-path`?", CommandExplain, "k8s/host-path"},
		{"/plimsoll explain k8s/host-path, it is unclear", CommandExplain, "k8s/host-path"},
		{"/plimsoll dance", CommandUnknown, ""},
		{"/plimsoll `rescan`", CommandUnknown, ""},
		{"/plimsoll fix /plimsoll rescan", CommandFix, ""},
		{"`/plimsoll fix` or /plimsoll rescan", CommandRescan, ""},
		{"``a ` /plimsoll fix``  /plimsoll rescan", CommandRescan, ""},
		{"a ` b /plimsoll rescan", CommandRescan, ""},
		{"İİ /plimsoll rescan", CommandRescan, ""},
		{"see x/plimsoll then /plimsoll rescan", CommandRescan, ""},
		{"<!-- hidden --> /plimsoll rescan", CommandRescan, ""},

		{"", "", ""},
		{"hello\n/plimsoll rescan", "", ""},
		{"> /plimsoll rescan", "", ""},
		{"   > /plimsoll rescan", "", ""},
		{"    /plimsoll rescan", "", ""},
		{"\t/plimsoll rescan", "", ""},
		{"```\n/plimsoll rescan\n```", "", ""},
		{"~~~ /plimsoll rescan", "", ""},
		{"`/plimsoll rescan`", "", ""},
		{"try `` /plimsoll rescan ``", "", ""},
		{"<!-- /plimsoll rescan -->", "", ""},
		{"<!-- \n/plimsoll rescan", "", ""},
		{"https://example.com/plimsoll rescan", "", ""},
		{"/plimsoll-iac/plimsoll rescan", "", ""},
		{"/plimsolls rescan", "", ""},
		{"plimsoll rescan", "", ""},
		{strings.Repeat("x", maxCommandLine) + " /plimsoll rescan", "", ""},
	} {
		command, argument, ok := ParseCommand(c.body)
		if command != c.command || argument != c.argument || ok != (c.command != "") {
			t.Errorf("%q: %q %q %v, want %q %q", c.body, command, argument, ok, c.command, c.argument)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{"/plimsoll explain `k8s/x`", "``a ` /plimsoll fix`` /PLIMSOLL rescan", "<!-- x", "> /plimsoll", "İ /plimsoll help\xff", strings.Repeat("` `` ", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		command, argument, ok := ParseCommand(body)
		if ok != (command != "") || len(argument) > maxArgument || argument != "" && command != CommandExplain || !utf8.ValidString(argument) {
			t.Fatalf("%q: %q %q %v", body, command, argument, ok)
		}
		if ok && !strings.Contains(lower(body), commandWord) {
			t.Fatalf("%q: a command from nothing", body)
		}
	})
}

func TestParseException(t *testing.T) {
	for text, want := range map[string][3]string{
		"/plimsoll ignore k8s/host-path until=2027-06-30 -- the agent reads logs": {"k8s/host-path", "2027-06-30", "the agent reads logs"},
		"/PLIMSOLL Ignore `K8s/Host-Path` the agent":                              {"k8s/host-path", "", "the agent"},
		"/plimsoll ignore -- why not":                                             {"", "", "why not"},
		"/plimsoll ignore until=tomorrow -- x":                                    {"", "tomorrow", "x"},
		"/plimsoll ignore":                                                        {"", "", ""},
		"ok: /plimsoll ignore because and/or":                                     {"", "", "because and/or"},
	} {
		rule, until, reason := ParseException(text)
		if got := [3]string{rule, until, reason}; got != want {
			t.Errorf("%s: %q", text, got)
		}
		if command, _, ok := ParseCommand(text); !ok || command != CommandIgnore {
			t.Errorf("%s: command %q", text, command)
		}
	}
}

func FuzzParseException(f *testing.F) {
	for _, s := range []string{"/plimsoll ignore k8s/host-path until=2027-06-30 -- why", "/plimsoll", "/PLIMSOLL ignore -- \xff", "`/plimsoll ignore` /plimsoll ignore x/y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		rule, until, reason := ParseException(body)
		for _, part := range []string{rule, until, reason} {
			if len(part) > maxExceptionLine || strings.ContainsAny(part, "\n\r") {
				t.Errorf("%q of %q", part, body)
			}
		}
		if strings.ContainsAny(rule+until, " \t") {
			t.Errorf("words in %q and %q", rule, until)
		}
	})
}
