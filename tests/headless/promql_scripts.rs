//! Prometheus' own scripts of expectations, run by our evaluator. They come from Debian's source package of the version
//! that is installed, and are not kept: where that cannot be had, the test says so and passes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use scartissue::metrics::labels::{Labels, NAME};
use scartissue::metrics::promql::{PromqlError, Query, Value};
use scartissue::metrics::store::{STALE, Store};

/// Expectations that we do not meet, by file and query, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

/// What a script expects of a query.
struct Expectation {
    line: usize,
    query: String,
    at_ms: i64,
    fails: bool,
    ordered: bool,
    number: Option<f64>,
    samples: Vec<(Labels, f64)>,
}

enum Step {
    Clear,
    Load(Vec<(Labels, Vec<(i64, f64)>)>),
    Eval(Expectation),
}

#[test]
fn prometheus_scripts_hold_here() {
    if std::env::var_os("SCARTISSUE_PEERS").is_none() {
        println!("SKIPPED: set SCARTISSUE_PEERS=1 to run Prometheus' own scripts");
        return;
    }
    let work = std::env::temp_dir().join(format!("scartissue-scripts-{}", std::process::id()));
    let scripts = scripts(&work);
    let files = match scripts {
        Ok(files) => files,
        Err(why) => {
            let _ = std::fs::remove_dir_all(&work);
            println!("SKIPPED: {why}");
            return;
        }
    };
    let (mut failures, mut total) = (Vec::new(), 0);
    for file in &files {
        let name = file.file_name().expect("a file").to_string_lossy().to_string();
        let text = std::fs::read_to_string(file).expect("a script is text");
        let (passed, all) = run(&name, &text, &mut failures);
        println!("{name}: {passed} of {all}");
        total += all;
    }
    let _ = std::fs::remove_dir_all(&work);
    println!("{total} expectations, {} not met, {} exceptions", failures.len(), EXCEPTIONS.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(200 < total, "the scripts are shorter than they can be: {total}");
}

/// Runs a script; how many of its expectations are met, of how many.
fn run(name: &str, text: &str, failures: &mut Vec<String>) -> (usize, usize) {
    let (mut passed, mut all) = (0, 0);
    let mut store = Store::default();
    for step in steps(text) {
        match step {
            Step::Clear => store = Store::default(),
            Step::Load(series) => {
                for (labels, points) in series {
                    let id = store.series(&labels);
                    for (t_ms, value) in points {
                        store.append(id, t_ms, value);
                    }
                }
            }
            Step::Eval(expected) => {
                all += 1;
                let excepted = EXCEPTIONS.iter().find(|(file, query, _)| *file == name && *query == expected.query);
                match (met(&expected, &store), excepted) {
                    (Ok(()), None) => passed += 1,
                    (Ok(()), Some(_)) => failures.push(format!("{name}:{}: met, and excepted", expected.line)),
                    (Err(why), None) => failures.push(format!("{name}:{}: {}: {why}", expected.line, expected.query)),
                    (Err(_), Some((_, query, reason))) => println!("{name}: not met: {query}: {reason}"),
                }
            }
        }
    }
    (passed, all)
}

/// Whether an expectation is met at its moment, and in the middle of a range.
fn met(expected: &Expectation, store: &Store) -> Result<(), String> {
    let parsed = Query::parse(&expected.query);
    let value = parsed.clone().and_then(|query| query.eval_at(store, expected.at_ms));
    if expected.fails {
        return value.map_or(Ok(()), |value| Err(format!("it gives {value:?} and should fail")));
    }
    let value = value.map_err(|e| e.to_string())?;
    compare(expected, &value)?;
    if expected.ordered {
        return Ok(());
    }
    let minute = 60_000;
    let lines: Result<_, PromqlError> =
        parsed.and_then(|q| q.eval_range(store, expected.at_ms - minute, expected.at_ms + minute, minute));
    let middle: Vec<(Labels, f64)> = (lines.map_err(|e| format!("over a range: {e}"))?.into_iter())
        .filter_map(|line| Some((line.labels, line.points.iter().find(|p| p.t_ms == expected.at_ms)?.value)))
        .collect();
    let middle = match value {
        Value::Scalar(_) => Value::Scalar(middle.first().map_or(f64::NAN, |(_, value)| *value)),
        _ => vector(middle),
    };
    compare(expected, &middle).map_err(|why| format!("over a range: {why}"))
}

fn vector(samples: Vec<(Labels, f64)>) -> Value {
    use scartissue::metrics::promql::Sample;
    Value::Vector(samples.into_iter().map(|(labels, value)| Sample { labels, value }).collect())
}

fn compare(expected: &Expectation, value: &Value) -> Result<(), String> {
    match value {
        Value::Scalar(number) => match expected.number {
            Some(wanted) if alike(wanted, *number) => Ok(()),
            wanted => Err(format!("{number}, not {wanted:?}")),
        },
        Value::Vector(samples) => {
            for (place, sample) in samples.iter().enumerate() {
                let wanted = expected.samples.iter().position(|(labels, _)| *labels == sample.labels);
                let wanted = wanted.ok_or_else(|| format!("{} is not expected", sample.labels))?;
                if expected.ordered && wanted != place {
                    return Err(format!("{} stands at {place}, not at {wanted}", sample.labels));
                }
                if !alike(expected.samples[wanted].1, sample.value) {
                    return Err(format!("{} is {}, not {}", sample.labels, sample.value, expected.samples[wanted].1));
                }
            }
            let absent = expected.samples.iter().find(|(labels, _)| !samples.iter().any(|s| s.labels == *labels));
            absent.map_or(Ok(()), |(labels, _)| Err(format!("{labels} is missing")))
        }
        other => Err(format!("{other:?} is no number and no vector")),
    }
}

/// As the scripts' own runner compares.
fn alike(a: f64, b: f64) -> bool {
    let apart = (a - b).abs();
    match () {
        () if a.is_nan() && b.is_nan() => true,
        () if a == b => true,
        () if a == 0.0 || b == 0.0 || apart < f64::MIN_POSITIVE => apart < 1e-6 * f64::MIN_POSITIVE,
        () => apart / (a.abs() + b.abs()) < 1e-6,
    }
}

fn steps(text: &str) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut steps = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        let (number, line) = (next + 1, lines[next]);
        next += 1;
        let block = |next: &mut usize| {
            let from = *next;
            *next = (from..lines.len()).find(|n| lines[*n].is_empty()).unwrap_or(lines.len());
            &lines[from..*next]
        };
        if line == "clear" {
            steps.push(Step::Clear);
        } else if let Some(every) = line.strip_prefix("load ") {
            let every_ms = duration_ms(every.trim());
            let mut loaded: Vec<(Labels, Vec<(i64, f64)>)> = Vec::new();
            for (labels, points) in block(&mut next).iter().map(|line| series(line, every_ms)) {
                loaded.retain(|(earlier, _)| *earlier != labels); // of a series given twice the last counts
                loaded.push((labels, points));
            }
            steps.push(Step::Load(loaded));
        } else if line.starts_with("eval") {
            let (command, rest) = line.split_once(char::is_whitespace).expect("a command");
            let (at, query) = match rest.trim().strip_prefix("instant").expect("instants only").trim() {
                rest if rest.starts_with("at ") => {
                    let (at, query) = rest[3..].trim().split_once(char::is_whitespace).expect("a moment and a query");
                    (duration_ms(at), query.trim())
                }
                query => (0, query),
            };
            let mut expected = Expectation {
                line: number,
                query: query.to_string(),
                at_ms: at,
                fails: command == "eval_fail",
                ordered: command == "eval_ordered",
                number: None,
                samples: Vec::new(),
            };
            for line in block(&mut next) {
                match number_of(line) {
                    Some(number) => expected.number = Some(number),
                    None => {
                        let (labels, points) = series(line, 1);
                        expected.samples.push((labels, points[0].1));
                    }
                }
            }
            steps.push(Step::Eval(expected));
        } else if !line.is_empty() {
            panic!("line {number} is no command: {line}");
        }
    }
    steps
}

