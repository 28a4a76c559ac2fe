//! Names this build by its sources: what one build sets aside, only the same build takes up again.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut hasher = DefaultHasher::new();
    for root in ["src", "assets", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={root}");
        let mut files = Vec::new();
        below(Path::new(root), &mut files);
        files.sort();
        for file in files {
            hasher.write(file.to_string_lossy().as_bytes());
            hasher.write(&fs::read(&file).unwrap_or_default());
        }
    }
    println!("cargo::rustc-env=SCARTISSUE_SOURCES={:016x}", hasher.finish());
}

fn below(path: &Path, files: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| below(&entry.path(), files)),
        Err(_) => files.push(path.to_path_buf()),
    }
}
