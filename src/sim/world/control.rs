//! Control loops: each looks at intervals, at its own view, and acts on what it believes.

use crate::metrics::promql::Value;
use crate::sim::health::HealthRules;
use crate::sim::ids::{GatewayId, PoolId};
use crate::sim::time::{SimDuration, SimTime};
use crate::sim::world::fact::What;
use crate::sim::world::state::Life;
use crate::sim::world::{Event, World};

/// How often power and temperature are brought up to date.
const THERMAL_INTERVAL: SimDuration = SimDuration::from_secs(10);
/// No loop looks more often than this, whatever a file says.
const SHORTEST: SimDuration = SimDuration::from_millis(50);

impl World {
    /// The first tick of every loop, spread so that they do not all look at the same nanosecond.
    pub(super) fn arm_control_loops(&mut self, from: SimTime) {
        let offset = |n: u64| from + SimDuration::from_millis(37 * n + 11);
        self.schedule(offset(1), Event::ProbeGateways);
        self.schedule(offset(2), Event::Thermal);
        self.schedule(offset(3), Event::Scrape);
        self.schedule(offset(4), Event::CacheControl);
        for pool in 0..self.pools.len() {
            let id = PoolId(pool as u8);
            self.schedule(offset(5 + 3 * pool as u64), Event::ProbePool(id));
            self.schedule(offset(6 + 3 * pool as u64), Event::RefreshView(id));
            if let Some(scaler) = &self.pools[pool].autoscaler {
                let first = offset(7 + 3 * pool as u64) + scaler.spec.interval_s;
                self.schedule(first, Event::Autoscale(id));
            }
        }
    }

    pub(super) fn on_probe_gateways(&mut self) {
        for gateway in 0..self.gateways.len() {
            let state = &self.gateways[gateway];
            let ok = state.up && state.loop_thread.lag(self.now) <= self.network.probe_timeout;
            let turned = self.network.health.observe(self.now, gateway as u32, ok);
            if turned.is_some() {
                let ready = self.network.health.is_healthy(gateway as u32);
                self.fact(What::GatewayEndpoint(GatewayId(gateway as u16), ready));
            }
        }
        self.schedule(self.now + self.network.probe_every, Event::ProbeGateways);
    }

    pub(super) fn on_probe_pool(&mut self, id: PoolId) {
        let now = self.now;
        let deep = self.pools[id.index()].spec.router.deep_probe;
        for place in 0..self.pools[id.index()].members.len() {
            let replica_id = self.pools[id.index()].members[place];
            let replica = &self.replicas[replica_id.index()];
            let alive = replica.life == Life::Up;
            let rules = &self.pools[id.index()].spec.router;
            let answers = alive && replica.wait_for_answer(now, rules.probe_behind_tokenizer) <= rules.probe_timeout_s;
            let progresses = !replica.board.is_hung() && !replica.fail_fast;
            let gone = matches!(replica.life, Life::Gone | Life::Draining);
            let pool = &mut self.pools[id.index()];
            let before = pool.router.is_ready(place);
            pool.health.observe(now, place as u32, answers && (progresses || !deep));
            let ready = pool.health.is_healthy(place as u32) && !gone;
            pool.router.set_ready(place, ready);
            if before != ready {
                self.fact(What::Endpoint(id, replica_id, ready));
            }
        }
        let interval = self.pools[id.index()].spec.router.probe_interval_s;
        self.schedule(now + interval.max(SHORTEST), Event::ProbePool(id));
    }

    pub(super) fn on_refresh_view(&mut self, id: PoolId) {
        for place in 0..self.pools[id.index()].members.len() {
            let replica = &self.replicas[self.pools[id.index()].members[place].index()];
            let load = replica.engine.inside() + replica.tokenizer.inside();
            self.pools[id.index()].router.see(place, load);
        }
        let interval = self.pools[id.index()].spec.router.view_interval_s;
        self.schedule(self.now + interval.max(SHORTEST), Event::RefreshView(id));
    }

