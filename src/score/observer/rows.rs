//! What rows of requests say by bucket: alone, by dimension, in pairs, and joined with who sent them.
//!
//! Members of a dimension count by their numbers, never by their names.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::score::observer::grid::Grid;
use crate::score::observer::reading::PageAt;
use crate::sim::client::Outcome;
use crate::sim::workload::Tier;
use crate::sim::world::recording::AttemptRow;
use crate::telemetry::panels::Unit;
use crate::telemetry::rows::error;
use crate::telemetry::watch::Watch;

/// Numbers are added up in an order that does not depend on how a table is laid out.
fn in_order<K: Ord + Copy, V>(map: &FxHashMap<K, V>) -> BTreeMap<K, &V> {
    map.iter().map(|(key, value)| (*key, value)).collect()
}

/// A feature of rows.
#[derive(Clone, Copy, Debug)]
pub struct RowSpec {
    /// Its name.
    pub name: &'static str,
    /// In plain words.
    pub title: &'static str,
    /// Columns of `requests` that have to be read to know it.
    pub columns: &'static [&'static str],
    /// Columns of `accounts`.
    pub accounts: &'static [&'static str],
}

impl RowSpec {
    /// What its numbers measure.
    pub fn unit(&self) -> Unit {
        match self.name {
            "tries" | "unique" => Unit::PerSecond,
            "ttft" | "longest_gap" | "queue" | "auth" | "auth_most" | "decoding" | "upstream" | "total" => {
                Unit::Milliseconds
            }
            "prompt_tokens" | "prompt_tokens_most" | "output_tokens" | "computed_each" => Unit::Tokens,
            "cached" | "cached_hbm" | "cached_host" | "cached_remote" | "cached_by_version" | "cached_by_template"
            | "young_failing" => Unit::Share,
            _ if self.title.starts_with("Share") => Unit::Share,
            _ => Unit::Count,
        }
    }

    /// A statement that shows it.
    pub fn question(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| format!("r.{c}")).collect();
        let joined: Vec<String> = self.accounts.iter().map(|c| format!("a.{c}")).collect();
        let all: Vec<String> = columns.into_iter().chain(joined).collect();
        let join = if self.accounts.is_empty() { "" } else { " JOIN accounts a ON a.account = r.account" };
        format!("SELECT r.time_ms / 60000 AS minute, count(*), {} FROM requests r{join} GROUP BY 1", all.join(", "))
    }
}

const fn row(name: &'static str, title: &'static str, columns: &'static [&'static str]) -> RowSpec {
    RowSpec { name, title, columns, accounts: &[] }
}

const fn joined(name: &'static str, title: &'static str, accounts: &'static [&'static str]) -> RowSpec {
    RowSpec { name, title, columns: &["account"], accounts }
}

