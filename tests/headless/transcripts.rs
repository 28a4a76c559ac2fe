//! Whole sessions in the console, word by word. `SCARTISSUE_BLESS=1 cargo test --release transcripts` writes them anew;
//! read the difference before you keep it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Case, seed, and what is typed.
const SESSIONS: [(&str, &str, &str, &[&str]); 4] = [
    (
        "lost-cache",
        "INC-4127",
        "1",
        &[
            "brief",
            "next",
            "ack",
            "alerts",
            "board kv_cache 10m",
            "sql select retry_count, count(*) attempts, count(distinct idempotency_key) wishes from requests group by 1",
            "logs kv-cache since 5m grep member",
            "pin E3 tries, not wishes",
            "pin E4 members were replaced",
            "link E3 against demand.growth",
            "link E4 for kv_cache.membership",
            "believe kv_cache.membership=60 demand.growth=20 other=20",
            "commit kv_cache.membership 70 E3 E4",
            "preview restore-cache-members",
            "arm",
            "act restore-cache-members",
            "update 60% kv_cache.membership 70% \"restoring the members of the cache\" 10",
            "wait 5m",
            "case",
            "looks",
            "end",
            "postmortem",
        ],
    ),
    (
        "record-day",
        "INC-4188",
        "2",
        &[
            "next",
            "ack",
            "sev 2",
            "board overview 15m",
            "sql select client, count(*) n, round(avg(total_ms)) ms from requests group by 1 order by 1",
            "get pods",
            "changes 2h",
            "ask serving queue",
            "exlpore up",
            "explore sum by (pool (up)",
            "commit demand.growth 50 E2",
            "scale general-70b 8",
            "arm",
            "scale general-70b 8",
            "next",
            "get hpa",
            "status",
            "end",
        ],
    ),
    (
        "quiet",
        "INC-4071",
        "1",
        &[
            "next",
            "ack",
            "explore sum(rate(vllm:prefix_cache_hits_total[2m])) / sum(rate(vllm:prefix_cache_queries_total[2m])) over 20m step 60s",
            "sql select tier, round(sum(cached_tokens) * 1.0 / sum(prompt_tokens), 3) found, count(*) n from requests group by 1 order by 1",
            "search hit ratio",
            "read cr-hit-ratio-alert",
            "commit no_fault 90 E2 last",
            "end",
        ],
    ),
    (
        "advised",
        "INC-4231",
        "4",
        &[
            "next",
            "ack",
            "advise",
            "ask-look who sends it?",
            "commit api.image_decoder 70",
            "help advise",
            "ask-look what is the error?",
            "ask-look who sends it?",
            "advise",
            "verify 1",
            "advise sure?",
            "verify 7",
            "advise against E2",
            "pin E2 they belong together",
            "link E2 against sdk.retries",
            "advise against E2",
            "reject",
            "commit demand.growth 70 E1 E2 last",
            "status",
            "end",
        ],
    ),
];

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.txt"))
}

fn played(case: &str, seed: &str, lines: &[&str]) -> String {
    let data = std::env::temp_dir().join(format!("scartissue-transcripts-{}-{case}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    let mut process = Command::new(env!("CARGO_BIN_EXE_scartissue"))
        .args(["play", case, "--seed", seed, "--as", "one", "--data-dir"])
        .arg(&data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut input = process.stdin.take().expect("piped");
    for line in lines {
        writeln!(input, "{line}").expect("it listens");
    }
    drop(input);
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn sessions_read_as_they_did() {
    for (name, case, seed, lines) in SESSIONS {
        let now = played(case, seed, lines);
        if std::env::var_os("SCARTISSUE_BLESS").is_some() {
            std::fs::write(golden(name), &now).expect("it can be written");
            continue;
        }
        let then = std::fs::read_to_string(golden(name)).expect("a transcript is kept");
        let differs = then.lines().zip(now.lines()).enumerate().find(|(_, (a, b))| a != b);
        assert!(
            then == now,
            "{name}.txt, first at line {differs:?}: SCARTISSUE_BLESS=1 cargo test --release transcripts writes it anew"
        );
    }
}
