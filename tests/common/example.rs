//! The executables of the examples.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Returns the path of an example. `cargo test` builds those whose features are on, `cargo test --test
/// NAME` builds none: the others are built here.
pub(crate) fn executable(example: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
    let executable = profile.join("examples").join(format!("{example}{}", env::consts::EXE_SUFFIX));
    if !is_fresh(&executable) {
        build(profile, example);
    }
    executable
}

fn is_fresh(executable: &Path) -> bool {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let newest = ["src", "examples"].into_iter().filter_map(|path| modified(&package.join(path))).max();
    modified(executable).is_some_and(|built| Some(built) > newest)
}

/// Returns when a file was last modified; of a folder, the latest of its files. A package of its own
/// does not count.
fn modified(path: &Path) -> Option<SystemTime> {
    if path.join("Cargo.toml").exists() {
        None
    } else if path.is_dir() {
        fs::read_dir(path).ok()?.filter_map(|entry| modified(&entry.ok()?.path())).max()
    } else {
        fs::metadata(path).and_then(|file| file.modified()).ok()
    }
}

fn build(profile: &Path, example: &str) {
    let target = profile.parent().expect("a profile is in a target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--all-features", "--example", example, "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(built.success(), "the example cannot be built");
}
