//! Where there is no display, or none that answers, the program says so in a sentence and does not panic.

use std::process::Command;

use super::desktop::folder;

#[test]
fn without_a_display_it_says_so_and_never_panics() {
    let pictures = folder("start");
    for (display, says) in [(None, "there is no display here"), (Some(":9877"), "the display does not answer")] {
        let mut window = Command::new(env!("CARGO_BIN_EXE_scartissue"));
        window.args(["window", "--tour"]).arg(&pictures).env("SCARTISSUE_DATA", &pictures);
        window.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
        window.envs(display.map(|name| ("DISPLAY", name)));
        let output = window.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(says) && !said.contains("panicked"), "{display:?}: {said}");
        assert_eq!(output.status.code(), Some(3), "{display:?}: the surroundings refuse");
    }
    drop(std::fs::remove_dir_all(&pictures));
}
