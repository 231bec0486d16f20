package rule

import "strings"

// SuggestID gives the id among ids that id was most likely meant for, or "": a
// small misspelling of it, or one of the same name in another area.
func SuggestID(id string, ids []string) string {
	// An id that was cut short is meant more often than one misspelt.
	for _, x := range ids {
		if id != "" && strings.HasPrefix(x, id+"-") {
			return x
		}
	}
	if s := closest(id, ids); s != "" {
		return s
	}
	_, name, ok := strings.Cut(id, "/")
	if !ok {
		name = id
	}
	best, cost := "", 1<<30
	for _, x := range ids {
		_, other, _ := strings.Cut(x, "/")
		d := distance(name, other)
		if name != "" && (strings.HasPrefix(other, name+"-") || strings.HasSuffix(other, "-"+name)) {
			d = 0
		}
		if d <= len(name)/4 && d < cost {
			best, cost = x, d
		}
	}
	return best
}

// closest gives the word that differs least, if it differs by a third at most.
func closest(word string, words []string) string {
	best, cost := "", 1<<30
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < cost && d <= max(1, min(len(word), len(w))/3) {
			best, cost = w, d
		}
	}
	return best
}

// maxWord bounds words that are compared; longer ones are nobody's misspelling.
const maxWord = 100

// distance is the number of bytes to insert, delete, replace or swap with a
// neighbour to come from a to b.
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return 1 << 20
	}
	var rows [3][maxWord + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, up, up2 := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := up[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(row[j-1]+1, up[j]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], up2[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
