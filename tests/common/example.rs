//! Where `cargo test` has put an example.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds an example; builds it where only the test that asks for it was asked for.
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
    let modified = |path: PathBuf| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = ["src", "examples", "examples/replay"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(package.join(folder)).unwrap().map(|file| file.unwrap().path()));
    let newest = sources.filter(|path| path.is_file()).filter_map(modified).max();
    modified(executable.to_owned()).is_some_and(|built| Some(built) > newest)
}

fn build(profile: &Path, example: &str) {
    let target = profile.parent().expect("a profile is in a target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", example, "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(built.success(), "the example cannot be built");
}
