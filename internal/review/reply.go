package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const (
	maxListed  = 40        // fixes that a commit's message or a reply lists
	maxPatch   = 48 << 10  // bytes of a patch in a reply
	maxSample  = 30        // lines of an example
	maxExample = 4000      // bytes of one
	maxReason  = 300       // bytes of a reason
	maxSource  = 256 << 10 // bytes of an example that is compared
)

// Mended is a report with all its proven fixes applied.
type Mended struct {
	Report *Report
	// Cleared are the new findings that the fixes clear.
	Cleared []Finding
	// Files has the new content of every file that changes, by path.
	Files map[string][]byte
}

// CommitMessage gives the message of the commit that applies the fixes. What
// comes from the repository is text there, no directive.
func CommitMessage(m *Mended) (headline, body string) {
	n := len(m.Cleared)
	headline = fmt.Sprintf("Apply %d proven %s", n, plural(n, "fix", "fixes"))
	var b strings.Builder
	for i, f := range m.Cleared {
		if i == maxListed {
			fmt.Fprintf(&b, "- and %d more\n", n-i)
			break
		}
		fmt.Fprintf(&b, "- %s: %s\n", f.Rule.ID, undirected(cut(f.Resource.ID, 200)))
	}
	return headline, strings.TrimSuffix(b.String(), "\n")
}

// undirected takes from a text of the repository what GitHub and build systems
// act on in a commit's message: mentions, references, "[skip ci]".
func undirected(s string) string {
	return strings.NewReplacer("@", "@\u200b", "#", "#\u200b", "[skip", "[\u200bskip", "[ci", "[\u200bci", "[no", "[\u200bno").Replace(plainLine(s))
}

func plainLine(s string) string { return strings.ToValidUTF8(plain(s), "?") }

// HelpReply lists the commands. unknown says that it answers a word that is
// none of them.
func HelpReply(unknown bool, rulesURL string) string {
	var b strings.Builder
	if unknown {
		b.WriteString("There is no such command. ")
	}
	b.WriteString("In the first line of a comment on a pull request:\n\n")
	b.WriteString("| | |\n|---|---|\n")
	b.WriteString("| `/plimsoll rescan` | reviews the pull request again (write permission) |\n")
	b.WriteString("| `/plimsoll fix` | commits every proven fix of a new finding to the branch (write permission) |\n")
	b.WriteString("| `/plimsoll explain RULE` | says what a rule is about, such as `k8s/privileged-container` |\n")
	b.WriteString("| `/plimsoll ignore RULE -- reason` | as a reply to one of Plimsoll's comments: suggests the exception, with its reason (write permission, or whoever opened the pull request) |\n")
	b.WriteString("| `/plimsoll help` | says this |\n")
	if rulesURL != "" {
		fmt.Fprintf(&b, "\n[All rules](%s)\n", rulesURL)
	}
	return b.String()
}

// DeniedReply says that a command needs write permission.
func DeniedReply(command string) string {
	return fmt.Sprintf("%s needs write permission to this repository.", code("/plimsoll "+command))
}

// ExplainReply explains a rule in short.
func ExplainReply(r *rule.Rule, rulesURL string) string {
	var b strings.Builder
	id := "`" + r.ID + "`"
	if rulesURL != "" {
		id = "[" + id + "](" + rulesURL + "/" + r.ID + ")"
	}
	fmt.Fprintf(&b, "**%s** · %s · %s\n\n%s\n\n%s\n", prose(upperFirst(cut(r.Title, 300))), r.Severity, id, prose(sentence(cut(r.Why, 2000))), prose(sentence(cut(r.Remediation, 2000))))
	if e, ok := sample(r); ok {
		b.WriteString("\n")
		b.WriteString(e)
	}
	return b.String()
}

// sample gives the first short example of a violation: as a difference where
// its mended form is known.
func sample(r *rule.Rule) (string, bool) {
	for _, e := range r.Examples {
		if e.Fail == "" || len(e.Fail)+len(e.Fixed) > maxSource {
			continue
		}
		if e.Fixed != "" {
			if _, hunks, ok := strings.Cut(change.Unified("a", "b", []byte(e.Fail), []byte(e.Fixed)), "+++ b\n"); ok {
				return fenced("diff", firstLines(hunks)), true
			}
		}
		return fenced("", firstLines(e.Fail)), true
	}
	return "", false
}

