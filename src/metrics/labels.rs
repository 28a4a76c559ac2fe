//! What a series is called: a metric name and labels, in order of label names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The label that holds the metric's name.
pub const NAME: &str = "__name__";

/// A set of labels, each name once, in order; the metric's name is the label [`NAME`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// Labels from pairs in any order; of a name given twice the last counts, and empty values are as good as absent.
    pub fn new<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut labels = Labels::default();
        pairs.into_iter().for_each(|(name, value)| labels.set(&name.into(), &value.into()));
        labels
    }

    /// The value of a label; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)).map_or("", |place| self.0[place].1.as_str())
    }

    /// Sets a label; an empty value takes it away.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(place) if value.is_empty() => drop(self.0.remove(place)),
            Ok(place) => self.0[place].1 = value.to_string(),
            Err(_) if value.is_empty() => {}
            Err(place) => self.0.insert(place, (name.to_string(), value.to_string())),
        }
    }

    /// These labels without some.
    pub fn without(&self, names: &[&str]) -> Labels {
        Labels(self.0.iter().filter(|(n, _)| !names.contains(&n.as_str())).cloned().collect())
    }

    /// Only some of these labels.
    pub fn only(&self, names: &[&str]) -> Labels {
        Labels(self.0.iter().filter(|(n, _)| names.contains(&n.as_str())).cloned().collect())
    }

    /// The pairs in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a selector.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.pairs().filter(|(n, _)| *n != NAME).map(|(n, v)| format!("{n}={v:?}")).collect();
        write!(f, "{}{{{}}}", self.get(NAME), labels.join(","))
    }
}
