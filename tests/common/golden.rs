//! Golden files. `UPDATE_GOLDEN=1 cargo test` rewrites them.

use std::env;
use std::fs;
use std::path::Path;

/// Compares a text with a file of the folder `tests`, line by line.
pub(crate) fn assert_golden(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    for (index, (actual, expected)) in actual.lines().zip(expected.lines()).enumerate() {
        assert_eq!(actual, expected, "line {} of {}", index + 1, path.display());
    }
    assert_eq!(actual.lines().count(), expected.lines().count(), "lines of {}", path.display());
}
