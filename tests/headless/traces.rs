//! Recorded traces: what the built-in ones hold, how they are replayed, and that no file makes the reader panic.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::scenario::trace::{self, TraceError};
use scartissue::sim::ids::SourceId;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::workload::spec::{Arrivals, TraceArrivals};
use scartissue::sim::workload::{Intent, TraceRow, Workload};

fn mean(rows: &[TraceRow], what: impl Fn(&TraceRow) -> u32) -> f64 {
    rows.iter().map(|r| f64::from(what(r))).sum::<f64>() / rows.len() as f64
}

/// Counts and means as the traces' own documents state them (Mooncake, FAST '25, table 2; Azure 2023, Splitwise).
#[test]
fn the_built_in_traces_are_what_their_sources_say() {
    for (name, rows, input, output, sessions) in [
        ("mooncake-conversation", 12_031, 12_035.0, 343.0, None),
        ("azure-conv", 19_366, 1_155.0, 211.0, Some(19_366)),
        ("azure-code", 8_819, 2_048.0, 28.0, Some(8_819)),
        ("agent-sessions", 493, 52_615.0, 367.0, Some(22)),
    ] {
        let trace = trace::open(name).expect("built in");
        assert_eq!(trace.len(), rows, "{name}");
        assert!((mean(&trace, |r| r.input_tokens) - input).abs() < 1.0, "{name}: {}", mean(&trace, |r| r.input_tokens));
        assert!(
            (mean(&trace, |r| r.output_tokens) - output).abs() < 1.0,
            "{name}: {}",
            mean(&trace, |r| r.output_tokens)
        );
        assert!(trace.is_sorted_by_key(|r| r.at));
        let numbered = trace.iter().map(|r| r.session).max().map(|s| s as usize + 1);
        assert!(sessions.is_none() || numbered == sessions, "{name}: {numbered:?} sessions");
        assert!(trace.iter().all(|r| r.segments.iter().map(|s| s.tokens).sum::<u32>() <= r.input_tokens));
    }
    assert_eq!(trace::names().count(), 4);
}

