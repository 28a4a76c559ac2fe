//! PromQL means what it means in Prometheus, and what is not supported is refused by name.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scartissue::metrics::kind::Kind;
use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::promql::{Line, MOST_STEPS, PromqlError, Query, Value, warnings};
use scartissue::metrics::store::Store;

use crate::promql_queries::Maker;

/// A store from lines `name{label=value,..} v v v ...`, one value every 15 s from zero on; `_` is no sample, `x` the end
/// of the series.
fn store(lines: &[&str]) -> Store {
    let mut store = Store::default();
    for line in lines {
        let (head, values) = line.split_once("} ").expect("a head and values");
        let (name, labels) = head.split_once('{').expect("a name and labels");
        let pairs = labels.split(',').filter(|l| !l.is_empty()).map(|l| l.split_once('=').expect("label=value"));
        let id = store.series(&Labels::new(pairs.chain([(NAME, name)])));
        for (number, value) in values.split(' ').enumerate() {
            let t_ms = number as i64 * 15_000;
            match value {
                "_" => {}
                "x" => store.end(id, t_ms),
                value => assert!(store.append(id, t_ms, value.parse().expect("a number"))),
            }
        }
    }
    store
}

/// `labels value` of each sample, or the number.
fn show(value: &Value) -> String {
    match value {
        Value::Scalar(number) => number.to_string(),
        Value::Vector(samples) => {
            samples.iter().map(|s| format!("{} {}", s.labels, s.value)).collect::<Vec<_>>().join("; ")
        }
        Value::Text(text) => text.clone(),
        Value::Range(lines) => {
            let points = |line: &Line| -> String {
                line.points.iter().map(|p| format!(" {}@{}", p.value, p.t_ms / 1000)).collect()
            };
            let shown = lines.iter().map(|line| line.labels.to_string() + &points(line));
            shown.collect::<Vec<_>>().join("; ")
        }
    }
}

fn check(lines: &[&str], at_s: i64, cases: &[(&str, &str)]) {
    let store = store(lines);
    for (query, expected) in cases {
        let value = Query::parse(query).and_then(|q| q.eval_at(&store, at_s * 1000));
        let shown = value.as_ref().map(show).unwrap_or_else(|e| format!("error: {e}"));
        assert_eq!(shown, *expected, "{query} at {at_s} s");
    }
}

#[test]
fn instants_look_back_five_minutes_and_not_beyond_the_end_of_a_series() {
    let lines = ["up{pod=a} 1 2 3", "up{pod=b} 5 x"];
    check(
        &lines,
        30,
        &[("up", "up{pod=\"a\"} 3"), ("up{pod=~\"a|b\"} offset 30s", "up{pod=\"a\"} 1; up{pod=\"b\"} 5")],
    );
    check(&lines, 330, &[("up", "up{pod=\"a\"} 3")]);
    check(&lines, 331, &[("up", ""), ("absent(up)", "{} 1")]);
    check(&lines, 30, &[("up{pod!=\"a\"}", ""), ("up == 3", "up{pod=\"a\"} 3"), ("up > bool 3", "{pod=\"a\"} 0")]);
}

#[test]
fn rates_extrapolate_to_the_ends_and_survive_resets() {
    // 60 s of a counter that grows by 1 a second, sampled every 15 s: the window [0, 60] holds 0 to 60.
    check(&["c{} 0 15 30 45 60"], 60, &[("rate(c[1m])", "{} 1"), ("increase(c[1m])", "{} 60")]);
    // The window [10, 60] holds 15 to 60, and begins 5 s before its first sample.
    check(&["c{} 0 15 30 45 60"], 60, &[("increase(c[50s])", "{} 50"), ("rate(c[50s])", "{} 1")]);
    // Reset after 30: 0 15 30 | 10 25 -> the change is 25 and the 30 that were lost.
    check(&["c{} 0 15 30 10 25"], 60, &[("increase(c[1m])", "{} 55")]);
    // The series begins late: the first sample is 45 s into the window, so it is extended by half an interval.
    check(&["c{} _ _ _ 100 115"], 60, &[("increase(c[1m])", "{} 22.5")]);
    // A counter is never extended below zero: it stood at 1 in the first sample.
    check(&["c{} _ 1 16 31 46"], 60, &[("increase(c[1m])", "{} 46")]);
    check(&["c{} 0 15 30 45 60"], 60, &[("irate(c[1m])", "{} 1"), ("delta(c[1m])", "{} 60")]);
    check(&["c{} 5"], 0, &[("rate(c[1m])", "")]);
}

