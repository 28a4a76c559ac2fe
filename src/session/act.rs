//! Operator actions in a session: what an order would touch, how long it takes, whether it can be taken back. Never what
//! would come of it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::scenario::apply;
use crate::scenario::file::ScenarioFile;
use crate::session::clock::ClockKind;
use crate::session::play::{Ordered, Session};
use crate::session::prices;
use crate::sim::spec::action::Action;
use crate::sim::time::SimDuration;
use crate::sim::world::survey::PoolState;
use crate::telemetry::calendar::span;
use crate::telemetry::fleet::FleetVerb;
use crate::telemetry::watch::Watch;

/// What is known of an action before it is ordered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// As it was written.
    pub action: String,
    /// What it touches.
    pub scope: String,
    /// Seconds to its first effect.
    pub delay_s: f64,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// What has to be typed again before it is done, where it cannot be taken back.
    pub confirm: Option<String>,
}

/// Reads an action, written as `NAME[:TARGET][=VALUE]` or in kubectl's words, and asks whether it fits the stack. Names
/// of changes are those of the change log.
///
/// # Errors
/// What is wrong with it, and the nearest name.
pub fn read(file: &ScenarioFile, text: &str, watch: &mut Watch) -> Result<Action, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let in_kubectls_words = 1 < words.len() && words.first().is_some_and(|word| FleetVerb::begins(word));
    let known = |watch: &Watch, change: &str| {
        watch.fault_of(change).ok_or_else(|| {
            let ids: Vec<&str> = watch.changes.until(watch.now_s()).map(|c| c.id.as_str()).collect();
            let hint = crate::scenario::check::did_you_mean(change, ids);
            format!(
                "no change in the log is called \"{change}\"{hint}; `changes 24h` lists them, as in rollback:CHG-20417"
            )
        })
    };
    if in_kubectls_words {
        let verb = FleetVerb::parse(&words).map_err(|e| e.to_string())?;
        let FleetVerb::Order(order) = verb else {
            return Err(format!("{text} asks for something, and orders nothing"));
        };
        let action = watch.with_fleet(|fleet| fleet.to_action(&order)).map_err(|e| e.to_string())?;
        return match action {
            Action::Rollback { change } => Ok(Action::Rollback { change: known(watch, &change)? }),
            other => Ok(other),
        };
    }
    let said = |e: crate::sim::spec::SpecError| {
        let hint = e.suggestion.map_or(String::new(), |s| format!("; did you mean \"{s}\"?"));
        format!("{}{hint}", e.message)
    };
    let mut action = apply::parse(text).map_err(said)?;
    if let Action::Rollback { change } = &mut action {
        *change = known(watch, change)?;
        return Ok(action);
    }
    match file.order_mistakes(SimDuration::ZERO, &action, text).into_iter().next() {
        Some(mistake) => Err(said(mistake)),
        None => Ok(action),
    }
}

/// What an action touches.
pub fn scope(action: &Action) -> String {
    match action {
        Action::Scale { pool, replicas } => format!("pool {pool}: {replicas} replicas"),
        Action::Drain { pool, replica } => format!("replica {pool}-{replica}"),
        Action::Restart { pool, replica: Some(replica) } => format!("replica {pool}-{replica}"),
        Action::Restart { pool, replica: None } => format!("every replica of {pool}, in turn"),
        Action::RestartGateways => "every gateway, in turn".to_string(),
        Action::FlushCache | Action::WarmCache | Action::RestoreCacheMembers => "the shared cache tier".to_string(),
        Action::Shed { share } => format!("{:.0} % of all requests", share * 100.0),
        Action::RateLimit { tier: Some(tier), .. } => format!("accounts of tier {tier:?}").to_lowercase(),
        Action::RateLimit { tier: None, .. } => "all accounts".to_string(),
        Action::RateLimitAccount { account, .. } | Action::BlockAccount { account } => format!("account {account}"),
        Action::BlockCohort { cohort } => format!("accounts of {cohort}"),
        Action::Rollback { .. } => "what the change touched".to_string(),
        Action::FlagOff { flag } => format!("whatever asks for the flag {flag}"),
        Action::FreezeRollouts => "rollouts under way".to_string(),
        Action::Router { pool, .. } => format!("every request to {pool}"),
        Action::UpstreamTimeout { .. } | Action::RetryBudget { .. } => "every gateway".to_string(),
        Action::ShiftTraffic { share } => format!("{:.0} % of traffic, as names expire", share * 100.0),
        Action::PauseBatch => "batch work".to_string(),
        Action::TakeBatchNodes { nodes } => format!("{nodes} machines lent to batch work, and that work"),
        Action::FeatureOff { feature } => format!("everybody who uses {feature}"),
        Action::PauseAutoscaler => "every autoscaler".to_string(),
        Action::RenewCertificates => "certificates of every hop".to_string(),
        Action::Cordon { pool, replica } => format!("the machine of {pool}-{replica}"),
        Action::Uncordon { pool } => format!("cordoned machines of {pool}"),
        Action::FailOverAuthShard { shard } => format!("shard {shard} of the auth cache"),
    }
}

