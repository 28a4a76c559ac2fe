//! Queries made by chance over the series of a store: of every form, most of them sensible, some refused.

use std::collections::BTreeMap;

use scartissue::metrics::labels::NAME;
use scartissue::metrics::store::Store;
use scartissue::sim::rng::{Purpose, Stream};

/// A query, with what is known of its answer.
pub struct Asked {
    /// In PromQL.
    pub query: String,
    /// Equal values may be chosen from.
    pub ties: bool,
    /// The largest value that it is made of.
    pub scale: f64,
}

/// Makes queries.
pub struct Maker {
    chance: Stream,
    families: Vec<Family>,
    scale: f64,
}

struct Family {
    name: String,
    /// Labels with the values that they have.
    labels: BTreeMap<String, Vec<String>>,
    largest: f64,
}

impl Maker {
    /// Queries over the series of a store.
    pub fn new(store: &Store, seed: u64) -> Maker {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        for id in store.all() {
            let name = store.labels(id).get(NAME).to_string();
            let family = (families.entry(name.clone())).or_insert_with(|| Family {
                name,
                labels: BTreeMap::new(),
                largest: 0.0,
            });
            for (label, value) in store.labels(id).pairs().filter(|(label, _)| *label != NAME) {
                let values = family.labels.entry(label.to_string()).or_default();
                if !values.iter().any(|v| v == value) {
                    values.push(value.to_string());
                }
            }
            let finite = store.points(id).map(|p| p.value.abs()).filter(|v| v.is_finite());
            family.largest = finite.fold(family.largest, f64::max);
        }
        let families = families.into_values().collect();
        Maker { chance: Stream::new(seed, 0, Purpose::Sensor, 2), families, scale: 0.0 }
    }