#[test]
fn aggregation_by_and_without() {
    let lines = ["q{pool=x,pod=a} 1", "q{pool=x,pod=b} 3", "q{pool=y,pod=c} 10"];
    check(
        &lines,
        0,
        &[
            ("sum(q)", "{} 14"),
            ("sum by (pool) (q)", "{pool=\"x\"} 4; {pool=\"y\"} 10"),
            ("avg without (pod) (q)", "{pool=\"x\"} 2; {pool=\"y\"} 10"),
            ("max by (nothing) (q)", "{} 10"),
            ("min(q)", "{} 1"),
            ("count by (pool) (q)", "{pool=\"x\"} 2; {pool=\"y\"} 1"),
            ("sum(q) / count(q) * 2 - 1", "{} 8.333333333333334"),
            ("sum by (renamed) (q{renamed=\"x\"})", ""),
        ],
    );
}

#[test]
fn vectors_match_one_to_one_or_say_why_not() {
    let lines = ["hits{pod=a} 3", "hits{pod=b} 0", "queries{pod=a} 4", "queries{pod=b} 2", "queries{pod=c} 9"];
    check(
        &lines,
        0,
        &[
            ("hits / queries", "{pod=\"a\"} 0.75; {pod=\"b\"} 0"),
            ("hits / on (pod) queries", "{pod=\"a\"} 0.75; {pod=\"b\"} 0"),
            ("1 - hits / queries", "{pod=\"a\"} 0.25; {pod=\"b\"} 1"),
        ],
    );
    let error = Query::parse("hits / on () queries").and_then(|q| q.eval_at(&store(&lines), 0)).expect_err("many");
    assert!(matches!(&error, PromqlError::Mismatch { message, .. } if message.contains("several series")), "{error}");
}

#[test]
fn quantiles_are_linear_within_their_bucket() {
    let lines = ["b{le=0.1} 10", "b{le=0.5} 30", "b{le=1} 40", "b{le=+Inf} 40"];
    check(
        &lines,
        0,
        &[
            ("histogram_quantile(0.5, b)", "{} 0.30000000000000004"),
            ("histogram_quantile(0.25, b)", "{} 0.1"),
            ("histogram_quantile(1, b)", "{} 1"),
            ("histogram_quantile(0.9, b)", "{} 0.8"),
        ],
    );
    check(&["b{le=1} 0", "b{le=+Inf} 5"], 0, &[("histogram_quantile(0.5, b)", "{} 1")]);
}

#[test]
fn what_is_left_out_is_refused_by_name_and_place() {
    for (query, says) in [
        ("limitk(3, up)", "the aggregation `limitk` is not supported here (at character 1)"),
        ("1 + limit_ratio by (pod) (0.5, up)", "`limit_ratio` is not supported here (at character 5)"),
        ("up + fill(0) down", "`fill` is not supported here (at character 6)"),
        ("info(up)", "the function `info` (it is experimental, or newer than Prometheus 2.42) is not supported"),
        ("histogram_count(up)", "there are no native histograms"),
        ("double_exponential_smoothing(up[5m], 0.5, 0.5)", "`holt_winters`"),
        ("rate(up[5m] anchored)", "the modifier `anchored`"),
        ("rate(up[5m * 2])", "a duration that is computed"),
        ("rate(up[300])", "a duration without a unit"),
        ("{\"up\"}", "a name in quotes"),
        ("sum by (\"pod\") (up)", "in quotes"),
        ("µ", "means nothing here (at character 1)"),
        ("\"µ\" + rate(up)", "instant vector: write"),
        ("sum by (", "the name of a label is wanted here, not the end (at character 9)"),
        ("", "there is no expression"),
        ("up offset 1e308", "a duration without a unit"),
        ("up offset 99999999999999999999s", "out of range"),
        ("up[4294967296s1ms", "`]` or `:` is wanted"),
        ("rrate(up[5m])", "no function is called `rrate` (at character 1); did you mean `rate`?"),
        ("1 == 1", "`== bool`"),
        ("up == on(pod) 1", "one side is a scalar"),
        ("up and 1", "one side is a scalar"),
        ("up + bool down", "`bool` goes with a comparison"),
        ("rate(up)", "rate() takes a range vector, and this is an instant vector: write the range"),
        ("sum(up[5m])", "takes an instant vector, and this is a range vector"),
        ("clamp(up, 1)", "clamp() takes 3 argument(s), and there are 2"),
        ("{pod=~\".*\"}", "every series fits this"),
        ("up{pod=~\"(\"}", "is no pattern"),
        ("up{__name__=\"down\"}", "before the braces and in them"),
        ("label_replace(up, \"a-b\", \"\", \"pod\", \"\")", "cannot be the name of a label"),
        ("up offset 5m offset 5m", "given twice"),
        ("sum(up) offset 5m", "follow a selector"),
        ("up[5m][5m]", "only a selector has a range"),
        ("rate(up[5m]) [5m]", "ask a subquery, as in [5m:]"),
    ] {
        let error = Query::parse(query).expect_err(query).to_string();
        assert!(error.contains(says), "{query}: {error}");
    }
    let place = |query: &str| Query::parse(query).expect_err(query).place().expect("a place").offset;
    assert_eq!((place("é + rate(x[1m])"), place("{a=\"é\"} + foo(x)"), place("sum(x")), (0, 11, 5));
    let nested = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let chained = vec!["1"; 5000].join(" + ");
    for query in [nested, chained, "-".repeat(5000) + "1"] {
        let error = Query::parse(&query).expect_err("too deep").to_string();
        assert!(error.contains("stand within each other"), "{error}");
    }
}