/// All features of rows.
pub const LIST: &[RowSpec] = &[
    row("tries", "Requests per second, retries included", &["time_ms"]),
    row("unique", "Unique requests per second", &["idempotency_key"]),
    row("tries_each", "Tries per unique request", &["idempotency_key"]),
    row("retried", "Share of requests that a client's library sends again", &["retry_count"]),
    row("restarted", "Share of requests of turns begun anew", &["turn_restart"]),
    row("failed", "Share of requests that fail", &["status"]),
    row("closed", "Share of requests closed by their clients", &["status"]),
    row("limited", "Share of requests refused by a limit", &["status"]),
    row("server_errors", "Share of requests that end in a server's error", &["status"]),
    row("client_errors", "Share of requests that are refused as wrong", &["status"]),
    row("cut", "Share of streams cut by the server", &["stream"]),
    row("prompt_tokens", "Tokens of a prompt", &["prompt_tokens"]),
    row("prompt_tokens_most", "Tokens of the longest prompts", &["prompt_tokens"]),
    row("cached", "Share of prompt tokens found in a cache", &["prompt_tokens", "cached_tokens"]),
    row("cached_hbm", "Share of prompt tokens found in accelerator memory", &["prompt_tokens", "cached_hbm_tokens"]),
    row("cached_host", "Share of prompt tokens found in host memory", &["prompt_tokens", "cached_host_tokens"]),
    row("cached_remote", "Share of prompt tokens found in the shared tier", &["prompt_tokens", "cached_remote_tokens"]),
    row("computed_each", "Prompt tokens computed for a request", &["prompt_tokens", "cached_tokens"]),
    row("output_tokens", "Tokens of an answer", &["output_tokens"]),
    row("images", "Images of a request", &["images"]),
    row("images_most", "Most images of one request", &["images"]),
    row("ttft", "Time to first token", &["ttft_ms"]),
    row("longest_gap", "Longest time between two tokens", &["longest_gap_ms"]),
    row("queue", "Time until a gateway worker takes a request up", &["queue_ms"]),
    row("auth", "Time until it is known who asks", &["auth_ms"]),
    row("auth_most", "The slowest answers to who asks", &["auth_ms"]),
    row("decoding", "Time to decode images", &["images_ms"]),
    row("upstream", "Time at replicas", &["upstream_ms"]),
    row("total", "Time of a request in all", &["total_ms"]),
    row("calls", "Calls of replicas for a request", &["calls"]),
    row("by_account", "Share of requests by the busiest account", &["account"]),
    row("accounts", "Accounts that ask", &["account"]),
    row("tier_paid", "Share of requests by paying accounts", &["tier"]),
    row("tier_free", "Share of requests by free accounts", &["tier"]),
    row("tier_batch", "Share of requests by batch work", &["tier"]),
    row("by_client", "Share of requests by the busiest client program", &["client"]),
    row("by_version", "Share of requests by the newest client release", &["client_version"]),
    row("by_template", "Share of requests by the commonest template", &["template"]),
    row("templates", "Templates that are asked", &["template"]),
    row("by_model", "Share of requests for the model asked most", &["model"]),
    row("by_gateway", "Share of requests by the busiest gateway", &["gateway"]),
    row("by_replica", "Share of requests by the busiest replica", &["replica"]),
    row("failing_by_account", "Failures by account: the worst against all", &["account", "status"]),
    row("failing_by_tier", "Failures by tier: the worst against all", &["tier", "status"]),
    row("failing_by_version", "Failures by client release: the worst against all", &["client_version", "status"]),
    row("failing_by_client", "Failures by client: the worst against all", &["client", "status"]),
    row("failing_by_model", "Failures by model: the worst against all", &["model", "status"]),
    row("failing_by_template", "Failures by template: the worst against all", &["template", "status"]),
    row("failing_by_gateway", "Failures by gateway: the worst against all", &["gateway", "status"]),
    row("failing_by_replica", "Failures by replica: the worst against all", &["replica", "status"]),
    row("failing_by_images", "Failures by number of images: the worst against all", &["images", "status"]),
    row(
        "cached_by_version",
        "Tokens found in a cache by client release: the worst",
        &["client_version", "cached_tokens"],
    ),
    row("cached_by_template", "Tokens found in a cache for known templates", &["template", "cached_tokens"]),
    row("slow_by_replica", "Time to first token by replica: the slowest against all", &["replica", "ttft_ms"]),
    row("slow_by_gateway", "Time by gateway: the slowest against all", &["gateway", "total_ms"]),
    joined("young", "Share of requests by accounts younger than 30 days", &["age_days"]),
    joined("same_day", "Share of requests by accounts made on one day", &["age_days"]),
    joined("devices", "Accounts per device", &["device"]),
    joined("young_failing", "Failures of accounts younger than 30 days", &["age_days"]),
];

/// What a gateway gives as the reason is a feature for each of its words: `error:WORD`.
const ERROR: RowSpec = row("error", "Why requests fail, in the gateway's words", &["error"]);

/// The feature of a name.
pub fn spec(name: &str) -> Option<&'static RowSpec> {
    if name.starts_with("error:") {
        return Some(&ERROR);
    }
    LIST.iter().find(|spec| spec.name == name)
}

/// What is gathered of one bucket.
#[derive(Default)]
struct Sums {
    rows: f64,
    intents: FxHashSet<u64>,
    shares: FxHashMap<&'static str, f64>,
    means: FxHashMap<&'static str, (f64, f64)>,
    most: FxHashMap<&'static str, f64>,
    groups: FxHashMap<&'static str, FxHashMap<u64, [f64; 4]>>,
    devices: FxHashMap<u64, FxHashSet<u32>>,
    failed: f64,
}

impl Sums {
    fn share(&mut self, name: &'static str, holds: bool) {
        *self.shares.entry(name).or_default() += f64::from(u8::from(holds));
    }

    fn mean(&mut self, name: &'static str, value: f64) {
        let entry = self.means.entry(name).or_default();
        entry.0 += value;
        entry.1 += 1.0;
    }

    fn most(&mut self, name: &'static str, value: f64) {
        let entry = self.most.entry(name).or_default();
        *entry = entry.max(value);
    }

