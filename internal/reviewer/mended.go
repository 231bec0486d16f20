package reviewer

import (
	"context"
	"fmt"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/review"
)

// Mend reviews as Review does, and applies every proven fix of a new finding.
// Nothing is written: the files that change are given.
func Mend(ctx context.Context, opt Options, trees Trees) (*review.Mended, error) {
	s, err := NewReview(ctx, opt, trees)
	if err != nil {
		return nil, err
	}
	out := &review.Mended{Report: s.Report}
	if s.eval == nil {
		return out, nil
	}
	var fixable []engine.Finding
	for _, f := range s.Report.Findings {
		if f.State == engine.New && f.Fix != nil {
			fixable = append(fixable, f.Finding)
		}
	}
	if len(fixable) == 0 {
		return out, nil
	}
	files, applied, err := fix.ApplyAll(ctx, s.eval, fixable, s.eval.file)
	if err != nil {
		return nil, fmt.Errorf("apply fixes: %w", err)
	}
	cleared := map[string]bool{}
	for _, fingerprint := range applied {
		cleared[fingerprint] = true
	}
	for _, f := range s.Report.Findings {
		if f.State == engine.New && cleared[f.Fingerprint] {
			out.Cleared = append(out.Cleared, f)
		}
	}
	out.Files = files
	out.Report.Files = s.eval.loaded(out.Report)
	return out, nil
}