/// What has to be typed again before an action that cannot be taken back.
pub fn irreversible(action: &Action) -> Option<String> {
    match action {
        Action::FlushCache => Some("shared-cache".to_string()),
        Action::Restart { pool, .. } => Some(pool.clone()),
        Action::RestartGateways => Some("gateway".to_string()),
        Action::TakeBatchNodes { .. } => Some("batch".to_string()),
        _ => None,
    }
}

impl Session {
    /// What is known of an action before it is ordered.
    ///
    /// # Errors
    /// It is none, or does not fit the stack.
    pub fn preview(&mut self, text: &str) -> Result<Preview, String> {
        let action = self.read_action(text)?;
        Ok(Preview {
            action: text.to_string(),
            scope: scope(&action),
            delay_s: self.watch.world.action_delay(&action).as_secs_f64(),
            reversible: irreversible(&action).is_none(),
            confirm: irreversible(&action),
        })
    }

    fn read_action(&mut self, text: &str) -> Result<crate::sim::spec::action::Action, String> {
        read(&self.scenario.file, text, &mut self.watch)
    }

    /// Accelerators that an order adds to what its pool is to have at present.
    fn gpus_added(&mut self, action: &Action) -> i64 {
        let Action::Scale { pool, replicas } = action else { return 0 };
        let pools = self.watch.world.survey().pools;
        let more = |p: &PoolState| (i64::from(*replicas) - i64::from(p.wanted)) * i64::from(p.gpus);
        pools.iter().find(|p| p.name == *pool).map_or(0, more)
    }

    pub(super) fn act(&mut self, text: &str, confirm: Option<&str>) -> Result<(String, Value, Option<u32>), String> {
        let preview = self.preview(text)?;
        if !self.armed {
            return Err(format!(
                "safe mode: {text} would touch {}, from {} after the order on. `arm` first, then say it again",
                preview.scope,
                span(SimDuration::from_secs_f64(preview.delay_s))
            ));
        }
        if let Some(wanted) = &preview.confirm
            && confirm != Some(wanted.as_str())
        {
            return Err(format!("{text} cannot be taken back: add `confirm {wanted}` to mean it"));
        }
        let action = self.read_action(text)?;
        if self.terms.clock == ClockKind::Metered && self.horizon <= self.now() + prices::ORDER {
            return Err("time is up before the order is out".to_string());
        }
        self.charge(prices::ORDER);
        let gpus_added = self.gpus_added(&action);
        let (at, index) = (self.now(), self.watch.world.order(action));
        let effect = at + SimDuration::from_secs_f64(preview.delay_s);
        // Twice may be meant: a restart, a flush. That it is not the first is said.
        let same = self.orders.iter().rev().find(|order| order.action == text).map(|order| order.at);
        let before = same.map(|at| format!("; the same was ordered at {}", self.watch.scene.calendar.clock(at)));
        let (action, state) = (text.to_string(), "ordered".to_string());
        self.orders.push(Ordered { at, action, index, effect, gpus_added, state });
        self.pass_to(at); // the order itself is out at once, and in the change log
        self.comms.line(at, "incident-bot", &format!("action: {text} ({})", preview.scope));
        let says = format!(
            "ordered: {text} on {}; first effect in {}{}",
            preview.scope,
            span(SimDuration::from_secs_f64(preview.delay_s)),
            before.unwrap_or_default()
        );
        Ok((says.clone(), json!({ "text": says, "preview": preview }), None))
    }
}
