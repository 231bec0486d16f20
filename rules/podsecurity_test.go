package rules_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// controlsOfCheck says which controls the checks of a rule stand for where they
// do not all stand for all controls that the rule names.
var controlsOfCheck = map[string][][]string{
	"k8s/run-as-root": {
		{"restricted/runAsUser", "restricted/runAsNonRoot"},
		{"restricted/runAsUser"},
		{"restricted/runAsUser", "restricted/runAsNonRoot"},
		{"restricted/runAsUser"},
		{"restricted/runAsNonRoot"},
	},
	"k8s/unsafe-pod-default": {
		{"restricted/runAsNonRoot"},
		{"restricted/runAsUser"},
		{"baseline/seccompProfile", "restricted/seccompProfile"},
		{"baseline/appArmorProfile"},
		{"baseline/windowsHostProcess"},
	},
}

// controlOf names a control of Kubernetes as rules do: by level and name.
func controlOf(c policy.Check) string {
	id := strings.TrimSuffix(strings.TrimSuffix(string(c.ID), "_baseline"), "_restricted")
	return string(c.Level) + "/" + id
}

// changedSince explains why an older version of a control may refuse what the
// latest, which the rules follow, allows: the older one knows less.
func changedSince(control string, v api.Version, pod *corev1.Pod) bool {
	windows := pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows
	ownUsers := pod.Spec.HostUsers != nil && !*pod.Spec.HostUsers
	switch control {
	case "restricted/allowPrivilegeEscalation", "restricted/capabilities", "restricted/seccompProfile":
		return windows && v.Older(api.MajorMinorVersion(1, 25))
	case "restricted/runAsNonRoot", "restricted/runAsUser", "baseline/procMount":
		return ownUsers && v.Older(api.MajorMinorVersion(1, 35))
	case "baseline/seLinuxOptions":
		return v.Older(api.MajorMinorVersion(1, 31)) // container_engine_t
	case "baseline/sysctls":
		return v.Older(api.MajorMinorVersion(1, 37))
	}
	return false
}

// TestPodSecurityStandards holds the rules against Kubernetes' own admission:
// each control of each level gives the same verdict on every pod.
func TestPodSecurityStandards(t *testing.T) {
	byControl := map[string]int{}
	var active []rule.Active
	for _, r := range load(t) {
		if len(r.Compliance["pss"]) > 0 {
			active = append(active, rule.Active{Rule: r, Severity: r.Severity})
		}
		for _, c := range r.Compliance["pss"] {
			byControl[c]++
		}
		if parts := controlsOfCheck[r.ID]; parts != nil {
			all := slices.Concat(parts...)
			slices.Sort(all)
			want := slices.Sorted(slices.Values(r.Compliance["pss"]))
			if all = slices.Compact(all); !slices.Equal(all, want) {
				t.Errorf("%s stands for %v, its checks for %v", r.ID, want, all)
			}
		}
	}
	checks := map[string]policy.Check{}
	for _, c := range policy.DefaultChecks() {
		checks[controlOf(c)] = c
		if byControl[controlOf(c)] == 0 {
			t.Errorf("no rule stands for %s", controlOf(c))
		}
	}
	for c := range byControl {
		if _, ok := checks[c]; !ok {
			t.Errorf("a rule stands for %s, which is no control", c)
		}
	}

	pods := handMadePods()
	random := rand.New(rand.NewPCG(4, 2026))
	for range 6_000 {
		pods = append(pods, randomPod(random))
	}
	for i := range pods {
		pods[i].TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		pods[i].Name = fmt.Sprintf("pod-%d", i)
	}
	ours := refusals(t, active, pods)

	latest := api.MajorMinorVersion(1, 37)
	refused, allowed := map[string]int{}, map[string]int{}
	wrong := 0
	for _, v := range []api.Version{latest, api.MajorMinorVersion(1, 34), api.MajorMinorVersion(1, 30), api.MajorMinorVersion(1, 24)} {
		for _, name := range slices.Sorted(maps.Keys(checks)) {
			at := versionAt(checks[name], v)
			if at == nil {
				continue // the version does not have the control
			}
			for i := range pods {
				theirs := !at(&pods[i].ObjectMeta, &pods[i].Spec).Allowed
				our := ours[i][name]
				if v == latest {
					if theirs {
						refused[name]++
					} else {
						allowed[name]++
					}
				}
				if theirs == our || theirs && changedSince(name, v, &pods[i]) {
					continue
				}
				if wrong++; wrong <= 10 {
					text, _ := json.Marshal(pods[i])
					t.Errorf("%s at %s: Kubernetes refuses %v, the rules %v:\n%s", name, v.String(), theirs, our, text)
				}
			}
		}
	}
	if wrong > 10 {
		t.Errorf("and %d more", wrong-10)
	}
	for name := range checks {
		if refused[name] < 50 || allowed[name] < 50 {
			t.Errorf("%s is hardly tried: %d pods refused, %d allowed", name, refused[name], allowed[name])
		}
	}
}

