//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine takes from this process what a reader does not need, for good: it
// cannot be undone, and threads to come inherit it. Without seccomp it fails.
// It gives the names of what holds.
func confine(memory uint64) ([]string, error) {
	for _, l := range [...]struct {
		what  int
		limit uint64
	}{
		{unix.RLIMIT_DATA, memory}, {unix.RLIMIT_NOFILE, 16}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_CPU, uint64(cpuLimit.Seconds())},
	} {
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.limit, Max: l.limit}); err != nil {
			return nil, fmt.Errorf("setrlimit: %w", err)
		}
	}
	if err := filterSystemCalls(); err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	held := []string{"memory limit", "seccomp"}
	if abi := landlock(); abi > 0 {
		held = append(held, fmt.Sprintf("landlock %d", abi))
	}
	return held, nil
}

// filterSystemCalls installs the seccomp filter on every thread.
func filterSystemCalls() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	code := program()
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(code)
	switch {
	case errno != 0:
		return errno
	case thread != 0:
		return fmt.Errorf("thread %d cannot be filtered", thread)
	}
	return nil
}

// Offsets into struct seccomp_data.
const (
	atNumber   = 0
	atArch     = 4
	atFirstArg = 16 // its low half, on a little-endian machine
)

// program gives the filter: system calls of another architecture end the
// process, those that are denied fail with EPERM, all others work. A list of
// what is denied, not of what is allowed: what the runtime of Go calls differs
// from release to release and from kernel to kernel.
func program() []unix.SockFilter {
	const (
		load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		same = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		has  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		from = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		ret  = unix.BPF_RET | unix.BPF_K
	)
	deny := func(errno syscall.Errno) unix.SockFilter {
		return unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	}
	code := []unix.SockFilter{
		{Code: load, K: atArch},
		{Code: same, K: auditArch, Jt: 1},
		{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: atNumber},
		// Numbers of the x32 ABI; no other architecture has any this high.
		{Code: from, K: 0x40000000, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS},
		// A glibc or a runtime that finds no clone3 takes clone, whose flags
		// can be looked at.
		{Code: same, K: unix.SYS_CLONE3, Jf: 1},
		deny(unix.ENOSYS),
	}
	for _, list := range [2][]uint32{deniedCalls, deniedHere} {
		for _, nr := range list {
			code = append(code, unix.SockFilter{Code: same, K: nr, Jf: 1}, deny(unix.EPERM))
		}
	}
	return append(code,
		// Threads are the runtime's; a process of its own is none of a reader's.
		unix.SockFilter{Code: same, K: unix.SYS_CLONE, Jf: 3},
		unix.SockFilter{Code: load, K: atFirstArg},
		unix.SockFilter{Code: has, K: unix.CLONE_THREAD, Jt: 1},
		deny(unix.EPERM),
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	)
}

// deniedCalls are those that reach out of the process on every architecture.
var deniedCalls = []uint32{
	// network
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
	// programs and other processes
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP,
	unix.SYS_KILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE,
	// files
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2,
	unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE,
	unix.SYS_UTIMENSAT, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_READLINKAT, unix.SYS_CHDIR, unix.SYS_FCHDIR,
	unix.SYS_MEMFD_CREATE, unix.SYS_INOTIFY_INIT1, unix.SYS_FANOTIFY_INIT, unix.SYS_SWAPON, unix.SYS_QUOTACTL, unix.SYS_ACCT,
	// the kernel
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN,
	unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
	unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_SYSLOG,
	// namespaces and mounts
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE,
	unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_FSCONFIG,
	// its own limits, and memory and queues shared with others
	unix.SYS_PRLIMIT64, unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
	unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETRESUID, unix.SYS_SETGROUPS, unix.SYS_CAPSET, unix.SYS_PERSONALITY,
}

// Rights of landlock by the version that brought them; a ruleset that handles
// them and grants none takes them all.
const (
	landlockFiles1 = 1<<13 - 1 // version 1
	landlockRefer  = 1 << 13   // version 2
	landlockCut    = 1 << 14   // version 3
	landlockIoctl  = 1 << 15   // version 5
	landlockTCP    = 1<<2 - 1  // version 4: bind, connect
	landlockScopes = 1<<2 - 1  // version 6: abstract sockets, signals
)

// landlock takes every right to files, and of newer kernels to TCP, from all
// threads, as a second wall behind seccomp. It gives the version that the kernel
// has, 0 where it has none or it cannot be set up.
func landlock() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || abi < 1 {
		return 0
	}
	attr := struct{ files, net, scoped uint64 }{files: landlockFiles1}
	size := uintptr(8)
	if abi >= 2 {
		attr.files |= landlockRefer
	}
	if abi >= 3 {
		attr.files |= landlockCut
	}
	if abi >= 4 {
		attr.net, size = landlockTCP, 16
	}
	if abi >= 5 {
		attr.files |= landlockIoctl
	}
	if abi >= 6 {
		attr.scoped, size = landlockScopes, 24
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return 0
	}
	defer unix.Close(int(fd))
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return 0
	}
	return int(abi)
}

// apart keeps the terminal's signals from the child: its parent ends it.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// outOfTime reports whether the system ended a process for its processor time.
func outOfTime(state *os.ProcessState) bool {
	if state == nil {
		return false
	}
	ws, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return false
	}
	used := state.UserTime() + state.SystemTime()
	return ws.Signal() == syscall.SIGXCPU || ws.Signal() == syscall.SIGKILL && used >= cpuLimit
}
