//! A file is read exactly as the `ron` crate reads it, or everything wrong with it is said at its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use scartissue::scenario::catalogue::{BUILT_IN, Catalogue, FindError};
use scartissue::scenario::check::Report;
use scartissue::scenario::diagnostic::{Diagnostic, Mistakes};
use scartissue::scenario::load::{Loaded, Presets, ReadError, json_schema, load, read_file};
use scartissue::scenario::source::Source;
use scartissue::scenario::syntax;
use scartissue::scenario::tree::Path;
use scartissue::sim::spec::base::Base;
use scartissue::sim::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stack {
    #[serde(default, skip_serializing_if = "Base::is_none")]
    base: Base,
    /// What it is called.
    #[schemars(length(min = 1))]
    name: String,
    #[serde(default)]
    pools: Vec<Pool>,
    #[serde(default)]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    hedge: Option<SimDuration>,
    #[serde(default)]
    router: Router,
    #[serde(default)]
    weights: Vec<f64>,
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Pool {
    name: String,
    replicas: u32,
    #[schemars(range(min = 0.0, max = 1.0))]
    share: f64,
    /// Another pool that takes what this one cannot.
    spill: Option<String>,
    cold_start: SimDuration,
    sticky: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
enum Router {
    /// In turn.
    #[default]
    RoundRobin,
    LeastLoaded,
    /// By hash.
    Hash(u64),
    Range(u32, u32),
    CacheAware {
        threshold: f64,
        #[serde(default)]
        salt: Option<u64>,
    },
    Nested(Box<Pool>),
    /// One value that is a tuple.
    Pair((u32, bool)),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cause {
    id: String,
    onset: SimTime,
    pair: (f64, bool),
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    mark: Option<char>,
    #[serde(default)]
    how: Option<Router>,
}

fn read<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<Loaded<T>, Mistakes> {
    load(Arc::new(Source::new("a.ron", text)), &Presets::new(), |_, _| ())
}

fn presets(files: &[(&str, &str)]) -> Presets {
    let source = |name: &str, text: &str| Arc::new(Source::new(format!("presets/{name}.ron"), text));
    files.iter().map(|(name, text)| ((*name).to_owned(), source(name, text))).collect()
}

/// The mistakes as `line:column text | message | expected | help`.
fn said(mistakes: &Mistakes) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let part = |p: &Option<String>| p.clone().unwrap_or_default();
        format!("{}:{} {} | {} | {} | {}", d.line, d.column, d.text, d.message, part(&d.expected), part(&d.help))
    };
    mistakes.as_slice().iter().map(line).collect()
}

fn refused(text: &str) -> Vec<String> {
    said(&read::<Stack>(text).expect_err(text))
}

#[test]
fn a_document_of_every_form_is_read_as_ron_reads_it() {
    let text = r##"
        // a comment /* not nested
        Stack(
            name: r#"the "cell""#, /* nested /* comment */ */
            pools: [
                Pool(name: "chat\u{e9}\n", replicas: 0x1_0, share: .5, spill: Some("batch"), cold_start: 1_2.5e1),
                (name: "batch", sticky: true,), ()
            ],
            limits: { "a": 1, "b": 4_294_967_295, },
            hedge: Some(0.25,),
            router: CacheAware(threshold: 3, salt: Some(18446744073709551615)),
            weights: [1, -2.5, +3., 1e-3],
            causes: [
                (id: "x", onset: 60, pair: (1.0, false), mark: Some('\''), how: Some(Range(1, 2))),
                (id: "y", onset: 0, pair: (2, true,), note: Some("a \
                    b"), how: Some(Nested((name: "n")))),
                (id: "z", onset: 1e9, pair: (2, true), how: Some(Hash(7))),
                (id: "w", onset: 1, pair: (2, true), how: Some(LeastLoaded)),
            ],
        )"##;
    let ours = read::<Stack>(text).unwrap_or_else(|m| panic!("{m}")).value;
    assert_eq!(ours, ron::from_str::<Stack>(text).expect("it is RON"));
}

#[test]
fn every_mistake_names_its_place_what_was_expected_and_the_way_out() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["1:1  | the file is empty | a value such as `(..)` | "]),
        ("// nothing\n", &["1:1  | the file holds nothing but comments | a value such as `(..)` | "]),
        (
            "\u{feff}(name: \"a\")",
            &[
                "1:1 \u{feff} | the file begins with a byte order mark; save it as UTF-8 without one | no byte order mark | ",
            ],
        ),
        (
            "#![enable(implicit_some)]\n(name: \"a\")",
            &[
                "1:1 #![enable(implicit_some)] | extensions of RON are not used here | plain RON: `Some(x)` is written out | take this line away",
            ],
        ),
        (
            "(nme: \"a\")",
            &[
                "1:1 ( | `Stack` lacks the field `name` | `name: ` a string of at least 1 characters | ",
                "1:2 nme | `Stack` has no field `nme` | `base`, `causes`, `hedge`, `limits`, `name`, `pools`, `router` or `weights` | did you mean `name`?",
            ],
        ),
        ("(name: \"a\", name: \"b\")", &["1:13 name | the field `name` stands here twice | each field once | "]),
        ("(name: \"\")", &["1:8 \"\" | a string of 0 characters | a string of at least 1 characters | "]),
        (
            "(name: 5)",
            &["1:8 5 | the number 5 where something else should stand | a string of at least 1 characters | "],
        ),
        (
            "(name: Cell)",
            &[
                "1:8 Cell | the name `Cell` where something else should stand | a string of at least 1 characters | a string stands in double quotes",
            ],
        ),
        (
            "(name: \"a\", hedge: 3)",
            &[
                "1:20 3 | the number 3 where something else should stand | `None` or `Some(..)` with a number from 0 to 1000000000 | write `Some(3)`",
            ],
        ),
        (
            "(name: Some(\"a\"))",
            &[
                "1:8 Some(\"a\") | `Some(..)` where something else should stand | a string of at least 1 characters | this must be there, so it is written without `Some`",
            ],
        ),
        ("(name: \"a\", hedge: Some(-3))", &["1:25 -3 | -3 is out of range | a number from 0 to 1000000000 | "]),
        (
            "(name: \"a\", router: LeastLoded)",
            &[
                "1:21 LeastLoded | no variant of `Router` is called `LeastLoded` | `LeastLoaded`, `RoundRobin`, `Hash`, `Range`, `CacheAware`, `Nested` or `Pair` | did you mean `LeastLoaded`?",
            ],
        ),
        (
            "(name: \"a\", router: \"LeastLoaded\")",
            &[
                "1:21 \"LeastLoaded\" | the string \"LeastLoaded\" where something else should stand | `LeastLoaded`, `RoundRobin`, `Hash`, `Range`, `CacheAware`, `Nested` or `Pair` | write the name without quotes",
            ],
        ),
        (
            "(name: \"a\", router: Hash)",
            &["1:21 Hash | `Hash` does not hold this | `Hash(..)` with a whole number of at least 0 | "],
        ),
        (
            "(name: \"a\", router: Range(1))",
            &["1:21 Range | `Range` does not hold this | `Range(..)` with 2 values | "],
        ),
        (
            "(name: \"a\", router: CacheAware(treshold: 1))",
            &[
                "1:21 CacheAware | `CacheAware` lacks the field `threshold` | `threshold: ` a number | ",
                "1:32 treshold | `CacheAware` has no field `treshold` | `salt` or `threshold` | did you mean `threshold`?",
            ],
        ),
        (
            "(name: \"a\", limits: {\"a\": 4294967296, \"b\": -1, \"c\": 1.5, \"a\": 99999999999999999999})",
            &[
                "1:27 4294967296 | 4294967296 is out of range | a whole number from 0 to 4294967295 | ",
                "1:44 -1 | -1 is out of range | a whole number from 0 to 4294967295 | ",
                "1:53 1.5 | 1.5 is not a whole number | a whole number from 0 to 4294967295 | ",
                "1:58 \"a\" | a second entry `a` | each key once | ",
                "1:63 99999999999999999999 | 99999999999999999999 is out of range | a whole number from 0 to 4294967295 | ",
            ],
        ),
        (
            "(name: \"a\", weights: [1e999, inf, NaN, 1.5e, 1__x])",
            &[
                "1:40 1.5e | `1.5e` cannot be read: Expected float | a number such as `3`, `0.5` or `1e6` | ",
                "1:46 1__x | `1__x` cannot be read: Non-whitespace trailing characters | a number such as `3`, `0.5` or `1e6` | ",
            ],
        ),
        (
            "(name: \"a\", weights: [1e999, inf, NaN])",
            &[
                "1:23 1e999 | 1e999 is not a finite number | a number | ",
                "1:30 inf | inf is not a finite number | a number | ",
                "1:35 NaN | NaN is not a finite number | a number | ",
            ],
        ),
        (
            "{name: \"a\"}",
            &[
                "1:1 { | a map where something else should stand | `Stack(field: value)` | the fields of a struct stand in parentheses, their names without quotes",
            ],
        ),
        ("(name: \"a\", pools: [(share: 1.5)])", &["1:29 1.5 | 1.5 is out of range | a number from 0 to 1 | "]),
        ("Stak(name: \"a\")", &["1:1 Stak | this is a `Stack`, not a `Stak` | `Stack(..)` or `(..)` | "]),
        (
            "(name: \"a\", pools: [Remove(\"x\")])",
            &[
                "1:21 Remove(\"x\") | there is nothing here to remove from | `Pool(field: value)` | `Remove` takes named items out of the list of a preset that was named as `base`",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), *expected, "{text}");
    }
}