// versionAt gives the form of a control that a version of Kubernetes has.
func versionAt(c policy.Check, v api.Version) policy.CheckPodFn {
	var at policy.CheckPodFn
	for _, vc := range c.Versions {
		if !v.Older(vc.MinimumVersion) {
			at = vc.CheckPod
		}
	}
	return at
}

// refusals evaluates the rules for each pod and gives the controls that it breaks.
func refusals(t *testing.T, active []rule.Active, pods []corev1.Pod) []map[string]bool {
	t.Helper()
	files := fstest.MapFS{}
	u := format.Unit{ID: "kubernetes:.", Format: kubernetes.Name, Dir: ".", FS: files, MaxFileSize: format.DefaultMaxFileSize}
	for from := 0; from < len(pods); from += 200 {
		var b strings.Builder
		for _, p := range pods[from:min(from+200, len(pods))] {
			text, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString("---\n")
			b.Write(text)
			b.WriteString("\n")
		}
		name := fmt.Sprintf("pods-%03d.yaml", from/200)
		files[name] = &fstest.MapFile{Data: []byte(b.String())}
		u.Files = append(u.Files, name)
	}
	resources, ds := kubernetes.New().Read(t.Context(), u)
	for _, d := range ds {
		t.Error(d)
	}
	if len(resources) != len(pods) {
		t.Fatalf("%d of %d pods were read", len(resources), len(pods))
	}
	res := engine.Evaluate(t.Context(), engine.Options{Rules: active, Today: time.Unix(0, 0)}, change.Pair(nil, resources))
	if len(res.Unknown) > 0 {
		t.Errorf("%d checks were not decided, the first %s: %s", len(res.Unknown), res.Unknown[0].Rule.ID, res.Unknown[0].Why)
	}
	out := make([]map[string]bool, len(pods))
	index := map[string]int{}
	for i, p := range pods {
		out[i] = map[string]bool{}
		index[p.Name] = i
	}
	for _, f := range res.Findings {
		controls := f.Rule.Compliance["pss"]
		if parts := controlsOfCheck[f.Rule.ID]; parts != nil {
			controls = parts[f.Check]
		}
		for _, c := range controls {
			out[index[f.Resource.Name]][c] = true
		}
	}
	return out
}

// maybe gives nil, or one of the values.
func maybe[T any](r *rand.Rand, share float64, values ...T) *T {
	if r.Float64() >= share {
		return nil
	}
	v := values[r.IntN(len(values))]
	return &v
}

// randomPod makes a pod that the API server takes, as far as the controls see
// it: pods of Windows have no settings of Linux.
func randomPod(r *rand.Rand) corev1.Pod {
	var p corev1.Pod
	windows := r.IntN(10) == 0
	switch {
	case windows:
		p.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
	case r.IntN(4) == 0:
		p.Spec.OS = &corev1.PodOS{Name: corev1.Linux}
	}
	if !windows {
		p.Spec.HostNetwork, p.Spec.HostPID, p.Spec.HostIPC = r.IntN(12) == 0, r.IntN(12) == 0, r.IntN(12) == 0
		p.Spec.HostUsers = maybe(r, 0.25, true, false)
	}
	p.Spec.SecurityContext = randomPodContext(r, windows)
	for range 1 + r.IntN(2) {
		p.Spec.Containers = append(p.Spec.Containers, randomContainer(r, windows, len(p.Spec.Containers)))
	}
	for range r.IntN(3) / 2 {
		c := randomContainer(r, windows, 10)
		c.RestartPolicy = maybe(r, 0.5, corev1.ContainerRestartPolicyAlways)
		p.Spec.InitContainers = append(p.Spec.InitContainers, c)
	}
	for range r.IntN(4) / 3 {
		c := randomContainer(r, windows, 20)
		p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext},
		})
	}
	for range r.IntN(3) {
		p.Spec.Volumes = append(p.Spec.Volumes, randomVolume(r, len(p.Spec.Volumes)))
	}
	if !windows && r.IntN(6) == 0 {
		p.Annotations = map[string]string{}
		for _, c := range p.Spec.Containers {
			if v := maybe(r, 0.7, "runtime/default", "localhost/shop", "unconfined", ""); v != nil {
				p.Annotations["container.apparmor.security.beta.kubernetes.io/"+c.Name] = *v
			}
		}
	}
	return p
}

