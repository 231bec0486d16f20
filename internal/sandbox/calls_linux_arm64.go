package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// deniedHere are the other forms of denied calls that this architecture has.
var deniedHere = []uint32{unix.SYS_RENAMEAT, unix.SYS_SETRLIMIT, unix.SYS_KEXEC_FILE_LOAD}
