//! SQL over what was seen: rows are all there and no later ones, and a statement can look but never write, stall or panic.

use std::sync::OnceLock;

use proptest::prelude::*;
use scartissue::scenario::catalogue::Catalogue;
use scartissue::scenario::history::ChangeKind;
use scartissue::scenario::lower::Setup;
use scartissue::scenario::opened::Scenario;
use scartissue::sim::spec::stack::Severity;
use scartissue::sim::time::{SimDuration, SimTime};
use scartissue::sim::world::recording::AttemptRow;
use scartissue::telemetry::alerts::Alert;
use scartissue::telemetry::calendar::Calendar;
use scartissue::telemetry::changes::Change;
use scartissue::telemetry::compare::compare;
use scartissue::telemetry::logs::{Level, LogLine};
use scartissue::telemetry::rows::Cell;
use scartissue::telemetry::scene::Scene;
use scartissue::telemetry::spans::Span;
use scartissue::telemetry::sql::{
    Answer, MOST_ROWS, MOST_STEPS, MOST_TEXT, Sql, SqlError, SqlErrorKind, Table, Tables, query, schema,
};
use scartissue::telemetry::tickets::Ticket;

/// What a few minutes of the flagship left, and a little of everything else.
struct Seen {
    scene: Scene,
    requests: Vec<AttemptRow>,
    logs: Vec<LogLine>,
    spans: Vec<Span>,
    changes: Vec<Change>,
    alerts: Vec<Alert>,
    tickets: Vec<Ticket>,
    now: SimTime,
}

impl Seen {
    fn tables(&self) -> Tables<'_> {
        Tables {
            scene: &self.scene,
            requests: &self.requests,
            logs: &self.logs,
            spans: &self.spans,
            changes: &self.changes,
            alerts: &self.alerts,
            tickets: &self.tickets,
            now: self.now,
        }
    }
}

fn seen() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let scenario = Scenario::open(&Catalogue::built_in(), "empty-spares").expect("built in");
        let setup = Setup::default();
        let spec = scenario.file.world(&setup).expect("a world");
        let mut world = scenario.world(&setup, 1).expect("a world");
        world.record_everything();
        let now = world.window().0 + SimDuration::from_secs(90);
        world.advance_to(now);
        let calendar = Calendar::new("", "", spec.open_at).expect("a calendar");
        let mut scene = Scene::new(&spec, 1, calendar, 42);
        scene.refresh(&world);
        let open = spec.open_at;
        let logs = (0..1000u64).map(|n| LogLine {
            at: open + SimDuration::from_millis(n * 50),
            service: "gateway",
            pod: format!("gateway-{}", n % 3),
            level: if n % 10 == 0 { Level::Error } else { Level::Info },
            trace: None,
            request: None,
            body: if n % 10 == 0 { format!("no_healthy_upstream: gave up after {n} ms") } else { format!("{n} ok") },
        });
        let span = Span {
            trace: "t".into(),
            span: "s".into(),
            parent: None,
            service: "gateway",
            pod: "gateway-0".into(),
            name: "POST /v1/messages".into(),
            start: open,
            duration: SimDuration::from_millis(1500),
            error: false,
            attributes: vec![("http.route", "/v1/messages".into())],
        };
        let change = |id: &str, at_s: f64| Change {
            id: id.into(),
            at_s,
            kind: ChangeKind::Flag,
            service: "gateway".into(),
            title: "a flag".into(),
            author: "kim".into(),
            rollout: 0.5,
            diff: String::new(),
        };
        let alert = Alert {
            name: "SlowStart".into(),
            severity: Severity::Page,
            summary: "slow".into(),
            expr: "up".into(),
            runbook: "RB-1".into(),
            series: Vec::new(),
            pending_since: open,
            fired: open + SimDuration::from_secs(60),
            resolved: None,
        };
        let ticket = |at_s: f64| Ticket {
            id: "SUP-1".into(),
            at_s,
            from: "a customer".into(),
            title: "it's slow".into(),
            body: String::new(),
        };
        Seen {
            requests: world.recording().attempts().to_vec(),
            logs: logs.collect(),
            spans: vec![span],
            changes: vec![change("CHG-1", -86_400.0 * 14.0), change("CHG-2", 10.0), change("CHG-3", 10_000.0)],
            alerts: vec![alert],
            tickets: vec![ticket(-5.0), ticket(5000.0)],
            scene,
            now,
        }
    })
}

