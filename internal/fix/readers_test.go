package fix_test

import (
	"github.com/plimsoll-iac/plimsoll/internal/format"
)

func dockerReader() format.Reader    { return nil }
func terraformReader() format.Reader { return nil }