    /// A member of a dimension: rows, failures, and a value with its count.
    fn group(&mut self, name: &'static str, member: u64, failed: bool, value: Option<f64>) {
        let entry = self.groups.entry(name).or_default().entry(member).or_default();
        entry[0] += 1.0;
        entry[1] += f64::from(u8::from(failed));
        if let Some(value) = value {
            entry[2] += value;
            entry[3] += 1.0;
        }
    }
}

/// Everything that rows say, by name and bucket; NaN where there is nothing to say.
pub fn read(watch: &Watch, grid: &Grid, page: PageAt) -> BTreeMap<String, Vec<f32>> {
    let mut sums: Vec<Sums> = (0..grid.len()).map(|_| Sums::default()).collect();
    let mut accounts: FxHashMap<u32, Option<(f64, u64)>> = FxHashMap::default();
    for attempt in watch.world.recording().attempts() {
        if let Some(bucket) = page.bucket(grid, attempt.arrived) {
            let who = attempt.account.0;
            let account = *accounts.entry(who).or_insert_with(|| {
                let account = crate::telemetry::rows::account(&watch.scene, who as usize)?;
                Some((account.created_days_before.max(0.0), account.device))
            });
            take(&mut sums[bucket], attempt, account);
        }
    }
    let mut out: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for (bucket, sum) in sums.into_iter().enumerate() {
        // Before the world began nobody asked anything.
        if sum.rows <= 0.0 && grid.ends[bucket] <= 0 {
            continue;
        }
        let seconds = grid.width(bucket);
        for (name, value) in told(sum, seconds) {
            let values = out.entry(name).or_insert_with(|| vec![f32::NAN; grid.len()]);
            values[bucket] = value as f32;
        }
    }
    out
}

/// Takes in a row; of its account the days since it was made, and its device.
fn take(sums: &mut Sums, a: &AttemptRow, account: Option<(f64, u64)>) {
    let status = a.status();
    let failed = !(a.outcome == Outcome::Ok && status == 200);
    sums.rows += 1.0;
    sums.failed += f64::from(u8::from(failed));
    sums.intents.insert(a.intent);
    sums.share("retried", 0 < a.retry_count);
    sums.share("restarted", 0 < a.restarts);
    sums.share("failed", failed);
    sums.share("closed", status == 499);
    sums.share("limited", status == 429);
    sums.share("server_errors", 500 <= status);
    sums.share("client_errors", (400..499).contains(&status) && status != 429);
    sums.share("cut", a.outcome == Outcome::StreamCut && a.client_waited);
    sums.share("tier_paid", matches!(a.tier, Tier::Paid | Tier::Enterprise));
    sums.share("tier_free", a.tier == Tier::Free);
    sums.share("tier_batch", a.tier == Tier::Batch);
    sums.share("by_version", a.released);
    if let Some(word) = error(a) {
        sums.share(word, true);
    }
    let prompt = f64::from(a.prompt_tokens);
    let cached: f64 = a.cached_tokens.iter().map(|t| f64::from(*t)).sum();
    sums.mean("prompt_tokens", prompt);
    sums.most("prompt_tokens_most", prompt);
    sums.mean("output_tokens", f64::from(a.output_tokens));
    sums.mean("images", f64::from(a.images));
    sums.most("images_most", f64::from(a.images));
    sums.mean("calls", f64::from(a.calls));
    let ms = |from: Option<crate::sim::time::SimTime>, to: Option<crate::sim::time::SimTime>| {
        from.zip(to).map(|(from, to)| to.since(from.min(to)).as_secs_f64() * 1e3)
    };
    let ttft = ms(Some(a.arrived), a.first_token);
    let total = ms(Some(a.arrived), Some(a.ended));
    if let Some(t) = ttft {
        sums.mean("ttft", t);
        sums.mean("longest_gap", a.longest_gap.as_secs_f64() * 1e3);
    }
    for (name, span) in [
        ("queue", ms(Some(a.arrived), a.started)),
        ("auth", ms(a.parsed, a.authenticated)),
        ("upstream", ms(a.forwarded, Some(a.ended))),
        ("total", total),
    ] {
        if let Some(span) = span {
            sums.mean(name, span);
        }
    }
    if let Some(span) = ms(a.parsed, a.authenticated) {
        sums.most("auth_most", span);
    }
    if 0 < a.images
        && let Some(span) = ms(a.authenticated, a.forwarded)
    {
        sums.mean("decoding", span);
    }
    let admitted = a.replica.is_some() && 0 < a.prompt_tokens && (a.first_token.is_some() || 0.0 < cached);
    if admitted {
        for (name, tokens) in [
            ("cached", cached),
            ("cached_hbm", f64::from(a.cached_tokens[0])),
            ("cached_host", f64::from(a.cached_tokens[1])),
            ("cached_remote", f64::from(a.cached_tokens[2])),
        ] {
            sums.mean(name, tokens / prompt);
        }
        sums.mean("computed_each", prompt - cached);
    }
    let found = admitted.then_some(cached / prompt.max(1.0));
    let client = u64::from(a.client.0);
    sums.group("account", u64::from(a.account.0), failed, None);
    sums.group("tier", a.tier as u64, failed, None);
    sums.group("client", client, failed, None);
    sums.group("version", client * 2 + u64::from(a.released), failed, found);
    sums.group("template", u64::from(a.source.0) << 32 | u64::from(a.template), failed, found);
    sums.group("model", u64::from(a.model.0), failed, None);
    sums.group("gateway", u64::from(a.gateway.0), failed, total);
    sums.group("images", u64::from(a.images), failed, None);
    if let Some(replica) = a.replica {
        sums.group("replica", u64::from(replica.0), failed, ttft);
    }
    if let Some((age_days, device)) = account {
        let young = age_days < 30.0;
        sums.share("young", young);
        if young {
            sums.mean("young_failing", f64::from(u8::from(failed)));
        }
        sums.group("day", age_days as u64, failed, None);
        sums.devices.entry(device).or_default().insert(a.account.0);
    }
}

