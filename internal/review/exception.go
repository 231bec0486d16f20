package review

import (
	"fmt"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxDirectiveReason bounds the reason of a suppression, in bytes.
const maxDirectiveReason = 200

// Exception is an inline suppression that somebody asked for.
type Exception struct {
	Report *Report
	// Rules are those of the findings that may be meant and that stand in the
	// head.
	Rules []string
	// Finding is the one that is meant; nil where none stands or it is not clear.
	Finding       *Finding
	Until, Reason string
	// Edit is proven to suppress it, in File; nil where no comment there can, or
	// where it is suppressed already.
	Edit *source.Edit
	File *source.File
}

// Directive is the comment that suppresses a rule: until may be "". The reason
// is made into one line that ends no comment.
func Directive(rule, until, reason string) string {
	day := ""
	if until != "" {
		day = " until=" + until
	}
	return "# plimsoll:ignore " + rule + day + " -- " + cut(cleanReason(reason), maxDirectiveReason)
}

func cleanReason(s string) string {
	s = strings.NewReplacer("*/", " ", "-->", " ", "plimsoll:", "plimsoll ").Replace(plainLine(s))
	return strings.Join(strings.Fields(s), " ")
}

// ReasonlessReply says that an exception needs its reason.
func ReasonlessReply() string {
	return "An exception needs its reason: `/plimsoll ignore RULE -- why it may stay`, with `until=YYYY-MM-DD` before the dashes where it is to end."
}

// NoDayReply says that what was given as the last day is none.
func NoDayReply(day string) string {
	return fmt.Sprintf("%s is no day; write `until=YYYY-MM-DD`, today or later.", code(cut(day, 60)))
}

// NotHereReply says where exceptions are asked for.
func NotHereReply() string {
	return "Say that as a reply to one of Plimsoll's comments at a line: the exception is for what it speaks of."
}

// ExceptionReply answers with the suggestion that adds the suppression, or says
// why there is none. first and last are the lines that the thread hangs on, in
// file; 0 where they are gone. ok says that there was an answer to what was
// asked.
func ExceptionReply(x *Exception, file string, first, last int) (body string, ok bool) {
	switch {
	case x.Report.Policy.ConfigError != nil:
		return fmt.Sprintf("Nothing can be said of exceptions: %s cannot be read.", code(x.Report.Policy.ConfigError.File)), false
	case x.Finding == nil && len(x.Rules) == 0:
		return "What this comment speaks of does not stand at the head any more, so there is nothing to except.", false
	case x.Finding == nil:
		return "Which rule? It speaks of " + ruleList(x.Rules) + ": `/plimsoll ignore RULE -- why it may stay`.", false
	case x.Edit == nil && x.Finding.Suppression != nil:
		return fmt.Sprintf("`%s` has an exception here already, at %s.", x.Finding.Rule.ID, code(lineOf(x.Finding.Suppression.Range))), true
	}
	id := x.Finding.Rule.ID
	when := "It counts once merged."
	if x.Report.Policy.SuppressNow {
		when = "It counts with the next push."
	}
	if x.Edit == nil {
		entry := fmt.Sprintf("suppress:\n  - rule: %s\n    paths: [%q]\n    reason: %q\n", id, x.Finding.Range.File, cut(cleanReason(x.Reason), maxDirectiveReason))
		if x.Until != "" {
			entry += "    expires: " + x.Until + "\n"
		}
		return fmt.Sprintf("A comment in %s cannot carry the exception for `%s`. In `.plimsoll.yml` it can; it counts once merged:\n\n%s", code(x.Finding.Range.File), id, fenced("yaml", entry)), true
	}
	if text, shown := suggestionOf(x, file, first, last); shown {
		return fmt.Sprintf("The exception for `%s`, with its reason. %s\n\n%s", id, when, fenced("suggestion", text)), true
	}
	text := strings.TrimSpace(x.Edit.New)
	return fmt.Sprintf("The exception for `%s`, to be put above %s. %s\n\n%s", id, code(lineOf(x.Finding.Range)), when, fenced(fenceOf(x.Finding.Range.File), text)), true
}

// suggestionOf gives what is to stand in place of the lines that the thread
// hangs on, where the edit lies within them.
func suggestionOf(x *Exception, file string, first, last int) (string, bool) {
	f := x.File
	if f.Path != file || first < 1 || last < first || last > f.Lines() || last-first+1 > maxSuggest {
		return "", false
	}
	from, to := f.LineStart(first), f.LineEnd(last)
	at := x.Edit.Range.Start.Byte
	if at < from || at > to {
		return "", false
	}
	text := string(f.Data[from:at]) + x.Edit.New + string(f.Data[at:to])
	return strings.ReplaceAll(text, "\r\n", "\n"), true
}

func ruleList(ids []string) string {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = "`" + id + "`"
	}
	return strings.Join(quoted, ", ")
}

func fenceOf(file string) string {
	switch path.Ext(file) {
	case ".yaml", ".yml":
		return "yaml"
	case ".tf":
		return "hcl"
	}
	return ""
}