#[test]
fn several_mistakes_of_syntax_are_found_in_one_run() {
    let cases: &[(&str, &[&str])] = &[
        (
            "(name: \"a\"\npools: []\nweights: [1 2])",
            &[
                "2:1 pools | `pools` without a comma before it | `,` or `)` | ",
                "3:1 weights | `weights` without a comma before it | `,` or `)` | ",
                "3:13 2 | `2` without a comma before it | `,` or `]` | ",
            ],
        ),
        (
            "(name = \"a\", \"pools\": [], weights: , limits: {\"a\"}, 7: 3)",
            &[
                "1:7 = | `=` after the name of a field | `:` | ",
                "1:14 \"pools\" | the name of a field in quotes | `name: value` | write \"pools\" without the quotes",
                "1:36 , | `,` where a value should stand | a value | ",
                "1:47 \"a\" | an entry of a map without a value | `key: value` | ",
                "1:53 7 | `7` where a field should begin | `name: value` | ",
            ],
        ),
        (
            "(name: \"a\\q\", weights: [1; 2], pools: [Pool{name: \"b\"}])",
            &[
                "1:9 a\\q | `\"a\\q\"` cannot be read: Unknown escape character | a string with the escapes \\n, \\t, \\\\, \\\" or \\u{..} | ",
                "1:26 ; | `;` has no meaning here; a comma separates | `,` or `]` | ",
                "1:44 { | the fields of `Pool` stand in braces | `(` | RON writes a struct as `Name(field: value)`",
            ],
        ),
        (
            "(name: \"a\", pools: [(name: \"b\"], weights: [1)",
            &[
                "1:31 ] | `]` where `)` should stand | `)` for the `(` in line 1, column 21 | ",
                "1:45 ) | `)` where `]` should stand | `]` for the `[` in line 1, column 43 | ",
            ],
        ),
        ("(name: \"a\", pools: [", &["1:20 [ | this `[` is never closed | a `]` later in the file | "]),
        ("(name: \"a\") (", &["1:13 ( | the document ended before this | the end of the file | "]),
        ("(name: \"a\", /* b", &["1:13 /* | this comment is never closed | `name: value` | "]),
        (
            "(name: \"a)\n",
            &[
                "1:8 \"a) | this string is never closed | a value | ",
                "1:1 ( | this `(` is never closed | a `)` later in the file | ",
            ],
        ),
    ];
    for (text, expected) in cases {
        let mut expected = expected.to_vec();
        expected.sort_by_key(|line| {
            line.split(' ').next().map(|at| at.split(':').map(|n| n.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>())
        });
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn lines_and_columns_are_those_of_an_editor() {
    let text = "(\r\n\tname: \"é\", wight: 1)";
    let mistakes = read::<Stack>(text).expect_err("an unknown field");
    let found = &mistakes.as_slice()[0];
    assert_eq!((found.line, found.column, found.end_column, found.text.as_str()), (2, 13, 18, "wight"));
    assert!(mistakes.render(false).contains("error: `Stack` has no field `wight`"), "{}", mistakes.render(false));
    assert!(!mistakes.render(false).contains('\x1b') && mistakes.render(true).contains('\x1b'));
    let json = serde_json::to_value(&mistakes).expect("JSON");
    assert_eq!(json[0]["line"], 2);
    assert_eq!(json[0]["text"], "wight");
    assert_eq!(json[0]["help"], "did you mean `weights`?");
}

#[test]
fn bytes_that_are_not_utf8_are_pointed_at() {
    let latin = Arc::new(Source::from_bytes("a.ron", b"(\n name: \"caf\xe9\", \xff)"));
    let mistakes = load::<Stack>(latin, &Presets::new(), |_, _| ()).expect_err("not UTF-8");
    let at: Vec<_> = mistakes.as_slice().iter().map(|d| (d.line, d.column, d.message.as_str())).collect();
    assert_eq!(at[..2], [(2, 12, "this is not UTF-8"), (2, 16, "this is not UTF-8")]);
    let wide: Vec<u8> = "\u{feff}(name: \"a\")".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = Arc::new(Source::from_bytes("a.ron", &wide));
    let mistakes = load::<Stack>(wide, &Presets::new(), |_, _| ()).expect_err("UTF-16");
    assert!(mistakes.to_string().contains("seems to be UTF-16"), "{mistakes}");
}

const CELL: &str = r#"
Stack(
    name: "cell",
    pools: [
        (name: "chat", replicas: 4, share: 0.5),
        (name: "api", replicas: 2),
        (name: "batch"),
    ],
    limits: {"free": 1, "paid": 10},
    router: CacheAware(threshold: 0.5, salt: Some(3)),
    weights: [1, 2],
)"#;

#[test]
fn a_document_says_only_how_it_differs_from_its_preset() {
    let presets = presets(&[("cell", CELL), ("small", r#"(base: "cell", pools: [(name: "chat", replicas: 1)])"#)]);
    let text = r#"(
        base: "small",
        name: "mine",
        pools: [Remove("api"), (name: "chat", sticky: true), (name: "new")],
        limits: {"paid": 20, "free": Remove, "gold": 30},
        router: CacheAware(threshold: 0.7),
        weights: [],
    )"#;
    let loaded =
        load::<Stack>(Arc::new(Source::new("a.ron", text)), &presets, |_, _| ()).unwrap_or_else(|m| panic!("{m}"));
    let expected = r#"(
        base: "small",
        name: "mine",
        pools: [(name: "chat", replicas: 1, share: 0.5, sticky: true), (name: "batch"), (name: "new")],
        limits: {"paid": 20, "gold": 30},
        router: CacheAware(threshold: 0.7, salt: Some(3)),
        weights: [],
    )"#;
    assert_eq!(loaded.value, ron::from_str::<Stack>(expected).expect("RON"));
    let files: Vec<&str> = loaded.sources.iter().map(|s| s.name()).collect();
    assert_eq!(files, ["a.ron", "presets/small.ron", "presets/cell.ron"]);
}

#[test]
fn mistakes_about_presets_stand_where_they_were_made() {
    let broken = presets(&[
        ("cell", &CELL.replace("replicas: 2", "replicas: -2")),
        ("odd", "(name: \"a\", pools: [)"),
        ("ring", r#"(base: "rung")"#),
        ("rung", r#"(base: "ring")"#),
    ]);
    let cases = [
        (
            r#"(base: "cell", nme: "x")"#,
            vec!["a.ron 1:16 nme | `Stack` has no field `nme`", "presets/cell.ron 6:33 -2 | -2 is out of range"],
        ),
        (r#"(base: "cel")"#, vec!["a.ron 1:8 \"cel\" | no preset is called `cel`"]),
        (r#"(base: "odd")"#, vec!["presets/odd.ron 1:21 ) | `)` where `]` should stand"]),
        (
            r#"(base: "ring")"#,
            vec!["presets/rung.ron 1:8 \"ring\" | presets in a circle: `ring` leads to `rung` leads to `ring`"],
        ),
        (
            r#"(base: "cell", pools: [Remove("chatt")])"#,
            vec![
                "a.ron 1:31 \"chatt\" | the preset has no `chatt` to remove",
                "presets/cell.ron 6:33 -2 | -2 is out of range",
            ],
        ),
    ];
    for (text, expected) in cases {
        let mistakes = load::<Stack>(Arc::new(Source::new("a.ron", text)), &broken, |_, _| ()).expect_err(text);
        let found: Vec<String> = mistakes
            .as_slice()
            .iter()
            .map(|d| format!("{} {}:{} {} | {}", d.file, d.line, d.column, d.text, d.message))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn presets_cannot_blow_a_document_up() {
    // Each pool list of one preset would hold ten of the next: 10^17 values if nothing stopped it.
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Tree {
        #[serde(default)]
        base: Base,
        #[serde(default)]
        of: Vec<Tree>,
    }
    let ten = |next: usize| format!("(of: [{}])", format!("(base: \"p{next}\"), ").repeat(10));
    let files: BTreeMap<String, Arc<Source>> =
        (0..15).map(|i| (format!("p{i}"), Arc::new(Source::new(format!("p{i}.ron"), ten(i + 1))))).collect();
    let source = Arc::new(Source::new("a.ron", r#"(base: "p0")"#));
    let mistakes = load::<Tree>(Arc::clone(&source), &files, |_, _| ()).expect_err("too large");
    assert!(mistakes.to_string().contains("the presets make more than"), "{}", mistakes.as_slice()[0].message);
    // Each preset stands at the bottom of the one before: 15 times 60 levels.
    let deep = |next: usize| format!("{}(base: \"p{next}\"){}", "(of: [".repeat(30), "])".repeat(30));
    let files = (0..15).map(|i| (format!("p{i}"), Arc::new(Source::new(format!("p{i}.ron"), deep(i + 1))))).collect();
    let mistakes = load::<Tree>(source, &files, |_, _| ()).expect_err("too deep");
    assert!(mistakes.to_string().contains("nested more than 64 deep"), "{}", mistakes.as_slice()[0].message);
}

fn check_pools(stack: &Stack, report: &mut Report<'_>) {
    let pools = Path::root().field("pools");
    let names: Vec<&str> = stack.pools.iter().map(|p| p.name.as_str()).collect();
    report.unique("pool", names.iter().enumerate().map(|(i, n)| (*n, pools.index(i).field("name"))));
    let mut spills = BTreeMap::new();
    for (i, pool) in stack.pools.iter().enumerate() {
        let spill = pools.index(i).field("spill");
        if let Some(other) = &pool.spill {
            report.reference(&spill, "pool", other, names.iter().copied());
        }
        spills.insert(pool.name.clone(), (spill, pool.spill.iter().cloned().collect()));
    }
    report.acyclic("pools that spill", &spills);
    for name in stack.limits.keys() {
        report.reference(&Path::root().field("limits").key(name), "pool", name, names.iter().copied());
    }
    if let Router::CacheAware { threshold, .. } = &stack.router
        && *threshold > 1.0
    {
        let path = Path::root().field("router").field("threshold");
        report.at(&path, "the threshold is a share").expected("at most 1");
    }
}

#[test]
fn checks_of_meaning_find_dangling_names_and_cycles_beside_other_mistakes() {
    let text = r#"(
        name: "a", colour: 3,
        pools: [
            (name: "a", spill: Some("b")), (name: "b", spill: Some("c")), (name: "c", spill: Some("a")),
            (name: "chat", spill: Some("cht")), (name: "self", spill: Some("self")), (name: "chat"),
        ],
        limits: {"chatt": 1},
        router: CacheAware(threshold: 1.5),
    )"#;
    let source = Arc::new(Source::new("a.ron", text));
    let found = said(&load(source, &Presets::new(), check_pools).expect_err("mistakes"));
    let expected = [
        "2:20 colour | `Stack` has no field `colour` | `base`, `causes`, `hedge`, `limits`, `name`, `pools`, `router` or `weights` | ",
        "4:32 Some(\"b\") | pools that spill in a circle: `a` leads to `b` leads to `c` leads to `a` |  | take away one of these 3 links",
        "5:35 Some(\"cht\") | no pool is called `cht` | the name of a pool | did you mean `chat`?",
        "5:71 Some(\"self\") | pools that spill in a circle: `self` leads to `self` |  | take away this link",
        "5:93 \"chat\" | a second pool is called `chat` | a pool of its own name | ",
        "7:18 \"chatt\" | no pool is called `chatt` | the name of a pool | did you mean `chat`?",
        "8:39 1.5 | the threshold is a share | at most 1 | ",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_file_on_disk_is_found_or_it_is_said_why_not() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("loader");
    fs::create_dir_all(directory.join("presets")).expect("a directory of our own");
    fs::write(directory.join("quiet-day.ron"), "(base: \"cell\")").expect("written");
    fs::write(directory.join("presets/cell.ron"), CELL).expect("written");

    let mut catalogue = Catalogue::from_texts(&[("loud-day.ron", "(base: \"cell\")")]);
    catalogue.add_directory(&directory).expect("readable");
    assert_eq!(catalogue.names().collect::<Vec<_>>(), ["loud-day", "quiet-day"]);
    for name in ["quiet-day", "loud-day"] {
        let source = catalogue.find(name).expect("found");
        let stack = load::<Stack>(source, catalogue.presets(), |_, _| ()).unwrap_or_else(|m| panic!("{m}")).value;
        assert_eq!((stack.pools.len(), stack.base.name()), (3, Some("cell")));
    }
    let path = directory.join("quiet-day.ron");
    assert_eq!(catalogue.find(&path.display().to_string()).expect("a path").text(), "(base: \"cell\")");

    let unknown = catalogue.find("quite-day").expect_err("unknown");
    assert!(
        matches!(unknown, FindError::Unknown { .. }) && unknown.to_string().contains("did you mean `quiet-day`?"),
        "{unknown}"
    );
    let missing = read_file(&directory.join("quiet-dai.ron")).expect_err("missing");
    assert!(
        matches!(missing, ReadError::Missing { .. }) && missing.to_string().contains("did you mean `quiet-day.ron`?"),
        "{missing}"
    );
    let directory_error = read_file(&directory).expect_err("a directory");
    assert!(
        matches!(directory_error, ReadError::Directory { .. })
            && directory_error.to_string().contains("`quiet-day.ron`"),
        "{directory_error}"
    );
    assert!(matches!(catalogue.add_directory(&path), Err(ReadError::NoDirectory { .. })));
    assert!(matches!(catalogue.add_directory(&directory.join("nowhere")), Err(ReadError::Missing { .. })));
}

#[test]
fn the_built_in_files_are_those_of_the_directory() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut on_disk = BTreeMap::new();
    for below in ["", "presets/"] {
        for entry in fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".ron") {
                on_disk.insert(format!("{below}{name}"), fs::read_to_string(entry.path()).expect("text"));
            }
        }
    }
    let built_in: BTreeMap<String, String> = BUILT_IN.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
    assert_eq!(built_in, on_disk, "catalogue::BUILT_IN lists every .ron of scenarios/ and scenarios/presets/");
}

#[test]
fn the_schema_says_what_the_loader_holds_files_to() {
    let schema = json_schema::<Stack>();
    assert_eq!(schema["title"], "Stack");
    assert_eq!(schema["properties"]["base"]["type"], "string");
    assert_eq!(schema["$defs"]["Pool"]["properties"]["share"]["maximum"], 1.0);
}

#[test]
fn nesting_and_numbers_without_end_are_refused_quickly() {
    for open in ["(", "[", "{", "Some(", "A(", "(a:", "[{\"a\":(", "{{"] {
        let text = open.repeat(1_000_000);
        let mistakes = read::<Stack>(&text).expect_err("not a stack");
        assert!(
            mistakes.to_string().contains("nested more than 64 deep"),
            "{open}: {}",
            mistakes.as_slice()[0].message
        );
    }
    let closed = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(read::<Stack>(&closed).expect_err("not a stack").as_slice().len(), 1);
    for number in
        ["1e999", "-1e999", "99999999999999999999", &"9".repeat(100_000), "1e-999999999999", "0x1ffffffffffffffff"]
    {
        for field in ["limits: {\"a\": N}", "weights: [N]", "hedge: Some(N)", "router: Hash(N)"] {
            let text = format!("(name: \"a\", {})", field.replace('N', number));
            match (read::<Stack>(&text), ron::from_str::<Stack>(&text)) {
                (Ok(ours), Ok(theirs)) => assert_eq!(ours.value, theirs),
                (Ok(_), Err(e)) => panic!("{number} in {field}: ron refuses it: {e}"),
                (Err(mistakes), _) => check_mistakes(&mistakes, &text),
            }
        }
    }
    assert!(read::<Stack>(&")".repeat(1_000_000)).is_err());
    assert!(read::<Stack>(&"a ".repeat(1_000_000)).expect_err("no").as_slice().len() <= 30);
    assert!(read::<Stack>(&"(a ".repeat(100_000)).is_err());
    assert!(read::<Stack>(&"/*".repeat(1_000_000)).is_err());
    assert!(read::<Stack>(&"\"\n".repeat(1_000_000)).is_err());
}

/// What every refusal must have: a place within the file, its text there, a message; and it can be drawn.
fn check_mistakes(mistakes: &Mistakes, text: &str) {
    assert!(!mistakes.as_slice().is_empty());
    for d in mistakes.as_slice() {
        let lines: Vec<&str> = text.split('\n').collect();
        assert!(d.line >= 1 && d.line <= lines.len(), "{d:?}");
        assert!(d.column >= 1 && d.column <= lines[d.line - 1].chars().count() + 1, "{d:?}");
        assert!((d.end_line, d.end_column) >= (d.line, d.column), "{d:?}");
        assert!(!d.message.is_empty());
    }
    assert!(!mistakes.render(false).is_empty());
}

/// Things that turn good files into bad ones.
const TOKENS: [&str; 44] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "\\",
    "r#\"",
    "\"#",
    "#",
    "//",
    "/*",
    "*/",
    "\n",
    " ",
    "Some(",
    "None",
    "true",
    "inf",
    "NaN",
    "-",
    "+",
    ".",
    "..",
    "_",
    "0x",
    "1e999",
    "99999999999999999999",
    "1.5",
    "7",
    "b'x'",
    "b\"y\"",
    "Hash(3)",
    "name: ",
    "\u{feff}",
    "é",
    "\u{2028}",
    "\0",
    "u8",
    "=",
];

fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, prop::sample::Index)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8, any::<prop::sample::Index>()), 1..5)
}

fn mutate(text: &str, changes: &[(prop::sample::Index, u8, prop::sample::Index)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, what, how) in changes {
        let at = place.index(chars.len() + 1);
        match what {
            0 => drop(chars.drain(at..(at + 1 + how.index(3)).min(chars.len()).max(at))),
            1 => drop(chars.splice(at..at, TOKENS[how.index(TOKENS.len())].chars())),
            2 => drop(chars.splice(at..(at + 1).min(chars.len()).max(at), TOKENS[how.index(TOKENS.len())].chars())),
            3 => {
                let end = (at + how.index(20)).min(chars.len());
                let copy: Vec<char> = chars[at..end].to_vec();
                drop(chars.splice(end..end, copy));
            }
            _ if at + 1 < chars.len() => chars.swap(at, at + 1),
            _ => {}
        }
    }
    chars.into_iter().collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", any::<String>().prop_map(|s| format!("x{s}"))]
}

fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![(0..1_000_000_u32).prop_map(f64::from), (0.0..1e6_f64).prop_map(|s| (s * 1e3).round() / 1e3)]
}

fn pool() -> impl Strategy<Value = Pool> {
    (text(), any::<u32>(), 0.0..=1.0_f64, prop::option::of(text()), seconds(), any::<bool>()).prop_map(
        |(name, replicas, share, spill, cold, sticky)| Pool {
            name,
            replicas,
            share,
            spill,
            cold_start: SimDuration::from_secs_f64(cold),
            sticky,
        },
    )
}

fn router() -> impl Strategy<Value = Router> {
    prop_oneof![
        Just(Router::RoundRobin),
        Just(Router::LeastLoaded),
        any::<u64>().prop_map(Router::Hash),
        any::<(u32, u32)>().prop_map(|(a, b)| Router::Range(a, b)),
        (-1e9..1e9_f64, any::<Option<u64>>()).prop_map(|(threshold, salt)| Router::CacheAware { threshold, salt }),
        pool().prop_map(|p| Router::Nested(Box::new(p))),
        any::<(u32, bool)>().prop_map(Router::Pair),
    ]
}

fn cause() -> impl Strategy<Value = Cause> {
    (
        text(),
        seconds(),
        (-1e3..1e3_f64, any::<bool>()),
        prop::option::of(text()),
        any::<Option<char>>(),
        prop::option::of(router()),
    )
        .prop_map(|(id, onset, pair, note, mark, how)| Cause {
            id,
            onset: SimTime::from_secs_f64(onset),
            pair,
            note,
            mark,
            how,
        })
}

fn stack() -> impl Strategy<Value = Stack> {
    let some = |n| 0..n;
    (
        text(),
        prop::collection::vec(pool(), some(3)),
        prop::collection::btree_map(text(), any::<u32>(), some(3)),
        prop::option::of(seconds()),
        router(),
        prop::collection::vec(-1e9..1e9_f64, some(4)),
        prop::collection::vec(cause(), some(3)),
    )
        .prop_map(|(name, pools, limits, hedge, router, weights, causes)| Stack {
            base: Base::default(),
            name,
            pools,
            limits,
            hedge: hedge.map(SimDuration::from_secs_f64),
            router,
            weights,
            causes,
        })
}

fn written(stack: &Stack, style: u8) -> String {
    let pretty = ron::ser::PrettyConfig::new();
    match style {
        0 => ron::to_string(stack),
        1 => ron::ser::to_string_pretty(stack, pretty.struct_names(true).separate_tuple_members(true)),
        2 => ron::ser::to_string_pretty(stack, pretty.new_line("\r\n").escape_strings(false)),
        _ => ron::ser::to_string_pretty(stack, pretty.compact_arrays(true).indentor("\t")),
    }
    .expect("a stack can be written")
}

/// Where we are stricter than `ron`, which takes infinities, the last of two entries, extensions, and any depth to 128;
/// and `share` has a range that only the schema knows.
const STRICTER: [&str; 5] =
    ["not a finite number", "a second entry", "extensions of RON", "nested more than", "is out of range"];

/// Holds the loader to `ron` on one text.
fn agree(text: &str) -> Result<(), TestCaseError> {
    match (read::<Stack>(text), ron::from_str::<Stack>(text)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.value, theirs),
        (Ok(ours), Err(e)) => prop_assert!(false, "ron refuses {:?}: {} but we read {:?}", text, e, ours.value),
        (Err(mistakes), theirs) => {
            check_mistakes(&mistakes, text);
            if theirs.is_ok() {
                let known = |d: &Diagnostic| {
                    STRICTER.iter().any(|s| d.message.contains(s)) || d.message == "a string of 0 characters"
                };
                prop_assert!(mistakes.as_slice().iter().all(known), "ron takes {:?}, and we say {}", text, mistakes);
            }
        }
    }
    Ok(())
}

/// Holds the reader to `ron` on one text of whatever type: it finds mistakes where `ron` does, ranges (`1..2`) aside.
fn agree_on_syntax(text: &str) -> Result<(), TestCaseError> {
    let (_, found) = syntax::read(&Arc::new(Source::new("a.ron", text)));
    match ron::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => {
            let known = |d: &Diagnostic| d.message.contains("extensions of RON") || d.text.contains("..");
            prop_assert!(found.is_empty() || found.iter().any(known), "ron takes {:?}, and we say {:?}", text, found);
        }
        Err(e) => prop_assert!(!found.is_empty(), "ron refuses {:?}: {}", text, e),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_ron_writes_is_read_back(stack in stack(), style in 0..4_u8) {
        let text = written(&stack, style);
        let ours = read::<Stack>(&text).map_err(|m| TestCaseError::fail(format!("{text}\n{m}")))?.value;
        prop_assert_eq!(&ours, &ron::from_str::<Stack>(&text).expect("ron reads what it wrote"));
        // Numbers of seconds are rounded to nanoseconds; all else is exact.
        prop_assert_eq!(ours.pools.len(), stack.pools.len());
        prop_assert_eq!(ours.router, stack.router);
    }

    #[test]
    fn changed_files_are_read_or_refused_as_ron_does(stack in stack(), style in 0..4_u8, changes in mutations()) {
        let text = mutate(&written(&stack, style), &changes);
        agree(&text)?;
        agree_on_syntax(&text)?;
    }

    #[test]
    fn changed_presets_never_panic(changes in mutations(), over in mutations()) {
        let files = presets(&[("cell", &mutate(CELL, &changes)), ("small", r#"(base: "cell")"#)]);
        let text = mutate(r#"(base: "small", pools: [(name: "chat", share: 1), Remove("api")], limits: {"free": Remove})"#, &over);
        if let Err(mistakes) = load(Arc::new(Source::new("a.ron", text)), &files, check_pools) {
            prop_assert!(!mistakes.render(true).is_empty());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let source = Arc::new(Source::from_bytes("a.ron", &bytes));
        let text = source.text().to_owned();
        if let Err(mistakes) = load::<Stack>(source, &Presets::new(), check_pools) {
            check_mistakes(&mistakes, &text);
        }
    }

    #[test]
    fn arbitrary_tokens_are_read_or_refused_as_ron_does(tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..40)) {
        agree(&tokens.concat())?;
        agree_on_syntax(&tokens.concat())?;
    }
}
