package project

import (
	"io/fs"
	"path"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
)

// Chart gives the unit of the chart in a folder of the tree, with its own values
// alone: for what names a chart and brings values of its own. ok is false where
// the folder holds no chart or the filter leaves it out.
func Chart(fsys fs.FS, set Settings, keep Filter, dir string) (u format.Unit, ok bool) {
	s := (&finder{opt: New(Options{}).(*finder).opt, set: set}).side(fsys, keep, true)
	if !fs.ValidPath(dir) || !s.isChart(dir) || !s.kept(path.Join(dir, chartFile)) {
		return format.Unit{}, false
	}
	s.set.HelmValues = nil
	s.chartUnits(dir)
	own := s.units[helm.Name+":"+dir]
	if own == nil {
		return format.Unit{}, false
	}
	return *own, true
}
