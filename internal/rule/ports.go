package rule

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// portOption is ports_include(ports, list): whether a port, range of ports or
// list of them, as clouds write it in their firewalls, includes one of a list.
func portOption() cel.EnvOption {
	return cel.Function("ports_include", cel.Overload("ports_include_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.IntType)}, cel.BoolType,
		cel.BinaryBinding(portsInclude)))
}

func portsInclude(ports, wanted ref.Val) ref.Val {
	list, ok := wanted.(traits.Lister)
	if !ok {
		return types.NewErr("no such overload: ports_include")
	}
	var want []int64
	for it := list.Iterator(); it.HasNext() == types.True; {
		if n, ok := it.Next().(types.Int); ok {
			want = append(want, int64(n))
		}
	}
	return anyString(func(s string) bool {
		lo, hi, ok := portRange(s)
		if !ok {
			return false
		}
		for _, n := range want {
			if lo <= n && n <= hi {
				return true
			}
		}
		return false
	}, func([]string, string) bool { return true })(asTexts(ports))
}

// asTexts makes strings of whole numbers, which a port may be written as.
func asTexts(v ref.Val) ref.Val {
	list, ok := asList(v).(traits.Lister)
	if !ok {
		return v
	}
	var out []ref.Val
	for it := list.Iterator(); it.HasNext() == types.True; {
		item := it.Next()
		if n, ok := item.(types.Int); ok {
			item = types.String(strconv.FormatInt(int64(n), 10))
		}
		out = append(out, item)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// portRange reads "22", "20-25" and "*".
func portRange(s string) (lo, hi int64, ok bool) {
	s = strings.TrimSpace(s)
	if s == "*" {
		return 0, 65535, true
	}
	first, last, isRange := strings.Cut(s, "-")
	lo, err := strconv.ParseInt(strings.TrimSpace(first), 10, 32)
	if err != nil {
		return 0, 0, false
	}
	if !isRange {
		return lo, lo, true
	}
	hi, err = strconv.ParseInt(strings.TrimSpace(last), 10, 32)
	return lo, hi, err == nil
}