fn ask(text: &str) -> Answer {
    query(&seen().tables(), text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused(text: &str) -> SqlError {
    query(&seen().tables(), text).map(|a| format!("{a:?}")).expect_err(text)
}

/// The only number of an answer.
fn number(text: &str) -> i64 {
    match ask(text).rows.as_slice() {
        [row] if matches!(row.as_slice(), [Cell::Int(_)]) => match row[0] {
            Cell::Int(number) => number,
            _ => unreachable!(),
        },
        rows => panic!("{text}: {rows:?}"),
    }
}

#[test]
fn every_attempt_is_a_row_and_a_range_of_time_reads_no_other() {
    let seen = seen();
    assert!(1000 < seen.requests.len());
    assert_eq!(number("SELECT count(*) FROM requests"), seen.requests.len() as i64);
    assert_eq!(number("SELECT count(*) FROM accounts"), i64::from(seen.scene.accounts.len()));
    assert_eq!(number("SELECT count(*) FROM changes"), 2, "one is yet to come");
    assert_eq!(number("SELECT count(*) FROM tickets"), 1, "one is yet to come");
    let (from, to) = (seen.scene.open_at, seen.scene.open_at + SimDuration::from_secs(20));
    let inside = seen.requests.iter().filter(|r| from <= r.arrived && r.arrived < to).count();
    let iso = |at| seen.scene.calendar.iso(at);
    for range in [
        format!("time >= '{}' AND time < '{}'", iso(from), iso(to)),
        format!("time_ms >= {} AND time_ms < {}", seen.scene.calendar.unix_ms(from), seen.scene.calendar.unix_ms(to)),
        "time >= at('14:00') AND time < at('14:00:20')".to_string(),
        "time BETWEEN ago('90s') AND datetime('now', '-70 seconds', '-0.001 seconds')".to_string(),
    ] {
        let answer = ask(&format!("SELECT count(*), sum(status = 200) FROM requests WHERE {range}"));
        assert_eq!(answer.rows[0][0], Cell::Int(inside as i64), "{range}");
        let read = &answer.read.tables[0];
        assert_eq!((read.table, read.rows), ("requests", inside as u64), "{range}");
        assert!(read.columns.contains(&"status") && !read.columns.contains(&"ttft_ms"), "{range}: {read:?}");
        assert!(Some(seen.scene.calendar.unix_ms(from)) <= read.from_ms, "{range}");
        assert!(read.to_ms < Some(seen.scene.calendar.unix_ms(to)), "{range}");
    }
}

#[test]
fn a_row_says_what_was_recorded() {
    let seen = seen();
    let (number, row) =
        seen.requests.iter().enumerate().find(|(_, r)| r.first_token.is_some()).expect("an answered one");
    let answer = ask(&format!("SELECT * FROM requests WHERE row = {number}"));
    let cell = |name: &str| &answer.rows[0][answer.columns.iter().position(|c| c == name).expect(name)];
    assert_eq!(*cell("time"), Cell::text(seen.scene.calendar.iso(row.arrived)));
    assert_eq!(*cell("account"), Cell::text(seen.scene.account(row.account)));
    assert_eq!(*cell("prompt_tokens"), Cell::Int(row.prompt_tokens.into()));
    assert_eq!(*cell("request_id"), Cell::text(seen.scene.request(row.serial)));
    let ttft = row.first_token.expect("a token").since(row.arrived);
    assert_eq!(*cell("ttft_ms"), Cell::Real((ttft.0 / 1000) as f64 / 1000.0));
    let known: Vec<&str> = Table::Requests.columns().iter().map(|c| c.name).collect();
    assert_eq!(answer.columns, known);
    for table in schema() {
        let answer = ask(&format!("SELECT * FROM {} LIMIT 1", table.name));
        assert_eq!(answer.columns, table.columns.iter().map(|c| c.name).collect::<Vec<_>>(), "{}", table.name);
        assert_eq!(answer.rows.len(), 1, "{}", table.name);
        for (cell, column) in answer.rows[0].iter().zip(&table.columns) {
            let fits = match cell {
                Cell::Null => true,
                Cell::Int(_) => format!("{:?}", column.sql) == "Integer",
                Cell::Real(_) => format!("{:?}", column.sql) == "Real",
                Cell::Text(_) => format!("{:?}", column.sql) == "Text",
            };
            assert!(fits, "{}.{} is said to be {:?}: {cell:?}", table.name, column.name, column.sql);
            assert!(!column.meaning.is_empty());
        }
    }
}

#[test]
fn what_people_ask_is_answered() {
    let seen = seen();
    let sum: Cell =
        ask("SELECT sum(n) FROM (SELECT status, count(*) AS n FROM requests GROUP BY status)").rows[0][0].clone();
    assert_eq!(sum, Cell::Int(seen.requests.len() as i64));
    let joined = number("SELECT count(*) FROM requests r JOIN accounts a ON a.account = r.account AND a.tier = r.tier");
    assert_eq!(joined, seen.requests.len() as i64, "every request is of an account, with its tier");
    let by_minute = ask("SELECT strftime('%H:%M', time) AS m, bucket(time, 60) AS b, count(*), p95(ttft_ms) \
        FROM requests WHERE time >= at('14:00') GROUP BY b ORDER BY b");
    assert_eq!(by_minute.rows[0][..2], [Cell::word("14:00"), Cell::word("2026-03-03T14:00:00.000Z")]);
    assert_eq!(
        ask("SELECT now(), datetime('now', '-1 minute'), date('now')").rows[0],
        [Cell::word("2026-03-03T14:01:30.000Z"), Cell::word("2026-03-03T14:00:30.000Z"), Cell::word("2026-03-03"),]
    );
    let percentiles =
        ask("SELECT median(x), percentile(x, 25), p99(x) FROM (SELECT 1 AS x UNION SELECT 2 UNION SELECT 4)");
    assert_eq!(percentiles.rows[0], [Cell::Real(2.0), Cell::Real(1.5), Cell::Real(3.96)]);
    assert_eq!(
        ask("SELECT json_extract(attributes, '$.\"http.route\"') FROM spans").rows[0][0],
        Cell::word("/v1/messages")
    );
    let plan = ask("EXPLAIN QUERY PLAN SELECT count(*) FROM requests WHERE time > ago('1m')");
    assert!(format!("{:?}", plan.rows).contains("SEARCH"), "{:?}", plan.rows);
    assert_eq!(plan.read.tables.iter().map(|t| t.rows).sum::<u64>(), 0, "a plan reads nothing");
    let shown = format!("{:?}", ask("EXPLAIN SELECT * FROM logs_fts WHERE logs_fts MATCH 'upstream'").rows);
    assert!(!shown.contains("0x"), "an address: {shown}");
}

#[test]
fn words_are_found_in_logs() {
    let answer =
        ask("SELECT time, pod, body FROM logs_fts WHERE logs_fts MATCH 'no_healthy_upstream gave' ORDER BY time");
    assert_eq!(answer.rows.len(), 100);
    assert_eq!(answer.rows[1][2], Cell::word("no_healthy_upstream: gave up after 10 ms"));
    let read = &answer.read.tables[0];
    assert_eq!((read.table, read.rows), ("logs", 1000), "a search by words looks at every line");
    assert_eq!(number("SELECT count(*) FROM logs WHERE body REGEXP 'after [0-9]0 ms'"), 9);
    assert_eq!(
        number(
            "SELECT count(*) FROM logs l JOIN logs_fts f ON f.rowid = l.row WHERE f.body MATCH 'healthy' AND l.level = 'ERROR'"
        ),
        100
    );
    assert_eq!(refused("SELECT * FROM logs_fts WHERE logs_fts MATCH 'gateway-1'").kind, SqlErrorKind::Value);
    assert_eq!(refused("SELECT 1 FROM logs WHERE body REGEXP '('").kind, SqlErrorKind::Value);
    assert_eq!(
        refused("SELECT body FROM logs_fts WHERE logs_fts MATCH 'up' ORDER BY rank").kind,
        SqlErrorKind::Refused
    );
}

#[test]
fn nothing_is_written_attached_set_or_random() {
    for text in [
        "DELETE FROM requests",
        "INSERT INTO logs_fts(body) VALUES ('x')",
        "INSERT INTO \"requests.index\" VALUES (1, 2, 3)",
        "UPDATE \"requests.index\" SET time = 0",
        "CREATE TABLE t(x)",
        "CREATE TEMP TABLE t(x)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "DROP VIEW requests",
        "ATTACH 'x.db' AS x",
        "DETACH main",
        "PRAGMA user_version",
        "PRAGMA hard_heap_limit = 0",
        "PRAGMA data_version",
        "SELECT * FROM pragma_table_info('requests')",
        "SELECT random()",
        "SELECT hex(randomblob(4))",
        "SELECT current_timestamp",
        "SELECT load_extension('x')",
        "SELECT sqlite_version()",
        "SELECT julianday('now')",
        "SELECT exp(1)",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM \"requests.index\"",
        "SELECT \"requests.status\"(1)",
        "SELECT * FROM logs_fts_data",
        "SELECT * FROM dbstat",
        "SELECT count(*) FROM dbstat",
        "SELECT count(*) FROM \"requests.index\"",
        "WITH requests AS (SELECT 1 AS x) SELECT count(*) FROM \"requests.index\"",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "VACUUM",
        "VACUUM INTO 'x'",
        "REINDEX",
        "ANALYZE",
        "SELECT 1; DELETE FROM requests",
        "SELECT 1; SELECT 2",
    ] {
        let error = refused(text);
        let named = [SqlErrorKind::Refused, SqlErrorKind::Name, SqlErrorKind::Syntax];
        assert!(named.contains(&error.kind), "{text}: {error:?}");
    }
    let mut sql = Sql::new().expect("an engine");
    let before = sql.query(&seen().tables(), "SELECT count(*) FROM requests").expect("a count");
    assert!(sql.query(&seen().tables(), "DELETE FROM requests").is_err());
    assert_eq!(sql.query(&seen().tables(), "SELECT count(*) FROM requests").expect("a count"), before);
}

/// A statement that names no moment goes to tables without an index by moments: it must answer as if it had one.
#[test]
fn a_statement_says_the_same_whether_it_names_a_moment_or_not() {
    let tables = seen().tables();
    let mut sql = Sql::new().expect("an engine");
    let pairs = [
        ("requests", "status, count(*), sum(prompt_tokens)", "GROUP BY status ORDER BY status"),
        ("requests", "row, request_id, account", "ORDER BY row LIMIT 50"),
        ("logs", "pod, level, count(*)", "GROUP BY pod, level ORDER BY pod, level"),
        ("spans", "name, duration_ms", "ORDER BY row"),
        ("changes", "id, kind", "ORDER BY id"),
        ("alerts", "name", "ORDER BY name"),
        ("tickets", "id", "ORDER BY id"),
    ];
    for (table, columns, rest) in pairs {
        let mut ask = |condition: &str| {
            let text = format!("SELECT {columns} FROM {table} WHERE {condition} {rest}");
            sql.query(&tables, &text).unwrap_or_else(|e| panic!("{text}: {e}"))
        };
        let (unsorted, by_moment) = (ask("1"), ask("time_ms > 0 AND time > '2'"));
        assert_eq!(unsorted.columns, by_moment.columns, "{table}");
        assert_eq!(unsorted.rows, by_moment.rows, "{table}");
        assert!(!unsorted.rows.is_empty(), "{table}");
        let read = |answer: &Answer| {
            answer.read.tables.iter().map(|t| (t.table, t.rows, t.from_ms, t.to_ms)).collect::<Vec<_>>()
        };
        assert_eq!(read(&unsorted), read(&by_moment), "{table}");
    }
}

#[test]
fn mistakes_are_placed_and_the_nearest_name_is_told() {
    let told = |text: &str| {
        let error = refused(text);
        (error.offset.map(|o| &text[o..]).unwrap_or_default().to_string(), error.nearest.unwrap_or_default())
    };
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(told("SELECT statsu FROM requests"), pair("statsu FROM requests", "status"));
    assert_eq!(told("SELECT r.prompt_token FROM requests r"), pair("r.prompt_token FROM requests r", "prompt_tokens"));
    assert_eq!(told("SELECT 1 FROM request"), pair("request", "requests"));
    assert_eq!(told("SELCT 1"), pair("SELCT 1", "SELECT"));
    assert_eq!(
        told("SELECT percentil(ttft_ms, 5) FROM requests"),
        pair("percentil(ttft_ms, 5) FROM requests", "percentile")
    );
    assert_eq!(told("SELECT random()").0, "random()");
    assert_eq!(told("SELECT 1 FROM requests WHERE status = 503 AND (").0, "");
    assert_eq!(told("SELECT count(*) FROM requests WHERE error = \"overloaded\"").0, "\"overloaded\"");
    let text = "SELECT 1\nFROM requests\nWHERE statsu = 503";
    assert_eq!(refused(text).marked(text), "WHERE statsu = 503\n      ^");
    let error = refused("SELECT 1 FROM requests WHERE time > '2026-03-03 14:00'");
    assert_eq!(error.kind, SqlErrorKind::Value, "{error}");
}

#[test]
fn limits_hold_and_are_reached_at_the_same_step_again() {
    let many = ask("SELECT row FROM requests");
    assert_eq!((many.rows.len(), many.truncated), (MOST_ROWS, true));
    let long =
        ask("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT printf('%.*c', 9999, 'x') FROM n");
    assert!(long.truncated && long.rows.len() < 30);
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    assert_eq!(refused(endless).kind, SqlErrorKind::TooMuch);
    assert_eq!(refused(endless), refused(endless));
    assert_eq!(refused(&format!("SELECT 1{}", " ".repeat(MOST_TEXT))).kind, SqlErrorKind::TooMuch);
    assert!(refused("SELECT length(printf('%.*c', 100000000, 'x'))").kind != SqlErrorKind::Syntax);
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(query(&seen().tables(), &deep).is_err());
    // The number of steps does not tell in how many pieces rows came in.
    let statement = "SELECT status, count(*), avg(ttft_ms) FROM requests WHERE time > at('13:59') GROUP BY status";
    let once = ask(statement);
    let mut sql = Sql::new().expect("an engine");
    let seen = seen();
    for part in 1..=7 {
        let now = SimTime(seen.now.0 / 7 * part);
        sql.query(&Tables { now, ..seen.tables() }, statement).expect("an answer");
    }
    assert_eq!(sql.query(&seen.tables(), statement).expect("an answer"), once);
    assert!(0 < once.read.steps && once.read.steps < MOST_STEPS);
}

#[test]
fn nothing_later_than_now_is_there() {
    let seen = seen();
    let now = seen.scene.open_at + SimDuration::from_secs(30);
    let tables = Tables { now, ..seen.tables() };
    let ended = seen.requests.iter().filter(|r| r.ended <= now).count();
    let mut sql = Sql::new().expect("an engine");
    let count = |sql: &mut Sql, tables: &Tables<'_>, table: &str| {
        sql.query(tables, &format!("SELECT count(*) FROM {table}")).expect("a count").rows[0][0].clone()
    };
    assert_eq!(count(&mut sql, &seen.tables(), "requests"), Cell::Int(seen.requests.len() as i64));
    assert_eq!(count(&mut sql, &tables, "requests"), Cell::Int(ended as i64), "after going back");
    assert_eq!(count(&mut sql, &tables, "alerts"), Cell::Int(0));
    assert_eq!(count(&mut sql, &tables, "logs_fts WHERE logs_fts MATCH 'healthy'"), Cell::Int(61));
    assert_eq!(count(&mut sql, &seen.tables(), "requests"), Cell::Int(seen.requests.len() as i64));
    assert_eq!(count(&mut sql, &seen.tables(), "logs_fts WHERE logs_fts MATCH 'healthy'"), Cell::Int(100));
    // Another recording, shorter than the one before.
    let fewer = Tables { requests: &seen.requests[..10], ..seen.tables() };
    assert_eq!(count(&mut sql, &fewer, "requests"), Cell::Int(10));
}

#[test]
fn a_selection_is_told_from_the_rest() {
    let seen = seen();
    let mut sql = Sql::new().expect("an engine");
    let comparison = compare(&mut sql, &seen.tables(), "tier = 'free'", "", 40).expect("a comparison");
    assert_eq!(comparison.inside + comparison.outside, seen.requests.len());
    let first = &comparison.differences[0];
    assert!(comparison.differences.iter().any(|d| d.dimension == "tier" && d.inside == 1.0 && d.outside == 0.0));
    assert!(10 < comparison.differences.len() && 0.99 < first.distance);
    let again = compare(&mut sql, &seen.tables(), "tier = 'free'", "", 40).expect("a comparison");
    assert_eq!(comparison.differences, again.differences);
    let among =
        compare(&mut sql, &seen.tables(), "prompt_tokens > 2000", "time > at('14:00')", 3).expect("a comparison");
    assert!(among.inside + among.outside < seen.requests.len());
    let text = "stats = 200";
    let error = compare(&mut sql, &seen.tables(), text, "", 3).expect_err("a slip");
    assert_eq!((error.offset, error.nearest.as_deref()), (Some(0), Some("status")));
    assert!(compare(&mut sql, &seen.tables(), "status = 1", "", 3).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let mut sql = engine();
        let _ = sql.query(&few(), &text).map_err(|e| (e.to_string(), e.marked(&text)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut sql = engine();
        let _ = sql.query(&few(), &text).map_err(|e| (e.to_string(), e.marked(&text)));
        let _ = compare(&mut sql, &few(), &text, "", 3);
    }

    #[test]
    fn no_order_of_words_makes_it_panic_or_write(words in proptest::collection::vec(word(), 0..14)) {
        let text = words.join(" ");
        let mut sql = engine();
        let _ = sql.query(&few(), &text).map_err(|e| (e.to_string(), e.marked(&text)));
        let _ = sql.query(&few(), &format!("SELECT {text}"));
        let _ = sql.query(&few(), &format!("SELECT row FROM requests WHERE {text}"));
        let left = sql.query(&few(), "SELECT count(*) FROM requests").expect("a count");
        prop_assert_eq!(&left.rows[0][0], &Cell::Int(20));
    }
}

/// Twenty requests, so that many statements can be tried.
fn few() -> Tables<'static> {
    Tables { requests: &seen().requests[..20], logs: &seen().logs[..20], ..seen().tables() }
}

fn engine() -> Sql {
    Sql::new().expect("an engine")
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP BY",
        "ORDER BY",
        "LIMIT",
        "JOIN",
        "LEFT JOIN",
        "USING (account)",
        "UNION ALL",
        "WITH",
        "RECURSIVE",
        "AS",
        "(",
        ")",
        ",",
        "*",
        "=",
        "<",
        "||",
        "'2026-03-03 14:00'",
        "'now'",
        "''",
        "\"x\"",
        "1",
        "-1",
        "1e999",
        "x'00'",
        "NULL",
        "requests",
        "accounts",
        "logs",
        "logs_fts",
        "spans",
        "alerts",
        "time",
        "time_ms",
        "row",
        "account",
        "body",
        "status",
        "MATCH",
        "REGEXP",
        "'('",
        "'a'",
        "count(*)",
        "strftime('%', time)",
        "bucket(time, 0)",
        "bucket(time, '1m')",
        "ago('5m')",
        "ago(9e300)",
        "at('25:00')",
        "percentile(1, 200)",
        "median(ttft_ms)",
        "datetime(time, '-99999999999999999 days')",
        "datetime(9223372036854775807)",
        "EXPLAIN",
        "QUERY PLAN",
        "PRAGMA",
        "data_version",
        "INSERT INTO",
        "VALUES",
        "DELETE FROM",
        ";",
        "--",
        "/*",
        "?",
        ":a",
        "OVER ()",
        "snippet(logs_fts, 0, '', '', '', 5)",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_string)
}
