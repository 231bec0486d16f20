package review

import (
	"fmt"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// maxThrough bounds how many units a finding names.
const maxThrough = 5

// through says which units have the finding, each name written by code: "also
// through `overlays/prod` and `overlays/staging`"; "" where there is one.
func through(f Finding, code func(string) string) string {
	n := len(f.Through)
	if n == 0 {
		return ""
	}
	var names []string
	for _, s := range f.Through[:min(n, maxThrough)] {
		names = append(names, code(s))
	}
	if n > maxThrough {
		names = append(names, fmt.Sprintf("%d more", n-maxThrough))
	}
	last := len(names) - 1
	if last == 0 {
		return "also through " + names[0]
	}
	return "also through " + strings.Join(names[:last], ", ") + " and " + names[last]
}

// alsoThrough is through with a comma in front, to stand behind a name.
func alsoThrough(f Finding, code func(string) string) string {
	if s := through(f, code); s != "" {
		return ", " + s
	}
	return ""
}

func asIs(s string) string { return s }

// comes says what the origins of a finding are: where the value comes from, or
// what takes the thing in that it stands in.
func comes(f Finding) string {
	if f.Resource.Source != (resource.Identity{}) {
		return "it comes in by"
	}
	return "the value comes from"
}

// reaches says the same of a comment that stands at an origin.
func reaches(f Finding) string {
	if f.Resource.Source != (resource.Identity{}) {
		return "comes in"
	}
	return "takes its value from"
}