#[test]
fn ranges_are_instants_in_a_row() {
    let store = store(&["c{pod=a} 0 1 2 _ 4 5 6 7 8 9 10", "c{pod=b} 5 x _ _ _ _ 7 8 9"]);
    for query in [
        "c",
        "rate(c[40s])",
        "sum(c)",
        "c > 4",
        "time()",
        "vector(time())",
        "absent(c)",
        "max_over_time(c[1m:10s])",
        "c @ 30 + c",
        "c @ end() - c @ start()",
        "count_values(\"v\", c)",
        "topk(1, c)",
        "scalar(c)",
        "c unless c > 7",
        "predict_linear(c[1m] @ 60, 60)",
        "quantile_over_time(0.5, c[1m])",
        "absent_over_time(c{pod=\"b\"}[20s])",
    ] {
        let query = Query::parse(query).expect(query);
        let lines = query.eval_range(&store, 5_000, 145_000, 7_000).expect("it is answered");
        let whole = query.text().contains("start()");
        for moment in (5_000..=145_000).step_by(7_000) {
            let mut of_line = BTreeMap::new();
            for line in &lines {
                let point = line.points.iter().find(|p| p.t_ms == moment);
                of_line.extend(point.map(|p| (line.labels.clone(), p.value.to_bits())));
            }
            let of_instant: BTreeMap<Labels, u64> = match query.eval_at(&store, moment).expect("it is answered") {
                Value::Scalar(number) => [(Labels::default(), number.to_bits())].into(),
                Value::Vector(samples) => samples.into_iter().map(|s| (s.labels, s.value.to_bits())).collect(),
                other => panic!("{other:?}"),
            };
            assert!(whole || of_line == of_instant, "{} at {moment}: {of_line:?}, {of_instant:?}", query.text());
        }
    }
    let up = Query::parse("c").expect("a selector");
    for (start, end, step, says) in [
        (0, 1, 0, "longer than nothing"),
        (1, 0, 1, "before the start"),
        (0, MOST_STEPS as i64 + 1, 1, "steps"),
        (i64::MIN, i64::MAX, 1, "steps"),
    ] {
        let error = up.eval_range(&store, start, end, step).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(up.eval_range(&store, 0, MOST_STEPS as i64, 1).is_ok());
    let range = Query::parse("c[1m]").expect("a range");
    assert!(matches!(range.eval_range(&store, 0, 1, 1), Err(PromqlError::Mismatch { .. })));
    assert!(!range.gives_values() && up.gives_values());
}

#[test]
fn samples_of_a_range_keep_their_times() {
    check(&["up{pod=a} 1 _ 3 x"], 45, &[("up[30s]", "up{pod=\"a\"} 3@30"), ("up[31s:15s]", "up{pod=\"a\"} 1@15 3@30")]);
    check(&[], 0, &[("\"a text\"", "a text"), ("(\"x\")", "x")]);
}

#[test]
fn limits_are_of_samples_and_refuse_before_they_are_passed() {
    let store = store(&["up{pod=a} 1 2 3"]);
    for query in [
        "max_over_time(vector(1)[100y:1ms])",
        "sum_over_time(up[100y:1ms])",
        "max_over_time(sum_over_time(vector(1)[1d:1s])[1d:1s])",
    ] {
        let error = Query::parse(query).and_then(|q| q.eval_at(&store, 1_000_000_000)).expect_err(query);
        assert!(matches!(error, PromqlError::TooMuch(_)), "{query}: {error}");
    }
    let twice = |of: String| format!("label_replace({of}, \"pod\", \"$1$1\", \"pod\", \"(.*)\")");
    let doubled = (0..60).fold("up".to_string(), |of, _| twice(of));
    let error = Query::parse(&doubled).and_then(|q| q.eval_at(&store, 0)).expect_err("too long");
    assert!(matches!(error, PromqlError::TooMuch(_)), "{error}");
    for moment in [i64::MIN, i64::MIN + 1, -1, i64::MAX] {
        for query in
            ["rate(up[5m] offset 1y)", "up offset -1y", "max_over_time(up[1h:1m])", "predict_linear(up[1y], 1)"]
        {
            let _ = Query::parse(query).expect(query).eval_at(&store, moment);
        }
    }
}

#[test]
fn a_query_is_warned_of_what_it_probably_does_not_mean() {
    let kinds: BTreeMap<String, Kind> = [
        ("vllm:num_requests_running", Kind::Gauge),
        ("vllm:prompt_tokens_total", Kind::Counter),
        ("vllm:request_prompt_tokens", Kind::Histogram),
    ]
    .map(|(name, kind)| (name.to_string(), kind))
    .into();
    for (query, says) in [
        ("sum(rate(vllm:num_requests_running[5m]))", "5: `vllm:num_requests_running` is a gauge"),
        ("delta(vllm:num_requests_running[5m]) + rate(vllm:request_prompt_tokens_bucket[5m])", ""),
        (
            "rate(vllm:prompt_token_total[5m])",
            "6: nothing is called `vllm:prompt_token_total`; did you mean `vllm:prompt_tokens_total`?",
        ),
        ("vllm:request_prompt_tokens", "1: nothing is called `vllm:request_prompt_tokens`: it is a histogram"),
        ("{pod=\"a\"} + vllm:prompt_tokens_total", ""),
    ] {
        let found = warnings(&Query::parse(query).expect(query), &kinds);
        let shown: Vec<String> = found.iter().map(|w| format!("{}: {}", w.at.offset + 1, w.message)).collect();
        assert!(
            if says.is_empty() { shown.is_empty() } else { shown.join("\n").starts_with(says) },
            "{query}: {shown:?}"
        );
    }
}

#[test]
fn the_store_gives_back_every_bit_and_every_label() {
    let values = [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, 1e300, 9e15, 255.0, 65_536.0, 5e9, -7.0, f64::MIN_POSITIVE];
    for shift in 0..values.len() {
        let mut store = Store::default();
        let id = store.series(&Labels::new([(NAME, "up"), ("pod", "a")]));
        let other = store.series(&Labels::new([(NAME, "down"), ("pod", "b")]));
        let mut expected = Vec::new();
        for n in 0..300i64 {
            let value = if n < 130 { n as f64 * 1000.0 } else { values[(n as usize * (shift + 1)) % values.len()] };
            let t_ms = n * 15_000 + if n % 50 == 7 { 13 } else { 0 };
            assert!(store.append(id, t_ms, value) && !store.append(id, t_ms, value));
            expected.push((t_ms, value.to_bits()));
        }
        let given: Vec<(i64, u64)> = store.points(id).map(|p| (p.t_ms, p.value.to_bits())).collect();
        assert_eq!(given, expected);
        for (t_ms, bits) in expected {
            assert_eq!(store.last_at(id, t_ms).map(|p| p.value.to_bits()), Some(bits));
            assert_eq!(store.last_at(id, t_ms + 14_000).map(|p| p.t_ms), Some(t_ms));
        }
        assert_eq!(store.last_at(id, -1), None);
        assert!(
            store.has_samples(id, 100, 20_000) && !store.has_samples(id, 100, 200) && !store.has_samples(other, 0, 1)
        );
        let all: Vec<_> = store.all().collect();
        assert_eq!(store.label_names(&all), [NAME, "pod"]);
        assert_eq!((store.label_values("pod", &all), store.label_values("pod", &[id])), (vec!["a", "b"], vec!["a"]));
        let pods = Query::parse("{pod=~\".\"}").and_then(|q| q.series(&store)).expect("a selector");
        assert_eq!(pods, all);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = Query::parse(&text).map(|q| q.eval_at(&store(&["up{} 1 2"]), 15_000));
    }

    #[test]
    fn no_query_of_known_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(&[
        "up", "c", "{", "}", "(", ")", "[1m]", "[0s]", "rate", "sum", "by", "pod", ",", "/", "0", "1e308", "-", "==",
        "bool", "histogram_quantile", "offset", "5m", "on", "abs", "clamp_min", "NaN", "Inf", "%", "^", "@", "start()",
        "end()", "[5m:]", "[1h:7s]", "topk", "quantile", "count_values", "\"pod\"", "label_replace", "group_left", "or",
        "unless", "without", "{pod=~\"a.*\"}", "predict_linear", "absent_over_time", "timestamp", "vector", "scalar",
        "time()", "sort_desc", "label_join", "\"$1\"", "holt_winters", "0x1f", "1e", ":", "[", "]", "#", "ignoring",
    ][..]), 1..14), t_ms in prop::sample::select(&[i64::MIN, -1, 0, 15_000, 40_000, i64::MAX][..])) {
        let store = store(&["up{pod=a} 1 2", "c{pod=a} 0 9 x", "c{pod=b} NaN 1"]);
        if let Ok(query) = Query::parse(&words.join(" ")) {
            let _ = query.eval_at(&store, t_ms);
            let _ = query.eval_range(&store, t_ms, t_ms.saturating_add(90_000), 13_000);
        }
    }

    #[test]
    fn trees_made_by_chance_are_answered_or_refused(seed in 0u64..1 << 40, t_s in 0i64..200, step_s in 1i64..50) {
        let store = store(&[
            "c_total{pod=a,pool=x} 0 1 2 _ 4 1 6 7", "c_total{pod=b,pool=y} 5 x _ 2 7 8 9", "g{pod=a,pool=x} NaN 1 -inf inf 0 -3",
            "h_bucket{pod=a,le=1} 0 1 4 9", "h_bucket{pod=a,le=+Inf} 0 2 4 12", "h_bucket{pod=a,le=odd} 1 1 1",
        ]);
        let mut maker = Maker::new(&store, seed);
        for _ in 0..20 {
            let asked = maker.make();
            let Ok(query) = Query::parse(&asked.query) else { continue };
            let instant = query.eval_at(&store, t_s * 1000);
            let lines = query.eval_range(&store, t_s * 1000, (t_s + 100) * 1000, step_s * 1000);
            for line in lines.into_iter().flatten() {
                prop_assert!(line.points.len() <= 1 + 100 / step_s as usize && !line.points.is_empty(), "{}", asked.query);
                prop_assert!(!line.points.iter().any(|p| p.is_stale()), "{}", asked.query);
            }
            if let Ok(Value::Vector(samples)) = instant {
                let names: std::collections::BTreeSet<_> = samples.iter().map(|s| &s.labels).collect();
                prop_assert_eq!(names.len(), samples.len(), "{}", asked.query);
            }
        }
    }

    #[test]
    fn a_sum_is_the_sum_of_its_parts(values in prop::collection::vec((0u8..4, -1e6f64..1e6), 1..40)) {
        let lines: Vec<String> =
            values.iter().enumerate().map(|(n, (pool, v))| format!("q{{pod={n},pool={pool}}} {v}")).collect();
        let store = store(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let total = |query: &str| match Query::parse(query).and_then(|q| q.eval_at(&store, 0)) {
            Ok(Value::Vector(samples)) => samples.iter().map(|s| s.value).sum::<f64>(),
            other => panic!("{other:?}"),
        };
        let (whole, parts) = (total("sum(q)"), total("sum by (pool) (q)"));
        prop_assert!((whole - parts).abs() <= 1e-6 * (1.0 + values.iter().map(|(_, v)| v.abs()).sum::<f64>()));
    }
}