func randomPodContext(r *rand.Rand, windows bool) *corev1.PodSecurityContext {
	if r.IntN(4) == 0 {
		return nil
	}
	sc := &corev1.PodSecurityContext{RunAsNonRoot: maybe(r, 0.6, true, true, false)}
	if windows {
		if hp := maybe(r, 0.4, true, false); hp != nil {
			sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: hp}
		}
		return sc
	}
	sc.RunAsUser = maybe[int64](r, 0.4, 0, 1000, 10001)
	sc.SeccompProfile = randomSeccomp(r)
	sc.AppArmorProfile = randomAppArmor(r)
	sc.SELinuxOptions = randomSELinux(r)
	if hp := maybe(r, 0.1, true, false); hp != nil {
		sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: hp}
	}
	for range r.IntN(4) / 2 {
		names := []string{
			"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
			"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
			"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
			"net.ipv4.tcp_wmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat", "kernel.msgmax", "net.core.somaxconn", "vm.max_map_count",
		}
		sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: names[r.IntN(len(names))], Value: "1"})
	}
	return sc
}

func randomSeccomp(r *rand.Rand) *corev1.SeccompProfile {
	t := maybe(r, 0.5, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeUnconfined)
	if t == nil {
		return nil
	}
	return &corev1.SeccompProfile{Type: *t}
}

func randomAppArmor(r *rand.Rand) *corev1.AppArmorProfile {
	t := maybe(r, 0.3, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeLocalhost, corev1.AppArmorProfileTypeUnconfined)
	if t == nil {
		return nil
	}
	return &corev1.AppArmorProfile{Type: *t}
}

func randomSELinux(r *rand.Rand) *corev1.SELinuxOptions {
	t := maybe(r, 0.2, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t")
	if t == nil {
		return nil
	}
	o := &corev1.SELinuxOptions{Type: *t, Level: "s0:c1,c2"}
	if r.IntN(5) == 0 {
		o.User = "system_u"
	}
	if r.IntN(5) == 0 {
		o.Role = "system_r"
	}
	return o
}

func randomContainer(r *rand.Rand, windows bool, n int) corev1.Container {
	c := corev1.Container{Name: fmt.Sprintf("c%d", n), Image: "registry.example.com/shop/api:1.4.2"}
	for range r.IntN(4) / 2 {
		p := corev1.ContainerPort{ContainerPort: 8080}
		if h := maybe[int32](r, 0.4, 8080, 0); h != nil {
			p.HostPort = *h
		}
		c.Ports = append(c.Ports, p)
	}
	host := func() string { return []string{"", "", "", "", "169.254.169.254"}[r.IntN(5)] }
	handler := func() corev1.ProbeHandler {
		switch r.IntN(4) {
		case 0:
			return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: host(), Path: "/"}}
		case 1:
			return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: host()}}
		}
		return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}
	}
	if r.IntN(4) == 0 {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: handler()}
	}
	if r.IntN(4) == 0 {
		c.ReadinessProbe = &corev1.Probe{ProbeHandler: handler()}
	}
	if r.IntN(6) == 0 {
		c.StartupProbe = &corev1.Probe{ProbeHandler: handler()}
	}
	if r.IntN(6) == 0 {
		pre, post := handler(), handler()
		c.Lifecycle = &corev1.Lifecycle{
			PreStop:   &corev1.LifecycleHandler{HTTPGet: pre.HTTPGet, TCPSocket: pre.TCPSocket, Exec: pre.Exec},
			PostStart: &corev1.LifecycleHandler{HTTPGet: post.HTTPGet, TCPSocket: post.TCPSocket, Exec: post.Exec},
		}
	}
	if r.IntN(5) == 0 {
		return c
	}
	sc := &corev1.SecurityContext{RunAsNonRoot: maybe(r, 0.5, true, true, false)}
	c.SecurityContext = sc
	if hp := maybe(r, 0.1, true, false); hp != nil {
		sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: hp}
	}
	if windows {
		return c
	}
	sc.RunAsUser = maybe[int64](r, 0.4, 0, 1000, 10001)
	sc.Privileged = maybe(r, 0.2, true, false, false)
	sc.AllowPrivilegeEscalation = maybe(r, 0.7, false, false, false, true)
	sc.ProcMount = maybe(r, 0.2, corev1.DefaultProcMount, corev1.UnmaskedProcMount)
	sc.SeccompProfile = randomSeccomp(r)
	sc.AppArmorProfile = randomAppArmor(r)
	sc.SELinuxOptions = randomSELinux(r)
	if r.IntN(3) > 0 {
		caps := &corev1.Capabilities{}
		if d := maybe[corev1.Capability](r, 0.8, "ALL", "ALL", "ALL", "all", "NET_RAW", "CAP_ALL"); d != nil {
			caps.Drop = append(caps.Drop, *d)
		}
		for range r.IntN(3) {
			add := []corev1.Capability{
				"NET_BIND_SERVICE", "NET_BIND_SERVICE", "CHOWN", "SETUID", "MKNOD", "SYS_CHROOT", "IPC_LOCK", "SYS_NICE", "SYS_ADMIN", "NET_RAW",
				"net_admin", "CAP_SYS_PTRACE", "CAP_NET_BIND_SERVICE", "ALL", "BPF", "chown",
			}
			caps.Add = append(caps.Add, add[r.IntN(len(add))])
		}
		sc.Capabilities = caps
	}
	return c
}

