//! The serving layers alone under a trace, once, as JSON: what the comparison with other simulators runs.
//!
//! `cargo bench --no-default-features --bench replay -- [--trace NAME_OR_PATH] [--replicas N] [--router round_robin|cache_aware]
//! [--stepwise]`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod serving;

use std::time::Instant;

use scartissue::sim::spec::stack::RouterPolicy;
use serde_json::json;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: &str| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|at| arguments.get(at + 1)).map_or(default.to_string(), Clone::clone)
    };
    let trace = value("--trace", "mooncake-conversation");
    let replicas: usize = value("--replicas", "4").parse().expect("--replicas is a number");
    let policy = match value("--router", "round_robin").as_str() {
        "cache_aware" => serving::cache_aware(),
        _ => RouterPolicy::RoundRobin,
    };
    let config = serving::config(arguments.iter().any(|a| a == "--stepwise"));
    let begun = Instant::now();
    let requests = match serving::requests(&trace) {
        Ok(requests) => requests,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    let read_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let outcome = serving::replay(&requests, replicas, policy, &config);
    let report = json!({
        "read_s": read_s,
        "replay_s": begun.elapsed().as_secs_f64(),
        "requests": outcome.finished,
        "events": outcome.events,
        "simulated_s": outcome.simulated_s,
        "output_tokens": outcome.output_tokens,
        "mean_ttft_ms": outcome.mean_ttft_ms,
        "mean_tpot_ms": outcome.mean_tpot_ms,
        "mean_e2e_ms": outcome.mean_e2e_ms,
        "hit_ratio": outcome.hit_ratio,
        "hash": format!("{:016x}", outcome.hash),
    });
    println!("{report}");
}
