//! Every function: its name, what it takes and gives, and what it does.

use super::dates::Date;
use super::tree::Type::{self, Range, Scalar, Text, Vector};
use super::window::Over;

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub name: &'static str,
    pub takes: &'static [Type],
    /// How many of the last arguments may be left out.
    pub optional: usize,
    /// Whether the last argument may be repeated.
    pub repeats: bool,
    pub gives: Type,
    pub does: Does,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// To each value by itself.
    Each(fn(f64) -> f64),
    /// To the samples of a range.
    Over(Over),
    /// Says something about a date.
    Date(Date),
    Absent,
    AbsentOverTime,
    Clamp,
    ClampMax,
    ClampMin,
    HistogramQuantile,
    LabelJoin,
    LabelReplace,
    Pi,
    Round,
    Scalar,
    Sort,
    SortDesc,
    Time,
    Timestamp,
    Vector,
}

impl Function {
    /// Whether its value depends on the moment itself, and not only on what it is given.
    pub(super) fn knows_the_moment(&self) -> bool {
        matches!(self.does, Does::Date(_) | Does::Time | Does::Timestamp | Does::Over(Over::PredictLinear))
    }
}

/// The function of a name.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

/// Names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|f| f.name)
}

/// What Prometheus has and we have not, with the reason.
pub(super) fn left_out(name: &str) -> Option<&'static str> {
    const NATIVE: &str = "there are no native histograms";
    const NEWER: &str = "it is experimental, or newer than Prometheus 2.42";
    match name {
        "histogram_count"
        | "histogram_sum"
        | "histogram_fraction"
        | "histogram_avg"
        | "histogram_stddev"
        | "histogram_stdvar"
        | "histogram_quantiles" => Some(NATIVE),
        "double_exponential_smoothing" => Some("it is called `holt_winters`, as in Prometheus 2.42"),
        "first_over_time"
        | "integral"
        | "mad_over_time"
        | "sort_by_label"
        | "sort_by_label_desc"
        | "info"
        | "ts_of_first_over_time"
        | "ts_of_last_over_time"
        | "ts_of_max_over_time"
        | "ts_of_min_over_time"
        | "max_of"
        | "min_of"
        | "range"
        | "step"
        | "start"
        | "end"
        | "start_timestamp"
        | "limitk"
        | "limit_ratio" => Some(NEWER),
        _ => None,
    }
}

const fn of(name: &'static str, takes: &'static [Type], gives: Type, does: Does) -> Function {
    Function { name, takes, optional: 0, repeats: false, gives, does }
}

const fn each(name: &'static str, does: fn(f64) -> f64) -> Function {
    of(name, &[Vector], Vector, Does::Each(does))
}

const fn over(name: &'static str, does: Over) -> Function {
    of(name, &[Range], Vector, Does::Over(does))
}

const fn date(name: &'static str, does: Date) -> Function {
    Function { optional: 1, ..of(name, &[Vector], Vector, Does::Date(does)) }
}

static FUNCTIONS: [Function; 67] = [
    each("abs", f64::abs),
    of("absent", &[Vector], Vector, Does::Absent),
    of("absent_over_time", &[Range], Vector, Does::AbsentOverTime),
    each("acos", libm::acos),
    each("acosh", libm::acosh),
    each("asin", libm::asin),
    each("asinh", libm::asinh),
    each("atan", libm::atan),
    each("atanh", libm::atanh),
    over("avg_over_time", Over::Avg),
    each("ceil", f64::ceil),
    over("changes", Over::Changes),
    of("clamp", &[Vector, Scalar, Scalar], Vector, Does::Clamp),
    of("clamp_max", &[Vector, Scalar], Vector, Does::ClampMax),
    of("clamp_min", &[Vector, Scalar], Vector, Does::ClampMin),
    each("cos", libm::cos),
    each("cosh", libm::cosh),
    over("count_over_time", Over::Count),
    date("day_of_month", Date::DayOfMonth),
    date("day_of_week", Date::DayOfWeek),
    date("day_of_year", Date::DayOfYear),
    date("days_in_month", Date::DaysInMonth),
    each("deg", |v| v * 180.0 / std::f64::consts::PI),
    over("delta", Over::Delta),
    over("deriv", Over::Deriv),
    each("exp", libm::exp),
    each("floor", f64::floor),
    of("histogram_quantile", &[Scalar, Vector], Vector, Does::HistogramQuantile),
    of("holt_winters", &[Range, Scalar, Scalar], Vector, Does::Over(Over::HoltWinters)),
    date("hour", Date::Hour),
    over("idelta", Over::Idelta),
    over("increase", Over::Increase),
    over("irate", Over::Irate),
    Function { optional: 1, repeats: true, ..of("label_join", &[Vector, Text, Text, Text], Vector, Does::LabelJoin) },
    of("label_replace", &[Vector, Text, Text, Text, Text], Vector, Does::LabelReplace),
    over("last_over_time", Over::Last),
    each("ln", libm::log),
    each("log10", libm::log10),
    each("log2", libm::log2),
    over("max_over_time", Over::Max),
    over("min_over_time", Over::Min),
    date("minute", Date::Minute),
    date("month", Date::Month),
    of("pi", &[], Scalar, Does::Pi),
    of("predict_linear", &[Range, Scalar], Vector, Does::Over(Over::PredictLinear)),
    over("present_over_time", Over::Present),
    of("quantile_over_time", &[Scalar, Range], Vector, Does::Over(Over::Quantile)),
    each("rad", |v| v * std::f64::consts::PI / 180.0),
    over("rate", Over::Rate),
    over("resets", Over::Resets),
    Function { optional: 1, ..of("round", &[Vector, Scalar], Vector, Does::Round) },
    of("scalar", &[Vector], Scalar, Does::Scalar),
    each("sgn", |v| {
        if v < 0.0 {
            -1.0
        } else if 0.0 < v {
            1.0
        } else {
            v
        }
    }),
    each("sin", libm::sin),
    each("sinh", libm::sinh),
    of("sort", &[Vector], Vector, Does::Sort),
    of("sort_desc", &[Vector], Vector, Does::SortDesc),
    each("sqrt", f64::sqrt),
    over("stddev_over_time", Over::Stddev),
    over("stdvar_over_time", Over::Stdvar),
    over("sum_over_time", Over::Sum),
    each("tan", libm::tan),
    each("tanh", libm::tanh),
    of("time", &[], Scalar, Does::Time),
    of("timestamp", &[Vector], Vector, Does::Timestamp),
    of("vector", &[Scalar], Vector, Does::Vector),
    date("year", Date::Year),
];
