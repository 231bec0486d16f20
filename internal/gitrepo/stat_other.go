//go:build !linux

package gitrepo

import (
	"io/fs"
	"os"
)

// lstat tells of a file itself, without following a link. Inode and time of
// change are left 0, which does not count.
func lstat(name string) (mode fs.FileMode, st fileStat, size int64, err error) {
	info, err := os.Lstat(name)
	if err != nil {
		return 0, st, 0, err
	}
	mode = info.Mode()
	if !mode.IsRegular() && mode&(fs.ModeSymlink|fs.ModeDir) == 0 {
		mode = fs.ModeIrregular
	}
	return mode, fileStat{
		size:     uint32(info.Size()),
		mtimeSec: uint32(info.ModTime().Unix()), mtimeNsc: uint32(info.ModTime().Nanosecond()),
	}, info.Size(), nil
}
