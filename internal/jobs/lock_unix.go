//go:build unix

package jobs

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of a file for as long as the process lives, or gives
// errLocked when another process has it.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