#[test]
fn a_query_is_printed_as_prometheus_prints_it() {
    // As 2.42's format_query has them.
    for (query, printed) in [
        ("up{job=\"a\"}", "up{job=\"a\"}"),
        ("{ __name__ = 'up' }", "{__name__=\"up\"}"),
        ("SUM by(a)(up)+1e6", "sum by (a) (up) + 1e+06"),
        ("123456789 + 1e21 + 100000 + 0.00001 + Inf", "1.23456789e+08 + 1e+21 + 100000 + 1e-05 + +Inf"),
        ("rate(up[90m] offset -5m)", "rate(up[1h30m] offset -5m)"),
        ("max_over_time(sum(up)[1h:1m] @ 1.5)", "max_over_time(sum(up)[1h:1m] @ 1.500)"),
        ("up[5m:] offset 1w", "up[5m:] offset 1w"),
        ("a * on() group_left b", "a * on () group_left () b"),
        ("a / ignoring() b", "a / b"),
        ("sum by() (up)", "sum(up)"),
        ("- ( up )", "-(up)"),
        ("label_replace(up,'a','$1','b','(.*)\\\\d')", "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\\\\d\")"),
        ("count_values without(x) ('v', up @ end())", "count_values without (x) (\"v\", up @ end())"),
        (
            "sum by(aaaaaaaaaaaaaaaaaaaaaaaaaa)(rate(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb[5m])) / on(ccc) group_left(x) max_over_time(ddddddddddddddddddddddd[5m:1m])",
            "  sum by (aaaaaaaaaaaaaaaaaaaaaaaaaa) (rate(bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb[5m]))\n/ on (ccc) group_left (x)\n  max_over_time(ddddddddddddddddddddddd[5m:1m])",
        ),
    ] {
        assert_eq!(Query::parse(query).expect(query).pretty(), printed);
    }
}