#[test]
fn a_wrong_name_or_file_says_what_would_be_right() {
    let unknown = trace::open("mooncake-conversatoin").expect_err("misspelt");
    assert!(unknown.to_string().contains("mooncake-conversation"), "{unknown}");
    assert!(matches!(trace::open("no/such.jsonl"), Err(TraceError::Unreadable { .. })));
    let empty = trace::read("a.jsonl", b"\n\n").expect_err("empty").to_string();
    assert!(empty.starts_with("a.jsonl: no row"), "{empty}");
    let line = trace::read("b.csv", b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,many,1\n");
    let said = line.expect_err("not a number").to_string();
    assert_eq!(said, "b.csv:2: `many` is no number of tokens (ContextTokens)");
    assert!(trace::read("c.jsonl.gz", &[0x1f, 0x8b, 8, 0, 1]).is_err());
}

fn replay(rows: &[(u64, u32)], change: impl Fn(&mut TraceArrivals), open_s: u64, to_s: u64) -> Vec<Intent> {
    let lines: String = (rows.iter())
        .map(|(ms, tokens)| {
            format!("{{\"timestamp\":{ms},\"input_length\":{tokens},\"output_length\":1,\"hash_ids\":[1]}}\n")
        })
        .collect();
    let rows = Arc::new(trace::read("made.jsonl", lines.as_bytes()).expect("good rows"));
    let (file, lead_s) = ("made.jsonl".to_string(), SimDuration::ZERO);
    let mut arrivals = TraceArrivals { file, speed: 1.0, lead_s, repeat: false, sessions: None, rows };
    change(&mut arrivals);
    let mut spec = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("built in").file.workload.clone();
    spec.sources.truncate(1);
    spec.sources[0].arrivals = Arrivals::Trace(arrivals);
    let names = ["agent-sdk".to_string()];
    let open = SimTime::ZERO + SimDuration::from_secs(open_s);
    let mut users = Workload::new(&spec, &names, &["sonata-70b".to_string()], 1, open).expect("names are right");
    let until = SimTime::ZERO + SimDuration::from_secs(to_s);
    let arrivals: Vec<_> =
        std::iter::from_fn(|| users.next_arrival(SourceId(0))).take_while(|a| a.at < until).collect();
    arrivals.iter().map(|a| users.intent(a)).collect()
}

fn moments(intents: &[Intent]) -> Vec<(f64, u32)> {
    intents.iter().map(|i| (i.at.as_secs_f64(), i.prompt.tokens())).collect()
}

#[test]
fn a_trace_begins_at_the_opening_or_a_stated_time_before_and_ends_or_repeats() {
    let rows = [(0, 100), (1000, 200), (1000, 300), (4000, 400)];
    let plain = replay(&rows, |_| (), 10, 100);
    assert_eq!(moments(&plain), [(10.0, 100), (11.0, 200), (11.0, 300), (14.0, 400)]);
    let led = replay(&rows, |t| (t.lead_s, t.speed) = (SimDuration::from_secs(11), 2.0), 10, 100);
    assert_eq!(moments(&led), [(1.0, 400)], "what would be before the world began is left out");
    let again = replay(&rows, |t| t.repeat = true, 10, 20);
    let last_of = 4.0 + 4.0 / 3.0;
    let second: Vec<(f64, u32)> = moments(&again)[4..].to_vec();
    assert_eq!(second.len(), 4);
    assert!((second[0].0 - 10.0 - last_of).abs() < 1e-6, "{second:?}");
    let key = |i: &Intent| i.prompt.segments()[0].key;
    assert_eq!(key(&again[0]), key(&again[1]), "rows share what they shared");
    assert_ne!(key(&again[0]), key(&again[4]), "a second pass shares nothing with the first");
}

/// The signs of the lost cache, on recorded traffic.
#[test]
fn losing_the_shared_cache_shows_on_recorded_traffic() {
    let scenario = Scenario::open(&Catalogue::built_in(), "empty-spares-replay").expect("built in");
    for variant in ["membership"] {
        for seed in 1..=4 {
            let setup = Setup { variant: Some(variant.into()), ..Setup::default() };
            let happened = scenario.run(&setup, seed).expect("it runs");
            let without = scenario.file.variant(Some(variant)).expect("it exists").causes.clone();
            let spared = scenario.run(&Setup { without, ..setup }, seed).expect("it runs");
            let series = &happened.series;
            let during = |values: &[Option<f64>], from: f64, to: f64| {
                let inside =
                    series.t_s.iter().zip(values).filter(|(t, _)| from < **t && **t <= to).filter_map(|(_, v)| *v);
                let (sum, count) = inside.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
                sum / count
            };
            let all = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
            let (intents, attempts) = (all(&series.intents_per_s), all(&series.attempts_per_s));
            let ratio = |values: &[Option<f64>], from, to| during(values, from, to) / during(values, 0.0, 300.0);
            let hits = during(&series.hit_ratio, 0.0, 300.0);
            let peak = (series.t_s.iter().zip(&series.prefill_tokens_per_request))
                .filter(|(t, _)| 300.0 < **t && **t <= 600.0)
                .filter_map(|(_, v)| *v)
                .fold(0.0, f64::max);
            let prefill = peak / during(&series.prefill_tokens_per_request, 0.0, 300.0);
            let report = format!(
                "{variant}, seed {seed}: hits {hits:.3}, after the loss x{:.2}; prefill at most x{:.2}; attempts x{:.2}; intents x{:.2}; harm {:.0} against {:.0}",
                ratio(&series.hit_ratio, 480.0, 1000.0),
                prefill,
                ratio(&attempts, 600.0, 1800.0),
                ratio(&intents, 600.0, 1800.0),
                happened.harm.user_minutes_lost,
                spared.harm.user_minutes_lost,
            );
            println!("{report}");
            assert!(0.85 < hits, "{report}");
            assert!(ratio(&series.hit_ratio, 480.0, 1000.0) < 0.75, "{report}");
            assert!(4.0 < prefill, "{report}");
            assert!(2.0 < ratio(&attempts, 600.0, 1800.0), "{report}");
            assert!((0.8..1.2).contains(&ratio(&intents, 600.0, 1800.0)), "{report}");
            assert!(spared.harm.user_minutes_lost < 0.02 * happened.harm.user_minutes_lost, "{report}");
        }
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn nearly_a_line() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("0".to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        "[-+.eE0-9]{0,12}",
        Just("1e999".into())
    ];
    let ids = prop::collection::vec(
        prop_oneof![
            any::<u64>().prop_map(|n| n.to_string()),
            (any::<u64>(), any::<u64>()).prop_map(|(a, b)| format!("[{a},{b}]")),
            Just("[0,18446744073709551615]".into()),
            "[a-z\"\\[]{0,3}"
        ],
        0..4,
    );
    let json = (number.clone(), number.clone(), number.clone(), ids).prop_map(|(t, i, o, ids)| {
        format!("{{\"timestamp\":{t},\"input_length\":{i},\"output_length\":{o},\"hash_ids\":[{}]}}", ids.join(","))
    });
    let date = prop_oneof![
        "[0-9]{1,20}-[0-9]{1,3}-[0-9]{1,20} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,20}(\\.[0-9é]{0,12})?",
        ".{0,20}"
    ];
    let csv = (date, number.clone(), number).prop_map(|(d, i, o)| format!("{d},{i},{o}"));
    prop_oneof![json, csv, Just("TIMESTAMP,ContextTokens,GeneratedTokens".to_string()), ".{0,40}"]
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), csv: bool, packs: bool) {
        let bytes = if packs { packed(&bytes) } else { bytes };
        let _ = trace::read(if csv { "x.csv.gz" } else { "x.jsonl" }, &bytes);
    }

    #[test]
    fn no_nearly_good_file_makes_the_reader_panic(lines in prop::collection::vec(nearly_a_line(), 0..8), csv: bool) {
        let header = if csv { "TIMESTAMP,ContextTokens,GeneratedTokens\n" } else { "" };
        let text = format!("{header}{}", lines.join("\n"));
        if let Ok(rows) = trace::read(if csv { "x.csv" } else { "x.jsonl" }, text.as_bytes()) {
            prop_assert!(rows.is_sorted_by_key(|r| r.at));
            prop_assert!(rows.iter().all(|r| 0 < r.input_tokens && 0 < r.output_tokens));
        }
    }
}