fn told(sum: Sums, seconds: f64) -> Vec<(String, f64)> {
    let mut out: Vec<(String, f64)> = Vec::new();
    let rows = sum.rows.max(1.0);
    let mut say = |name: &str, value: f64| out.push((name.to_string(), value));
    say("tries", sum.rows / seconds);
    say("unique", sum.intents.len() as f64 / seconds);
    if sum.rows <= 0.0 {
        return out;
    }
    say("tries_each", sum.rows / sum.intents.len().max(1) as f64);
    let known = |name: &str| LIST.iter().any(|spec| spec.name == name);
    for (name, count) in in_order(&sum.shares) {
        let name = if known(name) { name.to_string() } else { format!("error:{name}") };
        say(&name, count / rows);
    }
    for (name, (total, count)) in in_order(&sum.means) {
        say(name, total / count.max(1.0));
    }
    for (name, most) in in_order(&sum.most) {
        say(name, *most);
    }
    let overall = sum.failed / rows;
    for (name, members) in in_order(&sum.groups) {
        let members = in_order(members);
        let busiest = members.values().map(|m| m[0]).fold(0.0, f64::max) / rows;
        let enough = |m: &&&[f64; 4]| 20.0 <= m[0];
        let worst = members.values().filter(enough).map(|m| m[1] / m[0]).fold(overall, f64::max) - overall;
        let (values, count) = members.values().fold((0.0, 0.0), |(v, n), m| (v + m[2], n + m[3]));
        let mean = values / f64::max(count, 1.0);
        let each = || members.values().filter(|m| 10.0 <= m[3]).map(|m| m[2] / m[3]);
        match name {
            "day" => say("same_day", busiest),
            "account" => {
                say("by_account", busiest);
                say("accounts", members.len() as f64);
                say("failing_by_account", worst);
            }
            "template" => {
                say("by_template", busiest);
                say("templates", members.len() as f64);
                say("failing_by_template", worst);
                // Of equals the first by number.
                let common = members.values().rev().max_by(|a, b| a[0].total_cmp(&b[0]));
                if let Some(m) = common.filter(|m| 0.0 < m[3]) {
                    say("cached_by_template", m[2] / m[3]);
                }
            }
            "version" => {
                say("failing_by_version", worst);
                say("cached_by_version", each().fold(mean, f64::min));
            }
            "tier" | "images" => say(&format!("failing_by_{name}"), worst),
            other => {
                say(&format!("by_{other}"), busiest);
                say(&format!("failing_by_{other}"), worst);
            }
        }
        if ["replica", "gateway"].contains(&name) && 0.0 < mean {
            say(&format!("slow_by_{name}"), each().fold(mean, f64::max) / mean);
        }
    }
    if !sum.devices.is_empty() {
        let accounts: usize = sum.devices.values().map(FxHashSet::len).sum();
        say("devices", accounts as f64 / sum.devices.len() as f64);
    }
    out
}
