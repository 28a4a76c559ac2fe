//! Which of several panels tell least between what is true and what is claimed: what somebody shows for a story that is not
//! so, and that is there all the same.

use crate::metrics::promql::Query;
use crate::score::bayes::logit;
use crate::score::observer::mind::{Cells, Mind};
use crate::score::observer::registry::Window;
use crate::session::command::Look;
use crate::session::look::Seen;
use crate::sim::time::SimTime;
use crate::telemetry::panels::Panel;

/// So sure that it is proved.
const PROVED: f64 = 0.8;
/// Panels that tell the same to so much, in nats, are taken in the order in which they were offered.
const ALIKE: f64 = 0.25;
/// So many of those that tell least alone are tried together.
const TRIED: usize = 10;

/// What is true, what is claimed, and when both are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Between<'a> {
    /// True mechanisms.
    pub truth: &'a [&'a str],
    /// The mechanism that is claimed.
    pub claim: &'a str,
    /// Charts begin so many seconds after the page; negative: before it.
    pub from_s: f64,
    /// They end so many seconds after it.
    pub to_s: f64,
}

impl Between<'_> {
    /// What anybody sees who asks a panel's questions as PromQL: whatever is made of the same metrics counts as seen.
    pub fn cells(&self, mind: &Mind<'_>, panel: &Panel) -> Cells {
        let revealed = |expr: &str| {
            let metrics = Query::parse(expr).map(|query| query.metrics()).unwrap_or_default();
            let features = metrics.iter().map(|metric| format!("metric:{metric}")).collect();
            let seen = Seen { features, from: SimTime(0), to: SimTime(0) };
            let look = Look::Promql { query: expr.to_string(), window_s: None, step_s: None };
            mind.revealed(&Window {
                look: &look,
                seen: &seen,
                told: "",
                at_s: self.to_s,
                from_s: self.from_s,
                to_s: self.to_s,
            })
        };
        panel.queries.iter().flat_map(|(_, expr)| revealed(expr)).collect()
    }

    /// Beliefs in the truth and in the claim, given some cells; none for a claim that no hypothesis has.
    pub fn beliefs(&self, mind: &Mind<'_>, cells: &Cells) -> (f64, Option<f64>) {
        let (observer, beliefs) = (mind.observer, mind.given(cells));
        let can_be = observer.hypotheses.iter().any(|h| h.holds(self.claim));
        (observer.of_truth(&beliefs, self.truth), can_be.then(|| observer.of_mechanism(&beliefs, self.claim)))
    }

    /// By how many nats some cells speak for the truth and against the claim, or prove the claim; 0: they tell nothing that
    /// could give it away.
    pub fn tells(&self, mind: &Mind<'_>, cells: &Cells) -> f64 {
        let ((truth_was, claim_was), (truth, claim)) = (self.beliefs(mind, &Cells::new()), self.beliefs(mind, cells));
        let against = claim_was
            .zip(claim)
            .map_or(0.0, |(was, is)| f64::max(logit(was) - logit(is), 0.0) + f64::max(logit(is) - logit(PROVED), 0.0));
        f64::max(logit(truth) - logit(truth_was), 0.0) + against
    }

    /// Places of `most` panels that together tell least, beside what is `known`, and by how many nats they tell; of those that
    /// tell as little, what was offered first.
    pub fn least(&self, mind: &Mind<'_>, offered: &[&Panel], known: &[&Panel], most: usize) -> (Vec<usize>, f64) {
        let mut cells: Cells = known.iter().flat_map(|panel| self.cells(mind, panel)).collect();
        let shown: Vec<Cells> = offered.iter().map(|panel| self.cells(mind, panel)).collect();
        let told = |together: &Cells| libm::floor(self.tells(mind, together) / ALIKE);
        let mut order: Vec<(f64, usize)> = shown.iter().map(told).zip(0..).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut left: Vec<usize> = order.into_iter().take(TRIED.max(most)).map(|(_, place)| place).collect();
        left.sort_unstable();
        let mut chosen = Vec::new();
        while chosen.len() < most && !left.is_empty() {
            let tried = left.iter().map(|place| told(&cells.union(&shown[*place]).copied().collect()));
            let Some((at, _)) = tried.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            let place = left.remove(at);
            cells.extend(&shown[place]);
            chosen.push(place);
        }
        (chosen, self.tells(mind, &cells))
    }
}