/// A series with values, one every so often.
fn series(line: &str, every_ms: i64) -> (Labels, Vec<(i64, f64)>) {
    let head_end = match line.find('{') {
        Some(_) => line.find('}').expect("braces close") + 1,
        None => line.find(char::is_whitespace).expect("a name and values"),
    };
    let (head, values) = line.split_at(head_end);
    let (name, inner) = head.split_once('{').unwrap_or((head, "}"));
    let mut pairs = vec![(NAME.to_string(), name.trim().to_string())];
    let mut rest = inner.trim_end_matches('}').trim();
    while let Some((label, tail)) = rest.split_once('=') {
        let value = tail.trim_start().strip_prefix('"').expect("a text in quotes");
        let end = value.find('"').expect("quotes close");
        pairs.push((label.trim().to_string(), value[..end].to_string()));
        rest = value[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    let values = values.split_whitespace().flat_map(values_of);
    let points = values.enumerate().filter_map(|(place, value)| Some((place as i64 * every_ms, value?)));
    (Labels::new(pairs), points.collect())
}

/// `1`, `_`, `stale`, `1x3` (four of them), `_x3` (three), `0+10x3`.
fn values_of(text: &str) -> Vec<Option<f64>> {
    let (what, times) = match text.split_once('x') {
        Some((what, times)) => (what, Some(times.parse::<usize>().expect("a count"))),
        None => (text, None),
    };
    if what == "_" {
        return vec![None; times.unwrap_or(1)];
    }
    if what == "stale" {
        return vec![Some(f64::from_bits(STALE))];
    }
    if let Some(value) = number_of(what) {
        return vec![Some(value); times.unwrap_or(0) + 1];
    }
    let exponent = |place: usize| what[..place].ends_with(['e', 'E']);
    let sign = what.char_indices().skip(1).find(|(place, c)| matches!(c, '+' | '-') && !exponent(*place));
    let (first, by) = what.split_at(sign.expect("a sign").0);
    let (mut value, by) = (number_of(first).expect("a number"), number_of(by).expect("a number"));
    let mut values = Vec::new();
    for _ in 0..=times.expect("a count") {
        values.push(Some(value));
        value += by;
    }
    values
}

fn number_of(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn duration_ms(text: &str) -> i64 {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let mut rest = if text == "0" { "" } else { text };
    let mut total = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).expect("a unit");
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| digits + n);
        let unit = units.iter().find(|(unit, _)| *unit == &rest[digits..unit_end]).expect("a known unit");
        total += rest[..digits].parse::<i64>().expect("a count") * unit.1;
        rest = &rest[unit_end..];
    }
    total
}

