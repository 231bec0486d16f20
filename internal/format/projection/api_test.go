package projection

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	admissionv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// notInAPI are kinds that the API's Go types do not have any more, or have
// elsewhere.
var notInAPI = map[string]bool{
	"apiregistration.k8s.io/v1/APIService":        true, // of the aggregator
	"policy/v1beta1/PodSecurityPolicy":            true, // gone since 1.25
	"autoscaling/v2beta2/HorizontalPodAutoscaler": true, // gone since 1.26
}

// TestNamesAreTheAPIs holds the names and kinds of every projected setting
// against the types of the API itself.
func TestNamesAreTheAPIs(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, admissionv1beta1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme,
		batchv1.AddToScheme, batchv1beta1.AddToScheme, certificatesv1.AddToScheme, certificatesv1beta1.AddToScheme, corev1.AddToScheme,
		discoveryv1.AddToScheme, networkingv1.AddToScheme, networkingv1beta1.AddToScheme, nodev1.AddToScheme, policyv1.AddToScheme,
		policyv1beta1.AddToScheme, rbacv1.AddToScheme, schedulingv1.AddToScheme, storagev1.AddToScheme, storagev1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	wrong := map[string]bool{}
	checked := 0
	for from, k := range kubernetesSchema().kinds {
		if notInAPI[k.apiVersion+"/"+k.name] {
			continue
		}
		group, version := cutVersion(k.apiVersion)
		object, err := scheme.New(apischema.GroupVersionKind{Group: group, Version: version, Kind: k.name})
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "resource %q \"x\" {\n", from)
		k.of.source(&b, "  ", nil)
		b.WriteString("}\n")
		checked++
		fits(reflect.TypeOf(object), readTerraform(t, b.String())[0].Root, k.name, func(at, what string) { wrong[at+" "+what] = true })
	}
	var all []string
	for w := range wrong {
		all = append(all, w)
	}
	sort.Strings(all)
	for _, w := range all {
		t.Error(w)
	}
	if checked < 60 {
		t.Errorf("only %d kinds were checked", checked)
	}
}

// fits says where n has something that the type does not.
func fits(typ reflect.Type, n *resource.Node, at string, wrong func(at, what string)) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	marshals := reflect.PointerTo(typ).Implements(reflect.TypeFor[interface{ MarshalJSON() ([]byte, error) }]())
	switch n.Kind {
	case resource.Map:
		switch typ.Kind() {
		case reflect.Map:
		case reflect.Struct:
			names := jsonNames(typ)
			for _, f := range n.Fields {
				if names[f.Name] == nil {
					wrong(at+"."+f.Name, "is no setting")
					continue
				}
				fits(names[f.Name], f.Node, at+"."+f.Name, wrong)
			}
		default:
			wrong(at, "is no object")
		}
	case resource.List:
		if typ.Kind() != reflect.Slice {
			wrong(at, "is no list")
			return
		}
		for _, it := range n.Items {
			fits(typ.Elem(), it, at+"[]", wrong)
		}
	default:
		switch {
		case marshals:
		case typ.Kind() == reflect.Struct || typ.Kind() == reflect.Map:
			wrong(at, "is an object")
		case (typ.Kind() == reflect.Bool) != (n.Kind == resource.Bool):
			wrong(at, "is a boolean on one side alone")
		case (typ.Kind() == reflect.Int32 || typ.Kind() == reflect.Int64) != (n.Kind == resource.Int):
			wrong(at, "is a number on one side alone")
		}
	}
}

func jsonNames(typ reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" {
			out[name] = f.Type
			continue
		}
		if f.Anonymous || strings.Contains(f.Tag.Get("json"), "inline") {
			for k, v := range jsonNames(f.Type) {
				out[k] = v
			}
		}
	}
	return out
}