proptest! {
    #[test]
    fn what_is_printed_means_the_same(seed in 0u64..1 << 40) {
        let store = store(&["c_total{pod=a,pool=x} 0 1 2 _ 4 1 6 7", "g{pod=a,pool=x} NaN 1 -inf inf 0 -3", "g{pod=b} 4 4 2 1"]);
        let mut maker = Maker::new(&store, seed);
        for _ in 0..10 {
            let asked = maker.make();
            let Ok(query) = Query::parse(&asked.query) else { continue };
            let pretty = query.pretty();
            let again = Query::parse(&pretty).map_err(|e| TestCaseError::fail(format!("{}: {pretty}: {e}", asked.query)))?;
            prop_assert_eq!(again.canonical(), query.canonical());
            let (one, other) = (query.eval_at(&store, 90_000), again.eval_at(&store, 90_000));
            prop_assert_eq!(format!("{:?}", one.ok()), format!("{:?}", other.ok()), "{}", asked.query);
        }
    }

    #[test]
    fn on_another_clock_answers_are_the_same_but_for_moments(seed in 0u64..1 << 40, zero_h in -3i64..500_000) {
        let store = store(&["c_total{pod=a,pool=x} 0 1 2 _ 4 1 6 7", "g{pod=a,pool=x} 2 1 8 0 0 -3", "g{pod=b} 4 4 2 1 x"]);
        let zero_ms = zero_h * 3_600_000;
        let mut maker = Maker::new(&store, seed);
        for _ in 0..10 {
            let asked = maker.make();
            if ["@", ":", "time", "hour", "minute", "day", "month", "year"].iter().any(|word| asked.query.contains(word)) {
                continue; // those speak of moments, or of multiples of a step
            }
            let Ok(query) = Query::parse(&asked.query) else { continue };
            let here = query.eval_range(&store, 30_000, 120_000, 10_000);
            let there = query.since(zero_ms).eval_range(&store, zero_ms + 30_000, zero_ms + 120_000, 10_000);
            let plain = |lines: Vec<Line>, zero_ms: i64| -> Vec<String> {
                let shown = |line: &Line| line.points.iter().map(|p| format!(" {}@{}", p.value, p.t_ms - zero_ms)).collect::<String>();
                lines.iter().map(|line| format!("{}{}", line.labels, shown(line))).collect()
            };
            prop_assert_eq!(here.ok().map(|l| plain(l, 0)), there.ok().map(|l| plain(l, zero_ms)), "{}", asked.query);
        }
    }
}

#[test]
fn moments_are_on_the_askers_clock() {
    let store = store(&["up{pod=a} 1 2 3", "process_start_time_seconds{pod=a} 5 5 5"]);
    let zero_ms = 1_772_546_400_000; // 2026-03-03 14:00:00
    for (query, shown) in [
        ("time()", "1772546430"),
        ("hour()", "{} 14"),
        ("timestamp(up)", "{pod=\"a\"} 1772546430"),
        ("up @ 1772546415", "up{pod=\"a\"} 2"),
        ("up[16s]", "up{pod=\"a\"} 2@1772546415 3@1772546430"),
        ("time() - process_start_time_seconds", "{pod=\"a\"} 25"),
    ] {
        let query = Query::parse(query).expect(query).since(zero_ms);
        assert_eq!(show(&query.eval_at(&store, zero_ms + 30_000).expect("answered")), shown, "{}", query.text());
    }
}
