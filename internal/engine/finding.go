// Package engine evaluates rules on changed resources and says which findings
// are new, which were there before, which are fixed and which are suppressed.
// It is pure: no I/O, no network, and the date is an argument.
package engine

import (
	"slices"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// State says how a finding relates to the change.
type State string

// The states, as the JSON report spells them.
const (
	New        State = "new"        // the head has it, the base has not
	Existing   State = "existing"   // both have it
	Fixed      State = "fixed"      // the base has it, the head has not
	Suppressed State = "suppressed" // the head has it and somebody answers for it
)

// Finding is one violation of one rule by one resource.
type Finding struct {
	Rule     *rule.Rule
	Check    int           // index of the check of Rule that found it
	Severity rule.Severity // the rule's, unless configuration changed it
	State    State
	// Resource is the one judged: the head's, or for a fixed finding the base's.
	Resource *resource.Resource
	// Item is the path to what `each` selected, Path to the setting that is
	// wrong or missing; Path may lead to a node that does not exist.
	Item, Path resource.Path
	// Range is where a person would edit. For a missing setting it is the name
	// or header of the nearest parent that exists.
	Range   source.Range
	Origins []source.Range
	// Cause is the changed resource that brought the finding about where it is
	// not Resource itself, which did not change. Range then stands there, and
	// the first of Origins at Resource. OnBase says that Range is in the base's
	// file, since Cause was removed.
	Cause  *resource.Resource
	OnBase bool
	// Gone is where the setting stood in the base, for a new finding about one
	// that the head lost; zero otherwise. GoneFrom is where it came from there,
	// nearest first: the argument of a module's call.
	Gone     source.Range
	GoneFrom []source.Range
	// Turned are the settings, of Cause where there is one, else of Resource, whose
	// change made a new finding where what it is about did not change, or is larger
	// than what did.
	Turned []Turning
	// Message is one sentence in plain text without a full stop, rule and
	// place not repeated. Names of code in it stand in backquotes.
	Message string
	// FixSpec has the operations of the check's fix for this item, nil for none;
	// Write is text that shows what to write, "" for none, and Language what it
	// is written in, as a fence names it.
	FixSpec         *rule.FixSpec
	Write, Language string
	// Fingerprint is the same across pushes, line shifts and reordering:
	// 32 hexadecimal digits over rule, resource.Known and stable path; and where
	// a thing that is read through several units has the setting in another
	// folder than its own (an overlay's patch), over that folder.
	Fingerprint string
	// Through names the units that have the finding at this one place, where
	// several do: overlays by their folder, environments of a chart or module
	// by their file. Sorted; empty where there is one.
	Through     []string
	Suppression *Suppression // set when State is Suppressed
	// Twins are the findings that this one stands for beside its own, by which a
	// fix finds what decides them: of other instances of the block, and through
	// other units, in the same state. MoreTwins says that there are too many to
	// be kept.
	Twins     []Finding
	MoreTwins bool
	// inner is Path within the document that the item stands in, "" for none: a
	// policy that several resources take from one place is mended there.
	inner string
	// Pending is an inline suppression of the head that is not counted yet: it
	// does once merged. State says what counts now.
	Pending *Suppression
}

// Suppression says who answers for a finding that is not reported.
type Suppression struct {
	By      string // "inline" or "config"
	Tool    string // that an inline one was written for: checkov, trivy …; "" for our own
	Reason  string // never empty
	Expires string // YYYY-MM-DD, "" for never
	Range   source.Range
	// here says that it answers for the place of the finding, and so for every
	// unit that reads it; not so one at a setting that one environment has.
	here bool
}

// NotEvaluated is a check that could not be decided.
type NotEvaluated struct {
	Rule     *rule.Rule
	Resource *resource.Resource
	Path     resource.Path
	Range    source.Range
	Why      string // what the answer depends on, in a few words
	inner    string // as in Finding
}

// Result is what the engine found.
type Result struct {
	Changes  []change.ResourceChange
	Findings []Finding // gravest first, then by file, line, rule
	// Unknown lists the checks that could not be decided on the head's side.
	Unknown     []NotEvaluated
	Diagnostics source.Diagnostics
}

// maxTwins bounds what is kept of the findings that one stands for.
const maxTwins = 32

// standFor has f stand for another finding too.
func (f *Finding) standFor(other Finding) {
	if other.State != f.State || f.MoreTwins {
		return
	}
	all := append([]Finding{other}, other.Twins...)
	f.MoreTwins = other.MoreTwins || len(f.Twins)+len(all) > maxTwins
	if f.MoreTwins {
		f.Twins = nil
		return
	}
	for i := range all {
		all[i].Twins = nil
	}
	f.Twins = append(slices.Clip(f.Twins), all...)
}
