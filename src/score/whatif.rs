//! What users went through over time: in the session, had nobody done anything, and with the best that was found.

use serde::Serialize;

use crate::score::runs::Ran;
use crate::sim::series::Series;

/// Shares are taken over so many seconds.
const WINDOW_S: f64 = 60.0;

/// Users over time, in worlds that differ by orders alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// Ends of the buckets, in seconds after the opening.
    pub t_s: Vec<f64>,
    /// Curves over them.
    pub curves: Vec<Curve>,
    /// What truly happened in the session, played on to the end.
    #[serde(skip)]
    pub series: Series,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// What was done in it.
    pub name: &'static str,
    /// User-minutes lost in all.
    pub lost: f64,
    /// Share of what users wanted over the last minute that was not answered within its objective, from 0 to 1.
    pub unserved: Vec<f64>,
}

/// The curves of a session, of nothing done, and of the best found where that is another run.
pub fn whatif(run: &Ran, nothing: &Ran, best: &Ran) -> WhatIf {
    let curve = |name, ran: &Ran| Curve { name, lost: ran.lost(), unserved: unserved(&ran.series) };
    let mut curves = vec![curve("you", run), curve("nothing done", nothing)];
    if best.lost() < run.lost().min(nothing.lost()) {
        curves.push(curve("best found", best));
    }
    WhatIf { t_s: run.series.t_s.clone(), curves, series: run.series.clone() }
}

/// The share that was not served, over a window that ends with each bucket.
pub fn unserved(series: &Series) -> Vec<f64> {
    let ends = &series.t_s;
    let share = |i: usize| {
        let inside = (0..=i).rev().take_while(|j| ends[i] - WINDOW_S < ends[*j]);
        let (wanted, good) = inside
            .fold((0.0, 0.0), |(wanted, good), j| (wanted + series.intents_per_s[j], good + series.painless_per_s(j)));
        if wanted <= 0.0 { 0.0 } else { (1.0 - good / wanted).clamp(0.0, 1.0) }
    };
    (0..ends.len()).map(share).collect()
}
