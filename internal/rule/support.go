package rule

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// supportAsOf is the day on which the calendars below were read; a version is
// listed once its support had ended by then. What ends later is not foretold,
// so that the same code is judged the same way on every day.
const supportAsOf = "2026-11-26"

// supportCalendars say of a vendor's product when the support of a version
// ended, the oldest version first: what is older still ended before it. They are
// read, never written. Their sources:
//
//   - eks, end of extended support: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
//   - gke, end of standard support, and gke-extended, that of the Extended channel, for what had ended on 2026-04-10, since the rest
//     was foretold: https://cloud.google.com/kubernetes-engine/docs/release-schedule
//   - aks, and aks-lts for clusters with long-term support; a month without a day ends with its last:
//     https://learn.microsoft.com/en-us/azure/aks/supported-kubernetes-versions
//   - rds-mysql, end of standard support: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MySQL.Concepts.VersionMgmt.html
//   - rds-postgres: https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html
//   - rds-aurora-mysql, by the version of MySQL: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraMySQLReleaseNotes/AuroraMySQL.release-calendars.html
//   - rds-aurora-postgresql: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html
//   - elasticache-redis, end of standard support: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html
//   - mq-activemq: https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/activemq-version-management.html
//   - mq-rabbitmq: https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/rabbitmq-version-management.html
var supportCalendars = map[string][]supportEnd{
	"eks": {
		{1, 23, "2024-10-11"}, {1, 24, "2025-01-31"}, {1, 25, "2025-05-01"}, {1, 26, "2025-06-11"}, {1, 27, "2025-07-24"},
		{1, 28, "2025-11-26"}, {1, 29, "2026-03-23"}, {1, 30, "2026-07-23"}, {1, 31, "2026-11-26"},
	},
	"gke":          {{1, 29, "2025-04-12"}, {1, 30, "2025-09-30"}, {1, 31, "2026-01-16"}},
	"gke-extended": {{1, 29, "2026-01-25"}},
	"aks": {
		{1, 27, "2024-07-31"}, {1, 28, "2025-01-31"}, {1, 29, "2025-03-31"}, {1, 30, "2025-08-22"}, {1, 31, "2025-11-01"},
		{1, 32, "2026-03-31"}, {1, 33, "2026-07-31"},
	},
	"aks-lts":               {{1, 27, "2025-07-31"}, {1, 28, "2026-02-28"}, {1, 29, "2026-04-30"}, {1, 30, "2026-07-31"}},
	"rds-mysql":             {{5, 7, "2024-02-29"}, {8, 0, "2026-07-31"}},
	"rds-postgres":          {{11, every, "2024-02-29"}, {12, every, "2025-02-28"}, {13, every, "2026-02-28"}},
	"rds-aurora-mysql":      {{5, 6, "2023-02-28"}, {5, 7, "2024-10-31"}},
	"rds-aurora-postgresql": {{11, every, "2024-02-29"}, {12, every, "2025-02-28"}, {13, every, "2026-02-28"}},
	"elasticache-redis":     {{2, every, "2023-01-13"}, {3, every, "2023-07-31"}, {4, every, "2026-01-31"}, {5, every, "2026-01-31"}},
	"mq-activemq":           {{5, 15, "2024-09-16"}, {5, 16, "2024-11-15"}, {5, 17, "2025-06-16"}},
	"mq-rabbitmq":           {{3, 9, "2024-09-16"}, {3, 10, "2024-10-15"}, {3, 11, "2025-02-17"}, {3, 12, "2025-03-17"}},
}

// every stands for all minor versions.
const every = -1

// supportEnd is the day on which the support of a version ended.
type supportEnd struct {
	major, minor int
	on           string
}

// supportEnded says when the support of a version of a product ended: "on" or
// "before" a day, "" where it has not or where the version cannot be read.
func supportEnded(product, version string) (string, bool) {
	calendar, ok := supportCalendars[product]
	if !ok {
		return "", false
	}
	major, minor, ok := majorMinor(version)
	if !ok {
		return "", true
	}
	first := calendar[0]
	for _, e := range calendar {
		if major == e.major && (minor == e.minor || e.minor == every) {
			return "on " + e.on, true
		}
	}
	if major < first.major || major == first.major && minor != every && first.minor != every && minor < first.minor {
		return "before " + first.on, true
	}
	return "", true
}

// majorMinor reads the first two numbers of a version: "v1.27.3-eks.1", "5.0.6",
// "6.x", "7".
func majorMinor(version string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	major, err := strconv.Atoi(first)
	if err != nil || major < 0 {
		return 0, 0, false
	}
	second, _, _ := strings.Cut(rest, ".")
	if minor, err = strconv.Atoi(second); err != nil {
		minor = every
	}
	return major, minor, true
}

// supportOptions is the function that asks the calendars.
func supportOptions() cel.EnvOption {
	return cel.Function("support_ended", cel.Overload("support_ended_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.StringType,
		cel.BinaryBinding(func(product, version ref.Val) ref.Val {
			p, isText := product.(types.String)
			v, ok := version.(types.String)
			if !isText || !ok {
				return types.NewErr("no such overload: support_ended")
			}
			ended, known := supportEnded(string(p), string(v))
			if !known {
				return types.NewErr("support_ended knows no product %q", string(p))
			}
			return types.String(ended)
		})))
}
