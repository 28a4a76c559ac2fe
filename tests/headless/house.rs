//! Reads the tree and holds it to the rules a machine can see.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of `lib.rs`; each may import only from those before it.
const ORDER: [&str; 15] = [
    "metrics",
    "sim",
    "scenario",
    "telemetry",
    "session",
    "tools",
    "score",
    "scar",
    "assistant",
    "study",
    "report",
    "console",
    "wire",
    "gui",
    "cli",
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&src).expect("below src").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("source is text"))
        })
        .collect()
}

#[test]
fn imports_point_upwards_only() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let module = name.split(['/', '.']).next().unwrap_or_default();
        let Some(rank) = ORDER.iter().position(|m| *m == module) else { continue };
        for (line, code) in text.lines().enumerate() {
            for later in &ORDER[rank + 1..] {
                if code.contains(&format!("crate::{later}::")) || code.contains(&format!("crate::{later};")) {
                    wrong.push(format!("src/{name}:{}: {module} imports {later}", line + 1));
                }
            }
            if module == "sim"
                && code.contains("crate::")
                && !code.contains("crate::sim")
                && !code.contains("crate::metrics")
            {
                wrong.push(format!("src/{name}:{}: sim imports something other than metrics", line + 1));
            }
            if module == "wire" && ["score", "scenario", "report"].iter().any(|m| code.contains(&format!("crate::{m}")))
            {
                wrong.push(format!("src/{name}:{}: wire imports what knows the truth", line + 1));
            }
            // Tools and what serves them reach a run through the wall alone.
            let walled = name.starts_with("wire/mcp")
                || (module == "tools" && !["tools/attempt.rs", "tools/desk.rs"].contains(&name.as_str()));
            const BEHIND: [&str; 8] = [
                "session::store",
                "session::seal",
                "session::play::Session",
                "session::Session",
                "OpenSession",
                "scenario::opened",
                "scenario::file",
                "catalogue",
            ];
            if walled && BEHIND.iter().any(|word| code.contains(word)) {
                wrong.push(format!("src/{name}:{}: reaches behind the wall of tools::attempt", line + 1));
            }
            if module == "metrics" && code.contains("crate::") && !code.contains("crate::metrics") {
                wrong.push(format!("src/{name}:{}: metrics imports something of ours", line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "no //! header: {}", silent.join(", "));
}

#[test]
fn the_pure_modules_touch_no_clock_file_thread_or_global() {
    const BANNED: [&str; 7] =
        ["std::time::", "std::fs", "std::thread", "std::env", "println!", "static mut", "thread_local!"];
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !name.starts_with("sim/") && !name.starts_with("metrics/") {
            continue;
        }
        for (line, code) in text.lines().enumerate() {
            for word in BANNED {
                if code.contains(word) {
                    wrong.push(format!("src/{name}:{}: {word}", line + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
