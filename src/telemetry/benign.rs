//! Changes of an ordinary day, as templates: around the stack and never in it. `{version}` and `{before}` are filled in.

use crate::scenario::history::ChangeKind::{self, Config, Cron, Data, Deploy, Flag, Infra};

/// What such a change looks like.
pub(super) struct Template {
    pub kind: ChangeKind,
    pub service: &'static str,
    pub title: &'static str,
    pub diff: &'static str,
}

const fn of(kind: ChangeKind, service: &'static str, title: &'static str, diff: &'static str) -> Template {
    Template { kind, service, title, diff }
}

/// Who makes them.
pub(super) const AUTHORS: [&str; 14] = [
    "a.ruiz",
    "b.oduya",
    "c.lindqvist",
    "d.haddad",
    "e.novak",
    "f.marchetti",
    "g.tanaka",
    "h.okafor",
    "i.petrov",
    "j.alvarez",
    "k.nyberg",
    "l.chowdhury",
    "deploy-bot",
    "renovate-bot",
];

/// What they are.
pub(super) const BENIGN: [Template; 34] = [
    of(
        Deploy,
        "billing",
        "billing 5.{version}.0: rounding of partial months",
        "-billing:5.{before}.0\n+billing:5.{version}.0",
    ),
    of(
        Deploy,
        "billing",
        "billing 5.{version}.1: invoice footer for Norway",
        "-billing:5.{version}.0\n+billing:5.{version}.1",
    ),
    of(
        Deploy,
        "usage-export",
        "usage-export 2.{version}: Parquet instead of CSV",
        "-usage-export:2.{before}\n+usage-export:2.{version}",
    ),
    of(
        Deploy,
        "console-web",
        "console-web {version}: keyboard focus in the key list",
        "-console-web:{before}\n+console-web:{version}",
    ),
    of(
        Deploy,
        "console-web",
        "console-web {version}: translated error pages",
        "-console-web:{before}\n+console-web:{version}",
    ),
    of(Deploy, "docs-site", "docs-site: page on streaming rewritten", "docs/streaming.md | 61 +++++++++++-----------"),
    of(Deploy, "docs-site", "docs-site: dependency update", "package-lock.json | 14 +++++++-------"),
    of(
        Deploy,
        "status-page",
        "status-page 1.{version}: shorter subscription mail",
        "-status-page:1.{before}\n+status-page:1.{version}",
    ),
    of(
        Deploy,
        "evals-runner",
        "evals-runner 0.{version}: new maths suite",
        "-evals-runner:0.{before}\n+evals-runner:0.{version}",
    ),
    of(
        Deploy,
        "support-desk",
        "support-desk 3.{version}: macro for refunds",
        "-support-desk:3.{before}\n+support-desk:3.{version}",
    ),
    of(
        Deploy,
        "abuse-review",
        "abuse-review 1.{version}: queue sorted by age",
        "-abuse-review:1.{before}\n+abuse-review:1.{version}",
    ),
    of(
        Deploy,
        "warehouse-loader",
        "warehouse-loader {version}: retry on 429 of the store",
        "-warehouse-loader:{before}\n+warehouse-loader:{version}",
    ),
    of(Flag, "console-web", "flag new_usage_chart: 10% to 50%", "-new_usage_chart: 10%\n+new_usage_chart: 50%"),
    of(Flag, "console-web", "flag org_switcher_v2: on for staff", "-org_switcher_v2: off\n+org_switcher_v2: staff"),
    of(Flag, "support-desk", "flag suggested_replies: off", "-suggested_replies: 25%\n+suggested_replies: off"),
    of(Flag, "billing", "flag tax_ids_eu: on", "-tax_ids_eu: 50%\n+tax_ids_eu: 100%"),
    of(
        Config,
        "grafana",
        "dashboards: panel titles of the cell overview",
        "dashboards/cell-overview.json | 8 ++++----",
    ),
    of(Config, "grafana", "dashboards: thresholds of the disk panels", "dashboards/nodes.json | 6 +++---"),
    of(Config, "logging", "retention of debug logs 7d to 5d", "-debug: 7d\n+debug: 5d"),
    of(Config, "logging", "drop health-check lines before storage", "+ - drop: path == \"/healthz\""),
    of(Config, "oncall", "rota: swap of two weekends", "rota/serving.yaml | 4 ++--"),
    of(Config, "oncall", "escalation: new phone number", "contacts.yaml | 2 +-"),
    of(Config, "ci", "runners: image {version}", "-runner-image: {before}\n+runner-image: {version}"),
    of(Config, "bastion", "access: two people to the read-only group", "groups/ro.yaml | 2 ++"),
    of(Data, "warehouse", "table usage_daily: column region added", "+ region STRING"),
    of(Data, "evals", "evaluation set long-context-{version} published", "+ sets/long-context-{version}"),
    of(Data, "catalogue", "price list {version} for April", "-prices/{before}.json\n+prices/{version}.json"),
    of(Cron, "warehouse", "nightly vacuum of usage tables", "vacuum usage_*"),
    of(Cron, "backups", "incremental backup of the account store", "pg_backup --incremental"),
    of(Cron, "billing", "dunning run", "billing dunning --dry-run=false"),
    of(Infra, "office-vpn", "certificate of the office VPN renewed", "-notAfter: 30d\n+notAfter: 365d"),
    of(Infra, "staging", "staging cell: three nodes drained for firmware", "drain staging-node-[3-5]"),
    of(Infra, "build-cache", "disks of the build cache grown to 2 TB", "-size: 1Ti\n+size: 2Ti"),
    of(Infra, "staging", "staging cell: kernel {version}", "-kernel: 6.12.{before}\n+kernel: 6.12.{version}"),
];
