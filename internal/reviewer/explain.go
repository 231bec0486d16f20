package reviewer

import (
	"context"
	"io/fs"

	"github.com/plimsoll-iac/plimsoll/internal/config"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Explain gives every setting by which a tree would be judged as the base of a
// review, with where it came from. broken is set when the tree's configuration
// cannot be read at all.
func Explain(ctx context.Context, opt Options, judge fs.FS) (origins []config.Origin, ds source.Diagnostics, broken *source.Diagnostic, err error) {
	r, err := opt.prepare(ctx, judge)
	if err != nil {
		return nil, nil, nil, err
	}
	if r.report.Policy.ConfigError != nil {
		return nil, r.report.Diagnostics, r.report.Policy.ConfigError, nil
	}
	r.diags.Sort()
	return r.origins, r.diags, nil, nil
}