    pub(super) fn on_thermal(&mut self) {
        let now = self.now;
        for index in 0..self.replicas.len() {
            if !matches!(self.replicas[index].life, Life::Up | Life::Draining) {
                continue;
            }
            let counts = self.replicas[index].engine.counts_at(now);
            let facility = &self.facility;
            let replica = &mut self.replicas[index];
            replica.board.settle(now, &counts, facility);
            let slowdown = replica.board.slowdown(facility);
            replica.engine.set_slowdown(now, &slowdown);
            self.rewake(index);
        }
        self.schedule(now + THERMAL_INTERVAL, Event::Thermal);
    }

    pub(super) fn on_scrape(&mut self) {
        self.scrape();
        self.write_engine_states();
        self.schedule(self.now + self.scrapes.interval, Event::Scrape);
    }

    /// The autoscaler asks its query and sets the number of replicas it believes in.
    pub(super) fn on_autoscale(&mut self, id: PoolId) {
        let now = self.now;
        self.scrapes.deliver(&mut self.scraped, now);
        let Some(scaler) = &self.pools[id.index()].autoscaler else { return };
        let spec = scaler.spec.clone();
        if !scaler.paused {
            match self.ask_autoscaler_query(id) {
                Some(value) => self.autoscale_to(id, value / spec.target),
                None => self.note_blind_autoscaler(id),
            }
        }
        self.schedule(now + spec.interval_s.max(SHORTEST), Event::Autoscale(id));
    }

    /// What the autoscaler's query gives at this moment, if anything.
    pub(super) fn ask_autoscaler_query(&self, id: PoolId) -> Option<f64> {
        let scaler = self.pools[id.index()].autoscaler.as_ref()?;
        let at_ms = (self.now.0 / 1_000_000) as i64;
        let value = match scaler.query.eval_at(&self.scraped, at_ms).ok()? {
            Value::Scalar(value) => value,
            Value::Vector(samples) => samples.first()?.value,
            Value::Range(_) | Value::Text(_) => return None,
        };
        value.is_finite().then_some(value)
    }

    /// An empty answer is ignored, as by default in life; it is noted once.
    fn note_blind_autoscaler(&mut self, id: PoolId) {
        let now_blind = match &mut self.pools[id.index()].autoscaler {
            Some(scaler) => !std::mem::replace(&mut scaler.blind, true),
            None => false,
        };
        if now_blind && self.open_at <= self.now {
            self.fact(What::AutoscalerBlind(id));
        }
    }

    fn autoscale_to(&mut self, id: PoolId, wanted: f64) {
        let now = self.now;
        let current = self.pools[id.index()].wanted;
        let Some(scaler) = &mut self.pools[id.index()].autoscaler else { return };
        scaler.blind = false;
        let spec = &scaler.spec;
        let wish = (wanted.ceil().clamp(0.0, 60_000.0) as u16).clamp(spec.min, spec.max.max(spec.min));
        // A tenth of slack either way, as the Kubernetes autoscaler has it.
        if (wanted / current.max(1) as f64 - 1.0).abs() <= 0.1 {
            scaler.lower_since = None;
            return;
        }
        if current < wish {
            scaler.lower_since = None;
            let step = wish.min(current + spec.max_step);
            self.fact(What::Autoscaled(id, current, step));
            self.scale_pool(id, step);
        } else if wish < current {
            let since = *scaler.lower_since.get_or_insert(now);
            if spec.scale_down_after_s <= now.since(since) {
                scaler.lower_since = None;
                self.fact(What::Autoscaled(id, current, wish));
                self.scale_pool(id, wish);
            }
        }
    }
}

/// The rules of a checker that probes so often and believes after so many probes alike.
pub(super) fn health_rules(interval: SimDuration, threshold: u32) -> HealthRules {
    HealthRules { interval, fall: threshold.max(1), rise: threshold.max(1), ..HealthRules::default() }
}
