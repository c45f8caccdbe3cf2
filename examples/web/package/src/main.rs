//! Builds the npm package in `examples/web/pkg`: compiles the bindings to WebAssembly, generates their
//! JavaScript, and copies the files that are written by hand.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

/// The package of `wasm-opt`.
const BINARYEN: &str = "--package=binaryen@132.0.0";
const TARGET: &str = "wasm32-unknown-unknown";
/// The largest wasm file that is allowed, in bytes.
const MAX_SIZE: u64 = 150_000;

fn main() -> Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the folder of the workspace")?;
    let package = web.join("pkg");
    let generated = package.join("wasm");
    if package.exists() {
        fs::remove_dir_all(&package).context("cannot remove the old package")?;
    }
    fs::create_dir_all(&generated).context("cannot create the package")?;

    let bindings = compile(web)?;
    Bindgen::new()
        .input_path(bindings)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .generate(&generated)?;
    let wasm = generated.join("presence_core_bindings_bg.wasm");
    shrink(&wasm)?;
    for file in fs::read_dir(web.join("js"))? {
        let file = file?;
        fs::copy(file.path(), package.join(file.file_name()))?;
    }
    fs::copy(web.join("README.md"), package.join("README.md"))?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(web.join("../..").join(license), package.join(license))?;
    }

    let size = fs::metadata(&wasm)?.len();
    println!("built {}: the wasm file has {size} bytes", package.display());
    ensure!(size < MAX_SIZE, "the wasm file has {size} bytes, expected fewer than {MAX_SIZE}");
    Ok(())
}

/// Compiles the bindings, and returns the path of the wasm file.
fn compile(web: &Path) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| web.join("target"), PathBuf::from);
    let status = Command::new(cargo)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(web).join("\x1f"))
        .args(["build", "--release", "--package", "presence-core-bindings", "--target", TARGET])
        .arg("--manifest-path")
        .arg(web.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the bindings do not compile. Is the target there? rustup target add {TARGET}"
    );
    Ok(target.join(TARGET).join("release/presence_core_bindings.wasm"))
}

/// Returns the flags of the compiler: inline little, and name no folder of this machine in the file.
fn flags(web: &Path) -> Vec<String> {
    let home = env::home_dir().map(|home| home.join(".cargo"));
    let registry = env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    let folders = [registry, web.ancestors().nth(2).map(Path::to_owned)].into_iter().flatten();
    let remapped = folders.map(|folder| format!("--remap-path-prefix={}=", folder.display()));
    remapped.chain(["-Cllvm-args=--inline-threshold=1".to_owned()]).collect()
}

/// Rewrites the wasm file with `wasm-opt`, as npm has it.
fn shrink(wasm: &Path) -> Result<()> {
    let status = Command::new("npx")
        .args(["--yes", BINARYEN, "--", "wasm-opt", "-Oz"])
        .args(["--strip-debug", "--strip-producers", "--strip-target-features", "--output"])
        .args([wasm, wasm])
        .status()
        .context("cannot run npx, which comes with Node")?;
    ensure!(status.success(), "wasm-opt failed");
    Ok(())
}