func firstLines(s string) string {
	lines := strings.SplitAfter(cut(s, maxExample), "\n")
	if len(lines) <= maxSample {
		return strings.Join(lines, "")
	}
	return strings.Join(lines[:maxSample], "") + "…\n"
}

// UnknownRuleReply answers a question for a rule that there is not; suggestion
// may be "".
func UnknownRuleReply(id, suggestion, rulesURL string) string {
	var b strings.Builder
	if id == "" {
		b.WriteString("Which rule? Name it, as in `/plimsoll explain k8s/privileged-container`.")
	} else {
		fmt.Fprintf(&b, "There is no rule %s.", code(cut(id, 200)))
	}
	if suggestion != "" {
		fmt.Fprintf(&b, " Did you mean `%s`?", suggestion)
	}
	if rulesURL != "" {
		fmt.Fprintf(&b, " [All rules](%s)", rulesURL)
	}
	return b.String()
}

// NothingToFixReply says that no new finding at head has a proven fix.
func NothingToFixReply(r *Report, head string) string {
	if r.Policy.ConfigError != nil {
		return fmt.Sprintf("Nothing was fixed: %s cannot be read.", code(r.Policy.ConfigError.File))
	}
	n := count(r).New
	if n == 0 {
		return fmt.Sprintf("There is nothing to fix: %s has no new findings.", short(head))
	}
	return fmt.Sprintf("There is nothing that could be applied: of the %d new %s at %s none has a proven fix.", n, plural(n, "finding", "findings"), short(head))
}

// MovedReply says that the head is no longer the one that the button was about.
func MovedReply(asked, now string) string {
	return fmt.Sprintf("Nothing was committed: the fixes asked for are those of %s, and the branch is at %s by now. Its own check run has the button.", short(asked), short(now))
}

// NotCommittedReply says why the fixes were not committed and gives them as a
// patch. why is Markdown, the end of a sentence.
func NotCommittedReply(m *Mended, why, head string) string {
	patch, left := patchOf(m)
	var b strings.Builder
	fmt.Fprintf(&b, "Nothing was committed: %s.\n\n", strings.TrimSuffix(cut(why, maxReason), "."))
	if patch == "" {
		fmt.Fprintf(&b, "The fixes cannot be shown here. %s\n", locally(m))
		return b.String()
	}
	n := len(m.Cleared)
	fmt.Fprintf(&b, "<details><summary>%d %s against %s, to be applied with <code>git apply</code></summary>\n\n%s\n</details>\n", n, plural(n, "fix", "fixes"), short(head), fenced("diff", patch))
	if left > 0 {
		fmt.Fprintf(&b, "\n%d more %s not shown here. %s\n", left, plural(left, "file is", "files are"), locally(m))
	}
	return b.String()
}

func locally(m *Mended) string {
	if m.Report.Base == "" {
		return "`plimsoll review --fix` applies them to a working tree."
	}
	return fmt.Sprintf("`plimsoll review --base %s --fix` applies them to a working tree.", short(m.Report.Base))
}

// patchOf writes the changes as a patch of at most maxPatch bytes, whole files
// only, and counts the files that are left out: those that do not fit, that are
// no text, or in which a secret stands.
func patchOf(m *Mended) (patch string, left int) {
	secret := map[string]bool{}
	for _, f := range m.Report.Findings {
		if f.Rule.Sensitive {
			secret[f.Range.File] = true
		}
	}
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(m.Files)) {
		before := m.Report.Files[path]
		if before == nil || secret[path] || !isText(before) {
			left++
			continue
		}
		diff := change.Unified("a/"+path, "b/"+path, before.Data, m.Files[path])
		if b.Len()+len(diff) > maxPatch || strings.ToValidUTF8(diff, "") != diff {
			left++
			continue
		}
		b.WriteString(diff)
	}
	return b.String(), left
}

func isText(f *source.File) bool { return !strings.Contains(string(f.Data), "\x00") }
