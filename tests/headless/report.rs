//! What a run reports reads the same in JSON, in a terminal and on a page.

use scartissue::report::page;
use scartissue::report::run::{Moment, MomentKind, RunReport};
use scartissue::report::terminal::{self, Terminal};
use scartissue::sim::ids::ReplicaId;
use scartissue::sim::series::{ReplicaLoad, Series, SeriesRecorder};
use scartissue::sim::time::{SimDuration, SimTime};

/// Thirty minutes of a made-up service whose cache goes at 10:00 if `lost`: shapes to draw, not a simulation.
fn made_up_series(lost: bool) -> Series {
    let mut recorder = SeriesRecorder::new(SimDuration::from_secs(10));
    for second in 0..1800_u64 {
        let at = SimTime::from_secs_f64(second as f64);
        let bad = lost && second >= 600;
        let wave = second * 7919 % 23;
        let minutes_bad = second.saturating_sub(600).min(400) / 20;
        for _ in 0..45 + wave / 2 {
            recorder.intent(at);
        }
        for k in 0..if bad { 45 + wave / 2 + 4 * minutes_bad } else { 46 + wave / 2 } {
            recorder.attempt(at);
            recorder.admitted(at, 8000, 1500 + 10 * k, 900, if bad { 100 } else { 4600 });
            recorder.computed_prefill(at, if bad { 5500 } else { 900 + 20 * wave });
            let slow = if bad { minutes_bad * 600 } else { 0 };
            recorder.first_token(at, SimDuration::from_millis(350 + 9 * k + slow));
        }
        for _ in 0..if bad { minutes_bad * 3 } else { u64::from(wave == 3) } {
            recorder.error(at);
        }
        for _ in 0..if bad { 45 - 2 * minutes_bad } else { 45 + wave / 2 } {
            recorder.good(at);
        }
        for id in 0..8 {
            let waiting = if bad { 6 * minutes_bad as u32 } else { (wave / 12) as u32 };
            let busy = bad || (second + id) % 10 < 7;
            let ready = !(second == 1795 && lost);
            recorder.replica(at, ReplicaId(id as u16), ReplicaLoad { ready, busy, waiting });
        }
    }
    recorder.finish(SimTime::from_secs_f64(1800.0))
}

fn moment(seconds: f64, kind: MomentKind, text: &str) -> Moment {
    Moment { at: SimTime::from_secs_f64(seconds), text: text.to_owned(), kind }
}

fn made_up_run(lost: bool) -> RunReport {
    RunReport {
        scenario: "empty-spares".to_owned(),
        variant: "membership".to_owned(),
        seed: 7,
        event_hash: "9f3c01d27ab45e60".to_owned(),
        harm: if lost { 41_250.0 } else { 310.0 },
        cost: 0.0,
        series: made_up_series(lost),
        timeline: vec![
            moment(480.0, MomentKind::Decoy, "a deploy of the gateway begins in zone b, one replica at a time"),
            moment(600.0, MomentKind::Cause, "the cache controller swaps eight members for empty spares"),
            moment(610.0, MomentKind::Symptom, "hit ratio leaves its usual range: 0.11, usually 0.87 to 0.89"),
            moment(640.0, MomentKind::Symptom, "time to first token p99 leaves its usual range"),
            moment(790.0, MomentKind::Symptom, "attempts leave their usual range, intents do not"),
            moment(860.0, MomentKind::Page, "ApiRequestVolumeHigh: request volume 2.1 times that of last week"),
            moment(1500.0, MomentKind::Action, "scale the pool by two replicas"),
        ],
        label: if lost { "the incident" } else { "the same users, cause removed" }.to_owned(),
    }
}

#[test]
fn look() {
    for (width, runs) in [(80, vec![made_up_run(true)]), (140, vec![made_up_run(true), made_up_run(false)])] {
        println!("{}", terminal::text(&runs, Terminal { width, colour: false }));
        std::fs::write(format!("/tmp/report-{width}.html"), page::html(&runs)).unwrap();
    }
}