/// The scripts of the installed version's source package, unpacked into a directory; or why they cannot be had.
fn scripts(work: &Path) -> Result<Vec<PathBuf>, String> {
    let upstream = said("dpkg-query", &["-W", "-f", "${source:Upstream-Version}", "prometheus"])
        .map_err(|_| "prometheus is not installed as a package".to_string())?;
    let policy = said("apt-cache", &["policy", "prometheus"])?;
    let archives: Vec<&str> = policy.split_whitespace().filter(|word| word.contains("://")).collect();
    for directory in ["etc", "lists/partial", "cache/archives/partial", "source"] {
        std::fs::create_dir_all(work.join(directory)).map_err(|e| e.to_string())?;
    }
    write_source_lists(&archives, &work.join("etc"))?;
    let mut options: Vec<String> = vec!["-o".to_string(), "Dir::Etc::SourceList=/dev/null".to_string()];
    for (name, directory) in [("Dir::Etc::SourceParts", "etc"), ("Dir::State::lists", "lists"), ("Dir::Cache", "cache")]
    {
        options.extend(["-o".to_string(), format!("{name}={}", work.join(directory).display())]);
    }
    let with = |more: &[&str]| -> Vec<String> {
        options.iter().cloned().chain(more.iter().map(|word| word.to_string())).collect()
    };
    said("apt-get", &with(&["update"]))?;
    let known = said("apt-cache", &with(&["showsrc", "prometheus"]))?;
    let mut versions = known.lines().filter_map(|line| line.strip_prefix("Version: "));
    let version = versions.rfind(|v| v.starts_with(&format!("{upstream}-")));
    let version = version.ok_or_else(|| format!("no source package of prometheus {upstream}"))?;
    let source = work.join("source");
    let wanted = format!("prometheus={version}");
    let fetched = Command::new("apt-get")
        .args(with(&["source", "--download-only", &wanted]))
        .current_dir(&source)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !fetched.is_ok_and(|status| status.success()) {
        return Err(format!("the source package of prometheus {version} cannot be fetched"));
    }
    let archive = files(&source).into_iter().find(|f| f.to_string_lossy().contains(".orig.tar"));
    let archive = archive.ok_or("the source package has no archive")?.display().to_string();
    let into = source.display().to_string();
    said("tar", &["xf", &archive, "-C", &into, "--wildcards", "--strip-components=3", "*/promql/testdata/*.test"])?;
    let scripts: Vec<PathBuf> =
        files(&source).into_iter().filter(|f| f.extension().is_some_and(|e| e == "test")).collect();
    if scripts.is_empty() { Err("the source package has no scripts".to_string()) } else { Ok(scripts) }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// What a program says; its last complaint if it fails.
fn said<S: AsRef<std::ffi::OsStr>>(program: &str, args: &[S]) -> Result<String, String> {
    let done = Command::new(program).args(args).output().map_err(|e| format!("{program}: {e}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).to_string());
    }
    let complaint = String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or_default().to_string();
    Err(format!("{program}: {complaint}"))
}

/// The machine's own lists of packages, of those archives that have Prometheus, turned into lists of sources.
fn write_source_lists(archives: &[&str], into: &Path) -> Result<(), String> {
    let mut lists = files(Path::new("/etc/apt/sources.list.d"));
    lists.push(PathBuf::from("/etc/apt/sources.list"));
    let mut written = 0;
    for (number, list) in lists.iter().enumerate() {
        let Ok(text) = std::fs::read_to_string(list) else { continue };
        let wanted = |text: &&str| archives.iter().any(|archive| text.contains(archive.trim_end_matches('/')));
        let (name, sources) = match list.extension().and_then(|e| e.to_str()) {
            Some("sources") => {
                let stanzas: Vec<String> = text.split("\n\n").filter(wanted).map(as_source_stanza).collect();
                (format!("{number}.sources"), stanzas.join("\n\n"))
            }
            Some("list") => {
                let lines = text.lines().filter(|line| line.starts_with("deb ")).filter(wanted);
                let lines: Vec<String> = lines.map(|line| line.replacen("deb ", "deb-src ", 1)).collect();
                (format!("{number}.list"), lines.join("\n"))
            }
            _ => continue,
        };
        if !sources.is_empty() {
            std::fs::write(into.join(name), sources + "\n").map_err(|e| e.to_string())?;
            written += 1;
        }
    }
    if written == 0 { Err("no list of packages names the archive of prometheus".to_string()) } else { Ok(()) }
}

fn as_source_stanza(stanza: &str) -> String {
    let lines = stanza.lines().map(|line| if line.starts_with("Types:") { "Types: deb-src" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}
