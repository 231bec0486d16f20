package fix

import (
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxDiffCells bounds the table of the line comparison; larger differences
// become one edit.
const maxDiffCells = 4 << 20

// lineEdits gives the whole-line edits that turn f into after, as few lines as
// possible.
func lineEdits(f *source.File, after []byte) []source.Edit {
	g := source.NewFile(f.Path, after)
	a, b := splitLines(f), splitLines(g)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	am, bm := a[head:len(a)-tail], b[head:len(b)-tail]
	var out []source.Edit
	emit := func(a0, a1, b0, b1 int) {
		if a0 == a1 && b0 == b1 {
			return
		}
		text := ""
		for _, s := range bm[b0:b1] {
			text += s
		}
		out = append(out, source.Edit{Range: f.Range(f.LineStart(head+a0+1), f.LineStart(head+a1+1)), New: text})
	}
	if (len(am)+1)*(len(bm)+1) > maxDiffCells {
		emit(0, len(am), 0, len(bm))
		return out
	}
	// common[i][j] is the length of the longest common run of am[i:] and bm[j:].
	width := len(bm) + 1
	common := make([]int32, (len(am)+1)*width)
	for i := len(am) - 1; i >= 0; i-- {
		for j := len(bm) - 1; j >= 0; j-- {
			if am[i] == bm[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(am) || j < len(bm) {
		i0, j0 := i, j
		for (i < len(am) || j < len(bm)) && !(i < len(am) && j < len(bm) && am[i] == bm[j]) {
			if j == len(bm) || i < len(am) && common[(i+1)*width+j] >= common[i*width+j+1] {
				i++
			} else {
				j++
			}
		}
		emit(i0, i, j0, j)
		for i < len(am) && j < len(bm) && am[i] == bm[j] {
			i++
			j++
		}
	}
	return out
}

// splitLines gives the lines with their endings.
func splitLines(f *source.File) []string {
	out := make([]string, f.Lines())
	for i := range out {
		out[i] = string(f.Data[f.LineStart(i+1):f.LineEnd(i+1)])
	}
	return out
}
