package rule

import (
	"testing"
	"time"
)

func TestSupportEnded(t *testing.T) {
	for _, c := range []struct{ product, version, want string }{
		{"eks", "1.27", "on 2025-07-24"}, {"eks", "1.31", "on 2026-11-26"}, {"eks", "1.32", ""}, {"eks", "1.9", "before 2024-10-11"},
		{"eks", "1.30.4", "on 2026-07-23"}, {"eks", "", ""}, {"eks", "latest", ""}, {"eks", "2.0", ""}, {"eks", "1", ""},
		{"elasticache-redis", "5.0.6", "on 2026-01-31"}, {"elasticache-redis", "6.x", ""}, {"elasticache-redis", "1.0", "before 2023-01-13"},
		{"elasticache-redis", "7.1", ""}, {"mq-rabbitmq", "3.13", ""}, {"mq-rabbitmq", "3.8.6", "before 2024-09-16"},
		{"gke", "1.30.5-gke.1014001", "on 2025-09-30"}, {"gke", "1.32", ""}, {"gke-extended", "1.30", ""}, {"gke-extended", "1.28", "before 2026-01-25"},
		{"aks", "1.33.2", "on 2026-07-31"}, {"aks", "1.34", ""}, {"aks", "1.26", "before 2024-07-31"}, {"aks-lts", "1.30", "on 2026-07-31"}, {"aks-lts", "1.31", ""},
		{"rds-mysql", "8.0.36", "on 2026-07-31"}, {"rds-mysql", "8.4", ""}, {"rds-mysql", "8", ""}, {"rds-mysql", "5.6.51", "before 2024-02-29"},
		{"rds-postgres", "9.6.22", "before 2024-02-29"}, {"rds-postgres", "13", "on 2026-02-28"}, {"rds-postgres", "14.9", ""},
		{"rds-aurora-mysql", "5.7.mysql_aurora.2.11.2", "on 2024-10-31"}, {"rds-aurora-mysql", "8.0.mysql_aurora.3.05.2", ""},
		{"rds-aurora-postgresql", "12.9", "on 2025-02-28"},
		{"mq-activemq", "5.17.6", "on 2025-06-16"}, {"mq-activemq", "5.18", ""},
	} {
		if got, ok := supportEnded(c.product, c.version); got != c.want || !ok {
			t.Errorf("%s %q: %q, %v; want %q", c.product, c.version, got, ok, c.want)
		}
	}
	if _, ok := supportEnded("abacus", "1.0"); ok {
		t.Error("a product without a calendar has one")
	}
}

// TestSupportCalendars holds that nothing is foretold and that the oldest
// version stands first.
func TestSupportCalendars(t *testing.T) {
	for product, calendar := range supportCalendars {
		for i, e := range calendar {
			if _, err := time.Parse(time.DateOnly, e.on); err != nil || e.on > supportAsOf {
				t.Errorf("%s %d.%d ended on %q", product, e.major, e.minor, e.on)
			}
			if i > 0 && (e.on < calendar[i-1].on || e.major*1000+e.minor <= calendar[i-1].major*1000+calendar[i-1].minor) {
				t.Errorf("%s: %d.%d is out of order", product, e.major, e.minor)
			}
		}
	}
}
