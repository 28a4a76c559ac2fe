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
        let dead = lost && (1560..1620).contains(&second);
        for k in 0..if bad { 45 + wave / 2 + 4 * minutes_bad } else { 46 + wave / 2 } {
            recorder.attempt(at);
            if dead {
                continue;
            }
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
        event_hash: if lost { "9f3c01d27ab45e60" } else { "1b22f09ac4d87735" }.to_owned(),
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

fn both() -> Vec<RunReport> {
    vec![made_up_run(true), made_up_run(false)]
}

fn plain(runs: &[RunReport], width: u16) -> String {
    terminal::text(runs, Terminal { width, colour: false })
}

#[test]
fn json_keeps_the_contract_and_reads_back() {
    let report = made_up_run(true);
    let json = report.to_json();
    let value: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
    for field in ["scenario", "variant", "seed", "event_hash", "harm", "cost", "series"] {
        assert!(value.get(field).is_some(), "{field} is missing");
    }
    let series = value["series"].as_object().expect("an object");
    for column in [
        "t_s",
        "intents_per_s",
        "attempts_per_s",
        "hit_ratio",
        "prefill_tokens_per_request",
        "ttft_p50_s",
        "ttft_p99_s",
        "queue",
        "errors_per_s",
        "goodput_per_s",
        "gpu_busy",
    ] {
        assert_eq!(series[column].as_array().map(Vec::len), Some(180), "{column}");
    }
    assert!(series["hit_ratio"][158].is_null() && series["hit_ratio"][100].is_number());
    let back: RunReport = serde_json::from_str(&json).expect("reads back");
    assert!(back == report, "a number changed between writing and reading");
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_escapes_what_it_is_given() {
    let mut run = made_up_run(true);
    run.label = "<script>alert(1)</script>".to_owned();
    run.timeline[0].text = "\"quoted\" <b>& bold</b>".to_owned();
    let html = page::html(&[run, made_up_run(false)]);
    for outside in ["http:", "https:", "src=", "href=", "@import", "url(", "fetch("] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(!html.contains("<script>alert") && !html.contains("<b>&"));
    assert!(html.contains("&lt;b&gt;&amp; bold"));
}

#[test]
fn the_page_has_every_chart_with_its_table_and_every_moment() {
    let html = page::html(&both());
    assert_eq!(html.matches("<article").count(), 8);
    assert_eq!(html.matches("<tr><td>").count(), 8 * 180);
    assert_eq!(html.matches("class=\"line0 run1\" d=\"M0.0").count(), 8, "the second run is drawn in every chart");
    for moment in made_up_run(true).timeline {
        assert!(html.contains(&moment.text), "{}", moment.text);
    }
    assert!(html.contains("harm 310 instead of 41,250, 99.2 % less"));
    assert_eq!(html, page::html(&both()), "the same runs give the same bytes");
}

#[test]
fn a_line_is_broken_where_nothing_was_measured() {
    let html = page::html(&[made_up_run(true)]);
    let line = |chart: &str| {
        let from = html.find(&format!("aria-label=\"{chart}")).expect("the chart is there");
        let start = from + html[from..].find("class=\"line0 run0\" d=\"").expect("its line is there") + 22;
        html[start..].split('"').next().unwrap_or_default().matches('M').count()
    };
    assert_eq!((line("Requests"), line("Cache hit ratio"), line("Prefill per request")), (1, 2, 1 + 1));
}

#[test]
fn terminal_text_fits_its_width_and_colour_adds_nothing_but_colour() {
    for width in [0, 40, 57, 80, 119, 120, 140, 237] {
        let text = plain(&both(), width);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= usize::from(width.max(40)), "{width}: {longest}");
        assert!(!text.contains('\x1b'));
        let coloured = terminal::text(&both(), Terminal { width, colour: true });
        let mut bare = coloured.split('\x1b').map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
        let first = coloured.split('\x1b').next().unwrap_or_default();
        bare.next();
        assert_eq!(first.to_owned() + &bare.collect::<String>(), text, "{width}");
    }
}

#[test]
fn terminal_text_has_every_chart_and_every_moment() {
    let text = plain(&both(), 140);
    let titles =
        ["Requests /s", "Cache hit ratio %", "Prefill per request", "Queue", "Time to first token s", "Errors /s"];
    for title in titles.into_iter().chain(["Goodput /s", "GPU busy %"]) {
        assert!(text.contains(title), "{title}");
    }
    assert!(made_up_run(true).timeline.iter().all(|moment| text.contains(&moment.text)));
}

#[test]
fn a_report_with_nothing_in_it_is_drawn_without_complaint() {
    let hostile = RunReport {
        harm: f64::NAN,
        series: Series { t_s: vec![f64::INFINITY, -1.0], gpu_busy: vec![Some(f64::NAN)], ..Series::default() },
        label: "bell\x07 and clear\x1b[2J".to_owned(),
        timeline: vec![moment(1e9, MomentKind::Cause, "long after the end"); 40],
        ..RunReport::default()
    };
    for runs in [vec![], vec![RunReport::default()], vec![RunReport::default(), hostile.clone()], vec![hostile]] {
        assert!(page::html(&runs).contains("</html>"));
        assert!(!plain(&runs, 80).contains(['\x07', '\x1b']));
    }
}

/// Writes pictures of the made-up runs for people: `SCARTISSUE_LOOK=DIR cargo test --no-default-features look_at`.
#[test]
fn look_at_the_made_up_runs() {
    let Some(dir) = std::env::var_os("SCARTISSUE_LOOK").map(std::path::PathBuf::from) else {
        println!("skipped: set SCARTISSUE_LOOK to a folder to have the page and the terminal text written there");
        return;
    };
    std::fs::write(dir.join("page.html"), page::html(&both())).expect("the folder can be written");
    for width in [80, 140] {
        let text = terminal::text(&both(), Terminal { width, colour: true });
        std::fs::write(dir.join(format!("terminal-{width}.txt")), text).expect("the folder can be written");
    }
}
