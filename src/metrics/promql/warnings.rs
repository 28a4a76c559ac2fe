//! What is allowed and probably meant otherwise: a name that nothing bears, the rate of a gauge.

use std::collections::BTreeMap;

use super::Query;
use super::error::{Place, nearest};
use super::functions::Does;
use super::tree::{Expr, Node, Selector};
use super::window::Over;
use crate::metrics::kind::Kind;

/// Something that a query probably does not mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What, and the way out.
    pub message: String,
    /// Where in the text.
    pub at: Place,
}

/// What a query probably does not mean, in order of places. `kinds` names every metric that there is; a histogram without
/// the suffixes of its series.
pub fn warnings(query: &Query, kinds: &BTreeMap<String, Kind>) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |at: usize, message: String| found.push(Warning { message, at: Place::of(query.text(), at) });
    query.visit(&mut |expr| match &expr.node {
        Node::Selector(selector) | Node::Range { selector, .. } => {
            if let Some(name) = unknown(selector, kinds) {
                warn(expr.at, format!("nothing is called `{name}`{}", hint(name, kinds)));
            }
        }
        Node::Call { function, args } => {
            if let Some((name, over)) = rate_of_gauge(function.does, args, kinds) {
                let instead = if over == Over::Irate { "idelta" } else { "delta or deriv" };
                let message = format!("`{name}` is a gauge, and {}() takes every fall for a restart", function.name);
                warn(expr.at, format!("{message}: {instead} is for gauges"));
            }
        }
        _ => {}
    });
    found.sort_by_key(|warning| warning.at.offset);
    found
}

/// The kind of the series of a name, those of histograms included.
fn kind_of(name: &str, kinds: &BTreeMap<String, Kind>) -> Option<Kind> {
    let of_histogram = || {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
        kinds.get(family).filter(|kind| **kind == Kind::Histogram).map(|_| Kind::Counter)
    };
    kinds.get(name).copied().or_else(of_histogram)
}

/// The name that a selector asks for, if no series bears it.
fn unknown<'q>(selector: &'q Selector, kinds: &BTreeMap<String, Kind>) -> Option<&'q str> {
    let name = selector.exact_name()?;
    match kind_of(name, kinds) {
        Some(Kind::Histogram) | None => Some(name),
        Some(_) => None,
    }
}

fn hint(name: &str, kinds: &BTreeMap<String, Kind>) -> String {
    if kinds.contains_key(name) {
        return format!(": it is a histogram, with the series {name}_bucket, {name}_sum and {name}_count");
    }
    let known: Vec<String> = (kinds.iter())
        .flat_map(|(name, kind)| match kind {
            Kind::Histogram => ["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")).to_vec(),
            _ => vec![name.clone()],
        })
        .collect();
    let nearest = nearest(name, known.iter().map(String::as_str));
    nearest.map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?"))
}

fn rate_of_gauge<'q>(does: Does, args: &'q [Expr], kinds: &BTreeMap<String, Kind>) -> Option<(&'q str, Over)> {
    let Does::Over(over @ (Over::Rate | Over::Increase | Over::Irate | Over::Resets)) = does else { return None };
    let Node::Range { selector, .. } = &args.first()?.bare().node else { return None };
    let name = selector.exact_name()?;
    (kind_of(name, kinds) == Some(Kind::Gauge)).then_some((name, over))
}
