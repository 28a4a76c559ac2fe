//! What the careful engineer looks at before it says anything, the same in every case: all boards, what users want against
//! the same hour of the day before, what fails, and what each kind of request costs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::assistant::hand::{Hand, Looked};
use crate::assistant::signs::{Sign, Signs};
use crate::session::Refusal;
use crate::session::command::Look;

/// Boards that it reads, from what comes to what is peculiar to caches.
pub(super) const READ: [&str; 7] = ["overview", "sdk", "kv_cache", "serving", "api", "network", "accelerator"];
/// What users want, by model and ten seconds of the first try.
const WANTED: &str = "select model, b, count(*) as n from (select model, cast(min(time_ms) / 10000 as int) as b from \
                      requests group by idempotency_key) group by 1, 2 order by 1, 2";
/// Unique requests by model of the hour that it was a day ago, as the hourly report has them.
const USUAL: &str = "sum by (model_name) (api:unique_requests:rate1h offset 23h)";
/// How requests failed in the last minutes.
const FAILED: &str = "select coalesce(error, '') as error, count(*) as n, count(distinct account) as accounts, \
                      count(distinct replica) as replicas, min(images) as fewest, max(images) as most, \
                      sum(status >= 500) as served from requests where status >= 400 and \
                      time_ms > (select max(time_ms) from requests) - 240000 group by 1 order by n desc";
/// What a request of each program is, long ago and lately.
const WORK: &str = "select client, model, sum(late = 0) as before, sum(late) as now, avg(case when late = 0 then prompt_tokens \
                    end) as prompt_before, avg(case when late then prompt_tokens end) as prompt_now, avg(case when late = 0 \
                    and status = 200 then output_tokens end) as output_before, avg(case when late and stream = 'complete' \
                    then output_tokens end) as output_now from (select client, model, prompt_tokens, output_tokens, status, \
                    stream, case when time_ms > (select max(time_ms) from requests) - 180000 then 1 when time_ms < \
                    (select min(time_ms) + 0.4 * (max(time_ms) - min(time_ms)) from requests) then 0 end as late from \
                    requests) where late is not null group by 1, 2";
/// What those who were there long ago and are there lately find in caches, and what is left to compute, each by itself.
const OWN: &str = "select sum(l.n) as n, sum(e.c * l.n) / sum(l.n) as found_before, sum(l.c * l.n) / sum(l.n) as found_now, \
                   sum(e.p * l.n) / sum(l.n) as computed_before, sum(l.p * l.n) / sum(l.n) as computed_now from \
                   (select account, client, model, count(*) as n, avg(cached_tokens * 1.0 / prompt_tokens) as c, \
                   avg(prompt_tokens - cached_tokens) as p from requests where status = 200 and time_ms < \
                   (select min(time_ms) + 0.4 * (max(time_ms) - min(time_ms)) from requests) group by 1, 2, 3) e join \
                   (select account, client, model, count(*) as n, avg(cached_tokens * 1.0 / prompt_tokens) as c, \
                   avg(prompt_tokens - cached_tokens) as p from requests where status = 200 and time_ms > \
                   (select max(time_ms) from requests) - 180000 group by 1, 2, 3) l \
                   on l.account = e.account and l.client = e.client and l.model = e.model";
/// So many times ten seconds make a step of [`Wants`].
const STEP: i64 = 3;
/// Fewer requests of a kind say nothing of it.
const ENOUGH: f64 = 50.0;

/// All of it, each with the number to cite it by.
pub(super) struct Seen {
    /// The boards.
    pub signs: Signs,
    /// What users want, against what they usually do.
    pub wants: Wants,
    /// How requests failed, the commonest way first.
    pub failed: Looked,
    /// What a request of each program is.
    pub work: Looked,
    /// What everybody's own requests find in caches.
    pub own: Looked,
    /// Autoscalers.
    pub scalers: Looked,
    /// Changes of the last hour.
    pub changes: Looked,
    /// Share of users in pain, in per cent.
    pub pain: (f64, u32),
}

