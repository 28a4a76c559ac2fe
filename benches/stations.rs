//! An M/M/c queue on the production station and event queue, once, as JSON: what the comparison with SimPy and nexosim runs.
//!
//! `cargo bench --no-default-features --bench stations -- [--servers 8] [--load 0.9] [--customers 1000000] [--seed 1]`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;

use scartissue::sim::queue::{Class, EventQueue};
use scartissue::sim::rng::{Purpose, Stream};
use scartissue::sim::station::{Offer, Station};
use scartissue::sim::time::{SimDuration, SimTime};
use serde_json::json;

enum Event {
    Arrival,
    Departure(u32),
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: f64| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|at| arguments.get(at + 1)).map_or(default, |v| v.parse().expect("a number"))
    };
    let (servers, load) = (value("--servers", 8.0) as u32, value("--load", 0.9));
    let (customers, seed) = (value("--customers", 1e6) as u32, value("--seed", 1.0) as u64);
    let begun = Instant::now();
    let mut station = Station::new(servers, None);
    let mut queue = EventQueue::default();
    let mut gaps = Stream::new(seed, 1, Purpose::Arrival, 0);
    let mut services = Stream::new(seed, 1, Purpose::Service, 0);
    let gap = 1.0 / (load * f64::from(servers));
    let mut arrived = 0;
    queue.push(SimTime::ZERO, Class::Request, Event::Arrival);
    let mut now = SimTime::ZERO;
    while let Some((at, event)) = queue.pop(SimTime::NEVER) {
        now = at;
        let begins = match event {
            Event::Arrival => {
                let key = arrived;
                arrived += 1;
                if arrived < customers {
                    let next = now + SimDuration::from_secs_f64(gaps.exponential(gap));
                    queue.push(next, Class::Request, Event::Arrival);
                }
                (station.offer(now, key) == Offer::Started).then_some(key)
            }
            Event::Departure(key) => station.finish(now, key),
        };
        if let Some(key) = begins {
            let end = now + SimDuration::from_secs_f64(services.exponential(1.0));
            queue.push(end, Class::Request, Event::Departure(key));
        }
    }
    let books = station.books(now);
    let wall_s = begun.elapsed().as_secs_f64();
    let mean_wait_s = books.waited as f64 / 1e9 / books.served as f64;
    println!(
        "{}",
        json!({ "wall_s": wall_s, "customers": books.served, "mean_wait_s": mean_wait_s, "events": queue.pushed() })
    );
}
