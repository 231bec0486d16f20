// Adds up reports of scans: node noise.mjs default.NAME.json strict.NAME.json …
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const byProfile = {};
for (const file of process.argv.slice(2)) {
  const profile = basename(file).split(".")[0];
  const report = JSON.parse(readFileSync(file));
  const sum = (byProfile[profile] ??= { resources: 0, findings: 0, fixed: 0, rules: {} });
  sum.resources += report.summary.resources_total;
  for (const f of report.findings) {
    sum.findings++;
    if (f.fix) sum.fixed++;
    const rule = (sum.rules[f.rule] ??= { severity: f.severity, findings: 0 });
    rule.findings++;
  }
}
const per100 = (n, sum) => ((100 * n) / sum.resources).toFixed(1);
for (const [profile, sum] of Object.entries(byProfile)) {
  console.log(`profile ${profile}: ${sum.findings} findings in ${sum.resources} resources, ${per100(sum.findings, sum)} for each 100; ${Math.round((100 * sum.fixed) / Math.max(1, sum.findings))}% with a proven fix`);
  const rules = Object.entries(sum.rules).sort((a, b) => b[1].findings - a[1].findings || a[0].localeCompare(b[0]));
  for (const [id, r] of rules.slice(0, 10)) console.log(`  ${per100(r.findings, sum).padStart(6)}  ${r.severity.padEnd(8)}  ${id} (${r.findings})`);
}