    /// The next query.
    pub fn make(&mut self) -> Asked {
        self.scale = 0.0;
        let (query, ties) = match self.chance.below(12) {
            0 => (self.scalar(2), false),
            1 => {
                let (op, k, of, by) =
                    (self.pick(&["topk", "bottomk"]), self.chance.below(5), self.vector(2), self.by());
                (format!("{op}{by}({k}, {of})"), true)
            }
            _ => (self.vector(3), false),
        };
        Asked { query, ties, scale: self.scale }
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.chance.below(from.len() as u64) as usize]
    }

    fn number(&mut self) -> String {
        match self.chance.below(8) {
            0 => "0".to_string(),
            1 => "-1".to_string(),
            2 => format!("{:.2}", self.chance.unit()),
            3 => "1e3".to_string(),
            4 => "NaN".to_string(),
            5 => "Inf".to_string(),
            _ => self.chance.below(100).to_string(),
        }
    }

    fn scalar(&mut self, depth: u32) -> String {
        match self.chance.below(if depth == 0 { 3 } else { 6 }) {
            0 | 1 => self.number(),
            2 => self.pick(&["time()", "pi()", "5", "-0.5"]).to_string(),
            3 => format!("scalar({})", self.vector(depth - 1)),
            4 => {
                let (l, r) = (self.scalar(depth - 1), self.scalar(depth - 1));
                let op = self.pick(&["+", "-", "*", "/", "%", "^", "atan2", "> bool", "== bool", "<= bool"]);
                format!("({l} {op} {r})")
            }
            _ => format!("-{}", self.scalar(depth - 1)),
        }
    }

    fn duration(&mut self) -> &'static str {
        self.pick(&["15s", "30s", "1m", "90s", "2m", "5m", "1m30s", "7m", "20s500ms"])
    }

    fn when(&mut self) -> String {
        match self.chance.below(14) {
            0 => format!(" offset {}", self.duration()),
            1 => format!(" offset -{}", self.duration()),
            2 => " @ start()".to_string(),
            3 => " @ end()".to_string(),
            4 => format!(" @ {}", 1_700_006_400 + self.chance.below(900)),
            5 => format!(" @ {}.25 offset {}", 1_700_006_400 + self.chance.below(900), self.duration()),
            _ => String::new(),
        }
    }

    /// A name with matchers.
    fn series(&mut self) -> String {
        let family = self.chance.below(self.families.len() as u64) as usize;
        self.scale = self.scale.max(self.families[family].largest);
        let labels: Vec<(String, Vec<String>)> =
            self.families[family].labels.iter().map(|(l, v)| (l.clone(), v.clone())).collect();
        let name = self.families[family].name.clone();
        if labels.is_empty() || self.chance.chance(0.5) {
            return name;
        }
        let (label, values) = &labels[self.chance.below(labels.len() as u64) as usize];
        let value = &values[self.chance.below(values.len() as u64) as usize];
        let start = &value[..value.len().min(1)];
        let matcher = match self.chance.below(6) {
            0 => format!("{label}!={value:?}"),
            1 => format!("{label}=~\"{start}.*\""),
            2 => format!("{label}!~\"{start}.+|nothing\""),
            3 => format!("{label}=~\"(?i:{start}).*|\",{label}!=\"\""),
            4 => "absent_label=\"\"".to_string(),
            _ => format!("{label}={value:?}"),
        };
        match self.chance.below(12) {
            0 => format!("{{__name__={name:?},{matcher}}}"),
            1 => format!("{{__name__=~\"{}.*\",{matcher}}}", &name[..name.len() - 1]),
            _ => format!("{name}{{{matcher}}}"),
        }
    }

    fn selector(&mut self) -> String {
        let series = self.series();
        format!("{series}{}", self.when())
    }

    fn range(&mut self, depth: u32) -> String {
        if 0 < depth && self.chance.chance(0.25) {
            let (of, range) = (self.vector(depth - 1), self.duration());
            let step = self.pick(&["", "10s", "15s", "1m", "7s"]);
            let wrapped = if of.starts_with('(') || of.ends_with('}') { of } else { format!("({of})") };
            return format!("{wrapped}[{range}:{step}]{}", self.when());
        }
        let (series, range) = (self.series(), self.duration());
        format!("{series}[{range}]{}", self.when())
    }

    fn by(&mut self) -> String {
        let labels = self.label_list();
        match self.chance.below(4) {
            0 => String::new(),
            1 => format!(" without ({labels})"),
            _ => format!(" by ({labels})"),
        }
    }

    fn label_list(&mut self) -> String {
        self.pick(&["pod", "pool", "pod, pool", "le", "job", "", "le, pod", "nothing", "pool, le", "__name__"])
            .to_string()
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.selector();
        }
        let d = depth - 1;
        match self.chance.below(15) {
            0 => self.selector(),
            1..=3 => self.over(d),
            4..=6 => {
                let op = self.pick(&["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]);
                let (by, of) = (self.by(), self.vector(d));
                if self.chance.chance(0.5) { format!("{op}{by} ({of})") } else { format!("{op}({of}){by}") }
            }
            7 => {
                let (q, by, of) = (self.scalar(d.min(1)), self.by(), self.vector(d));
                // Prometheus 2.42 takes no notice of `@ start()` and `@ end()` in the parameter of an aggregation.
                let q = if q.contains("()") { "0.5".to_string() } else { q };
                match self.chance.below(4) {
                    0 => format!("count_values{by}(\"value\", {})", self.selector()),
                    _ => format!("quantile{by}({q}, {of})"),
                }
            }
            8 => {
                let op = self.pick(&["+", "-", "*", "/", "%", "^", "atan2", ">", "<= bool", "!=", "== bool", "<"]);
                let (v, s) = (self.vector(d), self.scalar(d.min(1)));
                if self.chance.chance(0.5) { format!("({v} {op} {s})") } else { format!("({s} {op} {v})") }
            }
            9 | 10 => self.matched(d),
            11 => {
                let op = self.pick(&["and", "or", "unless"]);
                let (l, r, labels) = (self.vector(d), self.vector(d), self.label_list());
                let on = self.pick(&["", "on", "ignoring"]);
                let on = if on.is_empty() { String::new() } else { format!("{on}({labels}) ") };
                format!("({l} {op} {on}{r})")
            }
            12 => self.histogram(d),
            13 => self.labels_changed(d),
            _ => self.function(d),
        }
    }

    fn over(&mut self, d: u32) -> String {
        let range = self.range(d);
        match self.chance.below(8) {
            // Prometheus 2.42 moves these windows with the steps of a range query, `@` or not.
            0 if !range.contains('@') => format!("quantile_over_time({}, {range})", self.scalar(d.min(1))),
            1 if !range.contains('@') => format!("predict_linear({range}, {})", self.chance.below(600)),
            2 => format!("holt_winters({range}, 0.{}, 0.{})", 1 + self.chance.below(9), 1 + self.chance.below(9)),
            3..=5 => {
                let name = self.pick(&["rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv"]);
                format!("{name}({range})")
            }
            _ => {
                let name =
                    self.pick(&["avg", "sum", "min", "max", "count", "stddev", "stdvar", "last", "present", "absent"]);
                format!("{name}_over_time({range})")
            }
        }
    }

    fn matched(&mut self, d: u32) -> String {
        let op = self.pick(&["+", "-", "*", "/", ">", "<= bool", "!=", "== bool", "%", "atan2"]);
        let (l, r, labels) = (self.vector(d), self.vector(d), self.label_list());
        match self.chance.below(6) {
            0 => format!("({l} {op} {r})"),
            1 => format!("({l} {op} on({labels}) {r})"),
            2 => format!("(sum by ({labels}) ({l}) {op} sum by ({labels}) ({r}))"),
            3 => format!("({l} {op} on({labels}) group_left max by ({labels}) ({r}))"),
            4 => format!("(min by ({labels}) ({l}) {op} on({labels}) group_right(nothing) {r})"),
            _ => format!("({l} {op} ignoring({labels}) group_left(pool) {r})"),
        }
    }

    fn histogram(&mut self, d: u32) -> String {
        let buckets: Vec<String> =
            self.families.iter().map(|f| f.name.clone()).filter(|name| name.ends_with("_bucket")).collect();
        if buckets.is_empty() || self.chance.chance(0.1) {
            return format!("histogram_quantile(0.9, {})", self.vector(d));
        }
        let name = &buckets[self.chance.below(buckets.len() as u64) as usize];
        let q = if self.chance.chance(0.8) { format!("0.{}", self.chance.below(100)) } else { self.scalar(0) };
        let range = self.duration();
        match self.chance.below(3) {
            0 => format!("histogram_quantile({q}, {name})"),
            1 => format!("histogram_quantile({q}, rate({name}[{range}]))"),
            _ => {
                format!("histogram_quantile({q}, sum by (le, {}) (rate({name}[{range}])))", self.pick(&["pod", "pool"]))
            }
        }
    }

    fn labels_changed(&mut self, d: u32) -> String {
        let of = self.vector(d);
        match self.chance.below(4) {
            0 => format!("label_replace({of}, \"new\", \"$1-x\", \"pod\", \"(.).*\")"),
            1 => format!("label_replace({of}, \"pod\", \"\", \"pod\", \".*\")"),
            2 => format!("label_replace({of}, \"pool\", \"${{n}}$$\", \"pool\", \"(?P<n>.+)\")"),
            _ => format!("label_join({of}, \"new\", \"-\", \"pod\", \"pool\", \"nothing\")"),
        }
    }

    fn function(&mut self, d: u32) -> String {
        let of = self.vector(d);
        match self.chance.below(9) {
            0 => format!("clamp({of}, {}, {})", self.scalar(d.min(1)), self.scalar(d.min(1))),
            1 => format!("{}({of}, {})", self.pick(&["clamp_min", "clamp_max", "round"]), self.scalar(d.min(1))),
            // Prometheus 2.42 forgets the offset of a selector within `timestamp` if it has an `@`.
            2 if !of.contains('@') => format!("timestamp({of})"),
            2 => format!("{}({of})", self.pick(&["absent", "sort", "sort_desc", "-", "+"])),
            3 => format!("vector({})", self.scalar(d.min(1))),
            4 | 5 => {
                let name =
                    self.pick(&["hour", "minute", "month", "year", "day_of_week", "day_of_month", "day_of_year"]);
                if self.chance.chance(0.3) { format!("{name}()") } else { format!("{name}({of} * 1e6 < 1e12 > -1e12)") }
            }
            _ => {
                let name = self.pick(&[
                    "abs", "ceil", "floor", "sqrt", "exp", "ln", "log2", "log10", "sgn", "deg", "rad", "sin", "cos",
                    "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
                ]);
                format!("{name}({of})")
            }
        }
    }
}