/// What users want now.
pub(super) struct Wants {
    /// The look at first tries.
    pub first_tries: u32,
    /// The look at the hour before.
    pub usual: u32,
    /// The model of which so many times more is wanted than usually; at least once as much.
    pub risen: (String, f64),
    /// Whether the rise is a step at a mark of the clock.
    pub on_the_clock: bool,
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

/// Rows of an answer to SQL.
pub(super) fn rows(looked: &Looked) -> impl Iterator<Item = &Value> {
    looked.data["rows"].as_array().into_iter().flatten()
}

/// The pool of a pod, as in `pool` of `pool-3`.
pub(super) fn pool_of(pod: &str) -> Option<&str> {
    pod.rsplit_once('-').filter(|(_, place)| place.parse::<u32>().is_ok()).map(|(pool, _)| pool)
}

/// Lines of a panel that speak of a pool's pods.
pub(super) fn pods<'a>(signs: &'a Signs, panel: &'a str, pool: &'a str) -> impl Iterator<Item = &'a Sign> {
    signs.of(panel).filter(move |sign| pool_of(&sign.legend) == Some(pool))
}

/// Pools of replicas.
pub(super) fn pools(signs: &Signs) -> Vec<&str> {
    let mut pools: Vec<&str> = signs.of("running").filter_map(|sign| pool_of(&sign.legend)).collect();
    pools.sort_unstable();
    pools.dedup();
    pools
}