func randomVolume(r *rand.Rand, n int) corev1.Volume {
	v := corev1.Volume{Name: fmt.Sprintf("v%d", n)}
	switch r.IntN(14) {
	case 0:
		v.HostPath = &corev1.HostPathVolumeSource{Path: []string{"/var/log", "/", "/run/containerd/containerd.sock"}[r.IntN(3)]}
	case 1:
		v.NFS = &corev1.NFSVolumeSource{Server: "nfs.example.com", Path: "/"}
	case 2:
		v.GitRepo = &corev1.GitRepoVolumeSource{Repository: "https://git.example.com/shop"}
	case 3:
		v.AWSElasticBlockStore = &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "vol-1"}
	case 4:
		v.CSI = &corev1.CSIVolumeSource{Driver: "secrets-store.csi.k8s.io"}
	case 5:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	case 6:
		v.Secret = &corev1.SecretVolumeSource{SecretName: "api"}
	case 7:
		v.Projected = &corev1.ProjectedVolumeSource{}
	case 8:
		v.Ephemeral = &corev1.EphemeralVolumeSource{}
	case 9:
		v.Image = &corev1.ImageVolumeSource{Reference: "registry.example.com/shop/data:1"}
	case 10:
		v.DownwardAPI = &corev1.DownwardAPIVolumeSource{}
	case 11:
		v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
	default:
		v.ConfigMap = &corev1.ConfigMapVolumeSource{}
	}
	return v
}

// handMadePods are the cases that people get wrong.
func handMadePods() []corev1.Pod {
	yes, no, root, user := true, false, int64(0), int64(10001)
	unconfined := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	runtimeDefault := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	restricted := &corev1.SecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, AllowPrivilegeEscalation: &no, SeccompProfile: runtimeDefault,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	app := func(sc *corev1.SecurityContext) []corev1.Container {
		return []corev1.Container{{Name: "app", Image: "registry.example.com/shop/api:1.4.2", SecurityContext: sc}}
	}
	ephemeral := func(sc *corev1.SecurityContext) []corev1.EphemeralContainer {
		return []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "registry.example.com/tools:3.1", SecurityContext: sc}}}
	}
	specs := []corev1.PodSpec{
		{Containers: app(nil)},
		{Containers: app(restricted)},
		{Containers: app(restricted), EphemeralContainers: ephemeral(nil)},
		{Containers: app(restricted), InitContainers: app(nil)},
		{Containers: app(restricted), SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &no, RunAsUser: &root, SeccompProfile: unconfined}},
		{Containers: app(restricted), SecurityContext: &corev1.PodSecurityContext{RunAsUser: &root}, EphemeralContainers: ephemeral(restricted)},
		{Containers: app(&corev1.SecurityContext{RunAsUser: &root}), SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes}},
		{Containers: app(&corev1.SecurityContext{RunAsNonRoot: &no}), SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes}},
		{Containers: app(&corev1.SecurityContext{RunAsUser: &root}), HostUsers: &no},
		{Containers: app(nil), OS: &corev1.PodOS{Name: corev1.Windows}},
		{Containers: app(&corev1.SecurityContext{RunAsNonRoot: &yes}), OS: &corev1.PodOS{Name: corev1.Windows}},
		{Containers: app(nil), SecurityContext: &corev1.PodSecurityContext{SeccompProfile: runtimeDefault, RunAsNonRoot: &yes}},
		{Containers: app(&corev1.SecurityContext{SeccompProfile: unconfined}), SecurityContext: &corev1.PodSecurityContext{SeccompProfile: runtimeDefault}},
	}
	pods := make([]corev1.Pod, len(specs))
	for i, s := range specs {
		pods[i].Spec = s
	}
	return pods
}
