//! Snapshots: a session that goes on from one is equal to the byte to one that never stopped; whatever is wrong with one,
//! the log is replayed.

use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use scartissue::console::parse::{Said, parse};
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::session::Session;
use scartissue::session::clock::{Seat, Terms};
use scartissue::session::log::{Header, Log};
use scartissue::session::seal::{self, Seal};
use scartissue::session::snapshot::SNAPSHOT;
use scartissue::session::store::{LOG, OpenSession, Store};
use scartissue::sim::time::SimDuration;
use scartissue::sim::world::World;
use scartissue::telemetry::watch::Watch;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios/small.ron");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/scenarios");

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("scartissue-snapshots-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

/// A session that is not on disk, with what it takes to put it there.
fn begun(seed: u64) -> (Session, Seal, Header) {
    let scenario = Scenario::open(&Catalogue::built_in(), SMALL).expect("the test's scenario loads");
    let variant = scenario.file.variants[0].name.clone();
    let paged_at = Watch::new(&scenario.file, &variant, seed, 7).expect("a world").run_to_first_page();
    let seal = Seal {
        v: seal::VERSION,
        scenario: SMALL.to_string(),
        variant,
        seed,
        salt: 7,
        scenario_hash: scenario.fingerprint(),
        paged_at_ns: paged_at.0,
        build: "test".to_string(),
    };
    let header = Header {
        v: 1,
        session: "s".to_string(),
        case: "INC-1001".to_string(),
        terms: Terms::default(),
        by: "you".to_string(),
        build: "test".to_string(),
        forked_from: None,
    };
    let session = Session::open(scenario, seal.clone(), Terms::default()).expect("a session");
    (session, seal, header)
}

/// The same session on disk, with a snapshot.
fn on_disk(data: &Path, name: &str, seed: u64) -> Store {
    let (session, seal, header) = begun(seed);
    let store = Store::new(data);
    store.create(name, &seal, header, session).expect("it can be kept").set_aside().expect("so can its snapshot");
    store
}

fn open(store: &Store, name: &str) -> OpenSession {
    store.open(name, &Catalogue::built_in()).expect("it opens, whatever its snapshot is like")
}

/// What somebody may say who looks, orders and waits.
fn lines() -> impl Strategy<Value = Vec<&'static str>> {
    let line = prop::sample::select(vec![
        "ack",
        "next",
        "wait 20s",
        "wait 65s",
        "wait 3m",
        "board serving",
        "explore sum by (pod) (rate(vllm:generation_tokens_total[1m])) over 5m",
        "sql select status, retry_count, count(*), sum(ttft_ms) from requests group by 1, 2",
        "sql select service, count(*), max(body) from logs group by 1",
        "logs gateway",
        "traces error",
        "changes",
        "alerts",
        "get pods",
        "believe api.flag=60 other=40",
        "pin E1 odd",
        "link E1 for api.flag",
        "commit api.flag 70 E1",
        "arm",
        "act shed=0.2",
        "act flag-off:fast-headers",
        "act restart:only/1 confirm only",
        "update 20% api.flag 60 looking 3",
        "sev 2",
        "page gateway",
        "say hello",
        "bookmark here",
    ]);
    prop::collection::vec(line, 1..10)
}