/// The one replica of a pool at which people wait, while its neighbours have hardly a line.
pub(super) fn waited_for(signs: &Signs) -> Option<&Sign> {
    let found = pools(signs).into_iter().filter_map(|pool| {
        let mut lines: Vec<&Sign> = pods(signs, "waiting", pool).collect();
        lines.sort_by(|a, b| b.now.total_cmp(&a.now));
        let (most, next) = (lines.first()?, lines.get(1)?);
        (3 <= lines.len() && 10.0 <= most.now && next.now * 5.0 < most.now).then_some(*most)
    });
    found.max_by(|a, b| a.now.total_cmp(&b.now))
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Seen {
    /// Looks at all of it.
    pub(super) fn look(hand: &mut Hand<'_>) -> Result<Seen, Refusal> {
        let mut signs = Signs::default();
        for board in READ {
            let looked = hand.board(board)?;
            signs.read(looked.number, &looked.data);
        }
        let first_tries = hand.sql(WANTED)?;
        let failed = hand.sql(FAILED)?;
        let usual = hand.look(Look::Promql { query: USUAL.to_string(), window_s: None, step_s: None })?;
        let pain = hand.pain_now()?;
        let scalers = hand.look(Look::Fleet { line: "get hpa".to_string() })?;
        let changes = hand.look(Look::Changes { id: String::new(), hours: 1 })?;
        let work = hand.sql(WORK)?;
        let own = hand.sql(OWN)?;
        Ok(Seen { signs, wants: Wants::of(&first_tries, &usual), failed, work, own, scalers, changes, pain })
    }

    /// Whether somebody is worse off: late, refused, waiting or gone.
    pub(super) fn anybody_suffers(&self) -> bool {
        let came = self.signs.line("requests", "all").map_or(0.0, |sign| sign.now);
        let failing = self.signs.of("failures").any(|sign| sign.legend != "4xx" && 0.01 * came < sign.now);
        let waits = self.signs.of("waiting").any(|sign| 10.0 < sign.now);
        let gone = self.signs.of("replicas").any(|sign| sign.legend.ends_with(" ready") && sign.now < sign.before);
        5.0 < self.pain.0 || failing || waits || gone
    }

    /// How many times as long prompts and answers became, each where it grew most; only what many have in common counts.
    pub(super) fn longer(&self) -> (f64, f64) {
        let (mut prompts, mut answers) = (1.0_f64, 1.0_f64);
        for row in rows(&self.work).filter(|row| ENOUGH <= number(&row[2]) && ENOUGH <= number(&row[3])) {
            let times = |before: &Value, now: &Value| number(now) / number(before).max(1.0);
            prompts = prompts.max(times(&row[4], &row[5]));
            // More of other people's longer answers are no longer answers.
            if row[1].as_str() != Some(self.wants.risen.0.as_str()) || self.wants.risen.1 <= 1.0 {
                answers = answers.max(times(&row[6], &row[7]));
            }
        }
        (prompts, answers)
    }
}

/// First tries of a model, by ten seconds.
struct Tries {
    by: BTreeMap<i64, f64>,
    end: i64,
}

impl Tries {
    /// For each second, on average over some tens of seconds.
    fn rate(&self, from: i64, to: i64) -> f64 {
        let n: f64 = self.by.range(from..to).map(|(_, n)| n).sum();
        n / (10.0 * (to - from).max(1) as f64)
    }

    /// Rates in steps, oldest first, without the unfinished end.
    fn steps(&self) -> Vec<f64> {
        let first = self.by.keys().next().copied().unwrap_or(self.end);
        let mut steps: Vec<f64> = (1..)
            .map(|n| self.end - n * STEP)
            .take_while(|from| first < *from)
            .map(|from| self.rate(from, from + STEP))
            .collect();
        steps.reverse();
        steps
    }

    /// Whether it rose within seconds at a quarter of an hour by the clock: only a clock does that.
    fn on_the_clock(&self) -> bool {
        let first = self.by.keys().next().copied().unwrap_or(self.end);
        let calm = first + (self.end - first) * 2 / 5;
        let marks = (calm..self.end - 8).filter(|at| (at * 10).rem_euclid(900) == 0);
        marks.into_iter().any(|at| {
            let (before, after) = (self.rate(at - 6, at), self.rate(at + 6, (at + 12).min(self.end)));
            let rise = after - before;
            let chance = 3.0 * libm::sqrt(before / 60.0);
            (0.3 * before).max(chance) < rise && 0.7 * rise < self.rate(at + 1, at + 3) - before
        })
    }
}

impl Wants {
    fn of(first_tries: &Looked, usual: &Looked) -> Wants {
        let mut models: BTreeMap<String, Tries> = BTreeMap::new();
        let end = rows(first_tries).filter_map(|row| row[1].as_i64()).max().unwrap_or(0);
        for row in rows(first_tries) {
            let model = row[0].as_str().unwrap_or_default().to_string();
            let tries = models.entry(model).or_insert_with(|| Tries { by: BTreeMap::new(), end });
            tries.by.insert(row[1].as_i64().unwrap_or(0), number(&row[2]));
        }
        let usually = |model: &str| {
            let of_model = |sample: &&Value| sample["labels"]["model_name"].as_str() == Some(model);
            let samples = usual.data["vector"].as_array();
            samples.and_then(|all| all.iter().find(of_model)).map(|sample| number(&sample["value"]))
        };
        let mut wants = Wants {
            first_tries: first_tries.number,
            usual: usual.number,
            risen: (String::new(), 1.0),
            on_the_clock: false,
        };
        for (model, tries) in &models {
            let steps = tries.steps();
            let calm = middle(steps[steps.len() / 5..steps.len() * 3 / 5].to_vec());
            let mut late = steps[steps.len() * 3 / 5..].to_vec();
            late.sort_by(f64::total_cmp);
            // The second highest, since what is still under way is not counted yet, and one step may be chance.
            let Some(top) = late.len().checked_sub(2).map(|place| late[place]) else { continue };
            // What rises every day at this hour is nothing new.
            let known = usually(model).unwrap_or(0.0).max(calm);
            let chance = 3.0 * libm::sqrt(known / (10.0 * STEP as f64));
            let times = top / known.max(0.1);
            if known + chance < top && wants.risen.1 < times {
                wants.risen = (model.clone(), times);
                wants.on_the_clock = tries.on_the_clock();
            }
        }
        wants
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// First tries of a model over ten minutes up to five past an hour, by a rate for each ten seconds, and its usual rate.
    fn wants(rate: impl Fn(i64) -> f64, usual: f64) -> Wants {
        let hour = 1_772_496_000 / 10;
        let rows: Vec<Value> =
            (hour - 45..hour + 20).map(|at| json!(["m", at, 10.0 * rate((at - hour) * 10)])).collect();
        let looked = |data| Looked { number: 1, data, text: String::new() };
        let usual = json!({ "vector": [{ "labels": { "model_name": "m" }, "value": usual }] });
        Wants::of(&looked(json!({ "rows": rows })), &looked(usual))
    }

    #[test]
    fn what_rises_every_day_is_nothing_new() {
        let evening = |s: i64| 10.0 + (s + 450) as f64 / 20.0;
        assert_eq!(wants(evening, 45.0).risen.1, 1.0);
        let (model, times) = wants(evening, 10.0).risen;
        assert!(model == "m" && 1.5 < times, "{times}");
    }

    #[test]
    fn only_a_clock_makes_a_step_within_seconds_at_a_round_minute() {
        let step = wants(|s| if s < 0 { 10.0 } else { 30.0 }, 10.0);
        assert!(step.on_the_clock && (2.9..3.1).contains(&step.risen.1), "{:?}", step.risen);
        let ramp = wants(|s| 10.0 + 20.0 * (s.clamp(0, 60) as f64 / 60.0), 10.0);
        assert!(!ramp.on_the_clock && 2.5 < ramp.risen.1, "{:?}", ramp.risen);
        let late = wants(|s| if s < 40 { 10.0 } else { 30.0 }, 10.0);
        assert!(!late.on_the_clock, "{:?}", late.risen);
    }
}
