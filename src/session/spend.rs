//! What an incident has cost so far, as far as whoever plays can know it. The part of the error budget that it has
//! burnt is the indicator's own readings, each half minute, as a share of 0.5 % of the requests of 28 days under level
//! traffic. Looks at their prices, teams woken, and accelerators as they were ordered are told in minutes of people, by
//! the weights of the score.

use serde::{Deserialize, Serialize};

use crate::session::prices;
use crate::sim::time::{SimDuration, SimTime};
use crate::telemetry::watch::{Watch, ms};

/// So much of all requests may be bad: the budget that the cells' burn alerts speak of.
pub const ALLOWED: f64 = 0.005;
/// In so many days: `hb-slos-api` of the archive.
pub const DAYS: f64 = 28.0;
/// The indicator is read so often. Which moments are read does not depend on how time is advanced.
const EVERY: SimDuration = SimDuration::from_secs(30);

/// What of the error budget is gone since a session's beginning, by the indicator: as late as that, and without what is
/// under its noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Burnt {
    /// The last moment that was read.
    read: SimTime,
    /// Seconds in pain, of all users together.
    pain_s: f64,
    /// Whether the indicator has said anything.
    measured: bool,
    /// The first and the last moment at which it was above its noise.
    pub span: Option<(SimTime, SimTime)>,
    /// Its worst share.
    pub worst: f64,
}

impl Burnt {
    /// Nothing yet.
    pub fn since(begins_at: SimTime) -> Burnt {
        Burnt { read: begins_at, ..Burnt::default() }
    }

    /// Reads the indicator up to now.
    pub fn advance(&mut self, watch: &Watch) {
        while self.read + EVERY <= watch.world.now() {
            self.read += EVERY;
            let pain = watch.pain_at(ms(self.read));
            self.measured |= pain.is_some();
            let share = pain.unwrap_or(0.0);
            self.pain_s += share * EVERY.as_secs_f64();
            self.worst = self.worst.max(share);
            if 0.0 < share {
                self.span = Some((self.span.map_or(self.read, |(first, _)| first), self.read));
            }
        }
    }

    /// Whether the last reading was above the noise.
    pub fn goes_on(&self) -> bool {
        self.span.is_some_and(|(_, last)| last == self.read)
    }

    /// In per cent of the budget of 28 days, under level traffic. None while nothing was measured.
    pub fn percent(&self) -> Option<f64> {
        let whole_s = ALLOWED * DAYS * 86_400.0;
        self.measured.then(|| (self.pain_s / whole_s * 10_000.0).round() / 100.0)
    }
}

/// What was spent, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Seconds of looks, at their prices.
    pub looks_s: f64,
    /// Teams that were woken.
    pub teams: u32,
    /// Accelerator-hours that orders have added so far, as they were ordered.
    pub gpu_hours: f64,
}

impl Cost {
    /// In minutes of people, as the score counts it.
    pub fn minutes(&self) -> f64 {
        self.looks_s / 60.0 + prices::PER_TEAM * f64::from(self.teams) + prices::PER_GPU_HOUR * self.gpu_hours.max(0.0)
    }
}
