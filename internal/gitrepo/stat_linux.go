package gitrepo

import (
	"io/fs"
	"syscall"
)

// lstat tells of a file itself, without following a link.
func lstat(name string) (mode fs.FileMode, st fileStat, size int64, err error) {
	var s syscall.Stat_t
	for {
		if err = syscall.Lstat(name, &s); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return 0, st, 0, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	switch s.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		mode = fs.FileMode(s.Mode & 0o777)
	case syscall.S_IFLNK:
		mode = fs.ModeSymlink
	case syscall.S_IFDIR:
		mode = fs.ModeDir
	default:
		mode = fs.ModeIrregular
	}
	return mode, fileStat{
		size:     uint32(s.Size),
		mtimeSec: uint32(s.Mtim.Sec), mtimeNsc: uint32(s.Mtim.Nsec),
		ctimeSec: uint32(s.Ctim.Sec), ctimeNsc: uint32(s.Ctim.Nsec),
		inode: uint32(s.Ino),
	}, s.Size, nil
}
