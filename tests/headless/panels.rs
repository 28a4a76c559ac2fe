//! Panels: every question is one that the metrics can answer, and what is drawn says no more than what was measured.

use std::sync::Arc;

use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::promql::Query;
use scartissue::metrics::store::Store;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::telemetry::calendar::Calendar;
use scartissue::telemetry::panels::{BOARDS, Board, Panel, Unit};

const STEP: SimDuration = SimDuration::from_secs(15);

fn seconds(s: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(s)
}

#[test]
fn every_panel_asks_promql_and_has_a_place_of_its_own() {
    for board in BOARDS {
        let mut ids: Vec<&str> = board.panels.iter().map(|panel| panel.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), board.panels.len(), "{}", board.id);
        for panel in board.panels {
            assert!(panel.says.ends_with('.') && panel.says.len() < 120, "{} {}", board.id, panel.id);
            for (_, promql) in panel.queries {
                Query::parse(promql).unwrap_or_else(|e| panic!("{} {}: {e}", board.id, panel.id));
            }
        }
    }
    let message = Board::named("kv-cache").map(|b| b.id).expect_err("it is written with an underscore");
    assert!(message.contains("kv_cache"), "{message}");
}

#[test]
fn every_panel_shows_something_on_the_flagship() {
    let mut scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("the flagship is built in");
    Arc::make_mut(&mut scenario.file).length_s = SimDuration::from_secs(600);
    let mut world = scenario.world(&Setup::default(), 2).expect("the first variant");
    world.scrape_everything();
    let (open_at, end) = world.window();
    world.advance_to(end);
    let calendar = Calendar::new("", "", open_at).expect("the usual day");
    let from = open_at + SimDuration::from_secs(120);
    let mut silent = Vec::new();
    for board in BOARDS {
        for data in board.read(world.scraped(), from, end, STEP).expect("the window fits") {
            if data.series.is_empty() {
                silent.push(format!("{} {}", board.id, data.id));
            }
            assert_eq!(data.moments.len(), 33, "{} {}", board.id, data.id);
            for width in [10, 80] {
                let drawn = data.draw(width, 6, false, &calendar);
                assert!(!drawn.contains('\x1b'), "{drawn}");
            }
            println!("{}\n{}\n{}\n", data.draw(100, 8, false, &calendar), data.table(&calendar), data.summary());
        }
    }
    assert!(silent.is_empty(), "nothing measured: {}", silent.join(", "));
}

/// A panel over a made-up metric, by pod.
fn made_up(samples: &[(u64, f64)]) -> (Store, Panel) {
    let mut store = Store::default();
    let id = store.series(&Labels::new([(NAME, "line"), ("pod", "a")]));
    for (at_s, value) in samples {
        store.append(id, *at_s as i64 * 1000, *value);
        if *value < 0.0 {
            store.end(id, *at_s as i64 * 1000 + 1);
        }
    }
    let queries = &[("{pod}", "sum by (pod) (line >= 0)")];
    let panel =
        Panel { id: "line", title: "Line", unit: Unit::Count, says: "How many wait.", queries, threshold: Some(5.0) };
    (store, panel)
}

#[test]
fn a_gap_is_a_gap_and_the_window_before_is_told() {
    let (store, panel) = made_up(&[(60, 1.0), (120, 2.0), (180, 3.0), (240, 4.0), (300, -1.0), (360, 8.0)]);
    let data = panel.read(&store, seconds(240), seconds(360), SimDuration::from_secs(60)).expect("the window fits");
    assert_eq!(data.series[0].values, [Some(4.0), None, Some(8.0)]);
    assert_eq!((data.series[0].legend.as_str(), data.series[0].before), ("a", Some(2.0)));
    let calendar = Calendar::new("", "14:00:00", SimTime::ZERO).expect("the usual day");
    assert_eq!(data.summary(), "Line\n  a: last 8, 4 to 8; x3 of the window before; 1 of 3 moments are gaps");
    assert_eq!(
        data.table(&calendar),
        "Line\n                 a\n14:04:00         4\n14:05:00         -\n14:06:00         8"
    );
    let drawn = data.draw(39, 5, false, &calendar);
    let rows: Vec<&str> = drawn.lines().collect();
    assert_eq!(rows[1], "  • a: last 8, 4 to 8; x3 of the window before; 1 of 3 moments are gaps");
    assert_eq!(rows[2], "      8 ┤                    ••••••••••");
    assert_eq!(rows[6], "      0 ┤");
    assert!(rows[8].contains("14:04:00") && rows[8].ends_with("14:06:00"), "{drawn}");
    let coloured = data.draw(39, 5, true, &calendar);
    assert!(coloured.contains("\x1b[34m•\x1b[0m"), "{coloured}");
    // What was measured begins within the window before: that is no window to compare with.
    let early = panel.read(&store, seconds(120), seconds(240), SimDuration::from_secs(60)).expect("the window fits");
    assert_eq!(early.series[0].before, None);
}

#[test]
fn what_a_cell_does_not_have_is_said_to_be_unmeasured() {
    let (_, panel) = made_up(&[]);
    let data = panel.read(&Store::default(), seconds(0), seconds(60), STEP).expect("the window fits");
    let calendar = Calendar::new("", "", SimTime::ZERO).expect("the usual day");
    assert_eq!(data.summary(), "Line: nothing measured");
    assert!(data.draw(60, 5, false, &calendar).ends_with("nothing measured"));
    assert!(panel.read(&Store::default(), seconds(60), seconds(0), STEP).is_ok(), "one moment");
    assert_eq!((Unit::Share.show(0.8849), Unit::Tokens.number(13_420_000.0)), ("88.5 %".into(), "13.4M".into()));
}