/// What a line came to, down to the data, and the view after it. The host's have a seat of their own.
fn said(reply: Result<scartissue::session::Reply, String>, session: &Session) -> String {
    format!("{reply:?}\n{}", serde_json::to_string(&session.view()).expect("a view is plain data"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn going_on_from_snapshots_is_going_on(lines in lines(), seed in 0u64..3, injected in any::<bool>()) {
        let data = directory("alike");
        let store = on_disk(&data, "one", seed);
        let (mut never_left, ..) = begun(seed);
        let inject = "{\"inject\":{\"mechanism\":\"api.auth_shard\",\"fault\":\"AuthShardDown(shard: 1)\",\"for_s\":60.0}}";
        let host = injected.then_some((Seat::Host, inject));
        let all = host.into_iter().chain(lines.iter().map(|line| (Seat::Participant, *line)));
        for (seat, line) in all {
            let command = match parse(line) {
                Ok(Said::Command(command)) => command,
                _ => serde_json::from_str(line).expect("a command"),
            };
            let wanted = said(never_left.apply(seat, &command).map_err(|e| e.to_string()), &never_left);
            let mut open = open(&store, "one");
            prop_assert!(open.from_snapshot.is_some(), "the snapshot does not count before {}", line);
            let got = said(open.apply(seat, "", &command).map_err(|e| e.to_string()), &open.session);
            prop_assert_eq!(got, wanted, "at {}", line);
            open.set_aside().expect("it can be written");
        }
        let mut open = open(&store, "one");
        let Ok(Said::Command(on)) = parse("wait 60m") else { panic!("a command") };
        let ends = [&mut open.session, &mut never_left].map(|session| {
            let _ = session.apply(Seat::Participant, &on);
            (session.watch().world.event_hash(), format!("{:?}", session.watch().world.tally()), session.now())
        });
        prop_assert_eq!(&ends[0], &ends[1]);
        drop(open);
        let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
        prop_assert!(replayed.differing.is_empty(), "{:?}", replayed.differing);
    }
}

#[test]
fn a_damaged_snapshot_does_not_count() {
    let data = directory("damaged");
    let store = on_disk(&data, "one", 4);
    for line in ["wait 90s", "ack", "bookmark here"] {
        let Ok(Said::Command(command)) = parse(line) else { panic!("a command") };
        let mut open = open(&store, "one");
        open.apply(Seat::Participant, "you", &command).expect("it is taken");
        open.set_aside().expect("it can be written");
    }
    let path = store.folder("one").join(SNAPSHOT);
    let sound = std::fs::read(&path).expect("there is one");
    let view = |open: &OpenSession| serde_json::to_string(&open.session.view()).expect("plain data");
    let wanted = {
        let open = open(&store, "one");
        assert_eq!(open.from_snapshot, Some(1), "what came after it is replayed");
        view(&open)
    };
    let head = sound.iter().position(|byte| *byte == b'\n').expect("a first line");
    let draws = (0..12u64).map(|n| scartissue::sim::rng::mix(n, 1) as usize % sound.len());
    let places: Vec<usize> = [0, 3, 9, head - 1, head, head + 1, sound.len() - 1].into_iter().chain(draws).collect();
    let mut damaged: Vec<Vec<u8>> = places.iter().map(|end| sound[..*end].to_vec()).collect();
    for place in places {
        let mut bytes = sound.clone();
        bytes[place] ^= 1 << (place % 8);
        damaged.push(bytes);
    }
    damaged.push([sound.as_slice(), b"more"].concat());
    damaged.push(b"\n".to_vec());
    for (number, bytes) in damaged.into_iter().enumerate() {
        std::fs::write(&path, bytes).expect("it can be written");
        let open = open(&store, "one");
        assert_eq!((open.from_snapshot, view(&open)), (None, wanted.clone()), "damage {number}");
    }
    // One of another session, whole, and one of a log that has become another.
    on_disk(&data, "two", 5);
    std::fs::copy(store.folder("two").join(SNAPSHOT), &path).expect("it can be copied");
    assert_eq!(open(&store, "one").from_snapshot, None);
    std::fs::write(&path, &sound).expect("it can be written");
    let log = store.folder("one").join(LOG);
    let text = std::fs::read_to_string(&log).expect("text");
    let first = text.lines().next().expect("a header");
    std::fs::write(&log, format!("{first}\n")).expect("it can be written");
    assert_eq!(open(&store, "one").from_snapshot, None);
    assert_eq!(open(&store, "one").session.now(), begun(4).0.now(), "nothing was said in this log");
}

/// Scenarios that ship, for half a minute of their warm-up, replays of traces among them.
#[test]
fn the_world_of_a_scenario_goes_on_from_its_bytes() {
    let catalogue = Catalogue::built_in();
    // A world takes a second, so that not all of them are tried each time.
    for name in catalogue.names().enumerate().filter(|(n, name)| n % 5 == 0 || name.contains("replay")).map(|(_, n)| n)
    {
        let scenario = Scenario::open(&catalogue, name).expect("it ships");
        let spec = scenario.file.world(&Setup::default()).expect("it has a first variant");
        let mut world = World::new(&spec, 3).expect("a world");
        world.record_everything();
        let from = world.now();
        world.advance_to(from + SimDuration::from_secs(20));
        let bytes = postcard::to_stdvec(&world.kept()).expect("it can be written");
        let mut again = World::resume(&spec, &mut postcard::Deserializer::from_bytes(&bytes)).expect("it can be read");
        assert_eq!(postcard::to_stdvec(&again.kept()).expect("it can be written").len(), bytes.len(), "{name}");
        let until = from + SimDuration::from_secs(30);
        world.advance_to(until);
        again.advance_to(until);
        assert_eq!(world.event_hash(), again.event_hash(), "{name}");
        assert!(0 < world.events(), "{name}");
    }
}

/// Kills calls at moments that differ, many of them while they write their snapshot.
#[test]
fn a_call_may_be_killed_while_it_writes_its_snapshot() {
    let data = directory("killed");
    let store = on_disk(&data, "one", 4);
    let call = |line: &[&str]| {
        let mut process = Process::new(env!("CARGO_BIN_EXE_scartissue"));
        process.args(["do", "--scenarios", SCENARIOS, "--data-dir"]).arg(&data).arg("one").args(line);
        process.stdout(Stdio::piped()).stderr(Stdio::null());
        process
    };
    for kill in 0..24 {
        let mut process = call(&["wait", "61s"]).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(20 + kill * 9));
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
        Log::read(&store.folder("one").join(LOG)).expect("the log is sound");
    }
    let status = call(&["status"]).output().expect("it starts");
    assert!(status.status.success());
    let replayed = store.replay("one", &Catalogue::built_in(), None).expect("it replays");
    assert_eq!(open(&store, "one").session.status_line(), replayed.session.status_line());
}
